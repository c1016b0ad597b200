# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's stock kernel on the standard machine, booted directly: PCI Express, MSI-X, ACPI."""

import hashlib
import os
import re

import pytest

pytestmark = pytest.mark.linux
MIB = 1 << 20


@pytest.fixture
def q35(linux):
    def start(*args, **kwargs):
        return linux(*args, machine="q35", **kwargs)
    return start


def make_disk(folder, name, data=None, size=8 * MIB):
    path = folder / name
    with open(path, "wb") as stream:
        stream.write(data or b"")
        stream.truncate(max(size, len(data or b"")))
    return path


REPORT = """
echo "cpus $(nproc)"
echo "clock $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
echo "rtc $(cat /sys/class/rtc/rtc0/since_epoch)"
grep -H . /sys/bus/pci/devices/*/class
dmesg | grep -E 'MMCONFIG|_OSC: OS now controls|Using IOAPIC'
dmesg | grep -iE 'acpi (bios )?(error|warning|exception)|firmware bug|call trace|BUG:|soft lockup' \
  | sed 's/^/complaint /'
dmesg | grep -iE "can't claim|no space for|failed to assign|address conflict" | sed 's/^/complaint /'
poweroff -f
"""


@pytest.mark.parametrize("kernel, cpus, memory", [("vmlinux", 1, "256"), ("bzimage", 4, "256"),
                                                  ("vmlinux", 2, "3G")])
def test_boots_to_user_space(q35, kernel, cpus, memory):
    vm = q35("-smp", str(cpus), kernel=kernel, memory=memory, script=REPORT)
    assert vm.wait(40) == 0
    text = vm.console.text
    assert f"cpus {cpus}\n" in text
    assert "clock kvm-clock" in text
    assert re.search(r"^rtc [1-9]\d+$", text, re.M)
    assert "0000:00:00.0/class:0x060000" in text
    assert "0000:00:1f.0/class:0x060100" in text
    assert re.search(r"MMCONFIG for domain 0000 \[bus 00-00\] at \[mem 0xb0000000-0xb00fffff\]", text)
    assert re.search(r"OS now controls \[PCIeHotplug PME PCIeCapability\]", text)
    assert "complaint" not in text
    assert "reboot: Power down" in text


DISKS = """
cat /proc/partitions
dd if=/dev/vda of=/dev/vdb bs=1M conv=fsync 2>/dev/null && echo copied
echo "target $(md5sum < /dev/vdb)"
grep -c 'PCI-MSI.*virtio' /proc/interrupts | sed 's/^/vectors /'
ls /sys/block/vda/mq | wc -l | sed 's/^/queues /'
readlink -f /sys/block/vda; readlink -f /sys/block/vdb
poweroff -f
"""


@pytest.mark.parametrize("words, vectors", [("", 5), ("pci=nomsi", 0)], ids=["msix", "pin"])
def test_disks_at_root_bus_and_root_port(q35, disk_dir, words, vectors):
    data = os.urandom(8 * MIB)
    source, target = make_disk(disk_dir, "source", data), make_disk(disk_dir, "target")
    vm = q35("-smp", "2", "-object", "iothread,id=io0", "-device", "pcie-root-port,id=pcie.1,addr=0x4",
             "-drive", f"file={source},id=d0,if=none,format=raw",
             "-drive", f"file={target},id=d1,if=none,format=raw",
             "-device", "virtio-blk-pci,drive=d0,id=disk0,num-queues=2,addr=0x3",
             "-device", "virtio-blk-pci,drive=d1,id=disk1,bus=pcie.1,iothread=io0", script=DISKS, words=words)
    assert vm.wait(40) == 0
    text = vm.console.text
    assert "copied" in text
    assert f"target {hashlib.md5(data).hexdigest()}" in text
    assert f"vectors {vectors}\n" in text
    assert "queues 2\n" in text
    assert "pci0000:00/0000:00:03.0/virtio" in text
    assert "pci0000:00/0000:00:04.0/0000:01:00.0/virtio" in text
    assert target.read_bytes() == data


def test_system_powerdown_and_reset(q35):
    vm = q35(script="""
for e in /sys/class/input/input*; do
  [ "$(cat $e/name)" = "Power Button" ] && dev=$(basename $e/event*)
done
exec < /dev/input/$dev
echo WAITING
dd bs=24 count=1 of=/dev/null 2>/dev/null
poweroff -f
""")
    qmp = vm.qmp()
    vm.console.wait_for("WAITING", 40)
    qmp.execute("system_reset")
    qmp.wait_event("RESET", timeout=60)
    vm.console.wait_for("WAITING", 40)
    qmp.execute("system_powerdown")
    assert vm.wait(40) == 0


@pytest.mark.parametrize("how", ["pci", "acpi", "kbd", "triple"])
def test_reboots(q35, how):
    vm = q35("-no-reboot", script="reboot -f", words=f"reboot={how}")
    qmp = vm.qmp()
    assert qmp.wait_event("SHUTDOWN", timeout=100)["data"] == {"guest": True, "reason": "guest-reset"}
    assert vm.wait(40) == 0


DMI = """
cd /sys/class/dmi/id
for f in sys_vendor product_name product_version product_serial product_uuid product_sku bios_vendor board_asset_tag \
    chassis_serial; do
  echo "$f=$(cat $f)"
done
ls /sys/firmware/dmi/entries 2>/dev/null | sed 's/^/entry /'
dmesg | grep -iE 'DMI|SMBIOS'
poweroff -f
"""


@pytest.mark.parametrize("machine", ["q35", "microvm"])
def test_smbios(linux, machine):
    uuid = "4e6a9f2c-30d1-4b53-9f0e-6d2f0c1b7a55"
    vm = linux("-uuid", uuid, "-smbios", "type=0,vendor=Firm Ware", "-smbios",
               "type=1,manufacturer=Maker,product=Thing,,2,serial=S-1,sku=K1", "-smbios", "type=2,asset=A7",
               "-smbios", "type=3,serial=C9", machine=machine, script=DMI)
    assert vm.wait(40) == 0
    text = vm.console.text
    assert "SMBIOS 3.0.0 present" in text
    for line in ["sys_vendor=Maker", "product_name=Thing,2", "product_serial=S-1", f"product_uuid={uuid}",
                 "product_sku=K1", "bios_vendor=Firm Ware", "board_asset_tag=A7", "chassis_serial=C9"]:
        assert f"{line}\n" in text


def test_smbios_of_itself(q35):
    vm = q35(script="cat /sys/class/dmi/id/sys_vendor /sys/class/dmi/id/product_version; poweroff -f")
    assert vm.wait(40) == 0
    assert "StratoVirt\npc-q35-sv1\n" in vm.console.text
