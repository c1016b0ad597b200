# SPDX-License-Identifier: LGPL-2.1-or-later
"""Debian's kernel goes on from a snapshot, and moves."""

import shutil

import pytest
from test_snapshot import save

pytestmark = pytest.mark.linux

BEFORE = """
sum() { dd if=/dev/vda bs=64k count=16 2>/dev/null | md5sum | cut -c1-8; }
dd if=/dev/urandom of=/dev/vda bs=64k count=16 conv=fsync 2>/dev/null
cp /bin/busybox /tmp/busybox
before=$(sum)
(while sleep 0.2; do n=$((n + 1)); echo $n >/tmp/ticks; done) &
"""
# Both processors work, timers run, memory and disk hold what they held, the clock did not jump.
AFTER = """
echo 3 >/proc/sys/vm/drop_caches
t=$(cat /tmp/ticks); sleep 1; [ $(cat /tmp/ticks) -gt $t ] && echo ticks go on
[ "$(sum)" = "$before" ] && cmp /bin/busybox /tmp/busybox && echo contents hold
dd if=/dev/urandom of=/dev/vda bs=64k seek=16 count=1 conv=fsync 2>/dev/null && echo disk written
taskset 1 true && taskset 2 true && echo cpus $(nproc)
grep -E 'virtio|LOC' /proc/interrupts >/tmp/interrupts
dmesg | grep -E 'lockup|detected stall|BUG:|Call Trace' | sed 's/^/complaint /'
echo all said
"""


@pytest.mark.parametrize("machine, disk", [("microvm", "virtio-blk-device"), ("q35", "virtio-blk-pci")])
def test_linux_goes_on(linux, disk_dir, tmp_path, machine, disk):
    image = disk_dir / "disk"
    with open(image, "wb") as file:
        file.truncate(8 << 20)

    def start(path, *args):
        return linux("-smp", "2", "-drive", f"id=d,file={path},if=none", "-device", f"{disk},drive=d,id=disk",
                     "-device", disk.replace("blk", "rng"), *args, machine=machine)

    def say(vm, script, expected):
        for line in script.strip().split("\n"):
            vm.send(line + "\n")
        vm.console.wait_for(expected, 60)

    source = start(image)
    source.console.wait_for("GUEST READY", 60)
    say(source, BEFORE + "\necho prepar''ed $(cat /tmp/ticks)", r"prepared")
    qmp = source.qmp()
    save(qmp, disk_dir / "template")
    shutil.copy(image, disk_dir / "copy")
    qmp.execute("quit")
    source.wait()
    for path in (image, disk_dir / "copy"):
        clone = start(path, "-incoming", f"file:{disk_dir / 'template'}")
        say(clone, AFTER, "^all said")
        text = clone.console.text
        for words in ("ticks go on", "contents hold", "disk written", "cpus 2"):
            assert f"\n{words}\n" in text, text
        assert "\ncomplaint" not in text
    # The last one moves, with the disk that it has, while it runs.
    uri = f"unix:{tmp_path}/there"
    there = start(disk_dir / "copy", "-incoming", uri)
    there.qmp()
    qmp = clone.qmp()
    qmp.execute("migrate-set-parameters", {"max-bandwidth": 0})
    qmp.execute("migrate", {"uri": uri})
    assert clone.wait(60) == 0
    say(there, AFTER, "^all said")
    text = there.console.text
    for words in ("ticks go on", "contents hold", "disk written", "cpus 2"):
        assert f"\n{words}\n" in text, text
    assert "\ncomplaint" not in text
    there.send("poweroff -f\n")
    assert there.wait(30) == 0
