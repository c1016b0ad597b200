/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qom/sv-value.h"
#include "src/cli/sv-cli-private.h"

/*
 * The older dialect. Each option stands for objects and devices that the newer one spells out; the
 * ranges of values are those of their properties.
 */

static gboolean
require (SvCliKeys *keys, const char *const *names, GError **error)
{
  for (; *names != NULL; names++)
    if (!sv_cli_keys_has (keys, *names))
      return sv_cli_fail (error, "'%s' is missing", *names);
  return TRUE;
}

/* A member is there, but no string. */
static gboolean
fail_no_string (const char *key, GError **error)
{
  return sv_cli_fail (error, "'%s' must be a string", key);
}

gboolean
sv_cli_older_netdev (SvCli *cli, SvCliKeys *keys, GError **error)
{
  static const char *const required[] = { "id", "netdev", NULL };
  static const char *const device_keys[] = { "iothread", "mac" };
  g_autoptr (SvCliKeys) device = sv_cli_keys_new ();
  g_autofree char *id = NULL;

  if (!require (keys, required, error))
    return FALSE;
  id = sv_cli_keys_take (keys, "id");
  if (id == NULL)
    return fail_no_string ("id", error);
  if (json_node_get_value_type (json_object_get_member (keys->values, "netdev")) == G_TYPE_STRING
      && *json_object_get_string_member (keys->values, "netdev") == '\0')
    {
      const char *name = g_hash_table_lookup (keys->names, "netdev");

      /* The place in a file: see read_object() */
      return name != NULL ? sv_cli_fail (error, ".%s: expected the name of a tap interface, got \"\"", name)
                          : sv_cli_fail (error, "'netdev' expects the name of a tap interface, got ''");
    }
  for (guint i = 0; i < G_N_ELEMENTS (device_keys); i++)
    sv_cli_keys_move (keys, device_keys[i], device, device_keys[i]);
  sv_cli_keys_move (keys, "netdev", keys, "ifname");
  sv_cli_add (cli, SV_CONFIG_NETDEV, "netdev-tap", id, keys);
  sv_cli_imply_device (cli, "virtio-net-device", "netdev", id, device, TRUE);
  return TRUE;
}

gboolean
sv_cli_older_console (SvCli *cli, SvCliKeys *keys, GError **error)
{
  static const char *const required[] = { "id", "path", NULL };
  g_autoptr (SvCliKeys) bus = sv_cli_keys_new ();
  g_autoptr (SvCliKeys) console = sv_cli_keys_new ();
  g_autofree char *id = NULL;

  if (!require (keys, required, error) || !sv_cli_begin_role (cli, "console", error))
    return FALSE;
  id = sv_cli_keys_take (keys, "id");
  if (id == NULL)
    return fail_no_string ("id", error);
  sv_cli_keys_set (keys, "server", "on");
  sv_cli_keys_set (keys, "wait", "off");
  sv_cli_add (cli, SV_CONFIG_CHARDEV, "chardev-socket", id, keys)->new_path = TRUE;

  sv_cli_keys_set (bus, "driver", "virtio-serial-device");
  sv_cli_add (cli, SV_CONFIG_DEVICE, NULL, NULL, bus);
  sv_cli_keys_set (console, "driver", "virtconsole");
  sv_cli_keys_set (console, "id", id);
  sv_cli_keys_set (console, "chardev", id);
  sv_cli_add (cli, SV_CONFIG_DEVICE, NULL, NULL, console);
  return TRUE;
}

gboolean
sv_cli_older_vsock (SvCli *cli, SvCliKeys *keys, GError **error)
{
  static const char *const required[] = { "id", "guest-cid", NULL };

  if (!require (keys, required, error) || !sv_cli_begin_role (cli, "vsock", error))
    return FALSE;
  sv_cli_keys_set (keys, "driver", "vhost-vsock-device");
  sv_cli_add (cli, SV_CONFIG_DEVICE, NULL, NULL, keys);
  return TRUE;
}

gboolean
sv_cli_older_iothread (SvCli *cli, SvCliKeys *keys, GError **error)
{
  static const char *const required[] = { "id", NULL };
  g_autofree char *id = NULL;

  if (!require (keys, required, error))
    return FALSE;
  id = sv_cli_keys_take (keys, "id");
  if (id == NULL)
    return fail_no_string ("id", error);
  if (!sv_cli_keys_refuse_rest (keys, "'id'", error))
    return FALSE;
  sv_cli_add (cli, SV_CONFIG_OBJECT, "iothread", id, keys);
  return TRUE;
}

gboolean
sv_cli_older_balloon (SvCli *cli, SvCliKeys *keys, GError **error)
{
  static const char *const required[] = { "deflate-on-oom", NULL };

  if (!require (keys, required, error) || !sv_cli_begin_role (cli, "balloon", error))
    return FALSE;
  sv_cli_keys_set (keys, "driver", "virtio-balloon-device");
  sv_cli_keys_set (keys, "huge-pages", "off");
  sv_cli_add (cli, SV_CONFIG_DEVICE, NULL, NULL, keys);
  return TRUE;
}

/* The option's own range: the property that it sets takes any rate. */
static gboolean
check_rate (SvCli *cli, SvCliKeys *keys, const char *key, GError **error)
{
  JsonNode *node = json_object_get_member (keys->values, key);
  g_autoptr (GParamSpec) pspec = NULL;
  g_auto (GValue) value = G_VALUE_INIT;

  if (node == NULL)
    return TRUE;
  pspec = g_param_spec_ref_sink (
      g_param_spec_uint64 (key, key, NULL, 64, 1000000000, 64, G_PARAM_READWRITE));
  if (sv_value_from_json (&value, pspec, node, NULL, error))
    return TRUE;
  if (cli->from_file)
    g_prefix_error (error, ".%s: ", key);
  return FALSE;
}

gboolean
sv_cli_older_rng (SvCli *cli, SvCliKeys *keys, GError **error)
{
  static const char *const required[] = { "random_file", NULL };
  g_autoptr (SvCliKeys) source = sv_cli_keys_new ();

  if (!require (keys, required, error) || !check_rate (cli, keys, "bytes_per_sec", error)
      || !sv_cli_begin_role (cli, "rng", error))
    return FALSE;
  sv_cli_keys_move (keys, "random_file", source, "filename");
  sv_cli_add (cli, SV_CONFIG_OBJECT, "rng-random", "random_file", source);
  sv_cli_keys_set (keys, "driver", "virtio-rng-device");
  sv_cli_keys_set (keys, "rng", "random_file");
  sv_cli_keys_move (keys, "bytes_per_sec", keys, "max-bytes");
  if (sv_cli_keys_has (keys, "max-bytes"))
    sv_cli_keys_set (keys, "period", "1000");
  sv_cli_add (cli, SV_CONFIG_DEVICE, NULL, NULL, keys);
  return TRUE;
}

gboolean
sv_cli_iothread (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = sv_cli_keys_parse (argument, NULL, error);

  return keys != NULL && sv_cli_older_iothread (cli, keys, error);
}

gboolean
sv_cli_balloon (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = sv_cli_keys_parse (argument, NULL, error);

  return keys != NULL && sv_cli_older_balloon (cli, keys, error);
}

gboolean
sv_cli_rng (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = sv_cli_keys_parse (argument, NULL, error);

  return keys != NULL && sv_cli_older_rng (cli, keys, error);
}
