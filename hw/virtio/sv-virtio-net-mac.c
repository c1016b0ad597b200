/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The address of a network card. */

#include <string.h>

#include "hw/virtio/sv-virtio-net-private.h"

static gboolean
parse_mac (const char *text, guint8 *mac)
{
  for (guint i = 0; i < 6; i++)
    {
      int high = g_ascii_xdigit_value (text[3 * i]);
      int low = high < 0 ? -1 : g_ascii_xdigit_value (text[3 * i + 1]);
      char end = low < 0 ? '\1' : text[3 * i + 2];

      if (low < 0 || (i < 5 ? end != ':' && end != '-' : end != '\0'))
        return FALSE;
      mac[i] = high << 4 | low;
    }
  return TRUE;
}

typedef struct
{
  SvVirtioNet *self;
  const guint8 *mac;
} MacSearch;

static gboolean
has_other_mac (SvObject *object, gpointer user_data)
{
  MacSearch *search = user_data;

  return !SV_IS_VIRTIO_NET (object) || object == SV_OBJECT (search->self)
         || memcmp (SV_VIRTIO_NET (object)->mac_bytes, search->mac, 6) != 0;
}

static void
choose_mac (SvVirtioNet *self)
{
  guint8 mac[6] = { 0x52, 0x54, 0x00, 0x12, 0x34, 0x56 };
  MacSearch search = { self, mac };
  SvObject *root = sv_object_get_root (SV_OBJECT (self));

  while (!sv_object_walk (root, has_other_mac, &search))
    if (++mac[5] == 0 && ++mac[4] == 0)
      mac[3]++;
  memcpy (self->mac_bytes, mac, sizeof mac);
  self->mac = sv_virtio_net_format_mac (mac);
}

gboolean
sv_virtio_net_set_up_mac (SvVirtioNet *self, GError **error)
{
  if (self->mac == NULL)
    {
      choose_mac (self);
      return TRUE;
    }
  if (!parse_mac (self->mac, self->mac_bytes) || (self->mac_bytes[0] & 1) != 0)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "'%s': mac=%s must be six hexadecimal bytes like 52:54:00:12:34:56, the first "
                   "one even: an odd one means a group",
                   sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)), self->mac);
      return FALSE;
    }
  return TRUE;
}
