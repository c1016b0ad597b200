# SPDX-License-Identifier: LGPL-2.1-or-later
"""virtio-blk as Debian's kernel sees it, and what ends up in the files."""

import hashlib
import os
import re
from pathlib import Path

import pytest

from vm import BUILD

pytestmark = pytest.mark.linux
MIB = 1 << 20


@pytest.fixture
def blank(disk_dir):
    """Makes a disk image: sparse, or with the given contents."""
    def make(name, size=64 * MIB, data=None):
        path = disk_dir / name
        with open(path, "wb") as stream:
            if data is not None:
                stream.write(data)
            stream.truncate(size)
        return path
    return make


def disk(number, path, drive="", device=""):
    """Command line words of one disk; @drive and @device are appended, such as ",readonly=on"."""
    return ["-drive", f"file={path},id=d{number},if=none,format=raw{drive}",
            "-device", f"virtio-blk-device,drive=d{number},id=disk{number}{device}"]


def digest(path):
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "md5").hexdigest()


COPY = """
for d in %s; do
  dd if=/dev/vda of=/dev/$d bs=1M conv=fsync 2>/dev/null && echo "$d written"
done
echo 3 > /proc/sys/vm/drop_caches
for d in %s; do echo "$d $(md5sum < /dev/$d)"; done
poweroff -f
"""


@pytest.mark.parametrize("objects, ways", [
    ([], [("", ""), (",direct=on", ""), (",aio=threads", ""), (",aio=threads,direct=on", ""),
          (",aio=io_uring", "")]),
    (["-object", "iothread,id=io0", "-object", "iothread,id=io1"],
     [("", ",iothread=io0"), (",direct=on", ",iothread=io1,num-queues=2"),
      (",aio=threads", ",iothread=io0")]),
], ids=["main-loop", "iothread"])
def test_64_mib_copied_and_read_back(linux, blank, objects, ways):
    """Through each engine, with and without O_DIRECT, in the main loop and in iothreads."""
    source = blank("source", data=os.urandom(64 * MIB))
    wanted = digest(source)
    targets = [blank(f"target{n}") for n in range(len(ways))]
    args = disk(0, source, ",readonly=on" + ways[0][0], ways[0][1])
    for number, (target, (drive, device)) in enumerate(zip(targets, ways), 1):
        args += disk(number, target, drive, device)
    names = ["vd" + "abcdef"[number] for number in range(1, len(ways) + 1)]
    vm = linux("-smp", "2", *objects, *args, script=COPY % (" ".join(names), " ".join(names)))
    assert vm.wait(120) == 0
    for name, target in zip(names, targets):
        assert f"{name} written" in vm.console.text
        assert f"{name} {wanted}" in vm.console.text
        assert digest(target) == wanted


def test_root_on_disk_persists(linux, root_disk):
    """root=/dev/vda rw; what one run writes, the next finds."""
    args = ["-drive", f"file={root_disk},id=root,if=none", "-device",
            "virtio-blk-device,drive=root,id=root"]
    words = "root=/dev/vda rw"
    script = "mount | grep ' / '; date > /root/written; dd if=/dev/urandom of=/root/data bs=1M " \
             "count=8 2>/dev/null; md5sum /root/data; sync; poweroff -f"
    first = linux(*args, words=words, script=script)
    assert first.wait(30) == 0
    assert re.search(r"^/dev/vda on / type ext4 \(rw", first.console.text, re.M)
    made = re.search(r"^(\w{32})  /root/data", first.console.text, re.M)[1]
    second = linux(*args, words=words, script="ls /root; md5sum /root/data; poweroff -f")
    assert second.wait(30) == 0
    assert "written" in second.console.text
    assert f"{made}  /root/data" in second.console.text


def test_root_disk_survives_reboot(linux, root_disk):
    args = ["-drive", f"file={root_disk},id=root,if=none,direct=on", "-device",
            "virtio-blk-device,drive=root,id=root"]
    vm = linux(*args, words="root=/dev/vda rw", script="""
if [ -e /root/flag ]; then echo SECOND BOOT; poweroff -f; fi
echo FIRST BOOT; touch /root/flag; sync; reboot -f
""")
    vm.console.wait_for("FIRST BOOT", 30)
    vm.console.wait_for("SECOND BOOT", 30)
    assert vm.wait(30) == 0


@pytest.fixture
def blkctl():
    """The helper program as a file of a second initrd."""
    return {"bin/blkctl": (BUILD / "tests" / "guests" / "blkctl").read_bytes()}


