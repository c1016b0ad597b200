# SPDX-License-Identifier: LGPL-2.1-or-later
"""A VM in another process through the library, as Python sees it by introspection."""

from pathlib import Path

import pytest
from gi.repository import Gio, GLib

from scripting import Library, call, wait_until

StratoVirt = Library()


@pytest.fixture
def remote(tiny):
    """Starts a VM; returns it and the machine that the library sees."""
    def start(*args, do="c"):
        vm = tiny(do, *args)
        vm.qmp()
        return vm, StratoVirt.Client.connect(f"unix:{vm.qmp_path}", None)
    return start


def qmp_of(machine):
    return machine.get_client().get_qmp()


def test_tree(remote):
    vm, machine = remote("-iothread", "id=io0", "-name", "demo")
    other = vm.qmp()
    assert isinstance(machine, Gio.ListModel) and machine.get_path() == "/machine"
    assert machine.get_type_name() == "microvm-machine"

    def check(obj):
        listed = other.execute("qom-list", {"path": obj.get_path()})
        below = [(item["name"], item["type"]) for item in listed if item["type"].startswith("child<")]
        assert [(child.get_id(), f"child<{child.get_type_name()}>") for child in obj] == below
        names = [item["name"] for item in listed if not item["type"].startswith("child<")]
        assert ["type", *obj.list_values()] == names
        for child in obj:
            assert child.get_parent() == obj
            check(child)
    check(machine.get_parent())

    client = machine.get_client()
    assert client.get_object("io0").get_path() == "/objects/io0"
    assert client.get_object("/machine") == machine
    assert client.get_object("/machine/nobody") is None and client.get_object("nobody") is None
    assert machine.get_child("peripheral").get_id() == "peripheral"
    assert machine.get_child("nobody") is None


def test_values(remote):
    _, machine = remote("-iothread", "id=io0", "-name", "demo")
    thread = machine.get_client().get_object("io0")
    assert machine.get_value("name", None) == "demo"
    assert machine.get_value("memory-size", None) == 128 << 20
    assert machine.get_value("no-reboot", None) is False
    thread.set_value("poll-max-ns", 4000, None)
    assert thread.get_value("poll-max-ns", None) == 4000
    call(lambda *rest: thread.set_value_async("poll-max-ns", GLib.Variant("t", 5000), *rest), thread.set_value_finish)
    assert call(lambda *rest: thread.get_value_async("poll-max-ns", *rest), thread.get_value_finish) == 5000
    for wrong in ("abc", -1):
        with pytest.raises(GLib.Error, match="expects an integer from 0") as caught:
            thread.set_value("poll-max-ns", wrong, None)
        assert caught.value.matches(StratoVirt.qmp_error_quark(), StratoVirt.QmpError.GENERIC)
    with pytest.raises(GLib.Error, match="'iothread.nothing' not found"):
        thread.get_value("nothing", None)
    with pytest.raises(GLib.Error, match="cannot be sent"):
        thread.set_value("poll-max-ns", GLib.Bytes(b""), None)
    assert thread.get_value("poll-max-ns", None) == 5000


def test_values_are_freed(remote):
    _, machine = remote("-name", "x" * 250)

    def resident():
        for _ in range(2000):
            assert len(machine.get_value("name", None)) == 250
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
    resident()
    before = resident()
    assert resident() - before < 2000 * 100


def test_life(remote):
    vm, machine = remote("-S")
    seen = []
    for name in ("stopped", "resumed", "reset", "powerdown", "shutdown"):
        machine.connect(name, lambda machine, *args, name=name: seen.append((name, *args)))
    machine.connect("changed::run-state", lambda machine, name: seen.append((name, machine.get_value(name, None))))
    closed = []
    qmp_of(machine).connect("closed", lambda qmp, error: closed.append(error))

    machine.start(None)
    wait_until(lambda: len(seen) == 2)
    assert sorted(seen) == [("resumed",), ("run-state", "running")]
    seen.clear()
    call(machine.pause_async, machine.pause_finish)
    wait_until(lambda: len(seen) == 2)
    assert sorted(seen) == [("run-state", "paused"), ("stopped",)]
    seen.clear()
    machine.resume(None)
    machine.powerdown(None)
    wait_until(lambda: ("powerdown",) in seen)
    seen.clear()
    machine.reset(None)
    wait_until(lambda: ("reset", StratoVirt.ShutdownCause.HOST_QMP_SYSTEM_RESET) in seen)
    machine.quit(None)
    wait_until(lambda: closed)
    assert ("shutdown", StratoVirt.ShutdownCause.HOST_QMP_QUIT) in seen
    assert closed[0].matches(Gio.io_error_quark(), Gio.IOErrorEnum.CONNECTION_CLOSED)
    assert vm.wait() == 0
    with pytest.raises(GLib.Error, match="closed the connection"):
        machine.get_value("name", None)


def test_what_others_do(remote):
    vm, machine = remote()
    other = vm.qmp()
    objects = machine.get_client().get_object("/objects")
    seen = []
    objects.connect("child-added", lambda parent, child: seen.append(("added", child)))
    objects.connect("child-removed", lambda parent, child: seen.append(("removed", child)))
    objects.connect("items-changed", lambda *args: seen.append(args[1:]))
    other.execute("object-add", {"qom-type": "iothread", "id": "io1"})
    wait_until(lambda: len(seen) == 2)
    child = seen[1][1]
    assert seen == [(0, 0, 1), ("added", child)]
    assert child.get_path() == "/objects/io1" and child.get_type_name() == "iothread" and list(objects) == [child]
    changed = []
    child.connect("changed", lambda child, name: changed.append(name))
    other.execute("qom-set", {"path": "/objects/io1", "property": "poll-max-ns", "value": 7})
    wait_until(lambda: changed)
    assert changed == ["poll-max-ns"]

    # Another one of the same name is another one.
    seen.clear()
    other.execute("object-del", {"id": "io1"})
    other.execute("object-add", {"qom-type": "iothread", "id": "io1"})
    wait_until(lambda: len(seen) == 4)
    assert [item for item in seen if item[0] in ("added", "removed")] == [("removed", child), ("added", objects[0])]
    assert child.is_gone() and not objects[0].is_gone() and objects[0] != child
    assert child.get_parent() is None and list(child) == []


