# SPDX-License-Identifier: LGPL-2.1-or-later
"""The scripts of docs/scripting at work: ten machines, a disk that comes and goes, memory that follows its use."""

import re
import subprocess

import pytest

from scripting import GUESTS, environment, run
from vm import TOP, Stream

pytestmark = pytest.mark.linux
EXAMPLES = TOP / "docs" / "scripting"
MODULES = "sv.modules=virtio_ring,virtio,virtio_pci_modern_dev,virtio_pci_legacy_dev,virtio_pci,virtio_blk,virtio_balloon"


def test_ten_machines(tmp_path):
    """Each runs by itself beside the others, and ends when its guest does."""
    out = run(["/usr/bin/python3", EXAMPLES / "ten_machines.py", GUESTS / "tiny.elf", "do=hp"], cwd=tmp_path, timeout=120)
    names = [f"vm{number}" for number in range(10)]
    lines = out.splitlines()
    ended = [line for line in lines if "left" in line]
    assert sorted(line.partition(":")[0] for line in ended) == names
    assert [line.partition(": ")[2] for line in ended] == [f"guest-shutdown, {left} are left" for left in range(9, -1, -1)]
    assert all(f"{name} running" in lines for name in names)
    # All were there before the first had ended.
    assert lines.index("vm9 running") < lines.index(ended[0])
    for name in names:
        assert "hello" in (tmp_path / f"{name}.log").read_text()


def test_hotplug_and_memory(linux, disk_dir):
    """A disk goes in and out by its object's path, in JavaScript; a balloon follows the guest's statistics, in Python."""
    machine = linux("-device", "pcie-root-port,id=port1,chassis=1,port=1", "-device", "pcie-root-port,id=port2,chassis=2,port=2",
                    "-device", "virtio-balloon-pci,id=balloon0,bus=port2", machine="q35",
                    console="console=ttyS0 quiet panic=-1", words=MODULES)
    machine.qmp()
    machine.console.wait_for("GUEST READY", 60)
    machine.send("PS1=; stty -echo\n")
    (disk_dir / "image").write_bytes(b"hello from the host".ljust(1 << 20, b"\0"))

    def hotplug(*words):
        return run(["gjs", "-m", EXAMPLES / "hotplug.js", machine.qmp_path, *words], timeout=60)
    assert hotplug("add", "disk", disk_dir / "image", "/machine/pcie.0/port1") == (
        "/machine/peripheral/disk has the 1048576 bytes of /block/disk-image\n")
    machine.send("until [ -b /dev/vda ]; do usleep 20000; done; head -c 19 /dev/vda; echo\n")
    machine.console.wait_for("hello from the host", 60)
    assert hotplug("remove", "/machine/peripheral/disk") == "/machine/peripheral/disk is gone, and /block/disk-image\n"

    scaler = subprocess.Popen(["/usr/bin/python3", EXAMPLES / "autoscale.py", machine.qmp_path, "balloon0"], env=environment(),
                              stdout=subprocess.PIPE)
    try:
        told = Stream(scaler.stdout.fileno(), "autoscale.py")
        idle = int(told.wait_for(r"available: (\d+) MiB\n", 60)[1])
        machine.send("dd if=/dev/zero of=/dev/shm/x bs=1M count=60 2>/dev/null; echo USED\n")
        machine.console.wait_for("^USED", 60)
        while int(told.wait_for(r"available: (\d+) MiB\n", 60)[1]) < idle + 40:
            pass
        machine.send("poweroff -f\n")
        assert scaler.wait(120) == 0
    finally:
        scaler.kill()
        scaler.wait()
        scaler.stdout.close()
    assert machine.wait() == 0
    assert len(re.findall("available", told.text)) >= 2 and idle < 200
