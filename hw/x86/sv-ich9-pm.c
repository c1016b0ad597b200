/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-ich9-pm.h"

#include "src/migration/sv-migration-values.h"
#include "src/runtime/sv-clock.h"

#define PM1_STATUS SV_ICH9_PM1_EVENT
#define PM1_ENABLE (SV_ICH9_PM1_EVENT + 2)
#define PM1_CONTROL_END (SV_ICH9_PM1_CONTROL + 4)

#define EVENTS 0x0721u /* timer, global, power button, sleep button, RTC */

#define CONTROL_SCI_ENABLE 0x0001u
#define CONTROL_WRITABLE 0x1c06u /* sleep type, global lock, bus master reload */
#define CONTROL_SLEEP_ENABLE 0x2000u
#define CONTROL_SLEEP_TYPE(value) ((value) >> 10 & 7u)

#define TIMER_HZ 3579545
#define TIMER_MAX_US ((gint64)G_MAXUINT32 * G_USEC_PER_SEC)
#define NS_PER_US 1000

struct _SvIch9Pm
{
  SvMachine *machine;
  SvIrq *sci;
  SvMemoryRegion *region;

  guint16 status;
  guint16 enable;
  guint16 control;
  guint8 gpe0[SV_ICH9_GPE0_SIZE]; /* status and enable: nothing raises any */
  gboolean asserted;
  gint64 timer_start;
};

static void
update_sci (SvIch9Pm *self)
{
  gboolean level = (self->status & self->enable) != 0;

  if (level == self->asserted)
    return;
  self->asserted = level;
  sv_irq_set (self->sci, level);
}

static guint32
read_timer (SvIch9Pm *self)
{
  gint64 elapsed = sv_clock_get_ns () / NS_PER_US - self->timer_start;

  return (guint32)(elapsed / G_USEC_PER_SEC * TIMER_HZ
                   + elapsed % G_USEC_PER_SEC * TIMER_HZ / G_USEC_PER_SEC);
}

static guint32
read_dword (SvIch9Pm *self, guint offset)
{
  guint32 value = 0;

  switch (offset)
    {
    case SV_ICH9_PM1_EVENT:
      return self->status | (guint32)self->enable << 16;
    case SV_ICH9_PM1_CONTROL:
      return self->control;
    case SV_ICH9_PM_TIMER:
      return read_timer (self);
    default:
      break;
    }
  for (guint i = 0; offset >= SV_ICH9_GPE0 && offset < SV_ICH9_GPE0 + SV_ICH9_GPE0_SIZE && i < 4;
       i++)
    value |= (guint32)self->gpe0[offset - SV_ICH9_GPE0 + i] << 8 * i;
  return value;
}

static guint64
pm_read (gpointer opaque, guint64 offset, guint size)
{
  guint at = (guint)offset;

  if (at % 4 + size > 4)
    return G_MAXUINT64;
  return read_dword (opaque, at & ~3u) >> 8 * (at % 4);
}

static void
write_control (SvIch9Pm *self, guint16 value)
{
  guint type = CONTROL_SLEEP_TYPE (value);

  self->control = (value & CONTROL_WRITABLE) | CONTROL_SCI_ENABLE;
  /* Firmware that knows the chipset only uses 0 or 7. There is no other sleep. */
  if ((value & CONTROL_SLEEP_ENABLE) != 0
      && (type == 0 || type == SV_ICH9_PM_SLEEP_TYPE_OFF || type == 7))
    sv_machine_request_shutdown (self->machine, SV_SHUTDOWN_CAUSE_GUEST_SHUTDOWN);
}

static void
write_byte (SvIch9Pm *self, guint offset, guint8 value)
{
  guint shift = 8 * (offset & 1);

  if (offset < PM1_ENABLE)
    self->status &= ~(value << shift);
  else if (offset < SV_ICH9_PM1_CONTROL)
    self->enable = ((self->enable & ~(0xff << shift)) | value << shift) & EVENTS;
  else if (offset >= SV_ICH9_GPE0 + SV_ICH9_GPE0_SIZE / 2
           && offset < SV_ICH9_GPE0 + SV_ICH9_GPE0_SIZE)
    self->gpe0[offset - SV_ICH9_GPE0] = value;
}

