/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/memory/sv-address-space.h"

G_BEGIN_DECLS

typedef struct
{
  guint64 address;
  guint64 value;
  guint64 serial;
  guint size;
  gboolean match;
  int fd;
} SvFlatIoeventfd;

typedef struct
{
  guint64 start;
  guint64 size;
} SvFlatZone;

/* Never changes once it is published. Each range holds a reference to its region. */
struct _SvFlatView
{
  guint64 serial; /* unique in the process */
  guint slot;     /* of the threads' caches of the last hit */
  guint n_ranges;
  guint64 *starts; /* of the ranges, apart, for the search */
  SvFlatRange *ranges;
  GArray *ioeventfds; /* of SvFlatIoeventfd, sorted by address */
  GArray *zones;      /* of SvFlatZone, sorted by address */
};

SvFlatView *sv_flat_view_new (SvMemoryRegion *root, guint slot);
void sv_flat_view_free (SvFlatView *view);
gboolean sv_flat_view_equal (const SvFlatView *a, const SvFlatView *b);

/* Bytes from @address to the next range; only for an address in a hole. */
guint64 sv_flat_view_get_hole (const SvFlatView *view, guint64 address);

gboolean sv_flat_range_equal (const SvFlatRange *a, const SvFlatRange *b);
gboolean sv_flat_ioeventfd_equal (const SvFlatIoeventfd *a, const SvFlatIoeventfd *b);
gboolean sv_flat_zone_equal (const SvFlatZone *a, const SvFlatZone *b);

G_END_DECLS
