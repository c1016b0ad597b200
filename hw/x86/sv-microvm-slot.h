/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-machine.h"
#include "hw/virtio/sv-virtio-handover.h"
#include "hw/virtio/sv-virtio-mmio-bank.h"

G_BEGIN_DECLS

/* A kind of devices that come and go: how many there can be, and the wire names of what stands in for one */
typedef struct
{
  guint16 device_id;
  guint max;
  const char *driver;
  const char *back_end; /* property */
  const char *name;
} SvMicrovmKind;

#define SV_MICROVM_N_KINDS 2u
extern const SvMicrovmKind sv_microvm_kinds[SV_MICROVM_N_KINDS];
const SvMicrovmKind *sv_microvm_find_kind (guint16 device_id); /* NULL: such devices stay */

/**
 * SvMicrovmSlot:
 *
 * One of the virtio-mmio slots of a microvm: its transport, and the device or the placeholder on it.
 */
typedef struct
{
  guint number;
  SvVirtioMmio *transport; /* owned by the tree */
  SvDevice *placeholder;   /* on it, while no device is; owned by the tree */
  SvObject *back_end;      /* of the placeholder */
  SvVirtioHandover *handover;
  guint n_queues;   /* of the device that went, whose driver is still there */
  guint16 kind;     /* kept for devices of this kind; 0: for any */
  gboolean at_boot; /* the guest was told of it when it booted */
  gboolean leaving; /* it was asked to give it up */
} SvMicrovmSlot;

/* NULL: there is none, or a placeholder */
SvDevice *sv_microvm_slot_get_device (const SvMicrovmSlot *self);
gboolean sv_microvm_slot_is_free (const SvMicrovmSlot *self);
/* Both: nothing happens when it is there already, or gone. */
gboolean sv_microvm_slot_add_transport (SvMicrovmSlot *self,
                                        SvMachine *machine,
                                        SvVirtioMmioBank *bank,
                                        GError **error);
void sv_microvm_slot_remove_transport (SvMicrovmSlot *self, SvVirtioMmioBank *bank);
/* Of the slot's kind, on its transport */
gboolean
sv_microvm_slot_add_placeholder (SvMicrovmSlot *self, SvMachine *machine, GError **error);
void sv_microvm_slot_remove_placeholder (SvMicrovmSlot *self);
/* Devices and what they are kept for change places, while no driver uses them; there are no placeholders. */
void sv_microvm_slot_exchange (SvMicrovmSlot *self, SvMicrovmSlot *other, SvMachine *machine, SvVirtioMmioBank *bank);
/* The machine goes. */
void sv_microvm_slot_clear (SvMicrovmSlot *self);

G_END_DECLS
