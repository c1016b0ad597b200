# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disks on root ports that came or went before a snapshot, by the registers of their ports."""

import testaccel
from pcieslot import ABP, HIGH, PDC, PDS, Slot
from test_q35_hotplug_registers import bring_up
from test_snapshot import save
from testaccel import ModTest, until
from virtiopci import MSI_ADDRESS

PORTS = 4


def go_elsewhere(test, disk, slots):
    """What the driver knows comes along with it."""
    things = [disk, disk.function, *disk.queues, *(thing for slot in slots for thing in (slot.port, slot.far))]
    for thing in things:
        thing.test = test


def test_disks_on_root_ports(launch, tmp_path):
    """One that the driver uses, one that it has not looked at, one that it is asked for, and one that it gave up."""
    data = [bytes([65 + n]) * 512 for n in range(PORTS)]
    for n in range(PORTS):
        (tmp_path / f"image{n}").write_bytes(data[n] * 2)
    ports = [word for n in range(PORTS) for word in ("-device", f"pcie-root-port,id=rp{n},addr={n + 2:#x},chassis={n + 1}")]
    ports += ["-object", "iothread,id=io0"]
    disks = [["-drive", f"file={tmp_path}/image{n},id=disk{n},if=none", "-device",
              f"virtio-blk-pci,drive=disk{n},id=disk{n},bus=rp{n},num-queues=2"] for n in range(PORTS)]
    vm = testaccel.start(launch, tmp_path / "first", ModTest, *ports, *disks[3], *disks[2])
    qmp = vm.qmp()
    slots = [Slot(vm.test, n + 2, bus=n + 1, window=0xC1000000 + n * 0x100000, high=HIGH + (n << 33)) for n in range(PORTS)]
    for n in (1, 0):
        qmp.execute("blockdev-add", {"node-name": f"disk{n}", "driver": "file", "filename": f"{tmp_path}/image{n}"})
        qmp.execute("device_add", {"id": f"disk{n}", "driver": "virtio-blk-pci", "drive": f"disk{n}", "bus": f"rp{n}",
                                   "num-queues": 2})
    disk = bring_up(vm, slots[0], 0)
    assert disk.read(disk.queues[1], 0) == data[0]
    for n in (3, 2):
        slots[n].switch_on()
        qmp.execute("device_del", {"id": f"disk{n}"})
        assert slots[n].status & ABP
    slots[3].clear(ABP)
    slots[3].switch_off()
    assert qmp.wait_event("DEVICE_DELETED")["data"]["device"] == "disk3"
    assert vm.test.query_msix(MSI_ADDRESS, 0x42)
    save(qmp, tmp_path / "template")
    qmp.execute("quit")
    vm.wait()

    vm = testaccel.start(launch, tmp_path / "second", ModTest, *ports, *disks[0], *disks[1], *disks[2],
                         "-incoming", f"file:{tmp_path}/template")
    qmp = vm.qmp()
    go_elsewhere(vm.test, disk, slots)
    assert disk.read(disk.queues[1], 1) == data[0]
    until(lambda: vm.test.query_msix(MSI_ADDRESS, 0x42), "vector 2")
    assert slots[1].status & (PDS | PDC | ABP) == PDS | PDC | ABP
    fresh = bring_up(vm, slots[1], 1)
    assert fresh.read(fresh.queues[0], 0) == data[1]
    slots[2].clear(ABP)
    slots[2].switch_off()
    assert qmp.wait_event("DEVICE_DELETED")["data"]["device"] == "disk2"
    assert slots[3].status & PDS == 0
    qmp.execute("blockdev-add", {"node-name": "disk3", "driver": "file", "filename": f"{tmp_path}/image3"})
    qmp.execute("device_add", {"id": "again", "driver": "virtio-blk-pci", "drive": "disk3", "bus": "rp3", "num-queues": 2})
    fresh = bring_up(vm, slots[3], 3)
    assert fresh.read(fresh.queues[0], 0) == data[3]
    qmp.execute("device_del", {"id": "disk0"})
    slots[0].clear(ABP)
    slots[0].switch_off()
    assert qmp.wait_event("DEVICE_DELETED")["data"]["device"] == "disk0"
