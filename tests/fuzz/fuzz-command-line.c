/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/cli/sv-cli.h"
#include "src/sv-type-list.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* A command line, an argument a line: understood, answered, or refused with a message that is text. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static gboolean registered;
  g_autoptr (SvVmConfig) config = sv_vm_config_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *answer = NULL;
  g_autofree char *text = g_strndup ((const char *)data, size);
  g_auto (GStrv) arguments = g_strsplit (text ? text : "", "\n", -1);

  if (!registered)
    sv_type_list_register ();
  registered = TRUE;
  if (!sv_cli_parse (config, (const char *const *)arguments, &answer, &error))
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
  else
    g_assert_no_error (error);
  return 0;
}
