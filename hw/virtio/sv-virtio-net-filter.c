/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-net-filter.h"

#include <linux/if_ether.h>
#include <string.h>

#define VLAN_HEADER 4

void
sv_virtio_net_filter_reset (SvVirtioNetFilter *self, const guint8 *mac, gboolean filter_vlans)
{
  memset (self, 0, sizeof *self);
  self->promisc = TRUE;
  self->filter_vlans = filter_vlans;
  memcpy (self->mac, mac, sizeof self->mac);
}

/* Copies the start of a packet; FALSE when there is less of it. */
static gboolean
peek (const struct iovec *iov, guint n_iov, gsize skip, guint8 *to, gsize size)
{
  for (guint i = 0; i < n_iov && size > 0; i++)
    {
      gsize part;

      if (skip >= iov[i].iov_len)
        {
          skip -= iov[i].iov_len;
          continue;
        }
      part = MIN (iov[i].iov_len - skip, size);
      memcpy (to, (const guint8 *) iov[i].iov_base + skip, part);
      to += part;
      size -= part;
      skip = 0;
    }
  return size == 0;
}

static gboolean
has (const SvVirtioNetMacTable *table, const guint8 *mac)
{
  for (guint i = 0; i < table->n; i++)
    if (memcmp (table->macs[i], mac, ETH_ALEN) == 0)
      return TRUE;
  return FALSE;
}

gboolean
sv_virtio_net_filter_accepts (
    const SvVirtioNetFilter *self, const struct iovec *iov, guint n_iov, gsize skip, gsize length)
{
  static const guint8 broadcast[ETH_ALEN] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
  guint8 header[ETH_HLEN + VLAN_HEADER] = { 0 };

  if (self->promisc)
    return TRUE;
  if (length < skip + ETH_HLEN
      || !peek (iov, n_iov, skip, header, MIN (length - skip, sizeof header)))
    return FALSE;

  if (self->filter_vlans && header[12] == ETH_P_8021Q >> 8 && header[13] == (ETH_P_8021Q & 0xff))
    {
      guint id = (header[14] << 8 | header[15]) & 0xfff;

      if ((self->vlans[id / 32] & 1u << id % 32) == 0)
        return FALSE;
    }

  if (header[0] & 1)
    {
      if (memcmp (header, broadcast, ETH_ALEN) == 0)
        return !self->nobcast;
      if (self->nomulti)
        return FALSE;
      return self->allmulti || self->multicast.overflow || has (&self->multicast, header);
    }

  if (self->nouni)
    return FALSE;
  return self->alluni || self->unicast.overflow || memcmp (header, self->mac, ETH_ALEN) == 0
         || has (&self->unicast, header);
}

char *
sv_virtio_net_format_mac (const guint8 *mac)
{
  return g_strdup_printf ("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
                          mac[5]);
}
