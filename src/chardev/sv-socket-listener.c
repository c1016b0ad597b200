/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/chardev/sv-socket-listener.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/runtime/sv-litter.h"
#include "src/runtime/sv-log.h"

/* How long to leave callers alone when the process has no descriptor for them. */
#define SHORTAGE_PAUSE_MS 1000

struct _SvSocketListener
{
  GArray *fds;        /* of int */
  GPtrArray *sources; /* one per fd while watched */
  SvSocketListenerFunc func;
  gpointer opaque;
  guint pause_timer;

  char *made_name;    /* unlinked in the end while it is still the same file */
  int made_directory; /* by descriptor: the process may not find it by name any more */
  dev_t made_device;
  ino_t made_inode;
  guint made_litter;
};

static SvSocketListener *
listener_new (void)
{
  SvSocketListener *self = g_new0 (SvSocketListener, 1);

  self->fds = g_array_new (FALSE, FALSE, sizeof (int));
  self->sources = g_ptr_array_new_with_free_func ((GDestroyNotify)g_source_unref);
  return self;
}

static void
remember_path (SvSocketListener *self, int fd)
{
  g_autofree char *name = NULL;
  g_autofree char *directory = NULL;
  gboolean is_unix;
  struct stat st;

  if (!sv_socket_dup_local_name (fd, &name, &is_unix) || !is_unix || lstat (name, &st) != 0
      || !S_ISSOCK (st.st_mode))
    return;

  directory = g_path_get_dirname (name);
  self->made_directory = open (directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (self->made_directory < 0)
    return;
  self->made_name = g_path_get_basename (name);
  self->made_device = st.st_dev;
  self->made_inode = st.st_ino;
  self->made_litter = sv_litter_add (self->made_directory, self->made_name);
}

static in_port_t *
get_port (struct sockaddr_storage *storage)
{
  if (storage->ss_family == AF_INET)
    return &((struct sockaddr_in *)storage)->sin_port;
  if (storage->ss_family == AF_INET6)
    return &((struct sockaddr_in6 *)storage)->sin6_port;
  return NULL;
}

/* The port that the first address got is the port of all. */
static void
share_port (SvSocketListener *self, SvSocketAddress *address)
{
  struct sockaddr_storage first;
  socklen_t length = sizeof first;
  in_port_t *port = get_port (&address->storage);

  if (self->fds->len == 0 || port == NULL || *port != 0)
    return;
  if (getsockname (g_array_index (self->fds, int, 0), (struct sockaddr *)&first, &length) == 0
      && get_port (&first) != NULL)
    *port = *get_port (&first);
}

SvSocketListener *
sv_socket_listener_open (GArray *addresses, GError **error)
{
  g_autoptr (SvSocketListener) self = listener_new ();
  g_autoptr (GError) first_error = NULL;

  for (guint i = 0; i < addresses->len; i++)
    {
      SvSocketAddress address = g_array_index (addresses, SvSocketAddress, i);
      int fd;

      share_port (self, &address);
      fd = sv_socket_listen (&address, first_error == NULL ? &first_error : NULL);
      if (fd >= 0)
        g_array_append_val (self->fds, fd);
    }

  if (self->fds->len == 0)
    {
      g_propagate_error (error, g_steal_pointer (&first_error));
      return NULL;
    }
  remember_path (self, g_array_index (self->fds, int, 0));
  return g_steal_pointer (&self);
}

SvSocketListener *
sv_socket_listener_adopt (int fd)
{
  SvSocketListener *self = listener_new ();

  fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) | O_NONBLOCK);
  g_array_append_val (self->fds, fd);
  return self;
}

static void
unwatch (SvSocketListener *self)
{
  for (guint i = 0; i < self->sources->len; i++)
    g_source_destroy (g_ptr_array_index (self->sources, i));
  g_ptr_array_set_size (self->sources, 0);
  g_clear_handle_id (&self->pause_timer, g_source_remove);
}

void
sv_socket_listener_free (SvSocketListener *self)
{
  struct stat st;

  unwatch (self);
  for (guint i = 0; i < self->fds->len; i++)
    close (g_array_index (self->fds, int, i));
  if (self->made_name != NULL)
    {
      sv_litter_remove (self->made_litter);
      if (fstatat (self->made_directory, self->made_name, &st, AT_SYMLINK_NOFOLLOW) == 0
          && st.st_dev == self->made_device && st.st_ino == self->made_inode)
        unlinkat (self->made_directory, self->made_name, 0);
      close (self->made_directory);
    }
  g_free (self->made_name);
  g_array_unref (self->fds);
  g_ptr_array_unref (self->sources);
  g_free (self);
}

static gboolean
on_connection (int fd, GIOCondition condition, gpointer user_data)
{
  SvSocketListener *self = user_data;

  self->func (self->opaque);
  return G_SOURCE_CONTINUE;
}

void
sv_socket_listener_watch (SvSocketListener *self, SvSocketListenerFunc func, gpointer opaque)
{
  if (func != NULL && self->func == func && self->opaque == opaque)
    return;

  unwatch (self);
  self->func = func;
  self->opaque = opaque;
  for (guint i = 0; func != NULL && i < self->fds->len; i++)
    {
      GSource *source = g_unix_fd_source_new (g_array_index (self->fds, int, i), G_IO_IN);

      g_source_set_callback (source, G_SOURCE_FUNC (on_connection), self, NULL);
      g_source_attach (source, NULL);
      g_ptr_array_add (self->sources, source);
    }
}

static gboolean
on_pause_over (gpointer user_data)
{
  SvSocketListener *self = user_data;
  SvSocketListenerFunc func = g_steal_pointer (&self->func);

  self->pause_timer = 0;
  sv_socket_listener_watch (self, func, self->opaque);
  return G_SOURCE_REMOVE;
}

/* The caller stays in the queue, where it would wake the loop up for ever. */
static void
pause_watch (SvSocketListener *self)
{
  if (self->func == NULL)
    return;
  sv_log_peer ("Connections wait: no file descriptor is left for them");
  unwatch (self);
  self->pause_timer = g_timeout_add (SHORTAGE_PAUSE_MS, on_pause_over, self);
}

int
sv_socket_listener_accept (SvSocketListener *self)
{
  for (guint i = 0; i < self->fds->len; i++)
    {
      /* Not accept4: libslirp calls accept, and the list of system calls is short. */
      int fd = accept (g_array_index (self->fds, int, i), NULL, NULL);

      if (fd >= 0)
        {
          fcntl (fd, F_SETFD, FD_CLOEXEC);
          fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) | O_NONBLOCK);
          return fd;
        }
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        {
          pause_watch (self);
          return -1;
        }
    }
  return -1;
}

int
sv_socket_listener_accept_wait (SvSocketListener *self)
{
  g_autofree struct pollfd *pollfds = g_new0 (struct pollfd, self->fds->len);

  for (guint i = 0; i < self->fds->len; i++)
    pollfds[i] = (struct pollfd){ .fd = g_array_index (self->fds, int, i), .events = POLLIN };

  for (;;)
    {
      int fd = sv_socket_listener_accept (self);

      if (fd >= 0)
        return fd;
      poll (pollfds, self->fds->len, -1);
    }
}

char *
sv_socket_listener_dup_name (SvSocketListener *self, gboolean *is_unix)
{
  char *name = NULL;

  *is_unix = FALSE;
  if (!sv_socket_dup_local_name (g_array_index (self->fds, int, 0), &name, is_unix))
    name = g_strdup ("?");
  return name;
}
