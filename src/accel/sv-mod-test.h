/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/accel/sv-test-accel.h"

G_BEGIN_DECLS

/**
 * SvModTest:
 *
 * A test accelerator (`test-accel`) that speaks the protocol of StratoVirt's module tests: requests without an end
 * marker, one at a time, and replies that end with LF. RAM answers at 0x40000000 to 0x5fffffff whatever size the
 * machine's is, because those tests take their buffers from there.
 */
#define SV_TYPE_MOD_TEST (sv_mod_test_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvModTest, sv_mod_test, SV, MOD_TEST, SvTestAccel)

G_END_DECLS
