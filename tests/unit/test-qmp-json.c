/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "qmp/sv-qmp-error.h"
#include "qmp/sv-qmp-json.h"

static char *
round_trip (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = sv_qmp_json_parse (text, strlen (text), &error);
  GString *out = g_string_new (NULL);

  g_assert_no_error (error);
  sv_qmp_json_append (out, node);
  return g_string_free (out, FALSE);
}

static void
test_round_trip (void)
{
  static const char *const texts[] = {
    "{}",
    "[]",
    "null",
    "true",
    "false",
    "0",
    "-1",
    "10",
    "1234567890123456789",
    "9223372036854775807",
    "-9223372036854775808",
    "1.5",
    "\"\"",
    "\"a\\\"b\\\\c\\n\\r\\t\\u0001\"",
    "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"",
    "{\"a\":{\"b\":[1,2,{\"c\":null}]},\"d\":\"e\"}",
    "[[],[{}],[[[]]]]",
    "{\"{\":\"{\",\"z\":1}",
  };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autofree char *again = round_trip (texts[i]);

      g_assert_cmpstr (again, ==, texts[i]);
    }
}

static void
test_spelling (void)
{
  static const struct
  {
    const char *text;
    const char *written;
  } cases[] = {
    { " { \"a\" :\t1 ,\r\n\"b\" : [ ] } ", "{\"a\":1,\"b\":[]}" },
    { "'it\\'s'", "\"it's\"" },
    { "{'a': 'b\"'}", "{\"a\":\"b\\\"\"}" },
    { "\"\\/\\b\\f\\u00e4\\u20ac\"", "\"/\\u0008\\u000c\xc3\xa4\xe2\x82\xac\"" },
    { "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"" },
    { "1e2", "100" },
    { "-0", "0" },
    { "99999999999999999999", "1e+20" },
    { "\"\x7f\"", "\"\x7f\"" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *written = round_trip (cases[i].text);

      g_assert_cmpstr (written, ==, cases[i].written);
    }
}

static void
assert_refused (const char *text, gsize length, const char *message)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = sv_qmp_json_parse (text, length, &error);
  g_autofree char *full = g_strconcat ("JSON parse error, ", message, NULL);

  g_assert_null (node);
  g_assert_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC);
  g_assert_cmpstr (error->message, ==, full);
}

static void
test_refused (void)
{
  static const struct
  {
    const char *text;
    const char *message;
  } cases[] = {
    { "", "expecting value" },
    { "]", "expecting value" },
    { ":", "expecting value" },
    { "{", "expecting value" },
    { "{,}", "expecting value" },
    { "{\"a\"", "missing : in object pair" },
    { "{\"a\" \"b\"}", "missing : in object pair" },
    { "{\"a\":}", "expecting value" },
    { "{\"a\":1,}", "expecting value" },
    { "{\"a\":1 2}", "expected separator in dict" },
    { "{\"a\":1]", "expected separator in dict" },
    { "{\"a\":1,\"a\":2}", "duplicate key" },
    { "{1:2}", "key is not a string in object" },
    { "[1 2]", "expected separator in list" },
    { "[,]", "expecting value" },
    { "[1,]", "expecting value" },
    { "nul", "invalid keyword 'nul'" },
    { "True", "invalid keyword 'True'" },
    { "NaN", "invalid keyword 'NaN'" },
    { "01", "stray '01'" },
    { "-", "stray '-'" },
    { "1.", "stray '1.'" },
    { "1e", "stray '1e'" },
    { "0x10", "stray '0x10'" },
    { "+1", "invalid keyword '+1'" },
    { "1e999", "number '1e999' is out of range" },
    { "/* */1", "stray '/'" },
    { "\"\\q\"", "invalid escape sequence in string" },
    { "\"\\u12\"", "invalid escape sequence in string" },
    { "\"\\", "invalid escape sequence in string" },
    { "\"\\ud800\"", "\\ud800 is not a valid Unicode character" },
    { "\"\\ud800\\u0041\"", "\\ud800 is not a valid Unicode character" },
    { "\"\\udc00\"", "\\udc00 is not a valid Unicode character" },
    { "\"\\u0000\"", "\\u0000 is not a valid Unicode character" },
    { "\"\x80\"", "invalid UTF-8 sequence in string" },
    { "\"\xc3\"", "invalid UTF-8 sequence in string" },
    { "\"\xed\xa0\x80\"", "invalid UTF-8 sequence in string" },
    { "\"a\tb\"", "stray control character 0x09 in string" },
    { "\"a", "missing terminating \" in string" },
    { "1 2", "unexpected text after the value" },
    { "{} x", "unexpected text after the value" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_refused (cases[i].text, strlen (cases[i].text), cases[i].message);
  assert_refused ("\0", 1, "stray byte 0x00");
  assert_refused ("\"a\0b\"", 5, "stray control character 0x00 in string");
}

static void
test_limits (void)
{
  g_autoptr (GString) deep = g_string_new (NULL);
  g_autoptr (GString) many = g_string_new ("[0");
  g_autoptr (JsonNode) node = NULL;

  for (guint i = 0; i < SV_QMP_JSON_MAX_DEPTH; i++)
    g_string_append_c (deep, '[');
  for (guint i = 0; i < SV_QMP_JSON_MAX_DEPTH; i++)
    g_string_append_c (deep, ']');
  node = sv_qmp_json_parse (deep->str, deep->len, NULL);
  g_assert_nonnull (node);

  g_string_prepend_c (deep, '[');
  g_string_append_c (deep, ']');
  assert_refused (deep->str, deep->len, "JSON nesting depth limit exceeded");

  for (guint i = 0; i < SV_QMP_JSON_MAX_VALUES; i++)
    g_string_append (many, ",0");
  g_string_append_c (many, ']');
  assert_refused (many->str, many->len, "JSON token count limit exceeded");
}

static void
test_write_invalid (void)
{
  g_autoptr (GString) out = g_string_new (NULL);

  sv_qmp_json_append_string (out, "a\xff\xc3z");
  g_assert_cmpstr (out->str, ==, "\"a\\ufffd\\ufffdz\"");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/qmp/json/round-trip", test_round_trip);
  g_test_add_func ("/qmp/json/spelling", test_spelling);
  g_test_add_func ("/qmp/json/refused", test_refused);
  g_test_add_func ("/qmp/json/limits", test_limits);
  g_test_add_func ("/qmp/json/write-invalid-utf8", test_write_invalid);
  return g_test_run ();
}
