/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a network card offers, and what its driver took, VIRTIO 1.2 §5.1.3. */

#include <linux/virtio_net.h>

#include "hw/virtio/sv-virtio-net-private.h"
#include "src/runtime/sv-log.h"

#define FEATURE SV_VIRTIO_NET_FEATURE

/* Offloads of packets to the driver, which it may change while it runs. */
#define GUEST_OFFLOADS                                                                             \
  (FEATURE (VIRTIO_NET_F_GUEST_CSUM) | FEATURE (VIRTIO_NET_F_GUEST_TSO4)                           \
   | FEATURE (VIRTIO_NET_F_GUEST_TSO6) | FEATURE (VIRTIO_NET_F_GUEST_ECN)                          \
   | FEATURE (VIRTIO_NET_F_GUEST_UFO))

static const struct
{
  SvNetOffloads offload;
  guint bit;
} guest_offloads[] = {
  { SV_NET_OFFLOAD_CSUM, VIRTIO_NET_F_GUEST_CSUM }, { SV_NET_OFFLOAD_TSO4, VIRTIO_NET_F_GUEST_TSO4 },
  { SV_NET_OFFLOAD_TSO6, VIRTIO_NET_F_GUEST_TSO6 }, { SV_NET_OFFLOAD_ECN, VIRTIO_NET_F_GUEST_ECN },
  { SV_NET_OFFLOAD_UFO, VIRTIO_NET_F_GUEST_UFO },
};

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

guint64
sv_virtio_net_get_offered (SvVirtioDevice *device)
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
  /* Segments need the checksum to be left open (§5.1.3.1). The older feature GSO (§5.1.3.2) stands for all of them. */
  if ((features & FEATURE (VIRTIO_NET_F_CSUM)) == 0 || (self->switched_off & FEATURE (VIRTIO_NET_F_GSO)) != 0)
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
gboolean
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
gboolean
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

/* The features among @features that are offloads of packets to the driver. */
guint64
sv_virtio_net_get_guest_offloads (guint64 features)
{
  return features & GUEST_OFFLOADS;
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
    {
      self->offloads = features;
      return TRUE;
    }
  sv_log_guest ("%s: %s", sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)), error->message);
  return FALSE;
}
