/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "qmp-fixture.h"
#include "qmp/sv-qmp-schema.h"
#include "qmp/sv-qmp-session.h"
#include "src/runtime/sv-fd-store.h"

#define NAME "{\"execute\":\"query-jobs\",\"id\":%u}\n"

static void
test_input (QmpFixture *fixture, gconstpointer data)
{
  QmpClient *client = &fixture->client;
  static const struct
  {
    const char *input;
    const char *reply;
  } cases[] = {
    { "{\"execute\":\"query-jobs\"}", "{\"return\":[]}" },
    { "{\"execute\":\"qmp_capabilities\"}", "{\"return\":{}}" },
    { "{\"execute\":\"qmp_capabilities\"}\r\n", "{\"return\":{}}" },
    { "[1]",
      "{\"error\":{\"class\":\"GenericError\",\"desc\":\"QMP input must be a JSON object\"}}" },
    { "\"x\"",
      "{\"error\":{\"class\":\"GenericError\",\"desc\":\"QMP input must be a JSON object\"}}" },
    { "{}",
      "{\"error\":{\"class\":\"GenericError\",\"desc\":\"QMP input lacks member 'execute'\"}}" },
    { "{\"execute\":1}",
      "{\"error\":{\"class\":\"GenericError\",\"desc\":\"QMP input member 'execute' must be a "
      "string\"}}" },
    { "{\"execute\":\"query-jobs\",\"arguments\":[]}",
      "{\"error\":{\"class\":\"GenericError\",\"desc\":\"QMP input member 'arguments' must be an "
      "object\"}}" },
    { "{\"execute\":\"query-jobs\",\"foo\":1}", "{\"error\":{\"class\":\"GenericError\",\"desc\":"
                                                "\"QMP input member 'foo' is unexpected\"}}" },
    { "{\"exec-oob\":\"query-jobs\"}",
      "{\"error\":{\"class\":\"GenericError\",\"desc\":\"QMP input member 'exec-oob' is "
      "unexpected\"}}" },
    { "{\"execute\":\"x$\"}", "{\"error\":{\"class\":\"CommandNotFound\",\"desc\":\"The command x$ "
                              "has not been found\"}}" },
    { "{\"execute\":\"query-jobs\",\"arguments\":{\"a\":1}}",
      "{\"error\":{\"class\":\"GenericError\",\"desc\":\"Parameter 'a' is unexpected\"}}" },
    { "foo\n", "{\"error\":{\"class\":\"GenericError\",\"desc\":\"JSON parse error, invalid "
               "keyword 'foo'\"}}" },
    { "{\"execute\":}",
      "{\"error\":{\"class\":\"GenericError\",\"desc\":\"JSON parse error, expecting value\"}}" },
    { "{\"execute\":\"\x80\"}", "{\"error\":{\"class\":\"GenericError\",\"desc\":\"JSON parse "
                                "error, invalid UTF-8 sequence in "
                                "string\"}}" },
    { "{\"execute\":\"query-jobs\"}", "{\"return\":[]}" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    qmp_client_assert_reply (client, cases[i].input, cases[i].reply);
}

static void
test_id (QmpFixture *fixture, gconstpointer data)
{
  static const char *const ids[] = {
    "1",          "-7",           "1.5", "\"libvirt-1\"", "null", "true", "[1,{\"a\":null}]",
    "{\"b\":[]}", "\"\xc3\xa4\"",
  };

  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      g_autofree char *good = g_strdup_printf ("{\"id\":%s,\"execute\":\"query-jobs\"}", ids[i]);
      g_autofree char *bad = g_strdup_printf ("{\"execute\":3,\"id\":%s}", ids[i]);
      g_autofree char *reply = g_strdup_printf ("{\"return\":[],\"id\":%s}", ids[i]);
      g_autofree char *error = g_strdup_printf (
          "{\"error\":{\"class\":\"GenericError\",\"desc\":\"QMP input member 'execute' must be a "
          "string\"},\"id\":%s}",
          ids[i]);

      qmp_client_assert_reply (&fixture->client, good, reply);
      qmp_client_assert_reply (&fixture->client, bad, error);
    }
}

/* Many commands in one write, and one command in many. */
static void
test_pieces (QmpFixture *fixture, gconstpointer data)
{
  QmpClient *client = &fixture->client;
  g_autoptr (GString) text = g_string_new (NULL);
  const char *command = "{\"execute\":\"query-jobs\",\"id\":\"\xe2\x82\xac\"}";

  for (guint i = 0; i < 1000; i++)
    g_string_append_printf (text, NAME, i);
  qmp_client_send (client, text->str);
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *expected = g_strdup_printf ("{\"return\":[],\"id\":%u}", i);

      qmp_client_assert_line (client, expected);
    }

  for (const char *at = command; *at != '\0'; at++)
    {
      char piece[2] = { *at, '\0' };

      qmp_client_send (client, piece);
      qmp_run_pending ();
    }
  qmp_client_assert_line (client, "{\"return\":[],\"id\":\"\xe2\x82\xac\"}");
}

