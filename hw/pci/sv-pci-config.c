/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/pci/sv-pci-config.h"

#include <linux/pci_regs.h>
#include <string.h>

#include "src/migration/sv-migration-values.h"

#define FIRST_CAPABILITY 0x40u
#define CAPABILITIES_END 0x100u

static gboolean
is_inside (guint offset, guint size)
{
  return size <= sizeof (guint32) && offset < SV_PCI_CONFIG_SIZE
         && size <= SV_PCI_CONFIG_SIZE - offset;
}

static guint32
get_le (const guint8 *bytes, guint offset, guint size)
{
  guint32 value = 0;

  memcpy (&value, bytes + offset, size);
  return GUINT32_FROM_LE (value);
}

static void
put_le (guint8 *bytes, guint offset, guint32 value, guint size)
{
  value = GUINT32_TO_LE (value);
  memcpy (bytes + offset, &value, size);
}

/**
 * sv_pci_config_read: (skip)
 * @self: a configuration space
 * @offset: where
 * @size: 1, 2 or 4
 *
 * Returns: what the guest reads there; all ones beyond the end
 */
guint32
sv_pci_config_read (const SvPciConfig *self, guint offset, guint size)
{
  return is_inside (offset, size) ? get_le (self->bytes, offset, size) : G_MAXUINT32;
}

/**
 * sv_pci_config_write: (skip)
 * @self: a configuration space
 * @offset: where
 * @value: what the guest writes
 * @size: 1, 2 or 4
 *
 * Changes the bits that may be changed, clears those that a 1 clears.
 */
void
sv_pci_config_write (SvPciConfig *self, guint offset, guint32 value, guint size)
{
  if (!is_inside (offset, size))
    return;

  for (guint i = 0; i < size; i++, value >>= 8)
    {
      guint8 written = (guint8)value;
      guint8 mask = self->writable[offset + i];
      guint8 *byte = &self->bytes[offset + i];

      *byte = (*byte & ~mask) | (written & mask);
      *byte &= ~(written & self->clearable[offset + i]);
    }
}

guint16
sv_pci_config_get16 (const SvPciConfig *self, guint offset)
{
  return (guint16)get_le (self->bytes, offset, 2);
}

guint32
sv_pci_config_get32 (const SvPciConfig *self, guint offset)
{
  return get_le (self->bytes, offset, 4);
}

void
sv_pci_config_set8 (SvPciConfig *self, guint offset, guint8 value)
{
  self->bytes[offset] = value;
}

void
sv_pci_config_set16 (SvPciConfig *self, guint offset, guint16 value)
{
  put_le (self->bytes, offset, value, 2);
}

void
sv_pci_config_set32 (SvPciConfig *self, guint offset, guint32 value)
{
  put_le (self->bytes, offset, value, 4);
}

/**
 * sv_pci_config_allow: (skip)
 * @self: a configuration space
 * @offset: of a register
 * @mask: bits that the guest may write
 * @size: 1, 2 or 4
 *
 * Adds to what the guest may write.
 */
void
sv_pci_config_allow (SvPciConfig *self, guint offset, guint32 mask, guint size)
{
  put_le (self->writable, offset, get_le (self->writable, offset, size) | mask, size);
}

/**
 * sv_pci_config_allow_clear: (skip)
 * @self: a configuration space
 * @offset: of a register
 * @mask: bits that a written 1 clears
 * @size: 1, 2 or 4
 *
 * Adds to what the guest may clear.
 */
void
sv_pci_config_allow_clear (SvPciConfig *self, guint offset, guint32 mask, guint size)
{
  put_le (self->clearable, offset, get_le (self->clearable, offset, size) | mask, size);
}

/* The header of the last capability, 0 without one. Devices make the list, so it ends. */
static guint
last_capability (const SvPciConfig *self)
{
  guint last = 0;

  for (guint at = self->bytes[PCI_CAPABILITY_LIST]; at != 0;
       at = self->bytes[at + PCI_CAP_LIST_NEXT])
    last = at;
  return last;
}

