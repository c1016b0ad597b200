/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "qmp/sv-qmp-framer.h"

/* What comes out of @text when it is read in pieces: values, and errors in parentheses, a line
 * each. */
static char *
run (SvQmpFramer *framer, const char *text, gsize length, gsize split)
{
  GString *out = g_string_new (NULL);

  for (gsize at = 0; at < length;)
    {
      const char *data = text + at;
      gsize left = at < split ? split - at : length - at;
      gsize piece = left;

      while (left > 0)
        {
          g_autoptr (GError) error = NULL;
          g_autoptr (JsonNode) node = sv_qmp_framer_next (framer, &data, &left, &error);

          if (node)
            sv_qmp_json_append (out, node);
          else if (error)
            g_string_append_printf (out, "(%s)", error->message + strlen ("JSON parse error, "));
          if (node || error)
            g_string_append_c (out, '\n');
        }
      at += piece;
    }
  return g_string_free (out, FALSE);
}

/* Whole, split in two at every position, and byte by byte. */
static void
assert_frames (const char *text, gsize length, const char *expected)
{
  for (gsize split = 0; split <= length; split++)
    {
      g_autoptr (SvQmpFramer) framer = sv_qmp_framer_new ();
      g_autofree char *out = run (framer, text, length, split);

      g_assert_cmpstr (out, ==, expected);
    }
  {
    g_autoptr (SvQmpFramer) framer = sv_qmp_framer_new ();
    g_autoptr (GString) out = g_string_new (NULL);

    for (gsize i = 0; i < length; i++)
      {
        g_autofree char *part = run (framer, text + i, 1, 1);

        g_string_append (out, part);
      }
    g_assert_cmpstr (out->str, ==, expected);
  }
}

