/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/chardev/sv-chardev-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "qom/sv-property.h"
#include "src/chardev/sv-fd-stream.h"
#include "src/chardev/sv-socket-connector.h"
#include "src/chardev/sv-socket-listener.h"
#include "src/migration/sv-migratable.h"

typedef enum
{
  CHOICE_DEFAULT,
  CHOICE_OFF,
  CHOICE_ON,
} Choice;

struct _SvChardevSocket
{
  SvChardev parent_instance;

  char *path;
  char *host;
  char *port;
  int fd; /* as configured; the listener or stream owns it */
  gboolean abstract;
  gboolean server;
  Choice wait;
  Choice ipv4;
  Choice ipv6;
  gboolean delay;
  gboolean nodelay;
  guint reconnect;
  guint connect_timeout;

  SvSocketListener *listener;   /* server */
  SvSocketConnector *connector; /* client that reconnects */

  SvFdStream *stream; /* the peer */
  char *peer_name;
  SvChardevStreamFunc stream_func; /* the monitor */
  gpointer stream_opaque;
};

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

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE_WITH_CODE (SvChardevSocket, sv_chardev_socket, SV_TYPE_CHARDEV,
                               SV_MIGRATABLE_STATELESS ("its peers are others elsewhere; what they have not taken is kept by its user"))

static void on_caller (gpointer opaque);

/* Peers */

static void
watch_callers (SvChardevSocket *self)
{
  if (self->listener != NULL)
    sv_socket_listener_watch (self->listener, on_caller, self);
}

static void
on_hangup (SvChardev *chardev)
{
  SvChardevSocket *self = SV_CHARDEV_SOCKET (chardev);

  g_clear_pointer (&self->stream, sv_fd_stream_free);
  g_clear_pointer (&self->peer_name, g_free);
  sv_chardev_event (chardev, SV_CHARDEV_CLOSED);
  sv_chardev_writable (chardev);
  watch_callers (self);
  if (self->connector != NULL)
    sv_socket_connector_start_later (self->connector);
}

static const SvFdStreamFuncs stream_funcs = {
  .hangup = on_hangup,
};

static void
take_peer (SvChardevSocket *self, int fd)
{
  SvChardev *chardev = SV_CHARDEV (self);
  const int on = 1;

  /* Fails on unix sockets, where it means nothing. */
  if (self->nodelay || !self->delay)
    setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);

  if (self->stream_func != NULL)
    {
      self->stream_func (chardev, fd, fd, self->stream_opaque);
      return;
    }

  self->peer_name = sv_socket_dup_peer_name (fd);
  self->stream = sv_fd_stream_new (chardev, fd, fd, &stream_funcs);
  sv_chardev_event (chardev, SV_CHARDEV_OPENED);
  if (self->stream != NULL)
    sv_fd_stream_update_input (self->stream);
}

static void
on_caller (gpointer opaque)
{
  SvChardevSocket *self = opaque;
  int fd;

  if (self->stream != NULL)
    {
      /* The caller waits for the peer to go, even for one whose input nobody reads. */
      sv_socket_listener_watch (self->listener, NULL, NULL);
      sv_fd_stream_watch_hangup (self->stream);
      return;
    }

  fd = sv_socket_listener_accept (self->listener);
  if (fd >= 0)
    take_peer (self, fd);
}

/* Opening */

static void
on_connected (gpointer opaque, int fd)
{
  take_peer (opaque, fd);
}

static gboolean
connect_now (SvChardevSocket *self, GArray *addresses, GError **error)
{
  g_autoptr (GError) first_error = NULL;

  for (guint i = 0; i < addresses->len; i++)
    {
      const SvSocketAddress *address = &g_array_index (addresses, SvSocketAddress, i);
      GError **place = first_error == NULL ? &first_error : NULL;
      int fd = self->connect_timeout > 0
                   ? sv_socket_connect_within (address, self->connect_timeout, place)
                   : sv_socket_connect (address, FALSE, place);

      if (fd < 0)
        continue;
      take_peer (self, fd);
      return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&first_error));
  return FALSE;
}

static gboolean
refuse (SvChardevSocket *self, GError **error, const char *complaint)
{
  g_autofree char *label = sv_object_dup_label (SV_OBJECT (self));

  g_set_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_ADDRESS, "Character device %s: %s", label,
               complaint);
  return FALSE;
}

