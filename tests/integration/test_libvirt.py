# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's libvirt drives the VMM: what libvirt learns of it, and the life of a domain, with a tiny guest."""

import json
import os
import re
import socket
import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from libvirthost import LibvirtHost
from vm import SCALE, STRATOVIRT, Stream

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="libvirtd for the system needs root")

# StratoVirt's example for x86_64, but for huge pages, firmware and vsock, which need their parts of the host
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


# What libvirt learns

def test_capabilities(host):
    guest = ET.fromstring(host.virsh("capabilities")).find("guest/arch[@name='x86_64']")
    machines = {machine.text: machine.attrib for machine in guest.iter("machine")}
    assert machines["q35"] == {"canonical": "pc-q35-sv1", "maxCpus": "254"}
    assert set(machines) == {"q35", "pc-q35-sv1", "microvm"}
    assert guest.find("domain").get("type") == "kvm"


def test_domain_capabilities(host):
    found = ET.fromstring(host.virsh("domcapabilities", "--emulatorbin", STRATOVIRT))
    # The machine that libvirt makes without another word
    assert found.find("machine").text == "pc-q35-sv1" and found.find("path").text == STRATOVIRT
    assert found.find("vcpu").get("max") == "254" and found.find("iothreads").get("supported") == "yes"
    assert "/usr/share/OVMF/OVMF_CODE_4M.fd" in [value.text for value in found.iterfind("os/loader/value")]
    assert [value.text for value in found.iterfind("os/enum[@name='firmware']/value")] == ["efi"]
    modes = {mode.get("name"): mode.get("supported") for mode in found.iterfind("cpu/mode")}
    assert modes["host-passthrough"] == modes["host-model"] == "yes"
    values = {enum.get("name"): {value.text for value in enum.iter("value")} for enum in found.iter("enum")}
    assert "virtio" in values["bus"] and {"random", "builtin"} <= values["backendModel"]
    assert values["sourceType"] == {"file", "anonymous", "memfd"} and "virtiofs" in values["driverType"]


# The life of a domain

def test_create_and_destroy(host, write, console):
    assert "created" in host.virsh("create", write(more=SERIAL))
    assert re.search(r"StratoVirt +running", host.virsh("list"))
    console.guest().wait_for("hello")
    host.virsh("destroy", "StratoVirt")
    assert "StratoVirt" not in host.virsh("list", "--all")


def test_define_start_suspend_resume(host, write, console):
    host.virsh("define", write("c", SERIAL))
    assert re.search(r"StratoVirt +shut off", host.virsh("list", "--all"))
    host.virsh("start", "StratoVirt")
    guest = console.guest()
    guest.wait_for("count 3\n")
    host.virsh("suspend", "StratoVirt")
    assert host.virsh("domstate", "StratoVirt").strip() == "paused"
    before = len(guest.data)
    info = host.virsh("dominfo", "StratoVirt")
    assert re.search(r"State: +paused", info) and re.search(r"CPU\(s\): +4", info)
    assert re.search(r"Max memory: +262144 KiB", info) and re.search(r"Persistent: +yes", info)
    # What was written before may still be on its way, a line at most.
    assert len(guest.data) - before < 40
    host.virsh("resume", "StratoVirt")
    assert host.virsh("domstate", "StratoVirt").strip() == "running"
    guest.skip()
    guest.wait_for("count [0-9]+\n")
    host.virsh("destroy", "StratoVirt")
    assert re.search(r"StratoVirt +shut off", host.virsh("list", "--all"))
    host.virsh("undefine", "StratoVirt")
    assert "StratoVirt" not in host.virsh("list", "--all")


def test_addresses_are_as_written(host, write):
    host.virsh("create", write())
    devices = ET.fromstring(host.virsh("dumpxml", "StratoVirt")).find("devices")
    for bus, device in (("0x01", "disk"), ("0x02", "interface"), ("0x04", "memballoon"), ("0x05", "rng")):
        assert devices.find(f"{device}/address").get("bus") == bus
    assert devices.find("controller[@type='virtio-serial']/address").get("bus") == "0x03"
    assert devices.find("disk/alias").get("name") == "virtio-disk0"
    for port, child in (("pci.1", "virtio-disk0"), ("pci.2", "net0"), ("pci.3", "virtio-serial0"), ("pci.4", "balloon0"),
                        ("pci.5", "rng0")):
        path = f"/machine/peripheral/{port}"
        assert child in str(monitor(host, "qom-list", path=f"{path}/{port}")), child
    assert "console0" in str(monitor(host, "qom-list", path="/machine/peripheral"))


# What a guest does

