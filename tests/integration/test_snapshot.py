# SPDX-License-Identifier: LGPL-2.1-or-later
"""Snapshots of tiny guests, and VMs that go on from them."""

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from qmpclient import QmpError
from vm import BUILD

FINAL = ("completed", "failed", "cancelled")


def wait_migration(qmp):
    """Awaits the end of a migration, with the capability `events`; returns what query-migrate tells."""
    while (info := qmp.execute("query-migrate"))["status"] not in FINAL:
        qmp.wait_event("MIGRATION")
    return info


def save(qmp, path):
    qmp.execute("migrate-set-capabilities", {"capabilities": [{"capability": "events", "state": True}]})
    qmp.execute("stop")
    qmp.execute("migrate", {"uri": f"file:{path}"})
    info = wait_migration(qmp)
    assert info["status"] == "completed", info
    return info


def last_count(text):
    return int(re.findall(r"count (\d+)\n", text)[-1])


def guest_memory(pid, memory):
    """Kilobytes of guest memory that the process has: in all, its share of them, and what it wrote."""
    text = Path(f"/proc/{pid}/smaps").read_text(encoding="ascii")
    mapping = re.search(rf"{re.escape(str(memory))}\n(.*?)VmFlags", text, re.S)[1]
    return [int(re.search(rf"^{key}:\s+(\d+) kB", mapping, re.M)[1]) for key in ("Rss", "Pss", "Private_Dirty")]


@pytest.fixture(params=["microvm", "q35"])
def machine(request):
    return request.param


@pytest.fixture
def template(tiny, tmp_path, machine):
    """A guest that counts, saved while it did."""
    vm = tiny("c", machine=machine)
    vm.console.wait_for(r"count 20\b")
    qmp = vm.qmp()
    save(qmp, tmp_path / "template")
    vm.wait_exit(0.2)  # what it wrote before reaches the pipe
    return tmp_path / "template", last_count(vm.console.text), vm, qmp


def test_ten_clones_go_on(tiny, template, machine):
    """The source, too: none sees what another one does, and untouched memory takes no room."""
    path, count, source, qmp = template
    assert sorted(os.listdir(path)) == ["memory", "state"]
    assert os.listdir(path.parent) == ["template"]
    memory = os.stat(path / "memory")
    assert memory.st_size > 128 << 20 and memory.st_blocks * 512 < 8 << 20
    clones = [tiny("c", "-incoming", f"file:{path}", machine=machine) for _ in range(10)]
    firsts = set()
    for clone in clones:
        clone.console.wait_for(rf"count {count + 6}\b")
        clone.qmp().execute("stop")
        counts = [int(n) for n in re.findall(r"count (\d+)\n", clone.console.text)]
        # One number may have been cut in two by the snapshot, and the source's last ones may not have been read.
        assert counts[-1] - counts[1] == len(counts) - 2 and counts[1] > count, counts
        firsts.add(counts[1])
        assert "tiny" not in clone.console.text
    assert len(firsts) == 1
    for clone in clones:
        rss, share, written = guest_memory(clone.pid, path / "memory")
        assert written < rss < 8 << 10 and share - written <= (rss - written) / 5, (rss, share, written)
    first = clones[0].qmp()
    first.execute("cont")
    first.execute("system_reset")
    clones[0].console.wait_for("tiny pvh")
    clones[0].console.wait_for(r"count 3\b")
    assert qmp.execute("query-status")["status"] == "paused"
    qmp.execute("cont")
    source.console.wait_for(rf"count {count + 10}\b")


def test_restored_vm_is_saved_again(tiny, template, machine, tmp_path):
    """What is in the template still and what was written since are both in the second snapshot."""
    path, count, *_ = template
    second = tiny("c", "-incoming", f"file:{path}", machine=machine)
    second.console.wait_for(rf"count {count + 10}\b")
    info = save(second.qmp(), tmp_path / "second")
    assert info["ram"]["remaining"] == 0 and info["ram"]["total"] == 128 << 20
    assert 0 < info["ram"]["normal-bytes"] <= info["ram"]["transferred"] < 16 << 20
    third = tiny("c", "-incoming", f"file:{tmp_path / 'second'}", machine=machine)
    third.console.wait_for(rf"count {count + 40}\b")
    assert "tiny" not in third.console.text


