/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "chardev-fixture.h"
#include "hw/acpi/sv-acpi-build.h"
#include "hw/misc/sv-cmos-rtc.h"
#include "hw/misc/sv-cmos-time.h"
#include "isa-fixture.h"
#include "src/runtime/sv-vm-lock.h"

#define IRQ 8
#define SECOND ((gint64)G_USEC_PER_SEC)
/* Thursday, 2024-02-29 23:59:58 UTC */
#define START G_GINT64_CONSTANT (1709251198)

typedef struct
{
  IsaFixture isa;
  SvCmosRtc *rtc;
  gint64 now;       /* microseconds */
  gint64 monotonic; /* not 0: the clock goes on by itself from then */
} Fixture;

static gint64
get_time (gpointer opaque)
{
  Fixture *f = opaque;

  return f->now + (f->monotonic != 0 ? g_get_monotonic_time () - f->monotonic : 0);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  sv_vm_lock ();
  isa_set_up (&f->isa);
  f->now = START * SECOND;
  f->rtc = g_object_new (SV_TYPE_CMOS_RTC, NULL);
  sv_cmos_rtc_set_clock (f->rtc, get_time, f);
  isa_plug (&f->isa, SV_DEVICE (f->rtc), &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  isa_unplug (SV_DEVICE (f->rtc));
  g_assert_finalize_object (f->rtc);
  isa_tear_down (&f->isa);
  sv_vm_unlock ();
}

static guint8
get (Fixture *f, guint8 index)
{
  isa_out (&f->isa, 0x70, index);
  return isa_in (&f->isa, 0x71);
}

static void
set (Fixture *f, guint8 index, guint8 value)
{
  isa_out (&f->isa, 0x70, index);
  isa_out (&f->isa, 0x71, value);
}

static void
assert_time (Fixture *f, const char *expected)
{
  g_autofree char *text = g_strdup_printf (
      "%02x%02x-%02x-%02x(%x) %02x:%02x:%02x", get (f, SV_CMOS_CENTURY), get (f, SV_CMOS_YEAR),
      get (f, SV_CMOS_MONTH), get (f, SV_CMOS_DAY_OF_MONTH), get (f, SV_CMOS_DAY_OF_WEEK),
      get (f, SV_CMOS_HOURS), get (f, SV_CMOS_MINUTES), get (f, SV_CMOS_SECONDS));

  g_assert_cmpstr (text, ==, expected);
}

static void
test_time (Fixture *f, gconstpointer data)
{
  assert_time (f, "2024-02-29(5) 23:59:58");
  g_assert_cmphex (get (f, SV_CMOS_A), ==, 0x26);
  g_assert_cmphex (get (f, SV_CMOS_B), ==, SV_CMOS_B_24H);
  g_assert_cmphex (get (f, SV_CMOS_D), ==, 0x80);
  f->now += 2 * SECOND;
  assert_time (f, "2024-03-01(6) 00:00:00");

  set (f, SV_CMOS_B, SV_CMOS_B_24H | SV_CMOS_B_BINARY);
  assert_time (f, "1418-03-01(6) 00:00:00");
  f->now += 13 * 3600 * SECOND;
  g_assert_cmpuint (get (f, SV_CMOS_HOURS), ==, 13);
  set (f, SV_CMOS_B, SV_CMOS_B_BINARY);
  g_assert_cmphex (get (f, SV_CMOS_HOURS), ==, 0x81);
  set (f, SV_CMOS_B, 0);
  f->now += 10 * 3600 * SECOND;
  g_assert_cmphex (get (f, SV_CMOS_HOURS), ==, 0x91);
  f->now += 3600 * SECOND;
  g_assert_cmphex (get (f, SV_CMOS_HOURS), ==, 0x12);
  f->now += 12 * 3600 * SECOND;
  g_assert_cmphex (get (f, SV_CMOS_HOURS), ==, 0x92);
}

/* Each day of 800 years there and back */
static void
test_calendar (Fixture *f, gconstpointer data)
{
  guint8 registers[128] = { [SV_CMOS_B] = SV_CMOS_B_24H };
  g_autoptr (GDateTime) day = g_date_time_new_utc (1600, 1, 1, 7, 8, 9);

  for (guint i = 0; i < 800 * 365; i++)
    {
      g_autoptr (GDateTime) next = g_date_time_add_days (day, 1);
      gint64 seconds = g_date_time_to_unix (day);

      sv_cmos_time_encode (registers, seconds);
      g_assert_cmpint (sv_cmos_time_decode (registers), ==, seconds);
      if (g_date_time_get_day_of_month (day) == 1)
        g_assert_cmphex (registers[SV_CMOS_DAY_OF_WEEK], ==,
                         g_date_time_get_day_of_week (day) % 7 + 1);
      g_date_time_unref (day);
      day = g_steal_pointer (&next);
    }
}

/* Linux, drivers/rtc/rtc-mc146818-lib.c: mc146818_set_time() */
static void
test_set (Fixture *f, gconstpointer data)
{
  f->now += 300000;
  set (f, SV_CMOS_B, 0x80 | SV_CMOS_B_24H);
  set (f, SV_CMOS_A, 0x76);
  set (f, SV_CMOS_YEAR, 0x30);
  set (f, SV_CMOS_MONTH, 0x12);
  set (f, SV_CMOS_DAY_OF_MONTH, 0x31);
  set (f, SV_CMOS_HOURS, 0x10);
  set (f, SV_CMOS_MINUTES, 0x20);
  set (f, SV_CMOS_SECONDS, 0x30);
  f->now += 5 * SECOND;
  g_assert_cmphex (get (f, SV_CMOS_SECONDS), ==, 0x30);
  set (f, SV_CMOS_B, SV_CMOS_B_24H);
  g_assert_cmphex (get (f, SV_CMOS_SECONDS), ==, 0x30);
  set (f, SV_CMOS_A, 0x26);

  /* The divider makes its first update after half a second. */
  f->now += 499999;
  assert_time (f, "2030-12-31(3) 10:20:30");
  f->now++;
  assert_time (f, "2030-12-31(3) 10:20:31");

  /* One register while the clock runs; a reset of the machine keeps it. */
  set (f, SV_CMOS_CENTURY, 0x21);
  set (f, SV_CMOS_MINUTES, 0x59);
  sv_device_reset (SV_DEVICE (f->rtc));
  assert_time (f, "2130-12-31(1) 10:59:31");
}

static void
test_set_nonsense (Fixture *f, gconstpointer data)
{
  for (guint format = 0; format < 8; format += 2)
    for (guint value = 0; value < 0x100; value++)
      for (guint index = 0; index < 0x80; index++)
        {
          set (f, SV_CMOS_B, format);
          set (f, index, index == SV_CMOS_B ? format : value);
          get (f, index);
          f->now += 777777;
        }
}

static void
test_update_in_progress (Fixture *f, gconstpointer data)
{
  f->now += SECOND - 245;
  g_assert_cmphex (get (f, SV_CMOS_A), ==, 0x26);
  /* What was promised is held, however slow the reader is. */
  f->now += 1000;
  g_assert_cmphex (get (f, SV_CMOS_SECONDS), ==, 0x58);
  f->now += 5000;
  g_assert_cmphex (get (f, SV_CMOS_SECONDS), ==, 0x59);

  f->now = (START + 1) * SECOND + SECOND - 244;
  g_assert_cmphex (get (f, SV_CMOS_A), ==, 0xa6);
  f->now += 243;
  g_assert_cmphex (get (f, SV_CMOS_A), ==, 0xa6);
  f->now++;
  g_assert_cmphex (get (f, SV_CMOS_A), ==, 0x26);
  g_assert_cmphex (get (f, SV_CMOS_SECONDS), ==, 0x00);
  /* While it is being set there is no update. */
  f->now += SECOND - 1;
  set (f, SV_CMOS_B, 0x80);
  g_assert_cmphex (get (f, SV_CMOS_A), ==, 0x26);
}

static void
test_flags (Fixture *f, gconstpointer data)
{
  set (f, SV_CMOS_HOURS_ALARM, 0xc0);
  set (f, SV_CMOS_MINUTES_ALARM, 0xff);
  set (f, SV_CMOS_SECONDS_ALARM, 0x01);
  get (f, SV_CMOS_C);
  g_assert_cmphex (get (f, SV_CMOS_C), ==, 0);
  f->now += 1000;
  g_assert_cmphex (get (f, SV_CMOS_C), ==, 0x40);
  f->now += SECOND;
  g_assert_cmphex (get (f, SV_CMOS_C), ==, 0x50);
  f->now += 2 * SECOND;
  g_assert_cmphex (get (f, SV_CMOS_C), ==, 0x70);
  g_assert_cmphex (get (f, SV_CMOS_C), ==, 0);
  g_assert_cmpuint (f->isa.edges[IRQ], ==, 0);
  /* The host's clock is set back. */
  f->now -= 100 * SECOND;
  g_assert_cmphex (get (f, SV_CMOS_C), ==, 0);
}

/* Stands @delay microseconds before a full second, with nothing pending. */
static void
approach_second (Fixture *f, gint64 delay)
{
  f->now += SECOND - delay - f->now % SECOND;
  get (f, SV_CMOS_C);
}

/* From now on time passes. */
static void
let_go (Fixture *f)
{
  f->monotonic = g_get_monotonic_time ();
}

static void
test_update_interrupt (Fixture *f, gconstpointer data)
{
  approach_second (f, 3000);
  set (f, SV_CMOS_B, 0x10 | SV_CMOS_B_24H);
  g_assert_false (f->isa.level[IRQ]);
  let_go (f);
  run_until (f->isa.level[IRQ]);
  g_assert_cmphex (get (f, SV_CMOS_SECONDS), ==, 0x59);
  g_assert_cmphex (get (f, SV_CMOS_C) & 0x90, ==, 0x90);
  g_assert_false (f->isa.level[IRQ]);
  set (f, SV_CMOS_B, SV_CMOS_B_24H);
  g_assert_cmpuint (run_ready (), ==, 0);
}

static void
test_alarm_interrupt (Fixture *f, gconstpointer data)
{
  set (f, SV_CMOS_HOURS_ALARM, 0x00);
  set (f, SV_CMOS_MINUTES_ALARM, 0x00);
  set (f, SV_CMOS_SECONDS_ALARM, 0x00);
  f->now += SECOND;
  approach_second (f, 3000);
  set (f, SV_CMOS_B, 0x20 | SV_CMOS_B_24H);
  g_assert_false (f->isa.level[IRQ]);
  let_go (f);
  run_until (f->isa.level[IRQ]);
  assert_time (f, "2024-03-01(6) 00:00:00");
  g_assert_cmphex (get (f, SV_CMOS_C) & 0xa0, ==, 0xa0);
}

static void
test_periodic_interrupt (Fixture *f, gconstpointer data)
{
  approach_second (f, 500000);
  set (f, SV_CMOS_B, 0x40 | SV_CMOS_B_24H);
  g_assert_false (f->isa.level[IRQ]);
  let_go (f);
  for (guint i = 1; i <= 3; i++)
    {
      run_until (f->isa.level[IRQ]);
      g_assert_cmpuint (f->isa.edges[IRQ], ==, i);
      g_assert_cmphex (get (f, SV_CMOS_C) & 0xc0, ==, 0xc0);
      g_assert_false (f->isa.level[IRQ]);
    }
  /* One that nobody acknowledges costs no timers. */
  run_until (f->isa.level[IRQ]);
  g_assert_cmpuint (run_ready (), ==, 0);
  /* Nor does one whose rate is off. */
  get (f, SV_CMOS_C);
  set (f, SV_CMOS_A, 0x20);
  get (f, SV_CMOS_C);
  g_assert_cmpuint (run_ready (), <=, 1);
  sv_device_reset (SV_DEVICE (f->rtc));
  g_assert_cmphex (get (f, SV_CMOS_B), ==, SV_CMOS_B_24H);
  g_assert_false (f->isa.level[IRQ]);
}

static void
test_next_alarm (Fixture *f, gconstpointer data)
{
  static const struct
  {
    guint8 b, hours, minutes, seconds;
    gint64 expected; /* after START */
  } cases[] = {
    { SV_CMOS_B_24H, 0xc0, 0xc0, 0xc0, 1 },
    { SV_CMOS_B_24H, 0xc0, 0xc0, 0x58, 60 },
    { SV_CMOS_B_24H, 0x23, 0x59, 0x59, 1 },
    { SV_CMOS_B_24H, 0x23, 0x59, 0x58, 86400 },
    { SV_CMOS_B_24H, 0x23, 0x59, 0x57, 86399 },
    { SV_CMOS_B_24H, 0x00, 0xff, 0xff, 2 },
    { SV_CMOS_B_24H, 0xc0, 0x58, 0x00, 2 + 58 * 60 },
    { 0, 0x92, 0x00, 0x00, 2 + 12 * 3600 },
    { 0, 0x12, 0x00, 0x00, 2 },
    { SV_CMOS_B_24H | SV_CMOS_B_BINARY, 23, 59, 59, 1 },
    { SV_CMOS_B_24H, 0x24, 0x00, 0x00, -1 },
    { SV_CMOS_B_24H, 0x00, 0x60, 0x00, -1 },
    { SV_CMOS_B_24H, 0xc0, 0xc0, 0x99, -1 },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      guint8 registers[128] = { [SV_CMOS_B] = cases[i].b,
                                [SV_CMOS_HOURS_ALARM] = cases[i].hours,
                                [SV_CMOS_MINUTES_ALARM] = cases[i].minutes,
                                [SV_CMOS_SECONDS_ALARM] = cases[i].seconds };
      gint64 alarm = sv_cmos_time_next_alarm (registers, START);

      g_assert_cmpint (alarm == G_MAXINT64 ? -1 : alarm - START, ==, cases[i].expected);
    }
}

static void
test_memory (Fixture *f, gconstpointer data)
{
  sv_cmos_rtc_set_memory (f->rtc, 0xc0000000, G_GUINT64_CONSTANT (0x2345670000));
  g_assert_cmphex (get (f, 0x15) | get (f, 0x16) << 8, ==, 640);
  g_assert_cmphex (get (f, 0x17) | get (f, 0x18) << 8, ==, 0xffff);
  g_assert_cmphex (get (f, 0x30) | get (f, 0x31) << 8, ==, 0xffff);
  g_assert_cmphex (get (f, 0x34) | get (f, 0x35) << 8, ==, 0xbf00);
  g_assert_cmphex (get (f, 0x5b) | get (f, 0x5c) << 8 | get (f, 0x5d) << 16, ==, 0x234567);
  sv_cmos_rtc_set_memory (f->rtc, 8 << 20, 0);
  g_assert_cmphex (get (f, 0x17) | get (f, 0x18) << 8, ==, 7 * 1024);
  g_assert_cmphex (get (f, 0x34) | get (f, 0x35) << 8, ==, 0);
}

static void
test_nvram (Fixture *f, gconstpointer data)
{
  for (guint i = 0x0e; i < 0x80; i++)
    if (i != SV_CMOS_CENTURY)
      set (f, i, i ^ 0x55);
  sv_cmos_rtc_set_nvram (f->rtc, 0x7f, 0x99);
  sv_device_reset (SV_DEVICE (f->rtc));
  for (guint i = 0x0e; i < 0x7f; i++)
    if (i != SV_CMOS_CENTURY)
      g_assert_cmphex (get (f, i), ==, i ^ 0x55);
  /* The NMI mask is no part of the index. */
  g_assert_cmphex (get (f, 0xff), ==, 0x99);
  /* Read-only */
  set (f, SV_CMOS_D, 0);
  g_assert_cmphex (get (f, SV_CMOS_D), ==, 0x80);
  set (f, SV_CMOS_C, 0xff);
  g_assert_cmphex (get (f, SV_CMOS_C) & 0xaf, ==, 0);
}

static void
test_acpi (Fixture *f, gconstpointer data)
{
  /* EISAID ("PNP0B00"); IO (Decode16, 0x70, 0x70, 1, 2); IRQNoFlags {8} */
  static const guint8 pnp0b00[] = { 0x0c, 0x41, 0xd0, 0x0b, 0x00 };
  static const guint8 io[] = { 0x47, 0x01, 0x70, 0x00, 0x70, 0x00, 0x01, 0x02, 0x22, 0x00, 0x01 };
  g_autoptr (GByteArray) aml = g_byte_array_new ();
  SvAcpiDescribed *described = SV_ACPI_DESCRIBED (f->rtc);

  SV_ACPI_DESCRIBED_GET_IFACE (described)->build_aml (described, aml);
  g_assert_nonnull (memmem (aml->data, aml->len, pnp0b00, sizeof pnp0b00));
  g_assert_nonnull (memmem (aml->data, aml->len, io, sizeof io));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)
  ADD ("/cmos-rtc/time", test_time);
  ADD ("/cmos-rtc/calendar", test_calendar);
  ADD ("/cmos-rtc/set", test_set);
  ADD ("/cmos-rtc/set-nonsense", test_set_nonsense);
  ADD ("/cmos-rtc/update-in-progress", test_update_in_progress);
  ADD ("/cmos-rtc/flags", test_flags);
  ADD ("/cmos-rtc/update-interrupt", test_update_interrupt);
  ADD ("/cmos-rtc/alarm-interrupt", test_alarm_interrupt);
  ADD ("/cmos-rtc/periodic-interrupt", test_periodic_interrupt);
  ADD ("/cmos-rtc/next-alarm", test_next_alarm);
  ADD ("/cmos-rtc/memory", test_memory);
  ADD ("/cmos-rtc/nvram", test_nvram);
  ADD ("/cmos-rtc/acpi", test_acpi);
  return g_test_run ();
}
