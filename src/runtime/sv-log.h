/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

/*
 * Logging is GLib's (g_warning, g_message, g_info, g_debug); this installs the writer: lines with time
 * and level to @file (NULL: stderr), level from STRATOVIRT_LOG_LEVEL (error, warning, info, debug, trace; default
 * warning). Messages caused by the guest are rate limited.
 */
SV_API gboolean sv_log_init (const char *file, GError **error);

typedef enum
{
  SV_LOG_LEVEL_ERROR,
  SV_LOG_LEVEL_WARNING,
  SV_LOG_LEVEL_INFO,
  SV_LOG_LEVEL_DEBUG,
  SV_LOG_LEVEL_TRACE,
} SvLogLevel;

/* Most verbose level that is written; changed by sv_log_init() only. */
SV_API SvLogLevel sv_log_get_level (void);

/* Where messages go, for those who cannot use GLib's functions: signal handlers. */
SV_API int sv_log_get_fd (void);

/* g_debug() formats its message even when nobody reads it: on busy paths use these. */
#define sv_debug(...)                                                                              \
  G_STMT_START                                                                                     \
  {                                                                                                \
    if (G_UNLIKELY (sv_log_get_level () >= SV_LOG_LEVEL_DEBUG))                                    \
      g_debug (__VA_ARGS__);                                                                       \
  }                                                                                                \
  G_STMT_END
#define sv_trace(...)                                                                              \
  G_STMT_START                                                                                     \
  {                                                                                                \
    if (G_UNLIKELY (sv_log_get_level () >= SV_LOG_LEVEL_TRACE))                                    \
      g_debug (__VA_ARGS__);                                                                       \
  }                                                                                                \
  G_STMT_END
/* Logs a complaint about the guest at most a few times a second per call site. */
#define sv_log_guest(...)                                                                          \
  G_STMT_START                                                                                     \
  {                                                                                                \
    static gint64 sv_log_guest_state_;                                                             \
    sv_log_limited (&sv_log_guest_state_, "guest", __VA_ARGS__);                                   \
  }                                                                                                \
  G_STMT_END
/* The same about a client or other peer. */
#define sv_log_peer(...)                                                                           \
  G_STMT_START                                                                                     \
  {                                                                                                \
    static gint64 sv_log_peer_state_;                                                              \
    sv_log_limited (&sv_log_peer_state_, "peer", __VA_ARGS__);                                     \
  }                                                                                                \
  G_STMT_END
SV_API void sv_log_limited (gint64 *state, const char *who, const char *format, ...) G_GNUC_PRINTF (3, 4);

G_END_DECLS
