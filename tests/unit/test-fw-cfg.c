/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "hw/misc/sv-fw-cfg.h"
#include "isa-fixture.h"
#include "state-fixture.h"

#define RAM_SIZE 0x10000u
#define REQUEST 0x100u
#define TARGET 0x1000u

#define ERROR 0x01u
#define READ 0x02u
#define SKIP 0x04u
#define SELECT 0x08u
#define WRITE 0x10u

typedef struct
{
  IsaFixture isa;
  SvMemoryBackend *backend;
  SvAddressSpace *memory;
  SvFwCfg *fw_cfg;
  guint n_selected;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (SvMemoryRegion) root = sv_memory_region_new_container ("memory", G_MAXUINT64);
  g_autoptr (SvMemoryRegion) ram = NULL;

  isa_set_up (&f->isa);
  f->backend = g_object_new (sv_memory_backend_ram_get_type (), "size", (guint64)RAM_SIZE, NULL);
  g_assert_true (sv_object_complete (SV_OBJECT (f->backend), NULL));
  ram = sv_memory_region_new_ram ("ram", f->backend);
  sv_memory_region_add (root, 0, ram, 0);
  f->memory = sv_address_space_new ("memory", root);
  f->fw_cfg = sv_fw_cfg_new (f->memory);
  g_assert_true (isa_plug (&f->isa, SV_DEVICE (f->fw_cfg), NULL));
  f->n_selected = 0;
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  isa_unplug (SV_DEVICE (f->fw_cfg));
  g_clear_object (&f->fw_cfg);
  g_clear_object (&f->memory);
  g_clear_object (&f->backend);
  isa_tear_down (&f->isa);
}

static void
choose (Fixture *f, guint key)
{
  sv_address_space_io_write (f->isa.io, SV_FW_CFG_PORT, key, 2);
}

static guint64
read_number (Fixture *f, guint size)
{
  guint64 value = 0;

  for (guint i = 0; i < size; i++)
    value |= (guint64)isa_in (&f->isa, SV_FW_CFG_PORT + 1) << 8 * i;
  return value;
}

static guint64
read_be (Fixture *f, guint size)
{
  guint64 value = 0;

  for (guint i = 0; i < size; i++)
    value = value << 8 | isa_in (&f->isa, SV_FW_CFG_PORT + 1);
  return value;
}

static void
start_dma (Fixture *f, guint64 request)
{
  guint32 high = GUINT32_TO_BE ((guint32)(request >> 32));

  if (high != 0)
    sv_address_space_io_write (f->isa.io, SV_FW_CFG_PORT + 4, high, 4);
  sv_address_space_io_write (f->isa.io, SV_FW_CFG_PORT + 8, GUINT32_TO_BE ((guint32)request), 4);
}

/* Returns the control word that the device leaves. */
static guint32
run_dma (Fixture *f, guint32 control, guint32 length, guint64 address)
{
  struct
  {
    guint32 control;
    guint32 length;
    guint64 address;
  } request = { GUINT32_TO_BE (control), GUINT32_TO_BE (length), GUINT64_TO_BE (address) };

  g_assert_true (sv_address_space_write (f->memory, REQUEST, &request, sizeof request));
  start_dma (f, REQUEST);
  g_assert_true (sv_address_space_read (f->memory, REQUEST, &request, sizeof request));
  return GUINT32_FROM_BE (request.control);
}

static void
test_signature (Fixture *f, gconstpointer data)
{
  choose (f, SV_FW_CFG_SIGNATURE);
  g_assert_cmphex (read_be (f, 4), ==, 0x51454d55); /* QEMU */
  choose (f, SV_FW_CFG_ID);
  g_assert_cmphex (read_number (f, 4), ==, 3);
  g_assert_cmphex (sv_address_space_io_read (f->isa.io, SV_FW_CFG_PORT + 4, 8), ==,
                   GUINT64_TO_BE (0x51454d5520434647));
  g_assert_cmphex (sv_address_space_io_read (f->isa.io, SV_FW_CFG_PORT + 4, 4), ==, 0x554d4551);
  g_assert_cmphex (sv_address_space_io_read (f->isa.io, SV_FW_CFG_PORT + 8, 4), ==, 0x47464320);
}

