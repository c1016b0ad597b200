/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qom/sv-object.h"

#include <string.h>

#include "qom/sv-object-private.h"
#include "qom/sv-property.h"
#include "qom/sv-type-registry.h"

/* From this many children on, ids are found through a hash table. */
#define HASH_THRESHOLD 16

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

#define PRIV(self) ((SvObjectPrivate *)sv_object_get_instance_private (self))

SvObjectPrivate *
sv_object_get_private (SvObject *self)
{
  return PRIV (self);
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
  SvObject *user = PRIV (self)->user;
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
 * sv_object_get_n_children:
 * @self: an object
 *
 * Returns: the number of children
 */
guint
sv_object_get_n_children (SvObject *self)
{
  g_return_val_if_fail (SV_IS_OBJECT (self), 0);

  return PRIV (self)->children ? PRIV (self)->children->len : 0;
}

/**
 * sv_object_get_nth_child:
 * @self: an object
 * @n: an index from 0
 *
 * Returns: (transfer none) (nullable): the child, %NULL when @n is past the last
 */
SvObject *
sv_object_get_nth_child (SvObject *self, guint n)
{
  GPtrArray *children;

  g_return_val_if_fail (SV_IS_OBJECT (self), NULL);

  children = PRIV (self)->children;
  return children != NULL && n < children->len ? g_ptr_array_index (children, n) : NULL;
}

/**
 * sv_object_get_child:
 * @self: an object
 * @id: name of a child
 *
 * Returns: (transfer none) (nullable): the child of that id
 */
SvObject *
sv_object_get_child (SvObject *self, const char *id)
{
  SvObjectPrivate *priv;

  g_return_val_if_fail (SV_IS_OBJECT (self), NULL);
  g_return_val_if_fail (id != NULL, NULL);

  priv = PRIV (self);
  if (priv->by_id != NULL)
    return g_hash_table_lookup (priv->by_id, id);

  for (guint i = 0; priv->children != NULL && i < priv->children->len; i++)
    {
      SvObject *child = g_ptr_array_index (priv->children, i);

      if (strcmp (PRIV (child)->id, id) == 0)
        return child;
    }
  return NULL;
}

/**
 * sv_object_ensure_container:
 * @self: an object
 * @id: name of a child
 *
 * Finds the child @id, or makes it as a plain container.
 *
 * Returns: (transfer none): the child
 */
SvObject *
sv_object_ensure_container (SvObject *self, const char *id)
{
  SvObject *child = sv_object_get_child (self, id);
  g_autoptr (SvObject) container = NULL;

  if (child != NULL)
    return child;

  container = sv_object_new_container ();
  sv_object_add_child (self, id, container, NULL);
  return container;
}

static void
add_child_unchecked (SvObject *self, char *id, SvObject *child)
{
  SvObjectPrivate *priv = PRIV (self);
  SvObjectPrivate *child_priv = PRIV (child);
  guint position;

  if (priv->children == NULL)
    priv->children = g_ptr_array_new ();
  position = priv->children->len;
  g_ptr_array_add (priv->children, g_object_ref (child));
  g_free (child_priv->id);
  child_priv->id = id;
  child_priv->parent = self;

  if (priv->by_id != NULL)
    g_hash_table_insert (priv->by_id, id, child);
  else if (priv->children->len >= HASH_THRESHOLD)
    {
      priv->by_id = g_hash_table_new (g_str_hash, g_str_equal);
      for (guint i = 0; i < priv->children->len; i++)
        {
          SvObject *sibling = g_ptr_array_index (priv->children, i);

          g_hash_table_insert (priv->by_id, PRIV (sibling)->id, sibling);
        }
    }

  g_object_notify_by_pspec (G_OBJECT (child), props[PROP_ID]);
  g_object_notify_by_pspec (G_OBJECT (child), props[PROP_PATH]);
  g_signal_emit (self, signals[CHILD_ADDED], 0, child);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 0, 1);
}

/**
 * sv_object_add_child:
 * @self: an object
 * @id: name among @self's children: not empty, free, without `/`
 * @child: (transfer none): an object without a parent
 * @error: return location
 *
 * Makes @child the last child of @self, which takes a reference of its own.
 *
 * Returns: %FALSE with %SV_OBJECT_ERROR_INVALID for a malformed id or a child that cannot be placed
 *   here, %SV_OBJECT_ERROR_EXISTS when @id is taken
 */
