/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/net/sv-netdev-tap.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "qom/sv-property.h"
#include "src/migration/sv-migratable.h"
#include "src/net/sv-tap.h"
#include "src/runtime/sv-fd-store.h"

#define MAX_QUEUES 16
#define VHOST_PATH "/dev/vhost-net"

struct _SvNetdevTap
{
  SvNetdev parent_instance;

  char *ifname;
  char *fd;
  char **fds;
  char *vhostfd;
  char **vhostfds;
  char *script;
  char *downscript;
  guint queues;
  guint64 sndbuf;
  gboolean vnet_hdr;
  gboolean vhost;
  gboolean vhostforce;

  int queue_fds[MAX_QUEUES];
  int vhost_fds[MAX_QUEUES];
  guint n_queues;
  guint n_vhost_fds;
  gboolean multi_queue;
  gboolean header;
  SvNetOffloads offloads;
};

enum
{
  PROP_0,
  PROP_IFNAME,
  PROP_FD,
  PROP_FDS,
  PROP_QUEUES,
  PROP_VNET_HDR,
  PROP_SNDBUF,
  PROP_VHOST,
  PROP_VHOSTFORCE,
  PROP_VHOSTFD,
  PROP_VHOSTFDS,
  PROP_SCRIPT,
  PROP_DOWNSCRIPT,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE_WITH_CODE (SvNetdevTap, sv_netdev_tap, SV_TYPE_NETDEV,
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

static gboolean
check_script (SvNetdevTap *self, const char *key, const char *script, GError **error)
{
  return script == NULL || *script == '\0' || strcmp (script, "no") == 0
         || sv_netdev_refuse (SV_NETDEV (self), error,
                     "%s=%s: no program is run for interfaces; only %s=no is accepted", key, script,
                     key);
}

static gboolean
check_properties (SvNetdevTap *self, GError **error)
{
  gboolean by_fd = self->fd != NULL || self->fds != NULL;

  if (self->fd != NULL && self->fds != NULL)
    return sv_netdev_refuse (SV_NETDEV (self), error, "'fd' and 'fds' exclude each other");
  if (self->vhostfd != NULL && self->vhostfds != NULL)
    return sv_netdev_refuse (SV_NETDEV (self), error, "'vhostfd' and 'vhostfds' exclude each other");
  if (by_fd && self->ifname != NULL)
    return sv_netdev_refuse (SV_NETDEV (self), error, "'ifname' and '%s' exclude each other",
                    self->fd != NULL ? "fd" : "fds");
  if (self->fds != NULL && self->queues > 1 && self->queues != g_strv_length (self->fds))
    return sv_netdev_refuse (SV_NETDEV (self), error, "queues=%u does not go with %u descriptors in 'fds'", self->queues,
                    g_strv_length (self->fds));
  if (self->fd != NULL && self->queues > 1)
    return sv_netdev_refuse (SV_NETDEV (self), error, "queues=%u takes 'fds', with one descriptor for each",
                    self->queues);
  if (self->fds != NULL
      && (g_strv_length (self->fds) < 1 || g_strv_length (self->fds) > MAX_QUEUES))
    return sv_netdev_refuse (SV_NETDEV (self), error, "'fds' must hold 1 to %d descriptors", MAX_QUEUES);
  if ((self->vhostfd != NULL || self->vhostfds != NULL) && !self->vhost && !self->vhostforce)
    return sv_netdev_refuse (SV_NETDEV (self), error, "'%s' is given, but not vhost=on",
                    self->vhostfd != NULL ? "vhostfd" : "vhostfds");
  return check_script (self, "script", self->script, error)
         && check_script (self, "downscript", self->downscript, error);
}

/* A descriptor by number or by the name that getfd gave it, which it then loses. -1: there is none */
static int
take_fd (SvNetdevTap *self, const char *key, const char *name, GError **error)
{
  guint64 number;
  int fd;

  if (g_ascii_isdigit (name[0]))
    {
      if (!g_ascii_string_to_unsigned (name, 10, 3, G_MAXINT, &number, NULL)
          || fcntl ((int) number, F_GETFD) < 0)
        {
          sv_netdev_refuse (SV_NETDEV (self), error, "%s=%s is not an open descriptor (3 or more)", key, name);
          return -1;
        }
      fcntl ((int) number, F_SETFD, FD_CLOEXEC);
      return (int) number;
    }
  fd = sv_fd_store_steal (SV_OBJECT (self), name);
  if (fd < 0)
    sv_netdev_refuse (SV_NETDEV (self), error, "%s=%s: expected a number, or a name that 'getfd' gave a descriptor", key,
             name);
  return fd;
}

static void
options_of (SvNetdevTap *self, SvTapOptions *options)
{
  *options = (SvTapOptions){
    .ifname = self->ifname,
    .header = self->vnet_hdr,
    .multi_queue = self->multi_queue,
    .sndbuf = self->sndbuf,
  };
}

static void
set_ifname (SvNetdevTap *self, char *ifname)
{
  g_free (self->ifname);
  self->ifname = ifname;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_IFNAME]);
}

