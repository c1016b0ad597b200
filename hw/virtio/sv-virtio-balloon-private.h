/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/virtio_balloon.h>

#include "hw/virtio/sv-virtio-balloon-stats.h"
#include "hw/virtio/sv-virtio-balloon.h"
#include "src/migration/sv-migratable.h"

G_BEGIN_DECLS

struct _SvVirtioBalloon
{
  SvVirtioDevice parent_instance;

  gboolean deflate_on_oom;
  gboolean free_page_reporting;
  gboolean huge_pages; /* are accepted */
  gint64 polling_interval;

  guint64 ram_size;
  gboolean has_huge_pages;
  guint64 target;         /* that it is set up with; 0: all */
  SvAddressSpace *memory; /* the bus's, while set up */
  SvBalloonStats stats;
  guint event; /* source that tells of a change */
};

/* NULL: it is not set up */
struct virtio_balloon_config *sv_virtio_balloon_config (SvVirtioBalloon *self);
/* sv-virtio-balloon-state.c */
extern const SvMigratableState sv_virtio_balloon_migration;

G_END_DECLS
