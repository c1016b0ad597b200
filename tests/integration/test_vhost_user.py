# SPDX-License-Identifier: LGPL-2.1-or-later
"""vhost-user-fs-device with peers that do not do what virtiofsd does."""

import socket
import struct
import subprocess
import threading

import pytest

from qmpclient import QmpError

GET_FEATURES, SET_OWNER, GET_PROTOCOL_FEATURES, SET_PROTOCOL_FEATURES = 1, 3, 15, 16
VERSION_1, EVENT_IDX, INDIRECT, PROTOCOL = 1 << 32, 1 << 29, 1 << 28, 1 << 30
REPLY_ACK = 1 << 3
FS = "vhost-user-fs-device,chardev=fs,tag=shared,id=fs0"


class Peer(threading.Thread):
    """Serves one connection; what it answers to a request is in @answers, as bytes or a function."""

    def __init__(self, path, answers):
        super().__init__(daemon=True)
        self.answers = {
            GET_FEATURES: struct.pack("<Q", VERSION_1 | EVENT_IDX | INDIRECT | PROTOCOL),
            GET_PROTOCOL_FEATURES: struct.pack("<Q", REPLY_ACK | 1 << 40), **answers}
        self.requests = []
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
                self.receive(peer, size)
                self.requests.append(request)
                answer = self.answers.get(request, struct.pack("<Q", 0) if flags & 8 else None)
                if answer == "close":
                    return
                if answer is not None:
                    peer.sendall(struct.pack("<III", request, 5, len(answer)) + answer)
        self.requests.append("end")


@pytest.fixture
def start(tiny, tmp_path):
    def run(answers=None, machine="microvm,mem-share=on", device=FS, chardev="server,nowait"):
        peer = Peer(tmp_path / "fs", answers or {})
        vm = tiny("c", "-chardev", f"socket,id=fs,path={tmp_path}/fs,{chardev}".rstrip(","),
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
    with pytest.raises(QmpError, match="busy"):
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
