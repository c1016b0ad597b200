# SPDX-License-Identifier: LGPL-2.1-or-later
"""The examples of StratoVirt's documents, with other paths, each to a guest that can be logged in to.

Debian's kernel has virtio_blk as a module, so each gets an initrd, too, which mounts root=.
"""

import json
import os
import re
import select
import signal
import socket
import subprocess
from pathlib import Path

import pytest

import vm as vm_module
from qmpclient import QmpClient
from vm import Stream, run_word

pytestmark = pytest.mark.linux


@pytest.fixture
def place(tmp_path, images, root_disk):
    """Where the documents' paths lead."""
    return {
        "/path/to/vmlinux.bin": str(images.vmlinux),
        "/path/to/kernel": str(images.vmlinux),
        "/path/to/initrd.img": str(images.initrd),
        "/home/rootfs.ext4": str(root_disk),
        "/path/to/rootfs.ext4": str(root_disk),
        "/path/to/rootfs": str(root_disk),
        "./vmlinux.bin": str(images.vmlinux),
        "path/to/rootfs": str(root_disk),
        "path/to/socket1": str(tmp_path / "socket1"),
        "/tmp/stratovirt.socket": str(tmp_path / "stratovirt.socket"),
        "/path/to/socket": str(tmp_path / "socket"),
        "/path/to/console.socket": str(tmp_path / "console.socket"),
        "/path/to/logfile": str(tmp_path / "logfile"),
        "/path/to/pidfile": str(tmp_path / "pidfile"),
        "/path/to/backend": str(tmp_path / "backend"),
        "/home/config.json": str(tmp_path / "config.json"),
    }


@pytest.fixture
def example(launch, place):
    """Starts what a document writes; every word that is a path of its, also behind '=' or ':'."""
    def translate(word):
        for path in sorted(place, key=len, reverse=True):
            if path in word:
                return word.replace(path, place[path])
        return word

    def start(text, config=None, extra=()):
        if config is not None:
            words = json.dumps(config).split('"')
            with open(place["/home/config.json"], "w", encoding="ascii") as stream:
                stream.write('"'.join(translate(word) for word in words))
        words = [translate(word.replace('"', "")) for word in text.replace("\\\n", " ").split()]
        return launch(*words, *extra, serial=None, qmp=False, machine=None, memory=None)
    return start


def log_in(vm, socket):
    """Waits for the guest's shell, uses it, switches the guest off; QMP answers meanwhile."""
    vm.console.wait_for("GUEST READY", 60)
    qmp = vm.connect(lambda: QmpClient.connect(str(socket), negotiate=False))
    assert qmp.execute("query-status")["running"] is True
    vm.send("cat /proc/cmdline; mount; cat /proc/meminfo; ls /sys/class/net; echo DO''NE\n")
    vm.console.wait_for("DONE", 30)
    vm.send("poweroff -f\n")
    assert vm.wait(30) == 0
    assert not socket.exists()
    return vm.console.text


def test_command_line(tmp_path, images, example):
    """Both editions: the older words, -append with several."""
    vm = example("""
    -kernel /path/to/vmlinux.bin \\
    -append console=ttyS0 root=/dev/vda rw reboot=k panic=1 \\
    -drive file=/home/rootfs.ext4,id=rootfs,readonly=false \\
    -api-channel unix:/tmp/stratovirt.socket \\
    -serial stdio
    """, extra=["-initrd", images.initrd])
    text = log_in(vm, tmp_path / "stratovirt.socket")
    assert "console=ttyS0 root=/dev/vda rw reboot=k panic=1" in text
    assert "/dev/vda on / type ext4 (rw" in text


def test_lifecycle_document(tmp_path, images, example):
    """The VM that the document takes snapshots of: the newer words."""
    vm = example("""
    -machine microvm \\
    -kernel /path/to/kernel \\
    -smp 1 -m 1024 \\
    -append "console=ttyS0 pci=off reboot=k quiet panic=1 root=/dev/vda" \\
    -drive file=/path/to/rootfs,id=rootfs,readonly=off,direct=off \\
    -device virtio-blk-device,drive=rootfs \\
    -qmp unix:/path/to/socket,server,nowait \\
    -serial stdio
    """, extra=["-initrd", images.initrd])
    text = log_in(vm, tmp_path / "socket")
    assert "/dev/vda on / type ext4 (ro" in text


