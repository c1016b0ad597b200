#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs two machines in this process, one after the other paused: two_machines.py KERNEL COMMAND-LINE"""

import sys

import gi

gi.require_version("StratoVirt", "1.0")
from gi.repository import GLib, StratoVirt  # noqa: E402


def main(kernel, append):
    loop = GLib.MainLoop()
    running = set()

    def make(name):
        vm = StratoVirt.Microvm(name=name, memory_size=128 << 20, kernel=kernel, append=append)
        vm.add_serial(StratoVirt.ChardevFile(path=f"{name}.log"))
        vm.connect("notify::run-state", lambda vm, _: print(name, vm.props.run_state.value_nick, flush=True))
        vm.connect("shutdown", ended)
        running.add(vm)
        return vm

    def ended(vm, _reason):
        running.remove(vm)
        if not running:
            loop.quit()

    first, second = make("first"), make("second")
    second.connect("shutdown", lambda *_: first.resume())
    first.start()
    first.pause()
    second.start()
    loop.run()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except GLib.Error as error:
        sys.exit(f"two_machines.py: {error.message}")