@pytest.fixture
def linux_with(launch, images, tmp_path):
    """Like linux, with the job and more files in the initrd."""
    from vm import initrd_with

    def start(script, files, *args):
        initrd = initrd_with(images, tmp_path / "initrd", script, files)
        return launch("-kernel", images.vmlinux, "-initrd", initrd, "-append",
                      "console=ttyS0 quiet", *args, memory="256")
    return start


def test_features_that_linux_sees(linux_with, blank, blkctl):
    """Serial, read-only, queues, block size, cache mode; pieces that no page boundary respects."""
    plain = blank("plain")
    vm = linux_with("""
chmod 755 /bin/blkctl
for d in vda vdb vdc; do
  q=/sys/block/$d
  echo "$d size $(cat $q/size) ro $(cat $q/ro) serial $(cat $q/serial) queues $(ls $q/mq | wc -l)"
  echo "$d cache $(cat $q/queue/write_cache) discard $(cat $q/queue/discard_max_bytes)" \
    "zeroes $(cat $q/queue/write_zeroes_max_bytes) block $(cat $q/queue/logical_block_size)"
done
dd if=/dev/zero of=/dev/vda bs=4096 count=1 oflag=direct 2>&1 | grep -qiE 'permitted|read-only|error' \
  && echo "vda refuses writing"
/bin/blkctl odd /dev/vdb && echo "vdb odd ok"
/bin/blkctl odd /dev/vdc && echo "vdc odd ok"
for s in 0 1 7; do dd if=/dev/vdc of=/dev/null bs=512 skip=$s count=3 iflag=direct 2>/dev/null || echo bad; done
grep -c virtio /proc/interrupts | sed 's/^/interrupt lines /'
poweroff -f
""", blkctl, "-smp", "4", *disk(0, plain, ",readonly=on", ",serial=ABC-123"),
                    *disk(1, blank("b", 8 * MIB), "", ",num-queues=4"),
                    *disk(2, blank("c", 8 * MIB), ",direct=on", ",num-queues=1"))
    assert vm.wait(30) == 0
    text = vm.console.text
    assert "vda size 131072 ro 1 serial ABC-123" in text
    assert "vda refuses writing" in text
    assert re.search(r"^vdb size 16384 ro 0 serial \s*queues 4$", text, re.M)
    assert re.search(r"^vdc size 16384 ro 0 serial \s*queues 1$", text, re.M)
    assert re.search(r"^vdb cache write back discard [1-9]\d+ zeroes [1-9]\d+ block 512$", text, re.M)
    assert "vdb odd ok" in text and "vdc odd ok" in text
    assert "bad" not in text
    for name in "bc":
        data = (plain.parent / name).read_bytes()
        assert data[512:512 + 96 * 512] == b"".join(bytes([n + 1]) * 512 for n in range(96))
        assert not any(data[:512]) and not any(data[97 * 512:])
    assert not any(plain.read_bytes()[:MIB])


@pytest.mark.parametrize("drive", ["", ",direct=on", ",aio=threads"],
                         ids=["default", "direct", "threads"])
def test_discard_and_write_zeroes(linux_with, blank, blkctl, drive):
    path = blank("full", data=b"\xa5" * (16 * MIB), size=16 * MIB)
    before = path.stat().st_blocks
    vm = linux_with("""
chmod 755 /bin/blkctl
/bin/blkctl discard /dev/vda 0x400000 0x400000 && echo discarded
/bin/blkctl zeroout /dev/vda 0xa00000 0x100000 && echo zeroed
poweroff -f
""", blkctl, *disk(0, path, drive + ",discard=unmap"))
    assert vm.wait(30) == 0
    assert "discarded" in vm.console.text and "zeroed" in vm.console.text
    data = path.read_bytes()
    assert len(data) == 16 * MIB
    assert data[:4 * MIB] == b"\xa5" * (4 * MIB)
    assert not any(data[4 * MIB:8 * MIB])
    assert data[8 * MIB:10 * MIB] == b"\xa5" * (2 * MIB)
    assert not any(data[10 * MIB:11 * MIB])
    assert data[11 * MIB:] == b"\xa5" * (5 * MIB)
    assert path.stat().st_blocks <= before - 4 * MIB // 512


