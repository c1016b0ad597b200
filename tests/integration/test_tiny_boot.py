# SPDX-License-Identifier: LGPL-2.1-or-later
"""Boot, reset and end of a VM, with the tiny guest that any /dev/kvm runs."""

import datetime
import re
import signal
import subprocess
from pathlib import Path

import pytest

from qmpclient import QmpError


@pytest.mark.parametrize("kernel, entry", [
    ("tiny.elf", "elf"), ("tiny-pvh.elf", "pvh"), ("tiny.bz", "bzimage"), ("tiny.bin", "raw")])
def test_kernel_formats(tiny, kernel, entry):
    """Each format is entered the way it asks for and finds its command line and memory map."""
    vm = tiny("ham", kernel=kernel, words="first  second=1")
    vm.console.wait_for(rf"^tiny {entry}\r?$")
    vm.console.wait_for(r"^hello\r?$")
    assert "first  second=1 do=ham" in vm.console.wait_for(r"^args (.*)\n")[1]
    assert int(vm.console.wait_for(r"^e820 (\d+)\s")[1]) >= 2
    vm.console.wait_for(r"^tiny end")


@pytest.mark.parametrize("kernel", ["tiny.elf", "tiny-pvh.elf", "tiny.bz", "tiny.bin"])
def test_power_off_ends_with_status_0(tiny, kernel):
    vm = tiny("p", kernel=kernel)
    assert vm.wait() == 0
    assert "power-off failed" not in vm.console.text
    assert vm.stderr.text.count("error") == 0


def test_ram_of_several_back_ends(tiny):
    """The kernel, at 1 MiB, is in the first one; the second has what is left."""
    vm = tiny("hp", "-object", "memory-backend-ram,id=m0,size=64M", "-object",
              "memory-backend-memfd,id=m1,size=128M,share=on", "-numa", "node,memdev=m0", "-numa",
              "node,memdev=m1", memory="192")
    vm.console.wait_for(r"^tiny pvh")
    assert vm.wait() == 0


def test_rtc_tells_the_date(tiny):
    vm = tiny("k")
    seen = vm.console.wait_for(r"rtc ([\d:]+)\s")[1].split(":")
    # A midnight or a second may pass between the guest's look and ours.
    told = datetime.datetime.strptime("".join(seen), "%Y%m%d%H%M%S")
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    assert abs((now - told).total_seconds()) < 60


def test_reset_restarts_in_place(tiny):
    vm = tiny("r")
    for _ in range(4):
        vm.console.wait_for(r"^tiny pvh")
    qmp = vm.qmp()
    event = qmp.wait_event("RESET")
    assert event["data"] == {"guest": True, "reason": "guest-reset"}
    assert qmp.execute("query-status")["status"] == "running"


def test_no_reboot_ends_at_reset(tiny):
    vm = tiny("r", "-no-reboot")
    assert vm.wait() == 0
    assert vm.console.text.count("tiny pvh") == 1


def test_no_shutdown_keeps_the_process(tiny):
    vm = tiny("ep", "-no-shutdown")
    vm.console.wait_for("tiny pvh")
    qmp = vm.qmp()
    vm.send("q")
    assert qmp.wait_event("SHUTDOWN")["data"] == {"guest": True, "reason": "guest-shutdown"}
    assert qmp.wait_event("STOP")
    assert qmp.execute("query-status") == {"status": "shutdown", "singlestep": False,
                                           "running": False}
    qmp.execute("system_reset")
    qmp.execute("cont")
    vm.console.wait_for("tiny pvh")
    qmp.execute("quit")
    assert vm.wait() == 0


def test_start_stopped(tiny):
    vm = tiny("h", "-S")
    qmp = vm.qmp()
    assert qmp.execute("query-status")["status"] == "prelaunch"
    assert vm.console.text == ""
    qmp.execute("cont")
    vm.console.wait_for("hello")
    assert qmp.wait_event("RESUME")
    assert qmp.execute("query-status")["status"] == "running"


def test_stop_and_cont_while_counting(tiny):
    vm = tiny("c")
    vm.console.wait_for(r"count 3\b")
    qmp = vm.qmp()
    assert qmp.execute("stop") == {}
    # The event came before the return, so it is there already.
    assert [event["event"] for event in qmp.events] == ["STOP"]
    assert qmp.execute("query-status")["status"] == "paused"
    vm.wait_exit(0.2)  # what the vCPU wrote before it stopped reaches the pipe
    before = vm.console.text
    assert not vm.wait_exit(0.5)
    assert vm.console.text == before
    qmp.events.clear()
    assert qmp.execute("cont") == {}
    assert [event["event"] for event in qmp.events] == ["RESUME"]
    last = int(re.findall(r"count (\d+)\n", before)[-1])
    vm.console.wait_for(rf"count {last + 20}\b")
    counts = [int(n) for n in re.findall(r"count (\d+)\n", vm.console.text)]
    assert counts == list(range(1, len(counts) + 1))


def test_system_reset_by_qmp(tiny):
    vm = tiny("c")
    vm.console.wait_for(r"count 5\b")
    qmp = vm.qmp()
    qmp.execute("system_reset")
    assert qmp.wait_event("RESET")["data"] == {"guest": False, "reason": "host-qmp-system-reset"}
    vm.console.wait_for("tiny pvh")
    vm.console.wait_for(r"count 5\b")


