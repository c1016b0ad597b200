# SPDX-License-Identifier: LGPL-2.1-or-later
"""The ends of each range, as the command line and the file take them: what is within starts a guest, what is not is refused."""

import json
import subprocess

import pytest

import vm as vm_module

DISK = "-drive id=d,file=disk,if=none -device virtio-blk-device,drive=d"
CARD = "-netdev user,id=n -device virtio-net-device,netdev=n"
PORT = "-chardev null,id=c -device virtio-serial-device"

RANGES = [
    ("-smp {}", ["1", "254"], ["0", "255", "-1"]),
    ("-smp 1,maxcpus={}", ["1", "254"], ["0", "255"]),
    ("-m {}", ["128M", "134217728", "512G", "524288"], ["127", "134217727B", "513G", "549755817984"]),
    ("-m 1G,slots={},maxmem=2G", ["0", "256"], ["-1", "257"]),
    ("-m 1G,slots=1,maxmem={}", ["1025", "512G"], ["1G", "1023"]),
    ("-name {}", ["n", "n" * 255], ["n" * 256]),
    ("-drive id=d,file=disk,iops={}", ["0", "1000000"], ["-1", "1000001"]),
    ("-drive id=d,file=disk,throttling.iops-read={}", ["0", "1000000"], ["-1", "1000001"]),
    ("-drive id=d,file=disk,throttling.bps-total={}", ["0", "1125899906842624"], ["-1", "1125899906842625"]),
    (DISK + ",num-queues={}", ["1", "256"], ["0", "257"]),
    (DISK + ",queue-size={}", ["4", "1024"], ["2", "3", "1000", "2048"]),
    (DISK + ",physical_block_size=32768,logical_block_size={}", ["512", "32768"], ["256", "513", "65536"]),
    (CARD + ",rx_queue_size={}", ["64", "1024"], ["32", "65", "2048"]),
    (CARD + ",tx_queue_size={}", ["64", "1024"], ["32", "65", "2048"]),
    (CARD + ",host_mtu={}", ["0", "68", "65535"], ["67", "65536"]),
    (CARD + ",mac={}", ["02:00:00:00:00:00", "fe:ff:ff:ff:ff:ff"], ["01:00:00:00:00:00", "02:00:00:00:00", "02:00:00:00:00:100"]),
    ("-netdev user,id=n,net={}", ["10.0.0.0/4", "10.0.0.0/29"], ["10.0.0.0/3", "10.0.0.0/30"]),
    ("-netdev user,id=n,hostfwd=tcp:127.0.0.1:{}-:22", [], ["0", "65536"]),
    ("-netdev tap,id=n,ifname=svtrange,queues={}", [], ["0", "17"]),
    ("-netdev tap,id=n,ifname={}", [], ["svt-16-letters-x"]),
    (PORT + ",max_ports={} -device virtconsole,chardev=c", ["0", "1", "31"], ["-1", "32"]),
    (PORT + ",max_ports=31 -device virtconsole,chardev=c,nr={}", ["0", "30"], ["31"]),
    ("-rng random_file=/dev/urandom,bytes_per_sec={}", ["64", "1000000000"], ["63", "1000000001"]),
    ("-device virtio-rng-device,max-bytes=64,period={}", ["1", "65536"], ["0"]),
    ("-device virtio-rng-device,period=1000,max-bytes={}", ["1"], ["0"]),
    ("-device vsock,id=v,guest-cid={}", [], ["2", "4294967295"]),
    ("-object memory-backend-ram,id=m,size={} -machine microvm,memory-backend=m -m 256", ["256M"], ["0", "255M", "257M"]),
    ("-append {}", ["do=hp", "do=hp " + "x" * 60000], ["do=hp " + "x" * 70000]),
]

# What an error names that only the whole shows
LATE = {"-object": "memory", "-append": "command line"}

FILE_RANGES = [
    ("machine-config.vcpu_count", [1, 254], [0, 255]),
    ("machine-config.mem_size", [128 << 20, 512 << 30], [(128 << 20) - 1, (512 << 30) + 1]),
    ("machine-config.name", ["n", "n" * 255], ["", "n" * 256]),
    ("drive[0].iops", [0, 1000000], [-1, 1000001]),
    ("rng.bytes_per_sec", [64, 1000000000], [63, 1000000001]),
    ("vsock.guest_cid", [], [2, 4294967295]),
]


@pytest.fixture
def run(tmp_path, guests):
    """Runs the VMM with a guest that says hello and powers off."""
    (tmp_path / "disk").write_bytes(bytes(1 << 20))

    def start(words):
        append = [] if "-append" in words else ["-append", "do=hp"]
        return subprocess.run([vm_module.STRATOVIRT, "-kernel", guests / "tiny-pvh.elf", "-serial", "stdio", *append, *words],
                              cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=20 * vm_module.SCALE, check=False)
    return start


def check(result, good, name):
    if good:
        assert (result.returncode, "hello" in result.stdout) == (0, True), result.stderr
    else:
        assert result.returncode == 1
        assert result.stderr.splitlines()[-1].startswith("stratovirt: ") and name in result.stderr.splitlines()[-1]


@pytest.mark.parametrize("template, good, bad", RANGES, ids=[row[0] for row in RANGES])
def test_command_line(run, template, good, bad):
    for value in good + bad:
        words = [word.replace("{}", value) for word in template.split()]
        check(run(words), value in good, LATE.get(words[0], words[-2]))


@pytest.mark.parametrize("path, good, bad", FILE_RANGES, ids=[row[0] for row in FILE_RANGES])
def test_file(tmp_path, run, path, good, bad):
    section, key = path.split(".")
    rest = {"drive[0]": {"drive_id": "d", "path_on_host": "disk"}, "rng": {"random_file": "/dev/urandom"},
            "vsock": {"vsock_id": "v"}}.get(section, {})
    for value in good + bad:
        content = {**rest, key: value}
        (tmp_path / "c.json").write_text(json.dumps({"drive": [content]} if section == "drive[0]" else {section: content}))
        check(run(["-config", "c.json"]), value in good, path if section != "vsock" else "c.json: vsock")
