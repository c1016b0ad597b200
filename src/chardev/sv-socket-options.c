/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/chardev/sv-socket-options.h"

#include "qom/sv-property.h"

enum
{
  PROP_0,
  PROP_PATH,
  PROP_ABSTRACT,
  PROP_HOST,
  PROP_PORT,
  PROP_FD,
  PROP_SERVER,
  PROP_WAIT,
  PROP_IPV4,
  PROP_IPV6,
  PROP_DELAY,
  PROP_NODELAY,
  PROP_RECONNECT,
  PROP_CONNECT_TIMEOUT,
  N_PROPS,
};

void
sv_socket_options_init (SvSocketOptions *self)
{
  self->fd = -1;
  self->delay = TRUE;
}

void
sv_socket_options_clear (SvSocketOptions *self)
{
  g_free (self->path);
  g_free (self->host);
  g_free (self->port);
}

const char *
sv_socket_options_check (const SvSocketOptions *self)
{
  guint n = (self->path != NULL) + (self->host != NULL || self->port != NULL) + (self->fd >= 0);

  if (n != 1)
    return "give one of 'path' (UNIX socket), 'host' and 'port' (TCP) and 'fd'";
  if (self->host != NULL && self->port == NULL)
    return "'port' is missing beside 'host'";
  if (self->abstract && self->path == NULL)
    return "'abstract' needs 'path'";
  if (self->server && self->reconnect > 0)
    return "'reconnect' is for a client, not with 'server=on'";
  if (!self->server && self->fd < 0 && self->wait == SV_CHOICE_ON)
    return "'wait=on' is for a server: it needs 'server=on'";
  if (self->fd >= 0 && self->reconnect > 0)
    return "'reconnect' cannot be used with 'fd'";
  return NULL;
}

/* As QEMU understands the two words: one given alone decides. */
static int
get_family (const SvSocketOptions *self)
{
  if (self->ipv4 == SV_CHOICE_ON && self->ipv6 == SV_CHOICE_ON)
    return AF_UNSPEC;
  if (self->ipv6 == SV_CHOICE_ON || self->ipv4 == SV_CHOICE_OFF)
    return AF_INET6;
  if (self->ipv4 == SV_CHOICE_ON || self->ipv6 == SV_CHOICE_OFF)
    return AF_INET;
  return AF_UNSPEC;
}

GArray *
sv_socket_options_find_addresses (const SvSocketOptions *self, GError **error)
{
  g_autoptr (GArray) addresses = NULL;
  SvSocketAddress address;

  if (self->path == NULL)
    return sv_socket_resolve (self->host, self->port, self->server, get_family (self), error);

  if (!sv_socket_address_init_unix (&address, self->path, self->abstract, error))
    return NULL;
  addresses = g_array_new (FALSE, TRUE, sizeof address);
  g_array_append_val (addresses, address);
  return g_steal_pointer (&addresses);
}

/* --- properties --- */

static void
set_string (char **slot, const GValue *value)
{
  g_free (*slot);
  *slot = g_value_dup_string (value);
}

static void
set_choice (SvChoice *slot, const GValue *value)
{
  *slot = g_value_get_boolean (value) ? SV_CHOICE_ON : SV_CHOICE_OFF;
}

gboolean
sv_socket_options_set (SvSocketOptions *self, guint id, const GValue *value)
{
  switch (id)
    {
    case PROP_PATH:
      set_string (&self->path, value);
      break;
    case PROP_ABSTRACT:
      self->abstract = g_value_get_boolean (value);
      break;
    case PROP_HOST:
      set_string (&self->host, value);
      break;
    case PROP_PORT:
      set_string (&self->port, value);
      break;
    case PROP_FD:
      self->fd = g_value_get_int (value);
      break;
    case PROP_SERVER:
      self->server = g_value_get_boolean (value);
      break;
    case PROP_WAIT:
      set_choice (&self->wait, value);
      break;
    case PROP_IPV4:
      set_choice (&self->ipv4, value);
      break;
    case PROP_IPV6:
      set_choice (&self->ipv6, value);
      break;
    case PROP_DELAY:
      self->delay = g_value_get_boolean (value);
      break;
    case PROP_NODELAY:
      self->nodelay = g_value_get_boolean (value);
      break;
    case PROP_RECONNECT:
      self->reconnect = g_value_get_uint (value);
      break;
    case PROP_CONNECT_TIMEOUT:
      self->connect_timeout = g_value_get_uint (value);
      break;
    default:
      return FALSE;
    }
  return TRUE;
}

