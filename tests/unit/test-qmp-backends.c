/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands about processors and about back ends that touch the host. */

#include <errno.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "qmp-fixture.h"
#include "qom/sv-property.h"
#include "qom/sv-type-registry.h"
#include "src/block/sv-block-file.h"
#include "src/chardev/sv-chardev-null.h"
#include "src/chardev/sv-chardev-pty.h"
#include "src/chardev/sv-chardev-socket.h"
#include "src/runtime/sv-fd-store.h"
#include "src/runtime/sv-iothread.h"

#define GENERIC(desc) "{\"error\":{\"class\":\"GenericError\",\"desc\":\"" desc "\"}}"
#define DONE "{\"return\":{}}"

static const SvTypeEntry types[] = {
  { "blockdev-file", sv_block_file_get_type, NULL },
  { "chardev-null", sv_chardev_null_get_type, NULL },
  { "chardev-pty", sv_chardev_pty_get_type, NULL },
  { "chardev-socket", sv_chardev_socket_get_type, NULL },
  { "iothread", sv_iothread_get_type, NULL },
};

/* A format string's arguments are too many to keep apart otherwise. */
static void G_GNUC_PRINTF (2, 3) send_line (QmpFixture *fixture, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  qmp_client_send (&fixture->client, text);
}

static void G_GNUC_PRINTF (2, 3) expect_line (QmpFixture *fixture, const char *format, ...)
{
  g_autofree char *text = NULL;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  qmp_client_assert_line (&fixture->client, text);
}

static gboolean
is_thread (guint tid)
{
  return syscall (SYS_tgkill, getpid (), tid, 0) == 0;
}

static void
test_cpus (QmpFixture *fixture, gconstpointer data)
{
  guint tids[2];

  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *path = g_strdup_printf ("unattached/device[%u]", i);
      SvObject *cpu = sv_object_resolve (fixture->root, path, SV_TYPE_OBJECT, NULL);

      g_object_get (cpu, "host-thread-id", &tids[i], NULL);
      g_assert_true (is_thread (tids[i]));
    }
#ifdef __x86_64__
  qmp_client_send (&fixture->client, "{\"execute\":\"query-cpus\"}");
  expect_line (
      fixture,
      "{\"return\":[{\"CPU\":0,\"arch\":\"x86\",\"current\":true,\"halted\":false,\"props\":"
      "{\"core-id\":0,\"socket-id\":0,\"thread-id\":0,\"die-id\":0},\"qom_path\":"
      "\"/machine/unattached/device[0]\",\"thread_id\":%u},"
      "{\"CPU\":1,\"arch\":\"x86\",\"current\":true,\"halted\":false,\"props\":"
      "{\"core-id\":0,\"socket-id\":1,\"thread-id\":0,\"die-id\":0},\"qom_path\":"
      "\"/machine/unattached/device[1]\",\"thread_id\":%u}]}",
      tids[0], tids[1]);
  qmp_client_send (&fixture->client, "{\"execute\":\"query-cpus-fast\"}");
  expect_line (
      fixture,
      "{\"return\":[{\"cpu-index\":0,\"qom-path\":\"/machine/unattached/device[0]\","
      "\"thread-id\":%u,\"props\":{\"core-id\":0,\"socket-id\":0,\"thread-id\":0,\"die-id\":0},"
      "\"target\":\"x86_64\"},{\"cpu-index\":1,\"qom-path\":\"/machine/unattached/device[1]\","
      "\"thread-id\":%u,\"props\":{\"core-id\":0,\"socket-id\":1,\"thread-id\":0,\"die-id\":0},"
      "\"target\":\"x86_64\"}]}",
      tids[0], tids[1]);
#endif
  qmp_client_assert_reply (
      &fixture->client, "{\"execute\":\"query-hotpluggable-cpus\"}",
      "{\"return\":[{\"props\":{\"core-id\":0,\"socket-id\":0,\"thread-id\":0,\"die-id\":0},"
      "\"qom-path\":\"/machine/unattached/device[0]\",\"type\":\"host-x86-cpu\",\"vcpus-count\":1},"
      "{\"props\":{\"core-id\":0,\"socket-id\":1,\"thread-id\":0,\"die-id\":0},"
      "\"qom-path\":\"/machine/unattached/"
      "device[1]\",\"type\":\"host-x86-cpu\",\"vcpus-count\":1}]}");
}

