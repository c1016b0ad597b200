/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qom/sv-property.h"

#include <gobject/gvaluecollector.h>

#include "qom/sv-type-registry.h"

typedef enum
{
  TEST_AIO_THREADS,
  TEST_AIO_IO_URING,
  TEST_AIO_NATIVE,
} TestAio;

static GType
test_aio_get_type (void)
{
  static GType type;
  static const GEnumValue values[] = {
    { TEST_AIO_THREADS, "TEST_AIO_THREADS", "threads" },
    { TEST_AIO_IO_URING, "TEST_AIO_IO_URING", "io_uring" },
    { TEST_AIO_NATIVE, "TEST_AIO_NATIVE", "native" },
    { 0, NULL, NULL },
  };

  if (type == 0)
    type = g_enum_register_static ("SvTestAio", values);
  return type;
}

/* A class with a property of every kind; it keeps GValues and nothing else. */
#define TEST_TYPE_THING (test_thing_get_type ())
G_DECLARE_FINAL_TYPE (TestThing, test_thing, TEST, THING, SvObject)

enum
{
  PROP_0,
  PROP_FLAG,
  PROP_CPUS,
  PROP_SIGNED,
  PROP_BIG,
  PROP_BYTE,
  PROP_CHAR,
  PROP_INT64,
  PROP_LONG,
  PROP_ULONG,
  PROP_SIZE,
  PROP_MEM,
  PROP_AIO,
  PROP_NAME,
  PROP_LINK,
  PROP_LIST,
  PROP_RATIO,
  PROP_ANY,
  PROP_DIRECT,
  PROP_ONCE,
  PROP_STATE,
  PROP_SECRET,
  PROP_WRITE_ONLY,
  N_PROPS
};

struct _TestThing
{
  SvObject parent_instance;
  SvObject *link;
  GValue values[N_PROPS];
};

G_DEFINE_FINAL_TYPE (TestThing, test_thing, SV_TYPE_OBJECT)

static GParamSpec *props[N_PROPS];

static void
test_thing_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  TestThing *self = TEST_THING (object);

  if (prop_id == PROP_LINK)
    g_value_set_object (value, self->link);
  else if (G_IS_VALUE (&self->values[prop_id]))
    g_value_copy (&self->values[prop_id], value);
  else
    g_param_value_set_default (pspec, value);
}

static void
test_thing_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  TestThing *self = TEST_THING (object);

  if (prop_id == PROP_LINK)
    {
      sv_object_set_link (SV_OBJECT (self), pspec, &self->link, g_value_get_object (value));
      return;
    }
  if (!G_IS_VALUE (&self->values[prop_id]))
    g_value_init (&self->values[prop_id], pspec->value_type);
  g_value_copy (value, &self->values[prop_id]);
}

static void
test_thing_finalize (GObject *object)
{
  TestThing *self = TEST_THING (object);

  for (guint i = 0; i < N_PROPS; i++)
    if (G_IS_VALUE (&self->values[i]))
      g_value_unset (&self->values[i]);
  G_OBJECT_CLASS (test_thing_parent_class)->finalize (object);
}

