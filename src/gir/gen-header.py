#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the one header that g-ir-scanner reads, from the sources and what the registry tells.

Into it go: every class that the registry knows or that can be in the tree, and every class that has a public function; the functions that
headers mark with SV_PUBLIC; enumerations that are registered types or error codes; the documentation of all of
these, wherever in the sources it stands; the blurbs of properties. So a new class needs no line here.
"""

import argparse
import json
import re
import sys
from pathlib import Path

FOLDERS = ("qom", "src", "hw", "qmp", "client")
COMMENT = re.compile(r"/\*\*\n.*?\*/", re.S)
SYMBOL = re.compile(r"/\*\*\s*\n\s*\*\s*([A-Za-z_][\w:-]*?):*\s*(?:\(.*)?\n")
DECLARE = re.compile(r"G_DECLARE_(FINAL|DERIVABLE)_TYPE\s*\(\s*(\w+),\s*(\w+),\s*(\w+),\s*(\w+),\s*(\w+)\)")
ENUM = re.compile(r"typedef\s+enum\s*\{.*?\}\s*(Sv\w+);", re.S)
FUNCTION = re.compile(r"^SV_PUBLIC\s[^;]*?\b(sv_\w+)\s*\([^;]*\);", re.S | re.M)
PUBLIC_TYPE = re.compile(r"\bSv[A-Z]\w*")


def underscore(name):
    """SvVirtioBlkPci is sv_virtio_blk_pci."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def unindent(text):
    return "\n".join(line.strip() if line.strip().startswith("*") is False else " " + line.strip()
                     for line in text.split("\n"))


def complete(comment):
    """A function whose documentation is what it returns is described by that, too."""
    head, returns, tail = comment.partition("\n * Returns: ")
    if not returns or re.search(r"\n \*\n \* [^@R]", head):
        return comment
    text = re.sub(r"^(\([^()]*(?:\([^()]*\))?[^()]*\)\s*)+:\s*", "", tail.removesuffix("*/").replace("\n *", "\n").strip())
    sentence = " ".join(text.split()).rstrip(".")
    return f"{head.rstrip(' *')}\n * Tells: {sentence}.\n *{returns}{tail}"


class Sources:
    """What the C files of the project declare and say."""

    def __init__(self, top):
        self.files = sorted(path for folder in FOLDERS for path in (top / folder).rglob("*.[ch]"))
        self.docs, self.classes, self.enums, self.functions = {}, {}, {}, {}
        self.getters, self.quarks = set(), set()
        for path in self.files:
            self.read(path)

    def read(self, path):
        text = path.read_text()
        for comment in COMMENT.findall(text):
            found = SYMBOL.match(comment)
            if found:
                self.docs.setdefault(found[1], complete(unindent(comment)))
        if path.suffix != ".h":
            return
        for found in DECLARE.finditer(text):
            self.classes[found[2]] = found
        for found in ENUM.finditer(text):
            self.enums[found[1]] = re.sub(r"/\*.*?\*/", "", found[0], flags=re.S)
        for found in FUNCTION.finditer(text):
            self.functions[found[1]] = re.sub(r"/\*.*?\*/", "", found[0], flags=re.S)
        self.getters |= set(re.findall(r"GType (sv_\w+)_get_type \(void\)", text))
        self.quarks |= set(re.findall(r"GQuark (sv_\w+)_quark \(void\)", text))


