#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Builds what Linux tests boot, from Debian packages, into a cache outside the tree.

Called as a program it prints the paths. The kernel is Debian's cloud kernel: fetched with apt-get,
unpacked with dpkg, never installed.
"""

import fcntl
import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import cpio  # noqa: E402

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "stratovirt-lab"
META_PACKAGE = "linux-image-cloud-amd64"

GUEST_MODULES = ["virtio_ring", "virtio", "virtio_mmio", "virtio_pci_modern_dev",
                 "virtio_pci_legacy_dev", "virtio_pci", "virtio_blk", "failover", "net_failover",
                 "virtio_net", "evdev", "button"]
# In the initramfs, but loaded only by tests that name them
GUEST_SPARE_MODULES = ["pvpanic", "pvpanic-pci", "virtio-rng", "virtio_balloon", "virtio_console", "vsock",
                       "vmw_vsock_virtio_transport_common", "vmw_vsock_virtio_transport", "efivarfs"]
LAB_MODULES = ["virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev",
               "virtio_pci", "virtio_blk", "virtio_console", "fuse", "virtiofs", "overlay",
               "irqbypass", "kvm", "kvm-amd"]
# What programs of the lab are preloaded with
PRELOADS = ("noatime.c", "tcg-assert.c")


class LabError(Exception):
    """Something the test set-up needs is not there."""


def _run(*argv, **kwargs):
    try:
        return subprocess.run(argv, check=True, capture_output=True, **kwargs).stdout
    except FileNotFoundError:
        raise LabError(f"{argv[0]} is missing: run scripts/deps") from None
    except subprocess.CalledProcessError as error:
        raise LabError(f"{' '.join(map(str, argv))}: {error.stderr.decode().strip()}") from None


@contextmanager
def _locked():
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _becoming(target):
    """Gives a scratch directory that becomes @target in one step, when all went well."""
    scratch = Path(tempfile.mkdtemp(prefix="making.", dir=CACHE))
    try:
        yield scratch
        scratch.chmod(0o755)
        scratch.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _real_package():
    found = re.findall(r"Depends: (linux-image-[0-9]\S*)", _run("apt-cache", "depends",
                                                              META_PACKAGE).decode())
    return found[0] if found else None


def _update_lists():
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    _run(*sudo, "apt-get", "-q", "update")


def _download(directory):
    """Fetches the kernel package; package lists that are absent or stale are renewed once."""
    for attempt in (1, 2):
        try:
            package = _real_package()
            if package:
                _run("apt-get", "-q", "-o", "APT::Sandbox::User=root", "download", package,
                     cwd=directory)
                return next(directory.glob("*.deb"))
        except LabError:
            if attempt == 2:
                raise
        if attempt == 1:
            _update_lists()
    raise LabError(f"apt-cache knows no {META_PACKAGE}")


def extract_vmlinux(bzimage):
    """The ELF kernel inside a bzImage (Documentation/x86/boot.rst: payload_offset)."""
    setup = (bzimage[0x1f1] or 4) + 1
    offset, length = struct.unpack_from("<II", bzimage, 0x248)
    start = setup * 512 + offset
    # The payload ends with its unpacked size, which lz4 would take for another block.
    vmlinux = _run("lz4", "-dc", input=bzimage[start:start + length - 4])
    if not vmlinux.startswith(b"\x7fELF"):
        raise LabError("the bzImage's payload is no ELF file")
    return vmlinux


def _newest(prefix):
    def key(path):
        return [int(part) for part in re.findall(r"\d+", path.name)]
    found = sorted(CACHE.glob(prefix + "*"), key=key)
    return found[-1] if found else None


def _build_kernel():
    with tempfile.TemporaryDirectory(prefix="making.", dir=CACHE) as scratch:
        scratch = Path(scratch)
        deb = _download(scratch)
        version = deb.name.split("_")[1]
        release = deb.name.split("_")[0].removeprefix("linux-image-")
        target = CACHE / f"kernel-{release}_{version}"
        if target.is_dir():
            return target
        _run("dpkg", "-x", deb, scratch / "x")
        with _becoming(target) as made:
            boot = scratch / "x" / "boot"
            shutil.copy(boot / f"vmlinuz-{release}", made / "bzImage")
            shutil.copy(boot / f"config-{release}", made / "config")
            (made / "vmlinux").write_bytes(extract_vmlinux((made / "bzImage").read_bytes()))
            _run("objcopy", "-O", "binary", made / "vmlinux", made / "vmlinux.bin")
            modules = made / "lib" / "modules" / release
            shutil.copytree(scratch / "x" / "lib" / "modules" / release, modules,
                            symlinks=True)
            _run(tool("depmod"), "-b", made, release)
            (made / "release").write_text(release + "\n")
    return target


def tool(name):
    """Finds administration tools for users without sbin on their PATH."""
    path = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not path:
        raise LabError(f"{name} is missing: run scripts/deps")
    return path


def _busybox():
    for path in ("/bin/busybox", "/usr/bin/busybox"):
        if os.path.exists(path):
            return path
    raise LabError("busybox-static is missing: run scripts/deps")


def _applets():
    listed = _run(_busybox(), "--list-full").decode().split()
    return [name for name in listed if name != "bin/busybox" and "linuxrc" not in name]


def _initramfs(kernel, init, modules, spare=()):
    release = (kernel / "release").read_text().strip()
    tree = kernel / "lib" / "modules" / release / "kernel"
    found = {path.stem: path for path in tree.rglob("*.ko")}
    archive = cpio.Archive()
    for name in ("proc", "sys", "dev", "tmp", "root", "newroot", "etc", "usr/bin", "usr/sbin",
                 "sbin"):
        archive.directory(name)
    archive.char_device("dev/console", 5, 1)
    archive.char_device("dev/null", 1, 3, 0o666)
    archive.copy("bin/busybox", _busybox(), 0o755)
    for applet in _applets():
        archive.symlink(applet, "/bin/busybox")
    for name in [*modules, *spare]:
        archive.copy(f"lib/modules/{name}.ko", found[name])
    archive.file("lib/modules/order", "\n".join(modules) + "\n")
    archive.copy("init", init, 0o755)
    return archive.to_bytes()


def _root_disk(path, scratch):
    """An ext4 disk with busybox and the same init, for root=/dev/vda."""
    tree = scratch / "tree"
    for name in ("proc", "sys", "dev", "tmp", "root", "etc", "bin", "sbin", "usr/bin", "usr/sbin",
                 "sv"):
        (tree / name).mkdir(parents=True)
    shutil.copy(_busybox(), tree / "bin" / "busybox")
    for applet in _applets():
        link = tree / applet
        if applet != "sbin/init":
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to("/bin/busybox")
    shutil.copy(HERE / "guest-init", tree / "sbin" / "init")
    (tree / "sbin" / "init").chmod(0o755)
    (tree / "sv" / "on-disk").touch()
    _run(tool("mke2fs"), "-q", "-t", "ext4", "-L", "svroot", "-E", "root_owner=0:0", "-d", tree,
         path, "64M")
    shutil.rmtree(tree)


class Images:
    """Paths of everything a Linux test needs."""

    def __init__(self, kernel, images):
        self.kernel_dir = kernel
        self.release = (kernel / "release").read_text().strip()
        self.modules = kernel / "lib" / "modules" / self.release
        self.bzimage = kernel / "bzImage"
        self.vmlinux = kernel / "vmlinux"
        self.raw = kernel / "vmlinux.bin"
        self.initrd = images / "initrd"
        self.lab_initrd = images / "lab-initrd"
        self.root_disk = images / "root.ext4"
        self.noatime = images / "noatime.so"
        self.tcg_assert = images / "tcg-assert.so"


def _images_name(kernel):
    digest = hashlib.sha256()
    for name in ("cpio.py", "images.py", "guest-init", "lab-init", *PRELOADS):
        digest.update((HERE / name).read_bytes())
    digest.update(Path(_busybox()).read_bytes())
    digest.update(kernel.name.encode())
    return "images-" + digest.hexdigest()[:16]


def _forget_old():
    """Drops images of earlier versions of the tree that nobody used for a week."""
    for old in [*CACHE.glob("images-*"), *CACHE.glob("making.*")]:
        if old.stat().st_mtime < time.time() - 7 * 86400:
            shutil.rmtree(old, ignore_errors=True)


def ensure():
    """Builds what is missing and returns Images; quick when all is there."""
    kernel = _newest("kernel-")
    images = CACHE / _images_name(kernel) if kernel else None
    if not images or not images.is_dir():
        with _locked():
            kernel = _newest("kernel-") or _build_kernel()
            images = CACHE / _images_name(kernel)
            if not images.is_dir():
                with _becoming(images) as made:
                    (made / "initrd").write_bytes(
                        _initramfs(kernel, HERE / "guest-init", GUEST_MODULES,
                                   GUEST_SPARE_MODULES))
                    (made / "lab-initrd").write_bytes(
                        _initramfs(kernel, HERE / "lab-init", LAB_MODULES))
                    _root_disk(made / "root.ext4", made)
                    for name in PRELOADS:
                        _run("gcc", "-O2", "-shared", "-fPIC", "-o", made / name.replace(".c", ".so"), HERE / name)
            _forget_old()
    try:
        os.utime(images)
    except OSError:
        pass
    return Images(kernel, images)


def main():
    try:
        made = ensure()
    except LabError as error:
        sys.exit(f"images: {error}")
    for name in ("bzimage", "vmlinux", "raw", "initrd", "root_disk", "modules", "lab_initrd"):
        print(f"{name}={getattr(made, name)}")


if __name__ == "__main__":
    main()
