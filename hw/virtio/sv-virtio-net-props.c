/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The properties of a virtio network card. */

#include <linux/virtio_net.h>

#include "hw/virtio/sv-virtio-net-private.h"
#include "src/runtime/sv-iothread.h"

enum
{
  PROP_0,
  PROP_NETDEV,
  PROP_IOTHREAD,
  PROP_MAC,
  PROP_MQ,
  PROP_RX_QUEUE_SIZE,
  PROP_TX_QUEUE_SIZE,
  PROP_QUEUE_SIZE,
  PROP_HOST_MTU,
  PROP_VECTORS,
  PROP_BOOTINDEX,
  PROP_LINK,
  PROP_RX_FILTER,
  PROP_FIRST_COUNTER,
  PROP_FIRST_SWITCH = PROP_FIRST_COUNTER + 7,
  N_PROPS = PROP_FIRST_SWITCH + 12,
};

static GParamSpec *props[N_PROPS];

static const struct
{
  const char *name;
  const char *blurb;
  gsize offset;
} counters[] = {
  { "rx-packets", "Packets given to the driver", offsetof (SvVirtioNetCounters, rx_packets) },
  { "rx-bytes", "Bytes given to the driver", offsetof (SvVirtioNetCounters, rx_bytes) },
  { "rx-dropped", "Packets to the driver that were lost",
    offsetof (SvVirtioNetCounters, rx_dropped) },
  { "rx-filtered", "Packets that the driver does not want",
    offsetof (SvVirtioNetCounters, rx_filtered) },
  { "tx-packets", "Packets sent for the driver", offsetof (SvVirtioNetCounters, tx_packets) },
  { "tx-bytes", "Bytes sent for the driver", offsetof (SvVirtioNetCounters, tx_bytes) },
  { "tx-dropped", "Packets from the driver that were lost",
    offsetof (SvVirtioNetCounters, tx_dropped) },
};

static const struct
{
  const char *name;
  const char *wire_name;
  const char *blurb;
  guint bit;
} switches[] = {
  { "csum", "csum", "Offer to finish checksums", VIRTIO_NET_F_CSUM },
  { "gso", "gso", "Offer to cut segments of any kind, see the following", VIRTIO_NET_F_GSO },
  { "host-tso4", "host_tso4", "Offer to cut TCP segments over IPv4", VIRTIO_NET_F_HOST_TSO4 },
  { "host-tso6", "host_tso6", "Offer to cut TCP segments over IPv6", VIRTIO_NET_F_HOST_TSO6 },
  { "host-ecn", "host_ecn", "Offer to cut TCP segments with ECN", VIRTIO_NET_F_HOST_ECN },
  { "host-ufo", "host_ufo", "Offer to cut UDP", VIRTIO_NET_F_HOST_UFO },
  { "guest-csum", "guest_csum", "Offer unfinished checksums", VIRTIO_NET_F_GUEST_CSUM },
  { "guest-tso4", "guest_tso4", "Offer large TCP segments over IPv4", VIRTIO_NET_F_GUEST_TSO4 },
  { "guest-tso6", "guest_tso6", "Offer large TCP segments over IPv6", VIRTIO_NET_F_GUEST_TSO6 },
  { "guest-ecn", "guest_ecn", "Offer large TCP segments with ECN", VIRTIO_NET_F_GUEST_ECN },
  { "guest-ufo", "guest_ufo", "Offer large UDP", VIRTIO_NET_F_GUEST_UFO },
  { "mrg-rxbuf", "mrg_rxbuf", "Offer packets spread over several buffers",
    VIRTIO_NET_F_MRG_RXBUF },
};

G_STATIC_ASSERT (G_N_ELEMENTS (counters) == PROP_FIRST_SWITCH - PROP_FIRST_COUNTER);
G_STATIC_ASSERT (G_N_ELEMENTS (switches) == N_PROPS - PROP_FIRST_SWITCH);

static guint64
sum_counter (SvVirtioNet *self, gsize offset)
{
  guint64 sum = 0;

  for (guint i = 0; self->counters != NULL && i < self->n_pairs; i++)
    sum += __atomic_load_n ((guint64 *) ((guint8 *) &self->counters[i] + offset),
                            __ATOMIC_RELAXED);
  return sum;
}

static JsonArray *
dup_table (const SvVirtioNetMacTable *table)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < table->n; i++)
    {
      g_autofree char *text = sv_virtio_net_format_mac (table->macs[i]);

      json_array_add_string_element (array, text);
    }
  return array;
}

