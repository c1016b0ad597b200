#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs ten machines in this process and watches them: ten_machines.py KERNEL COMMAND-LINE [INITRD]"""

import sys

import gi

gi.require_version("StratoVirt", "1.0")
from gi.repository import GLib, StratoVirt  # noqa: E402


def main(kernel, append, initrd=None):
    loop = GLib.MainLoop()
    running = set()

    def start(name):
        vm = StratoVirt.Microvm(name=name, memory_size=128 << 20, kernel=kernel, append=append, initrd=initrd)
        vm.add_serial(StratoVirt.ChardevFile(path=f"{name}.log"))
        vm.connect("notify::run-state", lambda vm, _: print(name, vm.props.run_state.value_nick))
        vm.connect("shutdown", ended)
        running.add(vm)
        vm.start()

    def ended(vm, reason):
        print(f"{vm.props.name}: {reason.value_nick}, {len(running) - 1} are left", flush=True)
        running.remove(vm)
        if not running:
            loop.quit()

    for number in range(10):
        start(f"vm{number}")
    loop.run()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except GLib.Error as error:
        sys.exit(f"ten_machines.py: {error.message}")
