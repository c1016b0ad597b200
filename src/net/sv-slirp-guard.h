/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Sockets of one back end before no more are begun. Beside them there may be one for each flow that is known. */
#define SV_SLIRP_MAX_SOCKETS 512
#define SV_SLIRP_KNOWN_FLOWS 256

/* Where datagrams come from; without gaps */
typedef struct
{
  guint8 protocol;
  guint8 v6;
  guint16 port;
  guint8 source[16];
} SvSlirpFlow;

/**
 * SvSlirpVerdict:
 * @SV_SLIRP_PASS: it goes to libslirp
 * @SV_SLIRP_DROP: it is lost, as on a busy network
 * @SV_SLIRP_REFUSE: it is answered: the connection is refused
 */
typedef enum
{
  SV_SLIRP_PASS,
  SV_SLIRP_DROP,
  SV_SLIRP_REFUSE,
} SvSlirpVerdict;

/**
 * SvSlirpGuard:
 * @n_sockets: that there are
 *
 * Keeps a guest from using up the descriptors of the process: each connection, each port that datagrams come from and
 * each ping is a socket of the host. Zeroed to begin with.
 */
typedef struct
{
  guint n_sockets;
  SvSlirpFlow known[SV_SLIRP_KNOWN_FLOWS];
} SvSlirpGuard;

static inline gboolean
sv_slirp_guard_is_full (const SvSlirpGuard *self)
{
  return self->n_sockets >= SV_SLIRP_MAX_SOCKETS;
}

SvSlirpVerdict sv_slirp_guard_judge (SvSlirpGuard *self, const guint8 *frame, gsize size);
/* The answer to a frame that is to be refused; returns its size, within 128 bytes. */
gsize sv_slirp_guard_refuse (const guint8 *frame, gsize size, guint8 *answer);

G_END_DECLS
