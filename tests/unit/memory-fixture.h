/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/memory/sv-address-space.h"

/* A complete memory-backend-ram */
SvMemoryBackend *memory_backend (guint64 size);
SvMemoryRegion *memory_ram (const char *name, guint64 size);
/* Registers that answer nothing */
SvMemoryRegion *memory_io (const char *name, guint64 size);
/* Adds @region and drops the caller's reference. */
void memory_put (SvMemoryRegion *container, guint64 offset, SvMemoryRegion *region, gint priority);

/* "first-last:name+offset", in hexadecimal, and "(ro)" behind what is read-only */
void memory_append_range (GString *text, const SvFlatRange *range);
/* All ranges of the present view */
char *memory_describe (SvAddressSpace *space);

#define assert_view(space, expected)                                                               \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_autofree char *view_ = memory_describe (space);                                              \
    g_assert_cmpstr (view_, ==, expected);                                                         \
  }                                                                                                \
  G_STMT_END
