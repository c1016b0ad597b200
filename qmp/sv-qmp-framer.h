/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qmp/sv-qmp-json.h"

G_BEGIN_DECLS

/* Longest message that a client may send, in bytes. */
#define SV_QMP_MAX_MESSAGE (1024 * 1024)

/**
 * SvQmpFramer:
 *
 * Cuts a client's byte stream into JSON values by balancing brackets, wherever reads split it and
 * whether or not white space stands between values. Text that is no JSON comes out as an error per
 * value, after which the stream goes on. A line that ends inside a string, and a byte 0xff
 * anywhere, end the value they interrupt, so that a client can always get back in step.
 */
typedef struct _SvQmpFramer SvQmpFramer;

SvQmpFramer *sv_qmp_framer_new (void);
void sv_qmp_framer_free (SvQmpFramer *framer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SvQmpFramer, sv_qmp_framer_free)

/**
 * sv_qmp_framer_next:
 * @framer: a framer
 * @data: (inout): bytes from the client; moved past those that were consumed
 * @length: (inout): their number
 * @error: return location for an error
 *
 * Returns: (transfer full) (nullable): the next value; %NULL with an error for text that is not
 * JSON; %NULL without an error when all of @data is consumed and more is needed
 */
JsonNode *
sv_qmp_framer_next (SvQmpFramer *framer, const char **data, gsize *length, GError **error);

/**
 * sv_qmp_framer_get_id:
 * @framer: a framer
 *
 * Returns: (nullable): the member 'id' of what sv_qmp_framer_next() returned last, as the client wrote it but in
 *   one line; %NULL when it has none
 */
const char *sv_qmp_framer_get_id (SvQmpFramer *framer);

G_END_DECLS
