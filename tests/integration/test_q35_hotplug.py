# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that come and go in root ports while Debian's kernel runs (PCIe native hotplug)."""

import os

import pytest
from qmpclient import QmpError

pytestmark = pytest.mark.linux

SECTORS = 2048
PORTS = [word for n in (1, 2, 3) for word in ("-device", f"pcie-root-port,id=pcie.{n},chassis={n},port={n}")]


@pytest.fixture
def guest(linux):
    """A guest with a shell on its console and three empty root ports; with a QMP connection."""
    def start(*args):
        machine = linux(*PORTS, *args, machine="q35", console="console=ttyS0 quiet panic=-1")
        qmp = machine.qmp()
        machine.console.wait_for("GUEST READY", 60)
        machine.send("PS1=; stty -echo\n")
        return machine, qmp
    return start


def run(machine, script, expect, timeout=60):
    machine.send(f"{script}\n")
    return machine.console.wait_for(expect, timeout)


def plug(qmp, folder, name, bus, **how):
    path = folder / name
    path.write_bytes(name.encode().ljust(SECTORS * 512, b"\0"))
    qmp.execute("blockdev-add", {"node-name": name, "file": {"driver": "file", "filename": str(path)}})
    qmp.execute("device_add", {"id": name, "driver": "virtio-blk-pci", "drive": name, "bus": bus, **how})


def wait_disk(machine, name, address):
    """The disk that says @name is the function at @address."""
    run(machine, f"until d=$(grep -al '^{name}' /dev/vd? 2>/dev/null) && [ -n \"$d\" ]; do usleep 20000; done; "
                 "readlink -f /sys/block/$(basename $d)", f"{address}/virtio")


def wait_deleted(qmp, name):
    event = qmp.wait_event("DEVICE_DELETED", timeout=100)
    assert event["data"] == {"device": name, "path": f"/machine/peripheral/{name}"}


def wait_gone(machine, address):
    run(machine, f"until ! [ -e /sys/bus/pci/devices/{address} ]; do usleep 20000; done; echo {address} left",
        f"{address} left")


def test_disk_comes_and_goes_by_id_and_path(guest, disk_dir):
    machine, qmp = guest()
    plug(qmp, disk_dir, "first", "pcie.1", addr="0x0")
    wait_disk(machine, "first", "0000:01:00.0")
    plug(qmp, disk_dir, "second", "/machine/pcie.0/pcie.2", **{"num-queues": 1})
    wait_disk(machine, "second", "0000:02:00.0")
    for name in ("first", "second"):
        qmp.execute("device_del", {"id": name if name == "first" else f"/machine/peripheral/{name}"})
        wait_deleted(qmp, name)
        qmp.execute("blockdev-del", {"node-name": name})
    wait_gone(machine, "0000:01:00.0")
    wait_gone(machine, "0000:02:00.0")
    plug(qmp, disk_dir, "third", "pcie.1")
    wait_disk(machine, "third", "0000:01:00.0")


def test_under_load_and_while_paused(guest, disk_dir):
    machine, qmp = guest()
    qmp.execute("stop")
    plug(qmp, disk_dir, "busy", "pcie.3")
    qmp.execute("cont")
    wait_disk(machine, "busy", "0000:03:00.0")
    run(machine, "(while dd if=/dev/vda of=/dev/null iflag=direct bs=4k 2>/dev/null; do :; done; "
                 "echo reader ended) & echo started", "^started")
    qmp.execute("stop")
    qmp.execute("device_del", {"id": "busy"})
    qmp.execute("cont")
    wait_deleted(qmp, "busy")
    machine.console.wait_for("reader ended", 60)
    run(machine, "dmesg | grep -ciE 'call trace|BUG:' | sed 's/^/complaints /'", "complaints 0")


def test_what_cannot_be_done_is_refused(guest, disk_dir):
    machine, qmp = guest("-device", "pcie-root-port,id=fixed,chassis=9,hotplug=off")
    plug(qmp, disk_dir, "only", "pcie.1")
    with pytest.raises(QmpError, match="slot 0 function 0 of bus 'pcie.1' is taken by 'only'"):
        plug(qmp, disk_dir, "other", "pcie.1", addr="0x0")
    with pytest.raises(QmpError, match="slot 3 is not available on bus 'pcie.2'"):
        plug(qmp, disk_dir, "another", "pcie.2", addr="0x3")
    with pytest.raises(QmpError, match="Bus 'pcie.0' does not support hotplugging"):
        plug(qmp, disk_dir, "rooted", "pcie.0")
    with pytest.raises(QmpError, match="Bus 'fixed' does not support hotplugging"):
        plug(qmp, disk_dir, "fixed0", "fixed")
    with pytest.raises(QmpError, match="does not support hotplugging"):
        qmp.execute("device_del", {"id": "pcie.1"})
    wait_disk(machine, "only", "0000:01:00.0")


def test_the_guest_that_ignores_a_request_keeps_the_device(guest, disk_dir):
    """No driver listens: the device stays, and a later request succeeds after the next boot."""
    machine, qmp = guest()
    plug(qmp, disk_dir, "kept", "pcie.1")
    wait_disk(machine, "kept", "0000:01:00.0")
    run(machine, "echo 0000:00:01.0:pcie004 > /sys/bus/pci_express/drivers/pciehp/unbind; echo deaf", "^deaf")
    qmp.execute("device_del", {"id": "kept"})
    wait_disk(machine, "kept", "0000:01:00.0")
    assert "kept" in [item["name"] for item in qmp.execute("qom-list", {"path": "/machine/peripheral"})]
    qmp.execute("system_reset")
    machine.console.wait_for("GUEST READY", 60)
    machine.send("PS1=; stty -echo\n")
    wait_disk(machine, "kept", "0000:01:00.0")
    qmp.execute("device_del", {"id": "kept"})
    wait_deleted(qmp, "kept")


