# SPDX-License-Identifier: LGPL-2.1-or-later
"""Flash and fw_cfg of the standard machine, used as UEFI firmware uses them."""

import os
import re
import struct
import subprocess

import pytest
import testaccel
from fwcfg import (BOOT_MENU, CMDLINE_DATA, CMDLINE_SIZE, DMA_ERROR, DMA_READ, DMA_SELECT, ID, INITRD_DATA, INITRD_SIZE, KERNEL_DATA,
                   KERNEL_SIZE, MAX_CPUS, N_CPUS, RAM_SIZE, SETUP_DATA, SETUP_SIZE, SIGNATURE, FwCfg, Tables)
from testaccel import CAP_VENDOR, Function, QTest

FOUR_GIB = 1 << 32
BLOCK = 4096
CODE_SIZE, VARS_SIZE = 3 * BLOCK, 2 * BLOCK
VARS = FOUR_GIB - CODE_SIZE - VARS_SIZE


@pytest.fixture
def flash(tmp_path):
    """Files for both chips."""
    code, variables = tmp_path / "code.fd", tmp_path / "vars.fd"
    code.write_bytes(os.urandom(CODE_SIZE))
    variables.write_bytes(b"\xff" * VARS_SIZE)
    return code, variables


@pytest.fixture
def start(launch, tmp_path, flash):
    def start(*args, drives=True, **kwargs):
        code, variables = flash
        words = ["-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}",
                 "-drive", f"if=pflash,format=raw,unit=1,file={variables}"] if drives else []
        path = tmp_path / f"test{len(os.listdir(tmp_path))}.socket"
        return testaccel.start(launch, path, QTest, *words, *args, **kwargs)
    return start


def program(test, address, data):
    for at, value in enumerate(data):
        test.put(address + at, 0x10, 1)
        test.put(address + at, value, 1)


def test_flash_is_mapped_below_4g(start, flash):
    code, variables = flash
    vm = start()
    assert vm.test.read(FOUR_GIB - CODE_SIZE, CODE_SIZE) == code.read_bytes()
    assert vm.test.read(VARS, VARS_SIZE) == variables.read_bytes()
    names = {d["device"]: d.get("inserted", {}).get("file") for d in vm.qmp().execute("query-block")}
    assert str(variables) in str(names)


def test_flash_as_libvirt_writes_it(start, flash):
    code, variables = flash
    vm = start(
        "-blockdev", '{"driver":"file","filename":"%s","node-name":"libvirt-pflash0-storage","auto-read-only":true,'
                     '"discard":"unmap"}' % code,
        "-blockdev", '{"node-name":"libvirt-pflash0-format","read-only":true,"driver":"raw",'
                     '"file":"libvirt-pflash0-storage"}',
        "-blockdev", '{"driver":"file","filename":"%s","node-name":"libvirt-pflash1-storage","auto-read-only":true,'
                     '"discard":"unmap"}' % variables,
        "-blockdev", '{"node-name":"libvirt-pflash1-format","read-only":false,"driver":"raw",'
                     '"file":"libvirt-pflash1-storage"}',
        machine="q35,pflash0=libvirt-pflash0-format,pflash1=libvirt-pflash1-format", drives=False)
    assert vm.test.read(FOUR_GIB - CODE_SIZE, CODE_SIZE) == code.read_bytes()
    program(vm.test, VARS, b"kept")
    vm.test.put(VARS, 0xFF, 1)
    assert variables.read_bytes()[:4] == b"kept"


def test_variables_are_in_the_file_at_once(start, flash):
    """Whatever becomes of the process: what firmware saw done is done."""
    code, variables = flash
    vm = start()
    program(vm.test, VARS + 100, b"variable")
    assert vm.test.get(VARS, 1) == 0x80
    vm.kill()
    assert variables.read_bytes() == b"\xff" * 100 + b"variable" + b"\xff" * (VARS_SIZE - 108)

    vm = start()
    assert vm.test.read(VARS + 100, 8) == b"variable"
    vm.test.put(VARS, 0x20, 1)
    vm.test.put(VARS, 0xD0, 1)
    vm.test.put(VARS, 0xFF, 1)
    vm.kill()
    assert variables.read_bytes() == b"\xff" * VARS_SIZE


