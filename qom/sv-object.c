/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qom/sv-object.h"

#include <string.h>

#include "qom/sv-object-private.h"
#include "qom/sv-property.h"
#include "qom/sv-type-registry.h"

/**
 * SvObject:
 *
 * A node of the object tree. A node has an id, at most one parent and an ordered list of children,
 * which it owns. It implements [iface@Gio.ListModel] over its children.
 *
 * The node without a parent is the root, whose path is `/`. Every other node's canonical path is
 * its parent's path, a slash and its id. Ids hold any byte but `/` and NUL and are unique among
 * siblings; dots are ordinary characters (`pcie.0`).
 *
 * Ownership is the tree: whatever else an object refers to, it refers to by a link
 * ([method@Object.set_link]), which reads %NULL once its target has left the tree.
 *
 * The tree is changed and read on the main thread, under the VM lock.
 */
enum
{
  PROP_0,
  PROP_ID,
  PROP_PATH,
  N_PROPS
};

enum
{
  CHILD_ADDED,
  CHILD_REMOVED,
  N_SIGNALS
};

static GParamSpec *props[N_PROPS];
static guint signals[N_SIGNALS];

static void sv_object_list_model_init (GListModelInterface *iface);

G_DEFINE_TYPE_WITH_CODE (SvObject,
                         sv_object,
                         G_TYPE_OBJECT,
                         G_ADD_PRIVATE (SvObject)
                             G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, sv_object_list_model_init))

/* clang-format off */
G_DEFINE_QUARK (sv-object-error-quark, sv_object_error)
/* clang-format on */

GType
sv_object_error_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    { SV_OBJECT_ERROR_NOT_FOUND, "SV_OBJECT_ERROR_NOT_FOUND", "not-found" },
    { SV_OBJECT_ERROR_AMBIGUOUS, "SV_OBJECT_ERROR_AMBIGUOUS", "ambiguous" },
    { SV_OBJECT_ERROR_EXISTS, "SV_OBJECT_ERROR_EXISTS", "exists" },
    { SV_OBJECT_ERROR_INVALID, "SV_OBJECT_ERROR_INVALID", "invalid" },
    { SV_OBJECT_ERROR_TYPE, "SV_OBJECT_ERROR_TYPE", "type" },
    { SV_OBJECT_ERROR_READ_ONLY, "SV_OBJECT_ERROR_READ_ONLY", "read-only" },
    { SV_OBJECT_ERROR_BUSY, "SV_OBJECT_ERROR_BUSY", "busy" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("SvObjectError", values));
  return type;
}

#define PRIV(self) ((SvObjectPrivate *)sv_object_get_instance_private (self))

SvObjectPrivate *
sv_object_get_private (SvObject *self)
{
  return PRIV (self);
}

void
sv_object_notify_place (SvObject *self)
{
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_ID]);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PATH]);
}

void
sv_object_emit_added (SvObject *self, SvObject *child, guint position)
{
  g_signal_emit (self, signals[CHILD_ADDED], 0, child);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 0, 1);
}

void
sv_object_emit_removed (SvObject *self, SvObject *child, guint position)
{
  g_signal_emit (self, signals[CHILD_REMOVED], 0, child);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 1, 0);
}

static GType
sv_object_get_item_type (GListModel *model)
{
  return SV_TYPE_OBJECT;
}

static guint
sv_object_get_n_items (GListModel *model)
{
  return sv_object_get_n_children (SV_OBJECT (model));
}

static gpointer
sv_object_get_item (GListModel *model, guint position)
{
  SvObject *child = sv_object_get_nth_child (SV_OBJECT (model), position);

  return child ? g_object_ref (child) : NULL;
}

static void
sv_object_list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = sv_object_get_item_type;
  iface->get_n_items = sv_object_get_n_items;
  iface->get_item = sv_object_get_item;
}

static gboolean
sv_object_real_can_change (SvObject *self, GParamSpec *pspec, GError **error)
{
  if (!(pspec->flags & SV_PARAM_WIRING) || !PRIV (self)->complete)
    return TRUE;

  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_READ_ONLY,
               "Parameter '%s' cannot be changed once the object is in use",
               sv_property_get_wire_name (pspec));
  return FALSE;
}