gboolean
sv_object_add_child (SvObject *self, const char *id, SvObject *child, GError **error)
{
  g_autofree char *label = NULL;

  g_return_val_if_fail (SV_IS_OBJECT (self), FALSE);
  g_return_val_if_fail (SV_IS_OBJECT (child), FALSE);
  g_return_val_if_fail (id != NULL, FALSE);

  if (*id == '\0' || strchr (id, '/') != NULL)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "Invalid id '%s': an id has at least one character and no '/'", id);
      return FALSE;
    }
  if (PRIV (child)->parent != NULL || child == self || sv_object_is_ancestor (child, self))
    {
      label = sv_object_dup_label (child);
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "'%s' has a place in the object tree already", label);
      return FALSE;
    }
  if (sv_object_get_child (self, id) != NULL)
    {
      label = PRIV (self)->parent ? sv_object_dup_path (self) : g_strdup ("");
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_EXISTS,
                   "Duplicate id '%s': '%s/%s' exists already", id, label, id);
      return FALSE;
    }

  add_child_unchecked (self, g_strdup (id), child);
  return TRUE;
}

/**
 * sv_object_add_child_numbered:
 * @self: an object
 * @stem: the part of the id before the number, without `/`
 * @child: (transfer none): an object without a parent
 *
 * As [method@Object.add_child] with the id `STEM[N]`, where N is the lowest free number from 0.
 */
void
sv_object_add_child_numbered (SvObject *self, const char *stem, SvObject *child)
{
  SvObjectPrivate *priv;
  GQuark quark;
  guint n;
  char *id;

  g_return_if_fail (SV_IS_OBJECT (self));
  g_return_if_fail (SV_IS_OBJECT (child) && PRIV (child)->parent == NULL);
  g_return_if_fail (child != self && !sv_object_is_ancestor (child, self));
  g_return_if_fail (stem != NULL && strchr (stem, '/') == NULL);

  priv = PRIV (self);
  quark = g_quark_from_string (stem);
  n = priv->numbered_stem == quark ? priv->numbered_next : 0;
  id = g_strdup_printf ("%s[%u]", stem, n);
  while (sv_object_get_child (self, id) != NULL)
    {
      g_free (id);
      id = g_strdup_printf ("%s[%u]", stem, ++n);
    }
  priv->numbered_stem = quark;
  priv->numbered_next = n + 1;
  add_child_unchecked (self, id, child);
}

/**
 * sv_object_unparent:
 * @self: an object
 *
 * Takes @self, with all below it, out of its tree: its parent's reference is dropped, links to
 * @self and links from elsewhere to objects below it read %NULL from now on. Does nothing to a
 * root.
 */
void
sv_object_unparent (SvObject *self)
{
  SvObjectPrivate *priv;
  SvObjectPrivate *parent_priv;
  g_autoptr (SvObject) parent = NULL;
  guint position;

  g_return_if_fail (SV_IS_OBJECT (self));

  priv = PRIV (self);
  if (priv->parent == NULL)
    return;

  parent = g_object_ref (priv->parent);
  parent_priv = PRIV (parent);
  for (position = parent_priv->children->len; position > 0; position--)
    if (g_ptr_array_index (parent_priv->children, position - 1) == self)
      break;
  position--;

  if (parent_priv->by_id != NULL)
    g_hash_table_remove (parent_priv->by_id, priv->id);
  g_ptr_array_remove_index (parent_priv->children, position);
  parent_priv->numbered_stem = 0;
  priv->parent = NULL;

  sv_object_cut_links (self);
  g_signal_emit (parent, signals[CHILD_REMOVED], 0, self);
  g_list_model_items_changed (G_LIST_MODEL (parent), position, 1, 0);

  /* A handler may have placed the object anew. */
  if (priv->parent == NULL)
    {
      g_clear_pointer (&priv->id, g_free);
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_ID]);
      g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PATH]);
    }
  g_object_unref (self);
}

/**
 * sv_object_remove:
 * @self: an object
 * @error: return location
 *
 * Unparents @self on request from outside, unless its class refuses.
 *
 * Returns: %FALSE with %SV_OBJECT_ERROR_BUSY when the object is in use
 */
gboolean
sv_object_remove (SvObject *self, GError **error)
{
  g_return_val_if_fail (SV_IS_OBJECT (self), FALSE);

  if (!SV_OBJECT_GET_CLASS (self)->can_remove (self, error))
    return FALSE;
  sv_object_unparent (self);
  return TRUE;
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
