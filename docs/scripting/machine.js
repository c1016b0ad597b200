#!/usr/bin/gjs -m
// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs a kernel in this process: gjs -m machine.js KERNEL COMMAND-LINE [DISK]

import GLib from 'gi://GLib';
import StratoVirt from 'gi://StratoVirt?version=1.0';

const [kernel, append, disk] = ARGV;
const loop = new GLib.MainLoop(null, false);

try {
    const vm = new StratoVirt.Microvm({name: 'demo', memorySize: 256 * 1024 * 1024, kernel, append});
    vm.add_serial(new StratoVirt.ChardevStdio());
    if (disk) {
        const device = vm.add_device('virtio-blk-device', 'root', {
            drive: new StratoVirt.BlockFile({filename: disk}),
            'num-queues': 2,
        });
        printerr(`${device.path} has ${device.drive.size} bytes at ${device.drive.path}`);
    }
    vm.connect('shutdown', (_vm, reason) => printerr(`ended: cause ${reason}`));
    vm.connect('quit', () => loop.quit());
    vm.start();
    loop.run();
} catch (error) {
    if (!(error instanceof GLib.Error))
        throw error;
    printerr(`machine.js: ${error.message}`);
    imports.system.exit(1);
}
