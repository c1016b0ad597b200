/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What machines are put together from: accelerator, interrupt lines, platform devices. */

#include "hw/core/sv-machine-private.h"

#include "qom/sv-type-registry.h"

static void
set_accel_irq (gpointer opaque, guint line, gboolean level)
{
  sv_accel_set_irq (opaque, line, level);
}

static gboolean
set_accel_irqfd (gpointer opaque, guint line, int fd, gboolean connect, GError **error)
{
  return sv_accel_set_irqfd (opaque, line, fd, connect, error);
}

/**
 * sv_machine_get_irq: (skip)
 * @self: a machine with an open accelerator
 * @gsi: number of the line, below 24
 *
 * Returns: (transfer none): the line of the accelerator's interrupt controller
 */
SvIrq *
sv_machine_get_irq (SvMachine *self, guint gsi)
{
  SvMachinePrivate *priv = sv_machine_get_priv (self);

  g_return_val_if_fail (gsi < SV_MACHINE_N_IRQS && priv->accel != NULL, NULL);
  if (priv->irqs[gsi] == NULL)
    priv->irqs[gsi] = sv_irq_new (set_accel_irq, set_accel_irqfd, priv->accel, gsi);
  return priv->irqs[gsi];
}

/**
 * sv_machine_runs_code: (skip)
 * @self: a machine
 *
 * Returns: whether its processors run code; with a test accelerator they do not, and there need be none
 */
gboolean
sv_machine_runs_code (SvMachine *self)
{
  g_autofree char *wire_name = g_strconcat (sv_machine_get_priv (self)->accel_type, "-accel", NULL);
  GType type = sv_type_registry_lookup (wire_name);
  g_autoptr (GTypeClass) klass = NULL;

  if (type == G_TYPE_INVALID || !g_type_is_a (type, SV_TYPE_ACCEL))
    return TRUE;
  klass = g_type_class_ref (type);
  return !SV_ACCEL_CLASS (klass)->runs_no_code;
}

/**
 * sv_machine_open_accel: (skip)
 * @self: a machine
 * @error: return location
 *
 * Makes the accelerator that `accel` names, and opens it on the machine's address spaces, which hold
 * the RAM by now.
 *
 * Returns: %FALSE with @error set when the accelerator cannot be had
 */
gboolean
sv_machine_open_accel (SvMachine *self, GError **error)
{
  SvMachinePrivate *priv = sv_machine_get_priv (self);
  g_autofree char *wire_name = g_strconcat (priv->accel_type, "-accel", NULL);
  GType type = sv_type_registry_lookup (wire_name);
  g_autoptr (SvObject) accel = NULL;
  SvCpuLayout layout;

  if (type == G_TYPE_INVALID || !g_type_is_a (type, SV_TYPE_ACCEL))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "Invalid accelerator '%s': see '-accel help'", priv->accel_type);
      return FALSE;
    }
  accel = g_object_new (type, NULL);
  if (!sv_object_add_child (SV_OBJECT (self), "accelerator", accel, error))
    return FALSE;
  priv->accel = SV_ACCEL (g_object_ref (accel));
  layout = sv_machine_get_cpu_layout (self);
  sv_accel_set_cpus (priv->accel, &layout);
  return sv_accel_open (priv->accel, priv->memory, priv->io, error);
}

/**
 * sv_machine_adopt: (skip)
 * @self: a machine
 * @device: a device that the machine made for itself
 * @bus: (nullable): the bus it goes on
 * @error: return location
 *
 * Places @device at `/machine/unattached/device[N]`, plugs it in and realizes it.
 *
 * Returns: %FALSE with nothing left behind
 */
gboolean
sv_machine_adopt (SvMachine *self, SvDevice *device, SvBus *bus, GError **error)
{
  return sv_machine_adopt_as (self, NULL, device, bus, error);
}

/**
 * sv_machine_adopt_as: (skip)
 * @self: a machine
 * @id: (nullable): a free name in `/machine/unattached`; %NULL for the next `device[N]`
 * @device: a device that the machine made for itself
 * @bus: (nullable): the bus it goes on
 * @error: return location
 *
 * Places @device at `/machine/unattached/@id`, plugs it in and realizes it. What comes and goes needs a name that does not depend
 * on what came before it: state that is saved is found by it.
 *
 * Returns: %FALSE with nothing left behind
 */
gboolean
sv_machine_adopt_as (SvMachine *self, const char *id, SvDevice *device, SvBus *bus, GError **error)
{
  SvObject *parent = sv_object_ensure_container (SV_OBJECT (self), "unattached");

  if (id == NULL)
    sv_object_add_child_numbered (parent, "device", SV_OBJECT (device));
  else if (!sv_object_add_child (parent, id, SV_OBJECT (device), error))
    return FALSE;
  if (sv_machine_apply_globals (self, SV_OBJECT (device), error) && (bus == NULL || sv_bus_plug (bus, device, error))
      && sv_object_complete (SV_OBJECT (device), error))
    return TRUE;
  if (sv_device_get_bus (device) != NULL)
    sv_bus_unplug (sv_device_get_bus (device), device);
  sv_object_unparent (SV_OBJECT (device));
  return FALSE;
}

/**
 * sv_machine_add_firmware_file: (skip)
 * @self: a complete machine
 * @name: 1 to 55 bytes, of one's own with `opt/` at the beginning
 * @data: content, copied
 * @size: bytes
 * @error: return location
 *
 * Gives firmware, and what it starts, a file to read.
 *
 * Returns: %FALSE when the machine cannot, or has one of that name
 */
gboolean
sv_machine_add_firmware_file (
    SvMachine *self, const char *name, gconstpointer data, gsize size, GError **error)
{
  SvMachineClass *klass = SV_MACHINE_GET_CLASS (self);

  if (klass->add_firmware_file != NULL)
    return klass->add_firmware_file (self, name, data, size, error);
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID, "Machine type '%s' has no fw_cfg",
               sv_type_registry_get_display_name (G_OBJECT_TYPE (self)));
  return FALSE;
}
