# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hotplug with a kernel that has no ACPI and reads virtio_mmio.device= words."""

import subprocess
import sys

import pytest
import vm as vm_module
from test_hotplug import add_disk, make_disk, quiet, remove_disk, run, wait_disk, wait_gone

sys.path.insert(0, str(vm_module.TOP / "tests" / "lab"))
import mmio_kernel  # noqa: E402

pytestmark = [pytest.mark.linux, pytest.mark.slow]


@pytest.fixture
def guest(launch, images):
    def start(*args):
        machine = launch("-kernel", mmio_kernel.ensure(), "-initrd", images.initrd, "-append",
                         "console=ttyS0 panic=-1 quiet sv.modules=none", *args)
        machine.console.wait_for("GUEST READY", 60)
        quiet(machine)
        return machine, machine.qmp()
    return start


def test_placeholders_come_alive(guest, disk_dir):
    first = make_disk(disk_dir, "first", "FIRST")
    machine, qmp = guest("-drive", f"id=first,file={first}")
    # Six disks and two cards from boot, though only one disk has an image.
    run(machine, "echo disks $(ls -d /sys/block/vd* | wc -l) cards $(ls -d /sys/class/net/eth* | wc -l)",
        "disks 6 cards 2")
    wait_disk(machine, "vda", "FIRST")
    wait_gone(machine, "vdb")
    for i in range(20):
        text = f"DISK-{i:03}"
        add_disk(qmp, "drive-1", make_disk(disk_dir, "image", text), lun=0)
        wait_disk(machine, "vdb", text)
        run(machine, "echo CHANGED | dd of=/dev/vdb conv=fsync 2>/dev/null; echo written", "written")
        remove_disk(qmp, "drive-1")
        wait_gone(machine, "vdb")
        assert (disk_dir / "image").read_bytes().startswith(b"CHANGED\n")

    # What was there at boot can go as well.
    remove_disk(qmp, "first")
    wait_gone(machine, "vda")


def test_card_gets_its_link(guest):
    subprocess.run(["modprobe", "tun"], check=True)
    machine, qmp = guest()
    run(machine, "ip link set eth0 up; echo carrier $(cat /sys/class/net/eth0/carrier)", "carrier 0")
    qmp.execute("netdev_add", {"id": "net-0", "ifname": "svhot0"})
    qmp.execute("device_add", {"id": "net-0", "driver": "virtio-net-mmio", "addr": "0x0"})
    run(machine, "until [ $(cat /sys/class/net/eth0/carrier) = 1 ]; do usleep 10000; done; echo link up",
        "link up")
    qmp.execute("device_del", {"id": "net-0"})
    assert qmp.wait_event("DEVICE_DELETED")["data"]["device"] == "net-0"
    run(machine, "until [ $(cat /sys/class/net/eth0/carrier) = 0 ]; do usleep 10000; done; echo link down",
        "link down")
    qmp.execute("netdev_del", {"id": "net-0"})
