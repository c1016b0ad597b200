/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "client/sv-remote-object.h"

G_BEGIN_DECLS

/*
 * What is known of an object of the VM: its place, its type, what it has. A parent owns its children. The object that
 * the program sees is made when somebody wants it, and goes with the last reference to it.
 */
typedef struct _SvClientNode SvClientNode;

struct _SvClientNode
{
  char *path;
  char *id;
  char *type;
  GPtrArray *properties; /* names */
  SvClientNode *parent;
  GPtrArray *children;   /* SvClientNode */
  SvRemoteObject *proxy; /* weak */
};

SvClientNode *sv_client_node_new (SvClientNode *parent, const char *path, const char *type);
/* With all below. Their proxies stay, as objects that are gone. */
void sv_client_node_free (SvClientNode *self);
SvClientNode *sv_client_node_get_child (SvClientNode *self, const char *id);
char *sv_client_node_dup_child_path (SvClientNode *self, const char *id);
/* Takes over type, properties and children from an entry of qom-list-get. */
void sv_client_node_describe (SvClientNode *self, JsonArray *properties);

G_END_DECLS
