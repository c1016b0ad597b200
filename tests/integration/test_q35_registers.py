# SPDX-License-Identifier: LGPL-2.1-or-later
"""Registers of the standard machine, as firmware and a kernel would use them: configuration space, address registers, pins."""

import pytest
import testaccel
from pcieslot import (ABP, DLLSC, HIGH, HPIE, ABPE, INDICATOR_BLINK, INDICATOR_OFF, INDICATOR_ON, LNKCAP, PDC, PDCE, PDS, POWER_OFF,
                      SLTCAP, Slot, open_window, set_buses)
from testaccel import (BAR0, CAP_MSIX, CAPABILITIES, COMMAND, COMMAND_MASTER, COMMAND_MEMORY, COMMAND_NO_INTX,
                       ECAM, HEADER_TYPE, PIN, STATUS, Function, ModTest, QTest)
from virtiopci import COMMON, NUMQ, VirtioPci

RNG = ("-device", "virtio-rng-pci,id=rng0,addr=0x5")


@pytest.fixture
def start(launch, tmp_path):
    def start(*args, protocol=QTest, **kwargs):
        return testaccel.start(launch, tmp_path / "test.socket", protocol, *args, **kwargs)
    return start


def cf8(test, device, function, register, size=4):
    test.out(0xCF8, 0x80000000 | device << 11 | function << 8 | register & ~3, 4)
    return test.inp(0xCFC + (register & 3), size)


def test_configuration_space_both_ways(start):
    """ECAM and 0xcf8 show the same; what is not there reads all ones; widths and odd offsets."""
    test = start(*RNG).test
    for device in (0, 5, 31):
        function = Function(test, device)
        for register in range(0, 64, 4):
            assert cf8(test, device, 0, register) == function.get(register, 4)
    assert cf8(test, 5, 0, 2, 2) == Function(test, 5).get(2, 2) == 0x1044
    assert cf8(test, 5, 0, 3, 1) == Function(test, 5).get(3, 1) == 0x10
    assert cf8(test, 5, 1, 0) == Function(test, 5, 1).get(0, 4) == 0xFFFFFFFF
    assert Function(test, 9, bus=3).get(0, 4) == 0xFFFFFFFF
    test.out(0xCF8, 0x00000000, 4)
    assert test.inp(0xCFC, 4) == 0xFFFFFFFF, "without the enable bit there is no access"
    test.out(0xCF8, 0x80002804, 4)
    assert test.inp(0xCF8, 4) == 0x80002804
    test.out(0xCFC, 0x0406, 2)
    assert Function(test, 5).get(COMMAND) == 0x0406


def test_what_can_be_written(start):
    """Ids, class and capabilities stay; command, line and address registers take what they have."""
    test = start(*RNG).test
    function = Function(test, 5)
    before = [function.get(at, 4) for at in range(0, 256, 4)]
    for at in (0x00, 0x08, 0x2C, CAPABILITIES, PIN - 1):
        function.put(at, 0xFFFFFFFF, 4)
    function.put(PIN - 1, 0, 1)
    assert function.get(0, 4) == before[0] and function.get(8, 4) == before[2]
    assert function.get(0x2C, 4) == before[11] and function.get(CAPABILITIES, 1) == before[13] & 0xFF
    function.put(PIN - 1, 0x5A, 1)
    assert function.get(PIN - 1, 2) == 0x015A, "the line is the guest's, the pin is INTA"
    function.put(COMMAND, 0xFFFF)
    assert function.get(COMMAND) & ~0x547 == 0
    function.put(STATUS, 0xFFFF)
    assert function.get(STATUS) & 0x10, "there are capabilities"


def test_bars_are_sized_and_moved(start):
    test = start(*RNG).test
    function = Function(test, 5)
    size, wide, prefetch = function.bar_size(4)
    assert wide and prefetch and size & (size - 1) == 0 and size >= 0x4000
    msix = function.get(function.capability(CAP_MSIX) + 4, 4) & 7
    small, wide, prefetch = function.bar_size(msix)
    assert not wide and not prefetch and small >= 4096

    device = VirtioPci(function, bar=HIGH)
    assert device.get(NUMQ, 2) == 1
    # The whole register is below the new place, half of a move leaves nothing behind.
    for place in (HIGH + 0x40000000, 0xD0000000, HIGH):
        old = device.bar
        function.set_bar(4, place)
        device.bar = place
        assert device.get(NUMQ, 2) == 1
        assert test.get(old + device.places[COMMON][1] + NUMQ, 2) == 0xFFFF
    function.put(COMMAND, COMMAND_MASTER)
    assert device.get(NUMQ, 2) == 0xFFFF, "memory is not decoded"
    function.put(COMMAND, COMMAND_MEMORY)
    assert device.get(NUMQ, 2) == 1


