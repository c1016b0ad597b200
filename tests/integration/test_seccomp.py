# SPDX-License-Identifier: LGPL-2.1-or-later
"""System call filters of the real program; tests/unit/test-seccomp.c tries what they refuse."""

import os
import signal
import socket

import pytest

from qmpclient import QmpError

FILTERED = {"Seccomp": "2", "NoNewPrivs": "1"}


def threads(pid):
    """The threads of a process: name -> what the kernel says of each that is so named."""
    found = {}
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/status", encoding="ascii") as status:
            fields = dict(line.split(":\t", 1) for line in status.read().splitlines())
        found.setdefault(fields["Name"], []).append({key: fields[key].strip() for key in FILTERED})
    return found


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def filtered(pid, *names):
    """Checks that every thread has its filter, and that those named are there."""
    found = threads(pid)
    assert set(names) <= set(found), found
    for name, each in found.items():
        for status in each:
            assert status == FILTERED, name
    return found


def test_every_thread_is_filtered(tiny, tmp_path):
    vm = tiny("h", "-smp", "2", "-object", "iothread,id=io0",
              "-chardev", f"socket,id=c0,path={tmp_path}/c0,server=on,wait=off")
    vm.console.wait_for("^tiny")
    qmp = vm.qmp()
    qmp.execute("query-status")
    filtered(vm.pid, "io0", "CPU 0/KVM", "CPU 1/KVM")
    # One that is started under the main thread's filter has both.
    qmp.execute("object-add", {"qom-type": "iothread", "id": "io1"})
    expected = {"stratovirt", "migration", "io0", "io1", "CPU 0/KVM", "CPU 1/KVM"}
    found = filtered(vm.pid, *expected)
    # No thread that nobody knows of; KVM itself starts one in newer kernels.
    assert set(found) - {"kvm-nx-lpage-re"} == expected


@pytest.mark.parametrize("words", [["-disable-seccomp"], ["-sandbox", "off"]])
def test_can_be_switched_off(tiny, words):
    vm = tiny("h", *words)
    vm.console.wait_for("^tiny")
    vm.qmp().execute("query-status")
    assert {status["Seccomp"] for each in threads(vm.pid).values() for status in each} == {"0"}


def test_on_in_so_many_words(tiny):
    vm = tiny("h", "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,"
                               "resourcecontrol=deny")
    vm.console.wait_for("^tiny")
    vm.qmp().execute("query-status")
    filtered(vm.pid, "CPU 0/KVM")


def test_stopped_and_continued_from_outside(tiny):
    """SIGSTOP and SIGCONT: the kernel restarts system calls with one that no list has."""
    vm = tiny("h", "-object", "iothread,id=io0")
    vm.console.wait_for("^tiny")
    qmp = vm.qmp()
    qmp.execute("query-status")
    for _ in range(3):
        vm.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, vm.pid, os.WSTOPPED)
        vm.process.send_signal(signal.SIGCONT)
        assert qmp.execute("query-status")["status"] == "running"


@pytest.mark.linux
def test_worker_threads_are_filtered(linux, disk_dir):
    disk = disk_dir / "disk"
    disk.write_bytes(bytes(8 << 20))
    vm = linux("-object", "iothread,id=io0", "-drive", f"file={disk},id=d0,if=none,aio=threads",
               "-device", "virtio-blk-device,drive=d0,iothread=io0",
               script="while :; do dd if=/dev/vda of=/dev/null bs=1M iflag=direct 2>/dev/null; "
                      "echo pass; done")
    vm.console.wait_for("^pass", timeout=60)
    filtered(vm.pid, "io0", "CPU 0/KVM", "block")


def test_what_qmp_can_ask_for(tiny, tmp_path):
    """Everything that a peer may have opened at run time."""
    (tmp_path / "disk").write_bytes(bytes(1 << 20))
    vm = tiny("h", "-S", cwd=tmp_path)
    qmp = vm.qmp()
    # The first instruction is loaded under the filter then.
    qmp.execute("cont")
    vm.console.wait_for("^tiny")
    for kind, backend in {
            "file": {"out": "log"}, "pty": {}, "null": {},
            "socket": {"addr": {"type": "unix", "data": {"path": "s"}}, "server": True, "wait": False},
    }.items():
        qmp.execute("chardev-add", {"id": kind, "backend": {"type": kind, "data": backend}})
    tcp = {"type": "inet", "data": {"host": "127.0.0.1", "port": "0"}}
    qmp.execute("chardev-add", {"id": "tcp", "backend": {
        "type": "socket", "data": {"addr": tcp, "server": True, "wait": False}}})
    with pytest.raises(QmpError):
        qmp.execute("chardev-add", {"id": "far", "backend": {
            "type": "socket", "data": {"addr": {"type": "inet", "data": {
                "host": "no-such-host.invalid", "port": "1"}}, "server": False}}})
    for kind in ("file", "pty", "null", "socket", "tcp"):
        qmp.execute("chardev-remove", {"id": kind})
    for kind, properties in {
            "memory-backend-ram": {"size": 2 << 20, "prealloc": True},
            "memory-backend-memfd": {"size": 2 << 20},
            "memory-backend-file": {"size": 2 << 20, "mem-path": str(tmp_path), "share": True},
            "rng-random": {"filename": "/dev/urandom"},
            "iothread": {}}.items():
        qmp.execute("object-add", {"qom-type": kind, "id": "object", **properties})
        qmp.execute("object-del", {"id": "object"})
    qmp.execute("blockdev-add", {"node-name": "d0", "driver": "file", "filename": str(tmp_path / "disk"),
                                 "cache": {"direct": False}})
    qmp.execute("device_add", {"driver": "virtio-blk-mmio", "id": "d0", "drive": "d0", "addr": "0x0"})
    qmp.execute("netdev_add", {"type": "user", "id": "n0",
                               "hostfwd": [{"str": f"tcp:127.0.0.1:{free_port()}-:22"}]})
    qmp.execute("query-block")
    qmp.execute("system_reset")
    vm.console.wait_for("^tiny")
    qmp.execute("quit")
    assert vm.wait() == 0
    assert "forbidden" not in vm.stderr.wait_end()
