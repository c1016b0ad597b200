/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/acpi/sv-acpi-slots.h"
#include "hw/core/sv-machine.h"

G_BEGIN_DECLS

/**
 * SvMicrovmSlots:
 *
 * The virtio-mmio slots of a microvm: which device is where, and how the guest learns of those that come and go.
 *
 * What is there at boot is described by ACPI and by words on the command line. Slots that are left over
 * are kept for up to 6 disks and 2 network cards in all. A kernel that reads the words finds devices without a
 * back end there (a disk without a sector, a card without a link), whose drivers are handed over to the
 * real device when it comes, and back when it goes. A kernel with ACPI sees nothing until a device is plugged into such
 * a slot, and gives it up when asked to, see SvAcpiSlots.
 *
 * A device that was there at boot goes the first way on any kernel: nothing can take its description back.
 *
 * Part of [class@Microvm]; VM lock held.
 */
typedef struct _SvMicrovmSlots SvMicrovmSlots;

#define SV_MICROVM_MAX_DISKS 6u
#define SV_MICROVM_MAX_NICS 2u

SvMicrovmSlots *sv_microvm_slots_new (SvMachine *machine);
void sv_microvm_slots_free (SvMicrovmSlots *self);
/* Maps the registers; before the accelerator opens. */
void sv_microvm_slots_map (SvMicrovmSlots *self);
gboolean sv_microvm_slots_build (SvMicrovmSlots *self, SvAcpiGed *ged, GError **error);
/* Before the guest's tables and command line are made: settles what is where. */
void sv_microvm_slots_begin_load (SvMicrovmSlots *self);
void sv_microvm_slots_append_cmdline (SvMicrovmSlots *self, GString *cmdline);

/* The vfuncs of SvMachineClass */
gboolean
sv_microvm_slots_prepare (SvMicrovmSlots *self, JsonObject *properties, GError **error);
SvBus *sv_microvm_slots_find_bus (SvMicrovmSlots *self, SvDevice *device, GError **error);
gboolean sv_microvm_slots_plugged (SvMicrovmSlots *self, SvDevice *device, GError **error);
gboolean sv_microvm_slots_unplug_request (SvMicrovmSlots *self, SvDevice *device, GError **error);
void sv_microvm_slots_vacated (SvMicrovmSlots *self, SvBus *bus);

/* State for a snapshot (floating), sv-microvm-slots-state.c: whether the guest knows of the slots; of each its kind, whether it
 * was there at boot, whether it is asked for, queues of the last device, and what is in it. */
#define SV_MICROVM_SLOTS_STATE_TYPE "(ba(qbbus))"
gboolean sv_microvm_slots_check_state (SvMicrovmSlots *self, GError **error);
GVariant *sv_microvm_slots_dup_state (SvMicrovmSlots *self);
/* Moves devices to the slots that they have in the state, and makes its placeholders instead of those of another one. */
gboolean sv_microvm_slots_prepare_state (SvMicrovmSlots *self, GVariant *state, GError **error);
/* FALSE with an error: the devices are others, or elsewhere. */
gboolean sv_microvm_slots_load_state (SvMicrovmSlots *self, GVariant *state, GError **error);

G_END_DECLS
