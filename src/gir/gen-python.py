#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes from the GIR what Python's tools want: types (.pyi) and the texts for help()."""

import argparse
import json
import keyword
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

CORE = "{http://www.gtk.org/introspection/core/1.0}"
C = "{http://www.gtk.org/introspection/c/1.0}"
GLIB = "{http://www.gtk.org/introspection/glib/1.0}"
BASIC = {
    "none": "None", "gboolean": "bool", "utf8": "str", "filename": "str", "gdouble": "float", "gfloat": "float",
    "gpointer": "Any", "GType": "GObject.GType", "GLib.Quark": "int", "GLib.Strv": "list[str]",
    **{name: "int" for name in ("gchar", "guchar", "gshort", "gushort", "gint", "guint", "glong", "gulong", "gint8",
                                "guint8", "gint16", "guint16", "gint32", "guint32", "gint64", "guint64", "gsize",
                                "gssize")},
}
# Python's own code stands in front of these: src/gir/python/gi/overrides/StratoVirt.py
OVERRIDDEN = {
    "Machine": ["def __enter__(self) -> Self: ...",
                "def __exit__(self, *exception: object) -> None: ...",
                "def add_device(self, driver: str, id: str | None = ..., "
                "properties: Mapping[str, Any] | None = ...) -> Device: ...",
                "def add_object(self, object: Object, id: str | None = ...) -> Object: ..."],
    "QmpClient": ["def execute(self, command: str, arguments: Mapping[str, Any] | GLib.Variant | None = ..., "
                  "fds: Gio.UnixFDList | None = ..., cancellable: Gio.Cancellable | None = ...) -> GLib.Variant: ...",
                  "def execute_async(self, command: str, arguments: Mapping[str, Any] | GLib.Variant | None = ..., "
                  "fds: Gio.UnixFDList | None = ..., cancellable: Gio.Cancellable | None = ..., "
                  "callback: Callable[..., None] | None = ..., *user_data: Any) -> Awaitable[GLib.Variant]: ..."],
}


def text_of(node):
    """The documentation of a node as plain text."""
    found = node.find(CORE + "doc")
    if found is None:
        return ""
    text = re.sub(r"\[\w+@([\w.:]+)\]", lambda match: match[1].replace("::", ": "), found.text)
    return re.sub(r"%(?:SV_)?(\w+)", r"\1", text).strip()


def python_name(name):
    name = name.replace("-", "_")
    return name + "_" if keyword.iskeyword(name) else name


def is_visible(node):
    return node.get("introspectable") != "0" and not node.get("moved-to") and not node.get("shadowed-by")


