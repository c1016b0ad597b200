/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Sets the model-specific registers of the vCPU file @fd to their values after power-on. One that KVM does not
 * let us set (on some hosts) stays and is told in the log. */
void sv_x86_msr_reset (int fd);

G_END_DECLS
