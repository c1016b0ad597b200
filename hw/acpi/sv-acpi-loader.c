/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/acpi/sv-acpi-loader.h"

#include <gio/gio.h>
#include <string.h>

#include "hw/acpi/sv-acpi-table.h"

/*
 * The commands are those of QEMU's bios-linker-loader, which firmware knows: 128 bytes each, numbers in
 * little endian.
 */
#define COMMAND_ALLOCATE 1u
#define COMMAND_ADD_POINTER 2u
#define COMMAND_ADD_CHECKSUM 3u
#define FILE_NAME_SIZE 56u
#define ZONE_HIGH 1u
#define ZONE_FSEG 2u /* where operating systems look for the RSDP */

#define TABLES_ALIGNMENT 64u /* of the FACS */
#define RSDP_ALIGNMENT 16u

#define CHECKSUM_AT 9u

/* RSDP, ACPI 6.5 §5.2.5.3 */
#define RSDP_SIZE 36u
#define RSDP_V1_SIZE 20u
#define RSDP_V1_CHECKSUM_AT 8u
#define RSDP_XSDT 24u
#define RSDP_CHECKSUM_AT 32u

static void
begin_command (SvAcpiLoader *self, guint command)
{
  sv_acpi_append (self->commands, command, 4);
}

static void
append_name (SvAcpiLoader *self, const char *name)
{
  char field[FILE_NAME_SIZE] = { 0 };

  g_strlcpy (field, name, sizeof field);
  g_byte_array_append (self->commands, (const guint8 *)field, sizeof field);
}

static void
end_command (SvAcpiLoader *self)
{
  sv_acpi_append_zeros (self->commands, -self->commands->len % SV_ACPI_LOADER_COMMAND_SIZE);
}

static void
add_allocate (SvAcpiLoader *self, const char *file, guint alignment, guint zone)
{
  begin_command (self, COMMAND_ALLOCATE);
  append_name (self, file);
  sv_acpi_append (self->commands, alignment, 4);
  sv_acpi_append (self->commands, zone, 1);
  end_command (self);
}

/* All pointers go to tables. */
static void
add_pointer (SvAcpiLoader *self, const char *file, guint offset, guint size)
{
  begin_command (self, COMMAND_ADD_POINTER);
  append_name (self, file);
  append_name (self, SV_ACPI_FILE_TABLES);
  sv_acpi_append (self->commands, offset, 4);
  sv_acpi_append (self->commands, size, 1);
  end_command (self);
}

static void
add_checksum (SvAcpiLoader *self, GByteArray *bytes, const char *file, guint at, guint start, guint length)
{
  bytes->data[at] = 0;
  begin_command (self, COMMAND_ADD_CHECKSUM);
  append_name (self, file);
  sv_acpi_append (self->commands, at, 4);
  sv_acpi_append (self->commands, start, 4);
  sv_acpi_append (self->commands, length, 4);
  end_command (self);
}

static guint64
get (const GByteArray *bytes, guint at, guint size)
{
  guint64 value = 0;

  memcpy (&value, bytes->data + at, size);
  return GUINT64_FROM_LE (value);
}

/* Length of the table at @at; 0: there is none */
static guint
get_length (const GByteArray *tables, guint64 at)
{
  guint64 length;

  if (at < RSDP_SIZE || at > tables->len || tables->len - at < SV_ACPI_HEADER_SIZE)
    return 0;
  length = get (tables, (guint)at + 4, 4);
  return length >= SV_ACPI_HEADER_SIZE && length <= tables->len - at ? (guint)length : 0;
}

/* What a FADT points to, in 32 and in 64 bits (ACPI 6.5 §5.2.9); the FACS has no checksum. */
static void
add_fadt_pointers (SvAcpiLoader *self, guint at, guint length)
{
  static const struct
  {
    guint offset;
    guint size;
  } fields[] = { { 36, 4 }, { 40, 4 }, { 132, 8 }, { 140, 8 } };

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    if (fields[i].offset + fields[i].size <= length
        && get (self->tables, at + fields[i].offset, fields[i].size) != 0)
      add_pointer (self, SV_ACPI_FILE_TABLES, at + fields[i].offset, fields[i].size);
}

