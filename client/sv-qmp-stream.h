/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>
#include <gio/gunixfdlist.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/* Longest message that is taken from a server, in bytes. */
#define SV_QMP_STREAM_MAX_MESSAGE (64 * 1024 * 1024)

/**
 * SvQmpStream:
 *
 * JSON objects over a socket, a line each. Reading and writing go on in a main context, and beside it, in
 * sv_qmp_stream_wait(), for a caller that blocks. One thread only.
 */
typedef struct _SvQmpStream SvQmpStream;

/* Something can be received, or the stream ended: in the main context. */
typedef void (*SvQmpStreamFunc) (gpointer opaque);

SvQmpStream *sv_qmp_stream_new (GSocketConnection *connection, GMainContext *context, SvQmpStreamFunc func,
                                gpointer opaque);
void sv_qmp_stream_free (SvQmpStream *self);
/* Takes the message, which goes out as soon as the peer reads; @fds go with its first byte. */
void sv_qmp_stream_send (SvQmpStream *self, JsonNode *message, GUnixFDList *fds);
/* The next message that came; NULL without an error: none yet. (transfer full) */
JsonNode *sv_qmp_stream_receive (SvQmpStream *self, GError **error);
/* Waits until there was something to read or write, at most until @end_time (monotonic; -1: for ever). */
gboolean sv_qmp_stream_wait (SvQmpStream *self, gint64 end_time, GCancellable *cancellable, GError **error);

G_END_DECLS
