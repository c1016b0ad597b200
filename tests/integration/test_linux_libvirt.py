# SPDX-License-Identifier: LGPL-2.1-or-later
"""What virsh does with a domain takes the guest's co-operation: one boot of Debian's kernel, as libvirt starts it."""

# pylint: disable=unused-import,redefined-outer-name
import subprocess
import time

import pytest
from libvirtfixtures import SEED, SERIAL, console, events, host, shared_host, values  # noqa: F401
from vm import SCALE, STRATOVIRT, initrd_with

pytestmark = pytest.mark.linux
BOOT = 60
# Lines that it gets are commands. The power button ends it.
JOB = """
insmod /lib/modules/virtio_balloon.ko
for e in /sys/class/input/input*; do
  [ "$(cat $e/name)" = "Power Button" ] && dev=$(basename $e/event*)
done
(dd bs=24 count=1 of=/dev/null 2>/dev/null < /dev/input/$dev; echo pressed; poweroff -f) &
stty -echo
echo LISTENING
while read line; do eval "$line"; echo DONE; done
"""


@pytest.fixture
def domain(host, images, tmp_path, console):
    """StratoVirt's example, with vsock and vhost-net; returns its console once the guest listens."""
    subprocess.run(["modprobe", "-a", "tun", "vhost_net", "vhost_vsock"], check=True)
    (tmp_path / "rootfs").write_bytes(bytes(1 << 20))
    initrd = initrd_with(images, tmp_path / "initrd", JOB)
    text = SEED
    for old, new in (
            ("<vcpu>4</vcpu>", "<vcpu current='1'>2</vcpu>"),
            ("{guests}/tiny-pvh.elf</kernel>", f"{images.bzimage}</kernel><initrd>{initrd}</initrd>"),
            ("console=hvc0 root=/dev/vda reboot=k panic=1 rw do={do}", "console=ttyS0 quiet panic=-1"),
            ("    </devices>", "<vsock model='virtio'><cid auto='no' address='3'/><address type='pci' domain='0x000' bus='0x06' "
                               "slot='0x00' function='0x00'/></vsock><controller type='pci' model='pcie-root-port'/>"
                               "<controller type='pci' model='pcie-root-port'/>" + SERIAL + "</devices>")):
        assert old in text, old
        text = text.replace(old, new)
    path = tmp_path / "domain.xml"
    path.write_text(text.format(folder=tmp_path, emulator=STRATOVIRT))
    host.virsh("create", path)
    guest = console.guest()
    guest.wait_for("LISTENING", BOOT)
    return guest


def ask(guest, command, timeout=30):
    """Runs a command in the guest; returns what it printed."""
    guest.skip()
    guest.send(command + "\n")
    return guest.wait_for(r"(?s)(.*?)DONE", timeout)[1]


def until(probe, timeout=30):
    """Waits for a probe, which takes its time, to be true."""
    limit = time.monotonic() + timeout * SCALE
    while not (result := probe()):
        assert time.monotonic() < limit
    return result


def test_a_live_domain(host, domain, events, tmp_path):
    guest = domain
    host.virsh("dommemstat", "StratoVirt", "--period", "1", "--live")

    # A disk comes to a free root port and goes.
    (tmp_path / "more").write_bytes(bytes(3 << 20))
    host.virsh("attach-disk", "StratoVirt", tmp_path / "more", "vdb", "--targetbus", "virtio", "--live")
    until(lambda: "6144" in ask(guest, "cat /sys/block/vdb/size 2>&1"))
    host.virsh("detach-disk", "StratoVirt", "vdb", "--live")
    events.wait_for("'device-removed' for domain 'StratoVirt': virtio-disk1", 30)
    assert "vdb" not in host.virsh("domblklist", "StratoVirt")

    # So does a network card.
    host.virsh("attach-interface", "StratoVirt", "bridge", "qbr0", "--mac", "de:ad:be:ef:00:02", "--model", "virtio", "--live")
    until(lambda: "de:ad:be:ef:00:02" in ask(guest, "cat /sys/class/net/*/address"))
    host.virsh("detach-interface", "StratoVirt", "bridge", "--mac", "de:ad:be:ef:00:02", "--live")
    events.wait_for("'device-removed' for domain 'StratoVirt': net1", 30)

    # A processor comes.
    host.virsh("setvcpus", "StratoVirt", "2", "--live")
    until(lambda: "cpu1" in ask(guest, "ls /sys/devices/system/cpu"))
    assert "live           2" in host.virsh("vcpucount", "StratoVirt")

    # Threads are in libvirt's control groups; the balloon tells of the guest's memory.
    host.virsh("schedinfo", "StratoVirt", "--set", "vcpu_quota=50000", "--live")
    assert values(host.virsh("schedinfo", "StratoVirt"))["vcpu_quota"] == "50000"
    assert 0 < int(values(host.virsh("dommemstat", "StratoVirt"))["unused"]) < 262144

    host.virsh("shutdown", "StratoVirt", "--mode", "acpi")
    guest.wait_for("pressed", 30)
    events.wait_for("Stopped Shutdown", 30)
    assert "StratoVirt" not in host.virsh("list")
