# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples of StratoVirt's documents, with other paths, each to a guest that can be logged in to.

Debian's kernel has virtio_blk as a module, so each gets an initrd, too, which mounts root=.
"""

import json

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


def test_file_alone(tmp_path, example):
    """What of the documents' file needs neither a tap nor a vhost module."""
    config = {
        "boot-source": {
            "kernel_image_path": "/path/to/vmlinux.bin",
            "boot_args": "console=ttyS0 reboot=k panic=1 pci=off tsc=reliable ipv6.disable=1 "
                         "root=/dev/vda quiet rw",
            "initrd_fs_path": "/path/to/initrd.img",
        },
        "machine-config": {"type": "MicroVm", "name": "abc", "vcpu_count": 2,
                           "mem_size": 268435456, "omit_vm_memory": False},
        "drive": [{"drive_id": "rootfs", "path_on_host": "/path/to/rootfs",
                   "serial_num": "11111111", "direct": True, "read_only": False,
                   "iothread": "iothread2"}],
        "serial": {"stdio": True},
        "iothread": [{"id": "iothread1"}, {"id": "iothread2"}],
    }
    vm = example("-config /home/config.json -api-channel unix:/tmp/stratovirt.socket", config)
    text = log_in(vm, tmp_path / "stratovirt.socket")
    assert "/dev/vda on / type ext4 (rw" in text
    assert "MemTotal:" in text
