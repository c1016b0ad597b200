/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/misc/sv-cmos-rtc.h"

#include "hw/acpi/sv-acpi-build.h"
#include "hw/acpi/sv-aml.h"
#include "hw/core/sv-machine.h"
#include "hw/core/sv-rtc-base.h"
#include "hw/misc/sv-cmos-time.h"
#include "hw/misc/sv-mc146818.h"
#include "src/migration/sv-migration-values.h"
#include "src/runtime/sv-clock.h"

#define PORTS 2
#define DEFAULT_IRQ 8
#define NS_PER_US 1000
#define US_PER_S G_USEC_PER_SEC

struct _SvCmosRtc
{
  SvIsaDevice parent_instance;

  guint irq_number;

  SvMemoryRegion *region;
  char *base;
  SvRtcClock clock_kind;
  SvRtcSource source;
  SvCmosRtcClock clock; /* instead of the source; NULL: none */
  gpointer clock_opaque;

  SvMc146818 chip;
  guint8 index;
  SvTimer *timer;
  GSource *tell; /* that the guest set the time; NULL: nothing to tell */
};

enum
{
  PROP_0,
  PROP_IRQ,
  PROP_BASE,
  PROP_CLOCK,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

static void sv_cmos_rtc_described_init (SvAcpiDescribedInterface *iface);
static const SvMigratableState migration;

G_DEFINE_FINAL_TYPE_WITH_CODE (SvCmosRtc,
                               sv_cmos_rtc,
                               SV_TYPE_ISA_DEVICE,
                               G_IMPLEMENT_INTERFACE (SV_TYPE_ACPI_DESCRIBED,
                                                      sv_cmos_rtc_described_init)
                               SV_MIGRATABLE_STATE (&migration))

static gint64
get_host (SvCmosRtc *self)
{
  return self->clock != NULL ? self->clock (self->clock_opaque) : sv_rtc_source_get (&self->source);
}

/* Timers run only for interrupts that are enabled and acknowledged. */
static void
settle (SvCmosRtc *self)
{
  gint64 delay = sv_mc146818_get_delay (&self->chip, get_host (self));

  sv_isa_device_set_level (SV_ISA_DEVICE (self), sv_mc146818_has_interrupt (&self->chip));
  if (self->timer != NULL)
    sv_timer_set (self->timer, delay < 0 ? -1 : sv_clock_get_ns () + delay * NS_PER_US);
}

static void
on_timer (gpointer opaque)
{
  SvCmosRtc *self = opaque;

  sv_mc146818_run (&self->chip, get_host (self));
  settle (self);
}

/* On the main thread, as all events are */
static gboolean
tell (gpointer opaque)
{
  SvCmosRtc *self = opaque;
  SvMachine *machine = sv_device_get_machine (SV_DEVICE (self));
  const gint64 base = get_host (self);
  g_autoptr (JsonObject) data = json_object_new ();
  g_autofree char *path = sv_object_dup_path (SV_OBJECT (self));

  g_clear_pointer (&self->tell, g_source_unref);
  json_object_set_int_member (data, "offset", (base + self->chip.offset) / US_PER_S - base / US_PER_S);
  json_object_set_string_member (data, "qom-path", path);
  if (machine != NULL)
    sv_machine_emit_device_event (machine, "RTC_CHANGE", data);
  return G_SOURCE_REMOVE;
}

static void
check_set (SvCmosRtc *self)
{
  if (!self->chip.was_set)
    return;
  self->chip.was_set = FALSE;
  if (self->tell != NULL)
    return;
  self->tell = g_idle_source_new ();
  g_source_set_priority (self->tell, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->tell, tell, self, NULL);
  g_source_attach (self->tell, NULL);
}

static guint64
sv_cmos_rtc_read (gpointer opaque, guint64 offset, guint size)
{
  SvCmosRtc *self = opaque;
  guint8 value;

  if (offset == 0)
    return 0xff;
  value = sv_mc146818_read (&self->chip, self->index, get_host (self));
  if (self->index == SV_CMOS_C)
    settle (self);
  return value;
}

static void
sv_cmos_rtc_write (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  SvCmosRtc *self = opaque;

  if (offset == 0)
    {
      /* The highest bit masks the NMI, which nothing here raises. */
      self->index = value & (SV_MC146818_N_REGISTERS - 1);
      return;
    }

  sv_mc146818_write (&self->chip, self->index, value & 0xff, get_host (self));
  if (self->index <= SV_CMOS_B || self->index == SV_CMOS_CENTURY)
    settle (self);
  check_set (self);
}

static const SvMemoryRegionOps sv_cmos_rtc_ops = {
  .read = sv_cmos_rtc_read,
  .write = sv_cmos_rtc_write,
  .min_access = 1,
  .max_access = 1,
};

static gboolean
sv_cmos_rtc_realize (SvDevice *device, GError **error)
{
  SvCmosRtc *self = SV_CMOS_RTC (device);
  SvIsaDevice *isa = SV_ISA_DEVICE (device);
  gint64 start;

  if (!sv_rtc_base_resolve (self->base, sv_clock_get_real_us (), &start, error))
    return FALSE;
  sv_rtc_source_start (&self->source, self->clock_kind, start);
  if (self->irq_number != 0 && !sv_isa_device_connect_irq (isa, self->irq_number, error))
    return FALSE;
  sv_isa_device_map (isa, SV_CMOS_RTC_PORT, self->region);

  self->timer = sv_timer_new ("rtc", NULL, on_timer, self);
  return TRUE;
}

static void
sv_cmos_rtc_unrealize (SvDevice *device)
{
  SvCmosRtc *self = SV_CMOS_RTC (device);

  g_clear_pointer (&self->timer, sv_timer_free);
  if (self->tell != NULL)
    g_source_destroy (self->tell);
  g_clear_pointer (&self->tell, g_source_unref);

  SV_DEVICE_CLASS (sv_cmos_rtc_parent_class)->unrealize (device);
}

static void
sv_cmos_rtc_quiesce (SvDevice *device)
{
  sv_rtc_source_stop (&SV_CMOS_RTC (device)->source);
}

static void
sv_cmos_rtc_resume (SvDevice *device)
{
  sv_rtc_source_resume (&SV_CMOS_RTC (device)->source);
  settle (SV_CMOS_RTC (device));
}

static void
sv_cmos_rtc_reset (SvDevice *device)
{
  SvCmosRtc *self = SV_CMOS_RTC (device);

  self->index = 0;
  sv_mc146818_reset (&self->chip, get_host (self));
  settle (self);
}

/* --- state --- */

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  SvCmosRtc *self = SV_CMOS_RTC (migratable);

