/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/acpi/sv-acpi-slots.h"

#include "hw/acpi/sv-acpi-build.h"
#include "hw/acpi/sv-acpi-slots-aml.h"
#include "hw/core/sv-machine.h"
#include "src/migration/sv-migration-values.h"

/* _STA (ACPI 6.5 §6.3.7): present, enabled, shown, working */
#define STA_PRESENT 0xfu
/* Status codes of _OST that are no end (ACPI 6.5 §6.3.5) */
#define OST_SHUTDOWN_IN_PROGRESS 0x83u
#define OST_EJECT_IN_PROGRESS 0x84u

struct _SvAcpiSlots
{
  SvDevice parent_instance;

  SvAcpiGed *ged;
  SvAcpiSlotsLayout layout;

  SvMemoryRegion *region;
  SvMemoryRegion *container;
  guint32 unseen;    /* inserted since the guest last looked */
  guint32 leaving;   /* to be given up; the guest has not looked yet */
  guint32 asked;     /* to be given up */
  guint32 gone;      /* given up, but nobody was told */
  guint32 kept;      /* refused, but nobody was told */
  guint32 status;    /* that the guest wrote last */
  guint32 statuses[SV_ACPI_SLOTS_MAX]; /* of what is kept */
  GSource *tell;     /* while anything is gone or kept */
};

enum
{
  SIGNAL_EJECTED,
  SIGNAL_REFUSED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void sv_acpi_slots_described_init (SvAcpiDescribedInterface *iface);
static const SvMigratableState migration;

G_DEFINE_FINAL_TYPE_WITH_CODE (SvAcpiSlots, sv_acpi_slots, SV_TYPE_DEVICE,
                               G_IMPLEMENT_INTERFACE (SV_TYPE_ACPI_DESCRIBED,
                                                      sv_acpi_slots_described_init)
                               SV_MIGRATABLE_STATE (&migration))

/* --- registers --- */

static guint64
sv_acpi_slots_read (gpointer opaque, guint64 offset, guint size)
{
  SvAcpiSlots *self = opaque;
  guint32 leaving = self->leaving;

  if (size != 4 || offset != SV_ACPI_SLOTS_LEAVING)
    return 0;
  self->leaving = 0;
  return leaving;
}

/* Devices are taken out by the main thread, not by the processor that wrote the register. */
static gboolean
tell (gpointer user_data)
{
  SvAcpiSlots *self = user_data;
  guint32 gone = self->gone;
  guint32 kept = self->kept;

  self->gone = self->kept = 0;
  g_clear_pointer (&self->tell, g_source_unref);
  for (guint slot = 0; slot < self->layout.n_slots; slot++)
    if ((gone & (1u << slot)) != 0)
      g_signal_emit (self, signals[SIGNAL_EJECTED], 0, slot);
    else if ((kept & (1u << slot)) != 0)
      g_signal_emit (self, signals[SIGNAL_REFUSED], 0, slot, self->statuses[slot]);
  return G_SOURCE_REMOVE;
}

static void
stop_telling (SvAcpiSlots *self)
{
  if (self->tell != NULL)
    g_source_destroy (self->tell);
  g_clear_pointer (&self->tell, g_source_unref);
}

static void
update_telling (SvAcpiSlots *self)
{
  if ((self->gone | self->kept) == 0 || self->tell != NULL)
    return;
  self->tell = g_idle_source_new ();
  g_source_set_priority (self->tell, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->tell, tell, self, NULL);
  g_source_attach (self->tell, NULL);
}

/* Only what the guest was asked for; its own idea of ejecting something is not ours. */
static guint32
take_answer (SvAcpiSlots *self, guint32 slots)
{
  slots &= self->asked;
  self->asked &= ~slots;
  self->leaving &= ~slots;
  return slots;
}

static void
keep (SvAcpiSlots *self, guint32 slots)
{
  if (self->status == 0 || self->status == OST_SHUTDOWN_IN_PROGRESS
      || self->status == OST_EJECT_IN_PROGRESS)
    return;
  slots = take_answer (self, slots);
  self->kept |= slots;
  for (guint slot = 0; slot < self->layout.n_slots; slot++)
    if ((slots & (1u << slot)) != 0)
      self->statuses[slot] = self->status;
}

static void
sv_acpi_slots_write (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  SvAcpiSlots *self = opaque;

  if (size != 4)
    return;
  if (offset == SV_ACPI_SLOTS_STATUS)
    self->status = (guint32)value;
  else if (offset == SV_ACPI_SLOTS_OUTCOME)
    keep (self, (guint32)value);
  else if (offset == SV_ACPI_SLOTS_EJECT)
    self->gone |= take_answer (self, (guint32)value);
  update_telling (self);
}

static const SvMemoryRegionOps sv_acpi_slots_ops = {
  .read = sv_acpi_slots_read,
  .write = sv_acpi_slots_write,
  .min_access = 1,
  .max_access = 4,
};

/* --- tables --- */

static void
sv_acpi_slots_build_aml (SvAcpiDescribed *described, GByteArray *scope)
{
  SvAcpiSlots *self = SV_ACPI_SLOTS (described);

  sv_acpi_slots_append_aml (scope, &self->layout);
}

static void
sv_acpi_slots_described_init (SvAcpiDescribedInterface *iface)
{
  iface->build_aml = sv_acpi_slots_build_aml;
}

/* --- SvDevice --- */

static gboolean
sv_acpi_slots_realize (SvDevice *device, GError **error)
{
  SvAcpiSlots *self = SV_ACPI_SLOTS (device);
  SvMachine *machine = sv_device_get_machine (device);

  if (machine == NULL || self->ged == NULL)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "acpi-slots: only a machine can make this device");
      return FALSE;
    }

  self->region
      = sv_memory_region_new_io ("acpi-slots", SV_ACPI_SLOTS_SIZE, &sv_acpi_slots_ops, self);
  self->container = g_object_ref (sv_address_space_get_root (sv_machine_get_memory (machine)));
  sv_memory_region_add (self->container, self->layout.registers, self->region, 0);
  sv_acpi_ged_add_notify (self->ged, SV_ACPI_GED_EVENT_SLOTS_IN, "\\_SB.SLOT",
                          SV_ACPI_NOTIFY_BUS_CHECK);
  sv_acpi_ged_add_method (self->ged, SV_ACPI_GED_EVENT_SLOTS_OUT, "\\_SB.SLOT.LOOK");
  return TRUE;
}

