/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/memory/sv-address-space.h"

G_BEGIN_DECLS

/**
 * SvKvmMemory:
 *
 * Keeps KVM in step with the guest's address spaces: memory slots, ioeventfds, and coalesced zones with the ring of writes
 * that the kernel keeps back there. VM lock held, where nothing else is said.
 */
typedef struct _SvKvmMemory SvKvmMemory;

/* @io: (nullable). Fails when KVM refuses guest memory that there is now; what it refuses later is in the log. */
SvKvmMemory *sv_kvm_memory_new (
    int system_fd, int vm_fd, SvAddressSpace *memory, SvAddressSpace *io, GError **error);
void sv_kvm_memory_free (SvKvmMemory *self);

/* The ring lies in the mapping of any vCPU; @run is the first one's. */
void sv_kvm_memory_set_run_mapping (SvKvmMemory *self, gpointer run);
/* Any thread: whether there is something in the ring. Costs one read. */
gboolean sv_kvm_memory_has_coalesced (SvKvmMemory *self);
/* Handles what is in the ring. */
void sv_kvm_memory_flush_coalesced (SvKvmMemory *self);

/* The log of pages that processors write, for sv_dirty_log_merge(). VM lock held. */
gboolean sv_kvm_memory_log (SvKvmMemory *self, gboolean on, GError **error);
gboolean sv_kvm_memory_sync_log (SvKvmMemory *self, GError **error);

G_END_DECLS