static void
test_items (Fixture *f, gconstpointer data)
{
  sv_fw_cfg_set_number (f->fw_cfg, SV_FW_CFG_N_CPUS, 0x1234, 2);
  choose (f, SV_FW_CFG_N_CPUS);
  g_assert_cmphex (read_number (f, 2), ==, 0x1234);
  g_assert_cmphex (read_number (f, 2), ==, 0); /* behind the end */
  choose (f, SV_FW_CFG_N_CPUS);
  g_assert_cmphex (read_number (f, 1), ==, 0x34);
  choose (f, 0x7777); /* nothing */
  g_assert_cmphex (read_number (f, 4), ==, 0);
  /* The data port cannot be written to. */
  choose (f, SV_FW_CFG_N_CPUS);
  isa_out (&f->isa, SV_FW_CFG_PORT + 1, 0x99);
  g_assert_cmphex (read_number (f, 2), ==, 0x1234);
}

static void
expect_entry (Fixture *f, guint32 size, guint key, const char *name)
{
  char found[56];

  g_assert_cmpuint (read_be (f, 4), ==, size);
  g_assert_cmphex (read_be (f, 2), ==, key);
  g_assert_cmphex (read_be (f, 2), ==, 0);
  for (guint i = 0; i < sizeof found; i++)
    found[i] = (char)isa_in (&f->isa, SV_FW_CFG_PORT + 1);
  g_assert_cmpstr (found, ==, name);
}

static void
test_directory (Fixture *f, gconstpointer data)
{
  g_assert_true (sv_fw_cfg_set_file (f->fw_cfg, "etc/one", "abc", 3, NULL));
  g_assert_true (sv_fw_cfg_set_file (f->fw_cfg, "opt/two", "defgh", 5, NULL));
  choose (f, SV_FW_CFG_FILE_DIR);
  g_assert_cmpuint (read_be (f, 4), ==, 2);
  expect_entry (f, 3, 0x20, "etc/one");
  expect_entry (f, 5, 0x21, "opt/two");

  g_assert_true (sv_fw_cfg_set_file (f->fw_cfg, "etc/one", "ABCDEF", 6, NULL));
  g_assert_true (sv_fw_cfg_has_file (f->fw_cfg, "opt/two"));
  sv_fw_cfg_remove_file (f->fw_cfg, "opt/two");
  g_assert_false (sv_fw_cfg_has_file (f->fw_cfg, "opt/two"));
  choose (f, SV_FW_CFG_FILE_DIR);
  g_assert_cmpuint (read_be (f, 4), ==, 1);
  expect_entry (f, 6, 0x20, "etc/one");
  choose (f, 0x20);
  g_assert_cmphex (read_be (f, 6), ==, 0x414243444546);
  choose (f, 0x21);
  g_assert_cmphex (read_be (f, 1), ==, 0);
}

static void
test_names (Fixture *f, gconstpointer data)
{
  g_autofree char *longest = g_strnfill (SV_FW_CFG_MAX_NAME, 'x');
  g_autofree char *longer = g_strnfill (SV_FW_CFG_MAX_NAME + 1, 'x');
  g_autoptr (GError) error = NULL;

  g_assert_true (sv_fw_cfg_set_file (f->fw_cfg, longest, "", 0, NULL));
  g_assert_false (sv_fw_cfg_set_file (f->fw_cfg, longer, "", 0, &error));
  g_assert_nonnull (strstr (error->message, "1 to 55 bytes"));
  g_clear_error (&error);
  g_assert_false (sv_fw_cfg_set_file (f->fw_cfg, "", "", 0, NULL));
  for (guint i = 1; i < SV_FW_CFG_MAX_FILES; i++)
    {
      g_autofree char *name = g_strdup_printf ("opt/%u", i);

      g_assert_true (sv_fw_cfg_set_file (f->fw_cfg, name, "", 0, NULL));
    }
  g_assert_false (sv_fw_cfg_set_file (f->fw_cfg, "opt/more", "", 0, &error));
  g_assert_nonnull (strstr (error->message, "opt/more"));
}

