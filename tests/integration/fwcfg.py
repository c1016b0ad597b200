# SPDX-License-Identifier: LGPL-2.1-or-later
"""What firmware does with fw_cfg: items and files, and the commands that place ACPI tables."""

import struct

SELECTOR, DATA, DMA = 0x510, 0x511, 0x514
SIGNATURE, ID, RAM_SIZE, N_CPUS, MAX_CPUS, FILE_DIR = 0x00, 0x01, 0x03, 0x05, 0x0F, 0x19
KERNEL_SIZE, KERNEL_DATA, INITRD_SIZE, INITRD_DATA = 0x08, 0x11, 0x0B, 0x12
BOOT_MENU = 0x0E
CMDLINE_SIZE, CMDLINE_DATA, SETUP_SIZE, SETUP_DATA = 0x14, 0x15, 0x17, 0x18
DMA_ERROR, DMA_READ, DMA_SKIP, DMA_SELECT, DMA_WRITE = 1, 2, 4, 8, 16


class FwCfg:
    """By DMA; @request and @buffer are addresses of guest memory."""

    def __init__(self, test, request=0x1000, buffer=0x100000):
        self.test, self.request, self.buffer = test, request, buffer

    def by_port(self, key, length):
        self.test.out(SELECTOR, key, 2)
        return bytes(self.test.inp(DATA) for _ in range(length))

    def dma(self, control, length, address, request=None):
        request = self.request if request is None else request
        self.test.write(request, struct.pack(">IIQ", control, length, address))
        self.test.out(DMA, int.from_bytes(struct.pack(">I", request >> 32), "little"), 4)
        self.test.out(DMA + 4, int.from_bytes(struct.pack(">I", request & 0xFFFFFFFF), "little"), 4)
        return struct.unpack(">I", self.test.read(request, 4))[0]

    def read(self, key, length):
        assert self.dma(key << 16 | DMA_SELECT | DMA_READ, length, self.buffer) == 0
        return b"".join(self.test.read(self.buffer + at, min(0x8000, length - at)) for at in range(0, length, 0x8000))

    def number(self, key, size):
        return int.from_bytes(self.read(key, size), "little")

    def files(self):
        count = struct.unpack(">I", self.read(FILE_DIR, 4))[0]
        data = self.read(FILE_DIR, 4 + 64 * count)
        entries = (struct.unpack_from(">IHH56s", data, 4 + 64 * n) for n in range(count))
        return {name.rstrip(b"\0").decode(): (key, size) for size, key, _, name in entries}

    def file(self, name):
        return self.read(*self.files()[name])


class Tables:
    """ACPI tables in guest memory, placed as fw_cfg's commands say: as firmware does it."""

    def __init__(self, test, rsdp=0xF0000, tables=0x7000000):
        self.test = test
        fw_cfg = FwCfg(test)
        commands = fw_cfg.file("etc/table-loader")
        places = {"etc/acpi/rsdp": rsdp, "etc/acpi/tables": tables}
        blobs = {}
        assert len(commands) % 128 == 0
        for at in range(0, len(commands), 128):
            command = commands[at:at + 128]
            kind = int.from_bytes(command[:4], "little")
            name = command[4:60].rstrip(b"\0").decode()
            if kind == 1:
                align, zone = struct.unpack_from("<IB", command, 60)
                assert places[name] % align == 0 and zone == (2 if name.endswith("rsdp") else 1)
                blobs[name] = bytearray(fw_cfg.file(name))
            elif kind == 2:
                target = command[60:116].rstrip(b"\0").decode()
                offset, size = struct.unpack_from("<IB", command, 116)
                value = int.from_bytes(blobs[name][offset:offset + size], "little") + places[target]
                blobs[name][offset:offset + size] = value.to_bytes(size, "little")
            elif kind == 3:
                result, start, length = struct.unpack_from("<III", command, 60)
                blobs[name][result] = 0
                blobs[name][result] = -sum(blobs[name][start:start + length]) & 0xFF
            else:
                assert command == bytes(128), "nothing follows"
        for name, blob in blobs.items():
            for at in range(0, len(blob), 0x8000):
                test.write(places[name] + at, blob[at:at + 0x8000])
        self.by_signature = {}
        root = test.read(rsdp, 36)
        assert root[:8] == b"RSD PTR " and sum(root[:20]) % 256 == 0 and sum(root) % 256 == 0
        xsdt = self._take(int.from_bytes(root[24:32], "little"))
        for at in range(36, len(xsdt), 8):
            self._take(int.from_bytes(xsdt[at:at + 8], "little"))
        facp = self.by_signature["FACP"]
        self._take(int.from_bytes(facp[140:148], "little"))

    def _take(self, address):
        length = self.test.get(address + 4, 4)
        table = b"".join(self.test.read(address + at, min(0x8000, length - at)) for at in range(0, length, 0x8000))
        assert sum(table) % 256 == 0, table[:4]
        self.by_signature[table[:4].decode()] = table
        return table
