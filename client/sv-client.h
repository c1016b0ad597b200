/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client/sv-qmp-client.h"
#include "client/sv-remote-machine.h"
#include "client/sv-remote-object.h"

G_BEGIN_DECLS

#define SV_TYPE_CLIENT (sv_client_get_type ())
SV_API
G_DECLARE_FINAL_TYPE (SvClient, sv_client, SV, CLIENT, GObject)

SV_PUBLIC SvRemoteMachine *sv_client_connect (const char *address, GCancellable *cancellable, GError **error);
SV_PUBLIC void sv_client_connect_async (const char *address, GCancellable *cancellable, GAsyncReadyCallback callback,
                                        gpointer user_data);
SV_PUBLIC SvRemoteMachine *sv_client_connect_finish (GAsyncResult *result, GError **error);

SV_PUBLIC SvQmpClient *sv_client_get_qmp (SvClient *self);
SV_PUBLIC SvRemoteObject *sv_client_get_object (SvClient *self, const char *path);

G_END_DECLS
