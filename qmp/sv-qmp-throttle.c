/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qmp/sv-qmp-throttle.h"

#include <string.h>

#define INTERVAL_MS 1000

/* The events that QEMU holds back too, each with the member that tells different things apart. */
static const struct
{
  const char *event;
  const char *key;
} throttled[] = {
  { "BALLOON_CHANGE", NULL },
  { "GUEST_CRASHLOADED", NULL },
  { "GUEST_PANICKED", NULL },
  { "RTC_CHANGE", NULL },
  { "VSERPORT_CHANGE", "id" },
};

struct _SvQmpThrottle
{
  SvQmpServer *server;
  GHashTable *pending; /* of Pending by itself; those of which one went out within the interval */
};

typedef struct
{
  SvQmpThrottle *throttle;
  char *key;
  const char *event;
  JsonObject *data; /* NULL: nothing came since */
  guint timer;
} Pending;

static void
pending_free (gpointer data)
{
  Pending *pending = data;

  g_clear_handle_id (&pending->timer, g_source_remove);
  g_clear_pointer (&pending->data, json_object_unref);
  g_free (pending->key);
  g_free (pending);
}

static gboolean
interval_over (gpointer user_data)
{
  Pending *pending = user_data;
  g_autoptr (JsonObject) data = g_steal_pointer (&pending->data);

  if (data)
    {
      sv_qmp_server_emit (pending->throttle->server, pending->event, data);
      return G_SOURCE_CONTINUE;
    }
  pending->timer = 0;
  g_hash_table_remove (pending->throttle->pending, pending->key);
  return G_SOURCE_REMOVE;
}

SvQmpThrottle *
sv_qmp_throttle_new (SvQmpServer *server)
{
  SvQmpThrottle *self = g_new0 (SvQmpThrottle, 1);

  self->server = server;
  self->pending = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, pending_free);
  return self;
}

void
sv_qmp_throttle_free (SvQmpThrottle *self)
{
  g_hash_table_unref (self->pending);
  g_free (self);
}

void
sv_qmp_throttle_emit (SvQmpThrottle *self, const char *event, JsonObject *data)
{
  g_autofree char *key = NULL;
  Pending *pending;
  guint i = 0;

  while (i < G_N_ELEMENTS (throttled) && strcmp (event, throttled[i].event) != 0)
    i++;
  if (i == G_N_ELEMENTS (throttled))
    {
      sv_qmp_server_emit (self->server, event, data);
      return;
    }

  key = g_strdup_printf (
      "%s %s", event,
      throttled[i].key ? json_object_get_string_member_with_default (data, throttled[i].key, "")
                       : "");
  pending = g_hash_table_lookup (self->pending, key);
  if (pending)
    {
      g_clear_pointer (&pending->data, json_object_unref);
      pending->data = json_object_ref (data);
      return;
    }

  sv_qmp_server_emit (self->server, event, data);
  pending = g_new0 (Pending, 1);
  pending->throttle = self;
  pending->event = throttled[i].event;
  pending->key = g_steal_pointer (&key);
  pending->timer = g_timeout_add (INTERVAL_MS, interval_over, pending);
  g_hash_table_insert (self->pending, pending->key, pending);
}
