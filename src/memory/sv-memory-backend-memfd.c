/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "qom/sv-property.h"
#include "src/memory/sv-memory-backend.h"
#include "src/migration/sv-migratable.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#define HUGE_SHIFT 26

/**
 * SvMemoryBackendMemfd:
 *
 * A file that is nowhere but in memory, to be shared with other processes by its descriptor
 * (wire name `memory-backend-memfd`).
 */
G_DECLARE_FINAL_TYPE (
    SvMemoryBackendMemfd, sv_memory_backend_memfd, SV, MEMORY_BACKEND_MEMFD, SvMemoryBackend)

struct _SvMemoryBackendMemfd
{
  SvMemoryBackend parent_instance;

  gboolean hugetlb;
  guint64 hugetlb_size;
  gboolean seal;
  gboolean canonical_path;
};

enum
{
  PROP_0,
  PROP_HUGETLB,
  PROP_HUGETLBSIZE,
  PROP_SEAL,
  PROP_CANONICAL_PATH,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE_WITH_CODE (SvMemoryBackendMemfd, sv_memory_backend_memfd, SV_TYPE_MEMORY_BACKEND,
                               SV_MIGRATABLE_STATELESS ("memory is saved apart"))

static gboolean
check (SvMemoryBackendMemfd *self, GError **error)
{
  const char *id = sv_object_get_id (SV_OBJECT (self));

  if (self->hugetlb_size == 0)
    return TRUE;
  if (!self->hugetlb)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "memory backend '%s': property 'hugetlbsize' needs 'hugetlb' to be on",
                   id != NULL ? id : "");
      return FALSE;
    }
  if ((self->hugetlb_size & (self->hugetlb_size - 1)) != 0)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "memory backend '%s': property 'hugetlbsize' is %" G_GUINT64_FORMAT
                   "; it must be a power of two, as 2M or 1G",
                   id != NULL ? id : "", self->hugetlb_size);
      return FALSE;
    }
  return TRUE;
}

static int
create (SvMemoryBackendMemfd *self)
{
  guint flags = MFD_CLOEXEC | (self->seal ? MFD_ALLOW_SEALING : 0);
  int fd;

  if (self->hugetlb)
    flags |= MFD_HUGETLB;
  if (self->hugetlb_size != 0)
    flags |= (guint)__builtin_ctzll (self->hugetlb_size) << HUGE_SHIFT;

  fd = memfd_create ("memory-backend-memfd", flags | MFD_NOEXEC_SEAL);
  /* Before Linux 6.3 */
  if (fd < 0 && errno == EINVAL)
    fd = memfd_create ("memory-backend-memfd", flags);
  return fd;
}

static gboolean
sv_memory_backend_memfd_open (SvMemoryBackend *backend, int *fd, gsize *page_size, GError **error)
{
  SvMemoryBackendMemfd *self = SV_MEMORY_BACKEND_MEMFD (backend);
  const char *id = sv_object_get_id (SV_OBJECT (self));
  const char *what = "create its memfd";
  struct statfs fs;
  int code;
  int file;

  if (!check (self, error))
    return FALSE;

  file = create (self);
  if (file >= 0 && self->hugetlb)
    {
      if (fstatfs (file, &fs) != 0 || fs.f_bsize <= 0)
        {
          close (file);
          file = -1;
        }
      else
        *page_size = (gsize)fs.f_bsize;
    }
  if (file >= 0 && !sv_memory_backend_check_size (backend, *page_size, error))
    {
      close (file);
      return FALSE;
    }
  if (file >= 0)
    {
      what = "set the size of its memfd";
      /* Nobody the descriptor is passed to may shrink it under our feet. */
      if (ftruncate (file, (off_t)sv_memory_backend_get_size (backend)) == 0
          && (!self->seal || fcntl (file, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK) == 0))
        {
          *fd = file;
          return TRUE;
        }
    }

  code = errno;
  if (file >= 0)
    close (file);
  g_set_error (
      error, G_IO_ERROR, g_io_error_from_errno (code), "memory backend '%s': cannot %s: %s%s",
      id != NULL ? id : "", what, g_strerror (code),
      self->hugetlb_size != 0 ? " (does the host have huge pages of this 'hugetlbsize'?)" : "");
  return FALSE;
}

static void
sv_memory_backend_memfd_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvMemoryBackendMemfd *self = SV_MEMORY_BACKEND_MEMFD (object);

  switch (id)
    {
    case PROP_HUGETLB:
      g_value_set_boolean (value, self->hugetlb);
      break;
    case PROP_HUGETLBSIZE:
      g_value_set_uint64 (value, self->hugetlb_size);
      break;
    case PROP_CANONICAL_PATH:
      g_value_set_boolean (value, self->canonical_path);
      break;
    case PROP_SEAL:
      g_value_set_boolean (value, self->seal);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_memory_backend_memfd_set_property (GObject *object,
                                      guint id,
                                      const GValue *value,
                                      GParamSpec *pspec)
{
  SvMemoryBackendMemfd *self = SV_MEMORY_BACKEND_MEMFD (object);

  switch (id)
    {
    case PROP_HUGETLB:
      self->hugetlb = g_value_get_boolean (value);
      break;
    case PROP_HUGETLBSIZE:
      self->hugetlb_size = g_value_get_uint64 (value);
      break;
    case PROP_CANONICAL_PATH:
      self->canonical_path = g_value_get_boolean (value);
      break;
    case PROP_SEAL:
      self->seal = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  g_object_notify_by_pspec (object, pspec);
}

static void
sv_memory_backend_memfd_init (SvMemoryBackendMemfd *self)
{
  self->seal = TRUE;
  g_object_set (self, "share", TRUE, NULL);
  self->canonical_path = TRUE;
}

static void
sv_memory_backend_memfd_class_init (SvMemoryBackendMemfdClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = sv_memory_backend_memfd_get_property;
  object_class->set_property = sv_memory_backend_memfd_set_property;
  SV_MEMORY_BACKEND_CLASS (klass)->open = sv_memory_backend_memfd_open;

  /**
   * SvMemoryBackendMemfd:hugetlb:
   *
   * Whether the memory is of huge pages.
   */
  props[PROP_HUGETLB]
      = g_param_spec_boolean ("hugetlb", "hugetlb", "Use huge pages", FALSE, SV_PARAM_RW_WIRING);
  /**
   * SvMemoryBackendMemfd:hugetlbsize:
   *
   * Bytes in a huge page; 0 for the host's default.
   */
  props[PROP_HUGETLBSIZE] = g_param_spec_uint64 (
      "hugetlbsize", "hugetlbsize", "Bytes in a huge page, 0 for the host's default", 0,
      G_MAXUINT64, 0, SV_PARAM_RW_WIRING | SV_PARAM_SIZE);
  /**
   * SvMemoryBackendMemfd:seal:
   *
   * Whether the size of the file is sealed.
   */
  props[PROP_SEAL] = g_param_spec_boolean ("seal", "seal", "Seal the size of the file", TRUE,
                                           SV_PARAM_RW_WIRING);
  /**
   * SvMemoryBackendMemfd:x-use-canonical-path-for-ramblock-id:
   *
   * Accepted since libvirt sets it, as of [class@MemoryBackendFile].
   */
  props[PROP_CANONICAL_PATH] = g_param_spec_boolean (
      "x-use-canonical-path-for-ramblock-id", "x-use-canonical-path-for-ramblock-id",
      "Accepted for compatibility; changes nothing", TRUE, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}
