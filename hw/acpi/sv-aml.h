/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

/*
 * AML (ACPI 6.5 §20), written into a GByteArray in the order of the byte code: prefix notation, an operator before its
 * operands. `Store (ESEL, Local0)` is
 *
 *   sv_aml_op (aml, SV_AML_STORE);
 *   sv_aml_path (aml, "ESEL");
 *   sv_aml_op (aml, SV_AML_LOCAL0);
 *
 * What has a length (scopes, methods, packages ...) is opened by a _begin_ function, whose result goes to sv_aml_end().
 * Names come from the program, never from the guest or the user: a malformed one is a programming error.
 */

/**
 * SvAmlOp:
 *
 * Operators and objects of one byte. Operands follow in the order of ACPI 6.5 §20.2.5; a binary operator such as
 * %SV_AML_AND ends with its target, %SV_AML_NO_TARGET when the result is only an operand.
 */
typedef enum
{
  SV_AML_NO_TARGET = 0x00,
  SV_AML_LOCAL0 = 0x60,
  SV_AML_LOCAL1 = 0x61,
  SV_AML_LOCAL2 = 0x62,
  SV_AML_ARG0 = 0x68,
  SV_AML_ARG1 = 0x69,
  SV_AML_ARG2 = 0x6a,
  SV_AML_ARG3 = 0x6b,
  SV_AML_STORE = 0x70,
  SV_AML_ADD = 0x72,
  SV_AML_SUBTRACT = 0x74,
  SV_AML_SHIFT_LEFT = 0x79,
  SV_AML_SHIFT_RIGHT = 0x7a,
  SV_AML_AND = 0x7b,
  SV_AML_OR = 0x7d,
  SV_AML_NOTIFY = 0x86,
  SV_AML_CREATE_DWORD_FIELD = 0x8a,
  SV_AML_LAND = 0x90,
  SV_AML_LOR = 0x91,
  SV_AML_LNOT = 0x92,
  SV_AML_LEQUAL = 0x93,
  SV_AML_LGREATER = 0x94,
  SV_AML_LLESS = 0x95,
  SV_AML_RETURN = 0xa4,
} SvAmlOp;

/* RegionSpace of an operation region */
typedef enum
{
  SV_AML_SYSTEM_MEMORY = 0,
  SV_AML_SYSTEM_IO = 1,
  SV_AML_PCI_CONFIG = 2,
} SvAmlSpace;

/* FieldFlags: access type, or'ed with an update rule */
typedef enum
{
  SV_AML_ACCESS_ANY = 0,
  SV_AML_ACCESS_BYTE = 1,
  SV_AML_ACCESS_WORD = 2,
  SV_AML_ACCESS_DWORD = 3,
  SV_AML_ACCESS_QWORD = 4,
  SV_AML_UPDATE_PRESERVE = 0 << 5,
  SV_AML_UPDATE_ONES = 1 << 5,
  SV_AML_UPDATE_ZEROS = 2 << 5,
} SvAmlFieldFlags;

/* Operands */
SV_API void sv_aml_op (GByteArray *aml, SvAmlOp op);
SV_API void sv_aml_int (GByteArray *aml, guint64 value);          /* shortest encoding */
SV_API void sv_aml_string (GByteArray *aml, const char *string);  /* ASCII */
SV_API void sv_aml_eisaid (GByteArray *aml, const char *id);      /* "PNP0C0C" */
/* A name or path: `ESEL`, `\_SB.PWRB`, `^FOO`. Short segments are padded with underscores. */
SV_API void sv_aml_path (GByteArray *aml, const char *path);
SV_API void sv_aml_bytes (GByteArray *aml, gconstpointer data, gsize length); /* Buffer () {...} */

/* Name (path, ...): the object follows, or is given here */
SV_API void sv_aml_name (GByteArray *aml, const char *path);
SV_API void sv_aml_name_int (GByteArray *aml, const char *path, guint64 value);
SV_API void sv_aml_name_string (GByteArray *aml, const char *path, const char *string);
SV_API void sv_aml_name_eisaid (GByteArray *aml, const char *path, const char *id);

/* Blocks */
SV_API guint sv_aml_begin_scope (GByteArray *aml, const char *path);
SV_API guint sv_aml_begin_device (GByteArray *aml, const char *path);
SV_API guint sv_aml_begin_method (GByteArray *aml, const char *path, guint n_args, gboolean serialized);
SV_API guint sv_aml_begin_package (GByteArray *aml, guint n_elements);
SV_API guint sv_aml_begin_if (GByteArray *aml); /* the predicate comes first */
SV_API guint sv_aml_begin_else (GByteArray *aml);
SV_API guint sv_aml_begin_while (GByteArray *aml); /* the predicate comes first */
SV_API void sv_aml_end (GByteArray *aml, guint block);

SV_API void sv_aml_operation_region (GByteArray *aml, const char *path, SvAmlSpace space, guint64 offset, guint64 length);
SV_API guint sv_aml_begin_field (GByteArray *aml, const char *region, guint flags);
SV_API void sv_aml_field_unit (GByteArray *aml, const char *name, guint bits);
SV_API void sv_aml_field_reserved (GByteArray *aml, guint bits);

/* ResourceTemplate (ACPI 6.5 §6.4), a Buffer: between these two only resource descriptors */
SV_API guint sv_aml_begin_resources (GByteArray *aml);
SV_API void sv_aml_end_resources (GByteArray *aml, guint block);
SV_API void sv_aml_resource_io (GByteArray *aml, guint16 base, guint8 length);
SV_API void sv_aml_resource_irq (GByteArray *aml, guint irq);     /* ISA: edge, active high, exclusive */
/* Producers of a bridge: bus numbers, ports, memory (not cacheable) */
SV_API void sv_aml_resource_word_bus (GByteArray *aml, guint8 first, guint8 last);
SV_API void sv_aml_resource_word_io (GByteArray *aml, guint16 base, guint32 length);
SV_API void sv_aml_resource_dword_memory (GByteArray *aml, guint32 base, guint32 length);
SV_API void sv_aml_resource_memory32 (GByteArray *aml, guint32 base, guint32 length); /* read-write */
SV_API void sv_aml_resource_interrupt (GByteArray *aml, guint32 gsi, gboolean edge);  /* active high, exclusive */
/* QWordMemory: producer, fixed, read-write */
SV_API void sv_aml_resource_qword_memory (GByteArray *aml, guint64 base, guint64 length, gboolean cacheable);

G_END_DECLS
