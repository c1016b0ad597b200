/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-net.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <string.h>

#include "hw/virtio/sv-virtio-net-private.h"
#include "src/runtime/sv-iothread.h"
#include "src/runtime/sv-log.h"

/* Up to and with the MTU. */
#define CONFIG_SIZE 12
#define MIN_QUEUE_SIZE 64
#define CONTROL_QUEUE_SIZE 64
#define FEATURE SV_VIRTIO_NET_FEATURE

/* Offloads of packets to the driver, which it may change while it runs. */
#define GUEST_OFFLOADS                                                                             \
  (FEATURE (VIRTIO_NET_F_GUEST_CSUM) | FEATURE (VIRTIO_NET_F_GUEST_TSO4)                           \
   | FEATURE (VIRTIO_NET_F_GUEST_TSO6) | FEATURE (VIRTIO_NET_F_GUEST_ECN)                          \
   | FEATURE (VIRTIO_NET_F_GUEST_UFO))
#define LARGE_PACKETS                                                                              \
  (FEATURE (VIRTIO_NET_F_GUEST_TSO4) | FEATURE (VIRTIO_NET_F_GUEST_TSO6)                           \
   | FEATURE (VIRTIO_NET_F_GUEST_UFO))

G_STATIC_ASSERT (offsetof (struct virtio_net_config, mtu) + sizeof (guint16) == CONFIG_SIZE);

G_DEFINE_FINAL_TYPE (SvVirtioNet, sv_virtio_net, SV_TYPE_VIRTIO_DEVICE)

static const struct
{
  SvNetOffloads offload;
  guint bit;
} guest_offloads[] = {
  { SV_NET_OFFLOAD_CSUM, VIRTIO_NET_F_GUEST_CSUM }, { SV_NET_OFFLOAD_TSO4, VIRTIO_NET_F_GUEST_TSO4 },
  { SV_NET_OFFLOAD_TSO6, VIRTIO_NET_F_GUEST_TSO6 }, { SV_NET_OFFLOAD_ECN, VIRTIO_NET_F_GUEST_ECN },
  { SV_NET_OFFLOAD_UFO, VIRTIO_NET_F_GUEST_UFO },
};

/* --- the address --- */

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

static gboolean
set_up_mac (SvVirtioNet *self, GError **error)
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

/* --- configuration space, §5.1.4 --- */

static gboolean
is_up (SvVirtioNet *self)
{
  return self->link && sv_netdev_has_carrier (self->card.netdev);
}

static void
fill_config (SvVirtioNet *self)
{
  struct virtio_net_config *config = sv_virtio_device_get_config (SV_VIRTIO_DEVICE (self));

  memcpy (config->mac, self->mac_bytes, sizeof self->mac_bytes);
  config->status = GUINT16_TO_LE (is_up (self) ? VIRTIO_NET_S_LINK_UP : 0);
  config->max_virtqueue_pairs = GUINT16_TO_LE (self->n_pairs);
  config->mtu = GUINT16_TO_LE (self->host_mtu);
}

void
sv_virtio_net_set_link (SvVirtioNet *self, gboolean link)
{
  SvVirtioDevice *device = SV_VIRTIO_DEVICE (self);
  struct virtio_net_config *config = sv_virtio_device_get_config (device);

  self->link = link;
  __atomic_store_n (&self->card.link_down, !link, __ATOMIC_RELAXED);
  if (config == NULL)
    return;

  config->status = GUINT16_TO_LE ((GUINT16_FROM_LE (config->status) & ~VIRTIO_NET_S_LINK_UP)
                                  | (is_up (self) ? VIRTIO_NET_S_LINK_UP : 0));
  sv_virtio_device_config_changed (device);
  if (self->vhosts != NULL && sv_virtio_device_is_started (device))
    sv_virtio_net_vhost_update (self);
}

/**
 * sv_virtio_net_announce:
 * @self: a network card
 *
 * Asks the driver to tell the network where the card is, after a migration; does nothing with drivers
 * that cannot (VIRTIO 1.2 §5.1.6.5.4).
 */
