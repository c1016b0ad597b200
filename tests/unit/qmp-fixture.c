/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qmp-fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "qmp-fixture-types.h"
#include "src/runtime/sv-vm-lock.h"

#define PATIENCE_SECONDS 30

/* Clients */

static gboolean
out_of_patience (gpointer data)
{
  g_error ("nothing happened for %d seconds", PATIENCE_SECONDS);
  return G_SOURCE_REMOVE;
}

/* Blocks in the main loop until something happens; the server may just have made it happen already.
 */
static void
iterate (void)
{
  guint timeout = g_timeout_add_seconds (PATIENCE_SECONDS, out_of_patience, NULL);

  g_main_context_iteration (NULL, TRUE);
  g_source_remove (timeout);
}

void
qmp_run_pending (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* TRUE when the connection is closed. */
static gboolean
receive (QmpClient *client)
{
  char buffer[65536];
  gssize n = recv (client->fd, buffer, sizeof buffer, MSG_DONTWAIT);

  if (n > 0)
    g_string_append_len (client->received, buffer, n);
  if (n < 0 && errno == EAGAIN)
    return FALSE;
  return n <= 0;
}

char *
qmp_client_read_line (QmpClient *client)
{
  for (;;)
    {
      char *end = memchr (client->received->str, '\n', client->received->len);
      char *line;
      gsize length;

      if (end)
        {
          length = (gsize)(end - client->received->str);
          g_assert_cmpuint (length, >, 0);
          g_assert_cmpint (end[-1], ==, '\r');
          line = g_strndup (client->received->str, length - 1);
          g_string_erase (client->received, 0, (gssize)length + 1);
          return line;
        }
      if (receive (client))
        g_error ("connection closed; received so far: %s", client->received->str);
      if (!memchr (client->received->str, '\n', client->received->len))
        iterate ();
    }
}

char *
qmp_client_read_event (QmpClient *client)
{
  g_autofree char *line = qmp_client_read_line (client);
  g_autoptr (GRegex) regex = g_regex_new (
      "\"timestamp\":\\{\"seconds\":[0-9]{10},\"microseconds\":[0-9]{1,6}\\}", 0, 0, NULL);

  return g_regex_replace_literal (regex, line, -1, 0, "T", 0, NULL);
}

void
qmp_client_assert_line (QmpClient *client, const char *expected)
{
  g_autofree char *line = qmp_client_read_event (client);

  g_assert_cmpstr (line, ==, expected);
}

void
qmp_client_send (QmpClient *client, const char *text)
{
  gsize length = strlen (text);

  g_assert_cmpint (send (client->fd, text, length, MSG_NOSIGNAL), ==, (gssize)length);
}

void
qmp_client_assert_reply (QmpClient *client, const char *command, const char *expected)
{
  qmp_client_send (client, command);
  qmp_client_assert_line (client, expected);
}

void
qmp_client_assert_closed (QmpClient *client)
{
  while (!receive (client))
    iterate ();
  g_assert_cmpstr (client->received->str, ==, "");
}

void
qmp_client_connect (QmpFixture *fixture, QmpClient *client)
{
  g_autofree char *greeting = NULL;
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  client->fd = fds[0];
  client->received = g_string_new (NULL);
  sv_qmp_server_add_client (fixture->server, fds[1], fds[1]);
  greeting = qmp_client_read_line (client);
  g_assert_cmpstr (greeting, ==,
                   "{\"QMP\":{\"version\":{\"qemu\":{\"micro\":1,\"minor\":0,\"major\":5},"
                   "\"package\":\"stratovirt-" SV_VERSION "\"},\"capabilities\":[]}}");
}

void
qmp_client_close (QmpClient *client)
{
  if (client->fd >= 0)
    close (client->fd);
  client->fd = -1;
  if (client->received)
    g_string_free (client->received, TRUE);
  client->received = NULL;
}

/* Fixture */

void
qmp_fixture_set_up (QmpFixture *fixture, gconstpointer data)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      qmp_fixture_register_types ();
      sv_vm_lock ();
      sv_vm_lock_attach (NULL);
      g_once_init_leave (&once, 1);
    }
  qmp_test_device_fails = FALSE;
  qmp_test_device_is_busy = FALSE;
  fixture->root = sv_object_new_container ();
  fixture->server = sv_qmp_server_new (fixture->root);
  fixture->machine
      = SV_MACHINE (g_object_new (test_machine_get_type (), "accel", "test", "cpus", 2, "name", data, NULL));
  g_assert_true (
      sv_object_add_child (fixture->root, "machine", SV_OBJECT (fixture->machine), NULL));
  g_assert_true (sv_object_complete (SV_OBJECT (fixture->machine), NULL));
  qmp_client_connect (fixture, &fixture->client);
}

void
qmp_fixture_tear_down (QmpFixture *fixture, gconstpointer data)
{
  qmp_client_close (&fixture->client);
  g_assert_finalize_object (fixture->server);
  g_object_unref (fixture->machine);
  g_assert_finalize_object (fixture->root);
  qmp_run_pending ();
}
