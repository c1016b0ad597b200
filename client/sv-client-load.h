/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "client/sv-client-node.h"

G_BEGIN_DECLS

/*
 * Finds out what there is at a path and below it: command by command, so that it can be done with and without blocking.
 * Many objects are asked about at once.
 */
typedef struct _SvClientLoad SvClientLoad;

SvClientLoad *sv_client_load_new (const char *path);
void sv_client_load_free (SvClientLoad *self);
/* Arguments of the next qom-list-get; NULL: all is known. (transfer full) */
JsonObject *sv_client_load_next (SvClientLoad *self);
/* @reply: NULL: @failure was the answer. FALSE with an error when that is the end of it. */
gboolean sv_client_load_feed (SvClientLoad *self, JsonNode *reply, const GError *failure, GError **error);
/* The node; its parent does not know it yet. (transfer full) */
SvClientNode *sv_client_load_steal (SvClientLoad *self);

G_END_DECLS
