# SPDX-License-Identifier: LGPL-2.1-or-later
"""Devices that come and go under I/O, by the registers of their ports: what the guest does, a test does."""

import os

import pytest
import testaccel
from pcieslot import ABP, HIGH, PDC, PDS, Slot
from testaccel import Function, ModTest, until
from virtiopci import MSI_ADDRESS, VERSION_1, Disk

SIZE = 1 << 20
PORTS = 4


@pytest.fixture
def start(launch, tmp_path):
    def start(*args, **kwargs):
        ports = [word for n in range(PORTS) for word in ("-device", f"pcie-root-port,id=rp{n},addr={n + 2:#x},chassis={n + 1}")]
        return testaccel.start(launch, tmp_path / "test.socket", ModTest, *ports, "-object", "iothread,id=io0", *args, **kwargs)
    return start


def count_used(pid):
    """Open descriptors, and KiB that the process wrote to on its heap"""
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as maps:
        name, dirty = "", 0
        for line in maps:
            words = line.split()
            if not words[0].endswith(":"):
                name = words[-1]
            elif words[0] == "Private_Dirty:" and name == "[heap]":
                dirty += int(words[1])
    return len(os.listdir(f"/proc/{pid}/fd")), dirty


def plug(vm, qmp, n, turn, path):
    name = f"disk{turn}.{n}"
    qmp.execute("blockdev-add", {"node-name": name, "driver": "file", "filename": str(path)})
    qmp.execute("device_add", {"id": name, "driver": "virtio-blk-pci", "drive": name, "bus": f"rp{n}", "num-queues": 2,
                               **({"iothread": "io0"} if (n + turn) % 2 else {})})
    return name


def bring_up(vm, slot, n):
    slot.clear(ABP | PDC)
    slot.switch_on()
    assert slot.link
    disk = Disk(Function(vm.test, 0, bus=n + 1), buffers=0x4000000 + n * 0x400000, bar=HIGH + (n << 33),
                msix_bar=0xC1000000 + n * 0x100000)
    disk.negotiate(VERSION_1 | 1 << 12)
    for vector in range(3):
        disk.set_vector(vector, 0x40 + 16 * n + vector)
    disk.use_msix()
    disk.queues = [disk.set_queue(i, 0x1000000 + n * 0x20000 + i * 0x4000, vector=i + 1) for i in range(2)]
    disk.go()
    return disk


def test_two_hundred_times_under_io(start, tmp_path):
    """Four ports, 50 turns; requests are in flight on both queues of each disk when its slot is switched off."""
    path = tmp_path / "image"
    data = os.urandom(SIZE)
    path.write_bytes(data)
    paths = [tmp_path / f"image{n}" for n in range(PORTS)]
    for other in paths:
        other.write_bytes(data)
    vm = start()
    qmp = vm.qmp()
    slots = [Slot(vm.test, n + 2, bus=n + 1, window=0xC1000000 + n * 0x100000, high=HIGH + (n << 33)) for n in range(PORTS)]
    for turn in range(50):
        names = [plug(vm, qmp, n, turn, paths[n]) for n in range(PORTS)]
        disks = [bring_up(vm, slots[n], n) for n in range(PORTS)]
        for n, disk in enumerate(disks):
            assert disk.read(disk.queues[1], turn, 512) == data[turn * 512:][:512]
            until(lambda n=n: vm.test.query_msix(MSI_ADDRESS, 0x40 + 16 * n + 2), "vector 2")
        for disk in disks:
            for i, queue in enumerate(disk.queues):
                for slot in range(16):
                    disk.submit(queue, 0, slot * 8, length=4096, slot=i * 16 + slot)
                queue.kick()
        for n, name in enumerate(names):
            qmp.execute("device_del", {"id": name})
            assert slots[n].status & ABP
            slots[n].clear(ABP)
            slots[n].switch_off()
        # Switched off, it touches memory no more, though it may be there a little longer.
        vm.test.write(0x4000000, b"\xa5" * 0x1000)
        assert vm.test.read(0x4000000, 0x1000) == b"\xa5" * 0x1000
        gone = {qmp.wait_event("DEVICE_DELETED")["data"]["device"] for _ in names}
        assert gone == set(names)
        for name in names:
            qmp.execute("blockdev-del", {"node-name": name})
        used = count_used(vm.pid)
        if turn == 10:
            before = used
    assert used[0] <= before[0], "file descriptors"
    assert used[1] <= before[1] + 256, "KiB of heap"


def test_requests_while_the_slot_is_busy(start, tmp_path):
    """device_del before the guest has looked at the slot at all (it boots), twice, and while the VM is paused."""
    path = tmp_path / "image"
    path.write_bytes(bytes(SIZE))
    vm = start("-drive", f"file={path},id=d0,if=none", "-device", "virtio-blk-pci,drive=d0,id=early,bus=rp0")
    qmp = vm.qmp()
    qmp.execute("device_del", {"id": "early"})
    slot = Slot(vm.test, 2, bus=1)
    assert slot.status & ABP, "the button is seen by the driver that comes later"
    assert slot.far.get(0, 4) == 0x10421AF4
    # Drivers clear what was before their time.
    slot.clear(ABP)
    qmp.execute("stop")
    qmp.execute("device_del", {"id": "early"})
    assert slot.status & ABP
    qmp.execute("cont")
    slot.clear(ABP)
    slot.switch_off()
    assert qmp.wait_event("DEVICE_DELETED")["data"]["device"] == "early"


def test_slot_that_is_off(start, tmp_path):
    """What a guest never switched on, as it boots or has no driver, goes without it."""
    path = tmp_path / "image"
    path.write_bytes(bytes(SIZE))
    vm = start("-drive", f"file={path},id=d0,if=none")
    qmp = vm.qmp()
    slot = Slot(vm.test, 2, bus=1)
    for _ in range(2):
        qmp.execute("device_add", {"driver": "virtio-blk-pci", "drive": "d0", "id": "b0", "bus": "rp0"})
        assert slot.status & (PDS | PDC | ABP) == PDS | PDC | ABP
        qmp.execute("device_del", {"id": "b0"})
        assert qmp.wait_event("DEVICE_DELETED")["data"]["device"] == "b0"
        assert slot.status & PDS == 0
