# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tiny guests move from one process to another while they run."""

import re
import socket
import subprocess
import threading
from pathlib import Path

import pytest
from qmpclient import QmpError
from test_snapshot import FINAL, last_count

EVENTS = {"capabilities": [{"capability": "events", "state": True}, {"capability": "return-path", "state": True}]}


def counts_on(vm, first):
    """The guest goes on where it was: no number is missing, but one that was cut in two."""
    vm.console.wait_for(rf"count {first + 8}\b")
    counts = [int(n) for n in re.findall(r"^count (\d+)\r?\n", vm.console.text, re.M)]
    assert counts[-1] - counts[0] == len(counts) - 1 and first < counts[0] <= first + 2, counts
    assert "tiny" not in vm.console.text


@pytest.fixture
def pair(tiny, tmp_path):
    """A guest that counts, and a process that waits for it."""
    def start(uri=f"unix:{tmp_path}/incoming", *args, machine="microvm", **kwargs):
        destination = tiny("c", "-incoming", uri, *args, machine=machine, **kwargs)
        assert destination.qmp().execute("query-status")["status"] == "inmigrate"
        source = tiny("c", *args, machine=machine)
        source.console.wait_for(r"count 10\b")
        qmp = source.qmp()
        qmp.execute("migrate-set-capabilities", EVENTS)
        return source, qmp, destination, uri
    return start


def ended(source, qmp):
    """What became of a source whose guest has moved: it told so, and ended itself."""
    names = [(event["event"], event["data"].get("status")) for event in qmp.at_end()]
    for status in ("setup", "active", "device", "completed"):
        assert ("MIGRATION", status) in names, names
    assert source.wait() == 0


@pytest.mark.parametrize("machine, scheme", [("microvm", "unix"), ("q35", "tcp"), ("microvm", "tcp"), ("q35", "unix")])
def test_guest_moves(pair, tmp_path, machine, scheme):
    uri = f"unix:{tmp_path}/incoming"
    if scheme == "tcp":
        with socket.create_server(("127.0.0.1", 0)) as server:
            uri = f"tcp:127.0.0.1:{server.getsockname()[1]}"
    source, qmp, destination, uri = pair(uri, machine=machine)
    qmp.execute("migrate", {"uri": uri})
    ended(source, qmp)
    counts_on(destination, last_count(source.console.text))
    assert destination.qmp().execute("query-status")["status"] == "running"
    assert destination.qmp().execute("query-migrate")["status"] == "completed"


def test_source_waits_where_it_shall_stay(tiny, pair, tmp_path):
    """With -no-shutdown; a destination that was to wait for cont does. The source cannot run on beside it: it has no disk."""
    (tmp_path / "disk").write_bytes(b"\0" * 4096)
    disk = ["-drive", f"file={tmp_path}/disk,id=d,if=none", "-device", "virtio-blk-device,drive=d,id=disk"]
    source, qmp, destination, uri = pair(f"unix:{tmp_path}/incoming", *disk)
    qmp.execute("set-action", {"shutdown": "pause"})
    other, back = socket.socketpair()
    moved = tiny("c", *disk, "-S", "-incoming", "defer", pass_fds=[back.fileno()])
    moved.qmp().execute("migrate-incoming", {"uri": f"fd:{back.fileno()}"})
    qmp.execute("getfd", {"fdname": "there"}, fds=[other.fileno()])
    other.close()
    back.close()
    qmp.execute("migrate-set-parameters", {"max-bandwidth": 0, "downtime-limit": 1000})
    parameters = qmp.execute("query-migrate-parameters")
    assert (parameters["max-bandwidth"], parameters["downtime-limit"]) == (0, 1000)
    qmp.execute("migrate", {"uri": "fd:there"})
    passes = []
    while (data := qmp.wait_event("MIGRATION", "MIGRATION_PASS")["data"]).get("status") not in FINAL:
        passes += [data["pass"]] if "pass" in data else []
    info = qmp.execute("query-migrate")
    assert info["status"] == "completed" and set(info) == {"status", "total-time", "setup-time", "downtime", "ram"}
    ram = info["ram"]
    assert set(ram) == {"transferred", "remaining", "total", "duplicate", "normal", "normal-bytes", "dirty-pages-rate",
                        "dirty-sync-count", "mbps", "page-size", "pages-per-second"}
    assert ram["dirty-sync-count"] >= 3 and ram["normal"] > 0 and ram["pages-per-second"] > 0
    assert ram["normal"] + ram["duplicate"] >= ram["total"] // ram["page-size"]
    assert ram["normal-bytes"] == ram["normal"] * ram["page-size"] < ram["transferred"] and ram["remaining"] == 0
    assert passes == list(range(1, ram["dirty-sync-count"] + 1))
    assert qmp.execute("query-status")["status"] == "postmigrate"
    after = moved.qmp()
    assert after.execute("query-status")["status"] == "paused"
    after.execute("cont")
    with pytest.raises(QmpError, match="has it open"):
        qmp.execute("cont")
    counts_on(moved, last_count(source.console.text))


