/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/chardev/sv-chardev-socket.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "src/chardev/sv-fd-stream.h"
#include "src/chardev/sv-socket-connector.h"
#include "src/chardev/sv-socket-listener.h"
#include "src/chardev/sv-socket-options.h"
#include "src/migration/sv-migratable.h"

struct _SvChardevSocket
{
  SvChardev parent_instance;

  SvSocketOptions options; /* its fd is the listener's or the stream's */

  SvSocketListener *listener;   /* server */
  SvSocketConnector *connector; /* client that reconnects */

  SvFdStream *stream; /* the peer */
  char *peer_name;
  SvChardevStreamFunc stream_func; /* the monitor */
  gpointer stream_opaque;
};

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
  if (self->options.nodelay || !self->options.delay)
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
      int fd = self->options.connect_timeout > 0
                   ? sv_socket_connect_within (address, self->options.connect_timeout, place)
                   : sv_socket_connect (address, FALSE, place);

      if (fd < 0)
        continue;
      take_peer (self, fd);
      return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&first_error));
  return FALSE;
}

static void
wait_for_peer (SvChardevSocket *self)
{
  g_autofree char *filename = sv_chardev_dup_filename (SV_CHARDEV (self));

  g_printerr ("stratovirt: waiting for connection on: %s\n", filename);
  take_peer (self, sv_socket_listener_accept_wait (self->listener));
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
adopt_fd (SvChardevSocket *self, GError **error)
{
  g_autofree char *complaint = NULL;
  int listening = 0;
  socklen_t length = sizeof listening;

  if (getsockopt (self->options.fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0)
    {
      complaint
          = g_strdup_printf ("fd=%d is no inherited socket: %s", self->options.fd, g_strerror (errno));
      return refuse (self, error, complaint);
    }
  if (self->options.server && !listening)
    {
      complaint = g_strdup_printf ("fd=%d does not listen, as 'server=on' says", self->options.fd);
      return refuse (self, error, complaint);
    }

  fcntl (self->options.fd, F_SETFD, FD_CLOEXEC);
  self->options.server = listening != 0;
  if (listening)
    self->listener = sv_socket_listener_adopt (self->options.fd);
  else
    take_peer (self, self->options.fd);
  return TRUE;
}

static gboolean
open_address (SvChardevSocket *self, GError **error)
{
  g_autoptr (GArray) addresses = sv_socket_options_find_addresses (&self->options, error);

  if (addresses == NULL)
    return FALSE;
  if (self->options.server)
    {
      self->listener = sv_socket_listener_open (addresses, error);
      return self->listener != NULL;
    }
  if (self->options.reconnect == 0)
    return connect_now (self, addresses, error);

  self->connector
      = sv_socket_connector_new (g_steal_pointer (&addresses), self->options.reconnect, on_connected, self);
  sv_socket_connector_start (self->connector);
  return TRUE;
}

static gboolean
sv_chardev_socket_complete (SvObject *object, GError **error)
{
  SvChardevSocket *self = SV_CHARDEV_SOCKET (object);
  g_autofree char *label = sv_object_dup_label (object);
  const char *complaint;

  if (!SV_OBJECT_CLASS (sv_chardev_socket_parent_class)->complete (object, error))
    return FALSE;
  complaint = sv_socket_options_check (&self->options);
  if (complaint != NULL)
    return refuse (self, error, complaint);
  if (self->options.fd >= 0)
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
      if (self->options.wait != SV_CHOICE_OFF)
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

  if (func != NULL && self->options.reconnect > 0)
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
  gboolean is_unix = self->options.path != NULL;
  gboolean connected = self->peer_name != NULL || self->stream_func != NULL;
  g_autofree char *name = NULL;

  if (self->listener != NULL)
    name = sv_socket_listener_dup_name (self->listener, &is_unix);
  else if (self->options.path != NULL)
    name = g_strconcat (self->options.abstract ? "@" : "", self->options.path, NULL);
  else if (self->options.port != NULL)
    name = g_strdup_printf ("%s:%s", self->options.host != NULL ? self->options.host : "", self->options.port);
  else if (self->options.fd < 0 || !sv_socket_dup_local_name (self->options.fd, &name, &is_unix))
    name = g_strdup_printf ("fd:%d", self->options.fd);

  return g_strdup_printf (
      "%s%s:%s%s%s%s", connected ? "" : "disconnected:", is_unix ? "unix" : "tcp", name,
      self->options.server ? ",server=on" : "", self->peer_name != NULL && !is_unix ? " <-> " : "",
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
  sv_socket_options_clear (&self->options);

  G_OBJECT_CLASS (sv_chardev_socket_parent_class)->finalize (object);
}

static void
sv_chardev_socket_set_property (GObject *object,
                                guint prop_id,
                                const GValue *value,
                                GParamSpec *pspec)
{
  if (!sv_socket_options_set (&SV_CHARDEV_SOCKET (object)->options, prop_id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
sv_chardev_socket_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  if (!sv_socket_options_get (&SV_CHARDEV_SOCKET (object)->options, prop_id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
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
  sv_socket_options_install (object_class);
}

static void
sv_chardev_socket_init (SvChardevSocket *self)
{
  sv_socket_options_init (&self->options);
}
