# SPDX-License-Identifier: LGPL-2.1-or-later
"""vhost-user-fs-device with peers that do not do what virtiofsd does."""

import socket
import struct
import subprocess
import threading

import pytest

import testaccel
from qmpclient import QmpError
from virtiopci import VirtioPci

GET_FEATURES, SET_FEATURES, SET_OWNER, GET_PROTOCOL_FEATURES, SET_PROTOCOL_FEATURES = 1, 2, 3, 15, 16
SET_MEM_TABLE, GET_VRING_BASE, SET_VRING_ENABLE = 5, 11, 18
VERSION_1, EVENT_IDX, INDIRECT, PROTOCOL = 1 << 32, 1 << 29, 1 << 28, 1 << 30
REPLY_ACK = 1 << 3
FS = "vhost-user-fs-device,chardev=fs,tag=shared,id=fs0"


class Peer(threading.Thread):
    """Serves one connection; what it answers to a request is in @answers, as bytes or a function of the payload.

    It thinks about requests in @slow until @awake is set.
    """

    def __init__(self, path, answers):
        super().__init__(daemon=True)
        self.answers = {
            GET_FEATURES: struct.pack("<Q", VERSION_1 | EVENT_IDX | INDIRECT | PROTOCOL),
            GET_PROTOCOL_FEATURES: struct.pack("<Q", REPLY_ACK | 1 << 40), **answers}
        self.requests = []
        self.slow = set()
        self.awake = threading.Event()
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        self.socket.listen()
        self.start()

    @staticmethod
    def receive(peer, size):
        try:
            return peer.recv(size, socket.MSG_WAITALL)
        except ConnectionResetError:
            return b""

    def run(self):
        peer, _ = self.socket.accept()
        with peer:
            while len(header := self.receive(peer, 12)) == 12:
                request, flags, size = struct.unpack("<III", header)
                payload = self.receive(peer, size)
                self.requests.append(request)
                if request in self.slow:
                    self.awake.wait()
                answer = self.answers.get(request, struct.pack("<Q", 0) if flags & 8 else None)
                if callable(answer):
                    answer = answer(payload)
                if answer == "close":
                    return
                if answer is not None:
                    peer.sendall(struct.pack("<III", request, 5, len(answer)) + answer)
        self.requests.append("end")


@pytest.fixture
def start(tiny, tmp_path):
    def run(answers=None, machine="microvm,mem-share=on", device=FS, chardev="server,nowait", do="c", slow=()):
        peer = Peer(tmp_path / "fs", answers or {})
        peer.slow.update(slow)
        vm = tiny(do, "-chardev", f"socket,id=fs,path={tmp_path}/fs,{chardev}".rstrip(","),
                  "-device", device, machine=machine)
        return vm, peer
    return run


@pytest.mark.parametrize("chardev", ["server,nowait", "server=on,wait=off", "server=off", ""])
def test_agreement(start, chardev):
    """As a client it calls; so it does where it is said to be a server, as StratoVirt's command lines have it."""
    vm, peer = start(chardev=chardev)
    qmp = vm.qmp()
    assert peer.requests == [GET_FEATURES, GET_PROTOCOL_FEATURES, SET_PROTOCOL_FEATURES, SET_OWNER]
    assert qmp.execute("qom-get", {"path": "fs0", "property": "tag"}) == "shared"
    with pytest.raises(QmpError, match="is in use by '/machine/peripheral/fs0'"):
        qmp.execute("chardev-remove", {"id": "fs"})
    qmp.execute("quit")
    assert vm.wait() == 0
    peer.join(10)
    assert peer.requests[-1] == "end"


@pytest.mark.parametrize("answers, message", [
    ({GET_FEATURES: "close"}, "vhost-user: cannot get a reply: Connection reset by peer"),
    ({GET_FEATURES: b"1234"}, "vhost-user: the reply to request 1 is not as the protocol says"),
    ({GET_FEATURES: struct.pack("<Q", VERSION_1)}, "lack 0x30000000"),
    ({SET_OWNER: struct.pack("<Q", 1)}, "vhost-user: the peer refuses request 3"),
    ({GET_PROTOCOL_FEATURES: "close"}, "cannot get a reply"),
])
def test_peers_that_break_the_rules(start, answers, message):
    vm, _ = start(answers)
    assert vm.wait() == 1
    assert message in vm.stderr.text