/**
 * sv_pci_config_add_capability: (skip)
 * @self: a configuration space
 * @id: capability id
 * @size: bytes with the header; all capabilities end below 0x100
 *
 * Returns: the new capability's offset, dword aligned
 */
guint
sv_pci_config_add_capability (SvPciConfig *self, guint8 id, guint size)
{
  guint last = last_capability (self);
  guint at = MAX (self->capabilities_end, FIRST_CAPABILITY);

  g_return_val_if_fail (at + size <= CAPABILITIES_END, 0);

  self->bytes[at + PCI_CAP_LIST_ID] = id;
  self->bytes[at + PCI_CAP_LIST_NEXT] = 0;
  self->bytes[last != 0 ? last + PCI_CAP_LIST_NEXT : PCI_CAPABILITY_LIST] = (guint8)at;
  self->bytes[PCI_STATUS] |= PCI_STATUS_CAP_LIST;
  self->capabilities_end = (at + size + 3) & ~3u;
  return at;
}

/**
 * sv_pci_config_find_capability: (skip)
 * @self: a configuration space
 * @id: capability id
 *
 * Returns: offset of the first such capability; 0 when there is none
 */
guint
sv_pci_config_find_capability (const SvPciConfig *self, guint8 id)
{
  for (guint at = self->bytes[PCI_CAPABILITY_LIST]; at != 0;
       at = self->bytes[at + PCI_CAP_LIST_NEXT])
    if (self->bytes[at + PCI_CAP_LIST_ID] == id)
      return at;
  return 0;
}

/**
 * sv_pci_config_allow_change: (skip)
 * @self: a configuration space
 * @offset: of a register
 * @mask: bits that the device changes
 * @size: 1, 2 or 4
 *
 * Adds to what may differ from the state after setup though the guest cannot write it.
 */
void
sv_pci_config_allow_change (SvPciConfig *self, guint offset, guint32 mask, guint size)
{
  put_le (self->changing, offset, get_le (self->changing, offset, size) | mask, size);
}

/**
 * sv_pci_config_dup: (skip)
 * @self: a configuration space
 *
 * Returns: (transfer floating): its bytes, "ay", without zeroes at the end
 */
GVariant *
sv_pci_config_dup (const SvPciConfig *self)
{
  gsize n = SV_PCI_CONFIG_SIZE;

  while (n > 0 && self->bytes[n - 1] == 0)
    n--;
  return sv_migration_new_bytes (self->bytes, n);
}

/**
 * sv_pci_config_load: (skip)
 * @self: a configuration space
 * @initial: its bytes after setup
 * @bytes: from sv_pci_config_dup() of a function like this one
 * @error: return location
 *
 * Takes over what can be written or changes by itself. Effects are the caller's business.
 *
 * Returns: %FALSE when @bytes is of another function, or damaged; nothing changes then
 */
gboolean
sv_pci_config_load (SvPciConfig *self, const guint8 *initial, GVariant *bytes, GError **error)
{
  guint8 loaded[SV_PCI_CONFIG_SIZE] = { 0 };
  gsize n = g_variant_n_children (bytes);

  if (!sv_migration_check_range ("size of configuration space", (gint64)n, 0, sizeof loaded, error)
      || !sv_migration_get_bytes ("configuration space", bytes, loaded, n, error))
    return FALSE;
  for (guint i = 0; i < sizeof loaded; i++)
    {
      guint8 changes = self->writable[i] | self->clearable[i] | self->changing[i];

      if (((loaded[i] ^ initial[i]) & ~changes) == 0)
        continue;
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_MISMATCH,
                   "configuration space has 0x%02x at 0x%03x, here it is 0x%02x", loaded[i], i, initial[i]);
      return FALSE;
    }
  memcpy (self->bytes, loaded, sizeof loaded);
  return TRUE;
}
