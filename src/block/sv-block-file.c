/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/block/sv-block-file.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "qom/sv-property.h"
#include "src/block/sv-block-file-lock.h"
#include "src/block/sv-block-file-queue.h"
#include "src/migration/sv-migratable.h"
#include "src/runtime/sv-fd-store.h"

struct _SvBlockFile
{
  SvBlockNode parent_instance;

  char *filename;
  gboolean cache_direct;
  gboolean cache_no_flush;
  SvBlockAio aio;
  SvBlockLocking locking;

  SvBlockFileInfo info;
  gboolean locked; /* nobody else writes */
};

G_DEFINE_TYPE_WITH_CODE (SvBlockFile, sv_block_file, SV_TYPE_BLOCK_NODE,
                         SV_MIGRATABLE_STATELESS ("its data is in its image, and nothing is in flight while the guest is paused"))

enum
{
  PROP_0,
  PROP_FILENAME,
  PROP_CACHE_DIRECT,
  PROP_CACHE_NO_FLUSH,
  PROP_AIO,
  PROP_LOCKING,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

GType
sv_block_aio_get_type (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      static const GEnumValue values[] = {
        { SV_BLOCK_AIO_THREADS, "SV_BLOCK_AIO_THREADS", "threads" },
        { SV_BLOCK_AIO_IO_URING, "SV_BLOCK_AIO_IO_URING", "io_uring" },
        { SV_BLOCK_AIO_IO_URING, "SV_BLOCK_AIO_IO_URING", "native" },
        { 0, NULL, NULL },
      };
      g_once_init_leave (&once, g_enum_register_static ("SvBlockAio", values));
    }
  return once;
}

GType
sv_block_locking_get_type (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      static const GEnumValue values[] = {
        { SV_BLOCK_LOCKING_AUTO, "SV_BLOCK_LOCKING_AUTO", "auto" },
        { SV_BLOCK_LOCKING_ON, "SV_BLOCK_LOCKING_ON", "on" },
        { SV_BLOCK_LOCKING_OFF, "SV_BLOCK_LOCKING_OFF", "off" },
        { 0, NULL, NULL },
      };
      g_once_init_leave (&once, g_enum_register_static ("SvBlockLocking", values));
    }
  return once;
}

static gboolean
fail (SvBlockFile *self, int reason, GError **error)
{
  g_set_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_OPEN, "cannot open '%s': %s", self->filename,
               g_strerror (reason));
  return FALSE;
}

static int
open_file (SvBlockFile *self, gboolean write, gboolean direct)
{
  /* O_NONBLOCK: a FIFO in the place of the image must not stop the VM from starting. */
  int flags
      = (write ? O_RDWR : O_RDONLY) | (direct ? O_DIRECT : 0) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;

  int fd = sv_fd_store_open (SV_OBJECT (self), self->filename, flags, 0);
  int read_only = 0;

  /* The kernel opens a block device that is read-only for writing, and fails all writes. */
  if (fd >= 0 && write && ioctl (fd, BLKROGET, &read_only) == 0 && read_only)
    {
      close (fd);
      errno = EROFS;
      return -1;
    }
  return fd;
}

static gboolean
open_image (SvBlockFile *self, GError **error)
{
  SvBlockNode *node = SV_BLOCK_NODE (self);
  gboolean write = !sv_block_node_is_read_only (node);
  int fd = open_file (self, write, self->cache_direct);

  if (fd < 0 && write && (errno == EACCES || errno == EROFS || errno == EPERM)
      && sv_block_node_get_auto_read_only (node))
    {
      write = FALSE;
      fd = open_file (self, FALSE, self->cache_direct);
      if (fd >= 0)
        sv_block_node_set_read_only (node, TRUE);
    }
  if (fd < 0 && errno == EISDIR)
    {
      g_set_error (
          error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_OPEN,
          "cannot open '%s': it is a directory; a disk image is a regular file or a block device",
          self->filename);
      return FALSE;
    }
  if (fd < 0 && errno == EINVAL && self->cache_direct)
    {
      g_set_error (
          error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_OPEN,
          "cannot open '%s' with O_DIRECT: its file system does not have it; use cache.direct=off",
          self->filename);
      return FALSE;
    }
  if (fd < 0 && write && (errno == EACCES || errno == EROFS || errno == EPERM))
    {
      g_set_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_OPEN,
                   "cannot open '%s' for writing: %s (read-only=on opens it for reading)",
                   self->filename, g_strerror (errno));
      return FALSE;
    }
  if (fd < 0)
    return fail (self, errno, error);

  self->info.fd = fd;
  return TRUE;
}

