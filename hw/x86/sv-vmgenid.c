/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-vmgenid.h"

#include <string.h>

#include "hw/acpi/sv-aml.h"
#include "hw/x86/sv-x86-layout.h"
#include "hw/x86/sv-x86-machine.h"
#include "src/migration/sv-migratable.h"

#define ACPI_PATH "\\_SB.VGEN"
/* Nothing else lies in the page; the specification wants eight bytes of alignment. */
#define GUID_AT (SV_X86_VMGENID + 40)
#define GUID_SIZE 16u
#define AUTO "auto"

struct _SvVmgenid
{
  SvDevice parent_instance;

  char *guid;
  char *current;
  gboolean changed; /* what was loaded is not what the guest shall see here */
};

enum
{
  PROP_0,
  PROP_GUID,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void sv_vmgenid_described_init (SvAcpiDescribedInterface *iface);
static const SvMigratableState migration;

G_DEFINE_FINAL_TYPE_WITH_CODE (SvVmgenid, sv_vmgenid, SV_TYPE_DEVICE,
                               G_IMPLEMENT_INTERFACE (SV_TYPE_ACPI_DESCRIBED, sv_vmgenid_described_init)
                               SV_MIGRATABLE_STATE (&migration))

static gboolean
is_auto (SvVmgenid *self)
{
  return self->guid == NULL || g_str_equal (self->guid, AUTO);
}

static void
set_current (SvVmgenid *self, const char *guid)
{
  g_free (self->current);
  self->current = guid != NULL ? g_ascii_strdown (guid, -1) : g_uuid_string_random ();
}

/* A GUID in memory has its first three numbers little-endian. */
static void
write_guid (SvVmgenid *self)
{
  static const guint8 order[GUID_SIZE] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
  SvMachine *machine = sv_device_get_machine (SV_DEVICE (self));
  const char *digits = self->current;
  guint8 guid[GUID_SIZE];

  for (guint i = 0; i < GUID_SIZE; i++)
    {
      digits += *digits == '-';
      guid[order[i]] = (guint8)(g_ascii_xdigit_value (digits[0]) << 4 | g_ascii_xdigit_value (digits[1]));
      digits += 2;
    }
  sv_address_space_write (sv_machine_get_memory (machine), GUID_AT, guid, GUID_SIZE);
}

/* The guest runs, and shall look. */
static void
tell_guest (SvVmgenid *self)
{
  write_guid (self);
  sv_acpi_ged_raise (sv_x86_machine_get_ged (SV_X86_MACHINE (sv_device_get_machine (SV_DEVICE (self)))),
                     SV_ACPI_GED_EVENT_VMGENID);
}

static gboolean
find_other (SvObject *object, gpointer user_data)
{
  SvObject **found = user_data;

  if (SV_IS_VMGENID (object) && object != *found && sv_device_is_realized (SV_DEVICE (object)))
    *found = NULL;
  return *found != NULL;
}

static gboolean
sv_vmgenid_realize (SvDevice *device, GError **error)
{
  SvVmgenid *self = SV_VMGENID (device);
  SvMachine *machine = sv_device_get_machine (device);
  SvObject *only = SV_OBJECT (self);

  if (!is_auto (self) && !g_uuid_string_is_valid (self->guid))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "'guid' is '%s': expected " AUTO ", or a UUID such as 4e6a9f2c-30d1-4b53-9f0e-6d2f0c1b7a55", self->guid);
      return FALSE;
    }
  sv_object_walk (SV_OBJECT (machine), find_other, &only);
  if (only == NULL || !SV_IS_X86_MACHINE (machine))
    {
      g_set_error_literal (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                           only == NULL ? "there can be one vmgenid only" : "this machine has no ACPI");
      return FALSE;
    }
  set_current (self, is_auto (self) ? NULL : self->guid);
  sv_acpi_ged_add_notify (sv_x86_machine_get_ged (SV_X86_MACHINE (machine)), SV_ACPI_GED_EVENT_VMGENID, ACPI_PATH,
                          SV_ACPI_NOTIFY_BUTTON);
  write_guid (self);
  return TRUE;
}

