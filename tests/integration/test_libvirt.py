# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's libvirt drives the VMM: what libvirt learns of it, and the life of a domain, with a tiny guest."""

# pylint: disable=unused-import,redefined-outer-name
import os
import re
import socket
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from libvirtfixtures import SERIAL, console, events, host, monitor, shared_host, write  # noqa: F401
from vm import STRATOVIRT

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="libvirtd for the system needs root")

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


# What a domain's XML may say

DEVICES = "    <devices>"
CONSOLE = """        <console type='pty'>
            <target type='virtio' port='0'/>
            <alias name='console0'/>
        </console>
"""


def test_processors_memory_and_nodes(host, write):
    """Topology with processors that come later, two nodes of shared memory, the host's processor."""
    cell = "<cell id='{0}' cpus='{1}' memory='128' unit='MiB' memAccess='shared'/>"
    cells = "".join(cell.format(*words) for words in ((0, "0-1"), (1, "2-3")))
    host.virsh("create", write(edit=[
        ("<vcpu>4</vcpu>", "<vcpu current='2'>4</vcpu>"),
        (DEVICES, "<memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking><cpu mode='host-passthrough'>"
                  f"<topology sockets='1' dies='1' cores='2' threads='2'/><numa>{cells}</numa></cpu>{DEVICES}")]))
    places = monitor(host, "query-hotpluggable-cpus")
    assert sorted((place["props"]["node-id"], place["props"]["core-id"], place["props"]["thread-id"], "qom-path" in place)
                  for place in places) == [(0, 0, 0, True), (0, 0, 1, True), (1, 1, 0, False), (1, 1, 1, False)]
    assert monitor(host, "qom-get", path="/objects/ram-node1", property="share") is True
    assert "current      live           2" in host.virsh("vcpucount", "StratoVirt")


@pytest.fixture
def huge_pages():
    """128 MiB of them, beside those that the host has."""
    count = Path("/proc/sys/vm/nr_hugepages")
    before = count.read_text()
    count.write_text(str(int(before) + 64))
    assert int(count.read_text()) == int(before) + 64
    yield
    count.write_text(before)


def test_huge_pages(huge_pages, host, write, console):
    """As in the example, whose balloon is one of memory with huge pages."""
    host.virsh("create", write("h", SERIAL, [
        ("<memory unit='MiB'>256</memory>", "<memory unit='MiB'>128</memory><memoryBacking><hugepages><page size='2' unit='MiB'/>"
                                            "</hugepages></memoryBacking>")]))
    console.guest().wait_for("hello")
    assert monitor(host, "qom-get", path="/objects/pc-q35-sv1.ram", property="mem-path").startswith("/run/hugepages/")
    host.virsh("setmem", "StratoVirt", "64M")
    assert monitor(host, "qom-get", path="/machine/peripheral/balloon0", property="target") == 64 << 20


@pytest.mark.parametrize("cpu", ["host-model", "maximum"])
def test_processor_models(host, write, console, cpu):
    """With a clock whose timers libvirt turns into switches of the processor."""
    clock = "<clock offset='utc'><timer name='rtc' tickpolicy='catchup'/><timer name='hpet' present='no'/>" \
            "<timer name='kvmclock' present='yes'/></clock>"
    power = "<pm><suspend-to-mem enabled='no'/><suspend-to-disk enabled='no'/></pm>"
    host.virsh("create", write("h", SERIAL, [(DEVICES, f"<cpu mode='{cpu}'/>{clock}{power}{DEVICES}")]))
    console.guest().wait_for("hello")


def test_a_clock_without_a_processor(host, write, console):
    """libvirt then names its own default model."""
    clock = "<clock offset='localtime'><timer name='kvmclock' present='yes'/></clock>"
    host.virsh("create", write("h", SERIAL, [(DEVICES, clock + DEVICES), ("<acpi/>", "")]))
    console.guest().wait_for("hello")


@pytest.mark.parametrize("words", ["cache='none' io='native' discard='unmap' detect_zeroes='unmap'",
                                   "cache='unsafe' io='threads'", "cache='none' io='io_uring'", "cache='directsync' queues='2'"])
def test_disks(host, write, words):
    host.virsh("create", write(edit=[("iothread='1'/>", f"iothread='1' {words}/>"),
                                     ("<target dev='hda'", "<serial>S3RIAL</serial><boot order='1'/><target dev='vda'")]))
    disk = "/machine/peripheral/virtio-disk0"
    assert monitor(host, "qom-get", path=disk, property="serial") == "S3RIAL"
    cache = {node["node-name"]: node["cache"] for node in monitor(host, "query-named-block-nodes")}
    direct, unsafe = "none" in words or "directsync" in words, "unsafe" in words
    assert {(mode["direct"], mode["no-flush"]) for mode in cache.values()} == {(direct, unsafe)}


def test_networks_consoles_and_others(host, write, tmp_path):
    """An interface by name and one with two queues; a console in a file, another at a socket; what balloon and rng may say."""
    more = "<interface type='ethernet'><target dev='svtap'/><model type='virtio'/></interface>" \
           "<interface type='bridge'><source bridge='qbr0'/><model type='virtio'/><driver name='qemu' queues='2'/>" \
           "<mtu size='1400'/><link state='down'/></interface>" \
           "<interface type='bridge'><source bridge='qbr0'/><model type='virtio'/><driver name='qemu'>" \
           "<host csum='off' gso='off' tso4='off' tso6='off' ecn='off' ufo='off' mrg_rxbuf='off'/>" \
           "<guest csum='off' tso4='off' tso6='off' ecn='off' ufo='off'/></driver><rom bar='off'/></interface>" \
           "<serial type='unix'><source mode='bind' path='{folder}/socket'/></serial>" \
           "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
    host.virsh("create", write(more=more, edit=[
        (CONSOLE, "<console type='file'><source path='{folder}/console'/><target type='virtio'/></console>"),
        ("<memballoon model='virtio'>", "<memballoon model='virtio' autodeflate='on' freePageReporting='on'>"),
        ("<backend model='random'>/dev/urandom</backend>", "<backend model='builtin'/>")]))
    assert "svtap" in host.run("ip", "-br", "link") and (tmp_path / "console").exists()
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(tmp_path / "socket"))

    def get(name, what):
        return monitor(host, "qom-get", path=f"/machine/peripheral/{name}", property=what)
    assert get("net2", "mq") is True and get("net2", "link") is False
    assert get("net3", "gso") is False and get("net3", "guest_csum") is False and get("net3", "rombar") == 0
    assert get("balloon0", "deflate-on-oom") is True and get("balloon0", "free-page-reporting") is True
    assert (get("rng0", "max-bytes"), get("rng0", "period")) == (1234, 1000)
