/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/acpi/sv-acpi-table.h"

#include <string.h>

#define OEM_TABLE_ID "STRATOVT"
#define CREATOR_ID "SVVM"
#define TABLE_ALIGNMENT 16

void
sv_acpi_put (guint8 *at, guint64 value, guint size)
{
  const guint64 bytes = GUINT64_TO_LE (value);

  memcpy (at, &bytes, size);
}

void
sv_acpi_append (GByteArray *table, guint64 value, guint size)
{
  const guint64 bytes = GUINT64_TO_LE (value);

  g_byte_array_append (table, (const guint8 *)&bytes, size);
}

void
sv_acpi_append_zeros (GByteArray *table, guint length)
{
  const guint at = table->len;

  g_byte_array_set_size (table, at + length);
  memset (table->data + at, 0, length);
}

guint8
sv_acpi_checksum (const guint8 *bytes, gsize length)
{
  guint8 sum = 0;

  for (gsize i = 0; i < length; i++)
    sum += bytes[i];
  return -sum;
}

/* Starts a table at the next aligned place; returns its offset. */
guint
sv_acpi_begin_table (GByteArray *tables, const char *signature, guint8 revision)
{
  const guint padding = -tables->len & (TABLE_ALIGNMENT - 1);
  guint start;
  guint8 *header;

  sv_acpi_append_zeros (tables, padding + SV_ACPI_HEADER_SIZE);
  start = tables->len - SV_ACPI_HEADER_SIZE;
  header = tables->data + start;
  memcpy (header, signature, 4);
  header[8] = revision;
  memcpy (header + 10, SV_ACPI_OEM_ID, 6);
  memcpy (header + 16, OEM_TABLE_ID, 8);
  sv_acpi_put (header + 24, 1, 4);
  memcpy (header + 28, CREATOR_ID, 4);
  sv_acpi_put (header + 32, 1, 4);
  return start;
}

void
sv_acpi_end_table (GByteArray *tables, guint start)
{
  guint8 *header = tables->data + start;
  const guint length = tables->len - start;

  sv_acpi_put (header + 4, length, 4);
  header[9] = sv_acpi_checksum (header, length);
}
