/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* vCPUs that no processor uses now. KVM cannot take one out of a VM: the next processor of that number gets it again. */
GArray *sv_kvm_parked_new (void);
/* @run: NULL: not mapped. @set_up: whether it has got what it has to have before it runs */
void sv_kvm_parked_add (GArray *parked, guint index, int fd, gpointer run, gboolean set_up);
/* -1: there is none of that number */
int sv_kvm_parked_take (GArray *parked, guint index, gpointer *run, gboolean *set_up);
/* Closes them all. @run_size: bytes of a vCPU's mapping */
void sv_kvm_parked_free (GArray *parked, gsize run_size);

G_END_DECLS
