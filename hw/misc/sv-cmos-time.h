/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Time as the registers of an MC146818 hold it: in BCD or binary, with 12 or 24 hours, by its register B. Times are Unix
 * seconds, UTC.
 */
enum
{
  SV_CMOS_SECONDS = 0x00,
  SV_CMOS_SECONDS_ALARM = 0x01,
  SV_CMOS_MINUTES = 0x02,
  SV_CMOS_MINUTES_ALARM = 0x03,
  SV_CMOS_HOURS = 0x04,
  SV_CMOS_HOURS_ALARM = 0x05,
  SV_CMOS_DAY_OF_WEEK = 0x06,
  SV_CMOS_DAY_OF_MONTH = 0x07,
  SV_CMOS_MONTH = 0x08,
  SV_CMOS_YEAR = 0x09,
  SV_CMOS_A = 0x0a,
  SV_CMOS_B = 0x0b,
  SV_CMOS_C = 0x0c,
  SV_CMOS_D = 0x0d,
  SV_CMOS_CENTURY = 0x32, /* by convention of PCs */
};

#define SV_CMOS_B_24H 0x02
#define SV_CMOS_B_BINARY 0x04

/* Whether @index is one of the registers that show the time. */
gboolean sv_cmos_time_is_register (guint index);
void sv_cmos_time_encode (guint8 *registers, gint64 seconds);
/* Values out of range, which a guest may write, are carried over or folded into some valid time. */
gint64 sv_cmos_time_decode (const guint8 *registers);
/* The first second after @after that the alarm registers match; G_MAXINT64 when none does. */
gint64 sv_cmos_time_next_alarm (const guint8 *registers, gint64 after);

G_END_DECLS
