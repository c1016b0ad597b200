/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/accel/sv-accel.h"

G_BEGIN_DECLS

/**
 * SvMsixVector:
 *
 * The eventfds of a vector in use, its own and those of others, and what becomes of a write to one: while the vector is live, the
 * accelerator or this process sends its message; while it is not, the counter is the pending bit. VM lock held.
 */
typedef struct
{
  SvAccel *accel; /* NULL: nobody takes messages */
  guint users;    /* the owner's to count */
  GArray *wires;  /* of an eventfd each; the first is the vector's own; NULL while unused */
  gint gsi;       /* -1: no route */
  gboolean live;  /* the guest takes it now */
  guint64 address;
  guint32 data;
} SvMsixVector;

void sv_msix_vector_init (SvMsixVector *self, SvAccel *accel);
gboolean sv_msix_vector_open (SvMsixVector *self, GError **error);
void sv_msix_vector_clear (SvMsixVector *self); /* unused from now on */
/* The guest takes the vector, with this message, or does not. */
void sv_msix_vector_update (SvMsixVector *self, gboolean live, guint64 address, guint32 data);
/* Something was written that was not sent: the vector is pending unless it is live, where it is on its way. */
gboolean sv_msix_vector_is_written (const SvMsixVector *self);
/* Forgets what was pending. */
void sv_msix_vector_drain (SvMsixVector *self);

/* Of a vector in use */
int sv_msix_vector_get_fd (const SvMsixVector *self);
void sv_msix_vector_connect (SvMsixVector *self, int fd);
void sv_msix_vector_disconnect (SvMsixVector *self, int fd);

G_END_DECLS
