/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qom/sv-property.h"
#include "src/migration/sv-migratable.h"
#include "src/rng/sv-rng.h"
#include "src/runtime/sv-fd-store.h"

#define DEFAULT_FILENAME "/dev/urandom"

/**
 * SvRngRandom:
 *
 * Random bytes from a file: a device, a FIFO, a socket's file or an ordinary file (wire name
 * `rng-random`). At the end of an ordinary file the guest gets no more until it grows: bytes are
 * never given twice.
 */
G_DECLARE_FINAL_TYPE (SvRngRandom, sv_rng_random, SV, RNG_RANDOM, SvRng)

struct _SvRngRandom
{
  SvRng parent_instance;

  char *filename;

  int fd;
  gboolean complained;
};

enum
{
  PROP_0,
  PROP_FILENAME,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE_WITH_CODE (SvRngRandom, sv_rng_random, SV_TYPE_RNG,
                               SV_MIGRATABLE_STATELESS ("random numbers shall not be the same twice"))

static const char *
name_of (SvRngRandom *self)
{
  const char *id = sv_object_get_id (SV_OBJECT (self));

  return id ? id : "rng-random";
}

static void
complain (SvRngRandom *self, const char *reason)
{
  if (!self->complained)
    g_warning ("'%s': %s: %s; the guest gets no random bytes from it", name_of (self),
               self->filename, reason);
  self->complained = TRUE;
}

static gsize
sv_rng_random_read (SvRng *rng, const struct iovec *iov, guint n_iov)
{
  SvRngRandom *self = SV_RNG_RANDOM (rng);
  ssize_t n = preadv2 (self->fd, iov, (int)MIN (n_iov, (guint)IOV_MAX), -1, 0);

  if (n > 0)
    {
      self->complained = FALSE;
      return (gsize)n;
    }
  if (n == 0)
    complain (self, "its end is reached");
  else if (errno != EAGAIN && errno != EINTR)
    complain (self, g_strerror (errno));
  return 0;
}

static gboolean
sv_rng_random_complete (SvObject *object, GError **error)
{
  SvRngRandom *self = SV_RNG_RANDOM (object);
  struct stat st;
  int fd = sv_fd_store_open (object, self->filename, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);

  if (fd >= 0 && fstat (fd, &st) == 0 && S_ISDIR (st.st_mode))
    {
      close (fd);
      fd = -1;
      errno = EISDIR;
    }
  if (fd < 0)
    {
      int code = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
                   "'%s': cannot open filename=%s: %s; it must be a file of random bytes, as %s",
                   name_of (self), self->filename, g_strerror (code), DEFAULT_FILENAME);
      return FALSE;
    }
  self->fd = fd;
  return TRUE;
}

static void
sv_rng_random_finalize (GObject *object)
{
  SvRngRandom *self = SV_RNG_RANDOM (object);

  if (self->fd >= 0)
    close (self->fd);
  g_free (self->filename);
  G_OBJECT_CLASS (sv_rng_random_parent_class)->finalize (object);
}

static void
sv_rng_random_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_FILENAME)
    g_value_set_string (value, SV_RNG_RANDOM (object)->filename);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
sv_rng_random_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvRngRandom *self = SV_RNG_RANDOM (object);

  if (id != PROP_FILENAME)
    {
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  g_free (self->filename);
  self->filename = g_strdup (g_value_get_string (value) ? g_value_get_string (value) : "");
  g_object_notify_by_pspec (object, pspec);
}

static void
sv_rng_random_class_init (SvRngRandomClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = sv_rng_random_get_property;
  object_class->set_property = sv_rng_random_set_property;
  object_class->finalize = sv_rng_random_finalize;
  SV_OBJECT_CLASS (klass)->complete = sv_rng_random_complete;
  SV_RNG_CLASS (klass)->read = sv_rng_random_read;

  /**
   * SvRngRandom:filename:
   *
   * The file that is read.
   */
  props[PROP_FILENAME]
      = g_param_spec_string ("filename", "filename", "File that random bytes are read from",
                             DEFAULT_FILENAME, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_rng_random_init (SvRngRandom *self)
{
  self->fd = -1;
  self->filename = g_strdup (DEFAULT_FILENAME);
}