def test_devices(remote):
    _, machine = remote("-object", "rng-builtin,id=random")
    devices = machine.get_child("peripheral")
    seen = []
    devices.connect("child-added", lambda parent, child: seen.append(child.get_id()))
    random = machine.get_client().get_object("random")
    device = machine.add_device("virtio-rng-device", "rng0", {"max-bytes": 1024, "rng": random}, None)
    assert device.get_path() == "/machine/peripheral/rng0" and device.get_value("max-bytes", None) == 1024
    assert device.get_value("rng", None) == "/objects/random"
    nameless = call(lambda *rest: machine.add_device_async("virtio-rng-device", None, None, *rest),
                    machine.add_device_finish)
    assert devices.get_child(nameless.get_id()) == nameless
    # What the VM tells of them later adds nothing.
    wait_until(lambda: len(seen) == 2)
    qmp_of(machine).execute("query-status", None, None, None)
    while GLib.MainContext.default().iteration(False):
        pass
    assert seen == ["rng0", nameless.get_id()] and len(devices) == 2

    with pytest.raises(GLib.Error, match="nothing-known"):
        machine.add_device("nothing-known", "x", None, None)
    with pytest.raises(GLib.Error, match="max-bytes"):
        machine.add_device("virtio-rng-device", "x", {"max-bytes": "many"}, None)
    with pytest.raises(GLib.Error, match="fixed part of the VM"):
        machine.remove(None)
    with pytest.raises(GLib.Error, match="in use|used by"):
        random.remove(None)
    assert len(devices) == 2


def test_back_ends_are_removed(remote):
    _, machine = remote("-iothread", "id=io0", "-chardev", "null,id=c0")
    for name in ("io0", "c0"):
        obj = machine.get_client().get_object(name)
        parent = obj.get_parent()
        call(obj.remove_async, obj.remove_finish)
        wait_until(obj.is_gone)
        assert parent.get_child(name) is None


def test_back_ends_are_added(remote, tmp_path):
    """Each kind by its own command of QMP; the caller need not know it."""
    image = tmp_path / "disk"
    image.write_bytes(bytes(1 << 20))
    _, machine = remote()
    for kind, name, properties, path in (
            ("iothread", "io0", {"poll-max-ns": 5}, "/objects/io0"),
            ("blockdev-file", "d0", {"filename": str(image), "read-only": True}, "/block/d0"),
            ("netdev-user", "n0", None, "/netdevs/n0"),
            ("chardev-socket", "c0", {"path": str(tmp_path / "socket"), "server": True}, "/chardevs/c0"),
            ("chardev-null", None, None, "/chardevs/chardev-null0")):
        obj = machine.add_object(kind, name, properties, None)
        assert obj.get_path() == path and obj.get_type_name() == kind
        for key, value in (properties or {}).items():
            assert obj.get_value(key, None) == value
    other = call(lambda *rest: machine.add_object_async("chardev-null", None, None, *rest), machine.add_object_finish)
    assert other.get_path() == "/chardevs/chardev-null1"
    for kind, message in (("nothing", "nothing"), ("chardev-nothing", "backend.type"), ("virtio-rng-device", "virtio-rng-device")):
        with pytest.raises(GLib.Error, match=message):
            machine.add_object(kind, "x", None, None)


def test_unplug(remote, tmp_path):
    image = tmp_path / "disk"
    image.write_bytes(bytes(1 << 20))
    _, machine = remote("-blockdev", f"file,node-name=d0,filename={image}")
    device = machine.add_device("virtio-blk-device", "disk0", {"drive": "d0"}, None)
    node = machine.get_client().get_object("d0")
    with pytest.raises(GLib.Error, match="disk0"):
        node.remove(None)
    gone = []
    device.connect("notify::gone", lambda device, pspec: gone.append(device.is_gone()))
    device.remove(None)
    wait_until(lambda: gone)
    assert gone == [True]
    node.remove(None)


def test_connection_lives_as_long_as_its_objects(remote):
    vm, machine = remote("-iothread", "id=io0")
    thread = machine.get_client().get_object("io0")
    del machine
    assert thread.get_value("poll-max-ns", None) == 0
    qmp = thread.get_client().get_qmp()
    qmp.close()
    with pytest.raises(GLib.Error, match="was closed") as caught:
        thread.get_value("poll-max-ns", None)
    assert caught.value.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CLOSED)


def test_connect_async(tiny):
    vm = tiny("c")
    vm.qmp()
    machine = call(lambda *rest: StratoVirt.Client.connect_async(f"unix:{vm.qmp_path}", *rest),
                   StratoVirt.Client.connect_finish)
    assert machine.get_path() == "/machine" and len(machine) > 3
    with pytest.raises(GLib.Error, match="nowhere"):
        call(lambda *rest: StratoVirt.Client.connect_async("unix:/nowhere", *rest), StratoVirt.Client.connect_finish)