class Header:
    """The header in the making."""

    def __init__(self, sources, types):
        self.sources = sources
        self.types = {entry["name"]: entry for entry in types}
        self.lines = []
        self.done = set()

    def document(self, symbol, fallback=None):
        text = self.sources.docs.get(symbol, fallback)
        if text:
            self.lines.append(text)

    def block(self, symbol, text, annotations=""):
        lines = [f"/**\n * {symbol}:{annotations}\n *"]
        lines += [f" * {line}".rstrip() for line in text.split("\n")]
        return "\n".join([*lines, " */"])

    def describe(self, entry):
        """Documentation of a class that has none in the sources: what is made from another class."""
        text = entry.get("description") or f"The class behind the wire name `{entry['wire-name']}`"
        text = text[0].upper() + text[1:]
        wire = f"\n\nWire name: `{entry['wire-name']}`." if entry["wire-name"] else ""
        return self.block(entry["name"], text.rstrip(".") + "." + wire)

    def add_class(self, name):
        if name in self.done or name == "GObject":
            return
        self.done.add(name)
        entry = self.types.get(name)
        declared = self.sources.classes.get(name)
        self.add_class(declared[6] if declared else entry["parent"])
        self.document(name, self.describe(entry) if entry else None)
        if declared:
            self.lines.append(declared[0])
        else:
            prefix = underscore(name)
            self.lines += [f"typedef struct _{name} {name};", f"GType {prefix}_get_type (void);"]
        for prop in entry["properties"] if entry else ():
            symbol = f"{name}:{prop['name']}"
            text = prop["description"].rstrip(".") + "."
            if prop["wire-name"] != prop["name"]:
                text += f" Called `{prop['wire-name']}` on the wire."
            if prop["internal"]:
                self.document(symbol, self.block(symbol, text))
            else:
                self.lines.append(self.block(symbol, text))
        for symbol in sorted(self.sources.docs):
            if symbol.startswith(name + ("::" if entry else ":")):
                self.lines.append(self.sources.docs[symbol])

    def is_object(self, name):
        """Whether a class is one of the tree, with a wire name or without."""
        declared = self.sources.classes.get(name)
        return name == "SvObject" or (declared is not None and self.is_object(declared[6]))

    def add_enum(self, name):
        prefix = underscore(name)
        if prefix not in self.sources.getters:
            if prefix in self.sources.quarks:
                sys.exit(f"{name} is a domain of errors without {prefix}_get_type()")
            return
        self.done.add(name)
        self.document(name)
        self.lines.append(self.sources.enums[name])
        self.lines.append(f"GType {prefix}_get_type (void);")
        if prefix in self.sources.quarks:
            self.document(f"{prefix}_quark", self.block(
                f"{prefix}_quark", f"The domain of errors of [error@{name[2:]}].\n\nReturns: the quark"))
            self.lines.append(f"GQuark {prefix}_quark (void);")

    def add_function(self, name):
        self.document(name)
        self.lines.append(self.sources.functions[name].replace("SV_PUBLIC", "", 1).strip())

    def link(self, found):
        """A link that leads somewhere stays; what is not public is called by its name in C."""
        kind, target = found[1], found[2]
        owner, _, member = target.partition(".")
        if owner in ("GLib", "GObject", "Gio", "Json"):
            return found[0]
        if kind in ("class", "struct", "iface", "enum", "error"):
            return found[0] if "Sv" + owner in self.done else f"`Sv{owner}`"
        symbol = f"sv_{underscore(owner)}_{member}" if member else f"sv_{owner}"
        if kind in ("method", "func", "ctor") and symbol not in self.sources.functions:
            return f"`{symbol}()`"
        return found[0]

    def make(self):
        self.lines.append("/* Generated by gen-header.py for g-ir-scanner; nothing includes it. */\n"
                          "#pragma once\n#include <gio/gio.h>\n#include <json-glib/json-glib.h>")
        for name in self.types:
            self.add_class(name)
        used = " ".join(self.sources.functions.values())
        for name in sorted(self.sources.classes):
            if underscore(name) + "_" in used or self.is_object(name):
                self.add_class(name)
        for name in sorted(self.sources.enums):
            self.add_enum(name)
        for name in sorted(self.sources.functions):
            self.add_function(name)
        return re.sub(r"\[(\w+)@([\w.:-]+)\]", self.link, "\n\n".join(self.lines)) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--top", type=Path, required=True, help="top folder of the sources")
    parser.add_argument("--types", type=Path, required=True, help="what sv-dump-types printed")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--depfile", type=Path, required=True)
    options = parser.parse_args()
    sources = Sources(options.top)
    header = Header(sources, json.loads(options.types.read_text()))
    options.output.write_text(header.make())
    options.depfile.write_text(f"{options.output}: {' '.join(map(str, sources.files))}\n")


if __name__ == "__main__":
    main()