def test_migration_document(tmp_path, images, example):
    """The VM that the document migrates, on the standard machine. With its pci=off no Linux finds the disk, on any machine."""
    vm = example("""
    -machine q35 \\
    -kernel ./vmlinux.bin \\
    -append "console=ttyS0 pci=off reboot=k quiet panic=1 root=/dev/vda" \\
    -drive file=path/to/rootfs,id=rootfs,readonly=off,direct=off \\
    -device virtio-blk-pci,drive=rootfs,id=rootfs,bus=pcie.0,addr=0 \\
    -qmp unix:path/to/socket1,server,nowait \\
    -serial stdio
    """, extra=["-initrd", images.initrd])
    vm.console.wait_for("cannot mount /dev/vda", 60)
    qmp = vm.connect(lambda: QmpClient.connect(str(tmp_path / "socket1"), negotiate=False))
    # The place that the document asks for is the host bridge's: the disk got the next one.
    assert qmp.execute("qom-get", {"path": "rootfs", "property": "addr"}) == "01.0"
    log_in(vm, tmp_path / "socket1")


BOOT_ARGS = "console=ttyS0 reboot=k panic=1 pci=off tsc=reliable ipv6.disable=1 root=/dev/vda quiet"
NET = {"iface_id": "net0", "host_dev_name": "tap0", "mac": "0e:90:df:9f:a8:88"}
CONSOLE = {"console_id": "charconsole0", "socket_path": "/path/to/console.socket"}
VSOCK = {"vsock_id": "vsock-123321132", "guest_cid": 4}

# The file that has every section.
FILES = {
    "chinese": {
        "boot-source": {
            "kernel_image_path": "/path/to/vmlinux.bin",
            "boot_args": BOOT_ARGS + " rw",
        },
        "machine-config": {"type": "MicroVm", "vcpu_count": 2, "mem_size": 268435456},
        "drive": [{"drive_id": "rootfs", "path_on_host": "/path/to/rootfs",
                   "serial_num": "11111111", "direct": True, "read_only": False, "iops": 200000,
                   "iothread": "iothread2"}],
        "net": [{**NET, "iothread": "iothread1"}],
        "console": [CONSOLE],
        "serial": {"stdio": True},
        "vsock": VSOCK,
        "iothread": [{"id": "iothread1"}, {"id": "iothread2"}],
    },
    "russian": {
        "boot-source": {"kernel_image_path": "/path/to/vmlinux.bin", "boot_args": BOOT_ARGS},
        "machine-config": {"name": "abc", "vcpu_count": 2, "mem_size": 268435456,
                           "omit_vm_memory": False},
        "drive": [{"drive_id": "rootfs", "path_on_host": "/path/to/rootfs.ext4", "direct": True,
                   "read_only": False, "serial_num": "abcd"}],
        "net": [NET],
        "console": CONSOLE,
        "serial": {"stdio": True},
        "vsock": VSOCK,
    },
    # Every field of the table of the Chinese document, and the examples of its sections.
    "fields": {
        "boot-source": {"kernel_image_path": "/path/to/vmlinux.bin", "boot_args": BOOT_ARGS,
                        "initrd_fs_path": "/path/to/initrd.img"},
        "machine-config": {"type": "MicroVm", "vcpu_count": 4, "mem_size": 805306368,
                           "dump_guest_core": False, "mem-share": False, "mem_path": "/path/to/backend"},
        "drive": [{"drive_id": "rootfs", "path_on_host": "/path/to/rootfs.ext4", "read_only": False,
                   "direct": True, "serial_num": "xxxxx", "iothread": "iothread1", "iops": 200}],
        "net": [{"iface_id": "tap0", "host_dev_name": "tap0", "mac": "12:34:56:78:9A:BC",
                 "iothread": "iothread2"}],
        "console": [CONSOLE],
        "vsock": {"vsock_id": "vsock0", "guest_cid": 3},
        "serial": {"stdio": True},
        "iothread": [{"id": "iothread1"}, {"id": "iothread2"}],
        "balloon": {"deflate_on_oom": True},
        "rng": {"random_file": "/dev/random", "bytes_per_sec": 1000000000},
    },
}