static void
test_thing_class_init (TestThingClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags rw = SV_PARAM_RW;

  object_class->get_property = test_thing_get_property;
  object_class->set_property = test_thing_set_property;
  object_class->finalize = test_thing_finalize;

  props[PROP_FLAG] = g_param_spec_boolean ("flag", "flag", "A flag", TRUE, rw);
  props[PROP_CPUS] = g_param_spec_uint ("cpus", "cpus", "CPUs", 1, 254, 1, SV_PARAM_RW_WIRING);
  props[PROP_SIGNED] = g_param_spec_int ("signed", "signed", "", -10, 10, -1, rw);
  props[PROP_BIG] = g_param_spec_uint64 ("big", "big", "", 0, G_MAXUINT64, G_MAXUINT64, rw);
  props[PROP_BYTE] = g_param_spec_uchar ("byte", "byte", "", 0, 255, 0, rw);
  props[PROP_CHAR] = g_param_spec_char ("char", "char", "", -128, 127, 0, rw);
  props[PROP_INT64] = g_param_spec_int64 ("int64", "int64", "", G_MININT64, G_MAXINT64, 0, rw);
  props[PROP_LONG] = g_param_spec_long ("long", "long", "", -5, 5, 0, rw);
  props[PROP_ULONG] = g_param_spec_ulong ("ulong", "ulong", "", 0, 5, 0, rw);
  props[PROP_SIZE] = g_param_spec_uint64 ("size", "size", "", 0, 1ULL << 40, 0, rw | SV_PARAM_SIZE);
  props[PROP_MEM] = g_param_spec_uint64 ("mem", "mem", "", 128 << 20, 512ULL << 30, 256 << 20,
                                         rw | SV_PARAM_SIZE_MIB);
  props[PROP_AIO]
      = g_param_spec_enum ("aio", "aio", "", test_aio_get_type (), TEST_AIO_IO_URING, rw);
  props[PROP_NAME] = g_param_spec_string ("name", "name", "", NULL, rw);
  props[PROP_LINK] = g_param_spec_object ("link", "link", "", TEST_TYPE_THING, rw);
  props[PROP_LIST] = g_param_spec_boxed ("list", "list", "", G_TYPE_STRV, rw);
  props[PROP_RATIO] = g_param_spec_double ("ratio", "ratio", "", 0, 1, 0.5, rw);
  props[PROP_ANY] = g_param_spec_boxed ("any", "any", "", JSON_TYPE_NODE, rw);
  props[PROP_DIRECT] = g_param_spec_boolean ("cache-direct", "cache.direct", "", FALSE, rw);
  props[PROP_ONCE]
      = g_param_spec_string ("once", "once_only", "", "x", rw | G_PARAM_CONSTRUCT_ONLY);
  props[PROP_STATE] = g_param_spec_uint ("state", "state", "", 0, 70000, 7, SV_PARAM_RO);
  props[PROP_SECRET] = g_param_spec_string ("secret", "secret", "", NULL, rw | SV_PARAM_INTERNAL);
  props[PROP_WRITE_ONLY] = g_param_spec_uint ("write-only", "write-only", "", 0, 65535, 0,
                                              G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
test_thing_init (TestThing *self)
{
}

static GType
test_abstract_get_type (void)
{
  static GType type;

  if (type == 0)
    type = g_type_register_static_simple (SV_TYPE_OBJECT, "TestAbstract", sizeof (SvObjectClass),
                                          NULL, sizeof (SvObject), NULL, G_TYPE_FLAG_ABSTRACT);
  return type;
}

static const SvTypeEntry entries[] = {
  { "thing", test_thing_get_type, NULL },
  { "container", sv_object_get_type, NULL },
  { "abstract", test_abstract_get_type, NULL },
};

typedef struct
{
  SvObject *root;
  SvObject *self;
  SvObject *other;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  SvObject *objects;

  f->root = sv_object_new_container ();
  objects = sv_object_ensure_container (f->root, "objects");
  f->self = g_object_new (TEST_TYPE_THING, NULL);
  f->other = g_object_new (TEST_TYPE_THING, NULL);
  sv_object_add_child (objects, "self", f->self, NULL);
  sv_object_add_child (objects, "o.1", f->other, NULL);
  g_object_unref (f->self);
  g_object_unref (f->other);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_object_unref (f->root);
}

/* name=TEXT written as a string reads back as the JSON text; a NULL json means the string is
 * refused. */
typedef struct
{
  const char *name;
  const char *text;
  const char *json;
  const char *message;
} Row;

#define ACCEPT(name, text, json)                                                                   \
  {                                                                                                \
    name, text, json, NULL                                                                         \
  }
#define REFUSE(name, text, message)                                                                \
  {                                                                                                \
    name, text, NULL, "thing 'self': Parameter '" name "' expects " message                        \
  }

static const Row string_rows[] = {
  ACCEPT ("flag", "off", "false"),
  ACCEPT ("flag", "yes", "true"),
  ACCEPT ("flag", "no", "false"),
  ACCEPT ("flag", "true", "true"),
  ACCEPT ("flag", "false", "false"),
  ACCEPT ("flag", "on", "true"),
  REFUSE ("flag", "", "'on' or 'off', got ''"),
  REFUSE ("flag", "1", "'on' or 'off', got '1'"),
  ACCEPT ("cpus", "254", "254"),
  ACCEPT ("cpus", "0x10", "16"),
  ACCEPT ("cpus", "010", "8"),
  REFUSE ("cpus", "0", "an integer from 1 to 254, got '0'"),
  REFUSE ("cpus", "255", "an integer from 1 to 254, got '255'"),
  REFUSE ("cpus", "-1", "an integer from 1 to 254, got '-1'"),
  REFUSE ("cpus", "4294967297", "an integer from 1 to 254, got '4294967297'"),
  REFUSE ("cpus", "18446744073709551617", "an integer from 1 to 254, got '18446744073709551617'"),
  REFUSE ("cpus", "", "an integer from 1 to 254, got ''"),
  REFUSE ("cpus", " 1", "an integer from 1 to 254, got ' 1'"),
  REFUSE ("cpus", "+1", "an integer from 1 to 254, got '+1'"),
  REFUSE ("cpus", "1x", "an integer from 1 to 254, got '1x'"),
  REFUSE ("cpus", "1M", "an integer from 1 to 254, got '1M'"),
  REFUSE ("cpus", "--1", "an integer from 1 to 254, got '--1'"),
  ACCEPT ("signed", "-10", "-10"),
  ACCEPT ("signed", "-0x5", "-5"),
  REFUSE ("signed", "-11", "an integer from -10 to 10, got '-11'"),
  REFUSE ("signed", "--1", "an integer from -10 to 10, got '--1'"),
  REFUSE ("signed", "-", "an integer from -10 to 10, got '-'"),
  ACCEPT ("big", "9223372036854775807", "9223372036854775807"),
  REFUSE ("big",
          "18446744073709551616",
          "an integer from 0 to 18446744073709551615, got '18446744073709551616'"),
  ACCEPT ("byte", "255", "255"),
  REFUSE ("byte", "256", "an integer from 0 to 255, got '256'"),
  ACCEPT ("char", "-128", "-128"),
  REFUSE ("char", "128", "an integer from -128 to 127, got '128'"),
  ACCEPT ("int64", "-9223372036854775808", "-9223372036854775808"),
  REFUSE ("int64",
          "-9223372036854775809",
          "an integer from -9223372036854775808 to 9223372036854775807, got "
          "'-9223372036854775809'"),
  ACCEPT ("long", "-5", "-5"),
  ACCEPT ("ulong", "5", "5"),
  ACCEPT ("size", "0", "0"),
  ACCEPT ("size", "4096", "4096"),
  ACCEPT ("size", "0x1000", "4096"),
  ACCEPT ("size", "1k", "1024"),
  ACCEPT ("size", "1.5K", "1536"),
  ACCEPT ("size", "1T", "1099511627776"),
  ACCEPT ("size", "7B", "7"),
  REFUSE ("size", "1025G", "a size from 0B to 1T, got '1025G'"),
  REFUSE ("size", "16E", "a size from 0B to 1T, got '16E'"),
  REFUSE ("size", "1.5", "a size from 0B to 1T, got '1.5'"),
  REFUSE ("size", "-1", "a size from 0B to 1T, got '-1'"),
  REFUSE ("size", "1KB", "a size from 0B to 1T, got '1KB'"),
  REFUSE ("size", "1Q", "a size from 0B to 1T, got '1Q'"),
  REFUSE ("size", "1.K", "a size from 0B to 1T, got '1.K'"),
  REFUSE ("size", "99999999999999999999", "a size from 0B to 1T, got '99999999999999999999'"),
  REFUSE ("size", "K", "a size from 0B to 1T, got 'K'"),
  ACCEPT ("mem", "512", "536870912"),
  ACCEPT ("mem", "1G", "1073741824"),
  ACCEPT ("mem", "134217728B", "134217728"),
  REFUSE ("mem", "127", "a size from 128M to 512G, got '127'"),
  REFUSE ("mem", "17592186044416", "a size from 128M to 512G, got '17592186044416'"),
  ACCEPT ("aio", "native", "\"native\""),
  REFUSE ("aio", "Native", "'threads', 'io_uring' or 'native', got 'Native'"),
  REFUSE ("aio", "1", "'threads', 'io_uring' or 'native', got '1'"),
  ACCEPT ("name", "", "\"\""),
  ACCEPT ("name", "a,b=c:d", "\"a,b=c:d\""),
  ACCEPT ("link", "o.1", "\"/objects/o.1\""),
  ACCEPT ("link", "/objects/self", "\"/objects/self\""),
  ACCEPT ("link", "", "\"\""),
  REFUSE ("link",
          "none",
          "the id or path of an object of type 'thing', got 'none': "
          "Object 'none' of type 'thing' not found"),
  REFUSE ("link",
          "/objects",
          "the id or path of an object of type 'thing', got '/objects': "
          "'/objects' is of type 'container', not 'thing'"),
  ACCEPT ("list", "a:b,c", "[\"a\",\"b,c\"]"),
  ACCEPT ("list", "", "[]"),
  ACCEPT ("ratio", "0.25", "0.25"),
  REFUSE ("ratio", "1.5", "a number from 0 to 1, got '1.5'"),
  REFUSE ("ratio", "nan", "a number from 0 to 1, got 'nan'"),
  REFUSE ("ratio", "0.5x", "a number from 0 to 1, got '0.5x'"),
  ACCEPT ("cache.direct", "on", "true"),
  ACCEPT ("cache-direct", "off", "false"),
};

static const Row json_rows[] = {
  ACCEPT ("flag", "false", "false"),
  ACCEPT ("flag", "\"on\"", "true"),
  REFUSE ("flag", "1", "'on' or 'off', got '1'"),
  REFUSE ("flag", "null", "'on' or 'off', got 'null'"),
  ACCEPT ("cpus", "3", "3"),
  ACCEPT ("cpus", "\"0x3\"", "3"),
  REFUSE ("cpus", "0", "an integer from 1 to 254, got '0'"),
  REFUSE ("cpus", "-1", "an integer from 1 to 254, got '-1'"),
  REFUSE ("cpus", "4294967297", "an integer from 1 to 254, got '4294967297'"),
  REFUSE ("cpus", "1.5", "an integer from 1 to 254, got '1.5'"),
  REFUSE ("cpus", "true", "an integer from 1 to 254, got 'true'"),
  REFUSE ("cpus", "[1]", "an integer from 1 to 254, got '[1]'"),
  ACCEPT ("size", "1024", "1024"),
  ACCEPT ("size", "\"1K\"", "1024"),
  ACCEPT ("mem", "268435456", "268435456"),
  REFUSE ("mem", "256", "a size from 128M to 512G, got '256'"),
  REFUSE ("aio", "1", "'threads', 'io_uring' or 'native', got '1'"),
  REFUSE ("name", "12", "a string, got '12'"),
  REFUSE ("name", "null", "a string, got 'null'"),
  ACCEPT ("link", "\"o.1\"", "\"/objects/o.1\""),
  ACCEPT ("link", "null", "\"\""),
  REFUSE ("link", "5", "the id or path of an object of type 'thing', got '5'"),
  ACCEPT ("list", "[\"a:b\",\"c\"]", "[\"a:b\",\"c\"]"),
  ACCEPT ("list", "[]", "[]"),
  ACCEPT ("list", "[\"a\",1]", "[\"a\",\"1\"]"),
  REFUSE ("list", "[\"a\",[1]]", "a list of strings, got '[\"a\",[1]]'"),
  ACCEPT ("ratio", "1", "1.0"),
  ACCEPT ("ratio", "0.25", "0.25"),
  REFUSE ("ratio", "2", "a number from 0 to 1, got '2'"),
  ACCEPT ("any", "{\"a\":[1,null]}", "{\"a\":[1,null]}"),
};

static void
check_row (Fixture *f, const Row *row, gboolean ok, GError *error)
{
  g_autoptr (JsonNode) node = NULL;
  g_autofree char *json = NULL;

  g_test_message ("%s=%s", row->name, row->text);
  if (row->json == NULL)
    {
      g_assert_false (ok);
      g_assert_nonnull (error);
      g_assert_cmpstr (error->message, ==, row->message);
      return;
    }
  g_assert_no_error (error);
  g_assert_true (ok);
  node = sv_object_get_property_json (f->self, row->name, NULL);
  json = json_to_string (node, FALSE);
  g_assert_cmpstr (json, ==, row->json);
}

static void
test_strings (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (string_rows); i++)
    {
      const Row *row = &string_rows[i];
      g_autoptr (GError) error = NULL;
      gboolean ok = sv_object_set_property_string (f->self, row->name, row->text, NULL, &error);

      check_row (f, row, ok, error);
    }
}

static void
test_json (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (json_rows); i++)
    {
      const Row *row = &json_rows[i];
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) node = json_from_string (row->text, NULL);
      gboolean ok = sv_object_set_property_json (f->self, row->name, node, f->root, &error);

      check_row (f, row, ok, error);
    }
}

