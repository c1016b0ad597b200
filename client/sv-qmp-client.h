/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>
#include <json-glib/json-glib.h>

#include "qom/sv-api.h"

G_BEGIN_DECLS

#define SV_TYPE_QMP_CLIENT (sv_qmp_client_get_type ())
SV_API
G_DECLARE_FINAL_TYPE (SvQmpClient, sv_qmp_client, SV, QMP_CLIENT, GObject)

SV_PUBLIC SvQmpClient *sv_qmp_client_new (const char *address);
SV_PUBLIC const char *sv_qmp_client_get_address (SvQmpClient *self);

SV_PUBLIC gboolean sv_qmp_client_open (SvQmpClient *self, GCancellable *cancellable, GError **error);
SV_PUBLIC void sv_qmp_client_open_async (SvQmpClient *self, GCancellable *cancellable, GAsyncReadyCallback callback,
                                         gpointer user_data);
SV_PUBLIC gboolean sv_qmp_client_open_finish (SvQmpClient *self, GAsyncResult *result, GError **error);
SV_PUBLIC void sv_qmp_client_close (SvQmpClient *self);
SV_PUBLIC gboolean sv_qmp_client_is_open (SvQmpClient *self);
SV_PUBLIC GVariant *sv_qmp_client_dup_greeting (SvQmpClient *self);

SV_PUBLIC GVariant *sv_qmp_client_execute (SvQmpClient *self, const char *command, GVariant *arguments,
                                           GUnixFDList *fds, GCancellable *cancellable, GError **error);
SV_PUBLIC void sv_qmp_client_execute_async (SvQmpClient *self, const char *command, GVariant *arguments,
                                            GUnixFDList *fds, GCancellable *cancellable, GAsyncReadyCallback callback,
                                            gpointer user_data);
SV_PUBLIC GVariant *sv_qmp_client_execute_finish (SvQmpClient *self, GAsyncResult *result, GError **error);

SV_API JsonNode *sv_qmp_client_execute_json (SvQmpClient *self, const char *command, JsonObject *arguments,
                                             GCancellable *cancellable, GError **error);
SV_API void sv_qmp_client_execute_json_async (SvQmpClient *self, const char *command, JsonObject *arguments,
                                              GUnixFDList *fds, GCancellable *cancellable,
                                              GAsyncReadyCallback callback, gpointer user_data);
SV_API JsonNode *sv_qmp_client_execute_json_finish (SvQmpClient *self, GAsyncResult *result, GError **error);

G_END_DECLS
