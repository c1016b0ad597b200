/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/acpi/sv-acpi-cpus.h"

#include "hw/acpi/sv-acpi-table.h"
#include "hw/core/sv-machine.h"
#include "src/migration/sv-migration-values.h"

/* Status codes of _OST that are no end (ACPI 6.5 §6.3.5) */
#define OST_SHUTDOWN_IN_PROGRESS 0x83
#define OST_EJECT_IN_PROGRESS 0x84

/* What the guest did with a processor and nobody was told yet */
#define GONE 0x10u
#define KEPT 0x20u
#define ALL_FLAGS (SV_ACPI_CPUS_INSERTING | SV_ACPI_CPUS_REMOVING | SV_ACPI_CPUS_EJECT | GONE | KEPT)

struct _SvAcpiCpus
{
  SvDevice parent_instance;

  SvAcpiGed *ged;
  guint64 address;
  SvAcpiCpu *places;
  guint n_places;

  SvMemoryRegion *region;
  SvMemoryRegion *container;
  guint selected;
  guint8 flags[SV_ACPI_CPUS_NONE]; /* INSERTING, REMOVING; EJECT: asked to go; GONE, KEPT */
  guint8 outcomes[SV_ACPI_CPUS_NONE]; /* what the guest last said of a request to eject, by _OST */
  GSource *tell;
};

enum
{
  SIGNAL_EJECTED,
  SIGNAL_REFUSED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void sv_acpi_cpus_described_init (SvAcpiDescribedInterface *iface);
static const SvMigratableState migration;

G_DEFINE_FINAL_TYPE_WITH_CODE (SvAcpiCpus, sv_acpi_cpus, SV_TYPE_DEVICE,
                               G_IMPLEMENT_INTERFACE (SV_TYPE_ACPI_DESCRIBED,
                                                      sv_acpi_cpus_described_init)
                               SV_MIGRATABLE_STATE (&migration))

/* --- registers --- */

static guint
find_event (SvAcpiCpus *self)
{
  for (guint i = 0; i < self->n_places; i++)
    if ((self->flags[i] & (SV_ACPI_CPUS_INSERTING | SV_ACPI_CPUS_REMOVING)) != 0)
      return i;
  return SV_ACPI_CPUS_NONE;
}

static guint64
sv_acpi_cpus_read (gpointer opaque, guint64 offset, guint size)
{
  SvAcpiCpus *self = opaque;
  SvMachine *machine = sv_device_get_machine (SV_DEVICE (self));
  guint status;

  if (offset == SV_ACPI_CPUS_SELECT)
    return find_event (self);
  if (offset != SV_ACPI_CPUS_STATUS || self->selected >= self->n_places)
    return 0;
  status = self->flags[self->selected] & (SV_ACPI_CPUS_INSERTING | SV_ACPI_CPUS_REMOVING);
  /* A guest that gave it up looks at once whether it is gone. */
  if (sv_machine_get_cpu (machine, self->selected) != NULL && (self->flags[self->selected] & GONE) == 0)
    status |= SV_ACPI_CPUS_ENABLED;
  return status;
}

/* Processors are taken out by the main thread, not by the one that wrote the register. */
static gboolean
tell (gpointer user_data)
{
  SvAcpiCpus *self = user_data;

  g_clear_pointer (&self->tell, g_source_unref);
  for (guint i = 0; i < self->n_places; i++)
    {
      const guint what = self->flags[i];

      self->flags[i] &= ~KEPT;
      if ((what & GONE) != 0)
        {
          g_signal_emit (self, signals[SIGNAL_EJECTED], 0, i);
          /* Not before: the guest may look while the processor's thread ends, without the VM lock. */
          self->flags[i] &= ~GONE;
        }
      else if ((what & KEPT) != 0)
        g_signal_emit (self, signals[SIGNAL_REFUSED], 0, i);
    }
  return G_SOURCE_REMOVE;
}

static void
stop_telling (SvAcpiCpus *self)
{
  if (self->tell != NULL)
    g_source_destroy (self->tell);
  g_clear_pointer (&self->tell, g_source_unref);
}

static void
start_telling (SvAcpiCpus *self)
{
  if (self->tell != NULL)
    return;
  self->tell = g_idle_source_new ();
  g_source_set_priority (self->tell, G_PRIORITY_DEFAULT);
  g_source_set_callback (self->tell, tell, self, NULL);
  g_source_attach (self->tell, NULL);
}

/* Only what the guest was asked for; its own idea of giving something up is not ours. */
static void
answer (SvAcpiCpus *self, guint what)
{
  guint8 *flags = &self->flags[self->selected];

  if ((*flags & SV_ACPI_CPUS_EJECT) == 0)
    return;
  *flags = (*flags & ~(SV_ACPI_CPUS_EJECT | SV_ACPI_CPUS_REMOVING)) | what;
  start_telling (self);
}

static void
sv_acpi_cpus_write (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  SvAcpiCpus *self = opaque;

  if (offset == SV_ACPI_CPUS_SELECT)
    {
      self->selected = (guint)value;
      return;
    }
  if (self->selected >= self->n_places)
    return;
  if (offset == SV_ACPI_CPUS_STATUS)
    {
      self->flags[self->selected] &= ~(value & (SV_ACPI_CPUS_INSERTING | SV_ACPI_CPUS_REMOVING));
      if ((value & SV_ACPI_CPUS_EJECT) != 0)
        answer (self, GONE);
    }
  if (offset == SV_ACPI_CPUS_OUTCOME)
    self->outcomes[self->selected] = (guint8)value;
  if (offset == SV_ACPI_CPUS_OUTCOME && value != 0 && value != OST_SHUTDOWN_IN_PROGRESS
           && value != OST_EJECT_IN_PROGRESS)
    answer (self, KEPT);
}

static const SvMemoryRegionOps sv_acpi_cpus_ops = {
  .read = sv_acpi_cpus_read,
  .write = sv_acpi_cpus_write,
  .min_access = 1,
  .max_access = 1,
};

static void
sv_acpi_cpus_build_aml (SvAcpiDescribed *described, GByteArray *scope)
{
  SvAcpiCpus *self = SV_ACPI_CPUS (described);

  sv_acpi_cpus_append_aml (scope, self->address, self->places, self->n_places);
}

static void
sv_acpi_cpus_described_init (SvAcpiDescribedInterface *iface)
{
  iface->build_aml = sv_acpi_cpus_build_aml;
}

/**
 * sv_acpi_cpus_get_outcome: (skip)
 * @self: a controller
 * @index: of a place
 * @outcome: (out): the status code of the guest's last _OST for it (ACPI 6.5 §6.3.5); 0: there was none
 *
 * Returns: %FALSE when there is no such place
 */
gboolean
sv_acpi_cpus_get_outcome (SvAcpiCpus *self, guint index, guint *outcome)
{
  if (index >= self->n_places)
    return FALSE;
  *outcome = self->outcomes[index];
  return TRUE;
}

/* --- SvDevice --- */

static gboolean
sv_acpi_cpus_realize (SvDevice *device, GError **error)
{
  SvAcpiCpus *self = SV_ACPI_CPUS (device);
  SvMachine *machine = sv_device_get_machine (device);

  if (machine == NULL || self->ged == NULL)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "acpi-cpus: only a machine can make this device");
      return FALSE;
    }
  self->region = sv_memory_region_new_io ("acpi-cpus", SV_ACPI_CPUS_SIZE, &sv_acpi_cpus_ops, self);
  self->container = g_object_ref (sv_address_space_get_root (sv_machine_get_memory (machine)));
  /* Above the generic event device, which has the rest of the page. */
  sv_memory_region_add (self->container, self->address, self->region, 1);
  sv_acpi_ged_add_method (self->ged, SV_ACPI_GED_EVENT_CPUS, "\\_SB.CPUS.CSCN");
  return TRUE;
}