static void
test_reset (QmpFixture *fixture, gconstpointer data)
{
  QmpClient *client = &fixture->client;

  qmp_client_send (client, "{\"execute\":\"cont\"}");
  g_free (qmp_client_read_line (client));
  qmp_client_assert_line (client, DONE);
  qmp_client_assert_reply (client, "{\"execute\":\"system_reset\"}", DONE);
  qmp_client_assert_line (client, "{\"event\":\"RESET\",\"data\":{\"guest\":false,\"reason\":"
                                  "\"host-qmp-system-reset\"},T}");
}

static void
test_iothreads (QmpFixture *fixture, gconstpointer data)
{
  QmpClient *client = &fixture->client;
  g_autoptr (JsonNode) tid = NULL;

  qmp_client_assert_reply (client, "{\"execute\":\"query-iothreads\"}", "{\"return\":[]}");
  qmp_client_assert_reply (
      client,
      "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"iothread\",\"id\":\"io0\"}}",
      DONE);
  tid = sv_object_get_property_json (sv_object_resolve (fixture->root, "io0", SV_TYPE_OBJECT, NULL),
                                     "thread-id", NULL);
  g_assert_true (is_thread ((guint)json_node_get_int (tid)));
  qmp_client_send (client, "{\"execute\":\"query-iothreads\"}");
  {
    g_autofree char *line = qmp_client_read_line (client);
    g_autofree char *start = g_strdup_printf (
        "{\"return\":[{\"id\":\"io0\",\"thread-id\":%" G_GINT64_FORMAT ",\"poll-max-ns\":",
        json_node_get_int (tid));

    g_assert_true (g_str_has_prefix (line, start));
  }
  qmp_client_assert_reply (client, "{\"execute\":\"object-del\",\"arguments\":{\"id\":\"io0\"}}",
                           DONE);
  qmp_client_assert_reply (client, "{\"execute\":\"query-iothreads\"}", "{\"return\":[]}");
}

static void
test_chardevs (QmpFixture *fixture, gconstpointer data)
{
  QmpClient *client = &fixture->client;
  g_autofree char *line = NULL;

#define CHARDEV_ADD(id, backend)                                                                   \
  "{\"execute\":\"chardev-add\",\"arguments\":{\"id\":\"" id "\",\"backend\":{" backend "}}}"
  qmp_client_assert_reply (client, "{\"execute\":\"query-chardev\"}", "{\"return\":[]}");
  qmp_client_assert_reply (client, CHARDEV_ADD ("n", "\"type\":\"null\",\"data\":{}"), DONE);
  qmp_client_assert_reply (
      client, "{\"execute\":\"query-chardev\"}",
      "{\"return\":[{\"label\":\"n\",\"filename\":\"null\",\"frontend-open\":false}]}");
  qmp_client_assert_reply (client, CHARDEV_ADD ("n", "\"type\":\"null\",\"data\":{}"),
                           GENERIC ("Chardev with id 'n' already exists"));
  qmp_client_assert_reply (client, CHARDEV_ADD ("m", "\"type\":\"nope\",\"data\":{}"),
                           GENERIC ("Parameter 'backend.type' does not accept value 'nope'"));
  qmp_client_assert_reply (client, CHARDEV_ADD ("m", "\"type\":\"null\",\"data\":{\"x\":1}"),
                           GENERIC ("chardev-null: Property 'x' not found"));
  qmp_client_assert_reply (client, "{\"execute\":\"chardev-remove\",\"arguments\":{\"id\":\"n\"}}",
                           DONE);
  qmp_client_assert_reply (client, "{\"execute\":\"chardev-remove\",\"arguments\":{\"id\":\"n\"}}",
                           GENERIC ("Chardev 'n' not found"));

  qmp_client_send (client, CHARDEV_ADD ("p", "\"type\":\"pty\",\"data\":{}"));
  line = qmp_client_read_line (client);
  g_assert_true (g_str_has_prefix (line, "{\"return\":{\"pty\":\"/dev/pts/"));
}