static void
test_dma (Fixture *f, gconstpointer data)
{
  char found[8] = "........";

  g_assert_true (sv_fw_cfg_set_file (f->fw_cfg, "opt/x", "abcdefgh", 8, NULL));
  g_assert_true (sv_address_space_write (f->memory, TARGET, found, sizeof found));
  g_assert_cmphex (run_dma (f, SELECT | READ | 0x20 << 16, 3, TARGET), ==, 0);
  g_assert_true (sv_address_space_read (f->memory, TARGET, found, sizeof found));
  g_assert_cmpmem (found, 8, "abc.....", 8);
  g_assert_cmphex (run_dma (f, SKIP, 2, 0), ==, 0);
  /* The end, and zeroes behind it */
  g_assert_cmphex (run_dma (f, READ, 6, TARGET), ==, 0);
  g_assert_true (sv_address_space_read (f->memory, TARGET, found, sizeof found));
  g_assert_cmpmem (found, 8, "fgh\0\0\0..", 8);
  /* Both ways go through the same place. */
  g_assert_cmphex (run_dma (f, SELECT | 0x20 << 16, 0, 0), ==, 0);
  g_assert_cmphex (read_be (f, 2), ==, 0x6162);
  g_assert_cmphex (run_dma (f, READ, 1, TARGET), ==, 0);
  g_assert_true (sv_address_space_read (f->memory, TARGET, found, 1));
  g_assert_cmpint (found[0], ==, 'c');
}

static void
test_dma_write (Fixture *f, gconstpointer data)
{
  g_assert_true (sv_fw_cfg_set_file (f->fw_cfg, "opt/x", "abcd", 4, NULL));
  g_assert_cmphex (run_dma (f, SELECT | WRITE | 0x20 << 16, 4, TARGET), ==, ERROR);
  choose (f, 0x20);
  g_assert_cmphex (read_be (f, 4), ==, 0x61626364);
}

/* Requests and targets that are no memory: an error, or nobody to be told */
static void
test_dma_hostile (Fixture *f, gconstpointer data)
{
  static const guint64 nowhere[]
      = { RAM_SIZE, RAM_SIZE - 8, 0x100000000, G_MAXUINT64, G_MAXUINT64 - 15 };
  char found[4];

  g_assert_true (sv_fw_cfg_set_file (f->fw_cfg, "opt/x", "abcdefgh", 8, NULL));
  for (guint i = 0; i < G_N_ELEMENTS (nowhere); i++)
    start_dma (f, nowhere[i]);
  for (guint i = 0; i < G_N_ELEMENTS (nowhere); i++)
    g_assert_cmphex (run_dma (f, SELECT | READ | 0x20 << 16, 16, nowhere[i]), ==, ERROR);
  /* Far more than there is of either */
  g_assert_cmphex (run_dma (f, SELECT | READ | 0x20 << 16, G_MAXUINT32, RAM_SIZE - 4), ==, ERROR);
  g_assert_cmphex (run_dma (f, SELECT | READ | 0x7777u << 16, G_MAXUINT32, TARGET), ==, ERROR);
  g_assert_cmphex (run_dma (f, SELECT | SKIP | 0x20 << 16, G_MAXUINT32, 0), ==, 0);
  g_assert_cmphex (read_be (f, 1), ==, 0);
  /* Over the request itself: the answer comes last. */
  g_assert_cmphex (run_dma (f, SELECT | READ | 0x20 << 16, 8, REQUEST), ==, 0);
  g_assert_true (sv_address_space_read (f->memory, REQUEST + 4, found, 4));
  g_assert_cmpmem (found, 4, "efgh", 4);
}

static void
test_dma_high_address (Fixture *f, gconstpointer data)
{
  g_autoptr (SvMemoryRegion) high = sv_memory_region_new_ram ("high", f->backend);
  struct
  {
    guint32 control;
    guint32 length;
    guint64 address;
  } request = { GUINT32_TO_BE (SELECT | READ), GUINT32_TO_BE (4), GUINT64_TO_BE (TARGET) };
  char found[4];

  sv_memory_region_add (sv_address_space_get_root (f->memory), 0x500000000, high, 0);
  g_assert_true (sv_address_space_write (f->memory, 0x500000200, &request, sizeof request));
  start_dma (f, 0x500000200);
  g_assert_true (sv_address_space_read (f->memory, TARGET, found, 4));
  g_assert_cmpmem (found, 4, "QEMU", 4);
  sv_memory_region_remove (sv_address_space_get_root (f->memory), high);
}

static gboolean
read_source (gpointer opaque, guint64 offset, guint8 *buffer, gsize length)
{
  for (gsize i = 0; i < length; i++)
    buffer[i] = (guint8)(offset + i);
  return offset + length <= 0x5000;
}

