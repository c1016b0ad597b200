/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "qom/sv-api.h"

G_BEGIN_DECLS

typedef struct _SvClient SvClient;

#define SV_TYPE_REMOTE_OBJECT (sv_remote_object_get_type ())
SV_API
G_DECLARE_DERIVABLE_TYPE (SvRemoteObject, sv_remote_object, SV, REMOTE_OBJECT, GObject)

struct _SvRemoteObjectClass
{
  /*< private >*/
  GObjectClass parent_class;

  gpointer padding[4];
};

SV_PUBLIC SvClient *sv_remote_object_get_client (SvRemoteObject *self);
SV_PUBLIC const char *sv_remote_object_get_id (SvRemoteObject *self);
SV_PUBLIC const char *sv_remote_object_get_path (SvRemoteObject *self);
SV_PUBLIC const char *sv_remote_object_get_type_name (SvRemoteObject *self);
SV_PUBLIC gboolean sv_remote_object_is_gone (SvRemoteObject *self);

SV_PUBLIC SvRemoteObject *sv_remote_object_get_parent (SvRemoteObject *self);
SV_PUBLIC guint sv_remote_object_get_n_children (SvRemoteObject *self);
SV_PUBLIC SvRemoteObject *sv_remote_object_get_nth_child (SvRemoteObject *self, guint n);
SV_PUBLIC SvRemoteObject *sv_remote_object_get_child (SvRemoteObject *self, const char *id);

SV_PUBLIC char **sv_remote_object_list_values (SvRemoteObject *self);
SV_PUBLIC const GValue *sv_remote_object_read (SvRemoteObject *self, const char *property, GCancellable *cancellable,
                                               GError **error);
SV_PUBLIC const GValue *sv_remote_object_get_value (SvRemoteObject *self, const char *name,
                                                    GCancellable *cancellable, GError **error);
SV_PUBLIC void sv_remote_object_get_value_async (SvRemoteObject *self, const char *name, GCancellable *cancellable,
                                                 GAsyncReadyCallback callback, gpointer user_data);
SV_PUBLIC const GValue *sv_remote_object_get_value_finish (SvRemoteObject *self, GAsyncResult *result,
                                                           GError **error);
SV_PUBLIC gboolean sv_remote_object_set_value (SvRemoteObject *self, const char *name, const GValue *value,
                                               GCancellable *cancellable, GError **error);
SV_PUBLIC void sv_remote_object_set_value_async (SvRemoteObject *self, const char *name, const GValue *value,
                                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                                 gpointer user_data);
SV_PUBLIC gboolean sv_remote_object_set_value_finish (SvRemoteObject *self, GAsyncResult *result, GError **error);

SV_PUBLIC gboolean sv_remote_object_remove (SvRemoteObject *self, GCancellable *cancellable, GError **error);
SV_PUBLIC void sv_remote_object_remove_async (SvRemoteObject *self, GCancellable *cancellable,
                                              GAsyncReadyCallback callback, gpointer user_data);
SV_PUBLIC gboolean sv_remote_object_remove_finish (SvRemoteObject *self, GAsyncResult *result, GError **error);

G_END_DECLS
