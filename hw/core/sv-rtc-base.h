/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

/**
 * SvRtcClock:
 * @SV_RTC_CLOCK_HOST: the host's time of day, with its changes
 * @SV_RTC_CLOCK_RT: the host's time since its start, which nobody changes
 * @SV_RTC_CLOCK_VM: the same, but it stands while the VM does
 *
 * What drives a real time clock; `host`, `rt`, `vm`.
 */
typedef enum
{
  SV_RTC_CLOCK_HOST,
  SV_RTC_CLOCK_RT,
  SV_RTC_CLOCK_VM,
} SvRtcClock;

#define SV_TYPE_RTC_CLOCK (sv_rtc_clock_get_type ())
SV_API GType sv_rtc_clock_get_type (void);

/* Microseconds since 1970 that a clock shows which begins at @base (`utc`, `localtime` or a date) when the time is
 * @now. FALSE with an error: @base is none of these. */
SV_API gboolean sv_rtc_base_resolve (const char *base, gint64 now, gint64 *start, GError **error);

/* A clock that starts at any time, and can be made to stand. Zeroed, it is the host's. */
typedef struct
{
  SvRtcClock clock;
  gint64 offset;
  gint64 stopped_at; /* while it stands; 0: it runs */
} SvRtcSource;

/* From now on it shows microseconds since 1970 that start with @start. */
SV_API void sv_rtc_source_start (SvRtcSource *self, SvRtcClock clock, gint64 start);
SV_API gint64 sv_rtc_source_get (const SvRtcSource *self);
/* The VM stops, and goes on. */
SV_API void sv_rtc_source_stop (SvRtcSource *self);
SV_API void sv_rtc_source_resume (SvRtcSource *self);

G_END_DECLS
