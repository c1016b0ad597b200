/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gstdio.h>
#include <string.h>

#include "cli-fixture.h"
#include "src/sv-type-list.h"

/* docs/configuration.md: its examples are understood, and it tells of every option. */

static char *
read_document (void)
{
  g_autofree char *path = g_test_build_filename (G_TEST_DIST, "..", "..", "docs",
                                                 "configuration.md", NULL);
  g_autoptr (GError) error = NULL;
  char *text = NULL;

  g_file_get_contents (path, &text, NULL, &error);
  g_assert_no_error (error);
  return text;
}

static void
check_line (const char *block)
{
  g_autoptr (SvVmConfig) config = sv_vm_config_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *answer = NULL;

  /* The one whose file is the other example. */
  if (strstr (block, "-config") != NULL)
    return;
  cli_parse (config, block + strlen ("stratovirt "), &answer, &error);
  g_assert_no_error (error);
}

static void
check_file (const char *block)
{
  g_autoptr (SvVmConfig) config = sv_vm_config_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *answer = NULL;
  g_autofree char *name = NULL;
  g_autofree char *line = NULL;
  int fd = g_file_open_tmp ("sv-test-XXXXXX", &name, &error);

  g_assert_no_error (error);
  g_close (fd, NULL);
  g_assert_true (g_file_set_contents (name, block, -1, NULL));
  line = g_strdup_printf ("-config %s", name);
  cli_parse (config, line, &answer, &error);
  g_unlink (name);
  g_assert_no_error (error);
}

static void
test_examples (void)
{
  g_autofree char *text = read_document ();
  g_auto (GStrv) parts = g_strsplit (text, "\n```", -1);
  guint lines = 0;
  guint files = 0;

  /* Every second part is a block. */
  for (guint i = 1; parts[i] != NULL; i += 2)
    if (g_str_has_prefix (parts[i], "\nstratovirt ") && ++lines)
      check_line (parts[i] + 1);
    else if (g_str_has_prefix (parts[i], "json\n") && ++files)
      check_file (parts[i] + strlen ("json\n"));
  g_assert_cmpuint (lines, >=, 6);
  g_assert_cmpuint (files, ==, 1);
}

static void
test_options (void)
{
  g_autoptr (SvVmConfig) config = sv_vm_config_new ();
  g_autofree char *text = read_document ();
  g_autofree char *usage = NULL;
  g_auto (GStrv) lines = NULL;
  guint n = 0;

  g_assert_true (cli_parse (config, "--help", &usage, NULL));
  lines = g_strsplit (usage, "\n", -1);
  for (guint i = 0; lines[i] != NULL; i++)
    if (g_str_has_prefix (lines[i], "  -"))
      {
        g_autofree char *option = g_strndup (lines[i] + 2, strcspn (lines[i] + 2, " "));
        g_autofree char *pattern = g_strdup_printf ("`%s(?=[` ])", option);

        n++;
        if (!g_regex_match_simple (pattern, text, 0, 0))
          g_error ("docs/configuration.md does not tell of %s", option);
      }
  g_assert_cmpuint (n, >, 50);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  sv_type_list_register ();
  g_test_add_func ("/configuration-doc/examples", test_examples);
  g_test_add_func ("/configuration-doc/options", test_options);
  return g_test_run ();
}
