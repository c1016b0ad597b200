/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client/sv-qmp-client.h"

#include "client/sv-client-value.h"
#include "client/sv-json-string.h"
#include "client/sv-qmp-client-private.h"

/**
 * SvQmpClient:
 *
 * A connection to the QMP server of a virtual machine, this program's or QEMU's.
 *
 * Asynchronous methods answer in the main context that was the thread's default when the connection was
 * opened; events are signalled there, too, also those that come while a synchronous method waits. All methods
 * belong to that thread.
 *
 * An error reply is an error of the domain `SV_QMP_ERROR`, whose code is the class that the server gave it;
 * trouble with the connection is one of `G_IO_ERROR`.
 */

enum
{
  PROP_ADDRESS = 1,
  PROP_TIMEOUT,
  PROP_CONNECTED,
  N_PROPS
};

enum
{
  EVENT,
  CLOSED,
  N_SIGNALS
};

static GParamSpec *props[N_PROPS];
static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (SvQmpClient, sv_qmp_client, G_TYPE_OBJECT)

/* The connection ends; what waits is told why. */
void
sv_qmp_client_disconnect (SvQmpClient *self, GError *error)
{
  g_autoptr (GTask) opening = g_steal_pointer (&self->opening);

  if (self->error == NULL)
    self->error = error;
  else
    g_error_free (error);
  sv_qmp_client_drop_source (&self->cancelled);
  g_clear_pointer (&self->stream, sv_qmp_stream_free);
  if (opening != NULL)
    g_task_return_error (opening, g_error_copy (self->error));
}

/* Delivery in the main context */

static gboolean
is_event (JsonObject *object)
{
  JsonNode *name = json_object_get_member (object, "event");

  return name != NULL && json_node_get_value_type (name) == G_TYPE_STRING;
}

static void
deliver_event (SvQmpClient *self, JsonObject *message)
{
  const char *name = sv_json_get_string (message, "event", "");
  JsonNode *data = json_object_get_member (message, "data");
  g_autoptr (GVariant) variant = NULL;

  if (data != NULL && JSON_NODE_HOLDS_OBJECT (data))
    variant = sv_client_value_from_json (data);
  else
    variant = g_variant_ref_sink (g_variant_new ("a{sv}", NULL));
  g_signal_emit (self, signals[EVENT], g_quark_from_string (name), name, variant);
}

static void
tell_end (SvQmpClient *self)
{
  self->told = TRUE;
  sv_qmp_client_fail_pending (self);
  if (self->open)
    {
      self->open = FALSE;
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_CONNECTED]);
      g_signal_emit (self, signals[CLOSED], 0, self->error);
    }
}

static gboolean
deliver (gpointer user_data)
{
  g_autoptr (SvQmpClient) self = g_object_ref (user_data);

  g_clear_pointer (&self->deliver, g_source_unref);
  while (!g_queue_is_empty (&self->incoming))
    {
      g_autoptr (JsonNode) message = g_queue_pop_head (&self->incoming);
      JsonObject *object = json_node_get_object (message);

      if (is_event (object))
        deliver_event (self, object);
      else
        sv_qmp_client_deliver_reply (self, message);
    }
  if (self->error != NULL && !self->told)
    tell_end (self);
  return G_SOURCE_REMOVE;
}

static void
deliver_soon (SvQmpClient *self)
{
  if (self->deliver != NULL)
    return;
  self->deliver = g_idle_source_new ();
  g_source_set_priority (self->deliver, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->deliver, deliver, self, NULL);
  g_source_attach (self->deliver, self->context);
}

/* Messages as they come */

static void
negotiate (SvQmpClient *self, JsonNode *greeting)
{
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  JsonObject *message = json_object_new ();

  self->greeting = json_node_ref (greeting);
  self->negotiation = ++self->last_id;
  json_object_set_string_member (message, "execute", "qmp_capabilities");
  json_object_set_int_member (message, "id", self->negotiation);
  json_node_take_object (node, message);
  sv_qmp_stream_send (self->stream, node, NULL);
}

static void
finish_negotiation (SvQmpClient *self, JsonNode *reply)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) result = sv_qmp_client_dup_result (reply, &error);
  g_autoptr (GTask) opening = NULL;

  self->negotiation = 0;
  if (result == NULL)
    {
      sv_qmp_client_disconnect (self, g_steal_pointer (&error));
      return;
    }
  self->open = TRUE;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_CONNECTED]);
  sv_qmp_client_drop_source (&self->cancelled);
  opening = g_steal_pointer (&self->opening);
  if (opening != NULL)
    g_task_return_boolean (opening, TRUE);
}

