/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/cli/sv-cli-private.h"

/* Options that let a test take the processors' place. Each has an accelerator that speaks its protocol. */

static void
add_test (SvCli *cli, const char *accel, const char *chardev)
{
  g_autoptr (SvCliKeys) nothing = sv_cli_keys_new ();

  sv_cli_set_machine (cli, "accel", accel);
  sv_cli_add (cli, SV_CONFIG_TEST, accel, chardev, nothing);
}

gboolean
sv_cli_qtest (SvCli *cli, const char *argument, GError **error)
{
  g_autofree char *id = sv_cli_take_short_chardev (cli, argument, "qtest", 0, error);

  if (id == NULL)
    return FALSE;
  add_test (cli, "qtest", id);
  return TRUE;
}

gboolean
sv_cli_mod_test (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = sv_cli_keys_new ();

  if (*argument == '\0')
    return sv_cli_fail (error, "expected the path of a socket that a test listens on");
  sv_cli_keys_set (keys, "path", argument);
  sv_cli_add (cli, SV_CONFIG_CHARDEV, "chardev-socket", "mod-test", keys);
  add_test (cli, "test", "mod-test");
  return TRUE;
}
