/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gstdio.h>
#include <string.h>

#include "qom/sv-property.h"
#include "src/runtime/sv-secret.h"

static GError *
complete (const char *format, const char *property, const char *value)
{
  g_autoptr (SvObject) root = g_object_new (SV_TYPE_OBJECT, NULL);
  g_autoptr (SvObject) secret = g_object_new (SV_TYPE_SECRET, NULL);
  GError *error = NULL;

  if (sv_object_add_child (root, "key", secret, &error)
      && sv_object_set_property_string (secret, "format", format, NULL, &error)
      && (property == NULL || sv_object_set_property_string (secret, property, value, NULL, &error)))
    sv_object_complete (secret, &error);
  return error;
}

static void
assert_refused (const char *format, const char *property, const char *value, const char *message)
{
  g_autoptr (GError) error = complete (format, property, value);

  g_assert_nonnull (error);
  g_assert_nonnull (strstr (error->message, message));
}

static void
test_data (void)
{
  g_assert_no_error (complete ("raw", "data", "anything"));
  g_assert_no_error (complete ("base64", "data", "c2VjcmV0\n"));
  assert_refused ("base64", "data", "c2Vj!mV0", "no base64");
  assert_refused ("base64", "data", "c2VjcmV", "no base64");
  assert_refused ("raw", NULL, NULL, "either 'data' or 'file'");
}

static void
test_file (void)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("sv-secret-XXXXXX", &path, NULL);

  g_close (fd, NULL);
  g_assert_true (g_file_set_contents (path, "\0\1\2\3", 4, NULL));
  g_assert_no_error (complete ("raw", "file", path));
  assert_refused ("base64", "file", path, "no base64");
  g_unlink (path);
  assert_refused ("raw", "file", path, "'key'");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/secret/data", test_data);
  g_test_add_func ("/secret/file", test_file);
  return g_test_run ();
}
