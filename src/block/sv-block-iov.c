/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/block/sv-block-iov.h"

#include <string.h>

void
sv_block_iov_advance (struct iovec **iov, guint *n_iov, guint64 bytes)
{
  while (*n_iov > 0 && (*iov)->iov_len <= bytes)
    {
      bytes -= (*iov)->iov_len;
      (*iov)++;
      (*n_iov)--;
    }
  if (*n_iov > 0)
    {
      (*iov)->iov_base = (guint8 *)(*iov)->iov_base + bytes;
      (*iov)->iov_len -= bytes;
    }
}

void
sv_block_iov_read (const struct iovec *iov, guint n_iov, guint8 *buffer, guint64 length)
{
  for (guint i = 0; i < n_iov && length > 0; i++)
    {
      gsize n = MIN (iov[i].iov_len, length);

      memcpy (buffer, iov[i].iov_base, n);
      buffer += n;
      length -= n;
    }
}

void
sv_block_iov_write (const struct iovec *iov, guint n_iov, const guint8 *buffer, guint64 length)
{
  for (guint i = 0; i < n_iov && length > 0; i++)
    {
      gsize n = MIN (iov[i].iov_len, length);

      memcpy (iov[i].iov_base, buffer, n);
      buffer += n;
      length -= n;
    }
}

void
sv_block_iov_clear (const struct iovec *iov, guint n_iov)
{
  for (guint i = 0; i < n_iov; i++)
    memset (iov[i].iov_base, 0, iov[i].iov_len);
}

static gboolean
is_zero (const guint8 *data, gsize length)
{
  /* The first bytes are zero, and each byte equals the one 16 before it. */
  gsize head = MIN (length, 16);

  for (gsize i = 0; i < head; i++)
    {
      if (data[i] != 0)
        return FALSE;
    }
  return length <= 16 || memcmp (data, data + 16, length - 16) == 0;
}

gboolean
sv_block_iov_is_zero (const struct iovec *iov, guint n_iov)
{
  for (guint i = 0; i < n_iov; i++)
    {
      if (!is_zero (iov[i].iov_base, iov[i].iov_len))
        return FALSE;
    }
  return TRUE;
}

gboolean
sv_block_iov_is_aligned (const struct iovec *iov, guint n_iov, gsize alignment)
{
  for (guint i = 0; i < n_iov; i++)
    {
      if (((gsize)iov[i].iov_base | iov[i].iov_len) & (alignment - 1))
        return FALSE;
    }
  return TRUE;
}
