# SPDX-License-Identifier: LGPL-2.1-or-later
"""A driver for virtio PCI functions (VIRTIO 1.2 4.1) that runs in a test, see testaccel.py."""

import struct

from testaccel import CAP_MSIX, CAP_VENDOR, COMMAND_MASTER, COMMAND_MEMORY, Function, until

COMMON, NOTIFY, ISR, DEVICE, WINDOW = 1, 2, 3, 4, 5
DFSELECT, DF, GFSELECT, GF, MSIX, NUMQ, STATUS, GENERATION = 0, 4, 8, 12, 16, 18, 20, 21
Q_SELECT, Q_SIZE, Q_MSIX, Q_ENABLE, Q_NOFF, Q_DESC, Q_DRIVER, Q_DEVICE = 22, 24, 26, 28, 30, 32, 40, 48
ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, NEEDS_RESET = 1, 2, 4, 8, 64
VERSION_1, EVENT_IDX, INDIRECT = 1 << 32, 1 << 29, 1 << 28
NO_VECTOR = 0xFFFF
NEXT, WRITE = 1, 2
MSI_ADDRESS = 0xFEE00000


class Queue:
    """A split ring (VIRTIO 1.2 2.7) of @size, at @base in guest memory; takes chains of (address, length, flags)."""

    def __init__(self, device, index, base, size):
        self.device, self.test, self.index, self.size = device, device.test, index, size
        self.desc, self.avail, self.used = base, base + 0x1000, base + 0x2000
        self.added, self.seen, self.free = 0, 0, 0
        self.test.write(base, bytes(0x3000))

    def add(self, *chain):
        assert len(chain) <= self.size
        head = self.free
        for n, (address, length, flags) in enumerate(chain):
            at = (head + n) % self.size
            last = n == len(chain) - 1
            self.test.write(self.desc + 16 * at, struct.pack("<QIHH", address, length,
                                                             flags | (0 if last else NEXT), (at + 1) % self.size))
        self.free = (head + len(chain)) % self.size
        self.test.write(self.avail + 4 + 2 * (self.added % self.size), struct.pack("<H", head))
        self.added += 1
        self.test.write(self.avail + 2, struct.pack("<H", self.added & 0xFFFF))

    def kick(self):
        self.device.notify(self.index)

    def used_index(self):
        return int.from_bytes(self.test.read(self.used + 2, 2), "little")

    def has_used(self):
        return self.used_index() != self.seen & 0xFFFF

    def take(self):
        """Waits for the next used buffer: (head, length)"""
        until(self.has_used, f"queue {self.index} uses a buffer")
        at = self.used + 4 + 8 * (self.seen % self.size)
        self.seen += 1
        return struct.unpack("<II", self.test.read(at, 8))