def test_bars_never_cover_ram_or_the_platform(start):
    test = start(*RNG).test
    function = Function(test, 5)
    device = VirtioPci(function, bar=HIGH)
    test.put(0x100000, 0x12345678, 4)
    for place in (0x100000 & ~0xFFFF, ECAM, 0xF0000000):
        function.set_bar(4, place)
        assert test.get(0x100000, 4) == 0x12345678
        assert Function(test, 0).get(0, 4) == 0x29C08086
    function.set_bar(4, HIGH)
    assert device.get(NUMQ, 2) == 1


def test_two_bars_at_one_place(start):
    """The guest may do that; each is there again when the other has gone."""
    test = start(*RNG, "-device", "virtio-balloon-pci,id=b,addr=0x6").test
    rng, balloon = VirtioPci(Function(test, 5), HIGH), VirtioPci(Function(test, 6), HIGH + 0x100000, 0xC0100000)
    assert (rng.get(NUMQ, 2), balloon.get(NUMQ, 2) > 1) == (1, True)
    balloon.function.set_bar(4, HIGH)
    assert test.get(HIGH + NUMQ, 2) != 0xFFFF
    balloon.function.set_bar(4, HIGH + 0x100000)
    assert (rng.get(NUMQ, 2), balloon.get(NUMQ, 2) > 1) == (1, True)


def test_ecam_moves(start):
    """PCIEXBAR of the host bridge: the window is where it says, or nowhere."""
    test = start(*RNG).test
    host = Function(test, 0)
    assert host.get(0x60, 4) & 1 and host.get(0x60, 4) & 0xF0000000 == ECAM
    test.out(0xCF8, 0x80000060, 4)
    test.out(0xCFC, 0xE0000001, 4)
    assert test.get(ECAM, 4) == 0xFFFFFFFF
    assert test.get(0xE0000000, 4) == 0x29C08086
    test.out(0xCFC, 0xE0000000, 4)
    assert test.get(0xE0000000, 4) == 0xFFFFFFFF
    test.out(0xCFC, ECAM | 1, 4)
    assert host.get(0, 4) == 0x29C08086


def test_functions_of_one_device(start):
    test = start("-device", "virtio-rng-pci,addr=0x5,multifunction=on", "-device", "virtio-rng-pci,addr=0x5.0x3").test
    assert Function(test, 5).get(HEADER_TYPE, 1) & 0x80
    assert Function(test, 5, 3).get(0, 4) == 0x10441AF4
    assert Function(test, 5, 1).get(0, 4) == 0xFFFFFFFF


PORTS = ("-device", "pcie-root-port,id=rp1,addr=0x2,chassis=1", "-device", "pcie-root-port,id=rp2,addr=0x3,chassis=2")


def test_bus_numbers_lead_to_what_is_behind_a_port(start):
    test = start(*PORTS, "-device", "virtio-rng-pci,bus=rp2,addr=0x0").test
    port, empty = Function(test, 3), Function(test, 2)
    assert port.get(HEADER_TYPE, 1) & 0x7F == 1
    assert Function(test, 0, bus=7).get(0, 4) == 0xFFFFFFFF
    set_buses(port, 7)
    assert Function(test, 0, bus=7).get(0, 4) == 0x10441AF4
    set_buses(port, 9)
    assert Function(test, 0, bus=7).get(0, 4) == 0xFFFFFFFF
    assert Function(test, 0, bus=9).get(0, 4) == 0x10441AF4
    assert Function(test, 1, bus=9).get(0, 4) == 0xFFFFFFFF, "one device on a link"
    set_buses(empty, 4)
    assert Function(test, 0, bus=4).get(0, 4) == 0xFFFFFFFF


