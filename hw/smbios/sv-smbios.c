/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/smbios/sv-smbios.h"

#include <stdio.h>
#include <string.h>

#include "hw/smbios/sv-smbios-file.h"
#include "hw/smbios/sv-smbios-table.h"
#include "qom/sv-type-registry.h"

/* SMBIOS 3.0.0, DSP0134: chapter 5.2.2 for the anchor, 7 for the structures */
#define ANCHOR_SIZE 24
#define HEADER_SIZE 4
#define MAX_STRINGS 255u

/* Handles, as QEMU's */
#define HANDLE(type) ((guint16)((type) << 8))
#define HANDLE_CHASSIS 0x300u
#define HANDLE_MEMORY_ARRAY 0x1000u
#define HANDLE_NONE 0xfffeu

#define MAX_DEVICE_SIZE (16ull << 30) /* of RAM in one memory device */

#define MANUFACTURER "StratoVirt"
#define PRODUCT "StratoVirt virtual machine"

/* A structure under construction: its fixed part, then its strings. */
typedef struct
{
  guint8 data[0x40];
  guint size;
  GString *strings;
  guint n_strings;
} Structure;

static void
put (Structure *self, guint offset, guint64 value, guint size)
{
  const guint64 bytes = GUINT64_TO_LE (value);

  memcpy (self->data + offset, &bytes, size);
}

static void
begin (Structure *self, guint type, guint size, guint handle)
{
  memset (self, 0, sizeof *self);
  self->size = size;
  self->strings = g_string_new (NULL);
  put (self, 0, type, 1);
  put (self, 1, size, 1);
  put (self, 2, handle, 2);
}

/* A field that is the number of a string; 0: there is none */
static void
put_text (Structure *self, guint offset, const char *text)
{
  if (text == NULL || *text == '\0' || self->n_strings == MAX_STRINGS)
    return;
  g_string_append_len (self->strings, text, (gssize)strlen (text) + 1);
  self->data[offset] = (guint8)++self->n_strings;
}

static void
end (Structure *self, GByteArray *tables)
{
  const guint8 terminator[2] = { 0 };

  g_byte_array_append (tables, self->data, self->size);
  g_byte_array_append (tables, (const guint8 *)self->strings->str, (guint)self->strings->len);
  g_byte_array_append (tables, terminator, self->n_strings > 0 ? 1 : 2);
  g_string_free (self->strings, TRUE);
}

/* --- what the user said --- */

static gpointer
find (SvMachine *machine, GType type)
{
  g_autoptr (GPtrArray) all = sv_object_collect (SV_OBJECT (machine), type);

  return all->len > 0 ? g_ptr_array_index (all, 0) : NULL;
}

static gboolean
fail (GError **error, const char *where, const char *expected, const char *value)
{
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID, "-smbios %s expects %s, got '%s'", where, expected,
               value);
  return FALSE;
}

/* The text of a field, which others than the user's is @otherwise. */
#define TEXT(table, name, otherwise) sv_smbios_table_get_text (table, name, otherwise)

/* --- structures --- */

static gboolean
append_firmware (SvMachine *machine, GByteArray *tables, GError **error)
{
  SvSmbiosTable *user = find (machine, sv_smbios_type0_get_type ());
  const char *release = TEXT (user, "release", "0.0");
  guint major, minor;
  Structure s;
  char rest;

  if (sscanf (release, "%3u.%3u%c", &major, &minor, &rest) != 2 || major > 255 || minor > 255)
    return fail (error, "type=0,release=", "MAJOR.MINOR, each up to 255", release);
  begin (&s, 0, 0x18, HANDLE (0));
  put_text (&s, 0x04, TEXT (user, "vendor", MANUFACTURER));
  put_text (&s, 0x05, TEXT (user, "version", SV_VERSION));
  put (&s, 0x06, 0xe800, 2); /* segment */
  put_text (&s, 0x08, TEXT (user, "date", "01/01/2024"));
  put (&s, 0x0a, 0x08, 8); /* characteristics are not given */
  /* A virtual machine (and UEFI); targeted content distribution, for guests that look there. */
  put (&s, 0x13, 0x14 | (sv_smbios_table_get_uint (user, "uefi", FALSE) ? 0x08 : 0), 1);
  put (&s, 0x14, major, 1);
  put (&s, 0x15, minor, 1);
  put (&s, 0x16, 0xffff, 2); /* no embedded controller */
  end (&s, tables);
  return TRUE;
}

