# SPDX-License-Identifier: LGPL-2.1-or-later
"""QMP: descriptors that clients hand over, options of the command line, types of values."""

import pytest

from qmpclient import QmpError


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
