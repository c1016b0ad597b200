/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which pages of guest memory are written while a VM moves. */
#include "src/memory/sv-dirty-log.h"

#define PAGE 4096u
#define BITS (sizeof (gulong) * 8)

typedef struct
{
  const guint8 *host;
  guint64 size;
  gulong *send;    /* to be sent; VM lock, or the thread that sends: each word atomic */
  gulong *written; /* by this process; atomic */
} Part;

gint sv_dirty_log_active;

/* Stays after a log, as somebody may be about to mark a page; a new one starts while nothing of this process writes. */
static GArray *parts; /* of Part */

static guint64
get_words (const Part *part)
{
  return (part->size / PAGE + BITS - 1) / BITS;
}

static Part *
find (gconstpointer host)
{
  for (guint i = 0; parts != NULL && i < parts->len; i++)
    {
      Part *part = &g_array_index (parts, Part, i);

      if ((const guint8 *)host >= part->host && (const guint8 *)host < part->host + part->size)
        return part;
    }
  return NULL;
}

void
sv_dirty_log_write (gconstpointer host, guint64 length)
{
  Part *part = find (host);
  guint64 offset, first, last;

  if (part == NULL || length == 0)
    return;
  offset = (guint64)((const guint8 *)host - part->host);
  first = offset / PAGE;
  last = (offset + MIN (length, part->size - offset) - 1) / PAGE;
  for (guint64 page = first; page <= last; page++)
    __atomic_fetch_or (&part->written[page / BITS], 1ul << page % BITS, __ATOMIC_RELAXED);
}

static void
clear_part (gpointer data)
{
  g_free (((Part *)data)->send);
  g_free (((Part *)data)->written);
}

void
sv_dirty_log_start (GPtrArray *backends)
{
  g_clear_pointer (&parts, g_array_unref);
  parts = g_array_new (FALSE, FALSE, sizeof (Part));
  g_array_set_clear_func (parts, clear_part);
  for (guint i = 0; i < backends->len; i++)
    {
      Part part = { .host = sv_memory_backend_get_host (backends->pdata[i]),
                    .size = sv_memory_backend_get_size (backends->pdata[i]) };

      part.send = g_new0 (gulong, get_words (&part));
      part.written = g_new0 (gulong, get_words (&part));
      for (guint64 page = 0; page < part.size / PAGE; page++)
        part.send[page / BITS] |= 1ul << page % BITS;
      g_array_append_val (parts, part);
    }
  __atomic_store_n (&sv_dirty_log_active, TRUE, __ATOMIC_SEQ_CST);
}

void
sv_dirty_log_stop (void)
{
  __atomic_store_n (&sv_dirty_log_active, FALSE, __ATOMIC_SEQ_CST);
}

void
sv_dirty_log_merge (gconstpointer host, const gulong *bitmap, guint64 n_pages)
{
  Part *part = find (host);
  guint64 first;

  if (part == NULL)
    return;
  first = (guint64)((const guint8 *)host - part->host) / PAGE;
  for (guint64 page = 0; page < n_pages && first + page < part->size / PAGE; page++)
    {
      if (page % BITS == 0 && bitmap[page / BITS] == 0)
        page += BITS - 1;
      else if ((bitmap[page / BITS] >> page % BITS & 1) != 0)
        __atomic_fetch_or (&part->send[(first + page) / BITS], 1ul << (first + page) % BITS, __ATOMIC_RELAXED);
    }
}

void
sv_dirty_log_finish (void)
{
  for (guint i = 0; parts != NULL && i < parts->len; i++)
    {
      Part *part = &g_array_index (parts, Part, i);

      for (guint64 word = 0; word < get_words (part); word++)
        __atomic_fetch_or (&part->send[word], __atomic_load_n (&part->written[word], __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    }
}

gboolean
sv_dirty_log_take (guint n, guint64 *page)
{
  Part *part = &g_array_index (parts, Part, n);

  while (*page < part->size / PAGE)
    {
      gulong *word = &part->send[*page / BITS];
      gulong left = __atomic_load_n (word, __ATOMIC_RELAXED) >> *page % BITS;

      if (left == 0)
        {
          *page = (*page / BITS + 1) * BITS;
          continue;
        }
      *page += (guint64)__builtin_ctzl (left);
      __atomic_fetch_and (word, ~(1ul << *page % BITS), __ATOMIC_RELAXED);
      return TRUE;
    }
  return FALSE;
}

guint64
sv_dirty_log_count (void)
{
  guint64 count = 0;

  for (guint i = 0; parts != NULL && i < parts->len; i++)
    {
      Part *part = &g_array_index (parts, Part, i);

      for (guint64 word = 0; word < get_words (part); word++)
        count += (guint64)__builtin_popcountl (__atomic_load_n (&part->send[word], __ATOMIC_RELAXED));
    }
  return count;
}
