/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-accel.h"

typedef struct
{
  SvAddressSpace *memory;
  SvAddressSpace *io;
  SvCpuLayout cpus;
  char *cpu_model;
} SvAccelPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (SvAccel, sv_accel, SV_TYPE_OBJECT)

#define PRIV(self) ((SvAccelPrivate *)sv_accel_get_instance_private (self))

static void
sv_accel_finalize (GObject *object)
{
  g_clear_object (&PRIV (SV_ACCEL (object))->memory);
  g_clear_object (&PRIV (SV_ACCEL (object))->io);
  g_free (PRIV (SV_ACCEL (object))->cpu_model);
  G_OBJECT_CLASS (sv_accel_parent_class)->finalize (object);
}

static void
sv_accel_class_init (SvAccelClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sv_accel_finalize;
}

static void
sv_accel_init (SvAccel *self)
{
  PRIV (self)->cpus = (SvCpuLayout){ NULL, 1, 1, 1, 1 };
}

/**
 * sv_accel_open: (skip)
 * @self: an accelerator
 * @memory: guest-physical memory; RAM that is there from the start is in it already
 * @io: (nullable): port I/O space, on architectures that have one
 * @error: return location
 *
 * Makes the virtual machine and its interrupt controller.
 *
 * Returns: %FALSE with @error set when this host cannot
 */
gboolean
sv_accel_open (SvAccel *self, SvAddressSpace *memory, SvAddressSpace *io, GError **error)
{
  g_set_object (&PRIV (self)->memory, memory);
  g_set_object (&PRIV (self)->io, io);
  return SV_ACCEL_GET_CLASS (self)->open (self, error);
}

/**
 * sv_accel_get_memory: (skip)
 * @self: an open accelerator
 *
 * Returns: (transfer none): guest-physical memory
 */
SvAddressSpace *
sv_accel_get_memory (SvAccel *self)
{
  return PRIV (self)->memory;
}

/**
 * sv_accel_get_io: (skip)
 * @self: an open accelerator
 *
 * Returns: (transfer none) (nullable): port I/O space
 */
SvAddressSpace *
sv_accel_get_io (SvAccel *self)
{
  return PRIV (self)->io;
}

/**
 * sv_accel_set_cpus: (skip)
 * @self: an accelerator
 * @layout: (transfer none): what processors there will be
 *
 * To be called before the first sv_accel_create_vcpu(); without it each processor is a socket.
 */
void
sv_accel_set_cpus (SvAccel *self, const SvCpuLayout *layout)
{
  SvAccelPrivate *priv = PRIV (self);

  g_free (priv->cpu_model);
  priv->cpu_model = g_strdup (layout->model);
  priv->cpus = *layout;
  priv->cpus.model = priv->cpu_model;
}

/**
 * sv_accel_get_cpus: (skip)
 * @self: an accelerator
 *
 * Returns: (transfer none): what processors there are
 */
const SvCpuLayout *
sv_accel_get_cpus (SvAccel *self)
{
  return &PRIV (self)->cpus;
}

/**
 * sv_accel_create_vcpu: (skip)
 * @self: an open accelerator
 * @index: number of the vCPU in the layout, from 0
 * @error: return location
 *
 * Returns: (transfer full) (nullable): a vCPU in the state after power-on
 */
SvVcpu *
sv_accel_create_vcpu (SvAccel *self, guint index, GError **error)
{
  return SV_ACCEL_GET_CLASS (self)->create_vcpu (self, index, error);
}

/**
 * sv_accel_reset: (skip)
 * @self: an open accelerator, its vCPUs paused
 * @error: return location
 *
 * Resets the interrupt controller and timers that the accelerator emulates.
 *
 * Returns: %FALSE with @error set when that failed
 */
gboolean
sv_accel_reset (SvAccel *self, GError **error)
{
  return SV_ACCEL_GET_CLASS (self)->reset (self, error);
}

/**
 * sv_accel_pause: (skip)
 * @self: an open accelerator, its vCPUs paused
 *
 * Stops the guest's clock.
 */
void
sv_accel_pause (SvAccel *self)
{
  if (SV_ACCEL_GET_CLASS (self)->pause != NULL)
    SV_ACCEL_GET_CLASS (self)->pause (self);
}

/**
 * sv_accel_resume: (skip)
 * @self: an open accelerator
 *
 * Lets the guest's clock go on from where sv_accel_pause() stopped it.
 */
