# SPDX-License-Identifier: LGPL-2.1-or-later
"""What happens when the host's disk fills up under a guest."""

import subprocess

import pytest

pytestmark = pytest.mark.linux

MIB = 1 << 20


@pytest.fixture
def small_fs(tmp_path):
    """A file system of 1 MiB; grow() gives it 8."""
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", folder], check=True)
    yield folder
    # The VM, which ends after this, may have the image open.
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def read_only_device(tmp_path):
    """A block device of 1 MiB that cannot be written."""
    image = tmp_path / "image"
    with open(image, "wb") as file:
        file.truncate(MIB)
    subprocess.run(["modprobe", "loop"], check=True)
    device = subprocess.run(["losetup", "--find", "--show", "--read-only", image], check=True,
                            capture_output=True, text=True).stdout.strip()
    yield device
    subprocess.run(["losetup", "--detach", device], check=True)


def test_block_device_that_cannot_be_written(launch, read_only_device):
    """Is refused for writing when it is opened, not at the guest's first write."""
    machine = launch("-drive", f"file={read_only_device},id=d0,if=none", machine="none", memory=None,
                     serial=None)
    assert machine.wait() == 1
    assert f"cannot open '{read_only_device}' for writing" in machine.stderr.text
    machine = launch("-drive", f"file={read_only_device},id=d1,if=none,readonly=on",
                     machine="none", memory=None, serial=None)
    qmp = machine.qmp()
    qmp.execute("blockdev-add", {"driver": "file", "node-name": "d2", "filename": read_only_device,
                                 "auto-read-only": True})
    assert qmp.execute("qom-get", {"path": "/block/d2", "property": "read-only"}) is True


def grow(folder):
    subprocess.run(["mount", "-o", "remount,size=8M", folder], check=True)


def test_full_disk_stops_the_vm(launch, images, small_fs):
    disk = small_fs / "disk"
    with open(disk, "wb") as image:
        image.truncate(4 * MIB)
    machine = launch("-kernel", images.bzimage, "-initrd", images.initrd,
                     "-append", "console=ttyS0 panic=-1 quiet",
                     "-drive", f"file={disk},id=d0,if=none", "-device", "virtio-blk-device,drive=d0,id=disk0")
    qmp = machine.qmp()
    machine.console.wait_for("GUEST READY", 60)
    machine.send("PS1=; stty -echo\n")
    machine.send("dd if=/dev/zero bs=1M count=3 2>/dev/null | tr '\\0' y > /tmp/data; "
                 "dd if=/tmp/data of=/dev/vda bs=64k conv=fsync 2>/dev/null; echo \"ended $?\"\n")
    event = qmp.wait_event("BLOCK_IO_ERROR", timeout=60)["data"]
    assert (event["operation"], event["action"], event["nospace"]) == ("write", "stop", True)
    assert (event["device"], event["qom-path"]) == ("d0", "/machine/peripheral/disk0")
    qmp.wait_event("STOP")
    assert qmp.execute("query-status")["status"] == "io-error"
    assert [disk["io-status"] for disk in qmp.execute("query-block")] == ["nospace"]

    grow(small_fs)
    qmp.execute("cont")
    machine.console.wait_for("ended 0", 60)
    assert [disk["io-status"] for disk in qmp.execute("query-block")] == ["ok"]
    assert disk.read_bytes()[:3 * MIB] == b"y" * (3 * MIB)