def test_statistics_count_the_guests_requests(linux, blank):
    path = blank("d", 8 * MIB)
    vm = linux(*disk(0, path), script="""
dd if=/dev/vda of=/dev/null bs=64k count=16 iflag=direct 2>/dev/null
dd if=/dev/zero of=/dev/vda bs=64k count=32 oflag=direct conv=fsync 2>/dev/null
echo REQUESTS DONE; read x
""")
    vm.console.wait_for("REQUESTS DONE", 30)
    qmp = vm.qmp()
    found = [entry for entry in qmp.execute("query-blockstats") if entry.get("device") == "d0"
             or entry.get("qdev", "").endswith("disk0")]
    stats = found[0]["stats"]
    assert stats["rd_bytes"] >= 16 * 65536
    assert stats["rd_operations"] >= 16
    assert 32 * 65536 <= stats["wr_bytes"] < 40 * 65536
    assert stats["flush_operations"] >= 1
    qmp.execute("quit")
    assert vm.wait() == 0


def test_stop_waits_for_disk_requests(linux, blank):
    """After stop returned, nothing changes in the file; after cont all arrives."""
    path = blank("d", 32 * MIB)
    vm = linux("-smp", "2", "-object", "iothread,id=io0", *disk(0, path, "", ",iothread=io0"), script="""
n=0
while [ $n -lt 32 ]; do
  dd if=/dev/urandom of=/dev/vda bs=1M count=1 seek=$n oflag=direct 2>/dev/null
  n=$((n + 1)); echo "piece $n"
done
echo "sum $(md5sum < /dev/vda)"
poweroff -f
""")
    vm.console.wait_for(r"piece 3\s", 30)
    qmp = vm.qmp()
    qmp.execute("stop")
    before = digest(path)
    assert not vm.wait_exit(1)
    assert digest(path) == before
    qmp.execute("cont")
    told = vm.console.wait_for(r"sum (\w{32})", 60)[1]
    assert vm.wait(30) == 0
    assert digest(path) == told


def test_reset_while_the_disk_is_busy(linux, blank):
    """Requests in flight end before the guest starts again, and its next run finds a good disk."""
    path = blank("d", 16 * MIB)
    vm = linux(*disk(0, path, ",direct=on"), script="""
echo RUNNING
while :; do dd if=/dev/zero of=/dev/vda bs=256k count=8 oflag=direct 2>/dev/null; done
""")
    vm.console.wait_for("RUNNING", 30)
    qmp = vm.qmp()
    for _ in range(2):
        vm.wait_exit(0.2)
        qmp.execute("system_reset")
        vm.console.wait_for("RUNNING", 30)
    assert qmp.execute("query-status")["status"] == "running"
    qmp.execute("quit")
    assert vm.wait() == 0


def test_full_and_short_files_give_errors_to_the_guest(linux, blank):
    """A file that shrinks under the guest: an I/O error there, the VM goes on."""
    path = blank("d", 8 * MIB, data=b"x" * (8 * MIB))
    vm = linux(*disk(0, path), script="""
echo READY; read x
dd if=/dev/vda of=/dev/null bs=4096 skip=1536 count=1 iflag=direct 2>&1 | grep -i error | sed 's/^/told: /'
dd if=/dev/vda of=/dev/null bs=4096 count=1 iflag=direct 2>/dev/null && echo "start is readable"
poweroff -f
""")
    vm.console.wait_for("READY", 30)
    os.truncate(path, 4 * MIB)
    vm.send("go\n")
    assert vm.wait(30) == 0
    assert "start is readable" in vm.console.text


def exits(pid):
    """Exits of a VM's processor for its work, from KVM's statistics. One that has nothing to do halts; that is one, and
    its kernel stops a timer before and starts it behind: how often this happens is up to the host's speed."""
    folder, = Path("/sys/kernel/debug/kvm").glob(f"{pid}-*")
    return int((folder / "exits").read_text()) - 3 * int((folder / "halt_exits").read_text())


@pytest.mark.parametrize("drive", ["", ",direct=on"], ids=["default", "direct"])
def test_exits_of_a_read(linux_with, blank, blkctl, drive):
    """The driver's kick is one, its acknowledgement of the interrupt another."""
    vm = linux_with("""
chmod 755 /bin/blkctl
blkctl read /dev/vda 4096 1 100; echo BEGIN; read go
blkctl read /dev/vda 4096 1 1000; echo END; read go
blkctl read /dev/vda 4096 32 3200; echo END; read go
""", blkctl, *disk(0, blank("plain"), drive))
    vm.console.wait_for("^BEGIN", 30)
    for n, most in ((1000, 4), (3200, 1)):
        before = exits(vm.pid)
        vm.send("\n")
        vm.console.wait_for("^END", 30)
        count = (exits(vm.pid) - before) / n
        print(f"{count:.2f} exits for each read")
        assert count <= most
