# SPDX-License-Identifier: LGPL-2.1-or-later
"""svctl where there is no VM, or another one, or one that hangs or dies, and where it is not used as it can be."""

import json
import os
import re
import signal
import socket
import subprocess

import pytest

from svctlshell import SVCTL, start, svctl  # noqa: F401
from vm import SCALE, TOP

# pylint: disable=redefined-outer-name
COMMANDS = json.loads((TOP / "svctl" / "svctl.json").read_text())["commands"]


def test_every_command_without_a_vm(svctl):
    """All that ask one say so, in JSON, and end with the status of that; a socket that nobody serves is no VM."""
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(svctl.folder / "dead.qmp"))
    dead.close()
    for command in COMMANDS:
        words = [command["name"], *["x.y"] * command["least"]]
        if command["name"] == "ls":
            assert svctl.json(*words) == []
        if command["name"] in ("ls", "snapshot"):
            continue
        for which, message in (((), "no VM answers"), (("-s", svctl.folder / "dead.qmp"), "Connection refused")):
            done = svctl.run("-j", *which, *words, status=3, input="")
            assert done.stdout == "" and message in json.loads(done.stderr)["error"]["desc"], words


@pytest.mark.parametrize("words", [("watch",), ("top", "1000", "0.01"), ("console", "serial0")], ids=lambda words: words[0])
def test_a_vm_that_dies(svctl, start, words):
    """What goes on until the VM ends, ends with it, however that comes about."""
    vm = start("a.qmp", "-serial", "pty", serial=None)
    client = vm.qmp()
    process, text = svctl.start("-j", *words)
    while not text.data and process.poll() is None:
        client.execute("stop")
        client.execute("cont")
    vm.process.kill()
    vm.process.wait()
    assert process.wait(10 * SCALE) == 0
    done = svctl.run("-j", "-s", vm.qmp_path, "stop", status=3)
    assert "Connection refused" in json.loads(done.stderr)["error"]["desc"]


def test_which_vm(svctl, start):
    assert "no VM answers at a socket *.qmp" in svctl.fails("tree", status=3)
    start("a.qmp", "-name", "alpha")
    assert svctl("get", "/machine.name") == "alpha\n"
    start("b.qmp", "-name", "beta")
    assert "there are several VMs, --name says which: alpha, beta" in svctl.fails("stop", status=3)
    assert svctl("-n", "beta", "get", "machine.name") == "beta\n"
    assert svctl("--socket", f"unix:{svctl.folder}/a.qmp", "get", "machine.name") == "alpha\n"
    assert svctl("-s", svctl.folder / "a.qmp", "get", "machine.name") == "alpha\n"
    assert "no VM is named 'gamma'; there are: alpha, beta" in svctl.fails("-n", "gamma", "stop", status=3)
    assert "/nowhere" in svctl.fails("-s", "/nowhere", "stop", status=3)
    assert "unix:PATH or tcp:HOST:PORT" in svctl.fails("-s", "nowhere", "stop", status=2)
    start("c.qmp", "-name", "beta")
    assert "several VMs are named 'beta'" in svctl.fails("-n", "beta", "stop", status=3)


def test_usage(svctl):
    assert "a command is missing" in svctl.fails(status=2)
    assert "no command 'tre' (did you mean 'tree'?)" in svctl.fails("tre", status=2)
    assert "usage: svctl set PATH.PROPERTY VALUE" in svctl.fails("set", "x", status=2)
    assert "usage: svctl stop" in svctl.fails("stop", "now", status=2)
    assert "--tree" in svctl.fails("--tree", status=2)
    assert "--timeout takes" in svctl.fails("-t", "-1", "ls", status=2)
    assert "exclude each other" in svctl.fails("-n", "a", "-s", "/b", "stop", status=2)
    text = svctl("--help")
    for command in ("ls", "tree [PATH]", "get PATH", "set PATH.PROPERTY VALUE", "add TYPE", "del PATH", "stop", "cont",
                    "quit", "console", "watch", "qmp", "top"):
        assert f"  {command}" in text
    assert re.fullmatch(r"svctl \d[\w.]*\n", svctl("--version"))


def test_errors_in_json(svctl, start):
    start("a.qmp")
    for args, status, klass in ((("get", "nobody"), 1, "DeviceNotFound"), (("tre",), 2, "GenericError"),
                                (("qmp", "nothing"), 1, "CommandNotFound")):
        done = svctl.run("-j", *args, status=status)
        assert done.stdout == "" and json.loads(done.stderr)["error"]["class"] == klass


def test_a_vm_that_hangs(svctl, start):
    vm = start("a.qmp")
    os.kill(vm.pid, signal.SIGSTOP)
    assert "does not answer within 100 ms" in svctl.fails("-t", "0.1", "-s", vm.qmp_path, "stop", status=3)
    assert svctl("ls") == ""
    os.kill(vm.pid, signal.SIGCONT)
    assert "a " in svctl("ls")


def test_no_console(svctl, start):
    start("a.qmp")
    assert "no console of the VM is a pty or a socket; '-serial pty' makes one" in svctl.fails("console")
    assert "'serial0' is neither a pty or socket" in svctl.fails("console", "serial0")


def test_a_reader_that_leaves(svctl, start):
    start("a.qmp")
    process, _ = svctl.start("watch", stdin=subprocess.DEVNULL)
    done = subprocess.run(f"'{SVCTL}' tree | head -n 1", shell=True, env=svctl.env, capture_output=True, text=True,
                          timeout=60)
    assert done.stdout.startswith("/") and done.stderr == ""
