/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the guest's tables say of processors that come and go. */

#include "hw/acpi/sv-acpi-cpus.h"
#include "hw/acpi/sv-acpi-table.h"
#include "hw/acpi/sv-aml.h"

#define STA_PRESENT 0xfu

static void
name_of_place (char name[5], guint index)
{
  g_snprintf (name, 5, "C%03u", index % 1000);
}

/* CCTL (place, flags to write, outcome): its status. Serialized, as it selects the place first. */
static void
append_control (GByteArray *scope, guint64 address)
{
  static const char *const registers[] = { "CPST", "CEVC" };
  guint block;

  sv_aml_operation_region (scope, "PRST", SV_AML_SYSTEM_MEMORY, address, SV_ACPI_CPUS_SIZE);
  block = sv_aml_begin_field (scope, "PRST", SV_AML_ACCESS_BYTE | SV_AML_UPDATE_ZEROS);
  sv_aml_field_unit (scope, "CPID", 8);
  sv_aml_field_unit (scope, "CPST", 8);
  sv_aml_field_unit (scope, "CEVC", 8);
  sv_aml_end (scope, block);

  block = sv_aml_begin_method (scope, "CCTL", 3, TRUE);
  sv_aml_op (scope, SV_AML_STORE);
  sv_aml_op (scope, SV_AML_ARG0);
  sv_aml_path (scope, "CPID");
  for (guint i = 0; i < G_N_ELEMENTS (registers); i++)
    {
      const guint condition = sv_aml_begin_if (scope);

      sv_aml_op (scope, SV_AML_ARG1 + i);
      sv_aml_op (scope, SV_AML_STORE);
      sv_aml_op (scope, SV_AML_ARG1 + i);
      sv_aml_path (scope, registers[i]);
      sv_aml_end (scope, condition);
    }
  sv_aml_op (scope, SV_AML_RETURN);
  sv_aml_path (scope, "CPST");
  sv_aml_end (scope, block);
}

static void
append_call (GByteArray *aml, guint index, guint flags, guint outcome_op)
{
  sv_aml_path (aml, "CCTL");
  sv_aml_int (aml, index);
  sv_aml_int (aml, flags);
  if (outcome_op != 0)
    sv_aml_op (aml, outcome_op);
  else
    sv_aml_int (aml, 0);
}

static void
append_methods (GByteArray *aml, guint index)
{
  guint method = sv_aml_begin_method (aml, "_STA", 0, TRUE);
  guint condition = sv_aml_begin_if (aml);

  sv_aml_op (aml, SV_AML_AND);
  append_call (aml, index, 0, 0);
  sv_aml_int (aml, SV_ACPI_CPUS_ENABLED);
  sv_aml_op (aml, SV_AML_NO_TARGET);
  sv_aml_op (aml, SV_AML_RETURN);
  sv_aml_int (aml, STA_PRESENT);
  sv_aml_end (aml, condition);
  sv_aml_op (aml, SV_AML_RETURN);
  sv_aml_int (aml, 0);
  sv_aml_end (aml, method);
  if (index == 0)
    return; /* The boot processor stays. */

  method = sv_aml_begin_method (aml, "_EJ0", 1, TRUE);
  append_call (aml, index, SV_ACPI_CPUS_EJECT, 0);
  sv_aml_end (aml, method);

  /* Requests to eject, of the firmware or of the guest itself (0x103) */
  method = sv_aml_begin_method (aml, "_OST", 3, TRUE);
  condition = sv_aml_begin_if (aml);
  sv_aml_op (aml, SV_AML_LEQUAL);
  sv_aml_op (aml, SV_AML_AND);
  sv_aml_op (aml, SV_AML_ARG0);
  sv_aml_int (aml, 0xff);
  sv_aml_op (aml, SV_AML_NO_TARGET);
  sv_aml_int (aml, SV_ACPI_NOTIFY_EJECT_REQUEST);
  append_call (aml, index, 0, SV_AML_ARG1);
  sv_aml_end (aml, condition);
  sv_aml_end (aml, method);
}

