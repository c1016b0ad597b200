/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "qmp-fixture.h"
#include "qmp/sv-qmp-command.h"
#include "qmp/sv-qmp-json.h"
#include "qmp/sv-qmp-schema.h"

#define ERROR(klass, desc) "{\"error\":{\"class\":\"" klass "\",\"desc\":\"" desc "\"}}"
#define GENERIC(desc) ERROR ("GenericError", desc)
#define DONE "{\"return\":{}}"

/* The command's return value; the reply must not be an error. */
static JsonNode *
execute (QmpFixture *fixture, const char *text)
{
  g_autofree char *line = NULL;
  g_autoptr (JsonNode) reply = NULL;

  qmp_client_send (&fixture->client, text);
  line = qmp_client_read_line (&fixture->client);
  g_test_message ("%s -> %s", text, line);
  reply = sv_qmp_json_parse (line, strlen (line), NULL);
  g_assert_nonnull (reply);
  g_assert_true (json_object_has_member (json_node_get_object (reply), "return"));
  return json_node_ref (json_object_get_member (json_node_get_object (reply), "return"));
}

static JsonObject *
find_entry (JsonNode *array, const char *key, const char *value)
{
  JsonArray *elements = json_node_get_array (array);

  for (guint i = 0; i < json_array_get_length (elements); i++)
    {
      JsonObject *element = json_array_get_object_element (elements, i);

      if (g_strcmp0 (json_object_get_string_member_with_default (element, key, NULL), value) == 0)
        return element;
    }
  return NULL;
}

/* Each query command returns what the schema says. */
static void
test_queries (QmpFixture *fixture, gconstpointer data)
{
  guint n = 0;

  for (guint i = 0; i < sv_qmp_schema_n_commands; i++)
    {
      const char *name = sv_qmp_schema_string (sv_qmp_schema_commands[i].name);
      g_autofree char *text = g_strdup_printf ("{\"execute\":\"%s\"}", name);
      g_autoptr (JsonNode) value = NULL;
      g_autoptr (GError) error = NULL;

      /* There is no balloon here; the other does not come without arguments. */
      if (!g_str_has_prefix (name, "query-") || g_str_equal (name, "query-balloon") || g_str_equal (name, "query-vm-generation-id")
          || g_str_equal (name, "query-cpu-model-expansion"))
        continue;
      value = execute (fixture, text);
      sv_qmp_schema_check (sv_qmp_schema_commands[i].returns, value, &error);
      g_assert_no_error (error);
      n++;
    }
  g_assert_cmpuint (n, >, 15);
}

static void
test_control (QmpFixture *fixture, gconstpointer data)
{
  QmpClient *client = &fixture->client;
  g_autoptr (JsonNode) commands = execute (fixture, "{\"execute\":\"query-commands\"}");
  g_autoptr (JsonNode) events = execute (fixture, "{\"execute\":\"query-events\"}");
  g_autoptr (JsonNode) schema = execute (fixture, "{\"execute\":\"query-qmp-schema\"}");

  g_assert_nonnull (find_entry (commands, "name", "query-commands"));
  g_assert_cmpuint (json_array_get_length (json_node_get_array (commands)), ==,
                    sv_qmp_schema_n_commands);
  g_assert_nonnull (find_entry (events, "name", "STOP"));
  g_assert_nonnull (find_entry (schema, "name", "query-commands"));
  qmp_client_assert_reply (
      client, "{\"execute\":\"query-version\"}",
      "{\"return\":{\"qemu\":{\"micro\":1,\"minor\":0,\"major\":5},\"package\":"
      "\"stratovirt-" SV_VERSION "\"}}");
  qmp_client_assert_reply (client, "{\"execute\":\"qmp_capabilities\"}", DONE);
  qmp_client_assert_reply (
      client, "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[]}}", DONE);
  qmp_client_assert_reply (
      client, "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]}}",
      GENERIC ("Capability oob not available"));
  qmp_client_assert_reply (client, "{\"execute\":\"query-name\"}", DONE);
  qmp_client_assert_reply (client, "{\"execute\":\"query-uuid\"}",
                           "{\"return\":{\"UUID\":\"00000000-0000-0000-0000-000000000000\"}}");
#ifdef __x86_64__
  qmp_client_assert_reply (client, "{\"execute\":\"query-target\"}",
                           "{\"return\":{\"arch\":\"x86_64\"}}");
#endif
}

