/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-device.h"

G_BEGIN_DECLS

/* What a guest tells through a panic register (QEMU docs/specs/pvpanic) */
#define SV_PVPANIC_PANICKED 1u    /* the kernel is gone */
#define SV_PVPANIC_CRASHLOADED 2u /* it panicked and goes on into a crash kernel */
#define SV_PVPANIC_ALL_EVENTS (SV_PVPANIC_PANICKED | SV_PVPANIC_CRASHLOADED)

/* The guest wrote @events into the register of @device. */
void sv_pvpanic_tell (SvDevice *device, guint64 events);
/* The property `events`: which of them the guest is offered. */
GParamSpec *sv_pvpanic_events_property (void);

G_END_DECLS
