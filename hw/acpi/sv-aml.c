/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/acpi/sv-aml.h"

#include <string.h>

#define SV_AML_ZERO 0x00
#define SV_AML_ONE 0x01
#define SV_AML_NAME 0x08
#define SV_AML_BYTE_PREFIX 0x0a
#define SV_AML_WORD_PREFIX 0x0b
#define SV_AML_DWORD_PREFIX 0x0c
#define SV_AML_STRING_PREFIX 0x0d
#define SV_AML_QWORD_PREFIX 0x0e
#define SV_AML_SCOPE 0x10
#define SV_AML_BUFFER 0x11
#define SV_AML_PACKAGE 0x12
#define SV_AML_METHOD 0x14
#define SV_AML_DUAL_NAME_PREFIX 0x2e
#define SV_AML_MULTI_NAME_PREFIX 0x2f
#define SV_AML_EXT_PREFIX 0x5b
#define SV_AML_IF 0xa0
#define SV_AML_ELSE 0xa1
#define SV_AML_WHILE 0xa2
#define SV_AML_EXT_OP_REGION 0x80
#define SV_AML_EXT_FIELD 0x81
#define SV_AML_EXT_DEVICE 0x82

#define SV_AML_SEGMENT 4

static void
append_byte (GByteArray *aml, guint byte)
{
  const guint8 value = byte;

  g_byte_array_append (aml, &value, 1);
}

static void
append_le (GByteArray *aml, guint64 value, guint size)
{
  const guint64 bytes = GUINT64_TO_LE (value);

  g_byte_array_append (aml, (const guint8 *)&bytes, size);
}

static void
insert (GByteArray *aml, guint position, const guint8 *bytes, guint length)
{
  const guint tail = aml->len - position;

  g_byte_array_set_size (aml, aml->len + length);
  memmove (aml->data + position + length, aml->data + position, tail);
  memcpy (aml->data + position, bytes, length);
}

/* PkgLength (ACPI 6.5 §20.2.4): @extra is the size of what it counts beside itself. */
static guint
encode_length (guint8 *out, guint length, gboolean counts_itself)
{
  guint n = 1;

  while (n < 4 && length + (counts_itself ? n : 0) >= (n == 1 ? 1u << 6 : 1u << (8 * n - 4)))
    n++;
  length += counts_itself ? n : 0;

  if (n == 1)
    {
      out[0] = length;
      return 1;
    }
  out[0] = ((n - 1) << 6) | (length & 0xf);
  for (guint i = 1; i < n; i++)
    out[i] = length >> (8 * i - 4);
  return n;
}

static guint
begin (GByteArray *aml, guint op)
{
  append_byte (aml, op);
  return aml->len;
}

static guint
begin_extended (GByteArray *aml, guint op)
{
  append_byte (aml, SV_AML_EXT_PREFIX);
  return begin (aml, op);
}

/**
 * sv_aml_end:
 * @block: what the _begin_ function returned
 *
 * Closes a block: its PkgLength is known now.
 */
void
sv_aml_end (GByteArray *aml, guint block)
{
  guint8 length[4];

  insert (aml, block, length, encode_length (length, aml->len - block, TRUE));
}

/**
 * sv_aml_op:
 *
 * Appends an operator or a one-byte object.
 */
void
sv_aml_op (GByteArray *aml, SvAmlOp op)
{
  append_byte (aml, op);
}

/**
 * sv_aml_int:
 *
 * Appends an integer constant.
 */
void
sv_aml_int (GByteArray *aml, guint64 value)
{
  if (value <= 1)
    {
      append_byte (aml, value == 0 ? SV_AML_ZERO : SV_AML_ONE);
    }
  else if (value <= G_MAXUINT8)
    {
      append_byte (aml, SV_AML_BYTE_PREFIX);
      append_le (aml, value, 1);
    }
  else if (value <= G_MAXUINT16)
    {
      append_byte (aml, SV_AML_WORD_PREFIX);
      append_le (aml, value, 2);
    }
  else if (value <= G_MAXUINT32)
    {
      append_byte (aml, SV_AML_DWORD_PREFIX);
      append_le (aml, value, 4);
    }
  else
    {
      append_byte (aml, SV_AML_QWORD_PREFIX);
      append_le (aml, value, 8);
    }
}