#define STATUS(running, state)                                                                     \
  "{\"return\":{\"running\":" running ",\"singlestep\":false,\"status\":\"" state "\"}}"
#define EVENT(name) "{\"event\":\"" name "\",\"data\":{},T}"

static void
test_run (QmpFixture *fixture, gconstpointer data)
{
  QmpClient *client = &fixture->client;
  QmpClient other;
  const char *query = "{\"execute\":\"query-status\"}";

  qmp_client_connect (fixture, &other);
  qmp_client_assert_reply (client, query, STATUS ("false", "prelaunch"));
  /* The event comes before the reply, and to everybody. */
  qmp_client_assert_reply (client, "{\"execute\":\"cont\",\"id\":1}", EVENT ("RESUME"));
  qmp_client_assert_line (client, "{\"return\":{},\"id\":1}");
  qmp_client_assert_line (&other, EVENT ("RESUME"));
  qmp_client_assert_reply (client, query, STATUS ("true", "running"));
  qmp_client_assert_reply (client, "{\"execute\":\"cont\"}", DONE);
  qmp_client_assert_reply (&other, "{\"execute\":\"stop\"}", EVENT ("STOP"));
  qmp_client_assert_line (&other, DONE);
  qmp_client_assert_line (client, EVENT ("STOP"));
  qmp_client_assert_reply (client, query, STATUS ("false", "paused"));
  qmp_client_assert_reply (client, "{\"execute\":\"stop\"}", DONE);

  qmp_client_assert_reply (client, "{\"execute\":\"system_powerdown\"}", EVENT ("POWERDOWN"));
  qmp_client_assert_line (client, DONE);
  g_signal_emit_by_name (fixture->machine, "reset", SV_SHUTDOWN_CAUSE_GUEST_RESET);
  qmp_client_assert_line (
      client, "{\"event\":\"RESET\",\"data\":{\"guest\":true,\"reason\":\"guest-reset\"},T}");
  g_signal_emit_by_name (fixture->machine, "shutdown", SV_SHUTDOWN_CAUSE_HOST_SIGNAL);
  qmp_client_assert_line (
      client, "{\"event\":\"SHUTDOWN\",\"data\":{\"guest\":false,\"reason\":\"host-signal\"},"
              "T}");
  qmp_client_close (&other);
}

/* A stop that waits for disks keeps nobody else waiting. */
static void
test_slow_stop (QmpFixture *fixture, gconstpointer data)
{
  QmpClient *client = &fixture->client;
  QmpClient other;

  qmp_client_connect (fixture, &other);
  qmp_client_assert_reply (
      client, "{\"execute\":\"device_add\",\"arguments\":{\"driver\":\"test-device\",\"id\":\"d\"}}", DONE);
  qmp_client_assert_reply (client, "{\"execute\":\"cont\"}", EVENT ("RESUME"));
  qmp_client_assert_line (client, DONE);
  qmp_client_assert_line (&other, EVENT ("RESUME"));
  qmp_test_device_is_busy = TRUE;
  qmp_client_send (client, "{\"execute\":\"stop\"}");
  for (guint i = 0; i < 3; i++)
    qmp_client_assert_reply (&other, "{\"execute\":\"query-status\"}", STATUS ("true", "running"));
  qmp_test_device_is_busy = FALSE;
  sv_machine_settled (fixture->machine);
  qmp_client_assert_line (&other, EVENT ("STOP"));
  qmp_client_assert_line (client, EVENT ("STOP"));
  qmp_client_assert_line (client, DONE);
  qmp_client_close (&other);
}