@pytest.mark.parametrize("machine, device, message", [
    ("microvm", FS, "vhost-user needs guest memory that can be shared: -machine mem-share=on"),
    ("microvm,mem-share=on", "vhost-user-fs-device,chardev=fs", "'tag' expects 1 to 36 bytes"),
    ("microvm,mem-share=on", "vhost-user-fs-device,chardev=fs,tag=" + "t" * 37, "'tag' expects 1 to 36 bytes"),
    ("microvm,mem-share=on", "vhost-user-fs-device,tag=t", "'chardev' is missing"),
    ("microvm,mem-share=on", FS + ",queue-size=100", "'queue-size' must be a power of two"),
    ("microvm,mem-share=on", FS + ",num-request-queues=0", "expects an integer from 1 to 64"),
])
def test_what_is_refused(start, machine, device, message):
    vm, _ = start(machine=machine, device=device, chardev="")
    assert vm.wait() == 1
    assert message in vm.stderr.text


def test_nobody_serves(tiny, tmp_path):
    vm = tiny("c", "-chardev", f"socket,id=fs,path={tmp_path}/fs,server,nowait", "-device", FS,
              machine="microvm,mem-share=on")
    assert vm.wait() == 1
    assert "nobody serves the file system on its 'chardev' yet" in vm.stderr.text
    assert not (tmp_path / "fs").exists()


def test_peer_goes_away(start):
    """No driver is up: nothing happens, and nothing is left to wait for at the end."""
    vm, peer = start({SET_OWNER: struct.pack("<Q", 0)})
    qmp = vm.qmp()
    peer.socket.close()
    qmp.execute("system_reset")
    qmp.execute("quit")
    assert vm.wait() == 0


STOPS = {GET_VRING_BASE: lambda payload: payload}


def test_driver_does_not_wait_for_the_peer(start):
    """The guest's driver is up when the peer has not even begun; its reset holds only the processor that asks for it."""
    vm, peer = start(STOPS, do="F", slow={SET_FEATURES})
    vm.console.wait_for("driver up")
    qmp = vm.qmp()
    assert qmp.execute("query-status")["status"] == "running"
    assert "device reset" not in vm.console.text and GET_VRING_BASE not in peer.requests
    peer.awake.set()
    vm.console.wait_for("device reset")
    assert peer.requests.count(SET_VRING_ENABLE) == peer.requests.count(GET_VRING_BASE) == 2
    assert "needs a reset" not in vm.stderr.text


def test_monitor_does_not_wait_for_the_peer(start):
    """stop, system_reset and quit are done when the peer has let go of the queues; all else goes on meanwhile."""
    vm, peer = start(STOPS, do="f")
    vm.console.wait_for("init ")
    first, other = vm.qmp(), vm.qmp()
    peer.slow.add(GET_VRING_BASE)
    first.send("stop", ident=1)
    assert other.execute("query-status")["status"] == "running"
    assert other.execute("qom-get", {"path": "fs0", "property": "tag"}) == "shared"
    assert not other.events
    peer.awake.set()
    assert other.wait_event("STOP")
    assert first.reply()["id"] == 1
    assert [event["event"] for event in first.events] == ["STOP"]
    other.execute("cont")
    assert other.wait_event("RESUME")

    peer.awake.clear()
    other.execute("system_reset")
    assert other.execute("query-status")["status"] == "running"
    assert not other.events
    peer.awake.set()
    assert other.wait_event("RESET")
    vm.console.wait_for("init ")

    # Who wants it to run on does not wait for another one's stop.
    peer.awake.clear()
    first.send("stop", ident=2)
    assert other.execute("query-status")["status"] == "running"
    peer.awake.set()
    other.execute("cont")
    assert first.reply()["id"] == 2
    assert other.execute("query-status")["status"] == "running"
    peer.awake.clear()
    other.execute("quit")
    peer.awake.set()
    assert vm.wait() == 0
    assert "needs a reset" not in vm.stderr.text


