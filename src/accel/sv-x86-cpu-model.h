/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

#define SV_X86_MAX_FEATURE_WORDS 24u

/**
 * SvX86CpuModel:
 * @on: features that must be there, by the words of sv-x86-features.h
 * @off: features that must not be there
 * @pmu: whether the guest has performance counters, where the host has them
 * @kvm: whether the guest is told that KVM runs it
 *
 * What `-cpu` says, read: a model and switches.
 */
typedef struct
{
  guint32 on[SV_X86_MAX_FEATURE_WORDS];
  guint32 off[SV_X86_MAX_FEATURE_WORDS];
  gboolean pmu;
  gboolean kvm;
} SvX86CpuModel;

/* @text: as for `-cpu`; NULL is `host`. Errors name what is not known. */
SV_API gboolean sv_x86_cpu_model_parse (SvX86CpuModel *self, const char *text, GError **error);
SV_API const char *sv_x86_cpu_model_get_name (guint index);
/* Models and features, for `-cpu help`. (transfer full) */
SV_API char *sv_x86_cpu_model_dup_help (void);

G_END_DECLS