void
sv_virtio_net_announce (SvVirtioNet *self)
{
  SvVirtioDevice *device = SV_VIRTIO_DEVICE (self);
  struct virtio_net_config *config = sv_virtio_device_get_config (device);

  if (!sv_virtio_device_has_feature (device, VIRTIO_NET_F_GUEST_ANNOUNCE))
    return;
  config->status |= GUINT16_TO_LE (VIRTIO_NET_S_ANNOUNCE);
  sv_virtio_device_config_changed (device);
}

static guint64
offered_to_guest (SvVirtioNet *self)
{
  SvNetOffloads offloads = sv_netdev_get_offloads (self->card.netdev);
  guint64 features = 0;

  for (guint i = 0; i < G_N_ELEMENTS (guest_offloads); i++)
    if ((offloads & guest_offloads[i].offload) != 0)
      features |= FEATURE (guest_offloads[i].bit);
  return features;
}

static guint64
sv_virtio_net_get_features (SvVirtioDevice *device)
{
  SvVirtioNet *self = SV_VIRTIO_NET (device);
  guint64 features = FEATURE (VIRTIO_NET_F_MAC) | FEATURE (VIRTIO_NET_F_STATUS)
                     | FEATURE (VIRTIO_NET_F_MRG_RXBUF) | FEATURE (VIRTIO_NET_F_CTRL_VQ)
                     | FEATURE (VIRTIO_NET_F_CTRL_RX) | FEATURE (VIRTIO_NET_F_CTRL_RX_EXTRA)
                     | FEATURE (VIRTIO_NET_F_CTRL_VLAN) | FEATURE (VIRTIO_NET_F_CTRL_MAC_ADDR)
                     | FEATURE (VIRTIO_NET_F_GUEST_ANNOUNCE);

  if (self->card.header)
    features |= FEATURE (VIRTIO_NET_F_CSUM) | FEATURE (VIRTIO_NET_F_HOST_TSO4)
                | FEATURE (VIRTIO_NET_F_HOST_TSO6) | FEATURE (VIRTIO_NET_F_HOST_ECN)
                | FEATURE (VIRTIO_NET_F_HOST_UFO) | offered_to_guest (self);
  features &= ~self->switched_off;
  /* Segments need the checksum to be left open (§5.1.3.1). */
  if ((features & FEATURE (VIRTIO_NET_F_CSUM)) == 0)
    features &= ~(FEATURE (VIRTIO_NET_F_HOST_TSO4) | FEATURE (VIRTIO_NET_F_HOST_TSO6)
                  | FEATURE (VIRTIO_NET_F_HOST_ECN) | FEATURE (VIRTIO_NET_F_HOST_UFO));
  if ((features & FEATURE (VIRTIO_NET_F_GUEST_CSUM)) == 0)
    features &= ~GUEST_OFFLOADS;
  if ((features & GUEST_OFFLOADS) != 0)
    features |= FEATURE (VIRTIO_NET_F_CTRL_GUEST_OFFLOADS) & ~self->switched_off;
  if (self->n_pairs > 1)
    features |= FEATURE (VIRTIO_NET_F_MQ);
  if (self->host_mtu > 0)
    features |= FEATURE (VIRTIO_NET_F_MTU);
  if (self->vhosts != NULL
      && (sv_vhost_get_features (self->vhosts[0]) & FEATURE (VIRTIO_NET_F_MRG_RXBUF)) == 0)
    features &= ~FEATURE (VIRTIO_NET_F_MRG_RXBUF);
  return features;
}

