/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/char/sv-serial.h"

#include "hw/acpi/sv-acpi-build.h"
#include "hw/char/sv-serial-port.h"
#include "hw/char/sv-uart.h"
#include "hw/core/sv-machine.h"
#include "src/migration/sv-migratable.h"

struct _SvSerial
{
  SvIsaDevice parent_instance;

  SvObject *chardev;
  SvSerialPort port;

  SvMemoryRegion *region;
  SvSerialFlushFunc flush_func;
  gpointer flush_opaque;

  SvUart uart;
  gboolean coalesced;
  GSource *timer;
};

enum
{
  PROP_0,
  PROP_CHARDEV,
  PROP_INDEX,
  PROP_IOBASE,
  PROP_IRQ,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

static void sv_serial_described_init (SvAcpiDescribedInterface *iface);
static const SvMigratableState migration;

G_DEFINE_FINAL_TYPE_WITH_CODE (SvSerial,
                               sv_serial,
                               SV_TYPE_ISA_DEVICE,
                               G_IMPLEMENT_INTERFACE (SV_TYPE_ACPI_DESCRIBED,
                                                      sv_serial_described_init)
                               SV_MIGRATABLE_STATE (&migration))

static SvChardev *
get_chardev (SvSerial *self)
{
  return (SvChardev *)self->chardev;
}

/* What follows from the registers' state: interrupt line, coalescing, timer */

static void
set_coalesced (SvSerial *self, gboolean on)
{
  if (on == self->coalesced)
    return;
  self->coalesced = on;
  sv_memory_region_set_coalesced (self->region, SV_UART_DATA, on ? 1 : 0);
}

static gint64
get_next_deadline (SvSerial *self)
{
  const gint64 deadlines[] = {
    self->uart.rx.deadline,
    self->uart.tx.drain_deadline,
    self->uart.tx.pacer.active ? self->uart.tx.tick_deadline : 0,
  };
  gint64 next = -1;

  for (gsize i = 0; i < G_N_ELEMENTS (deadlines); i++)
    if (deadlines[i] != 0 && (next < 0 || deadlines[i] < next))
      next = deadlines[i];
  return next;
}

/* A timer that comes too early finds nothing to do and is cheaper than one set again each time. */
static void
arm_timer (SvSerial *self)
{
  gint64 next = get_next_deadline (self);
  gint64 armed;

  if (self->timer == NULL)
    return;
  armed = g_source_get_ready_time (self->timer);
  if (next >= 0 && (armed < 0 || armed > next))
    g_source_set_ready_time (self->timer, next);
}

static void
settle (SvSerial *self)
{
  sv_isa_device_set_level (SV_ISA_DEVICE (self), sv_uart_has_interrupt (&self->uart));
  set_coalesced (self, self->uart.tx.pacer.active);
  arm_timer (self);
}

/* An empty FIFO asks for more; asking for each character would contend for the VM lock with the
 * main loop. */
static void
invite_input (SvSerial *self, guint room_before)
{
  guint room = sv_uart_get_room (&self->uart);

  if (room > room_before && room == self->uart.rx.limit && self->chardev != NULL)
    sv_chardev_update_input (get_chardev (self));
}

static guint64
sv_serial_read (gpointer opaque, guint64 offset, guint size)
{
  SvSerial *self = opaque;
  guint room = sv_uart_get_room (&self->uart);
  guint8 value = sv_uart_read (&self->uart, get_chardev (self), offset, g_get_monotonic_time ());

  settle (self);
  invite_input (self, room);
  return value;
}

static void
sv_serial_write (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  SvSerial *self = opaque;
  guint room = sv_uart_get_room (&self->uart);

  /* The controller sees edges. */
  if (sv_uart_write (&self->uart, get_chardev (self), offset, value & 0xff,
                     g_get_monotonic_time ()))
    sv_isa_device_set_level (SV_ISA_DEVICE (self), FALSE);
  settle (self);
  invite_input (self, room);
}

static const SvMemoryRegionOps sv_serial_ops = {
  .read = sv_serial_read,
  .write = sv_serial_write,
  .min_access = 1,
  .max_access = 1,
};

/* Character device */

static gsize
on_can_receive (gpointer opaque)
{
  return sv_uart_get_room (&SV_SERIAL (opaque)->uart);
}

static void
on_receive (gpointer opaque, const guint8 *data, gsize length)
{
  SvSerial *self = opaque;

  for (gsize i = 0; i < length; i++)
    sv_serial_receiver_push (&self->uart.rx, data[i]);
  sv_serial_receiver_end_burst (&self->uart.rx);
  settle (self);
}

static void
on_writable (gpointer opaque)
{
  SvSerial *self = opaque;

  sv_serial_transmitter_unblock (&self->uart.tx, get_chardev (self));
  settle (self);
}

static void
on_event (gpointer opaque, SvChardevEvent event)
{
  SvSerial *self = opaque;

  if (event != SV_CHARDEV_BREAK || (self->uart.mcr & SV_UART_MCR_LOOP) != 0)
    return;
  sv_serial_receiver_push_break (&self->uart.rx);
  settle (self);
}

static const SvChardevFrontend frontend = {
  .can_receive = on_can_receive,
  .receive = on_receive,
  .writable = on_writable,
  .event = on_event,
};

/* Brings everything out that the guest wrote. */
static void
flush (SvSerial *self)
{
  if (self->coalesced && self->flush_func != NULL)
    self->flush_func (self->flush_opaque);
  sv_serial_transmitter_flush (&self->uart.tx, get_chardev (self));
}

static gboolean
on_timer (gpointer user_data)
{
  SvSerial *self = user_data;
  SvSerialTransmitter *tx = &self->uart.tx;
  gint64 now = g_get_monotonic_time ();

  sv_uart_run_timers (&self->uart, get_chardev (self), now);
  if (tx->pacer.active && tx->tick_deadline <= now)
    {
      flush (self);
      if (sv_serial_pacer_tick (&tx->pacer))
        tx->tick_deadline = now + SV_SERIAL_PACER_PERIOD_US;
    }
  g_source_set_ready_time (self->timer, -1);
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

static void
ask_accelerator (gpointer opaque)
{
  SvMachine *machine = sv_device_get_machine (opaque);

  if (machine != NULL && sv_machine_get_accel (machine) != NULL)
    sv_accel_flush_coalesced (sv_machine_get_accel (machine));
}

/* Device */

/* Bit n: port n of @bus is another device. */
static guint
get_taken_ports (SvSerial *self, SvBus *bus)
{
  guint taken = 0;

  for (guint i = 0; bus != NULL && i < sv_bus_get_n_devices (bus); i++)
    {
      SvDevice *other = sv_bus_get_device (bus, i);

      if (other != SV_DEVICE (self) && SV_IS_SERIAL (other) && sv_device_is_realized (other))
        taken |= 1u << SV_SERIAL (other)->port.index;
    }
  return taken;
}

static void
sv_serial_unrealize (SvDevice *device)
{
  SvSerial *self = SV_SERIAL (device);

  flush (self);
  set_coalesced (self, FALSE);
  if (self->chardev != NULL)
    sv_chardev_detach (get_chardev (self));
  if (self->timer != NULL)
    g_source_destroy (self->timer);
  g_clear_pointer (&self->timer, g_source_unref);

  SV_DEVICE_CLASS (sv_serial_parent_class)->unrealize (device);
}

static gboolean
sv_serial_realize (SvDevice *device, GError **error)
{
  SvSerial *self = SV_SERIAL (device);
  SvIsaDevice *isa = SV_ISA_DEVICE (device);

  if (!sv_serial_port_choose (&self->port, get_taken_ports (self, sv_device_get_bus (device)), error)
      || !sv_isa_device_connect_irq (isa, self->port.irq, error))
    return FALSE;
  if (self->chardev != NULL && !sv_chardev_attach (get_chardev (self), &frontend, self, error))
    {
      g_prefix_error (error, "isa-serial: ");
      return FALSE;
    }

  self->timer = g_source_new (&timer_funcs, sizeof (GSource));
  g_source_set_callback (self->timer, on_timer, self, NULL);
  g_source_attach (self->timer, NULL);
  sv_isa_device_map (isa, self->port.iobase, self->region);
  return TRUE;
}

static void
sv_serial_quiesce (SvDevice *device)
{
  flush (SV_SERIAL (device));
}

static void
sv_serial_reset (SvDevice *device)
{
  SvSerial *self = SV_SERIAL (device);

  flush (self);
  sv_uart_reset (&self->uart);
  settle (self);
  invite_input (self, 0);
}

/* --- state --- */

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  return sv_uart_dup_state (&SV_SERIAL (migratable)->uart, g_get_monotonic_time ());
}

static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  return sv_uart_load_state (&SV_SERIAL (migratable)->uart, state, g_get_monotonic_time (), error);
}

