/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/acpi/sv-acpi-ged.h"

#include "hw/acpi/sv-acpi-build.h"
#include "hw/acpi/sv-aml.h"
#include "hw/core/sv-machine.h"
#include "src/memory/sv-memory-region.h"
#include "src/migration/sv-migration-values.h"

#define SLEEP_ENABLE (1u << 5)
#define SLEEP_TYPE(value) (((value) >> 2) & 7)
#define SLEEP_TYPE_S5 5

/* An edge that comes before the guest's driver is there is lost: it is repeated until the guest looks. */
#define REPEAT_MS 500
#define MAX_REPEATS 120

typedef struct
{
  char *path;
  guint8 value;
  gboolean is_method;
} SvAcpiGedNotify;

struct _SvAcpiGed
{
  SvDevice parent_instance;

  guint64 address;
  SvIrq *irq;

  SvAcpiGedNotify notifies[SV_ACPI_GED_MAX_EVENTS];
  SvMemoryRegion *region;
  SvMemoryRegion *container;
  guint32 pending;
  GSource *repeat; /* while anything is pending */
  guint n_repeats;
};

enum
{
  PROP_0,
  PROP_ADDRESS,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void sv_acpi_ged_described_init (SvAcpiDescribedInterface *iface);
static const SvMigratableState migration;

G_DEFINE_FINAL_TYPE_WITH_CODE (SvAcpiGed,
                               sv_acpi_ged,
                               SV_TYPE_DEVICE,
                               G_IMPLEMENT_INTERFACE (SV_TYPE_ACPI_DESCRIBED,
                                                      sv_acpi_ged_described_init)
                               SV_MIGRATABLE_STATE (&migration))

static void
stop_repeating (SvAcpiGed *self)
{
  if (self->repeat != NULL)
    g_source_destroy (self->repeat);
  g_clear_pointer (&self->repeat, g_source_unref);
}

static gboolean
repeat (gpointer user_data)
{
  SvAcpiGed *self = user_data;

  sv_irq_pulse (self->irq);
  if (++self->n_repeats < MAX_REPEATS)
    return G_SOURCE_CONTINUE;
  stop_repeating (self);
  return G_SOURCE_REMOVE;
}

static void
start_repeating (SvAcpiGed *self)
{
  if (self->repeat != NULL)
    return;
  self->repeat = g_timeout_source_new (REPEAT_MS);
  g_source_set_callback (self->repeat, repeat, self, NULL);
  g_source_attach (self->repeat, NULL);
}

static guint64
sv_acpi_ged_read (gpointer opaque, guint64 offset, guint size)
{
  SvAcpiGed *self = opaque;
  guint32 pending;

  if (offset != SV_ACPI_GED_EVENT || size != 4)
    return 0;

  pending = self->pending;
  self->pending = 0;
  stop_repeating (self);
  return pending;
}

static void
sv_acpi_ged_write (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  SvAcpiGed *self = opaque;
  SvMachine *machine = sv_device_get_machine (SV_DEVICE (self));

  if (size != 1 || machine == NULL)
    return;

  if (offset == SV_ACPI_GED_SLEEP_CONTROL && (value & SLEEP_ENABLE) != 0
      && SLEEP_TYPE (value) == SLEEP_TYPE_S5)
    sv_machine_request_shutdown (machine, SV_SHUTDOWN_CAUSE_GUEST_SHUTDOWN);
  else if (offset == SV_ACPI_GED_RESET && value == SV_ACPI_GED_RESET_VALUE)
    sv_machine_request_reset (machine, SV_SHUTDOWN_CAUSE_GUEST_RESET);
}

static const SvMemoryRegionOps sv_acpi_ged_ops = {
  .read = sv_acpi_ged_read,
  .write = sv_acpi_ged_write,
  .min_access = 1,
  .max_access = 4,
};

static gboolean
sv_acpi_ged_realize (SvDevice *device, GError **error)
{
  SvAcpiGed *self = SV_ACPI_GED (device);
  SvMachine *machine = sv_device_get_machine (device);

  if (machine == NULL || self->irq == NULL)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "acpi-ged: only a machine can make this device");
      return FALSE;
    }

  self->region = sv_memory_region_new_io ("acpi-ged", SV_ACPI_GED_SIZE, &sv_acpi_ged_ops, self);
  self->container = g_object_ref (sv_address_space_get_root (sv_machine_get_memory (machine)));
  sv_memory_region_add (self->container, self->address, self->region, 0);
  return TRUE;
}