/* §5.1.3.1: what each feature takes; @any: one of several will do. */
static gboolean
sv_virtio_net_check_features (SvVirtioDevice *device, guint64 features)
{
  static const struct
  {
    guint bit;
    guint64 any;
  } needs[] = {
    { VIRTIO_NET_F_GUEST_TSO4, FEATURE (VIRTIO_NET_F_GUEST_CSUM) },
    { VIRTIO_NET_F_GUEST_TSO6, FEATURE (VIRTIO_NET_F_GUEST_CSUM) },
    { VIRTIO_NET_F_GUEST_ECN,
      FEATURE (VIRTIO_NET_F_GUEST_TSO4) | FEATURE (VIRTIO_NET_F_GUEST_TSO6) },
    { VIRTIO_NET_F_GUEST_UFO, FEATURE (VIRTIO_NET_F_GUEST_CSUM) },
    { VIRTIO_NET_F_HOST_TSO4, FEATURE (VIRTIO_NET_F_CSUM) },
    { VIRTIO_NET_F_HOST_TSO6, FEATURE (VIRTIO_NET_F_CSUM) },
    { VIRTIO_NET_F_HOST_ECN,
      FEATURE (VIRTIO_NET_F_HOST_TSO4) | FEATURE (VIRTIO_NET_F_HOST_TSO6) },
    { VIRTIO_NET_F_HOST_UFO, FEATURE (VIRTIO_NET_F_CSUM) },
    { VIRTIO_NET_F_CTRL_RX, FEATURE (VIRTIO_NET_F_CTRL_VQ) },
    { VIRTIO_NET_F_CTRL_VLAN, FEATURE (VIRTIO_NET_F_CTRL_VQ) },
    { VIRTIO_NET_F_CTRL_MAC_ADDR, FEATURE (VIRTIO_NET_F_CTRL_VQ) },
    { VIRTIO_NET_F_GUEST_ANNOUNCE, FEATURE (VIRTIO_NET_F_CTRL_VQ) },
    { VIRTIO_NET_F_MQ, FEATURE (VIRTIO_NET_F_CTRL_VQ) },
  };

  for (guint i = 0; i < G_N_ELEMENTS (needs); i++)
    if ((features & FEATURE (needs[i].bit)) != 0 && (features & needs[i].any) == 0)
      return FALSE;
  return TRUE;
}

/* Where the control queue is depends on the number of pairs; offloads on the headers of packets. */
static gboolean
sv_virtio_net_check_handover (SvVirtioDevice *device,
                              guint64 features,
                              guint n_queues,
                              GError **error)
{
  SvVirtioNet *self = SV_VIRTIO_NET (device);
  const guint64 offloads = FEATURE (VIRTIO_NET_F_CSUM) | FEATURE (VIRTIO_NET_F_HOST_TSO4)
                           | FEATURE (VIRTIO_NET_F_HOST_TSO6) | FEATURE (VIRTIO_NET_F_HOST_UFO);

  if ((features & FEATURE (VIRTIO_NET_F_MQ)) != 0 && n_queues != 2 * self->n_pairs + 1)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "'%s': the guest's driver of this slot uses %u pairs of queues, the card has %u",
                   sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)), n_queues / 2, self->n_pairs);
      return FALSE;
    }
  if ((features & offloads) != 0 && !self->card.header)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "'%s': the guest's driver of this slot leaves checksums to the back end, and this one "
                   "does not calculate them",
                   sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)));
      return FALSE;
    }
  return TRUE;
}

/* The driver goes on with the address that it knows, and with VLANs that it told the other card. */
static void
sv_virtio_net_handed_over (SvVirtioDevice *device, gconstpointer old_config)
{
  struct virtio_net_config *config = sv_virtio_device_get_config (device);

  memcpy (config->mac, ((const struct virtio_net_config *) old_config)->mac, sizeof config->mac);
  SV_VIRTIO_NET (device)->handed_over = TRUE;
}

/* --- queues --- */

/* §5.1.2: pairs of queues, then the control queue. Without MQ it follows the first pair. */
static gboolean
is_control (SvVirtioNet *self, guint n)
{
  SvVirtioDevice *device = SV_VIRTIO_DEVICE (self);

  return sv_virtio_device_has_feature (device, VIRTIO_NET_F_CTRL_VQ)
         && n == (sv_virtio_device_has_feature (device, VIRTIO_NET_F_MQ) ? 2 * self->n_pairs : 2);
}

static GMainContext *
context_of (SvVirtioNet *self)
{
  return self->iothread != NULL && !sv_netdev_is_main_context_only (self->card.netdev)
             ? sv_iothread_get_context (SV_IOTHREAD (self->iothread))
             : NULL;
}

typedef struct
{
  SvVirtioNet *self;
  guint n;
  const SvVirtioNetFilter *filter;
} QueueCall;