def test_windows_of_a_bridge(start):
    """A register behind a bridge answers only within the bridge's windows, and only with both enabled."""
    test = start(*PORTS, "-device", "virtio-rng-pci,bus=rp2,addr=0x0").test
    port = Function(test, 3)
    set_buses(port, 1)
    open_window(port)
    device = VirtioPci(Function(test, 0, bus=1), HIGH + 0x10000, 0xC1000000)
    assert device.get(NUMQ, 2) == 1
    assert test.get(0xC100000C, 4) == 1, "a masked vector"
    port.put(COMMAND, 0)
    assert device.get(NUMQ, 2) == 0xFFFF
    port.enable()
    device.function.set_bar(4, HIGH - 0x100000)
    assert test.get(HIGH - 0x100000 + NUMQ, 2) == 0xFFFF
    device.function.set_bar(4, HIGH + 0x10000)
    port.put(0x24, 0xFFF0)
    port.put(0x26, 0x0000)
    assert device.get(NUMQ, 2) == 0xFFFF, "base above limit closes the window"
    open_window(port, high=2 * HIGH)
    device.function.set_bar(4, 2 * HIGH)
    device.bar = 2 * HIGH
    assert device.get(NUMQ, 2) == 1


def test_secondary_bus_reset(start):
    """PCI-to-PCI Bridge 1.2 3.2.5.18: what is behind the bridge is as after power-on."""
    test = start(*PORTS, "-device", "virtio-rng-pci,bus=rp2,addr=0x0").test
    port = Function(test, 3)
    set_buses(port, 1)
    open_window(port)
    device = VirtioPci(Function(test, 0, bus=1), HIGH, 0xC1000000)
    device.negotiate()
    assert device.get(20, 1) == 11
    port.put(0x3E, 0x40)
    port.put(0x3E, 0)
    assert device.function.get(COMMAND) == 0 and device.function.get(BAR0 + 4 * 4, 4) & ~0xF == 0
    device = VirtioPci(Function(test, 0, bus=1), HIGH, 0xC1000000)
    assert device.get(20, 1) == 0


def test_slot_capabilities(start):
    test = start(*PORTS, "-device", "pcie-root-port,id=rp3,addr=0x4,chassis=7,port=9,hotplug=off").test
    slot = Slot(test, 2)
    assert slot.port.get(slot.at + 2) >> 4 & 0xF == 4 and slot.port.get(slot.at + 2) & 0x100, "a root port with a slot"
    capabilities = slot.port.get(slot.at + SLTCAP, 4)
    assert capabilities & 0x7F == 0x5B, "button, power controller, indicators, surprise not, hotplug capable"
    assert capabilities & 1 << 18 and capabilities >> 19 == 1
    assert slot.port.get(slot.at + LNKCAP, 4) & 1 << 20
    fixed = Slot(test, 4, bus=3)
    assert fixed.port.get(fixed.at + SLTCAP, 4) & 0x40 == 0
    assert fixed.port.get(fixed.at + LNKCAP, 4) >> 24 == 9


def test_native_hotplug_by_registers(start):
    """The order of PCIe 6.0 6.7.3: presence and button, power, link; button, power off, gone."""
    vm = start(*PORTS)
    test, qmp = vm.test, vm.qmp()
    slot = Slot(test, 2)
    assert slot.status & (PDS | PDC | ABP | DLLSC) == 0 and not slot.link
    qmp.execute("device_add", {"driver": "virtio-rng-pci", "id": "hot", "bus": "rp1"})
    assert slot.status & (PDS | PDC | ABP) == PDS | PDC | ABP
    assert slot.far.get(0, 4) == 0xFFFFFFFF, "no power yet"
    slot.clear(PDC | ABP)
    assert slot.status & (PDS | PDC | ABP) == PDS
    slot.switch_on()
    assert slot.link and slot.status & DLLSC
    slot.clear(DLLSC)
    assert slot.far.get(0, 4) == 0x10441AF4

    qmp.execute("device_del", {"id": "hot"})
    assert slot.status & (ABP | PDC) == ABP
    assert slot.far.get(0, 4) == 0x10441AF4
    slot.clear(ABP)
    slot.set_control(INDICATOR_BLINK)
    slot.set_control(POWER_OFF | INDICATOR_BLINK)
    assert slot.far.get(0, 4) == 0xFFFFFFFF and not slot.link and slot.status & PDS
    slot.set_control(POWER_OFF | INDICATOR_OFF)
    event = qmp.wait_event("DEVICE_DELETED")
    assert event["data"] == {"device": "hot", "path": "/machine/peripheral/hot"}
    assert slot.status & (PDS | PDC) == PDC


