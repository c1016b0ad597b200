/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "hw/core/sv-machine.h"
#include "qom/sv-type-registry.h"
#include "src/cli/sv-cli-private.h"

/* Serial ports, said in so many words or meant by -nographic. */

gboolean
sv_cli_serial (SvCli *cli, const char *argument, GError **error)
{
  g_autofree char *id = NULL;

  cli->has_serial = TRUE;
  if (!cli->from_file)
    sv_vm_config_drop_role (cli->config, "serial port", TRUE);
  if (sv_vm_config_find_role (cli->config, "serial port") == NULL)
    cli->n_serials = 0;
  if (strcmp (argument, "none") == 0)
    return TRUE;
  if (g_str_has_prefix (argument, "mon:"))
    {
      /* What the human monitor would share with: stdio has keys of its own. */
      argument += strlen ("mon:");
      if (strcmp (argument, "stdio") != 0)
        return sv_cli_fail (error, "'mon:' can only be 'mon:stdio': there is no human monitor");
    }
  cli->role = "serial port";
  id = sv_cli_take_short_chardev (cli, argument, "serial", cli->n_serials++, error);
  if (id == NULL)
    return FALSE;
  sv_cli_add_reference (cli, SV_CONFIG_SERIAL, id);
  return TRUE;
}

gboolean
sv_cli_nodefaults (SvCli *cli, const char *argument, GError **error)
{
  cli->nodefaults = TRUE;
  return TRUE;
}

gboolean
sv_cli_nographic (SvCli *cli, const char *argument, GError **error)
{
  cli->nographic = TRUE;
  return TRUE;
}

static gboolean
runs_no_guest (const SvVmConfig *config)
{
  g_autofree char *name = g_strconcat (config->machine_type, "-machine", NULL);
  GType type = sv_type_registry_lookup (name);
  g_autoptr (GTypeClass) klass = NULL;

  if (type == G_TYPE_INVALID || !g_type_is_a (type, SV_TYPE_MACHINE))
    return FALSE;
  klass = g_type_class_ref (type);
  return SV_MACHINE_CLASS (klass)->no_guest;
}

static gboolean
has_stdio (const SvVmConfig *config)
{
  const GPtrArray *chardevs = config->items[SV_CONFIG_CHARDEV];

  for (guint i = 0; i < chardevs->len; i++)
    {
      const SvConfigItem *item = g_ptr_array_index (chardevs, i);

      if (strcmp (item->type, "chardev-stdio") == 0)
        return TRUE;
    }
  return FALSE;
}

/* As QEMU's: no display means that the serial port is where the program was called. */
gboolean
sv_cli_finish_serial (SvCli *cli, GError **error)
{
  if (!cli->nographic || cli->nodefaults || cli->has_serial || has_stdio (cli->config)
      || runs_no_guest (cli->config))
    return TRUE;
  cli->origin = "-nographic";
  return sv_cli_serial (cli, "stdio", error);
}
