# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks that come and go while Debian's kernel runs."""

import subprocess
from pathlib import Path

import pytest
from qmpclient import QmpError

pytestmark = pytest.mark.linux

CMDLINE = "console=ttyS0 panic=-1 quiet"
SECTORS = 2048


def quiet(machine):
    """From here on the console shows only what commands print."""
    machine.send("PS1=; stty -echo; echo QUI''ET\n")
    machine.console.wait_for("QUIET")


@pytest.fixture
def guest(launch, images):
    """Starts a guest with a shell on its console; returns it and a QMP connection."""
    def start(*args):
        machine = launch("-kernel", images.bzimage, "-initrd", images.initrd, "-append", CMDLINE, *args)
        qmp = machine.qmp()
        machine.console.wait_for("GUEST READY", 60)
        quiet(machine)
        return machine, qmp
    return start


def make_disk(folder, name, text):
    path = folder / name
    path.write_bytes(text.encode().ljust(SECTORS * 512, b"\0"))
    return path


def add_disk(qmp, name, path, **how):
    qmp.execute("blockdev-add", {"node-name": name, "file": {"driver": "file", "filename": str(path)}})
    qmp.execute("device_add", {"id": name, "driver": "virtio-blk-mmio", **how})


def remove_disk(qmp, name, what=None):
    qmp.execute("device_del", {"id": what or name})
    event = qmp.wait_event("DEVICE_DELETED", timeout=60)
    assert event["data"] == {"device": name, "path": f"/machine/peripheral/{name}"}
    qmp.execute("blockdev-del", {"node-name": name})


def run(machine, script, expect, timeout=30):
    machine.send(f"{script}\n")
    return machine.console.wait_for(expect, timeout)


def wait_disk(machine, name, text):
    run(machine, f"until [ $(cat /sys/block/{name}/size 2>/dev/null || echo 0) = {SECTORS} ]; do usleep 10000; "
                 f"done; echo \"{name} has $(head -c {len(text)} /dev/{name})\"", f"{name} has {text}")


def wait_gone(machine, name):
    """Linux keeps the driver of an ejected platform device: what is left is a disk without a sector."""
    run(machine, f"until [ $(cat /sys/block/{name}/size) = 0 ]; do usleep 10000; done; echo {name} went",
        f"{name} went")


def test_disk_comes_and_goes(guest, disk_dir):
    machine, qmp = guest()
    first = make_disk(disk_dir, "first", "FIRST123")
    second = make_disk(disk_dir, "second", "SECOND45")
    add_disk(qmp, "drive-0", first, addr="0x1")
    wait_disk(machine, "vda", "FIRST123")
    remove_disk(qmp, "drive-0")
    wait_gone(machine, "vda")
    add_disk(qmp, "drive-1", second, addr=1)
    wait_disk(machine, "vda", "SECOND45")
    remove_disk(qmp, "drive-1", "/machine/peripheral/drive-1")
    wait_gone(machine, "vda")


def open_files(machine):
    return len(list(Path(f"/proc/{machine.pid}/fd").iterdir()))


def threads(machine):
    return len(list(Path(f"/proc/{machine.pid}/task").iterdir()))


def test_reuse_while_another_disk_is_read(guest, disk_dir):
    other = make_disk(disk_dir, "other", "OTHER")
    machine, qmp = guest("-drive", f"id=other,file={other},readonly=on")
    machine.send("(while :; do dd if=/dev/vda of=/dev/null bs=64k 2>/dev/null || echo BRO''KEN; done) &\n")
    before = None
    for i in range(20):
        text = f"DISK-{i:03}"
        add_disk(qmp, "drive-0", make_disk(disk_dir, "image", text), lun=0)
        wait_disk(machine, "vdb", text)
        remove_disk(qmp, "drive-0")
        wait_gone(machine, "vdb")
        before = before or (open_files(machine), threads(machine))
    assert (open_files(machine), threads(machine)) == before
    assert "BROKEN" not in machine.console.text


def ip(*words):
    subprocess.run(["busybox", "ip", *words], check=True)


