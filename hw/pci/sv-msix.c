/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/pci/sv-msix-private.h"

#include <linux/pci_regs.h>
#include <string.h>

#include "src/runtime/sv-io-ring.h"

#define CAPABILITY_SIZE 12

/* --- the table --- */

static guint32
get_entry (SvMsix *self, guint vector, guint offset)
{
  guint32 value;

  memcpy (&value, self->table + vector * SV_MSIX_ENTRY_SIZE + offset, sizeof value);
  return GUINT32_FROM_LE (value);
}

static guint64
get_address (SvMsix *self, guint vector)
{
  return get_entry (self, vector, PCI_MSIX_ENTRY_LOWER_ADDR)
         | (guint64)get_entry (self, vector, PCI_MSIX_ENTRY_UPPER_ADDR) << 32;
}

static guint16
get_control (SvMsix *self)
{
  return sv_pci_config_get16 (sv_pci_device_get_config (self->device),
                              self->capability + PCI_MSIX_FLAGS);
}

static gboolean
should_live (SvMsix *self, guint vector)
{
  return (get_control (self) & (PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL))
             == PCI_MSIX_FLAGS_ENABLE
         && (get_entry (self, vector, PCI_MSIX_ENTRY_VECTOR_CTRL) & PCI_MSIX_ENTRY_CTRL_MASKBIT)
                == 0
         && sv_pci_device_is_bus_master (self->device);
}

/* --- vectors --- */

static void
update_vector (SvMsix *self, guint vector)
{
  sv_msix_vector_update (&self->vectors[vector], should_live (self, vector),
                         get_address (self, vector), get_entry (self, vector, PCI_MSIX_ENTRY_DATA));
}

static void
update_all (SvMsix *self)
{
  for (guint i = 0; i < self->n_vectors; i++)
    if (self->vectors[i].users > 0)
      update_vector (self, i);
}

/* --- registers --- */

static guint64
table_read (gpointer opaque, guint64 offset, guint size)
{
  SvMsix *self = opaque;
  guint64 value = 0;

  memcpy (&value, self->table + offset, size);
  return GUINT64_FROM_LE (value);
}

/* PCIe 6.0 §7.7.2.5: the message of a vector that is not masked may not be changed; it takes effect
 * here with the next unmasking, or at once for drivers that do. */
static void
table_write (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  SvMsix *self = opaque;
  guint vector = (guint)(offset / SV_MSIX_ENTRY_SIZE);
  guint64 bytes = GUINT64_TO_LE (value);

  memcpy (self->table + offset, &bytes, size);
  update_vector (self, vector);
}

static guint64
pba_read (gpointer opaque, guint64 offset, guint size)
{
  SvMsix *self = opaque;
  guint64 value = 0;

  for (guint bit = 0; bit < size * 8 && offset * 8 + bit < self->n_vectors; bit++)
    {
      SvMsixVector *vector = &self->vectors[offset * 8 + bit];

      if (!vector->live && sv_msix_vector_is_written (vector))
        value |= G_GUINT64_CONSTANT (1) << bit;
    }
  return value;
}

static void
pba_write (gpointer opaque, guint64 offset, guint64 value, guint size)
{
}

guint
sv_msix_table_size (guint n_vectors)
{
  return n_vectors * SV_MSIX_ENTRY_SIZE;
}

guint
sv_msix_pba_size (guint n_vectors)
{
  return (n_vectors + 63) / 64 * 8;
}

