# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line that Kata Containers' StratoVirt driver writes (virtcontainers/stratovirt.go), and virtio-fs."""

import fcntl
import os
import socket
import struct
import subprocess

import pytest

import vm as vm_module
from qmpclient import QmpError
from vm import run_word

pytestmark = pytest.mark.linux
VIRTIOFSD = "/usr/lib/qemu/virtiofsd"
TUNSETIFF = 0x400454ca
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x1000, 0x4000
UUID = "4e6a9f2c-30d1-4b53-9f0e-6d2f0c1b7a55"


@pytest.fixture
def shared(disk_dir):
    """A folder of the host that virtiofsd serves; returns it and the socket."""
    folder = disk_dir / "shared"
    folder.mkdir()
    (folder / "hello").write_text("hello from the host\n")
    path = disk_dir / "virtiofs.sock"
    server = subprocess.Popen([VIRTIOFSD, f"--socket-path={path}", "-o", f"source={folder}", "-o",
                               "sandbox=chroot", "-o", "cache=auto"], stderr=subprocess.PIPE, text=True)
    line = ""
    while "Waiting for vhost-user socket connection" not in line:
        line = server.stderr.readline()
        assert line, "virtiofsd ended"
    yield folder, path, server
    server.kill()
    server.wait()
    server.stderr.close()


@pytest.fixture
def handed_over():
    """Descriptors as Kata opens them: a tap interface, vhost-net, vhost-vsock."""
    for module in ("tun", "vhost_net", "vhost_vsock"):
        subprocess.run(["modprobe", module], check=True)
    tap = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH", b"kata0", IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
    fds = [tap, os.open("/dev/vhost-net", os.O_RDWR), os.open("/dev/vhost-vsock", os.O_RDWR)]
    subprocess.run(["ip", "address", "add", "10.7.0.1/24", "dev", "kata0"], check=True)
    subprocess.run(["ip", "link", "set", "kata0", "up"], check=True)
    yield fds
    for fd in fds:
        os.close(fd)


# A guest has no module for virtio-fs among its common ones: it is there only where this test brings it.
JOB = """
for module in fuse virtiofs virtio-rng virtio_console; do insmod /lib/modules/$module.ko; done
mkdir -p /mnt; mount -t virtiofs kataShared /mnt && cat /mnt/hello
dd if=/dev/urandom of=/tmp/data bs=64k count=64 2>/dev/null
cp /tmp/data /mnt/from-guest; sync
md5sum < /tmp/data > /mnt/sum; rm /mnt/hello; mkdir /mnt/folder; sync
ip address add 10.7.0.2/24 dev eth0; ip link set eth0 up
ping -c 1 -w 5 10.7.0.1 | grep -o '1 packets received'
head -c 64 /dev/hwrng | wc -c
cat /sys/class/net/eth0/address
"""


@pytest.fixture
def fs_initrd(images, tmp_path):
    """The common initrd with the modules of virtio-fs, which Debian's kernel package has."""
    modules = {f"lib/modules/{name}.ko": next(images.modules.rglob(f"{name}.ko")).read_bytes()
               for name in ("fuse", "virtiofs")}
    return vm_module.initrd_with(images, tmp_path / "initrd", files=modules)


def kata(images, initrd, place, socket_path, fds, append):
    """In the driver's order, without -disable-seccomp."""
    tap, vhost, vsock = fds
    return ["-name", "sandbox-" + "0123456789abcdef" * 4, "-uuid", UUID, "-smp", "1", "-m", "256",
            "-kernel", images.vmlinux, "-append", append, "-qmp",
            f"unix:{place}/qmp.socket,server,nowait", "-D",
            "-machine", "type=microvm,dump-guest-core=off,mem-share=on", "-initrd", initrd,
            "-object", "rng-random,id=objrng0,filename=/dev/urandom",
            "-device", "virtio-rng-device,rng=objrng0,id=virtio-rng0",
            "-device", "virtio-serial-device,id=virtio-serial0",
            "-chardev", f"socket,id=charconsole0,path={place}/console.socket,server,nowait",
            "-device", "virtconsole,chardev=charconsole0,id=virtio-console0,nr=0",
            "-netdev", f"tap,id=network-0,fds={tap},vhost=on,vhostfds={vhost}",
            "-device", "virtio-net-device,netdev=network-0,id=network-0,mac=02:00:ca:fe:00:01",
            "-device", f"vhost-vsock-device,id=vsock-id,guest-cid=1234567,vhostfd={vsock}",
            "-chardev", f"socket,id=virtio_fs,path={socket_path},server,nowait",
            "-device", "vhost-user-fs-device,chardev=virtio_fs,tag=kataShared,id=virtio-fs0"]