def test_there_and_back(tiny, tmp_path):
    """The disk belongs to the process that has the guest."""
    (tmp_path / "disk").write_bytes(b"\0" * 4096)
    disk = ["-drive", f"file={tmp_path}/disk,id=d,if=none", "-device", "virtio-blk-device,drive=d,id=disk"]
    vm = tiny("c", *disk)
    vm.console.wait_for(r"count 5\b")
    for turn in range(6):
        uri = f"unix:{tmp_path}/{turn}"
        there = tiny("c", *disk, "-incoming", uri)
        there.qmp()
        vm.qmp().execute("migrate", {"uri": uri})
        assert vm.wait() == 0
        counts_on(there, last_count(vm.console.text) if "count" in vm.console.text else 0)
        vm = there
    other = tiny("c", *disk)
    assert other.wait() == 1 and "another drive or process has it open" in other.stderr.text


def slowly(qmp):
    """So that a migration goes on until somebody ends it."""
    qmp.execute("migrate-set-parameters", {"max-bandwidth": 4096, "downtime-limit": 0})


def goes_on(source, qmp, status, tiny, tmp_path):
    """The source runs on as if nothing had been, and its guest can move later."""
    while qmp.wait_event("MIGRATION")["data"]["status"] != status:
        pass
    assert qmp.execute("query-migrate")["status"] == status
    assert qmp.execute("query-status")["status"] == "running"
    source.console.wait_for(rf"count {last_count(source.console.text) + 5}\b")
    qmp.execute("migrate-set-parameters", {"max-bandwidth": 0, "downtime-limit": 300})
    later = tiny("c", "-incoming", f"unix:{tmp_path}/later")
    later.qmp()
    qmp.execute("migrate", {"uri": f"unix:{tmp_path}/later"})
    assert source.wait() == 0
    counts_on(later, last_count(source.console.text))


def test_cancel(tiny, pair, tmp_path):
    source, qmp, destination, uri = pair()
    slowly(qmp)
    qmp.execute("migrate", {"uri": uri})
    with pytest.raises(QmpError, match="in progress"):
        qmp.execute("migrate", {"uri": uri})
    with pytest.raises(QmpError, match="being saved"):
        qmp.execute("device_add", {"driver": "virtio-rng-device"})
    # Before, the destination might still be about to answer the greeting.
    while qmp.execute("query-migrate")["ram"]["normal"] == 0:
        pass
    qmp.execute("migrate_cancel")
    assert destination.wait() == 1
    assert "cancelled" in destination.stderr.text
    goes_on(source, qmp, "cancelled", tiny, tmp_path)


def test_destination_dies(tiny, pair, tmp_path):
    source, qmp, destination, uri = pair()
    slowly(qmp)
    qmp.execute("migrate", {"uri": uri})
    destination.kill()
    goes_on(source, qmp, "failed", tiny, tmp_path)


