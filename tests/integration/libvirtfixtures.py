# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures of the tests with libvirt: a host for it, domains with the tiny guest, their consoles and events."""

import json
import re
import socket
import subprocess

import pytest
from libvirthost import LibvirtHost
from vm import SCALE, STRATOVIRT, Stream

# StratoVirt's example for x86_64, but for huge pages (a test adds them), firmware and vsock, which need their parts of the host
SEED = """
<domain type='kvm'>
    <name>StratoVirt</name>
    <memory unit='MiB'>256</memory>
    <vcpu>4</vcpu>
    <iothreads>1</iothreads>
    <os>
    <type arch='x86_64' machine='q35'>hvm</type>
    <kernel>{guests}/tiny-pvh.elf</kernel>
    <cmdline>console=hvc0 root=/dev/vda reboot=k panic=1 rw do={do}</cmdline>
    </os>
    <features>
        <acpi/>
    </features>
    <devices>
        <emulator>{emulator}</emulator>
        <controller type='pci' index='0' model='pcie-root' />
        <controller type='pci' index='1' model='pcie-root-port' />
        <controller type='pci' index='2' model='pcie-root-port' />
        <controller type='pci' index='3' model='pcie-root-port' />
        <controller type='pci' index='4' model='pcie-root-port' />
        <controller type='pci' index='5' model='pcie-root-port' />
        <controller type='pci' index='6' model='pcie-root-port' />
        <controller type='pci' index='7' model='pcie-root-port' />
        <disk type='file' device='disk'>
            <driver name='qemu'  type='raw' iothread='1'/>
            <source file='{folder}/rootfs'/>
            <target dev='hda' bus='virtio'/>
            <iotune>
                <total_iops_sec>1000</total_iops_sec>
            </iotune>
            <address type='pci' domain='0x000' bus='0x01' slot='0x00' function='0x00'/>
        </disk>
        <interface type='bridge'>
            <mac address='de:ad:be:ef:00:01'/>
            <source bridge='qbr0'/>
            <model type='virtio'/>
            <address type='pci' domain='0x000' bus='0x02' slot='0x00' function='0x00'/>
        </interface>
        <controller type='virtio-serial' index='0'>
            <alias name='virt-serial0'/>
            <address type='pci' domain='0x000' bus='0x03' slot='0x00' function='0x00'/>
        </controller>
        <console type='pty'>
            <target type='virtio' port='0'/>
            <alias name='console0'/>
        </console>
        <memballoon model='virtio'>
            <alias name='balloon0'/>
            <address type='pci' domain='0x000' bus='0x04' slot='0x00' function='0x00'/>
        </memballoon>
        <rng model='virtio'>
            <rate period='1000' bytes='1234'/>
            <backend model='random'>/dev/urandom</backend>
            <address type='pci' domain='0x000' bus='0x05' slot='0x00' function='0x00'/>
        </rng>
    </devices>
</domain>
"""
UUID = "4e6a9f2c-30d1-4b53-9f0e-6d2f0c1b7a55"
# The tiny guest's console is a socket of the test's.
SERIAL = "<serial type='unix'><source mode='connect' path='{folder}/serial'/></serial>"


@pytest.fixture(scope="module")
def shared_host():
    host = LibvirtHost()
    host.run("ip", "link", "add", "qbr0", "type", "bridge")
    host.run("ip", "link", "set", "qbr0", "up")
    yield host
    host.close()


@pytest.fixture
def host(request, shared_host):
    """The host; domains that a test leaves are gone before the next."""
    request.node.vms = [shared_host]  # a failure shows what it has to tell
    yield shared_host
    for name in shared_host.virsh("list", "--all", "--name").split():
        shared_host.virsh("destroy", name, check=False)
        shared_host.virsh("undefine", name, "--nvram", check=False)


@pytest.fixture
def write(host, guests, tmp_path):
    """Writes a domain's XML; @more goes to the devices, @edit replaces texts."""
    def write(do="he", more="", edit=(), text=SEED):
        disk = tmp_path / "rootfs"
        if not disk.exists():
            disk.write_bytes(b"\0" * (1 << 20))
        # A definition replaces the one before.
        named = ("<name>StratoVirt</name>", f"<name>StratoVirt</name>\n    <uuid>{UUID}</uuid>")
        for old, new in [named, *edit]:
            assert old in text, old
            text = text.replace(old, new)
        text = text.replace("    </devices>", f"{more}\n    </devices>")
        path = tmp_path / "domain.xml"
        path.write_text(text.format(guests=guests, folder=tmp_path, emulator=STRATOVIRT, do=do))
        return path
    return write


class Console:
    """What the guest of one start after the other writes on its serial port."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen()
        self._guests = []

    def guest(self):
        """Waits for the next start; returns a Stream."""
        self._socket.settimeout(20 * SCALE)
        guest = self._socket.accept()[0]
        stream = Stream(guest.fileno(), "console")
        stream.send = lambda text: guest.sendall(text.encode())
        self._guests.append((guest, stream))
        return stream

    def close(self):
        self._socket.close()
        for guest, stream in self._guests:
            guest.shutdown(socket.SHUT_RDWR)
            stream.wait_end()
            guest.close()


@pytest.fixture
def console(tmp_path):
    console = Console(tmp_path / "serial")
    yield console
    console.close()


@pytest.fixture
def events(host, tmp_path):
    """All events of all domains, as lines."""
    process = host.start("stdbuf", "-oL", "virsh", "event", "--all", "--loop", stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE)
    stream = Stream(process.stdout.fileno(), "events")
    probe = tmp_path / "probe.xml"
    probe.write_text("<domain type='kvm'><name>probe</name><memory>1</memory><os><type>hvm</type></os></domain>")
    while "probe" not in stream.text:
        host.virsh("define", probe)
        host.virsh("undefine", "probe")
    yield stream
    process.kill()
    process.wait()
    stream.wait_end()
    process.stdout.close()


def monitor(host, command, **arguments):
    text = json.dumps({"execute": command, **({"arguments": arguments} if arguments else {})})
    return json.loads(host.virsh("qemu-monitor-command", "StratoVirt", text))["return"]


@pytest.fixture
def running(host, write, console):
    """A running domain; returns its console, where the tiny guest counts."""
    host.virsh("create", write("c", SERIAL))
    guest = console.guest()
    guest.wait_for("count 1\n")
    return guest


def values(text):
    """NAME VALUE or NAME: VALUE in each line"""
    return dict(re.findall(r"^\s*([\w.-]+)\s*[ :=]\s*(\S+)\s*$", text, re.M))