static void
sv_acpi_slots_unrealize (SvDevice *device)
{
  SvAcpiSlots *self = SV_ACPI_SLOTS (device);

  stop_telling (self);
  sv_memory_region_remove (self->container, self->region);
  g_clear_object (&self->region);
  g_clear_object (&self->container);
}

static void
sv_acpi_slots_reset (SvDevice *device)
{
  SvAcpiSlots *self = SV_ACPI_SLOTS (device);

  stop_telling (self);
  self->unseen = self->leaving = self->asked = self->gone = self->kept = 0;
}

/* --- state --- */

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  SvAcpiSlots *self = SV_ACPI_SLOTS (migratable);

  return g_variant_new ("(uuuuuu@au)", self->unseen, self->leaving, self->asked, self->gone,
                        self->kept, self->status,
                        g_variant_new_fixed_array (G_VARIANT_TYPE_UINT32, self->statuses, self->layout.n_slots,
                                                   sizeof (guint32)));
}

static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  static const char *const names[]
      = { "unseen slots", "leaving slots", "asked slots", "ejected slots", "kept slots" };
  SvAcpiSlots *self = SV_ACPI_SLOTS (migratable);
  guint32 *const masks[]
      = { &self->unseen, &self->leaving, &self->asked, &self->gone, &self->kept };
  g_autoptr (GVariant) statuses = NULL;
  const guint32 *numbers;
  gsize n;

  stop_telling (self);
  g_variant_get (state, "(uuuuuu@au)", masks[0], masks[1], masks[2], masks[3], masks[4], &self->status, &statuses);
  for (guint i = 0; i < G_N_ELEMENTS (masks); i++)
    if (!sv_migration_check_bits (names[i], *masks[i], (G_GUINT64_CONSTANT (1) << self->layout.n_slots) - 1, error))
      return FALSE;
  numbers = g_variant_get_fixed_array (statuses, &n, sizeof *numbers);
  if (!sv_migration_check_same ("number of slots", n, self->layout.n_slots, error))
    return FALSE;
  for (gsize i = 0; i < n; i++)
    self->statuses[i] = numbers[i];
  return TRUE;
}

static gboolean
state_loaded (SvMigratable *migratable, GError **error)
{
  update_telling (SV_ACPI_SLOTS (migratable));
  return TRUE;
}

static const SvMigratableState migration = {
  .types = (const char *const[]){ "(uuuuuuau)", NULL }, /* masks of slots, what the guest said of each it keeps */
  .dup = dup_state,
  .load = load_state,
  .loaded = state_loaded,
};

static void
sv_acpi_slots_finalize (GObject *object)
{
  g_clear_object (&SV_ACPI_SLOTS (object)->ged);
  G_OBJECT_CLASS (sv_acpi_slots_parent_class)->finalize (object);
}