static void
test_two_clients (QmpFixture *fixture, gconstpointer data)
{
  QmpClient other;

  qmp_client_connect (fixture, &other);
  g_assert_cmpuint (sv_qmp_server_get_n_clients (fixture->server), ==, 2);
  qmp_client_assert_reply (&other, "{\"execute\":\"query-jobs\",\"id\":2}",
                           "{\"return\":[],\"id\":2}");
  qmp_client_assert_reply (&fixture->client, "{\"execute\":\"query-jobs\",\"id\":1}",
                           "{\"return\":[],\"id\":1}");
  sv_qmp_server_emit (fixture->server, "POWERDOWN", NULL);
  qmp_client_assert_line (&other, "{\"event\":\"POWERDOWN\",\"data\":{},T}");
  qmp_client_assert_line (&fixture->client, "{\"event\":\"POWERDOWN\",\"data\":{},T}");

  qmp_client_close (&other);
  while (sv_qmp_server_get_n_clients (fixture->server) > 1)
    g_main_context_iteration (NULL, TRUE);
  sv_qmp_server_emit (fixture->server, "POWERDOWN", NULL);
  qmp_client_assert_line (&fixture->client, "{\"event\":\"POWERDOWN\",\"data\":{},T}");
}

/* Commands that were sent before the client closed its side still get their replies. */
static void
test_half_close (QmpFixture *fixture, gconstpointer data)
{
  QmpClient *client = &fixture->client;

  qmp_client_send (client, "{\"execute\":\"query-jobs\"}{\"execute\":\"query-qmp-schema\"}{\"exec");
  g_assert_cmpint (shutdown (client->fd, SHUT_WR), ==, 0);
  qmp_client_assert_line (client, "{\"return\":[]}");
  g_free (qmp_client_read_line (client));
  qmp_client_assert_closed (client);
  g_assert_cmpuint (sv_qmp_server_get_n_clients (fixture->server), ==, 0);
}

/* A client that never reads costs no more than a bounded buffer; it loses events, but no replies.
 */
static void
test_slow_reader (QmpFixture *fixture, gconstpointer data)
{
  QmpClient *client = &fixture->client;
  const guint n_emitted = 100000;
  gsize received = 0;
  guint n_events = 0;

  for (guint i = 0; i < n_emitted; i++)
    sv_qmp_server_emit (fixture->server, "POWERDOWN", NULL);
  qmp_client_send (client, "{\"execute\":\"query-jobs\"}");
  for (;;)
    {
      g_autofree char *line = qmp_client_read_event (client);

      received += strlen (line);
      if (line[2] != 'e')
        {
          g_assert_cmpstr (line, ==, "{\"return\":[]}");
          break;
        }
      g_assert_cmpstr (line, ==, "{\"event\":\"POWERDOWN\",\"data\":{},T}");
      n_events++;
    }
  g_assert_cmpuint (n_events, >, 1000);
  g_assert_cmpuint (n_events, <, n_emitted / 2);
  g_assert_cmpuint (received, <, 2 * SV_QMP_SESSION_OUTPUT_LIMIT);
}

/* Replies are never lost: with many unread, the next commands wait in the socket. */
static void
test_unread_replies (QmpFixture *fixture, gconstpointer data)
{
  QmpClient *client = &fixture->client;
  const guint n = 300;
  g_autoptr (GString) text = g_string_new (NULL);
  guint expected_length = (guint)strlen (sv_qmp_schema_json) + (guint)strlen ("{\"return\":}");

  for (guint i = 0; i < n; i++)
    g_string_append (text, "{\"execute\":\"query-qmp-schema\"}\n");
  qmp_client_send (client, text->str);
  qmp_run_pending ();
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *line = qmp_client_read_line (client);

      g_assert_cmpuint (strlen (line), ==, expected_length);
    }
  qmp_client_assert_reply (client, "{\"execute\":\"query-jobs\"}", "{\"return\":[]}");
}

/* One that left without reading what was sent to it is let go. */
static void
test_gone (QmpFixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 10000; i++)
    sv_qmp_server_emit (fixture->server, "POWERDOWN", NULL);
  qmp_client_send (&fixture->client, "{\"execute\":\"query-jobs\"}");
  qmp_client_close (&fixture->client);
  while (sv_qmp_server_get_n_clients (fixture->server) > 0)
    g_main_context_iteration (NULL, TRUE);
  sv_qmp_server_emit (fixture->server, "POWERDOWN", NULL);
}

