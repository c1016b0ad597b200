# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtio-rng with a stock Linux guest."""

import os
import re

import pytest

from rates import check_rate
from vm import run_word

pytestmark = pytest.mark.linux
MODULES = "sv.modules=virtio_ring,virtio,virtio_mmio,virtio-rng"


def start(launch, images, script, *args):
    return launch("-kernel", images.bzimage, "-initrd", images.initrd, "-append",
                  f"console=ttyS0 quiet panic=-1 {MODULES} {run_word(script)}", *args)


def test_guest_reads_random_bytes(launch, images):
    vm = start(launch, images, "cat /sys/class/misc/hw_random/rng_current\n"
                               "dd if=/dev/hwrng bs=64 count=64 2>/dev/null | md5sum\n"
                               "dd if=/dev/hwrng bs=64 count=64 2>/dev/null | md5sum\n",
               "-device", "virtio-rng-device")
    vm.console.wait_for("^virtio_rng", timeout=30)
    vm.console.wait_for("GUEST JOB ENDED 0", timeout=30)
    sums = re.findall(r"^([0-9a-f]{32}) ", vm.console.text, re.M)
    assert len(sums) == 2 and sums[0] != sums[1]


def position(pid, path):
    """How far a process has read a file."""
    for name in os.listdir(f"/proc/{pid}/fd"):
        if os.readlink(f"/proc/{pid}/fd/{name}") == str(path):
            with open(f"/proc/{pid}/fdinfo/{name}", encoding="ascii") as info:
                return int(re.search(r"^pos:\s*(\d+)", info.read())[1])
    raise AssertionError(f"{path} is not open")


def test_rate_limit(launch, images, tmp_path):
    """What the device takes from its source; the guest's kernel takes its part of that, too."""
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 4096)
    script = ("for reader in 1 2; do while :; do\n"
              "dd if=/dev/hwrng of=/dev/null bs=640 count=1 iflag=fullblock 2>/dev/null; echo TICK\n"
              "done & done; wait\n")
    vm = start(launch, images, script, "-object", f"rng-random,id=r,filename={source}",
               "-device", "virtio-rng-device,rng=r,max-bytes=4000,period=1000")
    check_rate(4000, lambda: position(vm.pid, source), lambda: vm.console.wait_for("^TICK", 60))