/* Where the queues run; for the default context the VM lock keeps it out. */
static void
call_in_context (SvVirtioNet *self, SvContextFunc func, QueueCall *call)
{
  GMainContext *context = sv_virtio_device_get_queue_context (SV_VIRTIO_DEVICE (self), 0);

  if (context != NULL)
    sv_context_run_sync (context, func, call);
  else
    func (call);
}

static void
set_filter_here (gpointer data)
{
  QueueCall *call = data;

  call->self->card.filter = *call->filter;
}

void
sv_virtio_net_set_filter (SvVirtioNet *self, const SvVirtioNetFilter *filter)
{
  call_in_context (self, set_filter_here, &(QueueCall){ self, 0, filter });
}

gboolean
sv_virtio_net_set_offloads (SvVirtioNet *self, guint64 features)
{
  guint64 taken = sv_virtio_device_get_driver_features (SV_VIRTIO_DEVICE (self)) & GUEST_OFFLOADS;
  g_autoptr (GError) error = NULL;
  SvNetOffloads offloads = 0;

  if ((features & ~taken) != 0)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (guest_offloads); i++)
    if ((features & FEATURE (guest_offloads[i].bit)) != 0)
      offloads |= guest_offloads[i].offload;
  if (sv_netdev_set_offloads (self->card.netdev, offloads, &error))
    return TRUE;
  sv_log_guest ("%s: %s", sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)), error->message);
  return FALSE;
}

static void
set_pair_active_here (gpointer data)
{
  QueueCall *call = data;
  SvVirtioNet *self = call->self;

  if (self->queues[call->n] == NULL)
    return;
  if (call->n < self->active_pairs)
    sv_virtio_net_queue_handle_rx (self->queues[call->n]);
  else
    sv_virtio_net_queue_drain_rx (self->queues[call->n]);
}

gboolean
sv_virtio_net_set_active_pairs (SvVirtioNet *self, guint n)
{
  guint before = self->active_pairs;

  __atomic_store_n (&self->active_pairs, n, __ATOMIC_RELAXED);
  for (guint i = 0; i < self->n_pairs; i++)
    {
      gboolean active = i < n;
      g_autoptr (GError) error = NULL;

      if (active == (i < before))
        continue;
      if (!sv_netdev_set_queue_enabled (self->card.netdev, i, active, &error))
        {
          sv_log_guest ("%s: %s", sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)), error->message);
          sv_virtio_net_set_active_pairs (self, MIN (before, i));
          return FALSE;
        }
      if (self->queues != NULL)
        call_in_context (self, set_pair_active_here, &(QueueCall){ self, i, NULL });
    }
  if (self->vhosts != NULL)
    sv_virtio_net_vhost_update (self);
  return TRUE;
}

static void
free_queue_here (gpointer data)
{
  QueueCall *call = data;

  g_clear_pointer (&call->self->queues[call->n], sv_virtio_net_queue_free);
}

static void
free_queues (SvVirtioNet *self)
{
  for (guint i = 0; i < self->n_pairs; i++)
    if (self->queues[i] != NULL)
      call_in_context (self, free_queue_here, &(QueueCall){ self, i, NULL });
  g_clear_pointer (&self->queues, g_free);
}

