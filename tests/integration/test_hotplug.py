# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks that come and go while Debian's kernel runs."""

import pytest
from qmpclient import QmpError

pytestmark = pytest.mark.linux

CMDLINE = "console=ttyS0 panic=-1 quiet"
SECTORS = 2048


@pytest.fixture
def guest(launch, images):
    """Starts a guest with a shell on its console; returns it and a QMP connection."""
    def start(*args):
        machine = launch("-kernel", images.bzimage, "-initrd", images.initrd, "-append", CMDLINE, *args)
        qmp = machine.qmp()
        machine.console.wait_for("GUEST READY", 60)
        machine.send("PS1=; stty -echo\n")
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
