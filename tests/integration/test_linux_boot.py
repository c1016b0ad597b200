# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's stock kernel reaches its user space and ends properly."""

import re

import pytest

pytestmark = pytest.mark.linux

REPORT = """
echo "cpus $(nproc) $(grep -c ^processor /proc/cpuinfo)"
echo "memory $(awk '/MemTotal/ {print $2}' /proc/meminfo)"
echo "clock $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
echo "rtc $(cat /sys/class/rtc/rtc0/since_epoch)"
echo "words $(cat /proc/cmdline)"
dmesg | grep -iE 'acpi (bios )?(error|warning|exception)|firmware bug|call trace|BUG:|soft lockup' \
  | sed 's/^/complaint /'
poweroff -f
"""


@pytest.mark.parametrize("kernel, cpus", [("bzimage", 1), ("vmlinux", 2), ("raw", 1),
                                          ("vmlinux", 8)])
def test_boots_to_user_space(linux, kernel, cpus):
    vm = linux("-smp", str(cpus), kernel=kernel, script=REPORT, words="some=word")
    assert vm.wait(30) == 0
    text = vm.console.text
    assert f"cpus {cpus} {cpus}\n" in text
    memory = int(re.search(r"^memory (\d+)$", text, re.M)[1])
    assert 190_000 < memory < 262_144
    assert "clock kvm-clock" in text
    assert re.search(r"^rtc [1-9]\d+$", text, re.M)
    assert "some=word" in re.search(r"^words (.*)$", text, re.M)[1]
    assert "complaint" not in text
    assert "reboot: Power down" in text


def test_kernel_messages_on_the_console(linux):
    vm = linux(console="console=ttyS0", script="echo done; poweroff -f")
    assert vm.wait(30) == 0
    text = vm.console.text
    assert "Linux version 6." in text
    assert "Hypervisor detected: KVM" in text
    assert re.search(r"ACPI: .*DSDT|ACPI: DSDT", text)
    assert "ttyS0 at I/O 0x3f8" in text
    # A kernel that is loaded on top of its log shows it by broken lines.
    assert re.search(r"Run /init as init process", text)


def test_large_memory(linux):
    """RAM on both sides of the gap below 4 GiB."""
    vm = linux(script="free -m; echo total $(awk '/MemTotal/ {print $2}' /proc/meminfo); poweroff -f",
               memory="6G")
    assert vm.wait(30) == 0
    total = int(re.search(r"^total (\d+)$", vm.console.text, re.M)[1])
    assert 5_800_000 < total < 6 * 1024 * 1024


def test_shell_on_the_serial_console(linux):
    vm = linux()
    vm.console.wait_for("GUEST READY", 30)
    vm.send("echo answer $((6 * 7))\n")
    vm.console.wait_for("answer 42")
    long = "x" * 700
    vm.send(f"echo {long} | wc -c\n")
    vm.console.wait_for(r"^701\r?$", 30)
    vm.send("poweroff -f\n")
    assert vm.wait(30) == 0


def test_reboot_in_place_then_power_off(linux):
    """The same process boots the guest again."""
    vm = linux("-smp", "2", script="echo WHAT NEXT; read how; $how -f")
    vm.console.wait_for("WHAT NEXT", 30)
    pid, qmp = vm.pid, vm.qmp()
    vm.send("reboot\n")
    assert qmp.wait_event("RESET", timeout=60)["data"] == {"guest": True, "reason": "guest-reset"}
    vm.console.wait_for("WHAT NEXT", 30)
    assert qmp.execute("query-status")["status"] == "running"
    assert vm.pid == pid
    vm.send("poweroff\n")
    assert qmp.wait_event("SHUTDOWN", timeout=60)["data"] == {"guest": True,
                                                              "reason": "guest-shutdown"}
    assert vm.wait(30) == 0


def test_no_reboot(linux):
    vm = linux("-no-reboot", script="echo going; reboot -f")
    assert vm.wait(30) == 0
    assert vm.console.text.count("going") == 1


def test_system_reset_of_a_running_guest(linux):
    vm = linux("-smp", "2", script="echo UP; while :; do :; done")
    vm.console.wait_for("UP", 30)
    qmp = vm.qmp()
    qmp.execute("system_reset")
    vm.console.wait_for("UP", 30)
    qmp.execute("quit")
    assert vm.wait() == 0


def test_power_button(linux):
    """system_powerdown reaches the guest through the GED; the guest decides."""
    vm = linux(script="""
for e in /sys/class/input/input*; do
  [ "$(cat $e/name)" = "Power Button" ] && dev=$(basename $e/event*)
done
exec 3</dev/input/$dev
echo LISTENING on $dev
dd bs=24 count=1 of=/dev/null 2>/dev/null <&3
echo pressed
poweroff -f
""")
    vm.console.wait_for(r"LISTENING on event\d", 30)
    qmp = vm.qmp()
    qmp.execute("system_powerdown")
    assert qmp.wait_event("POWERDOWN")
    vm.console.wait_for("pressed", 20)
    assert vm.wait(30) == 0


def test_stop_and_cont_while_a_guest_counts(linux):
    vm = linux("-smp", "2", script="n=0; while :; do n=$((n + 1)); echo n $n; usleep 20000; done")
    vm.console.wait_for(r"n 5\s", 30)
    qmp = vm.qmp()
    for _ in range(3):
        qmp.execute("stop")
        assert qmp.execute("query-status")["status"] == "paused"
        vm.wait_exit(0.3)
        before = vm.console.text
        assert not vm.wait_exit(1)
        assert vm.console.text == before
        qmp.execute("cont")
        last = int(re.findall(r"^n (\d+)\n", before, re.M)[-1])
        vm.console.wait_for(rf"n {last + 10}\s", 30)
    counts = [int(n) for n in re.findall(r"^n (\d+)\n", vm.console.text, re.M)]
    assert counts == list(range(1, len(counts) + 1))
    qmp.execute("quit")
    assert vm.wait() == 0


def test_kill_and_boot_again(linux):
    first = linux()
    first.console.wait_for("GUEST READY", 30)
    first.kill()
    second = linux(script="echo again; poweroff -f")
    assert second.wait(30) == 0
    assert "again" in second.console.text