static gboolean
start_queues (SvVirtioNet *self, GError **error)
{
  SvVirtioDevice *device = SV_VIRTIO_DEVICE (self);
  guint n_pairs = sv_virtio_device_has_feature (device, VIRTIO_NET_F_MQ) ? self->n_pairs : 1;

  self->queues = g_new0 (SvVirtioNetQueue *, self->n_pairs);
  for (guint i = 0; i < n_pairs; i++)
    {
      SvVirtqueue *rx = sv_virtio_device_get_queue (device, 2 * i);
      SvVirtqueue *tx = sv_virtio_device_get_queue (device, 2 * i + 1);

      if (!sv_virtqueue_is_running (rx) && !sv_virtqueue_is_running (tx))
        continue;
      self->queues[i]
          = sv_virtio_net_queue_new (&self->card, i, rx, tx, context_of (self), &self->counters[i],
                                     error);
      if (self->queues[i] == NULL)
        {
          free_queues (self);
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
sv_virtio_net_start (SvVirtioDevice *device, GError **error)
{
  SvVirtioNet *self = SV_VIRTIO_NET (device);
  guint64 features = sv_virtio_device_get_driver_features (device);
  guint n_queues = sv_virtio_device_get_n_queues (device);
  const struct virtio_net_config *config = sv_virtio_device_get_config (device);

  self->card.mergeable = (features & FEATURE (VIRTIO_NET_F_MRG_RXBUF)) != 0;
  self->card.large = (features & LARGE_PACKETS) != 0;
  sv_virtio_net_filter_reset (&self->card.filter, config->mac,
                              (features & FEATURE (VIRTIO_NET_F_CTRL_VLAN)) != 0
                                  && !self->handed_over);
  /* Commands change what is the main thread's; their queue may be another one with each driver. */
  for (guint n = 0; n < n_queues; n++)
    sv_virtio_device_set_queue_context (device, n, is_control (self, n) ? NULL : context_of (self));

  sv_virtio_net_set_offloads (self, features & GUEST_OFFLOADS);
  return self->vhosts != NULL ? sv_virtio_net_vhost_start (self, error)
                              : start_queues (self, error);
}

static void
sv_virtio_net_stop (SvVirtioDevice *device)
{
  SvVirtioNet *self = SV_VIRTIO_NET (device);

  if (self->vhosts != NULL)
    sv_virtio_net_vhost_stop (self);
  else
    free_queues (self);
  sv_virtio_net_set_active_pairs (self, 1);
  sv_virtio_net_set_offloads (self, 0);
  self->handed_over = FALSE;
  fill_config (self);
}

static void
sv_virtio_net_handle_queue (SvVirtioDevice *device, guint n)
{
  SvVirtioNet *self = SV_VIRTIO_NET (device);

  if (is_control (self, n))
    sv_virtio_net_handle_control (self, sv_virtio_device_get_queue (device, n));
  else if (n / 2 >= self->n_pairs || self->queues == NULL || self->queues[n / 2] == NULL)
    return;
  else if (n % 2 == 1)
    sv_virtio_net_queue_handle_tx (self->queues[n / 2]);
  else if (n / 2 < __atomic_load_n (&self->active_pairs, __ATOMIC_RELAXED))
    sv_virtio_net_queue_handle_rx (self->queues[n / 2]);
}

static void
sv_virtio_net_drain_queue (SvVirtioDevice *device, guint n)
{
  SvVirtioNet *self = SV_VIRTIO_NET (device);

  if (is_control (self, n) || n / 2 >= self->n_pairs)
    return;
  if (self->vhosts != NULL)
    sv_virtio_net_vhost_set_running (self, n, FALSE);
  else if (self->queues[n / 2] == NULL)
    return;
  else if (n % 2 == 1)
    sv_virtio_net_queue_drain_tx (self->queues[n / 2]);
  else
    sv_virtio_net_queue_drain_rx (self->queues[n / 2]);
}

static void
sv_virtio_net_resume_queue (SvVirtioDevice *device, guint n)
{
  sv_virtio_net_vhost_set_running (SV_VIRTIO_NET (device), n, TRUE);
}

/* --- set-up --- */

static gboolean
check_queue_size (SvVirtioNet *self, const char *key, guint size, GError **error)
{
  if (size >= MIN_QUEUE_SIZE && size <= SV_VIRTQUEUE_MAX_SIZE && (size & (size - 1)) == 0)
    return TRUE;
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
               "'%s': %s=%u must be a power of two from %d to %d", sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)), key, size,
               MIN_QUEUE_SIZE, SV_VIRTQUEUE_MAX_SIZE);
  return FALSE;
}

static gboolean
check_properties (SvVirtioNet *self, GError **error)
{
  if (self->netdev == NULL)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "'%s' needs a back end: netdev=ID of a -netdev", sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)));
      return FALSE;
    }
  if (self->host_mtu != 0 && self->host_mtu < 68)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "'%s': host_mtu=%u must be 0 (the driver's choice) or 68 to 65535",
                   sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)), self->host_mtu);
      return FALSE;
    }
  return check_queue_size (self, "rx_queue_size", self->rx_queue_size, error)
         && check_queue_size (self, "tx_queue_size", self->tx_queue_size, error);
}

