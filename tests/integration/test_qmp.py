# SPDX-License-Identifier: LGPL-2.1-or-later
"""The monitor from outside: framing, clients, validation, commands, the object tree."""

import json
import os
import socket

import pytest

from qmpclient import QmpClient, QmpClosed, QmpError

COMMANDS = """qmp_capabilities query-version query-commands query-qmp-schema query-status query-cpus
query-cpus-fast query-hotpluggable-cpus stop cont quit system_reset system_powerdown query-kvm
query-chardev query-block query-blockstats query-iothreads qom-list qom-get qom-set qom-list-types
qom-list-properties device-list-properties getfd""".split()


def error_of(client, command, arguments=None):
    with pytest.raises(QmpError) as caught:
        client.execute(command, arguments)
    return caught.value


def test_greeting_and_capabilities(tiny):
    vm = tiny("c")
    client = vm.qmp()
    greeting = client.greeting["QMP"]
    assert set(greeting) == {"version", "capabilities"}
    assert set(greeting["version"]["qemu"]) == {"major", "minor", "micro"}
    assert isinstance(greeting["capabilities"], list)
    # Without negotiation first ...
    assert client.execute("query-status")["running"] is True
    # ... and with it.
    assert client.execute("qmp_capabilities") == {}
    assert client.execute("query-status")["running"] is True


def test_commands_are_all_there(tiny):
    client = tiny("c").qmp()
    told = {entry["name"] for entry in client.execute("query-commands")}
    assert told >= set(COMMANDS)
    schema = client.execute("query-qmp-schema")
    described = {entry["name"] for entry in schema if entry["meta-type"] == "command"}
    assert described == told
    events = {entry["name"] for entry in schema if entry["meta-type"] == "event"}
    assert events >= {"STOP", "RESUME", "RESET", "SHUTDOWN", "POWERDOWN"}
    # Every type that is referred to is in the schema.
    names = {entry["name"] for entry in schema}
    for entry in schema:
        for key in ("arg-type", "ret-type", "element-type"):
            if key in entry:
                assert entry[key] in names
        for member in entry.get("members", []):
            if isinstance(member, dict) and "type" in member:
                assert member["type"] in names


def test_ids_and_framing(tiny):
    client = tiny("c").qmp()
    for ident in (1, "text", None, [1, {"a": 2}], {"deep": [True]}):
        client.send_raw(json.dumps({"execute": "query-kvm", "id": ident}).encode() + b"\n")
        assert client.reply() == {"return": {"enabled": True, "present": True}, "id": ident}
    client.send_raw(b'{"execute":"query-kvm"}\r\n')
    assert "id" not in client.reply()
    # Several in one packet, then one in many.
    client.send_raw(b'{"execute":"query-kvm","id":1}\n{"execute":"query-kvm","id":2}\r\n')
    assert [client.reply()["id"], client.reply()["id"]] == [1, 2]
    for byte in b' {"execute" : "query-kvm", "id":"slow"} \n':
        client.send_raw(bytes([byte]))
    assert client.reply()["id"] == "slow"


@pytest.mark.parametrize("text", [
    b"]", b"{]}\n", b"nonsense\n", b'{"execute": "query-status",}}\n', b'"text"\n', b"[1,2]\n",
    b"12\n", b"null\n", b"{}\n", b'{"execute": 1}\n', b'{"execute": "query-status", "extra": 1}\n',
    b'{"execute": "query-status", "arguments": []}\n', b'{"id": 4}\n', b"\xff\xfe{}\n",
    b'{"execute": "query-status\xff"}\n', b"{'execute': 'query-status'\x00}\n",
    b"[" * 5000 + b"]" * 5000 + b"\n", b'{"a":' * 3000 + b"1" + b"}" * 3000 + b"\n",
    # Values that do not end are ended by a byte that no UTF-8 text has, as in QEMU.
    b"{\xff", b'{"execute": "query-st\xff', b"[[[\xff"],
    ids=lambda text: repr(text)[2:40])
def test_malformed_input(tiny, text):
    """Each gets an error, and the connection and the VM go on."""
    vm = tiny("c")
    client = vm.qmp()
    client.send_raw(text)
    client.send_raw(b'\n{"execute":"query-status","id":"after"}\n')
    replies = [client.reply()]
    while replies[-1].get("id") != "after":
        replies.append(client.reply())
    assert len(replies) > 1
    for reply in replies[:-1]:
        assert reply["error"]["class"] == "GenericError"
        assert reply["error"]["desc"]
    assert replies[-1]["return"]["status"] == "running"
    assert vm.process.poll() is None


