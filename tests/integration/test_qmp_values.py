# SPDX-License-Identifier: LGPL-2.1-or-later
"""QMP: descriptors that clients hand over, options of the command line, types of values."""

import socket

import pytest

from qmpclient import QmpClient, QmpClosed, QmpError


@pytest.fixture
def qmp(launch):
    return launch(machine="none", memory=None, serial=None).qmp()


def test_descriptor_sets(qmp, tmp_path):
    """add-fd: what is in a set can be opened as /dev/fdset/N."""
    (tmp_path / "disk").write_bytes(bytes(1 << 20))
    (tmp_path / "other").write_bytes(bytes(1 << 20))
    with pytest.raises(QmpError, match="No file descriptor supplied"):
        qmp.execute("add-fd")
    with pytest.raises(QmpError, match="'fdset-id' expects a number from 0"):
        qmp.execute("add-fd", {"fdset-id": -1})
    with open(tmp_path / "disk", "r+b") as disk, open(tmp_path / "other", "rb") as readonly:
        first = qmp.execute("add-fd", {"opaque": "mine"}, fds=[disk.fileno()])
        assert first["fdset-id"] == 0
        second = qmp.execute("add-fd", {"fdset-id": 7}, fds=[readonly.fileno()])
        third = qmp.execute("add-fd", fds=[disk.fileno()])
        assert third["fdset-id"] == 1
    assert qmp.execute("query-fdsets") == [
        {"fdset-id": 0, "fds": [{"fd": first["fd"], "opaque": "mine"}]},
        {"fdset-id": 7, "fds": [{"fd": second["fd"]}]},
        {"fdset-id": 1, "fds": [{"fd": third["fd"]}]}]
    qmp.execute("blockdev-add", {"driver": "file", "node-name": "d0", "filename": "/dev/fdset/0"})
    qmp.execute("blockdev-add", {"driver": "file", "node-name": "d7", "filename": "/dev/fdset/7",
                                 "read-only": True})
    with pytest.raises(QmpError, match="/dev/fdset/9"):
        qmp.execute("blockdev-add", {"driver": "file", "node-name": "d9", "filename": "/dev/fdset/9"})
    qmp.execute("remove-fd", {"fdset-id": 0, "fd": first["fd"]})
    qmp.execute("remove-fd", {"fdset-id": 7})
    with pytest.raises(QmpError, match="'fdset-id:7' not found"):
        qmp.execute("remove-fd", {"fdset-id": 7})
    with pytest.raises(QmpError, match="'fdset-id:1, fd:12345' not found"):
        qmp.execute("remove-fd", {"fdset-id": 1, "fd": 12345})
    qmp.execute("blockdev-del", {"node-name": "d0"})


def test_options_of_the_command_line(qmp):
    options = {each["option"]: {par["name"]: par for par in each["parameters"]}
               for each in qmp.execute("query-command-line-options")}
    assert options["smp-opts"]["dies"] == {"name": "dies", "type": "number"}
    assert options["memory"]["size"]["type"] == "size"
    assert options["drive"]["readonly"]["type"] == "boolean"
    assert options["machine"]["dump-guest-core"]["type"] == "boolean"
    assert {"type", "append", "kernel"} <= set(options["machine"])
    # libvirt would take it for QEMU's.
    assert "sandbox" not in options
    assert [each["option"] for each in
            qmp.execute("query-command-line-options", {"option": "drive"})] == ["drive"]
    with pytest.raises(QmpError, match="invalid option name: 'nosuch'"):
        qmp.execute("query-command-line-options", {"option": "nosuch"})


@pytest.mark.parametrize("value, got", [("on", "'\"on\"'"), (1, "'1'"), (None, "'null'")])
def test_properties_have_json_types(qmp, value, got):
    with pytest.raises(QmpError) as caught:
        qmp.execute("qom-set", {"path": "/machine", "property": "no-reboot", "value": value})
    assert caught.value.desc == f"Parameter 'no-reboot' expects true or false, got {got}"
    qmp.execute("qom-set", {"path": "/machine", "property": "no-reboot", "value": True})
    assert qmp.execute("qom-get", {"path": "/machine", "property": "no-reboot"}) is True


