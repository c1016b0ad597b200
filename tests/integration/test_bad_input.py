# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bad configurations: each is refused with a message that names it, and leaves nothing behind."""

import json
import os
import socket
import subprocess
import uuid

import pytest

import vm as vm_module

NONE = ["-machine", "none"]
# Where GUEST stands a microvm with a kernel is meant.
GUEST = object()
# A name of its own for each process that runs tests: others must not see this one's interface come and go.
TAP = "svt9" + os.environ.get("PYTEST_XDIST_WORKER", "")
DISK = "-drive id=d{0},file=disk{0}".format

BAD = [
    # --- options
    (["-bogus"], "Unknown option '-bogus'"),
    (["-kernle", "k"], "Unknown option '-kernle' (did you mean '-kernel'?)"),
    (["word"], "'word' is not an option: options begin with '-'"),
    (["-kernel"], "Option '-kernel' needs an argument: FILE"),
    (["-kernel", "a", "-kernel", "b"], "Option '-kernel' is given twice"),
    ([*NONE, "-name", ""], "-name : expected a name of 1 to 255 bytes"),
    ([*NONE, "-name", "n" * 256], "expected a name of 1 to 255 bytes"),
    ([*NONE, "-uuid", "1"], "-uuid 1: expected a UUID such as"),
    # --- machine
    (["-machine", "nosuch"], "-machine nosuch: Machine type 'nosuch' not found: accepted are "),
    (["-machine", "type=q99"], "Machine type 'q99' not found"),
    (["-machine", "q35,smm=on"], "-machine q35,smm=on: 'smm' can only be 'off' or 'auto': there is no system management mode, "
     "and firmware that is built for secure boot needs it"),
    (["-machine", "q35,kernel-irqchip=split"], "'kernel-irqchip' can only be 'on': KVM has the interrupt controllers"),
    (["-machine", "none,dump-guest-core=maybe"], "Parameter 'dump-guest-core' expects 'on' or 'off', "
     "got 'maybe'"),
    (["-machine", "none,mem-share=2"], "Parameter 'mem-share' expects 'on' or 'off', got '2'"),
    (["-machine", "none,colour=red"], "Property 'colour' not found"),
    (["-machine", "none,usb=on"], "'usb' can only be 'off'"),
    (["-machine", "none,mem-share=on", "-machine", "mem-share=2"],
     "Parameter 'mem-share' expects 'on' or 'off', got '2'"),
    (["-kernel", "none", "-machine", "none", "-machine", "microvm"], "-kernel none: kernel none: "),
    ([*NONE, "-rtc", "base=now"], "-rtc base=now: 'base' is 'now': accepted are 'utc', 'localtime' and a date as"),
    ([*NONE, "-rtc", "clock=sun"], "Parameter 'rtc-clock' expects"),
    ([*NONE, "-rtc", "driftfix=x"], "'driftfix' is 'x': accepted are 'none' and 'slew'"),
    ([*NONE, "-boot", "xyz"], "'order' is 'xyz': accepted are letters from a to p"),
    ([*NONE, "-boot", "once=cc"], "-boot once=cc: 'once' is 'cc': accepted are letters from a to p, each once"),
    ([*NONE, "-global", "x=1"], "unknown key 'x': accepted are 'driver', 'property' and 'value'"),
    ([*NONE, "-global", "virtio-rng-pci.=1"], "expected DRIVER.PROPERTY=VALUE"),
    ([*NONE, "-global", "virtio-rng-pci.colour=red"], "Device 'virtio-rng-pci' has no property 'colour'"),
    ([GUEST, "-global", "mc146818rtc.irq=many"], "-global: "),
    ([*NONE, "-action", "panic=maybe"], "Parameter 'panic-action' expects"),
    ([*NONE, "-action", "reboot=never"], "'reboot' is 'never': accepted are 'reset' and 'shutdown'"),
    ([*NONE, "-action", "watchdog=none"], "unknown key 'watchdog': accepted are 'reboot', 'shutdown' and 'panic'"),
    ([*NONE, "-numa", "mode,x=1"], "-numa mode,x=1: 'type' is 'mode': accepted are node, dist and cpu"),
    ([*NONE, "-numa", "node,colour=red"], "Property 'colour' not found"),
    ([GUEST, "-numa", "node,cpus=1"], "-numa node,nodeid=0: processor 1 is out of range: there are 1"),
    ([GUEST, "-numa", "node,memdev=m"], "-numa node,memdev=m: "),
    ([GUEST, "-object", "memory-backend-ram,id=m,size=64M", "-numa", "node,memdev=m"],
     "the memory of all nodes (67108864) must be the machine's (268435456)"),
    ([GUEST, "-object", "memory-backend-ram,id=m,size=256M", "-numa", "node,memdev=m", "-mem-path", "x"],
     "'mem-path' and '-numa node,memdev=' both say where guest memory is"),
    ([*NONE, "-smbios", "vendor=x"], "-smbios vendor=x: 'type' is missing: accepted are 0, 1, 11, 17, 2, 3, 4"),
    ([*NONE, "-smbios", "type=5,vendor=x"], "'type' is '5': accepted are"),
    ([*NONE, "-smbios", "type=0,maker=x"], "Property 'maker' not found"),
    ([*NONE, "-smbios", "type=1,serial=x", "-smbios", "type=1,sku=y"], "Duplicate id 'smbios-type-1'"),
    ([GUEST, "-smbios", "type=1,uuid=x"], "-smbios type=1,uuid= expects a UUID"),
    ([*NONE, "-cpu", "EPYC"], "-cpu EPYC: CPU 'EPYC': model 'EPYC' is not known: accepted are 'host', 'max', 'kvm64' and 'qemu64'"),
    ([*NONE, "-cpu", "host,+avx3"], "feature 'avx3' is not known (did you mean 'avx"),
    ([*NONE, "-cpu", "host,pmu=maybe"], "'pmu' expects 'on' or 'off', got 'maybe'"),
    ([GUEST, "-cpu", "host,+3dnowext,+ia64"], "CPU feature '"),
    ([*NONE, "-smp", "0"], "-smp 0: none-machine 'machine': Parameter 'cpus' expects an integer from "
     "1 to 254, got '0'"),
    ([*NONE, "-smp", "255"], "from 1 to 254, got '255'"),
    ([*NONE, "-smp", "cpus=two"], "Parameter 'cpus' expects an integer from 1 to 254, got 'two'"),
    ([*NONE, "-smp", "-1"], "got '-1'"),
    ([*NONE, "-m", "127M"], "-m 127M: none-machine 'machine': Parameter 'memory-size' expects a size "
     "from 128M to 512G, got '127M'"),
    ([*NONE, "-m", "513G"], "from 128M to 512G, got '513G'"),
    ([*NONE, "-m", "lots"], "from 128M to 512G, got 'lots'"),
    ([*NONE, "-m", "1G,slot=2"], "unknown key 'slot': accepted are 'size', 'slots' and 'maxmem'"),
    ([*NONE, "-m", "1G,slots=2"], "'slots' needs 'maxmem'"),
    ([*NONE, "-m", "1G,slots=257,maxmem=2G"], "'slots' expects an integer from 0 to 256, got '257'"),
    ([*NONE, "-m", "1G,slots=2,maxmem=much"], "'maxmem' expects a size, got 'much'"),
    ([*NONE, "-m", "1G,maxmem=1023M"], "'maxmem' is '1023M': it must be at least 'size' (1G)"),
    ([*NONE, "-m", "size=1048576k,slots=1,maxmem=1G"], "'slots' needs a 'maxmem' that is more than 'size'"),
    (["-machine", "microvm"], "'-kernel FILE' is missing"),
    (["-kernel", "none"], "-kernel none: kernel none: "),
    ([GUEST, "-initrd", "none"], "-initrd none: initrd none: "),
    ([*NONE, "-smp", "1,maxcpus=0"], "'maxcpus' expects an integer from 1 to 254, got '0'"),
    ([GUEST, "-smp", "3,cores=2"], "Invalid CPU topology"),
    ([GUEST, "-smp", "4,maxcpus=2"], "Invalid CPU topology: maxcpus (2) must be at least cpus (4)"),
    ([GUEST, "-smp", "2,maxcpus=4,sockets=1,cores=2"],
     "sockets (1) * dies (1) * cores (2) * threads (1) must be maxcpus (4)"),
    ([GUEST, "-smp", "200,sockets=40,cores=5"], "make APIC ids up to 316: at most 254 is possible"),
    ([GUEST, "-m", "268435457"], "-m 268435457: Machine memory size 268435457 must be a multiple of 4096"),
    ([GUEST, "-mem-path", "none/x"], "-mem-path none/x: memory backend 'ram': cannot open 'none/x'"),
    ([GUEST, "-mem-path", "/dev/null"], "it must be a regular file or a directory"),
    ([GUEST, "-mem-path", "disk0", "-object", "memory-backend-ram,id=r,size=128M", "-machine",
      "microvm,memory-backend=r", "-m", "128"],
     "'mem-path' and 'memory-backend' both say where guest memory is"),
    # --- disks
    ([*NONE, "-drive", "file=disk0"], "-drive file=disk0: 'id' is missing"),
    ([*NONE, "-drive", "id=d"], "-drive id=d: 'file' is missing"),
    ([*NONE, "-drive", "id=d,file=none,if=none"], "cannot open 'none': No such file or directory"),
    ([*NONE, "-drive", "id=d,file=.,if=none"], "it is a directory"),
    ([*NONE, "-drive", "id=d,file=disk0,if=ide"], "'if' can be 'none', 'pflash' or 'virtio', not 'ide'"),
    (["-machine", "q35"], "'-kernel FILE' is missing, or firmware: '-drive if=pflash,...'"),
    (["-machine", "q35", "-drive", "if=pflash,file=disk0,unit=3"], "'unit' can be '0' or '1' with if=pflash"),
    (["-machine", "q35", "-drive", "if=pflash,file=absent"], "cannot open 'absent'"),
    (["-machine", "q35", "-drive", "if=pflash,file=disk0,unit=1"], "'pflash0' is missing"),
    (["-machine", "q35", "-drive", "if=pflash,file=disk0", "-drive", "if=pflash,file=odd"],
     "pflash1: pflash: 'pflash1' has 512 bytes: expected a multiple of 4096, at most 8388608"),
    (["-machine", "q35", GUEST, "-drive", "if=pflash,file=disk0"],
     "firmware starts a bzImage with an EFI stub only, and this is none"),
    (["-machine", "q35,pflash0=nothing"], "'nothing'"),
    (["-machine", "microvm", GUEST, "-drive", "if=pflash,file=disk0"], "'pflash0'"),
    ([*NONE, "-drive", "id=d,file=disk0,format=qcow2"], "'format' can only be 'raw', not 'qcow2'"),
    ([*NONE, "-drive", "id=d,file=disk0,readonly=perhaps"],
     "readonly: Parameter 'read-only' expects 'on' or 'off', got 'perhaps'"),
    ([*NONE, "-drive", "id=d,file=disk0,direct=1x"],
     "direct: Parameter 'cache.direct' expects 'on' or 'off', got '1x'"),
    ([*NONE, "-drive", "id=d,file=disk0,file=disk1"], "'file' is given twice"),
    ([*NONE, "-drive", "id=d,file=disk0,ipos=1"], "Property 'ipos' not found"),
    ([*NONE, "-drive", "id=d,file=disk0,if=none", "-drive", "id=d,file=disk1,if=none"],
     "Duplicate id 'd'"),
    ([*NONE, "-drive", "id=d,file=disk0,if=none,serial=x"],
     "'serial' needs a -device with 'drive=d'"),
    ([GUEST, "-drive", "id=d,file=disk0,iothread=io9"],
     "Parameter 'iothread' expects the id or path of an object of type 'iothread', got 'io9'"),
    ([GUEST, "-device", "virtio-blk-device,drive=d"], "got 'd'"),
    ([*NONE, "-drive", "id=d,file=disk0,if=none,iops=1000001"], "-drive id=d,file=disk0,if=none,"
     "iops=1000001: iops: Parameter 'throttling.iops-total' expects an integer from 0 to 1000000, got "
     "'1000001'"),
    ([*NONE, "-drive", "id=d,file=disk0,if=none,throttling.bps-total=1,throttling.bps-write=1"],
     "'throttling.bps-total' and limits of reads or writes exclude each other"),
    ([*NONE, "-blockdev", '{"driver":"file","node-name":"d","node-name":"e","filename":"disk0"}'],
     "JSON parse error, duplicate key"),
    ([*NONE, "-blockdev", '{"driver":"file"'], "JSON parse error, expected separator in dict"),
    ([GUEST, *" ".join(DISK(i) for i in range(7)).split()],
     "-drive id=d6,file=disk6: Machine type 'microvm' takes at most 6 disks"),
    # --- objects
    ([*NONE, "-object", "iothread"], "-object iothread: 'id' is missing"),
    ([*NONE, "-object", "iothraed,id=x"], "(did you mean 'iothread'?)"),
    ([*NONE, "-iothread", "name=x"], "-iothread name=x: 'id' is missing"),
    ([*NONE, "-iothread", "id=x,cpu=1"], "unknown key 'cpu': accepted are 'id'"),
    ([*NONE, "-iothread", "id=x", "-iothread", "id=x"], "Duplicate id 'x'"),
    ([*NONE, "-iothread", "id=1bad"], "-iothread id=1bad: Parameter 'id' expects an identifier, got "
     "'1bad': a letter, then letters, digits, '-', '.', '_'"),
    ([*NONE, "-iothread", "id="], "got ''"),
    ([*NONE, "-chardev", "null,id=a b"], "Parameter 'id' expects an identifier, got 'a b'"),
    ([*NONE, "-drive", "file=disk0,if=none,id=0"], "Parameter 'id' expects an identifier, got '0'"),
    ([*NONE, *" ".join(f"-iothread id=io{i}" for i in range(9)).split()],
     "-iothread id=io8: a VM has at most 8 iothreads"),
    ([GUEST, "-smbios", "file=missing"], "Cannot read SMBIOS file missing: "),
    ([GUEST, "-smbios", "file=disk0"], "SMBIOS file disk0 has to be one structure"),
    ([GUEST, "-smbios", "type=1,file=disk0"], "Property 'type' not found"),
    (["-machine", "q35", GUEST, "-device", "virtio-rng-pci,addr=2.8"], "parameter 'addr' expects SLOT or SLOT.FUNCTION"),
    (["-machine", "q35", GUEST, "-device", "virtio-rng-pci,addr=2", "-device", "virtio-rng-pci,addr=2.1"],
     "PCI: function 2.1 of bus 'pcie.0' needs function 0 ('device[0]') to have multifunction=on"),
    ([*NONE, "-object", "memory-backend-ram,id=m,size=0"], "property 'size' must be given and not be 0"),
    # --- older words
    ([*NONE, "-balloon", "on"], "'deflate-on-oom' is missing"),
    ([*NONE, "-balloon", "deflate-on-oom=on", "-balloon", "deflate-on-oom=on"],
     "Option '-balloon' is given twice"),
    ([*NONE, "-rng", "bytes_per_sec=64"], "-rng bytes_per_sec=64: 'random_file' is missing"),
    ([*NONE, "-rng", "random_file=/dev/random,bytes_per_sec=63"],
     "Parameter 'bytes_per_sec' expects an integer from 64 to 1000000000, got '63'"),
    ([*NONE, "-rng", "random_file=/dev/random,bytes_per_sec=1000000001"],
     "from 64 to 1000000000, got '1000000001'"),
    ([*NONE, "-netdev", "netdev=tap0"], "-netdev netdev=tap0: 'id' is missing"),
    ([*NONE, "-netdev", "id=n"], "'type' is missing"),
    ([GUEST, "-netdev", "id=n,netdev="], "'netdev' expects the name of a tap interface, got ''"),
    ([*NONE, "-device", "vsock,guest-cid=3"], "'id' is missing"),
    ([*NONE, "-device", "vsock,id=v"], "'guest-cid' is missing"),
    ([*NONE, "-device", "vsock,id=v,guest-cid=3", "-device", "vsock,id=w,guest-cid=4"],
     "-device vsock,id=w,guest-cid=4: a VM has one vsock at most"),
    ([*NONE, "-chardev", "path=s"], "-chardev path=s: 'id' is missing"),
    ([*NONE, "-chardev", "id=c,path=s", "-chardev", "id=d,path=t"],
     "-chardev id=d,path=t: a VM has one console at most"),
    # --- sockets
    ([*NONE, "-api-channel", "s"], "-api-channel s: expected unix:SOCKET"),
    ([*NONE, "-api-channel", "unix:disk0"], "-api-channel unix:disk0: 'disk0' exists: expected a path "
     "that is free"),
    ([*NONE, "-api-channel", "unix:taken"], "'taken' exists: expected a path that is free"),
    ([*NONE, "-api-channel", "unix:none/s"], "'none/s'"),
    ([*NONE, "-api-channel", "unix:" + "s" * 200], "-api-channel unix:sss"),
    ([*NONE, "-qmp", "unix:taken,server,nowait"], "Socket path 'taken' exists and a running process "
     "listens on it"),
    ([*NONE, "-qmp", "unix:disk0,server,nowait"], "'disk0' exists and is not a socket"),
    ([*NONE, "-qmp", "unix:a,server,nowait", "-qmp", "unix:none/b,server,nowait"],
     "-qmp unix:none/b,server,nowait: "),
    ([*NONE, "-qmp", "pipe:x"], "'pipe:x' is no character device"),
    ([*NONE, "-chardev", "socket,id=c"], "give one of 'path'"),
    ([*NONE, "-mon", "chardev=c,mode=control"], "Object '/chardevs/c' not found"),
    ([*NONE, "-mon", "chardev=c"], "'mode' must be 'control'"),
    ([GUEST, "-serial", "chardev:c"], "Object '/chardevs/c' not found"),
    ([GUEST, "-serial", "socket"], "-serial socket: "),
    ([*NONE, "-monitor", "stdio"], "-monitor stdio: it can only be 'none'"),
    ([GUEST, "-serial", "mon:pty"], "'mon:' can only be 'mon:stdio': there is no human monitor"),
    ([*NONE, "-chardev", "stdio,id=c,mux=on"], "'mux' can only be 'off': a character device serves one"),
    ([*NONE, "-chardev", "stdio,id=c,mux=perhaps"], "'mux' expects 'on' or 'off', got 'perhaps'"),
    ([*NONE, "-chardev", "null,id=c,logfile=none/log"], "Character device 'c': cannot open logfile "
     "'none/log' for writing: No such file or directory"),
    ([*NONE, "-chardev", "null,id=c,logfile=new", "-mon", "chardev=c,mode=control"],
     "cannot carry a monitor: its 'logfile' would stay empty"),
    ([GUEST, "-serial", "stdio", "-chardev", "stdio,id=c"], "stdio is used by character device"),
    ([GUEST, "-nographic", "-daemonize"],
     "-nographic: standard input and output are not there with -daemonize"),
    # --- files that are made before the start fails
    ([*NONE, "-D", "new", "-object", "memory-backend-ram,id=m,size=0"], "property 'size'"),
    ([*NONE, "-daemonize", "-D", "new", "-object", "memory-backend-ram,id=m,size=0"], "property 'size'"),
    ([GUEST, "-serial", "file:new", "-device", "virtio-blk-device,drive=d"], "got 'd'"),
    ([GUEST, "-mem-path", "new", "-device", "virtio-blk-device,drive=d"], "got 'd'"),
    ([*NONE, "-object", "memory-backend-file,id=m,size=128M,mem-path=new", "-chardev", "null,id=c",
      "-chardev", "null,id=c"], "Duplicate id 'c'"),
    # --- devices
    ([*NONE, "-qmp", "unix:s,server,nowait", "-device", "nosuch"],
     "-device nosuch: device 'nosuch' is not supported: see '-device help'"),
    ([GUEST, "-device", "virtio-blk-device,colour=red"], "Property 'colour' not found"),
    ([GUEST, "-device", "id=x"], "-device id=x: 'driver' is missing"),
    ([GUEST, "-device", "acpi-ged"], "expects a pluggable device type, got 'acpi-ged'"),
    ([GUEST, "-device", "host-x86-cpu"],
     "CPU [socket-id: 0, die-id: 0, core-id: 0, thread-id: 0] exists already: "
     "/machine/unattached/device[0]"),
    ([GUEST, "-smp", "1,maxcpus=4", "-device", "host-x86-cpu,socket-id=4"],
     "Invalid CPU socket-id: 4 must be in range 0:3"),
    ([GUEST, "-smp", "1,maxcpus=4,cores=2", "-device", "host-x86-cpu,socket-id=1"],
     "CPU core-id is missing: it is from 0 to 1"),
    ([GUEST, *DISK(0).split(), "-device", "virtio-blk-device,drive=d0,id=1x"],
     "Parameter 'id' expects an identifier, got '1x'"),
    ([GUEST, *["-device", "virtio-rng-device"] * 12],
     "Machine type 'microvm' takes at most 11 virtio-mmio devices"),
    ([GUEST, "-rng", "random_file=none"], "cannot open filename=none"),
    ([GUEST, "-rng", "random_file=/dev/random,colour=red"], "Property 'colour' not found"),
    ([GUEST, "-balloon", "deflate-on-oom=perhaps"],
     "Parameter 'deflate-on-oom' expects 'on' or 'off', got 'perhaps'"),
    ([GUEST, "-balloon", "deflate-on-oom=on", "-device", "virtio-balloon-device"], "balloon"),
    ([GUEST, "-chardev", "id=c,path=disk0"], "-chardev id=c,path=disk0: 'disk0' exists"),
    ([GUEST, "-chardev", "id=c,path=taken"], "'taken' exists: expected a path that is free"),
    ([GUEST, "-netdev", "id=n,netdev=an-interface-of-20b"], "-netdev id=n,netdev=an-interface-of-20b: "),
    ([GUEST, "-netdev", f"id=n,netdev={TAP},mac=0e:90"], "mac"),
    ([GUEST, "-netdev", "id=n,netdev=lo"], "'lo'"),
    ([GUEST, "-netdev", f"id=n,netdev={TAP},iothread=io9"], "got 'io9'"),
    ([GUEST, "-device", "vsock,id=v,guest-cid=2"], "guest-cid=2 must be from 3 to 4294967294"),
    # --- process
    ([*NONE, "-pidfile", "pid"], "-pidfile pid: it needs -daemonize"),
    ([*NONE, "-daemonize", "-pidfile", "disk0"], "disk0' exists: it is not overwritten"),
    ([*NONE, "-daemonize", "-pidfile", "none/pid"], "none/pid': No such file or directory"),
    ([*NONE, "-daemonize", "-serial", "stdio"],
     "-serial stdio: standard input and output are not there with -daemonize"),
    ([*NONE, "-daemonize", "-D", "/dev/stderr"],
     "-D /dev/stderr: standard output and error are not there with -daemonize"),
    ([*NONE, "-D", "none/log"], "none/log"),
    ([*NONE, "-daemonize", "-pidfile", "pid", "-qmp", "unix:none/b,server,nowait"],
     "-qmp unix:none/b,server,nowait: "),
    ([*NONE, "-daemonize", "-pidfile", "pid", "-api-channel", "unix:s", "-drive",
      "id=d,file=none,if=none"], "cannot open 'none'"),
    ([*NONE, "-runas", "no such user"], "-runas no such user: there is no such user: expected USER or "
     "UID:GID"),
    ([*NONE, "-runas", ""], "-runas : expected USER or UID:GID"),
    ([*NONE, "-sandbox", "chroot=none"], "-sandbox chroot=none: expected a directory"),
    ([*NONE, "-sandbox", "on,jail=x"], "unknown key 'jail'"),
    ([*NONE, "-sandbox", "maybe"], "-sandbox maybe: "),
    ([*NONE, "-chroot", "disk0"], "-chroot disk0: expected a directory"),
    ([*NONE, "-add-fd", "set=1,fd=99"], "'fd' must be the number of an inherited file descriptor"),
    ([*NONE, "-add-fd", "fd=3"], "'set' must be the number of a set"),
    ([*NONE, "-drive", "id=d,file=/dev/fdset/7,if=none"], "cannot open '/dev/fdset/7'"),
    ([*NONE, "-config", "none"], "-config none: cannot read it: No such file or directory"),
    ([*NONE, "-config", "."], "-config .: cannot read it: Is a directory"),
]