def test_firmware_itself_cannot_be_changed(start, flash):
    code = flash[0].read_bytes()
    vm = start()
    vm.test.put(FOUR_GIB - BLOCK, 0x20, 1)
    vm.test.put(FOUR_GIB - BLOCK, 0xD0, 1)
    assert vm.test.get(FOUR_GIB - BLOCK, 1) == 0x80 | 0x20 | 0x02
    vm.test.put(FOUR_GIB - BLOCK, 0xFF, 1)
    assert vm.test.read(FOUR_GIB - CODE_SIZE, CODE_SIZE) == code == flash[0].read_bytes()


def test_reset_reads_memory_again(start):
    vm = start()
    vm.test.put(VARS, 0x70, 1)
    assert vm.test.get(VARS + 5, 1) == 0x80
    qmp = vm.qmp()
    qmp.execute("system_reset")
    qmp.wait_event("RESET")
    assert vm.test.get(VARS + 5, 1) == 0xFF


def test_what_the_machine_tells(start):
    test = start("-smp", "2", "-fw_cfg", "opt/org.example/word,string=hello", memory="3G").test
    fw_cfg = FwCfg(test)
    assert fw_cfg.by_port(SIGNATURE, 4) == b"QEMU"
    assert fw_cfg.by_port(ID, 4) == b"\3\0\0\0"
    assert fw_cfg.number(N_CPUS, 2) == fw_cfg.number(MAX_CPUS, 2) == 2
    assert fw_cfg.number(RAM_SIZE, 8) == 3 << 30
    ranges = set(struct.iter_unpack("<QQI", fw_cfg.file("etc/e820")))
    assert {(0, 2 << 30, 1), (FOUR_GIB, 1 << 30, 1)} <= ranges
    assert {kind for _, _, kind in ranges} == {1, 2}
    assert fw_cfg.file("etc/system-states") == bytes([0x80, 0, 0, 1, 2, 0x80])
    assert fw_cfg.file("etc/boot-fail-wait") == b"\xff" * 4
    assert fw_cfg.file("opt/org.example/word") == b"hello"
    test.out(0x70, 0x34)
    low = test.inp(0x71)
    test.out(0x70, 0x35)
    assert (test.inp(0x71) << 8 | low) << 16 == (2 << 30) - (16 << 20)


def test_smbios(start):
    """An entry point of SMBIOS 3 whose address firmware fills in, and the structures that it speaks of."""
    fw_cfg = FwCfg(start("-smbios", "type=1,serial=S-17").test)
    anchor, tables = fw_cfg.file("etc/smbios/smbios-anchor"), fw_cfg.file("etc/smbios/smbios-tables")
    assert anchor[:5] == b"_SM3_" and len(anchor) == anchor[6] == 24
    assert struct.unpack_from("<IQ", anchor, 12) == (len(tables), 0)
    assert b"S-17\0" in tables


def test_dma_to_nowhere(start):
    """Bad addresses of requests and targets are an error at most."""
    fw_cfg = FwCfg(start().test)
    for address in (0xC0000000, VARS, 0xF0000000, FOUR_GIB - 8, (1 << 64) - 1):
        assert fw_cfg.dma(DMA_SELECT | DMA_READ, 64, address) == DMA_ERROR
        fw_cfg.test.out(0x514, int.from_bytes(struct.pack(">I", address >> 32), "little"), 4)
        fw_cfg.test.out(0x518, int.from_bytes(struct.pack(">I", address & 0xFFFFFFFF), "little"), 4)
    assert fw_cfg.by_port(SIGNATURE, 4) == b"QEMU"


def test_file_of_fw_cfg_option(start, tmp_path):
    content = os.urandom(100000)
    (tmp_path / "blob").write_bytes(content)
    vm = start("-fw_cfg", f"name=opt/blob,file={tmp_path / 'blob'}")
    assert FwCfg(vm.test).file("opt/blob") == content


@pytest.mark.parametrize("name", ["bootorder", "etc/table-loader", "etc/acpi/tables", "etc/acpi/rsdp",
                                  "etc/smbios/smbios-anchor", "etc/smbios/smbios-tables", "etc/e820"])
def test_names_that_are_the_machine_s(launch, flash, name):
    """Also of files that the machine fills in when the guest starts, and after that."""
    code, _ = flash
    vm = launch("-accel", "qtest", "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={code}",
                "-fw_cfg", f"name={name},string=mine", machine="q35", qmp=False)
    assert vm.wait() == 1
    assert f"there is a file '{name}' already" in vm.stderr.text


