/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "qom/sv-object-private.h"

/* Children: how they come, are found, and go. */

/* From this many children on, ids are found through a hash table. */
#define HASH_THRESHOLD 16

#define PRIV(self) (sv_object_get_private (self))

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
 * sv_object_get_nth_linked:
 * @self: an object
 * @n: an index from 0
 *
 * Returns: (transfer none) (nullable): what is to be found below @self though it is no child, as a device on a bus is; %NULL
 *   when @n is past the last
 */
SvObject *
sv_object_get_nth_linked (SvObject *self, guint n)
{
  g_return_val_if_fail (SV_IS_OBJECT (self), NULL);

  return SV_OBJECT_GET_CLASS (self)->get_linked != NULL
             ? SV_OBJECT_GET_CLASS (self)->get_linked (self, n)
             : NULL;
}

/**
 * sv_object_get_below:
 * @self: an object
 * @id: an id
 *
 * Returns: (transfer none) (nullable): the child of that id, or else what is linked below @self by it
 */
SvObject *
sv_object_get_below (SvObject *self, const char *id)
{
  SvObject *below = sv_object_get_child (self, id);

  for (guint i = 0; below == NULL; i++)
    {
      SvObject *linked = sv_object_get_nth_linked (self, i);

      if (linked == NULL)
        break;
      if (g_strcmp0 (sv_object_get_id (linked), id) == 0)
        below = linked;
    }
  return below;
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

  sv_object_notify_place (child);
  sv_object_emit_added (self, child, position);
}

/**
 * sv_object_check_id:
 * @id: an id that a user or client gave
 * @error: return location
 *
 * Ids from outside follow QEMU's rule: a letter, then letters, digits, `-`, `.` and `_`. What the
 * machine names itself (`device[0]`) need not.
 *
 * Returns: %FALSE with %SV_OBJECT_ERROR_INVALID when @id is not such an id
 */
gboolean
sv_object_check_id (const char *id, GError **error)
{
  gboolean good = g_ascii_isalpha (id[0]);

  for (const char *at = id; good && *at != '\0'; at++)
    good = g_ascii_isalnum (*at) || *at == '-' || *at == '.' || *at == '_';
  if (!good)
    g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                 "Parameter 'id' expects an identifier, got '%s': a letter, then letters, digits, "
                 "'-', '.', '_'",
                 id);
  return good;
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
 * sv_object_rename:
 * @self: an object with a parent
 * @id: name among the siblings: not empty, free, without `/`
 *
 * Gives @self another id. It keeps its place, and what is linked to it stays so.
 */
void
sv_object_rename (SvObject *self, const char *id)
{
  SvObjectPrivate *priv;
  SvObjectPrivate *parent_priv;

  g_return_if_fail (SV_IS_OBJECT (self) && PRIV (self)->parent != NULL);
  g_return_if_fail (id != NULL && *id != '\0' && strchr (id, '/') == NULL);
  g_return_if_fail (sv_object_get_child (PRIV (self)->parent, id) == NULL);

  priv = PRIV (self);
  parent_priv = PRIV (priv->parent);
  if (parent_priv->by_id != NULL)
    g_hash_table_remove (parent_priv->by_id, priv->id);
  g_free (priv->id);
  priv->id = g_strdup (id);
  if (parent_priv->by_id != NULL)
    g_hash_table_insert (parent_priv->by_id, priv->id, self);
  parent_priv->numbered_stem = 0;
  sv_object_notify_place (self);
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
  sv_object_emit_removed (parent, self, position);

  /* A handler may have placed the object anew. */
  if (priv->parent == NULL)
    {
      g_clear_pointer (&priv->id, g_free);
      sv_object_notify_place (self);
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
