#!/usr/bin/gjs -m
// SPDX-License-Identifier: LGPL-2.1-or-later
// Plugs a disk into a running VM, or takes it out:
//   gjs -m hotplug.js ADDRESS add ID IMAGE [BUS]
//   gjs -m hotplug.js ADDRESS remove PATH

import GLib from 'gi://GLib';
import StratoVirt from 'gi://StratoVirt?version=1.0';

async function add(vm, id, filename, bus) {
    const drive = await vm.add_object_async('blockdev-file', `${id}-image`, {filename}, null);
    try {
        const where = bus ? {bus} : {};
        const disk = await vm.add_device_async(bus ? 'virtio-blk-pci' : 'virtio-blk-device', id, {drive, ...where}, null);
        print(`${disk.path} has the ${disk.drive.size} bytes of ${disk.drive.path}`);
    } catch (error) {
        await drive.remove_async(null);
        throw error;
    }
}

async function remove(vm, path) {
    const disk = vm.client.get_object(path);
    if (!disk)
        throw new Error(`there is no ${path}`);
    const drive = disk.drive;
    const gone = new Promise(resolve => disk.connect('notify::gone', resolve));
    await disk.remove_async(null);
    // The guest takes its time.
    await gone;
    await drive.remove_async(null);
    print(`${path} is gone, and ${drive.path}`);
}

async function main(address, action, ...words) {
    const vm = await StratoVirt.Client.connect_async(address, null);
    await {add, remove}[action](vm, ...words);
}

const loop = new GLib.MainLoop(null, false);
let status = 0;
main(...ARGV).catch(error => {
    printerr(`hotplug.js: ${error.message}`);
    status = 1;
}).finally(() => loop.quit());
loop.run();
imports.system.exit(status);
