# SPDX-License-Identifier: LGPL-2.1-or-later
"""Snapshots that come to nothing while they are written: nothing is left of them, and the VM runs on."""

import os
import subprocess

import pytest
from test_snapshot import last_count, save, wait_migration

EVENTS = {"capabilities": [{"capability": "events", "state": True}]}


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "small", folder], check=True)
    yield folder
    subprocess.run(["umount", folder], check=True)


def runs_on(vm, qmp, path):
    """As if nothing had been; and it can be saved later."""
    qmp.execute("cont")
    vm.console.wait_for(rf"count {last_count(vm.console.text) + 3}\b")
    save(qmp, path)
    assert sorted(os.listdir(path)) == ["memory", "state"]


def test_disk_is_full(tiny, small_disk, tmp_path):
    vm = tiny("w")
    vm.console.wait_for(r"count 2\b")
    qmp = vm.qmp()
    qmp.execute("migrate-set-capabilities", EVENTS)
    qmp.execute("stop")
    for _ in range(2):
        qmp.execute("migrate", {"uri": f"file:{small_disk}/template"})
        info = wait_migration(qmp)
        assert info["status"] == "failed" and "No space left" in info["error-desc"]
        assert os.listdir(small_disk) == []
    runs_on(vm, qmp, tmp_path / "template")


def test_cancelled_while_it_is_written(tiny, tmp_path):
    """Much memory takes a while to look through; a snapshot that was faster than this test is none to cancel."""
    folder = tmp_path / "here"
    folder.mkdir()
    vm = tiny("c", memory="16384")
    vm.console.wait_for(r"count 2\b")
    qmp = vm.qmp()
    qmp.execute("migrate-set-capabilities", EVENTS)
    qmp.execute("stop")
    for turn in range(20):
        qmp.execute("migrate", {"uri": f"file:{folder}/{turn}"})
        while not any(name.startswith(f"{turn}") for name in os.listdir(folder)):
            pass
        qmp.execute("migrate_cancel")
        status = wait_migration(qmp)["status"]
        names = [name for name in os.listdir(folder) if name.startswith(f"{turn}")]
        assert (status, names) in (("cancelled", []), ("completed", [f"{turn}"]))
        if status == "cancelled":
            break
    assert status == "cancelled"
    runs_on(vm, qmp, tmp_path / "template")
