/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Properties from strings and from JSON, and back. */

#include <string.h>

#include "thing-fixture.h"

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
check_row (ThingFixture *f, const Row *row, gboolean ok, GError *error)
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
test_strings (ThingFixture *f, gconstpointer data)
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
test_json (ThingFixture *f, gconstpointer data)
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
test_round_trip (ThingFixture *f, gconstpointer data)
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
  thing_fixture_register_types ();
  THING_TEST ("strings", test_strings);
  THING_TEST ("json", test_json);
  THING_TEST ("round-trip", test_round_trip);
  g_test_add_func ("/qom/property/parse", test_parse);
  return g_test_run ();
}