static void
mask_table (SvMsix *self)
{
  memset (self->table, 0, sv_msix_table_size (self->n_vectors));
  for (guint i = 0; i < self->n_vectors; i++)
    self->table[i * SV_MSIX_ENTRY_SIZE + PCI_MSIX_ENTRY_VECTOR_CTRL] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

/**
 * sv_msix_new: (skip)
 * @device: a function in its setup
 * @n_vectors: 1 to 2048
 * @bar: container that table and pending bits go into
 * @bar_number: base address register that shows @bar
 * @table_offset: in @bar, a multiple of 8
 * @pba_offset: in @bar, a multiple of 8
 *
 * Returns: (transfer full): the function's MSI-X, off
 */
SvMsix *
sv_msix_new (SvPciDevice *device,
             guint n_vectors,
             SvMemoryRegion *bar,
             guint bar_number,
             guint32 table_offset,
             guint32 pba_offset)
{
  static const SvMemoryRegionOps table_ops
      = { .read = table_read, .write = table_write, .min_access = 4, .max_access = 4 };
  static const SvMemoryRegionOps pba_ops
      = { .read = pba_read, .write = pba_write, .min_access = 4, .max_access = 8 };
  SvMsix *self = g_new0 (SvMsix, 1);
  SvPciConfig *config = sv_pci_device_get_config (device);
  guint at = sv_pci_config_add_capability (config, PCI_CAP_ID_MSIX, CAPABILITY_SIZE);

  self->device = device;
  g_set_object (&self->accel, sv_pci_bus_get_accel (sv_pci_device_get_bus (device)));
  self->n_vectors = n_vectors;
  self->capability = at;
  self->table = g_malloc (sv_msix_table_size (n_vectors));
  mask_table (self);
  self->vectors = g_new (SvMsixVector, n_vectors);
  for (guint i = 0; i < n_vectors; i++)
    sv_msix_vector_init (&self->vectors[i], self->accel);

  self->bar = g_object_ref (bar);
  self->table_region
      = sv_memory_region_new_io ("msix-table", sv_msix_table_size (n_vectors), &table_ops, self);
  self->pba_region
      = sv_memory_region_new_io ("msix-pba", sv_msix_pba_size (n_vectors), &pba_ops, self);
  sv_memory_region_add (bar, table_offset, self->table_region, 1);
  sv_memory_region_add (bar, pba_offset, self->pba_region, 1);

  sv_pci_config_set16 (config, at + PCI_MSIX_FLAGS, (guint16)(n_vectors - 1));
  sv_pci_config_allow (config, at + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL,
                       2);
  sv_pci_config_set32 (config, at + PCI_MSIX_TABLE, table_offset | bar_number);
  sv_pci_config_set32 (config, at + PCI_MSIX_PBA, pba_offset | bar_number);
  return self;
}

/**
 * sv_msix_free: (skip)
 * @self: (nullable): MSI-X of a function that goes
 */
void
sv_msix_free (SvMsix *self)
{
  if (self == NULL)
    return;
  for (guint i = 0; i < self->n_vectors; i++)
    sv_msix_vector_clear (&self->vectors[i]);
  sv_memory_region_remove (self->bar, self->table_region);
  sv_memory_region_remove (self->bar, self->pba_region);
  g_clear_object (&self->table_region);
  g_clear_object (&self->pba_region);
  g_clear_object (&self->bar);
  g_clear_object (&self->accel);
  g_clear_pointer (&self->loaded_pending, g_array_unref);
  g_free (self->vectors);
  g_free (self->table);
  g_free (self);
}

/**
 * sv_msix_reset: (skip)
 * @self: MSI-X of a function whose configuration space was reset
 *
 * Masks all vectors and forgets what was pending.
 */
void
sv_msix_reset (SvMsix *self)
{
  mask_table (self);
  update_all (self);
  for (guint i = 0; i < self->n_vectors; i++)
    sv_msix_vector_drain (&self->vectors[i]);
}

/**
 * sv_msix_config_written: (skip)
 * @self: MSI-X of a function whose configuration space the guest wrote to
 *
 * Takes over the function's mask, its enable bit and whether it is a bus master.
 */
void
sv_msix_config_written (SvMsix *self)
{
  update_all (self);
}

guint
sv_msix_get_n_vectors (SvMsix *self)
{
  return self->n_vectors;
}

/**
 * sv_msix_is_enabled: (skip)
 * @self: MSI-X of a function
 *
 * Returns: whether the guest chose MSI-X over the pin
 */
gboolean
sv_msix_is_enabled (SvMsix *self)
{
  return (get_control (self) & PCI_MSIX_FLAGS_ENABLE) != 0;
}

/**
 * sv_msix_use: (skip)
 * @self: MSI-X of a function
 * @vector: below the number of vectors
 * @error: return location
 *
 * Says that the device is going to interrupt by a vector. VM lock held.
 *
 * Returns: the vector's eventfd, open until as many calls of sv_msix_release(); -1 with @error set
 */
int
sv_msix_use (SvMsix *self, guint vector, GError **error)
{
  SvMsixVector *v = &self->vectors[vector];

  if (v->users == 0)
    {
      if (!sv_msix_vector_open (v, error))
        return -1;
      update_vector (self, vector);
    }
  v->users++;
  return sv_msix_vector_get_fd (v);
}

/**
 * sv_msix_release: (skip)
 * @self: MSI-X of a function
 * @vector: a vector in use
 *
 * The reverse of sv_msix_use().
 */
void
sv_msix_release (SvMsix *self, guint vector)
{
  g_return_if_fail (self->vectors[vector].users > 0);

  if (--self->vectors[vector].users == 0)
    sv_msix_vector_clear (&self->vectors[vector]);
}

/**
 * sv_msix_connect_fd: (skip)
 * @self: MSI-X of a function
 * @vector: a vector in use
 * @fd: an eventfd
 * @error: return location
 *
 * From now on a write to @fd, too, interrupts by the vector.
 *
 * Returns: %TRUE
 */
gboolean
sv_msix_connect_fd (SvMsix *self, guint vector, int fd, GError **error)
{
  g_return_val_if_fail (self->vectors[vector].users > 0, FALSE);

  sv_msix_vector_connect (&self->vectors[vector], fd);
  return TRUE;
}

/**
 * sv_msix_disconnect_fd: (skip)
 * @self: MSI-X of a function
 * @vector: a vector in use
 * @fd: what sv_msix_connect_fd() took
 */
void
sv_msix_disconnect_fd (SvMsix *self, guint vector, int fd)
{
  sv_msix_vector_disconnect (&self->vectors[vector], fd);
}

/**
 * sv_msix_notify: (skip)
 * @self: MSI-X of a function
 * @vector: a vector in use
 *
 * Interrupts the guest by the vector, or leaves it pending while it is masked. Any thread.
 */
void
sv_msix_notify (SvMsix *self, guint vector)
{
  sv_io_ring_signal (sv_msix_vector_get_fd (&self->vectors[vector]));
}
