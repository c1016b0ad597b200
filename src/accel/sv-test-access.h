/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/memory/sv-address-space.h"

G_BEGIN_DECLS

/*
 * What a processor of a test does: it accesses memory, registers and ports, and rings the ioeventfds that the kernel would.
 * Main thread, VM lock held.
 */
typedef struct _SvTestAccess SvTestAccess;

/* @io may be NULL (no port space). */
SvTestAccess *sv_test_access_new (SvAddressSpace *memory, SvAddressSpace *io);
void sv_test_access_free (SvTestAccess *self);

/* As a processor does: 1, 2, 4 and 8 bytes are one access, ioeventfds are served. Longer ones are made of aligned accesses. */
void sv_test_access_read (SvTestAccess *self, SvAddressSpace *space, guint64 address, guint8 *data,
                         gsize length);
void sv_test_access_write (SvTestAccess *self, SvAddressSpace *space, guint64 address, const guint8 *data,
                          gsize length);
/* The same for numbers, little-endian; @size: 1, 2, 4, 8 */
guint64 sv_test_access_read_number (SvTestAccess *self, SvAddressSpace *space, guint64 address, guint size);
void sv_test_access_write_number (SvTestAccess *self, SvAddressSpace *space, guint64 address, guint64 value,
                                 guint size);

G_END_DECLS
