/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The control queue, VIRTIO 1.2 §5.1.6.5. */

#include <linux/virtio_net.h>
#include <string.h>

#include "hw/virtio/sv-virtio-net-private.h"

/* Addresses in one table that are looked at, kept or not. */
#define MAX_TABLE 4096

static gboolean
pull_byte (SvVirtqElement *element, guint8 *value)
{
  return sv_virtq_element_pull (element, value, 1);
}

static gboolean
pull_word (SvVirtqElement *element, guint16 *value)
{
  guint16 raw;

  if (!sv_virtq_element_pull (element, &raw, sizeof raw))
    return FALSE;
  *value = GUINT16_FROM_LE (raw);
  return TRUE;
}

/* §5.1.6.5.1 */
static gboolean
set_rx_mode (SvVirtioNet *self, guint8 command, SvVirtqElement *element)
{
  SvVirtioNetFilter filter = self->card.filter;
  guint8 on;

  if (!sv_virtio_device_has_feature (SV_VIRTIO_DEVICE (self), command <= VIRTIO_NET_CTRL_RX_ALLMULTI
                                                                  ? VIRTIO_NET_F_CTRL_RX
                                                                  : VIRTIO_NET_F_CTRL_RX_EXTRA)
      || !pull_byte (element, &on))
    return FALSE;

  switch (command)
    {
    case VIRTIO_NET_CTRL_RX_PROMISC:
      filter.promisc = on != 0;
      break;
    case VIRTIO_NET_CTRL_RX_ALLMULTI:
      filter.allmulti = on != 0;
      break;
    case VIRTIO_NET_CTRL_RX_ALLUNI:
      filter.alluni = on != 0;
      break;
    case VIRTIO_NET_CTRL_RX_NOMULTI:
      filter.nomulti = on != 0;
      break;
    case VIRTIO_NET_CTRL_RX_NOUNI:
      filter.nouni = on != 0;
      break;
    case VIRTIO_NET_CTRL_RX_NOBCAST:
      filter.nobcast = on != 0;
      break;
    default:
      return FALSE;
    }
  sv_virtio_net_set_filter (self, &filter);
  return TRUE;
}

static gboolean
pull_table (SvVirtqElement *element, SvVirtioNetMacTable *table)
{
  guint32 raw, n;

  if (!sv_virtq_element_pull (element, &raw, sizeof raw))
    return FALSE;
  n = GUINT32_FROM_LE (raw);
  if (n > MAX_TABLE || element->out_size < (guint64) n * 6)
    return FALSE;

  table->n = 0;
  table->overflow = n > SV_VIRTIO_NET_MAC_TABLE_SIZE;
  for (guint i = 0; i < n; i++)
    {
      guint8 mac[6];

      sv_virtq_element_pull (element, mac, sizeof mac);
      if (!table->overflow)
        memcpy (table->macs[table->n++], mac, sizeof mac);
    }
  return TRUE;
}

/* §5.1.6.5.2 */
static gboolean
set_mac (SvVirtioNet *self, guint8 command, SvVirtqElement *element)
{
  SvVirtioDevice *device = SV_VIRTIO_DEVICE (self);
  SvVirtioNetFilter filter = self->card.filter;

  switch (command)
    {
    case VIRTIO_NET_CTRL_MAC_TABLE_SET:
      if (!sv_virtio_device_has_feature (device, VIRTIO_NET_F_CTRL_RX)
          || !pull_table (element, &filter.unicast) || !pull_table (element, &filter.multicast))
        return FALSE;
      break;
    case VIRTIO_NET_CTRL_MAC_ADDR_SET:
      if (!sv_virtio_device_has_feature (device, VIRTIO_NET_F_CTRL_MAC_ADDR)
          || element->out_size != sizeof filter.mac
          || !sv_virtq_element_pull (element, filter.mac, sizeof filter.mac))
        return FALSE;
      memcpy (sv_virtio_device_get_config (device), filter.mac, sizeof filter.mac);
      sv_virtio_device_config_changed (device);
      break;
    default:
      return FALSE;
    }
  sv_virtio_net_set_filter (self, &filter);
  return TRUE;
}

