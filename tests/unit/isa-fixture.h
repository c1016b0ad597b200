/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-isa-bus.h"
#include "src/memory/sv-address-space.h"

/* An ISA bus with ports and interrupt lines that the test sees. */
typedef struct
{
  SvObject *root;
  SvAddressSpace *io;
  SvIsaBus *bus;
  gboolean level[SV_ISA_N_IRQS];
  guint edges[SV_ISA_N_IRQS];  /* rising */
} IsaFixture;

void isa_set_up (IsaFixture *f);
void isa_tear_down (IsaFixture *f);
guint8 isa_in (IsaFixture *f, guint16 port);
void isa_out (IsaFixture *f, guint16 port, guint8 value);
/* Places @device in the tree, on the bus, and realizes it; on failure it is out of both again. */
gboolean isa_plug (IsaFixture *f, SvDevice *device, GError **error);
void isa_unplug (SvDevice *device);
