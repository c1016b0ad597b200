# SPDX-License-Identifier: LGPL-2.1-or-later
"""A VM in another process through the library, as Python sees it by introspection."""

import json
import re
import socket
import threading
from pathlib import Path

import pytest
from gi.repository import Gio, GLib

import scripting
from vm import SCALE, TOP

StratoVirt = scripting.Library()


def wait_until(condition, timeout=10):
    """Runs the main loop until @condition holds."""
    late = []
    source = GLib.timeout_add(int(timeout * SCALE * 1000), lambda: late.append(1) or False)
    while not condition():
        assert not late, "it did not happen"
        GLib.MainContext.default().iteration(True)
    if not late:
        GLib.source_remove(source)


def call(start, finish, *args):
    """Calls an asynchronous method and runs the main loop until it has answered."""
    results = []
    start(*args, None, lambda source, result, *rest: results.append(result))
    wait_until(lambda: results)
    return finish(results[0])


def strings(**values):
    return GLib.Variant("a{sv}", {name: GLib.Variant("s", value) for name, value in values.items()})


@pytest.fixture
def remote(tiny):
    """Starts a VM; returns it and the machine that the library sees."""
    def start(*args, do="c"):
        vm = tiny(do, *args)
        vm.qmp()
        return vm, StratoVirt.Client.connect(f"unix:{vm.qmp_path}", None)
    return start


def qmp_of(machine):
    return machine.get_client().get_qmp()


def test_tree(remote):
    vm, machine = remote("-iothread", "id=io0", "-name", "demo")
    other = vm.qmp()
    assert isinstance(machine, Gio.ListModel) and machine.get_path() == "/machine"
    assert machine.get_type_name() == "microvm-machine"

    def check(obj):
        listed = other.execute("qom-list", {"path": obj.get_path()})
        below = [(item["name"], item["type"]) for item in listed if item["type"].startswith("child<")]
        assert [(child.get_id(), f"child<{child.get_type_name()}>") for child in obj] == below
        names = [item["name"] for item in listed if not item["type"].startswith("child<")]
        assert ["type", *obj.list_values()] == names
        for child in obj:
            assert child.get_parent() == obj
            check(child)
    check(machine.get_parent())

    client = machine.get_client()
    assert client.get_object("io0").get_path() == "/objects/io0"
    assert client.get_object("/machine") == machine
    assert client.get_object("/machine/nobody") is None and client.get_object("nobody") is None
    assert machine.get_child("peripheral").get_id() == "peripheral"
    assert machine.get_child("nobody") is None


def test_values(remote):
    _, machine = remote("-iothread", "id=io0", "-name", "demo")
    thread = machine.get_client().get_object("io0")
    assert machine.get_value("name", None) == "demo"
    assert machine.get_value("memory-size", None) == 128 << 20
    assert machine.get_value("no-reboot", None) is False
    thread.set_value("poll-max-ns", 4000, None)
    assert thread.get_value("poll-max-ns", None) == 4000
    call(lambda *rest: thread.set_value_async("poll-max-ns", GLib.Variant("t", 5000), *rest), thread.set_value_finish)
    assert call(lambda *rest: thread.get_value_async("poll-max-ns", *rest), thread.get_value_finish) == 5000
    for wrong in ("abc", -1):
        with pytest.raises(GLib.Error, match="expects an integer from 0") as caught:
            thread.set_value("poll-max-ns", wrong, None)
        assert caught.value.matches(StratoVirt.qmp_error_quark(), StratoVirt.QmpError.GENERIC)
    with pytest.raises(GLib.Error, match="'iothread.nothing' not found"):
        thread.get_value("nothing", None)
    with pytest.raises(GLib.Error, match="cannot be sent"):
        thread.set_value("poll-max-ns", GLib.Bytes(b""), None)
    assert thread.get_value("poll-max-ns", None) == 5000


def test_values_are_freed(remote):
    _, machine = remote("-name", "x" * 250)

    def resident():
        for _ in range(2000):
            assert len(machine.get_value("name", None)) == 250
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096
    resident()
    before = resident()
    assert resident() - before < 2000 * 100


def test_life(remote):
    vm, machine = remote("-S")
    seen = []
    for name in ("stopped", "resumed", "reset", "powerdown", "shutdown"):
        machine.connect(name, lambda machine, *args, name=name: seen.append((name, *args)))
    machine.connect("changed::run-state", lambda machine, name: seen.append((name, machine.get_value(name, None))))
    closed = []
    qmp_of(machine).connect("closed", lambda qmp, error: closed.append(error))

    machine.start(None)
    wait_until(lambda: len(seen) == 2)
    assert sorted(seen) == [("resumed",), ("run-state", "running")]
    seen.clear()
    call(machine.pause_async, machine.pause_finish)
    wait_until(lambda: len(seen) == 2)
    assert sorted(seen) == [("run-state", "paused"), ("stopped",)]
    seen.clear()
    machine.resume(None)
    machine.powerdown(None)
    wait_until(lambda: ("powerdown",) in seen)
    seen.clear()
    machine.reset(None)
    wait_until(lambda: ("reset", StratoVirt.ShutdownCause.HOST_QMP_SYSTEM_RESET) in seen)
    machine.quit(None)
    wait_until(lambda: closed)
    assert ("shutdown", StratoVirt.ShutdownCause.HOST_QMP_QUIT) in seen
    assert closed[0].matches(Gio.io_error_quark(), Gio.IOErrorEnum.CONNECTION_CLOSED)
    assert vm.wait() == 0
    with pytest.raises(GLib.Error, match="closed the connection"):
        machine.get_value("name", None)


