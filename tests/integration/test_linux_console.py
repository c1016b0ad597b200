# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtio-serial with a stock Linux guest: a login on hvc0, ports, reconnection."""

import os
import re
import socket

import pytest

from vm import Stream, run_word

pytestmark = pytest.mark.linux
MODULES = "sv.modules=virtio_ring,virtio,virtio_mmio,virtio_console"
LOGIN = ("echo root::0:0:root:/root:/bin/sh > /etc/passwd\n"
         "until [ -c /dev/hvc0 ]; do usleep 10000; done\n"
         "getty -L 0 hvc0 vt100 &\n"
         "echo SERVING; while :; do read line; done\n")


class Peer:
    """Who talks through a socket or terminal."""

    def __init__(self, fd, name):
        self.fd = fd
        self.stream = Stream(os.dup(fd), name)

    def send(self, text):
        os.write(self.fd, text.encode())

    def wait_for(self, pattern, timeout=20):
        return self.stream.wait_for(pattern, timeout)


def start(launch, images, script, *args):
    return launch("-kernel", images.bzimage, "-initrd", images.initrd, "-append",
                  f"console=ttyS0 quiet panic=-1 {MODULES} {run_word(script)}", *args)


def log_in(peer):
    peer.wait_for("login: ")
    peer.send("root\n")
    peer.wait_for("# ")
    peer.send("echo answer $((6 * 7))\n")
    peer.wait_for("answer 42")


def connect(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(str(path))
    return sock


def test_login_and_reconnect(launch, images, tmp_path):
    path = tmp_path / "console"
    vm = start(launch, images, LOGIN, "-chardev", f"socket,id=c0,path={path},server=on,wait=off",
               "-device", "virtio-serial-device", "-device", "virtconsole,chardev=c0,id=console0")
    vm.console.wait_for("^SERVING", timeout=30)
    sock = connect(path)
    peer = Peer(sock.fileno(), "hvc0")
    log_in(peer)

    # The shell goes on alone; who comes later finds all of it.
    peer.send("stty -echo; read go; i=0; while [ $i -lt 3000 ]; do i=$((i + 1)); echo line $i; done; "
              "echo done > /dev/ttyS0\n")
    peer.send("\n")
    peer.wait_for("line 5\r\n")
    sock.shutdown(socket.SHUT_RDWR)
    before = peer.stream.wait_end()
    vm.console.wait_for("^done", timeout=60)
    second = Peer(connect(path).detach(), "hvc0 again")
    second.wait_for("line 3000\r\n", timeout=30)
    seen = [int(n) for n in re.findall(r"^line (\d+)$", before + second.stream.text, re.M)]
    assert seen[-1] == 3000
    # What was under way to the peer that left is its own; nothing else is missing.
    late = [int(n) for n in re.findall(r"^line (\d+)$", second.stream.text, re.M)]
    assert late == list(range(late[0], 3001)) and late[0] < 3000


def test_login_on_pty(launch, images):
    vm = start(launch, images, LOGIN, "-chardev", "pty,id=c0", "-device", "virtio-serial-device",
               "-device", "virtconsole,chardev=c0")
    name = [chardev["filename"] for chardev in vm.qmp().execute("query-chardev")
            if chardev["label"] == "c0"][0].removeprefix("pty:")
    vm.console.wait_for("^SERVING", timeout=30)
    peer = Peer(os.open(name, os.O_RDWR | os.O_NOCTTY), "hvc0")
    log_in(peer)


def test_port(launch, images, tmp_path):
    """A named port beside a console that writes to a file."""
    path, log = tmp_path / "port", tmp_path / "log"
    script = ("until [ -c /dev/vport0p1 ]; do usleep 10000; done\n"
              "cat /sys/class/virtio-ports/vport0p1/name\n"
              "echo to the file > /dev/hvc0\n"
              "exec 3<>/dev/vport0p1; echo SERVING; head -c 300000 <&3 | md5sum >&3; exec 3<&-\n")
    vm = start(launch, images, script, "-chardev", f"file,id=c0,path={log}",
               "-chardev", f"socket,id=c1,path={path},server=on,wait=off",
               "-device", "virtio-serial-device,id=s0", "-device", "virtconsole,chardev=c0",
               "-device", "virtserialport,bus=s0.0,nr=1,chardev=c1,name=org.example.0,id=p1")
    qmp = vm.qmp()
    sock = connect(path)
    vm.console.wait_for("^org.example.0", timeout=30)
    vm.console.wait_for("^SERVING")
    assert qmp.wait_event("VSERPORT_CHANGE")["data"] == {"id": "p1", "open": True}
    peer = Peer(sock.fileno(), "port")
    sock.sendall(b"x" * 300000)
    peer.wait_for("d408ed46ebcc326f9e7c6bb9c77af1cd")
    assert qmp.wait_event("VSERPORT_CHANGE")["data"] == {"id": "p1", "open": False}
    assert log.read_text().replace("\r", "") == "to the file\n"
