/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "src/block/sv-block-node.h"
#include "src/cli/sv-cli-private.h"
#include "src/cli/sv-keyval.h"

/*
 * -drive is an image and, unless a -device names it, a disk. The words of both dialects may be
 * mixed. What belongs to the image becomes properties of a block node; the rest goes along with the
 * disk to the device that names the drive.
 */

static gboolean
set_cache (SvCliKeys *keys, const char *mode, GError **error)
{
  if (strcmp (mode, "none") == 0)
    sv_cli_keys_set (keys, "cache.direct", "on");
  else if (strcmp (mode, "unsafe") == 0)
    sv_cli_keys_set (keys, "cache.no-flush", "on");
  else if (strcmp (mode, "writeback") != 0)
    return sv_cli_fail (error, "'cache' can be 'none', 'writeback' or 'unsafe', not '%s'", mode);
  return TRUE;
}

static gboolean
check_fixed (SvCliKeys *keys, const char *key, const char *only, GError **error)
{
  g_autofree char *value = sv_cli_keys_take (keys, key);

  if (value == NULL || strcmp (value, only) == 0)
    return TRUE;
  return sv_cli_fail (error, "'%s' can only be '%s', not '%s'", key, only, value);
}

static gboolean
rename_keys (SvCliKeys *keys, GError **error)
{
  static const char *const image_keys[][2] = {
    { "file", "filename" },
    { "readonly", "read-only" },
    { "direct", "cache.direct" },
    { "iops", "throttling.iops-total" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (image_keys); i++)
    {
      if (sv_cli_keys_has (keys, image_keys[i][0]) && sv_cli_keys_has (keys, image_keys[i][1]))
        return sv_cli_fail (error, "'%s' and '%s' are the same", image_keys[i][0],
                            image_keys[i][1]);
      sv_cli_keys_move (keys, image_keys[i][0], keys, image_keys[i][1]);
    }
  return TRUE;
}

/* Flash for firmware: unit 0 holds it, unit 1 its variables. */
static gboolean
add_flash (SvCli *cli, SvCliKeys *keys, const char *id, GError **error)
{
  g_autofree char *unit = sv_cli_keys_take (keys, "unit");
  g_autofree char *property = NULL;

  if (unit == NULL)
    unit = g_strdup_printf ("%u", cli->n_flash);
  if (strcmp (unit, "0") != 0 && strcmp (unit, "1") != 0)
    return sv_cli_fail (error, "'unit' can be '0' or '1' with if=pflash, not '%s'", unit);
  cli->n_flash = (guint)(*unit - '0') + 1;
  property = g_strconcat ("pflash", unit, NULL);
  if (id == NULL)
    id = property;
  sv_cli_add (cli, SV_CONFIG_BLOCK, "blockdev-file", id, keys);
  sv_cli_set_machine (cli, property, id);
  return TRUE;
}

gboolean
sv_cli_older_drive (SvCli *cli, SvCliKeys *keys, GError **error)
{
  static const char *const device_keys[] = { "iothread", "serial", "bootindex", "rerror", "werror" };
  g_autoptr (SvCliKeys) device = sv_cli_keys_new ();
  g_autofree char *id = sv_cli_keys_take (keys, "id");
  g_autofree char *interface = sv_cli_keys_take (keys, "if");
  g_autofree char *cache = sv_cli_keys_take (keys, "cache");

  gboolean flash = g_strcmp0 (interface, "pflash") == 0;

  if (id == NULL && !flash)
    return sv_cli_fail (error, "'id' is missing");
  if (!sv_cli_keys_has (keys, "file"))
    return sv_cli_fail (error, "'file' is missing");
  if (interface != NULL && !flash && strcmp (interface, "none") != 0
      && strcmp (interface, "virtio") != 0)
    return sv_cli_fail (error, "'if' can be 'none', 'pflash' or 'virtio', not '%s'", interface);
  if (!check_fixed (keys, "format", "raw", error) || !check_fixed (keys, "media", "disk", error))
    return FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (device_keys) && !flash; i++)
    sv_cli_keys_move (keys, device_keys[i], device, device_keys[i]);
  if (!rename_keys (keys, error) || (cache != NULL && !set_cache (keys, cache, error)))
    return FALSE;
  sv_cli_keys_set (keys, "is-drive", "on");

  if (flash)
    return add_flash (cli, keys, id, error);
  sv_cli_add (cli, SV_CONFIG_BLOCK, "blockdev-file", id, keys);
  sv_cli_imply_device (cli, "virtio-blk-device", "drive", id, device,
                       interface == NULL || strcmp (interface, "virtio") == 0);
  return TRUE;
}

gboolean
sv_cli_drive (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = NULL;
  g_autofree char *type = NULL;

  if (sv_keyval_is_help (argument, &type))
    {
      cli->answer = sv_cli_help_properties ("blockdev-", "file", "", SV_TYPE_BLOCK_NODE, error);
      return cli->answer != NULL;
    }
  if (*argument == '{')
    return sv_cli_fail (error, "expected KEY=VALUE,..., got JSON: that is for -blockdev");
  keys = sv_cli_keys_parse (argument, NULL, error);
  return keys != NULL && sv_cli_older_drive (cli, keys, error);
}
