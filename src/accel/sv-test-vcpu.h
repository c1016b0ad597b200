/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/accel/sv-vcpu.h"

G_BEGIN_DECLS

/**
 * SvTestVcpu:
 *
 * A processor of a test accelerator: it is counted, and runs nothing.
 */
#define SV_TYPE_TEST_VCPU (sv_test_vcpu_get_type ())
G_DECLARE_FINAL_TYPE (SvTestVcpu, sv_test_vcpu, SV, TEST_VCPU, SvVcpu)

G_END_DECLS