static void
sv_acpi_cpus_unrealize (SvDevice *device)
{
  SvAcpiCpus *self = SV_ACPI_CPUS (device);

  stop_telling (self);
  sv_memory_region_remove (self->container, self->region);
  g_clear_object (&self->region);
  g_clear_object (&self->container);
}

static void
sv_acpi_cpus_reset (SvDevice *device)
{
  SvAcpiCpus *self = SV_ACPI_CPUS (device);

  stop_telling (self);
  self->selected = 0;
  memset (self->flags, 0, sizeof self->flags);
}

/* --- state --- */

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  SvAcpiCpus *self = SV_ACPI_CPUS (migratable);

  return g_variant_new ("(u@ay)", self->selected, sv_migration_new_bytes (self->flags, self->n_places));
}

static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  SvAcpiCpus *self = SV_ACPI_CPUS (migratable);
  g_autoptr (GVariant) flags = NULL;

  stop_telling (self);
  g_variant_get (state, "(u@ay)", &self->selected, &flags);
  if (!sv_migration_get_bytes ("flags of processors", flags, self->flags, self->n_places, error))
    return FALSE;
  for (guint i = 0; i < self->n_places; i++)
    if (!sv_migration_check_bits ("flags of a processor", self->flags[i], ALL_FLAGS, error))
      return FALSE;
  return TRUE;
}

static gboolean
state_loaded (SvMigratable *migratable, GError **error)
{
  SvAcpiCpus *self = SV_ACPI_CPUS (migratable);

  for (guint i = 0; i < self->n_places; i++)
    if ((self->flags[i] & (GONE | KEPT)) != 0)
      start_telling (self);
  return TRUE;
}

