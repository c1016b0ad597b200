/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-vhost-user-message.h"

#include <errno.h>
#include <gio/gio.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static gboolean
fail (const char *what, int code, GError **error)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "vhost-user: cannot %s: %s", what,
               g_strerror (code));
  return FALSE;
}

/* Waits for room or data; errno says why there is none. */
static gboolean
await (int fd, short events, gint64 end)
{
  struct pollfd pollfd = { .fd = fd, .events = events };
  int n;

  do
    {
      gint64 left = (end - g_get_monotonic_time () + 999) / 1000;

      n = poll (&pollfd, 1, (int)CLAMP (left, 0, SV_VHOST_USER_TIMEOUT_MS));
    }
  while (n < 0 && errno == EINTR);
  if (n == 0)
    errno = ETIMEDOUT;
  return n > 0;
}

gboolean
sv_vhost_user_send (int fd,
                    guint32 request,
                    guint32 flags,
                    gconstpointer payload,
                    gsize size,
                    const int *fds,
                    guint n_fds,
                    gint64 end,
                    GError **error)
{
  SvVhostUserHeader header = { request, SV_VHOST_USER_VERSION | flags, (guint32)size };
  guint8 bytes[sizeof header + SV_VHOST_USER_MAX_PAYLOAD];
  union
  {
    char bytes[CMSG_SPACE (SV_VHOST_USER_MAX_REGIONS * sizeof (int))];
    struct cmsghdr align;
  } control = { { 0 } };
  struct iovec iov = { bytes, sizeof header + size };
  struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };

  g_return_val_if_fail (size <= SV_VHOST_USER_MAX_PAYLOAD && n_fds <= SV_VHOST_USER_MAX_REGIONS,
                        FALSE);
  memcpy (bytes, &header, sizeof header);
  if (size > 0)
    memcpy (bytes + sizeof header, payload, size);
  if (n_fds > 0)
    {
      struct cmsghdr *rights;

      message.msg_control = control.bytes;
      message.msg_controllen = CMSG_SPACE (n_fds * sizeof (int));
      rights = CMSG_FIRSTHDR (&message);
      rights->cmsg_level = SOL_SOCKET;
      rights->cmsg_type = SCM_RIGHTS;
      rights->cmsg_len = CMSG_LEN (n_fds * sizeof (int));
      memcpy (CMSG_DATA (rights), fds, n_fds * sizeof (int));
    }

  while (iov.iov_len > 0)
    {
      gssize n = sendmsg (fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && (errno != EAGAIN || !await (fd, POLLOUT, end)))
        return fail ("send a message", errno, error);
      if (n < 0)
        continue;
      iov.iov_base = (guint8 *)iov.iov_base + n;
      iov.iov_len -= (gsize)n;
      /* They went with the first byte. */
      message.msg_control = NULL;
      message.msg_controllen = 0;
    }
  return TRUE;
}

static gboolean
read_all (int fd, gpointer buffer, gsize size, gint64 end, GError **error)
{
  guint8 *at = buffer;

  while (size > 0)
    {
      gssize n;

      if (!await (fd, POLLIN, end))
        return fail ("get a reply", errno, error);
      n = read (fd, at, size);
      if (n < 0 && (errno == EINTR || errno == EAGAIN))
        continue;
      if (n <= 0)
        return fail ("get a reply", n == 0 ? ECONNRESET : errno, error);
      at += n;
      size -= (gsize)n;
    }
  return TRUE;
}

gboolean
sv_vhost_user_is_reply (const SvVhostUserHeader *header, guint32 request, gsize size)
{
  return header->request == request && header->size == size
         && (header->flags & SV_VHOST_USER_VERSION_MASK) == SV_VHOST_USER_VERSION
         && (header->flags & SV_VHOST_USER_REPLY) != 0;
}

gboolean
sv_vhost_user_receive (int fd, guint32 request, gpointer payload, gsize size, gint64 end, GError **error)
{
  SvVhostUserHeader header;

  if (!read_all (fd, &header, sizeof header, end, error))
    return FALSE;
  if (!sv_vhost_user_is_reply (&header, request, size))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                   "vhost-user: the reply to request %u is not as the protocol says", request);
      return FALSE;
    }
  return read_all (fd, payload, size, end, error);
}