DRIVE = {"drive_id": "d", "path_on_host": "disk0"}

BAD_JSON = [
    ("", "line 1: JSON parse error, expecting value"),
    ("[]", "expected an object, got []"),
    ('{"vsock": {"vsock_id": "v",\n"vsock_id": "w"}}', "line 2: JSON parse error, duplicate key"),
    ('{"drive": [\n\n', "line 3: JSON parse error"),
    ({"drivers": []}, "drivers: unknown section (did you mean 'drive'?): accepted are 'boot-source', "),
    ({"boot-source": []}, "boot-source: expected an object, got []"),
    ({"boot-source": {"kernel": "k"}}, "boot-source.kernel: unknown key"),
    ({"machine-config": {"type": "microvm"}, "boot-source": {"kernel_image_path": "absent"}},
     "-config config.json: boot-source.kernel_image_path: kernel absent: "),
    ({"machine-config": {"type": "microvm", "mem_path": "absent/x"}, "boot-source": {"kernel_image_path": "disk0"}},
     "-config config.json: machine-config.mem_path: memory backend 'ram': cannot open 'absent/x'"),
    ({"machine-config": {"type": "microvm", "mem_size": 268435457}, "boot-source": {"kernel_image_path": "disk0"}},
     "-config config.json: machine-config.mem_size: Machine memory size 268435457"),
    ({"net": [{"iface_id": "n", "host_dev_name": ""}]}, "net[0].host_dev_name: "),
    ({"boot-source": {"boot_args": 1}}, "boot-source.boot_args: expected a string, got 1"),
    ({"machine-config": {"type": "q99"}}, "machine-config.type: Machine type 'q99' not found"),
    ({"machine-config": {"name": ""}}, "machine-config.name: expected a name of 1 to 255 bytes"),
    ({"machine-config": {"vcpu_count": 0}}, "machine-config.vcpu_count: none-machine 'machine': "
     "Parameter 'cpus' expects an integer from 1 to 254, got '0'"),
    ({"machine-config": {"vcpu_count": "2"}}, 'machine-config.vcpu_count: expected an integer, got "2"'),
    ({"machine-config": {"vcpu_count": 1.5}}, "machine-config.vcpu_count: expected an integer, got 1.5"),
    ({"machine-config": {"mem_size": 1}}, "machine-config.mem_size: "),
    ({"machine-config": {"mem_size": 1 << 40}}, "from 128M to 512G, got '1099511627776'"),
    ({"machine-config": {"dump_guest_core": "no"}},
     'machine-config.dump_guest_core: expected true or false, got "no"'),
    ({"machine-config": {"dump_guest_core": False, "omit_vm_memory": True}},
     "'omit_vm_memory' and 'dump_guest_core' say the same"),
    ({"machine-config": {"mem_pth": "x"}}, "machine-config.mem_pth: unknown key (did you mean "
     "'mem_path'?)"),
    ({"drive": DRIVE}, "drive: expected an array of objects, got "),
    ({"drive": ["disk0"]}, 'drive[0]: expected an object, got "disk0"'),
    ({"drive": [{"path_on_host": "disk0"}]}, "drive[0].drive_id: is missing"),
    ({"drive": [{"drive_id": "d"}]}, "drive[0].path_on_host: is missing"),
    ({"drive": [{"drive_id": "d", "path_on_host": "none"}]}, "drive[0]: cannot open 'none'"),
    ({"drive": [DRIVE, {**DRIVE, "read_only": 1}]},
     "drive[1].read_only: expected true or false, got 1"),
    ({"drive": [{**DRIVE, "iops": "fast"}]}, 'drive[0].iops: expected an integer, got "fast"'),
    ({"drive": [{**DRIVE, "iothread": "io9"}]}, "drive[0].iothread: Parameter 'iothread' expects the id"),
    ({"drive": [{**DRIVE, "if": "none"}]}, "drive[0].if: unknown key"),
    ({"drive": [DRIVE, DRIVE]}, "drive[1]: Duplicate id 'd'"),
    ({"net": [{"host_dev_name": "tap0"}]}, "net[0].iface_id: is missing"),
    ({"net": {}}, "net: expected an array of objects"),
    ({"console": [{"console_id": "c", "socket_path": "s"}, {"console_id": "d", "socket_path": "t"}]},
     "console[1]: a VM has one console at most"),
    ({"console": {"console_id": "c"}}, "console.socket_path: is missing"),
    ({"vsock": {"vsock_id": "v"}}, "vsock.guest_cid: is missing"),
    ({"vsock": []}, "vsock: expected an object"),
    ({"serial": {"stdio": "yes"}}, 'serial.stdio: expected true or false, got "yes"'),
    ({"iothread": [{"id": "a"}, {"id": "a"}]}, "iothread[1]: Duplicate id 'a'"),
    ({"iothread": [{"id": f"io{i}"} for i in range(9)]}, "iothread[8]: a VM has at most 8 iothreads"),
    ({"balloon": {"deflate-on-oom": True}}, "balloon.deflate-on-oom: unknown key (did you mean "
     "'deflate_on_oom'?)"),
    ({"drive": [DRIVE, {"drive_id": "e", "path_on_host": "disk1", "iops": 1000001}]},
     "drive[1].iops: Parameter 'throttling.iops-total' expects an integer from 0 to 1000000, got "
     "'1000001'"),
    ({"rng": {"random_file": "/dev/random", "bytes_per_sec": 63}},
     "rng.bytes_per_sec: Parameter 'bytes_per_sec' expects an integer from 64 to 1000000000, got '63'"),
]


