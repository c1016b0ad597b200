/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/chardev/sv-socket-connector.h"

#include <glib-unix.h>
#include <unistd.h>

struct _SvSocketConnector
{
  GArray *addresses;
  guint next;
  guint pause;
  guint pause_timer;
  SvSocketConnectorFunc func;
  gpointer opaque;
  int fd; /* still connecting */
  GSource *source;
};

static void try_next (SvSocketConnector *self);

SvSocketConnector *
sv_socket_connector_new (GArray *addresses,
                         guint pause,
                         SvSocketConnectorFunc func,
                         gpointer opaque)
{
  SvSocketConnector *self = g_new0 (SvSocketConnector, 1);

  self->addresses = addresses;
  self->pause = pause;
  self->func = func;
  self->opaque = opaque;
  self->fd = -1;
  return self;
}

static int
steal_fd (SvSocketConnector *self)
{
  int fd = self->fd;

  if (self->source != NULL)
    {
      g_source_destroy (self->source);
      g_clear_pointer (&self->source, g_source_unref);
    }
  self->fd = -1;
  return fd;
}

void
sv_socket_connector_free (SvSocketConnector *self)
{
  int fd = steal_fd (self);

  if (fd >= 0)
    close (fd);
  g_clear_handle_id (&self->pause_timer, g_source_remove);
  g_array_unref (self->addresses);
  g_free (self);
}

static gboolean
on_decided (int fd, GIOCondition condition, gpointer user_data)
{
  SvSocketConnector *self = user_data;
  int status = 0;
  socklen_t length = sizeof status;

  steal_fd (self);
  if (getsockopt (fd, SOL_SOCKET, SO_ERROR, &status, &length) == 0 && status == 0)
    {
      self->func (self->opaque, fd);
      return G_SOURCE_CONTINUE;
    }
  close (fd);
  try_next (self);
  return G_SOURCE_CONTINUE;
}

static void
try_next (SvSocketConnector *self)
{
  while (self->next < self->addresses->len)
    {
      self->fd = sv_socket_connect (&g_array_index (self->addresses, SvSocketAddress, self->next++),
                                    TRUE, NULL);
      if (self->fd < 0)
        continue;

      self->source = g_unix_fd_source_new (self->fd, G_IO_OUT);
      g_source_set_callback (self->source, G_SOURCE_FUNC (on_decided), self, NULL);
      g_source_attach (self->source, NULL);
      return;
    }
  sv_socket_connector_start_later (self);
}

void
sv_socket_connector_start (SvSocketConnector *self)
{
  if (self->source != NULL || self->pause_timer != 0)
    return;
  self->next = 0;
  try_next (self);
}

static gboolean
on_pause_over (gpointer user_data)
{
  SvSocketConnector *self = user_data;

  self->pause_timer = 0;
  sv_socket_connector_start (self);
  return G_SOURCE_REMOVE;
}

void
sv_socket_connector_start_later (SvSocketConnector *self)
{
  if (self->source == NULL && self->pause_timer == 0)
    self->pause_timer = g_timeout_add_seconds (self->pause, on_pause_over, self);
}