/* The first three fields are numbers, little-endian ones (7.2.1). */
static gboolean
put_uuid (Structure *self, guint offset, const char *text, GError **error)
{
  static const guint8 order[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
  const char *p = text;

  if (!g_uuid_string_is_valid (text))
    return fail (error, "type=1,uuid=", "a UUID such as 4e6a9f2c-30d1-4b53-9f0e-6d2f0c1b7a55", text);
  for (guint i = 0; i < G_N_ELEMENTS (order); i++, p += 2)
    {
      if (*p == '-')
        p++;
      self->data[offset + order[i]]
          = (guint8)(g_ascii_xdigit_value (p[0]) << 4 | g_ascii_xdigit_value (p[1]));
    }
  return TRUE;
}

static gboolean
append_system (SvMachine *machine, GByteArray *tables, GError **error)
{
  SvSmbiosTable *user = find (machine, sv_smbios_type1_get_type ());
  const char *type = sv_type_registry_get_display_name (G_OBJECT_TYPE (machine));
  g_autofree char *name = g_strndup (type, strlen (type) - (g_str_has_suffix (type, "-machine") ? 8 : 0));
  g_autofree char *machine_uuid = NULL;
  const char *uuid;
  gboolean ok = TRUE;
  Structure s;

  g_object_get (machine, "uuid", &machine_uuid, NULL);
  uuid = TEXT (user, "uuid", machine_uuid);
  begin (&s, 1, 0x1b, HANDLE (1));
  put_text (&s, 0x04, TEXT (user, "manufacturer", MANUFACTURER));
  put_text (&s, 0x05, TEXT (user, "product", PRODUCT));
  put_text (&s, 0x06, TEXT (user, "version", name));
  put_text (&s, 0x07, TEXT (user, "serial", NULL));
  if (uuid != NULL)
    ok = put_uuid (&s, 0x08, uuid, error);
  put (&s, 0x18, 6, 1); /* woken by the power switch */
  put_text (&s, 0x19, TEXT (user, "sku", NULL));
  put_text (&s, 0x1a, TEXT (user, "family", NULL));
  end (&s, tables);
  return ok;
}

/* Only when somebody has something to say of it */
static void
append_board (SvMachine *machine, GByteArray *tables)
{
  SvSmbiosTable *user = find (machine, sv_smbios_type2_get_type ());
  Structure s;

  if (user == NULL)
    return;
  begin (&s, 2, 0x0f, HANDLE (2));
  put_text (&s, 0x04, TEXT (user, "manufacturer", MANUFACTURER));
  put_text (&s, 0x05, TEXT (user, "product", PRODUCT));
  put_text (&s, 0x06, TEXT (user, "version", NULL));
  put_text (&s, 0x07, TEXT (user, "serial", NULL));
  put_text (&s, 0x08, TEXT (user, "asset", NULL));
  put (&s, 0x09, 1, 1); /* a hosting board */
  put_text (&s, 0x0a, TEXT (user, "location", NULL));
  put (&s, 0x0b, HANDLE_CHASSIS, 2);
  put (&s, 0x0d, 0x0a, 1); /* motherboard */
  end (&s, tables);
}

static void
append_chassis (SvMachine *machine, GByteArray *tables)
{
  SvSmbiosTable *user = find (machine, sv_smbios_type3_get_type ());
  Structure s;

  begin (&s, 3, 0x16, HANDLE_CHASSIS);
  put_text (&s, 0x04, TEXT (user, "manufacturer", MANUFACTURER));
  put (&s, 0x05, 1, 1); /* other */
  put_text (&s, 0x06, TEXT (user, "version", NULL));
  put_text (&s, 0x07, TEXT (user, "serial", NULL));
  put_text (&s, 0x08, TEXT (user, "asset", NULL));
  put (&s, 0x09, 3, 1); /* boot, power and thermal state: safe; security: unknown */
  put (&s, 0x0a, 3, 1);
  put (&s, 0x0b, 3, 1);
  put (&s, 0x0c, 2, 1);
  put_text (&s, 0x15, TEXT (user, "sku", NULL));
  end (&s, tables);
}

static void
append_processors (SvMachine *machine, GByteArray *tables)
{
  SvSmbiosTable *user = find (machine, sv_smbios_type4_get_type ());
  const SvCpuLayout layout = sv_machine_get_cpu_layout (machine);
  const guint cores = layout.dies * layout.cores;
  const guint threads = cores * layout.threads;

  for (guint i = 0; i < layout.sockets; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s %u", TEXT (user, "sock-pfx", "CPU"), i);
      Structure s;

      begin (&s, 4, 0x30, HANDLE (4) + i);
      put_text (&s, 0x04, name);
      put (&s, 0x05, 3, 1); /* central processor, of another family */
      put (&s, 0x06, 1, 1);
      put_text (&s, 0x07, TEXT (user, "manufacturer", MANUFACTURER));
      put_text (&s, 0x10, TEXT (user, "version", NULL));
      put (&s, 0x14, sv_smbios_table_get_uint (user, "max-speed", 2000), 2);
      put (&s, 0x16, sv_smbios_table_get_uint (user, "current-speed", 2000), 2);
      put (&s, 0x18, 0x41, 1); /* socket populated, processor enabled */
      put (&s, 0x19, 1, 1);    /* upgrade: other */
      put (&s, 0x1a, 0xffff, 2);
      put (&s, 0x1c, 0xffff, 2);
      put (&s, 0x1e, 0xffff, 2); /* caches are not told of */
      put_text (&s, 0x20, TEXT (user, "serial", NULL));
      put_text (&s, 0x21, TEXT (user, "asset", NULL));
      put_text (&s, 0x22, TEXT (user, "part", NULL));
      put (&s, 0x23, MIN (cores, 0xff), 1);
      put (&s, 0x24, MIN (cores, 0xff), 1);
      put (&s, 0x25, MIN (threads, 0xff), 1);
      put (&s, 0x26, 2, 2); /* characteristics: unknown */
      put (&s, 0x28, 1, 2);
      put (&s, 0x2a, cores, 2);
      put (&s, 0x2c, cores, 2);
      put (&s, 0x2e, threads, 2);
      end (&s, tables);
    }
}

static gboolean
append_texts (SvMachine *machine, GByteArray *tables, GError **error)
{
  g_autoptr (GPtrArray) users = sv_object_collect (SV_OBJECT (machine), sv_smbios_type11_get_type ());
  gboolean fit = TRUE;
  Structure s;

  if (users->len == 0)
    return TRUE;
  begin (&s, 11, 0x05, HANDLE (11));
  for (guint i = 0; i < users->len; i++)
    {
      const char *const *list = sv_smbios_table_get_list (g_ptr_array_index (users, i), "value");

      for (; list != NULL && *list != NULL && fit; list++)
        {
          fit = s.n_strings < MAX_STRINGS;
          put_text (&s, 0x04, *list);
        }
    }
  end (&s, tables);
  return fit || fail (error, "type=11,value=", "at most 255 texts", "more");
}

static void
append_memory_devices (SvMachine *machine, GByteArray *tables, guint64 size)
{
  SvSmbiosTable *user = find (machine, sv_smbios_type17_get_type ());
  const guint n = (guint)((size + MAX_DEVICE_SIZE - 1) / MAX_DEVICE_SIZE);
  Structure s;

  begin (&s, 16, 0x17, HANDLE_MEMORY_ARRAY);
  put (&s, 0x04, 1, 1); /* at another place, system memory, multi-bit ECC */
  put (&s, 0x05, 3, 1);
  put (&s, 0x06, 6, 1);
  put (&s, 0x07, size >> 10, 4);
  put (&s, 0x0b, HANDLE_NONE, 2);
  put (&s, 0x0d, n, 2);
  end (&s, tables);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s %u", TEXT (user, "loc-pfx", "DIMM"), i);
      const guint64 part = MIN (size - i * MAX_DEVICE_SIZE, MAX_DEVICE_SIZE);

      begin (&s, 17, 0x28, HANDLE (17) + i);
      put (&s, 0x04, HANDLE_MEMORY_ARRAY, 2);
      put (&s, 0x06, HANDLE_NONE, 2);
      put (&s, 0x08, 0xffff, 2); /* width: unknown */
      put (&s, 0x0a, 0xffff, 2);
      put (&s, 0x0c, part >> 20, 2);
      put (&s, 0x0e, 9, 1); /* DIMM */
      put_text (&s, 0x10, name);
      put_text (&s, 0x11, TEXT (user, "bank", NULL));
      put (&s, 0x12, 7, 1); /* RAM, of another kind */
      put (&s, 0x13, 2, 2);
      put (&s, 0x15, sv_smbios_table_get_uint (user, "speed", 0), 2);
      put_text (&s, 0x17, TEXT (user, "manufacturer", MANUFACTURER));
      put_text (&s, 0x18, TEXT (user, "serial", NULL));
      put_text (&s, 0x19, TEXT (user, "asset", NULL));
      put_text (&s, 0x1a, TEXT (user, "part", NULL));
      put (&s, 0x20, sv_smbios_table_get_uint (user, "speed", 0), 2);
      end (&s, tables);
    }
}

