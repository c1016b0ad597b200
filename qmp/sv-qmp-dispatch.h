/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qmp/sv-qmp-call.h"

G_BEGIN_DECLS

/**
 * sv_qmp_dispatch:
 * @call: a fresh call
 * @request: (nullable): what the client sent
 * @error: (transfer full) (nullable): why it is not JSON, when @request is %NULL
 *
 * Finds the command that @request names, checks its arguments and executes it. @call's reply is
 * there on return, unless the handler deferred it.
 */
void sv_qmp_dispatch (SvQmpCall *call, JsonNode *request, GError *error);

G_END_DECLS
