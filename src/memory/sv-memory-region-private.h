/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/memory/sv-memory-region.h"

G_BEGIN_DECLS

typedef enum
{
  SV_MEMORY_REGION_CONTAINER,
  SV_MEMORY_REGION_IO,
  SV_MEMORY_REGION_ROM_DEVICE,
  SV_MEMORY_REGION_RAM,
  SV_MEMORY_REGION_ALIAS,
} SvMemoryRegionKind;

typedef struct
{
  guint64 offset;
  guint64 value;
  guint64 serial; /* tells two with the same descriptor number apart */
  guint size;
  gboolean match;
  int fd;
} SvRegionIoeventfd;

/* What the flat view needs to see of a region; only the files of this folder include it. */
struct _SvMemoryRegion
{
  GObject parent_instance;

  char *name;
  guint64 size;
  SvMemoryRegionKind kind;
  gboolean enabled;
  gboolean readonly;

  /* IO, ROM device */
  SvMemoryRegionOps ops;
  gpointer opaque;
  GArray *ioeventfds; /* of SvRegionIoeventfd */
  guint64 coalesced_offset;
  guint64 coalesced_size;

  /* RAM, ROM device (without a backend) */
  SvMemoryBackend *backend;
  guint8 *host;
  gboolean rom_hidden; /* a ROM device that is read by its callback */

  /* Alias */
  SvMemoryRegion *target;
  guint64 target_offset;

  /* Container: highest first (owned) */
  GPtrArray *subregions;

  /* Place in its container */
  SvMemoryRegion *container; /* not owned */
  guint64 offset;
  gint priority;

  /* Aliases and address spaces that show this region */
  guint n_views;
};

/* Whether a change of @self may show in an address space. */
gboolean sv_memory_region_is_visible (SvMemoryRegion *self);

/* Tells the address spaces that a region changed. */
void sv_memory_transaction_mark (void);

G_END_DECLS