gboolean
sv_socket_options_get (const SvSocketOptions *self, guint id, GValue *value)
{
  switch (id)
    {
    case PROP_PATH:
      g_value_set_string (value, self->path);
      break;
    case PROP_ABSTRACT:
      g_value_set_boolean (value, self->abstract);
      break;
    case PROP_HOST:
      g_value_set_string (value, self->host);
      break;
    case PROP_PORT:
      g_value_set_string (value, self->port);
      break;
    case PROP_FD:
      g_value_set_int (value, self->fd);
      break;
    case PROP_SERVER:
      g_value_set_boolean (value, self->server);
      break;
    case PROP_WAIT:
      g_value_set_boolean (value, self->wait != SV_CHOICE_OFF);
      break;
    case PROP_IPV4:
      g_value_set_boolean (value, get_family (self) != AF_INET6);
      break;
    case PROP_IPV6:
      g_value_set_boolean (value, get_family (self) != AF_INET);
      break;
    case PROP_DELAY:
      g_value_set_boolean (value, self->delay);
      break;
    case PROP_NODELAY:
      g_value_set_boolean (value, self->nodelay);
      break;
    case PROP_RECONNECT:
      g_value_set_uint (value, self->reconnect);
      break;
    case PROP_CONNECT_TIMEOUT:
      g_value_set_uint (value, self->connect_timeout);
      break;
    default:
      return FALSE;
    }
  return TRUE;
}

void
sv_socket_options_install (GObjectClass *klass)
{
  GParamSpec *props[N_PROPS] = { NULL };

  props[PROP_PATH]
      = g_param_spec_string ("path", "path", "File of a UNIX socket", NULL, SV_PARAM_RW_WIRING);
  props[PROP_ABSTRACT] = g_param_spec_boolean (
      "abstract", "abstract", "Whether 'path' is a name in the abstract space instead of a file",
      FALSE, SV_PARAM_RW_WIRING);
  props[PROP_HOST] = g_param_spec_string (
      "host", "host", "TCP: address or name to listen on or connect to", NULL, SV_PARAM_RW_WIRING);
  props[PROP_PORT] = g_param_spec_string ("port", "port", "TCP: port number or service name", NULL,
                                          SV_PARAM_RW_WIRING);
  props[PROP_FD] = g_param_spec_int ("fd", "fd", "Inherited socket, listening or connected", -1,
                                     G_MAXINT, -1, SV_PARAM_RW_WIRING);
  props[PROP_SERVER]
      = g_param_spec_boolean ("server", "server", "Whether to listen", FALSE, SV_PARAM_RW_WIRING);
  props[PROP_WAIT]
      = g_param_spec_boolean ("wait", "wait", "Server: whether to wait for the first peer at start",
                              TRUE, SV_PARAM_RW_WIRING);
  props[PROP_IPV4]
      = g_param_spec_boolean ("ipv4", "ipv4", "TCP: whether to use IPv4", TRUE, SV_PARAM_RW_WIRING);
  props[PROP_IPV6]
      = g_param_spec_boolean ("ipv6", "ipv6", "TCP: whether to use IPv6", TRUE, SV_PARAM_RW_WIRING);
  props[PROP_DELAY] = g_param_spec_boolean (
      "delay", "delay", "TCP: the opposite of 'nodelay', its older word", TRUE, SV_PARAM_RW_WIRING);
  props[PROP_NODELAY]
      = g_param_spec_boolean ("nodelay", "nodelay", "TCP: whether small pieces are sent at once",
                              FALSE, SV_PARAM_RW_WIRING);
  props[PROP_RECONNECT] = g_param_spec_uint (
      "reconnect", "reconnect",
      "Client: seconds after which a lost or refused connection is tried again; 0: never", 0,
      G_MAXINT, 0, SV_PARAM_RW_WIRING);
  props[PROP_CONNECT_TIMEOUT] = g_param_spec_uint (
      "connect-timeout", "connect-timeout",
      "Client without 'reconnect': milliseconds to wait for each address; 0: as the kernel does", 0,
      60000, 0, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (klass, N_PROPS, props);
}
