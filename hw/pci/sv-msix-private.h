/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/pci/sv-msix-vector.h"
#include "hw/pci/sv-msix.h"

G_BEGIN_DECLS

struct _SvMsix
{
  SvPciDevice *device; /* owns this */
  SvAccel *accel;
  guint n_vectors;
  guint capability;
  guint8 *table; /* as the guest reads it */
  SvMsixVector *vectors;

  GArray *loaded_pending; /* guint16: vectors that a loaded state has pending; NULL: none was loaded */

  SvMemoryRegion *bar;
  SvMemoryRegion *table_region;
  SvMemoryRegion *pba_region;
};

G_END_DECLS
