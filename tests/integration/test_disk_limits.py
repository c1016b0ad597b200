# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits of a disk, as Debian's kernel meets them."""

import time

import pytest

pytestmark = pytest.mark.linux

READ = "while :; do dd if=/dev/vda of=/dev/null bs=4096 iflag=direct 2>/dev/null; done"


def counters(qmp):
    stats = qmp.execute("query-blockstats")[0]["stats"]
    return time.monotonic(), stats["rd_operations"], stats["rd_bytes"]


def measure(qmp, seconds):
    """Requests and bytes per second, over about that time."""
    begin = counters(qmp)
    time.sleep(seconds)
    end = counters(qmp)
    span = end[0] - begin[0]
    return (end[1] - begin[1]) / span, (end[2] - begin[2]) / span


def settle(qmp):
    """Waits for a request under the new limit: what was due under the old one is done then."""
    count = counters(qmp)[1]
    while counters(qmp)[1] < count + 20:
        time.sleep(0.02)


def limits(**changed):
    return {"bps": 0, "bps_rd": 0, "bps_wr": 0, "iops": 0, "iops_rd": 0, "iops_wr": 0, **changed}


def near(value, limit, seconds):
    """At most the limit, and what may go at once; no more than 2 % below, and what one request is."""
    return 0.98 * limit - 1 / seconds <= value <= limit + (0.05 * limit + 1) / seconds


def test_limits(launch, images, disk_dir):
    disk = disk_dir / "disk"
    with open(disk, "wb") as image:
        image.truncate(256 << 20)
    machine = launch("-kernel", images.bzimage, "-initrd", images.initrd,
                     "-append", "console=ttyS0 panic=-1 quiet",
                     "-drive", f"file={disk},id=d0,if=none,throttling.iops-total=100",
                     "-device", "virtio-blk-device,drive=d0,id=disk0")
    qmp = machine.qmp()
    machine.console.wait_for("GUEST READY", 60)
    machine.send(f"({READ}) &\n")
    settle(qmp)
    assert qmp.execute("query-block")[0]["inserted"]["iops"] == 100
    assert near(measure(qmp, 10)[0], 100, 10)

    qmp.execute("qom-set", {"path": "/block/d0", "property": "throttling.iops-total", "value": 40})
    settle(qmp)
    assert near(measure(qmp, 5)[0], 40, 5)

    qmp.execute("qom-set", {"path": "disk0", "property": "throttling.iops-total", "value": 0})
    qmp.execute("block_set_io_throttle", {"id": "/machine/peripheral/disk0/virtio-backend",
                                          **limits(bps=50 * 4096)})
    settle(qmp)
    assert qmp.execute("query-block")[0]["inserted"]["bps"] == 50 * 4096
    assert near(measure(qmp, 5)[1] / 4096, 50, 5)

    qmp.execute("block_set_io_throttle", {"id": "disk0", **limits()})
    settle(qmp)
    assert measure(qmp, 1)[0] > 110
    qmp.execute("block_set_io_throttle", {"id": "disk0", **limits(iops=1)})
    # Stopping does not wait for requests that wait for their turn.
    qmp.execute("stop", timeout=5)
    qmp.execute("cont")