def test_wrong_commands_and_arguments(tiny):
    vm = tiny("c")
    client = vm.qmp()
    unknown = error_of(client, "no-such-command")
    assert unknown.error_class == "CommandNotFound"
    assert "no-such-command" in unknown.desc
    for command, arguments, named in [
            ("qom-list", None, "path"), ("qom-list", {}, "path"), ("qom-list", {"path": 1}, "path"),
            ("qom-list", {"path": None}, "path"), ("qom-get", {"path": "/machine"}, "property"),
            ("qom-list", {"path": "/", "other": 1}, "other"), ("query-status", {"x": 1}, "x"),
            ("qom-set", {"path": "/machine", "property": "name"}, "value"),
            ("qom-list-types", {"abstract": "yes"}, "abstract"),
            ("qmp_capabilities", {"enable": ["no-such"]}, "enable")]:
        error = error_of(client, command, arguments)
        assert error.error_class == "GenericError", (command, arguments)
        assert named in error.desc, (command, arguments, error.desc)
    assert client.execute("query-status")["status"] == "running"


def test_very_long_line_ends_only_its_client(tiny):
    vm = tiny("c")
    loud, calm = vm.qmp(), vm.qmp()
    try:
        for _ in range(1200):
            loud.send_raw(b'"' + b"x" * 131072)
        loud.at_end()
    except (BrokenPipeError, ConnectionResetError, AssertionError, QmpClosed, TimeoutError):
        pass
    assert calm.execute("query-status")["status"] == "running"
    with open(f"/proc/{vm.pid}/status", encoding="ascii") as status:
        peak = [line for line in status if line.startswith("VmRSS")][0].split()[1]
    assert int(peak) < 200 * 1024


def test_two_clients(tiny):
    """Both get events, replies go to who asked, and one may leave."""
    vm = tiny("c")
    first, second = vm.qmp(), vm.qmp()
    first.execute("qmp_capabilities")
    second.execute("qmp_capabilities")
    first.send("query-status", ident="f")
    second.send("query-kvm", ident="s")
    assert second.reply()["id"] == "s"
    assert first.reply()["id"] == "f"
    first.execute("stop")
    assert second.wait_event("STOP")["timestamp"].keys() == {"seconds", "microseconds"}
    assert second.execute("query-status")["status"] == "paused"
    first.close()
    assert second.execute("cont") == {}
    third = vm.qmp()
    assert third.execute("query-status")["status"] == "running"


def test_a_client_that_never_reads(tiny):
    """Its replies pile up nowhere for ever and hold up nobody."""
    vm = tiny("c")
    silent, other = vm.qmp(), vm.qmp()
    silent.sock.setblocking(False)
    try:
        for _ in range(3000):
            silent.sock.send(b'{"execute":"query-qmp-schema"}\n')
    except (BlockingIOError, BrokenPipeError, ConnectionResetError):
        pass
    assert other.execute("query-status")["status"] == "running"
    with open(f"/proc/{vm.pid}/status", encoding="ascii") as status:
        rss = [line for line in status if line.startswith("VmRSS")][0].split()[1]
    assert int(rss) < 400 * 1024


def test_quit_returns_then_tells(tiny):
    vm = tiny("c")
    client, other = vm.qmp(), vm.qmp()
    client.send("quit", ident="q")
    messages = client.at_end()
    kinds = ["return" if "return" in m else m["event"] for m in messages]
    assert kinds.index("return") < kinds.index("SHUTDOWN")
    event = [m for m in messages if m.get("event") == "SHUTDOWN"][0]
    assert event["data"] == {"guest": False, "reason": "host-qmp-quit"}
    assert "SHUTDOWN" in [m.get("event") for m in other.at_end()]
    assert vm.wait() == 0
    assert not os.path.exists(vm.qmp_path)


def test_stop_and_cont_twice(tiny):
    client = tiny("c").qmp()
    for _ in range(2):
        assert client.execute("stop") == {}
    assert client.execute("query-status") == {"status": "paused", "singlestep": False,
                                              "running": False}
    for _ in range(2):
        assert client.execute("cont") == {}
    assert client.execute("query-status")["running"] is True
    names = [event["event"] for event in client.events]
    assert names == ["STOP", "RESUME"]


def test_version(tiny):
    version = tiny("c").qmp().execute("query-version")
    assert set(version["qemu"]) == {"major", "minor", "micro"}
    assert isinstance(version["package"], str)


def test_cpus(tiny):
    vm = tiny("c", "-smp", "3")
    client = vm.qmp()
    fast = client.execute("query-cpus-fast")
    assert [cpu["cpu-index"] for cpu in fast] == [0, 1, 2]
    paths = [cpu["qom-path"] for cpu in fast]
    threads = os.listdir(f"/proc/{vm.pid}/task")
    for cpu in fast:
        assert str(cpu["thread-id"]) in threads
        assert client.execute("qom-list", {"path": cpu["qom-path"]})
    hotpluggable = client.execute("query-hotpluggable-cpus")
    assert sorted(entry["qom-path"] for entry in hotpluggable) == sorted(paths)
    for entry in hotpluggable:
        assert entry["vcpus-count"] == 1 and "props" in entry and entry["type"]
    slow = client.execute("query-cpus")
    assert [cpu["CPU"] for cpu in slow] == [0, 1, 2]
    assert all(path.startswith("/machine/unattached/device[") for path in paths)


