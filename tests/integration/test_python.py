# SPDX-License-Identifier: LGPL-2.1-or-later
"""Machines in a Python program's own process, by introspection."""

from scripting import python


def test_a_vm_from_construction_to_its_end(tmp_path):
    """The example of the documents: properties by name, a disk, signals, the caller's main loop."""
    out = python("""
Path("root.img").write_bytes(bytes(1 << 20))
vm = StratoVirt.Microvm(name="demo", memory_size=128 << 20, cpus=2, kernel=str(GUESTS / "tiny.elf"),
                        append="do=hap")
vm.add_serial(StratoVirt.ChardevFile(path="console"))
disk = vm.add_device("virtio-blk-device", "root", {"drive": StratoVirt.BlockFile(filename="root.img")})
assert isinstance(disk, StratoVirt.VirtioBlk)
assert disk.dup_path() == "/machine/peripheral/root"
assert disk.props.drive.dup_path().startswith("/block/")
assert disk.props.drive.props.size == 1 << 20
assert vm.props.cpus == 2 and vm.props.sockets == 2
vm.connect("shutdown", lambda vm, reason: print("shutdown", reason.value_nick))
vm.connect("quit", lambda vm, status: loop.quit())
vm.connect("notify::run-state", lambda vm, pspec: print(vm.props.run_state.value_nick))
vm.start()
loop.run()
print(Path("console").read_text())
""", cwd=tmp_path)
    assert out.startswith("running\nshutdown\nshutdown guest-shutdown\n")
    assert "tiny elf\nhello\nargs virtio_mmio.device=" in out.replace("\r", "")


def test_two_vms_in_one_process(tmp_path):
    """Each has its own tree, devices and run state; one is paused while the other goes on and ends."""
    out = python("""
def make(name, do):
    vm = machine(do, name=name)
    vm.add_serial(StratoVirt.ChardevFile(path=name))
    Path(name + ".img").write_bytes(bytes(1 << 20))
    thread = vm.add_object(StratoVirt.Iothread(), "io0")
    vm.add_device("virtio-blk-device", "disk", {"drive": StratoVirt.BlockFile(filename=name + ".img"),
                                                "iothread": thread})
    return vm

first, second = make("first", "c"), make("second", "hp")
assert first.get_root() != second.get_root()
assert first.resolve("/objects/io0", StratoVirt.Object) != second.resolve("/objects/io0", StratoVirt.Object)
ended = []
for vm in first, second:
    vm.connect("shutdown", lambda vm, reason: ended.append(vm.props.name))
first.start()
run_until(lambda: b"tiny" in Path("first").read_bytes())
first.pause()
size = Path("first").stat().st_size
second.start()
run_until(lambda: ended)
assert ended == ["second"], ended
assert first.get_run_state() == StratoVirt.RunState.PAUSED
assert Path("first").stat().st_size == size
first.resume()
run_until(lambda: Path("first").stat().st_size > size)
first.stop()
run_until(lambda: len(ended) == 2)
print(ended)
""", cwd=tmp_path)
    assert out == "['second', 'first']\n"


def test_the_standard_machine(tmp_path):
    out = python("""
Path("disk").write_bytes(bytes(1 << 20))
vm = machine("hc", kind=StratoVirt.Q35)
vm.add_serial(StratoVirt.ChardevFile(path="console"))
port = vm.add_device("pcie-root-port", "port")
assert isinstance(port, StratoVirt.PcieRootPort)
disk = vm.add_device("virtio-blk-pci", "disk", {"bus": "port", "num-queues": 2,
                                                "drive": StratoVirt.BlockFile(filename="disk")})
assert disk.get_bus().get_device(0) == disk and disk.get_bus().get_n_devices() == 1
assert disk.get_machine() == vm
vm.start()
run_until(lambda: b"hello" in Path("console").read_bytes())
vm.request_unplug(disk)
vm.close()
print(disk.get_machine())
""", cwd=tmp_path)
    assert out == "None\n"


