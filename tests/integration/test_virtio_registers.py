# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtio-pci by its registers (VIRTIO 1.2 4.1, 5), driven by a test in the processors' place."""

import os
import socket
import struct

import pytest
import testaccel
from qmpclient import QmpError
from testaccel import ECAM, Function, ModTest, until
from virtiopci import (DEVICE, DF, DFSELECT, GENERATION, GF, GFSELECT, ISR, MSI_ADDRESS, MSIX, NO_VECTOR, NUMQ, Q_ENABLE, Q_MSIX,
                       Q_SELECT, Q_SIZE, STATUS, VERSION_1, WINDOW, WRITE, Disk, VirtioPci)

RINGS, BUFFERS = 0x1000000, 0x4000000
SIZE = 4 << 20


@pytest.fixture
def start(launch, tmp_path):
    def start(*args, **kwargs):
        return testaccel.start(launch, tmp_path / "test.socket", ModTest, *args, **kwargs)
    return start


@pytest.fixture
def disk(start, tmp_path):
    """A VM with a disk at 5.0, its image and the image's path."""
    def start_disk(*args, properties="", drive=""):
        path = tmp_path / "image"
        data = os.urandom(SIZE)
        path.write_bytes(data)
        vm = start("-drive", f"file={path},id=d0,if=none,format=raw{drive}", *args,
                   "-device", f"virtio-blk-pci,drive=d0,id=disk0,addr=0x5{properties}")
        return vm, Disk(Function(vm.test, 5)), data, path
    return start_disk