static gboolean
read_size (SvBlockFile *self, guint64 *size, GError **error)
{
  struct stat status;

  if (fstat (self->info.fd, &status) < 0)
    return fail (self, errno, error);
  *size = status.st_size;
  if (S_ISBLK (status.st_mode) && ioctl (self->info.fd, BLKGETSIZE64, size) < 0)
    return fail (self, errno, error);
  return TRUE;
}

static gboolean
check_kind (SvBlockFile *self, GError **error)
{
  struct stat status;
  int flags;

  if (fstat (self->info.fd, &status) < 0)
    return fail (self, errno, error);
  if (!S_ISREG (status.st_mode) && !S_ISBLK (status.st_mode))
    {
      g_set_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_OPEN,
                   "cannot open '%s': it is a %s; a disk image is a regular file or a block device",
                   self->filename,
                   S_ISDIR (status.st_mode)   ? "directory"
                   : S_ISCHR (status.st_mode) ? "character device"
                                              : "pipe or socket");
      return FALSE;
    }
  self->info.is_block = S_ISBLK (status.st_mode);

  /* io_uring returns EAGAIN to requests that would block on a non-blocking descriptor. */
  flags = fcntl (self->info.fd, F_GETFL);
  if (flags < 0 || fcntl (self->info.fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
    return fail (self, errno, error);
  return TRUE;
}

/* Images belong to another process until its guest is here. */
static gboolean deferred;

static gboolean
lock_image (SvBlockFile *self, GError **error)
{
  gboolean write = !sv_block_node_is_read_only (SV_BLOCK_NODE (self));

  if (deferred || self->locking == SV_BLOCK_LOCKING_OFF)
    return TRUE;
  self->locked = sv_block_file_lock (self->info.fd, write);
  if (self->locked)
    return TRUE;
  if (errno == EAGAIN || errno == EACCES)
    {
      g_set_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_LOCKED,
                   "cannot lock '%s' for %s: another drive or process has it open%s",
                   self->filename, write ? "writing" : "reading",
                   write ? "; several may share an image only when all have read-only=on"
                         : " for writing");
      return FALSE;
    }
  if (self->locking == SV_BLOCK_LOCKING_AUTO)
    {
      g_info ("'%s' is not locked: %s", self->filename, g_strerror (errno));
      return TRUE;
    }
  g_set_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_LOCKED, "cannot lock '%s' (locking=on): %s",
               self->filename, g_strerror (errno));
  return FALSE;
}

/* The smallest read that the file takes: for kernels before 6.1, which do not tell. */
static guint
probe_alignment (int fd)
{
  guint8 *page = mmap (NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  guint alignment;

  if (page == MAP_FAILED)
    return 4096;
  for (alignment = 512; alignment < 4096; alignment *= 2)
    {
      const struct iovec part = { page + alignment, alignment };

      if (preadv2 (fd, &part, 1, 0, 0) >= 0)
        break;
    }
  munmap (page, 8192);
  return alignment;
}

static gboolean
find_alignment (SvBlockFile *self, GError **error)
{
  SvBlockFileInfo *info = &self->info;
  struct statx status = { 0 };
  int sector = 0;

  info->offset_alignment = info->memory_alignment = 0;
#ifdef STATX_DIOALIGN
  if (statx (info->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) == 0
      && (status.stx_mask & STATX_DIOALIGN))
    {
      if (status.stx_dio_offset_align == 0)
        {
          g_set_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_OPEN,
                       "cannot open '%s' with O_DIRECT: its file system does not have it; use "
                       "cache.direct=off",
                       self->filename);
          return FALSE;
        }
      info->offset_alignment = status.stx_dio_offset_align;
      info->memory_alignment = MAX (status.stx_dio_mem_align, 1);
    }
#endif
  if (info->offset_alignment == 0 && info->is_block && ioctl (info->fd, BLKSSZGET, &sector) == 0
      && sector > 0)
    info->offset_alignment = info->memory_alignment = sector;
  if (info->offset_alignment == 0)
    info->offset_alignment = info->memory_alignment = probe_alignment (info->fd);

  if ((info->offset_alignment & (info->offset_alignment - 1))
      || (info->memory_alignment & (info->memory_alignment - 1)) || info->memory_alignment > 4096)
    {
      g_set_error (
          error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_OPEN,
          "cannot open '%s' with O_DIRECT: alignment %u/%u is not supported; use cache.direct=off",
          self->filename, info->offset_alignment, info->memory_alignment);
      return FALSE;
    }
  return TRUE;
}