  return g_variant_new ("(y@(ayxxxx)x)", self->index, sv_mc146818_dup_state (&self->chip, get_host (self)),
                        sv_clock_get_real_us ());
}

/* Only a clock that stands while the VM does has stood since. */
static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  SvCmosRtc *self = SV_CMOS_RTC (migratable);
  g_autoptr (GVariant) chip = NULL;
  gint64 saved, elapsed;

  g_variant_get (state, "(y@(ayxxxx)x)", &self->index, &chip, &saved);
  if (!sv_migration_check_range ("index", self->index, 0, SV_MC146818_N_REGISTERS - 1, error)
      || !sv_migration_check_range ("time of saving", saved, 0, SV_MC146818_MAX_TIME, error))
    return FALSE;
  elapsed = self->clock_kind == SV_RTC_CLOCK_VM ? 0 : MAX (0, sv_clock_get_real_us () - saved);
  return sv_mc146818_load_state (&self->chip, chip, get_host (self), elapsed, error);
}

static gboolean
state_loaded (SvMigratable *migratable, GError **error)
{
  settle (SV_CMOS_RTC (migratable));
  return TRUE;
}

static const SvMigratableState migration = {
  .types = (const char *const[]){ "(y(ayxxxx)x)", NULL }, /* index, chip with its time, when that was */
  .dup = dup_state,
  .load = load_state,
  .loaded = state_loaded,
};

static void
sv_cmos_rtc_build_aml (SvAcpiDescribed *described, GByteArray *scope)
{
  SvCmosRtc *self = SV_CMOS_RTC (described);
  guint device = sv_aml_begin_device (scope, "RTC");
  guint resources;

  sv_aml_name_eisaid (scope, "_HID", "PNP0B00");
  sv_aml_name (scope, "_CRS");
  resources = sv_aml_begin_resources (scope);
  sv_aml_resource_io (scope, SV_CMOS_RTC_PORT, PORTS);
  if (sv_isa_device_has_irq (SV_ISA_DEVICE (self)))
    sv_aml_resource_irq (scope, self->irq_number);
  sv_aml_end_resources (scope, resources);
  sv_aml_end (scope, device);
}

static void
sv_cmos_rtc_described_init (SvAcpiDescribedInterface *iface)
{
  iface->build_aml = sv_cmos_rtc_build_aml;
}

