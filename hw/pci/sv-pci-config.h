/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

/* PCI Express configuration space of one function (PCIe 6.0 §7.2.2) */
#define SV_PCI_CONFIG_SIZE 4096u

/**
 * SvPciConfig:
 * @bytes: what is read, little endian
 * @writable: bits that take what is written
 * @clearable: bits that a written 1 clears (RW1C)
 * @changing: bits that the device changes by itself; those above can be among them or not
 *
 * Configuration space with the rules for writes. All other bits are read-only to the guest.
 */
typedef struct
{
  guint8 bytes[SV_PCI_CONFIG_SIZE];
  guint8 writable[SV_PCI_CONFIG_SIZE];
  guint8 clearable[SV_PCI_CONFIG_SIZE];
  guint8 changing[SV_PCI_CONFIG_SIZE];
  guint capabilities_end; /* where the next one goes */
} SvPciConfig;

/* As the guest does it; @size is 1, 2 or 4. Beyond the end: all ones, ignored. */
SV_API guint32 sv_pci_config_read (const SvPciConfig *self, guint offset, guint size);
SV_API void sv_pci_config_write (SvPciConfig *self, guint offset, guint32 value, guint size);

/* As the device does it, whatever the rules say */
SV_API guint16 sv_pci_config_get16 (const SvPciConfig *self, guint offset);
SV_API guint32 sv_pci_config_get32 (const SvPciConfig *self, guint offset);
SV_API void sv_pci_config_set8 (SvPciConfig *self, guint offset, guint8 value);
SV_API void sv_pci_config_set16 (SvPciConfig *self, guint offset, guint16 value);
SV_API void sv_pci_config_set32 (SvPciConfig *self, guint offset, guint32 value);
/* The guest may write @mask of the word at @offset, besides what it could before. */
SV_API void sv_pci_config_allow (SvPciConfig *self, guint offset, guint32 mask, guint size);
/* The guest clears @mask of the word at @offset by writing ones. */
SV_API void sv_pci_config_allow_clear (SvPciConfig *self, guint offset, guint32 mask, guint size);

/* The device itself changes @mask of the word at @offset. */
SV_API void sv_pci_config_allow_change (SvPciConfig *self, guint offset, guint32 mask, guint size);
/* Takes what was saved ("ay", without zeroes at its end). FALSE with an error: what never changes is not as in @initial. */
SV_API gboolean
sv_pci_config_load (SvPciConfig *self, const guint8 *initial, GVariant *bytes, GError **error);
/* What is saved; floating */
SV_API GVariant *sv_pci_config_dup (const SvPciConfig *self);

/* Adds a capability of @size bytes, header included, behind the last one and zeroed; returns its
 * offset. */
SV_API guint sv_pci_config_add_capability (SvPciConfig *self, guint8 id, guint size);
/* Offset of the first capability with this id; 0: none */
SV_API guint sv_pci_config_find_capability (const SvPciConfig *self, guint8 id);

G_END_DECLS
