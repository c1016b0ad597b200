# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs scripts that have StratoVirt in their own process, as a user's would after `meson devenv`."""

import os
import subprocess
import sys

from gi.repository import GLib

from vm import BUILD, SCALE, TOP

LIBRARY = BUILD / "src"
GIR = LIBRARY / "gir" / "StratoVirt-1.0.gir"
GUESTS = BUILD / "tests" / "guests"


def environment():
    """What `meson devenv` sets."""
    return {**os.environ, "GI_TYPELIB_PATH": str(LIBRARY / "gir"), "LD_LIBRARY_PATH": str(LIBRARY),
            "PYTHONPATH": str(LIBRARY / "gir" / "python"), "GJS_PATH": str(TOP / "src" / "gir" / "gjs"), "G_DEBUG": "fatal-criticals"}


def wait_until(condition, timeout=10):
    """Runs the main loop until @condition holds."""
    late = []
    source = GLib.timeout_add(int(timeout * SCALE * 1000), lambda: late.append(1) or False)
    while not condition():
        assert not late, "it did not happen"
        GLib.MainContext.default().iteration(True)
    if not late:
        GLib.source_remove(source)


def call(start, finish, *args):
    """Calls an asynchronous method and runs the main loop until it has answered."""
    results = []
    start(*args, None, lambda source, result, *rest: results.append(result))
    wait_until(lambda: results)
    return finish(results[0])


class Library:
    """StratoVirt in the tests' own process, loaded when a test first uses it: collecting tests needs no build."""

    def __getattr__(self, name):
        import gi
        gi.require_version("GIRepository", "2.0")
        from gi.repository import GIRepository
        GIRepository.Repository.prepend_search_path(str(LIBRARY / "gir"))
        GIRepository.Repository.prepend_library_path(str(LIBRARY))
        gi.require_version("StratoVirt", "1.0")
        from gi.repository import StratoVirt
        return getattr(StratoVirt, name)


def run(argv, timeout=30, cwd=None):
    """Runs a program to its end; returns what it printed."""
    done = subprocess.run([str(word) for word in argv], env=environment(), cwd=cwd, capture_output=True,
                          text=True, timeout=timeout * SCALE, check=False)
    assert done.returncode == 0, f"status {done.returncode}\n{done.stdout}\n{done.stderr[-4000:]}"
    return done.stdout


def python(script, *arguments, **options):
    """Runs a Python script given as text; in front of it stands what all of them need."""
    return run([sys.executable, "-c", PRELUDE + script, GUESTS, *arguments], **options)


PRELUDE = """
import sys
from pathlib import Path

import gi
gi.require_version("StratoVirt", "1.0")
from gi.repository import GLib, StratoVirt

GUESTS = Path(sys.argv[1])
loop = GLib.MainLoop()

def machine(do, kind=StratoVirt.Microvm, **properties):
    return kind(memory_size=128 << 20, kernel=str(GUESTS / "tiny.elf"), append=f"do={do}", **properties)

def run_until(condition):
    while not condition():
        GLib.MainContext.default().iteration(True)
"""
