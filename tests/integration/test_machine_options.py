# SPDX-License-Identifier: LGPL-2.1-or-later
"""-rtc, -boot and -global, by registers and by the object tree."""

import itertools

import pytest
import testaccel
from testaccel import QTest


@pytest.fixture
def start(launch, tmp_path):
    paths = (tmp_path / f"test{n}.socket" for n in itertools.count())
    return lambda *args, **kwargs: testaccel.start(launch, next(paths), QTest, *args, **kwargs)


def clock(test):
    """Century, year, month, day, hour, minute and second, as digits"""
    digits = ""
    for register in (0x32, 9, 8, 7, 4, 2, 0):
        test.out(0x70, register)
        digits += f"{test.inp(0x71):02x}"
    return digits


def test_rtc_base_and_clock(start):
    """The clock of the VM stands while the VM does."""
    vm = start("-rtc", "base=2026-01-31T12:34:56,clock=vm")
    qmp = vm.qmp()
    assert clock(vm.test) == "20260131123456"
    vm.test.clock_step(3 * 10**9)
    assert clock(vm.test) == "20260131123459"
    qmp.execute("stop")
    vm.test.clock_step(100 * 10**9)
    qmp.execute("cont")
    vm.test.clock_step(10**9)
    assert clock(vm.test) == "20260131123500"


def set_clock(test, *, stop, **registers):
    """As a driver does: stops the clock, writes, lets it run; or without stopping it."""
    if stop:
        test.out(0x70, 0x0B)
        test.out(0x71, 0x82)
    for register, value in registers.items():
        test.out(0x70, {"minute": 2, "hour": 4, "day": 7}[register])
        test.out(0x71, value)
    if stop:
        test.out(0x70, 0x0B)
        test.out(0x71, 0x02)


@pytest.mark.parametrize("machine", ["microvm", "q35"])
def test_clock_set_by_the_guest(start, machine):
    """Whoever keeps the VM's clock for its next start hears of it, once a second at most."""
    vm = start("-rtc", "base=2026-01-31T12:34:56,clock=vm", machine=machine)
    qmp = vm.qmp()
    set_clock(vm.test, stop=True, hour=0x13, minute=0x36)
    data = qmp.wait_event("RTC_CHANGE")["data"]
    assert data["offset"] == 3600 + 120
    assert get(qmp, data["qom-path"], "type").startswith("mc146818rtc")
    set_clock(vm.test, stop=False, day=0x30)
    set_clock(vm.test, stop=False, day=0x29)
    assert qmp.wait_event("RTC_CHANGE")["data"]["offset"] == 3600 + 120 - 2 * 86400


def get(qmp, path, name):
    return qmp.execute("qom-get", {"path": path, "property": name})


def test_boot(start):
    qmp = start("-boot", "order=dc,menu=on,strict=on").qmp()
    assert [get(qmp, "/machine", f"boot-{name}") for name in ("order", "menu", "strict")] == ["dc", True, True]


def test_global(start):
    """For what the user makes and what the machine makes; what a device is told itself comes first."""
    vm = start("-global", "virtio-rng-pci.max-bytes=77", "-global", "virtio-rng-pci.max-bytes=78", "-global",
               "virtio-rng-device.period=2000", "-global", "driver=mc146818rtc,property=base,value=2001-02-03", "-global", "kvm-pit.lost_tick_policy=delay",
               "-device", "virtio-rng-pci,id=a", "-device", "virtio-rng-pci,id=b,max-bytes=5")
    qmp = vm.qmp()
    assert get(qmp, "/machine/peripheral/a", "max-bytes") == 78
    assert get(qmp, "/machine/peripheral/b", "max-bytes") == 5
    assert get(qmp, "/machine/peripheral/a", "period") == 2000, "what is said of the device behind a transport"
    assert clock(vm.test) == "20010203000000"
    assert "there is no device 'kvm-pit'" in vm.stderr.text


def test_memory_back_ends(start):
    """What query-memdev tells is what the back ends were made with, machine's own included."""
    vm = start("-object", "memory-backend-ram,id=m0,size=128M,host-nodes=0,policy=bind,merge=off",
               "-numa", "node,memdev=m0", memory="128")
    qmp = vm.qmp()
    assert qmp.execute("query-memdev") == [
        {"id": "m0", "size": 128 << 20, "merge": False, "dump": True, "prealloc": False, "share": False, "reserve": True,
         "host-nodes": [0], "policy": "bind"}]
    with open(f"/proc/{vm.pid}/numa_maps", encoding="ascii") as maps:
        assert [line.split()[1] for line in maps if "default" not in line.split()[1:2]] == ["bind:0"]
    own = start("-machine", "mem-share=on", memory="256").qmp().execute("query-memdev")
    assert [(entry["size"], entry["share"], entry["host-nodes"], entry["policy"]) for entry in own] == [
        (256 << 20, True, [], "default")]
