/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "hw/core/sv-device.h"
#include "qom/sv-parse.h"
#include "src/block/sv-block-raw.h"
#include "src/chardev/sv-chardev.h"
#include "src/cli/sv-cli-private.h"
#include "src/cli/sv-keyval.h"
#include "src/net/sv-netdev.h"

/* Options that say what a VM is made of. */

/* An item of @section; the key @type_key names its type, @id_key its id. */
static gboolean
add_item (SvCli *cli,
          SvConfigSection section,
          SvCliKeys *keys,
          const char *prefix,
          const char *type_key,
          const char *id_key,
          GError **error)
{
  g_autofree char *type = NULL;
  g_autofree char *wire_type = NULL;
  g_autofree char *id = NULL;

  type = sv_cli_keys_take (keys, type_key);
  if (type == NULL)
    return sv_cli_fail (error, "'%s' is missing", type_key);
  id = sv_cli_keys_take (keys, id_key);
  if (id == NULL)
    return sv_cli_fail (error, "'%s' is missing", id_key);
  wire_type = g_strconcat (prefix, type, NULL);
  sv_cli_add (cli, section, wire_type, id, keys);
  return TRUE;
}

gboolean
sv_cli_object (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = NULL;
  g_autofree char *type = NULL;

  if (sv_keyval_is_help (argument, &type))
    {
      cli->answer = type == NULL ? sv_cli_help_objects ()
                                 : sv_cli_help_properties ("", type, "", SV_TYPE_OBJECT, error);
      return cli->answer != NULL;
    }
  keys = sv_cli_keys_parse_list (argument, "qom-type", "host-nodes", error);
  return keys != NULL && add_item (cli, SV_CONFIG_OBJECT, keys, "", "qom-type", "id", error);
}

gboolean
sv_cli_blockdev (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = NULL;
  g_autofree char *type = NULL;
  g_autofree char *driver = NULL;
  const char *flat;

  if (sv_keyval_is_help (argument, &type))
    {
      cli->answer = type == NULL
                        ? sv_cli_help_blockdevs ()
                        : sv_cli_help_properties ("blockdev-", type, "", SV_TYPE_BLOCK_NODE, error);
      return cli->answer != NULL;
    }
  keys = sv_cli_keys_parse_any (argument, "driver", error);
  if (keys == NULL)
    return FALSE;
  driver = sv_cli_keys_take (keys, "driver");
  flat = sv_block_flatten (keys->values, driver, error);
  if (flat == NULL)
    return FALSE;
  sv_cli_keys_set (keys, "driver", flat);
  return add_item (cli, SV_CONFIG_BLOCK, keys, "blockdev-", "driver", "node-name", error);
}

/* The older dialect has no word for the type: `id=net0,netdev=tap0`. */
gboolean
sv_cli_netdev (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = NULL;
  g_autofree char *type = NULL;

  if (sv_keyval_is_help (argument, &type))
    {
      cli->answer = type == NULL
                        ? sv_cli_help_netdevs ()
                        : sv_cli_help_properties ("netdev-", type, "", SV_TYPE_NETDEV, error);
      return cli->answer != NULL;
    }

  keys = sv_cli_keys_parse_any (argument, "type", error);
  if (keys == NULL)
    return FALSE;
  if (!sv_cli_keys_has (keys, "type") && sv_cli_keys_has (keys, "netdev"))
    return sv_cli_older_netdev (cli, keys, error);
  return add_item (cli, SV_CONFIG_NETDEV, keys, "netdev-", "type", "id", error);
}

gboolean
sv_cli_device (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = NULL;
  JsonNode *driver;
  g_autofree char *type = NULL;

  if (sv_keyval_is_help (argument, &type))
    {
      cli->answer = type == NULL ? sv_cli_help_devices ()
                                 : sv_cli_help_properties ("", type, "", SV_TYPE_DEVICE, error);
      return cli->answer != NULL;
    }

  keys = sv_cli_keys_parse_any (argument, "driver", error);
  if (keys == NULL)
    return FALSE;
  driver = json_object_get_member (keys->values, "driver");
  if (driver == NULL)
    return sv_cli_fail (error, "'driver' is missing");
  if (json_node_get_value_type (driver) == G_TYPE_STRING
      && strcmp (json_node_get_string (driver), "vsock") == 0)
    return sv_cli_older_vsock (cli, keys, error);
  sv_cli_add (cli, SV_CONFIG_DEVICE, NULL, NULL, keys);
  return TRUE;
}

static gboolean
add_chardev (SvCli *cli, const char *id, SvCliKeys *keys, GError **error)
{
  g_autofree char *backend = sv_cli_keys_take (keys, "backend");
  g_autofree char *mux = sv_cli_keys_take (keys, "mux");
  g_autofree char *type = NULL;
  gboolean shared = FALSE;

  if (backend == NULL)
    return sv_cli_fail (error, "'backend' is missing");
  if (mux != NULL && !sv_parse_bool (mux, &shared, NULL))
    return sv_cli_fail (error, "'mux' expects 'on' or 'off', got '%s'", mux);
  if (shared)
    return sv_cli_fail (error, "'mux' can only be 'off': a character device serves one front end, and there is no "
                        "human monitor to share it with");
  type = g_strconcat ("chardev-", backend, NULL);
  sv_cli_add (cli, SV_CONFIG_CHARDEV, type, id, keys);
  return TRUE;
}