# What the guest sees of each file: address, serial number, processors, how the root is mounted.
SEEN = {
    "chinese": ("0e:90:df:9f:a8:88", "11111111", 2, "rw"),
    "russian": ("0e:90:df:9f:a8:88", "abcd", 2, "ro"),
    "fields": ("12:34:56:78:9a:bc", "xxxxx", 4, "ro"),
}


@pytest.fixture
def tap0():
    for module in ("tun", "vhost_vsock"):
        subprocess.run(["modprobe", module], check=True)
    subprocess.run(["ip", "tuntap", "add", "tap0", "mode", "tap"], check=True)
    yield
    subprocess.run(["ip", "link", "delete", "tap0"], check=True)


@pytest.mark.parametrize("edition", FILES)
def test_file(tmp_path, images, tap0, example, edition):
    address, serial, processors, mounted = SEEN[edition]
    initrd = [] if "initrd_fs_path" in FILES[edition]["boot-source"] else ["-initrd", images.initrd]
    vm = example("-config /home/config.json -api-channel unix:/tmp/stratovirt.socket",
                 FILES[edition], extra=initrd)
    vm.console.wait_for("GUEST READY", 90)
    assert (tmp_path / "console.socket").exists()
    vm.console.skip()
    vm.send("cat /sys/class/net/eth0/address /sys/block/vda/serial; echo; nproc\n")
    vm.console.wait_for(f"^{address}", 30)
    vm.console.wait_for(f"^{serial}", 30)
    vm.console.wait_for(f"^{processors}", 30)
    names = {Path(f"/proc/{vm.pid}/task/{tid}/comm").read_text().strip()
             for tid in os.listdir(f"/proc/{vm.pid}/task")}
    assert {each["id"] for each in FILES[edition].get("iothread", [])} <= names
    vm.send("echo GUEST READY\n")
    text = log_in(vm, tmp_path / "stratovirt.socket")
    assert f"/dev/vda on / type ext4 ({mounted}" in text
    assert not (tmp_path / "console.socket").exists()


# Table 1 of the Chinese document, each row with the values that it writes.
ROWS = """
    -name VMname -machine type=MicroVm,dump-guest-core=on,mem-share=off \\
    -kernel /path/to/vmlinux.bin -append console=ttyS0 root=/dev/vda reboot=k panic=1 rw \\
    -initrd /path/to/initrd.img -smp cpus=2 -m 536870912 \\
    -drive id=rootfs,file=/path/to/rootfs,readonly=false,direct=true,serial=serial_num,iothread=iothread1,iops=200 \\
    -netdev id=iface_id,netdev=tap0,mac=0e:90:df:9f:a8:88,iothread=iothread2 \\
    -chardev id=console_id,path=/path/to/console.socket \\
    -device vsock,id=vsock_id,guest-cid=3 \\
    -api-channel unix:/path/to/socket -D /path/to/logfile \\
    -iothread id="iothread1" -iothread id="iothread2" \\
    -balloon deflate-on-oom=true -mem-path /dev/hugepages \\
    -rng random_file=/dev/random,bytes_per_sec=1000000
"""


@pytest.fixture
def hugepages():
    subprocess.run(["sysctl", "-q", "vm.nr_hugepages=270"], check=True)
    subprocess.run("mountpoint -q /dev/hugepages || { mkdir -p /dev/hugepages; "
                   "mount -t hugetlbfs none /dev/hugepages; }", shell=True, check=True)
    yield
    subprocess.run(["sysctl", "-q", "vm.nr_hugepages=0"], check=True)