static void
append_memory_ranges (const SvSmbiosConfig *config, GByteArray *tables)
{
  for (guint i = 0; i < config->n_ram; i++)
    {
      const guint64 first = config->ram[i].start;
      const guint64 last = first + config->ram[i].size - 1;
      Structure s;

      begin (&s, 19, 0x1f, HANDLE (19) + i);
      put (&s, 0x04, last >> 10 < G_MAXUINT32 ? first >> 10 : G_MAXUINT32, 4);
      put (&s, 0x08, last >> 10 < G_MAXUINT32 ? last >> 10 : G_MAXUINT32, 4);
      put (&s, 0x0c, HANDLE_MEMORY_ARRAY, 2);
      put (&s, 0x0e, 1, 1);
      if (last >> 10 >= G_MAXUINT32)
        {
          put (&s, 0x0f, first, 8);
          put (&s, 0x17, last, 8);
        }
      end (&s, tables);
    }
}

static void
drop_type (GByteArray *tables, guint8 type)
{
  for (guint at = 0; at < tables->len;)
    {
      const guint size = (guint)sv_smbios_structure_get_size (tables->data + at, tables->len - at);

      if (tables->data[at] == type)
        g_byte_array_remove_range (tables, at, size);
      else
        at += size;
    }
}

/* In place of what was made of the same types */
static void
append_files (SvMachine *machine, GByteArray *tables)
{
  g_autoptr (GPtrArray) files = sv_object_collect (SV_OBJECT (machine), SV_TYPE_SMBIOS_FILE);

  for (guint i = 0; i < files->len; i++)
    drop_type (tables, *(const guint8 *)g_bytes_get_data (sv_smbios_file_get_contents (files->pdata[i]), NULL));
  for (guint i = 0; i < files->len; i++)
    {
      gsize size;
      const guint8 *data = g_bytes_get_data (sv_smbios_file_get_contents (files->pdata[i]), &size);

      g_byte_array_append (tables, data, (guint)size);
    }
}