def test_run_control(tmp_path):
    """Signals come in the order in which things happen; sources of the caller's run beside the VM's."""
    out = python("""
seen = []
vm = machine("c")
vm.add_serial(StratoVirt.ChardevFile(path="console"))
for name in "stopped", "resumed", "powerdown":
    vm.connect(name, lambda vm, name=name: seen.append(name))
vm.connect("reset", lambda vm, cause: seen.append(cause.value_nick))
vm.connect("shutdown", lambda vm, cause: seen.append(cause.value_nick))
vm.connect("quit", lambda vm, status: loop.quit())
steps = [vm.start, vm.pause, vm.resume, vm.powerdown, vm.reset]
def step():
    if not steps:
        return not (seen[-1] == "host-qmp-system-reset" and (vm.stop() or True))
    steps.pop(0)()
    return True
GLib.timeout_add(1, step)
loop.run()
print(*seen)
""", cwd=tmp_path)
    assert out == "resumed stopped resumed powerdown host-qmp-system-reset host-ui\n"


def test_errors_have_a_domain_and_a_code(tmp_path):
    python("""
def expect(domain, code, words, call):
    try:
        call()
    except GLib.Error as error:
        assert error.matches(domain.quark(), code), (error.domain, error.code)
        assert words in error.message, error.message
    else:
        raise AssertionError(f"no error with {words}")

Path("disk").write_bytes(bytes(1 << 20))
vm = machine("c", name="one")
E = StratoVirt.ObjectError
expect(StratoVirt.BlockError, StratoVirt.BlockError.OPEN, "property 'drive': cannot open 'none'",
       lambda: vm.add_device("virtio-blk-device", "d", {"drive": StratoVirt.BlockFile(filename="none")}))
expect(E, E.NOT_FOUND, "'virtio-blk-devise' is not a valid device model name",
       lambda: vm.add_device("virtio-blk-devise", "d", None))
expect(E, E.INVALID, "Parameter 'id' expects an identifier",
       lambda: vm.add_device("virtio-rng-device", "1d", None))
expect(E, E.NOT_FOUND, "'no-such'", lambda: vm.add_device("virtio-rng-device", "d", {"no-such": 1}))
expect(E, E.TYPE, "'drive'", lambda: vm.add_device("virtio-blk-device", "d", {"drive": 7}))
expect(E, E.TYPE, "is not a back end", lambda: vm.add_object(StratoVirt.VirtioRng(), "d"))
Path("image").write_bytes(bytes(1 << 20))
image = vm.add_object(StratoVirt.BlockFile(filename="image"), "image")
expect(E, E.INVALID, "has a place in the object tree already", lambda: vm.add_object(image, "again"))
expect(E, E.EXISTS, "image", lambda: vm.add_object(StratoVirt.BlockFile(filename="disk"), "image"))
# What fails leaves nothing behind, neither the device nor its image.
expect(E, E.INVALID, "queue-size", lambda: vm.add_device(
    "virtio-blk-device", "d", {"drive": StratoVirt.BlockFile(filename="disk"), "queue-size": 7}))
assert [node.get_id() for node in vm.get_root().get_child("block")] == ["image"]
assert len(vm.get_child("peripheral")) == 0
expect(E, E.INVALID, "'-kernel FILE' is missing", StratoVirt.Microvm(memory_size=128 << 20).start)
vm.close()
expect(E, E.INVALID, "The machine 'one' is closed", vm.start)
""", cwd=tmp_path)


