# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's OVMF on the standard machine: a kernel of the command line's, a disk with a boot loader, variables."""

import re
import shutil
import subprocess

import pytest
from vm import initrd_with, run_word

pytestmark = pytest.mark.linux
IORESOURCE_MEM = 0x200
MIB = 1 << 20
CODE = "/usr/share/OVMF/OVMF_CODE_4M.fd"
VARS = "/usr/share/OVMF/OVMF_VARS_4M.fd"
LOADER = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi"
# Firmware in a guest of an emulated host takes its time.
BOOT = 400


@pytest.fixture
def firmware(launch, disk_dir):
    """Starts VMs with firmware; @variables is the file of its variables."""
    variables = disk_dir / "vars.fd"
    shutil.copy(VARS, variables)

    def start(*args, memory="512", **kwargs):
        vm = launch("-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={CODE}",
                    "-drive", f"if=pflash,format=raw,unit=1,file={variables}", *args, machine="q35", memory=memory,
                    **kwargs)
        vm.variables = variables
        return vm
    return start


# The first time a variable is stored, by the next start it must be there.
KERNEL_JOB = """
insmod /lib/modules/efivarfs.ko
mount -t efivarfs none /sys/firmware/efi/efivars
variable=/sys/firmware/efi/efivars/StratoTest-12345678-1234-1234-1234-123456789abc
if ! [ -e $variable ]; then
  printf '\\007\\000\\000\\000stored value' > $variable && echo "variable stored"
  reboot -f
fi
echo "variable $(tail -c +5 $variable)"
echo "word $(cat /proc/cmdline | tr ' ' '\\n' | grep '^sv.word=')"
echo "cpus $(nproc)"
sed 's/^/memory /' /proc/iomem
sed 's/^/port /' /sys/bus/pci/devices/0000:00:04.0/resource
echo "PLUG NOW"
until [ -b /dev/vda ]; do usleep 50000; done
echo "plugged $(head -c 5 /dev/vda) $(readlink -f /sys/block/vda | cut -d / -f 5-6) $(ls /sys/block/vda/mq | wc -l) queues"
while [ -e /sys/bus/pci/devices/0000:02:00.0 ]; do usleep 50000; done
dmesg | grep -E 'MMCONFIG for|_OSC: OS now controls|efi: EFI v'
dmesg | grep -iE 'acpi (bios )?(error|warning|exception)|firmware bug|call trace|BUG:|soft lockup' | sed 's/^/complaint /'
dmesg | grep -iE "can't claim|no space for|failed to assign|address conflict" | sed 's/^/complaint /'
poweroff -f
"""


def test_kernel_and_variables(firmware, images, disk_dir):
    """-kernel with firmware; PCI as the firmware set it up, with room for a disk later; a stored variable survives."""
    initrd = initrd_with(images, disk_dir / "initrd", KERNEL_JOB)
    (disk_dir / "late").write_bytes(b"hello".ljust(MIB, b"\0"))
    vm = firmware("-smp", "2", "-kernel", images.bzimage, "-initrd", initrd, "-append", "console=ttyS0 sv.word=17",
                  "-device", "pcie-root-port,id=port,addr=4", "-device", "virtio-rng-pci,bus=port",
                  "-device", "pcie-root-port,id=spare,addr=5", "-drive", f"file={disk_dir / 'late'},id=late,if=none")
    vm.console.wait_for("variable stored", BOOT)
    assert "StratoTest".encode("utf-16-le") in vm.variables.read_bytes(), "it is in the file already"
    vm.console.wait_for("PLUG NOW", BOOT)
    qmp = vm.qmp()
    qmp.execute("device_add", {"driver": "virtio-blk-pci", "id": "late", "drive": "late", "bus": "spare", "num-queues": 2})
    vm.console.wait_for(r"plugged hello 0000:00:05\.0/0000:02:00\.0 2 queues", BOOT)
    qmp.execute("device_del", {"id": "late"})
    assert qmp.wait_event("DEVICE_DELETED", timeout=100)["data"]["device"] == "late"
    assert vm.wait(BOOT) == 0
    text = vm.console.text
    assert "variable stored value\n" in text
    assert "word sv.word=17\n" in text
    assert "cpus 2\n" in text
    assert re.search(r"efi: EFI v2\.\d+ by ", text)
    assert re.search(r"MMCONFIG for domain 0000 \[bus 00-ff\] at \[mem 0xb0000000-0xbfffffff\]", text)
    assert re.search(r"OS now controls \[PCIeHotplug PME PCIeCapability\]", text)
    windows = [[int(word, 16) for word in line.split()[1:]] for line in text.split("\n") if line.startswith("port ")]
    sizes = sorted(end - start + 1 for start, end, flags in windows[7:] if flags & IORESOURCE_MEM)
    assert len(sizes) == 2 and sizes[0] >= 2 * MIB and sizes[1] >= 256 * MIB, "room for what is plugged in later"
    assert "complaint" not in text


