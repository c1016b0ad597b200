# SPDX-License-Identifier: LGPL-2.1-or-later
"""Fixtures of the integration tests; docs/testing.md tells how to run them."""

import importlib.machinery
import importlib.util
import shutil
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import vm as vm_module  # noqa: E402

sys.path.insert(0, str(vm_module.TOP / "tests" / "lab"))
import images as lab_images  # noqa: E402


def _lab():
    path = str(vm_module.TOP / "tests" / "lab" / "lab")
    loader = importlib.machinery.SourceFileLoader("lab", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("lab", loader))
    loader.exec_module(module)
    return module


def pytest_configure(config):
    # What shells have programs in the background ignore, those that the tests start would ignore as well.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    config.addinivalue_line("markers", "linux: boots a stock Linux kernel; runs in the lab where "
                                       "this host's KVM cannot")
    config.addinivalue_line("markers", "slow: left out unless scripts/check --slow asks for it")
    part = config.getoption("--part")
    if part:
        config.pluginmanager.register(Part(*map(int, part.split("/"))))


def pytest_addoption(parser):
    parser.addoption("--part", metavar="I/N", help="run only each Nth test, beginning with the Ith; "
                                                   "several labs share the work so")


def pytest_collection_modifyitems(items):
    if _lab().host_runs_stock_guests():
        return
    for item in items:
        if item.get_closest_marker("linux"):
            item.add_marker(pytest.mark.skip(reason="this host's KVM runs no stock guests: use "
                                                    "tests/lab/lab -- python3 -m pytest ..."))


class Part:
    """Leaves a share of the tests, after all other selections."""

    def __init__(self, index, count):
        self.index, self.count = index, count

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config, items):
        mine = items[self.index::self.count]
        config.hook.pytest_deselected(items=[item for item in items if item not in mine])
        items[:] = mine


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" and report.failed:
        for number, machine in enumerate(getattr(item, "vms", [])):
            report.sections.append((f"VM {number}", machine.describe()))


@pytest.fixture
def launch(request):
    """Starts VMs that end with the test; see vm.Vm for the arguments."""
    request.node.vms = []

    def start(*args, **kwargs):
        machine = vm_module.Vm(*args, **kwargs)
        request.node.vms.append(machine)
        return machine
    yield start
    for machine in request.node.vms:
        machine.close()


@pytest.fixture(scope="session")
def images():
    """Debian's kernel in three formats, the initrd, the root disk."""
    return lab_images.ensure()


@pytest.fixture(scope="session")
def guests():
    """Folder of the tiny guests."""
    folder = vm_module.BUILD / "tests" / "guests"
    assert (folder / "tiny-pvh.elf").exists(), f"{folder}: build the tree first"
    return folder


@pytest.fixture
def tiny(launch, guests):
    """Starts a VM with the tiny guest; @do is what it shall do (tests/guests/tiny.c)."""
    def start(do, *args, kernel="tiny-pvh.elf", words="", **kwargs):
        append = f"{words} do={do}".strip()
        return launch("-kernel", guests / kernel, "-append", append, *args, **kwargs)
    return start


@pytest.fixture
def disk_dir():
    """A folder on a file system that knows O_DIRECT and hole punching, also in the lab."""
    import tempfile
    folder = tempfile.mkdtemp(prefix="svt.", dir="/var/tmp")
    yield Path(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def root_disk(images, disk_dir):
    """A private copy of the root disk."""
    return Path(shutil.copy(images.root_disk, disk_dir / "root.ext4"))


@pytest.fixture
def linux(launch, images):
    """Starts a VM with Debian's kernel; @script is the guest's job."""
    def start(*args, kernel="vmlinux", script=None, words="", console="console=ttyS0 quiet",
              **kwargs):
        append = f"{console} {words}"
        if script is not None:
            append += " " + vm_module.run_word(script)
        kwargs.setdefault("memory", "256")
        return launch("-kernel", getattr(images, kernel), "-initrd", images.initrd, "-append",
                      append, *args, **kwargs)
    return start