static gboolean
open_buffered (SvBlockFile *self, GError **error)
{
  g_autofree char *path = NULL;
  gboolean write = !sv_block_node_is_read_only (SV_BLOCK_NODE (self));

  if (!self->info.direct || self->info.offset_alignment <= 512)
    return TRUE;
  path = g_strdup_printf ("/proc/self/fd/%d", self->info.fd);
  self->info.buffered_fd = open (path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
  return self->info.buffered_fd >= 0 || fail (self, errno, error);
}

static void
close_image (SvBlockFile *self)
{
  if (self->info.fd >= 0)
    close (self->info.fd);
  if (self->info.buffered_fd >= 0)
    close (self->info.buffered_fd);
  self->info.fd = self->info.buffered_fd = -1;
}

static gboolean
sv_block_file_complete (SvObject *object, GError **error)
{
  SvBlockFile *self = SV_BLOCK_FILE (object);
  guint64 size;

  if (self->filename == NULL || self->filename[0] == '\0')
    {
      g_set_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_INVALID,
                   "block node '%s' needs a filename",
                   sv_object_get_id (object) ? sv_object_get_id (object) : "blockdev-file");
      return FALSE;
    }
  self->info.direct = self->cache_direct;
  self->info.no_flush = self->cache_no_flush;
  self->info.threads = self->aio == SV_BLOCK_AIO_THREADS;
  if (!open_image (self, error))
    return FALSE;
  if (!check_kind (self, error) || !lock_image (self, error) || !read_size (self, &size, error)
      || (self->cache_direct && !find_alignment (self, error)) || !open_buffered (self, error))
    {
      close_image (self);
      return FALSE;
    }
  sv_block_node_set_size (SV_BLOCK_NODE (self), size);
  return SV_OBJECT_CLASS (sv_block_file_parent_class)->complete == NULL
         || SV_OBJECT_CLASS (sv_block_file_parent_class)->complete (object, error);
}

static gboolean
sv_block_file_refresh_size (SvBlockNode *node, GError **error)
{
  guint64 size;

  if (!read_size (SV_BLOCK_FILE (node), &size, error))
    return FALSE;
  sv_block_node_set_size (node, size);
  return TRUE;
}

static gboolean
sv_block_file_resize (SvBlockNode *node, guint64 size, GError **error)
{
  SvBlockFile *self = SV_BLOCK_FILE (node);
  int result = EINVAL; /* a block device has the size that it has */

  if (!self->info.is_block)
    result = ftruncate (self->info.fd, (off_t)size) == 0 ? 0 : errno;
  if (result == 0)
    return sv_block_file_refresh_size (node, error);
  g_set_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_INVALID, "cannot resize '%s': %s", self->filename,
               g_strerror (result));
  return FALSE;
}

static SvBlockQueue *
sv_block_file_create_queue (SvBlockNode *node, GMainContext *context, guint depth, GError **error)
{
  return sv_block_file_queue_new (node, &SV_BLOCK_FILE (node)->info, context, depth);
}

