/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Resource descriptors (ACPI 6.5 §6.4) */

#include "hw/acpi/sv-aml.h"

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

/**
 * sv_aml_resource_io:
 *
 * IO (Decode16, base, base, 1, length).
 */
void
sv_aml_resource_io (GByteArray *aml, guint16 base, guint8 length)
{
  append_byte (aml, 0x47);
  append_byte (aml, 1);
  append_le (aml, base, 2);
  append_le (aml, base, 2);
  append_byte (aml, 1);
  append_byte (aml, length);
}

/**
 * sv_aml_resource_irq:
 * @irq: 0 to 15
 *
 * IRQNoFlags () {irq}.
 */
void
sv_aml_resource_irq (GByteArray *aml, guint irq)
{
  append_byte (aml, 0x22);
  append_le (aml, 1u << (irq & 15), 2);
}

/**
 * sv_aml_resource_memory32:
 *
 * Memory32Fixed (ReadWrite, base, length).
 */
void
sv_aml_resource_memory32 (GByteArray *aml, guint32 base, guint32 length)
{
  append_byte (aml, 0x86);
  append_le (aml, 9, 2);
  append_byte (aml, 1);
  append_le (aml, base, 4);
  append_le (aml, length, 4);
}

/**
 * sv_aml_resource_interrupt:
 *
 * Interrupt (ResourceConsumer, Edge or Level, ActiveHigh, Exclusive) {gsi}.
 */
void
sv_aml_resource_interrupt (GByteArray *aml, guint32 gsi, gboolean edge)
{
  append_byte (aml, 0x89);
  append_le (aml, 6, 2);
  append_byte (aml, 1 | (edge ? 1 << 1 : 0));
  append_byte (aml, 1);
  append_le (aml, gsi, 4);
}

/* Word and DWord Address Space Descriptors: producer, positive decode, both ends fixed */
static void
append_range (GByteArray *aml, guint tag, guint type, guint flags, guint32 base, guint32 length, guint width)
{
  append_byte (aml, tag);
  append_le (aml, 3 + 5 * width, 2);
  append_byte (aml, type);
  append_byte (aml, 0x0c);
  append_byte (aml, flags);
  append_le (aml, 0, width);
  append_le (aml, base, width);
  append_le (aml, base + (length - 1), width);
  append_le (aml, 0, width);
  append_le (aml, length, width);
}

/**
 * sv_aml_resource_word_bus:
 *
 * WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode, 0, first, last, 0, ...).
 */
void
sv_aml_resource_word_bus (GByteArray *aml, guint8 first, guint8 last)
{
  append_range (aml, 0x88, 2, 0, first, last - first + 1u, 2);
}

/**
 * sv_aml_resource_word_io:
 *
 * WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode, EntireRange, 0, base, ...).
 */
void
sv_aml_resource_word_io (GByteArray *aml, guint16 base, guint32 length)
{
  append_range (aml, 0x88, 1, 3, base, length, 2);
}

/**
 * sv_aml_resource_dword_memory:
 *
 * DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable, ReadWrite, 0, base, ...).
 */
void
sv_aml_resource_dword_memory (GByteArray *aml, guint32 base, guint32 length)
{
  append_range (aml, 0x87, 0, 1, base, length, 4);
}

/**
 * sv_aml_resource_qword_memory:
 *
 * QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable or NonCacheable,
 * ReadWrite, ...).
 */
void
sv_aml_resource_qword_memory (GByteArray *aml, guint64 base, guint64 length, gboolean cacheable)
{
  append_byte (aml, 0x8a);
  append_le (aml, 43, 2);
  append_byte (aml, 0);    /* memory */
  append_byte (aml, 0x0c); /* minimum and maximum fixed */
  append_byte (aml, 1 | (cacheable ? 1 << 1 : 0));
  append_le (aml, 0, 8);
  append_le (aml, base, 8);
  append_le (aml, base + length - 1, 8);
  append_le (aml, 0, 8);
  append_le (aml, length, 8);
}