static gboolean
check_options (SvChardevSocket *self, GError **error)
{
  guint n = (self->path != NULL) + (self->host != NULL || self->port != NULL) + (self->fd >= 0);

  if (n != 1)
    return refuse (self, error,
                   "give one of 'path' (UNIX socket), 'host' and 'port' (TCP) and 'fd'");
  if (self->host != NULL && self->port == NULL)
    return refuse (self, error, "'port' is missing beside 'host'");
  if (self->abstract && self->path == NULL)
    return refuse (self, error, "'abstract' needs 'path'");
  if (self->server && self->reconnect > 0)
    return refuse (self, error, "'reconnect' is for a client, not with 'server=on'");
  if (!self->server && self->fd < 0 && self->wait == CHOICE_ON)
    return refuse (self, error, "'wait=on' is for a server: it needs 'server=on'");
  if (self->fd >= 0 && self->reconnect > 0)
    return refuse (self, error, "'reconnect' cannot be used with 'fd'");
  return TRUE;
}

/* As QEMU understands the two words: one given alone decides. */
static int
get_family (SvChardevSocket *self)
{
  if (self->ipv4 == CHOICE_ON && self->ipv6 == CHOICE_ON)
    return AF_UNSPEC;
  if (self->ipv6 == CHOICE_ON || self->ipv4 == CHOICE_OFF)
    return AF_INET6;
  if (self->ipv4 == CHOICE_ON || self->ipv6 == CHOICE_OFF)
    return AF_INET;
  return AF_UNSPEC;
}

static GArray *
find_addresses (SvChardevSocket *self, GError **error)
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

static void
wait_for_peer (SvChardevSocket *self)
{
  g_autofree char *filename = sv_chardev_dup_filename (SV_CHARDEV (self));

  g_printerr ("stratovirt: waiting for connection on: %s\n", filename);
  take_peer (self, sv_socket_listener_accept_wait (self->listener));
}