def test_a_guest_that_keeps_its_device(start):
    """It blinks, and goes on: the user is told, and may ask again; or it does not answer at all."""
    vm = start(*PORTS, "-device", "virtio-rng-pci,id=kept,bus=rp1")
    test, qmp = vm.test, vm.qmp()
    slot = Slot(test, 2)
    slot.switch_on()
    for _ in range(2):
        qmp.execute("device_del", {"id": "kept"})
        assert slot.status & ABP
        slot.clear(ABP)
    slot.set_control(INDICATOR_BLINK)
    slot.set_control(INDICATOR_ON)
    event = qmp.wait_event("DEVICE_UNPLUG_GUEST_ERROR")
    assert event["data"] == {"device": "kept", "path": "/machine/peripheral/kept"}
    assert slot.far.get(0, 4) == 0x10441AF4
    slot.set_control(INDICATOR_BLINK)
    slot.set_control(INDICATOR_ON)
    qmp.execute("stop")
    qmp.execute("device_del", {"id": "kept"})
    assert slot.status & ABP
    slot.clear(ABP)
    slot.switch_off()
    qmp.execute("cont")
    assert qmp.wait_event("DEVICE_DELETED")["data"]["device"] == "kept"
    assert not [event for event in qmp.events if event["event"] == "DEVICE_UNPLUG_GUEST_ERROR"]


def test_slot_interrupts_by_pin_and_by_message(start):
    """INTA of slot 2 is the third line of the root bus; with MSI-X it is a message."""
    vm = start(*PORTS, protocol=ModTest)
    test, qmp = vm.test, vm.qmp()
    slot = Slot(test, 2)
    slot.set_control(HPIE | ABPE | PDCE | INDICATOR_OFF | POWER_OFF)
    assert not any(test.query_intx(gsi) for gsi in range(24))
    qmp.execute("device_add", {"driver": "virtio-rng-pci", "id": "hot", "bus": "rp1"})
    assert [gsi for gsi in range(16, 24) if test.query_intx(gsi)] == [16 + 2]
    assert slot.port.get(STATUS) & 8, "interrupt status"
    slot.clear(ABP)
    assert test.query_intx(18), "presence is still to be seen to"
    slot.clear(PDC)
    assert not test.query_intx(18)

    table = slot.port.capability(CAP_MSIX)
    slot.port.set_bar(slot.port.get(table + 4, 4) & 7, 0xC0000000)
    slot.port.enable()
    for offset, value in ((0, 0xFEE00000), (4, 0), (8, 0x41), (12, 0)):
        test.put(0xC0000000 + offset, value, 4)
    slot.port.put(table + 2, 0x8000)
    slot.set_control(HPIE | ABPE | INDICATOR_ON)
    qmp.execute("device_del", {"id": "hot"})
    assert test.query_msix(0xFEE00000, 0x41)
    assert not test.query_msix(0xFEE00000, 0x41), "asked for once"
    assert not test.query_intx(18)


def test_pins_of_devices_and_bridges(start):
    """Slot N's INTA is line N of the root bus; behind a bridge it turns with the bridge's slot (PCI-to-PCI Bridge 1.2 9.1)."""
    vm = start("-device", "virtio-rng-pci,addr=0x5", "-device", "virtio-rng-pci,addr=0x6",
               "-device", "pcie-root-port,id=rp,addr=0x7,chassis=1", "-device", "virtio-rng-pci,bus=rp", protocol=ModTest)
    test = vm.test
    port = Function(test, 7)
    set_buses(port, 1)
    open_window(port)
    places = ((Function(test, 5), HIGH * 2, 0xC0000000, 16 + 1), (Function(test, 6), HIGH * 2 + 0x10000, 0xC0010000, 16 + 2),
              (Function(test, 0, bus=1), HIGH, 0xC1000000, 16 + 3))
    for n, (function, bar, msix_bar, gsi) in enumerate(places):
        device = VirtioPci(function, bar, msix_bar)
        queue = start_rng(device, 0x1000000 + n * 0x10000)
        ask(device, queue, 0x2000000)
        testaccel.until(lambda gsi=gsi: test.query_intx(gsi), f"GSI {gsi}")
        assert [other for other in range(16, 24) if test.query_intx(other)] == [gsi]
        assert function.get(STATUS) & 8
        function.put(COMMAND, function.get(COMMAND) | COMMAND_NO_INTX)
        assert not test.query_intx(gsi), "the guest keeps the pin from interrupting"
        function.put(COMMAND, function.get(COMMAND) & ~COMMAND_NO_INTX)
        assert test.query_intx(gsi)
        assert device.isr() == 1
        assert device.isr() == 0, "reading clears"
        assert not test.query_intx(gsi)


