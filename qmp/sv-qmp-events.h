/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qmp/sv-qmp-server.h"

G_BEGIN_DECLS

/**
 * SvQmpEvents:
 *
 * Turns what happens to the machine of a tree into QMP events.
 */
typedef struct _SvQmpEvents SvQmpEvents;

/* @server is not referenced: it owns the result. @root may get its machine later. */
SvQmpEvents *sv_qmp_events_new (SvQmpServer *server, SvObject *root);
void sv_qmp_events_free (SvQmpEvents *events);

G_END_DECLS
