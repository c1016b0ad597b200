# SPDX-License-Identifier: LGPL-2.1-or-later
"""What was plugged in or out before a snapshot or migration is as it was after it."""

import pytest
from qmpclient import QmpError
from test_hotplug_tiny import SECTORS, add_disk, make_disk, remove_disk
from test_migration import EVENTS, ended
from test_snapshot import save


def words(name, path, *more):
    """The command line of a VM into which add_disk() plugged a disk."""
    return ["-drive", f"file={path},id={name},if=none", "-device", f"virtio-blk-device,drive={name},id={name}", *more]


@pytest.fixture
def source(tiny, disk_dir):
    """A guest whose driver is up on the first disk, in a VM that had a network card and a disk that are gone, with a second disk."""
    make_disk(disk_dir, "second", "SECOND")
    vm = tiny("v")
    vm.console.wait_for(r"started with status 15\s")
    qmp = vm.qmp()
    qmp.execute("netdev_add", {"id": "net-0", "type": "user"})
    qmp.execute("device_add", {"id": "net-0", "driver": "virtio-net-mmio", "addr": "0x1"})
    add_disk(qmp, "drive-0", make_disk(disk_dir, "disk", "FIRST"), addr="0x0")
    vm.console.wait_for(r"data FIRST\s")
    add_disk(qmp, "drive-1", disk_dir / "second", addr="0x3")
    qmp.execute("device_del", {"id": "net-0"})
    qmp.wait_event("DEVICE_DELETED")
    return vm, qmp


def goes_on(vm, disk_dir):
    """The driver is handed over to another disk, and what is in other slots comes and goes."""
    qmp = vm.qmp()
    assert "tiny" not in vm.console.text
    with pytest.raises(QmpError, match="occupied by '/machine/peripheral/drive-1'"):
        qmp.execute("device_add", {"id": "drive-0", "driver": "virtio-blk-mmio", "drive": "drive-1", "addr": "0x3"})
    add_disk(qmp, "drive-2", make_disk(disk_dir, "disk", "THIRD"), addr="0x0")
    vm.console.wait_for(rf"capacity {SECTORS}\s+status 0 data THIRD\s")
    remove_disk(qmp, "drive-2")
    vm.console.wait_for(r"capacity 0\s")
    remove_disk(qmp, "drive-1")
    qmp.execute("system_reset")
    vm.console.wait_for(r"started with status 15\s")


def test_microvm_disk_that_was_plugged_in(tiny, disk_dir, source, tmp_path):
    """It is named at the end of the command line, and finds its slot."""
    vm, qmp = source
    save(qmp, tmp_path / "template")
    qmp.execute("quit")
    vm.wait()
    disks = words("drive-1", disk_dir / "second", *words("drive-0", disk_dir / "disk"))
    clone = tiny("v", *disks, "-incoming", f"file:{tmp_path}/template")
    qmp = clone.qmp()
    remove_disk(qmp, "drive-0")
    clone.console.wait_for(r"capacity 0\s")
    goes_on(clone, disk_dir)


@pytest.mark.parametrize("moved", [False, True])
def test_microvm_disk_that_was_taken_out(tiny, disk_dir, source, tmp_path, moved):
    """It is not named; its driver has the placeholder that it had."""
    vm, qmp = source
    remove_disk(qmp, "drive-0")
    vm.console.wait_for(r"capacity 0\s")
    disks = words("drive-1", disk_dir / "second")
    if moved:
        there = tiny("v", *disks, "-incoming", f"unix:{tmp_path}/incoming")
        there.qmp()
        qmp.execute("migrate-set-capabilities", EVENTS)
        qmp.execute("migrate", {"uri": f"unix:{tmp_path}/incoming"})
        ended(vm, qmp)
    else:
        save(qmp, tmp_path / "template")
        qmp.execute("quit")
        vm.wait()
        there = tiny("v", *disks, "-incoming", f"file:{tmp_path}/template")
    goes_on(there, disk_dir)


def test_nothing_stays_of_a_state_that_was_refused(tiny, disk_dir, source, tmp_path):
    """Of one with a placeholder, before one without."""
    vm, qmp = source
    remove_disk(qmp, "drive-0")
    save(qmp, tmp_path / "other")
    qmp.execute("quit")
    vm.wait()
    disk = [*words("drive-1", disk_dir / "second"), "-global", "virtio-blk-device.serial=mine"]
    plain = tiny("c", *disk)
    plain.console.wait_for(r"count 3\b")
    save(plain.qmp(), tmp_path / "template")
    plain.qmp().execute("quit")
    plain.wait()
    there = tiny("c", *disk, "-incoming", "defer")
    qmp = there.qmp()
    for _ in range(2):
        with pytest.raises(QmpError, match="'serial' is '' there and 'mine' here"):
            qmp.execute("migrate-incoming", {"uri": f"file:{tmp_path}/other"})
    qmp.execute("migrate-incoming", {"uri": f"file:{tmp_path}/template"})
    there.console.wait_for(r"count \d+\n")
