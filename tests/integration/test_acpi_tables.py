# SPDX-License-Identifier: LGPL-2.1-or-later
"""ACPI tables as they lie in guest memory: ACPICA's compiler finds nothing to complain of, its interpreter runs them."""

import subprocess

import pytest
import testaccel
from testaccel import QTest
from vm import BUILD

RSDP = 0xE0000
TINY = str(BUILD / "tests" / "guests" / "tiny-pvh.elf")
ALL = ("-smp", "2,maxcpus=5,sockets=5", "-numa", "node,cpus=0-2", "-numa", "node,cpus=3-4,mem=128", "-numa",
       "dist,src=0,dst=1,val=21")
PORTS = ("-device", "pcie-root-port,id=p1,addr=0x4", "-device", "virtio-rng-pci,addr=0x5", "-device", "pvpanic-pci",
         "-device", "vmgenid")


def number(data):
    return int.from_bytes(data, "little")


@pytest.fixture
def tables(launch, tmp_path):
    """Writes the tables of a VM that was loaded to files; returns their paths by signature."""
    def collect(*args, **kwargs):
        test = testaccel.start(launch, tmp_path / "test.socket", QTest, "-kernel", TINY, *args, **kwargs).test
        found = {}

        def add(address):
            header = test.read(address, 8)
            signature = header[:4].decode()
            data = test.read(address, number(header[4:8]))
            assert signature == "FACS" or sum(data) & 0xFF == 0
            found[signature] = tmp_path / f"{signature.lower()}.dat"
            found[signature].write_bytes(data)
            return data

        rsdp = test.read(RSDP, 36)
        assert rsdp[:8] == b"RSD PTR " and sum(rsdp) & 0xFF == 0
        xsdt = add(number(rsdp[24:32]))
        for at in range(36, len(xsdt), 8):
            table = add(number(xsdt[at:at + 8]))
            if table[:4] == b"FACP":
                add(number(table[140:148]))
                if number(table[36:40]):
                    add(number(table[36:40]))
        return found
    return collect


@pytest.mark.parametrize("machine, args, signatures", [
    ("q35", (), "APIC DSDT FACP FACS MCFG SPCR XSDT"),
    ("q35", ALL + PORTS, "APIC DSDT FACP FACS MCFG SLIT SPCR SRAT XSDT"),
    ("q35", ("-smp", "1,maxcpus=254"), "APIC DSDT FACP FACS MCFG SPCR XSDT"),
    ("microvm", (*ALL, "-device", "vmgenid"), "APIC DSDT FACP SLIT SRAT XSDT"),
    ("microvm", ("-smp", "254", "-device", "virtio-rng-device"), "APIC DSDT FACP XSDT"),
])
def test_compiler_finds_nothing(tables, machine, args, signatures):
    found = tables(*args, machine=machine)
    assert sorted(found) == signatures.split()
    for path in found.values():
        for option, name in (("-d", path), ("-oa", path.with_suffix(".dsl"))):
            # 6035: QEMUVGID, by which guests know the device, is no id as ACPI makes them.
            result = subprocess.run(["iasl", "-vw", "6035", option, name], capture_output=True, text=True, check=False,
                                    cwd=path.parent, timeout=60)
            text = result.stdout + result.stderr
            assert result.returncode == 0 and "Warning" not in result.stderr, text
        assert "0 Errors, 0 Warnings, 0 Remarks" in text, text


def test_interpreter_notifies_processors(tables):
    """Registers are plain memory here: what is written stays."""
    found = tables("-smp", "2,maxcpus=4,sockets=4", machine="q35")
    words = ["execute \\_SB.CPUS.C003._STA", "execute \\_SB.CPUS.CCTL 3 1 0", "execute \\_SB.CPUS.C003._STA",
             "execute \\_SB.CPUS.CNTF 2 1", "execute \\_SB.CPUS.CNTF 3 3", "execute \\_SB.CPUS.C001._EJ0 1",
             "execute \\_SB.CPUS.CCTL 1 0 0"]
    result = subprocess.run(["acpiexec", "-b", ";".join(words), found["DSDT"]], capture_output=True, text=True,
                            check=False, timeout=60)
    text = result.stdout
    integers = [line.split("=")[1].strip() for line in text.splitlines() if "[Integer] =" in line]
    assert integers == ["0" * 16, f"{1:016X}", f"{15:016X}", f"{8:016X}"], text
    assert "System Notify on [C002]" in text and "Value 0x01 (Device Check)" in text
    assert "System Notify on [C003]" in text and "Value 0x03 (Eject Request)" in text
    assert "Error" not in text + result.stderr and "Exception" not in text


@pytest.mark.parametrize("machine, args, words", [
    ("q35", (), [b"StratoVirt\0", b"pc-q35-sv1\0"]),
    ("q35", ("-smbios", "type=1,version=V7,sku=K,,1"), [b"\0V7\0", b"\0K,1\0"]),
    ("microvm", ("-smbios", "type=11,value=one,value=two"), [b"one\0two\0\0", b"\0microvm\0"]),
    ("microvm", (), None),
])
def test_smbios(launch, tmp_path, machine, args, words):
    test = testaccel.start(launch, tmp_path / "test.socket", QTest, "-kernel", TINY, *args, machine=machine).test
    segment = test.read(0xF0000, 0x10000)
    anchors = [at for at in range(0, len(segment), 16) if segment[at:at + 5] == b"_SM3_"]
    if words is None:
        assert anchors == []
        return
    anchor = segment[anchors[0]:anchors[0] + 24]
    assert len(anchors) == 1 and sum(anchor) & 0xFF == 0
    structures = test.read(number(anchor[16:24]), number(anchor[12:16]))
    assert all(word in structures for word in words)
    assert structures[-6:] == bytes((127, 4, 0x00, 0x7F, 0, 0))


def test_smbios_file(launch, tmp_path):
    """A structure of one's own goes before what the machine makes of its type; several of one type may be given."""
    chassis = bytes((3, 9, 0x34, 0x12, 1, 2, 0, 0, 0)) + b"Box\0\0"
    mine = [bytes((200, 6, n, 0xC8, 0xAA, n)) + b"\0\0" for n in (1, 2)]
    args = []
    for n, data in enumerate((chassis, *mine)):
        (tmp_path / f"s{n}").write_bytes(data)
        args += ["-smbios", f"file={tmp_path / f's{n}'}"]
    test = testaccel.start(launch, tmp_path / "test.socket", QTest, "-kernel", TINY, *args, machine="microvm").test
    segment = test.read(0xF0000, 0x10000)
    anchor = segment[segment.index(b"_SM3_"):][:24]
    rest = test.read(number(anchor[16:24]), number(anchor[12:16]))
    found = []
    while rest:
        end = rest.index(b"\0\0", rest[1]) + 2
        found.append(rest[:end])
        rest = rest[end:]
    assert [data for data in found if data[0] == 3] == [chassis]
    assert [data for data in found if data[0] == 200] == mine
    assert [data[0] for data in found if data[0] in (0, 1, 127)] == [0, 1, 127]


def test_interpreter_finds_the_generation(tables):
    """What Linux's driver asks for: the kind by _CID, a package of the address's halves, a notification by event 5."""
    found = tables("-device", "vmgenid", machine="microvm")
    words = "execute \\_SB.VGEN.ADDR;execute \\_SB.VGEN._CID;execute \\_SB.GED.ESEL"
    text = subprocess.run(["acpiexec", "-b", words, found["DSDT"]], capture_output=True, text=True, check=False,
                          timeout=60).stdout
    assert "VM_GEN_COUNTER" in text and "FC028" in text, text
