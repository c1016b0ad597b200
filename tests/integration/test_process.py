# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the process gives up and how it shows; inherited file descriptors. Needs no stock guest."""

import json
import os
import pwd
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import vm as vm_module
from qmpclient import QmpClient, QmpError

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change users")

# What the main thread of a root process keeps: CAP_DAC_OVERRIDE, CAP_NET_ADMIN, CAP_IPC_LOCK.
KEPT = 1 << 1 | 1 << 12 | 1 << 14


def threads(pid):
    """The fields of /proc/PID/task/TID/status, main thread first."""
    found = []
    for tid in sorted(os.listdir(f"/proc/{pid}/task"), key=int):
        text = Path(f"/proc/{pid}/task/{tid}/status").read_text()
        found.append(dict(line.split(":", 1) for line in text.splitlines()))
    return found


def named_threads(vm, *names):
    """Waits for threads of these names; their fields."""
    for _ in range(1000):
        found = [status for status in threads(vm.pid) if status["Name"].strip() in names]
        if {status["Name"].strip() for status in found} == set(names):
            return found
        assert not vm.wait_exit(0.01)
    raise AssertionError(f"no threads {names}: {[status['Name'] for status in threads(vm.pid)]}")


def sets(status):
    return [int(status[name], 16) for name in ("CapPrm", "CapEff", "CapBnd", "CapInh")]


@root_only
def test_capabilities_are_given_up(tiny):
    vm = tiny("h", "-iothread", "id=io0")
    # A vCPU's thread has given up its privileges when the guest runs.
    vm.console.wait_for("hello")
    own = named_threads(vm, "io0", "CPU 0/KVM")
    main = threads(vm.pid)[0]
    assert main["NoNewPrivs"].strip() == "1"
    assert all(bits & ~KEPT == 0 for bits in sets(main))
    for status in own:
        assert status["NoNewPrivs"].strip() == "1"
        assert sets(status) == [0, 0, 0, 0]


@root_only
def test_disable_seccomp_keeps_privileges(launch):
    vm = launch("-disable-seccomp", machine="none", memory=None, serial=None)
    vm.qmp().execute("query-status")
    assert threads(vm.pid)[0]["NoNewPrivs"].strip() == "0"


@root_only
@pytest.mark.parametrize("user", ["nobody", "65534:65534"])
def test_runas(tiny, user):
    vm = tiny("h", "-iothread", "id=io0", "-runas", user)
    vm.console.wait_for("hello")
    nobody = pwd.getpwnam("nobody")
    for status in named_threads(vm, "io0", "CPU 0/KVM", "stratovirt"):
        assert status["Uid"].split() == [str(nobody.pw_uid)] * 4
        assert status["Gid"].split() == [str(nobody.pw_gid)] * 4
        assert set(status["Groups"].split()) == {str(nobody.pw_gid)}
        assert sets(status)[:2] == [0, 0]
    # The socket's folder is root's: what cannot be removed is no reason not to end well.
    vm.process.send_signal(signal.SIGTERM)
    assert vm.wait() == 0


@root_only
@pytest.mark.parametrize("option", ["-chroot", "-sandbox"])
def test_chroot(tmp_path, tiny, option):
    jail = tmp_path / "jail"
    jail.mkdir()
    (jail / "disk").write_bytes(bytes(1 << 20))
    vm = tiny("h", option, jail if option == "-chroot" else f"chroot={jail}")
    qmp = vm.qmp()
    assert os.readlink(f"/proc/{vm.pid}/root") == str(jail)
    # What comes later is looked for below the directory.
    qmp.execute("blockdev-add", {"driver": "file", "node-name": "d", "filename": "/disk"})
    vm.process.send_signal(signal.SIGTERM)
    assert vm.wait() == 0
    assert not os.path.exists(vm.qmp_path)