static void
on_quit (SvMachine *machine, int status, gpointer user_data)
{
  *(int *)user_data = status;
}

/* The reply first, then the event, then the process may end. */
static void
test_quit (QmpFixture *fixture, gconstpointer data)
{
  int status = -1;

  g_signal_connect (fixture->machine, "quit", G_CALLBACK (on_quit), &status);
  qmp_client_assert_reply (&fixture->client, "{\"execute\":\"quit\"}", DONE);
  qmp_client_assert_line (&fixture->client,
                          "{\"event\":\"SHUTDOWN\",\"data\":{\"guest\":false,\"reason\":"
                          "\"host-qmp-quit\"},T}");
  qmp_run_pending ();
  g_assert_cmpint (status, ==, 0);
}

static void
test_no_machine (QmpFixture *fixture, gconstpointer data)
{
  sv_object_unparent (SV_OBJECT (fixture->machine));
  qmp_client_assert_reply (&fixture->client, "{\"execute\":\"stop\"}",
                           GENERIC ("There is no virtual machine yet"));
  qmp_client_assert_reply (&fixture->client, "{\"execute\":\"query-status\"}",
                           STATUS ("false", "prelaunch"));
  /* Its events are no longer ours. */
  g_signal_emit_by_name (fixture->machine, "stopped");
  qmp_client_assert_reply (&fixture->client, "{\"execute\":\"query-cpus-fast\"}",
                           "{\"return\":[]}");
}

static void
test_qom (QmpFixture *fixture, gconstpointer data)
{
  QmpClient *client = &fixture->client;
  g_autoptr (SvObject) object = g_object_new (test_object_get_type (), "text", "hello", NULL);
  SvObject *objects = sv_object_ensure_container (fixture->root, "objects");

  g_assert_true (sv_object_add_child (objects, "o1", object, NULL));
  qmp_client_assert_reply (
      client, "{\"execute\":\"qom-list\",\"arguments\":{\"path\":\"/objects/o1\"}}",
      "{\"return\":[{\"name\":\"type\",\"type\":\"string\"},{\"name\":\"text\",\"type\":\"str\"},{"
      "\"name\":"
      "\"friend\",\"type\":\"link<container>\"},{\"name\":\"fixed\",\"type\":\"int64\"}]}");
#define GET(path, name)                                                                            \
  "{\"execute\":\"qom-get\",\"arguments\":{\"path\":\"" path "\",\"property\":\"" name "\"}}"
#define SET(path, name, value)                                                                     \
  "{\"execute\":\"qom-set\",\"arguments\":{\"path\":\"" path "\",\"property\":\"" name             \
  "\",\"value\":" value "}}"
  qmp_client_assert_reply (client, GET ("o1", "text"), "{\"return\":\"hello\"}");
  qmp_client_assert_reply (client, GET ("objects/o1", "fixed"), "{\"return\":-5}");
  qmp_client_assert_reply (client, GET ("/objects/o1", "friend"), "{\"return\":\"\"}");
  qmp_client_assert_reply (client, GET ("/objects/o1", "type"), "{\"return\":\"test-object\"}");
  qmp_client_assert_reply (client, GET ("/objects", "o1"), "{\"return\":\"/objects/o1\"}");
  qmp_client_assert_reply (client, GET ("/", "machine"), "{\"return\":\"/machine\"}");
  qmp_client_assert_reply (client, SET ("o1", "text", "\"bye\""), DONE);
  qmp_client_assert_reply (client, GET ("o1", "text"), "{\"return\":\"bye\"}");
  qmp_client_assert_reply (client, SET ("o1", "friend", "\"/machine\""), DONE);
  qmp_client_assert_reply (client, GET ("o1", "friend"), "{\"return\":\"/machine\"}");
  qmp_client_assert_reply (client, GET ("/nope", "x"),
                           ERROR ("DeviceNotFound", "Device '/nope' not found"));
  qmp_client_assert_reply (client, "{\"execute\":\"qom-list\",\"arguments\":{\"path\":\"\"}}",
                           ERROR ("DeviceNotFound", "Device '' not found"));
  qmp_client_assert_reply (client, GET ("o1", "x"), GENERIC ("Property 'test-object.x' not found"));
  qmp_client_assert_reply (client, SET ("o1", "x", "1"),
                           GENERIC ("Property 'test-object.x' not found"));
  qmp_client_assert_reply (client, SET ("o1", "fixed", "1"),
                           GENERIC ("Property 'test-object.fixed' is not writable"));
  qmp_client_assert_reply (client, SET ("o1", "type", "1"),
                           GENERIC ("Property 'test-object.type' is not writable"));
  qmp_client_assert_reply (client, SET ("/", "machine", "1"),
                           GENERIC ("Property 'container.machine' is not writable"));
  {
    g_autoptr (SvObject) twin = g_object_new (test_object_get_type (), NULL);

    g_assert_true (sv_object_add_child (fixture->root, "o1", twin, NULL));
    qmp_client_assert_reply (client, GET ("o1", "text"),
                             GENERIC ("'o1' is ambiguous: it may be '/objects/o1' or '/o1'"));
  }
}

