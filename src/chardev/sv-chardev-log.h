/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-object.h"

G_BEGIN_DECLS

/*
 * The file that keeps a copy of what a character device puts out. It never holds up the guest: what it does not take is
 * not in it.
 */
typedef struct
{
  char *path;      /* NULL: none is wanted */
  gboolean append; /* what it holds is kept */
  int fd;
} SvChardevLog;

void sv_chardev_log_init (SvChardevLog *self);
void sv_chardev_log_clear (SvChardevLog *self);
/* Does nothing without a path. @scope: for sv_fd_store_open() */
gboolean sv_chardev_log_open (SvChardevLog *self, SvObject *scope, GError **error);
gboolean sv_chardev_log_is_open (const SvChardevLog *self);
void sv_chardev_log_write (SvChardevLog *self, const guint8 *data, gsize length);

G_END_DECLS
