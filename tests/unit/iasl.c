/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/unit/iasl.h"

#include <glib/gstdio.h>
#include <string.h>

void
iasl_run (const char *directory, const char *option, const char *file, char **output)
{
  const char *argv[] = { "iasl", option, file, NULL };
  g_autofree char *errors = NULL;
  g_autoptr (GError) error = NULL;
  gint status;

  g_spawn_sync (directory, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, output, &errors,
                &status, &error);
  g_assert_no_error (error);
  if (status != 0)
    g_test_message ("%s%s", *output, errors);
  g_assert_cmpint (status, ==, 0);
  g_assert_null (strstr (errors, "Error"));
  g_assert_null (strstr (errors, "Warning"));
}

void
iasl_write_table (const char *directory, const char *name, const guint8 *table, gsize length)
{
  g_autofree char *path = g_build_filename (directory, name, NULL);
  g_autoptr (GError) error = NULL;

  g_file_set_contents (path, (const char *)table, length, &error);
  g_assert_no_error (error);
}

void
iasl_remove_directory (const char *directory)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const char *name;

  while ((name = g_dir_read_name (dir)))
    {
      g_autofree char *path = g_build_filename (directory, name, NULL);

      g_assert_cmpint (g_unlink (path), ==, 0);
    }
  g_assert_cmpint (g_rmdir (directory), ==, 0);
}

void
iasl_check (const char *name, const guint8 *table, gsize length)
{
  g_autofree char *directory = g_dir_make_tmp ("sv-acpi-XXXXXX", NULL);
  g_autofree char *aml = g_strconcat (name, ".aml", NULL);
  g_autofree char *dat = g_strconcat (name, ".dat", NULL);
  g_autofree char *dsl = g_strconcat (name, ".dsl", NULL);
  g_autofree char *path = g_build_filename (directory, aml, NULL);
  g_autofree char *output = NULL;
  g_autofree char *compiled = NULL;
  const char *summary;
  gsize compiled_length;

  g_assert_nonnull (directory);
  iasl_write_table (directory, dat, table, length);
  iasl_run (directory, "-d", dat, &output);
  g_clear_pointer (&output, g_free);
  iasl_run (directory, "-oa", dsl, &output);

  summary = strstr (output, "Compilation successful.");
  g_assert_nonnull (summary);
  if (!g_str_has_prefix (summary, "Compilation successful. 0 Errors, 0 Warnings, 0 Remarks"))
    g_test_message ("%s", output);
  g_assert_true (
      g_str_has_prefix (summary, "Compilation successful. 0 Errors, 0 Warnings, 0 Remarks"));

  g_assert_true (g_file_get_contents (path, &compiled, &compiled_length, NULL));
  g_assert_cmpuint (compiled_length, ==, length);
  /* The compiler signs the header; the checksum follows. */
  memcpy (compiled + 9, table + 9, 1);
  memcpy (compiled + 28, table + 28, 8);
  g_assert_cmpmem (compiled, compiled_length, table, length);
  iasl_remove_directory (directory);
}
