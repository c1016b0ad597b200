/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "qom/sv-property.h"
#include "src/memory/sv-memory-backend.h"
#include "src/migration/sv-migratable.h"
#include "src/runtime/sv-fd-store.h"

/**
 * SvMemoryBackendFile:
 *
 * Memory in a file, or in a nameless file of a directory, as of a hugetlbfs (wire name
 * `memory-backend-file`).
 */
G_DECLARE_FINAL_TYPE (
    SvMemoryBackendFile, sv_memory_backend_file, SV, MEMORY_BACKEND_FILE, SvMemoryBackend)

struct _SvMemoryBackendFile
{
  SvMemoryBackend parent_instance;

  char *path;
  gboolean readonly;
  gboolean canonical_path;
  gboolean created;
};

enum
{
  PROP_0,
  PROP_MEM_PATH,
  PROP_READONLY,
  PROP_CANONICAL_PATH,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE_WITH_CODE (SvMemoryBackendFile, sv_memory_backend_file, SV_TYPE_MEMORY_BACKEND,
                               SV_MIGRATABLE_STATELESS ("memory is saved apart"))

static gboolean
fail (SvMemoryBackendFile *self, int code, GError **error, const char *what)
{
  const char *id = sv_object_get_id (SV_OBJECT (self));

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
               "memory backend '%s': cannot %s '%s' (property 'mem-path'): %s",
               id != NULL ? id : "", what, self->path, g_strerror (code));
  return FALSE;
}

static gboolean
refuse (SvMemoryBackendFile *self, GError **error, const char *reason)
{
  const char *id = sv_object_get_id (SV_OBJECT (self));

  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
               "memory backend '%s': property 'mem-path' is '%s': %s", id != NULL ? id : "",
               self->path != NULL ? self->path : "", reason);
  return FALSE;
}

/* Where the file system cannot make files without a name the name is there for a moment only. */
static int
open_nameless (const char *directory)
{
  g_autofree char *name = NULL;
  int fd = open (directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL && errno != ENOENT))
    return fd;
  name = g_build_filename (directory, "stratovirt-memory.XXXXXX", NULL);
  fd = mkostemp (name, O_CLOEXEC);
  if (fd >= 0)
    unlinkat (AT_FDCWD, name, 0);
  return fd;
}

static int
open_path (SvMemoryBackendFile *self)
{
  int fd;

  if (g_file_test (self->path, G_FILE_TEST_IS_DIR))
    return self->readonly ? (errno = EISDIR, -1) : open_nameless (self->path);

  fd = sv_fd_store_open (SV_OBJECT (self), self->path,
                         (self->readonly ? O_RDONLY : O_RDWR) | O_NONBLOCK | O_NOCTTY, 0);
  if (fd < 0 && errno == ENOENT && !self->readonly)
    {
      fd = sv_fd_store_open (SV_OBJECT (self), self->path, O_RDWR | O_CREAT | O_EXCL, 0600);
      self->created = fd >= 0;
    }
  return fd;
}

/*
 * What the file's memory comes in: huge pages have a file system of their own. Under the system call filter only the size of a
 * block tells; where that is not a page's it is a multiple, which does no harm.
 */
static gboolean
find_page_size (int fd, const struct stat *st, gsize *page_size)
{
  struct statfs fs;

  if (fstatfs (fd, &fs) == 0)
    {
      if (fs.f_type == HUGETLBFS_MAGIC && fs.f_bsize > 0)
        *page_size = (gsize)fs.f_bsize;
      return TRUE;
    }
  if (errno != ENOSYS)
    return FALSE;
  if (st->st_blksize > (blksize_t)*page_size && (st->st_blksize & (st->st_blksize - 1)) == 0)
    *page_size = (gsize)st->st_blksize;
  return TRUE;
}

/* Makes an empty file as large as the memory; a larger one stays as it is. One that holds less is
 * somebody's file, named by mistake. */
static gboolean
prepare (SvMemoryBackendFile *self, int fd, gsize *page_size, GError **error)
{
  guint64 size = sv_memory_backend_get_size (SV_MEMORY_BACKEND (self));
  struct stat st;

  if (fstat (fd, &st) != 0 || !find_page_size (fd, &st, page_size))
    return fail (self, errno, error, "examine");
  if (!S_ISREG (st.st_mode))
    return refuse (self, error, "it must be a regular file or a directory");
  if (!sv_memory_backend_check_size (SV_MEMORY_BACKEND (self), *page_size, error))
    return FALSE;

  if ((guint64)st.st_size >= size)
    return TRUE;
  if (self->readonly)
    return refuse (self, error, "the file is smaller than property 'size' and is to be read only");
  if (st.st_size > 0)
    return refuse (self, error,
                   "the file is smaller than property 'size': only an empty file is extended");
  if (ftruncate (fd, (off_t)size) != 0)
    return fail (self, errno, error, "extend");
  return TRUE;
}

