/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/chardev/sv-chardev.h"

G_BEGIN_DECLS

/**
 * SvFdStream:
 *
 * Moves bytes between one peer's descriptors and a character device's front end, on the default main context: reads no
 * more than the front end takes (with a filter, 4096 bytes ahead of it), never blocks on writes, costs nothing while
 * idle.
 */
typedef struct _SvFdStream SvFdStream;

/**
 * SvFdStreamFuncs:
 * @may_read: (nullable): asked before each read
 * @filter: (nullable): sees input first, as soon as it comes, may change it in place; returns how much goes to the front
 *   end
 * @hangup: (nullable): the peer is gone; called once, from the main loop. The stream may be freed in it.
 */
typedef struct
{
  gboolean (*may_read) (SvChardev *chardev);
  gsize (*filter) (SvChardev *chardev, guint8 *data, gsize length);
  void (*hangup) (SvChardev *chardev);
} SvFdStreamFuncs;

/* Owns @input and @output (-1: none; may be equal). @funcs is static. */
SvFdStream *sv_fd_stream_new (SvChardev *chardev, int input, int output, const SvFdStreamFuncs *funcs);
void sv_fd_stream_free (SvFdStream *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SvFdStream, sv_fd_stream_free)

/* As the write vfunc of #SvChardev: when it takes less than all, the front end's writable follows. */
gsize sv_fd_stream_write (SvFdStream *self, const guint8 *data, gsize length);
/* The front end's can_receive may have changed. */
void sv_fd_stream_update_input (SvFdStream *self);
/* From now on, notice a peer that went away even while the front end takes no input; unread input is lost then. */
void sv_fd_stream_watch_hangup (SvFdStream *self);
/* Leaves input with the peer until it is resumed. */
void sv_fd_stream_pause_input (SvFdStream *self, gboolean pause);
/* The descriptors, no longer owned by the stream, which is freed. */
void sv_fd_stream_steal (SvFdStream *self, int *input, int *output);

/*
 * A descriptor for the same file as @fd that does not block, while @fd itself, which other processes may share, is left as
 * it is. Falls back to a plain duplicate where the file cannot be opened again (regular files, sockets, another user's
 * terminal): sv_fd_stream_write() polls those. -1 with errno set when @fd is not open.
 */
int sv_fd_reopen (int fd, int access_mode);

G_END_DECLS