static void
take_message (SvQmpClient *self, JsonNode *message)
{
  JsonObject *object = json_node_get_object (message);
  JsonNode *id_node = json_object_get_member (object, "id");
  gint64 id = id_node != NULL && json_node_get_value_type (id_node) == G_TYPE_INT64 ? json_node_get_int (id_node) : -1;

  if (self->greeting == NULL)
    {
      if (json_object_has_member (object, "QMP"))
        negotiate (self, message);
      else
        sv_qmp_client_disconnect (self, g_error_new_literal (G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                                               "This is no QMP server: it does not greet"));
      return;
    }
  if (self->negotiation != 0 && id == self->negotiation)
    {
      finish_negotiation (self, message);
      return;
    }
  if (!is_event (object) && (id <= 0 || sv_qmp_client_take_reply (self, id, message)))
    return;
  g_queue_push_tail (&self->incoming, json_node_ref (message));
  deliver_soon (self);
}

static void
take_messages (SvQmpClient *self)
{
  while (self->stream != NULL)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) message = sv_qmp_stream_receive (self->stream, &error);

      if (message != NULL)
        take_message (self, message);
      else if (error != NULL)
        sv_qmp_client_disconnect (self, g_steal_pointer (&error));
      else
        return;
    }
  deliver_soon (self);
}

static void
on_stream (gpointer opaque)
{
  g_autoptr (SvQmpClient) self = g_object_ref (opaque);

  take_messages (self);
}

/* When a call that begins now shall have its answer. */
gint64
sv_qmp_client_get_end_time (SvQmpClient *self)
{
  return self->timeout != 0 ? g_get_monotonic_time () + self->timeout * G_TIME_SPAN_MILLISECOND : -1;
}

/* Blocks until something happened; FALSE when nothing more can. */
gboolean
sv_qmp_client_step (SvQmpClient *self, gint64 end_time, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) local = NULL;

  if (self->stream == NULL)
    {
      sv_qmp_client_fail_closed (self, error);
      return FALSE;
    }
  if (!sv_qmp_stream_wait (self->stream, end_time, cancellable, &local))
    {
      if (g_error_matches (local, G_IO_ERROR, G_IO_ERROR_TIMED_OUT))
        g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "%s does not answer within %u ms", self->address,
                     self->timeout);
      else
        g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  take_messages (self);
  return TRUE;
}

void
sv_qmp_client_fail_closed (SvQmpClient *self, GError **error)
{
  if (self->error != NULL)
    g_propagate_error (error, g_error_copy (self->error));
  else
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED, "%s: there is no connection", self->address);
}

void
sv_qmp_client_adopt (SvQmpClient *self, GSocketConnection *connection)
{
  self->stream = sv_qmp_stream_new (connection, self->context, on_stream, self);
}

/**
 * sv_qmp_client_close:
 * @self: a client
 *
 * Ends the connection. Calls that wait for a reply fail, and [signal@QmpClient::closed] is emitted, both from the
 * main context.
 */
void
sv_qmp_client_close (SvQmpClient *self)
{
  g_return_if_fail (SV_IS_QMP_CLIENT (self));

  if (self->error != NULL)
    return;
  sv_qmp_client_disconnect (self, g_error_new (G_IO_ERROR, G_IO_ERROR_CLOSED, "%s: the connection was closed", self->address));
  if (self->context != NULL)
    deliver_soon (self);
}

/**
 * sv_qmp_client_is_open:
 * @self: a client
 *
 * Returns: whether commands can be executed
 */
gboolean
sv_qmp_client_is_open (SvQmpClient *self)
{
  g_return_val_if_fail (SV_IS_QMP_CLIENT (self), FALSE);

  return self->open && self->stream != NULL;
}

/**
 * sv_qmp_client_get_address:
 * @self: a client
 *
 * Returns: (transfer none): the address that it was made with
 */
const char *
sv_qmp_client_get_address (SvQmpClient *self)
{
  g_return_val_if_fail (SV_IS_QMP_CLIENT (self), NULL);

  return self->address;
}

/**
 * sv_qmp_client_dup_greeting:
 * @self: a client
 *
 * Returns: (transfer full) (nullable): the member `QMP` of the server's greeting, an `a{sv}` with `version` and
 *   `capabilities`; %NULL before there was one
 */