/* A monitor on a socket that chardev-add made: served, refused twice, let go with the server. */
static void
test_monitor (QmpFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *folder = g_dir_make_tmp ("sv-qmp-XXXXXX", &error);
  g_autofree char *path = g_build_filename (folder, "s", NULL);
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  QmpClient client = { -1, NULL };
  SvObject *chardev;
  g_autofree char *greeting = NULL;

  send_line (
      fixture,
      "{\"execute\":\"chardev-add\",\"arguments\":{\"id\":\"mon\",\"backend\":{\"type\":\"socket\","
      "\"data\":{\"addr\":{\"type\":\"unix\",\"data\":{\"path\":\"%s\"}},\"server\":true,\"wait\":"
      "false}}}}",
      path);
  expect_line (fixture, DONE);
  chardev = sv_object_resolve (fixture->root, "/chardevs/mon", SV_TYPE_OBJECT, NULL);
  g_assert_true (sv_qmp_server_add_monitor (fixture->server, SV_CHARDEV (chardev), &error));
  g_assert_no_error (error);
  g_assert_false (sv_qmp_server_add_monitor (fixture->server, SV_CHARDEV (chardev), &error));
  g_assert_nonnull (error);

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  client.fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  client.received = g_string_new (NULL);
  g_assert_cmpint (connect (client.fd, (struct sockaddr *)&address, sizeof address), ==, 0);
  greeting = qmp_client_read_line (&client);
  g_assert_true (g_str_has_prefix (greeting, "{\"QMP\":"));
  qmp_client_assert_reply (&client, "{\"execute\":\"query-jobs\"}", "{\"return\":[]}");
  send_line (fixture, "{\"execute\":\"chardev-remove\",\"arguments\":{\"id\":\"mon\"}}");
  {
    g_autofree char *line = qmp_client_read_line (&fixture->client);

    g_assert_true (g_str_has_prefix (line, "{\"error\":{\"class\":\"GenericError\""));
  }
  qmp_client_close (&client);
  sv_object_unparent (chardev);
  g_unlink (path);
  g_rmdir (folder);
}

/* A server does not keep everybody waiting for its first peer. */
static void
test_no_wait (QmpFixture *fixture, gconstpointer data)
{
#define LISTEN(id, more)                                                                           \
  CHARDEV_ADD (id, "\"type\":\"socket\",\"data\":{\"server\":true" more ",\"addr\":{\"type\":"        \
                   "\"inet\",\"data\":{\"host\":\"127.0.0.1\",\"port\":\"0\"}}}")
  qmp_client_assert_reply (&fixture->client, LISTEN ("s", ""), DONE);
  qmp_client_assert_reply (
      &fixture->client, LISTEN ("t", ",\"wait\":true"),
      GENERIC ("Parameter 'backend.data.wait' can only be false: the VM would stand still until "
               "somebody connects"));
  qmp_client_assert_reply (&fixture->client, LISTEN ("u", ",\"wait\":\"on\""),
                           GENERIC ("Parameter 'backend.data.wait' can only be false: the VM would "
                                    "stand still until somebody connects"));
}

/* A socket that somebody else opened, handed over by getfd. */
static void
test_inherited_socket (QmpFixture *fixture, gconstpointer data)
{
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  sv_fd_store_add (fixture->root, "peer", fds[1]);
  qmp_client_assert_reply (&fixture->client,
                           CHARDEV_ADD ("f", "\"type\":\"socket\",\"data\":{\"server\":false,"
                                             "\"addr\":{\"type\":\"fd\",\"data\":{\"str\":"
                                             "\"nope\"}}}"),
                           GENERIC ("File descriptor named 'nope' not found"));
  qmp_client_assert_reply (&fixture->client,
                           CHARDEV_ADD ("f", "\"type\":\"socket\",\"data\":{\"server\":false,"
                                             "\"addr\":{\"type\":\"fd\",\"data\":{\"str\":"
                                             "\"peer\"}}}"),
                           DONE);
  g_assert_cmpint (sv_fd_store_steal (fixture->root, "peer"), ==, -1);
  sv_object_unparent (sv_object_resolve (fixture->root, "/chardevs/f", SV_TYPE_OBJECT, NULL));
  /* The device owned the descriptor: our end sees it go. */
  g_assert_cmpint (recv (fds[0], &(char){ 0 }, 1, MSG_DONTWAIT), ==, 0);
  close (fds[0]);

  /* So it does when there is no device. */
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  sv_fd_store_add (fixture->root, "peer", fds[1]);
  qmp_client_assert_reply (&fixture->client,
                           CHARDEV_ADD ("f", "\"type\":\"socket\",\"data\":{\"server\":true,"
                                             "\"addr\":{\"type\":\"fd\",\"data\":{\"str\":"
                                             "\"peer\"}},\"x\":1}"),
                           GENERIC ("chardev-socket: Property 'x' not found"));
  g_assert_cmpint (recv (fds[0], &(char){ 0 }, 1, MSG_DONTWAIT), ==, 0);
  close (fds[0]);
}

