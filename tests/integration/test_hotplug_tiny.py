# SPDX-License-Identifier: LGPL-2.1-or-later
"""Hotplug with guests that do nothing but answer; what it leaves behind in the VMM."""

from pathlib import Path

SECTORS = 8


def make_disk(folder, name, text):
    path = folder / name
    path.write_bytes(text.encode().ljust(SECTORS * 512, b"\0"))
    return path


def add_disk(qmp, name, path, **how):
    qmp.execute("blockdev-add", {"node-name": name, "file": {"driver": "file", "filename": str(path)}})
    qmp.execute("device_add", {"id": name, "driver": "virtio-blk-mmio", **how})


def remove_disk(qmp, name):
    """Nothing else is told to be gone: placeholders and their transports are the machine's own."""
    qmp.execute("device_del", {"id": name})
    event = qmp.wait_event("DEVICE_DELETED")
    assert event["data"] == {"device": name, "path": f"/machine/peripheral/{name}"}
    qmp.execute("blockdev-del", {"node-name": name})


def usage(vm):
    proc = Path(f"/proc/{vm.pid}")
    rss = next(line for line in (proc / "status").read_text().splitlines() if line.startswith("RssAnon"))
    return (len(list((proc / "fd").iterdir())), len(list((proc / "task").iterdir())), int(rss.split()[1]))


def test_a_slot_is_used_1000_times(tiny, disk_dir):
    vm = tiny("g")
    vm.console.wait_for("answering")
    qmp = vm.qmp()
    path = make_disk(disk_dir, "disk", "DISK")
    for _ in range(20):
        add_disk(qmp, "drive-0", path, addr="0x1")
        remove_disk(qmp, "drive-0")
    before = usage(vm)
    for _ in range(1000):
        add_disk(qmp, "drive-0", path, addr="0x1")
        remove_disk(qmp, "drive-0")
    after = usage(vm)
    assert after[:2] == before[:2]
    assert after[2] - before[2] < 256, f"{before[2]} KiB became {after[2]} KiB"


def test_driver_of_a_placeholder(tiny, disk_dir):
    """A kernel that reads virtio_mmio.device= words: its driver is handed over to each disk in turn."""
    vm = tiny("v")
    vm.console.wait_for(r"started with status 15\s")
    qmp = vm.qmp()
    assert qmp.execute("query-block") == []
    before = None
    for i in range(100):
        text = f"DISK-{i:03}"
        add_disk(qmp, "drive-0", make_disk(disk_dir, "disk", text), addr="0x0")
        vm.console.wait_for(rf"capacity {SECTORS}\s+status 0 data {text}\s")
        remove_disk(qmp, "drive-0")
        vm.console.wait_for(r"capacity 0\s")
        before = before or usage(vm)
    after = usage(vm)
    assert after[:2] == before[:2]
    assert after[2] - before[2] < 256

    # After a reset the slot belongs to the disk that is there, and its driver gets nothing back.
    add_disk(qmp, "drive-1", make_disk(disk_dir, "disk", "AGAIN"), addr="0x0", serial="number")
    vm.console.wait_for(r"data AGAIN\s")
    qmp.execute("system_reset")
    vm.console.wait_for(r"started with status 15\s")
    remove_disk(qmp, "drive-1")
    vm.console.wait_for(r"capacity 0\s")


def test_refused_plug_gives_the_placeholder_back(tiny, disk_dir):
    vm = tiny("v")
    vm.console.wait_for(r"started with status 15\s")
    qmp = vm.qmp()
    path = make_disk(disk_dir, "disk", "DISK")
    qmp.execute("blockdev-add", {"node-name": "d", "file": {"driver": "file", "filename": str(path)}})
    qmp.send("device_add", {"driver": "virtio-blk-mmio", "id": "d", "addr": 0, "queue-size": 5})
    assert "queue-size" in qmp.reply()["error"]["desc"]
    vm.console.wait_for(r"capacity 0\s")
    qmp.execute("device_add", {"driver": "virtio-blk-mmio", "id": "d", "addr": 0})
    vm.console.wait_for(r"data DISK\s")


def test_disk_with_the_name_of_its_image(tiny, disk_dir):
    """As the documents have it: an id is the device's; the image is asked for by its path."""
    vm = tiny("c")
    qmp = vm.qmp()
    add_disk(qmp, "drive-0", make_disk(disk_dir, "disk", "DISK"), addr="0x1")
    assert qmp.execute("qom-get", {"path": "drive-0", "property": "type"}) == "virtio-blk-device"
    assert qmp.execute("qom-get", {"path": "/block/drive-0", "property": "type"}) == "blockdev-file"
    qmp.execute("qom-set", {"path": "drive-0", "property": "iops", "value": 7})
    assert qmp.execute("qom-get", {"path": "/block/drive-0", "property": "iops"}) == 7


def test_stopped_guest(tiny, disk_dir):
    """A disk that comes and goes while the VM is stopped is there, or gone, when it goes on."""
    vm = tiny("v")
    vm.console.wait_for(r"started with status 15\s")
    qmp = vm.qmp()
    qmp.execute("stop")
    add_disk(qmp, "drive-0", make_disk(disk_dir, "disk", "WHILE"), addr="0x0")
    qmp.execute("cont")
    vm.console.wait_for(rf"capacity {SECTORS}\s+status 0 data WHILE\s")
    qmp.execute("stop")
    remove_disk(qmp, "drive-0")
    qmp.execute("cont")
    vm.console.wait_for(r"capacity 0\s")


def test_guest_that_does_not_answer(tiny, disk_dir):
    vm = tiny("e")
    vm.console.wait_for("tiny pvh")
    qmp = vm.qmp()
    path = make_disk(disk_dir, "disk", "DISK")
    # It never looked, so nobody needs to be asked.
    add_disk(qmp, "drive-0", path)
    remove_disk(qmp, "drive-0")


def test_guest_that_keeps_a_disk(tiny, disk_dir):
    """_OST says why; the disk stays and works, and may be asked for again."""
    vm = tiny("b")
    vm.console.wait_for("answering")
    qmp = vm.qmp()
    add_disk(qmp, "drive-0", make_disk(disk_dir, "disk", "DISK"), addr="0x1")
    # It is asked only when it knows of the disk.
    vm.console.wait_for("looked")
    qmp.execute("device_del", {"id": "drive-0"})
    info = qmp.wait_event("ACPI_DEVICE_OST")["data"]["info"]
    assert (info["device"], info["slot-type"], info["source"], info["status"]) == (
        "drive-0", "virtio-mmio", 3, 0x82)
    assert qmp.wait_event("DEVICE_UNPLUG_GUEST_ERROR")["data"] == {
        "device": "drive-0", "path": "/machine/peripheral/drive-0"}
    assert len(qmp.execute("query-block")) == 1
    remove_disk(qmp, "drive-0")
    assert qmp.execute("query-block") == []
