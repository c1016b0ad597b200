# SPDX-License-Identifier: LGPL-2.1-or-later
"""The documents' examples run, and what they say about files is so."""

import re
import subprocess
import sys

import pytest

from vm import BUILD, TOP

QUICKSTART = (TOP / "docs" / "quickstart.md").read_text()
ARCHITECTURE = (TOP / "docs" / "architecture.md").read_text()
ADDING = (TOP / "docs" / "adding-a-device.md").read_text()


def blocks(text, language):
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)
    assert found, f"no {language} block"
    return found


@pytest.fixture
def tree(tmp_path):
    """A folder from which the documents' relative paths lead to this build."""
    (tmp_path / "build").symlink_to(BUILD)
    return tmp_path


def test_quickstart_shell(tree):
    for block in blocks(QUICKSTART, "sh"):
        done = subprocess.run(["sh", "-e", "-c", block], cwd=tree, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert "microvm" in done.stdout and "virtio-blk-device" in done.stdout


def test_quickstart_python(tree):
    for block in blocks(QUICKSTART, "python"):
        done = subprocess.run([sys.executable, "-c", block], cwd=tree, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert '"status":"prelaunch"' in done.stdout


def test_the_map_of_folders_is_complete():
    """docs/architecture.md has a row for each folder with code."""
    rows = set(re.findall(r"`([\w./-]+)/`", re.search(r"^## Rooms$(.*?)^## ", ARCHITECTURE, re.M | re.S)[1]))
    files = subprocess.run(["git", "ls-files", "*.c"], cwd=TOP, capture_output=True, text=True, check=True).stdout
    folders = {path.rpartition("/")[0] for path in files.split() if not path.startswith("tests/")}
    # src/ itself has the main function and the list of types only.
    assert folders - rows == {"src"}


def test_only_the_listed_files_know_a_device():
    """The device that docs/adding-a-device.md takes as its example is named nowhere else."""
    listed = set(re.findall(r"`([\w./-]+/[\w.-]+)`", ADDING.split("## The class")[0]))
    assert "src/sv-type-list.inc" in listed
    found = subprocess.run(["git", "grep", "-lE", "virtio[-_]rng|VirtioRng|VIRTIO_RNG"], cwd=TOP, capture_output=True,
                           text=True, check=True).stdout.split()
    known = {path for path in found if path.endswith((".c", ".h", ".inc", "meson.build"))}
    # The older dialect has a word of its own for it, which is written in terms of the newer one.
    known = {path for path in known if not path.startswith("src/cli/") and not path.startswith("tests/unit/test-")}
    assert known == {path for path in listed if not path.startswith("tests/unit/test-")}