def test_source_dies(pair):
    """What came so far is no guest."""
    source, qmp, destination, uri = pair()
    there = destination.qmp()
    there.execute("migrate-set-capabilities", EVENTS)
    slowly(qmp)
    qmp.execute("migrate", {"uri": uri})
    while there.wait_event("MIGRATION")["data"]["status"] != "active":
        pass
    source.kill()
    assert destination.wait() == 1
    assert "the connection" in destination.stderr.text and destination.console.text == ""


def test_return_path_wants_answers(tiny, tmp_path):
    """A file cannot answer; without the capability it gets the guest."""
    vm = tiny("c", "-no-shutdown")
    vm.console.wait_for(r"count 5\b")
    qmp = vm.qmp()
    qmp.execute("migrate-set-capabilities", EVENTS)
    with open(tmp_path / "saved", "wb") as file:
        qmp.execute("getfd", {"fdname": "file"}, fds=[file.fileno()])
        with pytest.raises(QmpError, match="return-path"):
            qmp.execute("migrate", {"uri": "fd:file"})
        assert qmp.execute("query-migrate") == {} and qmp.execute("query-status")["status"] == "running"
        qmp.execute("migrate-set-capabilities", {"capabilities": [{"capability": "return-path", "state": False}]})
        qmp.execute("getfd", {"fdname": "file"}, fds=[file.fileno()])
        qmp.execute("migrate", {"uri": "fd:file"})
    while qmp.wait_event("MIGRATION")["data"]["status"] != "completed":
        pass
    assert (tmp_path / "saved").stat().st_size > 4096


def test_nobody_is_there(tiny, tmp_path):
    vm = tiny("c")
    qmp = vm.qmp()
    qmp.execute("migrate-set-capabilities", EVENTS)
    with pytest.raises(QmpError, match="No such file"):
        qmp.execute("migrate", {"uri": f"unix:{tmp_path}/nobody"})
    with pytest.raises(QmpError, match="no such file descriptor"):
        qmp.execute("migrate", {"uri": "fd:nobody"})
    with pytest.raises(QmpError, match="tcp:HOST:PORT"):
        qmp.execute("migrate", {"uri": "tcp:1"})
    with socket.create_server(("127.0.0.1", 0)) as server:
        uri = f"tcp:127.0.0.1:{server.getsockname()[1]}"
    qmp.execute("migrate", {"uri": uri})
    vm.console.wait_for(r"count 5\b")
    goes_on(vm, qmp, "failed", tiny, tmp_path)


def test_other_vm_is_refused(tiny, pair, tmp_path):
    source, qmp, destination, uri = pair()
    other = tiny("c", "-smp", "2", "-incoming", f"unix:{tmp_path}/other")
    other.qmp()
    qmp.execute("migrate", {"uri": f"unix:{tmp_path}/other"})
    assert other.wait() == 1
    assert "'cpus' is '1' there and '2' here" in other.stderr.text
    while qmp.wait_event("MIGRATION")["data"]["status"] != "failed":
        pass
    assert "'cpus' is '1' there and '2' here" in qmp.execute("query-migrate")["error-desc"]
    source.console.wait_for(rf"count {last_count(source.console.text) + 5}\b")