/* What is written as a string is read back as one. */
static void
test_round_trip (Fixture *f, gconstpointer data)
{
  static const char *const rows[][2] = {
    { "flag", "off" },       { "cpus", "17" },
    { "signed", "-3" },      { "big", "18446744073709551615" },
    { "size", "1536K" },     { "mem", "129M" },
    { "mem", "134217729B" }, { "aio", "threads" },
    { "name", "x y" },       { "link", "/objects/o.1" },
    { "link", "" },          { "list", "a:b" },
    { "ratio", "0.125" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      GParamSpec *pspec = sv_property_find (G_OBJECT_GET_CLASS (f->self), rows[i][0]);
      g_auto (GValue) value = G_VALUE_INIT;
      g_autofree char *text = NULL;
      g_autoptr (GError) error = NULL;

      sv_value_from_string (&value, pspec, rows[i][1], f->root, &error);
      g_assert_no_error (error);
      text = sv_value_to_string (&value, pspec);
      g_assert_cmpstr (text, ==, rows[i][1]);
    }
}

static void
assert_not_set (SvObject *self, const char *name, const char *text, int code, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (sv_object_set_property_string (self, name, text, NULL, &error));
  g_assert_error (error, SV_OBJECT_ERROR, code);
  g_assert_cmpstr (error->message, ==, message);
}

static void
test_access (Fixture *f, gconstpointer data)
{
  GError *error = NULL;
  gboolean flag;
  guint8 cpus;

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
set_value (Fixture *f, const char *name, GType type, ...)
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
test_values (Fixture *f, gconstpointer data)
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
test_introspection (Fixture *f, gconstpointer data)
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
test_new (Fixture *f, gconstpointer data)
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

static void
test_parse (void)
{
  GError *error = NULL;
  guint64 number = 0;
  g_autofree char *text = NULL;

  g_assert_true (sv_parse_size ("15.5E", 1, &number, NULL));
  g_assert_cmpuint (number, ==, G_GUINT64_CONSTANT (0xf800000000000000));
  g_assert_true (sv_parse_size ("0.0009765625M", 1, &number, NULL));
  g_assert_cmpuint (number, ==, 1024);
  g_assert_false (sv_parse_size ("16E", 1, &number, &error));
  g_assert_cmpstr (error->message, ==, "expected a size below 16E, got '16E'");
  g_clear_error (&error);
  g_assert_false (sv_parse_size ("x", 1, &number, &error));
  g_assert_cmpstr (error->message, ==, "expected a size such as 512M or 2G, got 'x'");
  g_clear_error (&error);
  g_assert_false (sv_parse_uint64 ("18446744073709551616", &number, &error));
  g_assert_cmpstr (error->message, ==,
                   "expected a number of at most 18446744073709551615, got '18446744073709551616'");
  g_clear_error (&error);
  g_assert_false (sv_parse_uint64 ("0x", &number, &error));
  g_clear_error (&error);
  text = sv_format_size (G_MAXUINT64);
  g_assert_cmpstr (text, ==, "18446744073709551615B");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  sv_type_registry_add (entries, G_N_ELEMENTS (entries));
#define ADD(path, func) g_test_add ("/qom/property/" path, Fixture, NULL, set_up, func, tear_down)
  ADD ("strings", test_strings);
  ADD ("json", test_json);
  ADD ("round-trip", test_round_trip);
  ADD ("access", test_access);
  ADD ("values", test_values);
  ADD ("introspection", test_introspection);
  ADD ("new", test_new);
  g_test_add_func ("/qom/property/parse", test_parse);
  return g_test_run ();
}
