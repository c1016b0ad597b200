/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client/sv-qmp-client.h"
#include "client/sv-qmp-stream.h"

G_BEGIN_DECLS

struct _SvQmpClient
{
  GObject parent_instance;

  char *address;
  guint timeout;

  GMainContext *context;
  SvQmpStream *stream; /* while there is a connection */
  gboolean open;
  JsonNode *greeting;
  GError *error; /* why the connection ended */
  GTask *opening;
  GSource *cancelled; /* the opening */
  gint64 last_id;
  gint64 negotiation; /* id of qmp_capabilities */

  GHashTable *pending; /* id → a call that waits */
  GQueue incoming;     /* JsonNode: events and replies that nobody waits for in a synchronous call */
  GSource *deliver;
  gboolean told; /* that the connection ended */
};

/* Calls and their replies */
GHashTable *sv_qmp_client_new_pending (void);
/* What the reply returns, or its error. (transfer full) */
JsonNode *sv_qmp_client_dup_result (JsonNode *reply, GError **error);
/* FALSE: an asynchronous call waits for it, which sv_qmp_client_deliver_reply() answers in the main context. */
gboolean sv_qmp_client_take_reply (SvQmpClient *self, gint64 id, JsonNode *reply);
void sv_qmp_client_deliver_reply (SvQmpClient *self, JsonNode *reply);
void sv_qmp_client_fail_pending (SvQmpClient *self);

/* The connection */
void sv_qmp_client_adopt (SvQmpClient *self, GSocketConnection *connection);
/* Ends it; who waits is told why. Takes @error. */
void sv_qmp_client_disconnect (SvQmpClient *self, GError *error);
gint64 sv_qmp_client_get_end_time (SvQmpClient *self);
gboolean sv_qmp_client_step (SvQmpClient *self, gint64 end_time, GCancellable *cancellable, GError **error);
void sv_qmp_client_fail_closed (SvQmpClient *self, GError **error);
void sv_qmp_client_drop_source (GSource **source);

G_END_DECLS