def test_kernel_for_firmware(start, tmp_path):
    """A bzImage in two parts, as its header says; read from the file when it is asked for."""
    kernel = bytearray(os.urandom(200000))
    kernel[:2], kernel[0x1F1] = b"MZ", 7
    (tmp_path / "kernel").write_bytes(kernel)
    (tmp_path / "initrd").write_bytes(initrd := os.urandom(70000))
    fw_cfg = FwCfg(start("-kernel", tmp_path / "kernel", "-initrd", tmp_path / "initrd", "-append", "a=b quiet").test)
    assert fw_cfg.number(SETUP_SIZE, 4) == 8 * 512
    assert fw_cfg.read(SETUP_DATA, 4096) + fw_cfg.read(KERNEL_DATA, fw_cfg.number(KERNEL_SIZE, 4)) == kernel
    assert fw_cfg.read(INITRD_DATA, fw_cfg.number(INITRD_SIZE, 4)) == initrd
    assert fw_cfg.read(CMDLINE_DATA, fw_cfg.number(CMDLINE_SIZE, 4)) == b"a=b quiet\0"


def disassemble(folder, table):
    path = folder / "table.aml"
    path.write_bytes(table)
    done = subprocess.run(["iasl", "-d", str(path)], cwd=folder, capture_output=True, text=True, check=True)
    assert not re.search(r"\b(Error|Warning)\b", done.stdout + done.stderr), done.stdout + done.stderr
    return (folder / "table.dsl").read_text()


def test_tables_tell_what_firmware_did(start, tmp_path):
    """Tables are made when firmware asks for them: with the registers where it put them."""
    vm = start("-device", "pcie-root-port,id=port,addr=4", "-device", "virtio-rng-pci,id=rng0,addr=0x5")
    test = vm.test
    assert Function(test, 0).get(0, 4) == 0xFFFFFFFF, "the VMM leaves the chipset to firmware"
    before = FwCfg(test).files()

    def cf8(device, register, value, size=4):
        test.out(0xCF8, 0x80000000 | device << 11 | register & ~3, 4)
        test.out(0xCFC + (register & 3), value, size)
    cf8(0, 0x64, 0)
    cf8(0, 0x60, testaccel.ECAM | 1)
    cf8(31, 0x40, 0x601)
    cf8(31, 0x44, 0x80, 1)
    Function(test, 5).set_bar(4, 0xA000000000)
    port = Function(test, 4)
    for register, value in ((0x24, 0x1FF10001), (0x28, 0xA0), (0x2C, 0xA0)):
        port.put(register, value, 4)
    tables = Tables(test)
    assert FwCfg(test).files() == before, "firmware knows the sizes already"
    assert struct.unpack_from("<QHBB", tables.by_signature["MCFG"], 44) == (testaccel.ECAM, 0, 0, 255)
    fadt = tables.by_signature["FACP"]
    assert int.from_bytes(fadt[56:60], "little") == 0x600
    text = disassemble(tmp_path, tables.by_signature["DSDT"])
    assert '"QEMU0002"' in text
    assert re.search(r"0x000000A000000000, // Range Minimum\s*0x000000A01FFFFFFF, // Range Maximum", text)
    assert re.search(r"0xC0000000, +// Range Minimum", text)
    for signature in ("FACP", "APIC", "MCFG"):
        assert f'"{signature}"' in disassemble(tmp_path, tables.by_signature[signature])

    # Until the next start it stays so; then firmware begins anew.
    qmp = vm.qmp()
    qmp.execute("system_reset")
    qmp.wait_event("RESET")
    assert "MCFG" not in Tables(test).by_signature


def test_boot_order(start, tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).write_bytes(bytes(1 << 20))
    args = []
    for name in ("a", "b", "c"):
        args += ["-drive", f"file={tmp_path / name},id={name},if=none"]
    vm = start(*args, "-netdev", "user,id=net0", "-device", "pcie-root-port,id=port,addr=4.0,multifunction=on",
               "-device", "pcie-root-port,id=port1,addr=4.1",
               "-device", "virtio-blk-pci,drive=a,addr=6,bootindex=3",
               "-device", "virtio-blk-pci,drive=b,bus=port1,bootindex=0",
               "-device", "virtio-net-pci,netdev=net0,addr=7,bootindex=1",
               "-device", "virtio-blk-pci,drive=c,addr=8")
    assert FwCfg(vm.test).file("bootorder").decode().split("\n") == [
        "/pci@i0cf8/pci-bridge@4,1/scsi@0/disk@0,0",
        "/pci@i0cf8/ethernet@7/ethernet-phy@0",
        "/pci@i0cf8/scsi@6/disk@0,0\0"]