def make_boot_disk(path, images, script):
    """A disk with one partition, of the kind that UEFI boots from: a boot loader, its entry, a kernel."""
    size, start = 96 * MIB, MIB
    entry = f"title test\nlinux /linux\ninitrd /initrd\noptions console=ttyS0 {run_word(script)}\n"
    with open(path, "wb") as disk:
        disk.truncate(size)
        disk.seek(446)
        disk.write(b"\0\0\0\0\xef\0\0\0" + (start // 512).to_bytes(4, "little")
                   + ((size - start) // 512).to_bytes(4, "little"))
        disk.seek(510)
        disk.write(b"\x55\xaa")
    part = f"{path}@@{start}"
    (path.parent / "loader.conf").write_text("timeout 0\n")
    (path.parent / "test.conf").write_text(entry)

    def run(*argv):
        subprocess.run(argv, check=True, capture_output=True)
    run("mformat", "-i", part, "-T", str((size - start) // 512), "-h", "64", "-s", "32", "::")
    run("mmd", "-i", part, "::EFI", "::EFI/BOOT", "::loader", "::loader/entries")
    for source, target in ((LOADER, "EFI/BOOT/BOOTX64.EFI"), (images.bzimage, "linux"), (images.initrd, "initrd"),
                           (path.parent / "loader.conf", "loader/loader.conf"),
                           (path.parent / "test.conf", "loader/entries/test.conf")):
        run("mcopy", "-i", part, str(source), f"::{target}")


DISK_JOB = """
cat /sys/block/vd?/size
ls /sys/firmware/efi >/dev/null && echo "by firmware"
for d in vda vdb; do echo "disk $(readlink -f /sys/block/$d)"; done
poweroff -f
"""


def test_disk_with_a_boot_loader(firmware, images, disk_dir):
    """No kernel from the host: the disk's own boot loader starts its own kernel, in the order of bootindex."""
    make_boot_disk(disk_dir / "boot.img", images, DISK_JOB)
    (disk_dir / "other.img").write_bytes(bytes(MIB))
    vm = firmware("-drive", f"file={disk_dir / 'other.img'},id=other,if=none",
                  "-drive", f"file={disk_dir / 'boot.img'},id=boot,if=none",
                  "-device", "pcie-root-port,id=port,addr=5",
                  "-device", "virtio-blk-pci,drive=other,addr=6,bootindex=2",
                  "-device", "virtio-blk-pci,drive=boot,bus=port,bootindex=1")
    assert vm.wait(BOOT) == 0
    text = vm.console.text
    assert "by firmware" in text
    assert re.search(r"disk .*/0000:00:05\.0/0000:01:00\.0/virtio", text)
    assert re.search(r"disk .*/0000:00:06\.0/virtio", text)
    assert "reboot: Power down" in text
