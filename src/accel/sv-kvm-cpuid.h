/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/accel/sv-kvm-vcpu.h"

G_BEGIN_DECLS

/* Gives the vCPU the features that its accelerator's model has, its APIC id and place among the processors. Errors
 * name a feature that this host's KVM does not have. */
gboolean sv_kvm_cpuid_set (SvKvmVcpu *vcpu, GError **error);

G_END_DECLS
