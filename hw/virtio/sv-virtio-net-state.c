/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a network card saves: what its driver told it by commands, and its link. */

#include <linux/virtio_net.h>
#include <string.h>

#include "hw/virtio/sv-virtio-net-private.h"
#include "src/migration/sv-migration-values.h"

#define N_VLAN_BYTES (4096 / 8)
/* Modes; addresses of single hosts and of groups, each whether there were too many; VLANs */
#define FILTER_TYPE "(bbbbbbayaybaybbay)"
/* Address and status in the configuration, link, of another card; pairs in use; offloads; filter */
#define STATE_TYPE "(ayqbbut" FILTER_TYPE ")"

static struct virtio_net_config *
get_config (SvVirtioNet *self)
{
  return sv_virtio_device_get_config (SV_VIRTIO_DEVICE (self));
}

static gboolean
check_state (SvMigratable *migratable, GError **error)
{
  if (SV_VIRTIO_NET (migratable)->vhosts == NULL)
    return TRUE;
  g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED,
                       "vhost-net: the kernel works on the queues; use a back end with vhost=off");
  return FALSE;
}

/* --- filter --- */

static GVariant *
dup_table (const SvVirtioNetMacTable *table)
{
  return sv_migration_new_bytes (table->macs, table->n * sizeof table->macs[0]);
}

static gboolean
load_table (SvVirtioNetMacTable *table, const char *field, GVariant *macs, GError **error)
{
  gsize size = g_variant_n_children (macs);

  if (!sv_migration_check_range (field, (gint64)size, 0, sizeof table->macs, error)
      || !sv_migration_check_same (field, size % sizeof table->macs[0], 0, error))
    return FALSE;
  table->n = (guint)(size / sizeof table->macs[0]);
  return sv_migration_get_bytes (field, macs, table->macs, size, error);
}

static GVariant *
dup_filter (const SvVirtioNetFilter *self)
{
  guint32 vlans[N_VLAN_BYTES / 4];

  for (guint i = 0; i < G_N_ELEMENTS (vlans); i++)
    vlans[i] = GUINT32_TO_LE (self->vlans[i]);
  return g_variant_new ("(bbbbbb@ay@ayb@aybb@ay)", self->promisc, self->allmulti, self->alluni, self->nomulti,
                        self->nouni, self->nobcast, sv_migration_new_bytes (self->mac, sizeof self->mac),
                        dup_table (&self->unicast), self->unicast.overflow, dup_table (&self->multicast),
                        self->multicast.overflow, self->filter_vlans, sv_migration_new_bytes (vlans, sizeof vlans));
}

static gboolean
load_filter (SvVirtioNetFilter *self, GVariant *state, GError **error)
{
  g_autoptr (GVariant) mac = NULL;
  g_autoptr (GVariant) unicast = NULL;
  g_autoptr (GVariant) multicast = NULL;
  g_autoptr (GVariant) vlans = NULL;

  memset (self, 0, sizeof *self);
  g_variant_get (state, "(bbbbbb@ay@ayb@aybb@ay)", &self->promisc, &self->allmulti, &self->alluni, &self->nomulti,
                 &self->nouni, &self->nobcast, &mac, &unicast, &self->unicast.overflow, &multicast,
                 &self->multicast.overflow, &self->filter_vlans, &vlans);
  if (!sv_migration_get_bytes ("address of the filter", mac, self->mac, sizeof self->mac, error)
      || !load_table (&self->unicast, "addresses of hosts", unicast, error)
      || !load_table (&self->multicast, "addresses of groups", multicast, error)
      || !sv_migration_get_bytes ("VLANs", vlans, self->vlans, sizeof self->vlans, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (self->vlans); i++)
    self->vlans[i] = GUINT32_FROM_LE (self->vlans[i]);
  return TRUE;
}

/* --- the whole --- */

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  SvVirtioNet *self = SV_VIRTIO_NET (migratable);
  const struct virtio_net_config *config = get_config (self);

  return g_variant_new ("(@ayqbbut@" FILTER_TYPE ")", sv_migration_new_bytes (config->mac, sizeof config->mac),
                        GUINT16_FROM_LE (config->status) & VIRTIO_NET_S_ANNOUNCE, self->link, self->handed_over,
                        self->active_pairs, self->offloads, dup_filter (&self->card.filter));
}

static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  SvVirtioNet *self = SV_VIRTIO_NET (migratable);
  struct virtio_net_config *config = get_config (self);
  g_autofree SvVirtioNetFilter *filter = g_new (SvVirtioNetFilter, 1);
  g_autoptr (GVariant) mac = NULL;
  g_autoptr (GVariant) filter_state = NULL;
  gboolean link, handed_over;
  guint16 status;
  guint n_pairs;

  g_variant_get (state, "(@ayqbbut@" FILTER_TYPE ")", &mac, &status, &link, &handed_over, &n_pairs,
                 &self->loaded_offloads, &filter_state);
  if (!check_state (migratable, error) || !sv_migration_check_bits ("status", status, VIRTIO_NET_S_ANNOUNCE, error)
      || !sv_migration_check_range ("pairs of queues in use", n_pairs, 1, self->n_pairs, error)
      || !sv_migration_check_bits ("offloads", self->loaded_offloads,
                                   sv_virtio_net_get_guest_offloads (
                                       sv_virtio_device_get_driver_features (SV_VIRTIO_DEVICE (self))),
                                   error)
      || !load_filter (filter, filter_state, error))
    return FALSE;
  if (link != self->link)
    sv_virtio_net_set_link (self, link);
  if (!sv_migration_get_bytes ("address", mac, config->mac, sizeof config->mac, error))
    return FALSE;
  config->status |= GUINT16_TO_LE (status);
  self->handed_over = handed_over;
  if (!sv_virtio_net_set_active_pairs (self, n_pairs))
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED,
                   "the back end refuses to work with %u pairs of queues", n_pairs);
      return FALSE;
    }
  g_free (self->loaded_filter);
  self->loaded_filter = g_steal_pointer (&filter);
  return TRUE;
}

/* The device has started, with the filter of a new driver. The network has to hear where it is now. */
static gboolean
state_loaded (SvMigratable *migratable, GError **error)
{
  SvVirtioNet *self = SV_VIRTIO_NET (migratable);
  g_autofree SvVirtioNetFilter *filter = g_steal_pointer (&self->loaded_filter);

  if (filter == NULL)
    return TRUE;
  sv_virtio_net_set_filter (self, filter);
  if (!sv_virtio_net_set_offloads (self, self->loaded_offloads))
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED,
                   "the back end refuses offloads 0x%" G_GINT64_MODIFIER "x", self->loaded_offloads);
      return FALSE;
    }
  if (sv_virtio_device_is_started (SV_VIRTIO_DEVICE (self)))
    sv_virtio_net_announce (self);
  return TRUE;
}

const SvMigratableState sv_virtio_net_migration = {
  .types = (const char *const[]){ STATE_TYPE, NULL },
  .check = check_state,
  .dup = dup_state,
  .load = load_state,
  .loaded = state_loaded,
};