def start_rng(device, base):
    device.negotiate()
    queue = device.set_queue(0, base)
    device.go()
    return queue


def ask(device, queue, buffer):
    queue.add((buffer, 64, 2))
    queue.kick()
    queue.take()


def test_pirq_routes_pins_to_the_isa_interrupts(start):
    """ICH9 13.1.14: PIRQ[A-D]_ROUT; bit 7 keeps a pin away. Two pins may share an interrupt."""
    vm = start("-device", "virtio-rng-pci,addr=0x5", "-device", "virtio-rng-pci,addr=0x6", protocol=ModTest)
    test = vm.test
    lpc = Function(test, 31)
    devices = [VirtioPci(Function(test, 5 + n), HIGH + n * 0x10000, 0xC0000000 + n * 0x10000) for n in (0, 1)]
    queues = [start_rng(device, 0x1000000 + n * 0x10000) for n, device in enumerate(devices)]
    for at in range(0x60, 0x64):
        assert lpc.get(at, 1) == 0x80
    lpc.put(0x61, 11, 1)
    lpc.put(0x62, 11, 1)
    for device, queue in zip(devices, queues):
        ask(device, queue, 0x2000000)
    testaccel.until(lambda: test.query_intx(17) and test.query_intx(18), "both pins")
    assert test.query_intx(11)
    assert devices[0].isr() == 1
    assert test.query_intx(11), "the other one is still there"
    lpc.put(0x62, 0x8B, 1)
    assert not test.query_intx(11)
    lpc.put(0x62, 10, 1)
    assert test.query_intx(10) and not test.query_intx(11)
    assert devices[1].isr() == 1
    assert not test.query_intx(10)


@pytest.mark.parametrize("n", [0, 3])
def test_tables_tell_of_the_buses_that_there_are(start, guests, n):
    """MCFG and the root bus' _CRS: Linux goes through all slots of all of them."""
    ports = [word for i in range(n) for word in ("-device", f"pcie-root-port,id=rp{i},chassis={i + 1}")]
    test = start("-kernel", guests / "tiny-pvh.elf", *ports).test
    tables = test.read(0xE0000, 0x20000)
    at = tables.index(b"MCFG")
    assert int.from_bytes(tables[at + 44:at + 52], "little") == ECAM
    assert tables[at + 54:at + 56] == bytes([0, n])
    assert [Function(test, i).get(0x1A, 1) for i in range(1, n + 1)] == list(range(1, n + 1))
    # WordBusNumber: granularity, minimum, maximum, translation, length (ACPI 6.5 6.4.3.5.3)
    assert b"\x88\x0d\x00\x02" in tables
    word = tables.index(b"\x88\x0d\x00\x02")
    assert tables[word + 8:word + 12] == bytes([0, 0, n, 0]) and tables[word + 14:word + 16] == bytes([n + 1, 0])


def test_reset_control_and_power_management(start):
    vm = start(*RNG)
    test, qmp = vm.test, vm.qmp()
    assert test.inp(0x604, 2) & 1, "SCI_EN: there is no legacy mode"
    test.out(0x602, 0x0100, 2)
    assert test.inp(0x602, 2) == 0x0100
    before = test.inp(0x608, 4)
    test.clock_step(10**9)
    assert test.inp(0x608, 4) - before & 0xFFFFFFFF in range(3579545 - 10, 3579545 + 10), "the timer runs at 3.58 MHz"
    test.out(0xCF9, 0x06)
    qmp.wait_event("RESET")
    assert test.inp(0x602, 2) == 0
    test.out(0x604, 0x2000 | 0 << 10, 2)
    event = qmp.wait_event("SHUTDOWN")
    assert event["data"] == {"guest": True, "reason": "guest-shutdown"}
    assert vm.wait() == 0
