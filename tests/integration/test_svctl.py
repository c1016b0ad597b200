# SPDX-License-Identifier: LGPL-2.1-or-later
"""svctl from a shell's point of view."""

import json
import re
import select
import signal
import socket

import pytest

from svctlshell import Terminal, start, svctl  # noqa: F401
from vm import SCALE

# pylint: disable=redefined-outer-name


def test_ls(svctl, start):
    assert svctl("ls") == "" and svctl.json("ls") == []
    start("a.qmp", "-name", "alpha")
    start("stratovirt/beta.qmp", "-S")
    # What is no VM: a file, a dead socket, one that says nothing, one that speaks something else.
    (svctl.folder / "file.qmp").write_text("")
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(svctl.folder / "dead.qmp"))
    dead.close()
    mute = socket.socket(socket.AF_UNIX)
    mute.bind(str(svctl.folder / "mute.qmp"))
    mute.listen()
    expected = [
        {"name": "alpha", "status": "running", "socket": str(svctl.folder / "a.qmp")},
        {"name": "beta", "status": "prelaunch", "socket": str(svctl.folder / "stratovirt" / "beta.qmp")},
    ]
    assert svctl.json("ls") == expected
    assert [line.split() for line in svctl("ls").splitlines()] == [list(vm.values()) for vm in expected]
    mute.close()


def test_tree(svctl, start):
    client = start("a.qmp", "-iothread", "id=io0").qmp()
    lines = svctl("tree").splitlines()
    assert lines[0].split() == ["/", "container"]
    assert ["io0", "iothread"] in [line.split() for line in lines]

    def check(node):
        listed = client.execute("qom-list", {"path": node["path"]})
        below = {item["name"]: item["type"] for item in listed if item["type"].startswith("child<")}
        assert {child["path"].rpartition("/")[2]: f"child<{child['type']}>" for child in node["children"]} == below
        return 1 + sum(check(child) for child in node["children"])
    assert check(svctl.json("tree")) == len(lines)
    assert svctl.json("tree", "io0") == {"path": "/objects/io0", "type": "iothread", "children": []}
    assert svctl("tree", "/objects").splitlines()[1].startswith("  io0 ")
    assert "no object 'ioo', or more than one (did you mean 'io0'?)" in svctl.fails("tree", "ioo")


def test_get_and_set(svctl, start, tmp_path):
    (tmp_path / "disk").write_bytes(bytes(1 << 20))
    client = start("a.qmp", "-iothread", "id=io0", "-name", "alpha", "-device", "virtio-balloon-device,id=balloon0",
                   "-blockdev", f"file,node-name=d0,filename={tmp_path}/disk,cache.direct=off").qmp()
    assert svctl("get", "/machine.name", "/objects/io0.poll-max-ns", "machine.no-reboot") == "alpha\n0\nfalse\n"
    assert svctl.json("get", "machine.name") == "alpha"
    # Both ids and properties may have dots.
    assert svctl.json("get", "d0.cache.direct") is False
    assert svctl.json("get", "/machine/isa.0.type") == "isa-bus"
    values = svctl.json("get", "io0")
    assert values["type"] == "iothread" and values["poll-max-ns"] == 0
    assert ["poll-max-ns", "0"] in [line.split() for line in svctl("get", "io0").splitlines()]

    def value():
        return client.execute("qom-get", {"path": "/objects/io0", "property": "poll-max-ns"})
    for text, number in (("4000", 4000), ("64K", 65536), ("0x10", 16)):
        assert svctl("set", "io0.poll-max-ns", text) == ""
        assert value() == number
    assert "'poll-max-ns' is a number (int64), as 512 or 64K, not 'fast'" in svctl.fails("set", "io0.poll-max-ns",
                                                                                         "fast", status=2)
    assert "expects an integer from 0" in svctl.fails("set", "io0.poll-max-ns", "-1")
    assert value() == 16
    svctl("set", "machine.no-reboot", "on")
    assert client.execute("qom-get", {"path": "/machine", "property": "no-reboot"}) is True
    assert "is on or off, not 'maybe'" in svctl.fails("set", "machine.no-reboot", "maybe", status=2)
    assert ("'io0' has no property 'poll-max' (did you mean 'poll-max-ns'?); 'svctl get io0' shows them all"
            in svctl.fails("get", "io0.poll-max"))
    assert "there is no object 'nobody.name'; 'svctl tree' shows what there is" in svctl.fails("get", "nobody.name")
    assert "its properties are set as io0.PROPERTY" in svctl.fails("set", "io0", "1", status=2)


