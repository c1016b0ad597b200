/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-microvm-address.h"

#include <string.h>

#include "hw/x86/sv-microvm-slots.h"

static const struct
{
  const char *driver;
  const char *back_end;
  guint n_slots;
} drivers[] = {
  { "virtio-blk-mmio", "drive", SV_MICROVM_MAX_DISKS },
  { "virtio-blk-device", NULL, SV_MICROVM_MAX_DISKS },
  { "virtio-net-mmio", "netdev", SV_MICROVM_MAX_NICS },
  { "virtio-net-device", NULL, SV_MICROVM_MAX_NICS },
};

/* A number, or a string of digits; hexadecimal with 0x. */
static gboolean
parse_number (JsonNode *node, guint64 *value)
{
  const char *text;
  gboolean hex;

  if (!JSON_NODE_HOLDS_VALUE (node))
    return FALSE;
  if (json_node_get_value_type (node) == G_TYPE_INT64)
    {
      *value = (guint64) json_node_get_int (node);
      return json_node_get_int (node) >= 0;
    }
  if (json_node_get_value_type (node) != G_TYPE_STRING)
    return FALSE;
  text = json_node_get_string (node);
  hex = g_ascii_strncasecmp (text, "0x", 2) == 0;
  return g_ascii_string_to_unsigned (hex ? text + 2 : text, hex ? 16 : 10, 0, G_MAXINT32, value, NULL);
}

static gboolean
take_number (JsonObject *properties, const char *name, guint max, gint *number, GError **error)
{
  JsonNode *node = json_object_get_member (properties, name);
  guint64 value;

  *number = -1;
  if (node == NULL)
    return TRUE;
  if (!parse_number (node, &value) || value > max)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "Parameter '%s' expects a number from 0x0 to 0x%x, decimal or hexadecimal", name,
                   max);
      return FALSE;
    }
  *number = (gint) value;
  json_object_remove_member (properties, name);
  return TRUE;
}

static gboolean
take_slot (JsonObject *properties, guint n_slots, gint *slot, GError **error)
{
  gint lun = -1;

  if (!take_number (properties, "addr", n_slots - 1, slot, error))
    return FALSE;
  /* The first disk is the guest's root: numbers of units begin behind it. */
  if (n_slots == SV_MICROVM_MAX_DISKS && !take_number (properties, "lun", n_slots - 2, &lun, error))
    return FALSE;
  if (lun < 0)
    return TRUE;
  if (*slot >= 0)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "Parameters 'addr' and 'lun' are mutually exclusive");
      return FALSE;
    }
  *slot = lun + 1;
  return TRUE;
}

gboolean
sv_microvm_take_address (JsonObject *properties, gint *slot, GError **error)
{
  const char *driver = json_object_get_string_member (properties, "driver");
  const char *id = json_object_get_string_member_with_default (properties, "id", NULL);

  *slot = -1;
  for (guint i = 0; i < G_N_ELEMENTS (drivers); i++)
    {
      if (strcmp (driver, drivers[i].driver) != 0)
        continue;
      if (drivers[i].back_end != NULL && id != NULL
          && !json_object_has_member (properties, drivers[i].back_end))
        json_object_set_string_member (properties, drivers[i].back_end, id);
      return take_slot (properties, drivers[i].n_slots, slot, error);
    }
  return TRUE;
}
