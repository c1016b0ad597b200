/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <gio/gunixsocketaddress.h>

#include "client/sv-client-private.h"
#include "client/sv-json-string.h"
#include "svctl/svctl-commands.h"

#define ESCAPE '\x1d' /* Ctrl-] */

/* Where a console is talked to */

static char *
dup_value (SvRemoteObject *object, const char *name)
{
  const GValue *value = sv_remote_object_get_value (object, name, NULL, NULL);

  return value != NULL && G_VALUE_HOLDS_STRING (value) ? g_value_dup_string (value) : NULL;
}

static gboolean
has_value (SvRemoteObject *object, const char *name)
{
  g_auto (GStrv) names = sv_remote_object_list_values (object);

  return g_strv_contains ((const char *const *)names, name);
}

static gboolean
is_reachable (SvRemoteObject *chardev)
{
  const char *type = sv_remote_object_get_type_name (chardev);

  return strcmp (type, "chardev-pty") == 0 || strcmp (type, "chardev-socket") == 0;
}

/* The character device behind the first device that has one which can be reached. */
static SvRemoteObject *
find_console (SvClient *client, SvRemoteObject *object)
{
  if (has_value (object, "chardev"))
    {
      g_autofree char *path = dup_value (object, "chardev");
      g_autoptr (SvRemoteObject) chardev = path != NULL ? sv_client_get_object (client, path) : NULL;

      if (chardev != NULL && is_reachable (chardev))
        return g_steal_pointer (&chardev);
    }
  for (guint i = 0; i < sv_remote_object_get_n_children (object); i++)
    {
      g_autoptr (SvRemoteObject) child = sv_remote_object_get_nth_child (object, i);
      SvRemoteObject *found = find_console (client, child);

      if (found != NULL)
        return found;
    }
  return NULL;
}

static SvRemoteObject *
choose (SvRemoteMachine *machine, const char *id, GError **error)
{
  SvClient *client = sv_remote_object_get_client (SV_REMOTE_OBJECT (machine));
  g_autoptr (SvRemoteObject) object = id != NULL ? svctl_find (machine, id, error) : NULL;
  g_autofree char *path = NULL;

  if (id == NULL)
    {
      SvRemoteObject *found = find_console (client, SV_REMOTE_OBJECT (machine));

      if (found == NULL)
        g_set_error_literal (error, SVCTL_ERROR, SVCTL_ERROR_FAILED,
                             "no console of the VM is a pty or a socket; '-serial pty' makes one");
      return found;
    }
  if (object == NULL)
    return NULL;
  if (has_value (object, "chardev") && (path = dup_value (object, "chardev")) != NULL)
    {
      g_clear_object (&object);
      object = sv_client_get_object (client, path);
    }
  if (object != NULL && is_reachable (object))
    return g_steal_pointer (&object);
  g_set_error (error, SVCTL_ERROR, SVCTL_ERROR_FAILED, "'%s' is neither a pty or socket nor a device that has one", id);
  return NULL;
}

static int
open_pty (Svctl *self, const char *label, GError **error)
{
  g_autoptr (JsonNode) reply = svctl_execute (self, "query-chardev", NULL, error);
  JsonArray *array = reply != NULL ? json_node_get_array (reply) : NULL;
  const char *file = "";
  int fd;

  if (reply == NULL)
    return -1;
  for (guint i = 0; i < json_array_get_length (array); i++)
    if (strcmp (sv_json_get_string (json_array_get_object_element (array, i), "label", ""), label) == 0)
      file = sv_json_get_string (json_array_get_object_element (array, i), "filename", "");
  if (g_str_has_prefix (file, "pty:"))
    file += strlen ("pty:");
  /* What is typed goes to a terminal, not to a file that the server thinks of. */
  errno = ENOTTY;
  fd = g_str_has_prefix (file, "/dev/pts/") && strchr (file + strlen ("/dev/pts/"), '/') == NULL
           ? open (file, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NOFOLLOW)
           : -1;
  if (fd < 0)
    g_set_error (error, SVCTL_ERROR, SVCTL_ERROR_FAILED, "%s: %s", file, g_strerror (errno));
  return fd;
}

