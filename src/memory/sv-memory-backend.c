/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/memory/sv-memory-backend.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "qom/sv-property.h"
#include "src/memory/sv-memory-policy.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* A host address and a guest address that agree modulo this let the kernel map both by huge pages.
 */
#define ALIGNMENT (G_GUINT64_CONSTANT (2) << 20)

typedef struct
{
  guint64 size;
  gboolean share;
  gboolean prealloc;
  gboolean dump;
  gboolean merge;
  gboolean reserve;
  gboolean huge_pages;
  SvMemoryPolicy policy;
  GStrv nodes;

  guint8 *host;
  gsize page_size;
  int fd;
  int template;
  gboolean readonly;
} SvMemoryBackendPrivate;

enum
{
  PROP_0,
  PROP_SIZE,
  PROP_SHARE,
  PROP_PREALLOC,
  PROP_DUMP,
  PROP_MERGE,
  PROP_RESERVE,
  PROP_HUGE_PAGES,
  PROP_POLICY,
  PROP_HOST_NODES,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (SvMemoryBackend, sv_memory_backend, SV_TYPE_OBJECT)

static SvMemoryBackendPrivate *
get_private (SvMemoryBackend *self)
{
  return sv_memory_backend_get_instance_private (self);
}

static gboolean
fail (SvMemoryBackend *self, int code, GError **error, const char *what)
{
  SvMemoryBackendPrivate *priv = get_private (self);
  const char *id = sv_object_get_id (SV_OBJECT (self));
  gboolean huge = code == ENOMEM && priv->page_size > (gsize)sysconf (_SC_PAGESIZE);

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
               "memory backend '%s': cannot %s %" G_GUINT64_FORMAT " bytes: %s%s",
               id != NULL ? id : "", what, priv->size, g_strerror (code),
               huge ? "; the host lacks free huge pages (HugePages_Free in /proc/meminfo)" : "");
  return FALSE;
}

/* Maps at a multiple of the alignment: reserves more than needed and gives the rest back. */
static gboolean
map_aligned (SvMemoryBackend *self, GError **error)
{
  SvMemoryBackendPrivate *priv = get_private (self);
  guint64 alignment = MAX (ALIGNMENT, priv->page_size);
  guint64 total, head, tail;
  int protection = PROT_READ | (priv->readonly ? 0 : PROT_WRITE);
  int flags = MAP_FIXED | (priv->share ? MAP_SHARED : MAP_PRIVATE);
  guint8 *reserved, *host;

  if (!g_uint64_checked_add (&total, priv->size, alignment))
    return fail (self, ENOMEM, error, "map");
  reserved = mmap (NULL, total, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED)
    return fail (self, errno, error, "map");
  host = (guint8 *)(((guintptr)reserved + alignment - 1) & ~(guintptr)(alignment - 1));

  if (priv->fd < 0)
    flags |= MAP_ANONYMOUS;
  /* A huge page that is missing at a guest's access would kill the process: those are reserved. */
  if (!priv->reserve || priv->page_size == (gsize)sysconf (_SC_PAGESIZE))
    flags |= MAP_NORESERVE;
  if (mmap (host, priv->size, protection, flags, priv->fd, 0) == MAP_FAILED)
    {
      int saved_errno = errno;

      munmap (reserved, total);
      return fail (self, saved_errno, error, "map");
    }

  head = (guint64)(host - reserved);
  tail = total - head - priv->size;
  if (head > 0)
    munmap (reserved, head);
  if (tail > 0)
    munmap (host + priv->size, tail);
  priv->host = host;
  return TRUE;
}

static gboolean
preallocate (SvMemoryBackend *self, GError **error)
{
  SvMemoryBackendPrivate *priv = get_private (self);
  volatile guint8 *page = priv->host;

  while (madvise (priv->host, priv->size, MADV_POPULATE_WRITE) != 0)
    {
      if (errno == EINTR || errno == EAGAIN)
        continue;
      /* The kernel reports what would have been a bus error as EFAULT. */
      if (errno == EFAULT)
        return fail (self, priv->fd >= 0 ? ENOSPC : ENOMEM, error, "preallocate");
      if (errno != EINVAL)
        return fail (self, errno, error, "preallocate");

      /* Before Linux 5.14 */
      if (priv->fd >= 0)
        {
          int code = posix_fallocate (priv->fd, 0, (off_t)priv->size);

          if (code != 0)
            return fail (self, code, error, "preallocate");
        }
      for (guint64 offset = 0; offset < priv->size; offset += priv->page_size)
        page[offset] = page[offset];
      break;
    }
  return TRUE;
}

static void
unmap (SvMemoryBackendPrivate *priv)
{
  if (priv->host != NULL)
    munmap (priv->host, priv->size);
  priv->host = NULL;
  if (priv->fd >= 0)
    close (priv->fd);
  if (priv->template >= 0)
    close (priv->template);
  priv->fd = priv->template = -1;
}

