# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's libvirt saves and moves domains with a tiny guest."""

# pylint: disable=unused-import,redefined-outer-name
import contextlib
import os
import re
import signal
import subprocess

import pytest
from libvirthost import LibvirtHost
from libvirtfixtures import SERIAL, console, events, host, monitor, running, shared_host, values, write  # noqa: F401

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="libvirtd for the system needs root")


def counted(guest):
    """The last number that the guest told."""
    return int(re.findall(r"count (\d+)\n", guest.text)[-1])


def goes_on(console, before):
    """The guest that comes next counts on from where that one was, it does not start."""
    guest = console.guest()
    guest.wait_for(r"count \d+\n")
    guest.wait_for(r"count \d+\n")
    assert int(re.findall(r"count (\d+)\n", guest.text)[0]) in (counted(before), counted(before) + 1)
    return guest


# Saved to a file

def test_save_and_restore(host, running, console, tmp_path):
    image = tmp_path / "image"
    assert "saved" in host.virsh("save", "StratoVirt", image)
    assert "StratoVirt" not in host.virsh("list", "--all")
    assert image.stat().st_size < 64 << 20, "memory that the guest does not use is in the file"
    assert "<name>StratoVirt</name>" in host.virsh("save-image-dumpxml", image)
    host.virsh("restore", image)
    assert host.virsh("domstate", "StratoVirt").strip() == "running"
    goes_on(console, running)
    # Once more, from there; it stays paused when that is wanted.
    host.virsh("save", "StratoVirt", image, "--paused", "--bypass-cache")
    host.virsh("restore", image)
    assert host.virsh("domstate", "StratoVirt").strip() == "paused"
    host.virsh("resume", "StratoVirt")
    console.guest().wait_for("count")


def test_managed_save(host, write, console):
    host.virsh("define", write("c", SERIAL))
    host.virsh("start", "StratoVirt")
    guest = console.guest()
    guest.wait_for("count 2\n")
    host.virsh("managedsave", "StratoVirt")
    assert host.virsh("domstate", "StratoVirt", "--reason").strip() == "shut off (saved)"
    assert "Managed save:   yes" in host.virsh("dominfo", "StratoVirt")
    host.virsh("start", "StratoVirt")
    goes_on(console, guest)
    assert "Managed save:   no" in host.virsh("dominfo", "StratoVirt")


KERNEL_END = "tiny-pvh.elf</kernel>"


@pytest.fixture
def large(host, write, console, tmp_path):
    """A running domain with 8 MiB in its memory that are no zeroes: an initial RAM disk."""
    (tmp_path / "initrd").write_bytes(os.urandom(8 << 20))
    host.virsh("create", write("c", SERIAL, [(KERNEL_END, f"{KERNEL_END}<initrd>{tmp_path}/initrd</initrd>")]))
    guest = console.guest()
    guest.wait_for("count 1\n")
    return guest


@contextlib.contextmanager
def job(host, *argv):
    """A virsh command that goes on; what domjobinfo tells when some memory was sent, and the rest not."""
    process = host.start("virsh", *argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        info, remaining = "", 256.0
        while remaining == 256:
            assert process.poll() is None, process.stdout.read()
            info = host.virsh("domjobinfo", "StratoVirt")
            if "Memory remaining" in info:
                remaining = float(re.search(r"Memory remaining: +([\d.]+) MiB", info)[1])
        assert 0 < remaining < 256 and re.search(r"Memory total: +256.000 MiB", info)
        yield process, info
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_save_tells_and_is_aborted(host, large, tmp_path):
    """Nobody reads what is saved: it goes on until it is aborted, and the domain runs on."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDWR | os.O_NONBLOCK)
    with job(host, "save", "StratoVirt", fifo) as (save, info):
        assert re.search("Operation: +Save", info)
        host.virsh("domjobabort", "StratoVirt")
        os.close(reader)  # libvirt's own helper still writes
        assert save.wait(20) == 1
    large.skip()
    large.wait_for("count")
    assert host.virsh("domstate", "StratoVirt").strip() == "running"
    assert "None" in host.virsh("domjobinfo", "StratoVirt")


# Moved to another host

THERE = "10.77.0.2"
URI = f"qemu+tcp://{THERE}/system"


@pytest.fixture(scope="module")
def shared_other(shared_host):
    """Another host at the other end of a cable; they share disks."""
    other = LibvirtHost()
    subprocess.run(["ip", "link", "add", "cable", "netns", str(shared_host.init), "type", "veth", "peer", "name", "cable",
                    "netns", str(other.init)], check=True)
    for end, address in ((shared_host, "10.77.0.1"), (other, THERE)):
        end.run("ip", "address", "add", f"{address}/24", "dev", "cable")
        end.run("ip", "link", "set", "cable", "up")
    other.run("ip", "link", "add", "qbr0", "type", "bridge")
    other.run("ip", "link", "set", "qbr0", "up")
    yield other
    other.close()


@pytest.fixture
def other(request, host, shared_other):
    request.node.vms = [host, shared_other]
    yield shared_other
    shared_other.virsh("destroy", "StratoVirt", check=False)
    shared_other.virsh("undefine", "StratoVirt", check=False)


@pytest.mark.parametrize("scheme, how", [("tcp", ["--live"]), ("tcp", ["--live", "--p2p", "--persistent", "--undefinesource"]),
                                         ("unix", ["--live", "--p2p"])])
def test_migrate(host, other, running, console, tmp_path, scheme, how):
    uri = f"tcp://{THERE}" if scheme == "tcp" else f"unix://{tmp_path}/migration"
    host.virsh("migrate", *how, "--unsafe", "StratoVirt", URI, uri)
    assert "StratoVirt" not in host.virsh("list", "--all")
    assert re.search("StratoVirt +running", other.virsh("list"))
    assert ("--persistent" in how) == ("StratoVirt" in other.virsh("list", "--persistent", "--name"))
    goes_on(console, running)
    info = other.virsh("domjobinfo", "StratoVirt", "--completed")
    assert "Completed" in info and "Incoming migration" in info and re.search(r"Total downtime: +\d+ +ms", info)


def test_destination_dies(host, other, large):
    """The domain runs on where it is, and tells how far the migration was."""
    with job(host, "migrate", "--live", "--unsafe", "--bandwidth", "1", "StratoVirt", URI, f"tcp://{THERE}") as (migrate, info):
        assert "Outgoing migration" in info
        os.kill(other.outer_pid(int(other.read("/run/libvirt/qemu/StratoVirt.pid"))), signal.SIGKILL)
        assert migrate.wait(20) == 1
    large.skip()
    large.wait_for("count")
    assert host.virsh("domstate", "StratoVirt").strip() == "running"
    assert "StratoVirt" not in other.virsh("list", "--all")
    host.virsh("migrate", "--live", "--unsafe", "StratoVirt", URI, f"tcp://{THERE}")
    assert re.search("StratoVirt +running", other.virsh("list"))