def test_add_and_del(svctl, start, tmp_path):
    (tmp_path / "disk").write_bytes(bytes(1 << 20))
    client = start("a.qmp").qmp()
    assert svctl("add", "iothread", "io1", "poll-max-ns=8K") == "/objects/io1\n"
    assert svctl.json("get", "io1.poll-max-ns") == 8192
    assert svctl.json("add", "blockdev-file", "d0", f"filename={tmp_path}/disk", "read-only=on") == "/block/d0"
    assert svctl.json("get", "d0.read-only") is True
    assert svctl("add", "virtio-blk-device", "disk0", "drive=d0", "iothread=io1") == "/machine/peripheral/disk0\n"
    assert client.execute("qom-get", {"path": "disk0", "property": "drive"}) == "/block/d0"
    assert svctl("add", "chardev-socket", "c0", f"path={tmp_path}/socket", "server=on") == "/chardevs/c0\n"
    assert svctl.json("get", "c0.path") == f"{tmp_path}/socket" and (tmp_path / "socket").is_socket()
    assert svctl("add", "virtio-rng-device", "max-bytes=1K") == "/machine/peripheral-anon/device[0]\n"
    assert svctl.json("add", "virtio-rng-device") == "/machine/peripheral-anon/device[1]"
    assert "'driver' is given twice" in svctl.fails("add", "virtio-rng-device", "driver=virtio-net-device", status=2)
    assert "disk0" in svctl.fails("del", "d0")
    for name in ("disk0", "/block/d0", "io1", "c0"):
        assert svctl("del", name) == ""
    tree = svctl("tree")
    assert not re.search(r"disk0|d0|io1|c0", tree) and "virtio-rng-device" in tree

    assert "there is no type 'virtio-blk-devise' (did you mean 'virtio-blk-device'?)" in svctl.fails(
        "add", "virtio-blk-devise", "x")
    assert "a back end needs an id: svctl add iothread ID" in svctl.fails("add", "iothread", status=2)
    assert "'x' is not of the form NAME=VALUE" in svctl.fails("add", "iothread", "io2", "x", status=2)
    assert "'poll-max-ns' is given twice" in svctl.fails("add", "iothread", "io2", "poll-max-ns=1", "poll-max-ns=2",
                                                         status=2)
    assert "poll-max" in svctl.fails("add", "iothread", "io2", "poll-max=1")
    assert "fixed part of the VM" in svctl.fails("del", "/machine")
    assert "no object 'nobody'" in svctl.fails("del", "nobody")
    assert "io2" not in svctl("tree")


def test_life(svctl, start):
    vm = start("a.qmp", "-S")
    client = vm.qmp()
    for command, status in (("cont", "running"), ("stop", "paused"), ("cont", "running")):
        assert svctl(command) == ""
        assert client.execute("query-status")["status"] == status
    svctl("powerdown")
    client.wait_event("POWERDOWN")
    svctl("reset")
    client.wait_event("RESET")
    assert svctl("quit") == ""
    assert vm.wait() == 0
    assert svctl("ls") == ""


