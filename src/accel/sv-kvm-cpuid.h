/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/accel/sv-kvm-vcpu.h"

G_BEGIN_DECLS

/* Gives the vCPU all features that this host's KVM supports, with the vCPU's own APIC id; every vCPU
 * is a package of its own. */
gboolean sv_kvm_cpuid_set (SvKvmVcpu *vcpu, GError **error);

G_END_DECLS
