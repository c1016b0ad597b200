/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/acpi/sv-acpi-slots-aml.h"

#include "hw/acpi/sv-acpi-build.h"
#include "hw/acpi/sv-aml.h"

static void
name_of_slot (char name[5], char letter, guint slot)
{
  g_snprintf (name, 5, "%cL%02u", letter, slot % 100);
}

static void
append_registers (const SvAcpiSlotsLayout *self, GByteArray *scope)
{
  guint block;

  sv_aml_operation_region (scope, "SREG", SV_AML_SYSTEM_MEMORY, self->registers, 16);
  block = sv_aml_begin_field (scope, "SREG", SV_AML_ACCESS_DWORD | SV_AML_UPDATE_ZEROS);
  sv_aml_field_unit (scope, "LEAV", 32);
  sv_aml_field_unit (scope, "EJEC", 32);
  sv_aml_field_unit (scope, "OSTS", 32);
  sv_aml_field_unit (scope, "OSTN", 32);
  sv_aml_end (scope, block);

  sv_aml_operation_region (scope, "SRAM", SV_AML_SYSTEM_MEMORY, self->state, SV_ACPI_SLOTS_MAX);
  block = sv_aml_begin_field (scope, "SRAM", SV_AML_ACCESS_BYTE | SV_AML_UPDATE_PRESERVE);
  for (guint slot = 0; slot < self->n_slots; slot++)
    {
      char name[5];

      name_of_slot (name, 'P', slot);
      sv_aml_field_unit (scope, name, 8);
    }
  sv_aml_end (scope, block);
}

/* Method (_OST, 3) { If ((ARG0 & 0xff) == 3) { OSTS = ARG1; OSTN = ...: the caller appends what it is about } } */
static guint
begin_outcome (GByteArray *aml, guint *condition)
{
  const guint method = sv_aml_begin_method (aml, "_OST", 3, TRUE);

  /* Requests to eject, of the firmware or of the guest itself (0x103) */
  *condition = sv_aml_begin_if (aml);
  sv_aml_op (aml, SV_AML_LEQUAL);
  sv_aml_op (aml, SV_AML_AND);
  sv_aml_op (aml, SV_AML_ARG0);
  sv_aml_int (aml, 0xff);
  sv_aml_op (aml, SV_AML_NO_TARGET);
  sv_aml_int (aml, SV_ACPI_NOTIFY_EJECT_REQUEST);
  sv_aml_op (aml, SV_AML_STORE);
  sv_aml_op (aml, SV_AML_ARG1);
  sv_aml_path (aml, "OSTS");
  sv_aml_op (aml, SV_AML_STORE);
  return method;
}

static void
end_outcome (GByteArray *aml, guint method, guint condition)
{
  sv_aml_path (aml, "OSTN");
  sv_aml_end (aml, condition);
  sv_aml_end (aml, method);
}

/* Method (_STA) { Return (PLxx) }, Method (_EJ0, 1) { EJEC = bit } */
static void
append_slot_methods (GByteArray *aml, guint slot)
{
  char name[5];
  guint method, condition;

  name_of_slot (name, 'P', slot);
  method = sv_aml_begin_method (aml, "_STA", 0, FALSE);
  sv_aml_op (aml, SV_AML_RETURN);
  sv_aml_path (aml, name);
  sv_aml_end (aml, method);

  method = sv_aml_begin_method (aml, "_EJ0", 1, TRUE);
  sv_aml_op (aml, SV_AML_STORE);
  sv_aml_int (aml, 1u << slot);
  sv_aml_path (aml, "EJEC");
  sv_aml_end (aml, method);

  method = begin_outcome (aml, &condition);
  sv_aml_int (aml, 1u << slot);
  end_outcome (aml, method, condition);
}

