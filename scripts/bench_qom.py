# SPDX-License-Identifier: LGPL-2.1-or-later
"""What scripts/bench tells of QMP: a property's round trip beside QEMU's, and a whole tree in one call."""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# One batch of each program after the other: what else the host does meets both.
BATCH = 100
PROPERTIES = {"of the machine": ("/machine", "type"), "of a device": ("/machine/peripheral/rng0", "max-bytes")}
N_DEVICES = 200
PORTS = 30


class Monitor:
    """A program whose guest does not run, and a connection to it that does as little as can be."""

    def __init__(self, argv, folder):
        path = str(Path(folder) / "qmp")
        self.process = subprocess.Popen([*argv, "-S", "-qmp", f"unix:{path},server=on,wait=off"],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.socket = socket.socket(socket.AF_UNIX)
        while True:
            try:
                self.socket.connect(path)
                break
            except (FileNotFoundError, ConnectionRefusedError):
                if self.process.poll() is not None:
                    sys.exit(f"bench: {argv[0]}: {self.process.stderr.read().decode(errors='replace')}")
                time.sleep(0.01)
        self.receive()
        self.call("qmp_capabilities")

    def receive(self):
        data = self.socket.recv(1 << 20)
        while not data.endswith(b"\n"):
            data += self.socket.recv(1 << 20)
        return data

    def round_trip(self, line):
        """Seconds from a command to its reply, and the reply."""
        start = time.perf_counter()
        self.socket.send(line)
        reply = self.receive()
        return time.perf_counter() - start, reply

    def call(self, command, **arguments):
        _, reply = self.round_trip(command_line(command, **arguments))
        return json.loads(reply)["return"]

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        self.socket.close()


def command_line(command, **arguments):
    return json.dumps({"execute": command, **({"arguments": arguments} if arguments else {})}).encode() + b"\n"


def describe(times):
    ordered = sorted(seconds * 1e6 for seconds in times)
    return f"{ordered[0]:7.1f} /{statistics.median(ordered):7.1f} /{ordered[len(ordered) * 99 // 100]:7.1f} us"


def bench_get(commands, rounds):
    """A property, as many times as @rounds has batches."""
    print("\nqom: round trip of qom-get: minimum / median / 99th of 100")
    with tempfile.TemporaryDirectory(prefix="sv-bench.") as folder:
        monitors = {}
        for number, (name, argv) in enumerate(commands.items()):
            os.mkdir(f"{folder}/{number}")
            monitors[name] = Monitor([*argv, "-device", "virtio-rng-device,id=rng0"], f"{folder}/{number}")
        for title, (path, name) in PROPERTIES.items():
            line = command_line("qom-get", path=path, property=name)
            times = {program: [] for program in monitors}
            for _ in range(rounds):
                for program, monitor in monitors.items():
                    times[program] += [monitor.round_trip(line)[0] for _ in range(BATCH)]
            for program, values in times.items():
                print(f"  {title:<15} {program:<12} {describe(values)}")
            if len(times) > 1:
                ours, theirs = (statistics.median(values) for values in times.values())
                print(f"  {title:<15} {' / '.join(times)}: {ours / theirs:.2f}")
        for monitor in monitors.values():
            monitor.close()
    sys.stdout.flush()


def bench_tree(argv, rounds):
    """All objects of a machine with many devices, and all their properties, by one command."""
    for number in range(0, N_DEVICES):
        if number % PORTS == 0:
            argv = [*argv, "-device", f"virtio-serial-device,id=serial{number // PORTS}"]
        argv = [*argv, "-chardev", f"null,id=c{number}", "-device",
                f"virtserialport,bus=serial{number // PORTS}.0,id=port{number},chardev=c{number},name=port{number}"]
    with tempfile.TemporaryDirectory(prefix="sv-bench.") as folder:
        monitor = Monitor(argv, folder)
        line = command_line("qom-list-get", paths=["/"], recursive=True)
        entries = monitor.call("qom-list-get", paths=["/"], recursive=True)
        times = [monitor.round_trip(line) for _ in range(rounds)]
        monitor.close()
    devices = [entry for entry in entries if entry["path"].startswith("/machine/peripheral/")
               and entry["path"].count("/") == 3]
    size = len(times[0][1])
    print(f"\nqom: a tree of {len(devices)} devices, {len(entries)} objects and {size >> 10} KiB, in one call\n"
          f"  {describe([seconds for seconds, _ in times])}", flush=True)