static void
test_values (void)
{
  static const struct
  {
    const char *text;
    const char *values;
  } cases[] = {
    { "{}", "{}\n" },
    { "{}{}\r\n{}", "{}\n{}\n{}\n" },
    { "  \r\n\t {\"a\":[1,{\"b\":\"}]\\\"{\"}]}\n", "{\"a\":[1,{\"b\":\"}]\\\"{\"}]}\n" },
    { "{\n \"a\"\n:\n1\n}\n", "{\"a\":1}\n" },
    { "{\"a\":\"\\\\\"}{}", "{\"a\":\"\\\\\"}\n{}\n" },
    { "1 true\"x\"[]null\n", "1\ntrue\n\"x\"\n[]\nnull\n" },
    { "{'a':'}'}", "{\"a\":\"}\"}\n" },
    { "{\"\xc3\xa4\":\"\xe2\x82\xac\"}", "{\"\xc3\xa4\":\"\xe2\x82\xac\"}\n" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_frames (cases[i].text, strlen (cases[i].text), cases[i].values);
}

static void
test_malformed (void)
{
  static const struct
  {
    const char *text;
    const char *values;
  } cases[] = {
    /* each followed by something good, which must come through */
    { "{\"a\":}{}", "(expecting value)\n{}\n" },
    { "foo {}", "(invalid keyword 'foo')\n{}\n" },
    { "foo{}", "(invalid keyword 'foo')\n{}\n" },
    { "}{}", "(expecting value)\n{}\n" },
    { "]]{}", "(expecting value)\n(expecting value)\n{}\n" },
    { ",{}", "(expecting value)\n{}\n" },
    { "{]{}", "(expecting value)\n{}\n" },
    { "[1}{}", "(expected separator in list)\n{}\n" },
    { "{\"execute\":\"foo\n{}", "(line ends inside a string)\n{}\n" },
    { "{\"a\":\"x\ty\"}{}", "(stray control character 0x09 in string)\n{}\n" },
    { "{\"a\":\"\x80\"}{}", "(invalid UTF-8 sequence in string)\n{}\n" },
    { "\x80 {}", "(stray byte 0x80)\n{}\n" },
    { "{\"a\":\xff{}", "(interrupted by byte 0xff)\n{}\n" },
    { "{\"a\":\"\xff{}", "(interrupted by byte 0xff)\n{}\n" },
    { "\xff\xff{}", "{}\n" },
    { "\x04{}", "(stray byte 0x04)\n{}\n" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    assert_frames (cases[i].text, strlen (cases[i].text), cases[i].values);
  assert_frames ("\0{}", 3, "(stray byte 0x00)\n{}\n");
}

static void
test_long (void)
{
  g_autoptr (SvQmpFramer) framer = sv_qmp_framer_new ();
  g_autoptr (GString) text = g_string_new ("{\"a\":\"");
  g_autofree char *out = NULL;
  gsize longest;

  /* exactly as long as allowed, then one more, then something good */
  while (text->len < SV_QMP_MAX_MESSAGE - 2)
    g_string_append_c (text, 'x');
  g_string_append (text, "\"}");
  longest = text->len;
  g_string_append_len (text, text->str, (gssize)longest);
  g_string_insert (text, (gssize)longest + 10, "y");
  g_string_append (text, "{}");
  for (gsize at = 0; at < text->len;)
    {
      gsize piece = MIN (8192, text->len - at);
      g_autofree char *part = run (framer, text->str + at, piece, piece);

      if (strlen (part) > 1000)
        {
          g_assert_cmpuint (strlen (part), ==, longest + 1);
          g_clear_pointer (&part, g_free);
          part = g_strdup ("LONG\n");
        }
      if (out)
        {
          char *joined = g_strconcat (out, part, NULL);

          g_free (out);
          out = joined;
        }
      else
        out = g_strdup (part);
      at += piece;
    }
  g_assert_cmpstr (out, ==, "LONG\n(message is longer than 1048576 bytes)\n{}\n");
}

/* A client that opens brackets for ever costs nothing but a counter. */
static void
test_deep (void)
{
  g_autoptr (SvQmpFramer) framer = sv_qmp_framer_new ();
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *out = NULL;

  for (guint i = 0; i < 3000; i++)
    g_string_append_c (text, '[');
  for (guint i = 0; i < 3000; i++)
    g_string_append_c (text, ']');
  g_string_append (text, "{}");
  out = run (framer, text->str, text->len, text->len);
  g_assert_cmpstr (out, ==, "(JSON nesting depth limit exceeded)\n{}\n");
}

/* The answer does not wait for the brackets to be closed; the next line is a new value. */
static void
test_deep_unclosed (void)
{
  g_autoptr (SvQmpFramer) framer = sv_qmp_framer_new ();
  g_autoptr (GString) text = g_string_new (NULL);
  g_autofree char *first = NULL;
  g_autofree char *second = NULL;

  for (guint i = 0; i < 1500; i++)
    g_string_append (text, "{\"a\":");
  first = run (framer, text->str, text->len, text->len);
  g_assert_cmpstr (first, ==, "(JSON nesting depth limit exceeded)\n");
  second = run (framer, "\"unclosed\n{}", 12, 12);
  g_assert_cmpstr (second, ==, "{}\n");
}

/* The id of a request comes back as it was written, in one line. */
static void
test_id (void)
{
  static const struct
  {
    const char *text;
    const char *id;
  } cases[] = {
    { "{}", NULL },
    { "[1]", NULL },
    { "{\"a\":{\"id\":1}}", NULL },
    { "{\"id\":1,}", NULL },
    { "{\"id\":-0}", "-0" },
    { "{\"id\" :  9223372036854775808 }", "9223372036854775808" },
    { "{\"id\":18446744073709551615,\"a\":1}", "18446744073709551615" },
    { "{\"id\":123456789012345678901234567890}", "123456789012345678901234567890" },
    { "{\"id\":1.50e+1}", "1.50e+1" },
    { "{\"id\": null}", "null" },
    { "{\"\\u0069d\":\"x\"}", "\"x\"" },
    { "{\"id\": \" a\\\"\\n \\u00e9\" }", "\" a\\\"\\n \\u00e9\"" },
    { "{\"id\": [ 1 ,\n\t{ \"k k\" :\r18446744073709551616 } ]}", "[1,{\"k k\":18446744073709551616}]" },
    { "{'id': 'x\"'}", "\"x\\\"\"" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SvQmpFramer) framer = sv_qmp_framer_new ();
      const char *data = cases[i].text;
      gsize length = strlen (data);
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) node = sv_qmp_framer_next (framer, &data, &length, &error);
      g_autoptr (JsonNode) next = NULL;

      g_assert_true (node || error);
      g_assert_cmpstr (sv_qmp_framer_get_id (framer), ==, cases[i].id);
      data = "{}";
      length = 2;
      next = sv_qmp_framer_next (framer, &data, &length, NULL);
      g_assert_nonnull (next);
      g_assert_null (sv_qmp_framer_get_id (framer));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/qmp/framer/values", test_values);
  g_test_add_func ("/qmp/framer/malformed", test_malformed);
  g_test_add_func ("/qmp/framer/long", test_long);
  g_test_add_func ("/qmp/framer/deep", test_deep);
  g_test_add_func ("/qmp/framer/deep-unclosed", test_deep_unclosed);
  g_test_add_func ("/qmp/framer/id", test_id);
  return g_test_run ();
}