/* Returns those that the tables have. */
static guint32
append_slots (const SvAcpiSlotsLayout *self, GByteArray *scope)
{
  guint32 described = 0;

  for (guint slot = 0; self->describe != NULL && slot < self->n_slots; slot++)
    {
      const guint start = scope->len;
      char name[5];
      guint device;

      name_of_slot (name, 'S', slot);
      device = sv_aml_begin_device (scope, name);
      if (!self->describe (slot, scope, self->opaque))
        {
          g_byte_array_set_size (scope, start);
          continue;
        }
      append_slot_methods (scope, slot);
      sv_aml_end (scope, device);
      described |= 1u << slot;
    }
  return described;
}

/* If (LOCAL0 & bit) { Notify (SLxx, 3) } */
static void
append_eject_request (GByteArray *aml, guint slot)
{
  const guint block = sv_aml_begin_if (aml);
  char name[5];

  name_of_slot (name, 'S', slot);
  sv_aml_op (aml, SV_AML_AND);
  sv_aml_op (aml, SV_AML_LOCAL0);
  sv_aml_int (aml, 1u << slot);
  sv_aml_op (aml, SV_AML_NO_TARGET);
  sv_aml_op (aml, SV_AML_NOTIFY);
  sv_aml_path (aml, name);
  sv_aml_int (aml, SV_ACPI_NOTIFY_EJECT_REQUEST);
  sv_aml_end (aml, block);
}

/* Called by the GED: LOOK () */
static void
append_look (GByteArray *scope, guint32 described)
{
  const guint method = sv_aml_begin_method (scope, "LOOK", 0, TRUE);

  sv_aml_op (scope, SV_AML_STORE);
  sv_aml_path (scope, "LEAV");
  sv_aml_op (scope, SV_AML_LOCAL0);
  for (guint slot = 0; slot < SV_ACPI_SLOTS_MAX; slot++)
    if ((described & (1u << slot)) != 0)
      append_eject_request (scope, slot);

  sv_aml_op (scope, SV_AML_OR);
  sv_aml_path (scope, "ASKD");
  sv_aml_op (scope, SV_AML_LOCAL0);
  sv_aml_path (scope, "ASKD");
  sv_aml_op (scope, SV_AML_NOTIFY);
  sv_aml_path (scope, "EJCT");
  sv_aml_int (scope, SV_ACPI_NOTIFY_EJECT_REQUEST);
  sv_aml_end (scope, method);
}

/*
 * Linux hears eject requests only for devices that have an id of one of its hotplug handlers, and refuses
 * them for module devices that are present. So a module device that is absent stands for
 * all slots that were asked for; its _EJ0 is called when what was notified before is done.
 */
static void
append_eject (GByteArray *scope)
{
  guint device, method, condition;

  sv_aml_name_int (scope, "ASKD", 0);
  device = sv_aml_begin_device (scope, "EJCT");
  sv_aml_name_string (scope, "_HID", "ACPI0004");
  sv_aml_name_string (scope, "_UID", "eject");
  sv_aml_name_int (scope, "_STA", 0);
  method = sv_aml_begin_method (scope, "_EJ0", 1, TRUE);
  sv_aml_op (scope, SV_AML_STORE);
  sv_aml_path (scope, "ASKD");
  sv_aml_op (scope, SV_AML_LOCAL0);
  sv_aml_op (scope, SV_AML_STORE);
  sv_aml_int (scope, 0);
  sv_aml_path (scope, "ASKD");
  sv_aml_op (scope, SV_AML_STORE);
  sv_aml_op (scope, SV_AML_LOCAL0);
  sv_aml_path (scope, "EJEC");
  sv_aml_end (scope, method);
  /* After an eject that went well there is nothing left that it could be about. */
  method = begin_outcome (scope, &condition);
  sv_aml_path (scope, "ASKD");
  end_outcome (scope, method, condition);
  sv_aml_end (scope, device);
}

void
sv_acpi_slots_append_aml (GByteArray *scope, const SvAcpiSlotsLayout *layout)
{
  const guint device = sv_aml_begin_device (scope, "SLOT");
  guint32 described;

  sv_aml_name_string (scope, "_HID", "ACPI0004");
  sv_aml_name_string (scope, "_UID", "slots");
  append_registers (layout, scope);
  described = append_slots (layout, scope);
  append_eject (scope);
  append_look (scope, described);
  sv_aml_end (scope, device);
}
