/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/chardev/sv-socket-util.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/chardev/sv-chardev.h"

#define BACKLOG 16

G_STATIC_ASSERT (sizeof (struct sockaddr_un) <= sizeof (struct sockaddr_storage));

gboolean
sv_socket_address_init_unix (SvSocketAddress *self,
                             const char *path,
                             gboolean abstract,
                             GError **error)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  gsize length = strlen (path);
  gsize limit = sizeof address.sun_path - 1;

  if (length == 0 || length > limit)
    {
      g_set_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_ADDRESS,
                   "UNIX socket path '%s' has %" G_GSIZE_FORMAT " bytes: 1 to %" G_GSIZE_FORMAT
                   " are possible",
                   path, length, limit);
      return FALSE;
    }

  /* A name in the abstract space begins with NUL and ends without one. */
  memcpy (address.sun_path + (abstract ? 1 : 0), path, length);
  memset (self, 0, sizeof *self);
  memcpy (&self->storage, &address, sizeof address);
  self->length = offsetof (struct sockaddr_un, sun_path) + length + 1;
  return TRUE;
}

GArray *
sv_socket_resolve (const char *host, const char *port, gboolean passive, int family, GError **error)
{
  struct addrinfo hints = { .ai_family = family, .ai_socktype = SOCK_STREAM };
  struct addrinfo *found = NULL;
  GArray *addresses;
  int status;

  if (host != NULL && *host == '\0')
    host = NULL;
  /* getaddrinfo() would take the low 16 bits. */
  if (port[strspn (port, "0123456789")] == '\0' && g_ascii_strtoull (port, NULL, 10) > G_MAXUINT16)
    {
      g_set_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_ADDRESS,
                   "Port '%s' is out of range: expected a number from 0 to 65535", port);
      return NULL;
    }
  hints.ai_flags = passive ? AI_PASSIVE : 0;
  status = getaddrinfo (host, port, &hints, &found);
  if (status != 0)
    {
      g_set_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_ADDRESS,
                   "Cannot resolve host '%s', port '%s': %s", host != NULL ? host : "", port,
                   status == EAI_SYSTEM ? g_strerror (errno) : gai_strerror (status));
      return NULL;
    }

  addresses = g_array_new (FALSE, TRUE, sizeof (SvSocketAddress));
  for (struct addrinfo *info = found; info != NULL; info = info->ai_next)
    {
      SvSocketAddress address = { .length = info->ai_addrlen };

      /* `::` alone stands for every address, as QEMU has it. */
      address.both = family == AF_UNSPEC && found->ai_next == NULL;
      memcpy (&address.storage, info->ai_addr, MIN (info->ai_addrlen, sizeof address.storage));
      g_array_append_val (addresses, address);
    }
  freeaddrinfo (found);
  return addresses;
}

static gboolean
is_unix (const SvSocketAddress *self)
{
  return self->storage.ss_family == AF_UNIX;
}

/* Path of a unix socket that has a file; NULL for all others. */
static const char *
get_path (const SvSocketAddress *self)
{
  const struct sockaddr_un *address = (const struct sockaddr_un *)&self->storage;

  return is_unix (self) && address->sun_path[0] != '\0' ? address->sun_path : NULL;
}

char *
sv_socket_address_dup_string (const SvSocketAddress *self)
{
  const struct sockaddr_un *local = (const struct sockaddr_un *)&self->storage;
  gsize offset = offsetof (struct sockaddr_un, sun_path);
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];

  if (is_unix (self))
    {
      gsize length = self->length > offset ? self->length - offset : 0;
      g_autofree char *name = NULL;

      if (length == 0)
        return g_strdup ("");
      if (local->sun_path[0] != '\0')
        return g_strndup (local->sun_path, length);
      name = g_strndup (local->sun_path + 1, length - 1);
      return g_strconcat ("@", name, NULL);
    }

  if (getnameinfo ((const struct sockaddr *)&self->storage, self->length, host, sizeof host, port,
                   sizeof port, NI_NUMERICHOST | NI_NUMERICSERV)
      != 0)
    return g_strdup ("?");
  return g_strdup_printf (strchr (host, ':') != NULL ? "[%s]:%s" : "%s:%s", host, port);
}

gboolean
sv_socket_dup_local_name (int fd, char **name, gboolean *unix_socket)
{
  SvSocketAddress address = { .length = sizeof address.storage };

  if (getsockname (fd, (struct sockaddr *)&address.storage, &address.length) != 0)
    return FALSE;
  *unix_socket = is_unix (&address);
  *name = sv_socket_address_dup_string (&address);
  return TRUE;
}