def test_watch(svctl, start):
    vm = start("a.qmp")
    client = vm.qmp()
    process, text = svctl.start("watch")
    json_process, lines = svctl.start("-j", "watch", "/objects")
    # Nothing is told before somebody listens: both do as soon as they tell of this.
    for stream, pattern in ((text, r"^/objects/i\d+ added$"), (lines, r'"added":"i\d+"')):
        number, seen = 0, None
        while seen is None:
            client.execute("object-add", {"qom-type": "iothread", "id": f"i{number}"})
            client.execute("object-del", {"id": f"i{number}"})
            number += 1
            try:
                seen = stream.wait_for(pattern, timeout=0.1)
            except AssertionError:
                pass
    client.execute("object-add", {"qom-type": "iothread", "id": "io1"})
    text.wait_for(r"^/objects/io1 added$")
    client.execute("qom-set", {"path": "/objects/io1", "property": "poll-max-ns", "value": 7})
    text.wait_for(r"^/objects/io1\.poll-max-ns = 7$")
    # Each asks for the value when it hears of the change: that must be before the object goes.
    lines.wait_for(r'"value":7\b')
    client.execute("object-del", {"id": "io1"})
    text.wait_for(r"^/objects/io1 removed$")
    client.execute("stop")
    text.wait_for(r"^STOP$")
    text.wait_for(r"^/machine\.run-state = paused$")
    client.execute("quit")
    assert process.wait(10 * SCALE) == 0 and json_process.wait(10 * SCALE) == 0
    assert "SHUTDOWN {" in text.wait_end()
    told = [json.loads(line) for line in lines.wait_end().splitlines()]
    assert {"path": "/objects", "added": "io1"} in told and {"path": "/objects", "removed": "io1"} in told
    assert {"path": "/objects/io1", "property": "poll-max-ns", "value": 7} in told
    assert {"event": "STOP", "data": {}} in told and not [item for item in told if item.get("path") == "/machine"]
    assert "Device 'nobody' not found" in svctl.fails("-s", start("b.qmp").qmp_path, "watch", "nobody")


def test_watch_ends_by_a_signal(svctl, start):
    client = start("a.qmp").qmp()
    process, text = svctl.start("watch")
    while not select.select([process.stdout], [], [], 0.05)[0] and not text.text:
        client.execute("stop")
        client.execute("cont")
    process.send_signal(signal.SIGINT)
    assert process.wait(10 * SCALE) == 0


def test_qmp(svctl, start):
    start("a.qmp")
    assert svctl.json("qmp", "query-status")["status"] == "running"
    assert '"status" : "running"' in svctl("qmp", "query-status")
    assert svctl.json("qmp", "qom-get", "path=/machine", "property=memory-size") == 128 << 20
    assert svctl.json("qmp", "qom-get", '{"path": "/machine", "property": "name"}') == ""
    # By the schema, a string stays one.
    assert svctl.json("qmp", "object-add", "qom-type=iothread", "id=i1", "poll-max-ns=5") == {}
    assert "'1' not found" in svctl.fails("qmp", "object-del", "id=1")
    assert ("there is no QMP command 'query-statu' (did you mean 'query-status'?)"
            in svctl.fails("qmp", "query-statu"))
    assert "is on or off" in svctl.fails("qmp", "set_link", "name=x", "up=perhaps", status=2)
    assert "is no JSON object" in svctl.fails("qmp", "qom-get", "{", status=2)


def test_qmp_lines(svctl, start):
    start("a.qmp")
    lines = ('query-name\n\nqom-get path=/machine property="memory-size"\nstop\n'
             '{"execute": "query-status", "arguments": {}}\nnothing\n{"execute": 1}\n')
    done = svctl.run("qmp", input=lines, status=1)
    replies = [json.loads(line) for line in done.stdout.splitlines()]
    assert "2 of 6 commands failed" in done.stderr
    assert replies[:2] == [{"return": {}}, {"return": 128 << 20}]
    assert {"event": "STOP", "data": {}} in replies
    replies = [reply for reply in replies if "event" not in reply]
    assert replies[3]["return"]["status"] == "paused"
    assert replies[4]["error"]["class"] == "CommandNotFound" and "execute" in replies[5]["error"]["desc"]
    assert svctl("qmp", input="cont\n").splitlines()[-1] == '{"return":{}}'


