# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtio-net as Debian's kernel sees it: on a tap interface and on user mode networking."""

import hashlib
import os
import re
import socket
import subprocess
import threading

import pytest

pytestmark = pytest.mark.linux
MIB = 1 << 20
SIZE = 100 * MIB
HOST, GUEST = "10.9.0.1", "10.9.0.2"
LINE = b"0123456789abcde\n"


class Server(threading.Thread):
    """Serves one TCP connection: sends @data, or takes SIZE bytes and ends it."""

    def __init__(self, address, data=None):
        super().__init__(daemon=True)
        self.data = data
        self.digest = hashlib.md5()
        self.size = 0
        self.socket = socket.create_server((address, 0))
        self.port = self.socket.getsockname()[1]
        self.start()

    def run(self):
        peer, _ = self.socket.accept()
        with peer:
            if self.data is not None:
                peer.sendall(self.data)
                return
            while self.size < SIZE and (part := peer.recv(MIB)):
                self.digest.update(part)
                self.size += len(part)


@pytest.fixture(scope="module", autouse=True)
def modules():
    for name in ("tun", "vhost_net"):
        subprocess.run(["modprobe", name], check=os.geteuid() == 0)


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def up(name, address=HOST):
    ip("address", "add", f"{address}/24", "dev", name)
    ip("link", "set", name, "up")


SET_UP = f"""
ip link set lo up
ip address add {GUEST}/24 dev eth0
ip link set eth0 up
echo "features $(cat /sys/class/net/eth0/device/features)"
echo "mac $(cat /sys/class/net/eth0/address)"
"""


def transfer(linux, *args, before="", **kwargs):
    """Ping, then 100 MiB each way with a checksum, through interface svt0 that the VMM makes."""
    data = os.urandom(MIB) * (SIZE // MIB)
    kwargs.setdefault("words", "panic=-1")
    vm = linux(*args, **kwargs, script=SET_UP + before + f"""
        echo UP; read ports; set -- $ports
        ping -c 3 -i 0.2 {HOST} | tail -n 2
        echo "down $(nc {HOST} $1 | md5sum)"
        yes 0123456789abcde | head -c {SIZE} | nc {HOST} $2
        echo SENT
        poweroff -f
        """)
    vm.console.wait_for("^UP", timeout=30)
    up("svt0")
    down, upload = Server(HOST, data), Server(HOST)
    vm.send(f"{down.port} {upload.port}\n")
    vm.console.wait_for(" 0% packet loss", timeout=30)
    vm.console.wait_for("^down " + hashlib.md5(data).hexdigest(), timeout=60)
    vm.console.wait_for("^SENT", timeout=60)
    upload.join(30)
    assert upload.size == SIZE
    assert upload.digest.hexdigest() == hashlib.md5(LINE * (SIZE // len(LINE))).hexdigest()
    assert vm.wait(30) == 0
    assert not os.path.exists("/sys/class/net/svt0")
    return vm.console.text


@pytest.mark.parametrize("netdev, device, args", [
    ("", "", []),
    ("", ",iothread=io0", ["-object", "iothread,id=io0"]),
    (",vnet_hdr=off", ",mrg_rxbuf=off", []),
    (",queues=2", ",mq=on,iothread=io0", ["-smp", "2", "-object", "iothread,id=io0"]),
    (",vhost=on", "", []),
], ids=["default", "iothread", "plain", "multi-queue", "vhost"])
def test_100_mib_over_tap(linux, netdev, device, args):
    text = transfer(linux, *args, "-netdev", f"tap,id=net0,ifname=svt0,script=no{netdev}",
                    "-device", f"virtio-net-device,netdev=net0,mac=52:54:00:01:02:03{device}",
                    before="ls -d /sys/class/net/eth0/queues/rx-*\n")
    assert "mac 52:54:00:01:02:03" in text
    features = re.search(r"^features ([01]+)", text, re.M)[1]
    assert features[0] == ("0" if "vnet_hdr=off" in netdev else "1")
    assert ("queues/rx-1" in text) == ("mq=on" in device)
