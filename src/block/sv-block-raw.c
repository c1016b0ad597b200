/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/block/sv-block-raw.h"

#include <string.h>

#include "qom/sv-property.h"
#include "src/migration/sv-migratable.h"

struct _SvBlockRaw
{
  SvBlockNode parent_instance;

  SvObject *file; /* link */
  SvObject *claimed;
  gboolean direct;
  gboolean no_flush;
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvBlockRaw, sv_block_raw, SV_TYPE_BLOCK_NODE,
                               SV_MIGRATABLE_STATELESS ("its data is in its image, and nothing is in flight while the guest is paused"))

enum
{
  PROP_0,
  PROP_FILE,
  PROP_CACHE_DIRECT,
  PROP_CACHE_NO_FLUSH,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

static SvBlockNode *
get_below (SvBlockNode *node)
{
  return SV_BLOCK_NODE (SV_BLOCK_RAW (node)->claimed);
}

static void
on_size (SvBlockNode *below, GParamSpec *pspec, SvBlockNode *self)
{
  sv_block_node_set_size (self, sv_block_node_get_size (below));
}

/* The queues are those of the node below, and so are the limits that hold. */
static void
on_notify (SvBlockNode *self, GParamSpec *pspec, gpointer user_data)
{
  for (guint i = 0; i < SV_BLOCK_N_LIMITS && get_below (self) != NULL; i++)
    {
      guint64 limit = sv_block_node_get_limit (self, i);

      if (limit != sv_block_node_get_limit (get_below (self), i))
        sv_block_node_set_limit (get_below (self), i, limit);
    }
}

/* Limits of both nodes: this one's hold, where it has any. */
static void
take_limits (SvBlockNode *self, SvBlockNode *below)
{
  for (guint i = 0; i < SV_BLOCK_N_LIMITS; i++)
    if (sv_block_node_get_limit (self, i) == 0)
      sv_block_node_set_limit (self, i, sv_block_node_get_limit (below, i));
  on_notify (self, NULL, NULL);
}

/* How the image is cached is the business of the node below: both may say so, if they say the same. */
static gboolean
check_cache (SvBlockRaw *self, GError **error)
{
  static const char *const names[] = { "cache-direct", "cache-no-flush" };
  const gboolean wanted[] = { self->direct, self->no_flush };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      gboolean below = FALSE;

      if (!wanted[i])
        continue;
      if (g_object_class_find_property (G_OBJECT_GET_CLASS (self->file), names[i]) != NULL)
        g_object_get (self->file, names[i], &below, NULL);
      if (below)
        continue;
      g_set_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_INVALID,
                   "block node '%s': '%s' below it has %s off, which is what holds",
                   sv_object_get_id (SV_OBJECT (self)), sv_object_get_id (self->file),
                   i == 0 ? "cache.direct" : "cache.no-flush");
      return FALSE;
    }
  return TRUE;
}

static gboolean
sv_block_raw_complete (SvObject *object, GError **error)
{
  SvBlockRaw *self = SV_BLOCK_RAW (object);
  SvBlockNode *node = SV_BLOCK_NODE (object);
  SvBlockNode *below = (SvBlockNode *)self->file;
  const char *id = sv_object_get_id (object) ? sv_object_get_id (object) : "blockdev-raw";

  if (below == NULL)
    {
      g_set_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_INVALID,
                   "block node '%s' needs 'file', the name of another node", id);
      return FALSE;
    }
  if (sv_block_node_is_read_only (below) && !sv_block_node_is_read_only (node))
    {
      if (!sv_block_node_get_auto_read_only (node) && !sv_block_node_get_auto_read_only (below))
        {
          g_set_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_INVALID,
                       "block node '%s': '%s' below it is read-only; read-only=on makes both so", id,
                       sv_object_get_id (self->file));
          return FALSE;
        }
      sv_block_node_set_read_only (node, TRUE);
    }
  if (!check_cache (self, error) || !sv_object_claim (self->file, object, error))
    return FALSE;
  self->claimed = g_object_ref (self->file);
  /* Its queues do the work, so they are to refuse what this node does. */
  if (sv_block_node_is_read_only (node))
    sv_block_node_set_read_only (below, TRUE);
  g_signal_connect_object (below, "notify::size", G_CALLBACK (on_size), self, 0);
  on_size (below, NULL, node);
  take_limits (node, below);
  g_signal_connect (self, "notify", G_CALLBACK (on_notify), NULL);
  return TRUE;
}

static SvBlockQueue *
sv_block_raw_create_queue (SvBlockNode *node, GMainContext *context, guint depth, GError **error)
{
  return sv_block_node_create_queue (get_below (node), context, depth, error);
}

static gboolean
sv_block_raw_refresh_size (SvBlockNode *node, GError **error)
{
  return sv_block_node_refresh_size (get_below (node), error);
}

static gboolean
sv_block_raw_resize (SvBlockNode *node, guint64 size, GError **error)
{
  return sv_block_node_resize (get_below (node), size, error);
}

static void
sv_block_raw_get_stats (SvBlockNode *node, SvBlockStats *stats)
{
  if (get_below (node) != NULL)
    sv_block_node_get_stats (get_below (node), stats);
  else
    memset (stats, 0, sizeof *stats);
}