def test_qmp_on_a_terminal(svctl, start):
    client = start("a.qmp").qmp()
    terminal = Terminal(svctl, "qmp")
    terminal.screen.wait_for("qmp> ")
    # A command, an argument's name, the value of an enumeration: Tab knows them.
    terminal.type("query-stat\t\n")
    terminal.screen.wait_for("query-status *\r\n")
    terminal.screen.wait_for('"status" : "running"')
    terminal.screen.wait_for("qmp> ")
    terminal.type("qom-get pa\t/machine pro\tname\n")
    terminal.screen.wait_for("qom-get path=/machine property=name *\r\n")
    terminal.screen.wait_for('""\r\nqmp> ')
    terminal.type("query-\t\t")
    terminal.screen.wait_for("query-blockstats")
    terminal.type("\x15set_link up=\t\t\t")
    terminal.screen.wait_for("up=off +up=on")
    terminal.type("n na\tnobody\n")
    terminal.screen.wait_for("set_link up=on name=nobody *\r\n")
    terminal.screen.wait_for("not found")
    terminal.screen.wait_for("qmp> ")
    client.execute("stop")
    terminal.screen.wait_for("STOP {}")
    terminal.type("nonsense\n")
    terminal.screen.wait_for("there is no QMP command 'nonsense'")
    terminal.screen.wait_for("qmp> ")
    terminal.type("\x04")
    assert terminal.wait() == 0


def test_qmp_on_a_terminal_ends_with_the_vm(svctl, start):
    vm = start("a.qmp")
    terminal = Terminal(svctl, "qmp")
    terminal.screen.wait_for("qmp> ")
    terminal.type("quit\n")
    terminal.screen.wait_for("SHUTDOWN")
    terminal.screen.wait_for("closed the connection")
    assert terminal.wait() == 0 and vm.wait() == 0


@pytest.mark.parametrize("kind", ["pty", "socket"])
def test_console(svctl, start, kind):
    backend = {"pty": "pty", "socket": f"unix:{svctl.folder}/console,server,nowait"}[kind]
    vm = start("a.qmp", "-S", "-serial", backend, do="hep", serial=None)
    terminal = Terminal(svctl, "console")
    terminal.screen.wait_for(r"Ctrl-\] leaves")
    svctl("cont")
    terminal.screen.wait_for("[Hh]ello")
    terminal.type("abc")
    terminal.screen.wait_for("abc")
    terminal.type("\x1d")
    assert terminal.wait() == 0
    assert vm.process.poll() is None
    # By the chardev's id, and not on a terminal: what a file says, until the guest ends.
    assert svctl("console", "serial0", input="xyzq").endswith("xyz")
    assert vm.wait() == 0


def test_top(svctl, start, tmp_path):
    (tmp_path / "disk").write_bytes(bytes(1 << 20))
    args = ["-blockdev", f"file,node-name=d0,filename={tmp_path}/disk", "-device",
            "virtio-blk-device,id=disk0,drive=d0", "-netdev", "user,id=n0", "-device", "virtio-net-device,id=net0,netdev=n0"]
    client = start("a.qmp", *args).qmp()
    lines = svctl("-j", "top", "2", "0.2").splitlines()
    first, second = map(json.loads, lines)
    thread = client.execute("query-cpus-fast")[0]
    for sample in (first, second):
        cpu, = sample["cpu"]
        assert cpu["path"] == thread["qom-path"] and cpu["index"] == 0
        assert [disk["path"] for disk in sample["disk"]] == ["/machine/peripheral/disk0"]
        assert sample["disk"][0]["rd_bytes"] == 0 and sample["disk"][0]["rd_bytes-per-second"] == 0
        assert [card["path"] for card in sample["net"]] == ["/machine/peripheral/net0"]
        assert sample["net"][0]["tx-packets"] == 0
        assert sample["seconds"] > 0
    # The guest counts without end.
    assert second["cpu"][0]["time"] >= first["cpu"][0]["time"] > 0
    text = svctl("top", "1", "0.05")
    assert re.search(r"^cpu +/machine/unattached/device\[0\] +[\d.]+ %", text, re.M)
    assert re.search(r"^disk +/machine/peripheral/disk0 .*rd_bytes/s 0", text, re.M)
    assert "COUNT is a number above 0" in svctl.fails("top", "0", status=2)
    assert "SECONDS is a number above 0" in svctl.fails("top", "1", "soon", status=2)


def test_top_ends_with_the_vm(svctl, start):
    vm = start("a.qmp")
    process, text = svctl.start("-j", "top", "1000", "0.01")
    text.wait_for("cpu")
    vm.qmp().execute("quit")
    assert process.wait(10 * SCALE) == 0
