/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/core/sv-vm-tree.h"

#include <string.h>

#include "hw/core/sv-machine.h"
#include "qom/sv-type-registry.h"
#include "src/chardev/sv-chardev.h"

/* The layout of a VM's tree around its machine: containers, and who goes into which. */

static void
quit_requested (SvChardev *chardev, SvObject *container)
{
  SvObject *machine = sv_vm_tree_get_machine (sv_object_get_root (container));

  if (machine != NULL)
    sv_machine_request_shutdown (SV_MACHINE (machine), SV_SHUTDOWN_CAUSE_HOST_UI);
}

static void
chardev_added (SvObject *container, SvObject *chardev)
{
  if (SV_IS_CHARDEV (chardev))
    g_signal_connect_object (chardev, "quit-requested", G_CALLBACK (quit_requested), container, 0);
}

/**
 * sv_vm_tree_new: (skip)
 *
 * Returns: (transfer full): root of a tree with the containers that every VM has, for a machine at
 *   `/machine`. Whoever asks to end the VM at one of its character devices is heard.
 */
SvObject *
sv_vm_tree_new (void)
{
  static const char *const containers[] = { "chardevs", "objects", "block", "netdevs" };
  SvObject *root = sv_object_new_container ();

  for (guint i = 0; i < G_N_ELEMENTS (containers); i++)
    sv_object_ensure_container (root, containers[i]);
  g_signal_connect (sv_object_get_child (root, "chardevs"), "child-added",
                    G_CALLBACK (chardev_added), NULL);
  return root;
}

/**
 * sv_vm_tree_add: (skip)
 * @root: root of a VM's tree
 * @id: (nullable): its name; %NULL: its wire name and a number
 * @object: (transfer none): a back end without a place
 * @error: return location
 *
 * Places @object in the container that its class names, and completes it.
 *
 * Returns: %FALSE with nothing changed when it is not a back end, @id is malformed or taken, or
 *   @object cannot be had
 */
gboolean
sv_vm_tree_add (SvObject *root, const char *id, SvObject *object, GError **error)
{
  const char *type = sv_type_registry_get_display_name (G_OBJECT_TYPE (object));
  const char *name = SV_OBJECT_GET_CLASS (object)->container;
  SvObject *container;

  if (name == NULL || strcmp (name, SV_MACHINE_PARTS) == 0)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_TYPE,
                   "Type '%s' is not a back end: character devices, images, network back ends, memory, "
                   "iothreads and sources of entropy are",
                   type);
      return FALSE;
    }
  if (id != NULL && !sv_object_check_id (id, error))
    return FALSE;
  container = sv_object_ensure_container (root, name);
  if (id == NULL && sv_object_get_parent (object) == NULL)
    sv_object_add_child_numbered (container, type, object);
  else if (!sv_object_add_child (container, id != NULL ? id : type, object, error))
    return FALSE;
  if (sv_object_complete (object, error))
    return TRUE;
  sv_object_unparent (object);
  return FALSE;
}

/**
 * sv_vm_tree_get_machine: (skip)
 * @root: root of a VM's tree
 *
 * Returns: (transfer none) (nullable): its machine
 */
SvObject *
sv_vm_tree_get_machine (SvObject *root)
{
  SvObject *machine = sv_object_get_child (root, "machine");

  return SV_IS_MACHINE (machine) ? machine : NULL;
}