def without(text, *options):
    """A command line without some options of one argument."""
    for option in options:
        text = re.sub(rf"-{option} \S+", "", text)
    return text


def test_rows_of_the_table(tmp_path, tap0, example):
    """All at once, but for huge pages, which the balloon excludes."""
    vm = example(without(ROWS, "mem-path") + "-serial stdio")
    assert "VMname" in Path(f"/proc/{vm.pid}/cmdline").read_bytes().decode()
    text = log_in(vm, tmp_path / "socket")
    assert "console=ttyS0 root=/dev/vda reboot=k panic=1 rw" in text
    assert "/dev/vda on / type ext4 (rw" in text
    assert "eth0" in text
    assert 400000 < int(re.search(r"MemTotal: +(\d+) kB", text)[1]) < 524288
    assert (tmp_path / "logfile").exists()


def test_rows_with_huge_pages(tmp_path, tap0, hugepages, example):
    vm = example(without(ROWS, "balloon") + "-serial stdio -disable-seccomp")
    text = log_in(vm, tmp_path / "socket")
    assert 400000 < int(re.search(r"MemTotal: +(\d+) kB", text)[1]) < 524288


def test_balloon_excludes_huge_pages(tmp_path, tap0, hugepages, example):
    vm = example(ROWS)
    assert vm.wait() == 1
    assert "huge" in vm.stderr.text
    assert sorted(os.listdir(tmp_path)) == []


def read_line(sock):
    data = b""
    while not data.endswith(b"\n"):
        part = sock.recv(1)
        assert part
        data += part
    return data


def exchange(sock, line):
    """Sends a line as the document writes it; what comes back up to the reply."""
    sock.sendall(line.encode() + b"\n")
    messages = []
    while not messages or "event" in messages[-1]:
        messages.append(json.loads(read_line(sock)))
    return messages


