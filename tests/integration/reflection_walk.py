# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run by test_reflection.py in a process of its own: QMP and the GIR tell the same of every type and property.

Each registered class gets an object that nobody completed, below /objects; a QMP client of this very process looks at
it and changes it, and introspection has to see the same. Then the tree of a machine that runs is compared.
"""

import ctypes
import json
import os
import select
import sys
import xml.etree.ElementTree as ElementTree

import gi

gi.require_version("StratoVirt", "1.0")
from gi.repository import GLib, GObject, StratoVirt  # noqa: E402

from qmpclient import QmpClient, QmpError  # noqa: E402

CORE = "{http://www.gtk.org/introspection/core/1.0}"
GLIB = "{http://www.gtk.org/introspection/glib/1.0}"
NUMBERS = {"gint": ("int32",), "guint": ("uint8", "uint16", "uint32", "size"), "gint64": ("int64",),
           "guint64": ("uint64", "size"), "gdouble": ("number",)}
# What the main loop has to do for the guest and for the clock
VOLATILE = {"date", "guest-stats"}


class Client(QmpClient):
    """A client in the thread that serves it, too."""

    def receive(self, timeout=20):
        while b"\n" not in self._buffer and not select.select([self.sock], [], [], 0)[0]:
            GLib.MainContext.default().iteration(False)
        return super().receive(timeout)

    def refuses(self, path, name, value):
        """The error that a value gets; none is a failure."""
        try:
            self.execute("qom-set", {"path": path, "property": name, "value": value})
        except QmpError as error:
            return error.desc
        raise AssertionError(f"{path}.{name} takes {value!r}")


class Gir:
    """Classes as the GIR describes them, by GType name."""

    def __init__(self, path):
        namespace = ElementTree.parse(path).getroot().find(CORE + "namespace")
        self.classes = {node.get(GLIB + "type-name"): node for node in namespace.findall(CORE + "class")}
        self.enums = {node.get("name"): node for node in namespace.findall(CORE + "enumeration")}

    def properties(self, name):
        """All properties of a class, its ancestors' too, by name."""
        node = self.classes[name]
        parent = "Sv" + (node.get("parent") or "")
        found = self.properties(parent) if parent in self.classes else {}
        return {**found, **{one.get("name"): one for one in node.findall(CORE + "property")}}

    def is_type(self, node, told):
        """Whether QMP's name of a type is that of a property in the GIR."""
        if node.find(CORE + "array") is not None:
            return told == "strList"
        name = node.find(CORE + "type").get("name")
        if name in NUMBERS:
            return told in NUMBERS[name]
        if "Sv" + name in self.classes:
            return told.startswith("link<")
        return told == {"gboolean": "bool", "utf8": "str", "Json.Node": "any"}.get(name, name)


def plain(value):
    """A property's value as QMP writes it."""
    if isinstance(value, StratoVirt.Object):
        return value.dup_path() if value.get_parent() else ""
    if isinstance(value, GObject.GEnum):
        return value.value_nick
    return value


def agree(obj, pspec, told):
    """Whether QMP tells what introspection sees."""
    seen = plain(obj.get_property(pspec.name))
    if GObject.type_is_a(pspec.value_type, StratoVirt.Object):
        return (seen or "") == told
    if pspec.value_type == GObject.TYPE_STRV:
        return list(seen or []) == (told or [])
    if pspec.value_type == GObject.TYPE_STRING:
        return (seen or "") == (told or "")
    return pspec.value_type.name == "JsonNode" or seen == told