/* What the other end did not take there is sent here. */
static gboolean
state_loaded (SvMigratable *migratable, GError **error)
{
  SvSerial *self = SV_SERIAL (migratable);

  if (self->uart.tx.blocked)
    sv_serial_transmitter_unblock (&self->uart.tx, get_chardev (self));
  else
    sv_serial_transmitter_flush (&self->uart.tx, get_chardev (self));
  settle (self);
  invite_input (self, 0);
  return TRUE;
}

static const SvMigratableState migration = {
  .types = (const char *const[]){ SV_UART_STATE_TYPE, NULL },
  .dup = dup_state,
  .load = load_state,
  .loaded = state_loaded,
};

static void
sv_serial_build_aml (SvAcpiDescribed *described, GByteArray *scope)
{
  sv_serial_port_build_aml (&SV_SERIAL (described)->port, scope);
}

static void
sv_serial_described_init (SvAcpiDescribedInterface *iface)
{
  iface->build_aml = sv_serial_build_aml;
}

static void
sv_serial_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  SvSerial *self = SV_SERIAL (object);

  switch (prop_id)
    {
    case PROP_CHARDEV:
      sv_object_set_link (SV_OBJECT (self), pspec, &self->chardev, g_value_get_object (value));
      break;
    case PROP_INDEX:
      self->port.index = g_value_get_uint (value);
      break;
    case PROP_IOBASE:
      self->port.iobase = g_value_get_uint (value);
      break;
    case PROP_IRQ:
      self->port.irq = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
sv_serial_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SvSerial *self = SV_SERIAL (object);

  switch (prop_id)
    {
    case PROP_CHARDEV:
      g_value_set_object (value, self->chardev);
      break;
    case PROP_INDEX:
      g_value_set_uint (value, self->port.index);
      break;
    case PROP_IOBASE:
      g_value_set_uint (value, self->port.iobase);
      break;
    case PROP_IRQ:
      g_value_set_uint (value, self->port.irq);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
    }
}

