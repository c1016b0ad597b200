/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "qom/sv-parse.h"
#include "src/cli/sv-cli-private.h"

/* Options about the process, and what must not be said together. */

static void
set_string (char **slot, const char *value)
{
  g_free (*slot);
  *slot = g_strdup (value);
}

gboolean
sv_cli_config (SvCli *cli, const char *argument, GError **error)
{
  return sv_cli_read_json (cli, argument, error);
}

gboolean
sv_cli_paused (SvCli *cli, const char *argument, GError **error)
{
  cli->config->paused = TRUE;
  return TRUE;
}

gboolean
sv_cli_daemonize (SvCli *cli, const char *argument, GError **error)
{
  cli->config->daemonize = TRUE;
  return TRUE;
}

gboolean
sv_cli_disable_seccomp (SvCli *cli, const char *argument, GError **error)
{
  cli->config->seccomp = FALSE;
  return TRUE;
}

gboolean
sv_cli_pidfile (SvCli *cli, const char *argument, GError **error)
{
  set_string (&cli->config->pid_file, argument);
  return TRUE;
}

gboolean
sv_cli_incoming (SvCli *cli, const char *argument, GError **error)
{
  set_string (&cli->config->incoming, argument);
  return TRUE;
}

gboolean
sv_cli_log (SvCli *cli, const char *argument, GError **error)
{
  set_string (&cli->config->log_file, argument);
  return TRUE;
}

gboolean
sv_cli_runas (SvCli *cli, const char *argument, GError **error)
{
  if (*argument == '\0')
    return sv_cli_fail (error, "expected USER or UID:GID");
  set_string (&cli->config->run_as, argument);
  return TRUE;
}

gboolean
sv_cli_chroot (SvCli *cli, const char *argument, GError **error)
{
  if (!g_file_test (argument, G_FILE_TEST_IS_DIR))
    return sv_cli_fail (error, "expected a directory");
  set_string (&cli->config->chroot, argument);
  return TRUE;
}

/* QEMU's finer choices are part of what the filters refuse anyway. */
gboolean
sv_cli_sandbox (SvCli *cli, const char *argument, GError **error)
{
  static const char *const choices[]
      = { "obsolete", "elevateprivileges", "spawn", "resourcecontrol" };
  g_autoptr (SvCliKeys) keys = sv_cli_keys_parse (argument, "enable", error);
  g_autofree char *enable = NULL;
  g_autofree char *directory = NULL;
  gboolean on;

  if (keys == NULL)
    return FALSE;
  enable = sv_cli_keys_take (keys, "enable");
  directory = sv_cli_keys_take (keys, "chroot");
  for (guint i = 0; i < G_N_ELEMENTS (choices); i++)
    {
      g_autofree char *value = sv_cli_keys_take (keys, choices[i]);

      if (value != NULL && strcmp (value, "allow") != 0 && strcmp (value, "deny") != 0
          && strcmp (value, "children") != 0)
        return sv_cli_fail (error, "'%s' can be 'allow' or 'deny', not '%s'", choices[i], value);
    }
  if (!sv_cli_keys_refuse_rest (keys,
                                "'enable', 'chroot', 'obsolete', 'elevateprivileges', 'spawn' and "
                                "'resourcecontrol'",
                                error))
    return FALSE;
  if (enable != NULL)
    {
      if (!sv_parse_bool (enable, &on, error))
        return FALSE;
      cli->config->seccomp = on;
    }
  return directory == NULL || sv_cli_chroot (cli, directory, error);
}

gboolean
sv_cli_only_none (SvCli *cli, const char *argument, GError **error)
{
  return strcmp (argument, "none") == 0 || sv_cli_fail (error, "it can only be 'none'");
}

gboolean
sv_cli_audiodev (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = sv_cli_keys_parse_any (argument, "driver", error);
  g_autofree char *driver = NULL;
  g_autofree char *id = NULL;

  if (keys == NULL)
    return FALSE;
  driver = sv_cli_keys_take (keys, "driver");
  id = sv_cli_keys_take (keys, "id");
  if (g_strcmp0 (driver, "none") != 0)
    return sv_cli_fail (error, "'driver' can only be 'none'");
  return sv_cli_keys_refuse_rest (keys, "'driver' and 'id'", error);
}

gboolean
sv_cli_overcommit (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = sv_cli_keys_parse (argument, NULL, error);
  static const char *const choices[] = { "mem-lock", "cpu-pm" };

  if (keys == NULL)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (choices); i++)
    {
      g_autofree char *value = sv_cli_keys_take (keys, choices[i]);

      if (value != NULL && strcmp (value, "off") != 0)
        return sv_cli_fail (error, "'%s' can only be 'off'", choices[i]);
    }
  return sv_cli_keys_refuse_rest (keys, "'mem-lock' and 'cpu-pm'", error);
}

/* --- what does not go together --- */

static gboolean
is_standard_stream (const char *path)
{
  static const char *const streams[] = { "/dev/stderr", "/dev/stdout", "/dev/fd/1", "/dev/fd/2",
                                         "/proc/self/fd/1", "/proc/self/fd/2", NULL };

  return g_strv_contains (streams, path);
}

/* A daemon's standard streams are /dev/null. */
static gboolean
check_daemon (SvVmConfig *config, GError **error)
{
  GPtrArray *chardevs = config->items[SV_CONFIG_CHARDEV];

  if (!config->daemonize)
    return config->pid_file == NULL
           || sv_cli_fail (error, "-pidfile %s: it needs -daemonize", config->pid_file);
  if (config->log_file != NULL && is_standard_stream (config->log_file))
    return sv_cli_fail (error, "-D %s: standard output and error are not there with -daemonize: "
                        "expected a file", config->log_file);
  for (guint i = 0; i < chardevs->len; i++)
    {
      SvConfigItem *item = g_ptr_array_index (chardevs, i);

      if (strcmp (item->type, "chardev-stdio") == 0)
        return sv_cli_fail (error, "%s: standard input and output are not there with -daemonize",
                            item->origin);
    }
  return TRUE;
}

gboolean
sv_cli_check (SvVmConfig *config, GError **error)
{
  return check_daemon (config, error);
}