void
sv_accel_resume (SvAccel *self)
{
  if (SV_ACCEL_GET_CLASS (self)->resume != NULL)
    SV_ACCEL_GET_CLASS (self)->resume (self);
}

/**
 * sv_accel_set_irq: (skip)
 * @self: an open accelerator
 * @gsi: line of the interrupt controller
 * @level: %TRUE for asserted
 *
 * Drives an interrupt line.
 */
void
sv_accel_set_irq (SvAccel *self, guint gsi, gboolean level)
{
  SV_ACCEL_GET_CLASS (self)->set_irq (self, gsi, level);
}

/**
 * sv_accel_set_irqfd: (skip)
 * @self: an open accelerator
 * @gsi: line of the interrupt controller
 * @fd: an eventfd
 * @connect: %FALSE to disconnect it again
 * @error: return location
 *
 * Makes a write to @fd an edge on the line.
 *
 * Returns: %FALSE when the accelerator cannot
 */
gboolean
sv_accel_set_irqfd (SvAccel *self, guint gsi, int fd, gboolean connect, GError **error)
{
  return SV_ACCEL_GET_CLASS (self)->set_irqfd (self, gsi, fd, connect, error);
}

/**
 * sv_accel_flush_coalesced: (skip)
 * @self: an open accelerator
 *
 * Handles register writes that the kernel kept back. VM lock held.
 */
void
sv_accel_flush_coalesced (SvAccel *self)
{
  if (SV_ACCEL_GET_CLASS (self)->flush_coalesced != NULL)
    SV_ACCEL_GET_CLASS (self)->flush_coalesced (self);
}

/**
 * sv_accel_add_msi_route: (skip)
 * @self: an open accelerator
 * @address: of the interrupt message
 * @data: of the interrupt message
 * @error: return location
 *
 * Makes a line whose edges send a message. VM lock held.
 *
 * Returns: number of the line, for sv_accel_set_irqfd(); -1 when there is none to be had
 */
gint
sv_accel_add_msi_route (SvAccel *self, guint64 address, guint32 data, GError **error)
{
  if (SV_ACCEL_GET_CLASS (self)->add_msi_route != NULL)
    return SV_ACCEL_GET_CLASS (self)->add_msi_route (self, address, data, error);
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                       "the accelerator does not route interrupt messages");
  return -1;
}

/**
 * sv_accel_update_msi_route: (skip)
 * @self: an open accelerator
 * @gsi: a line of sv_accel_add_msi_route()
 * @address: of the interrupt message
 * @data: of the interrupt message
 * @error: return location
 *
 * Changes the message that a line sends.
 *
 * Returns: %FALSE when the accelerator refuses
 */
gboolean
sv_accel_update_msi_route (SvAccel *self, guint gsi, guint64 address, guint32 data, GError **error)
{
  return SV_ACCEL_GET_CLASS (self)->update_msi_route (self, gsi, address, data, error);
}

/**
 * sv_accel_remove_msi_route: (skip)
 * @self: an open accelerator
 * @gsi: a line of sv_accel_add_msi_route() that no eventfd is connected to
 */
void
sv_accel_remove_msi_route (SvAccel *self, guint gsi)
{
  SV_ACCEL_GET_CLASS (self)->remove_msi_route (self, gsi);
}

/**
 * sv_accel_send_msi: (skip)
 * @self: an open accelerator
 * @address: of the interrupt message
 * @data: of the interrupt message
 *
 * Sends an interrupt message. VM lock held.
 */
void
sv_accel_send_msi (SvAccel *self, guint64 address, guint32 data)
{
  if (SV_ACCEL_GET_CLASS (self)->send_msi != NULL)
    SV_ACCEL_GET_CLASS (self)->send_msi (self, address, data);
}

gboolean
sv_accel_log_start (SvAccel *self, GError **error)
{
  SvAccelClass *klass = SV_ACCEL_GET_CLASS (self);

  return klass->log_start == NULL || klass->log_start (self, error);
}

gboolean
sv_accel_log_sync (SvAccel *self, GError **error)
{
  SvAccelClass *klass = SV_ACCEL_GET_CLASS (self);

  return klass->log_sync == NULL || klass->log_sync (self, error);
}

void
sv_accel_log_stop (SvAccel *self)
{
  SvAccelClass *klass = SV_ACCEL_GET_CLASS (self);

  if (klass->log_stop != NULL)
    klass->log_stop (self);
}
