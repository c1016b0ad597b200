/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-handover.h"
#include "hw/virtio/sv-virtio-mmio-bank.h"
#include "hw/x86/sv-microvm-slots.h"
#include "hw/x86/sv-x86-layout.h"

G_BEGIN_DECLS

#define N_SLOTS SV_MICROVM_MMIO_COUNT

typedef struct
{
  SvVirtioMmio *transport; /* owned by the tree */
  SvDevice *placeholder;   /* on it, while no device is; owned by the tree */
  SvObject *back_end;      /* of the placeholder */
  SvVirtioHandover *handover;
  guint n_queues;    /* of the device that went, whose driver is still there */
  guint16 kind;      /* kept for devices of this kind; 0: for any */
  gboolean at_boot;  /* the guest was told of it when it booted */
  gboolean leaving;  /* it was asked to give it up */
} SvMicrovmSlot;

struct _SvMicrovmSlots
{
  SvMachine *machine;
  SvVirtioMmioBank *bank;
  SvAcpiSlots *acpi;
  SvMicrovmSlot slots[N_SLOTS];
  gint wanted;   /* number among devices of its kind that the next one asks for; -1: any */
  gboolean live; /* the guest knows what is where */
};

/* Which of the kinds that have placeholders; -1: none */
gint sv_microvm_slot_find_kind (guint16 kind);
/* The user's device; NULL: none */
SvDevice *sv_microvm_slot_get_device (SvMicrovmSlot *slot);
gboolean sv_microvm_slot_add_transport (SvMicrovmSlots *self, SvMicrovmSlot *slot, GError **error);
gboolean sv_microvm_slot_add_placeholder (SvMicrovmSlots *self, SvMicrovmSlot *slot, GError **error);

G_END_DECLS
