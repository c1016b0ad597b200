/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/accel/sv-test-accel.h"

G_BEGIN_DECLS

/**
 * SvQtest:
 *
 * A test accelerator (`qtest-accel`) that speaks the line protocol of QEMU's qtest: a request and its reply are a line each,
 * `IRQ raise N` and `IRQ lower N` come in between once lines are intercepted.
 */
#define SV_TYPE_QTEST (sv_qtest_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvQtest, sv_qtest, SV, QTEST, SvTestAccel)

G_END_DECLS
