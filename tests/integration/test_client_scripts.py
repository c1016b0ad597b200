# SPDX-License-Identifier: LGPL-2.1-or-later
"""Scripts that look at a VM in another process, in Python and JavaScript."""

import re
import xml.etree.ElementTree as ElementTree

from scripting import GIR, python, run
from vm import TOP


def test_the_document(tiny):
    """The blocks of docs/scripting.md that are about another process run as they are."""
    vm = tiny("c")
    vm.qmp()
    *_, script, awaiting = re.findall(r"```python\n(.*?)```", (TOP / "docs" / "scripting.md").read_text(), re.S)
    out = python(script.replace("/run/vm.qmp", vm.qmp_path))
    lines = out.splitlines()
    assert lines[:2] == ["new: /machine/peripheral/entropy", "virtio-rng-device 1024"]
    assert lines[2].startswith("{'running': True") and "changed: run-state" in lines[3:]
    assert vm.wait() == 0
    vm = tiny("c")
    vm.qmp()
    assert python(awaiting.replace("/run/vm.qmp", vm.qmp_path)) == "paused\n"
    assert vm.wait() == 0


def test_part_that_is_written_in_python(tiny):
    vm = tiny("c")
    vm.qmp()
    out = python(f"""
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
const {GLib, StratoVirt} = imports.gi;

const loop = new GLib.MainLoop(null, false);
async function main() {
    const vm = await StratoVirt.Client.connect_async(`unix:${ARGV[0]}`, null);
    vm.connect("stopped", () => print("stopped"));
    vm.connect("shutdown", (vm, cause) => {
        print("shutdown", cause === StratoVirt.ShutdownCause.HOST_QMP_QUIT);
        loop.quit();
    });
    print(vm.path, vm.get_n_items() > 3, await vm.get_value_async("run-state", null));
    vm.connect("notify::run-state", () => print("notify", vm.runState === StratoVirt.RunState.PAUSED));
    const device = await vm.add_device_async("virtio-rng-device", "rng0", null, null);
    print(device.path, device.type_name, device.realized, device.period);
    const thread = vm.client.get_object("io0");
    thread.poll_max_ns = 5;
    print(thread.pollMaxNs);
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
    lines = run(["gjs", tmp_path / "test.js", vm.qmp_path]).splitlines()
    lines[5:7] = sorted(lines[5:7])
    assert lines == [
        "/machine true running", "/machine/peripheral/rng0 virtio-rng-device true 65536", "5", "7",
        "true Property 'iothread.nothing' not found", "notify true", "stopped", "paused", "false true true", "shutdown true"]
    assert vm.wait() == 0


def test_every_asynchronous_method_of_javascript_is_a_promise():
    """The overrides name the classes that have such methods."""
    core = "{http://www.gtk.org/introspection/core/1.0}"
    owners = {node.get("name") for node in ElementTree.parse(GIR).getroot().find(core + "namespace").findall(core + "class")
              for inner in node if (inner.get("name") or "").endswith("_async")}
    text = (TOP / "src" / "gir" / "gjs" / "overrides" / "StratoVirt.js").read_text()
    assert set(re.findall(r"'(\w+)'", text.partition("ASYNCHRONOUS = ")[2].partition(";")[0])) == owners


def test_properties_of_proxies(tiny):
    """As with a machine of one's own: values with their types, links, changes, refusals."""
    vm = tiny("c", "-object", "rng-builtin,id=random", "-device", "virtio-balloon-device,id=balloon0", "-name", "demo")
    vm.qmp()
    out = python(f"""
vm = StratoVirt.Client.connect("{vm.qmp_path}")
own = machine("c", name="demo")
own.prepare()
for remote, local in ((vm, own), (vm.get_client().get_object("/objects"), own.get_root().get_child("objects"))):
    theirs = {{pspec.name: pspec for pspec in remote.props}}
    for pspec in local.props:
        assert pspec.name in theirs, pspec.name
        assert pspec.nick == theirs[pspec.name].nick and pspec.blurb == theirs[pspec.name].blurb or pspec.name in ("id", "path")
    for name in ("name", "cpus", "memory_size", "append", "no_reboot", "path", "id") if remote is vm else ("path", "id"):
        assert getattr(remote.props, name) == getattr(local.props, name), name
own.close()
assert vm.props.run_state == StratoVirt.RunState.RUNNING and "run_state" in dir(vm.props)
rng = vm.add_device("virtio-rng-device", "rng", {{"rng": vm.get_client().get_object("random")}})
assert rng.props.rng == vm.get_client().get_object("random") and rng.props.rng.props.path == "/objects/random"
balloon = vm.get_client().get_object("balloon0")
assert balloon.props.guest_stats["last-update"] == 0
seen = []
vm.connect("notify::run-state", lambda vm, pspec: seen.append(vm.props.run_state.value_nick))
balloon.connect("notify::target", lambda balloon, pspec: seen.append(balloon.props.target >> 20))
vm.pause()
balloon.props.target = 100 << 20
balloon.set_property("target", "90M")
run_until(lambda: 90 in seen)
print(*seen)
for call in (lambda: setattr(rng.props, "max_bytes", 5), lambda: setattr(balloon.props, "target", "much"),
             lambda: balloon.props.nothing, lambda: setattr(balloon.props, "nothing", 1)):
    try:
        call()
    except (GLib.Error, AttributeError) as error:
        print(type(error).__name__, error)
print(rng.props.max_bytes == (1 << 63) - 1)
qmp = vm.get_client().get_qmp()
qmp.close()
try:
    vm.props.name
except GLib.Error as error:
    print(error.message)
""")
    lines = out.splitlines()
    assert lines[0] in ("paused 100 90", "paused 90 90")
    assert [line.partition("quark: ")[2] for line in lines[1:3]] == [
        "virtio-rng-device 'rng': Parameter 'max-bytes' cannot be changed once the object is in use (0)",
        "Parameter 'target' expects a size from 0B to 18446744073709551615B, got '\"much\"' (0)"]
    assert lines[3:5] == ["AttributeError 'SvRemoteVirtioBalloon' has no property 'nothing'"] * 2
    assert lines[5] == "True" and "was closed" in lines[6]


def test_asyncio(tiny, tmp_path):
    """Asynchronous methods are awaited in a loop that serves GLib as well; without one they say so."""
    vm = tiny("c", "-iothread", "id=io0")
    vm.qmp()
    out = python(f"""
import asyncio, socket
import stratovirt.aio

async def main():
    vm = await StratoVirt.Client.connect_async("{vm.qmp_path}")
    stopped = asyncio.Event()
    vm.connect("stopped", lambda vm: stopped.set())
    results = await asyncio.gather(vm.pause_async(), vm.get_value_async("cpus"), asyncio.sleep(0.01, "slept"))
    await asyncio.wait_for(stopped.wait(), 10)
    print(*results)
    qmp = vm.get_client().get_qmp()
    print((await qmp.execute_async("qom-get", {{"path": "/objects/io0", "property": "poll-max-ns"}})).unpack())
    device = await vm.add_device_async("virtio-rng-device", id="rng")
    print(device.props.path)
    for wrong in vm.get_value_async("nothing"), StratoVirt.Client.connect_async("unix:/nowhere"):
        try:
            await wrong
        except GLib.Error as error:
            print(error.message)
    # Descriptors and threads of asyncio's are served beside GLib's sources.
    first, second = socket.socketpair()
    reader, writer = await asyncio.open_connection(sock=first)
    GLib.idle_add(lambda: second.sendall(b"from GLib\\n") and False)
    print((await reader.readline()).decode().strip())
    print(await asyncio.to_thread(lambda: "from a thread"))
    writer.close()
    # What is cancelled is cancelled at the other side, too.
    client = StratoVirt.QmpClient.new("{vm.qmp_path}")
    listener = socket.socket(socket.AF_UNIX)
    listener.bind("mute")
    listener.listen()
    try:
        await asyncio.wait_for(StratoVirt.Client.connect_async("unix:mute"), 0.05)
    except TimeoutError:
        peer = listener.accept()[0]
        peer.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=peer)
        print("ended", await reader.read())
        writer.close()
    await vm.quit_async()
    return "done"

print(stratovirt.aio.run(main()))
for call in lambda: StratoVirt.Client.connect_async("x"), lambda: asyncio.run(main()):
    try:
        call()
    except (TypeError, RuntimeError) as error:
        print(type(error).__name__, error)
""", cwd=tmp_path)
    lines = out.splitlines()
    assert lines == ["True 1 slept", "0", "/machine/peripheral/rng", "Property 'microvm-machine.nothing' not found", lines[4],
                     "from GLib", "from a thread", "ended b''", "done", lines[9], lines[10]]
    assert "/nowhere" in lines[4]
    assert lines[9].startswith("TypeError connect_async() takes a callback")
    assert lines[10].startswith("RuntimeError connect_async(): asyncio's own loop does not run GLib's")
    assert vm.wait() == 0