KINDS = {
    "virtio-blk": (("-drive", "file={file},id=d0,if=none", "-device", "virtio-blk-pci,drive=d0,addr=0x5"), 2, 1),
    "virtio-net": (("-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0,addr=0x5"), 1, 3),
    "virtio-serial": (("-device", "virtio-serial-pci,addr=0x5", "-device", "virtconsole"), 3, 4),
    "virtio-rng": (("-device", "virtio-rng-pci,addr=0x5"), 4, 1),
    "virtio-balloon": (("-device", "virtio-balloon-pci,addr=0x5"), 5, 3),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_starts(start, tmp_path, kind):
    args, number, n_queues = KINDS[kind]
    (tmp_path / "file").write_bytes(bytes(SIZE))
    test = start(*(arg.format(file=tmp_path / "file") for arg in args)).test
    function = Function(test, 5)
    assert function.get(0, 4) == 0x1AF4 | 0x1040 + number << 16
    assert function.get(8, 1) == 1 and function.get(0x2C, 2) == 0x1AF4
    device = VirtioPci(function)
    assert {1, 2, 3, WINDOW} <= set(device.places)
    assert device.features() & VERSION_1
    assert device.get(NUMQ, 2) >= n_queues
    assert device.n_vectors() >= device.get(NUMQ, 2) + 1, "a vector for each queue and one more"
    device.put(STATUS, 1, 1)
    device.put(STATUS, 3, 1)
    for half in (0, 1):
        device.put(GFSELECT, half)
        device.put(GF, 0)
    device.put(STATUS, 11, 1)
    assert device.get(STATUS, 1) == 3, "a driver without VERSION_1 is refused"
    device.negotiate()
    for index in range(device.get(NUMQ, 2)):
        device.set_queue(index, RINGS + index * 0x4000)
    device.go()
    device.put(DFSELECT, 2)
    assert device.get(DF) == 0
    device.put(Q_SELECT, device.get(NUMQ, 2), 2)
    assert device.get(Q_SIZE, 2) == 0, "no such queue"
    device.reset()
    assert device.get(MSIX, 2) == NO_VECTOR


@pytest.mark.parametrize("thread", ["", ",iothread=io0"])
def test_a_vector_for_each_queue(disk, thread):
    vm, device, data, _ = disk("-object", "iothread,id=io0", properties=f",num-queues=4,queue-size=32{thread}")
    test = vm.test
    assert device.get(NUMQ, 2) == 4 and device.config(34, 2) == 4
    assert device.n_vectors() == 5
    device.negotiate(VERSION_1 | 1 << 12)
    for vector in range(5):
        device.set_vector(vector, 0x40 + vector)
    device.use_msix()
    queues = [device.set_queue(n, RINGS + n * 0x4000, vector=n + 1) for n in range(4)]
    assert [queue.size for queue in queues] == [32] * 4
    device.go()
    for n in (2, 0, 3, 1):
        assert device.read(queues[n], 100 + n, 4096) == data[(100 + n) * 512:][:4096]
        until(lambda n=n: test.query_msix(MSI_ADDRESS, 0x41 + n), f"vector {n + 1}")
        assert not [other for other in range(5) if test.query_msix(MSI_ADDRESS, 0x40 + other)]
    assert device.isr() == 0, "messages leave the status alone"
    device.write(queues[0], 8, b"S" * 512)
    assert device.read(queues[1], 8) == b"S" * 512


def test_masked_vectors_are_pending(disk):
    """PCIe 6.0 7.7.2: a vector's own mask, the function's, a message changed while masked, bus mastering."""
    vm, device, data, _ = disk()
    test = vm.test
    device.negotiate()
    device.set_vector(1, 0x51, masked=True)
    device.use_msix()
    queue = device.set_queue(0, RINGS, vector=1)
    device.go()

    device.read(queue, 1)
    until(lambda: device.pending(1), "pending bit")
    assert not test.query_msix(MSI_ADDRESS, 0x51)
    device.set_vector(1, 0x52, address=MSI_ADDRESS + 0x1000)
    until(lambda: test.query_msix(MSI_ADDRESS + 0x1000, 0x52), "unmasked")
    assert not device.pending(1)

    device.use_msix(mask_all=True)
    device.read(queue, 2)
    until(lambda: device.pending(1), "pending bit")
    device.use_msix()
    until(lambda: test.query_msix(MSI_ADDRESS + 0x1000, 0x52), "function unmasked")

    device.read(queue, 3)
    until(lambda: test.query_msix(MSI_ADDRESS + 0x1000, 0x52), "not masked")
    assert not device.pending(1)
    device.function.enable(testaccel.COMMAND_MEMORY)
    device.read(queue, 4)
    until(lambda: device.pending(1), "messages are writes: no bus master, no message")
    assert not test.query_msix(MSI_ADDRESS + 0x1000, 0x52)
    device.function.enable()
    until(lambda: test.query_msix(MSI_ADDRESS + 0x1000, 0x52), "bus master")


def test_vectors_that_are_not_there(disk):
    vm, device, _, _ = disk(properties=",vectors=2")
    assert device.n_vectors() == 2
    device.negotiate()
    device.put(Q_SELECT, 0, 2)
    for vector, got in ((1, 1), (2, NO_VECTOR), (0, 0), (NO_VECTOR, NO_VECTOR)):
        device.put(Q_MSIX, vector, 2)
        assert device.get(Q_MSIX, 2) == got
        device.put(MSIX, vector, 2)
        assert device.get(MSIX, 2) == got
    vm.process.terminate()
    assert vm.wait() == 0


def test_pin_without_msix(disk):
    vm, device, data, _ = disk(properties=",vectors=0")
    assert device.msix == 0
    device.negotiate()
    queue = device.set_queue(0, RINGS)
    device.go()
    assert device.read(queue, 7) == data[7 * 512:8 * 512]
    until(lambda: vm.test.query_intx(17), "INTA of slot 5")
    assert device.isr() == 1
    assert not vm.test.query_intx(17)


def test_configuration_changes_interrupt_by_their_own_vector(start):
    vm = start("-device", "virtio-balloon-pci,addr=0x5,id=b0", memory="256")
    device = VirtioPci(Function(vm.test, 5))
    qmp = vm.qmp()
    device.negotiate()
    for vector in (0, 1):
        device.set_vector(vector, 0x60 + vector)
    device.use_msix()
    device.put(MSIX, 0, 2)
    device.set_queue(0, RINGS, vector=1)
    device.set_queue(1, RINGS + 0x4000, vector=1)
    device.go()
    before = device.get(GENERATION, 1)
    qmp.execute("balloon", {"value": 192 << 20})
    assert vm.test.query_msix(MSI_ADDRESS, 0x60)
    assert not vm.test.query_msix(MSI_ADDRESS, 0x61)
    assert device.get(GENERATION, 1) != before
    assert device.config(0, 4) == 64 << 20 >> 12

    device.function.put(device.msix + 2, 0)
    qmp.execute("balloon", {"value": 128 << 20})
    until(lambda: vm.test.query_intx(17), "by the pin")
    assert device.isr() == 3
    qmp.execute("system_reset")
    qmp.wait_event("RESET")
    assert device.function.get(4) & 7 == 0


def test_the_window_in_configuration_space(disk):
    """VIRTIO 1.2 4.1.4.9: registers without a mapped address register."""
    vm, device, _, _ = disk()
    function, at = device.function, device.places[WINDOW][2]
    function.put(4, 0)
    assert device.get(NUMQ, 2) == 0xFFFF

    def access(offset, size, value=None):
        function.put(at + 4, device.number, 1)
        function.put(at + 8, offset, 4)
        function.put(at + 12, size, 4)
        if value is not None:
            function.put(at + 16, value, size)
        return function.get(at + 16, size)
    assert access(device.places[DEVICE][1], 4) == SIZE // 512
    access(device.places[1][1] + STATUS, 1, 1)
    assert access(device.places[1][1] + STATUS, 1) == 1


@pytest.mark.parametrize("thread", ["", ",iothread=io0"])
def test_reset_while_requests_are_in_flight(disk, thread):
    """When the status reads 0, nothing touches the driver's memory any more; the device starts again."""
    vm, device, data, _ = disk("-object", "iothread,id=io0", properties=thread, drive=",throttling.iops-total=10")
    test = vm.test
    for _ in range(3):
        device.negotiate()
        queue = device.set_queue(0, RINGS, size=64)
        device.go()
        for slot in range(16):
            device.submit(queue, 0, slot, length=4096, slot=slot)
        queue.kick()
        device.reset()
        test.write(RINGS, b"\xa5" * 0x3000)
        test.write(BUFFERS, b"\xa5" * 0x100000)
        test.clock_step(10 * 10**9)
        assert test.read(RINGS, 0x3000) == b"\xa5" * 0x3000
        assert test.read(BUFFERS, 0x100000) == b"\xa5" * 0x100000
    device.negotiate()
    queue = device.set_queue(0, RINGS)
    device.go()
    test.clock_step(10 * 10**9)
    assert device.read(queue, 3) == data[3 * 512:4 * 512]


@pytest.mark.parametrize("thread", ["", ",iothread=io0"])
def test_limits_follow_the_clock(disk, thread):
    """10 requests in a second, and none while the clock stands."""
    vm, device, _, _ = disk("-object", "iothread,id=io0", properties=thread, drive=",throttling.iops-total=10")
    device.negotiate()
    queue = device.set_queue(0, RINGS, size=128)
    device.go()
    vm.test.clock_step(10**9)
    for slot in range(32):
        device.submit(queue, 0, slot, slot=slot)
    queue.kick()
    until(lambda: queue.used_index() > 0, "the burst")
    assert queue.used_index() < 10
    vm.test.clock_step(10**9)
    until(lambda: queue.used_index() >= 10, "a second's worth")
    assert queue.used_index() <= 21
    vm.test.clock_step(60 * 10**9)
    until(lambda: queue.used_index() == 32, "all")


def test_a_broken_ring_needs_a_reset(disk):
    vm, device, data, _ = disk()
    device.negotiate()
    queue = device.set_queue(0, RINGS)
    device.put(MSIX, 0, 2)
    device.go()
    vm.test.write(queue.avail + 4, struct.pack("<H", 9999))
    vm.test.write(queue.avail + 2, struct.pack("<H", 1))
    queue.kick()
    until(lambda: device.get(STATUS, 1) & 0x40, "DEVICE_NEEDS_RESET")
    device.negotiate()
    queue = device.set_queue(0, RINGS)
    device.go()
    assert device.read(queue, 0) == data[:512]


def test_queues_are_set_up_before_the_driver_is_up(disk):
    vm, device, _, _ = disk(properties=",num-queues=2")
    device.negotiate()
    device.set_queue(0, RINGS)
    device.go()
    device.put(Q_SELECT, 1, 2)
    device.put(Q_ENABLE, 1, 2)
    assert device.get(Q_ENABLE, 2) == 0
    device.put(Q_SELECT, 0, 2)
    size = device.get(Q_SIZE, 2)
    device.put(Q_SIZE, 8, 2)
    assert device.get(Q_SIZE, 2) == size


def test_entropy_in_its_time(start):
    """64 bytes in a second."""
    vm = start("-device", "virtio-rng-pci,addr=0x5,max-bytes=64,period=1000")
    device = VirtioPci(Function(vm.test, 5))
    device.negotiate()
    queue = device.set_queue(0, RINGS)
    device.go()
    got = 0
    for n in range(8):
        queue.add((BUFFERS + n * 64, 64, WRITE))
    queue.kick()
    until(lambda: vm.test.clock_step(10**8) and queue.has_used(), "the first")
    before = queue.used_index()
    assert before < 8
    until(lambda: vm.test.clock_step(10**9) and queue.used_index() == 8, "the rest")
    for _ in range(8):
        got += queue.take()[1]
    assert 8 <= got <= 512
    assert vm.test.read(BUFFERS, 512).count(0) < 512


ARP = bytes.fromhex("ffffffffffff525400123456" "0806" "0001" "0800" "06" "04" "0001" "525400123456" "0a00020f"
                    "000000000000" "0a000202")


def test_packets_to_and_from_the_network(start):
    """An ARP request goes out, the answer comes in; the card is user mode networking's."""
    vm = start("-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0,mac=52:54:00:12:34:56,addr=0x5,queue-size=512")
    device = VirtioPci(Function(vm.test, 5))
    device.negotiate(VERSION_1 | 1 << 5)
    assert bytes(vm.test.read(device.at(DEVICE), 6)) == bytes.fromhex("525400123456")
    assert device.get(NUMQ, 2) >= 2
    receive, send = device.set_queue(0, RINGS, size=256), device.set_queue(1, RINGS + 0x4000, size=256)
    device.put(Q_SELECT, 0, 2)
    device.go()
    for n in range(16):
        receive.add((BUFFERS + n * 2048, 2048, WRITE))
    receive.kick()
    vm.test.write(BUFFERS + 0x100000, bytes(12) + ARP.ljust(60, b"\0"))
    send.add((BUFFERS + 0x100000, 12, 0), (BUFFERS + 0x10000C, 60, 0))
    send.kick()
    send.take()
    head, length = receive.take()
    packet = vm.test.read(BUFFERS + head * 2048, length)[12:]
    assert packet[:6] == ARP[6:12] and packet[12:14] == b"\x08\x06" and packet[20:22] == b"\0\x02"
    assert packet[28:32] == bytes([10, 0, 2, 2])


VERSION_1_AND_ANNOUNCE, ANNOUNCE = VERSION_1 | 1 << 17 | 1 << 21, 2


def test_announce_self(start):
    """announce-self sets a bit of the card's status, round after round; its driver acknowledges."""
    vm = start("-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0,id=net0,addr=0x5")
    device = VirtioPci(Function(vm.test, 5))
    device.negotiate(VERSION_1_AND_ANNOUNCE)
    control = device.set_queue(2, RINGS, 64)
    device.go()
    qmp = vm.qmp()

    def announced():
        return device.config(6, 2) & ANNOUNCE != 0

    def acknowledge():
        vm.test.write(BUFFERS, bytes((3, 0, 0xFF)))
        control.add((BUFFERS, 2, 0), (BUFFERS + 2, 1, WRITE))
        control.kick()
        control.take()
        assert vm.test.read(BUFFERS + 2, 1) == b"\0"
    once = {"initial": 1, "max": 10, "rounds": 1, "step": 1}
    qmp.execute("announce-self", {**once, "interfaces": ["other"]})
    assert not announced()
    qmp.execute("announce-self", {**once, "interfaces": ["net0"]})
    assert announced()
    acknowledge()
    assert not announced()
    qmp.execute("announce-self", {**once, "rounds": 1000})
    for _ in range(3):
        acknowledge()
        until(announced, "the next round")
    for wrong in ({"rounds": 0}, {"rounds": 1001}, {"initial": 0}, {"step": 10001}, {"max": -1}):
        with pytest.raises(QmpError, match=f"'{list(wrong)[0]}' expects a number from 1"):
            qmp.execute("announce-self", {**once, **wrong})


DEVICE_READY, PORT_ADD, PORT_READY, CONSOLE_PORT, PORT_OPEN, PORT_NAME = 0, 1, 3, 4, 6, 7


class Console(VirtioPci):
    """virtio-serial with several ports (VIRTIO 1.2 5.3)"""

    def bring_up(self):
        self.negotiate(VERSION_1 | 1 << 1)
        self.n_ports = self.config(4, 4)
        n = 2 * (self.n_ports + 1)
        assert self.get(NUMQ, 2) >= n
        self.queues = [self.set_queue(i, RINGS + i * 0x4000, vector=i + 1 if self.n_vectors() > n else NO_VECTOR)
                       for i in range(n)]
        self.go()
        for i in range(32):
            self.queues[2].add((BUFFERS + i * 256, 256, WRITE))
        self.queues[2].kick()

    def tell(self, port, event, value):
        self.test.write(BUFFERS + 0x8000, struct.pack("<IHH", port, event, value))
        self.queues[3].add((BUFFERS + 0x8000, 8, 0))
        self.queues[3].kick()
        self.queues[3].take()

    def hear(self):
        head, length = self.queues[2].take()
        data = self.test.read(BUFFERS + head % 32 * 256, length)
        return (*struct.unpack("<IHH", data[:8]), data[8:])


def test_many_ports_of_one_serial_device(start, tmp_path):
    """A console and two ports with names and numbers of their own, each with its queues and vectors."""
    paths = {name: str(tmp_path / name) for name in ("c0", "c1", "c2")}
    chardevs = [word for name, path in paths.items()
                for word in ("-chardev", f"socket,id={name},path={path},server=on,wait=off")]
    vm = start(*chardevs, "-device", "virtio-serial-pci,id=vs,addr=0x5", "-device", "virtconsole,chardev=c0,id=p0",
               "-device", "virtserialport,chardev=c1,id=p1,name=org.test.one,nr=4",
               "-device", "virtserialport,chardev=c2,id=p2,name=org.test.two")
    device = Console(Function(vm.test, 5))
    peers = {}
    for name, path in paths.items():
        peers[name] = socket.socket(socket.AF_UNIX)
        peers[name].settimeout(20)
        peers[name].connect(path)
    device.bring_up()
    assert device.n_ports == 5, "the highest number is 4"
    assert device.n_vectors() >= 2 * (device.n_ports + 1) + 1
    device.use_msix()
    for vector in range(13):
        device.set_vector(vector, 0x70 + vector)
    device.tell(0, DEVICE_READY, 1)
    added = sorted(device.hear()[:2] for _ in range(3))
    assert added == [(0, PORT_ADD), (1, PORT_ADD), (4, PORT_ADD)]
    heard = {}
    for port, n in ((0, 2), (1, 2), (4, 2)):
        device.tell(port, PORT_READY, 1)
        heard[port] = [device.hear()[1:] for _ in range(n)]
    assert (CONSOLE_PORT, 1, b"") in heard[0]
    assert (PORT_NAME, 1, b"org.test.two") in [(event, value, name.rstrip(b"\0")) for event, value, name in heard[1]]
    assert (PORT_NAME, 1, b"org.test.one") in [(event, value, name.rstrip(b"\0")) for event, value, name in heard[4]]
    for number, name in ((0, "c0"), (1, "c2"), (4, "c1")):
        rx = 0 if number == 0 else 2 * number + 2
        device.tell(number, PORT_OPEN, 1)
        device.queues[rx].add((BUFFERS + 0x10000, 512, WRITE))
        device.queues[rx].kick()
        peers[name].sendall(f"to {number}".encode())
        _, length = device.queues[rx].take()
        assert vm.test.read(BUFFERS + 0x10000, length) == f"to {number}".encode()
        until(lambda rx=rx: vm.test.query_msix(MSI_ADDRESS, 0x71 + rx), f"vector of queue {rx}")
        vm.test.write(BUFFERS + 0x11000, f"from {number}".encode())
        device.queues[rx + 1].add((BUFFERS + 0x11000, len(f"from {number}"), 0))
        device.queues[rx + 1].kick()
        assert peers[name].recv(100) == f"from {number}".encode()
    for peer in peers.values():
        peer.close()


def test_the_reporting_queue_is_none_when_it_was_not_negotiated(start):
    """Without VIRTIO_BALLOON_F_PAGE_REPORTING and statistics there is no third queue that gives memory away."""
    vm = start("-device", "virtio-balloon-pci,addr=0x5,free-page-reporting=on", memory="256")
    device = VirtioPci(Function(vm.test, 5))
    device.negotiate(VERSION_1)
    queues = [device.set_queue(n, RINGS + n * 0x4000) for n in range(3)]
    device.go()
    vm.test.write(0x6000000, b"precious" * 512)
    queues[2].add((0x6000000, 4096, WRITE))
    queues[2].kick()
    vm.test.write(BUFFERS, struct.pack("<I", 0x7000000 >> 12))
    queues[0].add((BUFFERS, 4, 0))
    queues[0].kick()
    queues[0].take()
    assert vm.test.read(0x6000000, 4096) == b"precious" * 512


def test_reported_pages_go_back_to_the_host(start):
    vm = start("-device", "virtio-balloon-pci,addr=0x5,free-page-reporting=on", memory="256")
    device = VirtioPci(Function(vm.test, 5))
    device.negotiate(VERSION_1 | 1 << 5)
    queues = [device.set_queue(n, RINGS + n * 0x4000) for n in range(3)]
    device.go()
    vm.test.write(0x6000000, b"worthless" * 455)
    queues[2].add((0x6000000, 4096, WRITE))
    queues[2].kick()
    queues[2].take()
    assert vm.test.read(0x6000000, 16) == bytes(16)


def test_addresses_are_those_of_stratovirt(start):
    """The map of addresses that its users' tools know."""
    vm = start("-device", "virtio-rng-pci,addr=0x5", memory="3G")
    test = vm.test
    assert test.get(ECAM, 4) == 0x29C08086
    assert test.get(ECAM + 0xF8000, 4) == 0x29188086
    assert test.get(0xF0000000, 4) == 0, "generic event device"
    for address, ram in ((0x7FFFFFF8, True), (0x80000000, False), (0x100000000, True), (0x13FFFFFF8, True), (0x140000000, False)):
        test.put(address, 0x55, 1)
        assert (test.get(address, 1) == 0x55) == ram, hex(address)
    assert ISR
