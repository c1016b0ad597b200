# SPDX-License-Identifier: LGPL-2.1-or-later
"""Processors of the x86 machines as Debian's kernel sees them: topology, features, plugging and unplugging."""

import re

import pytest

pytestmark = pytest.mark.linux

TOPOLOGY = """
cd /sys/devices/system/cpu
for c in cpu[0-9]*; do
  t=$c/topology
  echo "at $c $(cat $t/physical_package_id) $(cat $t/die_id) $(cat $t/thread_siblings_list)" \
    "$(cat $t/die_cpus_list) $(cat $t/package_cpus_list)"
done
echo "possible $(cat possible) online $(cat online)"
grep -m 1 ^flags /proc/cpuinfo
dmesg | grep -iE 'firmware bug|acpi (bios )?(error|warning|exception)|APIC id mismatch|mismatch' | sed 's/^/complaint /'
poweroff -f
"""


@pytest.mark.parametrize("machine", ["q35", "microvm"])
def test_topology(linux, machine):
    vm = linux("-smp", "8,sockets=1,dies=2,cores=2,threads=2", "-cpu", "host,-sse4a,pmu=off", machine=machine,
               script=TOPOLOGY)
    assert vm.wait(60) == 0
    text = vm.console.text
    for cpu in range(8):
        core, die = cpu & ~1, cpu & ~3
        assert f"at cpu{cpu} 0 {cpu // 4} {core}-{core + 1} {die}-{die + 3} 0-7\n" in text
    flags = text.split("flags")[1].split("\n")[0].split()
    assert "hypervisor" in flags and "sse2" in flags and "sse4a" not in flags
    assert "complaint" not in text


def test_sockets(linux):
    """Three cores make APIC ids with gaps."""
    vm = linux("-smp", "6,sockets=2,cores=3", machine="q35", script=TOPOLOGY)
    assert vm.wait(60) == 0
    for cpu in range(6):
        first = cpu // 3 * 3
        assert f"at cpu{cpu} {cpu // 3} 0 {cpu} {first}-{first + 2} {first}-{first + 2}\n" in vm.console.text
    assert "complaint" not in vm.console.text


def places(qmp):
    """Socket and core of each place; those that are taken, and those that are free."""
    taken, free = [], []
    for entry in qmp.execute("query-hotpluggable-cpus"):
        assert entry["type"] == "host-x86-cpu" and entry["vcpus-count"] == 1
        props = entry["props"]
        (taken if "qom-path" in entry else free).append((props["socket-id"], props["core-id"]))
    return taken, free


@pytest.mark.parametrize("machine", ["q35", "microvm"])
def test_plug_and_unplug(linux, machine):
    vm = linux("-smp", "2,maxcpus=6,sockets=3,cores=2", machine=machine)
    qmp = vm.qmp()
    vm.console.wait_for("GUEST READY", 60)
    run = vm.console
    vm.send("cat /sys/devices/system/cpu/possible\n")
    run.wait_for(r"^0-5\r?$", 40)
    assert places(qmp) == ([(0, 0), (0, 1)], [(1, 0), (1, 1), (2, 0), (2, 1)])

    for turn in range(2):
        qmp.execute("device_add", {"driver": "host-x86-cpu", "id": "cpu4", "socket-id": 2, "core-id": 0})
        assert places(qmp)[0] == [(0, 0), (0, 1), (2, 0)]
        assert [c["cpu-index"] for c in qmp.execute("query-cpus-fast")] == [0, 1, 4]
        # The kernel numbers processors as they come.
        vm.send("c=/sys/devices/system/cpu/cpu2; until [ -e $c/online ]; do usleep 10000; done; "
                "echo 1 > $c/online; grep -c ^processor /proc/cpuinfo; "
                f"echo turn {turn} package $(cat $c/topology/physical_package_id)\n")
        run.wait_for(rf"^3\r?\n(.*\n)*turn {turn} package 2\r?$", 60)
        qmp.execute("device_del", {"id": "cpu4"})
        event = qmp.wait_event("DEVICE_DELETED", timeout=60)
        assert event["data"] == {"device": "cpu4", "path": "/machine/peripheral/cpu4"}
        vm.send(f"echo left {turn} $(cat /sys/devices/system/cpu/online)\n")
        run.wait_for(rf"^left {turn} 0-1\r?$", 40)
    assert len(places(qmp)[0]) == 2

    # So does one that was there from the start, but for the boot processor.
    qmp.execute("device_del", {"id": "/machine/unattached/device[1]"})
    assert qmp.wait_event("DEVICE_DELETED", timeout=60)["data"] == {"path": "/machine/unattached/device[1]"}
    vm.send("echo alone $(cat /sys/devices/system/cpu/online)\n")
    run.wait_for(r"^alone 0\r?$", 40)

    # After a reset a processor that was plugged in is there from the start.
    qmp.execute("device_add", {"driver": "host-x86-cpu", "id": "cpu5", "socket-id": 2, "core-id": 1})
    qmp.execute("system_reset")
    run.wait_for("GUEST READY", 60)
    vm.send("echo online $(cat /sys/devices/system/cpu/online)\n")
    run.wait_for(r"^online 0-1\r?$", 40)
    vm.send("dmesg | grep -iE 'acpi (bios )?(error|warning|exception)|BUG:' | sed 's/^/complaint /'; echo checked\n")
    run.wait_for(r"^checked\r?$", 40)
    assert "complaint [" not in run.text
    vm.send("poweroff -f\n")
    assert vm.wait(40) == 0


NUMA = """
cd /sys/devices/system/node
for n in node[0-9]*; do
  echo "at $n cpus $(cat $n/cpulist) far $(cat $n/distance) kb $(grep MemTotal $n/meminfo | tr -s ' ' | cut -d ' ' -f 4)"
done
dmesg | grep -E 'NUMA|SRAT'
dmesg | grep -iE 'firmware bug|acpi (bios )?(error|warning|exception)|SRAT not used' | sed 's/^/complaint /'
poweroff -f
"""


@pytest.mark.parametrize("machine", ["q35", "microvm"])
def test_numa(linux, machine):
    """RAM of the second node lies on both sides of the hole below 4 GiB."""
    vm = linux("-smp", "4,sockets=2,cores=2", "-object", "memory-backend-ram,id=m0,size=1G", "-object",
               "memory-backend-memfd,id=m1,size=3G,share=on", "-numa", "node,nodeid=0,cpus=0,cpus=3,memdev=m0",
               "-numa", "node,nodeid=1,cpus=1-2,memdev=m1", "-numa", "dist,src=0,dst=1,val=33",
               machine=machine, memory="4G", script=NUMA)
    assert vm.wait(60) == 0
    text = vm.console.text
    found = dict(re.findall(r"^at node(\d) cpus (\S+ far \S+ \S+) kb", text, re.M))
    assert found == {"0": "0,3 far 10 33", "1": "1-2 far 33 10"}
    sizes = [int(kb) for kb in re.findall(r" kb (\d+)$", text, re.M)]
    assert 0.8 * (1 << 20) < sizes[0] <= 1 << 20 and 2.8 * (1 << 20) < sizes[1] <= 3 << 20
    assert "complaint" not in text