gboolean
sv_cli_chardev (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = NULL;
  g_autofree char *type = NULL;
  g_autofree char *id = NULL;

  if (sv_keyval_is_help (argument, &type))
    {
      cli->answer = type == NULL
                        ? sv_cli_help_chardevs ()
                        : sv_cli_help_properties ("chardev-", type, "", SV_TYPE_CHARDEV, error);
      return cli->answer != NULL;
    }

  keys = sv_cli_keys_parse_any (argument, "backend", error);
  if (keys == NULL)
    return FALSE;
  if (!sv_cli_keys_has (keys, "backend") && sv_cli_keys_has (keys, "path"))
    return sv_cli_older_console (cli, keys, error);
  id = sv_cli_keys_take (keys, "id");
  if (id == NULL)
    return sv_cli_fail (error, "'id' is missing");
  return add_chardev (cli, id, keys, error);
}

char *
sv_cli_take_short_chardev (
    SvCli *cli, const char *argument, const char *stem, guint n, GError **error)
{
  g_autoptr (SvCliKeys) keys = NULL;
  g_autofree char *id = NULL;
  JsonObject *properties;

  if (g_str_has_prefix (argument, "chardev:"))
    return g_strdup (argument + strlen ("chardev:"));

  properties = sv_chardev_parse_short (argument, error);
  if (properties == NULL)
    return NULL;
  keys = sv_cli_keys_new ();
  json_object_unref (keys->values);
  keys->values = properties;
  id = g_strdup_printf ("%s%u", stem, n);
  return add_chardev (cli, id, keys, error) ? g_steal_pointer (&id) : NULL;
}

void
sv_cli_add_reference (SvCli *cli, SvConfigSection section, const char *id)
{
  g_autoptr (SvCliKeys) nothing = sv_cli_keys_new ();

  sv_cli_add (cli, section, NULL, id, nothing);
}

gboolean
sv_cli_qmp (SvCli *cli, const char *argument, GError **error)
{
  g_autofree char *id = NULL;

  if (strcmp (argument, "none") == 0)
    return TRUE;
  id = sv_cli_take_short_chardev (cli, argument, "compat_monitor", cli->n_monitors++, error);
  if (id == NULL)
    return FALSE;
  sv_cli_add_reference (cli, SV_CONFIG_MONITOR, id);
  return TRUE;
}

/* A file and a socket that must not be there yet, unlike QEMU's. */
gboolean
sv_cli_api_channel (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = NULL;
  g_autofree char *id = NULL;
  const char *path = argument + strlen ("unix:");

  if (!g_str_has_prefix (argument, "unix:") || *path == '\0')
    return sv_cli_fail (error, "expected unix:SOCKET");
  keys = sv_cli_keys_new ();
  sv_cli_keys_set (keys, "path", path);
  sv_cli_keys_set (keys, "server", "on");
  sv_cli_keys_set (keys, "wait", "off");
  id = g_strdup_printf ("compat_monitor%u", cli->n_monitors++);
  sv_cli_add (cli, SV_CONFIG_CHARDEV, "chardev-socket", id, keys)->new_path = TRUE;
  sv_cli_add_reference (cli, SV_CONFIG_MONITOR, id);
  return TRUE;
}

gboolean
sv_cli_mon (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = sv_cli_keys_parse (argument, "chardev", error);
  g_autofree char *chardev = NULL;
  g_autofree char *mode = NULL;
  g_autofree char *id = NULL;
  g_autofree char *pretty = NULL;

  if (keys == NULL)
    return FALSE;
  chardev = sv_cli_keys_take (keys, "chardev");
  mode = sv_cli_keys_take (keys, "mode");
  id = sv_cli_keys_take (keys, "id");
  pretty = sv_cli_keys_take (keys, "pretty");
  if (!sv_cli_keys_refuse_rest (keys, "'chardev', 'id', 'mode' and 'pretty'", error))
    return FALSE;
  if (chardev == NULL)
    return sv_cli_fail (error, "'chardev' is missing");
  if (mode == NULL || strcmp (mode, "control") != 0)
    return sv_cli_fail (error, "'mode' must be 'control'");
  if (pretty != NULL && strcmp (pretty, "off") != 0)
    return sv_cli_fail (error, "'pretty' can only be 'off'");
  sv_cli_add_reference (cli, SV_CONFIG_MONITOR, chardev);
  return TRUE;
}

gboolean
sv_cli_add_fd (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = sv_cli_keys_parse (argument, NULL, error);
  g_autofree char *set = NULL;
  g_autofree char *fd = NULL;
  g_autofree char *opaque = NULL;
  guint64 set_number;
  guint64 fd_number;

  if (keys == NULL)
    return FALSE;
  set = sv_cli_keys_take (keys, "set");
  fd = sv_cli_keys_take (keys, "fd");
  opaque = sv_cli_keys_take (keys, "opaque");
  if (!sv_cli_keys_refuse_rest (keys, "'set', 'fd' and 'opaque'", error))
    return FALSE;
  if (set == NULL || !sv_parse_uint64 (set, &set_number, NULL) || set_number > G_MAXINT)
    return sv_cli_fail (error, "'set' must be the number of a set of file descriptors");
  if (fd == NULL || !sv_parse_uint64 (fd, &fd_number, NULL) || fd_number <= STDERR_FILENO
      || fd_number > G_MAXINT || fcntl ((int)fd_number, F_GETFD) < 0)
    return sv_cli_fail (error, "'fd' must be the number of an inherited file descriptor above 2");
  sv_vm_config_add_fd (cli->config, (guint)set_number, (int)fd_number, opaque, cli->origin);
  return TRUE;
}
