# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtio-mmio of the light machine by its registers (VIRTIO 1.2 4.2), driven by a test in the processors' place."""

import os
import struct

import pytest
import testaccel
from testaccel import ModTest, until
from virtiopci import VERSION_1, WRITE, Queue

BASE, SIZE, GSI = 0xF0100000, 0x200, 12
MAGIC, VERSION, DEVICE_ID, FEATURES, FEATURES_SEL, TAKEN, TAKEN_SEL = 0x0, 0x4, 0x8, 0x10, 0x14, 0x20, 0x24
Q_SEL, Q_MAX, Q_NUM, Q_READY, NOTIFY, ISR, ACK, STATUS = 0x30, 0x34, 0x38, 0x44, 0x50, 0x60, 0x64, 0x70
Q_DESC, Q_DRIVER, Q_DEVICE, GENERATION, CONFIG = 0x80, 0x90, 0xA0, 0xFC, 0x100
RINGS, BUFFERS = 0x1000000, 0x2000000


@pytest.fixture
def start(launch, tmp_path):
    def start(*args, **kwargs):
        return testaccel.start(launch, tmp_path / "test.socket", ModTest, *args, machine="microvm", **kwargs)
    return start


class Mmio:
    """A virtio-mmio transport and its driver."""

    def __init__(self, test, slot):
        self.test, self.base, self.gsi = test, BASE + slot * SIZE, GSI + slot

    def get(self, register, size=4):
        return self.test.get(self.base + register, size)

    def put(self, register, value, size=4):
        self.test.put(self.base + register, value, size)

    def negotiate(self, features=VERSION_1):
        self.put(STATUS, 0)
        self.put(STATUS, 1)
        self.put(STATUS, 3)
        for half in (0, 1):
            self.put(TAKEN_SEL, half)
            self.put(TAKEN, features >> 32 * half & 0xFFFFFFFF)
        self.put(STATUS, 11)
        assert self.get(STATUS) == 11

    def set_queue(self, index, base, size=64):
        self.put(Q_SEL, index)
        assert self.get(Q_MAX) >= size
        queue = Queue(self, index, base, size)
        self.put(Q_NUM, size)
        for register, address in ((Q_DESC, queue.desc), (Q_DRIVER, queue.avail), (Q_DEVICE, queue.used)):
            self.put(register, address & 0xFFFFFFFF)
            self.put(register + 4, address >> 32)
        self.put(Q_READY, 1)
        assert self.get(Q_READY) == 1
        return queue

    def notify(self, index):
        self.put(NOTIFY, index)


def read_sector(device, queue, sector):
    device.test.write(BUFFERS, struct.pack("<IIQ", 0, 0, sector) + b"\xff")
    queue.add((BUFFERS, 16, 0), (BUFFERS + 4096, 512, WRITE), (BUFFERS + 16, 1, WRITE))
    queue.kick()
    queue.take()
    assert device.test.read(BUFFERS + 16, 1) == b"\0"
    return device.test.read(BUFFERS + 4096, 512)


def test_a_disk_by_its_registers(start, tmp_path):
    data = os.urandom(1 << 20)
    (tmp_path / "image").write_bytes(data)
    vm = start("-drive", f"file={tmp_path}/image,id=d0,if=none", "-device", "virtio-blk-device,drive=d0")
    device = Mmio(vm.test, 0)
    assert (device.get(MAGIC), device.get(VERSION), device.get(DEVICE_ID)) == (0x74726976, 2, 2)
    assert device.get(CONFIG, 8) == (1 << 20) // 512
    device.put(FEATURES_SEL, 1)
    assert device.get(FEATURES) & 1
    device.negotiate()
    queue = device.set_queue(0, RINGS)
    device.put(STATUS, 15)
    for sector in (0, 7, 2047):
        assert read_sector(device, queue, sector) == data[sector * 512:][:512]
        until(lambda: vm.test.query_intx(device.gsi), "an edge")
        assert device.get(ISR) == 1
        device.put(ACK, 1)
        assert device.get(ISR) == 0
        assert vm.test.eoi_intx(device.gsi)
        assert not vm.test.query_intx(device.gsi)
    device.put(STATUS, 0)
    assert device.get(STATUS) == 0 and device.get(Q_READY) == 0


def test_a_placeholder_becomes_a_disk(start, tmp_path):
    """What a kernel without ACPI finds in a spare slot: a disk without a sector, until one is plugged in."""
    data = os.urandom(1 << 20)
    (tmp_path / "image").write_bytes(data)
    vm = start()
    qmp = vm.qmp()
    slots = [Mmio(vm.test, n) for n in range(11)]
    device = next(slot for slot in slots if slot.get(DEVICE_ID) == 2)
    device.negotiate()
    queue = device.set_queue(0, RINGS)
    device.put(STATUS, 15)
    assert device.get(CONFIG, 8) == 0
    before = device.get(GENERATION)
    qmp.execute("blockdev-add", {"node-name": "d0", "driver": "file", "filename": str(tmp_path / "image")})
    qmp.execute("device_add", {"id": "d0", "driver": "virtio-blk-mmio", "addr": "0x0"})
    until(lambda: device.get(ISR) & 2, "configuration change")
    assert device.get(GENERATION) != before
    assert device.get(CONFIG, 8) == (1 << 20) // 512
    assert device.get(STATUS) == 15
    device.put(ACK, 2)
    assert read_sector(device, queue, 5) == data[5 * 512:6 * 512]


def test_ports_and_slots_where_nothing_is(start):
    vm = start()
    assert vm.test.get(BASE + 11 * SIZE, 4) in (0, 0xFFFFFFFF)
    assert vm.test.get(0xB0000000, 4) == 0xFFFFFFFF, "there is no PCI"