def test_boot_order_without_any(start):
    fw_cfg = FwCfg(start().test)
    assert fw_cfg.files()["bootorder"][1] == 0
    assert fw_cfg.number(BOOT_MENU, 2) == 0
    assert "etc/boot-menu-wait" not in fw_cfg.files()
    assert fw_cfg.file("etc/boot-fail-wait") == b"\xff" * 4


def test_kinds_to_boot_from(start, tmp_path):
    """Letters count where no device has a bootindex; those of once=, until the first reset."""
    (tmp_path / "disk").write_bytes(bytes(1 << 20))
    args = ["-drive", f"file={tmp_path / 'disk'},id=a,if=none", "-netdev", "user,id=net0", "-device",
            "virtio-blk-pci,drive=a,addr=6"]
    disk, card = "/pci@i0cf8/scsi@6/disk@0,0", "/pci@i0cf8/ethernet@7/ethernet-phy@0"
    vm = start("-boot", "order=cd,once=nc", *args, "-device", "virtio-net-pci,netdev=net0,addr=7")
    assert FwCfg(vm.test).file("bootorder").decode() == f"{card}\n{disk}\0"
    for _ in range(2):
        qmp = vm.qmp()
        qmp.execute("system_reset")
        qmp.wait_event("RESET")
        assert FwCfg(vm.test).file("bootorder").decode() == f"{disk}\0"
    vm.kill()
    vm = start("-boot", "n", *args, "-device", "virtio-net-pci,netdev=net0,addr=7,bootindex=1")
    assert FwCfg(vm.test).file("bootorder").decode() == f"{card}\0"
    vm.kill()
    vm = start("-boot", "c", *args, "-device", "virtio-net-pci,netdev=net0,addr=7,bootindex=1")
    assert FwCfg(vm.test).file("bootorder").decode() == f"{card}\0", "an index goes before letters"


def test_boot_option(start, tmp_path):
    (tmp_path / "disk").write_bytes(bytes(1 << 20))
    vm = start("-boot", "menu=on,strict=on,splash-time=4660,reboot-timeout=65535", "-drive", f"file={tmp_path / 'disk'},id=a,if=none",
               "-device", "virtio-blk-pci,drive=a,addr=6,bootindex=3")
    fw_cfg = FwCfg(vm.test)
    assert fw_cfg.number(BOOT_MENU, 2) == 1
    assert fw_cfg.file("bootorder") == b"/pci@i0cf8/scsi@6/disk@0,0\nHALT\0"
    assert fw_cfg.file("etc/boot-menu-wait") == b"\x34\x12"
    assert fw_cfg.file("etc/boot-fail-wait") == b"\xff\xff\0\0"


def test_place_in_the_boot_order_is_one_devices(launch, tmp_path, flash):
    (tmp_path / "disk").write_bytes(bytes(1 << 20))
    vm = launch("-drive", f"if=pflash,file={flash[0]}", "-drive", f"file={tmp_path / 'disk'},id=a,if=none",
                "-netdev", "user,id=net0", "-device", "virtio-blk-pci,id=first,drive=a,bootindex=1",
                "-device", "virtio-net-pci,netdev=net0,bootindex=1", machine="q35")
    assert vm.wait() == 1
    assert "The bootindex 1 has already been used, by '/machine/peripheral/first'" in vm.stderr.text


def test_ports_ask_firmware_for_room(start):
    """The capability by which QEMU's firmware keeps bridge windows larger than what is in the slot."""
    test = start("-device", "pcie-root-port,id=a,addr=4", "-device", "pcie-root-port,id=b,addr=5,pref64-reserve=1G",
                 "-device", "pcie-root-port,id=c,addr=6,hotplug=off").test
    test.out(0xCF8, 0x80000060, 4)
    test.out(0xCFC, testaccel.ECAM | 1, 4)
    for device, memory, high in ((4, 2 << 20, 256 << 20), (5, 2 << 20, 1 << 30), (6, 0, 0)):
        port = Function(test, device)
        at = port.capability(CAP_VENDOR)
        found = [port.get(at + 2, 1), port.get(at + 3, 1), *(port.get(at + n, 4) for n in range(4, 32, 4))]
        assert found == [32, 1, 0xFFFFFFFF, 0, 0, memory, 0xFFFFFFFF, high, 0]
