/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qmp/sv-qmp-watch.h"

#include "qom/sv-property.h"

struct _SvQmpWatch
{
  SvQmpWatchFunc func;
  gpointer opaque;
  GHashTable *roots;   /* SvObject → recursive: what the client asked for */
  GHashTable *objects; /* SvObject: those that are watched, referenced */
  GPtrArray *above;    /* SvObject: those above the roots, who know when one leaves the tree */
  GPtrArray *changes;  /* JsonObject: not told yet, in order */
  GHashTable *known;   /* names of what is in @changes */
  GSource *flush;
};

static gboolean
is_below (SvObject *object, SvObject *root)
{
  while (object != NULL && object != root)
    object = sv_object_get_parent (object);
  return object != NULL;
}

static gboolean
is_wanted (SvQmpWatch *self, SvObject *object)
{
  GHashTableIter iter;
  gpointer root;
  gpointer recursive;

  g_hash_table_iter_init (&iter, self->roots);
  while (g_hash_table_iter_next (&iter, &root, &recursive))
    if (object == root || (GPOINTER_TO_INT (recursive) && is_below (object, root)))
      return TRUE;
  return FALSE;
}

static gboolean
is_recursive (SvQmpWatch *self, SvObject *object)
{
  for (; object != NULL; object = sv_object_get_parent (object))
    if (GPOINTER_TO_INT (g_hash_table_lookup (self->roots, object)))
      return TRUE;
  return FALSE;
}

static gboolean
tell (gpointer user_data)
{
  SvQmpWatch *self = user_data;
  g_autoptr (GPtrArray) changes = g_steal_pointer (&self->changes);

  self->changes = g_ptr_array_new_with_free_func ((GDestroyNotify) json_object_unref);
  g_hash_table_remove_all (self->known);
  g_clear_pointer (&self->flush, g_source_unref);
  for (guint i = 0; i < changes->len; i++)
    self->func (g_ptr_array_index (changes, i), self->opaque);
  return G_SOURCE_REMOVE;
}

/* @kind: NULL: the object is gone; @gone: a child is. */
static void
note (SvQmpWatch *self, const char *path, const char *kind, const char *name, gboolean gone)
{
  JsonObject *data = json_object_new ();

  json_object_set_string_member (data, "path", path);
  if (kind != NULL)
    json_object_set_string_member (data, kind, name);
  if (gone)
    json_object_set_boolean_member (data, "gone", TRUE);
  g_ptr_array_add (self->changes, data);
  if (self->flush == NULL)
    {
      self->flush = g_idle_source_new ();
      /* Before the next command of anybody. */
      g_source_set_priority (self->flush, G_PRIORITY_HIGH);
      g_source_set_callback (self->flush, tell, self, NULL);
      g_source_attach (self->flush, NULL);
    }
}

static void
on_notify (SvObject *object, GParamSpec *pspec, gpointer user_data)
{
  SvQmpWatch *self = user_data;
  const char *name = sv_property_get_wire_name (pspec);
  g_autofree char *path = NULL;

  if (sv_property_find (G_OBJECT_GET_CLASS (object), name) != pspec)
    return;
  path = sv_object_dup_path (object);
  if (g_hash_table_add (self->known, g_strdup_printf ("%s %s", path, name)))
    note (self, path, "property", name, FALSE);
}

static void unwatch (SvQmpWatch *self, SvObject *object);
static void watch (SvQmpWatch *self, SvObject *object);

static void
on_child_added (SvObject *object, SvObject *child, gpointer user_data)
{
  g_autofree char *path = sv_object_dup_path (object);

  note (user_data, path, "child", sv_object_get_id (child), FALSE);
  if (is_recursive (user_data, object))
    watch (user_data, child);
}

static void
on_child_removed (SvObject *object, SvObject *child, gpointer user_data)
{
  g_autofree char *path = sv_object_dup_path (object);

  note (user_data, path, "child", sv_object_get_id (child), TRUE);
  unwatch (user_data, child);
}

static void watch_above (SvQmpWatch *self);

/* What the client asked for below @child is gone; @child has its id still, but no parent. */
static void
on_left (SvObject *object, SvObject *child, gpointer user_data)
{
  SvQmpWatch *self = user_data;
  g_autofree char *above = sv_object_dup_path (object);
  g_autoptr (GList) roots = g_hash_table_get_keys (self->roots);

  for (GList *root = roots; root != NULL; root = root->next)
    {
      g_autofree char *path = NULL;

      if (!is_below (root->data, child))
        continue;
      for (SvObject *part = root->data; part != NULL; part = sv_object_get_parent (part))
        {
          g_autofree char *end = g_steal_pointer (&path);

          path = g_strdup_printf ("/%s%s", sv_object_get_id (part), end != NULL ? end : "");
        }
      if (above[1] != '\0')
        {
          g_autofree char *end = g_steal_pointer (&path);

          path = g_strconcat (above, end, NULL);
        }
      note (self, path, NULL, NULL, FALSE);
      g_hash_table_remove (self->roots, root->data);
    }
  unwatch (self, child);
  watch_above (self);
}