def test_devices_of_a_full_command_line(tiny, tmp_path):
    disk = tmp_path / "disk"
    disk.write_bytes(b"\0" * 1048576)
    vm = tiny("c", "-object", "iothread,id=io7", "-drive", f"file={disk},id=dr,if=none,readonly=on",
              "-device", "virtio-blk-device,drive=dr,id=blk7,iothread=io7", "-drive",
              f"file={disk},id=spare,if=none,readonly=on", "-chardev",
              "null,id=nothing")
    client = vm.qmp()
    chardevs = {entry["label"]: entry for entry in client.execute("query-chardev")}
    assert "nothing" in chardevs
    assert all({"label", "filename", "frontend-open"} <= set(entry) for entry in chardevs.values())
    threads = client.execute("query-iothreads")
    assert [entry["id"] for entry in threads] == ["io7"]
    assert str(threads[0]["thread-id"]) in os.listdir(f"/proc/{vm.pid}/task")
    client.execute("blockdev-add", {"driver": "file", "node-name": "node", "filename": str(disk), "read-only": True})
    client.execute("device_add", {"driver": "virtio-blk-mmio", "id": "plugged", "drive": "node"})
    blocks = {entry["device"]: entry for entry in client.execute("query-block")}
    # A -drive is known by its id, with a device or without; a node by its name alone.
    assert set(blocks) == {"dr", "spare", ""}
    assert "qdev" not in blocks["spare"] and blocks["spare"]["inserted"]["node-name"] == "spare"
    assert blocks[""]["qdev"] == "/machine/peripheral/plugged"
    block = blocks["dr"]
    assert block["qdev"] == "/machine/peripheral/blk7"
    assert block["inserted"]["file"] == str(disk)
    assert block["inserted"]["ro"] is True
    stats = client.execute("query-blockstats")
    assert {entry["device"] for entry in stats if "stats" in entry} == {"dr", "spare", ""}
    children = client.execute("qom-list", {"path": "/machine/peripheral"})
    assert "blk7" in [child["name"] for child in children]
    assert client.execute("qom-get", {"path": "/machine/peripheral/blk7",
                                      "property": "iothread"}) == "/objects/io7"


def walk(client, path, found):
    for entry in client.execute("qom-list", {"path": path}):
        if entry["type"].startswith("child<"):
            below = path.rstrip("/") + "/" + entry["name"]
            found.append(below)
            walk(client, below, found)
    return found


def test_every_object_and_property_can_be_read(tiny, tmp_path):
    disk = tmp_path / "disk"
    disk.write_bytes(b"\0" * 1048576)
    vm = tiny("c", "-smp", "2", "-drive", f"file={disk},id=dr,if=none", "-device",
              "virtio-blk-device,drive=dr,id=blk0")
    client = vm.qmp()
    paths = walk(client, "/", [])
    for wanted in ("/machine", "/machine/peripheral", "/machine/peripheral-anon",
                   "/machine/unattached", "/machine/peripheral/blk0", "/objects", "/chardevs"):
        assert wanted in paths
    read = 0
    for path in paths:
        for entry in client.execute("qom-list", {"path": path}):
            if not entry["type"].startswith("child<"):
                client.execute("qom-get", {"path": path, "property": entry["name"]})
                read += 1
    assert read > 20


def test_qom_errors_and_partial_paths(tiny, tmp_path):
    disk = tmp_path / "disk"
    disk.write_bytes(b"\0" * 1048576)
    client = tiny("c", "-drive", f"file={disk},id=dr,if=none", "-device",
                  "virtio-blk-device,drive=dr,id=blk0").qmp()
    full = client.execute("qom-list", {"path": "/machine/peripheral/blk0"})
    assert client.execute("qom-list", {"path": "blk0"}) == full
    assert error_of(client, "qom-list", {"path": "/nowhere"}).error_class == "DeviceNotFound"
    assert error_of(client, "qom-get", {"path": "/nowhere", "property": "x"}).error_class \
        == "DeviceNotFound"
    assert "no-such" in error_of(client, "qom-get", {"path": "/machine", "property": "no-such"}).desc
    refused = error_of(client, "qom-set", {"path": "/machine/peripheral/blk0", "property": "drive",
                                           "value": "other"})
    assert "drive" in refused.desc
    assert client.execute("query-status")["status"] == "running"


