/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/misc/sv-cmos-rtc.h"

#include "hw/acpi/sv-acpi-build.h"
#include "hw/acpi/sv-aml.h"
#include "hw/core/sv-isa-bus.h"
#include "hw/misc/sv-cmos-time.h"

#define N_REGISTERS 128
#define PORTS 2
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
#define DEFAULT_IRQ 8

/* Before an update, UIP promises 244 us of quiet (MC146818A, update cycle). */
#define UIP_US 244
/*
 * With an exit for each register a driver may not make it within that time. What it reads after it
 * saw UIP clear is therefore one moment's time, this long.
 */
#define SNAPSHOT_US 5000

struct _SvCmosRtc
{
  SvDevice parent_instance;

  guint irq_number;

  SvIrq *irq;
  SvMemoryRegion *region;
  SvIsaBus *bus; /* not referenced: where the registers are mapped */
  SvCmosRtcClock clock;
  gpointer clock_opaque;

  guint8 registers[N_REGISTERS]; /* those of the time only count while the clock stands */
  guint8 index;
  gint64 offset;         /* guest's time minus host's, microseconds */
  gint64 snapshot;       /* guest's time */
  gint64 snapshot_until; /* by the guest's clock; 0: none */
  gint64 flags_until;    /* guest's time up to which register C is worked out */
  gboolean irq_level;
  GSource *timer;
};

