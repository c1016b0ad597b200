# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples of StratoVirt's documents, with other paths, each to a guest that can be logged in to.

Debian's kernel has virtio_blk as a module, so each gets an initrd, too, which mounts root=.
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from qmpclient import QmpClient

pytestmark = pytest.mark.linux


@pytest.fixture
def place(tmp_path, images, root_disk):
    """Where the documents' paths lead."""
    return {
        "/path/to/vmlinux.bin": str(images.vmlinux),
        "/path/to/kernel": str(images.vmlinux),
        "/path/to/initrd.img": str(images.initrd),
        "/home/rootfs.ext4": str(root_disk),
        "/path/to/rootfs.ext4": str(root_disk),
        "/path/to/rootfs": str(root_disk),
        "/tmp/stratovirt.socket": str(tmp_path / "stratovirt.socket"),
        "/path/to/socket": str(tmp_path / "socket"),
        "/path/to/console.socket": str(tmp_path / "console.socket"),
        "/home/config.json": str(tmp_path / "config.json"),
    }


@pytest.fixture
def example(launch, place):
    """Starts what a document writes; every word that is a path of its, also behind '=' or ':'."""
    def translate(word):
        for path in sorted(place, key=len, reverse=True):
            if path in word:
                return word.replace(path, place[path])
        return word

    def start(text, config=None, extra=()):
        if config is not None:
            words = json.dumps(config).split('"')
            with open(place["/home/config.json"], "w", encoding="ascii") as stream:
                stream.write('"'.join(translate(word) for word in words))
        words = [translate(word.strip('"')) for word in text.replace("\\\n", " ").split()]
        return launch(*words, *extra, serial=None, qmp=False, machine=None, memory=None)
    return start


def log_in(vm, socket):
    """Waits for the guest's shell, uses it, switches the guest off; QMP answers meanwhile."""
    vm.console.wait_for("GUEST READY", 60)
    qmp = vm.connect(lambda: QmpClient.connect(str(socket), negotiate=False))
    assert qmp.execute("query-status")["running"] is True
    vm.send("cat /proc/cmdline; mount; cat /proc/meminfo; ls /sys/class/net; echo DO''NE\n")
    vm.console.wait_for("DONE", 30)
    vm.send("poweroff -f\n")
    assert vm.wait(30) == 0
    assert not socket.exists()
    return vm.console.text


def test_command_line(tmp_path, images, example):
    """Both editions: the older words, -append with several."""
    vm = example("""
    -kernel /path/to/vmlinux.bin \\
    -append console=ttyS0 root=/dev/vda rw reboot=k panic=1 \\
    -drive file=/home/rootfs.ext4,id=rootfs,readonly=false \\
    -api-channel unix:/tmp/stratovirt.socket \\
    -serial stdio
    """, extra=["-initrd", images.initrd])
    text = log_in(vm, tmp_path / "stratovirt.socket")
    assert "console=ttyS0 root=/dev/vda rw reboot=k panic=1" in text
    assert "/dev/vda on / type ext4 (rw" in text


def test_lifecycle_document(tmp_path, images, example):
    """The VM that the document takes snapshots of: the newer words."""
    vm = example("""
    -machine microvm \\
    -kernel /path/to/kernel \\
    -smp 1 -m 1024 \\
    -append "console=ttyS0 pci=off reboot=k quiet panic=1 root=/dev/vda" \\
    -drive file=/path/to/rootfs,id=rootfs,readonly=off,direct=off \\
    -device virtio-blk-device,drive=rootfs \\
    -qmp unix:/path/to/socket,server,nowait \\
    -serial stdio
    """, extra=["-initrd", images.initrd])
    text = log_in(vm, tmp_path / "socket")
    assert "/dev/vda on / type ext4 (ro" in text


BOOT_ARGS = "console=ttyS0 reboot=k panic=1 pci=off tsc=reliable ipv6.disable=1 root=/dev/vda quiet"
NET = {"iface_id": "net0", "host_dev_name": "tap0", "mac": "0e:90:df:9f:a8:88"}
CONSOLE = {"console_id": "charconsole0", "socket_path": "/path/to/console.socket"}
VSOCK = {"vsock_id": "vsock-123321132", "guest_cid": 4}

# The file that has every section.
FILES = {
    "chinese": {
        "boot-source": {
            "kernel_image_path": "/path/to/vmlinux.bin",
            "boot_args": BOOT_ARGS + " rw",
        },
        "machine-config": {"type": "MicroVm", "vcpu_count": 2, "mem_size": 268435456},
        "drive": [{"drive_id": "rootfs", "path_on_host": "/path/to/rootfs",
                   "serial_num": "11111111", "direct": True, "read_only": False, "iops": 200000,
                   "iothread": "iothread2"}],
        "net": [{**NET, "iothread": "iothread1"}],
        "console": [CONSOLE],
        "serial": {"stdio": True},
        "vsock": VSOCK,
        "iothread": [{"id": "iothread1"}, {"id": "iothread2"}],
    },
}


@pytest.fixture
def tap0():
    for module in ("tun", "vhost_vsock"):
        subprocess.run(["modprobe", module], check=True)
    subprocess.run(["ip", "tuntap", "add", "tap0", "mode", "tap"], check=True)
    yield
    subprocess.run(["ip", "link", "delete", "tap0"], check=True)


@pytest.mark.parametrize("edition", FILES)
def test_file(tmp_path, images, tap0, example, edition):
    vm = example("-config /home/config.json -api-channel unix:/tmp/stratovirt.socket",
                 FILES[edition], extra=["-initrd", images.initrd])
    vm.console.wait_for("GUEST READY", 60)
    assert (tmp_path / "console.socket").exists()
    vm.console.skip()
    vm.send("cat /sys/class/net/eth0/address /sys/block/vda/serial; echo; nproc\n")
    vm.console.wait_for("^0e:90:df:9f:a8:88", 30)
    vm.console.wait_for("^(11111111|abcd)", 30)
    vm.console.wait_for("^2", 30)
    names = {Path(f"/proc/{vm.pid}/task/{tid}/comm").read_text().strip()
             for tid in os.listdir(f"/proc/{vm.pid}/task")}
    assert edition == "russian" or {"iothread1", "iothread2"} <= names
    vm.send("echo GUEST READY\n")
    text = log_in(vm, tmp_path / "stratovirt.socket")
    assert f"/dev/vda on / type ext4 ({'rw' if edition == 'chinese' else 'ro'}" in text
    assert not (tmp_path / "console.socket").exists()
