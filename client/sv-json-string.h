/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* A string of what a server sent, who may be anybody: @otherwise where there is no object, no member or no string. */
static inline const char *
sv_json_get_string (JsonObject *object, const char *name, const char *otherwise)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;
  const char *text = node != NULL && JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
                         ? json_node_get_string (node)
                         : NULL;

  return text != NULL ? text : otherwise;
}

G_END_DECLS