def test_managing_a_vm(tmp_path, images, tap0, example, disk_dir):
    """The QMP of the document on managing VMs, byte for byte, without qmp_capabilities."""
    block = disk_dir / "block"
    block.write_bytes(b"BLOCK".ljust(1 << 20, b"\0"))
    vm = example("""
    -machine microvm -kernel /path/to/kernel -smp 2 -m 1024 \\
    -append "console=ttyS0 pci=off reboot=k quiet panic=1 root=/dev/vda" \\
    -drive file=/path/to/rootfs,id=rootfs,readonly=off,direct=off \\
    -device virtio-blk-device,drive=rootfs -device virtio-balloon-device \\
    -qmp unix:/path/to/socket,server,nowait -serial stdio
    """, extra=["-initrd", images.initrd])
    vm.console.wait_for("GUEST READY", 60)
    vm.send("PS1=; stty -echo; echo QUI''ET\n")
    vm.console.wait_for("QUIET")

    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(20 * vm_module.SCALE)
        sock.connect(str(tmp_path / "socket"))
        greeting = b""
        while not greeting.endswith(b"\n"):
            greeting += sock.recv(4096)
        assert json.loads(greeting)["QMP"]["capabilities"] == []

        def ask(line):
            return exchange(sock, line.replace("/path/to/block", str(block)))

        def returns(line):
            return ask(line)[-1]["return"]

        assert returns('{ "execute": "query-status" }') == {
            "running": True, "singlestep": False, "status": "running"}
        cpus = returns('{ "execute": "query-cpus" }')
        assert [cpu["CPU"] for cpu in cpus] == [0, 1]
        assert cpus[1]["qom_path"] == "/machine/unattached/device[1]"
        assert {"arch", "current", "halted", "props", "thread_id"} <= set(cpus[0])
        online = returns('{ "execute": "query-hotpluggable-cpus" }')
        assert {cpu["qom-path"] for cpu in online} == {cpu["qom_path"] for cpu in cpus}
        assert online[0]["type"] == "host-x86-cpu" and online[0]["vcpus-count"] == 1

        stop = ask('{"execute":"stop"}')
        assert [message.get("event", "return") for message in stop] == ["STOP", "return"]
        assert stop[0]["data"] == {} and {"seconds", "microseconds"} == set(stop[0]["timestamp"])
        assert returns('{"execute": "query-status"}') == {
            "running": False, "singlestep": False, "status": "paused"}
        assert [message.get("event", "return") for message in ask('{"execute":"cont"}')] == [
            "RESUME", "return"]

        assert returns('{"execute": "blockdev-add", "arguments": {"node-name": "drive-0", "file": '
                       '{"driver": "file", "filename": "/path/to/block"}, "cache": {"direct": true}, '
                       '"read-only": false}}') == {}
        assert returns('{"execute": "device_add", "arguments": {"id": "drive-0", "driver": '
                       '"virtio-blk-mmio", "addr": "0x1"}}') == {}
        vm.send("until [ -b /dev/vdb ]; do usleep 10000; done; head -c 5 /dev/vdb; echo\n")
        vm.console.wait_for("^BLOCK", 60)
        assert returns('{"execute": "device_del", "arguments": {"id": "drive-0"}}') == {}
        deleted = json.loads(read_line(sock))
        assert deleted["event"] == "DEVICE_DELETED" and deleted["data"]["device"] == "drive-0"

        assert returns('{"execute":"netdev_add", "arguments":{"id":"net-0", "ifname":"tap0"}}') == {}
        assert returns('{"execute":"device_add", "arguments":{"id":"net-0", "driver":'
                       '"virtio-net-mmio", "addr":"0x0"}}') == {}
        vm.send("until [ -e /sys/class/net/eth0 ]; do usleep 10000; done; echo CAR''D\n")
        vm.console.wait_for("CARD", 60)
        assert returns('{"execute": "device_del", "arguments": {"id": "net-0"}}') == {}
        deleted = json.loads(read_line(sock))
        assert deleted["event"] == "DEVICE_DELETED" and deleted["data"]["device"] == "net-0"

        # More than the guest has is what it has.
        assert returns('{"execute": "balloon", "arguments": {"value": 2147483648}}') == {}
        assert returns('{"execute": "query-balloon"}') == {"actual": 1 << 30}

        assert ask('{"execute":"quit"}') == [{"return": {}}]
        shutdown = json.loads(read_line(sock))
        assert shutdown["event"] == "SHUTDOWN"
        assert shutdown["data"] == {"guest": False, "reason": "host-qmp-quit"}
    assert vm.wait() == 0


# What the guest needs before there is a shell
MODULES = "sv.modules=virtio_ring,virtio,virtio_mmio,virtio_blk,virtio_console"


def test_daemon(tmp_path, tap0, example):
    """The rows that need each other: -daemonize and -pidfile; the guest is spoken to by its virtio console."""
    job = run_word("until [ -c /dev/hvc0 ]; do usleep 10000; done\n"
                   "setsid sh -i </dev/hvc0 >/dev/hvc0 2>&1\n")
    text = without(ROWS, "mem-path").replace("root=/dev/vda", f"root=/dev/vda {MODULES} {job}")
    vm = example(text + f"-daemonize -pidfile /path/to/pidfile -serial file:{tmp_path}/serial")
    assert vm.wait(60) == 0, vm.stderr.text
    pid = int((tmp_path / "pidfile").read_text())
    pidfd = os.pidfd_open(pid)
    try:
        with socket.socket(socket.AF_UNIX) as console:
            console.connect(str(tmp_path / "console.socket"))
            stream = Stream(os.dup(console.fileno()), "console")
            console.sendall(b"\n")
            stream.wait_for("# ", 90)
            console.sendall(b"cat /proc/mounts; echo DO''NE\n")
            stream.wait_for("/dev/vda / ext4 rw", 30)
            stream.wait_for("DONE", 30)
        qmp = QmpClient.connect(str(tmp_path / "socket"))
        assert qmp.execute("query-name") == {"name": "VMname"}
        qmp.execute("quit")
        assert select.select([pidfd], [], [], 20)[0]
    finally:
        try:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.close(pidfd)
    assert sorted(os.listdir(tmp_path)) == ["logfile", "serial"]
