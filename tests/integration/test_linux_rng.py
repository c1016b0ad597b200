# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtio-rng with a stock Linux guest."""

import re

import pytest

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


def test_rate_limit(launch, images, tmp_path):
    """10 s and more at 20,000 bytes a second; the file tells what the guest was given."""
    source = tmp_path / "source"
    source.write_bytes(bytes(range(256)) * 4096)
    script = ("read a b < /proc/uptime\n"
              "dd if=/dev/hwrng of=/dev/shm/x bs=240000 count=1 iflag=fullblock 2>/dev/null\n"
              "read c b < /proc/uptime\n"
              "echo TIME $a $c; ls -l /dev/shm/x\n")
    vm = start(launch, images, script, "-object", f"rng-random,id=r,filename={source}",
               "-device", "virtio-rng-device,rng=r,max-bytes=20000,period=1000")
    found = vm.console.wait_for(r"^TIME ([\d.]+) ([\d.]+)", timeout=60)
    seconds = float(found[2]) - float(found[1])
    # The guest's driver keeps a buffer or two ahead; the clock counts hundredths.
    assert 240000 / 20000 * 0.98 - 0.1 < seconds < 240000 / 20000 * 1.03 + 0.1