def test_types_and_their_properties(tiny):
    client = tiny("c").qmp()
    types = client.execute("qom-list-types")
    names = [entry["name"] for entry in types]
    assert len(names) == len(set(names))
    assert {"virtio-blk-device", "microvm-machine", "iothread"} <= set(names)
    devices = [entry["name"] for entry in client.execute("qom-list-types", {"implements": "device"})]
    assert "virtio-blk-device" in devices and "iothread" not in devices
    for name in names:
        for entry in client.execute("qom-list-properties", {"typename": name}):
            assert entry["name"] and entry["type"]
    listed = client.execute("device-list-properties", {"typename": "virtio-blk-device"})
    listed = {entry["name"]: entry for entry in listed}
    assert {"drive", "serial", "num-queues", "iothread"} <= set(listed)
    assert listed["num-queues"]["description"]
    unknown = error_of(client, "device-list-properties", {"typename": "no-such-device"})
    assert "no-such-device" in unknown.desc


def test_powerdown_event(tiny):
    client = tiny("c").qmp()
    assert client.execute("system_powerdown") == {}
    assert client.wait_event("POWERDOWN")


def test_getfd_takes_a_descriptor(tiny, tmp_path):
    vm = tiny("c")
    client = vm.qmp()

    def kept():
        return [os.readlink(f"/proc/{vm.pid}/fd/{fd}") for fd in os.listdir(f"/proc/{vm.pid}/fd")]
    path = tmp_path / "passed"
    path.write_text("x")
    with open(path, encoding="ascii") as stream:
        assert client.execute("getfd", {"fdname": "one"}, fds=[stream.fileno()]) == {}
        assert kept().count(str(path)) == 1
        # The same name again replaces it.
        client.execute("getfd", {"fdname": "one"}, fds=[stream.fileno()])
        assert kept().count(str(path)) == 1
    # What a client sent goes with it, unless it was named.
    client.send_raw(b" ", fds=[os.open(path, os.O_RDONLY)])
    client.execute("query-status")
    client.close()
    other = vm.qmp()
    other.execute("query-status")
    assert kept().count(str(path)) == 1
    client = other
    error = error_of(client, "getfd", {"fdname": "two"})
    assert error.error_class == "GenericError" and error.desc


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_monitor_on_tcp(tiny):
    port = free_port()
    vm = tiny("c", "-qmp", f"tcp:127.0.0.1:{port},server,nowait", qmp=False)
    client = vm.connect(lambda: QmpClient.connect(("127.0.0.1", port)))
    assert client.execute("query-status")["status"] == "running"


def test_monitor_on_a_chardev(tiny, tmp_path):
    path = str(tmp_path / "mon")
    vm = tiny("c", "-chardev", f"socket,id=m,path={path},server=on,wait=off", "-mon",
              "chardev=m,mode=control", qmp=False)
    vm.qmp_path = path
    assert vm.qmp().execute("query-status")["status"] == "running"


def test_monitor_on_an_inherited_listening_socket(tiny, tmp_path):
    path = str(tmp_path / "mon")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(4)
        vm = tiny("c", "-chardev", f"socket,id=m,fd={listener.fileno()},server=on,wait=off", "-mon",
                  "chardev=m,mode=control", qmp=False, pass_fds=[listener.fileno()])
    vm.qmp_path = path
    first, second = vm.qmp(), vm.qmp()
    assert first.execute("query-status")["status"] == "running"
    assert second.execute("query-status")["status"] == "running"


def test_several_monitors(tiny, tmp_path):
    paths = [str(tmp_path / name) for name in "ab"]
    args = [word for path in paths for word in ("-qmp", f"unix:{path},server,nowait")]
    vm = tiny("c", *args, qmp=False)
    for path in paths:
        vm.qmp_path = path
        assert vm.qmp().execute("query-status")["status"] == "running"


def test_wait_for_a_client_before_the_guest_starts(tiny, tmp_path):
    """Without nowait the guest starts when somebody has connected."""
    path = str(tmp_path / "q")
    vm = tiny("h", "-qmp", f"unix:{path},server", qmp=False)
    vm.qmp_path = path
    assert not vm.wait_exit(0.3)
    assert vm.console.text == ""
    vm.qmp()
    vm.console.wait_for("hello")


def test_at_most_8_iothreads(launch):
    """Also of those that come later."""
    vm = launch("-iothread", "id=io0", machine="none", memory=None, serial=None)
    qmp = vm.qmp()
    for n in range(1, 8):
        qmp.execute("object-add", {"qom-type": "iothread", "id": f"io{n}"})
    qmp.send("object-add", {"qom-type": "iothread", "id": "io8"})
    assert qmp.reply()["error"]["desc"] == "a VM has at most 8 iothreads"
    qmp.execute("object-del", {"id": "io3"})
    qmp.execute("object-add", {"qom-type": "iothread", "id": "io8"})
    assert len(qmp.execute("query-iothreads")) == 8