static JsonArray *
dup_vlans (const SvVirtioNetFilter *filter)
{
  JsonArray *array = json_array_new ();

  for (guint id = 0; filter->filter_vlans && id < 4096; id++)
    if ((filter->vlans[id / 32] & (1u << id % 32)) != 0)
      json_array_add_int_element (array, id);
  return array;
}

static void
set_receive_state (JsonObject *info, const char *name, gboolean none, gboolean all)
{
  json_object_set_string_member (info, name, none ? "none" : all ? "all" : "normal");
}

/* What query-rx-filter tells of a card. VM lock held: the control queue changes it. */
static JsonNode *
dup_rx_filter (SvVirtioNet *self)
{
  const SvVirtioNetFilter *filter = &self->card.filter;
  g_autofree char *mac = sv_virtio_net_format_mac (filter->mac);
  JsonObject *info = json_object_new ();
  JsonNode *node = json_node_init_object (json_node_alloc (), info);

  json_object_set_boolean_member (info, "promiscuous", filter->promisc);
  json_object_set_boolean_member (info, "broadcast-allowed", !filter->nobcast);
  set_receive_state (info, "multicast", filter->nomulti, filter->allmulti);
  set_receive_state (info, "unicast", filter->nouni, filter->alluni);
  set_receive_state (info, "vlan", FALSE, !filter->filter_vlans);
  json_object_set_boolean_member (info, "multicast-overflow", filter->multicast.overflow);
  json_object_set_boolean_member (info, "unicast-overflow", filter->unicast.overflow);
  json_object_set_string_member (info, "main-mac", mac);
  json_object_set_array_member (info, "vlan-table", dup_vlans (filter));
  json_object_set_array_member (info, "unicast-table", dup_table (&filter->unicast));
  json_object_set_array_member (info, "multicast-table", dup_table (&filter->multicast));
  json_object_unref (info);
  return node;
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvVirtioNet *self = SV_VIRTIO_NET (object);

  switch (id)
    {
    case PROP_NETDEV:
      g_value_set_object (value, self->netdev);
      break;
    case PROP_IOTHREAD:
      g_value_set_object (value, self->iothread);
      break;
    case PROP_MAC:
      g_value_set_string (value, self->mac);
      break;
    case PROP_MQ:
      g_value_set_boolean (value, self->mq);
      break;
    case PROP_RX_QUEUE_SIZE:
    case PROP_QUEUE_SIZE:
      g_value_set_uint (value, self->rx_queue_size);
      break;
    case PROP_TX_QUEUE_SIZE:
      g_value_set_uint (value, self->tx_queue_size);
      break;
    case PROP_HOST_MTU:
      g_value_set_uint (value, self->host_mtu);
      break;
    case PROP_VECTORS:
      g_value_set_uint (value, self->vectors);
      break;
    case PROP_BOOTINDEX:
      g_value_set_int (value, self->bootindex);
      break;
    case PROP_LINK:
      g_value_set_boolean (value, self->link);
      break;
    case PROP_RX_FILTER:
      g_value_take_boxed (value, dup_rx_filter (self));
      break;
    default:
      if (id >= PROP_FIRST_SWITCH && id < N_PROPS)
        {
          guint64 bit = SV_VIRTIO_NET_FEATURE (switches[id - PROP_FIRST_SWITCH].bit);

          g_value_set_boolean (value, (self->switched_off & bit) == 0);
        }
      else if (id >= PROP_FIRST_COUNTER && id < PROP_FIRST_SWITCH)
        g_value_set_uint64 (value, sum_counter (self, counters[id - PROP_FIRST_COUNTER].offset));
      else
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvVirtioNet *self = SV_VIRTIO_NET (object);

  switch (id)
    {
    case PROP_NETDEV:
      sv_object_set_link (SV_OBJECT (self), pspec, &self->netdev, g_value_get_object (value));
      return;
    case PROP_IOTHREAD:
      sv_object_set_link (SV_OBJECT (self), pspec, &self->iothread, g_value_get_object (value));
      return;
    case PROP_MAC:
      g_free (self->mac);
      self->mac = g_value_dup_string (value);
      break;
    case PROP_MQ:
      self->mq = g_value_get_boolean (value);
      break;
    case PROP_RX_QUEUE_SIZE:
      self->rx_queue_size = g_value_get_uint (value);
      break;
    case PROP_TX_QUEUE_SIZE:
      self->tx_queue_size = g_value_get_uint (value);
      break;
    case PROP_QUEUE_SIZE:
      self->rx_queue_size = self->tx_queue_size = g_value_get_uint (value);
      break;
    case PROP_HOST_MTU:
      self->host_mtu = g_value_get_uint (value);
      break;
    case PROP_VECTORS:
      self->vectors = g_value_get_uint (value);
      break;
    case PROP_BOOTINDEX:
      self->bootindex = g_value_get_int (value);
      break;
    case PROP_LINK:
      if (self->link == g_value_get_boolean (value))
        return;
      sv_virtio_net_set_link (self, g_value_get_boolean (value));
      break;
    default:
      if (id >= PROP_FIRST_SWITCH && id < N_PROPS)
        {
          guint64 bit = SV_VIRTIO_NET_FEATURE (switches[id - PROP_FIRST_SWITCH].bit);

          self->switched_off
              = g_value_get_boolean (value) ? self->switched_off & ~bit : self->switched_off | bit;
          break;
        }
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  g_object_notify_by_pspec (object, pspec);
}

static void
install_sizes (void)
{
  props[PROP_RX_QUEUE_SIZE] = g_param_spec_uint (
      "rx-queue-size", "rx_queue_size", "Descriptors in each queue of packets to the driver", 64,
      SV_VIRTQUEUE_MAX_SIZE, 256, SV_PARAM_RW_WIRING);
  props[PROP_TX_QUEUE_SIZE] = g_param_spec_uint (
      "tx-queue-size", "tx_queue_size", "Descriptors in each queue of packets from the driver", 64,
      SV_VIRTQUEUE_MAX_SIZE, 256, SV_PARAM_RW_WIRING);
  props[PROP_QUEUE_SIZE] = g_param_spec_uint ("queue-size", "queue-size", "Sets both queue sizes",
                                              64, SV_VIRTQUEUE_MAX_SIZE, 256, SV_PARAM_RW_WIRING);
}

void
sv_virtio_net_install_properties (GObjectClass *object_class)
{
  object_class->get_property = get_property;
  object_class->set_property = set_property;

  props[PROP_NETDEV]
      = g_param_spec_object ("netdev", "netdev", "Network back end: id of a netdev",
                             SV_TYPE_NETDEV, SV_PARAM_RW_WIRING);
  props[PROP_IOTHREAD] = g_param_spec_object (
      "iothread", "iothread", "Thread that handles the queues; the main thread if there is none",
      SV_TYPE_IOTHREAD, SV_PARAM_RW_WIRING);
  props[PROP_MAC] = g_param_spec_string (
      "mac", "mac", "Hardware address; 52:54:00:12:34:56 and up if there is none", NULL,
      SV_PARAM_RW_WIRING);
  props[PROP_MQ] = g_param_spec_boolean ("mq", "mq", "Use all queues of the back end", FALSE,
                                         SV_PARAM_RW_WIRING);
  install_sizes ();
  props[PROP_HOST_MTU]
      = g_param_spec_uint ("host-mtu", "host_mtu", "Largest packet that the driver may use; 0: not told",
                           0, G_MAXUINT16, 0, SV_PARAM_RW_WIRING);
  props[PROP_VECTORS] = g_param_spec_uint (
      "vectors", "vectors", "Interrupt vectors, for transports that have them", 0, 2048, 0,
      SV_PARAM_RW_WIRING);
  props[PROP_BOOTINDEX]
      = g_param_spec_int ("bootindex", "bootindex", "Place in the boot order of firmware; -1: none",
                          -1, G_MAXINT, -1, SV_PARAM_RW_WIRING);
  props[PROP_LINK]
      = g_param_spec_boolean ("link", "link", "Whether the cable is plugged in", TRUE, SV_PARAM_RW);
  props[PROP_RX_FILTER]
      = g_param_spec_boxed ("rx-filter", "rx-filter", "Which packets the driver wants to get",
                            JSON_TYPE_NODE, SV_PARAM_RO);
  for (guint i = 0; i < G_N_ELEMENTS (counters); i++)
    props[PROP_FIRST_COUNTER + i]
        = g_param_spec_uint64 (counters[i].name, counters[i].name, counters[i].blurb, 0,
                               G_MAXUINT64, 0, SV_PARAM_RO);
  for (guint i = 0; i < G_N_ELEMENTS (switches); i++)
    props[PROP_FIRST_SWITCH + i]
        = g_param_spec_boolean (switches[i].name, switches[i].wire_name, switches[i].blurb, TRUE,
                                SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}
