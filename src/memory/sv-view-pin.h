/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/memory/sv-flat-view.h"

G_BEGIN_DECLS

/*
 * Pins of flat views by threads (hazard pointers). @current is where an address space publishes its
 * view; it is also what identifies the space. Entering and leaving neither lock nor allocate after
 * a thread's first use.
 */
const SvFlatView *sv_view_pin_enter (SvFlatView **current);
void sv_view_pin_leave (SvFlatView **current);

/* Frees @view, which is published no more, as soon as no thread pins it. VM lock held. */
void sv_view_retire (SvFlatView *view);
/* Frees what can be freed; returns how many views still wait. VM lock held. */
guint sv_view_reap (void);

G_END_DECLS