def test_what_others_do(remote):
    vm, machine = remote()
    other = vm.qmp()
    objects = machine.get_client().get_object("/objects")
    seen = []
    objects.connect("child-added", lambda parent, child: seen.append(("added", child)))
    objects.connect("child-removed", lambda parent, child: seen.append(("removed", child)))
    objects.connect("items-changed", lambda *args: seen.append(args[1:]))
    other.execute("object-add", {"qom-type": "iothread", "id": "io1"})
    wait_until(lambda: len(seen) == 2)
    child = seen[1][1]
    assert seen == [(0, 0, 1), ("added", child)]
    assert child.get_path() == "/objects/io1" and child.get_type_name() == "iothread" and list(objects) == [child]
    changed = []
    child.connect("changed", lambda child, name: changed.append(name))
    other.execute("qom-set", {"path": "/objects/io1", "property": "poll-max-ns", "value": 7})
    wait_until(lambda: changed)
    assert changed == ["poll-max-ns"]

    # Another one of the same name is another one.
    seen.clear()
    other.execute("object-del", {"id": "io1"})
    other.execute("object-add", {"qom-type": "iothread", "id": "io1"})
    wait_until(lambda: len(seen) == 4)
    assert [item for item in seen if item[0] in ("added", "removed")] == [("removed", child), ("added", objects[0])]
    assert child.is_gone() and not objects[0].is_gone() and objects[0] != child
    assert child.get_parent() is None and list(child) == []


def test_devices(remote):
    _, machine = remote("-object", "rng-builtin,id=random")
    devices = machine.get_child("peripheral")
    seen = []
    devices.connect("child-added", lambda parent, child: seen.append(child.get_id()))
    random = machine.get_client().get_object("random")
    device = machine.add_device("virtio-rng-device", "rng0", {"max-bytes": 1024, "rng": random}, None)
    assert device.get_path() == "/machine/peripheral/rng0" and device.get_value("max-bytes", None) == 1024
    assert device.get_value("rng", None) == "/objects/random"
    nameless = call(lambda *rest: machine.add_device_async("virtio-rng-device", None, None, *rest),
                    machine.add_device_finish)
    assert devices.get_child(nameless.get_id()) == nameless
    # What the VM tells of them later adds nothing.
    wait_until(lambda: len(seen) == 2)
    qmp_of(machine).execute("query-status", None, None, None)
    while GLib.MainContext.default().iteration(False):
        pass
    assert seen == ["rng0", nameless.get_id()] and len(devices) == 2

    with pytest.raises(GLib.Error, match="nothing-known"):
        machine.add_device("nothing-known", "x", None, None)
    with pytest.raises(GLib.Error, match="max-bytes"):
        machine.add_device("virtio-rng-device", "x", {"max-bytes": "many"}, None)
    with pytest.raises(GLib.Error, match="fixed part of the VM"):
        machine.remove(None)
    with pytest.raises(GLib.Error, match="in use|used by"):
        random.remove(None)
    assert len(devices) == 2


def test_back_ends_are_removed(remote):
    _, machine = remote("-iothread", "id=io0", "-chardev", "null,id=c0")
    for name in ("io0", "c0"):
        obj = machine.get_client().get_object(name)
        parent = obj.get_parent()
        call(obj.remove_async, obj.remove_finish)
        wait_until(obj.is_gone)
        assert parent.get_child(name) is None


def test_unplug(remote, tmp_path):
    image = tmp_path / "disk"
    image.write_bytes(bytes(1 << 20))
    _, machine = remote("-blockdev", f"file,node-name=d0,filename={image}")
    device = machine.add_device("virtio-blk-device", "disk0", {"drive": "d0"}, None)
    node = machine.get_client().get_object("d0")
    with pytest.raises(GLib.Error, match="disk0"):
        node.remove(None)
    gone = []
    device.connect("notify::gone", lambda device, pspec: gone.append(device.is_gone()))
    device.remove(None)
    wait_until(lambda: gone)
    assert gone == [True]
    node.remove(None)


def test_connection_lives_as_long_as_its_objects(remote):
    vm, machine = remote("-iothread", "id=io0")
    thread = machine.get_client().get_object("io0")
    del machine
    assert thread.get_value("poll-max-ns", None) == 0
    qmp = thread.get_client().get_qmp()
    qmp.close()
    with pytest.raises(GLib.Error, match="was closed") as caught:
        thread.get_value("poll-max-ns", None)
    assert caught.value.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CLOSED)