def test_many_queues(launch, tmp_path):
    """Their messages are more than a socket takes at once."""
    peer = Peer(tmp_path / "fs", STOPS)
    vm = testaccel.start(launch, tmp_path / "test", testaccel.QTest, "-chardev", f"socket,id=fs,path={tmp_path}/fs",
                         "-device", "vhost-user-fs-pci,chardev=fs,tag=shared,num-request-queues=64,addr=3",
                         machine="q35,mem-share=on")
    device = VirtioPci(testaccel.Function(vm.test, 3))
    device.negotiate()
    for n in range(65):
        device.set_queue(n, 0x1000000 + n * 0x10000)
    device.go()
    testaccel.until(lambda: peer.requests.count(SET_VRING_ENABLE) == 65, "all queues are enabled")
    device.reset()
    assert peer.requests.count(GET_VRING_BASE) == 65
    assert "needs a reset" not in vm.stderr.text


@pytest.mark.parametrize("answers, message", [
    ({SET_MEM_TABLE: struct.pack("<Q", 1)}, "the peer refuses request 5"),
    ({SET_MEM_TABLE: b"1234"}, "reply is not as the protocol says"),
    ({SET_VRING_ENABLE: "close"}, "the vhost-user peer is gone"),
    ({SET_VRING_ENABLE: struct.pack("<Q", 0) + struct.pack("<III", 18, 5, 8)}, "reply is not as the protocol says"),
    ({GET_VRING_BASE: b""}, "reply is not as the protocol says"),
    ({GET_VRING_BASE: "close"}, "the vhost-user peer is gone"),
])
def test_peers_that_break_the_rules_later(start, answers, message):
    """The device fails, the guest and the monitor do not."""
    vm, _ = start({**STOPS, **answers}, do="F")
    vm.console.wait_for("device reset")
    vm.stderr.wait_for(message)
    qmp = vm.qmp()
    qmp.execute("stop")
    qmp.execute("cont")
    qmp.execute("system_reset")
    vm.console.wait_for("tiny pvh")
    qmp.execute("quit")
    assert vm.wait() == 0


@pytest.fixture
def served(tmp_path):
    """A folder of the host, the socket on which virtiofsd serves it, and that process."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "hello").write_text("hello from the host\n")
    server = subprocess.Popen(["/usr/lib/qemu/virtiofsd", f"--socket-path={tmp_path}/fs", "-o",
                               f"source={folder}", "-o", "sandbox=chroot"], stderr=subprocess.PIPE, text=True)
    line = ""
    while "Waiting for vhost-user socket connection" not in line:
        line = server.stderr.readline()
        assert line, "virtiofsd ended"
    yield folder, tmp_path / "fs", server
    server.kill()
    server.wait()
    server.stderr.close()


def test_virtiofsd(tiny, served):
    """Requests of a guest to a real server, over stops and resets; then the server dies."""
    folder, path, server = served
    vm = tiny("f", "-chardev", f"socket,id=fs,path={path},server,nowait", "-device", FS,
              machine="type=microvm,dump-guest-core=off,mem-share=on")
    vm.console.wait_for(r"init 0\s+lookup 0 size 20\s+mkdir 0\s")
    assert (folder / "folder").is_dir()
    qmp = vm.qmp()
    vm.console.wait_for(r"again 0\s")
    for _ in range(3):
        qmp.execute("stop")
        vm.console.skip()
        qmp.execute("cont")
        vm.console.wait_for(r"again 0\s")
    qmp.execute("system_reset")
    # File exists
    vm.console.wait_for(r"init 0\s+lookup 0 size 20\s+mkdir 17\s")
    vm.console.wait_for(r"again 0\s")
    server.kill()
    vm.stderr.wait_for("the vhost-user peer is gone")
    qmp.execute("stop")
    qmp.execute("cont")
    assert qmp.execute("query-status")["status"] == "running"
    qmp.execute("system_reset")
    vm.console.wait_for("tiny pvh")
    qmp.execute("quit")
    assert vm.wait() == 0