static void
sv_acpi_ged_unrealize (SvDevice *device)
{
  SvAcpiGed *self = SV_ACPI_GED (device);

  stop_repeating (self);
  sv_memory_region_remove (self->container, self->region);
  g_clear_object (&self->region);
  g_clear_object (&self->container);
}

static void
sv_acpi_ged_reset (SvDevice *device)
{
  SV_ACPI_GED (device)->pending = 0;
  stop_repeating (SV_ACPI_GED (device));
}

/* --- state --- */

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  SvAcpiGed *self = SV_ACPI_GED (migratable);

  return g_variant_new ("(uu)", self->pending, self->n_repeats);
}

static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  SvAcpiGed *self = SV_ACPI_GED (migratable);

  stop_repeating (self);
  g_variant_get (state, "(uu)", &self->pending, &self->n_repeats);
  return sv_migration_check_range ("repeated interrupts", self->n_repeats, 0, MAX_REPEATS, error);
}

static gboolean
state_loaded (SvMigratable *migratable, GError **error)
{
  SvAcpiGed *self = SV_ACPI_GED (migratable);

  if (self->pending == 0 || self->n_repeats >= MAX_REPEATS)
    return TRUE;
  sv_irq_pulse (self->irq);
  start_repeating (self);
  return TRUE;
}

static const SvMigratableState migration = {
  .types = (const char *const[]){ "(uu)", NULL }, /* events that the guest has not seen, how often it was told */
  .dup = dup_state,
  .load = load_state,
  .loaded = state_loaded,
};

/* --- AML --- */

/* If (LOCAL0 & bit) { Notify (path, value) }, or path () */
static void
append_notify (GByteArray *aml, guint event, const SvAcpiGedNotify *notify)
{
  const guint block = sv_aml_begin_if (aml);

  sv_aml_op (aml, SV_AML_AND);
  sv_aml_op (aml, SV_AML_LOCAL0);
  sv_aml_int (aml, 1u << event);
  sv_aml_op (aml, SV_AML_NO_TARGET);

  if (!notify->is_method)
    sv_aml_op (aml, SV_AML_NOTIFY);
  sv_aml_path (aml, notify->path);
  if (!notify->is_method)
    sv_aml_int (aml, notify->value);
  sv_aml_end (aml, block);
}

static void
sv_acpi_ged_build_aml (SvAcpiDescribed *described, GByteArray *scope)
{
  SvAcpiGed *self = SV_ACPI_GED (described);
  guint device, block;

  device = sv_aml_begin_device (scope, "PWRB");
  sv_aml_name_eisaid (scope, "_HID", "PNP0C0C");
  sv_aml_end (scope, device);

  device = sv_aml_begin_device (scope, "GED");
  sv_aml_name_string (scope, "_HID", "ACPI0013");
  sv_aml_name (scope, "_CRS");
  block = sv_aml_begin_resources (scope);
  sv_aml_resource_interrupt (scope, sv_irq_get_line (self->irq), TRUE);
  sv_aml_end_resources (scope, block);

  sv_aml_operation_region (scope, "EREG", SV_AML_SYSTEM_MEMORY, self->address + SV_ACPI_GED_EVENT,
                           4);
  block = sv_aml_begin_field (scope, "EREG", SV_AML_ACCESS_DWORD | SV_AML_UPDATE_ZEROS);
  sv_aml_field_unit (scope, "ESEL", 32);
  sv_aml_end (scope, block);

  block = sv_aml_begin_method (scope, "_EVT", 1, TRUE);
  sv_aml_op (scope, SV_AML_STORE);
  sv_aml_path (scope, "ESEL");
  sv_aml_op (scope, SV_AML_LOCAL0);
  for (guint event = 0; event < SV_ACPI_GED_MAX_EVENTS; event++)
    {
      if (self->notifies[event].path)
        append_notify (scope, event, &self->notifies[event]);
    }
  sv_aml_end (scope, block);
  sv_aml_end (scope, device);
}

static void
sv_acpi_ged_described_init (SvAcpiDescribedInterface *iface)
{
  iface->build_aml = sv_acpi_ged_build_aml;
}

static void
sv_acpi_ged_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  SvAcpiGed *self = SV_ACPI_GED (object);

  switch (prop_id)
    {
    case PROP_ADDRESS:
      g_value_set_uint64 (value, self->address);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
    }
}

