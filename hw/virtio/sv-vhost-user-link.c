/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-vhost-user-link.h"

#include <errno.h>
#include <gio/gio.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define MAX_REPLY 8u
#define SEND_MS 1000
#define GONE "the vhost-user peer is gone"

/* A reply that is to come */
typedef struct
{
  guint32 request;
  guint n;
  gsize size;
} Expected;

struct _SvVhostUserLink
{
  int fd;
  const SvVhostUserLinkFuncs *funcs;
  gpointer opaque;
  gboolean lost;
  GQueue expected; /* Expected */
  GSource *source; /* the stream, and until when the next reply has to be there */
  gpointer stream_tag;
  gint64 deadline;
  guint8 bytes[sizeof (SvVhostUserHeader) + MAX_REPLY]; /* the beginning of a reply */
  gsize n_bytes;
};

typedef struct
{
  GSource source;
  SvVhostUserLink *link;
} LinkSource;

static gboolean
give_up (SvVhostUserLink *self, const char *reason)
{
  if (self->lost)
    return FALSE;
  self->lost = TRUE;
  g_source_destroy (self->source);
  g_queue_clear_full (&self->expected, g_free);
  self->funcs->lost (self->opaque, reason);
  return FALSE;
}

static void
set_deadline (SvVhostUserLink *self)
{
  self->deadline
      = g_queue_is_empty (&self->expected) ? -1 : g_get_monotonic_time () + SV_VHOST_USER_TIMEOUT_MS * 1000;
  g_source_set_ready_time (self->source, self->deadline);
}

/* --- replies --- */

static gboolean
check_header (SvVhostUserLink *self, const Expected *expected)
{
  SvVhostUserHeader header;

  memcpy (&header, self->bytes, sizeof header);
  return expected != NULL && sv_vhost_user_is_reply (&header, expected->request, expected->size);
}

static void
tell (SvVhostUserLink *self)
{
  g_autofree Expected *expected = g_queue_pop_head (&self->expected);
  guint8 payload[MAX_REPLY];

  memcpy (payload, self->bytes + sizeof (SvVhostUserHeader), sizeof payload);
  self->n_bytes = 0;
  set_deadline (self);
  self->funcs->replied (self->opaque, expected->request, expected->n, payload);
}

/* Takes what is there, a reply at most. FALSE: the peer is lost. */
static gboolean
take (SvVhostUserLink *self)
{
  const Expected *expected = g_queue_peek_head (&self->expected);
  gsize wanted = sizeof (SvVhostUserHeader);
  struct pollfd pollfd = { .fd = self->fd, .events = POLLIN };
  gssize n;

  if (self->n_bytes >= wanted)
    wanted += expected->size;
  /* Somebody who waited may have been here before. */
  if (poll (&pollfd, 1, 0) <= 0)
    return TRUE;
  n = read (self->fd, self->bytes + self->n_bytes, wanted - self->n_bytes);
  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return TRUE;
  if (n <= 0)
    return give_up (self, GONE);
  self->n_bytes += (gsize)n;
  if (self->n_bytes < wanted)
    return TRUE;
  if (wanted > sizeof (SvVhostUserHeader))
    tell (self);
  else if (!check_header (self, expected))
    return give_up (self, "the vhost-user peer's reply is not as the protocol says");
  return !self->lost;
}

static gboolean
link_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  SvVhostUserLink *self = ((LinkSource *)source)->link;

  if (g_source_query_unix_fd (source, self->stream_tag) != 0)
    take (self);
  else if (self->deadline >= 0 && g_get_monotonic_time () >= self->deadline)
    give_up (self, "the vhost-user peer does not reply");
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs link_funcs = { .dispatch = link_dispatch };

/* --- for users --- */

SvVhostUserLink *
sv_vhost_user_link_new (int fd, const SvVhostUserLinkFuncs *funcs, gpointer opaque)
{
  SvVhostUserLink *self = g_new0 (SvVhostUserLink, 1);

  self->fd = fd;
  self->funcs = funcs;
  self->opaque = opaque;
  self->deadline = -1;
  g_queue_init (&self->expected);
  self->source = g_source_new (&link_funcs, sizeof (LinkSource));
  ((LinkSource *)self->source)->link = self;
  g_source_set_static_name (self->source, "vhost-user");
  self->stream_tag = g_source_add_unix_fd (self->source, fd, G_IO_IN | G_IO_HUP | G_IO_ERR);
  g_source_attach (self->source, NULL);
  return self;
}

void
sv_vhost_user_link_free (SvVhostUserLink *self)
{
  if (self == NULL)
    return;
  g_source_destroy (self->source);
  g_source_unref (self->source);
  g_queue_clear_full (&self->expected, g_free);
  close (self->fd);
  g_free (self);
}

gboolean
sv_vhost_user_link_is_lost (SvVhostUserLink *self)
{
  return self->lost;
}

gboolean
sv_vhost_user_link_send (SvVhostUserLink *self,
                         guint32 request,
                         guint n,
                         gconstpointer payload,
                         gsize size,
                         const int *fds,
                         guint n_fds,
                         gsize reply_size)
{
  const Expected expected = { request, n, reply_size };
  /* What is asked for is answered anyhow. */
  guint32 flags = reply_size > 0 && request != SV_VHOST_USER_GET_VRING_BASE ? SV_VHOST_USER_NEED_REPLY : 0;
  g_autoptr (GError) error = NULL;
  gint64 end;

  g_return_val_if_fail (reply_size <= MAX_REPLY, FALSE);

  if (self->lost)
    return FALSE;
  /* The socket's buffer has room for hundreds. Who has as many queues needs a peer that reads. */
  end = g_get_monotonic_time () + SEND_MS * 1000;
  if (!sv_vhost_user_send (self->fd, request, flags, payload, size, fds, n_fds, end, &error))
    return give_up (self, g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BROKEN_PIPE) ? GONE : error->message);
  if (reply_size == 0)
    return TRUE;
  g_queue_push_tail (&self->expected, g_memdup2 (&expected, sizeof expected));
  if (g_queue_get_length (&self->expected) == 1)
    set_deadline (self);
  return TRUE;
}

void
sv_vhost_user_link_wait (SvVhostUserLink *self)
{
  guint before = g_queue_get_length (&self->expected);

  while (!self->lost && before > 0 && g_queue_get_length (&self->expected) >= before)
    {
      struct pollfd pollfd = { .fd = self->fd, .events = POLLIN };
      gint64 left = (self->deadline - g_get_monotonic_time () + 999) / 1000;

      if (left <= 0)
        give_up (self, "the vhost-user peer does not reply");
      else if (poll (&pollfd, 1, (int)left) > 0)
        take (self);
    }
}
