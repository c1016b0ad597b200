# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every registered type and every property, by QMP and by the GIR."""

from pathlib import Path

from scripting import GIR, GUESTS, run


def test_every_type_and_property(tmp_path):
    """Both tell the same names, types, texts and values; values that are wrong are refused and change nothing."""
    out = run(["/usr/bin/python3", Path(__file__).parent / "reflection_walk.py", GIR, GIR.parent / "sv-types.json",
               GUESTS / "tiny.elf"], timeout=120, cwd=tmp_path)
    types, in_tree, written = map(int, out.split())
    assert types > 40 and in_tree > 150 and written - in_tree > 400