def test_connect_async(tiny):
    vm = tiny("c")
    vm.qmp()
    machine = call(lambda *rest: StratoVirt.Client.connect_async(f"unix:{vm.qmp_path}", *rest),
                   StratoVirt.Client.connect_finish)
    assert machine.get_path() == "/machine" and len(machine) > 3
    with pytest.raises(GLib.Error, match="nowhere"):
        call(lambda *rest: StratoVirt.Client.connect_async("unix:/nowhere", *rest), StratoVirt.Client.connect_finish)


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


def test_the_document(tiny):
    """The block of docs/scripting.md that is about another process runs as it is."""
    vm = tiny("c")
    vm.qmp()
    *_, script = re.findall(r"```python\n(.*?)```", (TOP / "docs" / "scripting.md").read_text(), re.S)
    out = scripting.python(script.replace("/run/vm.qmp", vm.qmp_path))
    lines = out.splitlines()
    assert lines[:2] == ["new: /machine/peripheral/entropy", "virtio-rng-device 1024"]
    assert lines[2].startswith("{'running': True") and "changed: run-state" in lines[3:]
    assert vm.wait() == 0


def test_part_that_is_written_in_python(tiny):
    vm = tiny("c")
    vm.qmp()
    out = scripting.python(f"""
vm = StratoVirt.Client.connect("{vm.qmp_path}")
rng = vm.add_device("virtio-rng-device", "rng")
assert len(rng) == 0 and rng
qmp = vm.get_client().get_qmp()
print(qmp.execute("qom-get", {{"path": rng, "property": "period"}}).unpack())
print(len(qmp.execute("qom-list-get", {{"paths": ["/machine", "/objects"]}}).unpack()))
try:
    qmp.execute("qom-get", {{"path": b"x", "property": "period"}})
except TypeError as error:
    print(error)
done = []
qmp.execute_async("stop", {{}}, None, None, lambda qmp, result: done.append(qmp.execute_finish(result)))
run_until(lambda: done)
print("Lets the processors run" in StratoVirt.RemoteMachine.start.__doc__)
""")
    assert out.splitlines() == ["65536", "2", "a command takes no bytes", "True"]


JAVASCRIPT = """
imports.gi.versions.StratoVirt = "1.0";
const {Gio, GLib, StratoVirt} = imports.gi;
Gio._promisify(StratoVirt.Client, "connect_async", "connect_finish");
Gio._promisify(StratoVirt.QmpClient.prototype, "execute_async", "execute_finish");
for (const name of ["pause", "resume", "add_device", "quit"])
    Gio._promisify(StratoVirt.RemoteMachine.prototype, `${name}_async`, `${name}_finish`);
Gio._promisify(StratoVirt.RemoteObject.prototype, "get_value_async", "get_value_finish");
Gio._promisify(StratoVirt.RemoteObject.prototype, "set_value_async", "set_value_finish");

const loop = new GLib.MainLoop(null, false);
async function main() {
    const vm = await StratoVirt.Client.connect_async(`unix:${ARGV[0]}`, null);
    vm.connect("stopped", () => print("stopped"));
    vm.connect("shutdown", (vm, cause) => {
        print("shutdown", cause === StratoVirt.ShutdownCause.HOST_QMP_QUIT);
        loop.quit();
    });
    print(vm.path, vm.get_n_items() > 3, await vm.get_value_async("run-state", null));
    const device = await vm.add_device_async("virtio-rng-device", "rng0", null, null);
    print(device.path, device.type_name);
    const thread = vm.client.get_object("io0");
    await thread.set_value_async("poll-max-ns", 7, null);
    print(await thread.get_value_async("poll-max-ns", null));
    try {
        await thread.get_value_async("nothing", null);
    } catch (error) {
        print(error.matches(StratoVirt.QmpError, StratoVirt.QmpError.GENERIC), error.message);
    }
    await vm.pause_async(null);
    const status = await vm.client.get_qmp().execute_async("query-status", null, null, null);
    print(status.recursiveUnpack().status);
    const other = StratoVirt.QmpClient.new(`unix:${ARGV[0]}`);
    print(other.connected, other.open(null), other.connected);
    other.close();
    await vm.quit_async(null);
}
main().catch(error => {
    logError(error);
    loop.quit();
});
loop.run();
"""


def test_promises_of_javascript(tiny, tmp_path):
    vm = tiny("c", "-iothread", "id=io0")
    vm.qmp()
    (tmp_path / "test.js").write_text(JAVASCRIPT)
    assert scripting.run(["gjs", tmp_path / "test.js", vm.qmp_path]).splitlines() == [
        "/machine true running", "/machine/peripheral/rng0 virtio-rng-device", "7",
        "true Property 'iothread.nothing' not found", "stopped", "paused", "false true true", "shutdown true"]
    assert vm.wait() == 0
