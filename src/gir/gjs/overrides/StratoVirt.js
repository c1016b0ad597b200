// SPDX-License-Identifier: LGPL-2.1-or-later
// What introspection alone leaves clumsy in JavaScript: asynchronous methods are promises where they get no callback.

const {Gio} = imports.gi;

// Classes with methods that do not block.
const ASYNCHRONOUS = ['Client', 'QmpClient', 'RemoteMachine', 'RemoteObject'];

function promisify(owner) {
    for (const name of Object.getOwnPropertyNames(owner)) {
        const finish = name.replace(/_async$/, '_finish');
        if (name.endsWith('_async') && finish in owner)
            Gio._promisify(owner, name, finish);
    }
}

function _init() {
    for (const name of ASYNCHRONOUS) {
        promisify(this[name]);
        promisify(this[name].prototype);
    }
}
