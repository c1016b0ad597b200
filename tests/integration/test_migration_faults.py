# SPDX-License-Identifier: LGPL-2.1-or-later
"""What may happen while a guest changes hands: there is always one, and never a second."""

import fcntl
import os
import re
import socket
import struct
import threading

import pytest
from qmpclient import QmpError
from test_migration import EVENTS, counts_on, slowly
from test_snapshot import FINAL, last_count

MASK = (1 << 64) - 1
HELLO, PAGES, ZERO, STATE, GO, ABORT, READY, REFUSED = range(1, 9)
F_SETPIPE_SZ = 1031


def checksum(value, data):
    """As src/migration/sv-migration-stream.c has it, of less than 32 bytes."""
    prime = 0x9e3779b97f4a7c15
    lanes = [value, value ^ prime, (value + prime) & MASK, ~value & MASK]
    for left, byte in zip(range(len(data), 0, -1), data):
        lanes[0] = ((lanes[0] ^ byte) * prime + left) & MASK
    return (((lanes[0] * 3 + lanes[1]) * prime) & MASK) ^ ((lanes[2] * 5 + lanes[3]) & MASK)


def message(kind):
    """One without content"""
    head = struct.pack("<QQ", kind, 0)
    return head + struct.pack("<Q", checksum(checksum(checksum(0, head), b""), b""))