static gboolean
sv_object_real_can_remove (SvObject *self, GError **error)
{
  SvObject *user = PRIV (self)->user != NULL ? PRIV (self)->user : sv_object_find_wired_owner (self);
  g_autofree char *label = NULL;
  g_autofree char *user_label = NULL;

  if (user == NULL)
    return TRUE;

  label = sv_object_dup_label (self);
  user_label = sv_object_dup_label (user);
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY, "'%s' is in use by '%s'", label,
               user_label);
  return FALSE;
}

static void
sv_object_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SvObject *self = SV_OBJECT (object);

  switch (prop_id)
    {
    case PROP_ID:
      g_value_set_string (value, PRIV (self)->id);
      break;
    case PROP_PATH:
      g_value_take_string (value, sv_object_dup_path (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sv_object_dispose (GObject *object)
{
  SvObject *self = SV_OBJECT (object);
  SvObjectPrivate *priv = PRIV (self);

  while (priv->children != NULL && priv->children->len > 0)
    sv_object_unparent (g_ptr_array_index (priv->children, priv->children->len - 1));
  sv_object_dispose_links (self);

  G_OBJECT_CLASS (sv_object_parent_class)->dispose (object);
}

static void
sv_object_finalize (GObject *object)
{
  SvObjectPrivate *priv = PRIV (SV_OBJECT (object));

  g_free (priv->id);
  g_clear_pointer (&priv->by_id, g_hash_table_unref);
  g_clear_pointer (&priv->children, g_ptr_array_unref);

  G_OBJECT_CLASS (sv_object_parent_class)->finalize (object);
}

static void
sv_object_class_init (SvObjectClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = sv_object_get_property;
  object_class->dispose = sv_object_dispose;
  object_class->finalize = sv_object_finalize;
  klass->can_change = sv_object_real_can_change;
  klass->can_remove = sv_object_real_can_remove;

  /**
   * SvObject:id: (getter get_id)
   *
   * The name among the siblings; %NULL for a root.
   */
  props[PROP_ID] = g_param_spec_string ("id", "id", "Name among the siblings", NULL,
                                        SV_PARAM_RO | SV_PARAM_INTERNAL);
  /**
   * SvObject:path:
   *
   * The canonical path, `/` for a root.
   */
  props[PROP_PATH] = g_param_spec_string ("path", "path", "Canonical path in the object tree", NULL,
                                          SV_PARAM_RO | SV_PARAM_INTERNAL);
  g_object_class_install_properties (object_class, N_PROPS, props);

  /**
   * SvObject::child-added:
   * @self: the parent
   * @child: the new child
   *
   * A child was added.
   */
  signals[CHILD_ADDED] = g_signal_new ("child-added", SV_TYPE_OBJECT, G_SIGNAL_RUN_FIRST,
                                       G_STRUCT_OFFSET (SvObjectClass, child_added), NULL, NULL,
                                       NULL, G_TYPE_NONE, 1, SV_TYPE_OBJECT);
  /**
   * SvObject::child-removed:
   * @self: the former parent
   * @child: the former child; its id can still be read while the signal runs
   *
   * A child was removed.
   */
  signals[CHILD_REMOVED] = g_signal_new ("child-removed", SV_TYPE_OBJECT, G_SIGNAL_RUN_FIRST,
                                         G_STRUCT_OFFSET (SvObjectClass, child_removed), NULL, NULL,
                                         NULL, G_TYPE_NONE, 1, SV_TYPE_OBJECT);
}

static void
sv_object_init (SvObject *self)
{
}

/**
 * sv_object_new_container:
 *
 * Makes a plain node that only holds children: a root, `/objects`, `/machine/peripheral` ...
 *
 * Returns: (transfer full): the new object
 */
SvObject *
sv_object_new_container (void)
{
  return g_object_new (SV_TYPE_OBJECT, NULL);
}

/**
 * sv_object_get_id:
 * @self: an object
 *
 * Returns: (nullable): the name among the siblings, %NULL for a root
 */
const char *
sv_object_get_id (SvObject *self)
{
  g_return_val_if_fail (SV_IS_OBJECT (self), NULL);

  return PRIV (self)->id;
}

/**
 * sv_object_get_parent:
 * @self: an object
 *
 * Returns: (transfer none) (nullable): the parent, %NULL for a root
 */
SvObject *
sv_object_get_parent (SvObject *self)
{
  g_return_val_if_fail (SV_IS_OBJECT (self), NULL);

  return PRIV (self)->parent;
}

/**
 * sv_object_get_root:
 * @self: an object
 *
 * Returns: (transfer none): the root of the tree that @self is in; @self when it has no parent
 */
SvObject *
sv_object_get_root (SvObject *self)
{
  g_return_val_if_fail (SV_IS_OBJECT (self), NULL);

  while (PRIV (self)->parent != NULL)
    self = PRIV (self)->parent;
  return self;
}

/**
 * sv_object_dup_path:
 * @self: an object
 *
 * Returns: (transfer full): the canonical path, `/` for a root
 */
char *
sv_object_dup_path (SvObject *self)
{
  gsize length = 0;
  char *path;

  g_return_val_if_fail (SV_IS_OBJECT (self), NULL);

  if (PRIV (self)->parent == NULL)
    return g_strdup ("/");

  for (SvObject *o = self; PRIV (o)->parent != NULL; o = PRIV (o)->parent)
    length += 1 + strlen (PRIV (o)->id);

  path = g_malloc (length + 1);
  path[length] = '\0';
  for (SvObject *o = self; PRIV (o)->parent != NULL; o = PRIV (o)->parent)
    {
      gsize id_length = strlen (PRIV (o)->id);

      length -= id_length;
      memcpy (path + length, PRIV (o)->id, id_length);
      path[--length] = '/';
    }
  return path;
}

/**
 * sv_object_dup_label:
 * @self: an object
 *
 * What a message to the user calls the object: its canonical path when it is in a tree, else the
 * wire name of its type.
 *
 * Returns: (transfer full): the label
 */
char *
sv_object_dup_label (SvObject *self)
{
  g_return_val_if_fail (SV_IS_OBJECT (self), NULL);

  if (PRIV (self)->parent != NULL)
    return sv_object_dup_path (self);
  return g_strdup (sv_type_registry_get_display_name (G_OBJECT_TYPE (self)));
}

/**
 * sv_object_is_ancestor:
 * @self: an object
 * @descendant: another object
 *
 * Returns: %TRUE when @self is the parent of @descendant, or the parent's parent, and so on
 */
gboolean
sv_object_is_ancestor (SvObject *self, SvObject *descendant)
{
  g_return_val_if_fail (SV_IS_OBJECT (self), FALSE);
  g_return_val_if_fail (SV_IS_OBJECT (descendant), FALSE);

  while ((descendant = PRIV (descendant)->parent) != NULL)
    if (descendant == self)
      return TRUE;
  return FALSE;
}

/**
 * sv_object_complete:
 * @self: an object
 * @error: return location
 *
 * Tells the object that all its properties are set: runs the complete vfunc, unless it succeeded
 * before.
 *
 * Returns: %FALSE with @error set when the vfunc failed
 */
gboolean
sv_object_complete (SvObject *self, GError **error)
{
  SvObjectClass *klass;

  g_return_val_if_fail (SV_IS_OBJECT (self), FALSE);

  klass = SV_OBJECT_GET_CLASS (self);
  if (PRIV (self)->complete)
    return TRUE;
  if (klass->complete != NULL && !klass->complete (self, error))
    return FALSE;
  PRIV (self)->complete = TRUE;
  sv_object_class_guard (G_OBJECT_GET_CLASS (self));
  return TRUE;
}

/**
 * sv_object_is_complete:
 * @self: an object
 *
 * Returns: %TRUE after [method@Object.complete] succeeded
 */
gboolean
sv_object_is_complete (SvObject *self)
{
  g_return_val_if_fail (SV_IS_OBJECT (self), FALSE);

  return PRIV (self)->complete;
}

/**
 * sv_object_can_change:
 * @self: an object
 * @pspec: one of its properties
 * @error: return location
 *
 * Asks the class whether the property may be changed from outside now.
 *
 * Returns: %FALSE with %SV_OBJECT_ERROR_READ_ONLY when not
 */
gboolean
sv_object_can_change (SvObject *self, GParamSpec *pspec, GError **error)
{
  g_return_val_if_fail (SV_IS_OBJECT (self), FALSE);

  return SV_OBJECT_GET_CLASS (self)->can_change (self, pspec, error);
}
