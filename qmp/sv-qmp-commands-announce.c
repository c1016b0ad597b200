/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* announce-self: the network learns where the cards are. */

#include <string.h>

#include "hw/virtio/sv-virtio-net.h"
#include "qmp/sv-qmp-error.h"
#include "qmp/sv-qmp-tree.h"

/* The rounds that are to come; one request at a time, as in QEMU. Freed with the tree's root, or after the last round. */
typedef struct
{
  SvObject *root; /* whose data it is */
  GStrv names;    /* NULL: all cards */
  guint source;
  guint left;
  gint64 delay;
  gint64 step;
  gint64 max;
} Announcer;

#define KEY "sv-announcer"

static void
announcer_free (gpointer data)
{
  Announcer *self = data;

  g_clear_handle_id (&self->source, g_source_remove);
  g_strfreev (self->names);
  g_free (self);
}

static gboolean next_round (gpointer user_data);

static void
announce (Announcer *self)
{
  g_autoptr (GPtrArray) cards = sv_qmp_collect (self->root, SV_TYPE_VIRTIO_NET);

  for (guint i = 0; i < cards->len; i++)
    {
      const char *id = sv_virtio_device_get_name (cards->pdata[i]);

      if (self->names == NULL || g_strv_contains ((const char *const *)self->names, id))
        sv_virtio_net_announce (cards->pdata[i]);
    }
  self->source = --self->left > 0 ? g_timeout_add ((guint)MIN (self->delay, self->max), next_round, self) : 0;
  self->delay += self->step;
}

static gboolean
next_round (gpointer user_data)
{
  Announcer *self = user_data;

  announce (self);
  if (self->source == 0)
    g_object_set_data (G_OBJECT (self->root), KEY, NULL);
  return G_SOURCE_REMOVE;
}

static GStrv
dup_names (JsonArray *list)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < json_array_get_length (list); i++)
    g_strv_builder_add (builder, json_array_get_string_element (list, i));
  return g_strv_builder_end (builder);
}

SV_QMP_COMMAND (announce_self)
{
  static const struct
  {
    const char *name;
    gint64 most;
  } limits[] = { { "initial", 100000 }, { "max", 100000 }, { "rounds", 1000 }, { "step", 10000 } };
  SvObject *root = sv_qmp_call_get_root (call);
  Announcer *self;

  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      gint64 value = json_object_get_int_member (arguments, limits[i].name);

      if (value >= 1 && value <= limits[i].most)
        continue;
      g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "Parameter '%s' expects a number from 1 to %" G_GINT64_FORMAT,
                   limits[i].name, limits[i].most);
      return NULL;
    }
  self = g_new0 (Announcer, 1);
  self->root = root;
  self->left = (guint)json_object_get_int_member (arguments, "rounds");
  self->delay = json_object_get_int_member (arguments, "initial");
  self->step = json_object_get_int_member (arguments, "step");
  self->max = json_object_get_int_member (arguments, "max");
  if (json_object_has_member (arguments, "interfaces"))
    self->names = dup_names (json_object_get_array_member (arguments, "interfaces"));
  announce (self);
  g_object_set_data_full (G_OBJECT (root), KEY, self, announcer_free);
  return NULL;
}
