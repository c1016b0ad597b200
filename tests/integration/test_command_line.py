# SPDX-License-Identifier: LGPL-2.1-or-later
"""The process around a VM: answers, errors, signals, background, pidfile. Needs no KVM."""

import os
import select
import signal
import subprocess

import pytest

import vm as vm_module
from qmpclient import QmpClient

NONE = ("-machine", "none")


def run(*args, cwd=None):
    """Runs the VMM to its end; it must not wait for anything."""
    return subprocess.run([vm_module.STRATOVIRT, *args], cwd=cwd, stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=20 * vm_module.SCALE)


@pytest.fixture
def daemons():
    """Starts VMs in the background; what lives at the end of the test is killed."""
    found = []

    def start(directory, *args):
        result = run(*args, "-daemonize", "-pidfile", "pid", cwd=directory)
        path = directory / "pid"
        if result.returncode == 0:
            pidfd = os.pidfd_open(int(path.read_text()))
            found.append(pidfd)
            return result, pidfd
        return result, None

    yield start
    for pidfd in found:
        try:
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        except ProcessLookupError:
            pass
        os.close(pidfd)


def ended(pidfd, timeout=10):
    return bool(select.select([pidfd], [], [], timeout * vm_module.SCALE)[0])


@pytest.mark.parametrize("args, part", [
    (["--help"], "-daemonize"),
    (["-version"], "stratovirt "),
    (["-machine", "help"], "microvm "),
    (["-device", "help"], 'name "virtio-blk-device"'),
    (["-device", "virtio-blk-device,help"], "  drive=<link<block-node>> "),
])
def test_answers(args, part):
    result = run(*args)
    assert result.returncode == 0
    assert part in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_ends_cleanly(launch, number):
    vm = launch(machine="none", memory=None, serial=None)
    qmp = vm.qmp()
    vm.process.send_signal(number)
    event = qmp.wait_event("SHUTDOWN")
    assert event["data"] == {"guest": False, "reason": "host-signal"}
    assert vm.wait() == 0
    assert not os.path.exists(vm.qmp_path)


def test_daemon(tmp_path, daemons):
    result, pidfd = daemons(tmp_path, *NONE, "-S", "-nodefaults", "-no-user-config", "-nographic",
                            "-qmp", "unix:s,server=on,wait=off")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    # The parent is gone, so the socket listens.
    qmp = QmpClient.connect(str(tmp_path / "s"))
    assert qmp.execute("query-status")["status"] == "prelaunch"

    pid = int((tmp_path / "pid").read_text())
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in range(3)} == {"/dev/null"}
    stat = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    assert int(stat[3]) != os.getsid(0) and int(stat[3]) != pid

    second, _ = daemons(tmp_path, *NONE, "-qmp", "unix:t,server,nowait")
    assert second.returncode == 1
    assert f"Pidfile '{tmp_path}/pid' is in use by another process" in second.stderr
    assert sorted(os.listdir(tmp_path)) == ["pid", "s"]

    qmp.execute("quit")
    assert ended(pidfd)
    assert os.listdir(tmp_path) == []


def test_kill_leaves_nothing_in_the_way(tmp_path, daemons):
    args = (*NONE, "-qmp", "unix:s,server,nowait")
    first, pidfd = daemons(tmp_path, *args)
    assert first.returncode == 0
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    assert ended(pidfd)
    assert sorted(os.listdir(tmp_path)) == ["pid", "s"]

    second, pidfd = daemons(tmp_path, *args)
    assert (second.returncode, second.stderr) == (0, "")
    signal.pidfd_send_signal(pidfd, signal.SIGTERM)
    assert ended(pidfd)
    assert os.listdir(tmp_path) == []


def test_pidfile_spares_other_files(tmp_path):
    (tmp_path / "notes").write_text("precious\n")
    result = run(*NONE, "-daemonize", "-pidfile", "notes", cwd=tmp_path)
    assert result.returncode == 1
    assert "exists: it is not overwritten" in result.stderr
    assert (tmp_path / "notes").read_text() == "precious\n"
