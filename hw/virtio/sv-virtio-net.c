/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-net.h"

#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <string.h>

#include "hw/virtio/sv-virtio-net-private.h"

/* Up to and with the MTU. */
#define CONFIG_SIZE 12
#define MIN_QUEUE_SIZE 64
#define CONTROL_QUEUE_SIZE 64
#define FEATURE SV_VIRTIO_NET_FEATURE
#define LARGE_PACKETS                                                                              \
  (FEATURE (VIRTIO_NET_F_GUEST_TSO4) | FEATURE (VIRTIO_NET_F_GUEST_TSO6)                           \
   | FEATURE (VIRTIO_NET_F_GUEST_UFO))

G_STATIC_ASSERT (offsetof (struct virtio_net_config, mtu) + sizeof (guint16) == CONFIG_SIZE);

G_DEFINE_FINAL_TYPE_WITH_CODE (SvVirtioNet, sv_virtio_net, SV_TYPE_VIRTIO_DEVICE,
                               SV_MIGRATABLE_STATE (&sv_virtio_net_migration))

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
    {
      sv_virtio_device_set_queue_context (device, n, is_control (self, n) ? NULL : sv_virtio_net_get_context (self));
      /* User mode networking has descriptors of its own that come and go with packets. */
      sv_virtio_device_set_queue_by_ring (
          device, n, !is_control (self, n) && !sv_netdev_is_main_context_only (self->card.netdev));
    }

  sv_virtio_net_set_offloads (self, sv_virtio_net_get_guest_offloads (features));
  return self->vhosts != NULL ? sv_virtio_net_vhost_start (self, error)
                              : sv_virtio_net_start_pairs (self, error);
}

static void
sv_virtio_net_stop (SvVirtioDevice *device)
{
  SvVirtioNet *self = SV_VIRTIO_NET (device);

  if (self->vhosts != NULL)
    sv_virtio_net_vhost_stop (self);
  else
    sv_virtio_net_free_pairs (self);
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

  if (!check_properties (self, error) || !sv_virtio_net_set_up_mac (self, error)
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
  g_free (SV_VIRTIO_NET (object)->loaded_filter);
  G_OBJECT_CLASS (sv_virtio_net_parent_class)->finalize (object);
}

static char *
sv_virtio_net_dup_firmware_name (SvDevice *device)
{
  return g_strdup ("ethernet-phy@0");
}

static void
sv_virtio_net_class_init (SvVirtioNetClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);
  SvVirtioDeviceClass *virtio_class = SV_VIRTIO_DEVICE_CLASS (klass);

  object_class->dispose = sv_virtio_net_dispose;
  object_class->finalize = sv_virtio_net_finalize;

  device_class->dup_firmware_name = sv_virtio_net_dup_firmware_name;
  device_class->user_creatable = TRUE;
  device_class->category = "network";
  device_class->description = "virtio network card";

  virtio_class->device_id = VIRTIO_ID_NET;
  virtio_class->config_size = CONFIG_SIZE;
  virtio_class->setup = sv_virtio_net_setup;
  virtio_class->teardown = sv_virtio_net_teardown;
  virtio_class->get_features = sv_virtio_net_get_offered;
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
