/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Sets the model-specific registers of the vCPU file @fd to their values after power-on. One that KVM does not
 * let us set (on some hosts) stays and is told in the log. */
void sv_x86_msr_reset (int fd);

/* "a(ut)": index and value of all registers of the vCPU that KVM lists and that can be read (floating) */
GVariant *sv_x86_msr_dup (int system_fd, int fd, GError **error);
/* Sets them. One that KVM does not let us set must have its value already. */
gboolean sv_x86_msr_load (int fd, GVariant *msrs, GError **error);

G_END_DECLS