static void
test_block (QmpFixture *fixture, gconstpointer data)
{
  QmpClient *client = &fixture->client;
  g_autofree char *path = NULL;
  g_autofree char *line = NULL;
  SvObject *node;
  SvObject *device;
  int fd = g_file_open_tmp ("sv-qmp-XXXXXX", &path, NULL);

  g_assert_cmpint (ftruncate (fd, 1 << 20), ==, 0);
  close (fd);
  qmp_client_assert_reply (client, "{\"execute\":\"query-named-block-nodes\"}", "{\"return\":[]}");
  send_line (
      fixture,
      "{\"execute\":\"blockdev-add\",\"arguments\":{\"node-name\":\"drive-0\",\"file\":{\"driver\":"
      "\"file\",\"filename\":\"%s\"},\"cache\":{\"no-flush\":true},\"read-only\":true}}",
      path);
  expect_line (fixture, DONE);
#define NODE                                                                                       \
  "{\"node-name\":\"drive-0\",\"file\":\"%s\",\"ro\":true,\"drv\":\"file\","                       \
  "\"backing_file_depth\":0,\"encrypted\":false,\"detect_zeroes\":\"off\",\"bps\":0,\"bps_rd\":0," \
  "\"bps_wr\":0,\"iops\":0,\"iops_rd\":0,\"iops_wr\":0,\"image\":{\"filename\":\"%s\",\"format\":" \
  "\"file\",\"virtual-size\":1048576,\"actual-size\":0},\"cache\":{\"writeback\":true,"            \
  "\"direct\":false,\"no-flush\":true},\"write_threshold\":0}"
  qmp_client_send (client, "{\"execute\":\"query-named-block-nodes\"}");
  expect_line (fixture, "{\"return\":[" NODE "]}", path, path);
  qmp_client_assert_reply (client, "{\"execute\":\"query-block\"}", "{\"return\":[]}");
  qmp_client_assert_reply (client, "{\"execute\":\"query-blockstats\"}", "{\"return\":[]}");
  qmp_client_send (client,
                   "{\"execute\":\"query-blockstats\",\"arguments\":{\"query-nodes\":true}}");
  line = qmp_client_read_line (client);
  g_assert_true (
      g_str_has_prefix (line, "{\"return\":[{\"device\":\"\",\"node-name\":\"drive-0\",\"stats\":"
                              "{\"rd_bytes\":0,\"rd_operations\":0,"));

  /* with a device */
  qmp_client_assert_reply (
      client,
      "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"test-device\",\"id\":\"d\"}}", DONE);
  device = sv_object_resolve (fixture->root, "d", SV_TYPE_OBJECT, NULL);
  node = sv_object_resolve (fixture->root, "/block/drive-0", SV_TYPE_OBJECT, NULL);
  g_assert_true (sv_object_claim (node, device, NULL));
  qmp_client_send (client, "{\"execute\":\"query-block\"}");
  expect_line (
      fixture,
      "{\"return\":[{\"device\":\"\",\"qdev\":\"/machine/peripheral/d\",\"type\":\"unknown\","
      "\"removable\":false,\"locked\":false,\"inserted\":" NODE "}]}",
      path, path);
  qmp_client_send (client,
                   "{\"execute\":\"blockdev-del\",\"arguments\":{\"node-name\":\"drive-0\"}}");
  g_clear_pointer (&line, g_free);
  line = qmp_client_read_line (client);
  g_assert_true (g_str_has_prefix (line, "{\"error\":{\"class\":\"GenericError\""));
  sv_object_release (node, device);

  qmp_client_assert_reply (client,
                           "{\"execute\":\"blockdev-add\",\"arguments\":{\"node-name\":\"drive-0\","
                           "\"driver\":\"file\"}}",
                           GENERIC ("Duplicate nodes with node-name='drive-0'"));
  qmp_client_assert_reply (client,
                           "{\"execute\":\"blockdev-add\",\"arguments\":{\"node-name\":\"x\"}}",
                           GENERIC ("Parameter 'driver' is missing"));
  qmp_client_assert_reply (
      client,
      "{\"execute\":\"blockdev-add\",\"arguments\":{\"node-name\":\"x\",\"driver\":\"nope\"}}",
      GENERIC ("Parameter 'driver' does not accept value 'nope'"));
  qmp_client_assert_reply (
      client, "{\"execute\":\"blockdev-del\",\"arguments\":{\"node-name\":\"drive-0\"}}", DONE);
  qmp_client_assert_reply (
      client, "{\"execute\":\"blockdev-del\",\"arguments\":{\"node-name\":\"drive-0\"}}",
      GENERIC ("Failed to find node with node-name='drive-0'"));
  g_unlink (path);
}

