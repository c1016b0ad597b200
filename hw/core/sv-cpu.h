/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-device.h"
#include "src/accel/sv-vcpu.h"

G_BEGIN_DECLS

/**
 * SvCpu:
 *
 * A processor of the machine (`host-x86-cpu`); those that are there from the start are at
 * `/machine/unattached/device[N]`. Properties: `socket-id`, `die-id`, `core-id`, `thread-id` (its place in the
 * topology), `cpu-index` (its number, which follows from the place) and `host-thread-id` (the thread that runs it, 0
 * before it runs). Realizing makes the accelerator's vCPU with its thread; one that comes while the guest runs waits
 * there until the guest starts it.
 */
#define SV_TYPE_CPU (sv_cpu_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvCpu, sv_cpu, SV, CPU, SvDevice)

SV_API SvDevice *sv_cpu_new (guint index); /* (transfer full): its place follows from the machine's topology */
SV_API SvVcpu *sv_cpu_get_vcpu (SvCpu *self); /* (transfer none) (nullable): NULL before it is realized */
SV_API guint sv_cpu_get_index (SvCpu *self);  /* of a realized processor */

G_END_DECLS
