# SPDX-License-Identifier: LGPL-2.1-or-later
"""svctl from a shell: what its tests share. A test file imports the fixtures."""

import json
import os
import pty
import subprocess
import tempfile
from pathlib import Path

import pytest

from vm import BUILD, SCALE, Stream

SVCTL = str(BUILD / "svctl" / "svctl")


class Shell:
    """Runs svctl with a runtime folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.env = {**os.environ, "XDG_RUNTIME_DIR": str(folder), "LC_ALL": "C.UTF-8", "TERM": "dumb"}
        self.started = []

    def run(self, *args, status=0, input=None):
        done = subprocess.run([SVCTL, *map(str, args)], capture_output=True, text=True, env=self.env, input=input,
                              timeout=60)
        assert done.returncode == status, f"status {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def __call__(self, *args, **kwargs):
        """What it prints."""
        done = self.run(*args, **kwargs)
        assert done.stderr == ""
        return done.stdout

    def json(self, *args, **kwargs):
        return json.loads(self("--json", *args, **kwargs))

    def fails(self, *args, status=1):
        """The message of a failure; nothing else is printed."""
        done = self.run(*args, status=status)
        assert done.stdout == "" and done.stderr.startswith("svctl: ") and done.stderr.count("\n") == 1
        return done.stderr

    def start(self, *args, **kwargs):
        process = subprocess.Popen([SVCTL, *map(str, args)], env=self.env, stdin=kwargs.pop("stdin", subprocess.DEVNULL),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, **kwargs)
        self.started.append(process)
        return process, Stream(process.stdout.fileno(), "svctl")


@pytest.fixture
def svctl():
    # A short path: a socket's has 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="svt.") as folder:
        shell = Shell(Path(folder))
        yield shell
        for process in shell.started:
            if process.poll() is None:
                process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()


@pytest.fixture
def start(svctl, tiny):
    """Starts a VM that svctl finds; returns when it can be talked to."""
    def start(file, *args, do="c", **kwargs):
        path = svctl.folder / file
        path.parent.mkdir(exist_ok=True)
        vm = tiny(do, "-qmp", f"unix:{path},server,nowait", *args, **kwargs)
        vm.qmp_path = str(path)
        vm.qmp()
        return vm
    return start


class Terminal:
    """svctl on a terminal."""

    def __init__(self, shell, *args):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen([SVCTL, *map(str, args)], env={**shell.env, "INPUTRC": "/dev/null"}, stdin=slave,
                                        stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        shell.started_terminal = self
        self.screen = Stream(self.master, "terminal")

    def type(self, text):
        os.write(self.master, text.encode())

    def wait(self):
        status = self.process.wait(10 * SCALE)
        self.screen.wait_end()
        os.close(self.master)
        return status
