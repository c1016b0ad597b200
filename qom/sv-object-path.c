/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "qom/sv-object.h"
#include "qom/sv-type-registry.h"

/* Walking the object tree and finding objects in it by name. */

/**
 * sv_object_walk:
 * @self: where to start
 * @func: (scope call): called for each object; it must not change the tree
 * @user_data: passed to @func
 *
 * Calls @func for @self and everything below it, depth first, parents before their children.
 *
 * Returns: %FALSE when @func returned %FALSE, which ends the walk
 */
gboolean
sv_object_walk (SvObject *self, SvObjectFunc func, gpointer user_data)
{
  guint n;

  g_return_val_if_fail (SV_IS_OBJECT (self), FALSE);

  if (!func (self, user_data))
    return FALSE;
  n = sv_object_get_n_children (self);
  for (guint i = 0; i < n; i++)
    if (!sv_object_walk (sv_object_get_nth_child (self, i), func, user_data))
      return FALSE;
  return TRUE;
}

typedef struct
{
  GType type;
  GPtrArray *found;
} Collection;

static gboolean
collect (SvObject *object, gpointer user_data)
{
  Collection *collection = user_data;

  if (g_type_is_a (G_OBJECT_TYPE (object), collection->type))
    g_ptr_array_add (collection->found, object);
  return TRUE;
}

/**
 * sv_object_collect: (skip)
 * @self: where to start
 * @type: a type
 *
 * Returns: (transfer container) (element-type SvObject): @self and what is below it, so far as it is of @type, in the order of
 *   sv_object_walk()
 */
GPtrArray *
sv_object_collect (SvObject *self, GType type)
{
  Collection collection = { type, g_ptr_array_new () };

  sv_object_walk (self, collect, &collection);
  return collection.found;
}

/* An absolute path may have more slashes than it needs, as scripts write them that put paths together. */
static gboolean
is_well_formed (const char *name)
{
  gsize length = strlen (name);

  return name[0] == '/'
         || (length > 0 && strstr (name, "//") == NULL && name[length - 1] != '/');
}

static gboolean
check_type (SvObject *object, GType type, GError **error)
{
  g_autofree char *path = NULL;

  if (g_type_is_a (G_OBJECT_TYPE (object), type))
    return TRUE;

  path = sv_object_dup_path (object);
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_TYPE, "'%s' is of type '%s', not '%s'", path,
               sv_type_registry_get_display_name (G_OBJECT_TYPE (object)),
               sv_type_registry_get_display_name (type));
  return FALSE;
}

static SvObject *
resolve_absolute (SvObject *root, const char *path, GType type, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);
  SvObject *object = root;

  for (guint i = 0; parts[i] != NULL && object != NULL; i++)
    if (*parts[i] != '\0')
      object = sv_object_get_below (object, parts[i]);

  if (object == NULL)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_NOT_FOUND, "Object '%s' not found",
                   path);
      return NULL;
    }
  return check_type (object, type, error) ? object : NULL;
}

typedef struct
{
  const char *name;
  GType type;
  SvObject *found;
  SvObject *second;
  SvObject *other_type;
} Search;

/* Whether @object's path ends with the components in @name. */
static gboolean
path_ends_with (SvObject *object, const char *name)
{
  const char *end = name + strlen (name);

  for (;;)
    {
      const char *id = sv_object_get_id (object);
      const char *start = end;

      while (start > name && start[-1] != '/')
        start--;
      if (sv_object_get_parent (object) == NULL || strncmp (id, start, end - start) != 0
          || id[end - start] != '\0')
        return FALSE;
      if (start == name)
        return TRUE;
      end = start - 1;
      object = sv_object_get_parent (object);
    }
}

static gboolean
search_object (SvObject *object, gpointer user_data)
{
  Search *search = user_data;

  if (!path_ends_with (object, search->name))
    return TRUE;

  if (!g_type_is_a (G_OBJECT_TYPE (object), search->type))
    search->other_type = object;
  else if (search->found == NULL)
    search->found = object;
  else
    search->second = object;
  return search->second == NULL;
}

/**
 * sv_object_resolve:
 * @scope: any object of the tree to search
 * @name: an absolute path (`/machine/peripheral/net0`), in which slashes may be doubled or end it, or the end of one
 *   (`net0`, `pcie.0/net0`)
 * @type: only objects of this type or below count; `SV_TYPE_OBJECT` for any
 * @error: return location
 *
 * Finds an object by name. A partial path counts whole components and must match exactly one
 * object.
 *
 * Returns: (transfer none) (nullable): the object; else %NULL with %SV_OBJECT_ERROR_NOT_FOUND,
 *   %SV_OBJECT_ERROR_AMBIGUOUS, %SV_OBJECT_ERROR_TYPE when the only objects of that name are of
 *   another type, or %SV_OBJECT_ERROR_INVALID for an empty or malformed @name
 */
SvObject *
sv_object_resolve (SvObject *scope, const char *name, GType type, GError **error)
{
  SvObject *root;
  Search search = { name, type, NULL, NULL, NULL };

  g_return_val_if_fail (SV_IS_OBJECT (scope), NULL);
  g_return_val_if_fail (name != NULL, NULL);

  if (!is_well_formed (name))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "'%s' is neither an id nor the path of an object", name);
      return NULL;
    }

  root = sv_object_get_root (scope);
  if (*name == '/')
    return resolve_absolute (root, name, type, error);

  sv_object_walk (root, search_object, &search);
  if (search.second != NULL)
    {
      g_autofree char *first = sv_object_dup_path (search.found);
      g_autofree char *second = sv_object_dup_path (search.second);

      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_AMBIGUOUS,
                   "'%s' is ambiguous: it may be '%s' or '%s'", name, first, second);
      return NULL;
    }
  if (search.found == NULL && search.other_type != NULL)
    check_type (search.other_type, type, error);
  else if (search.found == NULL && type == SV_TYPE_OBJECT)
    g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_NOT_FOUND, "Object '%s' not found", name);
  else if (search.found == NULL)
    g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_NOT_FOUND,
                 "Object '%s' of type '%s' not found", name,
                 sv_type_registry_get_display_name (type));
  return search.found;
}
