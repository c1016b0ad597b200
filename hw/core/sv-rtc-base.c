/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/core/sv-rtc-base.h"

#include <string.h>

#include "qom/sv-object.h"
#include "src/runtime/sv-clock.h"

GType
sv_rtc_clock_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    { SV_RTC_CLOCK_HOST, "SV_RTC_CLOCK_HOST", "host" },
    { SV_RTC_CLOCK_RT, "SV_RTC_CLOCK_RT", "rt" },
    { SV_RTC_CLOCK_VM, "SV_RTC_CLOCK_VM", "vm" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("SvRtcClock", values));
  return type;
}

static gint64
get_local_offset (gint64 now)
{
  g_autoptr (GDateTime) local = g_date_time_new_from_unix_local (now / G_USEC_PER_SEC);

  return local != NULL ? g_date_time_get_utc_offset (local) : 0;
}

/**
 * sv_rtc_base_resolve: (skip)
 * @base: `utc`, `localtime`, or a date as 2026-01-31 or 2026-01-31T12:00:00, in UTC
 * @now: the time of day in microseconds since 1970, UTC
 * @start: (out): the time that a clock shows that starts now
 * @error: return location
 *
 * Returns: %FALSE when @base is none of these
 */
gboolean
sv_rtc_base_resolve (const char *base, gint64 now, gint64 *start, GError **error)
{
  g_autoptr (GTimeZone) utc = g_time_zone_new_utc ();
  g_autofree char *text = strchr (base, 'T') == NULL ? g_strconcat (base, "T00:00:00", NULL) : g_strdup (base);
  g_autoptr (GDateTime) date = NULL;

  if (strcmp (base, "utc") == 0)
    *start = now;
  else if (strcmp (base, "localtime") == 0)
    *start = now + get_local_offset (now);
  else if ((date = g_date_time_new_from_iso8601 (text, utc)) != NULL)
    *start = g_date_time_to_unix (date) * G_USEC_PER_SEC;
  else
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "'base' is '%s': accepted are 'utc', 'localtime' and a date as 2026-01-31 or 2026-01-31T12:00:00",
                   base);
      return FALSE;
    }
  return TRUE;
}

static gint64
get_raw (const SvRtcSource *self)
{
  return self->clock == SV_RTC_CLOCK_HOST ? sv_clock_get_real_us () : sv_clock_get_ns () / 1000;
}

void
sv_rtc_source_start (SvRtcSource *self, SvRtcClock clock, gint64 start)
{
  *self = (SvRtcSource){ .clock = clock };
  self->offset = start - get_raw (self);
}

gint64
sv_rtc_source_get (const SvRtcSource *self)
{
  return (self->stopped_at != 0 ? self->stopped_at : get_raw (self)) + self->offset;
}

void
sv_rtc_source_stop (SvRtcSource *self)
{
  if (self->clock == SV_RTC_CLOCK_VM)
    self->stopped_at = get_raw (self);
}

void
sv_rtc_source_resume (SvRtcSource *self)
{
  if (self->stopped_at != 0)
    self->offset -= get_raw (self) - self->stopped_at;
  self->stopped_at = 0;
}