/* Advice: what the kernel was built without is no reason to fail. A child must not get a copy. */
static void
advise (SvMemoryBackendPrivate *priv)
{
  madvise (priv->host, priv->size, MADV_DONTFORK);
  if (!priv->dump)
    madvise (priv->host, priv->size, MADV_DONTDUMP);
  if (priv->merge && !priv->share)
    madvise (priv->host, priv->size, MADV_MERGEABLE);
  if (priv->huge_pages)
    madvise (priv->host, priv->size, MADV_HUGEPAGE);
}

static gboolean
sv_memory_backend_complete (SvObject *object, GError **error)
{
  SvMemoryBackend *self = SV_MEMORY_BACKEND (object);
  SvMemoryBackendPrivate *priv = get_private (self);
  const char *id = sv_object_get_id (object);

  if (priv->size == 0)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "memory backend '%s': property 'size' must be given and not be 0",
                   id != NULL ? id : "");
      return FALSE;
    }

  priv->page_size = (gsize)sysconf (_SC_PAGESIZE);
  if (!SV_MEMORY_BACKEND_GET_CLASS (self)->open (self, &priv->fd, &priv->page_size, error))
    return FALSE;
  if (!map_aligned (self, error))
    {
      unmap (priv);
      return FALSE;
    }

  if (!sv_memory_policy_apply (priv->policy, (const char *const *)priv->nodes, priv->host, priv->size, error))
    {
      g_prefix_error (error, "memory backend '%s': ", id != NULL ? id : "");
      unmap (priv);
      return FALSE;
    }

  advise (priv);
  if (priv->prealloc && !priv->readonly && !preallocate (self, error))
    {
      unmap (priv);
      return FALSE;
    }
  return TRUE;
}

static void
sv_memory_backend_finalize (GObject *object)
{
  SvMemoryBackendPrivate *priv = get_private (SV_MEMORY_BACKEND (object));

  unmap (priv);
  g_strfreev (priv->nodes);
  G_OBJECT_CLASS (sv_memory_backend_parent_class)->finalize (object);
}

static gboolean *
find_flag (SvMemoryBackendPrivate *priv, guint id)
{
  switch (id)
    {
    case PROP_SHARE:
      return &priv->share;
    case PROP_PREALLOC:
      return &priv->prealloc;
    case PROP_DUMP:
      return &priv->dump;
    case PROP_MERGE:
      return &priv->merge;
    case PROP_RESERVE:
      return &priv->reserve;
    case PROP_HUGE_PAGES:
      return &priv->huge_pages;
    default:
      return NULL;
    }
}

static void
sv_memory_backend_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvMemoryBackendPrivate *priv = get_private (SV_MEMORY_BACKEND (object));
  gboolean *flag = find_flag (priv, id);

  if (flag != NULL)
    g_value_set_boolean (value, *flag);
  else if (id == PROP_SIZE)
    g_value_set_uint64 (value, priv->size);
  else if (id == PROP_POLICY)
    g_value_set_enum (value, priv->policy);
  else if (id == PROP_HOST_NODES)
    g_value_set_boxed (value, priv->nodes);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
sv_memory_backend_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvMemoryBackendPrivate *priv = get_private (SV_MEMORY_BACKEND (object));
  gboolean *flag = find_flag (priv, id);

  /* The size is also that of the mapping. */
  g_return_if_fail (priv->host == NULL);

  if (flag != NULL && *flag != g_value_get_boolean (value))
    {
      *flag = g_value_get_boolean (value);
      g_object_notify_by_pspec (object, pspec);
    }
  else if (id == PROP_SIZE && priv->size != g_value_get_uint64 (value))
    {
      priv->size = g_value_get_uint64 (value);
      g_object_notify_by_pspec (object, pspec);
    }
  else if (id == PROP_POLICY && (gint)priv->policy != g_value_get_enum (value))
    {
      priv->policy = g_value_get_enum (value);
      g_object_notify_by_pspec (object, pspec);
    }
  else if (id == PROP_HOST_NODES)
    {
      g_strfreev (priv->nodes);
      priv->nodes = g_value_dup_boxed (value);
      g_object_notify_by_pspec (object, pspec);
    }
  else if (flag == NULL && id != PROP_SIZE && id != PROP_POLICY)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
sv_memory_backend_init (SvMemoryBackend *self)
{
  SvMemoryBackendPrivate *priv = get_private (self);

  priv->fd = priv->template = -1;
  priv->dump = TRUE;
  priv->merge = TRUE;
  priv->reserve = TRUE;
}

