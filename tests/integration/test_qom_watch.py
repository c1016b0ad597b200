# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients that read many objects at once and are told what changes in the tree."""

import pytest

from qmpclient import QmpError


def changes(client, count):
    """What the next @count QOM_CHANGED events say."""
    return [client.wait_event("QOM_CHANGED")["data"] for _ in range(count)]


def no_more(client):
    """Events come before the reply to a command that was sent after what caused them."""
    client.execute("query-status")
    return not [event for event in client.events if event["event"] == "QOM_CHANGED"]


def test_list_get(tiny):
    client = tiny("c", "-iothread", "id=io0").qmp()
    paths = ["/", "/machine", "/objects/io0"]
    result = client.execute("qom-list-get", {"paths": paths})
    assert len(result) == len(paths)
    for path, entry in zip(paths, result):
        listed = client.execute("qom-list", {"path": path})
        assert [(item["name"], item["type"]) for item in entry["properties"]] \
            == [(item["name"], item["type"]) for item in listed]
        for item in entry["properties"]:
            try:
                value = client.execute("qom-get", {"path": path, "property": item["name"]})
            except QmpError:
                assert "value" not in item
            else:
                assert item["value"] == value
    assert client.execute("qom-list-get", {"paths": []}) == []
    with pytest.raises(QmpError) as caught:
        client.execute("qom-list-get", {"paths": ["/machine", "/no/such"]})
    assert caught.value.error_class == "DeviceNotFound"


def test_list_get_with_all_below(tiny):
    client = tiny("c", "-iothread", "id=io0").qmp()

    def below(path):
        yield path
        for item in client.execute("qom-list", {"path": path}):
            if item["type"].startswith("child<"):
                yield from below(f"{path.rstrip('/')}/{item['name']}")
    everything = client.execute("qom-list-get", {"paths": ["/", "/objects"], "recursive": True})
    assert [entry["path"] for entry in everything] == [*below("/"), "/objects", "/objects/io0"]
    paths = [entry.pop("path") for entry in everything]
    assert everything == client.execute("qom-list-get", {"paths": paths})


def test_property(tiny):
    vm = tiny("c", "-iothread", "id=io0")
    client, other = vm.qmp(), vm.qmp()
    client.execute("x-qom-watch", {"path": "/objects/io0"})
    other.execute("qom-set", {"path": "/objects/io0", "property": "poll-max-ns", "value": 1000})
    assert changes(client, 1) == [{"path": "/objects/io0", "property": "poll-max-ns"}]
    # A client that watches nothing hears nothing.
    assert no_more(other)
    # Several changes before the client can be told are one.
    client.execute("x-qom-watch", {"path": "/machine"})
    other.execute("stop")
    assert {"path": "/machine", "property": "run-state"} in changes(client, 1)
    client.execute("x-qom-unwatch", {"path": "/objects/io0"})
    other.execute("qom-set", {"path": "/objects/io0", "property": "poll-max-ns", "value": 2000})
    assert no_more(client)
    with pytest.raises(QmpError, match="not watched"):
        client.execute("x-qom-unwatch", {"path": "/objects/io0"})
    with pytest.raises(QmpError, match="DeviceNotFound"):
        client.execute("x-qom-watch", {"path": "/objects/io1"})


def test_every_property_that_is_set_is_told_of(tiny):
    client = tiny("c", "-iothread", "id=io0").qmp()
    client.execute("x-qom-watch", {"path": "/", "recursive": True})
    for path, name, value in (("/machine", "no-reboot", True), ("/machine", "no-shutdown", True),
                              ("/objects/io0", "poll-grow", 3)):
        client.execute("qom-set", {"path": path, "property": name, "value": value})
        assert changes(client, 1) == [{"path": path, "property": name}]
        client.execute("qom-set", {"path": path, "property": name, "value": value})
        assert no_more(client)


def test_children(tiny):
    vm = tiny("c")
    client, other = vm.qmp(), vm.qmp()
    client.execute("x-qom-watch", {"path": "/objects"})
    other.execute("object-add", {"qom-type": "iothread", "id": "io1"})
    assert changes(client, 1) == [{"path": "/objects", "child": "io1"}]
    # Only what was asked for: not the objects below.
    other.execute("qom-set", {"path": "/objects/io1", "property": "poll-max-ns", "value": 1000})
    assert no_more(client)
    other.execute("object-del", {"id": "io1"})
    assert changes(client, 1) == [{"path": "/objects", "child": "io1", "gone": True}]
    assert no_more(client)


def test_recursive(tiny):
    vm = tiny("c")
    client, other = vm.qmp(), vm.qmp()
    client.execute("x-qom-watch", {"path": "/", "recursive": True})
    other.execute("object-add", {"qom-type": "iothread", "id": "io1"})
    assert {"path": "/objects", "child": "io1"} in changes(client, 1)
    client.execute("query-status")
    client.events.clear()
    other.execute("qom-set", {"path": "/objects/io1", "property": "poll-max-ns", "value": 1000})
    assert changes(client, 1) == [{"path": "/objects/io1", "property": "poll-max-ns"}]
    client.execute("x-qom-unwatch", {"path": "/"})
    other.execute("qom-set", {"path": "/objects/io1", "property": "poll-max-ns", "value": 2000})
    other.execute("object-del", {"id": "io1"})
    assert no_more(client)


def test_watched_object_goes_away(tiny):
    vm = tiny("c")
    client, other = vm.qmp(), vm.qmp()
    for _ in range(3):
        other.execute("object-add", {"qom-type": "iothread", "id": "io1"})
        client.execute("x-qom-watch", {"path": "/objects/io1"})
        other.execute("object-del", {"id": "io1"})
        assert changes(client, 1) == [{"path": "/objects/io1"}]
    # One of the same name is another object.
    other.execute("object-add", {"qom-type": "iothread", "id": "io1"})
    with pytest.raises(QmpError, match="not watched"):
        client.execute("x-qom-unwatch", {"path": "/objects/io1"})
    assert no_more(client)


def test_watching_client_leaves(tiny):
    vm = tiny("c")
    for _ in range(3):
        client = vm.qmp()
        client.execute("x-qom-watch", {"path": "/", "recursive": True})
        client.execute("object-add", {"qom-type": "iothread", "id": "io1"})
        client.close()
        other = vm.qmp()
        other.execute("object-del", {"id": "io1"})
        assert no_more(other)
        other.close()