char *
sv_socket_dup_peer_name (int fd)
{
  SvSocketAddress address = { .length = sizeof address.storage };

  if (getpeername (fd, (struct sockaddr *)&address.storage, &address.length) != 0)
    return g_strdup ("?");
  return sv_socket_address_dup_string (&address);
}

static void
set_errno (GError **error, const char *what, const SvSocketAddress *address)
{
  g_autofree char *name = NULL;
  int saved_errno = errno;

  name = sv_socket_address_dup_string (address);
  g_set_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_OPEN, "Cannot %s '%s': %s", what, name,
               g_strerror (saved_errno));
}

/* TRUE when the path is free, or was taken by a socket without a process behind it. */
static gboolean
make_room (const SvSocketAddress *address, GError **error)
{
  const char *path = get_path (address);
  struct stat before;
  struct stat after;
  int fd;
  int connect_errno;

  if (path == NULL || lstat (path, &before) != 0)
    return TRUE;

  if (!S_ISSOCK (before.st_mode))
    {
      g_set_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_ADDRESS,
                   "Socket path '%s' exists and is not a socket: choose a path that is free", path);
      return FALSE;
    }

  fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  connect_errno = EIO;
  if (fd >= 0)
    {
      connect_errno = connect (fd, (const struct sockaddr *)&address->storage, address->length) == 0
                          ? 0
                          : errno;
      close (fd);
    }

  if (connect_errno != ECONNREFUSED)
    {
      g_set_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_ADDRESS,
                   "Socket path '%s' exists%s: choose a path that is free", path,
                   connect_errno == 0 || connect_errno == EAGAIN
                       ? " and a running process listens on it"
                       : "");
      return FALSE;
    }

  if (lstat (path, &after) == 0 && after.st_ino == before.st_ino && after.st_dev == before.st_dev)
    unlinkat (AT_FDCWD, path, 0);
  return TRUE;
}

int
sv_socket_listen (const SvSocketAddress *address, GError **error)
{
  const int on = 1, v6only = !address->both;
  int fd;

  if (!make_room (address, error))
    return -1;

  fd = socket (address->storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0)
    {
      set_errno (error, "make a socket for", address);
      return -1;
    }

  if (!is_unix (address))
    setsockopt (fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  /* The addresses of one name are bound one by one. */
  if (address->storage.ss_family == AF_INET6)
    setsockopt (fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, sizeof v6only);

  if (bind (fd, (const struct sockaddr *)&address->storage, address->length) != 0)
    {
      set_errno (error, "listen on", address);
      close (fd);
      return -1;
    }
  if (listen (fd, BACKLOG) != 0)
    {
      set_errno (error, "listen on", address);
      close (fd);
      if (get_path (address) != NULL)
        unlinkat (AT_FDCWD, get_path (address), 0);
      return -1;
    }
  return fd;
}

int
sv_socket_connect (const SvSocketAddress *address, gboolean nonblock, GError **error)
{
  int fd = socket (address->storage.ss_family,
                   SOCK_STREAM | SOCK_CLOEXEC | (nonblock ? SOCK_NONBLOCK : 0), 0);

  if (fd >= 0
      && (connect (fd, (const struct sockaddr *)&address->storage, address->length) == 0
          || errno == EINPROGRESS))
    return fd;

  set_errno (error, "connect to", address);
  if (fd >= 0)
    close (fd);
  return -1;
}

/* Waits for what a connection that was begun comes to; errno says why it failed. */
static gboolean
await_connection (int fd, guint timeout_ms)
{
  const gint64 end = g_get_monotonic_time () + (gint64)timeout_ms * 1000;
  struct pollfd pollfd = { .fd = fd, .events = POLLOUT };
  int status = 0;
  socklen_t length = sizeof status;
  int n;

  do
    {
      gint64 left = (end - g_get_monotonic_time () + 999) / 1000;

      n = poll (&pollfd, 1, (int)CLAMP (left, 0, G_MAXINT));
    }
  while (n < 0 && errno == EINTR);
  if (n <= 0)
    {
      errno = n == 0 ? ETIMEDOUT : errno;
      return FALSE;
    }
  if (getsockopt (fd, SOL_SOCKET, SO_ERROR, &status, &length) != 0)
    return FALSE;
  errno = status;
  return status == 0;
}

int
sv_socket_connect_within (const SvSocketAddress *address, guint timeout_ms, GError **error)
{
  int fd = sv_socket_connect (address, TRUE, error);

  if (fd < 0 || await_connection (fd, timeout_ms))
    return fd;
  set_errno (error, "connect to", address);
  close (fd);
  return -1;
}
