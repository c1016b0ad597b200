/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/block/sv-block-node.h"

#include "qom/sv-property.h"
#include "src/block/sv-block-queue-list.h"

typedef struct
{
  gboolean read_only;
  gboolean auto_read_only;
  SvBlockDiscard discard;
  SvBlockDetectZeroes detect_zeroes;
  gboolean drive;
  guint64 size;

  SvBlockQueueList queues;
  SvBlockThrottle throttle;
} SvBlockNodePrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (SvBlockNode, sv_block_node, SV_TYPE_OBJECT)

enum
{
  PROP_0,
  PROP_READ_ONLY,
  PROP_AUTO_READ_ONLY,
  PROP_DISCARD,
  PROP_DETECT_ZEROES,
  PROP_DRIVE,
  PROP_SIZE,
  PROP_LIMIT,
  PROP_IOPS = PROP_LIMIT + SV_BLOCK_N_LIMITS,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

#define PRIVATE(self) ((SvBlockNodePrivate *)sv_block_node_get_instance_private (self))

/**
 * sv_block_node_get_drive_name:
 * @self: a node
 *
 * Returns: (nullable): its id when it is named as a drive is (property is-drive), as those of `-drive` are
 */
const char *
sv_block_node_get_drive_name (SvBlockNode *self)
{
  return PRIVATE (self)->drive ? sv_object_get_id (SV_OBJECT (self)) : NULL;
}

/**
 * sv_block_node_get_size:
 * @self: an opened node
 *
 * Returns: the size in bytes, rounded up to a multiple of 512; any thread may ask
 */
guint64
sv_block_node_get_size (SvBlockNode *self)
{
  return __atomic_load_n (&PRIVATE (self)->size, __ATOMIC_RELAXED);
}

/**
 * sv_block_node_set_size:
 * @self: a node
 * @size: size of the image in bytes; rounded up to a multiple of 512
 *
 * For subclasses, on the main thread. Devices hear of it by notify::size.
 */
void
sv_block_node_set_size (SvBlockNode *self, guint64 size)
{
  SvBlockNodePrivate *priv = PRIVATE (self);

  size = size > G_MAXINT64 - 511 ? (G_MAXINT64 & ~G_GUINT64_CONSTANT (511))
                                 : (size + 511) & ~G_GUINT64_CONSTANT (511);
  if (priv->size == size)
    return;
  __atomic_store_n (&priv->size, size, __ATOMIC_RELAXED);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_SIZE]);
}

/**
 * sv_block_node_refresh_size:
 * @self: an opened node
 * @error: return location for an error
 *
 * Looks whether the image grew or shrank outside.
 *
 * Returns: %FALSE when the size cannot be read
 */
gboolean
sv_block_node_refresh_size (SvBlockNode *self, GError **error)
{
  SvBlockNodeClass *klass = SV_BLOCK_NODE_GET_CLASS (self);

  return klass->refresh_size == NULL || klass->refresh_size (self, error);
}

/**
 * sv_block_node_resize:
 * @self: an opened node
 * @size: in bytes
 * @error: return location for an error
 *
 * Makes the image longer or shorter; whoever uses it hears of it by notify::size.
 *
 * Returns: %FALSE when it cannot be, and the size is as before
 */
gboolean
sv_block_node_resize (SvBlockNode *self, guint64 size, GError **error)
{
  SvBlockNodeClass *klass = SV_BLOCK_NODE_GET_CLASS (self);
  const char *reason = NULL;

  if (klass->resize == NULL)
    reason = "its size is what it is";
  else if (sv_block_node_is_read_only (self))
    reason = "it is read-only";
  else if (size == 0 || size % 512 != 0)
    reason = "expected a multiple of 512 bytes";
  if (reason == NULL)
    return klass->resize (self, size, error);
  g_set_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_INVALID, "cannot resize '%s': %s",
               sv_block_node_get_drive_name (self), reason);
  return FALSE;
}