static gboolean
open_by_name (SvNetdevTap *self, GError **error)
{
  self->multi_queue = self->queues > 1;
  for (guint i = 0; i < self->queues; i++)
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
  guint n = g_strv_length ((char **) names);

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
          return sv_netdev_refuse (SV_NETDEV (self), error, "descriptor %d is in '%s' twice", fd, key);
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
        return sv_netdev_refuse (SV_NETDEV (self), error, "%s is not of the same interface as the first descriptor",
                        what);
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
  const char *const single[] = { self->vhostfd, NULL };
  const char *const *names
      = self->vhostfd != NULL ? single : (const char *const *) self->vhostfds;
  const char *key = self->vhostfd != NULL ? "vhostfd" : "vhostfds";

  if (names != NULL && g_strv_length ((char **) names) != self->n_queues)
    return sv_netdev_refuse (SV_NETDEV (self), error, "'%s' must hold %u descriptors, one for each queue", key,
                    self->n_queues);
  for (guint i = 0; i < self->n_queues; i++)
    {
      int fd = names != NULL ? take_fd (self, key, names[i], error)
                             : open (VHOST_PATH, O_RDWR | O_CLOEXEC);

      if (fd < 0 && names != NULL)
        return FALSE;
      if (fd < 0)
        return sv_netdev_refuse (SV_NETDEV (self), error, "vhost=on: cannot open " VHOST_PATH ": %s%s",
                        g_strerror (errno),
                        errno == ENOENT ? " (is the kernel module 'vhost_net' loaded?)" : "");
      self->vhost_fds[self->n_vhost_fds++] = fd;
    }
  return TRUE;
}

static gboolean
open_all (SvNetdevTap *self, GError **error)
{
  const char *const single[] = { self->fd, NULL };
  gboolean ok;

  if (self->fd != NULL)
    ok = open_by_fds (self, "fd", single, error);
  else if (self->fds != NULL)
    ok = open_by_fds (self, "fds", (const char *const *) self->fds, error);
  else
    ok = open_by_name (self, error);
  if (!ok)
    return FALSE;
  if ((self->vhost || self->vhostforce) && !open_vhost (self, error))
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

  if (check_properties (self, error) && open_all (self, error))
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
  g_free (self->ifname);
  g_free (self->fd);
  g_strfreev (self->fds);
  g_free (self->vhostfd);
  g_strfreev (self->vhostfds);
  g_free (self->script);
  g_free (self->downscript);
  G_OBJECT_CLASS (sv_netdev_tap_parent_class)->finalize (object);
}

