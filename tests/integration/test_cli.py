# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the command line answers, and what it refuses."""

import os
import subprocess

import pytest

from vm import STRATOVIRT


def run(*args, timeout=30):
    return subprocess.run([STRATOVIRT, *map(str, args)], capture_output=True, text=True,
                          timeout=timeout, stdin=subprocess.DEVNULL, check=False)


@pytest.mark.parametrize("args, wanted", [
    (["-version"], ["stratovirt 0."]),
    (["--version"], ["stratovirt 0."]),
    (["--help"], ["-machine", "-smp", "-kernel", "-device", "-drive", "-qmp", "-serial", "-chardev"]),
    (["-help"], ["-machine"]),
    (["-h"], ["-machine"]),
    (["-machine", "help"], ["microvm"]),
    (["-device", "help"], ["virtio-blk-device"]),
    (["-device", "virtio-blk-device,help"], ["drive", "serial", "num-queues", "iothread"]),
    (["-object", "help"], ["iothread", "memory-backend-memfd", "memory-backend-file"]),
    (["-object", "memory-backend-file,help"], ["mem-path", "size", "share"]),
    (["-chardev", "help"], ["stdio", "socket", "pty", "null", "file"]),
])
def test_answers(args, wanted):
    result = run(*args)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    for word in wanted:
        assert word in result.stdout


@pytest.fixture
def kernel(guests):
    return guests / "tiny-pvh.elf"


@pytest.mark.parametrize("args, named", [
    (["-no-such-option"], ["no-such-option"]),
    (["stray"], ["stray"]),
    (["-smp"], ["smp"]),
    (["-smp", "0"], ["smp", "0", "254"]),
    (["-smp", "255"], ["smp", "255", "254"]),
    (["-smp", "many"], ["smp", "many"]),
    (["-smp", "2,colour=red"], ["colour"]),
    (["-m", "64"], ["64", "128"]),
    (["-m", "1T"], ["512"]),
    (["-m", "lots"], ["lots"]),
    (["-machine", "pdp11"], ["pdp11", "microvm"]),
    (["-machine", "microvm,colour=red"], ["colour"]),
    (["-device", "no-such-device"], ["no-such-device"]),
    (["-device", "virtio-blk-device"], ["drive"]),
    (["-device", "virtio-blk-device,drive=none"], ["none"]),
    (["-device", "virtio-blk-device,drive=d,colour=red"], ["colour"]),
    (["-drive", "file=/no/such/file,id=d,if=none"], ["/no/such/file"]),
    (["-drive", "file=/etc/hostname,id=d,if=none,direct=perhaps"], ["direct", "perhaps"]),
    (["-drive", "file=/etc/hostname,id=d,if=none,colour=red"], ["colour"]),
    (["-object", "no-such-object,id=x"], ["no-such-object"]),
    (["-object", "iothread"], ["id"]),
    (["-object", "iothread,id=a", "-object", "iothread,id=a"], ["a"]),
    (["-chardev", "telepathy,id=c"], ["telepathy"]),
    (["-chardev", "null"], ["id"]),
    (["-chardev", "file,id=c"], ["path"]),
    (["-chardev", "file,id=c,path=/no/such/dir/f"], ["/no/such/dir/f"]),
    (["-serial", "chardev:nobody"], ["nobody"]),
    (["-serial", "telepathy"], ["telepathy"]),
    (["-mon", "chardev=nobody,mode=control"], ["nobody"]),
    (["-qmp", "unix:/no/such/dir/q,server,nowait"], ["/no/such/dir/q"]),
    (["-qmp", "carrier-pigeon:x"], ["carrier-pigeon"]),
    (["-name", "x" * 256], ["name", "255"]),
    (["-kernel", "/no/such/kernel"], ["/no/such/kernel"]),
    (["-initrd", "/no/such/initrd"], ["/no/such/initrd"]),
], ids=lambda value: " ".join(value)[:60] if isinstance(value, list) else None)
def test_refusals(kernel, args, named):
    """Status 1, the option or value by name, nothing on stdout."""
    base = {"-machine": "microvm", "-append": "do=p", "-kernel": kernel}
    result = run(*[word for pair in base.items() if pair[0] != args[0] for word in pair], *args)
    assert result.returncode == 1
    assert result.stdout == ""
    for word in named:
        assert word in result.stderr
    assert "CRITICAL" not in result.stderr and "Trace" not in result.stderr


def test_at_most_8_iothreads(kernel):
    args = [word for n in range(9) for word in ("-object", f"iothread,id=t{n}")]
    result = run("-machine", "microvm", "-kernel", kernel, *args)
    assert result.returncode == 1
    assert "8" in result.stderr


def test_at_most_6_disks(kernel, tmp_path):
    disk = tmp_path / "disk"
    disk.write_bytes(b"\0" * 65536)
    args = []
    for n in range(7):
        args += ["-drive", f"file={disk},id=d{n},if=none,readonly=on", "-device",
                 f"virtio-blk-device,drive=d{n}"]
    result = run("-machine", "microvm", "-kernel", kernel, "-append", "do=p", *args)
    assert result.returncode == 1
    assert "6" in result.stderr
    assert run("-machine", "microvm", "-kernel", kernel, "-append", "do=p", *args[:24]).returncode == 0


def test_failure_leaves_nothing_behind(kernel, tmp_path):
    """The sockets that were made before the error was met are gone."""
    result = run("-machine", "microvm", "-kernel", kernel, "-qmp",
                 f"unix:{tmp_path}/q,server,nowait", "-chardev",
                 f"socket,id=c,path={tmp_path}/c,server=on,wait=off", "-device", "no-such-device")
    assert result.returncode == 1
    assert os.listdir(tmp_path) == []


def test_files_that_are_no_kernel(tmp_path):
    """Empty, text, truncated ELF: refused by name, the guest does not start."""
    for name, data in [("empty", b""), ("elf", b"\x7fELF" + b"\0" * 60), ("cut", b"\x7fELF\x02\x01")]:
        path = tmp_path / name
        path.write_bytes(data)
        result = run("-machine", "microvm", "-kernel", path)
        assert result.returncode == 1, name
        assert str(path) in result.stderr


@pytest.mark.parametrize("level, shown", [("debug", True), ("error", False)])
def test_log_file_and_level(kernel, tmp_path, level, shown):
    log = tmp_path / "log"
    result = subprocess.run([STRATOVIRT, "-machine", "microvm", "-kernel", str(kernel), "-append",
                             "do=p", "-D", str(log)], capture_output=True, text=True, timeout=30,
                            env={**os.environ, "STRATOVIRT_LOG_LEVEL": level}, check=False)
    assert result.returncode == 0
    assert bool(log.read_text()) == shown


def test_memory_backends(kernel, tmp_path):
    for words in (["-object", "memory-backend-ram,id=m,size=128M"],
                  ["-object", "memory-backend-memfd,id=m,size=128M,share=on"],
                  ["-object", f"memory-backend-file,id=m,size=128M,mem-path={tmp_path}/ram,share=on"]):
        result = run("-machine", "microvm,memory-backend=m", "-m", "128", "-kernel", kernel,
                     "-append", "do=p", *words)
        assert result.returncode == 0, result.stderr
    assert b"do=p" in (tmp_path / "ram").read_bytes()
    mismatch = run("-machine", "microvm,memory-backend=m", "-m", "256", "-kernel", kernel, "-object",
                   "memory-backend-ram,id=m,size=128M")
    assert mismatch.returncode == 1