static const SvMigratableState migration = {
  .types = (const char *const[]){ "(uay)", NULL }, /* selected place, what is to be done or told of each */
  .dup = dup_state,
  .load = load_state,
  .loaded = state_loaded,
};

static void
sv_acpi_cpus_finalize (GObject *object)
{
  g_clear_object (&SV_ACPI_CPUS (object)->ged);
  g_free (SV_ACPI_CPUS (object)->places);
  G_OBJECT_CLASS (sv_acpi_cpus_parent_class)->finalize (object);
}

static void
sv_acpi_cpus_class_init (SvAcpiCpusClass *klass)
{
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = sv_acpi_cpus_finalize;
  device_class->realize = sv_acpi_cpus_realize;
  device_class->unrealize = sv_acpi_cpus_unrealize;
  device_class->reset = sv_acpi_cpus_reset;
  device_class->category = "cpu";
  device_class->description = "ACPI controller for processors that come and go";

  /**
   * SvAcpiCpus::ejected:
   * @self: the controller
   * @index: number of a processor
   *
   * The guest has given the processor up. VM lock held, main thread.
   */
  signals[SIGNAL_EJECTED] = g_signal_new ("ejected", SV_TYPE_ACPI_CPUS, G_SIGNAL_RUN_LAST, 0, NULL,
                                          NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT);
  /**
   * SvAcpiCpus::refused:
   * @self: the controller
   * @index: number of a processor
   *
   * The guest was asked to give the processor up and keeps it. VM lock held, main thread.
   */
  signals[SIGNAL_REFUSED] = g_signal_new ("refused", SV_TYPE_ACPI_CPUS, G_SIGNAL_RUN_LAST, 0, NULL,
                                          NULL, NULL, G_TYPE_NONE, 1, G_TYPE_UINT);
}

static void
sv_acpi_cpus_init (SvAcpiCpus *self)
{
}

/**
 * sv_acpi_cpus_new:
 * @ged: what announces changes
 * @address: guest address of %SV_ACPI_CPUS_SIZE bytes
 *
 * Makes the device; the machine gives it a place in the tree and completes it.
 *
 * Returns: (transfer full): a new device
 */
SvAcpiCpus *
sv_acpi_cpus_new (SvAcpiGed *ged, guint64 address)
{
  SvAcpiCpus *self = g_object_new (SV_TYPE_ACPI_CPUS, NULL);

  self->ged = g_object_ref (ged);
  self->address = address;
  return self;
}

/**
 * sv_acpi_cpus_set_places: (skip)
 * @self: a controller
 * @cpus: (array length=n_cpus): places for processors
 * @n_cpus: how many, at most 254
 *
 * Says what the guest's tables are to tell of.
 */
void
sv_acpi_cpus_set_places (SvAcpiCpus *self, const SvAcpiCpu *cpus, guint n_cpus)
{
  g_return_if_fail (n_cpus < SV_ACPI_CPUS_NONE);

  g_free (self->places);
  self->places = g_memdup2 (cpus, n_cpus * sizeof *cpus);
  self->n_places = n_cpus;
}

/**
 * sv_acpi_cpus_insert:
 * @self: a realized controller
 * @index: number of a processor that came
 *
 * Tells the guest. VM lock held.
 */
void
sv_acpi_cpus_insert (SvAcpiCpus *self, guint index)
{
  g_return_if_fail (index < self->n_places);

  self->flags[index] = SV_ACPI_CPUS_INSERTING;
  sv_acpi_ged_raise (self->ged, SV_ACPI_GED_EVENT_CPUS);
}

/**
 * sv_acpi_cpus_request_eject:
 * @self: a realized controller
 * @index: number of a processor
 *
 * Asks the guest to give the processor up; [signal@AcpiCpus::ejected] or [signal@AcpiCpus::refused] tells its answer.
 * Asking again repeats the request. VM lock held.
 *
 * Returns: %FALSE when the guest has not looked since the processor came, so that nobody needs to be asked
 */
gboolean
sv_acpi_cpus_request_eject (SvAcpiCpus *self, guint index)
{
  g_return_val_if_fail (index < self->n_places, FALSE);

  if ((self->flags[index] & SV_ACPI_CPUS_INSERTING) != 0)
    return FALSE;
  self->flags[index] |= SV_ACPI_CPUS_REMOVING | SV_ACPI_CPUS_EJECT;
  sv_acpi_ged_raise (self->ged, SV_ACPI_GED_EVENT_CPUS);
  return TRUE;
}

/**
 * sv_acpi_cpus_forget:
 * @self: a realized controller
 * @index: number of a processor that is gone
 *
 * Takes back what the guest has not heard of it yet. VM lock held.
 */
void
sv_acpi_cpus_forget (SvAcpiCpus *self, guint index)
{
  g_return_if_fail (index < self->n_places);

  self->flags[index] = 0;
}