def test_waits_for_cont_and_for_migrate_incoming(tiny, template, machine, tmp_path):
    path, count, *_ = template
    vm = tiny("c", "-S", "-incoming", f"file:{path}", machine=machine)
    qmp = vm.qmp()
    assert qmp.execute("query-status")["status"] == "paused"
    qmp.execute("cont")
    vm.console.wait_for(rf"count {count + 10}\b")
    vm = tiny("c", "-incoming", "defer", machine=machine)
    qmp = vm.qmp()
    assert qmp.execute("query-status") == {"status": "inmigrate", "running": False, "singlestep": False}
    with pytest.raises(QmpError, match="No such file"):
        qmp.execute("migrate-incoming", {"uri": f"file:{tmp_path / 'nowhere'}"})
    with pytest.raises(QmpError, match="file:/"):
        qmp.execute("migrate-incoming", {"uri": "exec:true"})
    with pytest.raises(QmpError, match="waiting for an incoming"):
        qmp.execute("migrate", {"uri": f"file:{tmp_path / 'other'}"})
    qmp.execute("system_reset")
    assert qmp.execute("query-status")["status"] == "inmigrate"
    qmp.execute("migrate-incoming", {"uri": f"file:{path}"})
    assert qmp.wait_event("RESUME")
    vm.console.wait_for(rf"count {count + 10}\b")
    with pytest.raises(QmpError, match="-incoming"):
        qmp.execute("migrate-incoming", {"uri": f"file:{path}"})


def test_only_a_paused_vm_and_a_new_place(tiny, tmp_path):
    vm = tiny("c")
    vm.console.wait_for(r"count 2\b")
    qmp = vm.qmp()
    assert qmp.execute("query-migrate") == {}
    for uri, why in (("file:/" + "x" * 300, "paused"), ("exec:cat", "expected file:/"), ("file:relative", "paused")):
        with pytest.raises(QmpError, match=why):
            qmp.execute("migrate", {"uri": uri})
    with pytest.raises(QmpError, match="blk"):
        qmp.execute("migrate", {"uri": f"file:{tmp_path}/a", "blk": True})
    qmp.execute("stop")
    with pytest.raises(QmpError, match="absolute"):
        qmp.execute("migrate", {"uri": "file:relative"})
    (tmp_path / "empty").mkdir()
    save(qmp, tmp_path / "empty")
    with pytest.raises(QmpError, match="File exists"):
        qmp.execute("migrate", {"uri": f"file:{tmp_path}/empty"})
    qmp.execute("migrate", {"uri": f"file:{tmp_path}/no/such/place"})
    info = wait_migration(qmp)
    assert info["status"] == "failed" and "No such file" in info["error-desc"]
    assert os.listdir(tmp_path) == ["empty"]
    qmp.execute("migrate_cancel")
    qmp.execute("cont")
    vm.console.wait_for("count")


def refused(tiny, path, *args, **kwargs):
    """Starts a VM from a snapshot that it must refuse before anything runs; returns what it says."""
    vm = tiny("c", *args, "-incoming", f"file:{path}", **kwargs)
    assert vm.wait() == 1
    assert vm.console.text == ""
    return vm.stderr.text


def test_other_vms_are_refused(tiny, template, machine):
    path, *_ = template
    other = {"microvm": "q35", "q35": "microvm"}[machine]
    assert re.search(r"'machine' is '\w+' there and '\w+' here", refused(tiny, path, machine=other))
    assert "'memory-size' is '128" in refused(tiny, path, machine=machine, memory="256")
    assert "'cpus' is '1' there and '2' here" in refused(tiny, path, "-smp", "2", machine=machine)
    assert "missing here" in refused(tiny, path, machine=machine, serial=None)
    device = "virtio-rng-device" if machine == "microvm" else "virtio-rng-pci"
    assert "missing there" in refused(tiny, path, "-device", device, machine=machine)


