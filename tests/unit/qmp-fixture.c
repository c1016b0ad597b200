/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qmp-fixture.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "qom/sv-type-registry.h"

#define PATIENCE_SECONDS 30

/* Types */

typedef SvMachine TestMachine;
typedef SvMachineClass TestMachineClass;
static GType test_machine_get_type (void);
G_DEFINE_TYPE (TestMachine, test_machine, SV_TYPE_MACHINE)

static gboolean
test_machine_nothing (SvMachine *machine, GError **error)
{
  return TRUE;
}

static void
test_machine_class_init (TestMachineClass *klass)
{
  klass->build = test_machine_nothing;
  klass->load = test_machine_nothing;
}

static void
test_machine_init (TestMachine *self)
{
}

typedef struct
{
  SvDevice parent_instance;
  guint speed;
} TestDevice;
typedef SvDeviceClass TestDeviceClass;
static GType test_device_get_type (void);
G_DEFINE_TYPE (TestDevice, test_device, SV_TYPE_DEVICE)

gboolean qmp_test_device_fails;

static gboolean
test_device_realize (SvDevice *device, GError **error)
{
  if (qmp_test_device_fails)
    g_set_error_literal (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY, "The device is broken");
  return !qmp_test_device_fails;
}

static void
test_device_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_set_uint (value, ((TestDevice *) object)->speed);
}

static void
test_device_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ((TestDevice *) object)->speed = g_value_get_uint (value);
}

static void
test_device_class_init (TestDeviceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = test_device_get_property;
  object_class->set_property = test_device_set_property;
  klass->realize = test_device_realize;
  klass->user_creatable = TRUE;
  g_object_class_install_property (
      object_class,
      1,
      g_param_spec_uint ("speed", "speed", "How fast", 0, 100, 10, SV_PARAM_RW_WIRING));
}

static void
test_device_init (TestDevice *self)
{
}

typedef struct
{
  SvObject parent_instance;
  char *text;
  SvObject *friend;
} TestObject;
typedef SvObjectClass TestObjectClass;
G_DEFINE_TYPE (TestObject, test_object, SV_TYPE_OBJECT)

static GParamSpec *friend_pspec;

static void
test_object_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  TestObject *self = (TestObject *) object;

  if (id == 1)
    g_value_set_string (value, self->text);
  else if (id == 2)
    g_value_set_object (value, self->friend);
  else
    g_value_set_int64 (value, -5);
}

static void
test_object_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  TestObject *self = (TestObject *) object;

  if (id == 1)
    {
      g_free (self->text);
      self->text = g_value_dup_string (value);
    }
  else
    sv_object_set_link (SV_OBJECT (self), friend_pspec, &self->friend, g_value_get_object (value));
}

static void
test_object_dispose (GObject *object)
{
  sv_object_set_link (SV_OBJECT (object), friend_pspec, &((TestObject *) object)->friend, NULL);
  G_OBJECT_CLASS (test_object_parent_class)->dispose (object);
}

static void
test_object_finalize (GObject *object)
{
  g_free (((TestObject *) object)->text);
  G_OBJECT_CLASS (test_object_parent_class)->finalize (object);
}

static void
test_object_class_init (TestObjectClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = test_object_get_property;
  object_class->set_property = test_object_set_property;
  object_class->dispose = test_object_dispose;
  object_class->finalize = test_object_finalize;
  g_object_class_install_property (
      object_class,
      1,
      g_param_spec_string ("text", "text", "Some text", NULL, SV_PARAM_RW));
  friend_pspec = g_param_spec_object ("friend", "friend", "A link", SV_TYPE_OBJECT, SV_PARAM_RW);
  g_object_class_install_property (object_class, 2, friend_pspec);
  g_object_class_install_property (
      object_class,
      3,
      g_param_spec_int64 ("fixed", "fixed", "", G_MININT64, G_MAXINT64, 0, SV_PARAM_RO));
}

static void
test_object_init (TestObject *self)
{
}

static const SvTypeEntry types[] = {
  { "container", sv_object_get_type, NULL },
  { "test-device", test_device_get_type, NULL },
  { "test-gadget", NULL, "test-device" },
  { "test-machine", test_machine_get_type, NULL },
  { "test-object", test_object_get_type, NULL },
};

/* Clients */

static gboolean
out_of_patience (gpointer data)
{
  g_error ("nothing happened for %d seconds", PATIENCE_SECONDS);
  return G_SOURCE_REMOVE;
}

/* Blocks in the main loop until something happens; the server may just have made it happen already. */
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
          length = (gsize) (end - client->received->str);
          g_assert_cmpuint (length, >, 0);
          g_assert_cmpint (end[-1], ==, '\r');
          line = g_strndup (client->received->str, length - 1);
          g_string_erase (client->received, 0, (gssize) length + 1);
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

  g_assert_cmpint (send (client->fd, text, length, MSG_NOSIGNAL), ==, (gssize) length);
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
  g_assert_cmpstr (greeting,
                   ==,
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
      sv_type_registry_add (types, G_N_ELEMENTS (types));
      g_once_init_leave (&once, 1);
    }
  qmp_test_device_fails = FALSE;
  fixture->root = sv_object_new_container ();
  fixture->server = sv_qmp_server_new (fixture->root);
  fixture->machine = g_object_new (test_machine_get_type (), NULL);
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
