# SPDX-License-Identifier: LGPL-2.1-or-later
"""A stock kernel in a Python program's own process."""

import pytest
from scripting import python
from vm import run_word

pytestmark = pytest.mark.linux

JOB = """
read size < /sys/block/vda/size; echo "DISK $size"
while ! [ -e /sys/block/vdb ]; do read -t 0.1 nothing; done
read size < /sys/block/vdb/size; echo "PLUGGED $size"
poweroff -f
"""


@pytest.mark.parametrize("kind", ["Microvm", "Q35"])
def test_linux(images, tmp_path, kind):
    """Debian's kernel finds the disk, one that the script plugs in while it runs, and switches itself off."""
    bus = "device" if kind == "Microvm" else "pci"
    out = python("""
kind, driver, kernel, initrd, append = sys.argv[2:]
vm = getattr(StratoVirt, kind)(memory_size=256 << 20, kernel=kernel, initrd=initrd, append=append)
for name, size in ("root", 1), ("data", 2):
    with open(name, "wb") as stream:
        stream.truncate(size << 20)
vm.add_serial(StratoVirt.ChardevFile(path="console"))
ports = [{}, {}]
if kind == "Q35":
    for name in "port0", "port1":
        vm.add_device("pcie-root-port", name)
    ports = [{"bus": "port0"}, {"bus": "port1"}]
vm.add_device(driver, "root", {"drive": StratoVirt.BlockFile(filename="root"), **ports[0]})
vm.connect("shutdown", lambda vm, reason: print(reason.value_nick))
vm.connect("quit", lambda vm, status: loop.quit())
vm.start()
def plug():
    if b"DISK 2048" not in Path("console").read_bytes():
        return True
    vm.add_device(driver, "data", {"drive": StratoVirt.BlockFile(filename="data"), **ports[1]})
GLib.timeout_add(100, plug)
loop.run()
print(Path("console").read_text())
""", kind, f"virtio-blk-{bus}", images.vmlinux, images.initrd,
                 f"console=ttyS0 quiet {run_word(JOB)}", cwd=tmp_path, timeout=120)
    assert out.startswith("guest-shutdown\n") and "DISK 2048" in out and "PLUGGED 4096" in out
