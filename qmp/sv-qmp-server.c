/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qmp/sv-qmp-server.h"

#include <unistd.h>

#include "qmp/sv-qmp-event-line.h"
#include "qmp/sv-qmp-events.h"
#include "qmp/sv-qmp-session.h"
#include "src/runtime/sv-log.h"

struct _SvQmpServer
{
  GObject parent_instance;

  SvObject *root;

  SvQmpEvents *events;
  GPtrArray *chardevs;
  GPtrArray *sessions;
  GHashTable *origins; /* character devices of sessions */
};

enum
{
  PROP_ROOT = 1,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (SvQmpServer, sv_qmp_server, G_TYPE_OBJECT)

static void
sv_qmp_server_constructed (GObject *object)
{
  SvQmpServer *self = SV_QMP_SERVER (object);

  G_OBJECT_CLASS (sv_qmp_server_parent_class)->constructed (object);
  self->events = sv_qmp_events_new (self, self->root);
}

static void
sv_qmp_server_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvQmpServer *self = SV_QMP_SERVER (object);

  switch (id)
    {
    case PROP_ROOT:
      self->root = g_value_dup_object (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_qmp_server_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvQmpServer *self = SV_QMP_SERVER (object);

  switch (id)
    {
    case PROP_ROOT:
      g_value_set_object (value, self->root);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_qmp_server_dispose (GObject *object)
{
  SvQmpServer *self = SV_QMP_SERVER (object);

  g_clear_pointer (&self->events, sv_qmp_events_free);
  for (guint i = 0; i < self->chardevs->len; i++)
    sv_chardev_detach (g_ptr_array_index (self->chardevs, i));
  g_ptr_array_set_size (self->chardevs, 0);
  g_hash_table_remove_all (self->origins);
  g_ptr_array_set_size (self->sessions, 0);
  g_clear_object (&self->root);
  G_OBJECT_CLASS (sv_qmp_server_parent_class)->dispose (object);
}

static void
sv_qmp_server_finalize (GObject *object)
{
  SvQmpServer *self = SV_QMP_SERVER (object);

  g_ptr_array_unref (self->chardevs);
  g_ptr_array_unref (self->sessions);
  g_hash_table_unref (self->origins);
  G_OBJECT_CLASS (sv_qmp_server_parent_class)->finalize (object);
}

static void
sv_qmp_server_class_init (SvQmpServerClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->constructed = sv_qmp_server_constructed;
  object_class->set_property = sv_qmp_server_set_property;
  object_class->get_property = sv_qmp_server_get_property;
  object_class->dispose = sv_qmp_server_dispose;
  object_class->finalize = sv_qmp_server_finalize;

  /**
   * SvQmpServer:root:
   *
   * Root of the object tree that the server speaks about.
   */
  props[PROP_ROOT]
      = g_param_spec_object ("root", "root", "Root of the object tree", SV_TYPE_OBJECT,
                             G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_qmp_server_init (SvQmpServer *self)
{
  self->chardevs = g_ptr_array_new_with_free_func (g_object_unref);
  self->sessions = g_ptr_array_new_with_free_func ((GDestroyNotify)sv_qmp_session_free);
  self->origins = g_hash_table_new_full (NULL, NULL, NULL, g_object_unref);
}

SvQmpServer *
sv_qmp_server_new (SvObject *root)
{
  return g_object_new (SV_TYPE_QMP_SERVER, "root", root, NULL);
}

static void
session_closed (SvQmpSession *session, gpointer opaque)
{
  SvQmpServer *self = opaque;
  g_autoptr (SvChardev) origin = NULL;

  g_hash_table_steal_extended (self->origins, session, NULL, (gpointer *)&origin);
  g_ptr_array_remove (self->sessions, session);
  if (origin != NULL)
    sv_chardev_end_stream (origin);
}

static SvQmpSession *
add_session (SvQmpServer *self, int input, int output)
{
  SvQmpSession *session;

  if (self->sessions->len >= SV_QMP_SERVER_MAX_CLIENTS)
    {
      sv_log_peer ("QMP client turned away: there are %u already", self->sessions->len);
      if (output != input)
        close (output);
      close (input);
      return NULL;
    }
  session = sv_qmp_session_new (self->root, input, output, session_closed, self);
  g_ptr_array_add (self->sessions, session);
  return session;
}

void
sv_qmp_server_add_client (SvQmpServer *self, int input, int output)
{
  g_return_if_fail (SV_IS_QMP_SERVER (self));

  add_session (self, input, output);
}

static void
take_stream (SvChardev *chardev, int input, int output, gpointer opaque)
{
  SvQmpServer *self = opaque;
  SvQmpSession *session = add_session (self, input, output);

  if (session != NULL)
    g_hash_table_insert (self->origins, session, g_object_ref (chardev));
  else
    sv_chardev_end_stream (chardev);
}

static const char options_key[] = "sv-command-line-options";

void
sv_qmp_server_set_options (SvQmpServer *self, SvQmpListOptionsFunc func)
{
  g_object_set_data (G_OBJECT (self->root), options_key, (gpointer)func);
}

JsonNode *
sv_qmp_server_list_options (SvObject *root)
{
  SvQmpListOptionsFunc func = (SvQmpListOptionsFunc)g_object_get_data (G_OBJECT (root), options_key);

  g_autoptr (JsonArray) none = NULL;

  if (func != NULL)
    return func ();
  none = json_array_new ();
  return json_node_init_array (json_node_alloc (), none);
}

gboolean
sv_qmp_server_add_monitor (SvQmpServer *self, SvChardev *chardev, GError **error)
{
  g_return_val_if_fail (SV_IS_QMP_SERVER (self), FALSE);
  g_return_val_if_fail (SV_IS_CHARDEV (chardev), FALSE);

  if (!sv_chardev_take_streams (chardev, take_stream, self, error))
    return FALSE;
  g_ptr_array_add (self->chardevs, g_object_ref (chardev));
  return TRUE;
}

/**
 * sv_qmp_server_get_n_clients:
 * @self: a server
 *
 * Returns: how many clients are connected
 */
guint
sv_qmp_server_get_n_clients (SvQmpServer *self)
{
  g_return_val_if_fail (SV_IS_QMP_SERVER (self), 0);
  return self->sessions->len;
}

void
sv_qmp_server_emit (SvQmpServer *self, const char *event, JsonObject *data)
{
  g_autoptr (GString) line = NULL;

  g_return_if_fail (SV_IS_QMP_SERVER (self));

  if (self->sessions->len == 0)
    return;
  line = sv_qmp_event_line_new (event, data);
  for (guint i = 0; i < self->sessions->len; i++)
    sv_qmp_session_send_event (g_ptr_array_index (self->sessions, i), line->str, line->len);
}

void
sv_qmp_server_flush (SvQmpServer *self, guint timeout_ms)
{
  gint64 end_time = g_get_monotonic_time () + timeout_ms * G_TIME_SPAN_MILLISECOND;

  g_return_if_fail (SV_IS_QMP_SERVER (self));

  for (guint i = 0; i < self->sessions->len; i++)
    sv_qmp_session_flush (g_ptr_array_index (self->sessions, i), end_time);
}