/**
 * sv_block_node_is_read_only:
 * @self: a node
 *
 * Returns: whether writes are refused
 */
gboolean
sv_block_node_is_read_only (SvBlockNode *self)
{
  return PRIVATE (self)->read_only;
}

/**
 * sv_block_node_set_read_only:
 * @self: a node that is being opened
 * @read_only: whether writes are refused
 *
 * For subclasses, when `auto-read-only` comes true.
 */
void
sv_block_node_set_read_only (SvBlockNode *self, gboolean read_only)
{
  SvBlockNodePrivate *priv = PRIVATE (self);

  if (priv->read_only == read_only)
    return;
  priv->read_only = read_only;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_READ_ONLY]);
}

/**
 * sv_block_node_get_auto_read_only:
 * @self: a node
 *
 * Returns: whether an image that cannot be opened for writing becomes read-only
 */
gboolean
sv_block_node_get_auto_read_only (SvBlockNode *self)
{
  return PRIVATE (self)->auto_read_only;
}

/**
 * sv_block_node_get_driver:
 * @self: a node
 *
 * Returns: name of the format or protocol, as blockdev-add has it
 */
const char *
sv_block_node_get_driver (SvBlockNode *self)
{
  return SV_BLOCK_NODE_GET_CLASS (self)->driver;
}

/**
 * sv_block_node_get_discard:
 * @self: a node
 *
 * Returns: what discard requests do
 */
SvBlockDiscard
sv_block_node_get_discard (SvBlockNode *self)
{
  return PRIVATE (self)->discard;
}

/**
 * sv_block_node_get_detect_zeroes:
 * @self: a node
 *
 * Returns: what becomes of writes of zeroes
 */
SvBlockDetectZeroes
sv_block_node_get_detect_zeroes (SvBlockNode *self)
{
  return PRIVATE (self)->detect_zeroes;
}

/**
 * sv_block_node_create_queue:
 * @self: an opened node
 * @context: (nullable): where completions run; %NULL for the default context
 * @depth: how many requests the caller means to have in flight, at least 1
 * @error: return location for an error
 *
 * Makes a queue. It costs next to nothing until its first request.
 *
 * Returns: (transfer full): a queue, to be freed with sv_block_queue_free(), or %NULL
 */
SvBlockQueue *
sv_block_node_create_queue (SvBlockNode *self, GMainContext *context, guint depth, GError **error)
{
  if (!sv_object_is_complete (SV_OBJECT (self)))
    {
      g_autofree char *path = sv_object_dup_path (SV_OBJECT (self));

      g_set_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_INVALID, "block node '%s' is not open",
                   path);
      return NULL;
    }
  return SV_BLOCK_NODE_GET_CLASS (self)->create_queue (self, context, MAX (depth, 1), error);
}

/**
 * sv_block_node_add_queue:
 * @self: a node
 * @queue: a new queue
 *
 * For sv_block_queue_init().
 */
void
sv_block_node_add_queue (SvBlockNode *self, SvBlockQueue *queue)
{
  sv_block_queue_list_add (&PRIVATE (self)->queues, queue);
}

/**
 * sv_block_node_remove_queue:
 * @self: a node
 * @queue: a queue that ends
 *
 * For sv_block_queue_clear(); the queue's counters are kept.
 */
void
sv_block_node_remove_queue (SvBlockNode *self, SvBlockQueue *queue)
{
  sv_block_queue_list_remove (&PRIVATE (self)->queues, queue);
}

/**
 * sv_block_node_get_stats:
 * @self: a node
 * @stats: (out caller-allocates): the counters
 *
 * Counters of all queues that the node has and had. The data path takes no part in it.
 */