static void
append_end (GByteArray *tables)
{
  Structure s;

  begin (&s, 32, 0x0b, HANDLE (32)); /* booted without errors */
  end (&s, tables);
  begin (&s, 127, HEADER_SIZE, HANDLE (127));
  end (&s, tables);
}

static GByteArray *
new_anchor (guint64 address, guint size)
{
  GByteArray *array = g_byte_array_new ();
  guint8 anchor[ANCHOR_SIZE] = { '_', 'S', 'M', '3', '_', 0, ANCHOR_SIZE, 3, 0, 0, 1 };
  const guint32 size_le = GUINT32_TO_LE (size);
  const guint64 address_le = GUINT64_TO_LE (address);
  guint8 sum = 0;

  memcpy (anchor + 0x0c, &size_le, sizeof size_le);
  memcpy (anchor + 0x10, &address_le, sizeof address_le);
  for (guint i = 0; i < sizeof anchor; i++)
    sum += anchor[i];
  anchor[5] = (guint8)-sum;
  return g_byte_array_append (array, anchor, sizeof anchor);
}

/**
 * sv_smbios_is_wanted: (skip)
 * @machine: a machine
 *
 * Returns: whether the user gave it a UUID, or said what is to be in its SMBIOS structures
 */
gboolean
sv_smbios_is_wanted (SvMachine *machine)
{
  g_autofree char *uuid = NULL;

  g_object_get (machine, "uuid", &uuid, NULL);
  return uuid != NULL || find (machine, SV_TYPE_SMBIOS_TABLE) != NULL
         || find (machine, SV_TYPE_SMBIOS_FILE) != NULL;
}

/**
 * sv_smbios_build: (skip)
 * @machine: a complete machine
 * @config: what is not in its tree
 * @anchor: (out) (transfer full): 64-bit entry point, 24 bytes
 * @tables: (out) (transfer full): structures
 * @error: return location
 *
 * Builds structures of the types 0, 1, 2 (when the user gives any), 3, 4 for each socket, 11 (likewise), 16, 17, 19, 32.
 *
 * Returns: %FALSE when a value that the user gave is none
 */
gboolean
sv_smbios_build (SvMachine *machine,
                 const SvSmbiosConfig *config,
                 GByteArray **anchor,
                 GByteArray **tables,
                 GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint64 size = 0;

  for (guint i = 0; i < config->n_ram; i++)
    size += config->ram[i].size;
  if (!append_firmware (machine, bytes, error) || !append_system (machine, bytes, error))
    return FALSE;
  append_board (machine, bytes);
  append_chassis (machine, bytes);
  append_processors (machine, bytes);
  if (!append_texts (machine, bytes, error))
    return FALSE;
  append_memory_devices (machine, bytes, size);
  append_memory_ranges (config, bytes);
  append_files (machine, bytes);
  append_end (bytes);
  *anchor = new_anchor (config->address, bytes->len);
  *tables = g_steal_pointer (&bytes);
  return TRUE;
}
