/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Words of test protocols. */

/* @base: 10, 16 (0x may stand before it), 0: as in C */
gboolean sv_test_parse_number (const char *word, guint base, guint64 *value);
char *sv_test_encode_hex (const guint8 *data, gsize length);
/*
 * Decodes up to @length bytes of hexadecimal digits, 0x may stand before them. Returns how many there were; -1: @word is
 * nothing of the kind, has half a byte or more than @length bytes.
 */
gssize sv_test_decode_hex (const char *word, guint8 *data, gsize length);

G_END_DECLS
