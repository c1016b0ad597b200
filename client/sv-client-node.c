/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client/sv-client-node.h"

#include <string.h>

#include "client/sv-client-private.h"
#include "client/sv-json-string.h"

static void
free_child (gpointer child)
{
  sv_client_node_free (child);
}

SvClientNode *
sv_client_node_new (SvClientNode *parent, const char *path, const char *type)
{
  SvClientNode *self = g_new0 (SvClientNode, 1);

  self->path = g_strdup (path);
  self->id = g_strdup (strrchr (path, '/') + 1);
  self->type = g_strdup (type);
  self->parent = parent;
  self->properties = g_ptr_array_new_with_free_func (g_free);
  self->children = g_ptr_array_new_with_free_func (free_child);
  return self;
}

void
sv_client_node_free (SvClientNode *self)
{
  g_ptr_array_unref (self->children);
  if (self->proxy != NULL)
    sv_remote_object_detach (self->proxy);
  g_ptr_array_unref (self->properties);
  g_free (self->path);
  g_free (self->id);
  g_free (self->type);
  g_free (self);
}

SvClientNode *
sv_client_node_get_child (SvClientNode *self, const char *id)
{
  for (guint i = 0; i < self->children->len; i++)
    {
      SvClientNode *child = g_ptr_array_index (self->children, i);

      if (strcmp (child->id, id) == 0)
        return child;
    }
  return NULL;
}

char *
sv_client_node_dup_child_path (SvClientNode *self, const char *id)
{
  return g_strconcat (self->path, g_str_has_suffix (self->path, "/") ? "" : "/", id, NULL);
}

static void
describe_one (SvClientNode *self, JsonObject *info)
{
  const char *name = sv_json_get_string (info, "name", "");
  const char *type = sv_json_get_string (info, "type", "");
  gsize length = strlen (type);

  if (g_str_has_prefix (type, "child<") && type[length - 1] == '>')
    {
      g_autofree char *child_type = g_strndup (type + strlen ("child<"), length - strlen ("child<>"));
      g_autofree char *path = sv_client_node_dup_child_path (self, name);

      if (name[0] != '\0' && strchr (name, '/') == NULL && sv_client_node_get_child (self, name) == NULL)
        g_ptr_array_add (self->children, sv_client_node_new (self, path, child_type));
    }
  else if (strcmp (name, "type") == 0)
    {
      g_free (self->type);
      self->type = g_strdup (sv_json_get_string (info, "value", ""));
    }
  else
    g_ptr_array_add (self->properties, g_strdup (name));
}

void
sv_client_node_describe (SvClientNode *self, JsonArray *properties)
{
  g_ptr_array_set_size (self->properties, 0);
  for (guint i = 0; i < json_array_get_length (properties); i++)
    {
      JsonNode *info = json_array_get_element (properties, i);

      if (JSON_NODE_HOLDS_OBJECT (info))
        describe_one (self, json_node_get_object (info));
    }
}
