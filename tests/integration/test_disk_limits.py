# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits of a disk, as Debian's kernel meets them."""

import time

import pytest

pytestmark = pytest.mark.linux


def limits(**changed):
    return {"bps": 0, "bps_rd": 0, "bps_wr": 0, "iops": 0, "iops_rd": 0, "iops_wr": 0, **changed}


def rate(machine, count):
    """Requests of 4096 bytes per second, of that many."""
    machine.send(f"dd if=/dev/vda of=/dev/null bs=4096 count={count} iflag=direct 2>/dev/null; "
                 "echo EN''DED\n")
    begin = time.monotonic()
    machine.console.wait_for("ENDED", 60)
    return count / (time.monotonic() - begin)


def near(value, limit):
    """Never above, but for 50 ms worth at once. That it is not below is the unit test's: an emulated host
    stands still at times, and what was not used then is not made up for."""
    return 0.6 * limit <= value <= 1.015 * limit


def test_limits(launch, images, disk_dir):
    disk = disk_dir / "disk"
    with open(disk, "wb") as image:
        image.truncate(64 << 20)
    machine = launch("-kernel", images.bzimage, "-initrd", images.initrd,
                     "-append", "console=ttyS0 panic=-1 quiet",
                     "-drive", f"file={disk},id=d0,if=none,throttling.iops-total=100",
                     "-device", "virtio-blk-device,drive=d0,id=disk0")
    qmp = machine.qmp()
    machine.console.wait_for("GUEST READY", 60)
    machine.send("PS1=; stty -echo\n")
    assert qmp.execute("query-block")[0]["inserted"]["iops"] == 100
    assert near(rate(machine, 1000), 100)

    qmp.execute("qom-set", {"path": "/block/d0", "property": "throttling.iops-total", "value": 40})
    assert near(rate(machine, 200), 40)

    qmp.execute("qom-set", {"path": "disk0", "property": "throttling.iops-total", "value": 0})
    qmp.execute("block_set_io_throttle", {"id": "/machine/peripheral/disk0/virtio-backend",
                                          **limits(bps=50 * 4096)})
    assert qmp.execute("query-block")[0]["inserted"]["bps"] == 50 * 4096
    assert near(rate(machine, 250), 50)

    qmp.execute("block_set_io_throttle", {"id": "disk0", **limits()})
    assert rate(machine, 1000) > 110
    qmp.execute("block_set_io_throttle", {"id": "disk0", **limits(iops=1)})
    machine.send("dd if=/dev/vda of=/dev/null bs=4096 count=100 iflag=direct &\n")
    # Stopping does not wait for requests that wait for their turn.
    qmp.execute("stop", timeout=5)
    qmp.execute("cont")