def test_card_comes_and_goes(guest):
    subprocess.run(["modprobe", "tun"], check=True)
    machine, qmp = guest()
    for i in range(3):
        qmp.execute("netdev_add", {"id": "net-0", "ifname": "svhot0"})
        qmp.execute("device_add", {"id": "net-0", "driver": "virtio-net-mmio", "addr": "0x0",
                                   "mac": f"52:54:00:00:00:0{i}"})
        ip("address", "add", "10.77.0.1/24", "dev", "svhot0")
        ip("link", "set", "svhot0", "up")
        run(machine, "until [ -d /sys/class/net/eth0 ]; do usleep 10000; done; "
                     "ip link set eth0 up; ip address add 10.77.0.2/24 dev eth0 2>/dev/null; "
                     "until ping -c 1 -w 1 10.77.0.1 >/dev/null; do :; done; echo PONG", "PONG", 60)
        qmp.execute("device_del", {"id": "/machine/peripheral/net-0"})
        assert qmp.wait_event("DEVICE_DELETED", timeout=60)["data"]["device"] == "net-0"
        run(machine, "until [ $(cat /sys/class/net/eth0/carrier) = 0 ]; do usleep 10000; done; echo DOWN", "DOWN")
        qmp.execute("netdev_del", {"id": "net-0"})
    for i in range(3):
        qmp.execute("netdev_add", {"id": f"n{i}", "ifname": f"svhot{i}"})
    for i in range(2):
        qmp.execute("device_add", {"id": f"n{i}", "driver": "virtio-net-mmio"})
    refused(qmp, "device_add", {"id": "n2", "driver": "virtio-net-mmio"}, "at most 2 network cards")
    refused(qmp, "device_add", {"id": "n2", "driver": "virtio-net-mmio", "addr": "0x2"},
            "'addr' expects a number from 0x0 to 0x1")


def refused(qmp, command, arguments, words):
    with pytest.raises(QmpError) as caught:
        qmp.execute(command, arguments)
    assert words in caught.value.desc, caught.value.desc
    return caught.value.error_class


def test_what_is_refused(guest, disk_dir):
    machine, qmp = guest()
    for i in range(7):
        path = make_disk(disk_dir, f"disk{i}", f"DISK-{i}")
        qmp.execute("blockdev-add", {"node-name": f"d{i}",
                                     "file": {"driver": "file", "filename": str(path)}})
    add = {"driver": "virtio-blk-mmio", "id": "d0"}
    refused(qmp, "device_add", {**add, "addr": "0x6"}, "'addr' expects a number from 0x0 to 0x5")
    refused(qmp, "device_add", {**add, "addr": "x"}, "'addr' expects")
    refused(qmp, "device_add", {**add, "addr": -1}, "'addr' expects")
    refused(qmp, "device_add", {**add, "lun": 5}, "'lun' expects a number from 0x0 to 0x4")
    refused(qmp, "device_add", {**add, "addr": 1, "lun": 0}, "mutually exclusive")
    refused(qmp, "device_add", {"driver": "virtio-blk-mmio", "id": "nope"}, "nope")
    qmp.execute("device_add", {**add, "addr": "2"})
    wait_disk(machine, "vda", "DISK-0")
    refused(qmp, "device_add", {"driver": "virtio-blk-mmio", "id": "d1", "addr": "0x2"},
            "Slot 0x2 is occupied by '/machine/peripheral/d0'")
    refused(qmp, "device_add", add, "Duplicate device ID 'd0'")
    refused(qmp, "device_add", {"driver": "virtio-blk-mmio", "id": "again", "drive": "d0"}, "d0")
    refused(qmp, "blockdev-del", {"node-name": "d0"}, "in use")
    for i in range(1, 6):
        qmp.execute("device_add", {"driver": "virtio-blk-device", "id": f"d{i}", "drive": f"d{i}"})
    refused(qmp, "device_add", {"driver": "virtio-blk-mmio", "id": "d6"}, "at most 6 disks")
    # One that the guest has not looked at goes without being asked for.
    run(machine, "until [ $(ls /sys/block | grep -c ^vd) = 6 ]; do usleep 10000; done; echo all th''ere", "all there")
    assert refused(qmp, "device_del", {"id": "nope"}, "'nope' not found") == "DeviceNotFound"

    # A guest that does not answer keeps its device; another request is no error.
    qmp.execute("stop")
    qmp.execute("device_del", {"id": "d5"})
    qmp.execute("device_del", {"id": "d5"})
    assert "d5" in [item["name"] for item in qmp.execute("qom-list", {"path": "/machine/peripheral"})]
    qmp.execute("cont")
    assert qmp.wait_event("DEVICE_DELETED", timeout=60)["data"]["device"] == "d5"

    # What was plugged in is found at boot after a reset, like what was there from the beginning.
    qmp.execute("system_reset")
    machine.console.wait_for("GUEST READY", 60)
    quiet(machine)
    run(machine, "cat /sys/block/vd*/size | sort | uniq -c | tr -s ' '", "5 2048")
    qmp.execute("device_del", {"id": "d4"})
    assert qmp.wait_event("DEVICE_DELETED", timeout=60)["data"]["device"] == "d4"
    run(machine, "until cat /sys/block/vd*/size | grep -qx 0; do usleep 10000; done; echo LEFT", "LEFT")