def test_the_guest_ends_itself(host, write, console, events):
    host.virsh("create", write("hp", SERIAL))
    console.guest().wait_for("hello")
    events.wait_for("'lifecycle' for domain 'StratoVirt': Shutdown Finished after guest request")
    events.wait_for("'lifecycle' for domain 'StratoVirt': Stopped Shutdown")
    assert "StratoVirt" not in host.virsh("list")


def test_shutdown_and_reboot_by_the_button(host, write, console, events):
    """The guest answers the power button by switching itself off; for a reboot libvirt starts it again."""
    host.virsh("create", write("hop", SERIAL))
    guest = console.guest()
    guest.wait_for("hello")
    host.virsh("reboot", "StratoVirt", "--mode", "acpi")
    guest.wait_for("button")
    events.wait_for("'reboot' for domain 'StratoVirt'")
    guest.wait_for("hello")
    assert host.virsh("domstate", "StratoVirt").strip() == "running"
    host.virsh("shutdown", "StratoVirt")
    guest.wait_for("button")
    events.wait_for("Stopped Shutdown")
    assert "StratoVirt" not in host.virsh("list")


def test_resets(host, write, console, events):
    """By virsh, by the guest, and by a guest that shall not come back."""
    host.virsh("define", write("her", SERIAL))
    host.virsh("start", "StratoVirt")
    guest = console.guest()
    guest.wait_for("hello")
    host.virsh("reset", "StratoVirt")
    guest.wait_for("hello")
    guest.send("q")
    events.wait_for("'reboot' for domain 'StratoVirt'")
    guest.wait_for("hello")
    host.virsh("destroy", "StratoVirt")
    host.virsh("define", write("hr", SERIAL, [("    <devices>", "    <on_reboot>destroy</on_reboot>\n    <devices>")]))
    host.virsh("start", "StratoVirt")
    events.wait_for("Stopped (Shutdown|Destroyed)")
    events.wait_for("Stopped (Shutdown|Destroyed)")
    assert "shut off" in host.virsh("domstate", "StratoVirt")


def test_crash(host, write, events):
    """A panic that the guest reports: the domain is crashed and stays, or goes, as it says."""
    def crash(action):
        panic = [("    <devices>", f"    <on_crash>{action}</on_crash>\n    <devices>")]
        host.virsh("define", write("n", "<panic model='isa'/>", panic))
        host.virsh("start", "StratoVirt")
        events.wait_for("Crashed Panicked")

    crash("preserve")
    assert host.virsh("domstate", "StratoVirt", "--reason").strip() == "crashed (panicked)"
    host.virsh("destroy", "StratoVirt")
    crash("destroy")
    events.wait_for("Stopped Crashed")
    assert host.virsh("domstate", "StratoVirt", "--reason").strip() == "shut off (crashed)"


# What virsh asks of a running domain

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


def test_memory_dump(host, running, tmp_path):
    """A core file in ELF: all memory, and registers that gdb reads."""
    core = tmp_path / "core"
    host.virsh("dump", "StratoVirt", core, "--memory-only", "--live")
    running.skip()
    running.wait_for("count")  # it goes on
    segments = subprocess.run(["readelf", "-lW", core], stdout=subprocess.PIPE, text=True, check=True).stdout
    loads = [line.split() for line in segments.splitlines() if " LOAD " in line]
    assert sum(int(load[5], 16) for load in loads) == 256 << 20
    notes = subprocess.run(["readelf", "-nW", core], stdout=subprocess.PIPE, text=True, check=True).stdout
    assert notes.count("NT_PRSTATUS") == 4 and notes.count("QEMU") == 4
    # The guest's text is where the kernel file says, and its words are in the dump.
    assert b"console=hvc0 root=/dev/vda" in core.read_bytes()
    assert "refused" not in host.virsh_fails("dump", "StratoVirt", "/nonexistent/core", "--memory-only")


def test_disk(host, running, tmp_path):
    stats = values(host.virsh("domblkstat", "StratoVirt", "hda").replace("hda ", ""))
    assert stats["rd_req"] == "0" and stats["wr_bytes"] == "0"
    assert values(host.virsh("domblkinfo", "StratoVirt", "hda"))["Capacity"] == str(1 << 20)
    host.virsh("blockresize", "StratoVirt", "hda", "2M")
    assert (tmp_path / "rootfs").stat().st_size == 2 << 20
    assert values(host.virsh("domblkinfo", "StratoVirt", "hda"))["Capacity"] == str(2 << 20)
    assert "Physical" in host.virsh("domblkinfo", "StratoVirt", "hda")
    limits = values(host.virsh("blkdeviotune", "StratoVirt", "hda"))
    assert limits["total_iops_sec"] == "1000"
    host.virsh("blkdeviotune", "StratoVirt", "hda", "--read-bytes-sec", "1000000", "--total-iops-sec", "500", "--live")
    limits = values(host.virsh("blkdeviotune", "StratoVirt", "hda"))
    assert limits["total_iops_sec"] == "500" and limits["read_bytes_sec"] == "1000000"
    assert "No errors" in host.virsh("domblkerror", "StratoVirt")


