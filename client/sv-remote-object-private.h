/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "client/sv-remote-object.h"

G_BEGIN_DECLS

/* Methods that are a command: the task's result is a JsonNode. */
void sv_remote_object_call_async (SvRemoteObject *self, const char *command, JsonObject *arguments,
                                  GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
JsonNode *sv_remote_object_call_finish (SvRemoteObject *self, GAsyncResult *result, GError **error);
JsonNode *sv_remote_object_call (SvRemoteObject *self, const char *command, JsonObject *arguments,
                                 GCancellable *cancellable, GError **error);

/* What qom-get answers. (transfer full) */
JsonNode *sv_remote_object_ask (SvRemoteObject *self, const char *name, GCancellable *cancellable, GError **error);
/* The place of what was read last, which the object keeps: uninitialised. (transfer none) */
GValue *sv_remote_object_get_kept (SvRemoteObject *self);

G_END_DECLS
