/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/kvm.h>

#include "src/accel/sv-x86-cpu-model.h"
#include "src/accel/sv-x86-topology.h"

G_BEGIN_DECLS

/*
 * Makes what KVM offers into what processor @index is to answer to CPUID. @entries: (element-type struct kvm_cpuid_entry2),
 * of KVM_GET_SUPPORTED_CPUID; changed in place. @tsc_deadline: KVM has such a timer, which it does not tell there. FALSE
 * with an error that names a feature that is asked for and cannot be had.
 */
SV_API gboolean sv_x86_cpuid_adapt (GArray *entries, const SvX86CpuModel *model, const SvCpuLayout *layout,
                                    guint index, gboolean tsc_deadline, GError **error);

G_END_DECLS
