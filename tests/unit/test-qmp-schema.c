/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "qmp/sv-qmp-command.h"
#include "qmp/sv-qmp-error.h"
#include "qmp/sv-qmp-json.h"
#include "qmp/sv-qmp-schema.h"

static JsonNode *
parse (const char *text)
{
  JsonNode *node = sv_qmp_json_parse (text, strlen (text), NULL);

  g_assert_nonnull (node);
  return node;
}

/* @message: NULL when the arguments are fine */
static void
assert_check (const char *name, const char *arguments, const char *message)
{
  const SvQmpCommand *command = sv_qmp_command_find (name);
  g_autoptr (JsonNode) node = arguments ? parse (arguments) : NULL;
  g_autoptr (GError) error = NULL;
  gboolean good;

  g_assert_nonnull (command);
  good = sv_qmp_schema_check_object (command->arguments, node ? json_node_get_object (node) : NULL,
                                     &error);
  g_assert_cmpstr (error ? error->message : NULL, ==, message);
  g_assert_cmpint (good, ==, message == NULL);
  if (error)
    g_assert_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC);
}

static void
test_arguments (void)
{
  assert_check ("query-status", NULL, NULL);
  assert_check ("query-status", "{}", NULL);
  assert_check ("query-status", "{\"x\":1}", "Parameter 'x' is unexpected");
  assert_check ("qom-get", NULL, "Parameter 'path' is missing");
  assert_check ("qom-get", "{\"path\":\"/\"}", "Parameter 'property' is missing");
  assert_check ("qom-get", "{\"path\":1,\"property\":\"x\"}",
                "Invalid parameter type for 'path', expected: string");
  assert_check ("qom-get", "{\"path\":null,\"property\":\"x\"}",
                "Invalid parameter type for 'path', expected: string");
  assert_check ("qom-get", "{\"path\":[],\"property\":\"x\"}",
                "Invalid parameter type for 'path', expected: string");
  assert_check ("qom-get", "{\"path\":\"/\",\"property\":\"x\"}", NULL);
  assert_check ("qom-get", "{\"path\":\"/\",\"property\":\"x\",\"$WHAT\":1}",
                "Parameter '$WHAT' is unexpected");
  assert_check ("qom-set", "{\"path\":\"/\",\"property\":\"x\",\"value\":{\"any\":[null]}}", NULL);
  assert_check ("qom-set", "{\"path\":\"/\",\"property\":\"x\"}", "Parameter 'value' is missing");
  assert_check ("qom-list-types", "{\"abstract\":true}", NULL);
  assert_check ("qom-list-types", "{\"abstract\":1}",
                "Invalid parameter type for 'abstract', expected: boolean");
  assert_check ("qmp_capabilities", "{\"enable\":[\"oob\"]}", NULL);
  assert_check ("qmp_capabilities", "{\"enable\":1}",
                "Invalid parameter type for 'enable', expected: array");
  assert_check ("qmp_capabilities", "{\"enable\":[\"oob\",\"x\"]}",
                "Parameter 'enable[1]' does not accept value 'x'");
  assert_check ("qmp_capabilities", "{\"enable\":[3]}",
                "Invalid parameter type for 'enable[0]', expected: string");
}

static void
test_nested (void)
{
  assert_check ("chardev-add", "{\"id\":\"a\",\"backend\":{\"data\":{}}}",
                "Parameter 'backend.type' is missing");
  assert_check ("chardev-add", "{\"id\":\"a\",\"backend\":{\"type\":\"null\",\"x\":1}}",
                "Parameter 'backend.x' is unexpected");
  assert_check ("chardev-add",
                "{\"id\":\"a\",\"backend\":{\"type\":\"socket\",\"data\":{\"addr\":{\"type\":\"x\","
                "\"data\":{}}}}}",
                "Parameter 'backend.data.addr.type' does not accept value 'x'");
  assert_check ("chardev-add", "{\"id\":\"a\",\"backend\":7}",
                "Invalid parameter type for 'backend', expected: object");
  /* open: properties of the type */
  assert_check ("device_add", "{\"driver\":\"x\",\"queues\":3}", NULL);
  assert_check ("device_add", "{\"queues\":3}", "Parameter 'driver' is missing");
  /* alternate */
  assert_check ("blockdev-add", "{\"node-name\":\"x\",\"file\":\"y\"}", NULL);
  assert_check ("blockdev-add", "{\"node-name\":\"x\",\"file\":{\"driver\":\"file\"}}", NULL);
  assert_check ("blockdev-add", "{\"node-name\":\"x\",\"file\":{}}",
                "Parameter 'file.driver' is missing");
  assert_check ("blockdev-add", "{\"node-name\":\"x\",\"file\":1}",
                "Invalid parameter type for 'file', expected: BlockdevRef");
}

static guint16
find_builtin (const char *name)
{
  for (guint16 i = 0; i < 1000; i++)
    if (strcmp (sv_qmp_schema_string (sv_qmp_schema_types[i].name), name) == 0)
      return i;
  g_assert_not_reached ();
}

