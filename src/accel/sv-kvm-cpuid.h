/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "src/accel/sv-kvm-vcpu.h"

G_BEGIN_DECLS

/* Gives the vCPU the features that its accelerator's model has, its APIC id and place among the processors. Errors
 * name a feature that this host's KVM does not have. */
gboolean sv_kvm_cpuid_set (SvKvmVcpu *vcpu, GError **error);

/* All features by name, whether a processor of model @text has them here, and its signature. (transfer full) */
JsonObject *sv_kvm_cpuid_expand (const char *text, GError **error);

G_END_DECLS
