# SPDX-License-Identifier: LGPL-2.1-or-later
"""The accelerators without processors: both protocols, from outside."""

import base64
import os
import signal
import socket
import subprocess

import pytest
import testaccel
from testaccel import ModTest, QTest, until
from vm import STRATOVIRT

PROTOCOLS = [QTest, ModTest]
MACHINES = ["microvm", "q35"]
RTC_INDEX, RTC_DATA = 0x70, 0x71


@pytest.fixture
def start(launch, tmp_path):
    def start(protocol, *args, **kwargs):
        return testaccel.start(launch, tmp_path / "test.socket", protocol, *args, **kwargs)
    return start


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_memory_and_its_end(start, protocol, machine):
    vm = start(protocol, machine=machine)
    test = vm.test
    test.put(0x100000, 0x1122334455667788, 8)
    assert [test.get(0x100000, size) for size in (1, 2, 4, 8)] == [0x88, 0x7788, 0x55667788, 0x1122334455667788]
    assert test.read(0x100001, 3) == b"\x77\x66\x55"
    test.put(0x100002, 0xAB, 1)
    test.put(0x100004, 0xCDEF, 2)
    assert test.read(0x100000, 8) == bytes.fromhex("8877ab55efcd2211")
    data = os.urandom(70001)
    test.write(0x200003, data)
    assert test.read(0x200003, len(data)) == data
    end = 128 << 20
    assert test.read(end - 4, 4) == b"\0\0\0\0"
    assert test.read(end, 4) == b"\xff\xff\xff\xff"
    vm.process.send_signal(signal.SIGTERM)
    assert vm.wait() == 0


def test_formats_of_qtest(start):
    test = start(QTest).test
    assert test.raw("endianness") == "OK little"
    assert test.raw("writel 0x1000 0x80000001") == "OK"
    assert test.raw("readl 0x1000") == "OK 0x0000000080000001"
    assert test.raw("readb 4096") == "OK 0x0000000000000001"
    assert test.raw("read 0x1000 0x4") == "OK 0x01000080"
    assert test.raw("write 0x1000 0x4 0xdeadbeef") == "OK"
    assert test.raw("readl 0x1000") == "OK 0x00000000efbeadde"
    assert test.raw("write 0x1000 0x4 0xaa") == "OK"
    assert test.raw("readl 0x1000") == "OK 0x00000000000000aa", "what is left out is zero"
    assert test.raw("memset 0x2000 0x3 0x5a") == "OK"
    assert test.raw("read 0x2000 4") == "OK 0x5a5a5a00"
    data = bytes(range(256))
    assert test.raw(f"b64write 0x3000 0x100 {base64.b64encode(data).decode()}") == "OK"
    assert test.read(0x3000, 256) == data
    assert base64.b64decode(test.request("b64read 0x3000 0x100")) == data
    assert test.raw("outl 0xcf8 0x80000000") == "OK"
    assert test.raw("inl 0xcfc") == "OK 0x29c08086"
    assert test.raw("inw 0xcfc") == "OK 0x8086"
    assert test.raw("inb 0x80") == "OK 0x00ff"
    assert test.raw("clock_step 1000") == "OK 1000"
    assert test.raw("clock_set 5000") == "OK 5000"
    assert test.raw("clock_set 10") == "OK 5000", "the clock does not go back"
    assert test.raw("clock_step") == "OK 5000", "no timer waits"


@pytest.mark.parametrize("request_, reply", [
    ("readb", "ERR 'readb' takes 1 to 1 arguments"),
    ("readb 0xz", "ERR '0xz' is no number"),
    ("writeb 0x1000 -1", "ERR '-1' is no number"),
    ("read 0 0x100000000", "ERR length 0x100000000: at most 67108864 bytes"),
    ("write 0x1000 0x1 0xaabb", "ERR the data must be 0x and at most 1 bytes in digits"),
    ("b64write 0x1000 0x5 AAAA", "ERR the data are 3 bytes, not 5"),
    ("fly 1 2", "FAIL Unknown command 'fly'"),
    ("irq_intercept_in /machine/nothing", "FAIL '/machine/nothing' takes no interrupts: ioapic does"),
])
def test_qtest_refuses(start, request_, reply):
    test = start(QTest).test
    assert test.raw(request_) == reply
    assert test.raw("endianness") == "OK little"


def test_formats_of_mod_test(start):
    test = start(ModTest).test
    assert test.raw("writel 0x1000 0x80000001") == "OK"
    assert test.raw("readl 0x1000") == "OK 0x0000000080000001"
    assert test.raw("readw 0x1000") == "OK 0x0000000000000001"
    assert test.raw("write 0x1000 0x4 0xdeadbeef") == "OK"
    assert test.raw("read 0x1000 0x4") == "OK 0xdeadbeef"
    assert test.raw("memset 0x1000 0x5 0x0102") == "OK"
    assert test.raw("read 0x1000 0x6") == "OK 0x0102010201be".replace("be", "00")
    assert test.raw("clock_step 1000") == "OK 1000"
    assert test.raw("clock_set 5000") == "OK 5000"
    assert test.raw("query_msix 4276092928 33") == "OK FALSE"
    assert test.raw("query_intx 16") == "OK FALSE"
    assert test.raw("eoi_intx 16") == "OK FALSE"
    assert test.raw("fly") == "Unsupported command: fly"
    assert test.raw("readb nowhere") == "ERR 'nowhere' is no number of base 16"