def test_network(host, running):
    card = re.search(r"(vnet\d+) +bridge +qbr0 +virtio +de:ad:be:ef:00:01", host.virsh("domiflist", "StratoVirt"))[1]
    assert "rx_bytes" in host.virsh("domifstat", "StratoVirt", card)
    path = "/machine/peripheral/net0"
    for state in ("down", "up"):
        host.virsh("domif-setlink", "StratoVirt", card, state)
        assert state in host.virsh("domif-getlink", "StratoVirt", card)
        assert monitor(host, "qom-get", path=path, property="link") is (state == "up")


def test_statistics(host, running):
    stats = values(host.virsh("domstats", "StratoVirt"))
    assert stats["state.state"] == "1" and stats["balloon.maximum"] == "262144" and stats["vcpu.current"] == "4"
    assert int(stats["vcpu.0.time"]) > 0 and stats["block.0.capacity"] == str(1 << 20) and stats["iothread.count"] == "1"
    host.virsh("dommemstat", "StratoVirt", "--period", "2", "--live")
    assert monitor(host, "qom-get", path="/machine/peripheral/balloon0", property="guest-stats-polling-interval") == 2
    memory = values(host.virsh("dommemstat", "StratoVirt"))
    assert memory["actual"] == "262144" and int(memory["rss"]) > 0
    assert "None" in host.virsh("domjobinfo", "StratoVirt")


def test_threads(host, running):
    """Ids of threads are real: what is pinned by libvirt is pinned in the kernel."""
    pid = host.outer_pid(int(host.read("/run/libvirt/qemu/StratoVirt.pid")))

    def affinity(name):
        found = [task for task in Path(f"/proc/{pid}/task").iterdir() if (task / "comm").read_text().strip() == name]
        assert len(found) == 1, [(task / "comm").read_text() for task in Path(f"/proc/{pid}/task").iterdir()]
        return os.sched_getaffinity(int(found[0].name))

    everywhere = os.sched_getaffinity(0)
    one = min(everywhere)
    host.virsh("vcpupin", "StratoVirt", "2", str(one), "--live")
    assert affinity("CPU 2/KVM") == {one} and affinity("CPU 1/KVM") == everywhere
    host.virsh("iothreadpin", "StratoVirt", "1", str(one), "--live")
    assert affinity("iothread1") == {one} and re.search(rf"1 +{one}$", host.virsh("iothreadinfo", "StratoVirt"), re.M)
    host.virsh("emulatorpin", "StratoVirt", str(one), "--live")
    assert os.sched_getaffinity(pid) == {one}
    host.virsh("iothreadadd", "StratoVirt", "2", "--live")
    assert [thread["id"] for thread in monitor(host, "query-iothreads")] == ["iothread1", "iothread2"]
    host.virsh("iothreaddel", "StratoVirt", "2", "--live")
    assert [thread["id"] for thread in monitor(host, "query-iothreads")] == ["iothread1"]
    assert len(re.findall("State: +running", host.virsh("vcpuinfo", "StratoVirt"))) == 4


def test_monitor_and_what_there_is_not(host, running):
    assert monitor(host, "query-memory-size-summary") == {"base-memory": 256 << 20, "plugged-memory": 0}
    assert monitor(host, "query-acpi-ospm-status") == []
    assert monitor(host, "query-dump-guest-memory-capability") == {"formats": ["elf"]}
    host.virsh("inject-nmi", "StratoVirt")
    assert "no screens" in host.virsh_fails("screenshot", "StratoVirt")
    text = host.virsh("qemu-monitor-command", "StratoVirt", '{"execute":"screendump","arguments":{"filename":"x"}}')
    assert json.loads(text)["error"]["desc"] == "There is no console to take a screendump from"
    assert "guest agent is not configured" in host.virsh_fails("domhostname", "StratoVirt")


def test_libvirtd_restarts_with_a_running_domain(host, running):
    host.stop_libvirtd()
    host.start_libvirtd()
    assert re.search(r"StratoVirt +running", host.virsh("list"))
    host.virsh("suspend", "StratoVirt")
    assert host.virsh("domstate", "StratoVirt").strip() == "paused"
    host.virsh("resume", "StratoVirt")
    running.skip()
    running.wait_for("count")
    host.virsh("destroy", "StratoVirt")
    assert "StratoVirt" not in host.virsh("list", "--all")