class Proxy(threading.Thread):
    """Between source and destination; does harm after some bytes."""

    def __init__(self, path, target, limit, harm):
        super().__init__(daemon=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.target, self.limit, self.harm = str(target), limit, harm
        self.start()

    def run(self):
        source, _ = self.listener.accept()
        destination = socket.socket(socket.AF_UNIX)
        destination.connect(self.target)
        threading.Thread(target=self.copy, args=(destination, source, None), daemon=True).start()
        self.copy(source, destination, self.limit)

    def copy(self, one, other, limit):
        try:
            while data := one.recv(4096):
                if limit is not None and (limit := limit - len(data)) <= 0:
                    if self.harm == "cut":
                        break
                    data = bytes([data[0] ^ 4]) + data[1:]
                    limit = None
                other.sendall(data)
        except OSError:
            pass
        for end in (one, other):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


@pytest.mark.parametrize("harm", ["cut", "alter"])
@pytest.mark.parametrize("limit", [10, 5000, 40000])
def test_bad_connection(tiny, pair, tmp_path, harm, limit):
    """Both see it; the guest runs on where it was."""
    source, qmp, destination, uri = pair()
    Proxy(tmp_path / "proxy", tmp_path / "incoming", limit, harm)
    qmp.execute("migrate", {"uri": f"unix:{tmp_path}/proxy"})
    if (limit, harm) == (10, "cut"):
        # Nothing came: somebody looked who is there.
        while qmp.wait_event("MIGRATION")["data"]["status"] != "failed":
            pass
        assert destination.qmp().execute("query-status")["status"] == "inmigrate"
        qmp.execute("migrate", {"uri": uri})
        ended(source, qmp)
        counts_on(destination, last_count(source.console.text))
        return
    assert destination.wait() == 1
    assert destination.console.text == ""
    goes_on(source, qmp, "failed", tiny, tmp_path)


def test_auto_converge(tiny, tmp_path):
    """A guest that writes faster than the connection takes moves once its processors are slowed down, and not before."""
    source = tiny("w")
    source.console.wait_for(r"count 3\b")
    qmp = source.qmp()
    qmp.execute("migrate-set-capabilities", EVENTS)
    for bad in ({"cpu-throttle-initial": 100}, {"max-cpu-throttle": 0}, {"throttle-trigger-threshold": 101}):
        with pytest.raises(QmpError, match=next(iter(bad))):
            qmp.execute("migrate-set-parameters", {"max-bandwidth": 1, **bad})
    parameters = {"max-bandwidth": 16 << 20, "downtime-limit": 0, "throttle-trigger-threshold": 25, "cpu-throttle-initial": 90,
                  "cpu-throttle-increment": 5, "max-cpu-throttle": 99}
    qmp.execute("migrate-set-parameters", parameters)
    assert qmp.execute("query-migrate-parameters") == parameters
    seen = set()
    for turn in range(2):
        uri = f"unix:{tmp_path}/{turn}"
        destination = tiny("w", "-incoming", uri)
        destination.qmp()
        qmp.execute("migrate", {"uri": uri})
        while (data := qmp.wait_event("MIGRATION", "MIGRATION_PASS")["data"]).get("status") not in (*FINAL, "device"):
            if "pass" in data:
                seen.add(qmp.execute("query-migrate").get("cpu-throttle-percentage"))
            if turn == 0 and data.get("pass") == 8:
                assert seen == {None}
                qmp.execute("migrate_cancel")
        if turn == 0:
            assert data["status"] == "cancelled"
            qmp.execute("migrate-set-capabilities", {"capabilities": [{"capability": "auto-converge", "state": True}]})
    assert data["status"] == "device"
    assert {None, 90} <= seen <= {None, 90, 95, 99}, seen
    assert source.wait() == 0
    counts_on(destination, last_count(source.console.text))


def test_nested_guest_stays(tiny, tmp_path):
    """What KVM has of a guest's own guests is not saved; one that has none of them moves."""
    library = tmp_path / "nested-state.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, Path(__file__).parent / "nested-state.c"], check=True)
    busy = tmp_path / "busy"
    busy.touch()
    source = tiny("c", env={"LD_PRELOAD": library, "NESTED_STATE": str(busy)})
    source.console.wait_for(r"count 3\b")
    qmp = source.qmp()
    qmp.execute("migrate-set-capabilities", EVENTS)
    there = tiny("c", "-incoming", f"unix:{tmp_path}/there")
    there.qmp()
    qmp.execute("migrate", {"uri": f"unix:{tmp_path}/there"})
    while qmp.wait_event("MIGRATION")["data"]["status"] != "failed":
        pass
    assert "runs virtual machines itself" in qmp.execute("query-migrate")["error-desc"]
    source.console.wait_for(rf"count {last_count(source.console.text) + 5}\b")
    busy.unlink()
    there = tiny("c", "-incoming", f"unix:{tmp_path}/later")
    there.qmp()
    qmp.execute("migrate", {"uri": f"unix:{tmp_path}/later"})
    assert source.wait() == 0
    counts_on(there, last_count(source.console.text))