static void
sv_block_file_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvBlockFile *self = SV_BLOCK_FILE (object);

  switch (id)
    {
    case PROP_FILENAME:
      g_value_set_string (value, self->filename);
      break;
    case PROP_CACHE_DIRECT:
      g_value_set_boolean (value, self->cache_direct);
      break;
    case PROP_CACHE_NO_FLUSH:
      g_value_set_boolean (value, self->cache_no_flush);
      break;
    case PROP_AIO:
      g_value_set_enum (value, self->aio);
      break;
    case PROP_LOCKING:
      g_value_set_enum (value, self->locking);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_block_file_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvBlockFile *self = SV_BLOCK_FILE (object);

  switch (id)
    {
    case PROP_FILENAME:
      g_free (self->filename);
      self->filename = g_value_dup_string (value);
      break;
    case PROP_CACHE_DIRECT:
      self->cache_direct = g_value_get_boolean (value);
      break;
    case PROP_CACHE_NO_FLUSH:
      self->cache_no_flush = g_value_get_boolean (value);
      break;
    case PROP_AIO:
      self->aio = g_value_get_enum (value);
      break;
    case PROP_LOCKING:
      self->locking = g_value_get_enum (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  g_object_notify_by_pspec (object, pspec);
}

static void
sv_block_file_finalize (GObject *object)
{
  SvBlockFile *self = SV_BLOCK_FILE (object);

  close_image (self);
  g_free (self->filename);

  G_OBJECT_CLASS (sv_block_file_parent_class)->finalize (object);
}

static void
sv_block_file_class_init (SvBlockFileClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvBlockNodeClass *node_class = SV_BLOCK_NODE_CLASS (klass);

  object_class->get_property = sv_block_file_get_property;
  object_class->set_property = sv_block_file_set_property;
  object_class->finalize = sv_block_file_finalize;
  SV_OBJECT_CLASS (klass)->complete = sv_block_file_complete;
  node_class->create_queue = sv_block_file_create_queue;
  node_class->refresh_size = sv_block_file_refresh_size;
  node_class->resize = sv_block_file_resize;
  node_class->driver = "file";

  props[PROP_FILENAME] = g_param_spec_string ("filename", "filename",
                                              "Path of the image: a regular file or a block device",
                                              NULL, SV_PARAM_RW_WIRING);
  props[PROP_CACHE_DIRECT]
      = g_param_spec_boolean ("cache-direct", "cache.direct",
                              "Bypass the host's page cache (O_DIRECT)", FALSE, SV_PARAM_RW_WIRING);
  props[PROP_CACHE_NO_FLUSH] = g_param_spec_boolean (
      "cache-no-flush", "cache.no-flush",
      "Ignore flush requests: data is lost when the host crashes", FALSE, SV_PARAM_RW_WIRING);
  props[PROP_AIO] = g_param_spec_enum (
      "aio", "aio",
      "How requests are given to the host: io_uring (native is taken as that) or threads",
      SV_TYPE_BLOCK_AIO, SV_BLOCK_AIO_IO_URING, SV_PARAM_RW_WIRING);
  props[PROP_LOCKING]
      = g_param_spec_enum ("locking", "locking", "Keep other processes from writing to the image",
                           SV_TYPE_BLOCK_LOCKING, SV_BLOCK_LOCKING_AUTO, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_block_file_init (SvBlockFile *self)
{
  self->info.fd = self->info.buffered_fd = -1;
  self->aio = SV_BLOCK_AIO_IO_URING;
}

gboolean
sv_block_file_defer_locks (gboolean on)
{
  gboolean before = deferred;

  deferred = on;
  return before;
}

gboolean
sv_block_file_is_alone (SvBlockFile *self)
{
  return self->locked && !sv_block_node_is_read_only (SV_BLOCK_NODE (self));
}

gboolean
sv_block_file_take (SvBlockFile *self, GError **error)
{
  return self->info.fd < 0 || lock_image (self, error);
}

int
sv_block_file_dup_cached (SvBlockFile *self)
{
  return self->info.fd < 0 || self->info.direct ? -1 : fcntl (self->info.fd, F_DUPFD_CLOEXEC, 3);
}

void
sv_block_file_give (SvBlockFile *self)
{
  if (self->info.fd < 0)
    return;
  /* For one on another host, which has no part in this one's cache. */
  if (!sv_block_node_is_read_only (SV_BLOCK_NODE (self)) && fdatasync (self->info.fd) < 0)
    g_warning ("'%s': %s", self->filename, g_strerror (errno));
  sv_block_file_unlock (self->info.fd);
  self->locked = FALSE;
}