class Stub:
    """The text of one .pyi file and the documentation that goes with it."""

    def __init__(self, namespace):
        self.namespace = namespace
        self.lines = []
        self.docs = {}

    def type_of(self, node):
        """What Python calls the type of a parameter, property or return value."""
        array = node.find(CORE + "array")
        if array is not None:
            return f"list[{self.type_of(array)}]"
        found = node.find(CORE + "type")
        name = found.get("name") if found is not None else "none"
        if name == "GLib.HashTable":
            return "dict[str, Any]"
        if name in BASIC:
            return BASIC[name]
        nullable = node.get("nullable") == "1" or node.get("allow-none") == "1"
        return f"{name} | None" if nullable and name != "none" else name

    def type_of_property(self, node):
        """What has structure comes as Python has it, see _native() in the overrides."""
        kind = self.type_of(node)
        return "Any" if kind == "Json.Node" else kind

    def nullable(self, node):
        python = self.type_of(node)
        optional = node.get("nullable") == "1" and not python.endswith("None")
        return f"{python} | None" if optional else python

    def signature(self, node, receiver):
        parameters = node.find(CORE + "parameters")
        words = [receiver] if receiver else []
        found = parameters.findall(CORE + "parameter") if parameters is not None else []
        words += [f"{python_name(one.get('name'))}: {self.nullable(one)}" for one in found]
        back = node.find(CORE + "return-value")
        python = self.nullable(back) if back is not None else "None"
        return f"({', '.join(words)}) -> {python}: ..."

    def awaited(self, node, finish, receiver):
        """An asynchronous function can be awaited where it gets no callback."""
        words = [receiver] if receiver else []
        for one in node.find(CORE + "parameters").findall(CORE + "parameter"):
            if one.get("name") == "callback":
                break
            optional = " = ..." if one.get("nullable") == "1" else ""
            words.append(f"{python_name(one.get('name'))}: {self.nullable(one)}{optional}")
        words += ["callback: Callable[..., None] | None = ...", "*user_data: Any"]
        return f"({', '.join(words)}) -> Awaitable[{self.nullable(finish.find(CORE + 'return-value'))}]: ..."

    def find_finish(self, owner, node):
        """The function that ends an asynchronous one."""
        if not owner or not node.get("name").endswith("_async"):
            return None
        wanted = node.get("name").replace("_async", "_finish")
        return self.namespace.find(f"{CORE}class[@name='{owner}']/*[@name='{wanted}']")

    def add_function(self, owner, node, indent):
        name = python_name(node.get("shadows") or node.get("name"))
        path = f"{owner}.{name}" if owner else name
        self.docs[path] = text_of(node)
        # The generator of docstrings asks by the name in the typelib.
        self.docs[f"{owner}.{node.get('name')}" if owner else node.get("name")] = text_of(node)
        if any(f"def {name}(" in line for line in OVERRIDDEN.get(owner, ())):
            return
        kind = node.tag.removeprefix(CORE)
        if owner and kind != "method":
            self.lines.append(f"{indent}@{'classmethod' if kind == 'constructor' else 'staticmethod'}")
        receiver = {"method": "self", "constructor": "cls"}.get(kind) if owner else None
        finish = self.find_finish(owner, node)
        text = self.signature(node, receiver) if finish is None else self.awaited(node, finish, receiver)
        self.lines.append(f"{indent}def {name}{text}")

    def chain(self, node):
        """A class and its ancestors in this namespace, the oldest first."""
        parent = self.namespace.find(f"{CORE}class[@name='{node.get('parent')}']")
        return (self.chain(parent) if parent is not None else []) + [node]

    def class_text(self, node):
        """What help() says about a class: its own text, then properties and signals."""
        parts = [text_of(node)]
        for title, tag in ("Properties", CORE + "property"), ("Signals", GLIB + "signal"):
            rows = []
            for one in node.findall(tag):
                doc = text_of(one).replace("\n", " ")
                kind = f" ({self.type_of(one)})" if tag == CORE + "property" else ""
                rows.append(f"  {python_name(one.get('name')) if kind else one.get('name')}{kind}: {doc}")
            if rows:
                parts.append("\n".join([f"{title}:", *rows]))
        return "\n\n".join(part for part in parts if part)

    def add_class(self, node):
        name = node.get("name")
        parent = node.get("parent") or "GObject.Object"
        self.docs[name] = self.class_text(node)
        bases = [parent, *(one.get("name") for one in node.findall(CORE + "implements"))]
        if parent != "GObject.Object":
            bases = bases[:1]
        self.lines.append(f"\nclass {name}({', '.join(bases)}):")
        properties = [one for ancestor in self.chain(node) for one in ancestor.findall(CORE + "property")]
        props_base = f"{parent}.Props" if "." not in parent else "GObject.Object.Props"
        self.lines.append(f"    class Props({props_base}):")
        own = node.findall(CORE + "property")
        for one in own:
            self.lines.append(f"        {python_name(one.get('name'))}: {self.type_of_property(one)}")
        if not own:
            self.lines.append("        ...")
        if name == "RemoteObject":
            self.lines.append("        def __getattr__(self, name: str) -> Any: ...")
            self.lines.append("        def __setattr__(self, name: str, value: Any) -> None: ...")
        self.lines.append("    @property\n    def props(self) -> Props: ...")
        if node.get("abstract") != "1":
            words = [f"{python_name(one.get('name'))}: {self.type_of(one)} = ..." for one in properties
                     if one.get("writable") == "1"]
            self.lines.append(f"    def __init__(self{', *' if words else ''}"
                              f"{''.join(', ' + word for word in words)}) -> None: ...")
        self.lines += [f"    {line}" for line in OVERRIDDEN.get(name, ())]
        for tag in ("constructor", "function", "method"):
            for one in node.findall(CORE + tag):
                if is_visible(one):
                    self.add_function(name, one, "    ")

    def add_enum(self, node, base):
        name = node.get("name")
        members = node.findall(CORE + "member")
        rows = [f"  {one.get('name').upper()}: {text_of(one)}" for one in members]
        self.docs[name] = "\n".join([text_of(node), "", *rows]).strip()
        self.lines.append(f"\nclass {name}({base}):")
        for one in members:
            self.lines.append(f"    {python_name(one.get('name').upper())}: {name}")
        for one in node.findall(CORE + "function"):
            self.add_function(name, one, "    ")

    def make(self):
        self.lines += ["# Generated from StratoVirt-1.0.gir.",
                       "from collections.abc import Awaitable, Callable, Mapping", "from typing import Any, Self", "",
                       "from gi.repository import Gio, GLib, GObject, Json"]
        for node in self.namespace.findall(CORE + "enumeration"):
            self.add_enum(node, "GObject.GEnum")
        for node in self.namespace.findall(CORE + "bitfield"):
            self.add_enum(node, "GObject.GFlags")
        for node in self.namespace.findall(CORE + "class"):
            self.add_class(node)
        self.lines.append("")
        for node in self.namespace.findall(CORE + "function"):
            if is_visible(node):
                self.add_function("", node, "")
        return "\n".join(self.lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gir", type=Path)
    parser.add_argument("--stub", type=Path, required=True)
    parser.add_argument("--docs", type=Path, required=True)
    options = parser.parse_args()
    stub = Stub(ElementTree.parse(options.gir).getroot().find(CORE + "namespace"))
    options.stub.write_text(stub.make())
    options.docs.write_text(json.dumps(stub.docs, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
