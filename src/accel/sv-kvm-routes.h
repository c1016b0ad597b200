/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * SvKvmRoutes:
 *
 * The table by which KVM turns line numbers (GSIs) into interrupts: the controllers' own lines, and
 * one for each interrupt message that is to be sent by an irqfd. VM lock held.
 */
typedef struct _SvKvmRoutes SvKvmRoutes;

SvKvmRoutes *sv_kvm_routes_new (int vm_fd);
void sv_kvm_routes_free (SvKvmRoutes *self);
/* A line of its own for the message; -1 with @error set when there is none left */
gint sv_kvm_routes_add (SvKvmRoutes *self, guint64 address, guint32 data, GError **error);
gboolean
sv_kvm_routes_update (SvKvmRoutes *self, guint gsi, guint64 address, guint32 data, GError **error);
void sv_kvm_routes_remove (SvKvmRoutes *self, guint gsi);

G_END_DECLS
