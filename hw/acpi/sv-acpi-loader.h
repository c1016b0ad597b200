/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

/* Names of the files that a table loader's commands speak of */
#define SV_ACPI_FILE_RSDP "etc/acpi/rsdp"
#define SV_ACPI_FILE_TABLES "etc/acpi/tables"
#define SV_ACPI_FILE_LOADER "etc/table-loader"

#define SV_ACPI_LOADER_COMMAND_SIZE 128u

/**
 * SvAcpiLoader:
 * @rsdp: root pointer
 * @tables: all other tables
 * @commands: what firmware has to do with them: find memory, add the addresses of what they point to,
 *   set checksums
 *
 * ACPI tables for firmware that places them itself.
 */
typedef struct
{
  GByteArray *rsdp;
  GByteArray *tables;
  GByteArray *commands;
} SvAcpiLoader;

/*
 * Takes tables apart that sv_acpi_build() made for address 0, so that pointers are offsets. Fails when they
 * are malformed. (transfer full)
 */
SV_API SvAcpiLoader *sv_acpi_loader_new (const GByteArray *tables, GError **error);
SV_API void sv_acpi_loader_free (SvAcpiLoader *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SvAcpiLoader, sv_acpi_loader_free)

G_END_DECLS