def read_exactly(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise EOFError
        data += part
    return data


def receive(connection):
    """Type and raw bytes of a message"""
    header = read_exactly(connection, 24)
    kind, length, _ = struct.unpack("<QQQ", header)
    return kind, header + read_exactly(connection, length)


class Silent(threading.Thread):
    """A destination that likes the VM, takes all of it, and then says nothing until it is told to go."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.connection = None
        self.has_state = threading.Event()
        self.start()

    def run(self):
        self.connection, _ = self.listener.accept()
        try:
            while True:
                kind, _ = receive(self.connection)
                if kind == HELLO:
                    self.connection.sendall(message(READY))
                elif kind == STATE:
                    self.has_state.set()
        except (EOFError, OSError):
            self.connection.close()

    def wait(self):
        assert self.has_state.wait(20)


class Holding(threading.Thread):
    """Between source and destination; keeps the second READY until it is told to pass it on."""

    def __init__(self, path, target):
        super().__init__(daemon=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.target = str(target)
        self.ready, self.go = threading.Event(), threading.Event()
        self.start()

    def run(self):
        source, _ = self.listener.accept()
        destination = socket.socket(socket.AF_UNIX)
        destination.connect(self.target)
        threading.Thread(target=self.copy, args=(source, destination), daemon=True).start()
        try:
            for count in range(2):
                data = receive(destination)[1]
                if count == 1:
                    self.ready.set()
                    self.go.wait(20)
                source.sendall(data)
        except (EOFError, OSError):
            pass

    @staticmethod
    def copy(source, destination):
        try:
            while data := source.recv(65536):
                destination.sendall(data)
        except OSError:
            pass
        destination.shutdown(socket.SHUT_WR)


@pytest.fixture
def disk(tmp_path):
    (tmp_path / "disk").write_bytes(b"\0" * 4096)
    return ["-drive", f"file={tmp_path}/disk,id=d,if=none", "-device", "virtio-blk-device,drive=d,id=disk"]


@pytest.fixture
def counting(tiny):
    """A guest that counts, and what controls it."""
    def start(*args):
        vm = tiny("c", *args)
        vm.console.wait_for(r"count 5\b")
        qmp = vm.qmp()
        qmp.execute("migrate-set-capabilities", EVENTS)
        return vm, qmp
    return start


def wait_final(qmp):
    while (status := qmp.wait_event("MIGRATION")["data"]["status"]) not in FINAL:
        pass
    return status


def status(qmp):
    return qmp.execute("query-status")["status"]


def runs(vm, qmp):
    assert status(qmp) == "running"
    vm.console.wait_for(r"count \d+\n")
    vm.console.wait_for(rf"count {last_count(vm.console.text) + 5}\b")


def test_reset_between(counting, tmp_path):
    """The guest does not go on before it is reset, and then from its beginning."""
    vm, qmp = counting()
    silent = Silent(tmp_path / "in")
    qmp.execute("migrate", {"uri": f"unix:{tmp_path}/in"})
    silent.wait()
    qmp.execute("system_reset")
    qmp.wait_event("RESET")
    assert qmp.execute("query-migrate")["status"] == "cancelled"
    assert status(qmp) == "running"
    vm.console.wait_for(r"tiny pvh[\s\S]*count 5\b")
    assert vm.console.text.count("tiny pvh") == 2


def test_stop_between(counting, tmp_path):
    """What was stopped stays so; nothing else than migrations may be at it."""
    vm, qmp = counting()
    silent = Silent(tmp_path / "in")
    qmp.execute("migrate", {"uri": f"unix:{tmp_path}/in"})
    silent.wait()
    with pytest.raises(QmpError, match="being saved"):
        qmp.execute("dump-guest-memory", {"paging": False, "protocol": f"file:{tmp_path}/core"})
    qmp.execute("stop")
    qmp.execute("migrate_cancel")
    assert wait_final(qmp) == "cancelled"
    assert status(qmp) == "paused"
    qmp.execute("cont")
    runs(vm, qmp)


def test_dump_goes_first(counting, tmp_path):
    vm, qmp = counting()
    os.mkfifo(tmp_path / "core")
    reader = os.open(tmp_path / "core", os.O_RDONLY | os.O_NONBLOCK)
    qmp.execute("dump-guest-memory", {"paging": False, "detach": True, "protocol": f"file:{tmp_path}/core"})
    with pytest.raises(QmpError, match="dump"):
        qmp.execute("migrate", {"uri": f"file:{tmp_path}/snapshot"})
    os.close(reader)
    qmp.wait_event("DUMP_COMPLETED")
    runs(vm, qmp)


@pytest.mark.parametrize("with_disk", [True, False])
def test_guest_that_went_does_not_return(tiny, counting, disk, tmp_path, with_disk):
    """Not by cont, not by a reset, not to a third process; once the other one is gone and an image tells so, it does."""
    args = disk if with_disk else []
    vm, qmp = counting(*args)
    there = tiny("c", *args, "-incoming", f"unix:{tmp_path}/in")
    after = there.qmp()
    qmp.execute("set-action", {"shutdown": "pause"})
    qmp.execute("migrate", {"uri": f"unix:{tmp_path}/in"})
    assert wait_final(qmp) == "completed"
    for _ in range(2):
        with pytest.raises(QmpError, match="has it open" if with_disk else "no image"):
            qmp.execute("cont")
        with pytest.raises(QmpError, match="went to another process"):
            qmp.execute("system_reset")
        with pytest.raises(QmpError, match="previous migration"):
            qmp.execute("migrate", {"uri": f"file:{tmp_path}/snapshot"})
    assert status(qmp) == "postmigrate"
    runs(there, after)
    there.kill()
    if with_disk:
        qmp.execute("cont")
        runs(vm, qmp)
        other = tiny("c", *disk)
        assert other.wait() == 1 and "has it open" in other.stderr.text


def test_cancelled_with_disk(tiny, counting, disk, tmp_path):
    """The source runs on when the destination, which had everything, let go of the image, and has it to itself again."""
    vm, qmp = counting(*disk)
    there = tiny("c", *disk, "-incoming", f"unix:{tmp_path}/in")
    there.qmp()
    proxy = Holding(tmp_path / "proxy", tmp_path / "in")
    qmp.execute("migrate", {"uri": f"unix:{tmp_path}/proxy"})
    assert proxy.ready.wait(20)
    qmp.execute("migrate_cancel")
    assert wait_final(qmp) == "cancelled"
    assert there.wait() == 1
    runs(vm, qmp)
    (tmp_path / "second").write_bytes(b"\0" * 4096)
    qmp.execute("blockdev-add", {"node-name": "second", "driver": "file", "filename": f"{tmp_path}/second"})
    for name in ("disk", "second"):
        other = tiny("c", "-drive", f"file={tmp_path}/{name},id=d,if=none", "-device", "virtio-blk-device,drive=d,id=disk")
        assert other.wait() == 1 and "has it open" in other.stderr.text


def test_cancel_at_the_destination(tiny, counting, tmp_path):
    """Too late once the source was told that all is there."""
    vm, qmp = counting()
    there = tiny("c", "-incoming", f"unix:{tmp_path}/in")
    after = there.qmp()
    proxy = Holding(tmp_path / "proxy", tmp_path / "in")
    qmp.execute("migrate", {"uri": f"unix:{tmp_path}/proxy"})
    assert proxy.ready.wait(20)
    after.execute("migrate_cancel")
    proxy.go.set()
    assert vm.wait() == 0
    counts_on(there, last_count(vm.console.text))
    assert status(after) == "running"


def test_source_dies_at_the_end(tiny, counting, disk, tmp_path):
    """The destination has all but a word: it waits, with the image free for the source, and needs it for cont."""
    vm, qmp = counting(*disk)
    there = tiny("c", *disk, "-incoming", f"unix:{tmp_path}/in")
    after = there.qmp()
    after.execute("migrate-set-capabilities", EVENTS)
    proxy = Holding(tmp_path / "proxy", tmp_path / "in")
    qmp.execute("migrate", {"uri": f"unix:{tmp_path}/proxy"})
    assert proxy.ready.wait(20)
    vm.kill()
    assert wait_final(after) == "completed"
    assert status(after) == "paused"
    with pytest.raises(QmpError, match="previous migration"):
        after.execute("migrate", {"uri": f"file:{tmp_path}/snapshot"})
    other = tiny("c", *disk)
    other.console.wait_for(r"count 1\b")
    with pytest.raises(QmpError, match="has it open"):
        after.execute("cont")
    other.kill()
    after.execute("cont")
    runs(there, after)


def test_what_cannot_be_saved_comes_late(tiny, counting, tmp_path):
    """The guest has less memory than it had when the migration began, which a state does not tell."""
    args = ["-device", "virtio-balloon-device,id=b"]
    vm, qmp = counting(*args)
    there = tiny("c", *args, "-incoming", f"unix:{tmp_path}/in")
    there.qmp()
    slowly(qmp)
    qmp.execute("migrate", {"uri": f"unix:{tmp_path}/in"})
    qmp.execute("balloon", {"value": 64 << 20})
    qmp.execute("migrate-set-parameters", {"max-bandwidth": 0, "downtime-limit": 300})
    assert wait_final(qmp) == "failed"
    assert "balloon" in qmp.execute("query-migrate")["error-desc"]
    assert there.wait() == 1
    runs(vm, qmp)


def test_number_is_no_name(counting):
    """What the process has open is not for migrations."""
    vm, qmp = counting()
    before = os.listdir(f"/proc/{vm.pid}/fd")
    for number in range(3, 20):
        with pytest.raises(QmpError, match="no such file descriptor"):
            qmp.execute("migrate", {"uri": f"fd:{number}"})
    assert os.listdir(f"/proc/{vm.pid}/fd") == before


def test_nobody_speaks(tiny, counting, tmp_path):
    """Who connects and goes, or stays and says nothing, is not the source; nor does it keep the source out."""
    there = tiny("c", "-incoming", f"unix:{tmp_path}/in")
    after = there.qmp()
    kept = []
    for turn in range(12):
        one = socket.socket(socket.AF_UNIX)
        one.connect(f"{tmp_path}/in")
        assert status(after) == "inmigrate"
        if turn % 2 == 0:
            one.close()
        else:
            kept.append(one)
    vm, qmp = counting()
    qmp.execute("migrate", {"uri": f"unix:{tmp_path}/in"})
    assert vm.wait() == 0
    counts_on(there, last_count(vm.console.text))


def test_pipe_breaks_at_the_end(counting):
    """The last word was not taken: the guest is not in the file, but here."""
    vm, qmp = counting("-no-shutdown")
    qmp.execute("migrate-set-capabilities", {"capabilities": [{"capability": "return-path", "state": False}]})
    reader, writer = os.pipe()
    fcntl.fcntl(reader, F_SETPIPE_SZ, 4096)
    qmp.execute("getfd", {"fdname": "pipe"}, fds=[writer])
    os.close(writer)
    qmp.execute("migrate", {"uri": "fd:pipe"})
    with open(reader, "rb", buffering=0) as pipe:
        def take(size):
            while size > 0:
                data = pipe.read(min(size, 65536))
                assert data
                size -= len(data)
            return data

        kind = None
        while kind != STATE:
            header = b""
            while len(header) < 24:
                header += pipe.read(24 - len(header))
            kind, length, _ = struct.unpack("<QQQ", header)
            # Of the state more is left than the pipe holds: nothing that follows was written yet.
            take(length if kind != STATE else length - 8192)
    assert wait_final(qmp) == "failed"
    assert re.search("Broken pipe", qmp.execute("query-migrate")["error-desc"])
    runs(vm, qmp)


def test_quit_between(counting, tmp_path):
    """Nobody answers; the VM ends all the same."""
    vm, qmp = counting()
    silent = Silent(tmp_path / "in")
    qmp.execute("migrate", {"uri": f"unix:{tmp_path}/in"})
    silent.wait()
    qmp.execute("quit")
    shutdown = [event for event in qmp.at_end() if event["event"] == "SHUTDOWN"]
    assert [event["data"]["reason"] for event in shutdown] == ["host-qmp-quit"]
    assert vm.wait() == 0
