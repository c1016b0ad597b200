/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/net/sv-netdev-tap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "src/migration/sv-migratable.h"
#include "src/net/sv-netdev-tap-options.h"
#include "src/net/sv-tap.h"
#include "src/runtime/sv-fd-store.h"

struct _SvNetdevTap
{
  SvNetdev parent_instance;

  SvNetdevTapOptions options;

  int queue_fds[SV_NETDEV_TAP_MAX_QUEUES];
  int vhost_fds[SV_NETDEV_TAP_MAX_QUEUES];
  guint n_queues;
  guint n_vhost_fds;
  gboolean multi_queue;
  gboolean header;
  SvNetOffloads offloads;
};

G_DEFINE_FINAL_TYPE_WITH_CODE (
    SvNetdevTap,
    sv_netdev_tap,
    SV_TYPE_NETDEV,
    SV_MIGRATABLE_STATELESS ("packets under way may be lost, as on any network"))

/* --- opening --- */

static void
close_all (SvNetdevTap *self)
{
  for (guint i = 0; i < self->n_queues; i++)
    close (self->queue_fds[i]);
  for (guint i = 0; i < self->n_vhost_fds; i++)
    close (self->vhost_fds[i]);
  self->n_queues = self->n_vhost_fds = 0;
}

/* A descriptor by number or by the name that getfd gave it, which it then loses. -1: there is none
 */
static int
take_fd (SvNetdevTap *self, const char *key, const char *name, GError **error)
{
  guint64 number;
  int fd;

  if (g_ascii_isdigit (name[0]))
    {
      if (!g_ascii_string_to_unsigned (name, 10, 3, G_MAXINT, &number, NULL)
          || fcntl ((int)number, F_GETFD) < 0)
        {
          sv_netdev_refuse (SV_NETDEV (self), error, "%s=%s is not an open descriptor (3 or more)",
                            key, name);
          return -1;
        }
      fcntl ((int)number, F_SETFD, FD_CLOEXEC);
      return (int)number;
    }
  fd = sv_fd_store_steal (SV_OBJECT (self), name);
  if (fd < 0)
    sv_netdev_refuse (SV_NETDEV (self), error,
                      "%s=%s: expected a number, or a name that 'getfd' gave a descriptor", key,
                      name);
  return fd;
}

static void
options_of (SvNetdevTap *self, SvTapOptions *options)
{
  *options = (SvTapOptions){
    .ifname = self->options.ifname,
    .header = self->options.vnet_hdr,
    .multi_queue = self->multi_queue,
    .sndbuf = self->options.sndbuf,
  };
}

static void
set_ifname (SvNetdevTap *self, char *ifname)
{
  g_free (self->options.ifname);
  self->options.ifname = ifname;
  g_object_notify (G_OBJECT (self), "ifname");
}

static gboolean
open_by_name (SvNetdevTap *self, GError **error)
{
  self->multi_queue = self->options.queues > 1;
  for (guint i = 0; i < self->options.queues; i++)
    {
      SvTapOptions options;
      char *ifname;
      int fd;

      options_of (self, &options);
      fd = sv_tap_open (&options, &ifname, &self->header, error);
      if (fd < 0)
        {
          g_prefix_error (error, "Network back end '%s': ", sv_object_get_id (SV_OBJECT (self)));
          return FALSE;
        }
      self->queue_fds[self->n_queues++] = fd;
      set_ifname (self, ifname);
    }
  return TRUE;
}

static gboolean
open_by_fds (SvNetdevTap *self, const char *key, const char *const *names, GError **error)
{
  g_autofree char *ifname = NULL;
  guint n = g_strv_length ((char **)names);

  self->multi_queue = n > 1;
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *what = g_strdup_printf ("%s=%s", key, names[i]);
      g_autofree char *name = NULL;
      SvTapOptions options;
      gboolean header;
      int fd = take_fd (self, key, names[i], error);

      if (fd < 0)
        return FALSE;
      for (guint j = 0; j < self->n_queues; j++)
        if (self->queue_fds[j] == fd)
          return sv_netdev_refuse (SV_NETDEV (self), error, "descriptor %d is in '%s' twice", fd,
                                   key);
      options_of (self, &options);
      if (!sv_tap_adopt (fd, what, &options, &name, &header, error))
        {
          /* A wrong number may be a descriptor that something else here lives from. */
          if (!g_ascii_isdigit (names[i][0]))
            close (fd);
          g_prefix_error (error, "Network back end '%s': ", sv_object_get_id (SV_OBJECT (self)));
          return FALSE;
        }
      self->queue_fds[self->n_queues++] = fd;
      if (i > 0 && (header != self->header || strcmp (name, ifname) != 0))
        return sv_netdev_refuse (SV_NETDEV (self), error,
                                 "%s is not of the same interface as the first descriptor", what);
      self->header = header;
      g_free (ifname);
      ifname = g_steal_pointer (&name);
    }
  set_ifname (self, g_steal_pointer (&ifname));
  return TRUE;
}

static gboolean
open_vhost (SvNetdevTap *self, GError **error)
{
  const char *const single[] = { self->options.vhostfd, NULL };
  const char *const *names
      = self->options.vhostfd != NULL ? single : (const char *const *)self->options.vhostfds;
  const char *key = self->options.vhostfd != NULL ? "vhostfd" : "vhostfds";

  if (names != NULL && g_strv_length ((char **)names) != self->n_queues)
    return sv_netdev_refuse (SV_NETDEV (self), error,
                             "'%s' must hold %u descriptors, one for each queue", key,
                             self->n_queues);
  for (guint i = 0; i < self->n_queues; i++)
    {
      int fd = names != NULL ? take_fd (self, key, names[i], error)
                             : open (SV_NETDEV_TAP_VHOST_PATH, O_RDWR | O_CLOEXEC);

      if (fd < 0 && names != NULL)
        return FALSE;
      if (fd < 0)
        return sv_netdev_refuse (
            SV_NETDEV (self), error, "vhost=on: cannot open " SV_NETDEV_TAP_VHOST_PATH ": %s%s",
            g_strerror (errno),
            errno == ENOENT ? " (is the kernel module 'vhost_net' loaded?)" : "");
      self->vhost_fds[self->n_vhost_fds++] = fd;
    }
  return TRUE;
}