static gboolean
adopt_fd (SvChardevSocket *self, GError **error)
{
  g_autofree char *complaint = NULL;
  int listening = 0;
  socklen_t length = sizeof listening;

  if (getsockopt (self->fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0)
    {
      complaint
          = g_strdup_printf ("fd=%d is no inherited socket: %s", self->fd, g_strerror (errno));
      return refuse (self, error, complaint);
    }
  if (self->server && !listening)
    {
      complaint = g_strdup_printf ("fd=%d does not listen, as 'server=on' says", self->fd);
      return refuse (self, error, complaint);
    }

  fcntl (self->fd, F_SETFD, FD_CLOEXEC);
  self->server = listening != 0;
  if (listening)
    self->listener = sv_socket_listener_adopt (self->fd);
  else
    take_peer (self, self->fd);
  return TRUE;
}

static gboolean
open_address (SvChardevSocket *self, GError **error)
{
  g_autoptr (GArray) addresses = find_addresses (self, error);

  if (addresses == NULL)
    return FALSE;
  if (self->server)
    {
      self->listener = sv_socket_listener_open (addresses, error);
      return self->listener != NULL;
    }
  if (self->reconnect == 0)
    return connect_now (self, addresses, error);

  self->connector
      = sv_socket_connector_new (g_steal_pointer (&addresses), self->reconnect, on_connected, self);
  sv_socket_connector_start (self->connector);
  return TRUE;
}

static gboolean
sv_chardev_socket_complete (SvObject *object, GError **error)
{
  SvChardevSocket *self = SV_CHARDEV_SOCKET (object);
  g_autofree char *label = sv_object_dup_label (object);

  if (!SV_OBJECT_CLASS (sv_chardev_socket_parent_class)->complete (object, error))
    return FALSE;
  if (!check_options (self, error))
    return FALSE;
  if (self->fd >= 0)
    {
      if (!adopt_fd (self, error))
        return FALSE;
    }
  else if (!open_address (self, error))
    {
      g_prefix_error (error, "Character device %s: ", label);
      return FALSE;
    }

  if (self->listener != NULL)
    {
      if (self->wait != CHOICE_OFF)
        wait_for_peer (self);
      watch_callers (self);
    }
  return TRUE;
}

/* Character device */

static gsize
sv_chardev_socket_write (SvChardev *chardev, const guint8 *data, gsize length)
{
  SvChardevSocket *self = SV_CHARDEV_SOCKET (chardev);

  return self->stream != NULL ? sv_fd_stream_write (self->stream, data, length) : length;
}

static void
sv_chardev_socket_update_input (SvChardev *chardev)
{
  SvChardevSocket *self = SV_CHARDEV_SOCKET (chardev);

  if (self->stream != NULL)
    sv_fd_stream_update_input (self->stream);
}

static gboolean
sv_chardev_socket_take_streams (SvChardev *chardev,
                                SvChardevStreamFunc func,
                                gpointer opaque,
                                GError **error)
{
  SvChardevSocket *self = SV_CHARDEV_SOCKET (chardev);
  int input;
  int output;

  if (func != NULL && self->reconnect > 0)
    return refuse (self, error, "'reconnect' cannot be used for a monitor");

  self->stream_func = func;
  self->stream_opaque = opaque;
  if (func != NULL && self->stream != NULL)
    {
      sv_fd_stream_steal (g_steal_pointer (&self->stream), &input, &output);
      func (chardev, input, output, opaque);
    }
  watch_callers (self);
  return TRUE;
}

static char *
sv_chardev_socket_dup_filename (SvChardev *chardev)
{
  SvChardevSocket *self = SV_CHARDEV_SOCKET (chardev);
  gboolean is_unix = self->path != NULL;
  gboolean connected = self->peer_name != NULL || self->stream_func != NULL;
  g_autofree char *name = NULL;

  if (self->listener != NULL)
    name = sv_socket_listener_dup_name (self->listener, &is_unix);
  else if (self->path != NULL)
    name = g_strconcat (self->abstract ? "@" : "", self->path, NULL);
  else if (self->port != NULL)
    name = g_strdup_printf ("%s:%s", self->host != NULL ? self->host : "", self->port);
  else if (self->fd < 0 || !sv_socket_dup_local_name (self->fd, &name, &is_unix))
    name = g_strdup_printf ("fd:%d", self->fd);

  return g_strdup_printf (
      "%s%s:%s%s%s%s", connected ? "" : "disconnected:", is_unix ? "unix" : "tcp", name,
      self->server ? ",server=on" : "", self->peer_name != NULL && !is_unix ? " <-> " : "",
      self->peer_name != NULL && !is_unix ? self->peer_name : "");
}

static void
sv_chardev_socket_finalize (GObject *object)
{
  SvChardevSocket *self = SV_CHARDEV_SOCKET (object);

  g_clear_pointer (&self->stream, sv_fd_stream_free);
  g_clear_pointer (&self->listener, sv_socket_listener_free);
  g_clear_pointer (&self->connector, sv_socket_connector_free);
  g_free (self->peer_name);
  g_free (self->path);
  g_free (self->host);
  g_free (self->port);

  G_OBJECT_CLASS (sv_chardev_socket_parent_class)->finalize (object);
}

static void
set_string (char **slot, const GValue *value)
{
  g_free (*slot);
  *slot = g_value_dup_string (value);
}

static void
set_choice (Choice *slot, const GValue *value)
{
  *slot = g_value_get_boolean (value) ? CHOICE_ON : CHOICE_OFF;
}

static void
sv_chardev_socket_set_property (GObject *object,
                                guint prop_id,
                                const GValue *value,
                                GParamSpec *pspec)
{
  SvChardevSocket *self = SV_CHARDEV_SOCKET (object);

  switch (prop_id)
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
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
sv_chardev_socket_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SvChardevSocket *self = SV_CHARDEV_SOCKET (object);

  switch (prop_id)
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
      g_value_set_boolean (value, self->wait != CHOICE_OFF);
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
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
sv_chardev_socket_class_init (SvChardevSocketClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvChardevClass *chardev_class = SV_CHARDEV_CLASS (klass);

  object_class->finalize = sv_chardev_socket_finalize;
  object_class->set_property = sv_chardev_socket_set_property;
  object_class->get_property = sv_chardev_socket_get_property;
  SV_OBJECT_CLASS (klass)->complete = sv_chardev_socket_complete;
  chardev_class->write = sv_chardev_socket_write;
  chardev_class->update_input = sv_chardev_socket_update_input;
  chardev_class->take_streams = sv_chardev_socket_take_streams;
  chardev_class->dup_filename = sv_chardev_socket_dup_filename;

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
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_chardev_socket_init (SvChardevSocket *self)
{
  self->fd = -1;
  self->delay = TRUE;
}
