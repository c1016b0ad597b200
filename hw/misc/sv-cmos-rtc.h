/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-isa-device.h"

G_BEGIN_DECLS

/**
 * SvCmosRtc:
 *
 * Real time clock and battery-backed memory of a PC (`mc146818rtc`): the host's UTC plus what the guest set. Its three
 * interrupts cost host timers only while they are enabled.
 */
#define SV_TYPE_CMOS_RTC (sv_cmos_rtc_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvCmosRtc, sv_cmos_rtc, SV, CMOS_RTC, SvIsaDevice)

#define SV_CMOS_RTC_PORT 0x70

/* What firmware tells in CMOS about RAM, in bytes. */
SV_API void sv_cmos_rtc_set_memory (SvCmosRtc *self, guint64 below_4g, guint64 above_4g);
/* @index from 0x0e to 0x7f */
SV_API void sv_cmos_rtc_set_nvram (SvCmosRtc *self, guint index, guint8 value);
/* Host clock: microseconds since 1970, UTC; the default is g_get_real_time(). */
typedef gint64 (*SvCmosRtcClock) (gpointer opaque);
SV_API void sv_cmos_rtc_set_clock (SvCmosRtc *self, SvCmosRtcClock clock, gpointer opaque);

G_END_DECLS