def test_properties(tmp_path):
    """Values that Python has; what is settled, or out of range, is refused with a reason and stays as it was."""
    out = python("""
Path("disk").write_bytes(bytes(1 << 20))
vm = machine("c", name="one", cpus=2)
disk = vm.add_device("virtio-blk-device", "d", {"drive": StratoVirt.BlockFile(filename="disk")})
balloon = vm.add_device("virtio-balloon-device", "b")
for object, name, value in ((vm, "cpus", 4), (disk, "num_queues", 4), (disk.props.drive, "filename", "other"), (vm, "kernel", None)):
    before = getattr(object.props, name)
    for set in lambda: setattr(object.props, name, value), lambda: object.set_property(name, value):
        try:
            set()
            raise AssertionError(name)
        except GLib.Error as error:
            assert error.matches(StratoVirt.ObjectError.quark(), StratoVirt.ObjectError.READ_ONLY), error
            assert "cannot be changed once the object is in use" in error.message
    assert getattr(object.props, name) == before and before is not None
# Those that are not settled
balloon.props.target = "100M"
vm.props.no_reboot = True
assert balloon.props.target == 100 << 20 and vm.props.no_reboot
assert balloon.props.guest_stats["stats"]["stat-total-memory"] == -1

other = StratoVirt.Microvm(memory_size=1 << 30)
other.props.memory_size = "2G"
other.props.memory_backend = StratoVirt.MemoryBackendMemfd(size=2 << 30)
image = StratoVirt.BlockFile(filename="x", aio=StratoVirt.BlockAio.THREADS)
image.props.aio = "io_uring"
user = StratoVirt.NetdevUser(hostfwd=["tcp::1-:2"])
user.props.hostfwd = [*user.props.hostfwd, "udp::3-:4"]
print(other.props.memory_size >> 30, other.props.memory_backend.props.size >> 30, image.props.aio.value_nick, user.props.hostfwd)
for object, name, value in ((other, "cpus", 255), (other, "cpus", -1), (other, "cpus", 1.5), (other, "cpus", "many"), (image, "aio", "slow")):
    try:
        setattr(object.props, name, value)
    except GLib.Error as error:
        assert error.matches(StratoVirt.ObjectError.quark(), StratoVirt.ObjectError.INVALID), error
        print(error.message.partition(": ")[2])
for name in "cpuss", "run_state":
    try:
        setattr(other.props, name, 1)
    except (AttributeError, GLib.Error) as error:
        print(type(error).__name__)
vm.close()
""", cwd=tmp_path)
    assert out.splitlines() == [
        "2 2 io_uring ['tcp::1-:2', 'udp::3-:4']",
        *(f"Parameter 'cpus' expects an integer from 1 to 254, got '{text}'" for text in ("255", "-1", "1.500000", "many")),
        "Parameter 'aio' expects 'threads', 'io_uring' or 'native', got 'slow'", "AttributeError", "Error"]


def test_what_a_machine_is_made_of(tmp_path):
    """NUMA nodes and SMBIOS structures are objects, too; they are added before the machine is made."""
    out = python("""
vm = machine("hp", cpus=2)
for number in range(2):
    vm.add_object(StratoVirt.NumaNode(nodeid=number, cpus=[str(number)], memdev=StratoVirt.MemoryBackendMemfd(size=64 << 20)))
vm.add_object(StratoVirt.NumaDist(src=0, dst=1, val=30))
vm.add_object(StratoVirt.SmbiosType1(manufacturer="me"), "system")
for text in "a", "b":
    vm.add_object(StratoVirt.SmbiosType11(value=[text]))

def refused(call):
    try:
        call()
    except GLib.Error as error:
        print(StratoVirt.ObjectError(error.code).value_nick, error.message)
refused(lambda: vm.add_object(StratoVirt.SmbiosType1(manufacturer="you")))
refused(lambda: vm.add_object(StratoVirt.SmbiosFile(file="/no/such")))
vm.add_serial(StratoVirt.ChardevFile(path="console"))
parts = vm.get_child("parts")
print(len(parts), parts.get_child("system").props.path)
for node in parts[0], parts[1]:
    assert node.props.memdev.get_user() == vm and node.props.memdev.props.path.startswith("/objects/")
refused(lambda: vm.add_object(StratoVirt.NumaNode(nodeid=2)))
refused(lambda: setattr(parts[0].props, "nodeid", 1))
vm.connect("quit", lambda vm, status: loop.quit())
vm.start()
loop.run()
assert "hello" in Path("console").read_text()

wrong = machine("hp", cpus=2)
wrong.add_object(StratoVirt.NumaNode(nodeid=0, cpus=["7"]))
refused(wrong.prepare)
""", cwd=tmp_path)
    lines = out.splitlines()
    assert lines[0].startswith("exists There is a 'smbios-type-1' already") and "Cannot read SMBIOS file /no/such" in lines[1]
    assert lines[2] == "6 /machine/parts/system"
    assert lines[3].startswith("read-only 'numa-node' says what the machine is made of")
    assert "'nodeid' cannot be changed once the object is in use" in lines[4]
    assert lines[5] == "invalid -numa node,nodeid=0: processor 7 is out of range: there are 2"


