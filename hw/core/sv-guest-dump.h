/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-machine.h"

G_BEGIN_DECLS

typedef enum
{
  SV_GUEST_DUMP_NONE,
  SV_GUEST_DUMP_ACTIVE,
  SV_GUEST_DUMP_COMPLETED,
  SV_GUEST_DUMP_FAILED,
} SvGuestDumpStatus;

/* How the last dump is doing: its status, bytes of memory that are written, and that there are. */
typedef struct
{
  SvGuestDumpStatus status;
  guint64 completed;
  guint64 total;
} SvGuestDumpProgress;

/* In the main thread when the file is written, or cannot be; @error is the callee's. */
typedef void (*SvGuestDumpFunc) (GError *error, gpointer user_data);

SV_API gboolean
sv_guest_dump_start (SvMachine *machine, int fd, SvGuestDumpFunc func, gpointer user_data, GError **error);
SV_API SvGuestDumpProgress sv_guest_dump_get_progress (SvMachine *machine);

G_END_DECLS