static void
sv_cmos_rtc_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  SvCmosRtc *self = SV_CMOS_RTC (object);

  switch (prop_id)
    {
    case PROP_IRQ:
      self->irq_number = g_value_get_uint (value);
      break;
    case PROP_BASE:
      g_free (self->base);
      self->base = g_value_dup_string (value);
      break;
    case PROP_CLOCK:
      self->clock_kind = g_value_get_enum (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
sv_cmos_rtc_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SvCmosRtc *self = SV_CMOS_RTC (object);

  switch (prop_id)
    {
    case PROP_IRQ:
      g_value_set_uint (value, self->irq_number);
      break;
    case PROP_BASE:
      g_value_set_string (value, self->base);
      break;
    case PROP_CLOCK:
      g_value_set_enum (value, self->clock_kind);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
sv_cmos_rtc_finalize (GObject *object)
{
  SvCmosRtc *self = SV_CMOS_RTC (object);

  g_clear_object (&self->region);
  g_free (self->base);

  G_OBJECT_CLASS (sv_cmos_rtc_parent_class)->finalize (object);
}

static void
sv_cmos_rtc_class_init (SvCmosRtcClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);

  object_class->set_property = sv_cmos_rtc_set_property;
  object_class->get_property = sv_cmos_rtc_get_property;
  object_class->finalize = sv_cmos_rtc_finalize;

  device_class->realize = sv_cmos_rtc_realize;
  device_class->unrealize = sv_cmos_rtc_unrealize;
  device_class->reset = sv_cmos_rtc_reset;
  device_class->quiesce = sv_cmos_rtc_quiesce;
  device_class->resume = sv_cmos_rtc_resume;
  device_class->category = "misc";
  device_class->description = "Real time clock and CMOS memory of a PC";

  props[PROP_IRQ] = g_param_spec_uint ("irq", "irq", "ISA interrupt; 0: none", 0, G_MAXUINT8,
                                       DEFAULT_IRQ, SV_PARAM_RW_WIRING);
  props[PROP_BASE] = g_param_spec_string (
      "base", "base", "Time at the start: 'utc', 'localtime', or a date as 2026-01-31T12:00:00", "utc", SV_PARAM_RW_WIRING);
  props[PROP_CLOCK] = g_param_spec_enum (
      "clock", "clock", "What it goes by: the host's time of day, time that nobody sets, or the same while the VM runs",
      SV_TYPE_RTC_CLOCK, SV_RTC_CLOCK_HOST, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_cmos_rtc_init (SvCmosRtc *self)
{
  self->irq_number = DEFAULT_IRQ;
  self->base = g_strdup ("utc");
  self->region = sv_memory_region_new_io ("rtc", PORTS, &sv_cmos_rtc_ops, self);
  /* The index has no effect before the data port is accessed: KVM may keep it until then. */
  sv_memory_region_set_coalesced (self->region, 0, 1);
  sv_mc146818_init (&self->chip, get_host (self));
}

static void
set_word (SvCmosRtc *self, guint index, guint64 value)
{
  value = MIN (value, G_MAXUINT16);
  self->chip.registers[index] = value & 0xff;
  self->chip.registers[index + 1] = value >> 8;
}

/**
 * sv_cmos_rtc_set_memory:
 * @self: a clock
 * @below_4g: RAM below 4 GiB, in bytes, from address 0
 * @above_4g: RAM from 4 GiB on, in bytes
 *
 * Fills the bytes in which firmware tells how much memory a PC has.
 */
void
sv_cmos_rtc_set_memory (SvCmosRtc *self, guint64 below_4g, guint64 above_4g)
{
  guint64 above_1m = below_4g > 0x100000 ? (below_4g - 0x100000) >> 10 : 0;
  guint64 above_16m = below_4g > 0x1000000 ? (below_4g - 0x1000000) >> 16 : 0;

  g_return_if_fail (SV_IS_CMOS_RTC (self));

  set_word (self, 0x15, 640);
  set_word (self, 0x17, above_1m);
  set_word (self, 0x30, above_1m);
  set_word (self, 0x34, above_16m);
  set_word (self, 0x5b, (above_4g >> 16) & G_MAXUINT16);
  self->chip.registers[0x5d] = (above_4g >> 32) & 0xff;
}

/**
 * sv_cmos_rtc_set_nvram:
 * @self: a clock
 * @index: from 0x0e to 0x7f
 * @value: what the guest reads there
 *
 * Fills a byte of the battery-backed memory.
 */
void
sv_cmos_rtc_set_nvram (SvCmosRtc *self, guint index, guint8 value)
{
  g_return_if_fail (SV_IS_CMOS_RTC (self));
  g_return_if_fail (index > SV_CMOS_D && index < SV_MC146818_N_REGISTERS);

  self->chip.registers[index] = value;
}

/**
 * sv_cmos_rtc_set_clock: (skip)
 * @self: a clock
 * @clock: tells the host's time
 * @opaque: passed to @clock
 *
 * Replaces the host's clock.
 */
void
sv_cmos_rtc_set_clock (SvCmosRtc *self, SvCmosRtcClock clock, gpointer opaque)
{
  g_return_if_fail (SV_IS_CMOS_RTC (self));

  self->clock = clock;
  self->clock_opaque = opaque;
}