static void
sv_netdev_tap_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvNetdevTap *self = SV_NETDEV_TAP (object);

  switch (id)
    {
    case PROP_IFNAME:
      g_value_set_string (value, self->ifname);
      break;
    case PROP_FD:
      g_value_set_string (value, self->fd);
      break;
    case PROP_FDS:
      g_value_set_boxed (value, self->fds);
      break;
    case PROP_QUEUES:
      g_value_set_uint (value, self->queues);
      break;
    case PROP_VNET_HDR:
      g_value_set_boolean (value, self->vnet_hdr);
      break;
    case PROP_SNDBUF:
      g_value_set_uint64 (value, self->sndbuf);
      break;
    case PROP_VHOST:
      g_value_set_boolean (value, self->vhost);
      break;
    case PROP_VHOSTFORCE:
      g_value_set_boolean (value, self->vhostforce);
      break;
    case PROP_VHOSTFD:
      g_value_set_string (value, self->vhostfd);
      break;
    case PROP_VHOSTFDS:
      g_value_set_boxed (value, self->vhostfds);
      break;
    case PROP_SCRIPT:
      g_value_set_string (value, self->script);
      break;
    case PROP_DOWNSCRIPT:
      g_value_set_string (value, self->downscript);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
set_string (char **slot, const GValue *value)
{
  g_free (*slot);
  *slot = g_value_dup_string (value);
}

static void
set_strv (char ***slot, const GValue *value)
{
  g_strfreev (*slot);
  *slot = g_value_dup_boxed (value);
}

static void
sv_netdev_tap_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvNetdevTap *self = SV_NETDEV_TAP (object);

  switch (id)
    {
    case PROP_IFNAME:
      set_string (&self->ifname, value);
      break;
    case PROP_FD:
      set_string (&self->fd, value);
      break;
    case PROP_FDS:
      set_strv (&self->fds, value);
      break;
    case PROP_QUEUES:
      self->queues = g_value_get_uint (value);
      break;
    case PROP_VNET_HDR:
      self->vnet_hdr = g_value_get_boolean (value);
      break;
    case PROP_SNDBUF:
      self->sndbuf = g_value_get_uint64 (value);
      break;
    case PROP_VHOST:
      self->vhost = g_value_get_boolean (value);
      break;
    case PROP_VHOSTFORCE:
      self->vhostforce = g_value_get_boolean (value);
      break;
    case PROP_VHOSTFD:
      set_string (&self->vhostfd, value);
      break;
    case PROP_VHOSTFDS:
      set_strv (&self->vhostfds, value);
      break;
    case PROP_SCRIPT:
      set_string (&self->script, value);
      break;
    case PROP_DOWNSCRIPT:
      set_string (&self->downscript, value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  g_object_notify_by_pspec (object, pspec);
}

static void
install_properties (GObjectClass *object_class)
{
  props[PROP_IFNAME]
      = g_param_spec_string ("ifname", "ifname",
                             "Name of the interface, which is made unless it is there", NULL,
                             SV_PARAM_RW_WIRING);
  props[PROP_FD] = g_param_spec_string (
      "fd", "fd", "Descriptor of an open interface, by number or by the name that getfd gave it",
      NULL, SV_PARAM_RW_WIRING);
  props[PROP_FDS] = g_param_spec_boxed ("fds", "fds", "Descriptors of the queues of an interface",
                                        G_TYPE_STRV, SV_PARAM_RW_WIRING);
  props[PROP_QUEUES] = g_param_spec_uint ("queues", "queues", "Number of queues to open", 1,
                                          MAX_QUEUES, 1, SV_PARAM_RW_WIRING);
  props[PROP_VNET_HDR] = g_param_spec_boolean (
      "vnet-hdr", "vnet_hdr", "Pass on unfinished checksums and large segments", TRUE,
      SV_PARAM_RW_WIRING);
  props[PROP_SNDBUF] = g_param_spec_uint64 (
      "sndbuf", "sndbuf", "Bytes under way that make the guest wait; 0: no limit", 0, G_MAXINT, 0,
      SV_PARAM_RW_WIRING | SV_PARAM_SIZE);
  props[PROP_VHOST] = g_param_spec_boolean (
      "vhost", "vhost", "Let the kernel move the packets (vhost-net)", FALSE, SV_PARAM_RW_WIRING);
  props[PROP_VHOSTFORCE] = g_param_spec_boolean ("vhostforce", "vhostforce", "The same as vhost",
                                                 FALSE, SV_PARAM_RW_WIRING);
  props[PROP_VHOSTFD] = g_param_spec_string ("vhostfd", "vhostfd", "Descriptor of " VHOST_PATH,
                                             NULL, SV_PARAM_RW_WIRING);
  props[PROP_VHOSTFDS]
      = g_param_spec_boxed ("vhostfds", "vhostfds", "Descriptors of " VHOST_PATH
                            ", one for each queue",
                            G_TYPE_STRV, SV_PARAM_RW_WIRING);
  props[PROP_SCRIPT] = g_param_spec_string ("script", "script", "Only 'no' is accepted", NULL,
                                            SV_PARAM_RW_WIRING);
  props[PROP_DOWNSCRIPT] = g_param_spec_string ("downscript", "downscript",
                                                "Only 'no' is accepted", NULL, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
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
  install_properties (object_class);
}

static void
sv_netdev_tap_init (SvNetdevTap *self)
{
  self->queues = 1;
  self->vnet_hdr = TRUE;
}
