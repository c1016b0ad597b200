/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/chardev/sv-chardev.h"

#include "qom/sv-property.h"
#include "src/chardev/sv-chardev-log.h"

typedef struct
{
  SvChardevFrontend frontend;
  gpointer opaque;
  gboolean attached;
  gboolean streaming; /* a monitor takes the peers' streams */
  gboolean open;
  SvChardevLog log;
} SvChardevPrivate;

enum
{
  PROP_0,
  PROP_LOGFILE,
  PROP_LOGAPPEND,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

enum
{
  SIGNAL_QUIT_REQUESTED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (SvChardev, sv_chardev, SV_TYPE_OBJECT)

static const char *
get_name (SvChardev *self)
{
  const char *id = sv_object_get_id (SV_OBJECT (self));

  return id != NULL ? id : G_OBJECT_TYPE_NAME (self);
}

static gboolean
check_free (SvChardev *self, GError **error)
{
  SvChardevPrivate *priv = sv_chardev_get_instance_private (self);

  if (!priv->attached)
    return TRUE;

  g_set_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_BUSY,
               "Character device '%s' is in use: it serves one front end at a time",
               get_name (self));
  return FALSE;
}

static gsize
sv_chardev_real_write (SvChardev *self, const guint8 *data, gsize length)
{
  return length;
}

static void
sv_chardev_real_update_input (SvChardev *self)
{
}

static gboolean
sv_chardev_real_take_streams (SvChardev *self,
                              SvChardevStreamFunc func,
                              gpointer opaque,
                              GError **error)
{
  g_autofree char *filename = sv_chardev_dup_filename (self);

  g_set_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_UNSUPPORTED,
               "Character device '%s' (%s) cannot carry a monitor: a socket, a terminal or stdio can",
               get_name (self), filename);
  return FALSE;
}

static void
sv_chardev_real_end_stream (SvChardev *self)
{
}

static char *
sv_chardev_real_dup_filename (SvChardev *self)
{
  return g_strdup ("null");
}

static gboolean
sv_chardev_complete (SvObject *object, GError **error)
{
  SvChardevPrivate *priv = sv_chardev_get_instance_private (SV_CHARDEV (object));

  if (sv_chardev_log_open (&priv->log, object, error))
    return TRUE;
  g_prefix_error (error, "Character device '%s': ", get_name (SV_CHARDEV (object)));
  return FALSE;
}

static void
sv_chardev_finalize (GObject *object)
{
  SvChardevPrivate *priv = sv_chardev_get_instance_private (SV_CHARDEV (object));

  sv_chardev_log_clear (&priv->log);
  G_OBJECT_CLASS (sv_chardev_parent_class)->finalize (object);
}

static void
sv_chardev_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvChardevPrivate *priv = sv_chardev_get_instance_private (SV_CHARDEV (object));

  switch (id)
    {
    case PROP_LOGFILE:
      g_free (priv->log.path);
      priv->log.path = g_value_dup_string (value);
      break;
    case PROP_LOGAPPEND:
      priv->log.append = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
    }
}

static void
sv_chardev_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvChardevPrivate *priv = sv_chardev_get_instance_private (SV_CHARDEV (object));

  switch (id)
    {
    case PROP_LOGFILE:
      g_value_set_string (value, priv->log.path);
      break;
    case PROP_LOGAPPEND:
      g_value_set_boolean (value, priv->log.append);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      break;
    }
}

static gboolean
sv_chardev_can_remove (SvObject *object, GError **error)
{
  SvChardev *self = SV_CHARDEV (object);
  SvChardevPrivate *priv = sv_chardev_get_instance_private (self);

  if (!SV_OBJECT_CLASS (sv_chardev_parent_class)->can_remove (object, error))
    return FALSE;

  if (!priv->attached)
    return TRUE;

  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY,
               "Chardev '%s' is busy: a device or monitor uses it", get_name (self));
  return FALSE;
}