static GParamSpec *
new_flag (const char *name, const char *blurb, gboolean value)
{
  return g_param_spec_boolean (name, name, blurb, value, SV_PARAM_RW_WIRING);
}

static void
sv_memory_backend_class_init (SvMemoryBackendClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = sv_memory_backend_get_property;
  object_class->set_property = sv_memory_backend_set_property;
  object_class->finalize = sv_memory_backend_finalize;
  SV_OBJECT_CLASS (klass)->complete = sv_memory_backend_complete;
  SV_OBJECT_CLASS (klass)->container = "objects";

  /**
   * SvMemoryBackend:size:
   *
   * Bytes of memory, a multiple of the page size.
   */
  props[PROP_SIZE]
      = g_param_spec_uint64 ("size", "size", "Bytes of memory, a multiple of the page size", 0,
                             G_MAXUINT64, 0, SV_PARAM_RW_WIRING | SV_PARAM_SIZE);
  /**
   * SvMemoryBackend:share:
   *
   * Whether others who map the same file see what the guest writes.
   */
  props[PROP_SHARE]
      = new_flag ("share", "Share the memory with other processes that map its file", FALSE);
  /**
   * SvMemoryBackend:prealloc:
   *
   * Whether all pages are allocated at start.
   */
  props[PROP_PREALLOC] = new_flag ("prealloc", "Allocate all pages at start", FALSE);
  /**
   * SvMemoryBackend:dump:
   *
   * Whether a core dump of this process holds the memory.
   */
  props[PROP_DUMP] = new_flag ("dump", "Include the memory in core dumps", TRUE);
  /**
   * SvMemoryBackend:merge:
   *
   * Whether the kernel may merge pages of equal contents (KSM). Private memory only.
   */
  props[PROP_MERGE]
      = new_flag ("merge", "Let the kernel merge equal pages of private memory", TRUE);
  /**
   * SvMemoryBackend:reserve:
   *
   * Whether huge pages are reserved at start; ordinary pages never are.
   */
  props[PROP_RESERVE]
      = new_flag ("reserve", "Reserve huge pages at start (ordinary pages never are)", TRUE);
  /**
   * SvMemoryBackend:transparent-huge-pages:
   *
   * Whether the kernel is asked for transparent huge pages: fewer page faults, but a guest that
   * touches a few bytes here and there costs 2 MiB each.
   */
  props[PROP_HUGE_PAGES] = new_flag ("transparent-huge-pages",
                                     "Ask the kernel for transparent huge pages: less page faults, "
                                     "more memory",
                                     FALSE);
  /**
   * SvMemoryBackend:policy:
   *
   * How pages are taken from the host's NUMA nodes of [property@MemoryBackend:host-nodes].
   */
  props[PROP_POLICY] = g_param_spec_enum ("policy", "policy", "How pages are taken from the host's NUMA nodes",
                                          SV_TYPE_MEMORY_POLICY, SV_MEMORY_POLICY_DEFAULT, SV_PARAM_RW_WIRING);
  /**
   * SvMemoryBackend:host-nodes:
   *
   * Numbers and ranges (`0-3`) of the host's NUMA nodes that pages come from.
   */
  props[PROP_HOST_NODES]
      = g_param_spec_boxed ("host-nodes", "host-nodes", "Numbers and ranges of the host's NUMA nodes that pages come from",
                            G_TYPE_STRV, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

/**
 * sv_memory_backend_get_host:
 * @self: a memory backend
 *
 * Returns: (nullable): where the memory is mapped, %NULL before the object is complete
 */
guint8 *
sv_memory_backend_get_host (SvMemoryBackend *self)
{
  g_return_val_if_fail (SV_IS_MEMORY_BACKEND (self), NULL);
  return get_private (self)->host;
}

/**
 * sv_memory_backend_get_size:
 * @self: a memory backend
 *
 * Returns: the size in bytes
 */
guint64
sv_memory_backend_get_size (SvMemoryBackend *self)
{
  g_return_val_if_fail (SV_IS_MEMORY_BACKEND (self), 0);
  return get_private (self)->size;
}

/**
 * sv_memory_backend_get_fd:
 * @self: a memory backend
 *
 * Returns: the file that is mapped, owned by @self; -1 for anonymous memory
 */
int
sv_memory_backend_get_fd (SvMemoryBackend *self)
{
  g_return_val_if_fail (SV_IS_MEMORY_BACKEND (self), -1);
  return get_private (self)->fd;
}

/**
 * sv_memory_backend_get_share:
 * @self: a memory backend
 *
 * Returns: whether writes reach the file and others who map it
 */
gboolean
sv_memory_backend_get_share (SvMemoryBackend *self)
{
  g_return_val_if_fail (SV_IS_MEMORY_BACKEND (self), FALSE);
  return get_private (self)->share;
}

/**
 * sv_memory_backend_get_readonly:
 * @self: a memory backend
 *
 * Returns: whether the memory is mapped read-only
 */
gboolean
sv_memory_backend_get_readonly (SvMemoryBackend *self)
{
  g_return_val_if_fail (SV_IS_MEMORY_BACKEND (self), FALSE);
  return get_private (self)->readonly;
}

/**
 * sv_memory_backend_set_readonly:
 * @self: a memory backend
 *
 * For subclasses, before the memory is mapped: maps it read-only.
 */
void
sv_memory_backend_set_readonly (SvMemoryBackend *self, gboolean readonly)
{
  g_return_if_fail (SV_IS_MEMORY_BACKEND (self));
  get_private (self)->readonly = readonly;
}

/**
 * sv_memory_backend_get_page_size:
 * @self: a memory backend
 *
 * Returns: bytes in a page of the memory, 0 before the object is complete
 */
gsize
sv_memory_backend_get_page_size (SvMemoryBackend *self)
{
  g_return_val_if_fail (SV_IS_MEMORY_BACKEND (self), 0);
  return get_private (self)->page_size;
}

/**
 * sv_memory_backend_check_size:
 * @self: a memory backend
 * @page_size: bytes in a page
 * @error: return location for an error
 *
 * For subclasses: checks that the size is a multiple of @page_size, before anything is made of that
 * size.
 *
 * Returns: whether it is
 */
gboolean
sv_memory_backend_check_size (SvMemoryBackend *self, gsize page_size, GError **error)
{
  SvMemoryBackendPrivate *priv;
  const char *id;

  g_return_val_if_fail (SV_IS_MEMORY_BACKEND (self), FALSE);
  priv = get_private (self);
  id = sv_object_get_id (SV_OBJECT (self));

  /* off_t is signed */
  if (priv->size % page_size == 0 && priv->size <= G_MAXINT64)
    return TRUE;
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
               "memory backend '%s': property 'size' is %" G_GUINT64_FORMAT
               "; it must be a multiple of the page size, %" G_GSIZE_FORMAT
               " bytes, and below 8 EiB",
               id != NULL ? id : "", priv->size, page_size);
  return FALSE;
}

static gint n_inhibitors;

void
sv_memory_inhibit_discard (gboolean inhibit)
{
  g_atomic_int_add (&n_inhibitors, inhibit ? 1 : -1);
}

gboolean
sv_memory_backend_discard (SvMemoryBackend *self, guint64 offset, guint64 length, gboolean zero)
{
  SvMemoryBackendPrivate *priv = get_private (self);
  guint64 mask = priv->page_size - 1;
  guint64 end;

  if (priv->host == NULL || priv->readonly || g_atomic_int_get (&n_inhibitors) > 0)
    return FALSE;
  /* What a private mapping of a file loses are its changes. */
  if (zero && (priv->fd >= 0 || priv->template >= 0) && !priv->share)
    return FALSE;
  if (!g_uint64_checked_add (&end, offset, length) || end > priv->size)
    return FALSE;

  offset = (offset + mask) & ~mask;
  end &= ~mask;
  if (offset >= end)
    return FALSE;
  if (priv->fd >= 0 && priv->share)
    return fallocate (priv->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset,
                      (off_t)(end - offset))
           == 0;
  return madvise (priv->host + offset, end - offset, priv->share ? MADV_REMOVE : MADV_DONTNEED) == 0;
}

gboolean
sv_memory_backend_map_template (SvMemoryBackend *self, int fd, guint64 offset, GError **error)
{
  SvMemoryBackendPrivate *priv = get_private (self);
  int own = fcntl (fd, F_DUPFD_CLOEXEC, 3);

  if (own < 0)
    return fail (self, errno, error, "keep the file for");
  if (mmap (priv->host, priv->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, own, (off_t)offset)
      == MAP_FAILED)
    {
      int saved_errno = errno;

      close (own);
      return fail (self, saved_errno, error, "map a file for");
    }
  priv->template = own;
  if (!sv_memory_policy_apply (priv->policy, (const char *const *)priv->nodes, priv->host, priv->size, error))
    return FALSE;
  advise (priv);
  return !priv->prealloc || preallocate (self, error);
}

int
sv_memory_backend_get_template (SvMemoryBackend *self)
{
  return get_private (self)->template;
}

const char *
sv_memory_backend_get_obstacle (SvMemoryBackend *self)
{
  SvMemoryBackendPrivate *priv = get_private (self);

  if (priv->page_size > (gsize)sysconf (_SC_PAGESIZE))
    return "guest memory is made of huge pages";
  if (priv->share)
    return "guest memory is shared with others (mem-share, share=on)";
  if (priv->fd >= 0)
    return "guest memory is a file (mem-path)";
  return NULL;
}
