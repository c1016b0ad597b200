/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/misc/sv-i8042.h"

#include "hw/core/sv-machine.h"
#include "src/migration/sv-migratable.h"

/*
 * Output buffer full, for ever: Linux reads 16 bytes, finds more and decides at once that there is
 * no controller. The input buffer is empty: a driver that waits before it writes the reset command
 * goes on at once. Time-out and parity error: by these UEFI firmware sees that there is no keyboard.
 */
#define STATUS 0xdd
#define NO_DATA 0xff

#define COMMAND_WRITE_OUTPUT_PORT 0xd1
#define COMMAND_PULSE 0xf0 /* with a mask of the lines that are not pulsed */
#define LINE_RESET 0x01    /* active low */

struct _SvI8042
{
  SvIsaDevice parent_instance;

  SvMemoryRegion *data_region;
  SvMemoryRegion *command_region;
  guint8 command;
};

enum
{
  SIGNAL_RESET_REQUESTED,
  N_SIGNALS,
};

static guint signals[N_SIGNALS];

static const SvMigratableState migration;

G_DEFINE_FINAL_TYPE_WITH_CODE (SvI8042, sv_i8042, SV_TYPE_ISA_DEVICE, SV_MIGRATABLE_STATE (&migration))

static void
reset_machine (SvI8042 *self)
{
  SvMachine *machine = sv_device_get_machine (SV_DEVICE (self));

  if (machine != NULL)
    sv_machine_request_reset (machine, SV_SHUTDOWN_CAUSE_GUEST_RESET);
}

static void
drive_lines (SvI8042 *self, guint8 lines)
{
  if ((lines & LINE_RESET) == 0)
    g_signal_emit (self, signals[SIGNAL_RESET_REQUESTED], 0);
}

static guint64
read_data (gpointer opaque, guint64 offset, guint size)
{
  return NO_DATA;
}

static void
write_data (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  SvI8042 *self = opaque;
  guint8 command = self->command;

  self->command = 0;
  if (command == COMMAND_WRITE_OUTPUT_PORT)
    drive_lines (self, value & 0xff);
}

static guint64
read_status (gpointer opaque, guint64 offset, guint size)
{
  return STATUS;
}

static void
write_command (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  SvI8042 *self = opaque;

  self->command = value & 0xff;
  if ((self->command & COMMAND_PULSE) == COMMAND_PULSE)
    drive_lines (self, self->command);
}

static const SvMemoryRegionOps data_ops = {
  .read = read_data,
  .write = write_data,
  .min_access = 1,
  .max_access = 1,
};

static const SvMemoryRegionOps command_ops = {
  .read = read_status,
  .write = write_command,
  .min_access = 1,
  .max_access = 1,
};

static gboolean
sv_i8042_realize (SvDevice *device, GError **error)
{
  SvI8042 *self = SV_I8042 (device);

  sv_isa_device_map (SV_ISA_DEVICE (self), SV_I8042_DATA_PORT, self->data_region);
  sv_isa_device_map (SV_ISA_DEVICE (self), SV_I8042_COMMAND_PORT, self->command_region);
  return TRUE;
}

static void
sv_i8042_reset (SvDevice *device)
{
  SV_I8042 (device)->command = 0;
}

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  return g_variant_new ("(y)", SV_I8042 (migratable)->command);
}

static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  g_variant_get (state, "(y)", &SV_I8042 (migratable)->command);
  return TRUE;
}

static const SvMigratableState migration = {
  .types = (const char *const[]){ "(y)", NULL }, /* the command that waits for its argument */
  .dup = dup_state,
  .load = load_state,
};

static void
sv_i8042_finalize (GObject *object)
{
  SvI8042 *self = SV_I8042 (object);

  g_clear_object (&self->data_region);
  g_clear_object (&self->command_region);

  G_OBJECT_CLASS (sv_i8042_parent_class)->finalize (object);
}

static void
sv_i8042_class_init (SvI8042Class *klass)
{
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = sv_i8042_finalize;
  device_class->realize = sv_i8042_realize;
  device_class->reset = sv_i8042_reset;
  device_class->category = "misc";
  device_class->description = "Keyboard controller without a keyboard: resets the machine";

  /**
   * SvI8042::reset-requested:
   * @self: the device
   *
   * The guest pulses the reset line.
   */
  signals[SIGNAL_RESET_REQUESTED]
      = g_signal_new_class_handler ("reset-requested", G_TYPE_FROM_CLASS (klass), G_SIGNAL_RUN_LAST,
                                    G_CALLBACK (reset_machine), NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
sv_i8042_init (SvI8042 *self)
{
  self->data_region = sv_memory_region_new_io ("i8042-data", 1, &data_ops, self);
  self->command_region = sv_memory_region_new_io ("i8042-command", 1, &command_ops, self);
}