static gboolean
open_all (SvNetdevTap *self, GError **error)
{
  const char *const single[] = { self->options.fd, NULL };
  gboolean ok;

  if (self->options.fd != NULL)
    ok = open_by_fds (self, "fd", single, error);
  else if (self->options.fds != NULL)
    ok = open_by_fds (self, "fds", (const char *const *)self->options.fds, error);
  else
    ok = open_by_name (self, error);
  if (!ok)
    return FALSE;
  if ((self->options.vhost || self->options.vhostforce) && !open_vhost (self, error))
    return FALSE;

  self->offloads = self->header ? sv_tap_probe_offloads (self->queue_fds[0]) : 0;
  /* Packets go only to queues that somebody reads. */
  for (guint i = 1; i < self->n_queues; i++)
    if (!sv_tap_set_attached (self->queue_fds[i], FALSE, error))
      {
        g_prefix_error (error, "Network back end '%s': ", sv_object_get_id (SV_OBJECT (self)));
        return FALSE;
      }
  return TRUE;
}

static gboolean
sv_netdev_tap_complete (SvObject *object, GError **error)
{
  SvNetdevTap *self = SV_NETDEV_TAP (object);

  if (sv_netdev_tap_options_check (&self->options, SV_NETDEV (self), error)
      && open_all (self, error))
    return TRUE;
  close_all (self);
  return FALSE;
}

/* --- SvNetdev --- */

static SvNetQueue *
sv_netdev_tap_create_queue (SvNetdev *netdev,
                            guint n,
                            GMainContext *context,
                            const SvNetQueueFuncs *funcs,
                            gpointer opaque,
                            GError **error)
{
  return sv_fd_net_queue_new (SV_NETDEV_TAP (netdev)->queue_fds[n], context);
}

static guint
sv_netdev_tap_get_n_queues (SvNetdev *netdev)
{
  return SV_NETDEV_TAP (netdev)->n_queues;
}

static gboolean
sv_netdev_tap_set_queue_enabled (SvNetdev *netdev, guint n, gboolean enabled, GError **error)
{
  SvNetdevTap *self = SV_NETDEV_TAP (netdev);

  return !self->multi_queue || sv_tap_set_attached (self->queue_fds[n], enabled, error);
}

static gboolean
sv_netdev_tap_has_header (SvNetdev *netdev)
{
  return SV_NETDEV_TAP (netdev)->header;
}

static SvNetOffloads
sv_netdev_tap_get_offloads (SvNetdev *netdev)
{
  return SV_NETDEV_TAP (netdev)->offloads;
}

static gboolean
sv_netdev_tap_set_offloads (SvNetdev *netdev, SvNetOffloads offloads, GError **error)
{
  SvNetdevTap *self = SV_NETDEV_TAP (netdev);

  return !self->header || sv_tap_set_offloads (self->queue_fds[0], offloads, error);
}

static int
sv_netdev_tap_get_fd (SvNetdev *netdev, guint n)
{
  return SV_NETDEV_TAP (netdev)->queue_fds[n];
}

static int
sv_netdev_tap_get_vhost_fd (SvNetdev *netdev, guint n)
{
  SvNetdevTap *self = SV_NETDEV_TAP (netdev);

  return n < self->n_vhost_fds ? self->vhost_fds[n] : -1;
}

/* --- properties --- */

static void
sv_netdev_tap_finalize (GObject *object)
{
  SvNetdevTap *self = SV_NETDEV_TAP (object);

  close_all (self);
  sv_netdev_tap_options_clear (&self->options);
  G_OBJECT_CLASS (sv_netdev_tap_parent_class)->finalize (object);
}

static void
sv_netdev_tap_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (!sv_netdev_tap_options_get (&SV_NETDEV_TAP (object)->options, id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
sv_netdev_tap_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (sv_netdev_tap_options_set (&SV_NETDEV_TAP (object)->options, id, value))
    g_object_notify_by_pspec (object, pspec);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
sv_netdev_tap_class_init (SvNetdevTapClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvNetdevClass *netdev_class = SV_NETDEV_CLASS (klass);

  object_class->get_property = sv_netdev_tap_get_property;
  object_class->set_property = sv_netdev_tap_set_property;
  object_class->finalize = sv_netdev_tap_finalize;
  SV_OBJECT_CLASS (klass)->complete = sv_netdev_tap_complete;
  netdev_class->create_queue = sv_netdev_tap_create_queue;
  netdev_class->get_n_queues = sv_netdev_tap_get_n_queues;
  netdev_class->set_queue_enabled = sv_netdev_tap_set_queue_enabled;
  netdev_class->has_header = sv_netdev_tap_has_header;
  netdev_class->get_offloads = sv_netdev_tap_get_offloads;
  netdev_class->set_offloads = sv_netdev_tap_set_offloads;
  netdev_class->get_fd = sv_netdev_tap_get_fd;
  netdev_class->get_vhost_fd = sv_netdev_tap_get_vhost_fd;
  netdev_class->description = "tap interface of the host";
  sv_netdev_tap_options_install (object_class);
}

static void
sv_netdev_tap_init (SvNetdevTap *self)
{
  sv_netdev_tap_options_init (&self->options);
}