static void
sv_acpi_ged_finalize (GObject *object)
{
  SvAcpiGed *self = SV_ACPI_GED (object);

  for (guint event = 0; event < SV_ACPI_GED_MAX_EVENTS; event++)
    g_free (self->notifies[event].path);
  g_clear_pointer (&self->irq, sv_irq_unref);

  G_OBJECT_CLASS (sv_acpi_ged_parent_class)->finalize (object);
}

static void
sv_acpi_ged_class_init (SvAcpiGedClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);

  object_class->get_property = sv_acpi_ged_get_property;
  object_class->finalize = sv_acpi_ged_finalize;

  device_class->realize = sv_acpi_ged_realize;
  device_class->unrealize = sv_acpi_ged_unrealize;
  device_class->reset = sv_acpi_ged_reset;
  device_class->category = "misc";
  device_class->description = "ACPI generic event device: power button, sleep and reset registers";

  /**
   * SvAcpiGed:addr:
   *
   * Guest-physical address of the registers.
   */
  props[PROP_ADDRESS] = g_param_spec_uint64 (
      "addr", "addr", "Guest-physical address of the registers", 0, G_MAXUINT64, 0, SV_PARAM_RO);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_acpi_ged_init (SvAcpiGed *self)
{
  sv_acpi_ged_add_notify (self, SV_ACPI_GED_EVENT_POWER_BUTTON, "\\_SB.PWRB",
                          SV_ACPI_NOTIFY_BUTTON);
}

/**
 * sv_acpi_ged_new:
 * @address: guest-physical address of the registers
 * @irq: (transfer none): interrupt that announces events; its line is the GSI
 *
 * Makes the device; the machine gives it a place in the tree and completes it.
 *
 * Returns: (transfer full): a new device
 */
SvAcpiGed *
sv_acpi_ged_new (guint64 address, SvIrq *irq)
{
  SvAcpiGed *self = g_object_new (SV_TYPE_ACPI_GED, NULL);

  self->address = address;
  self->irq = sv_irq_ref (irq);
  return self;
}

/**
 * sv_acpi_ged_add_notify:
 * @event: 0 to 31
 * @path: absolute ACPI path of the device to notify
 * @value: notification value, such as %SV_ACPI_NOTIFY_DEVICE_CHECK
 *
 * Says what the guest does with an event. Call before the tables are built; a second call for the
 * same event replaces the first.
 */
void
sv_acpi_ged_add_notify (SvAcpiGed *self, guint event, const char *path, guint8 value)
{
  g_return_if_fail (SV_IS_ACPI_GED (self));
  g_return_if_fail (event < SV_ACPI_GED_MAX_EVENTS);

  g_free (self->notifies[event].path);
  self->notifies[event].path = g_strdup (path);
  self->notifies[event].value = value;
  self->notifies[event].is_method = FALSE;
}

/**
 * sv_acpi_ged_add_method:
 * @event: 0 to 31
 * @path: absolute ACPI path of a method without arguments
 *
 * Has the guest call a method for an event; otherwise as sv_acpi_ged_add_notify().
 */
void
sv_acpi_ged_add_method (SvAcpiGed *self, guint event, const char *path)
{
  sv_acpi_ged_add_notify (self, event, path, 0);
  self->notifies[event].is_method = TRUE;
}

/**
 * sv_acpi_ged_raise:
 * @event: 0 to 31
 *
 * Announces an event to the guest. VM lock held.
 */
void
sv_acpi_ged_raise (SvAcpiGed *self, guint event)
{
  g_return_if_fail (SV_IS_ACPI_GED (self));
  g_return_if_fail (event < SV_ACPI_GED_MAX_EVENTS);

  self->pending |= 1u << event;
  sv_irq_pulse (self->irq);

  self->n_repeats = 0;
  start_repeating (self);
}

/**
 * sv_acpi_ged_is_pending:
 * @event: 0 to 31
 *
 * VM lock held.
 *
 * Returns: whether the guest has not looked since the event was raised
 */
gboolean
sv_acpi_ged_is_pending (SvAcpiGed *self, guint event)
{
  return (self->pending & (1u << event)) != 0;
}

/**
 * sv_acpi_ged_power_button:
 *
 * Presses the power button. VM lock held.
 */
void
sv_acpi_ged_power_button (SvAcpiGed *self)
{
  sv_acpi_ged_raise (self, SV_ACPI_GED_EVENT_POWER_BUTTON);
}
