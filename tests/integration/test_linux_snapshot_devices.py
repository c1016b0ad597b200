# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's kernel goes on from a snapshot that was made while all its devices were at work."""

import re
import shutil

import pytest

from test_snapshot import save

pytestmark = pytest.mark.linux
MIB = 1 << 20

# Writes to the disk and reads it back past the cache, pings its gateway, reads entropy, and says so by both consoles.
WORK = """
for m in virtio-rng virtio_console virtio_balloon; do insmod /lib/modules/$m.ko; done
until [ -c /dev/hvc0 ] && [ -c /dev/hwrng ]; do usleep 50000; done
ip link set eth0 up && ip address add 10.0.2.15/24 dev eth0
i=0
while :; do
  i=$((i + 1))
  dd if=/dev/urandom of=/tmp/block bs=64k count=4 2>/dev/null
  dd if=/tmp/block of=/dev/vda bs=64k seek=$((i % 200)) conv=fsync 2>/dev/null || echo "write failed"
  echo 3 > /proc/sys/vm/drop_caches
  dd if=/dev/vda bs=64k skip=$((i % 200)) count=4 2>/dev/null | cmp - /tmp/block || echo "disk differs"
  ping -c 1 -W 20 10.0.2.2 >/dev/null || echo "no answer"
  dd if=/dev/hwrng of=/dev/null bs=16 count=1 2>/dev/null || echo "no entropy"
  echo "tock $i" > /dev/hvc0
  echo "tick $i"
done
"""


def last(text):
    return int(re.findall(r"tick (\d+)", text)[-1])


def devices(machine, disk, log):
    """The same for who is saved and who goes on, but for where the disk is and what the console is written to."""
    on = {"microvm": lambda name, slot: f"virtio-{name}-device",
          "q35": lambda name, slot: f"virtio-{name}-pci,bus=port{slot}"}[machine]
    ports = []
    for slot in range(5) if machine == "q35" else ():
        ports += ["-device", f"pcie-root-port,id=port{slot},chassis={slot + 1},addr={slot + 2}"]
    return [*ports,
            "-drive", f"file={disk},id=d0,if=none,format=raw", "-device", on("blk", 0) + ",drive=d0,id=disk",
            "-netdev", "user,id=n0", "-device", on("net", 1) + ",netdev=n0,id=net,mac=52:54:00:12:34:57",
            "-chardev", f"file,id=c1,path={log}", "-device", on("serial", 2) + ",id=console",
            "-device", "virtconsole,chardev=c1,id=hvc", "-device", on("rng", 3) + ",id=rng",
            "-device", on("balloon", 4) + ",id=balloon"]


@pytest.mark.parametrize("machine", ["microvm", "q35"])
def test_devices_go_on(linux, disk_dir, tmp_path, machine):
    disk, log = disk_dir / "disk", tmp_path / "console"
    with open(disk, "wb") as stream:
        stream.truncate(16 * MIB)
    vm = linux(*devices(machine, disk, log), "-smp", "2", machine=machine, script=WORK)
    vm.console.wait_for(r"tick 2\b", timeout=120)
    path = tmp_path / "template"
    save(vm.qmp(), path)
    shutil.copy(disk, disk_dir / "clone")
    vm.wait_exit(0.5)
    count = last(vm.console.text)
    clone = linux(*devices(machine, disk_dir / "clone", tmp_path / "other"), "-smp", "2", "-incoming", f"file:{path}",
                  machine=machine, script=WORK)
    clone.console.wait_for(rf"tick {count + 3}\b", timeout=120)
    for bad in ("failed", "differs", "no answer", "no entropy", "Call Trace"):
        assert bad not in clone.console.text
    assert f"tock {count + 3}" in (tmp_path / "other").read_text()
    # The source goes on, too.
    vm.qmp().execute("cont")
    vm.console.wait_for(rf"tick {count + 3}\b", timeout=120)
