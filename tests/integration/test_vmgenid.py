# SPDX-License-Identifier: LGPL-2.1-or-later
"""The VM generation ID: clones of a snapshot have one each, and are told; a guest that moves keeps its own."""

import uuid

import pytest
from qmpclient import QmpError
from test_snapshot import save

GUID = "324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87"


@pytest.fixture(params=["microvm", "q35"])
def start(tiny, request):
    def launch(*args, guid="auto"):
        return tiny("i", "-device", f"vmgenid,guid={guid},id=generation", *args, machine=request.param)
    return launch


def seen_by_guest(vm):
    """The last one that the guest showed, which has to be what QMP tells."""
    guid = vm.qmp().execute("query-vm-generation-id")["guid"]
    vm.console.wait_for(f"generation {uuid.UUID(guid).bytes_le.hex()}")
    return guid


def test_clones_differ(start, tmp_path):
    source = start()
    first = seen_by_guest(source)
    path = tmp_path / "template"
    save(source.qmp(), path)
    guids = {first}
    for _ in range(3):
        clone = start("-incoming", f"file:{path}")
        guids.add(seen_by_guest(clone))
        assert "tiny" not in clone.console.text
    assert len(guids) == 4
    source.qmp().execute("system_reset")
    source.qmp().execute("cont")
    source.console.wait_for("tiny pvh")
    assert seen_by_guest(source) == first and source.console.text.count("generation") == 2
    given = start("-incoming", f"file:{path}", guid=GUID)
    assert seen_by_guest(given) == GUID


def test_guest_that_moves_keeps_it(start, tmp_path):
    source = start()
    guid = seen_by_guest(source)
    destination = start("-incoming", f"unix:{tmp_path}/incoming")
    qmp = destination.qmp()
    source.qmp().execute("migrate", {"uri": f"unix:{tmp_path}/incoming"})
    assert source.wait() == 0
    assert qmp.wait_event("RESUME")
    assert qmp.execute("query-vm-generation-id") == {"guid": guid}
    # It was not told of another one: none came before this reset.
    qmp.execute("system_reset")
    destination.console.wait_for("tiny pvh")
    assert seen_by_guest(destination) == guid and destination.console.text.count("generation") == 1


def test_one_and_a_uuid(start, tiny):
    vm = start(guid=GUID.upper())
    assert seen_by_guest(vm) == GUID
    vm = start("-device", "vmgenid")
    assert vm.wait() == 1 and "one vmgenid only" in vm.stderr.text
    vm = start(guid="324e6eaf")
    assert vm.wait() == 1 and "'guid' is '324e6eaf'" in vm.stderr.text
    with pytest.raises(QmpError, match="not found"):
        tiny("c").qmp().execute("query-vm-generation-id")
