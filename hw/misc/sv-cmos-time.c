/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/misc/sv-cmos-time.h"

#define DAY 86400
#define PM 0x80
#define DONT_CARE 0xc0
#define ANY -1
#define NEVER -2

gboolean
sv_cmos_time_is_register (guint index)
{
  switch (index)
    {
    case SV_CMOS_SECONDS:
    case SV_CMOS_MINUTES:
    case SV_CMOS_HOURS:
    case SV_CMOS_DAY_OF_WEEK:
    case SV_CMOS_DAY_OF_MONTH:
    case SV_CMOS_MONTH:
    case SV_CMOS_YEAR:
    case SV_CMOS_CENTURY:
      return TRUE;
    default:
      return FALSE;
    }
}

static gint64
floor_div (gint64 a, gint64 b)
{
  gint64 quotient = a / b;

  return a % b < 0 ? quotient - 1 : quotient;
}

/* Days since 1970 and back, in the proleptic Gregorian calendar, with years that begin in March. */
static gint64
days_from_civil (gint64 year, guint month, guint day)
{
  gint64 shifted = month <= 2 ? year - 1 : year;
  gint64 era = floor_div (shifted, 400);
  gint64 year_of_era = shifted - era * 400;
  gint64 day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year
         - 719468;
}

static void
civil_from_days (gint64 days, gint64 *year, guint *month, guint *day)
{
  gint64 shifted = days + 719468;
  gint64 era = floor_div (shifted, 146097);
  gint64 day_of_era = shifted - era * 146097;
  gint64 year_of_era
      = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  gint64 day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  gint64 month_from_march = (5 * day_of_year + 2) / 153;

  *day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
  *month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
  *year = year_of_era + era * 400 + (*month <= 2 ? 1 : 0);
}

static guint8
to_register (const guint8 *registers, guint value)
{
  return (registers[SV_CMOS_B] & SV_CMOS_B_BINARY) != 0 ? value : (value / 10) << 4 | value % 10;
}

static guint
from_register (const guint8 *registers, guint8 value)
{
  return (registers[SV_CMOS_B] & SV_CMOS_B_BINARY) != 0 ? value : (value >> 4) * 10 + (value & 0xf);
}

static guint8
to_hours (const guint8 *registers, guint hours)
{
  if ((registers[SV_CMOS_B] & SV_CMOS_B_24H) != 0)
    return to_register (registers, hours);
  return to_register (registers, hours % 12 == 0 ? 12 : hours % 12) | (hours >= 12 ? PM : 0);
}

static guint
from_hours (const guint8 *registers, guint8 value)
{
  if ((registers[SV_CMOS_B] & SV_CMOS_B_24H) != 0)
    return from_register (registers, value);
  return from_register (registers, value & ~PM) % 12 + ((value & PM) != 0 ? 12 : 0);
}

void
sv_cmos_time_encode (guint8 *registers, gint64 seconds)
{
  gint64 days = floor_div (seconds, DAY);
  guint of_day = seconds - days * DAY;
  gint64 year;
  guint month;
  guint day;

  civil_from_days (days, &year, &month, &day);
  registers[SV_CMOS_SECONDS] = to_register (registers, of_day % 60);
  registers[SV_CMOS_MINUTES] = to_register (registers, of_day / 60 % 60);
  registers[SV_CMOS_HOURS] = to_hours (registers, of_day / 3600);
  /* Sunday is 1; 1970 began on a Thursday. */
  registers[SV_CMOS_DAY_OF_WEEK]
      = to_register (registers, days + 4 - floor_div (days + 4, 7) * 7 + 1);
  registers[SV_CMOS_DAY_OF_MONTH] = to_register (registers, day);
  registers[SV_CMOS_MONTH] = to_register (registers, month);
  registers[SV_CMOS_YEAR] = to_register (registers, year - floor_div (year, 100) * 100);
  registers[SV_CMOS_CENTURY] = to_register (registers, CLAMP (floor_div (year, 100), 0, 99));
}

gint64
sv_cmos_time_decode (const guint8 *registers)
{
  guint month = from_register (registers, registers[SV_CMOS_MONTH]);
  gint64 year = from_register (registers, registers[SV_CMOS_CENTURY]) * 100
                + from_register (registers, registers[SV_CMOS_YEAR]);
  gint64 days = days_from_civil (year, CLAMP (month, 1, 12), 1)
                + from_register (registers, registers[SV_CMOS_DAY_OF_MONTH]) - 1;

  return days * DAY + from_hours (registers, registers[SV_CMOS_HOURS]) * 3600
         + from_register (registers, registers[SV_CMOS_MINUTES]) * 60
         + from_register (registers, registers[SV_CMOS_SECONDS]);
}

static gint
get_alarm (const guint8 *registers, guint index, guint limit)
{
  guint8 value = registers[index];
  guint number;

  if ((value & DONT_CARE) == DONT_CARE)
    return ANY;
  number = index == SV_CMOS_HOURS_ALARM ? from_hours (registers, value)
                                        : from_register (registers, value);
  return number < limit ? (gint)number : NEVER;
}

static gboolean
matches (gint wanted, gint64 value)
{
  return wanted == ANY || wanted == value;
}

gint64
sv_cmos_time_next_alarm (const guint8 *registers, gint64 after)
{
  gint seconds = get_alarm (registers, SV_CMOS_SECONDS_ALARM, 60);
  gint minutes = get_alarm (registers, SV_CMOS_MINUTES_ALARM, 60);
  gint hours = get_alarm (registers, SV_CMOS_HOURS_ALARM, 24);
  gint64 time = after + 1;

  if (seconds == NEVER || minutes == NEVER || hours == NEVER)
    return G_MAXINT64;

  /* From the largest unit down: at most 24 + 60 + 60 steps, twice. */
  for (;;)
    {
      gint64 of_day = time - floor_div (time, DAY) * DAY;

      if (!matches (hours, of_day / 3600))
        time += 3600 - of_day % 3600;
      else if (!matches (minutes, of_day / 60 % 60))
        time += 60 - of_day % 60;
      else if (!matches (seconds, of_day % 60))
        time++;
      else
        return time;
    }
}