static gboolean
is_fadt (const GByteArray *tables, guint at)
{
  return memcmp (tables->data + at, "FACP", 4) == 0;
}

static guint64
get_dsdt (const GByteArray *tables, guint fadt)
{
  guint64 address = get (tables, fadt + 140, 8);

  return address != 0 ? address : get (tables, fadt + 40, 4);
}

static gboolean
add_table (SvAcpiLoader *self, guint64 at)
{
  guint length = get_length (self->tables, at);

  if (length == 0)
    return FALSE;
  if (is_fadt (self->tables, (guint)at))
    {
      if (length < 148 || !add_table (self, get_dsdt (self->tables, (guint)at)))
        return FALSE;
      add_fadt_pointers (self, (guint)at, length);
    }
  add_checksum (self, self->tables, SV_ACPI_FILE_TABLES, (guint)at + CHECKSUM_AT, (guint)at, length);
  return TRUE;
}

static gboolean
add_all (SvAcpiLoader *self)
{
  guint64 xsdt = get (self->rsdp, RSDP_XSDT, 8);
  guint length = get_length (self->tables, xsdt);

  if (length == 0)
    return FALSE;
  add_allocate (self, SV_ACPI_FILE_RSDP, RSDP_ALIGNMENT, ZONE_FSEG);
  add_allocate (self, SV_ACPI_FILE_TABLES, TABLES_ALIGNMENT, ZONE_HIGH);
  for (guint at = SV_ACPI_HEADER_SIZE; at + 8 <= length; at += 8)
    {
      if (!add_table (self, get (self->tables, (guint)xsdt + at, 8)))
        return FALSE;
      add_pointer (self, SV_ACPI_FILE_TABLES, (guint)xsdt + at, 8);
    }
  add_checksum (self, self->tables, SV_ACPI_FILE_TABLES, (guint)xsdt + CHECKSUM_AT, (guint)xsdt, length);
  add_pointer (self, SV_ACPI_FILE_RSDP, RSDP_XSDT, 8);
  add_checksum (self, self->rsdp, SV_ACPI_FILE_RSDP, RSDP_V1_CHECKSUM_AT, 0, RSDP_V1_SIZE);
  add_checksum (self, self->rsdp, SV_ACPI_FILE_RSDP, RSDP_CHECKSUM_AT, 0, RSDP_SIZE);
  return TRUE;
}

/**
 * sv_acpi_loader_new: (skip)
 * @tables: RSDP, and tables whose pointers count from its first byte
 * @error: return location
 *
 * Returns: (transfer full): the tables as files, with the commands to place them; %NULL when @tables is
 * malformed
 */
SvAcpiLoader *
sv_acpi_loader_new (const GByteArray *tables, GError **error)
{
  g_autoptr (SvAcpiLoader) self = g_new0 (SvAcpiLoader, 1);

  self->rsdp = g_byte_array_new ();
  self->tables = g_byte_array_new ();
  self->commands = g_byte_array_new ();
  if (tables->len >= RSDP_SIZE)
    {
      g_byte_array_append (self->rsdp, tables->data, RSDP_SIZE);
      /* Offsets stay as they are. */
      g_byte_array_append (self->tables, tables->data, tables->len);
      memset (self->tables->data, 0, RSDP_SIZE);
      if (add_all (self))
        return g_steal_pointer (&self);
    }
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "ACPI tables are malformed");
  return NULL;
}

void
sv_acpi_loader_free (SvAcpiLoader *self)
{
  g_byte_array_unref (self->rsdp);
  g_byte_array_unref (self->tables);
  g_byte_array_unref (self->commands);
  g_free (self);
}
