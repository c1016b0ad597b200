/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/acpi/sv-acpi-build.h"
#include "hw/x86/sv-x86-layout.h"

/* A platform that ACPI tables are built for, and the tables as an operating system finds them. */

/* Something in the tree that describes itself with every kind of resource. */
#define TEST_TYPE_DESCRIBED (test_described_get_type ())
G_DECLARE_FINAL_TYPE (TestDescribed, test_described, TEST, DESCRIBED, SvObject)

struct _TestDescribed
{
  SvObject parent_instance;
  guint number;
};

#define ACPI_TEST_ROOT_BUS 1000u /* number of one that describes a PCI root bus instead */

#define ACPI_TEST_BASE SV_X86_ACPI_RSDP
#define ACPI_TEST_MAX_CPUS 300u

extern SvAcpiCpu acpi_test_cpus[ACPI_TEST_MAX_CPUS];
extern const SvAcpiConfig acpi_test_config; /* of one CPU, as microvm is */

/* To be called first of all */
void acpi_test_init_cpus (void);
/* A generic event device and, deep in the tree, so many that describe themselves; the caller owns it. */
SvObject *acpi_make_tree (guint n_described);

typedef struct
{
  const guint8 *rsdp, *xsdt, *fadt, *madt, *dsdt;
} AcpiTables;

guint64 acpi_get_le (const guint8 *at, guint size);
/* The table at this guest address, whose signature, place and checksum are right */
const guint8 *acpi_table_at (GByteArray *tables, guint64 address, const char *signature);
AcpiTables acpi_find_tables (GByteArray *bytes);