void
sv_block_node_get_stats (SvBlockNode *self, SvBlockStats *stats)
{
  if (SV_BLOCK_NODE_GET_CLASS (self)->get_stats != NULL)
    SV_BLOCK_NODE_GET_CLASS (self)->get_stats (self, stats);
  else
    sv_block_queue_list_get_stats (&PRIVATE (self)->queues, stats);
}

/**
 * sv_block_node_get_limit:
 * @self: a node
 * @limit: which limit
 *
 * Returns: requests or bytes in a second; 0 for no limit
 */
guint64
sv_block_node_get_limit (SvBlockNode *self, SvBlockLimit limit)
{
  return sv_block_throttle_get (&PRIVATE (self)->throttle, limit);
}

/**
 * sv_block_node_set_limit:
 * @self: a node
 * @limit: which limit
 * @per_second: requests or bytes in a second; 0 for no limit
 *
 * Takes effect at once, on requests that wait as well. Main thread.
 */
void
sv_block_node_set_limit (SvBlockNode *self, SvBlockLimit limit, guint64 per_second)
{
  SvBlockNodePrivate *priv = PRIVATE (self);

  if (sv_block_throttle_get (&priv->throttle, limit) == per_second)
    return;
  sv_block_throttle_set (&priv->throttle, limit, per_second, sv_clock_get_ns ());
  sv_block_queue_list_fire_timers (&priv->queues);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_LIMIT + limit]);
}

/**
 * sv_block_node_get_throttle: (skip)
 * @self: a node
 *
 * Returns: (transfer none): what all requests to the node pass
 */
SvBlockThrottle *
sv_block_node_get_throttle (SvBlockNode *self)
{
  return &PRIVATE (self)->throttle;
}

/**
 * sv_block_node_set_timer: (skip)
 * @self: a node
 * @queue: one of its queues
 * @timer: (nullable) (transfer none): its timer
 *
 * For queues, in their own context.
 */
void
sv_block_node_set_timer (SvBlockNode *self, SvBlockQueue *queue, SvTimer *timer)
{
  sv_block_queue_list_set_timer (&PRIVATE (self)->queues, queue, timer);
}

static void
sv_block_node_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvBlockNode *self = SV_BLOCK_NODE (object);
  SvBlockNodePrivate *priv = PRIVATE (self);

  switch (id)
    {
    case PROP_READ_ONLY:
      g_value_set_boolean (value, priv->read_only);
      break;
    case PROP_AUTO_READ_ONLY:
      g_value_set_boolean (value, priv->auto_read_only);
      break;
    case PROP_DISCARD:
      g_value_set_enum (value, priv->discard);
      break;
    case PROP_DETECT_ZEROES:
      g_value_set_enum (value, priv->detect_zeroes);
      break;
    case PROP_DRIVE:
      g_value_set_boolean (value, priv->drive);
      break;
    case PROP_SIZE:
      g_value_set_uint64 (value, sv_block_node_get_size (self));
      break;
    case PROP_IOPS:
      g_value_set_uint64 (value, sv_block_node_get_limit (self, SV_BLOCK_LIMIT_IOPS_TOTAL));
      break;
    default:
      if (id >= PROP_LIMIT && id < PROP_IOPS)
        g_value_set_uint64 (value, sv_block_node_get_limit (self, id - PROP_LIMIT));
      else
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_block_node_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvBlockNodePrivate *priv = PRIVATE (SV_BLOCK_NODE (object));

  switch (id)
    {
    case PROP_READ_ONLY:
      priv->read_only = g_value_get_boolean (value);
      break;
    case PROP_AUTO_READ_ONLY:
      priv->auto_read_only = g_value_get_boolean (value);
      break;
    case PROP_DISCARD:
      priv->discard = g_value_get_enum (value);
      break;
    case PROP_DETECT_ZEROES:
      priv->detect_zeroes = g_value_get_enum (value);
      break;
    case PROP_DRIVE:
      priv->drive = g_value_get_boolean (value);
      break;
    case PROP_IOPS:
      sv_block_node_set_limit (SV_BLOCK_NODE (object), SV_BLOCK_LIMIT_IOPS_TOTAL, g_value_get_uint64 (value));
      return;
    default:
      if (id >= PROP_LIMIT && id < PROP_IOPS)
        sv_block_node_set_limit (SV_BLOCK_NODE (object), id - PROP_LIMIT, g_value_get_uint64 (value));
      else
        G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  g_object_notify_by_pspec (object, pspec);
}

static void
sv_block_node_finalize (GObject *object)
{
  SvBlockNodePrivate *priv = PRIVATE (SV_BLOCK_NODE (object));

  sv_block_throttle_clear (&priv->throttle);
  sv_block_queue_list_clear (&priv->queues);

  G_OBJECT_CLASS (sv_block_node_parent_class)->finalize (object);
}

static gboolean
sv_block_node_complete (SvObject *object, GError **error)
{
  SvBlockNode *self = SV_BLOCK_NODE (object);

  for (guint i = 0; i < SV_BLOCK_N_LIMITS; i += 3)
    if (sv_block_node_get_limit (self, i) > 0
        && (sv_block_node_get_limit (self, i + 1) > 0 || sv_block_node_get_limit (self, i + 2) > 0))
      {
        g_set_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_INVALID,
                     "'%s' and limits of reads or writes exclude each other",
                     sv_property_get_wire_name (props[PROP_LIMIT + i]));
        return FALSE;
      }
  return SV_OBJECT_CLASS (sv_block_node_parent_class)->complete == NULL
         || SV_OBJECT_CLASS (sv_block_node_parent_class)->complete (object, error);
}