def test_damaged_snapshots_are_refused(tiny, template, machine):
    path, *_ = template
    memory, state = path / "memory", path / "state"
    size = memory.stat().st_size
    os.truncate(memory, size - 4096)
    assert "it was cut" in refused(tiny, path, machine=machine)
    os.truncate(memory, size)
    assert "it is no memory of a snapshot" in refused(tiny, path, machine=machine)
    memory.unlink()
    assert "No such file" in refused(tiny, path, machine=machine)
    whole = state.read_bytes()
    for damaged, why in ((whole[:-1], "bytes"), (whole[:40], "no state"), (b"", "no state"), (whole + b"x", "bytes"),
                         (b"x" + whole[1:], "no state"), (whole[:8] + b"\2" + whole[9:], "version"),
                         (whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:], "checksum")):
        state.write_bytes(damaged)
        assert why in refused(tiny, path, machine=machine)
    state.unlink()
    assert "No such file" in refused(tiny, path, machine=machine)
    state.mkdir()
    assert "no state" in refused(tiny, path, machine=machine)


def test_memory_that_cannot_be_saved(tiny, tmp_path):
    for args, why in ((("-machine", "mem-share=on"), "mem-share"), (("-mem-path", str(tmp_path)), "mem-path")):
        vm = tiny("c", *args, machine="microvm")
        vm.console.wait_for("count")
        qmp = vm.qmp()
        qmp.execute("stop")
        with pytest.raises(QmpError, match=why):
            qmp.execute("migrate", {"uri": f"file:{tmp_path}/template"})
        qmp.execute("cont")
    assert not (tmp_path / "template").exists()


def all_devices(machine, folder):
    """A VM with a device of each kind that can be saved."""
    disk = folder / "disk"
    disk.write_bytes(b"\0" * (1 << 20))
    bus, ports = ("device", []) if machine == "microvm" else ("pci", [
        "-device", "pcie-root-port,id=rp0,chassis=1", "-device", "pcie-root-port,id=rp1,chassis=2",
        "-device", "pvpanic-pci", "-numa", "node,nodeid=0,cpus=0-1,mem=128M"])
    plugged = ",bus=rp1,id=plugged" if machine == "q35" else ""
    return [
        "-smp", "2,maxcpus=4", *ports, "-smbios", "type=1,serial=x", "-uuid", "6a1b4c1e-58b5-4d2c-8d22-0c9f9a8a6f01",
        "-object", "iothread,id=io0", "-object", "rng-random,id=rng0,filename=/dev/urandom",
        "-drive", f"id=d0,file={disk},if=none,throttling.iops-total=1000", "-device",
        f"virtio-blk-{bus},drive=d0,id=disk,serial=one,iothread=io0,num-queues=2",
        "-netdev", "user,id=n0", "-device", f"virtio-net-{bus},netdev=n0,id=net,mac=52:54:00:00:00:01{plugged and ',bus=rp0'}",
        "-chardev", f"socket,id=c0,path={folder}/c0,server=on,wait=off", "-chardev", "null,id=c1",
        "-device", f"virtio-serial-{bus},id=vs0", "-device", "virtconsole,chardev=c0,bus=vs0.0", "-device",
        "virtserialport,chardev=c1,name=org.x,bus=vs0.0", "-device", f"virtio-rng-{bus},rng=rng0{plugged}",
        "-device", f"virtio-balloon-{bus},id=balloon"]


