# SPDX-License-Identifier: LGPL-2.1-or-later
"""vhost-vsock with a stock Linux guest: bytes both ways."""

import hashlib
import os
import random
import socket
import subprocess
import threading

import pytest

import vm as vm_module
from vm import run_word

pytestmark = pytest.mark.linux
MODULES = ("sv.modules=virtio_ring,virtio,virtio_mmio,vsock,vmw_vsock_virtio_transport_common,"
           "vmw_vsock_virtio_transport")
CID = 1234
PORT = 5000


@pytest.fixture(scope="module", autouse=True)
def vhost_vsock():
    subprocess.run(["modprobe", "vhost_vsock"], check=True)
    assert os.path.exists("/dev/vhost-vsock")


@pytest.fixture
def boot(launch, images, tmp_path):
    """Starts a guest that can run vsockctl."""
    program = (vm_module.BUILD / "tests" / "guests" / "vsockctl").read_bytes()
    initrd = vm_module.initrd_with(images, tmp_path / "initrd", files={"bin/vsockctl": program})

    def start(script, *args, **kwargs):
        return launch("-kernel", images.bzimage, "-initrd", initrd, "-append",
                      f"console=ttyS0 quiet panic=-1 {MODULES} "
                      + run_word("chmod 755 /bin/vsockctl\n" + script), *args, **kwargs)
    return start


def exchange(sock, size):
    """Sends @size random bytes and reads them back."""
    sock.settimeout(20 * vm_module.SCALE)
    data = random.Random(size).randbytes(size)
    sender = threading.Thread(target=sock.sendall, args=(data,))
    sender.start()
    seen = hashlib.sha256()
    left = size
    while left:
        part = sock.recv(65536)
        assert part, f"the guest closed, {left} bytes before the end"
        seen.update(part)
        left -= len(part)
    sender.join()
    assert seen.digest() == hashlib.sha256(data).digest()
    sock.shutdown(socket.SHUT_WR)
    assert sock.recv(1) == b""


def connect():
    sock = socket.socket(socket.AF_VSOCK)
    sock.connect((CID, PORT))
    return sock


def test_host_connects(boot):
    """Before and after a pause, and again after the guest's reboot."""
    vm = boot(f"vsockctl listen {PORT}; vsockctl listen {PORT}; reboot -f",
              "-device", f"vhost-vsock-device,guest-cid={CID},id=vsock0")
    vm.console.wait_for("^vsock listening", timeout=30)
    exchange(connect(), 1 << 20)
    vm.console.wait_for("^vsock listening")
    qmp = vm.qmp()
    sock = connect()
    qmp.execute("stop")
    sock.send(b"while paused")
    qmp.execute("cont")
    sock.settimeout(20 * vm_module.SCALE)
    assert sock.recv(100) == b"while paused"
    exchange(sock, 1000)
    vm.console.wait_for("^vsock listening", timeout=30)
    exchange(connect(), 1000)


def test_guest_connects(boot):
    server = socket.socket(socket.AF_VSOCK)
    server.bind((socket.VMADDR_CID_ANY, PORT))
    server.listen()
    server.settimeout(30 * vm_module.SCALE)
    fd = os.open("/dev/vhost-vsock", os.O_RDWR)
    vm = boot(f"vsockctl connect 2 {PORT}",
              "-device", f"vhost-vsock-device,guest-cid={CID},vhostfd={fd}", pass_fds=[fd])
    os.close(fd)
    sock, address = server.accept()
    assert address[0] == CID
    exchange(sock, 1 << 20)
    vm.console.wait_for(f"^vsock echo {1 << 20}", timeout=20)


def test_cid_in_use(launch, boot):
    first = boot("", "-device", f"vhost-vsock-device,guest-cid={CID},id=v")
    first.qmp()
    second = boot("", "-device", f"vhost-vsock-device,guest-cid={CID},id=v")
    assert second.wait() == 1
    assert f"'v': guest-cid={CID} is in use by another VM" in second.stderr.text
