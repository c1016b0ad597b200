# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits of a disk, as Debian's kernel meets them."""

import time

import pytest

from rates import check_rate

pytestmark = pytest.mark.linux


def limits(**changed):
    return {"bps": 0, "bps_rd": 0, "bps_wr": 0, "iops": 0, "iops_rd": 0, "iops_wr": 0, **changed}


# Two readers: one has requests while the other starts anew.
READERS = """PS1=; stty -echo; for reader in 1 2; do
while :; do dd if=/dev/vda of=/dev/null bs=4096 count=40 iflag=direct 2>/dev/null; echo TI''CK; done & done
"""


def check(machine, qmp, limit):
    def read():
        return qmp.execute("query-blockstats")[0]["stats"]["rd_operations"]

    machine.console.skip()
    check_rate(limit, read, lambda: machine.console.wait_for("TICK", 60))


def test_limits(launch, images, disk_dir):
    disk = disk_dir / "disk"
    with open(disk, "wb") as image:
        image.truncate(64 << 20)
    machine = launch("-kernel", images.bzimage, "-initrd", images.initrd,
                     "-append", "console=ttyS0 panic=-1 quiet",
                     "-drive", f"file={disk},id=d0,if=none,throttling.iops-total=50",
                     "-device", "virtio-blk-device,drive=d0,id=disk0")
    qmp = machine.qmp()
    machine.console.wait_for("GUEST READY", 60)
    machine.send(READERS)
    assert qmp.execute("query-block")[0]["inserted"]["iops"] == 50
    check(machine, qmp, 50)

    qmp.execute("qom-set", {"path": "/block/d0", "property": "throttling.iops-total", "value": 30})
    check(machine, qmp, 30)

    qmp.execute("qom-set", {"path": "disk0", "property": "throttling.iops-total", "value": 0})
    qmp.execute("block_set_io_throttle", {"id": "/machine/peripheral/disk0/virtio-backend",
                                          **limits(bps=40 * 4096)})
    assert qmp.execute("query-block")[0]["inserted"]["bps"] == 40 * 4096
    check(machine, qmp, 40)

    # Without a limit it is at once as fast as the host.
    qmp.execute("block_set_io_throttle", {"id": "disk0", **limits()})
    machine.console.skip()
    begin = time.monotonic()
    for _ in range(10):
        machine.console.wait_for("TICK", 60)
    assert 400 / (time.monotonic() - begin) > 60
    qmp.execute("block_set_io_throttle", {"id": "disk0", **limits(iops=1)})
    # Stopping does not wait for requests that wait for their turn.
    qmp.execute("stop", timeout=5)
    qmp.execute("cont")
