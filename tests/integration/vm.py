# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starts the VMM under test and watches its streams."""

import base64
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from qmpclient import QmpClient

TOP = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("STRATOVIRT_BUILD", TOP / "build")).resolve()
STRATOVIRT = os.environ.get("STRATOVIRT", str(BUILD / "src" / "stratovirt"))
IN_LAB = "STRATOVIRT_IN_LAB" in os.environ
# Emulated hosts and sanitizers are slow; a timeout is there for what never comes.
SCALE = float(os.environ.get("STRATOVIRT_TIMEOUT_SCALE", "4" if IN_LAB else "1"))

sys.path.insert(0, str(TOP / "tests" / "lab"))
import cpio  # noqa: E402


class Stream:
    """Collects what arrives on a file descriptor, in a thread, and waits for patterns in it."""

    def __init__(self, fd, name):
        self.name = name
        self._fd = fd
        self._data = bytearray()
        self._seen = 0
        self._ended = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while True:
            try:
                data = os.read(self._fd, 65536)
            except OSError:
                data = b""
            with self._changed:
                self._data += data
                self._ended = self._ended or not data
                self._changed.notify_all()
            if not data:
                return

    @property
    def text(self):
        """All that came so far, with carriage returns removed."""
        with self._changed:
            return self._data.decode(errors="replace").replace("\r", "")

    @property
    def data(self):
        with self._changed:
            return bytes(self._data)

    def wait_for(self, pattern, timeout=10):
        """Waits for a regular expression behind the last match; returns the match."""
        limit = time.monotonic() + timeout * SCALE
        compiled = re.compile(pattern.encode() if isinstance(pattern, str) else pattern, re.M)
        with self._changed:
            while True:
                found = compiled.search(self._data, self._seen)
                if found:
                    self._seen = found.end()
                    return Match(found)
                left = limit - time.monotonic()
                if self._ended or left <= 0:
                    why = "stream ended" if self._ended else "timeout"
                    tail = self._data[-3000:].decode(errors="replace")
                    raise AssertionError(f"{self.name}: {why} before /{pattern}/; last:\n{tail}")
                self._changed.wait(left)

    def wait_end(self, timeout=10):
        """Waits until the other side closed, returns all the text."""
        limit = time.monotonic() + timeout * SCALE
        with self._changed:
            while not self._ended:
                left = limit - time.monotonic()
                assert left > 0, f"{self.name}: not ended; last:\n{self._data[-3000:]!r}"
                self._changed.wait(left)
        return self.text

    def skip(self):
        """Forgets what came so far, for the next wait_for()."""
        with self._changed:
            self._seen = len(self._data)


class Match:
    """A match whose groups are text."""

    def __init__(self, found):
        self._groups = (found.group(), *found.groups())

    def __getitem__(self, index):
        group = self._groups[index]
        return None if group is None else group.decode(errors="replace").replace("\r", "")


class Vm:
    """One run of the VMM. What it is given in @args is its command line.

    @serial: "stdio" adds -serial stdio and lets @console read it; None adds nothing.
    @qmp: adds -qmp on a unix socket.
    """

    def __init__(self, *args, serial="stdio", qmp=True, machine="microvm", memory="128", env=None,
                 pass_fds=(), cwd=None, stdin=subprocess.PIPE, stdout=subprocess.PIPE, prefix=()):
        self.directory = Path(tempfile.mkdtemp(prefix="svt."))
        self.qmp_path = str(self.directory / "qmp")
        self._clients = []
        argv = [*prefix, STRATOVIRT]
        if machine:
            argv += ["-machine", machine]
        if memory:
            argv += ["-m", memory]
        argv += [str(arg) for arg in args]
        if serial == "stdio":
            argv += ["-serial", "stdio"]
        if qmp:
            argv += ["-qmp", f"unix:{self.qmp_path},server,nowait"]
        self.argv = argv
        self.process = subprocess.Popen(argv, stdin=stdin, stdout=stdout, stderr=subprocess.PIPE,
                                        pass_fds=pass_fds, cwd=cwd, env={**os.environ, **(env or {})})
        self._pidfd = os.pidfd_open(self.process.pid)
        self.console = (Stream(self.process.stdout.fileno(), "console")
                        if stdout == subprocess.PIPE else None)
        self.stderr = Stream(self.process.stderr.fileno(), "stderr")

    @property
    def pid(self):
        return self.process.pid

    def qmp(self, negotiate=False):
        """A new QMP connection; waits for the socket as long as the process lives."""
        client = self.connect(lambda: QmpClient.connect(self.qmp_path, negotiate=negotiate))
        self._check_filters()
        return client

    def _check_filters(self, timeout=10):
        """System calls of every thread are filtered in every test, but in those of the switch itself."""
        if "-disable-seccomp" in self.argv or "off" in self.argv:
            return
        limit = time.monotonic() + timeout * SCALE
        # A thread that has not run yet has none.
        while self._has_unfiltered_thread() and not self.wait_exit(0.01):
            assert time.monotonic() < limit, "a thread without a system call filter"

    def _has_unfiltered_thread(self):
        try:
            return any("\nSeccomp:\t2\n" not in (task / "status").read_text()
                       for task in Path(f"/proc/{self.pid}/task").iterdir())
        except (FileNotFoundError, ProcessLookupError):
            return True

    def connect(self, attempt, timeout=10):
        """Calls @attempt until the server's socket is there."""
        limit = time.monotonic() + timeout * SCALE
        while True:
            try:
                client = attempt()
                self._clients.append(client)
                return client
            except (FileNotFoundError, ConnectionRefusedError):
                if self.wait_exit(0.01) or time.monotonic() > limit:
                    raise AssertionError(f"no server; stderr: {self.stderr.text}") from None

    def send(self, text):
        """Types on the serial console."""
        data = text.encode() if isinstance(text, str) else text
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def wait_exit(self, seconds):
        """Whether the process ended within the time."""
        return bool(select.select([self._pidfd], [], [], seconds)[0])

    def wait(self, timeout=10):
        """Waits for the end of the process; returns its exit status."""
        assert self.wait_exit(timeout * SCALE), "the VMM goes on; console:\n" + self._tail()
        status = self.process.wait()
        for stream in (self.console, self.stderr):
            if stream:
                stream.wait_end()
        return status

    def _tail(self):
        streams = [stream for stream in (self.console, self.stderr) if stream]
        return "\n".join(f"[{stream.name}] {stream.text[-3000:]}" for stream in streams)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def describe(self):
        return f"$ {' '.join(self.argv)}\nstatus {self.process.poll()}\n{self._tail()}"

    def close(self):
        for client in self._clients:
            client.close()
        if self.process.poll() is None:
            self.kill()
        os.close(self._pidfd)
        for stream in (self.console, self.stderr):
            if stream:
                stream.wait_end()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            try:
                if pipe:
                    pipe.close()
            except BrokenPipeError:
                pass
        shutil.rmtree(self.directory, ignore_errors=True)


def run_word(script):
    """The kernel command line word that makes the guest's init run a shell script."""
    return "sv.run=" + base64.b64encode(script.encode()).decode()


def initrd_with(images, path, script=None, files=None):
    """Writes an initrd: the common one and, behind it, a job for its init and more files."""
    archive = cpio.Archive()
    if script is not None:
        archive.file("sv/run", script)
    for name, data in (files or {}).items():
        archive.file(name, data)
    base = images.initrd.read_bytes()
    Path(path).write_bytes(base + b"\0" * (-len(base) % 4) + archive.to_bytes())
    return path
