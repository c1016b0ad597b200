/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guest memory in a file that can be mapped. */
#include "src/migration/sv-ram-file.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "src/migration/sv-migratable.h"

#define PAGE 4096u
/* Pages that are looked at, and written, at a time */
#define CHUNK_PAGES 256u

#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_SWAPPED (1ull << 62)

typedef struct
{
  char magic[8];
  char id[40];
  guint64 size; /* of the memory before it */
} Trailer;

static const char magic[8] = { 'S', 'V', 'M', 'E', 'M', 'O', 'R', 'Y' };

gboolean
sv_ram_is_zero (gconstpointer page, gsize size)
{
  const guint64 *words = page;

  for (gsize i = 0; i < size / sizeof *words; i += 8)
    if ((words[i] | words[i + 1] | words[i + 2] | words[i + 3] | words[i + 4] | words[i + 5] | words[i + 6] | words[i + 7]) != 0)
      return FALSE;
  return TRUE;
}

static guint64
get_total (GPtrArray *backends)
{
  guint64 total = 0;

  for (guint i = 0; i < backends->len; i++)
    total += sv_memory_backend_get_size (backends->pdata[i]);
  return total;
}

static gboolean
write_all (int fd, const guint8 *data, gsize size, guint64 offset, GError **error)
{
  while (size > 0)
    {
      gssize n = pwrite (fd, data, size, (off_t)offset);

      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        {
          g_set_error (error, G_IO_ERROR, g_io_error_from_errno (n < 0 ? errno : EIO), "cannot write memory: %s",
                       g_strerror (n < 0 ? errno : EIO));
          return FALSE;
        }
      data += n;
      size -= (gsize)n;
      offset += (guint64)n;
    }
  return TRUE;
}

/* --- writing --- */

typedef struct
{
  int fd;
  int pagemap;
  int template; /* the file that the memory is a copy of; -1: pages that are not there are zeroes */
  SvMigrationProgress *progress;
} Writer;

/* Whether any of @n pages can hold something; @entries says which were ever touched. */
static gboolean
read_pagemap (const Writer *self, const guint8 *host, guint n, guint64 *entries)
{
  gsize size = n * sizeof *entries;

  return self->pagemap >= 0
         && pread (self->pagemap, entries, size, (off_t)((guintptr)host / PAGE * sizeof *entries)) == (gssize)size;
}

static gboolean
is_hole (const Writer *self, guint64 offset, gsize size)
{
  off_t data;

  if (self->template < 0)
    return TRUE;
  data = lseek (self->template, (off_t)offset, SEEK_DATA);
  return data < 0 ? errno == ENXIO : (guint64)data >= offset + size;
}

/* @offset: in the file */
static gboolean
write_chunk (const Writer *self, const guint8 *host, guint n, guint64 offset, GError **error)
{
  guint64 entries[CHUNK_PAGES];
  gboolean known = read_pagemap (self, host, n, entries);
  gboolean hole = known && is_hole (self, offset, n * PAGE);
  guint first = 0;

  for (guint i = 0; i <= n; i++)
    {
      gboolean full = i < n && !(hole && (entries[i] & (PAGEMAP_PRESENT | PAGEMAP_SWAPPED)) == 0)
                      && !sv_ram_is_zero (host + i * PAGE, PAGE);

      if (full)
        continue;
      if (i > first)
        {
          if (!write_all (self->fd, host + first * PAGE, (i - first) * PAGE, offset + first * PAGE, error))
            return FALSE;
          sv_migration_progress_add (self->progress, transferred, (i - first) * PAGE);
          sv_migration_progress_add (self->progress, normal, i - first);
        }
      if (i < n)
        sv_migration_progress_add (self->progress, zero, 1);
      first = i + 1;
    }
  return TRUE;
}

static gboolean
write_backend (const Writer *self, SvMemoryBackend *backend, guint64 start, GError **error)
{
  const guint8 *host = sv_memory_backend_get_host (backend);
  guint64 size = sv_memory_backend_get_size (backend);

  for (guint64 offset = 0; offset < size; offset += CHUNK_PAGES * PAGE)
    {
      guint n = (guint)MIN (CHUNK_PAGES, (size - offset) / PAGE);

      if (g_atomic_int_get (&self->progress->cancelled))
        {
          g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_CANCELLED, "it was cancelled");
          return FALSE;
        }
      if (!write_chunk (self, host + offset, n, start + offset, error))
        return FALSE;
      sv_migration_progress_set (self->progress, remaining, self->progress->total - start - offset - n * PAGE);
    }
  return TRUE;
}

gboolean
sv_ram_file_write (int fd, GPtrArray *backends, int pagemap, const char *id, SvMigrationProgress *progress, GError **error)
{
  Writer writer = { .fd = fd, .pagemap = pagemap, .progress = progress };
  union
  {
    Trailer trailer;
    guint8 page[PAGE];
  } last = { .trailer = { .size = GUINT64_TO_LE (get_total (backends)) } };
  guint64 start = 0;

  sv_migration_progress_set (progress, total, get_total (backends));
  sv_migration_progress_set (progress, remaining, get_total (backends));
  for (guint i = 0; i < backends->len; i++)
    {
      writer.template = sv_memory_backend_get_template (backends->pdata[i]);
      if (!write_backend (&writer, backends->pdata[i], start, error))
        return FALSE;
      start += sv_memory_backend_get_size (backends->pdata[i]);
    }
  memcpy (last.trailer.magic, magic, sizeof magic);
  g_strlcpy (last.trailer.id, id, sizeof last.trailer.id);
  return write_all (fd, last.page, PAGE, start, error);
}

/* --- reading --- */

gboolean
sv_ram_file_check (int fd, GPtrArray *backends, const char *id, GError **error)
{
  guint64 total = get_total (backends);
  Trailer trailer;
  const struct iovec iov = { &trailer, sizeof trailer };
  struct stat st;

  if (fstat (fd, &st) < 0 || !S_ISREG (st.st_mode) || (guint64)st.st_size != total + PAGE)
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID,
                   "it has %" G_GUINT64_FORMAT " bytes; it must have %" G_GUINT64_FORMAT ": it was cut, or is of another VM",
                   (guint64)st.st_size, total + PAGE);
      return FALSE;
    }
  if (preadv2 (fd, &iov, 1, (off_t)total, 0) != sizeof trailer || memcmp (trailer.magic, magic, sizeof magic) != 0
      || GUINT64_FROM_LE (trailer.size) != total)
    {
      g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID, "it is no memory of a snapshot");
      return FALSE;
    }
  if (strncmp (trailer.id, id, sizeof trailer.id) != 0)
    {
      g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_MISMATCH, "it is of another snapshot than 'state'");
      return FALSE;
    }
  for (guint i = 0; i < backends->len; i++)
    if (!sv_memory_backend_check_template (backends->pdata[i], error))
      return FALSE;
  return TRUE;
}

gboolean
sv_ram_file_map (int fd, GPtrArray *backends, GError **error)
{
  guint64 start = 0;

  for (guint i = 0; i < backends->len; i++)
    {
      if (!sv_memory_backend_map_template (backends->pdata[i], fd, start, error))
        return FALSE;
      start += sv_memory_backend_get_size (backends->pdata[i]);
    }
  return TRUE;
}
