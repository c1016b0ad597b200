# SPDX-License-Identifier: LGPL-2.1-or-later
"""What virsh asks of a running domain of Debian's libvirt, with a tiny guest; the table of docs/libvirt.md."""

# pylint: disable=unused-import,redefined-outer-name
import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
from libvirtfixtures import console, host, monitor, running, shared_host, values, write  # noqa: F401
from vm import STRATOVIRT, TOP

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="libvirtd for the system needs root")
DOCUMENT = (TOP / "docs" / "libvirt.md").read_text(encoding="utf-8")


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


# The document

def documented(number, guests, folder):
    """One of its domains, with paths that exist."""
    text = re.findall(r"^```xml\n(.*?)^```$", DOCUMENT, re.M | re.S)[number]
    for placeholder, path in (("/path/to/kernel", guests / "tiny-pvh.elf"), ("/path/to/disk.img", folder / "disk.img"),
                              ("/path/to/stratovirt", STRATOVIRT), ("root=/dev/vda", "do=c")):
        text = text.replace(placeholder, str(path))
    return text


def test_the_table(host, guests, tmp_path):
    """Every row of the document, in its order."""
    (tmp_path / "disk.img").write_bytes(bytes(1 << 20))
    (tmp_path / "kernel.xml").write_text(documented(0, guests, tmp_path))
    rows = re.findall(r"^\| `(.*)` \| (works|refused)(?:: (.*))? \|$", DOCUMENT, re.M)
    assert len(rows) > 50
    for command, result, words in rows:
        if "NIC" in command:
            command = command.replace("NIC", re.search(r"vnet\d+", host.virsh("domiflist", "kernel"))[0])
        argv = command.replace("FOLDER", str(tmp_path))
        argv = argv.split(" ", 2) if "{" in argv else shlex.split(argv)
        if result == "works":
            host.virsh(*argv)
        else:
            assert words in host.virsh_fails(*argv)


def test_the_domain_with_firmware(host, guests, tmp_path):
    """The second domain starts, with a firmware that does nothing."""
    (tmp_path / "disk.img").write_bytes(bytes(1 << 20))
    (tmp_path / "code.fd").write_bytes(b"\xf4" * 8176 + b"\xeb\xfe" + b"\xf4" * 14)
    (tmp_path / "vars.fd").write_bytes(b"\xff" * 4096)
    text = documented(1, guests, tmp_path).replace("/usr/share/OVMF/OVMF_CODE_4M.fd", f"{tmp_path}/code.fd")
    (tmp_path / "disk.xml").write_text(text.replace("/usr/share/OVMF/OVMF_VARS_4M.fd", f"{tmp_path}/vars.fd"))
    host.virsh("define", tmp_path / "disk.xml")
    host.virsh("start", "disk")
    assert "running" in host.virsh("domstate", "disk")
    assert host.path("/var/lib/libvirt/qemu/nvram/disk_VARS.fd").stat().st_size == 4096
    (tmp_path / "dump.xml").write_text(host.virsh("dumpxml", "disk"))
    host.run("virt-xml-validate", tmp_path / "dump.xml", "domain")
    host.virsh("destroy", "disk")
    host.virsh("undefine", "disk", "--nvram")


def test_virt_install(host, tmp_path):
    """Debian's virtinst makes a domain of a disk image."""
    (tmp_path / "disk.img").write_bytes(bytes(1 << 20))
    (tmp_path / "code.fd").write_bytes(b"\xf4" * 8176 + b"\xeb\xfe" + b"\xf4" * 14)
    (tmp_path / "vars.fd").write_bytes(b"\xff" * 4096)
    host.run("virt-install", "--connect", "qemu:///system", "--import", "--name", "made", "--memory", "256", "--machine", "q35",
             "--graphics", "none", "--controller", "usb,model=none", "--osinfo", "generic", "--noautoconsole", "--network",
             "bridge=qbr0,model=virtio", "--disk", f"{tmp_path}/disk.img,format=raw,bus=virtio", "--boot",
             f"loader={tmp_path}/code.fd,loader.readonly=yes,loader.type=pflash,nvram.template={tmp_path}/vars.fd",
             "--xml", f"./devices/emulator={STRATOVIRT}")
    assert re.search("made +running", host.virsh("list"))
    (tmp_path / "dump.xml").write_text(host.virsh("dumpxml", "made"))
    host.run("virt-xml-validate", tmp_path / "dump.xml", "domain")
    assert "/stratovirt " in host.virsh("domxml-to-native", "qemu-argv", "--domain", "made")
    host.virsh("destroy", "made")
    host.virsh("undefine", "made", "--nvram")