static void
sv_block_raw_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvBlockRaw *self = SV_BLOCK_RAW (object);

  if (id == PROP_FILE)
    g_value_set_object (value, self->file);
  else if (id == PROP_CACHE_DIRECT)
    g_value_set_boolean (value, self->direct);
  else if (id == PROP_CACHE_NO_FLUSH)
    g_value_set_boolean (value, self->no_flush);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
sv_block_raw_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvBlockRaw *self = SV_BLOCK_RAW (object);

  if (id == PROP_FILE)
    sv_object_set_link (SV_OBJECT (self), pspec, &self->file, g_value_get_object (value));
  else if (id == PROP_CACHE_DIRECT)
    self->direct = g_value_get_boolean (value);
  else if (id == PROP_CACHE_NO_FLUSH)
    self->no_flush = g_value_get_boolean (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
sv_block_raw_dispose (GObject *object)
{
  SvBlockRaw *self = SV_BLOCK_RAW (object);

  if (self->claimed != NULL)
    sv_object_release (self->claimed, SV_OBJECT (self));
  g_clear_object (&self->claimed);
  sv_object_set_link (SV_OBJECT (self), props[PROP_FILE], &self->file, NULL);
  G_OBJECT_CLASS (sv_block_raw_parent_class)->dispose (object);
}

static void
sv_block_raw_class_init (SvBlockRawClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvBlockNodeClass *node_class = SV_BLOCK_NODE_CLASS (klass);

  object_class->get_property = sv_block_raw_get_property;
  object_class->set_property = sv_block_raw_set_property;
  object_class->dispose = sv_block_raw_dispose;
  SV_OBJECT_CLASS (klass)->complete = sv_block_raw_complete;
  node_class->create_queue = sv_block_raw_create_queue;
  node_class->refresh_size = sv_block_raw_refresh_size;
  node_class->resize = sv_block_raw_resize;
  node_class->get_stats = sv_block_raw_get_stats;
  node_class->driver = "raw";

  /**
   * SvBlockRaw:file:
   *
   * The node below.
   */
  props[PROP_FILE] = g_param_spec_object ("file", "file", "Node that holds the image",
                                          SV_TYPE_BLOCK_NODE, SV_PARAM_RW_WIRING);
  /**
   * SvBlockRaw:cache-direct:
   *
   * Whether the host's page cache is bypassed: only what the node below says.
   */
  props[PROP_CACHE_DIRECT]
      = g_param_spec_boolean ("cache-direct", "cache.direct", "As the node below: bypass the host's page cache", FALSE,
                              SV_PARAM_RW_WIRING);

  /**
   * SvBlockRaw:cache-no-flush:
   *
   * Whether flush requests are ignored: only what the node below says.
   */
  props[PROP_CACHE_NO_FLUSH]
      = g_param_spec_boolean ("cache-no-flush", "cache.no-flush", "As the node below: ignore flush requests", FALSE,
                              SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_block_raw_init (SvBlockRaw *self)
{
}

/* Moves `file.x` to `x`, unless the node says so itself. */
static void
lift (JsonObject *properties, const char *name, JsonNode *value)
{
  if (!json_object_has_member (properties, name))
    json_object_set_member (properties, name, json_node_copy (value));
}

/**
 * sv_block_flatten: (skip)
 * @properties: a node's properties, without `driver` and `node-name`; is changed
 * @driver: (nullable): the node's driver
 * @error: return location
 *
 * A node that describes the one below it in place (`file`, an object, or `file.driver` ...), and adds
 * no format or `raw`, is that one: its properties become the node's.
 *
 * Returns: (transfer none) (nullable): the driver, until @properties goes; %NULL when there is none
 */
const char *
sv_block_flatten (JsonObject *properties, const char *driver, GError **error)
{
  JsonNode *file = json_object_get_member (properties, "file");
  g_autoptr (JsonObject) below = NULL;
  g_autoptr (GList) names = NULL;
  JsonNode *lower;

  if (driver != NULL && strcmp (driver, "raw") != 0)
    return driver;
  if (file != NULL && JSON_NODE_HOLDS_OBJECT (file))
    {
      below = json_object_ref (json_node_get_object (file));
      json_object_remove_member (properties, "file");
    }
  else
    below = json_object_new ();
  names = json_object_get_members (properties);
  for (GList *at = names; at != NULL; at = at->next)
    {
      g_autofree char *name = g_strdup (at->data);

      if (!g_str_has_prefix (name, "file."))
        continue;
      lift (below, name + strlen ("file."), json_object_get_member (properties, name));
      json_object_remove_member (properties, name);
    }

  lower = json_object_get_member (below, "driver");
  if (lower == NULL || json_node_get_value_type (lower) != G_TYPE_STRING)
    {
      if (driver == NULL || json_object_get_size (below) > 0)
        {
          g_set_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_INVALID,
                       "Parameter 'driver' is missing");
          return NULL;
        }
      return driver;
    }
  driver = g_intern_string (json_node_get_string (lower));
  json_object_remove_member (below, "driver");
  json_object_remove_member (below, "node-name");
  g_list_free (g_steal_pointer (&names));
  names = json_object_get_members (below);
  for (GList *at = names; at != NULL; at = at->next)
    lift (properties, at->data, json_object_get_member (below, at->data));
  return driver;
}
