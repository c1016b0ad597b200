/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/uio.h>

#include "qom/sv-api.h"

G_BEGIN_DECLS

/* Drops the first @bytes bytes, and elements that are empty. */
void sv_block_iov_advance (struct iovec **iov, guint *n_iov, guint64 bytes);
/* Copies from the start of @iov; at most @length bytes. */
void sv_block_iov_read (const struct iovec *iov, guint n_iov, guint8 *buffer, guint64 length);
void
sv_block_iov_write (const struct iovec *iov, guint n_iov, const guint8 *buffer, guint64 length);
void sv_block_iov_clear (const struct iovec *iov, guint n_iov);
gboolean sv_block_iov_is_zero (const struct iovec *iov, guint n_iov);
/* Whether all addresses and lengths are multiples of @alignment, a power of two. */
gboolean sv_block_iov_is_aligned (const struct iovec *iov, guint n_iov, gsize alignment);

G_END_DECLS