static void
append_place (GByteArray *scope, SvAcpiCpu cpu, guint index)
{
  g_autoptr (GByteArray) madt = g_byte_array_new ();
  char name[5];
  guint device;

  name_of_place (name, index);
  device = sv_aml_begin_device (scope, name);
  sv_aml_name_string (scope, "_HID", "ACPI0007");
  sv_aml_name_int (scope, "_UID", index);
  /* Read when the processor is there. */
  cpu.absent = FALSE;
  sv_acpi_append_madt_cpu (madt, index, &cpu);
  sv_aml_name (scope, "_MAT");
  sv_aml_bytes (scope, madt->data, madt->len);
  if (cpu.node >= 0)
    sv_aml_name_int (scope, "_PXM", (guint)cpu.node);
  append_methods (scope, index);
  sv_aml_end (scope, device);
}

/* CNTF (place, what): Notify (its device, what) */
static void
append_notify (GByteArray *scope, guint n_places)
{
  const guint method = sv_aml_begin_method (scope, "CNTF", 2, TRUE);

  for (guint i = 0; i < n_places; i++)
    {
      const guint condition = sv_aml_begin_if (scope);
      char name[5];

      name_of_place (name, i);
      sv_aml_op (scope, SV_AML_LEQUAL);
      sv_aml_op (scope, SV_AML_ARG0);
      sv_aml_int (scope, i);
      sv_aml_op (scope, SV_AML_NOTIFY);
      sv_aml_path (scope, name);
      sv_aml_op (scope, SV_AML_ARG1);
      sv_aml_end (scope, condition);
    }
  sv_aml_end (scope, method);
}

/* If (LOCAL1 & flag) { CNTF (LOCAL0, value); CCTL (LOCAL0, flag, 0) } */
static void
append_event (GByteArray *aml, guint flag, guint value)
{
  const guint condition = sv_aml_begin_if (aml);

  sv_aml_op (aml, SV_AML_AND);
  sv_aml_op (aml, SV_AML_LOCAL1);
  sv_aml_int (aml, flag);
  sv_aml_op (aml, SV_AML_NO_TARGET);
  sv_aml_path (aml, "CNTF");
  sv_aml_op (aml, SV_AML_LOCAL0);
  sv_aml_int (aml, value);
  sv_aml_path (aml, "CCTL");
  sv_aml_op (aml, SV_AML_LOCAL0);
  sv_aml_int (aml, flag);
  sv_aml_int (aml, 0);
  sv_aml_end (aml, condition);
}

static void
append_read_event (GByteArray *aml)
{
  sv_aml_op (aml, SV_AML_STORE);
  sv_aml_path (aml, "CPID");
  sv_aml_op (aml, SV_AML_LOCAL0);
}

/* Called by the GED: CSCN () looks at each place where something happened. */
static void
append_scan (GByteArray *scope)
{
  const guint method = sv_aml_begin_method (scope, "CSCN", 0, TRUE);
  guint loop;

  append_read_event (scope);
  loop = sv_aml_begin_while (scope);
  sv_aml_op (scope, SV_AML_LLESS);
  sv_aml_op (scope, SV_AML_LOCAL0);
  sv_aml_int (scope, SV_ACPI_CPUS_NONE);
  sv_aml_op (scope, SV_AML_STORE);
  sv_aml_path (scope, "CCTL");
  sv_aml_op (scope, SV_AML_LOCAL0);
  sv_aml_int (scope, 0);
  sv_aml_int (scope, 0);
  sv_aml_op (scope, SV_AML_LOCAL1);
  append_event (scope, SV_ACPI_CPUS_INSERTING, SV_ACPI_NOTIFY_DEVICE_CHECK);
  append_event (scope, SV_ACPI_CPUS_REMOVING, SV_ACPI_NOTIFY_EJECT_REQUEST);
  append_read_event (scope);
  sv_aml_end (scope, loop);
  sv_aml_end (scope, method);
}

void
sv_acpi_cpus_append_aml (GByteArray *scope, guint64 address, const SvAcpiCpu *places, guint n_places)
{
  const guint device = sv_aml_begin_device (scope, "CPUS");

  sv_aml_name_string (scope, "_HID", "ACPI0010");
  sv_aml_name_eisaid (scope, "_CID", "PNP0A05");
  append_control (scope, address);
  for (guint i = 0; i < n_places; i++)
    append_place (scope, places[i], i);
  append_notify (scope, n_places);
  append_scan (scope);
  sv_aml_end (scope, device);
}
