/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <libslirp.h>

#include "src/net/sv-netdev.h"

G_BEGIN_DECLS

/**
 * SvSlirp:
 *
 * A libslirp instance between the guest's packets and the host's sockets. It works only while a queue of it exists and is
 * watched for packets to read, in the queue's context.
 */
typedef struct _SvSlirp SvSlirp;

SvSlirp *sv_slirp_new (const SlirpConfig *config, const char *name);
void sv_slirp_free (SvSlirp *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SvSlirp, sv_slirp_free)

Slirp *sv_slirp_get (SvSlirp *self);
SvNetQueue *sv_slirp_create_queue (SvSlirp *self, GMainContext *context);

G_END_DECLS