class Walk:
    """Compares type after type."""

    def __init__(self, client, gir, root):
        self.client, self.gir, self.root = client, gir, root
        self.library = ctypes.CDLL("libstratovirt-1.so")
        self.count = 0

    def new(self, cls):
        """An object of the class at a path, as it is before it is completed."""
        obj = GObject.new(cls)
        parent = self.root.get_child("objects")
        done = self.library.sv_object_add_child(ctypes.c_void_p(hash(parent)), b"sample",
                                                ctypes.c_void_p(hash(obj)), None)
        assert done
        return obj

    def get(self, path, name):
        return self.client.execute("qom-get", {"path": path, "property": name})

    def check_lists(self, obj, path, described):
        """The same properties, with the same types and documentation."""
        mine = self.gir.properties(obj.__gtype__.name)
        pspecs = {pspec.name: pspec for pspec in obj.list_properties()}
        assert set(mine) == set(pspecs), (path, set(mine) ^ set(pspecs))
        on_wire = {pspec.nick: pspec for pspec in pspecs.values() if pspec.owner_type.name != "SvObject"}
        listed = {one["name"]: one for one in self.client.execute("qom-list", {"path": path})
                  if one["name"] != "type" and not one["type"].startswith("child<")}
        # A bus shows what is on it, too.
        plugged = [obj.get_device(n).get_id() for n in range(obj.get_n_devices())] if hasattr(obj, "get_n_devices") else []
        assert set(listed) == {*on_wire, *plugged}, (path, set(listed) ^ set(on_wire))
        for name, pspec in on_wire.items():
            node = mine[pspec.name]
            assert self.gir.is_type(node, listed[name]["type"]), (path, name, listed[name])
            assert (node.get("writable") == "1") == bool(pspec.flags & GObject.ParamFlags.WRITABLE)
            text = " ".join(node.find(CORE + "doc").text.split())
            assert " ".join(pspec.blurb.split()).rstrip(".") in text, (path, name)
            if described is not None:
                assert described[name]["type"] == listed[name]["type"]
                assert described[name]["description"] == pspec.blurb
        assert described is None or set(described) == set(on_wire)
        return on_wire

    def legal_and_not(self, pspec):
        """Values that a property takes, and values that it must refuse."""
        kind = pspec.value_type
        if kind == GObject.TYPE_BOOLEAN:
            return [True, False], ["maybe", 1, None, []]
        if kind in (GObject.TYPE_INT, GObject.TYPE_UINT, GObject.TYPE_INT64, GObject.TYPE_UINT64):
            low, high = pspec.minimum, min(pspec.maximum, (1 << 63) - 1)
            outside = [one for one in (pspec.minimum - 1, pspec.maximum + 1) if -(1 << 63) <= one < 1 << 63]
            return [low, high], ["many", True, {}, *outside]
        if kind == GObject.TYPE_STRING:
            return ["text"], [1, False, ["a"]]
        if kind == GObject.TYPE_STRV:
            return [["a", "b"]], [7, [[1]], {}]
        if GObject.type_is_a(kind, GObject.TYPE_ENUM):
            node = self.gir.enums[kind.name[2:]]
            nicks = [one.get(GLIB + "nick") for one in node.findall(CORE + "member")]
            return nicks, ["no-such-value", 99, True]
        if GObject.type_is_a(kind, StratoVirt.Object):
            return [""], ["/no/such/object", 5, "/objects" if kind.name != "SvObject" else 5]
        return [], []

    def check_writes(self, cls, name, pspec):
        """On a fresh object, as properties may depend on each other."""
        path = "/objects/sample"
        obj = self.new(cls)
        legal, illegal = self.legal_and_not(pspec)
        if not pspec.flags & GObject.ParamFlags.WRITABLE:
            error = self.client.refuses(path, name, (legal or [None])[0])
            assert f"{name}' is not writable" in error, error
            legal = illegal = []
        if not pspec.flags & GObject.ParamFlags.READABLE:
            legal = illegal = []
        for value in legal:
            self.client.execute("qom-set", {"path": path, "property": name, "value": value})
            told = self.get(path, name)
            assert agree(obj, pspec, told), (cls, name, value, told)
            # Several words may stand for one value of an enumeration.
            if not GObject.type_is_a(pspec.value_type, GObject.TYPE_ENUM):
                assert told == value, (cls, name, value, told)
        for value in illegal:
            before = self.get(path, name)
            error = self.client.refuses(path, name, value)
            assert name in error or str(value) in error, (cls, name, value, error)
            assert self.get(path, name) == before, (cls, name, value)
        obj.remove()
        self.count += 1

    def check_type(self, name, type_name):
        cls = getattr(StratoVirt, type_name[2:])
        obj = self.new(cls)
        path = obj.dup_path()
        described = {one["name"]: one for one in
                     self.client.execute("qom-list-properties", {"typename": name}) if one["name"] != "type"}
        on_wire = self.check_lists(obj, path, described)
        assert self.get(path, "type") == name
        for wire, pspec in on_wire.items():
            if pspec.flags & GObject.ParamFlags.READABLE and wire not in VOLATILE:
                assert agree(obj, pspec, self.get(path, wire)), (name, wire, self.get(path, wire))
        obj.remove()
        for wire, pspec in on_wire.items():
            self.check_writes(cls, wire, pspec)

    def check_tree(self, obj):
        """A realized object and all below it: the same values, and what is settled is refused."""
        path = obj.dup_path()
        for wire, pspec in self.check_lists(obj, path, None).items():
            if not pspec.flags & GObject.ParamFlags.READABLE or wire in VOLATILE:
                continue
            assert agree(obj, pspec, self.get(path, wire)), (path, wire)
            self.count += 1
        for child in obj:
            self.check_tree(child)


def main(gir_path, types_path, kernel):
    vm = StratoVirt.Q35(memory_size=128 << 20, kernel=kernel, append="do=c", cpus=2)
    with open("disk", "wb") as stream:
        stream.truncate(1 << 20)
    vm.add_device("pcie-root-port", "port")
    vm.add_device("virtio-blk-pci", "disk", {"bus": "port", "drive": StratoVirt.BlockFile(filename="disk")})
    vm.add_device("virtio-serial-pci", "serial")
    vm.add_device("virtserialport", "channel", {"chardev": StratoVirt.ChardevNull(), "name": "org.test"})
    server = StratoVirt.QmpServer.new(vm.get_root())
    server.add_monitor(vm.add_object(StratoVirt.ChardevSocket(path=os.path.abspath("qmp"), server=True, wait=False),
                                     "monitor"))
    vm.start()
    client = Client.connect("qmp", negotiate=True)
    gir = Gir(gir_path)
    walk = Walk(client, gir, vm.get_root())
    walk.check_tree(vm.get_root())
    in_tree = walk.count
    error = client.refuses("/machine", "cpus", 3)
    assert "cannot be changed once the object is in use" in error and vm.props.cpus == 2

    # Aliases are listed too, each beside the type that it stands for.
    listed = {one["name"] for one in client.execute("qom-list-types", {})}
    with open(types_path, encoding="utf-8") as stream:
        types = {one["wire-name"]: one["name"] for one in json.load(stream)
                 if one["wire-name"] and not one["abstract"]}
    assert set(types) <= listed and set(types.values()) <= set(gir.classes)
    for name, type_name in sorted(types.items()):
        walk.check_type(name, type_name)
    print(len(types), in_tree, walk.count)


if __name__ == "__main__":
    main(*sys.argv[1:])
