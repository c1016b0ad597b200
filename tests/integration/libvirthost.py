# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host for libvirt: private libvirtd and virtlogd in namespaces of their own.

Processes, mounts and networks end with it; of the host it shares files outside libvirt's own folders and
/dev. `python3 libvirthost.py FOLDER` by hand starts such a host and a shell in it.
"""

import ctypes
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

import vm as vm_module

PRIVATE = ("/etc/libvirt", "/var/lib/libvirt", "/var/cache/libvirt", "/var/log/libvirt", "/run")
QEMU_CONF = """\
user = "root"
group = "root"
security_driver = "none"
namespaces = []
"""
LIBVIRTD_CONF = """\
auth_unix_ro = "none"
auth_unix_rw = "none"
log_filters = "1:qemu.qemu_monitor 1:util.command 4:util.netdev 4:util.dbus"
log_outputs = "1:file:{folder}/libvirtd.log"
host_uuid = "{uuid}"
listen_tls = 0
listen_tcp = 1
auth_tcp = "none"
"""
NAMESPACES = ("--mount", "--net", "--pid", "--uts")
PR_SET_PDEATHSIG = 1


def _add_account(folder, path, rest):
    """libvirtd looks for the user and the group of its package, though it is told to take others."""
    copy = Path(folder) / Path(path).name
    text = Path(path).read_text(encoding="utf-8")
    if "libvirt-qemu:" in text:
        return
    copy.write_text(f"{text}libvirt-qemu{rest}\n", encoding="utf-8")
    subprocess.run(["mount", "--bind", copy, path], check=True)


def _init(folder):
    """The first process of the host: mounts and networks, then it collects processes that ended."""
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    if not Path("/sys/fs/cgroup/cgroup.controllers").exists():
        # The older hierarchy is the host's, and has one tree for all.
        subprocess.run(["umount", "-R", "/sys/fs/cgroup"], check=False, stderr=subprocess.DEVNULL)
    for path in PRIVATE:
        Path(path).mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", path], check=True)
    for path in ("/run/lock", "/run/libvirt", "/run/hugepages"):
        Path(path).mkdir()
    subprocess.run(["mount", "-t", "hugetlbfs", "hugetlbfs", "/run/hugepages"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    # No emulators but ours: libvirtd asks each that it finds what it can do.
    for emulator in Path("/usr/bin").glob("qemu-system-*"):
        subprocess.run(["mount", "--bind", "/dev/null", emulator], check=True)
    _add_account(folder, "/etc/passwd", ":x:64055:64055::/:/bin/false")
    _add_account(folder, "/etc/group", ":x:64055:")
    Path("/etc/libvirt/qemu.conf").write_text(QEMU_CONF, encoding="ascii")
    Path("/etc/libvirt/virtlogd.conf").touch()
    Path("/etc/libvirt/libvirtd.conf").write_text(LIBVIRTD_CONF.format(folder=folder, uuid=uuid.uuid4()),
                                                     encoding="ascii")
    # libvirt moves no domain to a host of the same name.
    socket.sethostname(Path(folder).name.replace("_", "-"))
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    print("ready", flush=True)
    while True:
        signal.pause()


class LibvirtHost:
    """Namespaces with libvirtd and virtlogd; @emulator is what libvirt finds as qemu-system-x86_64. libvirtd answers on TCP too."""

    def __init__(self, emulator=vm_module.STRATOVIRT):
        self.folder = Path(tempfile.mkdtemp(prefix="svl."))
        self.emulator = str(emulator)
        (self.folder / "bin").mkdir()
        (self.folder / "bin" / "qemu-system-x86_64").symlink_to(emulator)
        self._env = {**os.environ, "LC_ALL": "C", "PATH": f"{self.folder}/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        self._unshare = subprocess.Popen(
            ["unshare", *NAMESPACES, "--fork", "--kill-child", "--mount-proc", sys.executable, __file__,
             "--init", self.folder], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=self._env,
            preexec_fn=lambda: ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
        assert self._unshare.stdout.readline() == b"ready\n"
        children = Path(f"/proc/{self._unshare.pid}/task/{self._unshare.pid}/children").read_text(encoding="ascii")
        self.init = int(children)
        self.run("virtlogd", "-d", "-f", "/etc/libvirt/virtlogd.conf")
        self.start_libvirtd()

    def start_libvirtd(self, timeout=20):
        """Starts libvirtd and waits until it answers."""
        self.run("libvirtd", "-d", "--listen", "-f", "/etc/libvirt/libvirtd.conf", "-p", "/run/libvirtd.pid")
        limit = time.monotonic() + timeout * vm_module.SCALE
        while self._run("virsh", "version").returncode != 0:
            assert time.monotonic() < limit, "libvirtd does not answer: " + self.log()[-3000:]

    def stop_libvirtd(self, timeout=20):
        """Ends libvirtd; domains go on."""
        outer = self.outer_pid(int(self.read("/run/libvirtd.pid")))
        pidfd = os.pidfd_open(outer)
        os.kill(outer, signal.SIGTERM)
        assert select.select([pidfd], [], [], timeout * vm_module.SCALE)[0], "libvirtd does not end"
        os.close(pidfd)

    def outer_pid(self, inner):
        """What the test calls process @inner of the host."""
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                text = status.read_text(encoding="utf-8", errors="replace")
                same = os.readlink(status.parent / "ns/pid") == os.readlink(f"/proc/{self.init}/ns/pid")
            except OSError:
                continue
            if same and re.search(r"^NSpid:.*\t" + str(inner) + "$", text, re.M):
                return int(status.parent.name)
        raise AssertionError(f"no process {inner}")

    def path(self, path):
        """Where the test finds a file of the host."""
        return Path(f"/proc/{self.init}/root{path}")

    def read(self, path):
        return self.path(path).read_text(encoding="utf-8", errors="replace")

    def argv(self, *argv):
        """The command line that runs @argv on the host."""
        return ["nsenter", "-t", str(self.init), *NAMESPACES, f"--wd={self.folder}", *map(str, argv)]

    def _run(self, *argv, timeout=60, **kwargs):
        return subprocess.run(self.argv(*argv), env=self._env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True, check=False, timeout=timeout * vm_module.SCALE, **kwargs)

    def run(self, *argv, **kwargs):
        """Runs a command that must succeed; returns what it printed."""
        result = self._run(*argv, **kwargs)
        assert result.returncode == 0, f"{' '.join(map(str, argv))}: {result.stdout}{result.stderr}"
        return result.stdout

    def virsh(self, *argv, check=True, **kwargs):
        run = self.run if check else self._run
        return run("virsh", "-c", "qemu:///system", *argv, **kwargs)

    def virsh_fails(self, *argv, **kwargs):
        """Runs a virsh command that must fail; returns its error."""
        result = self._run("virsh", "-c", "qemu:///system", *argv, **kwargs)
        assert result.returncode == 1, f"{argv}: {result.stdout}{result.stderr}"
        return result.stderr

    def start(self, *argv, **kwargs):
        """Starts a command that goes on beside the test."""
        # nsenter is its parent.
        return subprocess.Popen(self.argv("setpriv", "--pdeathsig", "KILL", *argv), env=self._env, text=True, **kwargs)

    def log(self):
        try:
            return (self.folder / "libvirtd.log").read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return ""

    def describe(self):
        """What a failed test shows: the emulator's output, then what went over its monitor."""
        lines = [line[:400] for line in self.log().splitlines()
                 if " error : " in line or "QEMU_MONITOR_IO_WRITE" in line or "QEMU_MONITOR_RECV" in line]
        logs = [f"[{path.name}]\n{path.read_text(errors='replace')[-3000:]}"
                for path in self.path("/var/log/libvirt/qemu").glob("*.log")]
        return "\n".join([*logs, *lines[-40:]])

    def close(self):
        pidfd = os.pidfd_open(self.init)
        self._unshare.kill()
        self._unshare.wait()
        select.select([pidfd], [], [])
        os.close(pidfd)
        self._unshare.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


if __name__ == "__main__":
    if sys.argv[1] == "--init":
        _init(sys.argv[2])
    host = LibvirtHost()
    try:
        subprocess.run(host.argv(*(sys.argv[1:] or ["bash"])), env=host._env, check=False)
    finally:
        host.close()
