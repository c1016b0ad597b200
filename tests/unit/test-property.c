/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qom/sv-property.h"

#include <gobject/gvaluecollector.h>
#include <string.h>

#include "thing-fixture.h"

static void
assert_not_set (SvObject *self, const char *name, const char *text, int code, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (sv_object_set_property_string (self, name, text, NULL, &error));
  g_assert_error (error, SV_OBJECT_ERROR, code);
  g_assert_cmpstr (error->message, ==, message);
}

static void
test_access (ThingFixture *f, gconstpointer data)
{
  GError *error = NULL;
  gboolean flag;
  guint cpus;

  assert_not_set (f->self, "nmae", "x", SV_OBJECT_ERROR_NOT_FOUND,
                  "thing 'self': Property 'nmae' not found (did you mean 'name'?)");
  assert_not_set (f->self, "", "x", SV_OBJECT_ERROR_NOT_FOUND,
                  "thing 'self': Property '' not found");
  assert_not_set (f->self, "state", "1", SV_OBJECT_ERROR_READ_ONLY,
                  "thing 'self': Property 'state' cannot be set");
  assert_not_set (f->self, "once_only", "1", SV_OBJECT_ERROR_READ_ONLY,
                  "thing 'self': Property 'once_only' cannot be set");
  /* Internal properties are not there for the outside. */
  assert_not_set (f->self, "secret", "1", SV_OBJECT_ERROR_NOT_FOUND,
                  "thing 'self': Property 'secret' not found");
  assert_not_set (f->self, "path", "1", SV_OBJECT_ERROR_NOT_FOUND,
                  "thing 'self': Property 'path' not found");

  g_assert_null (sv_object_get_property_json (f->self, "write-only", &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_READ_ONLY);
  g_clear_error (&error);
  g_assert_null (sv_object_get_property_json (f->self, "id", &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_NOT_FOUND);
  g_clear_error (&error);

  /* Wiring is fixed from completion on; the rest is not. */
  g_assert_true (sv_object_set_property_string (f->self, "cpus", "2", NULL, NULL));
  g_assert_true (sv_object_complete (f->self, NULL));
  assert_not_set (f->self, "cpus", "3", SV_OBJECT_ERROR_READ_ONLY,
                  "thing 'self': Parameter 'cpus' cannot be changed once the object is in use");
  g_assert_true (sv_object_set_property_string (f->self, "flag", "off", NULL, NULL));

  /* The same for who sets them by GObject. */
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "*/self': Parameter 'cpus' cannot be changed*");
  g_object_set (f->self, "cpus", 3, "flag", TRUE, NULL);
  g_test_assert_expected_messages ();
  g_object_get (f->self, "cpus", &cpus, "flag", &flag, NULL);
  g_assert_cmpuint (cpus, ==, 2);
  g_assert_true (flag);
}

/* Sets a property to a GValue; returns what it is then, as a string, or why not. */
static const char *
set_value (ThingFixture *f, const char *name, GType type, ...)
{
  static char *told;
  g_auto (GValue) value = G_VALUE_INIT;
  g_autofree char *problem = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = NULL;
  va_list args;

  va_start (args, type);
  G_VALUE_COLLECT_INIT (&value, type, args, 0, &problem);
  va_end (args);
  g_free (told);
  if (!sv_object_set_value (f->self, name, &value, &error))
    return told = g_strdup (error->message);
  node = sv_object_get_property_json (f->self, name, NULL);
  return told = json_to_string (node, FALSE);
}

/* As languages set properties that have types of their own. */
static void
test_values (ThingFixture *f, gconstpointer data)
{
  static const char *const words[] = { "a", "b", NULL };

  g_assert_cmpstr (set_value (f, "cpus", G_TYPE_INT, 7), ==, "7");
  g_assert_cmpstr (set_value (f, "cpus", G_TYPE_DOUBLE, 8.0), ==, "8");
  g_assert_cmpstr (set_value (f, "cpus", G_TYPE_STRING, "9"), ==, "9");
  g_assert_cmpstr (set_value (f, "mem", G_TYPE_LONG, 268435456l), ==, "268435456");
  g_assert_cmpstr (set_value (f, "mem", G_TYPE_STRING, "512M"), ==, "536870912");
  g_assert_cmpstr (set_value (f, "flag", G_TYPE_BOOLEAN, FALSE), ==, "false");
  g_assert_cmpstr (set_value (f, "aio", test_aio_get_type (), TEST_AIO_NATIVE), ==, "\"native\"");
  g_assert_cmpstr (set_value (f, "aio", G_TYPE_STRING, "io_uring"), ==, "\"io_uring\"");
  g_assert_cmpstr (set_value (f, "name", G_TYPE_STRING, "on"), ==, "\"on\"");
  g_assert_cmpstr (set_value (f, "list", G_TYPE_STRV, words), ==, "[\"a\",\"b\"]");
  g_assert_cmpstr (set_value (f, "ratio", G_TYPE_DOUBLE, 0.25), ==, "0.25");
  g_assert_cmpstr (set_value (f, "link", SV_TYPE_OBJECT, NULL), ==, "\"\"");
  g_assert_cmpstr (set_value (f, "big", G_TYPE_UINT64, G_MAXUINT64), ==, "1.8446744073709552e+19");

  g_assert_nonnull (strstr (set_value (f, "cpus", G_TYPE_INT, -1), "'cpus' expects an integer from"));
  g_assert_nonnull (strstr (set_value (f, "cpus", G_TYPE_INT64, G_MAXINT64), "'cpus' expects an integer from"));
  g_assert_nonnull (strstr (set_value (f, "cpus", G_TYPE_DOUBLE, 1.5), "'cpus' expects an integer from"));
  g_assert_nonnull (strstr (set_value (f, "flag", G_TYPE_STRV, words), "'flag' expects"));
  g_assert_nonnull (strstr (set_value (f, "nmae", G_TYPE_INT, 1), "did you mean 'name'?"));
  g_assert_nonnull (strstr (set_value (f, "state", G_TYPE_INT, 1), "cannot be set"));
  g_assert_true (sv_object_complete (f->self, NULL));
  g_assert_nonnull (strstr (set_value (f, "cpus", G_TYPE_INT, 1), "cannot be changed once the object is in use"));
}

static void
test_introspection (ThingFixture *f, gconstpointer data)
{
  static const char *const expected[] = {
    "flag bool true",      "cpus uint8 1",
    "signed int32 -1",     "big uint64 1.8446744073709552e+19",
    "byte uint8 0",        "char int8 0",
    "int64 int64 0",       "long int64 0",
    "ulong uint64 0",      "size size 0",
    "mem size 268435456",  "aio TestAio \"io_uring\"",
    "name str -",          "link link<thing> -",
    "list strList -",      "ratio number 0.5",
    "any any -",           "cache.direct bool false",
    "once_only str \"x\"", "state uint32 -",
    "write-only uint16 0",
  };
  g_autoptr (GPtrArray) list = sv_property_list (G_OBJECT_GET_CLASS (f->self));

  g_assert_cmpuint (list->len, ==, G_N_ELEMENTS (expected));
  for (guint i = 0; i < list->len; i++)
    {
      GParamSpec *pspec = g_ptr_array_index (list, i);
      g_autofree char *type = sv_property_dup_type_name (pspec);
      g_autoptr (JsonNode) value = sv_property_dup_default (pspec);
      g_autofree char *json = value ? json_to_string (value, FALSE) : g_strdup ("-");
      g_autofree char *line
          = g_strdup_printf ("%s %s %s", sv_property_get_wire_name (pspec), type, json);

      g_assert_cmpstr (line, ==, expected[i]);
    }
}

static SvObject *
new_from (const char *type, GType ancestor, const char *json, SvObject *scope, GError **error)
{
  g_autoptr (JsonNode) node = json_from_string (json, NULL);

  return sv_object_new_from_json (type, ancestor, json_node_get_object (node), scope, error);
}

static void
test_new (ThingFixture *f, gconstpointer data)
{
  static const struct
  {
    const char *type;
    const char *json;
    const char *message;
  } bad[] = {
    { "thign", "{}", "Type 'thign' not found (did you mean 'thing'?)" },
    { "abstract", "{}", "Type 'abstract' is abstract: name one of the types below it" },
    { "thing", "{'cpus':0}", "thing: Parameter 'cpus' expects an integer from 1 to 254, got '0'" },
    { "thing", "{'name':'x','cpsu':1}", "thing: Property 'cpsu' not found (did you mean 'cpus'?)" },
    { "thing", "{'state':1}", "thing: Property 'state' cannot be set" },
    { "thing", "{'secret':'x'}", "thing: Property 'secret' not found" },
    { "thing", "{'cache':{'dircet':true}}",
      "thing: Property 'cache.dircet' not found (did you mean 'cache.direct'?)" },
    { "thing", "{'cache':{'id':true}}", "thing: Property 'cache.id' not found" },
    { "thing", "{'cache.direct':true,'cache-direct':true}",
      "thing: Parameter 'cache.direct' is given twice" },
    { "thing", "{'name':{'x':1}}", "thing: Parameter 'name' expects a string, got '{\"x\":1}'" },
  };
  g_autoptr (SvObject) object = NULL;
  g_autofree char *once = NULL;
  GError *error = NULL;

  object
      = new_from ("thing", SV_TYPE_OBJECT,
                  "{\"driver\":\"thing\",\"id\":\"n\",\"bus\":7,\"qom-type\":\"t\",\"cpus\":\"4\","
                  "\"link\":\"o.1\",\"cache\":{\"direct\":true},\"once_only\":\"set\"}",
                  f->root, &error);
  g_assert_no_error (error);
  g_assert_null (sv_object_get_parent (object));
  g_assert_false (sv_object_is_complete (object));
  g_assert_true (TEST_THING (object)->link == f->other);
  g_assert_cmpuint (g_value_get_uint (&TEST_THING (object)->values[PROP_CPUS]), ==, 4);
  g_assert_true (g_value_get_boolean (&TEST_THING (object)->values[PROP_DIRECT]));
  g_object_get (object, "once", &once, NULL);
  g_assert_cmpstr (once, ==, "set");
  /* Not in the tree yet: the type stands for the id. */
  assert_not_set (object, "cpus", "x", SV_OBJECT_ERROR_INVALID,
                  "thing: Parameter 'cpus' expects an integer from 1 to 254, got 'x'");

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autofree char *json = g_strdelimit (g_strdup (bad[i].json), "'", '"');

      g_assert_null (new_from (bad[i].type, SV_TYPE_OBJECT, json, f->root, &error));
      g_assert_nonnull (error);
      g_assert_cmpstr (error->message, ==, bad[i].message);
      g_clear_error (&error);
    }
  g_assert_null (new_from ("container", TEST_TYPE_THING, "{}", f->root, &error));
  g_assert_cmpstr (error->message, ==, "Type 'container' is not a kind of 'thing'");
  g_clear_error (&error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  thing_fixture_register_types ();
  THING_TEST ("access", test_access);
  THING_TEST ("values", test_values);
  THING_TEST ("introspection", test_introspection);
  THING_TEST ("new", test_new);
  return g_test_run ();
}