def test_triple_fault_is_reported(tiny):
    """With registers and code bytes; -no-reboot, as in QEMU a triple fault resets the machine."""
    vm = tiny("t", "-no-reboot")
    vm.wait()
    report = vm.stderr.text
    assert "KVM_EXIT_SHUTDOWN: triple fault" in report
    assert re.search(r"rbx 0*5115e9\b", report, re.I)
    assert re.search(r"<0f> 0b\b", report, re.I)


def test_triple_faults_do_not_fill_the_log(tiny):
    """A guest that faults whenever it is started anew is not reported every time."""
    vm = tiny("t")
    vm.stderr.wait_for("not shown every time")
    for _ in range(100):
        vm.console.wait_for(r"^tiny pvh")
    assert vm.stderr.text.count("KVM_EXIT_SHUTDOWN") < vm.console.text.count("tiny pvh") - 20


def test_what_kvm_cannot_run_is_reported(tiny):
    """An emulating KVM knows no cmpxchg16b; on other hosts the guest goes on."""
    vm = tiny("ex")
    vm.console.wait_for("tiny pvh")
    qmp = vm.qmp()
    vm.send("q")
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpuinfo:
        if re.search(r"^flags.*\b(svm|vmx)\b", cpuinfo.read(), re.M):
            vm.console.wait_for("exotic done")
            return
    report = vm.stderr
    report.wait_for("KVM_EXIT_INTERNAL_ERROR, suberror 1")
    report.wait_for("rip 0*10[0-9a-f]+")
    report.wait_for("<f0> 48 0f c7")
    qmp.wait_event("STOP")
    assert qmp.execute("query-status")["status"] == "internal-error"
    qmp.execute("quit")
    vm.wait()


def test_warning_where_stock_kernels_do_not_run(tiny):
    vm = tiny("p")
    vm.wait()
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as cpuinfo:
        capable = re.search(r"^flags.*\b(svm|vmx)\b", cpuinfo.read(), re.M)
    warned = re.search(r"warning.*(svm|vmx)", vm.stderr.text, re.I)
    assert bool(warned) != bool(capable)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_end_the_vm(tiny, number):
    vm = tiny("c")
    vm.console.wait_for("count 2")
    qmp = vm.qmp()
    vm.process.send_signal(number)
    event = qmp.wait_event("SHUTDOWN")
    assert event["data"] == {"guest": False, "reason": "host-signal"}
    assert vm.wait() == 0


def test_kill_leaves_nothing_that_blocks_the_next_start(tiny, tmp_path):
    """The sockets' paths stay behind after kill -9, the next start takes them over."""
    serial, qmp_path = tmp_path / "serial", tmp_path / "qmp"
    args = ["-chardev", f"socket,id=c,path={serial},server=on,wait=off", "-serial", "chardev:c",
            "-qmp", f"unix:{qmp_path},server,nowait"]
    first = tiny("c", *args, serial=None, qmp=False)
    first.qmp_path = str(qmp_path)
    first.qmp().execute("query-status")
    first.kill()
    assert qmp_path.exists() and serial.exists()
    second = tiny("c", *args, serial=None, qmp=False)
    second.qmp_path = str(qmp_path)
    qmp = second.qmp()
    assert qmp.execute("query-status")["status"] == "running"
    qmp.execute("quit")
    assert second.wait() == 0
    assert not qmp_path.exists() and not serial.exists()


def test_live_socket_is_not_taken_over(tiny, tmp_path):
    path = tmp_path / "qmp"
    first = tiny("c", "-qmp", f"unix:{path},server,nowait", qmp=False)
    first.qmp_path = str(path)
    first.qmp()
    second = tiny("c", "-qmp", f"unix:{path},server,nowait", qmp=False)
    assert second.wait() == 1
    assert str(path) in second.stderr.text
    assert first.qmp().execute("query-status")["status"] == "running"


@pytest.mark.parametrize("count", [1, 2, 8, 64, 254])
def test_cpu_counts(tiny, count):
    vm = tiny("h", "-smp", str(count))
    vm.console.wait_for("hello")
    cpus = vm.qmp().execute("query-cpus-fast")
    assert [cpu["cpu-index"] for cpu in cpus] == list(range(count))
    assert len({cpu["thread-id"] for cpu in cpus}) == count


def test_processor_that_kvm_refuses_at_first(tiny, tmp_path):
    """KVM keeps a vCPU that was never set up, and the next one of that number gets it: set up, or refused once more."""
    library = tmp_path / "fail-cpuid.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, Path(__file__).parent / "fail-cpuid.c"], check=True)
    vm = tiny("c", "-smp", "1,maxcpus=2", env={"LD_PRELOAD": library, "FAIL_CPUID": "0110"})
    vm.console.wait_for("tiny pvh")
    qmp = vm.qmp()
    plug = ("device_add", {"driver": "host-x86-cpu", "id": "cpu1", "socket-id": 1, "core-id": 0})
    for _ in range(2):
        with pytest.raises(QmpError, match="vCPU 1: KVM_SET_CPUID2: Cannot allocate memory"):
            qmp.execute(*plug)
    qmp.execute(*plug)
    assert [cpu["cpu-index"] for cpu in qmp.execute("query-cpus-fast")] == [0, 1]
    qmp.execute("quit")
    assert vm.wait() == 0