/* --- ACPI --- */

static void
sv_vmgenid_build_aml (SvAcpiDescribed *described, GByteArray *scope)
{
  guint device = sv_aml_begin_device (scope, "VGEN");
  guint package;

  sv_aml_name_string (scope, "_HID", "QEMUVGID");
  sv_aml_name_string (scope, "_CID", "VM_Gen_Counter");
  sv_aml_name_string (scope, "_DDN", "VM_Gen_Counter");
  sv_aml_name (scope, "ADDR");
  package = sv_aml_begin_package (scope, 2);
  sv_aml_int (scope, GUID_AT);
  sv_aml_int (scope, 0);
  sv_aml_end (scope, package);
  sv_aml_end (scope, device);
}

static void
sv_vmgenid_described_init (SvAcpiDescribedInterface *iface)
{
  iface->build_aml = sv_vmgenid_build_aml;
}

/* --- state --- */

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  return g_variant_new ("(s)", SV_VMGENID (migratable)->current);
}

static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  SvVmgenid *self = SV_VMGENID (migratable);
  const char *guid;

  g_variant_get (state, "(&s)", &guid);
  if (!g_uuid_string_is_valid (guid))
    {
      g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID, "the generation is not a UUID");
      return FALSE;
    }
  self->changed = !is_auto (self) && g_ascii_strcasecmp (guid, self->guid) != 0;
  set_current (self, self->changed ? self->guid : guid);
  return TRUE;
}

/* Memory holds what the guest saw there. */
static gboolean
state_loaded (SvMigratable *migratable, GError **error)
{
  SvVmgenid *self = SV_VMGENID (migratable);

  if (self->changed)
    tell_guest (self);
  self->changed = FALSE;
  return TRUE;
}

static void
state_cloned (SvMigratable *migratable)
{
  SvVmgenid *self = SV_VMGENID (migratable);

  if (!is_auto (self))
    return;
  set_current (self, NULL);
  tell_guest (self);
}

static const SvMigratableState migration = {
  .types = (const char *const[]){ "(s)", NULL }, /* GUID */
  .dup = dup_state,
  .load = load_state,
  .loaded = state_loaded,
  .cloned = state_cloned,
};

/* --- GObject --- */

static void
sv_vmgenid_reset (SvDevice *device)
{
  write_guid (SV_VMGENID (device));
}

static void
sv_vmgenid_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_set_string (value, SV_VMGENID (object)->guid);
}

static void
sv_vmgenid_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvVmgenid *self = SV_VMGENID (object);

  g_free (self->guid);
  self->guid = g_value_dup_string (value);
}

static void
sv_vmgenid_finalize (GObject *object)
{
  SvVmgenid *self = SV_VMGENID (object);

  g_free (self->guid);
  g_free (self->current);
  G_OBJECT_CLASS (sv_vmgenid_parent_class)->finalize (object);
}

static void
sv_vmgenid_class_init (SvVmgenidClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);

  object_class->get_property = sv_vmgenid_get_property;
  object_class->set_property = sv_vmgenid_set_property;
  object_class->finalize = sv_vmgenid_finalize;
  device_class->realize = sv_vmgenid_realize;
  device_class->reset = sv_vmgenid_reset;
  device_class->user_creatable = TRUE;
  device_class->category = "misc";
  device_class->description = "Tells the guest that it goes on from a snapshot, by an ACPI device";

  /**
   * SvVmgenid:guid:
   *
   * The generation, a UUID; `auto` makes a random one, and another one for each VM that goes on from a snapshot.
   */
  props[PROP_GUID] = g_param_spec_string (
      "guid", "guid", "Generation, a UUID; auto: a random one, and another one for each VM that goes on from a snapshot", AUTO,
      SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_vmgenid_init (SvVmgenid *self)
{
  self->guid = g_strdup (AUTO);
}

const char *
sv_vmgenid_get_current (SvVmgenid *self)
{
  return self->current;
}
