#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Makes the QMP chapter of the reference manual from data/qmp-schema/*.json (see the README.md there).

usage: gen-reference.py --output qmp.md FILE.json...
"""

import argparse
import json
from pathlib import Path

KINDS = ("command", "event", "struct", "union", "enum", "alternate")
HEAD = """Title: QMP
Slug: qmp

# QMP

The QEMU Machine Protocol: one JSON object a line, each way. The server greets with `{"QMP": ...}`; the client's first
command is `qmp_capabilities`. A command is `{"execute": NAME, "arguments": {...}, "id": ANY}`, its answer
`{"return": ...}` or `{"error": {"class": ..., "desc": ...}}` with the same `id`; events are
`{"event": NAME, "data": {...}, "timestamp": {...}}`. The same tables check what clients send and answer
`query-qmp-schema`.
"""


def anchor(name):
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower())


def kind_of(definition):
    return next(kind for kind in KINDS if kind in definition)


class Manual:
    """The text in the making."""

    def __init__(self, files):
        self.files = files
        self.types = {one[kind_of(one)] for one_file in files for one in one_file["definitions"]
                      if kind_of(one) not in ("command", "event")}
        self.lines = [HEAD]

    def type_of(self, kind):
        """A type as it is written in the text; one of the schema's own leads to its place."""
        if isinstance(kind, list):
            return f"list of {self.type_of(kind[0])}"
        return f"[`{kind}`](#{anchor(kind)})" if kind in self.types else f"`{kind}`"

    def add_members(self, title, data):
        if not data:
            return
        self.lines.append(f"\n{title}:\n")
        for name, member in data.items():
            optional = ", optional" if name.startswith("*") else ""
            self.lines.append(f"- `{name.lstrip('*')}` ({self.type_of(member['type'])}{optional}): {member['doc']}")

    def add_rows(self, title, rows):
        self.lines.append(f"\n{title}:\n")
        self.lines += [f"- {row}" for row in rows]

    def add(self, definition):
        kind = kind_of(definition)
        name = definition[kind]
        data = definition.get("data", {})
        self.lines.append(f"\n### {name} ({kind}) {{#{anchor(name)}}}\n\n{definition['doc']}")
        if "base" in definition:
            base = definition["base"]
            if isinstance(base, str):
                self.lines.append(f"\nHas the members of {self.type_of(base)}.")
            else:
                self.add_members("Members of all", base)
        if kind == "enum":
            self.add_rows("Values", [f"`{one['name']}`: {one['doc']}" for one in data])
        elif kind == "union":
            self.add_rows(f"Further members follow from `{definition['discriminator']}`",
                          [f"`{value}`: those of {self.type_of(struct)}" for value, struct in data.items()])
        elif kind == "alternate":
            self.add_rows("One of", [self.type_of(one) for one in data.values()])
        else:
            self.add_members({"command": "Arguments", "event": "Data"}.get(kind, "Members"), data)
        if definition.get("open"):
            self.lines.append("\nAnd the properties of the object that is made.")
        if "returns" in definition:
            told = f": {definition['returns-doc']}" if "returns-doc" in definition else ""
            self.lines.append(f"\nReturns {self.type_of(definition['returns'])}{told}.")
        if "features" in definition:
            self.lines.append(f"\nFeatures: {', '.join(f'`{one}`' for one in definition['features'])}.")
        if "example" in definition:
            self.lines.append("\n```\n" + "\n".join(definition["example"]) + "\n```")

    def make(self):
        for one in self.files:
            self.lines.append(f"\n## {one['title']}\n\n{one['doc']}")
            for definition in one["definitions"]:
                self.add(definition)
        return "\n".join(self.lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("schema", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    options.output.write_text(Manual([json.loads(path.read_text()) for path in options.schema]).make())


if __name__ == "__main__":
    main()
