# SPDX-License-Identifier: LGPL-2.1-or-later
"""Writes initramfs archives (cpio "newc"), device nodes included, without being root."""

import os
import stat
from pathlib import Path


class Archive:
    """Collects entries in memory; to_bytes() ends the archive.

    The kernel unpacks archives that follow each other in one initrd, so a small archive appended to
    a large one adds files to it.
    """

    def __init__(self):
        self._chunks = []
        self._inode = 0
        self._dirs = set()

    def _add(self, name, mode, data=b"", rdev=(0, 0)):
        self._inode += 1
        raw = name.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev, len(raw), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        entry = header + raw
        self._chunks += [entry, b"\0" * (-len(entry) % 4), data, b"\0" * (-len(data) % 4)]

    def _parents(self, name):
        parent = os.path.dirname(name)
        if parent:
            self.directory(parent)

    def directory(self, name, mode=0o755):
        name = name.strip("/")
        if name not in self._dirs:
            self._parents(name)
            self._dirs.add(name)
            self._add(name, stat.S_IFDIR | mode)

    def file(self, name, data, mode=0o644):
        name = name.strip("/")
        self._parents(name)
        self._add(name, stat.S_IFREG | mode, data.encode() if isinstance(data, str) else data)

    def symlink(self, name, target):
        name = name.strip("/")
        self._parents(name)
        self._add(name, stat.S_IFLNK | 0o777, target.encode())

    def char_device(self, name, major, minor, mode=0o600):
        name = name.strip("/")
        self._parents(name)
        self._add(name, stat.S_IFCHR | mode, rdev=(major, minor))

    def copy(self, name, source, mode=0o644):
        self.file(name, Path(source).read_bytes(), mode)

    def to_bytes(self):
        self._add("TRAILER!!!", 0)
        data = b"".join(self._chunks)
        return data + b"\0" * (-len(data) % 512)
