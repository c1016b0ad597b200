/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/net/sv-netdev-tap-options.h"

#include <string.h>

#include "qom/sv-property.h"

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

void
sv_netdev_tap_options_init (SvNetdevTapOptions *self)
{
  self->queues = 1;
  self->vnet_hdr = TRUE;
}

void
sv_netdev_tap_options_clear (SvNetdevTapOptions *self)
{
  g_free (self->ifname);
  g_free (self->fd);
  g_strfreev (self->fds);
  g_free (self->vhostfd);
  g_strfreev (self->vhostfds);
  g_free (self->script);
  g_free (self->downscript);
}

static gboolean
check_script (SvNetdev *netdev, const char *key, const char *script, GError **error)
{
  return script == NULL || *script == '\0' || strcmp (script, "no") == 0
         || sv_netdev_refuse (netdev, error,
                              "%s=%s: no program is run for interfaces; only %s=no is accepted",
                              key, script, key);
}

gboolean
sv_netdev_tap_options_check (const SvNetdevTapOptions *self, SvNetdev *netdev, GError **error)
{
  gboolean by_fd = self->fd != NULL || self->fds != NULL;

  if (self->fd != NULL && self->fds != NULL)
    return sv_netdev_refuse (netdev, error, "'fd' and 'fds' exclude each other");
  if (self->vhostfd != NULL && self->vhostfds != NULL)
    return sv_netdev_refuse (netdev, error, "'vhostfd' and 'vhostfds' exclude each other");
  if (by_fd && self->ifname != NULL)
    return sv_netdev_refuse (netdev, error, "'ifname' and '%s' exclude each other",
                             self->fd != NULL ? "fd" : "fds");
  if (self->fds != NULL && self->queues > 1 && self->queues != g_strv_length (self->fds))
    return sv_netdev_refuse (netdev, error, "queues=%u does not go with %u descriptors in 'fds'",
                             self->queues, g_strv_length (self->fds));
  if (self->fd != NULL && self->queues > 1)
    return sv_netdev_refuse (netdev, error, "queues=%u takes 'fds', with one descriptor for each",
                             self->queues);
  if (self->fds != NULL
      && (g_strv_length (self->fds) < 1 || g_strv_length (self->fds) > SV_NETDEV_TAP_MAX_QUEUES))
    return sv_netdev_refuse (netdev, error, "'fds' must hold 1 to %d descriptors",
                             SV_NETDEV_TAP_MAX_QUEUES);
  if ((self->vhostfd != NULL || self->vhostfds != NULL) && !self->vhost && !self->vhostforce)
    return sv_netdev_refuse (netdev, error, "'%s' is given, but not vhost=on",
                             self->vhostfd != NULL ? "vhostfd" : "vhostfds");
  return check_script (netdev, "script", self->script, error)
         && check_script (netdev, "downscript", self->downscript, error);
}

/* --- properties --- */

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

gboolean
sv_netdev_tap_options_set (SvNetdevTapOptions *self, guint id, const GValue *value)
{
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
      return FALSE;
    }
  return TRUE;
}

gboolean
sv_netdev_tap_options_get (const SvNetdevTapOptions *self, guint id, GValue *value)
{
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
      return FALSE;
    }
  return TRUE;
}

void
sv_netdev_tap_options_install (GObjectClass *klass)
{
  GParamSpec *props[N_PROPS] = { NULL };

  props[PROP_IFNAME] = g_param_spec_string (
      "ifname", "ifname", "Name of the interface, which is made unless it is there", NULL,
      SV_PARAM_RW_WIRING);
  props[PROP_FD] = g_param_spec_string (
      "fd", "fd", "Descriptor of an open interface, by number or by the name that getfd gave it",
      NULL, SV_PARAM_RW_WIRING);
  props[PROP_FDS] = g_param_spec_boxed ("fds", "fds", "Descriptors of the queues of an interface",
                                        G_TYPE_STRV, SV_PARAM_RW_WIRING);
  props[PROP_QUEUES] = g_param_spec_uint ("queues", "queues", "Number of queues to open", 1,
                                          SV_NETDEV_TAP_MAX_QUEUES, 1, SV_PARAM_RW_WIRING);
  props[PROP_VNET_HDR] = g_param_spec_boolean ("vnet-hdr", "vnet_hdr",
                                               "Pass on unfinished checksums and large segments",
                                               TRUE, SV_PARAM_RW_WIRING);
  props[PROP_SNDBUF] = g_param_spec_uint64 ("sndbuf", "sndbuf",
                                            "Bytes under way that make the guest wait; 0: no limit",
                                            0, G_MAXINT, 0, SV_PARAM_RW_WIRING | SV_PARAM_SIZE);
  props[PROP_VHOST] = g_param_spec_boolean (
      "vhost", "vhost", "Let the kernel move the packets (vhost-net)", FALSE, SV_PARAM_RW_WIRING);
  props[PROP_VHOSTFORCE] = g_param_spec_boolean ("vhostforce", "vhostforce", "The same as vhost",
                                                 FALSE, SV_PARAM_RW_WIRING);
  props[PROP_VHOSTFD] = g_param_spec_string (
      "vhostfd", "vhostfd", "Descriptor of " SV_NETDEV_TAP_VHOST_PATH, NULL, SV_PARAM_RW_WIRING);
  props[PROP_VHOSTFDS] = g_param_spec_boxed (
      "vhostfds", "vhostfds", "Descriptors of " SV_NETDEV_TAP_VHOST_PATH ", one for each queue",
      G_TYPE_STRV, SV_PARAM_RW_WIRING);
  props[PROP_SCRIPT]
      = g_param_spec_string ("script", "script", "Only 'no' is accepted", NULL, SV_PARAM_RW_WIRING);
  props[PROP_DOWNSCRIPT] = g_param_spec_string ("downscript", "downscript", "Only 'no' is accepted",
                                                NULL, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (klass, N_PROPS, props);
}