GVariant *
sv_qmp_client_dup_greeting (SvQmpClient *self)
{
  g_return_val_if_fail (SV_IS_QMP_CLIENT (self), NULL);

  if (self->greeting == NULL)
    return NULL;
  return sv_client_value_from_json (json_object_get_member (json_node_get_object (self->greeting), "QMP"));
}

/**
 * sv_qmp_client_new:
 * @address: `unix:PATH`, `tcp:HOST:PORT`, or a path
 *
 * Makes a client, which does not connect before it is opened.
 *
 * Returns: (transfer full): the client
 */
SvQmpClient *
sv_qmp_client_new (const char *address)
{
  g_return_val_if_fail (address != NULL, NULL);

  return g_object_new (SV_TYPE_QMP_CLIENT, "address", address, NULL);
}

static void
sv_qmp_client_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvQmpClient *self = SV_QMP_CLIENT (object);

  switch (id)
    {
    case PROP_ADDRESS:
      self->address = g_value_dup_string (value);
      break;
    case PROP_TIMEOUT:
      self->timeout = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_qmp_client_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvQmpClient *self = SV_QMP_CLIENT (object);

  switch (id)
    {
    case PROP_ADDRESS:
      g_value_set_string (value, self->address);
      break;
    case PROP_TIMEOUT:
      g_value_set_uint (value, self->timeout);
      break;
    case PROP_CONNECTED:
      g_value_set_boolean (value, self->open);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_qmp_client_finalize (GObject *object)
{
  SvQmpClient *self = SV_QMP_CLIENT (object);

  sv_qmp_client_drop_source (&self->deliver);
  sv_qmp_client_drop_source (&self->cancelled);
  g_clear_pointer (&self->stream, sv_qmp_stream_free);
  g_queue_clear_full (&self->incoming, (GDestroyNotify)json_node_unref);
  g_hash_table_unref (self->pending);
  g_clear_pointer (&self->greeting, json_node_unref);
  g_clear_error (&self->error);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_free (self->address);
  G_OBJECT_CLASS (sv_qmp_client_parent_class)->finalize (object);
}

static void
sv_qmp_client_class_init (SvQmpClientClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->set_property = sv_qmp_client_set_property;
  object_class->get_property = sv_qmp_client_get_property;
  object_class->finalize = sv_qmp_client_finalize;

  /**
   * SvQmpClient:address:
   *
   * Where the server listens: `unix:PATH`, `tcp:HOST:PORT`, or a path.
   */
  props[PROP_ADDRESS]
      = g_param_spec_string ("address", "address", "Where the server listens: unix:PATH or tcp:HOST:PORT", NULL,
                             G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  /**
   * SvQmpClient:timeout:
   *
   * How long a synchronous method waits for an answer, in milliseconds; 0: for ever. It then fails with
   * %G_IO_ERROR_TIMED_OUT.
   */
  props[PROP_TIMEOUT]
      = g_param_spec_uint ("timeout", "timeout", "How long a synchronous method waits, in milliseconds; 0: for ever",
                           0, G_MAXUINT, 0, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  /**
   * SvQmpClient:connected:
   *
   * Whether there is a connection that commands can use.
   */
  props[PROP_CONNECTED] = g_param_spec_boolean ("connected", "connected",
                                                "Whether there is a connection that commands can use", FALSE,
                                                G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);

  /**
   * SvQmpClient::event:
   * @self: the client
   * @name: name of the event, as `SHUTDOWN`
   * @data: its data, an `a{sv}`
   *
   * The server sent an event. The name is the signal's detail, too: `event::SHUTDOWN`.
   */
  signals[EVENT] = g_signal_new ("event", SV_TYPE_QMP_CLIENT, G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0, NULL, NULL,
                                 NULL, G_TYPE_NONE, 2, G_TYPE_STRING, G_TYPE_VARIANT);
  /**
   * SvQmpClient::closed:
   * @self: the client
   * @error: why: %G_IO_ERROR_CONNECTION_CLOSED when the server went, %G_IO_ERROR_CLOSED when this program did it
   *
   * The connection that was open has ended.
   */
  signals[CLOSED] = g_signal_new ("closed", SV_TYPE_QMP_CLIENT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
                                  1, G_TYPE_ERROR);
}

static void
sv_qmp_client_init (SvQmpClient *self)
{
  g_queue_init (&self->incoming);
  self->pending = sv_qmp_client_new_pending ();
}
