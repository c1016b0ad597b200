# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tests that take the place of the guest's processors: clients of both protocols, and what firmware does with PCI."""

import contextlib
import socket
import time

from vm import SCALE

ECAM = 0xB0000000
MMIO = 0xC0000000
VENDOR, COMMAND, STATUS, CLASS = 0x00, 0x04, 0x06, 0x08
HEADER_TYPE, BAR0, CAPABILITIES, PIN = 0x0E, 0x10, 0x34, 0x3D
COMMAND_IO, COMMAND_MEMORY, COMMAND_MASTER, COMMAND_NO_INTX = 1, 2, 4, 0x400
CAP_VENDOR, CAP_MSIX, CAP_EXPRESS = 0x09, 0x11, 0x10


class Lines:
    """The VMM's side of a test's socket: it sends lines."""

    def __init__(self, connection):
        self.socket = connection
        self.socket.settimeout(20 * SCALE)
        self._file = connection.makefile("rb")

    def line(self):
        data = self._file.readline()
        assert data.endswith(b"\n"), f"the VMM ended: {data!r}"
        return data[:-1].decode()

    def close(self):
        self._file.close()
        self.socket.close()


class Memory:
    """What both protocols have; subclasses have request(), which returns what follows OK."""

    def read(self, address, length):
        data = bytes.fromhex(self.request(f"read 0x{address:x} 0x{length:x}")[2:])
        assert len(data) == length
        return data

    def write(self, address, data):
        self.request(f"write 0x{address:x} 0x{len(data):x} 0x{bytes(data).hex()}")

    def get(self, address, size):
        return int(self.request(f"read{'bwlq'[size.bit_length() - 1]} 0x{address:x}"), 16)

    def put(self, address, value, size):
        self.request(f"write{'bwlq'[size.bit_length() - 1]} 0x{address:x} 0x{value:x}")

    def clock_step(self, ns=None):
        return int(self.request("clock_step" if ns is None else f"clock_step {ns}"))

    def clock_set(self, ns):
        return int(self.request(f"clock_set {ns}"))


class QTest(Memory):
    """QEMU's protocol. Interrupts that were told of are in @irqs."""

    def __init__(self, connection):
        self.lines = Lines(connection)
        self.irqs = []

    def raw(self, request):
        self.lines.socket.sendall(request.encode() + b"\n")
        while True:
            line = self.lines.line()
            if not line.startswith("IRQ "):
                return line
            self.irqs.append(line[4:])

    def request(self, request):
        status, _, rest = self.raw(request).partition(" ")
        assert status == "OK", f"{request}: {status} {rest}"
        return rest

    def inp(self, port, size=1):
        return int(self.request(f"in{'bwl'[size.bit_length() - 1]} 0x{port:x}"), 16)

    def out(self, port, value, size=1):
        self.request(f"out{'bwl'[size.bit_length() - 1]} 0x{port:x} 0x{value:x}")


class ModTest(Memory):
    """StratoVirt's protocol."""

    def __init__(self, connection):
        self.lines = Lines(connection)

    def raw(self, request):
        self.lines.socket.sendall(request.encode())
        return self.lines.line()

    def request(self, request):
        status, _, rest = self.raw(request).partition(" ")
        assert status == "OK", f"{request}: {status} {rest}"
        return rest

    def _ask(self, request):
        return {"TRUE": True, "FALSE": False}[self.request(request)]

    def query_msix(self, address, data):
        return self._ask(f"query_msix {address} {data}")

    def query_intx(self, gsi):
        return self._ask(f"query_intx {gsi}")

    def eoi_intx(self, gsi):
        return self._ask(f"eoi_intx {gsi}")


def until(condition, what, seconds=20):
    """Work on queues is done beside the test: asks until it is done."""
    limit = time.monotonic() + seconds * SCALE
    while not condition():
        assert time.monotonic() < limit, f"in vain: {what}"


@contextlib.contextmanager
def listen(path):
    server = socket.socket(socket.AF_UNIX)
    server.settimeout(20 * SCALE)
    server.bind(str(path))
    server.listen(1)
    try:
        yield server
    finally:
        server.close()


def start(launch, path, protocol, *args, machine="q35", **kwargs):
    """A VM whose processors are this test, by QTest or ModTest."""
    option = {QTest: ("-accel", "qtest", "-qtest", f"unix:{path}"),
              ModTest: ("-accel", "test", "-mod-test", path)}[protocol]
    with listen(path) as server:
        vm = launch(*option, *args, machine=machine, **kwargs)
        vm.test = protocol(server.accept()[0])
    return vm


class Function:
    """A PCI function, by ECAM."""

    def __init__(self, test, device, function=0, bus=0):
        self.test = test
        self.base = ECAM + (bus << 20) + (device << 15) + (function << 12)

    def get(self, offset, size=2):
        return int.from_bytes(self.test.read(self.base + offset, size), "little")

    def put(self, offset, value, size=2):
        self.test.write(self.base + offset, value.to_bytes(size, "little"))

    def capability(self, wanted, nth=0):
        at = self.get(CAPABILITIES, 1)
        while at:
            if self.get(at, 1) == wanted:
                if nth == 0:
                    return at
                nth -= 1
            at = self.get(at + 1, 1)
        return 0

    def bar_size(self, n):
        """Sizes a register as PCI 3.0 6.2.5.1 says; (size, is 64 bits wide, is prefetchable)"""
        at = BAR0 + 4 * n
        old = self.get(at, 4)
        wide = old & 6 == 4
        self.put(at, 0xFFFFFFFF, 4)
        mask = self.get(at, 4)
        if wide:
            high = self.get(at + 4, 4)
            self.put(at + 4, 0xFFFFFFFF, 4)
            mask |= self.get(at + 4, 4) << 32
            self.put(at + 4, high, 4)
        else:
            mask |= 0xFFFFFFFF << 32
        self.put(at, old, 4)
        return (~(mask & ~0xF) & (1 << 64) - 1) + 1, wide, bool(old & 8)

    def set_bar(self, n, address):
        wide = self.get(BAR0 + 4 * n, 4) & 6 == 4
        self.put(BAR0 + 4 * n, address & 0xFFFFFFFF, 4)
        if wide:
            self.put(BAR0 + 4 * n + 4, address >> 32, 4)

    def enable(self, bits=COMMAND_MEMORY | COMMAND_MASTER):
        self.put(COMMAND, bits)
