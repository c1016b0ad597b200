# SPDX-License-Identifier: LGPL-2.1-or-later
"""What comes with the introspection data: the Python package, GJS, examples, the installation, the manual."""

import ast
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest
from scripting import GIR, GUESTS, environment, python, run
from vm import BUILD, TOP

CORE = "{http://www.gtk.org/introspection/core/1.0}"
GLIB = "{http://www.gtk.org/introspection/glib/1.0}"
EXAMPLES = TOP / "docs" / "scripting"


def namespace():
    return ElementTree.parse(GIR).getroot().find(CORE + "namespace")


def test_gjs(tmp_path):
    """The example runs a guest with a disk in a JavaScript program; errors have a domain and a code."""
    (tmp_path / "disk").write_bytes(bytes(1 << 20))
    out = run(["gjs", "-m", EXAMPLES / "machine.js", GUESTS / "tiny.elf", "do=hp", "disk"], cwd=tmp_path)
    assert "tiny elf\nhello\n" in out.replace("\r", "")
    (tmp_path / "errors.js").write_text("""
import StratoVirt from 'gi://StratoVirt?version=1.0';
const vm = new StratoVirt.Microvm({kernel: ARGV[0], memorySize: 128 << 20});
for (const [driver, id, properties] of [['nothing', 'd', null], ['virtio-rng-device', '?', {}],
        ['virtio-rng-device', 'd', {'max-bytes': 'many'}], ['virtio-rng-device', 'd', {rng: vm}]]) {
    try {
        vm.add_device(driver, id, properties);
        print('no error');
    } catch (error) {
        const code = Object.keys(StratoVirt.ObjectError).find(name =>
            typeof StratoVirt.ObjectError[name] === 'number' && error.matches(StratoVirt.ObjectError,
                StratoVirt.ObjectError[name]));
        print(code);
    }
}
vm.prepare();
const objects = vm.get_root().get_child('objects');
objects.connect('child-added', (_parent, child) => print(child.path));
vm.add_object(new StratoVirt.RngBuiltin(), 'entropy');
vm.close();
""")
    out = run(["gjs", "-m", "errors.js", GUESTS / "tiny.elf"], cwd=tmp_path)
    assert out.split() == ["NOT_FOUND", "INVALID", "INVALID", "TYPE", "/objects/entropy"]


def test_python_example(tmp_path):
    out = run(["/usr/bin/python3", EXAMPLES / "two_machines.py", GUESTS / "tiny.elf", "do=hp"], cwd=tmp_path)
    assert out.split("\n")[:6] == ["first running", "first paused", "second running", "second shutdown",
                                   "first running", "first shutdown"]
    assert "hello" in (tmp_path / "first.log").read_text() and "hello" in (tmp_path / "second.log").read_text()


def test_the_document(tmp_path):
    """The Python blocks of docs/scripting.md run as they are, with a guest that ends by itself."""
    (tmp_path / "vmlinuz").symlink_to(GUESTS / "tiny.elf")
    (tmp_path / "root.img").write_bytes(bytes(1 << 20))
    first, second, *_ = re.findall(r"```python\n(.*?)```", (TOP / "docs" / "scripting.md").read_text(), re.S)
    assert "console=ttyS0" in first
    out = python(first.replace("console=ttyS0", "do=hp") + "vm = machine('c')\n" + second, cwd=tmp_path)
    assert "hello" in out and "ended: guest-shutdown" in out


def test_types_for_editors():
    """The stub has every class with its own properties and methods, and nothing that is not there."""
    stub = ast.parse((GIR.parent / "python" / "stratovirt" / "__init__.pyi").read_text())
    classes = {node.name: node for node in stub.body if isinstance(node, ast.ClassDef)}
    for node in namespace().findall(CORE + "class"):
        own = classes[node.get("name")]
        props = next(inner for inner in own.body if isinstance(inner, ast.ClassDef))
        named = {inner.target.id for inner in props.body if isinstance(inner, ast.AnnAssign)}
        assert named == {one.get("name").replace("-", "_") for one in node.findall(CORE + "property")}
        functions = {inner.name for inner in own.body if isinstance(inner, ast.FunctionDef)}
        for method in node.findall(CORE + "method"):
            if method.get("introspectable") != "0" and not method.get("shadowed-by"):
                assert (method.get("shadows") or method.get("name")) in functions
    python(f"""
import stratovirt
names = {sorted(classes)!r}
assert stratovirt.Microvm is StratoVirt.Microvm
for name in names:
    assert hasattr(stratovirt, name), name
assert "Machine" in dir(stratovirt)
""")


