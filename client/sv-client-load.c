/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client/sv-client-load.h"

#include <string.h>

#include "qmp/sv-qmp-error.h"

/* Objects in one command: replies stay far below what a message may hold. */
#define BATCH 64
/* No VM has more; a server that is out of order might. */
#define MAX_OBJECTS 65536
#define MAX_PATH_LENGTH 4096

struct _SvClientLoad
{
  SvClientNode *top;
  GQueue asked;   /* SvClientNode, of the top's: in the command that goes on */
  GQueue waiting; /* the same, for the next ones */
  guint batch;
  guint count; /* objects found */
};

SvClientLoad *
sv_client_load_new (const char *path)
{
  SvClientLoad *self = g_new0 (SvClientLoad, 1);

  self->top = sv_client_node_new (NULL, path, "");
  self->batch = BATCH;
  g_queue_init (&self->asked);
  g_queue_init (&self->waiting);
  g_queue_push_tail (&self->waiting, self->top);
  return self;
}

void
sv_client_load_free (SvClientLoad *self)
{
  g_queue_clear (&self->asked);
  g_queue_clear (&self->waiting);
  g_clear_pointer (&self->top, sv_client_node_free);
  g_free (self);
}

JsonObject *
sv_client_load_next (SvClientLoad *self)
{
  JsonObject *arguments;
  JsonArray *paths;

  if (g_queue_is_empty (&self->waiting))
    return NULL;
  paths = json_array_new ();
  while (g_queue_get_length (&self->asked) < self->batch && !g_queue_is_empty (&self->waiting))
    {
      SvClientNode *node = g_queue_pop_head (&self->waiting);

      json_array_add_string_element (paths, node->path);
      g_queue_push_tail (&self->asked, node);
    }
  arguments = json_object_new ();
  json_object_set_array_member (arguments, "paths", paths);
  return arguments;
}

/* One of them left the tree meanwhile: they are asked about one by one, and the one is left out. */
static gboolean
recover (SvClientLoad *self, const GError *failure, GError **error)
{
  SvClientNode *node = g_queue_peek_head (&self->asked);

  if (!g_error_matches (failure, SV_QMP_ERROR, SV_QMP_ERROR_DEVICE_NOT_FOUND) || node == self->top)
    {
      g_propagate_error (error, g_error_copy (failure));
      return FALSE;
    }
  if (g_queue_get_length (&self->asked) == 1)
    {
      g_queue_clear (&self->asked);
      g_ptr_array_remove (node->parent->children, node);
    }
  while (!g_queue_is_empty (&self->asked))
    g_queue_push_head (&self->waiting, g_queue_pop_tail (&self->asked));
  self->batch = 1;
  return TRUE;
}

static JsonArray *
get_properties (JsonArray *entries, guint n)
{
  JsonNode *entry = json_array_get_element (entries, n);
  JsonNode *list = NULL;

  if (JSON_NODE_HOLDS_OBJECT (entry))
    list = json_object_get_member (json_node_get_object (entry), "properties");
  return list != NULL && JSON_NODE_HOLDS_ARRAY (list) ? json_node_get_array (list) : NULL;
}

gboolean
sv_client_load_feed (SvClientLoad *self, JsonNode *reply, const GError *failure, GError **error)
{
  JsonArray *entries = NULL;

  if (reply == NULL)
    return recover (self, failure, error);
  if (JSON_NODE_HOLDS_ARRAY (reply))
    entries = json_node_get_array (reply);
  if (entries == NULL || json_array_get_length (entries) != g_queue_get_length (&self->asked))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA,
                           "The reply to qom-list-get has not one entry for each path");
      return FALSE;
    }
  for (guint i = 0; i < json_array_get_length (entries); i++)
    {
      SvClientNode *node = g_queue_pop_head (&self->asked);
      JsonArray *properties = get_properties (entries, i);

      if (properties != NULL)
        sv_client_node_describe (node, properties);
      self->count += node->children->len;
      if (self->count > MAX_OBJECTS || strlen (node->path) > MAX_PATH_LENGTH)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "The VM's tree does not end: at '%.64s'", node->path);
          return FALSE;
        }
      for (guint n = 0; n < node->children->len; n++)
        g_queue_push_tail (&self->waiting, g_ptr_array_index (node->children, n));
    }
  return TRUE;
}

SvClientNode *
sv_client_load_steal (SvClientLoad *self)
{
  return g_steal_pointer (&self->top);
}