static void
sv_serial_dispose (GObject *object)
{
  SvSerial *self = SV_SERIAL (object);

  sv_device_unrealize (SV_DEVICE (self));
  sv_object_set_link (SV_OBJECT (self), props[PROP_CHARDEV], &self->chardev, NULL);

  G_OBJECT_CLASS (sv_serial_parent_class)->dispose (object);
}

static void
sv_serial_finalize (GObject *object)
{
  SvSerial *self = SV_SERIAL (object);

  g_clear_object (&self->region);

  G_OBJECT_CLASS (sv_serial_parent_class)->finalize (object);
}

static void
sv_serial_class_init (SvSerialClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);

  object_class->set_property = sv_serial_set_property;
  object_class->get_property = sv_serial_get_property;
  object_class->dispose = sv_serial_dispose;
  object_class->finalize = sv_serial_finalize;

  device_class->realize = sv_serial_realize;
  device_class->unrealize = sv_serial_unrealize;
  device_class->reset = sv_serial_reset;
  device_class->quiesce = sv_serial_quiesce;
  device_class->user_creatable = TRUE;
  device_class->category = "input";
  device_class->description = "Serial port of a PC: 16550A";

  props[PROP_CHARDEV]
      = g_param_spec_object ("chardev", "chardev", "Character device at the other end of the line",
                             SV_TYPE_CHARDEV, SV_PARAM_RW_WIRING);
  props[PROP_INDEX] = g_param_spec_uint (
      "index", "index", "Which of the PC's four ports; default: the first that is free", 0,
      G_MAXUINT32, SV_SERIAL_PORT_UNSET, SV_PARAM_RW_WIRING);
  props[PROP_IOBASE] = g_param_spec_uint ("iobase", "iobase", "First I/O port; default: by index",
                                          0, G_MAXUINT32, SV_SERIAL_PORT_UNSET, SV_PARAM_RW_WIRING);
  props[PROP_IRQ] = g_param_spec_uint ("irq", "irq", "ISA interrupt; default: by index", 0,
                                       G_MAXUINT32, SV_SERIAL_PORT_UNSET, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_serial_init (SvSerial *self)
{
  sv_serial_port_init (&self->port);
  self->region = sv_memory_region_new_io ("serial", SV_UART_N_REGISTERS, &sv_serial_ops, self);
  self->flush_func = ask_accelerator;
  self->flush_opaque = self;
  sv_uart_reset (&self->uart);
}

/**
 * sv_serial_set_flush_func: (skip)
 * @self: a serial port
 * @func: brings writes that the kernel keeps back to the device
 * @opaque: passed to @func
 *
 * Replaces the default, which asks the accelerator of the machine that the port belongs to.
 */
void
sv_serial_set_flush_func (SvSerial *self, SvSerialFlushFunc func, gpointer opaque)
{
  g_return_if_fail (SV_IS_SERIAL (self));

  self->flush_func = func;
  self->flush_opaque = opaque;
}