class VirtioPci:
    """A function with its registers mapped at @bar (and @msix_bar)."""

    def __init__(self, function: Function, bar=0x8000000000, msix_bar=0xC0000000):
        self.function, self.test = function, function.test
        self.bar, self.msix_bar = bar, msix_bar
        self.places = {}
        n = 0
        while at := function.capability(CAP_VENDOR, n):
            kind, number = function.get(at + 3, 1), function.get(at + 4, 1)
            self.places.setdefault(kind, (number, function.get(at + 8, 4), at))
            n += 1
        self.number = self.places[COMMON][0]
        self.multiplier = function.get(self.places[NOTIFY][2] + 16, 4)
        function.set_bar(self.number, bar)
        self.msix = function.capability(CAP_MSIX)
        if self.msix:
            function.set_bar(function.get(self.msix + 4, 4) & 7, msix_bar)
        function.enable(COMMAND_MEMORY | COMMAND_MASTER)

    def at(self, kind, offset=0):
        return self.bar + self.places[kind][1] + offset

    def get(self, register, size=4):
        return self.test.get(self.at(COMMON, register), size)

    def put(self, register, value, size=4):
        self.test.put(self.at(COMMON, register), value, size)

    def config(self, offset, size):
        return self.test.get(self.at(DEVICE, offset), size)

    def isr(self):
        return self.test.get(self.at(ISR), 1)

    def features(self):
        value = 0
        for half in (0, 1):
            self.put(DFSELECT, half)
            value |= self.get(DF) << 32 * half
        return value

    def negotiate(self, features=VERSION_1):
        self.reset()
        self.put(STATUS, ACKNOWLEDGE, 1)
        self.put(STATUS, ACKNOWLEDGE | DRIVER, 1)
        for half in (0, 1):
            self.put(GFSELECT, half)
            self.put(GF, features >> 32 * half & 0xFFFFFFFF)
        self.put(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK, 1)
        assert self.get(STATUS, 1) & FEATURES_OK

    def reset(self):
        self.put(STATUS, 0, 1)
        until(lambda: self.get(STATUS, 1) == 0, "reset")

    def set_queue(self, index, base, size=None, vector=NO_VECTOR):
        self.put(Q_SELECT, index, 2)
        largest = self.get(Q_SIZE, 2)
        size = size or min(largest, 64)
        queue = Queue(self, index, base, size)
        self.put(Q_SIZE, size, 2)
        self.put(Q_MSIX, vector, 2)
        assert self.get(Q_MSIX, 2) == vector
        for register, address in ((Q_DESC, queue.desc), (Q_DRIVER, queue.avail), (Q_DEVICE, queue.used)):
            self.put(register, address & 0xFFFFFFFF)
            self.put(register + 4, address >> 32)
        self.put(Q_ENABLE, 1, 2)
        return queue

    def go(self):
        self.put(STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK, 1)
        assert self.get(STATUS, 1) == ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK

    def notify(self, index):
        self.put(Q_SELECT, index, 2)
        offset = self.get(Q_NOFF, 2) * self.multiplier
        self.test.put(self.at(NOTIFY, offset), index, 2)

    # MSI-X (PCIe 6.0 7.7.2)

    def n_vectors(self):
        return (self.function.get(self.msix + 2) & 0x7FF) + 1

    def use_msix(self, mask_all=False):
        self.function.put(self.msix + 2, 0x8000 | (0x4000 if mask_all else 0))

    def set_vector(self, vector, data, masked=False, address=MSI_ADDRESS):
        entry = self.msix_bar + (self.function.get(self.msix + 4, 4) & ~7) + 16 * vector
        for offset, value in ((0, address & 0xFFFFFFFF), (4, address >> 32), (8, data), (12, int(masked))):
            self.test.put(entry + offset, value, 4)

    def pending(self, vector):
        place = self.msix_bar + (self.function.get(self.msix + 8, 4) & ~7)
        return self.test.get(place + vector // 64 * 8, 8) >> vector % 64 & 1


class Disk(VirtioPci):
    """virtio-blk (VIRTIO 1.2 5.2); @buffers is where requests are put."""

    def __init__(self, function, buffers=0x4000000, **places):
        super().__init__(function, **places)
        self.buffers = buffers

    def submit(self, queue, kind, sector, data=None, length=512, slot=0):
        """Adds a request; its data are at buffers + slot * 64 KiB + 4096, its status byte behind its header."""
        at = self.buffers + slot * 0x10000
        self.test.write(at, struct.pack("<IIQ", kind, 0, sector) + b"\xff")
        if data is not None:
            self.test.write(at + 4096, data)
        queue.add((at, 16, 0), (at + 4096, len(data) if data is not None else length, 0 if data is not None else WRITE),
                  (at + 16, 1, WRITE))

    def status(self, slot=0):
        return self.test.read(self.buffers + slot * 0x10000 + 16, 1)[0]

    def read(self, queue, sector, length=512):
        self.submit(queue, 0, sector, length=length)
        queue.kick()
        queue.take()
        assert self.status() == 0
        return self.test.read(self.buffers + 4096, length)

    def write(self, queue, sector, data):
        self.submit(queue, 1, sector, data)
        queue.kick()
        queue.take()
        assert self.status() == 0
