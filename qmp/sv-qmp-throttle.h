/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qmp/sv-qmp-server.h"

G_BEGIN_DECLS

/**
 * SvQmpThrottle:
 *
 * Passes events of devices on to the clients. Of those that a guest could cause without end at most
 * one a second goes out: the first at once, then the newest of each second.
 */
typedef struct _SvQmpThrottle SvQmpThrottle;

/* @server is not referenced. */
SvQmpThrottle *sv_qmp_throttle_new (SvQmpServer *server);
void sv_qmp_throttle_free (SvQmpThrottle *self);
void sv_qmp_throttle_emit (SvQmpThrottle *self, const char *event, JsonObject *data);

G_END_DECLS