static void
pm_write (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  SvIch9Pm *self = opaque;

  if (offset == SV_ICH9_PM1_CONTROL && size >= 2)
    write_control (self, (guint16)value);
  else if (offset == SV_ICH9_PM1_CONTROL + 1 && size == 1)
    write_control (self, (guint16)(value << 8 | (self->control & 0xff)));
  else if (offset < SV_ICH9_PM1_CONTROL || offset >= PM1_CONTROL_END)
    for (guint i = 0; i < size; i++)
      write_byte (self, (guint)offset + i, (guint8)(value >> 8 * i));
  update_sci (self);
}

/**
 * sv_ich9_pm_new: (skip)
 * @machine: the machine that can be switched off
 * @sci: (transfer none): the system control interrupt
 *
 * Returns: (transfer full): the registers
 */
SvIch9Pm *
sv_ich9_pm_new (SvMachine *machine, SvIrq *sci)
{
  static const SvMemoryRegionOps ops
      = { .read = pm_read, .write = pm_write, .min_access = 1, .max_access = 4 };
  SvIch9Pm *self = g_new0 (SvIch9Pm, 1);

  self->machine = machine;
  self->sci = sv_irq_ref (sci);
  self->region = sv_memory_region_new_io ("ich9-pm", SV_ICH9_PM_SIZE, &ops, self);
  sv_ich9_pm_reset (self);
  return self;
}

void
sv_ich9_pm_free (SvIch9Pm *self)
{
  g_clear_object (&self->region);
  sv_irq_unref (self->sci);
  g_free (self);
}

/**
 * sv_ich9_pm_get_region: (skip)
 * @self: the registers
 *
 * Returns: (transfer none): %SV_ICH9_PM_SIZE ports
 */
SvMemoryRegion *
sv_ich9_pm_get_region (SvIch9Pm *self)
{
  return self->region;
}

void
sv_ich9_pm_reset (SvIch9Pm *self)
{
  self->status = self->enable = 0;
  self->control = CONTROL_SCI_ENABLE;
  memset (self->gpe0, 0, sizeof self->gpe0);
  self->timer_start = sv_clock_get_ns () / NS_PER_US;
  update_sci (self);
}

GVariant *
sv_ich9_pm_dup_state (SvIch9Pm *self)
{
  return g_variant_new ("(qqq@ayx)", self->status, self->enable, self->control,
                        sv_migration_new_bytes (self->gpe0, sizeof self->gpe0),
                        sv_clock_get_ns () / NS_PER_US - self->timer_start);
}

gboolean
sv_ich9_pm_load_state (SvIch9Pm *self, GVariant *state, GError **error)
{
  g_autoptr (GVariant) gpe0 = NULL;
  gint64 elapsed;

  g_variant_get (state, "(qqq@ayx)", &self->status, &self->enable, &self->control, &gpe0, &elapsed);
  if (!sv_migration_check_bits ("PM1 status", self->status, EVENTS, error)
      || !sv_migration_check_bits ("PM1 enable", self->enable, EVENTS, error)
      || !sv_migration_check_bits ("PM1 control", self->control, CONTROL_WRITABLE | CONTROL_SCI_ENABLE, error)
      || !sv_migration_get_bytes ("general purpose events", gpe0, self->gpe0, sizeof self->gpe0, error)
      || !sv_migration_check_range ("time of the PM timer", elapsed, 0, TIMER_MAX_US, error))
    return FALSE;
  self->timer_start = sv_clock_get_ns () / NS_PER_US - elapsed;
  return TRUE;
}

void
sv_ich9_pm_loaded (SvIch9Pm *self)
{
  update_sci (self);
}