@pytest.fixture
def place(tmp_path):
    """A folder with seven disks, a file that is none, and a socket that somebody listens on."""
    for number in range(7):
        (tmp_path / f"disk{number}").write_bytes(bytes(1 << 20))
    (tmp_path / "odd").write_bytes(bytes(512))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "taken"))
        listener.listen()
        yield tmp_path


def processes_with(mark):
    found = []
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/environ", "rb") as stream:
                if mark.encode() in stream.read():
                    found.append(entry)
        except OSError:
            pass
    return found


def state(place):
    """What must be the same before and after."""
    return ({entry.name: entry.stat().st_size for entry in place.iterdir()},
            # Other tests make interfaces of other names meanwhile.
            TAP in os.listdir("/sys/class/net"))


def refused(place, args, message):
    mark = f"SVT_MARK={uuid.uuid4()}"
    before = state(place)
    result = subprocess.run([vm_module.STRATOVIRT, *args], cwd=place, stdin=subprocess.DEVNULL,
                            capture_output=True, text=True, timeout=20 * vm_module.SCALE,
                            env={**os.environ, **dict([mark.split("=")])}, check=False)
    assert message in result.stderr
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("stratovirt: ")
    assert result.stdout == ""
    assert state(place) == before
    assert processes_with(mark) == []


@pytest.mark.parametrize("args, message", BAD, ids=range(len(BAD)))
def test_command_line(place, guests, args, message):
    line = []
    for word in args:
        line += ["-kernel", str(guests / "tiny-pvh.elf")] if word is GUEST else [word]
    refused(place, line, message)


@pytest.mark.parametrize("content, message", BAD_JSON, ids=range(len(BAD_JSON)))
def test_file(place, content, message):
    text = content if isinstance(content, str) else json.dumps(content)
    (place / "config.json").write_text(text)
    machine = [] if '"type"' in text else NONE
    refused(place, [*machine, "-config", "config.json"], message)
