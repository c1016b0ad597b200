/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/accel/sv-vcpu.h"
#include "src/memory/sv-address-space.h"

/* A vCPU whose guest writes to registers, one after the other, and then idles. */
#define TEST_TYPE_VCPU (test_vcpu_get_type ())
G_DECLARE_FINAL_TYPE (TestVcpu, test_vcpu, TEST, VCPU, SvVcpu)

/* VM lock held, and attached to the default context, in all of these */
TestVcpu *test_vcpu_new (SvAddressSpace *memory);
void test_vcpu_add_write (TestVcpu *self, guint64 address, guint32 value); /* of 4 bytes; before it starts */
/* Lets it run until it stops at @n writes, which it has behind it but for what was put off. */
void test_vcpu_run_until_held (TestVcpu *self, guint n);
/* Lets it run until it has written all, without the main loop. */
void test_vcpu_run_until_done (TestVcpu *self);
/* Runs the main loop until it has written all. */
void test_vcpu_finish (TestVcpu *self);
guint test_vcpu_get_done (TestVcpu *self);
void test_vcpu_free (TestVcpu *self);
