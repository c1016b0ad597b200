# SPDX-License-Identifier: LGPL-2.1-or-later
"""Processors that come and go, by the controller's registers and on this host's KVM with a guest that does not look."""

import pytest
import testaccel
from testaccel import QTest

GED, CPUS = 0xF0000000, 0xF0000004
SELECT, STATUS, OUTCOME = CPUS, CPUS + 1, CPUS + 2
ENABLED, INSERTING, REMOVING, EJECT = 1, 2, 4, 8
NONE = 0xFF
SMP = ("-smp", "2,maxcpus=6,sockets=3,cores=2")


@pytest.fixture
def start(launch, tmp_path):
    return lambda *args, **kwargs: testaccel.start(launch, tmp_path / "test.socket", QTest, *args, **kwargs)


def plug(qmp, ident, socket, core):
    qmp.execute("device_add", {"driver": "host-x86-cpu", "id": ident, "socket-id": socket, "core-id": core})


def status(test, cpu):
    test.put(SELECT, cpu, 1)
    return test.get(STATUS, 1)


def test_plug_and_eject(start):
    vm = start(*SMP)
    test, qmp = vm.test, vm.qmp()
    assert [status(test, cpu) for cpu in range(7)] == [ENABLED, ENABLED, 0, 0, 0, 0, 0]
    plug(qmp, "c4", 2, 0)
    assert test.get(GED, 4) == 1 << 4
    assert test.get(SELECT, 1) == 4
    assert status(test, 4) == ENABLED | INSERTING
    test.put(STATUS, INSERTING, 1)
    assert status(test, 4) == ENABLED and test.get(SELECT, 1) == NONE

    qmp.execute("device_del", {"id": "c4"})
    assert test.get(GED, 4) == 1 << 4
    assert test.get(SELECT, 1) == 4 and status(test, 4) == ENABLED | REMOVING
    test.put(STATUS, REMOVING, 1)
    test.put(OUTCOME, 0x81, 1)
    event = qmp.wait_event("DEVICE_UNPLUG_GUEST_ERROR", "DEVICE_DELETED")
    assert (event["event"], event["data"]) == ("DEVICE_UNPLUG_GUEST_ERROR",
                                               {"device": "c4", "path": "/machine/peripheral/c4"})
    qmp.execute("device_del", {"id": "c4"})
    test.put(SELECT, 4, 1)
    test.put(STATUS, EJECT, 1)
    assert qmp.wait_event("DEVICE_DELETED")["data"]["device"] == "c4"
    assert status(test, 4) == 0


def test_boot_processor_stays(start):
    vm = start(*SMP)
    qmp = vm.qmp()
    with pytest.raises(Exception, match="does not support hotplugging"):
        qmp.execute("device_del", {"id": "/machine/unattached/device[0]"})
    with pytest.raises(Exception, match=r"exists already: /machine/unattached/device\[1\]"):
        plug(qmp, "c1", 0, 1)
    with pytest.raises(Exception, match="Invalid CPU socket-id: 3 must be in range 0:2"):
        plug(qmp, "c6", 3, 0)
    assert len(qmp.execute("query-cpus-fast")) == 2


def test_no_room(start):
    qmp = start("-smp", "2").qmp()
    with pytest.raises(Exception, match="Processors come and go only where -smp maxcpus= leaves room"):
        qmp.execute("device_del", {"id": "/machine/unattached/device[1]"})


def test_others_go(start):
    """A processor that was there from the start leaves as those that were plugged in do, and its place can be taken again."""
    vm = start(*SMP)
    test, qmp = vm.test, vm.qmp()
    path = "/machine/unattached/device[1]"
    for _ in range(2):
        qmp.execute("device_del", {"id": path})
        assert test.get(SELECT, 1) == 1 and status(test, 1) == ENABLED | REMOVING
        test.put(STATUS, REMOVING, 1)
        test.put(STATUS, EJECT, 1)
        event = qmp.wait_event("DEVICE_DELETED")["data"]
        assert event["path"] == path and status(test, 1) == 0
        assert [cpu["cpu-index"] for cpu in qmp.execute("query-cpus-fast")] == [0]
        free = [entry["props"] for entry in qmp.execute("query-hotpluggable-cpus") if "qom-path" not in entry]
        assert {"socket-id": 0, "die-id": 0, "core-id": 1, "thread-id": 0} in free
        qmp.execute("system_reset")
        qmp.wait_event("RESET")
        assert [status(test, cpu) for cpu in range(2)] == [ENABLED, 0]
        plug(qmp, "c1", 0, 1)
        assert test.get(SELECT, 1) == 1 and status(test, 1) == ENABLED | INSERTING
        test.put(STATUS, INSERTING, 1)
        path = "/machine/peripheral/c1"


@pytest.mark.parametrize("machine", ["q35", "microvm"])
def test_on_kvm(tiny, machine):
    """The vCPU is made, and made again, under the filters; a guest that has not looked is not asked."""
    vm = tiny("e", *SMP, machine=machine)
    qmp = vm.qmp()
    vm.console.wait_for("tiny pvh")
    for turn in range(3):
        plug(qmp, "c4", 2, 0)
        cpus = qmp.execute("query-cpus-fast")
        assert [cpu["cpu-index"] for cpu in cpus] == [0, 1, 4]
        assert cpus[2]["qom-path"] == "/machine/peripheral/c4" and cpus[2]["thread-id"] > 0
        if turn == 1:
            qmp.execute("stop")
            qmp.execute("cont")
        qmp.execute("device_del", {"id": "c4"})
        assert qmp.wait_event("DEVICE_DELETED")["data"] == {"device": "c4", "path": "/machine/peripheral/c4"}
        assert len(qmp.execute("query-cpus-fast")) == 2
    qmp.execute("quit")
    assert vm.wait() == 0


def test_there_from_the_start(tiny):
    vm = tiny("e", *SMP, "-device", "host-x86_64-cpu,id=c3,socket-id=1,core-id=1", machine="q35")
    qmp = vm.qmp()
    vm.console.wait_for("tiny pvh")
    assert [cpu["cpu-index"] for cpu in qmp.execute("query-cpus-fast")] == [0, 1, 3]
    free = [entry["props"] for entry in qmp.execute("query-hotpluggable-cpus") if "qom-path" not in entry]
    assert [(p["socket-id"], p["core-id"]) for p in free] == [(1, 0), (2, 0), (2, 1)]
    qmp.execute("quit")
    assert vm.wait() == 0


def test_nodes(start):
    """What query-hotpluggable-cpus tells of a place is what device_add takes."""
    vm = start(*SMP, "-numa", "node,cpus=0-2", "-numa", "node,cpus=3-5,mem=128", "-numa", "cpu,node-id=0,socket-id=0")
    qmp = vm.qmp()
    places = [entry["props"] for entry in qmp.execute("query-hotpluggable-cpus")]
    assert [place["node-id"] for place in places] == [0, 0, 0, 1, 1, 1]
    qmp.execute("device_add", {"driver": "host-x86-cpu", "id": "c5", **places[5]})
    assert qmp.execute("query-cpus-fast")[2]["props"] == places[5]
    with pytest.raises(Exception, match="Invalid CPU node-id: processor 4 belongs to node 1, not 0"):
        qmp.execute("device_add", {"driver": "host-x86-cpu", "id": "c4", **places[4], "node-id": 0})