static void
sv_chardev_class_init (SvChardevClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->finalize = sv_chardev_finalize;
  object_class->set_property = sv_chardev_set_property;
  object_class->get_property = sv_chardev_get_property;
  SV_OBJECT_CLASS (klass)->complete = sv_chardev_complete;
  SV_OBJECT_CLASS (klass)->container = "chardevs";
  SV_OBJECT_CLASS (klass)->can_remove = sv_chardev_can_remove;

  klass->write = sv_chardev_real_write;
  klass->update_input = sv_chardev_real_update_input;
  klass->take_streams = sv_chardev_real_take_streams;
  klass->end_stream = sv_chardev_real_end_stream;
  klass->dup_filename = sv_chardev_real_dup_filename;

  props[PROP_LOGFILE] = g_param_spec_string (
      "logfile", "logfile", "File that keeps a copy of all output", NULL, SV_PARAM_RW_WIRING);
  props[PROP_LOGAPPEND]
      = g_param_spec_boolean ("logappend", "logappend", "Whether what 'logfile' holds is kept",
                              FALSE, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);

  /**
   * SvChardev::quit-requested:
   * @self: the device
   *
   * The person at this device asked to end the VM.
   */
  signals[SIGNAL_QUIT_REQUESTED]
      = g_signal_new ("quit-requested", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                      NULL, G_TYPE_NONE, 0);
}

static void
sv_chardev_init (SvChardev *self)
{
  SvChardevPrivate *priv = sv_chardev_get_instance_private (self);

  sv_chardev_log_init (&priv->log);
}

/**
 * sv_chardev_attach:
 * @self: a character device
 * @frontend: callbacks; copied
 * @opaque: passed to the callbacks; not referenced
 * @error: return location for an error
 *
 * Makes @frontend the user of the device. When a peer is there already, it is told so at once.
 *
 * Returns: %FALSE when the device has a front end
 */
gboolean
sv_chardev_attach (SvChardev *self,
                   const SvChardevFrontend *frontend,
                   gpointer opaque,
                   GError **error)
{
  SvChardevPrivate *priv = sv_chardev_get_instance_private (self);

  g_return_val_if_fail (SV_IS_CHARDEV (self) && frontend != NULL, FALSE);

  if (!check_free (self, error))
    return FALSE;

  priv->frontend = *frontend;
  priv->opaque = opaque;
  priv->attached = TRUE;
  if (priv->open && priv->frontend.event != NULL)
    priv->frontend.event (priv->opaque, SV_CHARDEV_OPENED);
  sv_chardev_update_input (self);
  return TRUE;
}

/**
 * sv_chardev_detach:
 * @self: a character device
 *
 * Ends what sv_chardev_attach() or sv_chardev_take_streams() began: no callback comes any more.
 * Input waits at the peer for the next front end.
 */
void
sv_chardev_detach (SvChardev *self)
{
  SvChardevPrivate *priv = sv_chardev_get_instance_private (self);

  g_return_if_fail (SV_IS_CHARDEV (self));

  priv->frontend = (SvChardevFrontend){ .can_receive = NULL };
  priv->opaque = NULL;
  priv->attached = FALSE;
  if (priv->streaming)
    {
      priv->streaming = FALSE;
      SV_CHARDEV_GET_CLASS (self)->take_streams (self, NULL, NULL, NULL);
    }
  sv_chardev_update_input (self);
}

/**
 * sv_chardev_write:
 * @self: a character device
 * @data: (array length=length): bytes for the peer
 * @length: how many
 *
 * Hands bytes to the peer without blocking.
 *
 * Returns: how many were taken. After a short write the front end's `writable` callback tells when
 *   there is room again.
 */
gsize
sv_chardev_write (SvChardev *self, const guint8 *data, gsize length)
{
  SvChardevPrivate *priv = sv_chardev_get_instance_private (self);

  g_return_val_if_fail (SV_IS_CHARDEV (self), length);

  if (length == 0)
    return 0;
  length = SV_CHARDEV_GET_CLASS (self)->write (self, data, length);
  sv_chardev_log_write (&priv->log, data, length);
  return length;
}

/**
 * sv_chardev_update_input:
 * @self: a character device
 *
 * The front end tells that it may take more input than it last said.
 */
void
sv_chardev_update_input (SvChardev *self)
{
  g_return_if_fail (SV_IS_CHARDEV (self));

  SV_CHARDEV_GET_CLASS (self)->update_input (self);
}

/**
 * sv_chardev_take_streams:
 * @self: a character device
 * @func: takes each peer's stream, present and future
 * @opaque: passed to @func
 * @error: return location for an error
 *
 * Attaches a monitor. The descriptors that @func gets do not block.
 *
 * Returns: %FALSE when the device is in use, or of a kind that has no streams
 */
