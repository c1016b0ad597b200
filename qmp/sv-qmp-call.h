/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-machine.h"
#include "qmp/sv-qmp-command.h"
#include "qmp/sv-qmp-watch.h"

G_BEGIN_DECLS

/**
 * SvQmpCall:
 *
 * One command on its way from a client to the reply. Reference counted. Main thread only.
 */

/**
 * SvQmpCallFuncs:
 * @done: the reply is there: sv_qmp_call_append_reply() has it. Called once, perhaps before
 *   sv_qmp_dispatch() returns
 * @steal_fd: the next file descriptor that came along with the command; -1 when there is none
 * @get_watch: what the client watches
 *
 * What a call asks of the client's connection.
 */
typedef struct
{
  void (*done) (SvQmpCall *call, gpointer opaque);
  int (*steal_fd) (gpointer opaque);
  SvQmpWatch *(*get_watch) (gpointer opaque);
} SvQmpCallFuncs;

SvQmpCall *sv_qmp_call_new (SvObject *root, const SvQmpCallFuncs *funcs, gpointer opaque);
SvQmpCall *sv_qmp_call_ref (SvQmpCall *call);
void sv_qmp_call_unref (SvQmpCall *call);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SvQmpCall, sv_qmp_call_unref)

/* The connection is gone: the reply, when it comes, is dropped. */
void sv_qmp_call_abandon (SvQmpCall *call);

/* For handlers */

/* Root of the object tree. (transfer none) */
SvObject *sv_qmp_call_get_root (SvQmpCall *call);
/* The machine; %NULL with an error when the tree has none (yet). (transfer none) */
SvMachine *sv_qmp_call_get_machine (SvQmpCall *call, GError **error);
/* The next file descriptor that came with the command, now the caller's; -1 when there is none. */
int sv_qmp_call_steal_fd (SvQmpCall *call);
/* What the client watches; %NULL when it is gone. */
SvQmpWatch *sv_qmp_call_get_watch (SvQmpCall *call);
/* Returns @json, which is JSON text and outlives the call, when the handler returns %NULL. */
void sv_qmp_call_set_text (SvQmpCall *call, const char *json);

/**
 * sv_qmp_call_defer:
 * @call: the call that is being handled
 *
 * Says that the reply comes later, by sv_qmp_call_finish(). The client's next commands wait for it.
 *
 * Returns: (transfer full): @call
 */
SvQmpCall *sv_qmp_call_defer (SvQmpCall *call);

/**
 * sv_qmp_call_finish:
 * @call: (transfer full): a deferred call
 * @value: (transfer full) (nullable): what to return
 * @error: (transfer full) (nullable): or the error
 */
void sv_qmp_call_finish (SvQmpCall *call, JsonNode *value, GError *error);

/* For sv_qmp_dispatch() and sessions */

/* @id: (nullable): JSON text in one line, which every reply carries. Set once. */
void sv_qmp_call_set_id (SvQmpCall *call, const char *id);
void sv_qmp_call_run (SvQmpCall *call, SvQmpHandler *handler, JsonObject *arguments);
/* Appends the reply with CR and LF. */
void sv_qmp_call_append_reply (SvQmpCall *call, GString *out);

G_END_DECLS
