/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "hw/acpi/sv-aml.h"

#define assert_aml(aml, ...)                                                                       \
  G_STMT_START                                                                                     \
  {                                                                                                \
    const guint8 expected_[] = { __VA_ARGS__ };                                                    \
    g_assert_cmpmem ((aml)->data, (aml)->len, expected_, sizeof expected_);                        \
    g_byte_array_set_size ((aml), 0);                                                              \
  }                                                                                                \
  G_STMT_END

static void
test_int (void)
{
  g_autoptr (GByteArray) aml = g_byte_array_new ();

  sv_aml_int (aml, 0);
  assert_aml (aml, 0x00);
  sv_aml_int (aml, 1);
  assert_aml (aml, 0x01);
  sv_aml_int (aml, 2);
  assert_aml (aml, 0x0a, 2);
  sv_aml_int (aml, 0xff);
  assert_aml (aml, 0x0a, 0xff);
  sv_aml_int (aml, 0x100);
  assert_aml (aml, 0x0b, 0x00, 0x01);
  sv_aml_int (aml, 0x10000);
  assert_aml (aml, 0x0c, 0, 0, 1, 0);
  sv_aml_int (aml, 0xffffffff);
  assert_aml (aml, 0x0c, 0xff, 0xff, 0xff, 0xff);
  sv_aml_int (aml, G_GUINT64_CONSTANT (0x0102030405060708));
  assert_aml (aml, 0x0e, 8, 7, 6, 5, 4, 3, 2, 1);
}

static void
test_path (void)
{
  g_autoptr (GByteArray) aml = g_byte_array_new ();

  sv_aml_path (aml, "GED");
  assert_aml (aml, 'G', 'E', 'D', '_');
  sv_aml_path (aml, "\\");
  assert_aml (aml, '\\', 0);
  sv_aml_path (aml, "\\_SB.PWRB");
  assert_aml (aml, '\\', 0x2e, '_', 'S', 'B', '_', 'P', 'W', 'R', 'B');
  sv_aml_path (aml, "^^A.B.C");
  assert_aml (aml, '^', '^', 0x2f, 3, 'A', '_', '_', '_', 'B', '_', '_', '_', 'C', '_', '_', '_');
}

static void
test_eisaid (void)
{
  g_autoptr (GByteArray) aml = g_byte_array_new ();

  sv_aml_eisaid (aml, "PNP0C0C");
  assert_aml (aml, 0x0c, 0x41, 0xd0, 0x0c, 0x0c);
  sv_aml_eisaid (aml, "PNP0501");
  assert_aml (aml, 0x0c, 0x41, 0xd0, 0x05, 0x01);
}

/* PkgLength counts its own bytes: lengths around each step of its encoding */
static void
test_length (void)
{
  static const struct
  {
    guint content;
    guint n;
    guint8 bytes[4];
  } cases[] = {
    { 62, 1, { 0x3f } },
    { 63, 2, { 0x41, 0x04 } },
    { 4093, 2, { 0x4f, 0xff } },
    { 4094, 3, { 0x81, 0x00, 0x01 } },
    { 0xffffc, 3, { 0x8f, 0xff, 0xff } },
    { 0xffffd, 4, { 0xc1, 0x00, 0x00, 0x01 } },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (GByteArray) aml = g_byte_array_new ();
      const guint block = sv_aml_begin_while (aml);

      for (guint j = 0; j < cases[i].content; j++)
        sv_aml_int (aml, 1);
      sv_aml_end (aml, block);
      g_assert_cmpuint (aml->len, ==, 1 + cases[i].n + cases[i].content);
      g_assert_cmpuint (aml->data[0], ==, 0xa2);
      g_assert_cmpmem (aml->data + 1, cases[i].n, cases[i].bytes, cases[i].n);
      g_assert_cmpuint (aml->data[1 + cases[i].n], ==, 1);
      g_assert_cmpuint (aml->data[aml->len - 1], ==, 1);
    }
}

