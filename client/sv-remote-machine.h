/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client/sv-remote-object.h"

G_BEGIN_DECLS

#define SV_TYPE_REMOTE_MACHINE (sv_remote_machine_get_type ())
SV_API
G_DECLARE_FINAL_TYPE (SvRemoteMachine, sv_remote_machine, SV, REMOTE_MACHINE, SvRemoteObject)

SV_PUBLIC gboolean sv_remote_machine_start (SvRemoteMachine *self, GCancellable *cancellable, GError **error);
SV_PUBLIC void sv_remote_machine_start_async (SvRemoteMachine *self, GCancellable *cancellable,
                                             GAsyncReadyCallback callback, gpointer user_data);
SV_PUBLIC gboolean sv_remote_machine_start_finish (SvRemoteMachine *self, GAsyncResult *result, GError **error);

SV_PUBLIC gboolean sv_remote_machine_resume (SvRemoteMachine *self, GCancellable *cancellable, GError **error);
SV_PUBLIC void sv_remote_machine_resume_async (SvRemoteMachine *self, GCancellable *cancellable,
                                              GAsyncReadyCallback callback, gpointer user_data);
SV_PUBLIC gboolean sv_remote_machine_resume_finish (SvRemoteMachine *self, GAsyncResult *result, GError **error);

SV_PUBLIC gboolean sv_remote_machine_pause (SvRemoteMachine *self, GCancellable *cancellable, GError **error);
SV_PUBLIC void sv_remote_machine_pause_async (SvRemoteMachine *self, GCancellable *cancellable,
                                             GAsyncReadyCallback callback, gpointer user_data);
SV_PUBLIC gboolean sv_remote_machine_pause_finish (SvRemoteMachine *self, GAsyncResult *result, GError **error);

SV_PUBLIC gboolean sv_remote_machine_powerdown (SvRemoteMachine *self, GCancellable *cancellable, GError **error);
SV_PUBLIC void sv_remote_machine_powerdown_async (SvRemoteMachine *self, GCancellable *cancellable,
                                                 GAsyncReadyCallback callback, gpointer user_data);
SV_PUBLIC gboolean sv_remote_machine_powerdown_finish (SvRemoteMachine *self, GAsyncResult *result, GError **error);

SV_PUBLIC gboolean sv_remote_machine_reset (SvRemoteMachine *self, GCancellable *cancellable, GError **error);
SV_PUBLIC void sv_remote_machine_reset_async (SvRemoteMachine *self, GCancellable *cancellable,
                                             GAsyncReadyCallback callback, gpointer user_data);
SV_PUBLIC gboolean sv_remote_machine_reset_finish (SvRemoteMachine *self, GAsyncResult *result, GError **error);

SV_PUBLIC gboolean sv_remote_machine_quit (SvRemoteMachine *self, GCancellable *cancellable, GError **error);
SV_PUBLIC void sv_remote_machine_quit_async (SvRemoteMachine *self, GCancellable *cancellable,
                                            GAsyncReadyCallback callback, gpointer user_data);
SV_PUBLIC gboolean sv_remote_machine_quit_finish (SvRemoteMachine *self, GAsyncResult *result, GError **error);

SV_PUBLIC SvRemoteObject *sv_remote_machine_add_device (SvRemoteMachine *self, const char *driver, const char *id,
                                                        GHashTable *properties, GCancellable *cancellable,
                                                        GError **error);
SV_PUBLIC void sv_remote_machine_add_device_async (SvRemoteMachine *self, const char *driver, const char *id,
                                                   GHashTable *properties, GCancellable *cancellable,
                                                   GAsyncReadyCallback callback, gpointer user_data);
SV_PUBLIC SvRemoteObject *sv_remote_machine_add_device_finish (SvRemoteMachine *self, GAsyncResult *result,
                                                               GError **error);

SV_PUBLIC SvRemoteObject *sv_remote_machine_add_object (SvRemoteMachine *self, const char *type, const char *id,
                                                        GHashTable *properties, GCancellable *cancellable,
                                                        GError **error);
SV_PUBLIC void sv_remote_machine_add_object_async (SvRemoteMachine *self, const char *type, const char *id,
                                                   GHashTable *properties, GCancellable *cancellable,
                                                   GAsyncReadyCallback callback, gpointer user_data);
SV_PUBLIC SvRemoteObject *sv_remote_machine_add_object_finish (SvRemoteMachine *self, GAsyncResult *result,
                                                               GError **error);

G_END_DECLS
