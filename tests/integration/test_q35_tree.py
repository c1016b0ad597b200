# SPDX-License-Identifier: LGPL-2.1-or-later
"""The object tree of the standard machine: buses, ports and what is in them, at their paths."""

import subprocess

import pytest
import testaccel
from qmpclient import QmpError
from testaccel import QTest
from vm import TOP

PORTS = ("-device", "pcie-root-port,id=rp1,addr=0x2,chassis=1", "-device", "pcie-root-port,id=rp2,addr=0x3,chassis=2")


@pytest.fixture
def start(launch, tmp_path):
    def start(*args, **kwargs):
        return testaccel.start(launch, tmp_path / "test.socket", QTest, *args, **kwargs)
    return start


def entries(qmp, path):
    return {entry["name"]: entry["type"] for entry in qmp.execute("qom-list", {"path": path})}


def test_paths_lead_through_buses(start):
    qmp = start(*PORTS, "-device", "virtio-rng-pci,id=rng0,bus=rp1", "-device", "virtio-serial-pci,id=vs", "-chardev",
                "null,id=c0", "-device", "virtserialport,chardev=c0,id=p0,bus=vs.0").qmp()
    assert entries(qmp, "/machine")["pcie.0"] == "child<pci-bus>"
    root = entries(qmp, "/machine/pcie.0")
    assert root["rp1"] == root["rp2"] == "link<pcie-root-port>"
    assert root["vs"] == "link<virtio-serial-pci>"
    assert sorted(kind for kind in root.values() if "<" in kind) == [
        "link<ICH9-LPC>", "link<pcie-root-port>", "link<pcie-root-port>", "link<q35-mch>", "link<virtio-serial-pci>"]
    assert entries(qmp, "/machine/pcie.0/rp1")["rp1"] == "child<pci-bus>"
    assert entries(qmp, "/machine/pcie.0/rp1/rp1")["rng0"] == "link<virtio-rng-pci>"
    assert qmp.execute("qom-get", {"path": "/machine/pcie.0", "property": "rp1"}) == "/machine/peripheral/rp1"
    for path in ("/machine/pcie.0/rp1/rp1/rng0", "/machine/peripheral/rp1/rp1/rng0", "/machine/peripheral/rng0"):
        assert qmp.execute("qom-get", {"path": path, "property": "addr"}) == "00.0"
        assert entries(qmp, path)["virtio-backend"] == "child<virtio-rng-device>"
    assert entries(qmp, "/machine/pcie.0/vs/virtio-backend")["vs.0"] == "child<virtio-serial-bus>"
    assert entries(qmp, "/machine/pcie.0/vs/virtio-backend/vs.0")["p0"] == "link<virtserialport>"


def test_devices_come_and_go_at_their_paths(start):
    """A bus by its port's id, by its path, by its bus' path; a device by each of its paths."""
    vm = start(*PORTS)
    qmp = vm.qmp()
    for bus, path in (("rp1", "/machine/peripheral/new"), ("/machine/pcie.0/rp2/rp2", "/machine/pcie.0/rp2/rp2/new"),
                      ("/machine/pcie.0/rp1", "/machine/peripheral/rp1/rp1/new")):
        qmp.execute("device_add", {"driver": "virtio-rng-pci", "id": "new", "bus": bus, "addr": "0x0"})
        port = "rp2" if "rp2" in bus else "rp1"
        assert "new" in entries(qmp, f"/machine/pcie.0/{port}/{port}")
        slot = testaccel.Function(vm.test, 3 if port == "rp2" else 2)
        at = slot.capability(testaccel.CAP_EXPRESS)
        slot.put(at + 0x18, 0x100)
        qmp.execute("device_del", {"id": path})
        slot.put(at + 0x18, 0x700)
        assert qmp.wait_event("DEVICE_DELETED")["data"] == {"device": "new", "path": "/machine/peripheral/new"}
        assert "new" not in entries(qmp, f"/machine/pcie.0/{port}/{port}")
        with pytest.raises(QmpError):
            entries(qmp, path)


def test_qmp_knows_no_kinds_of_devices():
    """Commands find what they look for by base classes and the tree."""
    found = subprocess.run(["grep", "-nE", '"(virtio-(blk|net|serial|rng)|vhost|pcie|isa|acpi|vfio)', "-r", "qmp",
                            "--include=*.c"], cwd=TOP, capture_output=True, text=True)
    assert found.stdout == ""