def test_every_device(tiny, tmp_path, machine):
    for name in ("first", "second", "third"):
        (tmp_path / name).mkdir()
    vm = tiny("c", *all_devices(machine, tmp_path / "first"), machine=machine)
    vm.console.wait_for(r"count 3\b")
    save(vm.qmp(), tmp_path / "template")
    vm.wait_exit(0.2)
    count = last_count(vm.console.text)
    clone = tiny("c", *all_devices(machine, tmp_path / "second"), "-incoming", f"file:{tmp_path}/template", machine=machine)
    clone.console.wait_for(rf"count {count + 3}\b")
    words = all_devices(machine, tmp_path / "third")
    for old, new, why in (("52:54:00:00:00:01", "52:54:00:00:00:02", "'mac' is '52:54:00:00:00:01' there"),
                          ("serial=one", "serial=two", "'serial' is 'one' there and 'two' here"),
                          ("num-queues=2", "num-queues=1", "'num-queues' is '2' there")):
        changed = [word.replace(old, new) for word in words]
        assert why in refused(tiny, tmp_path / "template", *changed, machine=machine)
    if machine == "q35":
        changed = [word.replace("bus=rp1", "addr=0x9") for word in words]
        text = refused(tiny, tmp_path / "template", *changed, machine=machine)
        assert re.search(r"/machine/peripheral/plugged: '(bus|addr)' is '\S+' there and '\S+' here", text), text


def svctl(*args):
    return subprocess.run([BUILD / "svctl" / "svctl", *args], capture_output=True, text=True, check=False)


def test_svctl_shows_what_is_inside(tiny, tmp_path):
    vm = tiny("c")
    qmp = vm.qmp()
    for name in ("one", "two"):
        vm.console.wait_for(r"count \d+")
        save(qmp, tmp_path / name)
        qmp.execute("cont")
    shown = svctl("snapshot", "show", tmp_path / "one")
    assert shown.returncode == 0
    for line in (r"^description machine 'Sv\w+'$", r"^description memory-size '128\w*'$", r"^/machine/unattached/device\[0\] SvCpu 1 \(",
                 r"^/machine/accelerator SvKvm 1 \(", r"^description devices \('/machine/unattached/device\[0\]', 'SvCpu', "):
        assert re.search(line, shown.stdout, re.M), line
    as_json = json.loads(svctl("--json", "snapshot", "show", tmp_path / "one").stdout)
    assert as_json[0]["cpus"] == "1"
    different = svctl("snapshot", "diff", tmp_path / "one", tmp_path / "two").stdout
    assert re.search(r"^- /machine/unattached/device\[0\] SvCpu", different, re.M)
    assert re.search(r"^\+ description id '", different, re.M) and "memory-size" not in different
    assert svctl("snapshot", "diff", tmp_path / "one", tmp_path / "one").stdout == ""
    assert svctl("snapshot", "show", "a", "b").returncode == 2
    (tmp_path / "two" / "state").write_bytes(b"x")
    bad = svctl("snapshot", "show", tmp_path / "two")
    assert bad.returncode == 1 and "no state of a VM" in bad.stderr


def test_memory_of_a_host_node(tiny, tmp_path):
    """The policy cannot be said again once the filter is there: that is known before anything changes."""
    memory = ["-object", "memory-backend-ram,id=m,size=128M,host-nodes=0,policy=bind"]
    machine = "microvm,memory-backend=m"
    vm = tiny("c", *memory, machine=machine)
    vm.console.wait_for(r"count 3\b")
    qmp = vm.qmp()
    qmp.execute("stop")
    save(qmp, tmp_path / "snapshot")
    count = last_count(vm.console.text)
    vm = tiny("c", *memory, "-incoming", "defer", machine=machine)
    qmp = vm.qmp()
    with pytest.raises(QmpError, match="memory backend 'm': cannot bind memory.*-incoming file:PATH"):
        qmp.execute("migrate-incoming", {"uri": f"file:{tmp_path / 'snapshot'}"})
    assert qmp.execute("query-status")["status"] == "inmigrate"
    vm = tiny("c", *memory, "-incoming", f"file:{tmp_path / 'snapshot'}", machine=machine)
    vm.console.wait_for(rf"count {count + 5}\b")