enum
{
  PROP_0,
  PROP_IRQ,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

static void sv_cmos_rtc_described_init (SvAcpiDescribedInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SvCmosRtc,
                               sv_cmos_rtc,
                               SV_TYPE_DEVICE,
                               G_IMPLEMENT_INTERFACE (SV_TYPE_ACPI_DESCRIBED,
                                                      sv_cmos_rtc_described_init))

/* Time */

static gint64
get_time (SvCmosRtc *self)
{
  return self->clock (self->clock_opaque) + self->offset;
}

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
is_stopped (SvCmosRtc *self)
{
  return (self->registers[SV_CMOS_B] & B_SET) != 0
         || (self->registers[SV_CMOS_A] & A_DIVIDER_RESET) == A_DIVIDER_RESET;
}

/* The time registers are right from now on, the fraction of the second goes on. */
static void
adopt_registers (SvCmosRtc *self)
{
  gint64 time = get_time (self);

  self->offset += sv_cmos_time_decode (self->registers) * SECOND + get_fraction (time) - time;
  self->snapshot_until = 0;
  self->flags_until = get_time (self);
}

/* Interrupts: flags are worked out when somebody looks, timers run only for those that are enabled.
 */

/* Periodic ticks since 1970 at 32768 Hz, divided as register A says */
static gint64
count_ticks (SvCmosRtc *self, gint64 time)
{
  guint rate = self->registers[SV_CMOS_A] & A_RATE;
  gint64 base = get_seconds (time) * 32768 + get_fraction (time) * 32768 / SECOND;

  if (rate == 0)
    return 0;
  /* Rates 1 and 2 are those of 8 and 9. */
  return base >> (rate <= 2 ? rate + 6 : rate - 1);
}

static void
update_flags (SvCmosRtc *self)
{
  gint64 from = self->flags_until;
  gint64 to = get_time (self);
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

static gboolean
is_interrupting (SvCmosRtc *self)
{
  return (self->registers[SV_CMOS_C] & self->registers[SV_CMOS_B] & B_INTERRUPTS) != 0;
}

/* Microseconds until the next event that is enabled, from @time on; -1: none */
static gint64
get_delay (SvCmosRtc *self, gint64 time)
{
  guint8 enabled = self->registers[SV_CMOS_B];
  guint rate = self->registers[SV_CMOS_A] & A_RATE;
  gint64 to_second = SECOND - get_fraction (time);
  gint64 delay = G_MAXINT64;

  if ((enabled & C_PF) != 0 && rate != 0)
    {
      gint64 period = (SECOND << (rate <= 2 ? rate + 6 : rate - 1)) / 32768;

      delay = MIN (delay, period - get_fraction (time) % MAX (period, 1) + 1);
    }
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

/* Until the guest acknowledges an interrupt by reading C there cannot be another: no timer is
 * needed then. */
static void
settle (SvCmosRtc *self)
{
  gboolean level = is_interrupting (self);
  gint64 delay = level || is_stopped (self) ? -1 : get_delay (self, get_time (self));

  if (level != self->irq_level)
    {
      self->irq_level = level;
      if (self->irq != NULL)
        sv_irq_set (self->irq, level);
    }
  if (self->timer != NULL)
    g_source_set_ready_time (self->timer, delay < 0 ? -1 : g_get_monotonic_time () + delay);
}

static gboolean
on_timer (gpointer user_data)
{
  SvCmosRtc *self = user_data;

  update_flags (self);
  settle (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_timer (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs timer_funcs = {
  .dispatch = dispatch_timer,
};

/* Registers */

static guint8
read_time (SvCmosRtc *self, guint index)
{
  gint64 time = get_time (self);

  if (is_stopped (self))
    return self->registers[index];
  if (time < self->snapshot_until && time >= self->snapshot)
    time = self->snapshot;
  sv_cmos_time_encode (self->registers, get_seconds (time));
  return self->registers[index];
}

static guint8
read_a (SvCmosRtc *self)
{
  gint64 time = get_time (self);

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
read_c (SvCmosRtc *self)
{
  guint8 value;

  update_flags (self);
  value = self->registers[SV_CMOS_C];
  if (is_interrupting (self))
    value |= C_IRQF;
  self->registers[SV_CMOS_C] = 0;
  self->snapshot_until = 0;
  settle (self);
  return value;
}

static guint64
sv_cmos_rtc_read (gpointer opaque, guint64 offset, guint size)
{
  SvCmosRtc *self = opaque;

  if (offset == 0)
    return 0xff;
  if (sv_cmos_time_is_register (self->index))
    return read_time (self, self->index);

  switch (self->index)
    {
    case SV_CMOS_A:
      return read_a (self);
    case SV_CMOS_C:
      return read_c (self);
    case SV_CMOS_D:
      return D_VALID;
    default:
      return self->registers[self->index];
    }
}

static void
write_time (SvCmosRtc *self, guint index, guint8 value)
{
  if (!is_stopped (self))
    sv_cmos_time_encode (self->registers, get_seconds (get_time (self)));
  self->registers[index] = value;
  if (!is_stopped (self))
    adopt_registers (self);
}

/* @index is A or B: together they say whether the clock runs. */
static void
write_control (SvCmosRtc *self, guint index, guint8 value)
{
  gboolean was_stopped = is_stopped (self);
  gboolean was_reset = (self->registers[SV_CMOS_A] & A_DIVIDER_RESET) == A_DIVIDER_RESET;

  update_flags (self);
  if (!was_stopped)
    sv_cmos_time_encode (self->registers, get_seconds (get_time (self)));
  self->registers[index] = value;
  /* A divider that was reset makes its first update half a second later. */
  if (was_reset && (self->registers[SV_CMOS_A] & A_DIVIDER_RESET) != A_DIVIDER_RESET)
    self->offset += SECOND / 2 - get_fraction (get_time (self));
  if (was_stopped && !is_stopped (self))
    adopt_registers (self);
}

static void
sv_cmos_rtc_write (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  SvCmosRtc *self = opaque;
  guint8 byte = value & 0xff;

  if (offset == 0)
    {
      /* The highest bit masks the NMI, which nothing here raises. */
      self->index = byte & (N_REGISTERS - 1);
      return;
    }

  if (sv_cmos_time_is_register (self->index))
    write_time (self, self->index, byte);
  else if (self->index == SV_CMOS_A)
    write_control (self, SV_CMOS_A, byte & ~A_UIP);
  else if (self->index == SV_CMOS_B)
    write_control (self, SV_CMOS_B, byte);
  else if (self->index != SV_CMOS_C && self->index != SV_CMOS_D)
    {
      if (self->index <= SV_CMOS_HOURS_ALARM)
        update_flags (self);
      self->registers[self->index] = byte;
    }
  if (self->index <= SV_CMOS_B || self->index == SV_CMOS_CENTURY)
    settle (self);
}

static const SvMemoryRegionOps sv_cmos_rtc_ops = {
  .read = sv_cmos_rtc_read,
  .write = sv_cmos_rtc_write,
  .min_access = 1,
  .max_access = 1,
};

/* Device */

static gint64
get_host_time (gpointer opaque)
{
  return g_get_real_time ();
}

static gboolean
sv_cmos_rtc_realize (SvDevice *device, GError **error)
{
  SvCmosRtc *self = SV_CMOS_RTC (device);
  SvBus *bus = sv_device_get_bus (device);

  if (bus != NULL)
    {
      SvIrq *irq = sv_isa_bus_get_irq (SV_ISA_BUS (bus), self->irq_number);

      if (irq == NULL)
        {
          g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                       "mc146818rtc: the ISA bus has no interrupt %u: 0 to %d are possible",
                       self->irq_number, SV_ISA_N_IRQS - 1);
          return FALSE;
        }
      if (self->irq_number != 0)
        sv_cmos_rtc_set_irq (self, irq);
      self->bus = SV_ISA_BUS (bus);
      sv_isa_bus_map (self->bus, SV_CMOS_RTC_PORT, self->region);
    }

  self->flags_until = get_time (self);
  self->timer = g_source_new (&timer_funcs, sizeof (GSource));
  g_source_set_callback (self->timer, on_timer, self, NULL);
  g_source_attach (self->timer, NULL);
  return TRUE;
}

static void
sv_cmos_rtc_unrealize (SvDevice *device)
{
  SvCmosRtc *self = SV_CMOS_RTC (device);

  if (self->bus != NULL)
    sv_isa_bus_unmap (self->bus, self->region);
  self->bus = NULL;
  g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);
}

/* The clock and the memory have a battery. */
static void
sv_cmos_rtc_reset (SvDevice *device)
{
  SvCmosRtc *self = SV_CMOS_RTC (device);

  self->index = 0;
  self->registers[SV_CMOS_B] &= ~(B_INTERRUPTS | B_SQUARE_WAVE);
  self->registers[SV_CMOS_C] = 0;
  self->flags_until = get_time (self);
  settle (self);
}

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
  if (self->irq != NULL)
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
  g_clear_pointer (&self->irq, sv_irq_unref);

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
  device_class->bus_type = SV_TYPE_ISA_BUS;
  device_class->category = "misc";
  device_class->description = "Real time clock and CMOS memory of a PC";

  props[PROP_IRQ] = g_param_spec_uint ("irq", "irq", "ISA interrupt; 0: none", 0, G_MAXUINT8,
                                       DEFAULT_IRQ, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_cmos_rtc_init (SvCmosRtc *self)
{
  self->irq_number = DEFAULT_IRQ;
  self->clock = get_host_time;
  self->region = sv_memory_region_new_io ("rtc", PORTS, &sv_cmos_rtc_ops, self);
  /* The index has no effect before the data port is accessed: KVM may keep it until then. */
  sv_memory_region_set_coalesced (self->region, 0, 1);
  self->registers[SV_CMOS_A] = A_DEFAULT;
  self->registers[SV_CMOS_B] = SV_CMOS_B_24H;
  self->registers[EQUIPMENT] = EQUIPMENT_FPU;
}

/**
 * sv_cmos_rtc_get_region:
 * @self: a clock
 *
 * Returns: (transfer none): ports 0x70 and 0x71, for a machine that maps them itself
 */
SvMemoryRegion *
sv_cmos_rtc_get_region (SvCmosRtc *self)
{
  g_return_val_if_fail (SV_IS_CMOS_RTC (self), NULL);

  return self->region;
}

/**
 * sv_cmos_rtc_set_irq: (skip)
 * @self: a clock
 * @irq: interrupt line; referenced
 *
 * Connects the interrupt output. On an ISA bus the property `irq` does.
 */
void
sv_cmos_rtc_set_irq (SvCmosRtc *self, SvIrq *irq)
{
  g_return_if_fail (SV_IS_CMOS_RTC (self) && irq != NULL);

  sv_irq_ref (irq);
  g_clear_pointer (&self->irq, sv_irq_unref);
  self->irq = irq;
}

static void
set_word (SvCmosRtc *self, guint index, guint64 value)
{
  value = MIN (value, G_MAXUINT16);
  self->registers[index] = value & 0xff;
  self->registers[index + 1] = value >> 8;
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
  self->registers[0x5d] = (above_4g >> 32) & 0xff;
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
  g_return_if_fail (index > SV_CMOS_D && index < N_REGISTERS);

  self->registers[index] = value;
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