static void
sv_block_node_class_init (SvBlockNodeClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  SV_OBJECT_CLASS (klass)->container = "block";
  SV_OBJECT_CLASS (klass)->complete = sv_block_node_complete;
  object_class->get_property = sv_block_node_get_property;
  object_class->set_property = sv_block_node_set_property;
  object_class->finalize = sv_block_node_finalize;

  props[PROP_READ_ONLY]
      = g_param_spec_boolean ("read-only", "read-only", "Refuse writes", FALSE, SV_PARAM_RW_WIRING);
  props[PROP_AUTO_READ_ONLY] = g_param_spec_boolean (
      "auto-read-only", "auto-read-only",
      "Become read-only when the image cannot be opened for writing", FALSE, SV_PARAM_RW_WIRING);
  props[PROP_DISCARD]
      = g_param_spec_enum ("discard", "discard", "What discard requests of the guest do",
                           SV_TYPE_BLOCK_DISCARD, SV_BLOCK_DISCARD_IGNORE, SV_PARAM_RW_WIRING);
  props[PROP_DETECT_ZEROES] = g_param_spec_enum (
      "detect-zeroes", "detect-zeroes", "Turn writes of zeroes into cheaper requests",
      SV_TYPE_BLOCK_DETECT_ZEROES, SV_BLOCK_DETECT_ZEROES_OFF, SV_PARAM_RW_WIRING);
  props[PROP_DRIVE] = g_param_spec_boolean (
      "is-drive", "is-drive", "Replies and events give the id as the name of a drive, as for -drive", FALSE,
      SV_PARAM_RW_WIRING);
  props[PROP_SIZE] = g_param_spec_uint64 ("size", "size", "Size of the image in bytes", 0,
                                          G_MAXUINT64, 0, SV_PARAM_RO | SV_PARAM_SIZE);
  for (guint i = 0; i < SV_BLOCK_N_LIMITS; i++)
    props[PROP_LIMIT + i] = sv_block_limit_new_pspec (i);
  props[PROP_IOPS] = sv_block_limit_new_alias ();
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_block_node_init (SvBlockNode *self)
{
  SvBlockNodePrivate *priv = PRIVATE (self);

  sv_block_queue_list_init (&priv->queues);
  sv_block_throttle_init (&priv->throttle);
}