gboolean
sv_chardev_take_streams (SvChardev *self, SvChardevStreamFunc func, gpointer opaque, GError **error)
{
  SvChardevPrivate *priv = sv_chardev_get_instance_private (self);

  g_return_val_if_fail (SV_IS_CHARDEV (self) && func != NULL, FALSE);

  if (!check_free (self, error))
    return FALSE;
  if (sv_chardev_log_is_open (&priv->log))
    {
      g_set_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_UNSUPPORTED,
                   "Character device '%s' cannot carry a monitor: its 'logfile' would stay empty",
                   get_name (self));
      return FALSE;
    }

  priv->attached = TRUE;
  priv->streaming = TRUE;
  if (SV_CHARDEV_GET_CLASS (self)->take_streams (self, func, opaque, error))
    return TRUE;

  priv->attached = FALSE;
  priv->streaming = FALSE;
  return FALSE;
}

/**
 * sv_chardev_end_stream:
 * @self: a character device
 *
 * Whoever got a stream of @self has closed its descriptors. A device that has one peer at a time may give the next one then.
 */
void
sv_chardev_end_stream (SvChardev *self)
{
  g_return_if_fail (SV_IS_CHARDEV (self));

  SV_CHARDEV_GET_CLASS (self)->end_stream (self);
}

/**
 * sv_chardev_is_attached:
 * @self: a character device
 *
 * Returns: whether a front end or monitor uses the device
 */
gboolean
sv_chardev_is_attached (SvChardev *self)
{
  SvChardevPrivate *priv = sv_chardev_get_instance_private (self);

  g_return_val_if_fail (SV_IS_CHARDEV (self), FALSE);

  return priv->attached;
}

/**
 * sv_chardev_is_open:
 * @self: a character device
 *
 * Returns: whether a peer is there
 */
gboolean
sv_chardev_is_open (SvChardev *self)
{
  SvChardevPrivate *priv = sv_chardev_get_instance_private (self);

  g_return_val_if_fail (SV_IS_CHARDEV (self), FALSE);

  return priv->open;
}

/**
 * sv_chardev_dup_filename:
 * @self: a character device
 *
 * Returns: (transfer full): what the device is connected to, as query-chardev tells it
 */
char *
sv_chardev_dup_filename (SvChardev *self)
{
  g_return_val_if_fail (SV_IS_CHARDEV (self), NULL);

  return SV_CHARDEV_GET_CLASS (self)->dup_filename (self);
}

/**
 * sv_chardev_can_receive:
 * @self: a character device
 *
 * Returns: how many bytes the front end takes now; 0 without one
 */
gsize
sv_chardev_can_receive (SvChardev *self)
{
  SvChardevPrivate *priv = sv_chardev_get_instance_private (self);

  if (priv->frontend.receive == NULL)
    return 0;
  return priv->frontend.can_receive != NULL ? priv->frontend.can_receive (priv->opaque) : G_MAXINT;
}

/**
 * sv_chardev_receive:
 * @self: a character device
 * @data: (array length=length): bytes from the peer
 * @length: at most what sv_chardev_can_receive() said
 *
 * Back ends deliver input with this.
 */
void
sv_chardev_receive (SvChardev *self, const guint8 *data, gsize length)
{
  SvChardevPrivate *priv = sv_chardev_get_instance_private (self);

  if (length > 0 && priv->frontend.receive != NULL)
    priv->frontend.receive (priv->opaque, data, length);
}

/**
 * sv_chardev_writable:
 * @self: a character device
 *
 * Back ends tell with this that they have room again after a short write.
 */
void
sv_chardev_writable (SvChardev *self)
{
  SvChardevPrivate *priv = sv_chardev_get_instance_private (self);

  if (priv->frontend.writable != NULL)
    priv->frontend.writable (priv->opaque);
}

/**
 * sv_chardev_event:
 * @self: a character device
 * @event: what happened
 *
 * Back ends tell with this that a peer came, went or sent a break.
 */
void
sv_chardev_event (SvChardev *self, SvChardevEvent event)
{
  SvChardevPrivate *priv = sv_chardev_get_instance_private (self);

  if (event == SV_CHARDEV_OPENED)
    priv->open = TRUE;
  else if (event == SV_CHARDEV_CLOSED)
    priv->open = FALSE;

  if (priv->frontend.event != NULL)
    priv->frontend.event (priv->opaque, event);
}

/**
 * sv_chardev_request_quit:
 * @self: a character device
 *
 * Back ends tell with this that the person at the device asked to end the VM.
 */
void
sv_chardev_request_quit (SvChardev *self)
{
  g_signal_emit (self, signals[SIGNAL_QUIT_REQUESTED], 0);
}