static void
test_integers (void)
{
  guint16 type = find_builtin ("int");
  static const struct
  {
    const char *text;
    gboolean good;
  } cases[] = {
    { "0", TRUE },
    { "-1", TRUE },
    { "1.0", FALSE },
    { "\"1\"", FALSE },
    { "99999999999999999999", FALSE },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (JsonNode) node = parse (cases[i].text);

      g_assert_cmpint (sv_qmp_schema_check (type, node, NULL), ==, cases[i].good);
    }
}

static void
assert_type_exists (GHashTable *entries, const char *name)
{
  g_assert_nonnull (name);
  if (!g_hash_table_contains (entries, name))
    g_error ("query-qmp-schema refers to type '%s', which it does not hold", name);
}

static void
check_members (GHashTable *entries, JsonObject *entry, const char *member)
{
  JsonArray *array;

  if (!json_object_has_member (entry, member))
    return;
  array = json_object_get_array_member (entry, member);
  for (guint i = 0; i < json_array_get_length (array); i++)
    assert_type_exists (
        entries, json_object_get_string_member (json_array_get_object_element (array, i), "type"));
}

static void
test_introspection (void)
{
  g_autoptr (JsonNode) node = parse (sv_qmp_schema_json);
  JsonArray *array = json_node_get_array (node);
  g_autoptr (GHashTable) entries = g_hash_table_new (g_str_hash, g_str_equal);
  guint n_commands = 0;
  guint n_events = 0;
  guint n_used = 0;

  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonObject *entry = json_array_get_object_element (array, i);
      char *name = (char *)json_object_get_string_member (entry, "name");

      g_assert_true (g_hash_table_insert (entries, name, entry));
    }
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonObject *entry = json_array_get_object_element (array, i);
      const char *meta = json_object_get_string_member (entry, "meta-type");
      const char *name = json_object_get_string_member (entry, "name");

      if (strcmp (meta, "command") == 0)
        {
          g_assert_nonnull (sv_qmp_command_find (name));
          n_commands++;
          assert_type_exists (entries, json_object_get_string_member (entry, "ret-type"));
        }
      else if (strcmp (meta, "event") == 0)
        {
          g_assert_nonnull (sv_qmp_schema_find_event (name));
          n_events++;
        }
      else
        n_used++;
      if (strcmp (meta, "command") == 0 || strcmp (meta, "event") == 0)
        {
          const char *type = json_object_get_string_member (entry, "arg-type");

          assert_type_exists (entries, type);
          g_assert_cmpstr (
              json_object_get_string_member (g_hash_table_lookup (entries, type), "meta-type"), ==,
              "object");
        }
      else if (strcmp (meta, "object") == 0 || strcmp (meta, "alternate") == 0)
        {
          check_members (entries, entry, "members");
          check_members (entries, entry, "variants");
        }
      else if (strcmp (meta, "array") == 0)
        assert_type_exists (entries, json_object_get_string_member (entry, "element-type"));
      else if (strcmp (meta, "enum") == 0)
        g_assert_cmpuint (json_array_get_length (json_object_get_array_member (entry, "values")), >,
                          0);
      else
        {
          g_assert_cmpstr (meta, ==, "builtin");
          g_assert_nonnull (json_object_get_string_member (entry, "json-type"));
        }
    }
  g_assert_cmpuint (n_commands, ==, sv_qmp_schema_n_commands);
  g_assert_cmpuint (n_events, ==, sv_qmp_schema_n_events);
  g_assert_cmpuint (n_used, >, 10);
}

/* What libvirt looks for: optional members have a default, features stand with their command. */
static void
test_introspection_details (void)
{
  g_assert_nonnull (strstr (sv_qmp_schema_json,
                            "{\"name\":\"device_add\",\"meta-type\":\"command\",\"arg-type\":"));
  g_assert_nonnull (
      strstr (sv_qmp_schema_json, "\"features\":[\"json-cli\",\"json-cli-hotplug\"]"));
  g_assert_nonnull (
      strstr (sv_qmp_schema_json, "{\"name\":\"bus\",\"type\":\"str\",\"default\":null}"));
  g_assert_nonnull (strstr (sv_qmp_schema_json, "{\"name\":\"driver\",\"type\":\"str\"}"));
}

static void
test_tables (void)
{
  for (guint i = 1; i < sv_qmp_schema_n_commands; i++)
    g_assert_cmpstr (sv_qmp_schema_string (sv_qmp_schema_commands[i - 1].name), <,
                     sv_qmp_schema_string (sv_qmp_schema_commands[i].name));
  for (guint i = 1; i < sv_qmp_schema_n_events; i++)
    g_assert_cmpstr (sv_qmp_schema_string (sv_qmp_schema_events[i - 1].name), <,
                     sv_qmp_schema_string (sv_qmp_schema_events[i].name));
  g_assert_null (sv_qmp_command_find ("no-such-command"));
  g_assert_null (sv_qmp_command_find (""));
  g_assert_null (sv_qmp_schema_find_event ("stop"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/qmp/schema/arguments", test_arguments);
  g_test_add_func ("/qmp/schema/nested", test_nested);
  g_test_add_func ("/qmp/schema/integers", test_integers);
  g_test_add_func ("/qmp/schema/introspection", test_introspection);
  g_test_add_func ("/qmp/schema/introspection-details", test_introspection_details);
  g_test_add_func ("/qmp/schema/tables", test_tables);
  return g_test_run ();
}