static void
disconnect (gpointer object, gpointer user_data)
{
  g_signal_handlers_disconnect_by_func (object, on_notify, user_data);
  g_signal_handlers_disconnect_by_func (object, on_child_added, user_data);
  g_signal_handlers_disconnect_by_func (object, on_child_removed, user_data);
}

static void
watch (SvQmpWatch *self, SvObject *object)
{
  if (g_hash_table_add (self->objects, g_object_ref (object)))
    {
      g_signal_connect (object, "notify", G_CALLBACK (on_notify), self);
      g_signal_connect (object, "child-added", G_CALLBACK (on_child_added), self);
      g_signal_connect (object, "child-removed", G_CALLBACK (on_child_removed), self);
    }
  for (guint i = 0; is_recursive (self, object) && i < sv_object_get_n_children (object); i++)
    watch (self, sv_object_get_nth_child (object, i));
}

static void
release_above (gpointer object, gpointer user_data)
{
  g_signal_handlers_disconnect_by_func (object, on_left, user_data);
}

/* Once each, however many roots are below. */
static void
watch_above (SvQmpWatch *self)
{
  GHashTableIter iter;
  gpointer root;

  g_ptr_array_foreach (self->above, release_above, self);
  g_ptr_array_set_size (self->above, 0);
  g_hash_table_iter_init (&iter, self->roots);
  while (g_hash_table_iter_next (&iter, &root, NULL))
    for (SvObject *object = sv_object_get_parent (root); object != NULL; object = sv_object_get_parent (object))
      if (!g_ptr_array_find (self->above, object, NULL))
        {
          g_ptr_array_add (self->above, g_object_ref (object));
          g_signal_connect (object, "child-removed", G_CALLBACK (on_left), self);
        }
}

/* Forgets @object and those below it as far as nothing asks for them any more. */
static void
unwatch (SvQmpWatch *self, SvObject *object)
{
  for (guint i = 0; i < sv_object_get_n_children (object); i++)
    unwatch (self, sv_object_get_nth_child (object, i));
  if (is_wanted (self, object) || !g_hash_table_contains (self->objects, object))
    return;
  disconnect (object, self);
  g_hash_table_remove (self->objects, object);
}

SvQmpWatch *
sv_qmp_watch_new (SvQmpWatchFunc func, gpointer opaque)
{
  SvQmpWatch *self = g_new0 (SvQmpWatch, 1);

  self->func = func;
  self->opaque = opaque;
  self->roots = g_hash_table_new (NULL, NULL);
  self->objects = g_hash_table_new_full (NULL, NULL, g_object_unref, NULL);
  self->above = g_ptr_array_new_with_free_func (g_object_unref);
  self->changes = g_ptr_array_new_with_free_func ((GDestroyNotify) json_object_unref);
  self->known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

void
sv_qmp_watch_free (SvQmpWatch *self)
{
  GHashTableIter iter;
  gpointer object;

  g_hash_table_iter_init (&iter, self->objects);
  while (g_hash_table_iter_next (&iter, &object, NULL))
    disconnect (object, self);
  g_ptr_array_foreach (self->above, release_above, self);
  if (self->flush != NULL)
    g_source_destroy (self->flush);
  g_clear_pointer (&self->flush, g_source_unref);
  g_hash_table_unref (self->roots);
  g_hash_table_unref (self->objects);
  g_ptr_array_unref (self->above);
  g_hash_table_unref (self->known);
  g_ptr_array_unref (self->changes);
  g_free (self);
}

void
sv_qmp_watch_add (SvQmpWatch *self, SvObject *object, gboolean recursive)
{
  recursive = recursive || GPOINTER_TO_INT (g_hash_table_lookup (self->roots, object));
  g_hash_table_insert (self->roots, object, GINT_TO_POINTER (recursive));
  watch (self, object);
  watch_above (self);
}

gboolean
sv_qmp_watch_remove (SvQmpWatch *self, SvObject *object)
{
  if (!g_hash_table_remove (self->roots, object))
    return FALSE;
  unwatch (self, object);
  watch_above (self);
  return TRUE;
}
