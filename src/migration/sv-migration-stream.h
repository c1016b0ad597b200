/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/migration/sv-migration-progress.h"

G_BEGIN_DECLS

/*
 * Messages over a descriptor: type, checksum and length, then bytes. Any one thread; waits end when @progress is cancelled.
 */
typedef struct _SvMigrationStream SvMigrationStream;

/**
 * SvMigrationMessage:
 * @SV_MIGRATION_MESSAGE_HELLO: version of the protocol, whether the source listens, then the description of the VM as a state without objects
 * @SV_MIGRATION_MESSAGE_PAGES: offset in guest memory, then pages
 * @SV_MIGRATION_MESSAGE_ZERO: offset in guest memory and size, of pages of zeroes
 * @SV_MIGRATION_MESSAGE_STATE: the state; everything was sent
 * @SV_MIGRATION_MESSAGE_GO: the source gives the guest away
 * @SV_MIGRATION_MESSAGE_ABORT: the source keeps the guest
 * @SV_MIGRATION_MESSAGE_READY: from the destination: the description fits; later: the state is loaded
 * @SV_MIGRATION_MESSAGE_REFUSED: from the destination: why not
 *
 * All numbers are 64 bits wide and little-endian.
 */
typedef enum
{
  SV_MIGRATION_MESSAGE_HELLO = 1,
  SV_MIGRATION_MESSAGE_PAGES,
  SV_MIGRATION_MESSAGE_ZERO,
  SV_MIGRATION_MESSAGE_STATE,
  SV_MIGRATION_MESSAGE_GO,
  SV_MIGRATION_MESSAGE_ABORT,
  SV_MIGRATION_MESSAGE_READY,
  SV_MIGRATION_MESSAGE_REFUSED,
} SvMigrationMessage;

/* Most bytes of pages in a message */
#define SV_MIGRATION_MAX_PAGES (256u * 4096u)

/* Takes the descriptor, which then does not block. */
SV_API SvMigrationStream *sv_migration_stream_new (int fd, SvMigrationProgress *progress);
SV_API void sv_migration_stream_free (SvMigrationStream *self);
SV_API gboolean sv_migration_stream_is_socket (SvMigrationStream *self); /* the peer can answer */

/* @head and @body follow each other in the message. */
SV_API gboolean sv_migration_stream_send (SvMigrationStream *self, SvMigrationMessage type, gconstpointer head, gsize head_size,
                                          gconstpointer body, gsize body_size, GError **error);
/* The next message; its bytes are @self's until the next call. The end of the stream is an error. */
SV_API gboolean sv_migration_stream_receive (SvMigrationStream *self, SvMigrationMessage *type, const guint8 **data, gsize *size,
                                             GError **error);
/* From now on it can be sent and received although the migration was cancelled; nothing waits longer than that. */
SV_API void sv_migration_stream_set_last_words (SvMigrationStream *self, guint milliseconds);
/* From now on the peer has to take or send something within that time; 0: whenever it likes. */
SV_API void sv_migration_stream_set_idle_limit (SvMigrationStream *self, guint milliseconds);
/* Nothing more is sent or received. FALSE: what went into a file may not have got to its disk. */
SV_API gboolean sv_migration_stream_close (SvMigrationStream *self, GError **error);

G_END_DECLS