static int
open_socket (SvRemoteObject *chardev, GError **error)
{
  g_autofree char *path = dup_value (chardev, "path");
  g_autofree char *host = dup_value (chardev, "host");
  g_autofree char *port = dup_value (chardev, "port");
  g_autofree char *target = path != NULL && path[0] != '\0' ? g_strdup (path) : g_strdup_printf ("%s:%s", host, port);
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  g_autoptr (GSocketConnectable) address = NULL;
  g_autoptr (GSocketConnection) connection = NULL;

  if (path != NULL && path[0] != '\0')
    address = G_SOCKET_CONNECTABLE (g_unix_socket_address_new (path));
  else
    address = g_network_address_parse (target, 0, error);
  connection = address != NULL ? g_socket_client_connect (client, address, NULL, error) : NULL;
  if (connection == NULL)
    {
      g_prefix_error (error, "%s: ", target);
      return -1;
    }
  return fcntl (g_socket_get_fd (g_socket_connection_get_socket (connection)), F_DUPFD_CLOEXEC, 0);
}

/* Bytes to and fro */

static gboolean
write_all (int fd, const char *data, gssize length)
{
  while (length > 0)
    {
      gssize written = write (fd, data, length);
      struct pollfd poll_fd = { fd, POLLOUT, 0 };

      if (written < 0 && errno == EAGAIN)
        poll (&poll_fd, 1, -1);
      else if (written < 0 && errno != EINTR)
        return FALSE;
      else if (written > 0)
        {
          data += written;
          length -= written;
        }
    }
  return TRUE;
}

/* FALSE: this side is at its end. @escape: the byte that leaves, or -1. */
static gboolean
copy (int from, int to, int escape)
{
  char buffer[4096];
  gssize length = read (from, buffer, sizeof buffer);
  const char *found = NULL;

  if (length < 0 && (errno == EINTR || errno == EAGAIN))
    return TRUE;
  if (length <= 0)
    return FALSE;
  if (escape >= 0)
    found = memchr (buffer, escape, length);
  return write_all (to, buffer, found != NULL ? found - buffer : length) && found == NULL;
}

static void
relay (int console, gboolean terminal)
{
  struct pollfd fds[2] = { { console, POLLIN, 0 }, { STDIN_FILENO, POLLIN, 0 } };

  for (;;)
    {
      if (poll (fds, 2, -1) < 0 && errno != EINTR)
        return;
      if (fds[0].revents != 0 && !copy (console, STDOUT_FILENO, -1))
        return;
      if (fds[1].revents != 0 && !copy (STDIN_FILENO, console, terminal ? ESCAPE : -1))
        {
          /* What the guest says to the end of a file is still wanted. */
          if (terminal)
            return;
          fds[1].fd = -1;
        }
    }
}

gboolean
svctl_console (Svctl *self, int argc, char **argv, GError **error)
{
  g_autoptr (SvRemoteMachine) machine = svctl_open_tree (self, error);
  g_autoptr (SvRemoteObject) chardev = machine != NULL ? choose (machine, argc > 0 ? argv[0] : NULL, error) : NULL;
  gboolean terminal = isatty (STDIN_FILENO);
  struct termios saved;
  struct termios raw;
  int fd;

  if (chardev == NULL)
    return FALSE;
  if (strcmp (sv_remote_object_get_type_name (chardev), "chardev-pty") == 0)
    fd = open_pty (self, sv_remote_object_get_id (chardev), error);
  else
    fd = open_socket (chardev, error);
  if (fd < 0)
    return FALSE;
  if (terminal && tcgetattr (STDIN_FILENO, &saved) == 0)
    {
      raw = saved;
      cfmakeraw (&raw);
      svctl_print ("This is %s; Ctrl-] leaves.\n", sv_remote_object_get_path (chardev));
      tcsetattr (STDIN_FILENO, TCSANOW, &raw);
      relay (fd, TRUE);
      tcsetattr (STDIN_FILENO, TCSANOW, &saved);
      svctl_print ("\n");
    }
  else
    relay (fd, FALSE);
  close (fd);
  return TRUE;
}
