# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtio-balloon with a stock Linux guest: memory really goes back to the host."""

import re
import time

import pytest

from qmpclient import QmpError
from vm import SCALE, run_word

pytestmark = pytest.mark.linux
MIB = 1 << 20
MODULES = "sv.modules=virtio_ring,virtio,virtio_mmio,virtio_balloon"
# Makes the host provide memory, then frees it.
USE_MEMORY = "dd if=/dev/zero of=/dev/shm/x bs=1M count=100 2>/dev/null; rm /dev/shm/x; echo USED\n"


def start(launch, images, script, *args):
    return launch("-kernel", images.bzimage, "-initrd", images.initrd, "-append",
                  f"console=ttyS0 quiet panic=-1 {MODULES} {run_word(script)}", *args, memory="256")


def rss(vm):
    """Bytes of memory that the VMM's process has."""
    with open(f"/proc/{vm.pid}/status", encoding="ascii", errors="replace") as status:
        return int(re.search(r"^VmRSS:\s*(\d+)", status.read(), re.M)[1]) << 10


def wait_rss_below(vm, limit, seconds=20):
    end = time.monotonic() + seconds * SCALE
    while rss(vm) > limit:
        assert time.monotonic() < end, f"{rss(vm)} bytes, not below {limit}"
        assert not vm.wait_exit(0.1)


def wait_actual(qmp, wanted):
    while qmp.wait_event("BALLOON_CHANGE", timeout=30)["data"]["actual"] != wanted:
        pass


def test_down_and_up(launch, images):
    vm = start(launch, images, USE_MEMORY + "while read line; do grep MemFree /proc/meminfo; done\n",
               "-device", "virtio-balloon-device,id=b0,deflate-on-oom=on")
    vm.console.wait_for("^USED", timeout=30)
    qmp = vm.qmp()
    assert qmp.execute("query-balloon") == {"actual": 256 * MIB}
    before = rss(vm)
    assert before > 100 * MIB
    qmp.execute("balloon", {"value": 128 * MIB})
    wait_actual(qmp, 128 * MIB)
    assert qmp.execute("query-balloon") == {"actual": 128 * MIB}
    assert rss(vm) < before - 60 * MIB
    vm.send("\n")
    low = int(vm.console.wait_for(r"MemFree:\s*(\d+) kB", timeout=20)[1])

    qmp.execute("balloon", {"value": 1 << 40})
    wait_actual(qmp, 256 * MIB)
    vm.send("\n")
    assert int(vm.console.wait_for(r"MemFree:\s*(\d+) kB", timeout=20)[1]) > low + 100 * 1024

    path = {"path": "/machine/peripheral/b0"}
    qmp.execute("qom-set", {**path, "property": "guest-stats-polling-interval", "value": 1})
    stats = {}
    end = time.monotonic() + 20 * SCALE
    while stats.get("stats", {}).get("stat-total-memory", -1) <= 0 or stats["last-update"] == 0:
        assert time.monotonic() < end
        assert not vm.wait_exit(0.1)
        stats = qmp.execute("qom-get", {**path, "property": "guest-stats"})
    assert 150 * MIB < stats["stats"]["stat-total-memory"] < 256 * MIB


def test_free_page_reporting(launch, images):
    vm = start(launch, images, USE_MEMORY, "-device",
               "virtio-balloon-device,free-page-reporting=on")
    vm.console.wait_for("^USED", timeout=30)
    wait_rss_below(vm, 100 * MIB)
    vm.console.wait_for("GUEST JOB ENDED 0", timeout=20)


def test_none(launch, images):
    vm = start(launch, images, "")
    with pytest.raises(QmpError) as error:
        vm.qmp().execute("balloon", {"value": 128 * MIB})
    assert error.value.error_class == "DeviceNotActive"
    assert error.value.desc == "No balloon device has been activated"
