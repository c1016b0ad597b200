/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/pci/sv-msix.h"

G_BEGIN_DECLS

/* One eventfd of a vector: its own, or somebody else's. */
typedef struct
{
  int fd;
  gboolean connected; /* to the accelerator */
  GSource *source;    /* where the accelerator takes no eventfds */
} Wire;

typedef struct
{
  guint users;
  GArray *wires; /* of Wire; the first is the vector's own; NULL while unused */
  gint gsi;      /* -1: no route */
  gboolean live; /* the guest takes it now */
} Vector;

struct _SvMsix
{
  SvPciDevice *device; /* owns this */
  SvAccel *accel;
  guint n_vectors;
  guint capability;
  guint8 *table; /* as the guest reads it */
  Vector *vectors;

  GArray *loaded_pending; /* guint16: vectors that a loaded state has pending; NULL: none was loaded */

  SvMemoryRegion *bar;
  SvMemoryRegion *table_region;
  SvMemoryRegion *pba_region;
};

/* Whether the eventfd counts anything. */
gboolean sv_msix_is_written (int fd);

G_END_DECLS
