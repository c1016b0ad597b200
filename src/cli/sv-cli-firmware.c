/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/cli/sv-cli-private.h"

/* Files for the guest's firmware, and its operating system: -fw_cfg. */

gboolean
sv_cli_fw_cfg (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = sv_cli_keys_parse (argument, "name", error);
  g_autofree char *name = NULL;
  gboolean has_file, has_string;

  if (keys == NULL)
    return FALSE;
  name = sv_cli_keys_take (keys, "name");
  if (name == NULL)
    return sv_cli_fail (error, "'name' is missing");
  has_file = sv_cli_keys_has (keys, "file");
  has_string = sv_cli_keys_has (keys, "string");
  if (has_file == has_string)
    return sv_cli_fail (error, "one of 'file' and 'string' says what '%s' holds", name);
  if (json_object_get_size (keys->values) > 1)
    {
      json_object_remove_member (keys->values, has_file ? "file" : "string");
      return sv_cli_keys_refuse_rest (keys, "'name', 'file' and 'string'", error);
    }
  sv_cli_add (cli, SV_CONFIG_FIRMWARE, NULL, name, keys);
  return TRUE;
}