def test_queues_and_vectors_in_several_ports(guest, disk_dir):
    """Two queues and three vectors each, registers above 4 GiB, and all of it again when it has gone."""
    machine, qmp = guest("-smp", "2")
    for turn in range(2):
        for n in (1, 2, 3):
            plug(qmp, disk_dir, f"disk{n}", f"pcie.{n}", **{"num-queues": 2})
        for n in (1, 2, 3):
            wait_disk(machine, f"disk{n}", f"0000:0{n}:00.0")
            run(machine, f"cd /sys/bus/pci/devices/0000:0{n}:00.0; echo turn {turn} port {n}: $(ls msi_irqs | wc -l) vectors "
                         "$(ls virtio*/block/vd?/mq | wc -l) queues $(sed -n 5p resource)",
                f"^turn {turn} port {n}: 3 vectors 2 queues 0x0*[1-9a-f][0-9a-f]{{8,15}} 0x[0-9a-f]+ 0x000000000014220c")
        for n in (1, 2, 3):
            qmp.execute("device_del", {"id": f"disk{n}"})
            wait_deleted(qmp, f"disk{n}")
            qmp.execute("blockdev-del", {"node-name": f"disk{n}"})
            wait_gone(machine, f"0000:0{n}:00.0")


def test_unplugged_during_boot(linux, disk_dir):
    """A request that comes before the guest has a driver for the slot is seen to then, or may be repeated."""
    path = disk_dir / "early"
    path.write_bytes(b"early".ljust(SECTORS * 512, b"\0"))
    machine = linux(*PORTS, "-drive", f"file={path},id=early,if=none,format=raw", "-device",
                    "virtio-blk-pci,drive=early,id=early,bus=pcie.1", machine="q35", console="console=ttyS0 quiet panic=-1")
    qmp = machine.qmp()
    qmp.execute("device_del", {"id": "early"})
    machine.console.wait_for("GUEST READY", 60)
    machine.send("PS1=; stty -echo\n")
    if "early" in [item["name"] for item in qmp.execute("qom-list", {"path": "/machine/peripheral"})]:
        qmp.execute("device_del", {"id": "early"})
    wait_deleted(qmp, "early")
    wait_gone(machine, "0000:01:00.0")
    plug(qmp, disk_dir, "late", "pcie.1")
    wait_disk(machine, "late", "0000:01:00.0")


@pytest.mark.slow
def test_two_hundred_times(guest, disk_dir):
    """25 ports, 8 turns, each disk busy when it has to go. Linux leaves five seconds to think again, to all at once."""
    ports = range(1, 26)
    more = [word for n in ports[3:] for word in ("-device", f"pcie-root-port,id=pcie.{n},chassis={n},port={n}")]
    machine, qmp = guest(*more, "-object", "iothread,id=io0")
    for turn in range(8):
        for n in ports:
            plug(qmp, disk_dir, f"disk{turn}.{n}", f"pcie.{n}", **{"throttling.iops-total": 50, "num-queues": 2},
                 **({"iothread": "io0"} if n % 2 else {}))
        run(machine, f"until [ $(grep -al '^disk{turn}[.]' /dev/vd? 2>/dev/null | wc -l) = {len(ports)} ]; do usleep 50000; "
                     f"done; echo all {turn}: $(ls -d /sys/bus/pci/devices/*/msi_irqs/* | wc -l) vectors",
            f"^all {turn}: {len(ports) * 3} vectors")  # one of each port, two of each disk
        # Longer than the guest takes to let go
        run(machine, "for d in /dev/vd?; do setsid dd if=$d of=/dev/null iflag=direct bs=4k </dev/null >/dev/null 2>&1 & done; "
                     f"echo busy {turn}", f"^busy {turn}")
        for n in ports:
            qmp.execute("device_del", {"id": f"disk{turn}.{n}"})
        gone = {qmp.wait_event("DEVICE_DELETED", timeout=200)["data"]["device"] for n in ports}
        assert gone == {f"disk{turn}.{n}" for n in ports}
        for n in ports:
            qmp.execute("blockdev-del", {"node-name": f"disk{turn}.{n}"})
        run(machine, f"while pidof dd >/dev/null; do usleep 20000; done; echo idle {turn}", f"^idle {turn}")
        used = count_used(machine.pid)
        if turn == 1:
            before = used
    run(machine, "dmesg | grep -ciE 'call trace|BUG:' | sed 's/^/complaints /'", "complaints 0")
    assert used[0] <= before[0], "file descriptors"
    assert used[1] <= before[1] + 512, "KiB of memory beside the guest's"


def count_used(pid):
    """Open descriptors, and KiB that the process wrote to beside guest RAM."""
    dirty, size = 0, 0
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as maps:
        for line in maps:
            word, value, *_ = line.split()
            if word == "Size:":
                size = int(value)
            elif word == "Private_Dirty:" and size < 200 << 10:
                dirty += int(value)
    return len(os.listdir(f"/proc/{pid}/fd")), dirty
