# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line that Kata Containers' StratoVirt driver writes (virtcontainers/stratovirt.go), with a tiny guest."""

import fcntl
import os
import select
import socket
import struct

import pytest

from qmpclient import QmpClient, QmpError
from test_vhost_user import served  # noqa: F401 pylint: disable=unused-import

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

UUID = "4e6a9f2c-30d1-4b53-9f0e-6d2f0c1b7a55"
TUNSETIFF = 0x400454ca
IFF_TAP, IFF_MULTI_QUEUE, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x0100, 0x1000, 0x4000
# Of its own for each process that runs tests
TAP = f"svtk{os.getpid() % 100000}".encode()


@pytest.fixture
def tap_fds():
    """Two queues of an interface, as Kata opens them."""
    fds = []
    for _ in range(2):
        fds.append(os.open("/dev/net/tun", os.O_RDWR))
        flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_MULTI_QUEUE
        fcntl.ioctl(fds[-1], TUNSETIFF, struct.pack("16sH", TAP, flags))
    yield fds
    for fd in fds:
        os.close(fd)


def command_line(guests, place, fs_socket, fds, *more):
    """All that the driver may write, in its order, but the kernel's vhost: not every host has it."""
    return ["-name", "sandbox-" + "0123456789abcdef" * 4, "-uuid", UUID, "-smp", "1", "-m", "256",
            "-kernel", guests / "tiny-pvh.elf", "-append",
            "reboot=k panic=1 net.ifnames=0 ramdom.trust_cpu=on pci=off iommu=off acpi=off do=f",
            "-qmp", f"unix:{place}/qmp.socket,server,nowait", "-D",
            "-machine", "type=microvm,dump-guest-core=off,mem-share=on",
            "-object", "rng-random,id=objrng0,filename=/dev/urandom",
            "-device", "virtio-rng-device,rng=objrng0,id=virtio-rng0",
            "-device", "virtio-serial-device,id=virtio-serial0",
            "-chardev", f"socket,id=charconsole0,path={place}/console.socket,server,nowait",
            "-device", "virtconsole,chardev=charconsole0,id=virtio-console0,nr=0",
            "-drive", f"id=rootfs,file={place}/rootfs,readonly=on,direct=off",
            "-device", "virtio-blk-device,drive=rootfs,id=virtio-blk0",
            "-netdev", f"tap,id=network-0,fds={':'.join(map(str, fds))}",
            "-device", "virtio-net-device,netdev=network-0,id=network-0,mac=02:00:ca:fe:00:01",
            "-chardev", f"socket,id=virtio_fs,path={fs_socket},server,nowait",
            "-device", "vhost-user-fs-device,chardev=virtio_fs,tag=kataShared,id=virtio-fs0", *more]


@root_only
def test_command_line(launch, guests, tmp_path, served, tap_fds):  # noqa: F811
    folder, fs_socket, _ = served
    for name in ("rootfs", "plugged"):
        (tmp_path / name).write_bytes(bytes(1 << 20))
    vm = launch(*command_line(guests, tmp_path, fs_socket, tap_fds), machine=None, memory=None, qmp=False,
                pass_fds=tap_fds)
    vm.console.wait_for(r"mkdir 0\s")
    assert (folder / "folder").is_dir()

    vm.qmp_path = f"{tmp_path}/qmp.socket"
    # Each reply is one line: the client insists.
    qmp = vm.qmp(negotiate=True)
    assert qmp.execute("query-uuid") == {"UUID": UUID}
    assert qmp.execute("query-name") == {"name": "sandbox-" + "0123456789abcdef" * 4}
    with pytest.raises(QmpError) as caught:
        qmp.execute("balloon", {"value": 1 << 27})
    assert (caught.value.error_class, caught.value.desc) == (
        "DeviceNotActive", "No balloon device has been activated")
    for command, event in (("stop", "STOP"), ("cont", "RESUME")):
        qmp.events.clear()
        qmp.execute(command)
        assert [each["event"] for each in qmp.events] == [event]
        qmp.execute(command)
        assert [each["event"] for each in qmp.events] == [event]

    # Its hot plug: the driver's words, the slot as a decimal number in a string.
    qmp.execute("blockdev-add", {"driver": "raw", "node-name": "drive-1", "read-only": False, "file": {
        "driver": "file", "filename": str(tmp_path / "plugged"), "aio": "native"}, "cache": {
            "direct": False, "no-flush": False}})
    qmp.execute("device_add", {"id": "drive-1", "driver": "virtio-blk-mmio", "drive": "drive-1", "addr": "1"})
    assert {each["inserted"]["node-name"] for each in qmp.execute("query-block")} >= {"drive-1"}
    with socket.socket(socket.AF_UNIX) as console:
        console.connect(f"{tmp_path}/console.socket")
    qmp.execute("quit")
    assert vm.wait() == 0
    assert sorted(os.listdir(tmp_path)) == ["folder", "fs", "plugged", "rootfs"]


@root_only
def test_in_the_background(launch, guests, tmp_path, served, tap_fds):  # noqa: F811
    (tmp_path / "rootfs").write_bytes(bytes(1 << 20))
    vm = launch(*command_line(guests, tmp_path, served[1], tap_fds, "-pidfile", tmp_path / "pid", "-daemonize"),
                machine=None, memory=None, qmp=False, serial=None, pass_fds=tap_fds)
    assert vm.wait() == 0, vm.stderr.text
    pidfd = os.pidfd_open(int((tmp_path / "pid").read_text()))
    try:
        qmp = QmpClient.connect(f"{tmp_path}/qmp.socket")
        assert qmp.execute("query-status")["status"] == "running"
        qmp.execute("quit")
        assert select.select([pidfd], [], [], 20)[0]
    finally:
        os.close(pidfd)
    assert sorted(os.listdir(tmp_path)) == ["folder", "fs", "rootfs"]