static gboolean
sv_memory_backend_file_open (SvMemoryBackend *backend, int *fd, gsize *page_size, GError **error)
{
  SvMemoryBackendFile *self = SV_MEMORY_BACKEND_FILE (backend);
  int file;

  if (self->path == NULL || *self->path == '\0')
    return refuse (self, error, "it must name a file or a directory");

  file = open_path (self);
  if (file < 0)
    return fail (self, errno, error, "open");
  if (!prepare (self, file, page_size, error))
    {
      close (file);
      return FALSE;
    }
  sv_memory_backend_set_readonly (backend, self->readonly);
  *fd = file;
  return TRUE;
}

static gboolean
sv_memory_backend_file_complete (SvObject *object, GError **error)
{
  SvMemoryBackendFile *self = SV_MEMORY_BACKEND_FILE (object);

  if (SV_OBJECT_CLASS (sv_memory_backend_file_parent_class)->complete (object, error))
    return TRUE;
  if (self->created)
    unlinkat (AT_FDCWD, self->path, 0);
  self->created = FALSE;
  return FALSE;
}

static void
sv_memory_backend_file_finalize (GObject *object)
{
  g_free (SV_MEMORY_BACKEND_FILE (object)->path);

  G_OBJECT_CLASS (sv_memory_backend_file_parent_class)->finalize (object);
}

static void
sv_memory_backend_file_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvMemoryBackendFile *self = SV_MEMORY_BACKEND_FILE (object);

  switch (id)
    {
    case PROP_MEM_PATH:
      g_value_set_string (value, self->path);
      break;
    case PROP_READONLY:
      g_value_set_boolean (value, self->readonly);
      break;
    case PROP_CANONICAL_PATH:
      g_value_set_boolean (value, self->canonical_path);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_memory_backend_file_set_property (GObject *object,
                                     guint id,
                                     const GValue *value,
                                     GParamSpec *pspec)
{
  SvMemoryBackendFile *self = SV_MEMORY_BACKEND_FILE (object);

  switch (id)
    {
    case PROP_MEM_PATH:
      g_free (self->path);
      self->path = g_value_dup_string (value);
      break;
    case PROP_READONLY:
      self->readonly = g_value_get_boolean (value);
      break;
    case PROP_CANONICAL_PATH:
      self->canonical_path = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  g_object_notify_by_pspec (object, pspec);
}

static void
sv_memory_backend_file_init (SvMemoryBackendFile *self)
{
  self->canonical_path = TRUE;
}

static void
sv_memory_backend_file_class_init (SvMemoryBackendFileClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = sv_memory_backend_file_get_property;
  object_class->set_property = sv_memory_backend_file_set_property;
  object_class->finalize = sv_memory_backend_file_finalize;
  SV_OBJECT_CLASS (klass)->complete = sv_memory_backend_file_complete;
  SV_MEMORY_BACKEND_CLASS (klass)->open = sv_memory_backend_file_open;

  /**
   * SvMemoryBackendFile:mem-path:
   *
   * The file, made or extended where needed, or a directory to make a nameless one in.
   */
  props[PROP_MEM_PATH] = g_param_spec_string (
      "mem-path", "mem-path",
      "File to map, or directory (as of a hugetlbfs) to make a nameless file in", NULL,
      SV_PARAM_RW_WIRING);
  /**
   * SvMemoryBackendFile:readonly:
   *
   * Whether the file is opened and mapped for reading only: the guest sees ROM.
   */
  props[PROP_READONLY] = g_param_spec_boolean ("readonly", "readonly",
                                               "Map the file for reading only: the guest sees ROM",
                                               FALSE, SV_PARAM_RW_WIRING);
  /**
   * SvMemoryBackendFile:x-use-canonical-path-for-ramblock-id:
   *
   * Accepted since libvirt sets it: in QEMU it chooses the name of the memory in a migration
   * stream.
   */
  props[PROP_CANONICAL_PATH] = g_param_spec_boolean (
      "x-use-canonical-path-for-ramblock-id", "x-use-canonical-path-for-ramblock-id",
      "Accepted for compatibility; changes nothing", TRUE, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}