/* §5.1.6.5.3 */
static gboolean
set_vlan (SvVirtioNet *self, guint8 command, SvVirtqElement *element)
{
  SvVirtioNetFilter filter = self->card.filter;
  guint16 id;

  if (!sv_virtio_device_has_feature (SV_VIRTIO_DEVICE (self), VIRTIO_NET_F_CTRL_VLAN)
      || !pull_word (element, &id) || id >= 4096)
    return FALSE;
  if (command == VIRTIO_NET_CTRL_VLAN_ADD)
    filter.vlans[id / 32] |= 1u << id % 32;
  else if (command == VIRTIO_NET_CTRL_VLAN_DEL)
    filter.vlans[id / 32] &= ~(1u << id % 32);
  else
    return FALSE;
  sv_virtio_net_set_filter (self, &filter);
  return TRUE;
}

/* §5.1.6.5.4 */
static gboolean
acknowledge_announcement (SvVirtioNet *self, guint8 command)
{
  SvVirtioDevice *device = SV_VIRTIO_DEVICE (self);
  struct virtio_net_config *config = sv_virtio_device_get_config (device);

  if (command != VIRTIO_NET_CTRL_ANNOUNCE_ACK
      || !sv_virtio_device_has_feature (device, VIRTIO_NET_F_GUEST_ANNOUNCE))
    return FALSE;
  if ((config->status & GUINT16_TO_LE (VIRTIO_NET_S_ANNOUNCE)) != 0)
    {
      config->status &= ~GUINT16_TO_LE (VIRTIO_NET_S_ANNOUNCE);
      sv_virtio_device_config_changed (device);
    }
  return TRUE;
}

/* §5.1.6.5.5 */
static gboolean
set_pairs (SvVirtioNet *self, guint8 command, SvVirtqElement *element)
{
  guint16 n;

  return command == VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET
         && sv_virtio_device_has_feature (SV_VIRTIO_DEVICE (self), VIRTIO_NET_F_MQ)
         && pull_word (element, &n) && n >= VIRTIO_NET_CTRL_MQ_VQ_PAIRS_MIN && n <= self->n_pairs
         && sv_virtio_net_set_active_pairs (self, n);
}

/* §5.1.6.5.6 */
static gboolean
set_offloads (SvVirtioNet *self, guint8 command, SvVirtqElement *element)
{
  guint64 raw;

  return command == VIRTIO_NET_CTRL_GUEST_OFFLOADS_SET
         && sv_virtio_device_has_feature (SV_VIRTIO_DEVICE (self),
                                          VIRTIO_NET_F_CTRL_GUEST_OFFLOADS)
         && sv_virtq_element_pull (element, &raw, sizeof raw)
         && sv_virtio_net_set_offloads (self, GUINT64_FROM_LE (raw));
}

static gboolean
execute (SvVirtioNet *self, const struct virtio_net_ctrl_hdr *header, SvVirtqElement *element)
{
  switch (header->class)
    {
    case VIRTIO_NET_CTRL_RX:
      return set_rx_mode (self, header->cmd, element);
    case VIRTIO_NET_CTRL_MAC:
      return set_mac (self, header->cmd, element);
    case VIRTIO_NET_CTRL_VLAN:
      return set_vlan (self, header->cmd, element);
    case VIRTIO_NET_CTRL_ANNOUNCE:
      return acknowledge_announcement (self, header->cmd);
    case VIRTIO_NET_CTRL_MQ:
      return set_pairs (self, header->cmd, element);
    case VIRTIO_NET_CTRL_GUEST_OFFLOADS:
      return set_offloads (self, header->cmd, element);
    default:
      return FALSE;
    }
}

void
sv_virtio_net_handle_control (SvVirtioNet *self, SvVirtqueue *queue)
{
  struct iovec iov[SV_VIRTQUEUE_MAX_SIZE + 4];
  SvVirtqElement element = { .iov = iov, .max_iov = G_N_ELEMENTS (iov) };

  if (!sv_virtqueue_begin (queue))
    return;

  while (sv_virtqueue_pop (queue, &element))
    {
      struct virtio_net_ctrl_hdr header;
      guint8 answer;

      if (element.in_size < sizeof answer
          || !sv_virtq_element_pull (&element, &header, sizeof header))
        {
          sv_virtqueue_break (queue, "a control command without header or place for the answer");
          sv_virtqueue_push (queue, &element, 0);
          break;
        }
      answer = execute (self, &header, &element) ? VIRTIO_NET_OK : VIRTIO_NET_ERR;
      sv_virtq_element_fill (&element, &answer, sizeof answer);
      sv_virtqueue_push (queue, &element, sizeof answer);
    }
  sv_virtqueue_end (queue);
}