static void
test_list (QmpFixture *fixture, gconstpointer data)
{
  g_autoptr (JsonNode) list
      = execute (fixture, "{\"execute\":\"qom-list\",\"arguments\":{\"path\":\"/machine\"}}");
  JsonObject *entry = find_entry (list, "name", "peripheral");

  g_assert_cmpstr (json_object_get_string_member (entry, "type"), ==, "child<container>");
  entry = find_entry (list, "name", "memory-size");
  g_assert_cmpstr (json_object_get_string_member (entry, "type"), ==, "size");
  entry = find_entry (list, "name", "run-state");
  g_assert_cmpstr (json_object_get_string_member (entry, "type"), ==, "RunState");
}

static void
test_types (QmpFixture *fixture, gconstpointer data)
{
  QmpClient *client = &fixture->client;
  g_autoptr (JsonNode) all = execute (fixture, "{\"execute\":\"qom-list-types\"}");
  g_autoptr (JsonNode) gadgets = NULL;
  g_autoptr (JsonNode) devices = NULL;
  g_autoptr (JsonNode) properties = NULL;
  g_autoptr (JsonNode) machines = NULL;
  JsonObject *entry;

  g_assert_nonnull (find_entry (all, "name", "test-device"));
  g_assert_nonnull (find_entry (all, "name", "test-object"));
  entry = find_entry (all, "name", "test-gadget");
  g_assert_cmpstr (json_object_get_string_member (entry, "parent"), ==, "test-device");

  gadgets = execute (
      fixture, "{\"execute\":\"qom-list-types\",\"arguments\":{\"implements\":\"test-device\"}}");
  g_assert_cmpuint (json_array_get_length (json_node_get_array (gadgets)), ==, 2);
  devices = execute (fixture,
                     "{\"execute\":\"qom-list-types\",\"arguments\":{\"implements\":\"device\"}}");
  g_assert_nonnull (find_entry (devices, "name", "host-x86-cpu"));
  g_assert_nonnull (find_entry (devices, "name", "test-gadget"));
  g_assert_null (find_entry (devices, "name", "test-machine"));
  g_assert_cmpstr (
      json_object_get_string_member (find_entry (all, "name", "test-object"), "parent"), ==,
      "object");

  qmp_client_assert_reply (
      client, "{\"execute\":\"qom-list-types\",\"arguments\":{\"implements\":\"nope\"}}",
      "{\"return\":[]}");

  qmp_client_assert_reply (
      client,
      "{\"execute\":\"device-list-properties\",\"arguments\":{\"typename\":\"test-device\"}}",
      "{\"return\":[{\"name\":\"speed\",\"type\":\"uint8\",\"description\":\"How "
      "fast\",\"default-value\":10}]}");
  qmp_client_assert_reply (
      client, "{\"execute\":\"device-list-properties\",\"arguments\":{\"typename\":\"nope\"}}",
      ERROR ("DeviceNotFound", "Device 'nope' not found"));
  qmp_client_assert_reply (
      client,
      "{\"execute\":\"device-list-properties\",\"arguments\":{\"typename\":\"test-object\"}}",
      GENERIC ("Parameter 'typename' expects a non-abstract device type"));

  properties = execute (
      fixture,
      "{\"execute\":\"qom-list-properties\",\"arguments\":{\"typename\":\"test-machine\"}}");
  g_assert_nonnull (find_entry (properties, "name", "memory-backend"));
  qmp_client_assert_reply (
      client, "{\"execute\":\"qom-list-properties\",\"arguments\":{\"typename\":\"nope-machine\"}}",
      "{\"return\":[]}");

  machines = execute (fixture, "{\"execute\":\"query-machines\"}");
  entry = find_entry (machines, "name", "test");
  g_assert_nonnull (entry);
  g_assert_cmpint (json_object_get_int_member (entry, "cpu-max"), ==, 254);
  g_assert_cmpstr (json_object_get_string_member (entry, "default-ram-id"), ==, "test.ram");
}