def test_numbers_are_no_strings(qmp):
    qmp.execute("object-add", {"qom-type": "iothread", "id": "io"})
    with pytest.raises(QmpError) as caught:
        qmp.execute("qom-set", {"path": "/objects/io", "property": "poll-max-ns", "value": "7"})
    assert caught.value.desc.startswith("Parameter 'poll-max-ns' expects an integer from 0")


def test_numbers_beyond_64_bits(qmp):
    for number in (1 << 63, 1 << 64, -(1 << 70)):
        with pytest.raises(QmpError) as caught:
            qmp.execute("balloon", {"value": number})
        assert caught.value.desc == "Parameter 'value' expects an integer of 64 bits with a sign"


def test_brackets_without_end(qmp):
    qmp.send_raw(b"[" * 5000)
    assert qmp.reply()["error"]["desc"] == "JSON parse error, JSON nesting depth limit exceeded"
    qmp.send_raw(b"\r\n")
    assert qmp.execute("query-status")["status"] == "prelaunch"


def test_peer_that_does_not_answer(qmp):
    """A connection that is not accepted costs a second, not the kernel's minutes."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server:
        address = server.getsockname()
        data = {"addr": {"type": "inet", "data": {"host": address[0], "port": str(address[1])}},
                "server": False}
        waiting = []
        # The queue takes few; then nobody is answered.
        with pytest.raises(QmpError, match="Connection timed out"):
            for i in range(5):
                qmp.execute("chardev-add", {"id": f"c{i}", "backend": {"type": "socket", "data": data}})
                waiting.append(f"c{i}")
        for name in waiting:
            qmp.execute("chardev-remove", {"id": name})
        with pytest.raises(QmpError, match="'backend.data.connect-timeout' expects an integer from 1 to"):
            qmp.execute("chardev-add", {"id": "c", "backend": {
                "type": "socket", "data": {**data, "connect-timeout": 100000}}})
    with pytest.raises(QmpError, match="Connection refused"):
        qmp.execute("chardev-add", {"id": "c", "backend": {"type": "socket", "data": data}})


def test_too_many_clients_fill_no_log(launch):
    vm = launch(machine="none", memory=None, serial=None)
    clients = [vm.qmp() for _ in range(64)]
    for _ in range(200):
        with pytest.raises((QmpClosed, ConnectionResetError)):
            QmpClient.connect(vm.qmp_path)
    clients[0].execute("quit")
    assert vm.wait() == 0
    lines = vm.stderr.text.splitlines()
    assert "peer: QMP client turned away: there are 64 already" in lines[0]
    assert len(lines) < 100


def test_limits_have_an_older_word(tiny, tmp_path):
    (tmp_path / "disk").write_bytes(bytes(1 << 20))
    vm = tiny("c", "-drive", f"id=d0,file={tmp_path}/disk,iops=300,if=none", "-device",
              "virtio-blk-device,drive=d0,id=disk0")
    qmp = vm.qmp()

    def limits():
        return [qmp.execute("qom-get", {"path": path, "property": name})
                for path in ("/block/d0", "/machine/peripheral/disk0")
                for name in ("iops", "throttling.iops-total")]
    assert limits() == [300] * 4
    for path, name, value in (("/block/d0", "iops", 400), ("disk0", "iops", 500),
                              ("/block/d0", "throttling.iops-total", 600)):
        qmp.execute("qom-set", {"path": path, "property": name, "value": value})
        assert limits() == [value] * 4
    qmp.execute("block_set_io_throttle", {"id": "disk0", "bps": 0, "bps_rd": 0, "bps_wr": 0,
                                          "iops": 700, "iops_rd": 0, "iops_wr": 0})
    assert limits() == [700] * 4
    assert qmp.execute("query-block")[0]["inserted"]["iops"] == 700
    assert qmp.execute("query-block")[0]["io-status"] == "ok"
    with pytest.raises(QmpError, match="Parameter 'iops' expects an integer from 0 to 1000000"):
        qmp.execute("qom-set", {"path": "disk0", "property": "iops", "value": 1000001})


@pytest.mark.parametrize("machine, card", [("microvm", "virtio-net-device"), ("q35", "virtio-net-pci")])
def test_filter_of_a_card(tiny, machine, card):
    vm = tiny("c", "-netdev", "user,id=n0", "-device", f"{card},netdev=n0,id=net0,mac=52:54:00:00:00:07",
              machine=machine)
    qmp = vm.qmp()
    expected = {
        "name": "net0", "promiscuous": True, "broadcast-allowed": True, "multicast": "normal",
        "unicast": "normal", "vlan": "all", "unicast-overflow": False, "multicast-overflow": False,
        "main-mac": "52:54:00:00:00:07", "vlan-table": [], "unicast-table": [], "multicast-table": []}
    assert qmp.execute("query-rx-filter") == [expected]
    assert qmp.execute("query-rx-filter", {"name": "net0"}) == [expected]
    with pytest.raises(QmpError, match="'net1' is no network card"):
        qmp.execute("query-rx-filter", {"name": "net1"})


def test_one_iothread_too_many(qmp):
    for i in range(8):
        qmp.execute("object-add", {"qom-type": "iothread", "id": f"io{i}"})
    with pytest.raises(QmpError, match="a VM has at most 8 iothreads"):
        qmp.execute("object-add", {"qom-type": "iothread", "id": "io8"})
    qmp.execute("object-del", {"id": "io3"})
    qmp.execute("object-add", {"qom-type": "iothread", "id": "io8"})


def test_new_objects_have_json_types(qmp, tmp_path):
    for values, message in (({"size": "1M"}, "Parameter 'size' expects a size from 0B"),
                            ({"size": 1 << 20, "prealloc": "on"},
                             "Parameter 'prealloc' expects true or false, got '\"on\"'")):
        with pytest.raises(QmpError) as caught:
            qmp.execute("object-add", {"qom-type": "memory-backend-file", "id": "m",
                                       "mem-path": str(tmp_path / "ram"), **values})
        assert caught.value.desc.startswith(message)
    assert list(tmp_path.iterdir()) == []


def test_inherited_descriptors(launch, guests, tmp_path):
    """Kernel, initrd, memory, disk and output as descriptors of sets, also for a guest that starts anew."""
    (tmp_path / "disk").write_bytes(bytes(1 << 20))
    (tmp_path / "ram").touch()
    names = {1: (guests / "tiny-pvh.elf", "rb"), 2: (tmp_path / "disk", "r+b"),
             3: (tmp_path / "ram", "r+b"), 4: (tmp_path / "out", "wb")}
    files = {number: open(path, mode) for number, (path, mode) in names.items()}
    words = []
    for number, file in files.items():
        words += ["-add-fd", f"set={number},fd={file.fileno()}"]
    vm = launch(*words, "-kernel", "/dev/fdset/1", "-initrd", "/dev/fdset/1", "-append", "do=h",
                "-mem-path", "/dev/fdset/3", "-drive", "id=d0,file=/dev/fdset/2",
                "-chardev", "file,id=out,path=/dev/fdset/4,append=on",
                pass_fds=[file.fileno() for file in files.values()], machine="microvm,mem-share=on")
    for file in files.values():
        file.close()
    vm.console.wait_for("hello")
    qmp = vm.qmp()
    qmp.execute("system_reset")
    vm.console.wait_for("hello")
    assert (tmp_path / "ram").stat().st_size == 128 << 20
    assert [each["fdset-id"] for each in qmp.execute("query-fdsets")] == [1, 2, 3, 4]


@pytest.mark.parametrize("words, message", [
    (["-kernel", "/dev/fdset/9"], "kernel /dev/fdset/9: cannot open: No such file or directory"),
    (["-kernel", "/dev/fdset/2"], "kernel /dev/fdset/2: cannot open: Permission denied"),
    (["-mem-path", "/dev/fdset/9"], "cannot open '/dev/fdset/9'"),
    (["-drive", "id=d,file=/dev/fdset/2,readonly=on"], "cannot open '/dev/fdset/2': Permission denied"),
])
def test_descriptors_that_do_not_fit(launch, guests, tmp_path, words, message):
    kernel = [] if words[0] == "-kernel" else ["-kernel", guests / "tiny-pvh.elf"]
    with open(tmp_path / "file", "wb") as file:
        vm = launch(*kernel, "-add-fd", f"set=2,fd={file.fileno()}", *words, pass_fds=[file.fileno()],
                    qmp=False)
        assert vm.wait() == 1
    assert message in vm.stderr.text
