/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/cli/sv-keyval.h"

static void
assert_parsed (const char *text, const char *implied, const char *expected)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) object = sv_keyval_parse (text, implied, &error);
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  g_autofree char *json = NULL;

  g_assert_no_error (error);
  json_node_set_object (node, object);
  json = json_to_string (node, FALSE);
  g_strdelimit (json, "\"", '\'');
  g_assert_cmpstr (json, ==, expected);
}

static void
assert_refused (const char *text, const char *implied, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (sv_keyval_parse (text, implied, &error));
  g_assert_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE);
  g_assert_cmpstr (error->message, ==, message);
}

static void
test_parse (void)
{
  assert_parsed ("", NULL, "{}");
  assert_parsed ("a=1,b=x y", NULL, "{'a':'1','b':'x y'}");
  assert_parsed ("b=1,a=2", NULL, "{'b':'1','a':'2'}");
  assert_parsed ("a=b=c", NULL, "{'a':'b=c'}");
  assert_parsed ("a=,b=1", NULL, "{'a':'','b':'1'}");
  assert_parsed ("file=/tmp/a,,b,,,,c,id=x", NULL, "{'file':'/tmp/a,b,,c','id':'x'}");
  assert_parsed ("a=1,", NULL, "{'a':'1'}");
  assert_parsed ("cache.direct=on", NULL, "{'cache.direct':'on'}");
  assert_parsed ("x,a=1", "type", "{'type':'x','a':'1'}");
  assert_parsed ("type=x,a=1", "type", "{'type':'x','a':'1'}");
  assert_parsed ("a=1,type=x", "type", "{'a':'1','type':'x'}");
  assert_parsed ("a,,b", "type", "{'type':'a,b'}");
  assert_parsed ("p,server,nowait,no", "path", "{'path':'p','server':'on','wait':'off','no':'on'}");
  assert_parsed ("a=\xc3\xa9", NULL, "{'a':'\xc3\xa9'}");
}

static void
test_json (void)
{
  assert_parsed ("{\"a\": {\"b\": [1, true]}, \"c\": \"x,y\"}", "type",
                 "{'a':{'b':[1,true]},'c':'x,y'}");
  assert_parsed ("{}", NULL, "{}");
}

static void
test_malformed (void)
{
  static const char *const bad_json[] = { "{", "{]", "{\"a\":}", "{\"a\":1", "{\"a\":1}}" };

  assert_refused ("a=1,a=2", NULL, "'a' is given twice");
  assert_refused ("x,type=y", "type", "'type' is given twice");
  assert_refused ("server,server=off", NULL, "'server' is given twice");
  assert_refused ("=1", NULL, "expected KEY=VALUE, got '=1'");
  assert_refused ("a=\xff", NULL, "expected valid UTF-8");
  for (guint i = 0; i < G_N_ELEMENTS (bad_json); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (sv_keyval_parse (bad_json[i], NULL, &error));
      g_assert_nonnull (error);
    }
}

static void
test_help (void)
{
  static const struct
  {
    const char *text;
    gboolean help;
    const char *type;
  } rows[] = {
    { "help", TRUE, NULL },
    { "?", TRUE, NULL },
    { "virtio-blk-device,help", TRUE, "virtio-blk-device" },
    { "driver=virtio-blk-device,help", TRUE, "virtio-blk-device" },
    { "x,a=1,help", TRUE, "x" },
    { "helpful", FALSE, NULL },
    { "x,a=help", FALSE, NULL },
    { "", FALSE, NULL },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *type = NULL;

      g_assert_cmpint (sv_keyval_is_help (rows[i].text, &type), ==, rows[i].help);
      g_assert_cmpstr (type, ==, rows[i].type);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/cli/keyval/parse", test_parse);
  g_test_add_func ("/cli/keyval/json", test_json);
  g_test_add_func ("/cli/keyval/malformed", test_malformed);
  g_test_add_func ("/cli/keyval/help", test_help);
  return g_test_run ();
}
