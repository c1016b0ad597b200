/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-object.h"

G_BEGIN_DECLS

/* With more bytes than this waiting to be sent, a client's further commands wait too. */
#define SV_QMP_SESSION_OUTPUT_PAUSE (64 * 1024)
/* With more than this, it misses events. */
#define SV_QMP_SESSION_OUTPUT_LIMIT (1024 * 1024)

/**
 * SvQmpSession:
 *
 * One client: reads commands from a descriptor on the default main context, executes them in order
 * and sends replies and events, each a line that ends in CR LF. Nothing the client does, or does
 * not do, blocks the main loop or takes unbounded memory.
 */
typedef struct _SvQmpSession SvQmpSession;

/* The client left; the session does nothing more and wants to be freed. */
typedef void (*SvQmpSessionClosedFunc) (SvQmpSession *session, gpointer opaque);

/**
 * sv_qmp_session_new:
 * @root: root of the object tree
 * @input: descriptor to read from; the session closes it
 * @output: descriptor to write to, maybe the same
 * @closed: called when the client left
 * @opaque: passed to @closed
 *
 * Sends the greeting and starts to read.
 *
 * Returns: (transfer full): a session
 */
SvQmpSession *sv_qmp_session_new (
    SvObject *root, int input, int output, SvQmpSessionClosedFunc closed, gpointer opaque);
/* Closes the connection; what has not been sent is lost. */
void sv_qmp_session_free (SvQmpSession *session);
/* Sends a complete line, CR and LF included, unless the client is far behind in reading. */
void sv_qmp_session_send_event (SvQmpSession *session, const char *line, gsize length);
/* Waits until everything is sent, but not longer than @end_time (monotonic); FALSE when not all
 * was. */
gboolean sv_qmp_session_flush (SvQmpSession *session, gint64 end_time);

G_END_DECLS
