/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtqueue.h"

G_BEGIN_DECLS

/* What the guest gives up, back to the host. */

/* Takes a list of page numbers (VIRTIO 1.2 §5.5.6); @name is whom messages are about. One that is longer than any driver's breaks the
 * queue. */
void sv_balloon_pages_inflate (SvVirtqueue *queue,
                               SvVirtqElement *element,
                               SvAddressSpace *memory,
                               const char *name);
/* Takes a report of free pages (VIRTIO 1.2 §5.5.6.7); @zero: what is there afterwards must be zero */
void sv_balloon_pages_report (SvVirtqElement *element, SvAddressSpace *memory, gboolean zero);

G_END_DECLS
