/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli-fixture.h"

#include <string.h>

#include "src/cli/sv-cli.h"

gboolean
cli_parse (SvVmConfig *config, const char *line, char **answer, GError **error)
{
  g_auto (GStrv) arguments = NULL;

  if (*line != '\0')
    g_assert_true (g_shell_parse_argv (line, NULL, &arguments, NULL));
  else
    arguments = g_new0 (char *, 1);
  return sv_cli_parse (config, (const char *const *)arguments, answer, error);
}

static void
append_json (GString *text, JsonNode *node)
{
  g_autofree char *json = json_to_string (node, FALSE);

  g_string_append (text, g_strdelimit (json, "\"", '\''));
}

char *
cli_dump (SvVmConfig *config)
{
  static const char *const sections[SV_CONFIG_N_SECTIONS]
      = { "object", "chardev", "block", "netdev", "part", "global", "firmware", "serial", "device", "monitor" };
  GString *text = g_string_new (NULL);

  if (strcmp (config->machine_type, "microvm") != 0)
    g_string_append_printf (text, "type %s\n", config->machine_type);
  for (guint i = 0; i < config->machine->len; i++)
    {
      SvConfigSetting *setting = g_ptr_array_index (config->machine, i);

      g_string_append_printf (text, "machine %s=", setting->name);
      append_json (text, setting->value);
      g_string_append_c (text, '\n');
    }
  for (guint s = 0; s < SV_CONFIG_N_SECTIONS; s++)
    for (guint i = 0; i < config->items[s]->len; i++)
      {
        SvConfigItem *item = g_ptr_array_index (config->items[s], i);
        g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);

        json_node_set_object (node, item->properties);
        g_string_append_printf (text, "%s %s %s ", sections[s], item->type ? item->type : "-",
                                item->id ? item->id : "-");
        append_json (text, node);
        g_string_append_c (text, '\n');
      }
  if (config->log_file != NULL)
    g_string_append_printf (text, "log %s\n", config->log_file);
  if (config->pid_file != NULL)
    g_string_append_printf (text, "pidfile %s\n", config->pid_file);
  if (config->daemonize)
    g_string_append (text, "daemonize\n");
  if (config->paused)
    g_string_append (text, "paused\n");
  if (config->run_as != NULL)
    g_string_append_printf (text, "runas %s\n", config->run_as);
  if (config->chroot != NULL)
    g_string_append_printf (text, "chroot %s\n", config->chroot);
  if (!config->seccomp)
    g_string_append (text, "no seccomp\n");
  for (guint i = 0; i < config->fds->len; i++)
    {
      SvConfigFd *fd = g_ptr_array_index (config->fds, i);

      g_string_append_printf (text, "fd %u %d %s\n", fd->set, fd->fd, fd->opaque ? fd->opaque : "-");
    }
  return g_string_free (text, FALSE);
}