def test_a_long_request_comes_in_pieces(start):
    test = start(ModTest).test
    data = os.urandom(1 << 20)
    test.write(0x40000000, data)
    assert test.read(0x40000000, len(data)) == data
    whole = f"write 0x1000 0x4 0x{b'abcd'.hex()}"
    for piece in (whole[:6], whole[6:16], whole[16:20]):
        test.lines.socket.sendall(piece.encode())
    assert test.raw(whole[20:]) == "OK"
    assert test.read(0x1000, 4) == b"abcd"


@pytest.mark.parametrize("memory", ["128", "3G"])
def test_ram_where_mod_tests_take_their_buffers(start, memory):
    test = start(ModTest, memory=memory).test
    for address in (0x40000000, 0x5FFFFFF8):
        test.put(address, address, 8)
        assert test.get(address, 8) == address
    assert test.get(0x60000000, 8) == ((1 << 64) - 1 if memory == "128" else 0)


@pytest.mark.parametrize("machine", MACHINES)
def test_the_server_side_of_qtest(launch, tmp_path, machine):
    """One test after another: each begins with a line of its own."""
    path = tmp_path / "server.socket"
    vm = launch("-qtest", f"unix:{path},server,nowait", machine=f"{machine},accel=qtest")

    for value in (1, 2):
        connection = socket.socket(socket.AF_UNIX)
        vm.connect(lambda connection=connection: connection.connect(str(path)) or connection)
        test = QTest(connection)
        assert test.get(0x1000, 4) == value - 1
        test.put(0x1000, value, 4)
        connection.sendall(b"readl 0x10")
        test.lines.close()
    vm.process.terminate()
    assert vm.wait() == 0


def test_the_command_line_of_qemus_own_tests(launch, tmp_path):
    """As libqtest starts QEMU: it listens on two sockets."""
    paths = [tmp_path / name for name in ("qtest", "qmp")]
    with testaccel.listen(paths[0]) as qtest, testaccel.listen(paths[1]) as qmp:
        vm = launch("-qtest", f"unix:{paths[0]}", "-qtest-log", "/dev/null", "-chardev", f"socket,path={paths[1]},id=char0",
                    "-mon", "chardev=char0,mode=control", "-display", "none", "-audio", "none", "-accel", "qtest",
                    machine="q35", qmp=False, serial=None)
        test = QTest(qtest.accept()[0])
        monitor = qmp.accept()[0].makefile("rw")
        assert '"QMP"' in monitor.readline()
        monitor.write('{"execute": "qmp_capabilities"}\n')
        monitor.flush()
        while '"event"' in (line := monitor.readline()):
            pass
        assert '"return"' in line
        test.request("irq_intercept_in ioapic")
        assert test.get(0x1000, 4) == 0
    vm.process.terminate()
    assert vm.wait() == 0


@pytest.mark.parametrize("args, why", [
    (("-qtest", "unix:{}", "-accel", "kvm"), "the machine must have '-accel qtest'"),
    (("-mod-test", "{}", "-accel", "qtest"), "the machine must have '-accel test'"),
    (("-qtest", "unix:{}/no/such"), "no/such"),
    (("-mod-test", ""), "expected the path of a socket that a test listens on"),
])
def test_what_does_not_go_together(tmp_path, guests, args, why):
    path = tmp_path / "socket"
    with testaccel.listen(path):
        args = [arg.replace("{}", str(path)) for arg in args]
        result = subprocess.run([STRATOVIRT, "-machine", "microvm", "-kernel", guests / "tiny-pvh.elf", *args],
                                capture_output=True, text=True, timeout=60)
    assert result.returncode == 1
    assert why in result.stderr and args[0] in result.stderr


def test_no_processor_and_no_kvm(start):
    """Nothing runs, but all is there to be asked for."""
    vm = start(QTest, "-smp", "3")
    qmp = vm.qmp()
    assert qmp.execute("query-kvm") == {"enabled": False, "present": os.path.exists("/dev/kvm")}
    assert qmp.execute("query-status")["status"] == "running"
    assert [cpu["thread-id"] for cpu in qmp.execute("query-cpus-fast")] == [0, 0, 0]
    assert not [fd for fd in os.listdir(f"/proc/{vm.pid}/fd")
                if "kvm" in os.readlink(f"/proc/{vm.pid}/fd/{fd}")]
    threads = [open(f"/proc/{vm.pid}/task/{task}/comm").read().strip()
               for task in os.listdir(f"/proc/{vm.pid}/task")]
    assert not [name for name in threads if name.startswith("CPU")]
    for command in ("stop", "cont", "system_reset"):
        qmp.execute(command)
    assert vm.test.raw("endianness") == "OK little"
    assert qmp.execute("query-status")["status"] == "running"