static void
test_objects (QmpFixture *fixture, gconstpointer data)
{
  QmpClient *client = &fixture->client;
#define OBJECT_ADD(rest) "{\"execute\":\"object-add\",\"arguments\":{" rest "}}"
  qmp_client_assert_reply (
      client, OBJECT_ADD ("\"qom-type\":\"test-object\",\"id\":\"a\",\"text\":\"x\""), DONE);
  qmp_client_assert_reply (client, GET ("/objects/a", "text"), "{\"return\":\"x\"}");
  qmp_client_assert_reply (
      client, OBJECT_ADD ("\"qom-type\":\"test-object\",\"id\":\"1a\""),
      GENERIC ("Parameter 'id' expects an identifier, got '1a': a letter, then letters, "
                   "digits, '-', '.', '_'"));
  qmp_client_assert_reply (client, OBJECT_ADD ("\"qom-type\":\"nope\",\"id\":\"b\""),
                           GENERIC ("Parameter 'qom-type' does not accept value 'nope'"));
  qmp_client_assert_reply (client, OBJECT_ADD ("\"qom-type\":\"test-device\",\"id\":\"b\""),
                           GENERIC ("Parameter 'qom-type' does not accept value 'test-device'"));
  qmp_client_assert_reply (client, OBJECT_ADD ("\"qom-type\":\"test-machine\",\"id\":\"b\""),
                           GENERIC ("Parameter 'qom-type' does not accept value 'test-machine'"));
  qmp_client_assert_reply (client,
                           OBJECT_ADD ("\"qom-type\":\"test-object\",\"id\":\"b\",\"nope\":1"),
                           GENERIC ("test-object: Property 'nope' not found"));
  qmp_client_assert_reply (client, "{\"execute\":\"object-del\",\"arguments\":{\"id\":\"b\"}}",
                           GENERIC ("object 'b' not found"));
  qmp_client_assert_reply (client, "{\"execute\":\"object-del\",\"arguments\":{\"id\":\"a\"}}",
                           DONE);
  qmp_client_assert_reply (client, GET ("/objects/a", "text"),
                           ERROR ("DeviceNotFound", "Device '/objects/a' not found"));
}

