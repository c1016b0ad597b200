# SPDX-License-Identifier: LGPL-2.1-or-later
"""The library's connection to a QMP server: commands, events, limits of time, servers that are none."""

import json
import socket
import threading

import pytest
from gi.repository import Gio, GLib

from scripting import Library, call, wait_until

StratoVirt = Library()


def strings(**values):
    return GLib.Variant("a{sv}", {name: GLib.Variant("s", value) for name, value in values.items()})


def open_client(vm):
    vm.qmp()
    qmp = StratoVirt.QmpClient.new(vm.qmp_path)
    assert qmp.open(None)
    return qmp


def test_commands(tiny):
    vm = tiny("c")
    qmp = open_client(vm)
    assert qmp.dup_greeting().unpack()["version"]["qemu"]["major"] > 0
    assert qmp.execute("query-status", None, None, None).unpack()["running"] is True
    assert qmp.execute("query-jobs", None, None, None).unpack() == []
    with pytest.raises(GLib.Error, match="no-such-command") as caught:
        qmp.execute("no-such-command", None, None, None)
    assert caught.value.matches(StratoVirt.qmp_error_quark(), StratoVirt.QmpError.COMMAND_NOT_FOUND)
    with pytest.raises(GLib.Error) as caught:
        qmp.execute("device_del", strings(id="nobody"), None, None)
    assert caught.value.matches(StratoVirt.qmp_error_quark(), StratoVirt.QmpError.DEVICE_NOT_FOUND)
    with pytest.raises(GLib.Error, match="dictionary"):
        qmp.execute("query-status", GLib.Variant("s", "x"), None, None)
    with pytest.raises(GLib.Error, match="opened once"):
        qmp.open(None)


def test_many_commands_under_way(tiny):
    qmp = open_client(tiny("c"))
    results = []
    for number in range(200):
        path = strings(path="/machine", property="memory-size" if number % 2 else "run-state")
        qmp.execute_async("qom-get", path, None, None,
                          lambda qmp, result, number: results.append((number, qmp.execute_finish(result).unpack())), number)
    # One that blocks in between takes nobody's reply.
    assert qmp.execute("query-status", None, None, None).unpack()["status"] == "running"
    wait_until(lambda: len(results) == 200)
    assert results == [(number, 128 << 20 if number % 2 else "running") for number in range(200)]


def test_events(tiny):
    vm = tiny("c")
    qmp = open_client(vm)
    seen = []
    qmp.connect("event::STOP", lambda qmp, name, data: seen.append((name, data.unpack())))
    qmp.execute("stop", None, None, None)
    assert seen == []
    wait_until(lambda: seen)
    qmp.execute("cont", None, None, None)
    qmp.connect("event", lambda qmp, name, data: seen.append((name, data.unpack())))
    wait_until(lambda: len(seen) == 2)
    assert seen == [("STOP", {}), ("RESUME", {})]


def test_descriptors(tiny, tmp_path):
    qmp = open_client(tiny("c"))
    with open(tmp_path / "file", "wb") as file:
        fds = Gio.UnixFDList.new()
        fds.append(file.fileno())
        info = qmp.execute("add-fd", GLib.Variant("a{sv}", {"fdset-id": GLib.Variant("x", 7)}), fds, None).unpack()
    assert info["fdset-id"] == 7
    sets = qmp.execute("query-fdsets", None, None, None).unpack()
    assert [entry["fd"] for entry in sets[0]["fds"]] == [info["fd"]]


def test_end_of_the_vm(tiny):
    vm = tiny("c")
    qmp = open_client(vm)
    failures = []

    def on_reply(qmp, result):
        try:
            qmp.execute_finish(result)
        except GLib.Error as error:
            failures.append(error)
    vm.kill()
    qmp.execute_async("query-status", None, None, None, on_reply)
    wait_until(lambda: failures)
    assert failures[0].domain == "g-io-error-quark"
    assert not qmp.is_open()


class Server:
    """A server that says what it is told to."""

    def __init__(self, path, *says):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(str(path))
        self.socket.listen(8)
        self.says = says
        self.peers = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer = self.socket.accept()[0]
            except OSError:
                return
            self.peers.append(peer)
            stream = peer.makefile("rb")
            for text in self.says:
                if text is None:
                    if not stream.readline():
                        break
                else:
                    peer.sendall(text.encode())


GREETING = '{"QMP":{"version":{},"capabilities":[]}}\r\n'