static void
send_with_fd (QmpClient *client, const char *text, int fd)
{
  union
  {
    char bytes[CMSG_SPACE (sizeof (int))];
    struct cmsghdr align;
  } control = { { 0 } };
  struct iovec iov = { (char *)text, strlen (text) };
  struct msghdr message = {
    .msg_iov = &iov,
    .msg_iovlen = 1,
    .msg_control = control.bytes,
    .msg_controllen = sizeof control.bytes,
  };
  struct cmsghdr *header = CMSG_FIRSTHDR (&message);

  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN (sizeof (int));
  memcpy (CMSG_DATA (header), &fd, sizeof fd);
  g_assert_cmpint (sendmsg (client->fd, &message, 0), ==, (gssize)strlen (text));
}

/* Makes a pipe, hands its write end over with @text; the read end reports EOF when nobody has it
 * any more. */
static int
send_with_pipe (QmpClient *client, const char *text)
{
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
  send_with_fd (client, text, fds[1]);
  close (fds[1]);
  return fds[0];
}

static void
assert_open (int fd, gboolean open)
{
  char byte;
  gssize n = read (fd, &byte, 1);

  g_assert_cmpint (n, ==, open ? -1 : 0);
}

static void
test_fds (QmpFixture *fixture, gconstpointer data)
{
  QmpClient *client = &fixture->client;
  const char *get = "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"a\"}}\n";
  const char *drop = "{\"execute\":\"closefd\",\"arguments\":{\"fdname\":\"a\"}}\n";
  const char *done = "{\"return\":{}}";
  const char *none
      = "{\"error\":{\"class\":\"GenericError\",\"desc\":\"No file descriptor supplied "
        "via SCM_RIGHTS\"}}";
  int first, second, fd;

  qmp_client_assert_reply (client, get, none);
  first = send_with_pipe (client, get);
  qmp_client_assert_line (client, done);
  assert_open (first, TRUE);

  /* the same name again closes what had it; the descriptor is gone with its command */
  second = send_with_pipe (client, get);
  qmp_client_assert_line (client, done);
  assert_open (first, FALSE);
  assert_open (second, TRUE);
  qmp_client_assert_reply (client, get, none);

  qmp_client_assert_reply (client, drop, done);
  assert_open (second, FALSE);
  qmp_client_assert_reply (
      client, drop,
      "{\"error\":{\"class\":\"GenericError\",\"desc\":\"File descriptor named "
      "'a' not found\"}}");
  close (first);
  close (second);

  /* bad names */
  first = send_with_pipe (client, "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"1a\"}}\n");
  qmp_client_assert_line (
      client, "{\"error\":{\"class\":\"GenericError\",\"desc\":\"Parameter 'fdname' expects "
              "a name not starting with a digit\"}}");
  assert_open (first, FALSE);
  close (first);

  /* one that no command took goes when the next one comes */
  first = send_with_pipe (client, "{\"execute\":\"query-jobs\"}");
  qmp_client_assert_line (client, "{\"return\":[]}");
  second = send_with_pipe (client, get);
  qmp_client_assert_line (client, done);
  assert_open (first, FALSE);
  close (first);

  /* two pipelined commands get each its own */
  first = send_with_pipe (client, "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"b\"}}\n");
  fd = send_with_pipe (client, "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"c\"}}\n");
  qmp_client_assert_line (client, done);
  qmp_client_assert_line (client, done);
  close (sv_fd_store_steal (fixture->root, "b"));
  assert_open (first, FALSE);
  assert_open (fd, TRUE);
  g_assert_cmpint (sv_fd_store_steal (fixture->root, "b"), ==, -1);
  close (sv_fd_store_steal (fixture->root, "c"));
  assert_open (fd, FALSE);
  close (first);
  close (second);
  close (fd);
}

/* A monitor on two pipes, as -qmp stdio is. */
static void
test_pipes (QmpFixture *fixture, gconstpointer data)
{
  int in[2];
  int out[2];
  char buffer[4096];
  gssize n = 0;

  g_assert_cmpint (pipe2 (in, O_CLOEXEC), ==, 0);
  g_assert_cmpint (pipe2 (out, O_CLOEXEC | O_NONBLOCK), ==, 0);
  sv_qmp_server_add_client (fixture->server, in[0], out[1]);
  g_assert_cmpint (read (out[0], buffer, sizeof buffer), >, 0);
  g_assert_true (g_str_has_prefix (buffer, "{\"QMP\":"));
  n = write (in[1], "{\"execute\":\"query-jobs\"}", 24);
  g_assert_cmpint (n, ==, 24);
  qmp_run_pending ();
  n = read (out[0], buffer, sizeof buffer);
  g_assert_cmpmem (buffer, n, "{\"return\":[]}\r\n", 15);
  close (in[1]);
  qmp_run_pending ();
  g_assert_cmpint (read (out[0], buffer, sizeof buffer), ==, 0);
  close (out[0]);
}

