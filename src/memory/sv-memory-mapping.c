/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/memory/sv-memory-mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/memory/sv-memory-backend.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* A host address and a guest address that agree modulo this let the kernel map both by huge pages.
 */
#define ALIGNMENT (G_GUINT64_CONSTANT (2) << 20)

void
sv_memory_mapping_init (SvMemoryMapping *self)
{
  *self = (SvMemoryMapping){ .fd = -1, .template = -1, .dump = TRUE, .merge = TRUE, .reserve = TRUE };
}

void
sv_memory_mapping_clear (SvMemoryMapping *self)
{
  sv_memory_mapping_unmap (self);
  g_clear_pointer (&self->nodes, g_strfreev);
}

static gboolean
fail (SvMemoryMapping *self, int code, GError **error, const char *what)
{
  gboolean huge = code == ENOMEM && self->page_size > (gsize)sysconf (_SC_PAGESIZE);

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "cannot %s %" G_GUINT64_FORMAT " bytes: %s%s", what,
               self->size, g_strerror (code),
               huge ? "; the host lacks free huge pages (HugePages_Free in /proc/meminfo)" : "");
  return FALSE;
}

/* Maps at a multiple of the alignment: reserves more than needed and gives the rest back. */
static gboolean
map_aligned (SvMemoryMapping *self, GError **error)
{
  guint64 alignment = MAX (ALIGNMENT, self->page_size);
  guint64 total, head, tail;
  int protection = PROT_READ | (self->readonly ? 0 : PROT_WRITE);
  int flags = MAP_FIXED | (self->share ? MAP_SHARED : MAP_PRIVATE);
  guint8 *reserved, *host;

  if (!g_uint64_checked_add (&total, self->size, alignment))
    return fail (self, ENOMEM, error, "map");
  reserved = mmap (NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED)
    return fail (self, errno, error, "map");
  host = (guint8 *)(((guintptr)reserved + alignment - 1) & ~(guintptr)(alignment - 1));

  if (self->fd < 0)
    flags |= MAP_ANONYMOUS;
  /* A huge page that is missing at a guest's access would kill the process: those are reserved. */
  if (!self->reserve || self->page_size == (gsize)sysconf (_SC_PAGESIZE))
    flags |= MAP_NORESERVE;
  if (mmap (host, self->size, protection, flags, self->fd, 0) == MAP_FAILED)
    {
      int saved_errno = errno;

      munmap (reserved, total);
      return fail (self, saved_errno, error, "map");
    }

  head = (guint64)(host - reserved);
  tail = total - head - self->size;
  if (head > 0)
    munmap (reserved, head);
  if (tail > 0)
    munmap (host + self->size, tail);
  self->host = host;
  return TRUE;
}

static gboolean
preallocate (SvMemoryMapping *self, GError **error)
{
  volatile guint8 *page = self->host;

  while (madvise (self->host, self->size, MADV_POPULATE_WRITE) != 0)
    {
      if (errno == EINTR || errno == EAGAIN)
        continue;
      /* The kernel reports what would have been a bus error as EFAULT. */
      if (errno == EFAULT)
        return fail (self, self->fd >= 0 ? ENOSPC : ENOMEM, error, "preallocate");
      if (errno != EINVAL)
        return fail (self, errno, error, "preallocate");

      /* Before Linux 5.14 */
      if (self->fd >= 0)
        {
          int code = posix_fallocate (self->fd, 0, (off_t)self->size);

          if (code != 0)
            return fail (self, code, error, "preallocate");
        }
      for (guint64 offset = 0; offset < self->size; offset += self->page_size)
        page[offset] = page[offset];
      break;
    }
  return TRUE;
}

void
sv_memory_mapping_unmap (SvMemoryMapping *self)
{
  if (self->host != NULL)
    munmap (self->host, self->size);
  self->host = NULL;
  if (self->fd >= 0)
    close (self->fd);
  if (self->template >= 0)
    close (self->template);
  self->fd = self->template = -1;
}

/* Advice: what the kernel was built without is no reason to fail. A child must not get a copy. */
static void
advise (SvMemoryMapping *self)
{
  madvise (self->host, self->size, MADV_DONTFORK);
  if (!self->dump)
    madvise (self->host, self->size, MADV_DONTDUMP);
  if (self->merge && !self->share)
    madvise (self->host, self->size, MADV_MERGEABLE);
  if (self->huge_pages)
    madvise (self->host, self->size, MADV_HUGEPAGE);
}

static gboolean
apply (SvMemoryMapping *self, GError **error)
{
  if (!sv_memory_policy_apply (self->policy, (const char *const *)self->nodes, self->host, self->size, error))
    return FALSE;
  advise (self);
  return !self->prealloc || self->readonly || preallocate (self, error);
}

gboolean
sv_memory_mapping_map (SvMemoryMapping *self, GError **error)
{
  return map_aligned (self, error) && apply (self, error);
}

static gint n_inhibitors;

void
sv_memory_inhibit_discard (gboolean inhibit)
{
  g_atomic_int_add (&n_inhibitors, inhibit ? 1 : -1);
}

gboolean
sv_memory_mapping_discard (SvMemoryMapping *self, guint64 offset, guint64 length, gboolean zero)
{
  guint64 mask = self->page_size - 1;
  guint64 end;

  if (self->host == NULL || self->readonly || g_atomic_int_get (&n_inhibitors) > 0)
    return FALSE;
  /* What a private mapping of a file loses are its changes. */
  if (zero && (self->fd >= 0 || self->template >= 0) && !self->share)
    return FALSE;
  if (!g_uint64_checked_add (&end, offset, length) || end > self->size)
    return FALSE;

  offset = (offset + mask) & ~mask;
  end &= ~mask;
  if (offset >= end)
    return FALSE;
  if (self->fd >= 0 && self->share)
    return fallocate (self->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
                      (off_t)(end - offset))
           == 0;
  return madvise (self->host + offset, end - offset, self->share ? MADV_REMOVE : MADV_DONTNEED) == 0;
}

gboolean
sv_memory_mapping_map_template (SvMemoryMapping *self, int fd, guint64 offset, GError **error)
{
  int own = fcntl (fd, F_DUPFD_CLOEXEC, 3);

  if (own < 0)
    return fail (self, errno, error, "keep the file for");
  if (mmap (self->host, self->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, own, (off_t)offset)
      == MAP_FAILED)
    {
      int saved_errno = errno;

      close (own);
      return fail (self, saved_errno, error, "map a file for");
    }
  self->template = own;
  return apply (self, error);
}