@pytest.mark.parametrize("says, message", [
    (["SSH-2.0-OpenSSH\r\n"], "no QMP server"),
    (['{"hello":1}\n'], "no QMP server"),
    (["[1]\n"], "not an object"),
    ([GREETING, None, '{"id":1,"error":{"class":"GenericError","desc":"not you"}}\n'], "not you"),
])
def test_other_servers(tmp_path, says, message):
    Server(tmp_path / "s", *says)
    with pytest.raises(GLib.Error, match=message):
        StratoVirt.QmpClient.new(f"unix:{tmp_path}/s").open(None)
    qmp = StratoVirt.QmpClient.new(f"unix:{tmp_path}/s")
    with pytest.raises(GLib.Error, match=message):
        call(qmp.open_async, qmp.open_finish)


def test_limits_of_time(tmp_path):
    Server(tmp_path / "mute")
    qmp = StratoVirt.QmpClient(address=f"unix:{tmp_path}/mute", timeout=20)
    with pytest.raises(GLib.Error, match="does not answer within 20 ms") as caught:
        qmp.open(None)
    assert caught.value.matches(Gio.io_error_quark(), Gio.IOErrorEnum.TIMED_OUT)

    cancellable = Gio.Cancellable()
    results = []
    qmp = StratoVirt.QmpClient.new(f"unix:{tmp_path}/mute")
    qmp.open_async(cancellable, lambda qmp, result: results.append(result))
    GLib.timeout_add(20, lambda: cancellable.cancel())
    wait_until(lambda: results)
    with pytest.raises(GLib.Error) as caught:
        qmp.open_finish(results[0])
    assert caught.value.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED)

    # A reply that comes when nobody waits for it any more is not the next one's.
    Server(tmp_path / "slow", GREETING, None, '{"return":{},"id":1}\n', None, None,
           '{"return":"first","id":2}\r\n{"return":"second","id":3}\r\n')
    qmp = StratoVirt.QmpClient.new(f"unix:{tmp_path}/slow")
    assert qmp.open(None)
    qmp.props.timeout = 20
    with pytest.raises(GLib.Error, match="does not answer"):
        qmp.execute("first", None, None, None)
    qmp.props.timeout = 0
    assert qmp.execute("second", None, None, None).unpack() == "second"


def test_addresses():
    for address in ("", "host:4444", "tcp:host", "tcp::1", "unix:", "udp:host:1", "unix:/" + "x" * 200):
        with pytest.raises(GLib.Error) as caught:
            StratoVirt.QmpClient.new(address).open(None)
        assert caught.value.matches(Gio.io_error_quark(), Gio.IOErrorEnum.INVALID_ARGUMENT), caught.value
    with pytest.raises(GLib.Error, match="/no/such/socket"):
        StratoVirt.QmpClient.new("/no/such/socket").open(None)


def test_tcp(tiny):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    vm = tiny("c", "-qmp", f"tcp:127.0.0.1:{port},server,nowait")
    vm.qmp()
    machine = StratoVirt.Client.connect(f"tcp:127.0.0.1:{port}", None)
    assert machine.get_value("run-state", None) == "running"


def test_a_server_without_changes(tmp_path):
    Server(tmp_path / "s", GREETING, None, '{"return":{},"id":1}\n', None,
           '{"id":2,"error":{"class":"CommandNotFound","desc":"The command x-qom-watch has not been found"}}\n')
    with pytest.raises(GLib.Error, match="cannot tell of changes"):
        StratoVirt.Client.connect(f"unix:{tmp_path}/s", None)


def test_an_object_that_leaves_while_it_is_looked_at(tmp_path):
    """The tree is asked for level by level; what is gone by then is left out."""
    def listing(*names):
        return ('{"properties":[{"name":"type","type":"string","value":"container"}'
                + "".join(f',{{"name":"{name}","type":"child<thing>"}}' for name in names) + "]}")
    gone = '"error":{"class":"DeviceNotFound","desc":"gone"}'
    Server(tmp_path / "s", GREETING, None, '{"return":{},"id":1}\n', None, '{"return":{},"id":2}\n', None,
           f'{{"return":[{listing("machine", "b")}],"id":3}}\n', None, f'{{{gone},"id":4}}\n', None,
           f'{{"return":[{listing()}],"id":5}}\n', None, f'{{{gone},"id":6}}\n')
    machine = StratoVirt.Client.connect(f"unix:{tmp_path}/s", None)
    assert [child.get_id() for child in machine.get_parent()] == ["machine"]


def test_a_tree_without_end(tmp_path):
    class Endless(Server):
        def serve(self):
            peer = self.socket.accept()[0]
            stream = peer.makefile("rb")
            peer.sendall(GREETING.encode())
            for line in stream:
                message = json.loads(line)
                below = {"properties": [{"name": "x" * 100, "type": "child<x>"}]}
                reply = [below] * len(message.get("arguments", {}).get("paths", ()))
                peer.sendall(json.dumps({"return": reply, "id": message["id"]}).encode() + b"\n")
    Endless(tmp_path / "s")
    with pytest.raises(GLib.Error, match="does not end"):
        StratoVirt.Client.connect(f"unix:{tmp_path}/s", None)
