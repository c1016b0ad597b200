/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/pci/sv-pci-acpi.h"

#include "hw/acpi/sv-aml.h"

#define N_SLOTS 32u
#define N_PINS 4u
#define CONFIG_PORTS 0xcf8u
#define CONFIG_PORTS_SIZE 8u

/* _OSC (PCI Firmware 3.3 §4.5.1): native hotplug, power management events, control of the PCIe
 * capability */
#define OSC_GRANTED 0x15u
#define OSC_UNKNOWN_UUID 0x04u
#define OSC_UNKNOWN_REVISION 0x08u
#define OSC_MASKED 0x10u

static const guint8 osc_uuid[16] = { 0x5b, 0x4d, 0xdb, 0x33, 0xf7, 0x1f, 0x1c, 0x40,
                                     0x96, 0x57, 0x74, 0x41, 0xc0, 0x3d, 0xd7, 0x66 };

static void
append_crs (GByteArray *aml, const SvPciAcpiHost *host)
{
  guint block;

  sv_aml_name (aml, "_CRS");
  block = sv_aml_begin_resources (aml);
  sv_aml_resource_word_bus (aml, 0, host->last_bus);
  sv_aml_resource_io (aml, CONFIG_PORTS, CONFIG_PORTS_SIZE);
  sv_aml_resource_word_io (aml, 0, CONFIG_PORTS);
  sv_aml_resource_word_io (aml, CONFIG_PORTS + CONFIG_PORTS_SIZE,
                           0x10000 - CONFIG_PORTS - CONFIG_PORTS_SIZE);
  sv_aml_resource_dword_memory (aml, (guint32)host->memory_base, (guint32)host->memory_size);
  if (host->prefetch_size != 0)
    sv_aml_resource_qword_memory (aml, host->prefetch_base, host->prefetch_size, TRUE);
  sv_aml_end_resources (aml, block);
}

static void
append_prt (GByteArray *aml, guint first_gsi)
{
  guint table;

  sv_aml_name (aml, "_PRT");
  table = sv_aml_begin_package (aml, N_SLOTS * N_PINS);
  for (guint slot = 0; slot < N_SLOTS; slot++)
    for (guint pin = 0; pin < N_PINS; pin++)
      {
        guint entry = sv_aml_begin_package (aml, 4);

        sv_aml_int (aml, slot << 16 | 0xffff);
        sv_aml_int (aml, pin);
        sv_aml_int (aml, 0);
        sv_aml_int (aml, first_gsi + (slot + pin) % N_PINS);
        sv_aml_end (aml, entry);
      }
  sv_aml_end (aml, table);
}

/* CreateDWordField (Arg3, offset, name) */
static void
append_field (GByteArray *aml, guint offset, const char *name)
{
  sv_aml_op (aml, SV_AML_CREATE_DWORD_FIELD);
  sv_aml_op (aml, SV_AML_ARG3);
  sv_aml_int (aml, offset);
  sv_aml_path (aml, name);
}

/* CDW1 |= flag */
static void
append_flag (GByteArray *aml, guint flag)
{
  sv_aml_op (aml, SV_AML_OR);
  sv_aml_path (aml, "CDW1");
  sv_aml_int (aml, flag);
  sv_aml_path (aml, "CDW1");
}

static void
append_osc (GByteArray *aml)
{
  guint method = sv_aml_begin_method (aml, "_OSC", 4, TRUE);
  guint block, inner;

  append_field (aml, 0, "CDW1");
  block = sv_aml_begin_if (aml);
  sv_aml_op (aml, SV_AML_LEQUAL);
  sv_aml_op (aml, SV_AML_ARG0);
  sv_aml_bytes (aml, osc_uuid, sizeof osc_uuid);
  append_field (aml, 8, "CDW3");
  sv_aml_op (aml, SV_AML_AND);
  sv_aml_path (aml, "CDW3");
  sv_aml_int (aml, OSC_GRANTED);
  sv_aml_op (aml, SV_AML_LOCAL0);

  inner = sv_aml_begin_if (aml);
  sv_aml_op (aml, SV_AML_LNOT);
  sv_aml_op (aml, SV_AML_LEQUAL);
  sv_aml_op (aml, SV_AML_ARG1);
  sv_aml_int (aml, 1);
  append_flag (aml, OSC_UNKNOWN_REVISION);
  sv_aml_end (aml, inner);

  inner = sv_aml_begin_if (aml);
  sv_aml_op (aml, SV_AML_LNOT);
  sv_aml_op (aml, SV_AML_LEQUAL);
  sv_aml_path (aml, "CDW3");
  sv_aml_op (aml, SV_AML_LOCAL0);
  append_flag (aml, OSC_MASKED);
  sv_aml_end (aml, inner);

  sv_aml_op (aml, SV_AML_STORE);
  sv_aml_op (aml, SV_AML_LOCAL0);
  sv_aml_path (aml, "CDW3");
  sv_aml_end (aml, block);

  block = sv_aml_begin_else (aml);
  append_flag (aml, OSC_UNKNOWN_UUID);
  sv_aml_end (aml, block);
  sv_aml_op (aml, SV_AML_RETURN);
  sv_aml_op (aml, SV_AML_ARG3);
  sv_aml_end (aml, method);
}

/**
 * sv_pci_acpi_append_host: (skip)
 * @scope: the DSDT's \_SB scope
 * @host: the root bus
 *
 * Describes the root bus, and its configuration space as a resource of the motherboard, which
 * operating systems want before they use it.
 */
void
sv_pci_acpi_append_host (GByteArray *scope, const SvPciAcpiHost *host)
{
  guint device = sv_aml_begin_device (scope, "PCI0");
  guint board, resources;

  sv_aml_name_eisaid (scope, "_HID", "PNP0A08");
  sv_aml_name_eisaid (scope, "_CID", "PNP0A03");
  sv_aml_name_int (scope, "_SEG", 0);
  sv_aml_name_int (scope, "_BBN", 0);
  sv_aml_name_int (scope, "_UID", 0);
  sv_aml_name_int (scope, "_CCA", 1);
  append_crs (scope, host);
  append_prt (scope, host->first_gsi);
  append_osc (scope);
  sv_aml_end (scope, device);

  if (host->ecam_base == 0)
    return;
  board = sv_aml_begin_device (scope, "MBRD");
  sv_aml_name_eisaid (scope, "_HID", "PNP0C02");
  sv_aml_name_int (scope, "_UID", 1);
  sv_aml_name (scope, "_CRS");
  resources = sv_aml_begin_resources (scope);
  sv_aml_resource_memory32 (scope, (guint32)host->ecam_base, (guint32)host->ecam_size);
  sv_aml_end_resources (scope, resources);
  sv_aml_end (scope, board);
}