def test_command_line(launch, images, tmp_path, shared, handed_over, fs_initrd):
    folder, path, _ = shared
    args = kata(images, fs_initrd, tmp_path, path, handed_over,
                f"console=ttyS0 quiet reboot=k panic=1 {run_word(JOB)}")
    vm = launch(*args, machine=None, memory=None, qmp=False, pass_fds=handed_over)
    vm.console.wait_for("^hello from the host", 60)
    vm.console.wait_for("1 packets received", 60)
    vm.console.wait_for("^64", 30)
    vm.console.wait_for("^02:00:ca:fe:00:01", 30)
    vm.console.wait_for("GUEST JOB ENDED 0", 30)
    summed = subprocess.run(["md5sum"], stdin=open(folder / "from-guest", "rb"), capture_output=True, text=True,
                            check=True).stdout
    assert summed == (folder / "sum").read_text()
    assert not (folder / "hello").exists() and (folder / "folder").is_dir()

    vm.qmp_path = f"{tmp_path}/qmp.socket"
    qmp = vm.qmp(negotiate=True)
    assert qmp.execute("query-uuid") == {"UUID": UUID}
    # Each reply is one line (the client insists); the balloon is not there; twice is no error.
    with pytest.raises(QmpError) as caught:
        qmp.execute("balloon", {"value": 1 << 27})
    assert (caught.value.error_class, caught.value.desc) == (
        "DeviceNotActive", "No balloon device has been activated")
    # A VM that stands still takes its file system along.
    qmp.execute("stop")
    qmp.execute("stop")
    assert [event["event"] for event in qmp.events] == ["STOP"]
    qmp.execute("cont")
    qmp.execute("cont")
    assert [event["event"] for event in qmp.events] == ["STOP", "RESUME"]
    vm.send("echo after > /mnt/after; sync; echo WRIT''TEN\n")
    vm.console.wait_for("WRITTEN", 30)
    assert (folder / "after").read_text() == "after\n"
    with socket.socket(socket.AF_UNIX) as console:
        console.connect(f"{tmp_path}/console.socket")
    qmp.execute("quit")
    assert vm.wait() == 0
    assert sorted(os.listdir(tmp_path)) == ["initrd"]


def test_guest_resets_and_server_dies(launch, images, tmp_path, shared, fs_initrd):
    """With a mounted file system, by MSI-X; the tiny guest does it on microvm (test_vhost_user.py)."""
    folder, path, server = shared
    job = "insmod /lib/modules/fuse.ko; insmod /lib/modules/virtiofs.ko\nmkdir -p /mnt; " \
          "mount -t virtiofs tag /mnt && cat /mnt/hello\n"
    vm = launch("-kernel", images.vmlinux, "-initrd", fs_initrd, "-append",
                f"console=ttyS0 quiet panic=-1 {run_word(job)}", "-chardev", f"socket,id=fs,path={path}",
                "-device", "vhost-user-fs-pci,chardev=fs,tag=tag,queue-size=64",
                machine="q35,mem-share=on", memory="256")
    vm.console.wait_for("^hello from the host", 60)
    qmp = vm.qmp()
    qmp.execute("system_reset")
    # Not at the beginning of a line: the reset may have come in the midst of one.
    vm.console.wait_for("hello from the host", 60)
    vm.console.wait_for("GUEST JOB ENDED", 30)
    server.kill()
    vm.stderr.wait_for("vhost-user peer is gone", 30)
    # The guest goes on, and so does the VMM.
    vm.send("echo still he''re\n")
    vm.console.wait_for("still here", 30)
    qmp.execute("quit")
    assert vm.wait() == 0
