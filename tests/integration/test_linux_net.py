# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtio-net as Debian's kernel sees it: on a tap interface and on user mode networking."""

import hashlib
import os
import re
import socket
import subprocess
import threading

import pytest

from vm import run_word

pytestmark = pytest.mark.linux
MIB = 1 << 20
SIZE = 100 * MIB
UP_SIZE = 4 * MIB  # made by the emulated guest's processor
HOST, GUEST = "10.9.0.1", "10.9.0.2"
LINE = b"0123456789abcde\n"


class Server(threading.Thread):
    """Serves one TCP connection: sends @data, or takes UP_SIZE bytes and ends it."""

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
            while self.size < UP_SIZE and (part := peer.recv(MIB)):
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
    """Ping, then 100 MiB to the guest and less back, with checksums, through interface svt0 that the VMM makes."""
    data = os.urandom(MIB) * (SIZE // MIB)
    kwargs.setdefault("words", "panic=-1")
    vm = linux(*args, **kwargs, script=SET_UP + before + f"""
        echo UP; read ports; set -- $ports
        ping -c 3 -i 0.2 {HOST} | tail -n 2
        echo "down $(nc {HOST} $1 | md5sum)"
        yes 0123456789abcde | head -c {UP_SIZE} | nc {HOST} $2
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
    assert upload.size == UP_SIZE
    assert upload.digest.hexdigest() == hashlib.md5(LINE * (UP_SIZE // len(LINE))).hexdigest()
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


# --- user mode networking ---

NAME, ADDRESS = "stratovirt.test", "192.0.2.77"
DNS_SERVER = "127.0.0.77"
DHCP = r"""
cat > /tmp/lease <<'END'
#!/bin/sh
[ "$1" = bound ] || exit 0
ip address add $ip/$mask dev $interface
ip route add default via $router
echo "lease $ip $router $dns"
END
chmod 755 /tmp/lease
ip link set lo up
ip link set eth0 up
udhcpc -i eth0 -n -q -f -s /tmp/lease
"""


class DnsServer(threading.Thread):
    """Answers every question for an address with ADDRESS."""

    def __init__(self):
        super().__init__(daemon=True)
        self.names = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((DNS_SERVER, 53))
        self.start()

    def run(self):
        while True:
            query, peer = self.socket.recvfrom(4096)
            end = query.index(b"\0", 12) + 5
            self.names.append(query[13:end - 5])
            is_a = query[end - 4:end - 2] == b"\0\1"
            reply = query[:2] + b"\x81\x80\0\1" + (b"\0\1" if is_a else b"\0\0") + b"\0\0\0\0" + query[12:end]
            if is_a:
                reply += b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + socket.inet_aton(ADDRESS)
            self.socket.sendto(reply, peer)


@pytest.fixture(scope="module")
def dns():
    return DnsServer()


@pytest.fixture
def unprivileged(launch, images, disk_dir):
    """Starts a VM as a user without rights, whose name server is ours."""
    disk_dir.chmod(0o755)
    for name in ("vmlinux", "initrd"):
        (disk_dir / name).write_bytes(getattr(images, name).read_bytes())
    resolv = disk_dir / "resolv.conf"
    resolv.write_text(f"nameserver {DNS_SERVER}\n")
    become = ["unshare", "-m", "sh", "-c", 'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"', "sh",
              str(resolv), "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all",
              "--bounding-set=-all", "--no-new-privs"]

    def start(*args, script):
        append = f"console=ttyS0 quiet panic=-1 {run_word(script)}"
        return launch("-kernel", disk_dir / "vmlinux", "-initrd", disk_dir / "initrd", "-append", append, *args,
                      memory="256", qmp=False, prefix=become)
    return start


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def test_user_mode_network(unprivileged, dns):
    """DHCP, name look-up, 100 MiB to the guest, less back and a connection from the host, all without root."""
    data = os.urandom(MIB) * (SIZE // MIB)
    down, upload = Server("127.0.0.1", data), Server("127.0.0.1")
    port = free_port()
    vm = unprivileged("-netdev", f"user,id=net0,hostfwd=tcp:127.0.0.1:{port}-:8080",
                      "-device", "virtio-net-device,netdev=net0", script=DHCP + f"""
        ping -c 1 10.0.2.2 | tail -n 2
        nslookup {NAME} 10.0.2.3
        (echo "hello from the guest" | nc -l -p 8080; echo "LISTENED") &
        usleep 300000; echo LISTENING
        wait
        echo "down $(nc 10.0.2.2 {down.port} | md5sum)"
        yes 0123456789abcde | head -c {UP_SIZE} | nc 10.0.2.2 {upload.port}
        echo SENT
        poweroff -f
        """)
    vm.console.wait_for("^lease 10.0.2.15 10.0.2.2 10.0.2.3", timeout=30)
    with open(f"/proc/{vm.pid}/status", encoding="ascii") as status:
        text = status.read()
    assert "Uid:\t65534\t65534" in text
    assert re.search(r"^CapEff:\t0+$", text, re.M)
    vm.console.wait_for(f"^Address: +{ADDRESS}", timeout=30)
    assert b"\x0astratovirt\x04test" in b"\n".join(b"\x0a" + name for name in dns.names)
    vm.console.wait_for("^LISTENING", timeout=30)
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        assert client.makefile("rb").readline() == b"hello from the guest\n"
    vm.console.wait_for("^LISTENED", timeout=30)
    vm.console.wait_for("^down " + hashlib.md5(data).hexdigest(), timeout=60)
    vm.console.wait_for("^SENT", timeout=60)
    upload.join(30)
    assert upload.size == UP_SIZE
    assert upload.digest.hexdigest() == hashlib.md5(LINE * (UP_SIZE // len(LINE))).hexdigest()
    assert vm.wait(30) == 0


def test_restricted_user_mode_network(unprivileged):
    """restrict=on: the guest does not reach the host's services."""
    server = Server("127.0.0.1", b"secret\n")
    vm = unprivileged("-netdev", "user,id=net0,restrict=on", "-device", "virtio-net-device,netdev=net0",
                      script=DHCP + f"""
        echo "got $(nc -w 3 10.0.2.2 {server.port})."
        poweroff -f
        """)
    vm.console.wait_for("^got \\.", timeout=30)
    assert vm.wait(30) == 0


def test_link_down_and_up(linux):
    """set_link: the guest sees the cable go and come."""
    vm = linux("-netdev", "user,id=net0", "-device", "virtio-net-device,netdev=net0,id=card", words="panic=-1",
               script="""
        ip link set eth0 up
        for wanted in 1 0 1; do
          until [ "$(cat /sys/class/net/eth0/carrier)" = $wanted ]; do usleep 50000; done
          echo "carrier $wanted"
        done
        poweroff -f
        """)
    qmp = vm.qmp()
    vm.console.wait_for("^carrier 1", timeout=30)
    qmp.execute("set_link", {"name": "net0", "up": False})
    vm.console.wait_for("^carrier 0", timeout=30)
    qmp.execute("set_link", {"name": "card", "up": True})
    vm.console.wait_for("^carrier 1", timeout=30)
    assert vm.wait(30) == 0
