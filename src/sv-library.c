/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Part of the shared library only: what main() does for the program.
 *
 * The thread that loads the library, for a script the one that imports it, is the VMs' main thread. It holds the VM lock
 * except while its main loop polls, so whatever a script does with objects is safe, properties as well as methods, and
 * processors that want a device wait for the script as they wait for a busy main loop.
 */

#include "src/runtime/sv-vm-lock.h"
#include "src/sv-type-list.h"

__attribute__ ((constructor)) static void
library_loaded (void)
{
  sv_type_list_register ();
  sv_vm_lock_attach (NULL);
  if (!sv_vm_lock_is_mine ())
    sv_vm_lock ();
}