static void
test_source (Fixture *f, gconstpointer data)
{
  guint8 found[3];

  sv_fw_cfg_set_source (f->fw_cfg, SV_FW_CFG_KERNEL_DATA, 0x6000, read_source, f);
  choose (f, SV_FW_CFG_KERNEL_DATA);
  g_assert_cmphex (read_be (f, 2), ==, 0x0001);
  g_assert_cmphex (run_dma (f, READ, 0x100, TARGET), ==, 0);
  g_assert_true (sv_address_space_read (f->memory, TARGET + 0xfd, found, 3));
  g_assert_cmpmem (found, 3, "\xff\x00\x01", 3);
  g_assert_cmphex (run_dma (f, READ, 0x5000, TARGET), ==, ERROR); /* the file got shorter */
}

static void
on_select (gpointer opaque)
{
  Fixture *f = opaque;
  g_autofree char *text = g_strdup_printf ("%u", ++f->n_selected);

  g_assert_true (sv_fw_cfg_set_file (f->fw_cfg, "opt/x", text, 1, NULL));
}

static void
test_select_func (Fixture *f, gconstpointer data)
{
  g_assert_true (sv_fw_cfg_set_file (f->fw_cfg, "opt/x", "0", 1, NULL));
  sv_fw_cfg_set_select_func (f->fw_cfg, "opt/x", on_select, f);
  choose (f, 0x20);
  g_assert_cmphex (read_be (f, 1), ==, '1');
  g_assert_cmphex (run_dma (f, SELECT | READ | 0x20 << 16, 1, TARGET), ==, 0);
  g_assert_cmphex (sv_address_space_io_read (f->memory, TARGET, 1), ==, '2');
  choose (f, SV_FW_CFG_ID);
  g_assert_cmpuint (f->n_selected, ==, 2);
}

static void
test_reset (Fixture *f, gconstpointer data)
{
  choose (f, SV_FW_CFG_ID);
  isa_in (&f->isa, SV_FW_CFG_PORT + 1);
  sv_address_space_io_write (f->isa.io, SV_FW_CFG_PORT + 4, 0x12345678, 4);
  sv_device_reset (SV_DEVICE (f->fw_cfg));
  g_assert_cmphex (read_be (f, 4), ==, 0x51454d55);
  g_assert_cmphex (run_dma (f, READ, 0, TARGET), ==, 0);
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)

/* Reading goes on in the middle of an item. */
static void
test_state (Fixture *f, gconstpointer data)
{
  g_autoptr (GVariant) state = NULL;
  g_autoptr (GError) error = NULL;

  choose (f, SV_FW_CFG_SIGNATURE);
  g_assert_cmpint (isa_in (&f->isa, SV_FW_CFG_PORT + 1), ==, 'Q');
  state = state_dup (SV_OBJECT (f->fw_cfg));
  choose (f, SV_FW_CFG_ID);
  g_assert_true (sv_migratable_load (SV_OBJECT (f->fw_cfg), state, &error));
  g_assert_cmpint (isa_in (&f->isa, SV_FW_CFG_PORT + 1), ==, 'E');
  state_assert_refused (SV_OBJECT (f->fw_cfg), SV_OBJECT (f->fw_cfg), "0/2/0/0", g_variant_new_uint32 (0x10000),
                        "*chosen item is 65536*");
  state_torture (SV_OBJECT (f->fw_cfg), SV_OBJECT (f->fw_cfg));
  /* Wherever the state says that it is, there is nothing behind the end. */
  isa_in (&f->isa, SV_FW_CFG_PORT + 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/fw-cfg/signature", test_signature);
  ADD ("/fw-cfg/items", test_items);
  ADD ("/fw-cfg/directory", test_directory);
  ADD ("/fw-cfg/names", test_names);
  ADD ("/fw-cfg/dma", test_dma);
  ADD ("/fw-cfg/dma-write", test_dma_write);
  ADD ("/fw-cfg/dma-hostile", test_dma_hostile);
  ADD ("/fw-cfg/dma-high-address", test_dma_high_address);
  ADD ("/fw-cfg/source", test_source);
  ADD ("/fw-cfg/select-func", test_select_func);
  ADD ("/fw-cfg/reset", test_reset);
  g_test_add ("/fw-cfg/state", Fixture, NULL, set_up, test_state, tear_down);
  return g_test_run ();
}