static void
test_devices (QmpFixture *fixture, gconstpointer data)
{
  QmpClient *client = &fixture->client;
#define DEVICE_ADD(rest) "{\"execute\":\"device_add\",\"arguments\":{" rest "}}"
#define DEVICE_DEL(id) "{\"execute\":\"device_del\",\"arguments\":{\"id\":\"" id "\"}}"
  qmp_client_assert_reply (
      client, DEVICE_ADD ("\"driver\":\"test-device\",\"id\":\"d\",\"speed\":\"0x14\""), DONE);
  qmp_client_assert_reply (client, GET ("/machine/peripheral/d", "speed"), "{\"return\":20}");
  qmp_client_assert_reply (client, DEVICE_ADD ("\"driver\":\"nope\",\"id\":\"e\""),
                           GENERIC ("'nope' is not a valid device model name"));
  qmp_client_assert_reply (client, DEVICE_ADD ("\"driver\":\"test-device\",\"id\":\"d\""),
                           GENERIC ("Duplicate device ID 'd'"));
  /* One that fails leaves nothing, and no event of its removal. */
  qmp_test_device_fails = TRUE;
  qmp_client_assert_reply (client, DEVICE_ADD ("\"driver\":\"test-device\",\"id\":\"e\""),
                           GENERIC ("The device is broken"));
  qmp_test_device_fails = FALSE;
  qmp_client_assert_reply (client, DEVICE_DEL ("e"),
                           ERROR ("DeviceNotFound", "Device 'e' not found"));
  qmp_client_assert_reply (client, DEVICE_DEL ("/machine"),
                           ERROR ("DeviceNotFound", "Device '/machine' not found"));
}

static void
test_device_deleted (QmpFixture *fixture, gconstpointer data)
{
  QmpClient *client = &fixture->client;
  SvObject *device;

  qmp_client_assert_reply (client, DEVICE_ADD ("\"driver\":\"test-device\",\"id\":\"d\""), DONE);
  device = sv_object_resolve (fixture->root, "d", SV_TYPE_DEVICE, NULL);
  sv_machine_remove_device (fixture->machine, SV_DEVICE (device));
  qmp_client_assert_line (client,
                          "{\"event\":\"DEVICE_DELETED\",\"data\":{\"device\":\"d\",\"path\":"
                          "\"/machine/peripheral/d\"},T}");
  qmp_client_assert_reply (client, DEVICE_ADD ("\"driver\":\"test-device\""), DONE);
  device = sv_object_resolve (fixture->root, "peripheral-anon/device[0]", SV_TYPE_DEVICE, NULL);
  sv_machine_remove_device (fixture->machine, SV_DEVICE (device));
  qmp_client_assert_line (client, "{\"event\":\"DEVICE_DELETED\",\"data\":{\"path\":"
                                  "\"/machine/peripheral-anon/device[0]\"},T}");
}

static void
test_name (QmpFixture *fixture, gconstpointer data)
{
  qmp_client_assert_reply (&fixture->client, "{\"execute\":\"query-name\"}", "{\"return\":{\"name\":\"it\"}}");
}

#define ADD(path, function)                                                                        \
  g_test_add (path, QmpFixture, NULL, qmp_fixture_set_up, function, qmp_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/qmp/commands/name", QmpFixture, "it", qmp_fixture_set_up, test_name, qmp_fixture_tear_down);
  ADD ("/qmp/commands/queries", test_queries);
  ADD ("/qmp/commands/control", test_control);
  ADD ("/qmp/commands/run", test_run);
  ADD ("/qmp/commands/slow-stop", test_slow_stop);
  ADD ("/qmp/commands/quit", test_quit);
  ADD ("/qmp/commands/no-machine", test_no_machine);
  ADD ("/qmp/commands/qom", test_qom);
  ADD ("/qmp/commands/list", test_list);
  ADD ("/qmp/commands/types", test_types);
  ADD ("/qmp/commands/objects", test_objects);
  ADD ("/qmp/commands/devices", test_devices);
  ADD ("/qmp/commands/device-deleted", test_device_deleted);
  return g_test_run ();
}