def test_a_closed_machine_leaves_nothing(tmp_path):
    """Threads, descriptors and memory of a VM are gone when its last reference is."""
    python("""
import gc, os
def threads():
    return len(os.listdir("/proc/self/task"))
def descriptors():
    return len(os.listdir("/proc/self/fd"))

def walk(object):
    return [object, *(inner for child in object for inner in walk(child))]

def once():
    Path("disk").write_bytes(bytes(1 << 20))
    vm = machine("c", cpus=2)
    vm.add_serial(StratoVirt.ChardevFile(path="console"))
    io = vm.add_object(StratoVirt.Iothread(), "io")
    vm.add_device("virtio-blk-device", "d", {"drive": StratoVirt.BlockFile(filename="disk"), "iothread": io})
    vm.start()
    run_until(lambda: Path("console").stat().st_size > 100)
    held = walk(vm)
    server = StratoVirt.QmpServer.new(vm.get_root())
    vm.close()
    assert not [object for object in held if isinstance(object, StratoVirt.Device) and object.is_realized()]
    assert not [object for object in held if object is not vm and object.get_root() == vm]
    assert vm.get_run_state() == StratoVirt.RunState.SHUTDOWN
    assert vm.get_parent() is None and len(vm) == 0
    vm.close()
    references.append(vm.weak_ref())

references = []
once()
gc.collect()
before = threads(), descriptors()
for i in range(3):
    once()
gc.collect()
assert (threads(), descriptors()) == before, (threads(), descriptors(), before)
assert all(reference() is None for reference in references)
""", cwd=tmp_path)


def test_links_come_along(tmp_path):
    """An object that nobody placed gets its place with whoever links to it."""
    python("""
Path("disk").write_bytes(bytes(1 << 20))
vm = machine("hp", memory_backend=StratoVirt.MemoryBackendMemfd(size=128 << 20))
vm.add_serial(StratoVirt.ChardevFile(path="console"))
raw = StratoVirt.BlockRaw(file=StratoVirt.BlockFile(filename="disk"))
disk = vm.add_device("virtio-blk-device", "disk", {"drive": raw})
assert disk.props.drive == raw and raw.props.file.get_parent().get_id() == "block"
assert vm.props.memory_backend.dup_path().startswith("/objects/")
vm.connect("quit", lambda vm, status: loop.quit())
vm.start()
loop.run()
assert "hello" in Path("console").read_text()
""", cwd=tmp_path)


def test_a_monitor_for_a_machine_of_ones_own(tmp_path):
    """QMP shows the tree that the program sees, and ends the machine."""
    out = python(f"""
sys.path.insert(0, {str(__import__("pathlib").Path(__file__).parent)!r})
import threading
from qmpclient import QmpClient
vm = machine("c", name="watched")
vm.add_serial(StratoVirt.ChardevNull())
vm.prepare()
server = StratoVirt.QmpServer.new(vm.get_root())
server.add_monitor(vm.add_object(StratoVirt.ChardevSocket(path="qmp", server=True, wait=False), "mon"))
vm.connect("shutdown", lambda vm, cause: print(cause.value_nick))
vm.connect("quit", lambda vm, status: loop.quit())
vm.start()
def client():
    qmp = QmpClient.connect("qmp", negotiate=True)
    print(qmp.execute("query-name")["name"], qmp.execute("qom-get", {{"path": "/machine", "property": "cpus"}}))
    qmp.execute("quit")
thread = threading.Thread(target=client)
thread.start()
loop.run()
server.flush(5000)
thread.join()
""", cwd=tmp_path)
    assert out == "watched 1\nhost-qmp-quit\n"


def test_children_as_a_list_model():
    """An object lists its children, and tells when one comes or goes."""
    python("""
from gi.repository import Gio
vm = machine("c")
vm.prepare()
objects = vm.get_root().get_child("objects")
assert isinstance(objects, Gio.ListModel)
seen = []
objects.connect("child-added", lambda parent, child: seen.append(("added", child.get_id())))
objects.connect("child-removed", lambda parent, child: seen.append(("removed", child.get_id())))
objects.connect("items-changed", lambda model, *change: seen.append(change))
rng = vm.add_object(StratoVirt.RngBuiltin(), "entropy")
assert [child.get_id() for child in objects] == ["entropy"] and objects[0] == rng
rng.remove()
assert seen == [("added", "entropy"), (0, 0, 1), ("removed", "entropy"), (0, 1, 0)], seen
""")