static void
sv_acpi_slots_class_init (SvAcpiSlotsClass *klass)
{
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = sv_acpi_slots_finalize;
  device_class->realize = sv_acpi_slots_realize;
  device_class->unrealize = sv_acpi_slots_unrealize;
  device_class->reset = sv_acpi_slots_reset;
  device_class->category = "misc";
  device_class->description = "ACPI hotplug slots";

  /**
   * SvAcpiSlots::ejected:
   * @self: the slots
   * @slot: number of a slot
   *
   * The guest has given the slot up. VM lock held, main thread.
   */
  signals[SIGNAL_EJECTED] = g_signal_new ("ejected", SV_TYPE_ACPI_SLOTS, G_SIGNAL_RUN_LAST, 0, NULL,
                                          NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT);

  /**
   * SvAcpiSlots::refused:
   * @self: the slots
   * @slot: number of a slot
   * @status: why, as _OST tells it (ACPI 6.5 §6.3.5)
   *
   * The guest was asked to give the slot up and keeps it. VM lock held, main thread.
   */
  signals[SIGNAL_REFUSED]
      = g_signal_new ("refused", SV_TYPE_ACPI_SLOTS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                      G_TYPE_NONE, 2, G_TYPE_UINT, G_TYPE_UINT);
}

static void
sv_acpi_slots_init (SvAcpiSlots *self)
{
}

/**
 * sv_acpi_slots_new:
 * @ged: what announces changes
 * @registers: guest address of %SV_ACPI_SLOTS_SIZE bytes
 * @state: guest address of %SV_ACPI_SLOTS_MAX bytes of reserved RAM
 * @n_slots: how many slots, up to %SV_ACPI_SLOTS_MAX
 *
 * Makes the device; the machine gives it a place in the tree and completes it.
 *
 * Returns: (transfer full): a new device
 */
SvAcpiSlots *
sv_acpi_slots_new (SvAcpiGed *ged, guint64 registers, guint64 state, guint n_slots)
{
  SvAcpiSlots *self = g_object_new (SV_TYPE_ACPI_SLOTS, NULL);

  self->ged = g_object_ref (ged);
  self->layout.registers = registers;
  self->layout.state = state;
  self->layout.n_slots = MIN (n_slots, SV_ACPI_SLOTS_MAX);
  return self;
}

/**
 * sv_acpi_slots_set_describe: (skip)
 * @self: slots
 * @describe: what a slot's device is
 * @opaque: its argument
 *
 * Called whenever tables are built.
 */
void
sv_acpi_slots_set_describe (SvAcpiSlots *self, SvAcpiSlotsDescribe describe, gpointer opaque)
{
  self->layout.describe = describe;
  self->layout.opaque = opaque;
}

static void
set_state (SvAcpiSlots *self, guint slot, guint8 sta)
{
  SvMachine *machine = sv_device_get_machine (SV_DEVICE (self));

  sv_address_space_write (sv_machine_get_memory (machine), self->layout.state + slot, &sta, 1);
}

/**
 * sv_acpi_slots_insert:
 * @self: realized slots
 * @slot: an empty slot
 *
 * Shows the guest that a device is there. VM lock held.
 */
void
sv_acpi_slots_insert (SvAcpiSlots *self, guint slot)
{
  g_return_if_fail (slot < self->layout.n_slots);

  set_state (self, slot, STA_PRESENT);
  self->unseen |= 1u << slot;
  sv_acpi_ged_raise (self->ged, SV_ACPI_GED_EVENT_SLOTS_IN);
}

/**
 * sv_acpi_slots_request_eject:
 * @self: realized slots
 * @slot: a slot with a device
 *
 * Asks the guest to give the slot up; [signal@AcpiSlots::ejected] tells when it has. Asking again repeats
 * the request. VM lock held.
 *
 * Returns: %FALSE when the guest has not looked since the device came, so that nobody needs to be asked
 */
gboolean
sv_acpi_slots_request_eject (SvAcpiSlots *self, guint slot)
{
  g_return_val_if_fail (slot < self->layout.n_slots, FALSE);

  if (!sv_acpi_ged_is_pending (self->ged, SV_ACPI_GED_EVENT_SLOTS_IN))
    self->unseen = 0;
  if ((self->unseen & (1u << slot)) != 0)
    return FALSE;
  self->leaving |= 1u << slot;
  self->asked |= 1u << slot;
  sv_acpi_ged_raise (self->ged, SV_ACPI_GED_EVENT_SLOTS_OUT);
  return TRUE;
}

/**
 * sv_acpi_slots_remove:
 * @self: realized slots
 * @slot: number of a slot
 *
 * Shows the guest that nothing is there. VM lock held.
 */
void
sv_acpi_slots_remove (SvAcpiSlots *self, guint slot)
{
  guint32 others = ~(1u << slot);

  g_return_if_fail (slot < self->layout.n_slots);

  set_state (self, slot, 0);
  self->unseen &= others;
  self->leaving &= others;
  self->asked &= others;
  self->gone &= others;
  self->kept &= others;
}

/**
 * sv_acpi_slots_clear:
 * @self: realized slots
 *
 * For a guest that is loaded: nothing is in any slot. VM lock held.
 */
void
sv_acpi_slots_clear (SvAcpiSlots *self)
{
  for (guint slot = 0; slot < self->layout.n_slots; slot++)
    sv_acpi_slots_remove (self, slot);
}