/**
 * sv_aml_string:
 *
 * Appends a string constant.
 */
void
sv_aml_string (GByteArray *aml, const char *string)
{
  append_byte (aml, SV_AML_STRING_PREFIX);
  g_byte_array_append (aml, (const guint8 *)string, strlen (string) + 1);
}

/**
 * sv_aml_eisaid:
 * @id: three capital letters and four hexadecimal digits
 *
 * Appends a compressed EISA identifier (ACPI 6.5 §19.3.4).
 */
void
sv_aml_eisaid (GByteArray *aml, const char *id)
{
  guint32 value = 0;

  g_return_if_fail (strlen (id) == 7);

  for (guint i = 0; i < 3; i++)
    value = value << 5 | ((id[i] - '@') & 0x1f);
  for (guint i = 3; i < 7; i++)
    value = value << 4 | (g_ascii_xdigit_value (id[i]) & 0xf);

  append_byte (aml, SV_AML_DWORD_PREFIX);
  append_le (aml, GUINT32_SWAP_LE_BE (value), 4);
}

static void
append_segment (GByteArray *aml, const char *name, gsize length)
{
  guint8 segment[SV_AML_SEGMENT] = { '_', '_', '_', '_' };

  g_return_if_fail (length >= 1 && length <= SV_AML_SEGMENT);

  memcpy (segment, name, length);
  g_byte_array_append (aml, segment, sizeof segment);
}

/**
 * sv_aml_path:
 *
 * Appends a NameString (ACPI 6.5 §20.2.2).
 */
void
sv_aml_path (GByteArray *aml, const char *path)
{
  guint n_segments = 1;

  while (*path == '\\' || *path == '^')
    append_byte (aml, *path++);
  if (*path == '\0')
    {
      append_byte (aml, 0);
      return;
    }

  for (const char *dot = strchr (path, '.'); dot; dot = strchr (dot + 1, '.'))
    n_segments++;
  if (n_segments == 2)
    {
      append_byte (aml, SV_AML_DUAL_NAME_PREFIX);
    }
  else if (n_segments > 2)
    {
      append_byte (aml, SV_AML_MULTI_NAME_PREFIX);
      append_byte (aml, n_segments);
    }

  for (guint i = 0; i < n_segments; i++)
    {
      const gsize length = strcspn (path, ".");

      append_segment (aml, path, length);
      path += length + 1;
    }
}

/**
 * sv_aml_bytes:
 *
 * Appends a Buffer with the given content.
 */
void
sv_aml_bytes (GByteArray *aml, gconstpointer data, gsize length)
{
  const guint block = begin (aml, SV_AML_BUFFER);

  sv_aml_int (aml, length);
  g_byte_array_append (aml, data, length);
  sv_aml_end (aml, block);
}

/**
 * sv_aml_name:
 *
 * Starts the definition of a named object; the object itself must follow.
 */
void
sv_aml_name (GByteArray *aml, const char *path)
{
  append_byte (aml, SV_AML_NAME);
  sv_aml_path (aml, path);
}

/**
 * sv_aml_name_int:
 *
 * Defines a named integer.
 */
void
sv_aml_name_int (GByteArray *aml, const char *path, guint64 value)
{
  sv_aml_name (aml, path);
  sv_aml_int (aml, value);
}

/**
 * sv_aml_name_string:
 *
 * Defines a named string.
 */
void
sv_aml_name_string (GByteArray *aml, const char *path, const char *string)
{
  sv_aml_name (aml, path);
  sv_aml_string (aml, string);
}

/**
 * sv_aml_name_eisaid:
 *
 * Defines a named EISA identifier.
 */
void
sv_aml_name_eisaid (GByteArray *aml, const char *path, const char *id)
{
  sv_aml_name (aml, path);
  sv_aml_eisaid (aml, id);
}

/**
 * sv_aml_begin_scope:
 *
 * Opens a Scope.
 */
guint
sv_aml_begin_scope (GByteArray *aml, const char *path)
{
  const guint block = begin (aml, SV_AML_SCOPE);

  sv_aml_path (aml, path);
  return block;
}

