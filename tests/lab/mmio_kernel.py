#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds a small kernel that finds its devices by virtio_mmio.device= words, into the lab's cache.

It is Debian's linux-source, with what mmio-kernel.config adds to tinyconfig: no ACPI, no PCI, no
modules. StratoVirt's microvm kernels are like that. Called as a program it prints the path.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import images  # noqa: E402

CONFIG = images.HERE / "mmio-kernel.config"


def _source():
    found = sorted(Path("/usr/src").glob("linux-source-*.tar.xz"))
    if not found:
        raise images.LabError("linux-source is missing: run scripts/deps --slow")
    return found[-1]


def _make(tree, *what):
    with open(tree / "build.log", "ab") as log:
        done = subprocess.run(["nice", "-n", "19", "make", "-s", f"-j{os.cpu_count()}", *what],
                              cwd=tree, stdout=log, stderr=log, check=False,
                              env={**os.environ, "KBUILD_BUILD_TIMESTAMP": "0", "LC_ALL": "C"})
    if done.returncode != 0:
        tail = (tree / "build.log").read_text(errors="replace")[-2000:]
        raise images.LabError(f"make {' '.join(what)} failed:\n{tail}")


def _check_config(tree):
    """Each line of the fragment must have survived: options that went away fail here, not later."""
    config = set((tree / ".config").read_text().splitlines())
    lost = [line for line in CONFIG.read_text().splitlines()
            if line.startswith("CONFIG_") and line not in config]
    if lost:
        raise images.LabError(f"the kernel's configuration lost {', '.join(lost)}")


def ensure():
    """Builds what is missing and returns the path of the bzImage; quick when it is there."""
    source = _source()
    digest = hashlib.sha256(CONFIG.read_bytes() + str(source.stat().st_size).encode()).hexdigest()
    target = images.CACHE / f"mmio-kernel-{digest[:16]}"
    if target.is_dir():
        return target / "bzImage"
    if "STRATOVIRT_IN_LAB" in os.environ:
        raise images.LabError("the kernel is not built yet: run tests/lab/mmio_kernel.py outside")
    with images._locked():
        if target.is_dir():
            return target / "bzImage"
        with tempfile.TemporaryDirectory(prefix="making.", dir=images.CACHE) as scratch:
            tree = Path(scratch)
            images._run("tar", "-xf", source, "-C", tree, "--strip-components=1")
            _make(tree, "tinyconfig")
            with open(tree / ".config", "ab") as config:
                config.write(CONFIG.read_bytes())
            _make(tree, "olddefconfig")
            _check_config(tree)
            _make(tree, "bzImage")
            with images._becoming(target) as made:
                shutil.copy(tree / "arch" / "x86" / "boot" / "bzImage", made / "bzImage")
                shutil.copy(tree / ".config", made / "config")
    return target / "bzImage"


if __name__ == "__main__":
    try:
        print(ensure())
    except images.LabError as error:
        sys.exit(f"mmio_kernel: {error}")