static void
release_netdev (SvVirtioNet *self)
{
  sv_object_release (SV_OBJECT (self->card.netdev), SV_OBJECT (self));
  g_clear_object (&self->card.netdev);
}

static gboolean
sv_virtio_net_setup (SvVirtioDevice *device, GError **error)
{
  SvVirtioNet *self = SV_VIRTIO_NET (device);

  if (!check_properties (self, error) || !set_up_mac (self, error)
      || !sv_object_claim (self->netdev, SV_OBJECT (self), error))
    return FALSE;

  self->card.netdev = g_object_ref (SV_NETDEV (self->netdev));
  self->card.header = sv_netdev_has_header (self->card.netdev);
  self->card.link_down = !self->link;
  sv_virtio_net_filter_reset (&self->card.filter, self->mac_bytes, FALSE);
  self->n_pairs = self->mq ? sv_netdev_get_n_queues (self->card.netdev) : 1;
  self->active_pairs = 1;
  if (!sv_virtio_net_vhost_open (self, error))
    {
      g_prefix_error (error, "'%s': ", sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)));
      release_netdev (self);
      return FALSE;
    }

  self->counters = g_new0 (SvVirtioNetCounters, self->n_pairs);
  fill_config (self);
  for (guint i = 0; i < self->n_pairs; i++)
    {
      sv_virtio_device_add_queue (device, self->rx_queue_size);
      sv_virtio_device_add_queue (device, self->tx_queue_size);
    }
  sv_virtio_device_add_queue (device, CONTROL_QUEUE_SIZE);
  return TRUE;
}

static void
sv_virtio_net_teardown (SvVirtioDevice *device)
{
  SvVirtioNet *self = SV_VIRTIO_NET (device);

  sv_virtio_net_vhost_close (self);
  release_netdev (self);
  g_clear_pointer (&self->counters, g_free);
}

/* --- class --- */

static void
sv_virtio_net_dispose (GObject *object)
{
  SvVirtioNet *self = SV_VIRTIO_NET (object);

  G_OBJECT_CLASS (sv_virtio_net_parent_class)->dispose (object);

  sv_object_set_link (SV_OBJECT (self), NULL, &self->netdev, NULL);
  sv_object_set_link (SV_OBJECT (self), NULL, &self->iothread, NULL);
}

static void
sv_virtio_net_finalize (GObject *object)
{
  g_free (SV_VIRTIO_NET (object)->mac);
  G_OBJECT_CLASS (sv_virtio_net_parent_class)->finalize (object);
}

static void
sv_virtio_net_class_init (SvVirtioNetClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);
  SvVirtioDeviceClass *virtio_class = SV_VIRTIO_DEVICE_CLASS (klass);

  object_class->dispose = sv_virtio_net_dispose;
  object_class->finalize = sv_virtio_net_finalize;

  device_class->user_creatable = TRUE;
  device_class->category = "network";
  device_class->description = "virtio network card";

  virtio_class->device_id = VIRTIO_ID_NET;
  virtio_class->config_size = CONFIG_SIZE;
  virtio_class->setup = sv_virtio_net_setup;
  virtio_class->teardown = sv_virtio_net_teardown;
  virtio_class->get_features = sv_virtio_net_get_features;
  virtio_class->check_features = sv_virtio_net_check_features;
  virtio_class->check_handover = sv_virtio_net_check_handover;
  virtio_class->handed_over = sv_virtio_net_handed_over;
  virtio_class->start = sv_virtio_net_start;
  virtio_class->stop = sv_virtio_net_stop;
  virtio_class->handle_queue = sv_virtio_net_handle_queue;
  virtio_class->drain_queue = sv_virtio_net_drain_queue;
  virtio_class->resume_queue = sv_virtio_net_resume_queue;
  sv_virtio_net_install_properties (object_class);
}

static void
sv_virtio_net_init (SvVirtioNet *self)
{
  self->rx_queue_size = self->tx_queue_size = 256;
  self->link = TRUE;
  self->bootindex = -1;
}
