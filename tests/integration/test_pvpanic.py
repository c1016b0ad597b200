# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a guest's panic leads to: by the register of pvpanic-pci, and with Debian's kernel."""

import pytest
import testaccel
from testaccel import Function, QTest

BAR = 0xC0000000
PANICKED, CRASH_LOADED = 1, 2


@pytest.fixture
def device(launch, tmp_path):
    """Starts a VM whose pvpanic register lies at BAR."""
    def start(*args, events="", **kwargs):
        vm = testaccel.start(launch, tmp_path / "test.socket", QTest, "-device",
                             f"pvpanic-pci,id=p0,addr=0x5{events}", *args, **kwargs)
        function = Function(vm.test, 5)
        assert function.get(0, 4) == 0x00111B36
        assert function.bar_size(0)[0] == 16
        function.set_bar(0, BAR)
        function.enable()
        return vm
    return start


def test_register(device):
    vm = device("-action", "panic=none")
    qmp = vm.qmp()
    assert vm.test.get(BAR, 1) == PANICKED | CRASH_LOADED
    vm.test.put(BAR, CRASH_LOADED, 1)
    assert qmp.wait_event("GUEST_CRASHLOADED")["data"] == {"action": "run"}
    # What is neither tells nothing, nor do other places of the register.
    vm.test.put(BAR, 0xFC, 1)
    vm.test.put(BAR + 1, PANICKED, 1)
    vm.test.put(BAR, PANICKED, 1)
    assert qmp.wait_event("GUEST_PANICKED", "GUEST_CRASHLOADED")["event"] == "GUEST_PANICKED"
    assert qmp.execute("query-status")["status"] == "running"


def test_port(launch, tmp_path):
    """The same on the ISA bus, on both machines."""
    for machine in ("q35", "microvm"):
        vm = testaccel.start(launch, tmp_path / machine, QTest, "-device", "pvpanic,ioport=0x510,events=1" if machine == "microvm"
                             else "pvpanic", "-action", "panic=none", machine=machine)
        qmp, port = vm.qmp(), 0x510 if machine == "microvm" else 0x505
        assert vm.test.inp(port) == (PANICKED if machine == "microvm" else PANICKED | CRASH_LOADED)
        vm.test.out(port, CRASH_LOADED)
        vm.test.out(port, PANICKED)
        first = qmp.wait_event("GUEST_PANICKED", "GUEST_CRASHLOADED")["event"]
        assert first == ("GUEST_PANICKED" if machine == "microvm" else "GUEST_CRASHLOADED")


def test_only_what_is_offered(device):
    vm = device("-action", "panic=pause", events=",events=2")
    qmp = vm.qmp()
    assert vm.test.get(BAR, 1) == CRASH_LOADED
    vm.test.put(BAR, PANICKED, 1)
    vm.test.put(BAR, CRASH_LOADED, 1)
    assert qmp.wait_event("GUEST_PANICKED", "GUEST_CRASHLOADED")["event"] == "GUEST_CRASHLOADED"


def test_pause(device):
    vm = device("-action", "panic=pause")
    qmp = vm.qmp()
    vm.test.put(BAR, PANICKED, 1)
    assert qmp.wait_event("GUEST_PANICKED")["data"] == {"action": "pause"}
    qmp.wait_event("STOP")
    assert qmp.execute("query-status") == {"running": False, "singlestep": False, "status": "guest-panicked"}
    qmp.execute("cont")
    assert qmp.execute("query-status")["status"] == "running"
    qmp.execute("system_reset")
    qmp.wait_event("RESET")
    qmp.execute("cont")
    assert qmp.execute("query-status")["status"] == "running"


@pytest.mark.parametrize("args, action, status", [((), "poweroff", 0), (("-action", "panic=shutdown"), "poweroff", 0),
                                                  (("-action", "panic=exit-failure"), "poweroff", 1)])
def test_end(device, args, action, status):
    vm = device(*args)
    qmp = vm.qmp()
    vm.test.put(BAR, PANICKED, 1)
    assert qmp.wait_event("GUEST_PANICKED")["data"] == {"action": action}
    assert qmp.wait_event("SHUTDOWN")["data"] == {"guest": True, "reason": "guest-panic"}
    assert vm.wait() == status


def test_shutdown_pauses_where_the_process_stays(device):
    vm = device("-no-shutdown")
    qmp = vm.qmp()
    vm.test.put(BAR, PANICKED, 1)
    assert qmp.wait_event("GUEST_PANICKED")["data"] == {"action": "pause"}
    qmp.wait_event("STOP")
    assert qmp.execute("query-status")["status"] == "guest-panicked"


def test_set_action(device):
    vm = device("-action", "panic=none,reboot=shutdown,shutdown=pause")
    qmp = vm.qmp()
    for name, value in (("panic-action", "none"), ("no-reboot", True), ("no-shutdown", True)):
        assert qmp.execute("qom-get", {"path": "/machine", "property": name}) == value
    qmp.execute("set-action", {"panic": "pause", "reboot": "reset", "shutdown": "poweroff"})
    for name, value in (("panic-action", "pause"), ("no-reboot", False), ("no-shutdown", False)):
        assert qmp.execute("qom-get", {"path": "/machine", "property": name}) == value
    vm.test.put(BAR, PANICKED, 1)
    assert qmp.wait_event("GUEST_PANICKED")["data"] == {"action": "pause"}


@pytest.mark.linux
def test_kernel_panics(linux):
    vm = linux("-device", "pvpanic-pci", "-action", "panic=pause", machine="q35", script="""
insmod /lib/modules/pvpanic.ko
insmod /lib/modules/pvpanic-pci.ko
cat /sys/bus/pci/drivers/pvpanic-pci/*/events
echo c > /proc/sysrq-trigger
""")
    qmp = vm.qmp()
    assert qmp.wait_event("GUEST_PANICKED", timeout=100)["data"] == {"action": "pause"}
    assert qmp.execute("query-status")["status"] == "guest-panicked"
    assert vm.console.text.startswith("3\n")
