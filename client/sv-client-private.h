/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client/sv-client-node.h"
#include "client/sv-client.h"

G_BEGIN_DECLS

struct _SvClient
{
  GObject parent_instance;

  SvQmpClient *qmp;
  SvClientNode *root; /* NULL until all is known */
};

/* Follows what happens behind @qmp. (transfer full) */
SvClient *sv_client_new (SvQmpClient *qmp);
/* The VM behind a connection that is open. (transfer full) */
SvRemoteMachine *sv_client_mirror (SvQmpClient *qmp, GCancellable *cancellable, GError **error);
/* What there is at a path and below it: the node has no place in the tree yet. (transfer full) */
SvClientNode *sv_client_load_now (SvClient *self, const char *path, GCancellable *cancellable, GError **error);
/* The task's result is the node. */
void sv_client_load_async (SvClient *self, const char *path, GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data);

/* The tree's side of the proxies */
SvRemoteObject *sv_client_ref_proxy (SvClient *self, SvClientNode *node); /* (transfer full) */
void sv_remote_object_detach (SvRemoteObject *self);
void sv_remote_object_emit_changed (SvRemoteObject *self, const char *property);
SvClientNode *sv_remote_object_get_node (SvRemoteObject *self); /* (nullable): NULL when the object is gone */

/* The object at @path, whose parent is known: also when the VM has not told of it yet. (transfer full) */
SvRemoteObject *sv_client_find (SvClient *self, const char *path, GCancellable *cancellable, GError **error);
void sv_client_find_async (SvClient *self, const char *path, GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer user_data);
SvRemoteObject *sv_client_find_finish (SvClient *self, GAsyncResult *result, GError **error);
SvClientNode *sv_client_get_node (SvClient *self, const char *path); /* (nullable) */

/* An object with string members; the list of names and values ends with NULL. (transfer full) */
JsonObject *sv_client_new_arguments (const char *name, ...) G_GNUC_NULL_TERMINATED;

G_END_DECLS