@root_only
def test_chroot_daemon(tmp_path):
    jail = tmp_path / "jail"
    jail.mkdir()
    result = subprocess.run([vm_module.STRATOVIRT, "-machine", "none", "-daemonize", "-pidfile",
                             "pid", "-api-channel", "unix:s", "-chroot", "jail", "-D", "log"],
                            cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                            timeout=20 * vm_module.SCALE, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    qmp = QmpClient.connect(str(tmp_path / "s"))
    pidfd = os.pidfd_open(int((tmp_path / "pid").read_text()))
    qmp.execute("quit")
    vm_module.select.select([pidfd], [], [], 10 * vm_module.SCALE)
    os.close(pidfd)
    assert sorted(os.listdir(tmp_path)) == ["jail", "log"]


def test_name_is_the_title(launch):
    vm = launch("-name", "guest=web-17,debug-threads=on", machine="none", memory=None, serial=None)
    vm.qmp().execute("query-status")
    assert Path(f"/proc/{vm.pid}/comm").read_text().strip() == "web-17"
    line = Path(f"/proc/{vm.pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    assert line.startswith("stratovirt: web-17 -machine none ")
    assert vm.qmp().execute("query-name") == {"name": "web-17"}


def test_uuid(launch):
    uuid = "4e6a9f2c-30d1-4b53-9f0e-6d2f0c1b7a55"
    vm = launch("-uuid", uuid, machine="none", memory=None, serial=None)
    assert vm.qmp().execute("query-uuid") == {"UUID": uuid}


def test_inherited_disk(tmp_path, launch):
    disk = tmp_path / "disk"
    disk.write_bytes(bytes(1 << 20))
    fd = os.open(disk, os.O_RDWR)
    os.set_inheritable(fd, True)
    disk.unlink()
    vm = launch("-add-fd", f"set=3,fd={fd},opaque=rdwr:disk", "-drive",
                "id=d,file=/dev/fdset/3,if=none", machine="none", memory=None, serial=None,
                pass_fds=(fd,))
    os.close(fd)
    assert vm.qmp().execute("qom-get", {"path": "/block/d", "property": "size"}) == 1 << 20


def test_inherited_file_of_a_character_device(tmp_path, launch):
    fd = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    os.set_inheritable(fd, True)
    vm = launch("-add-fd", f"set=0,fd={fd}", "-chardev", "file,id=c,path=/dev/fdset/0,append=on",
                machine="none", memory=None, serial=None, pass_fds=(fd,))
    os.close(fd)
    vm.qmp().execute("query-status")
    opened = [os.readlink(f"/proc/{vm.pid}/fd/{n}") for n in os.listdir(f"/proc/{vm.pid}/fd")]
    assert opened.count(str(tmp_path / "log")) == 2


def test_file_describes_a_vm(tmp_path, tiny, guests):
    """One file, and a command line that goes before it."""
    (tmp_path / "disk").write_bytes(bytes(1 << 20))
    config = {
        "boot-source": {"kernel_image_path": "nowhere", "boot_args": "do=h"},
        "machine-config": {"type": "MicroVm", "name": "abc", "vcpu_count": 2,
                           "mem_size": 268435456, "omit_vm_memory": True},
        "drive": [{"drive_id": "rootfs", "path_on_host": str(tmp_path / "disk"), "direct": False,
                   "read_only": True, "serial_num": "abcd", "iothread": "iothread1"}],
        "serial": {"stdio": True},
        "iothread": [{"id": "iothread1"}, {"id": "iothread2"}],
    }
    (tmp_path / "c.json").write_text(json.dumps(config))
    vm = tiny("h", "-config", tmp_path / "c.json", "-smp", "1", memory=None)
    qmp = vm.qmp()
    get = lambda path, name: qmp.execute("qom-get", {"path": path, "property": name})
    assert get("/machine", "name") == "abc"
    assert get("/machine", "memory-size") == 268435456
    assert get("/machine", "cpus") == 1
    assert get("/machine", "dump-guest-core") is False
    assert get("/machine/peripheral/rootfs", "serial") == "abcd"
    assert get("/machine/peripheral/rootfs", "iothread") == "/objects/iothread1"
    assert get("/block/rootfs", "read-only") is True
    with pytest.raises(QmpError, match="'/objects/iothread1' is in use by '/machine/peripheral/rootfs'"):
        qmp.execute("object-del", {"id": "iothread1"})
    assert {thread["id"] for thread in qmp.execute("query-iothreads")} == {"iothread1", "iothread2"}
    qmp.execute("object-del", {"id": "iothread2"})
    assert [thread["id"] for thread in qmp.execute("query-iothreads")] == ["iothread1"]


@pytest.mark.parametrize("shared", ["off", "on"])
def test_memory_in_a_file(tmp_path, tiny, shared):
    (tmp_path / "memory").write_bytes(b"")
    vm = tiny("h", "-mem-path", tmp_path / "memory", machine=f"microvm,mem-share={shared}")
    vm.qmp().execute("query-status")
    assert (tmp_path / "memory").stat().st_size == 128 << 20
    maps = Path(f"/proc/{vm.pid}/maps").read_text().splitlines()
    lines = [line.split() for line in maps if line.endswith("/memory")]
    assert lines and all(line[1][3] == ("s" if shared == "on" else "p") for line in lines)


def test_signal_at_start_leaves_no_file(launch, tmp_path):
    """The process waits for a peer: what it has made until then goes with it."""
    vm = launch("-D", "log", "-chardev", "file,id=f,path=out", "-chardev",
                "socket,id=s,path=s,server=on,wait=on", machine="none", memory=None, serial=None,
                qmp=False, cwd=tmp_path)
    vm.stderr.wait_for("waiting for connection")
    assert sorted(os.listdir(tmp_path)) == ["log", "out", "s"]
    vm.process.send_signal(signal.SIGTERM)
    assert vm.wait() == -signal.SIGTERM
    assert os.listdir(tmp_path) == []


def test_files_stay_after_a_start(launch, tmp_path):
    vm = launch("-D", "log", "-chardev", "file,id=f,path=out", "-object",
                "memory-backend-file,id=m,size=2M,mem-path=ram", machine="none", memory=None,
                serial=None, cwd=tmp_path)
    vm.qmp().execute("quit")
    assert vm.wait() == 0
    assert sorted(os.listdir(tmp_path)) == ["log", "out", "ram"]


@pytest.mark.parametrize("disposition", [signal.SIG_DFL, signal.SIG_IGN])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_while_waiting_for_a_client(tmp_path, number, disposition):
    """Before the VM is there, too, a signal leaves nothing behind."""
    process = subprocess.Popen([vm_module.STRATOVIRT, "-machine", "none", "-qmp", "unix:s,server"],
                               cwd=tmp_path, stdin=subprocess.DEVNULL, stdout=sys.stderr,
                               stderr=subprocess.PIPE, text=True,
                               preexec_fn=lambda: signal.signal(number, disposition))
    with process:
        assert "waiting for connection" in process.stderr.readline()
        assert stat.S_ISSOCK((tmp_path / "s").stat().st_mode)
        process.send_signal(number)
        assert process.wait(10 * vm_module.SCALE) == -number
    assert os.listdir(tmp_path) == []
