# SPDX-License-Identifier: LGPL-2.1-or-later
"""What disks and network cards cost, for scripts/bench: exits for each piece of work, and how long it took.

Each function boots one guest of one program and returns, for each part of the work, what it cost.
"""

import base64
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import cpio

TOP = Path(__file__).resolve().parents[1]
BUILD = Path(os.environ.get("STRATOVIRT_BUILD", TOP / "build"))


class Guest:
    """A guest that does one thing after the other and says when each is done."""

    def __init__(self, argv, counters, extra):
        self.counters, self.extra = counters, extra
        self.seen = b""
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)

    def wait_for(self, line):
        """Waits for a line of the guest's, behind what came before."""
        while line.encode() not in self.seen:
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                errors = self.process.stderr.read().decode(errors="replace")
                sys.exit(f"bench: {self.process.args[0]} ended before {line}:\n"
                         f"{self.seen.decode(errors='replace')}{errors}")
            self.seen += data
        self.seen = self.seen[self.seen.index(line.encode()) + len(line):]

    def cost(self, line, go=None):
        """What it took, from now until the guest says @line."""
        before = self._read()
        if go:
            go()
        self.wait_for(line)
        return {key: value - before[key] for key, value in self._read().items()}

    def _read(self):
        return {**self.counters.read(), **self.extra(), "ms": time.monotonic() * 1000}

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


def per(cost, name, number, unit=1):
    """The counts of @cost for each @unit of @number."""
    return {"ms": cost["ms"], f"{name}/s": number / cost["ms"] * 1000,
            **{f"{key}/{unit if unit > 1 else ''}{' ' if unit > 1 else ''}{name}": value * unit / number
               for key, value in cost.items() if key not in ("ms", name)}}


def device(argv, kind):
    """The type of a virtio device on the machine of @argv."""
    return f"virtio-{kind}-pci" if "q35" in argv else f"virtio-{kind}-device"


# --- disks ---

BLK_MIB = 64
BLK_PARTS = (("4 KiB, 1 at a time", 4096, 1, 1000), ("4 KiB, 32 at a time", 4096, 32, 4096),
             ("1 MiB, 1 at a time", 1 << 20, 1, 64))
BLK_JOB = """chmod 755 /bin/blkctl; set +x
until [ -b /dev/vda ]; do :; done
echo SV-BENCH-READY
""" + "".join(f"blkctl read /dev/vda {size} {depth} {count} || exit 1; echo SV-BENCH-DONE\n"
              for _, size, depth, count in BLK_PARTS)


def run_blk(make, made, counters):
    """Reads of a disk in random order, past the guest's and the host's page cache."""
    results = {}
    archive = cpio.Archive()
    archive.file("sv/run", BLK_JOB)
    archive.file("bin/blkctl", (BUILD / "tests" / "guests" / "blkctl").read_bytes())
    base = made.initrd.read_bytes()
    with tempfile.NamedTemporaryFile(prefix="sv-bench.") as initrd, \
            tempfile.NamedTemporaryFile(prefix="sv-bench.", dir="/var/tmp") as disk:
        initrd.write(base + b"\0" * (-len(base) % 4) + archive.to_bytes())
        initrd.flush()
        disk.write(os.urandom(1 << 20) * BLK_MIB)
        disk.flush()
        argv = make(made.vmlinux, initrd.name, "console=ttyS0 quiet panic=-1")
        argv += ["-drive", f"file={disk.name},id=d0,if=none,format=raw,cache=none,aio=io_uring",
                 "-device", device(argv, "blk") + ",drive=d0"]
        guest = Guest(argv, counters, dict)
        try:
            guest.wait_for("SV-BENCH-READY")
            for title, _, _, count in BLK_PARTS:
                results[f"blk: reads of {title}"] = per(guest.cost("SV-BENCH-DONE"), "reads", count)
        finally:
            guest.close()
    return results


# --- networks ---

NET_MIB = 32
NET_HOST, NET_GUEST, NET_IF = "10.9.8.1", "10.9.8.2", "svbench0"
NET_JOB = f"""ip address add {NET_GUEST}/24 dev eth0; ip link set eth0 up
until ping -c 1 -w 1 {NET_HOST} >/dev/null 2>&1; do :; done
echo SV-BENCH-READY; nc {NET_HOST} PORT_DOWN | cat >/dev/null; echo SV-BENCH-DOWN
dd if=/dev/zero bs=64k count={NET_MIB * 4} 2>/dev/null | nc {NET_HOST} PORT_UP; echo SV-BENCH-UP
"""


class Stream(threading.Thread):
    """One TCP connection with the guest: waits for @go, then sends or takes @size bytes."""

    def __init__(self, send, size):
        super().__init__(daemon=True)
        self.send, self.size, self.go = send, size, threading.Event()
        self.socket = socket.create_server((NET_HOST, 0))
        self.port = self.socket.getsockname()[1]
        self.start()

    def run(self):
        peer, _ = self.socket.accept()
        self.go.wait()
        with peer:
            if self.send:
                peer.sendall(bytes(self.size))
            else:
                while self.size > 0 and (part := peer.recv(1 << 20)):
                    self.size -= len(part)
        self.socket.close()


def net_packets():
    statistics_ = Path(f"/sys/class/net/{NET_IF}/statistics")
    return {"packets": sum(int((statistics_ / name).read_text()) for name in ("rx_packets", "tx_packets"))}


def run_net(make, made, counters):
    """A TCP stream each way, over a tap interface."""
    subprocess.run(["modprobe", "tun"], check=True)
    subprocess.run(["ip", "tuntap", "add", NET_IF, "mode", "tap", "vnet_hdr"], check=True)
    subprocess.run(["ip", "address", "add", f"{NET_HOST}/24", "dev", NET_IF], check=True)
    subprocess.run(["ip", "link", "set", NET_IF, "up"], check=True)
    down, up = Stream(True, NET_MIB << 20), Stream(False, NET_MIB << 18)
    job = NET_JOB.replace("PORT_DOWN", str(down.port)).replace("PORT_UP", str(up.port))
    word = "sv.run=" + base64.b64encode(job.encode()).decode()
    argv = make(made.vmlinux, made.initrd, f"console=ttyS0 quiet panic=-1 {word}")
    argv += ["-netdev", f"tap,id=n0,ifname={NET_IF},script=no,downscript=no", "-device",
             device(argv, "net") + ",netdev=n0"]
    guest = Guest(argv, counters, net_packets)
    results = {}
    try:
        guest.wait_for("SV-BENCH-READY")
        for title, line, stream, mib in (("to", "SV-BENCH-DOWN", down, NET_MIB),
                                         ("from", "SV-BENCH-UP", up, NET_MIB / 4)):
            cost = guest.cost(line, stream.go.set)
            packets = cost["packets"]
            results[f"net: a TCP stream {title} the guest"] = {
                **per(cost, "packets", packets, 1000), "packets": packets, "MiB/s": mib / cost["ms"] * 1000,
                **{f"{key}/MiB": value / mib for key, value in cost.items() if key not in ("ms", "packets")}}
    finally:
        guest.close()
        subprocess.run(["ip", "link", "delete", NET_IF], check=True)
    return results