static void
test_blocks (void)
{
  g_autoptr (GByteArray) aml = g_byte_array_new ();
  guint outer, inner;

  outer = sv_aml_begin_scope (aml, "\\_SB");
  inner = sv_aml_begin_device (aml, "PWRB");
  sv_aml_name_eisaid (aml, "_HID", "PNP0C0C");
  sv_aml_end (aml, inner);
  sv_aml_end (aml, outer);
  assert_aml (aml, 0x10, 0x17, '\\', '_', 'S', 'B', '_', 0x5b, 0x82, 0x0f, 'P', 'W', 'R', 'B', 0x08,
              '_', 'H', 'I', 'D', 0x0c, 0x41, 0xd0, 0x0c, 0x0c);

  outer = sv_aml_begin_method (aml, "_EVT", 1, TRUE);
  inner = sv_aml_begin_if (aml);
  sv_aml_op (aml, SV_AML_LEQUAL);
  sv_aml_op (aml, SV_AML_ARG0);
  sv_aml_int (aml, 23);
  sv_aml_op (aml, SV_AML_RETURN);
  sv_aml_op (aml, SV_AML_LOCAL0);
  sv_aml_end (aml, inner);
  inner = sv_aml_begin_else (aml);
  sv_aml_op (aml, SV_AML_NOTIFY);
  sv_aml_path (aml, "PWRB");
  sv_aml_int (aml, 0x80);
  sv_aml_end (aml, inner);
  sv_aml_end (aml, outer);
  assert_aml (aml, 0x14, 0x17, '_', 'E', 'V', 'T', 0x09, 0xa0, 0x07, 0x93, 0x68, 0x0a, 23, 0xa4,
              0x60, 0xa1, 0x08, 0x86, 'P', 'W', 'R', 'B', 0x0a, 0x80);

  outer = sv_aml_begin_package (aml, 2);
  sv_aml_int (aml, 5);
  sv_aml_string (aml, "x");
  sv_aml_end (aml, outer);
  assert_aml (aml, 0x12, 0x07, 2, 0x0a, 5, 0x0d, 'x', 0);

  sv_aml_bytes (aml, "\1\2\3", 3);
  assert_aml (aml, 0x11, 0x06, 0x0a, 3, 1, 2, 3);
}

static void
test_field (void)
{
  g_autoptr (GByteArray) aml = g_byte_array_new ();
  guint block;

  sv_aml_operation_region (aml, "EREG", SV_AML_SYSTEM_MEMORY, 0xf0000000, 4);
  assert_aml (aml, 0x5b, 0x80, 'E', 'R', 'E', 'G', 0, 0x0c, 0, 0, 0, 0xf0, 0x0a, 4);

  block = sv_aml_begin_field (aml, "EREG", SV_AML_ACCESS_DWORD | SV_AML_UPDATE_ZEROS);
  sv_aml_field_reserved (aml, 8);
  sv_aml_field_unit (aml, "ESEL", 64);
  sv_aml_end (aml, block);
  assert_aml (aml, 0x5b, 0x81, 0x0e, 'E', 'R', 'E', 'G', 0x43, 0x00, 8, 'E', 'S', 'E', 'L', 0x40,
              0x04);
}

static void
test_resources (void)
{
  g_autoptr (GByteArray) aml = g_byte_array_new ();
  guint block = sv_aml_begin_resources (aml);

  sv_aml_resource_io (aml, 0x3f8, 8);
  sv_aml_resource_irq (aml, 4);
  sv_aml_end_resources (aml, block);
  assert_aml (aml, 0x11, 0x10, 0x0a, 13, 0x47, 1, 0xf8, 3, 0xf8, 3, 1, 8, 0x22, 0x10, 0, 0x79, 0);

  block = sv_aml_begin_resources (aml);
  sv_aml_resource_memory32 (aml, 0xf0100000, 0x200);
  sv_aml_resource_interrupt (aml, 12, FALSE);
  sv_aml_resource_interrupt (aml, 23, TRUE);
  sv_aml_end_resources (aml, block);
  assert_aml (aml, 0x11, 0x23, 0x0a, 32, 0x86, 9, 0, 1, 0, 0, 0x10, 0xf0, 0, 2, 0, 0, 0x89, 6, 0, 1,
              1, 12, 0, 0, 0, 0x89, 6, 0, 3, 1, 23, 0, 0, 0, 0x79, 0);

  block = sv_aml_begin_resources (aml);
  sv_aml_resource_qword_memory (aml, 0x4000000000, 0x1000, TRUE);
  sv_aml_end_resources (aml, block);
  g_assert_cmpuint (aml->len, ==, 4 + 46 + 2);
  g_assert_cmpuint (aml->data[4], ==, 0x8a);
  g_assert_cmpuint (aml->data[4 + 5], ==, 3);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/acpi/aml/int", test_int);
  g_test_add_func ("/acpi/aml/path", test_path);
  g_test_add_func ("/acpi/aml/eisaid", test_eisaid);
  g_test_add_func ("/acpi/aml/length", test_length);
  g_test_add_func ("/acpi/aml/blocks", test_blocks);
  g_test_add_func ("/acpi/aml/field", test_field);
  g_test_add_func ("/acpi/aml/resources", test_resources);
  return g_test_run ();
}
