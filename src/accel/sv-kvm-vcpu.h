/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/accel/sv-kvm.h"

G_BEGIN_DECLS

/**
 * SvKvmVcpu:
 *
 * A vCPU of [class@Kvm].
 */
#define SV_TYPE_KVM_VCPU (sv_kvm_vcpu_get_type ())
G_DECLARE_FINAL_TYPE (SvKvmVcpu, sv_kvm_vcpu, SV, KVM_VCPU, SvVcpu)

SvVcpu *sv_kvm_vcpu_new (SvKvm *kvm, guint index, GError **error);
int sv_kvm_vcpu_get_fd (SvKvmVcpu *self);
SvKvm *sv_kvm_vcpu_get_kvm (SvKvmVcpu *self);

G_END_DECLS