def test_help_shows_the_documentation():
    out = python("""
import pydoc
print(pydoc.render_doc(StratoVirt.Machine, renderer=pydoc.plaintext))
print(pydoc.render_doc(StratoVirt.BlockFile, renderer=pydoc.plaintext))
""")
    text = " ".join(out.replace("|", " ").split())
    for words in ("The process that has no other purpose", "memory_size (int): Guest memory in bytes",
                  "Lets the guest run: the first time from its kernel's entry",
                  "cache_direct (bool): Bypass the host's page cache"):
        assert words in text, words


def test_objects_without_children_are_true():
    python("""
vm = machine("c")
vm.prepare()
empty = vm.get_root().get_child("objects")
assert len(empty) == 0 and empty
with machine("c") as other:
    other.prepare()
assert other.get_parent() is None
""")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """What `meson install` puts where."""
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["meson", "install", "-C", str(BUILD), "--no-rebuild", "--quiet", "--destdir", str(root)], check=True,
                   capture_output=True)
    return root


def test_installation(installed, tmp_path):
    """Typelib, GIR, library, Python's part and the examples are installed, and work from there."""
    def find(name):
        return next(installed.rglob(name)).parent
    assert find("StratoVirt-1.0.gir") and find("machine.js") and find("__init__.pyi") and find("aio.py")
    assert find("StratoVirt.js").match("share/gjs-1.0/overrides")
    env = {**environment(), "GI_TYPELIB_PATH": str(find("StratoVirt-1.0.typelib")),
           "LD_LIBRARY_PATH": str(find("libstratovirt-1.so")), "PYTHONPATH": str(find("py.typed").parent)}
    script = ("import stratovirt, gi.overrides.StratoVirt as overrides; vm = stratovirt.Microvm(name='x'); "
              "print(vm.props.name, overrides.__file__, stratovirt.Machine.start.__doc__)")
    out = subprocess.run(["/usr/bin/python3", "-c", script], env=env, cwd=tmp_path, capture_output=True, text=True,
                         check=True).stdout
    assert out.startswith(f"x {installed}") and "Lets the guest run" in out


def test_developers_environment(tmp_path):
    """`meson devenv` finds all of it in the build directory."""
    out = subprocess.run(["meson", "devenv", "-C", str(BUILD), "/usr/bin/python3", "-c",
                          "import stratovirt; print(stratovirt.Machine.start.__doc__)"],
                         capture_output=True, text=True, check=True).stdout
    assert "Lets the guest run" in out


def test_reference_manual(tmp_path):
    """The manual is made without a warning; it has each class, and each command and event of QMP."""
    pages = tmp_path / "manual"
    reference = BUILD / "docs" / "reference"
    run(["gi-docgen", "generate", "--quiet", "--fatal-warnings", "--config", reference / "stratovirt.toml",
         "--output-dir", pages, "--no-namespace-dir", "--content-dir", reference, GIR], timeout=120)
    for node in namespace().findall(CORE + "class"):
        assert (pages / f"class.{node.get('name')}.html").exists()
    qmp = (pages / "qmp.html").read_text()
    for path in (TOP / "data" / "qmp-schema").glob("*.json"):
        for one in json.loads(path.read_text())["definitions"]:
            for kind in "command", "event", "struct", "enum":
                if kind in one:
                    assert f"{one[kind]} ({kind})" in qmp, one[kind]


def test_nothing_is_undocumented():
    """Neither a symbol of the GIR nor a property, whose text is the one that QMP tells."""
    run(["gi-docgen", "check", "--quiet", "--fatal-warnings", "--config",
         BUILD / "docs" / "reference" / "stratovirt.toml", GIR], timeout=120)
    types = {one["name"]: one for one in json.loads((GIR.parent / "sv-types.json").read_text())}
    for node in namespace().findall(CORE + "class"):
        listed = types.get("Sv" + node.get("name"), {"properties": []})["properties"]
        texts = {one["name"]: one["description"].rstrip(".") for one in listed}
        for one in node.findall(CORE + "property"):
            doc = " ".join(one.find(CORE + "doc").text.split())
            assert doc and (one.get("name") not in texts or re.sub(r"\s+", " ", texts[one.get("name")]) in doc
                            or one.get("name") in ("id", "path"))


def test_tests_are_collected_without_a_build(tmp_path):
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", TOP / "tests" / "integration"],
                          env={**os.environ, "STRATOVIRT_BUILD": str(tmp_path)}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-2000:]