static void
test_too_many (QmpFixture *fixture, gconstpointer data)
{
  QmpClient clients[SV_QMP_SERVER_MAX_CLIENTS];
  int fds[2];
  char byte;

  for (guint i = 1; i < SV_QMP_SERVER_MAX_CLIENTS; i++)
    qmp_client_connect (fixture, &clients[i]);
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  sv_qmp_server_add_client (fixture->server, fds[1], fds[1]);
  g_assert_cmpint (read (fds[0], &byte, 1), ==, 0);
  close (fds[0]);
  for (guint i = 1; i < SV_QMP_SERVER_MAX_CLIENTS; i++)
    qmp_client_close (&clients[i]);
  qmp_client_assert_reply (&fixture->client, "{\"execute\":\"query-jobs\"}", "{\"return\":[]}");
}

/* What is queued when the process ends is still delivered, and a client that does not read is not
 * waited for. */
static void
test_flush (QmpFixture *fixture, gconstpointer data)
{
  QmpClient *client = &fixture->client;
  gint64 start;

  for (guint i = 0; i < 8000; i++)
    sv_qmp_server_emit (fixture->server, "STOP", NULL);
  start = g_get_monotonic_time ();
  sv_qmp_server_flush (fixture->server, 50);
  g_assert_cmpint (g_get_monotonic_time () - start, >=, 50 * 1000);
  for (guint i = 0; i < 8000; i++)
    qmp_client_assert_line (client, "{\"event\":\"STOP\",\"data\":{},T}");

  sv_qmp_server_emit (fixture->server, "STOP", NULL);
  sv_qmp_server_flush (fixture->server, 10000);
  g_assert_cmpint (recv (client->fd, &(char){ 0 }, 1, MSG_DONTWAIT | MSG_PEEK), ==, 1);
}

static gint
compare_times (gconstpointer a, gconstpointer b)
{
  gint64 x = *(const gint64 *)a;
  gint64 y = *(const gint64 *)b;

  return (x > y) - (x < y);
}

/* The median round trip within one process; far above what it takes, far below what would hurt. */
static void
test_speed (QmpFixture *fixture, gconstpointer data)
{
  const char *command = "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"/"
                        "machine\",\"property\":\"memory-size\"}}";
  gint64 times[500];

  for (guint i = 0; i < G_N_ELEMENTS (times); i++)
    {
      gint64 start = g_get_monotonic_time ();
      char buffer[256];
      gssize n;

      qmp_client_send (&fixture->client, command);
      while ((n = recv (fixture->client.fd, buffer, sizeof buffer, MSG_DONTWAIT)) < 0)
        g_main_context_iteration (NULL, TRUE);
      times[i] = g_get_monotonic_time () - start;
      g_assert_cmpmem (buffer, n, "{\"return\":268435456}\r\n", 22);
    }
  qsort (times, G_N_ELEMENTS (times), sizeof *times, compare_times);
  g_test_message ("qom-get: median %" G_GINT64_FORMAT " us", times[G_N_ELEMENTS (times) / 2]);
  g_assert_cmpint (times[G_N_ELEMENTS (times) / 2], <, 1000);
}

#define ADD(path, function)                                                                        \
  g_test_add (path, QmpFixture, NULL, qmp_fixture_set_up, function, qmp_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/qmp/session/input", test_input);
  ADD ("/qmp/session/id", test_id);
  ADD ("/qmp/session/pieces", test_pieces);
  ADD ("/qmp/session/two-clients", test_two_clients);
  ADD ("/qmp/session/half-close", test_half_close);
  ADD ("/qmp/session/slow-reader", test_slow_reader);
  ADD ("/qmp/session/unread-replies", test_unread_replies);
  ADD ("/qmp/session/gone", test_gone);
  ADD ("/qmp/session/fds", test_fds);
  ADD ("/qmp/session/pipes", test_pipes);
  ADD ("/qmp/session/too-many", test_too_many);
  ADD ("/qmp/session/flush", test_flush);
  ADD ("/qmp/session/speed", test_speed);
  return g_test_run ();
}
