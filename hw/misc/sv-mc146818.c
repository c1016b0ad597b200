/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/misc/sv-mc146818.h"

#include "hw/misc/sv-cmos-time.h"
#include "src/migration/sv-migration-values.h"

#define SECOND ((gint64)G_USEC_PER_SEC)

#define A_UIP 0x80
#define A_DIVIDER_RESET 0x60
#define A_RATE 0x0f
#define A_DEFAULT 0x26 /* 32768 Hz, 1024 periodic interrupts a second */
#define B_SET 0x80
#define B_INTERRUPTS 0x70 /* PIE, AIE, UIE: where C has PF, AF, UF */
#define B_SQUARE_WAVE 0x08
#define C_IRQF 0x80
#define C_PF 0x40
#define C_AF 0x20
#define C_UF 0x10
#define D_VALID 0x80
#define EQUIPMENT 0x14
#define EQUIPMENT_FPU 0x02

/* Before an update, UIP promises 244 us of quiet (MC146818A, update cycle). */
#define UIP_US 244
/*
 * With an exit for each register a driver may not make it within that time. What it reads after it
 * saw UIP clear is therefore one moment's time, this long.
 */
#define SNAPSHOT_US 5000

/* Time */

static gint64
get_fraction (gint64 time)
{
  gint64 rest = time % SECOND;

  return rest < 0 ? rest + SECOND : rest;
}

static gint64
get_seconds (gint64 time)
{
  return (time - get_fraction (time)) / SECOND;
}

static gboolean
is_stopped (SvMc146818 *self)
{
  return (self->registers[SV_CMOS_B] & B_SET) != 0
         || (self->registers[SV_CMOS_A] & A_DIVIDER_RESET) == A_DIVIDER_RESET;
}

/* The time registers are right from now on, the fraction of the second goes on. */
static void
adopt_registers (SvMc146818 *self, gint64 host)
{
  self->was_set = TRUE;
  gint64 time = host + self->offset;

  self->offset += sv_cmos_time_decode (self->registers) * SECOND + get_fraction (time) - time;
  self->snapshot_until = 0;
  self->flags_until = host + self->offset;
}

/* Interrupts: flags are worked out when somebody looks, timers run only for those that are enabled.
 */

#define CRYSTAL_HZ 32768

/* A period of the periodic interrupt is 2 to this power of the crystal's. Rates 1 and 2 are those of 8 and 9. */
static guint
rate_shift (guint rate)
{
  return rate <= 2 ? rate + 6 : rate - 1;
}

static gint64
count_crystal (gint64 time)
{
  return get_seconds (time) * CRYSTAL_HZ + get_fraction (time) * CRYSTAL_HZ / SECOND;
}

/* Periodic ticks since 1970, as register A says */
static gint64
count_ticks (SvMc146818 *self, gint64 time)
{
  guint rate = self->registers[SV_CMOS_A] & A_RATE;

  return rate == 0 ? 0 : count_crystal (time) >> rate_shift (rate);
}

static gint64
next_tick (guint rate, gint64 time)
{
  /* Multiplied: the guest may have set its clock to before 1970. */
  gint64 next = ((count_crystal (time) >> rate_shift (rate)) + 1) * (G_GINT64_CONSTANT (1) << rate_shift (rate));

  return next / CRYSTAL_HZ * SECOND + (next % CRYSTAL_HZ * SECOND + CRYSTAL_HZ - 1) / CRYSTAL_HZ;
}

static void
update_flags (SvMc146818 *self, gint64 host)
{
  gint64 from = self->flags_until;
  gint64 to = host + self->offset;
  guint8 flags = 0;

  self->flags_until = to;
  if (is_stopped (self) || to <= from)
    return;

  if (count_ticks (self, to) != count_ticks (self, from))
    flags |= C_PF;
  if (get_seconds (to) != get_seconds (from))
    {
      flags |= C_UF;
      if (sv_cmos_time_next_alarm (self->registers, get_seconds (from)) <= get_seconds (to))
        flags |= C_AF;
    }
  self->registers[SV_CMOS_C] |= flags;
}

gboolean
sv_mc146818_has_interrupt (const SvMc146818 *self)
{
  return (self->registers[SV_CMOS_C] & self->registers[SV_CMOS_B] & B_INTERRUPTS) != 0;
}

gint64
sv_mc146818_get_delay (SvMc146818 *self, gint64 host)
{
  gint64 time = host + self->offset;
  guint8 enabled = self->registers[SV_CMOS_B];
  guint rate = self->registers[SV_CMOS_A] & A_RATE;
  gint64 to_second = SECOND - get_fraction (time);
  gint64 delay = G_MAXINT64;

  /* Until the guest acknowledges an interrupt by reading C there cannot be another. */
  if (sv_mc146818_has_interrupt (self) || is_stopped (self))
    return -1;

  if ((enabled & C_PF) != 0 && rate != 0)
    delay = MIN (delay, next_tick (rate, time) - time);
  if ((enabled & C_UF) != 0)
    delay = MIN (delay, to_second);
  if ((enabled & C_AF) != 0)
    {
      gint64 alarm = sv_cmos_time_next_alarm (self->registers, get_seconds (time));

      if (alarm != G_MAXINT64)
        delay = MIN (delay, to_second + (alarm - get_seconds (time) - 1) * SECOND);
    }
  return delay == G_MAXINT64 ? -1 : delay;
}

/* Registers */

static guint8
read_time (SvMc146818 *self, guint index, gint64 host)
{
  gint64 time = host + self->offset;

  if (is_stopped (self))
    return self->registers[index];
  if (time < self->snapshot_until && time >= self->snapshot)
    time = self->snapshot;
  sv_cmos_time_encode (self->registers, get_seconds (time));
  return self->registers[index];
}

