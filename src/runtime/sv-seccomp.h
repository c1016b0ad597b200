/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

/**
 * SvThreadKind:
 * @SV_THREAD_MAIN: the main thread, and those that libraries start from it
 * @SV_THREAD_IOTHREAD: `-object iothread`
 * @SV_THREAD_VCPU: runs guest code and emulates registers
 * @SV_THREAD_WORKER: waits for disks on behalf of the thread engine
 * @SV_THREAD_MIGRATION: writes snapshots, sends memory
 * @SV_THREAD_N_KINDS: how many there are
 *
 * The kinds of threads of the program; each has a list of system calls in `data/seccomp`.
 */
typedef enum
{
  SV_THREAD_MAIN,
  SV_THREAD_IOTHREAD,
  SV_THREAD_VCPU,
  SV_THREAD_WORKER,
  SV_THREAD_MIGRATION,
  SV_THREAD_N_KINDS
} SvThreadKind;

SV_API gboolean sv_seccomp_init (GError **error);
SV_API gboolean sv_seccomp_enter (SvThreadKind kind, GError **error);
SV_API void sv_seccomp_enter_or_exit (SvThreadKind kind);
SV_API const char *sv_seccomp_get_syscall_name (long number);

G_END_DECLS