/**
 * sv_aml_begin_device:
 *
 * Opens a Device.
 */
guint
sv_aml_begin_device (GByteArray *aml, const char *path)
{
  const guint block = begin_extended (aml, SV_AML_EXT_DEVICE);

  sv_aml_path (aml, path);
  return block;
}

/**
 * sv_aml_begin_method:
 * @n_args: 0 to 7
 *
 * Opens a Method; SyncLevel is 0.
 */
guint
sv_aml_begin_method (GByteArray *aml, const char *path, guint n_args, gboolean serialized)
{
  const guint block = begin (aml, SV_AML_METHOD);

  sv_aml_path (aml, path);
  append_byte (aml, (n_args & 7) | (serialized ? 1 << 3 : 0));
  return block;
}

/**
 * sv_aml_begin_package:
 *
 * Opens a Package of @n_elements, up to 255.
 */
guint
sv_aml_begin_package (GByteArray *aml, guint n_elements)
{
  const guint block = begin (aml, SV_AML_PACKAGE);

  append_byte (aml, n_elements);
  return block;
}

/**
 * sv_aml_begin_if:
 *
 * Opens an If.
 */
guint
sv_aml_begin_if (GByteArray *aml)
{
  return begin (aml, SV_AML_IF);
}

/**
 * sv_aml_begin_else:
 *
 * Opens the Else of the If that ended just before.
 */
guint
sv_aml_begin_else (GByteArray *aml)
{
  return begin (aml, SV_AML_ELSE);
}

/**
 * sv_aml_begin_while:
 *
 * Opens a While.
 */
guint
sv_aml_begin_while (GByteArray *aml)
{
  return begin (aml, SV_AML_WHILE);
}

/**
 * sv_aml_operation_region:
 *
 * Declares an OperationRegion.
 */
void
sv_aml_operation_region (
    GByteArray *aml, const char *path, SvAmlSpace space, guint64 offset, guint64 length)
{
  append_byte (aml, SV_AML_EXT_PREFIX);
  append_byte (aml, SV_AML_EXT_OP_REGION);
  sv_aml_path (aml, path);
  append_byte (aml, space);
  sv_aml_int (aml, offset);
  sv_aml_int (aml, length);
}

/**
 * sv_aml_begin_field:
 * @flags: #SvAmlFieldFlags
 *
 * Opens the Field list of @region.
 */
guint
sv_aml_begin_field (GByteArray *aml, const char *region, guint flags)
{
  const guint block = begin_extended (aml, SV_AML_EXT_FIELD);

  sv_aml_path (aml, region);
  append_byte (aml, flags);
  return block;
}

static void
append_field_length (GByteArray *aml, guint bits)
{
  guint8 length[4];

  g_byte_array_append (aml, length, encode_length (length, bits, FALSE));
}

/**
 * sv_aml_field_unit:
 *
 * Names the next @bits of the field list.
 */
void
sv_aml_field_unit (GByteArray *aml, const char *name, guint bits)
{
  append_segment (aml, name, strlen (name));
  append_field_length (aml, bits);
}

/**
 * sv_aml_field_reserved:
 *
 * Skips the next @bits of the field list.
 */
void
sv_aml_field_reserved (GByteArray *aml, guint bits)
{
  append_byte (aml, 0);
  append_field_length (aml, bits);
}

/**
 * sv_aml_begin_resources:
 *
 * Opens a ResourceTemplate.
 */
guint
sv_aml_begin_resources (GByteArray *aml)
{
  return begin (aml, SV_AML_BUFFER);
}

/**
 * sv_aml_end_resources:
 *
 * Closes a ResourceTemplate: end tag, buffer size and PkgLength.
 */
void
sv_aml_end_resources (GByteArray *aml, guint block)
{
  /* A checksum of zero means that there is none to verify (ACPI 6.5 §6.4.2.9). */
  const guint8 end_tag[] = { 0x79, 0x00 };
  g_autoptr (GByteArray) size = g_byte_array_new ();

  g_byte_array_append (aml, end_tag, sizeof end_tag);
  sv_aml_int (size, aml->len - block);
  insert (aml, block, size->data, size->len);
  sv_aml_end (aml, block);
}