#define THROTTLE(who, iops, rest)                                                                  \
  "{\"execute\":\"block_set_io_throttle\",\"arguments\":{" who "\"bps\":0,\"bps_rd\":4096,"         \
  "\"bps_wr\":0,\"iops\":" iops ",\"iops_rd\":0,\"iops_wr\":0" rest "}}"

static void
test_block_limits (QmpFixture *fixture, gconstpointer data)
{
  QmpClient *client = &fixture->client;
  g_autofree char *path = NULL;
  g_autofree char *line = NULL;
  int fd = g_file_open_tmp ("sv-qmp-XXXXXX", &path, NULL);

  g_assert_cmpint (ftruncate (fd, 1 << 20), ==, 0);
  close (fd);
  send_line (fixture,
             "{\"execute\":\"blockdev-add\",\"arguments\":{\"node-name\":\"limited\",\"driver\":"
             "\"file\",\"filename\":\"%s\",\"throttling\":{\"iops-total\":5}}}",
             path);
  expect_line (fixture, DONE);
  qmp_client_assert_reply (client,
                           "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"/block/limited\","
                           "\"property\":\"throttling.iops-total\"}}",
                           "{\"return\":5}");
  qmp_client_assert_reply (client, THROTTLE ("\"device\":\"limited\",", "100", ",\"iops_max\":0"),
                           DONE);
  qmp_client_send (client, "{\"execute\":\"query-named-block-nodes\"}");
  line = qmp_client_read_line (client);
  g_assert_nonnull (strstr (line, "\"bps\":0,\"bps_rd\":4096,\"bps_wr\":0,\"iops\":100,"
                                  "\"iops_rd\":0,\"iops_wr\":0"));

  qmp_client_assert_reply (client, THROTTLE ("\"device\":\"limited\",", "1000001", ""),
                           GENERIC ("Parameter 'iops' expects a value from 0 to 1000000"));
  qmp_client_assert_reply (client, THROTTLE ("\"device\":\"limited\",", "-1", ""),
                           GENERIC ("Parameter 'iops' expects a value from 0 to 1000000"));
  qmp_client_assert_reply (
      client, THROTTLE ("\"device\":\"limited\",", "1", ",\"iops_max\":2"),
      GENERIC ("Parameter 'iops_max' can only be 0: a limit is kept without bursts"));
  qmp_client_assert_reply (client, THROTTLE ("", "1", ""),
                           GENERIC ("Need exactly one of 'device' and 'id'"));
  qmp_client_assert_reply (
      client, THROTTLE ("\"id\":\"nope\",", "1", ""),
      "{\"error\":{\"class\":\"DeviceNotFound\",\"desc\":\"Device 'nope' not found\"}}");
  qmp_client_assert_reply (
      client, "{\"execute\":\"blockdev-del\",\"arguments\":{\"node-name\":\"limited\"}}", DONE);
  g_unlink (path);
}

#define ADD(path, function)                                                                        \
  g_test_add (path, QmpFixture, NULL, qmp_fixture_set_up, function, qmp_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  sv_type_registry_add (types, G_N_ELEMENTS (types));
  ADD ("/qmp/backends/cpus", test_cpus);
  ADD ("/qmp/backends/reset", test_reset);
  ADD ("/qmp/backends/block-limits", test_block_limits);
  ADD ("/qmp/backends/iothreads", test_iothreads);
  ADD ("/qmp/backends/chardevs", test_chardevs);
  ADD ("/qmp/backends/monitor", test_monitor);
  ADD ("/qmp/backends/no-wait", test_no_wait);
  ADD ("/qmp/backends/inherited-socket", test_inherited_socket);
  ADD ("/qmp/backends/block", test_block);
  return g_test_run ();
}
