/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <linux/filter.h>
#include <linux/seccomp.h>

/* What src/runtime/gen-seccomp.py makes. */

typedef struct
{
  const char *kind;
  gushort length;
  const struct sock_filter *program;
} SvSeccompFilter;

/* By SvThreadKind */
extern const SvSeccompFilter sv_seccomp_filters[];

/* By number; empty where there is no such system call */
extern const char sv_seccomp_names[][32];
extern const gsize sv_seccomp_n_names;
