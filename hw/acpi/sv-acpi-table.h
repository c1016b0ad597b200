/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/acpi/sv-acpi-build.h"

G_BEGIN_DECLS

#define SV_ACPI_HEADER_SIZE 36
#define SV_ACPI_OEM_ID "STRATO"

/* Little-endian numbers of @size bytes */
void sv_acpi_put (guint8 *at, guint64 value, guint size);
void sv_acpi_append (GByteArray *table, guint64 value, guint size);
void sv_acpi_append_zeros (GByteArray *table, guint length);
/* What makes the sum of all bytes 0 */
guint8 sv_acpi_checksum (const guint8 *bytes, gsize length);
/* Starts a table at the next aligned place, with its header; returns its offset, for
 * sv_acpi_end_table(). */
guint sv_acpi_begin_table (GByteArray *tables, const char *signature, guint8 revision);
void sv_acpi_end_table (GByteArray *tables, guint start);

/* FADT (ACPI 6.5 §5.2.9); @facs is 0 on a hardware-reduced platform. Returns its offset. */
guint
sv_acpi_append_fadt (GByteArray *tables, const SvAcpiConfig *config, guint64 dsdt, guint64 facs);

/* The entry of a processor in the MADT (ACPI 6.5 §5.2.12.2, §5.2.12.12). Returns whether it is one of an x2APIC. */
gboolean sv_acpi_append_madt_cpu (GByteArray *table, guint uid, const SvAcpiCpu *cpu);

/* The device `CPUS` of SvAcpiCpus, whose registers lie at @address. */
void sv_acpi_cpus_append_aml (GByteArray *scope, guint64 address, const SvAcpiCpu *places, guint n_places);
/* SPCR, SRAT, SLIT; return their offsets. */
guint sv_acpi_append_spcr (GByteArray *tables, const SvAcpiConfig *config);
guint sv_acpi_append_srat (GByteArray *tables, const SvAcpiConfig *config);
guint sv_acpi_append_slit (GByteArray *tables, const SvNuma *numa);

G_END_DECLS
