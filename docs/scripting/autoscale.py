#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Leaves a guest the memory that it uses, and some to spare: autoscale.py ADDRESS BALLOON"""

import sys

import gi

gi.require_version("StratoVirt", "1.0")
from gi.repository import GLib, StratoVirt  # noqa: E402

SPARE, STEP = 48 << 20, 8 << 20


def scale(balloon, _):
    available = balloon.props.guest_stats["stats"]["stat-available-memory"]
    wanted = min(balloon.props.actual - available + SPARE, vm.props.memory_size)
    if available >= 0 and abs(wanted - balloon.props.target) >= STEP:
        balloon.props.target = wanted
        print(f"{available >> 20} MiB available: {wanted >> 20} MiB", flush=True)


address, path = sys.argv[1:]
vm = StratoVirt.Client.connect(address)
loop = GLib.MainLoop()
balloon = vm.get_client().get_object(path)
balloon.connect("notify::guest-stats", scale)
balloon.props.guest_stats_polling_interval = 1
vm.connect("shutdown", lambda *_: loop.quit())
loop.run()