def read_rtc(test, register):
    test.out(RTC_INDEX, register)
    return test.inp(RTC_DATA)


def write_rtc(test, register, value):
    test.out(RTC_INDEX, register)
    test.out(RTC_DATA, value)


def set_time(test, hours, minutes, seconds):
    write_rtc(test, 0xB, 0x82)
    for register, value in ((4, hours), (2, minutes), (0, seconds)):
        write_rtc(test, register, value)
    write_rtc(test, 0xB, 0x02)


def test_the_clock_goes_as_the_test_wants(start):
    test = start(QTest).test
    set_time(test, 0x23, 0x58, 0x30)
    step = test.clock_step(0)
    assert (read_rtc(test, 4), read_rtc(test, 2), read_rtc(test, 0)) == (0x23, 0x58, 0x30)
    assert test.clock_step(90 * 10**9) == step + 90 * 10**9
    assert (read_rtc(test, 4), read_rtc(test, 2), read_rtc(test, 0)) == (0x00, 0x00, 0x00)


def test_alarm_and_periodic_interrupt(start):
    """Timers run on the way, each at its time; the line is that of the RTC."""
    test = start(QTest).test
    set_time(test, 0x10, 0x00, 0x00)
    test.request("irq_intercept_in ioapic")
    for register, value in ((5, 0x10), (3, 0x00), (1, 0x05)):
        write_rtc(test, register, value)
    write_rtc(test, 0xB, 0x22)
    test.clock_step(4 * 10**9)
    assert test.irqs == []
    test.clock_step(2 * 10**9)
    assert test.irqs == ["raise 8"]
    assert read_rtc(test, 0xC) & 0xA0 == 0xA0
    assert test.irqs == ["raise 8", "lower 8"]

    test.irqs.clear()
    write_rtc(test, 0xA, 0x26)
    write_rtc(test, 0xB, 0x42)
    before = test.clock_step(0)
    after = test.clock_step()
    assert 0 < after - before <= 977000, "the next deadline is the period of 1024 Hz"
    assert test.irqs == ["raise 8"]


def test_intercepted_output_of_one_device(start):
    """A device that has a line of its own; others are told of by the controller only."""
    vm = start(QTest)
    test, qmp = vm.test, vm.qmp()
    assert test.raw("irq_intercept_out /machine/peripheral").startswith("FAIL '/machine/peripheral' has no interrupt line")
    assert test.raw("irq_intercept_out /nothing/there").startswith("FAIL")
    [rtc] = [f"/machine/unattached/{entry['name']}" for entry in qmp.execute("qom-list", {"path": "/machine/unattached"})
             if "mc146818rtc" in entry["type"]]
    test.request(f"irq_intercept_out {rtc}")
    assert test.raw("irq_intercept_in ioapic").startswith("FAIL the lines of")
    test.out(0x3F8 + 1, 2)
    test.clock_step(10**9)
    write_rtc(test, 0xB, 0x12)
    until(lambda: test.clock_step(10**9) and test.irqs, "update ended")
    assert set(test.irqs) == {"raise 0"}


def test_serial_port(start):
    """Line status, loopback, and the interrupt of a transmitter that is empty."""
    vm = start(QTest)
    test = vm.test
    base = 0x3F8
    assert test.inp(base + 5) & 0x60 == 0x60
    for letter in b"hello, test\n":
        test.out(base, letter)
    vm.console.wait_for("hello, test")
    vm.send("x")
    until(lambda: test.inp(base + 5) & 1, "data ready")
    assert test.inp(base) == ord("x")
    assert test.inp(base + 5) & 1 == 0
    test.request("irq_intercept_in ioapic")
    test.out(base + 1, 2)
    until(lambda: test.inp(base + 5) and test.irqs, "transmitter empty")
    assert test.irqs == ["raise 4"]
    assert test.inp(base + 2) & 0xF == 2
    assert test.irqs == ["raise 4", "lower 4"]
    test.out(base + 1, 0)
    test.out(base + 4, 0x10)
    test.out(base, 0x5A)
    assert test.inp(base) == 0x5A


def test_power_button_is_an_edge(start):
    """What rises and falls before the test can look stays to be seen."""
    vm = start(ModTest, machine="microvm")
    assert not vm.test.query_intx(23)
    vm.qmp().execute("system_powerdown")
    assert vm.test.query_intx(23)
    assert vm.test.query_intx(23)
    assert vm.test.eoi_intx(23)
    assert not vm.test.eoi_intx(23)
    assert vm.test.get(0xF0000000, 4) != 0


def test_a_kernel_is_loaded_all_the_same(start, guests):
    """With -kernel, tables are in memory, as a guest would find them."""
    test = start(QTest, "-kernel", guests / "tiny-pvh.elf").test
    assert test.read(0xE0000, 8) == b"RSD PTR "
