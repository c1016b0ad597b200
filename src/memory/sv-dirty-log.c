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

struct _SvDirtyLog
{
  GArray *parts; /* of Part */
};

gint sv_dirty_log_active;

/* One for each VM that moves. Who changes the list holds the VM lock and writes; with the VM lock alone it may be read. */
static GPtrArray *logs;
static GRWLock logs_lock;

static guint64
get_words (const Part *part)
{
  return (part->size / PAGE + BITS - 1) / BITS;
}

static Part *
find_in (const SvDirtyLog *self, gconstpointer host)
{
  for (guint i = 0; i < self->parts->len; i++)
    {
      Part *part = &g_array_index (self->parts, Part, i);

      if ((const guint8 *)host >= part->host && (const guint8 *)host < part->host + part->size)
        return part;
    }
  return NULL;
}

static Part *
find (gconstpointer host)
{
  Part *part = NULL;

  for (guint i = 0; logs != NULL && i < logs->len && part == NULL; i++)
    part = find_in (logs->pdata[i], host);
  return part;
}

static void
mark_written (Part *part, gconstpointer host, guint64 length)
{
  guint64 offset = (guint64)((const guint8 *)host - part->host);
  guint64 first = offset / PAGE;
  guint64 last = (offset + MIN (length, part->size - offset) - 1) / PAGE;

  for (guint64 page = first; page <= last; page++)
    __atomic_fetch_or (&part->written[page / BITS], 1ul << page % BITS, __ATOMIC_RELAXED);
}

void
sv_dirty_log_write (gconstpointer host, guint64 length)
{
  Part *part;

  if (length == 0)
    return;
  g_rw_lock_reader_lock (&logs_lock);
  part = find (host);
  if (part != NULL)
    mark_written (part, host, length);
  g_rw_lock_reader_unlock (&logs_lock);
}

static void
clear_part (gpointer data)
{
  g_free (((Part *)data)->send);
  g_free (((Part *)data)->written);
}

SvDirtyLog *
sv_dirty_log_start (GPtrArray *backends)
{
  SvDirtyLog *self = g_new0 (SvDirtyLog, 1);

  self->parts = g_array_new (FALSE, FALSE, sizeof (Part));
  g_array_set_clear_func (self->parts, clear_part);
  for (guint i = 0; i < backends->len; i++)
    {
      Part part = { .host = sv_memory_backend_get_host (backends->pdata[i]),
                    .size = sv_memory_backend_get_size (backends->pdata[i]) };

      part.send = g_new0 (gulong, get_words (&part));
      part.written = g_new0 (gulong, get_words (&part));
      for (guint64 page = 0; page < part.size / PAGE; page++)
        part.send[page / BITS] |= 1ul << page % BITS;
      g_array_append_val (self->parts, part);
    }
  g_rw_lock_writer_lock (&logs_lock);
  if (logs == NULL)
    logs = g_ptr_array_new ();
  g_ptr_array_add (logs, self);
  __atomic_store_n (&sv_dirty_log_active, TRUE, __ATOMIC_SEQ_CST);
  g_rw_lock_writer_unlock (&logs_lock);
  return self;
}

void
sv_dirty_log_free (SvDirtyLog *self)
{
  g_rw_lock_writer_lock (&logs_lock);
  g_ptr_array_remove (logs, self);
  if (logs->len == 0)
    {
      __atomic_store_n (&sv_dirty_log_active, FALSE, __ATOMIC_SEQ_CST);
      g_clear_pointer (&logs, g_ptr_array_unref);
    }
  g_rw_lock_writer_unlock (&logs_lock);
  g_array_unref (self->parts);
  g_free (self);
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
sv_dirty_log_collect (SvDirtyLog *self)
{
  for (guint i = 0; i < self->parts->len; i++)
    {
      Part *part = &g_array_index (self->parts, Part, i);

      for (guint64 word = 0; word < get_words (part); word++)
        __atomic_fetch_or (&part->send[word], __atomic_exchange_n (&part->written[word], 0, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
    }
}

gboolean
sv_dirty_log_take (SvDirtyLog *self, guint n, guint64 *page)
{
  Part *part = &g_array_index (self->parts, Part, n);

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

static guint64
count (const SvDirtyLog *self, gboolean written, gboolean send)
{
  guint64 sum = 0;

  for (guint i = 0; i < self->parts->len; i++)
    {
      const Part *part = &g_array_index (self->parts, Part, i);

      for (guint64 word = 0; word < get_words (part); word++)
        sum += (guint64)__builtin_popcountl ((written ? __atomic_load_n (&part->written[word], __ATOMIC_RELAXED) : 0)
                                             | (send ? __atomic_load_n (&part->send[word], __ATOMIC_RELAXED) : 0));
    }
  return sum;
}

guint64
sv_dirty_log_count (SvDirtyLog *self)
{
  return count (self, TRUE, TRUE);
}

guint64
sv_dirty_log_count_written (SvDirtyLog *self)
{
  return count (self, TRUE, FALSE);
}