static guint8
read_a (SvMc146818 *self, gint64 host)
{
  gint64 time = host + self->offset;

  self->snapshot_until = 0;
  if (is_stopped (self))
    return self->registers[SV_CMOS_A];
  if (get_fraction (time) >= SECOND - UIP_US)
    return self->registers[SV_CMOS_A] | A_UIP;
  self->snapshot = time;
  self->snapshot_until = time + SNAPSHOT_US;
  return self->registers[SV_CMOS_A];
}

static guint8
read_c (SvMc146818 *self, gint64 host)
{
  guint8 value;

  update_flags (self, host);
  value = self->registers[SV_CMOS_C];
  if (sv_mc146818_has_interrupt (self))
    value |= C_IRQF;
  self->registers[SV_CMOS_C] = 0;
  self->snapshot_until = 0;
  return value;
}

static void
write_time (SvMc146818 *self, guint index, guint8 value, gint64 host)
{
  if (!is_stopped (self))
    sv_cmos_time_encode (self->registers, get_seconds (host + self->offset));
  self->registers[index] = value;
  if (!is_stopped (self))
    adopt_registers (self, host);
}

/* @index is A or B: together they say whether the clock runs. */
static void
write_control (SvMc146818 *self, guint index, guint8 value, gint64 host)
{
  gboolean was_stopped = is_stopped (self);
  gboolean was_reset = (self->registers[SV_CMOS_A] & A_DIVIDER_RESET) == A_DIVIDER_RESET;

  update_flags (self, host);
  if (!was_stopped)
    sv_cmos_time_encode (self->registers, get_seconds (host + self->offset));
  self->registers[index] = value;
  /* A divider that was reset makes its first update half a second later. */
  if (was_reset && (self->registers[SV_CMOS_A] & A_DIVIDER_RESET) != A_DIVIDER_RESET)
    self->offset += SECOND / 2 - get_fraction (host + self->offset);
  if (was_stopped && !is_stopped (self))
    adopt_registers (self, host);
}

void
sv_mc146818_init (SvMc146818 *self, gint64 host)
{
  *self = (SvMc146818){ .flags_until = host };
  self->registers[SV_CMOS_A] = A_DEFAULT;
  self->registers[SV_CMOS_B] = SV_CMOS_B_24H;
  self->registers[EQUIPMENT] = EQUIPMENT_FPU;
}

void
sv_mc146818_reset (SvMc146818 *self, gint64 host)
{
  self->registers[SV_CMOS_B] &= ~(B_INTERRUPTS | B_SQUARE_WAVE);
  self->registers[SV_CMOS_C] = 0;
  self->flags_until = host + self->offset;
}

void
sv_mc146818_run (SvMc146818 *self, gint64 host)
{
  update_flags (self, host);
}

guint8
sv_mc146818_read (SvMc146818 *self, guint index, gint64 host)
{
  if (sv_cmos_time_is_register (index))
    return read_time (self, index, host);

  switch (index)
    {
    case SV_CMOS_A:
      return read_a (self, host);
    case SV_CMOS_C:
      return read_c (self, host);
    case SV_CMOS_D:
      return D_VALID;
    default:
      return self->registers[index];
    }
}

void
sv_mc146818_write (SvMc146818 *self, guint index, guint8 value, gint64 host)
{
  if (sv_cmos_time_is_register (index))
    write_time (self, index, value, host);
  else if (index == SV_CMOS_A)
    write_control (self, SV_CMOS_A, value & ~A_UIP, host);
  else if (index == SV_CMOS_B)
    write_control (self, SV_CMOS_B, value, host);
  else if (index != SV_CMOS_C && index != SV_CMOS_D)
    {
      if (index <= SV_CMOS_HOURS_ALARM)
        update_flags (self, host);
      self->registers[index] = value;
    }
}

/* State */

GVariant *
sv_mc146818_dup_state (const SvMc146818 *self, gint64 host)
{
  return g_variant_new ("(@ayxxxx)", sv_migration_new_bytes (self->registers, sizeof self->registers),
                        host + self->offset, self->snapshot, self->snapshot_until, self->flags_until);
}

gboolean
sv_mc146818_load_state (SvMc146818 *self, GVariant *state, gint64 host, gint64 elapsed, GError **error)
{
  static const char *const names[] = { "time", "snapshot", "end of snapshot", "time of the flags" };
  g_autoptr (GVariant) registers = NULL;
  SvMc146818 loaded = { 0 };
  gint64 times[4];

  g_variant_get (state, "(@ayxxxx)", &registers, &times[0], &times[1], &times[2], &times[3]);
  for (guint i = 0; i < G_N_ELEMENTS (times); i++)
    if (!sv_migration_check_range (names[i], times[i], -SV_MC146818_MAX_TIME, SV_MC146818_MAX_TIME, error))
      return FALSE;
  if (!sv_migration_get_bytes ("registers", registers, loaded.registers, sizeof loaded.registers, error)
      || !sv_migration_check_bits ("register A", loaded.registers[SV_CMOS_A], (guint8)~A_UIP, error)
      || !sv_migration_check_bits ("register C", loaded.registers[SV_CMOS_C], C_PF | C_AF | C_UF, error))
    return FALSE;
  loaded.offset = times[0] + elapsed - host;
  loaded.snapshot = times[1];
  loaded.snapshot_until = times[2];
  loaded.flags_until = times[3];
  *self = loaded;
  return TRUE;
}
