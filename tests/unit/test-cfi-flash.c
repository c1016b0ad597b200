/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/misc/sv-cfi-flash.h"

#define SIZE (4 * SV_CFI_FLASH_BLOCK)

typedef struct
{
  guint8 data[SIZE];
  SvCfiFlash chip;
  guint64 start;
  guint64 length;
  guint n_changes;
} Fixture;

static void
on_change (gpointer opaque, guint64 offset, guint64 length)
{
  Fixture *f = opaque;

  f->start = offset;
  f->length = length;
  f->n_changes++;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < SIZE; i++)
    f->data[i] = (guint8)(i * 7);
  f->n_changes = 0;
  sv_cfi_flash_init (&f->chip, f->data, SIZE, on_change, f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
}

static guint8
status (Fixture *f)
{
  sv_cfi_flash_write (&f->chip, 0, 0x70);
  return sv_cfi_flash_read (&f->chip, 0);
}

static void
write_all (Fixture *f, guint64 offset, const char *bytes, gsize length)
{
  for (gsize i = 0; i < length; i++)
    sv_cfi_flash_write (&f->chip, offset, (guint8)bytes[i]);
}
#define WRITE(f, offset, bytes) write_all (f, offset, bytes, sizeof bytes - 1)

/* How edk2's QemuFlashFvbServices tells a flash chip from RAM and ROM */
static void
test_detect (Fixture *f, gconstpointer data)
{
  f->data[0] = 0x4a;
  g_assert_true (sv_cfi_flash_is_array (&f->chip));
  g_assert_cmphex (sv_cfi_flash_read (&f->chip, 0), ==, 0x4a);
  WRITE (f, 0, "\x50");
  g_assert_false (sv_cfi_flash_is_array (&f->chip));
  g_assert_cmphex (sv_cfi_flash_read (&f->chip, 0), !=, 0x50);
  g_assert_cmphex (status (f), ==, 0);
  WRITE (f, 0, "\xff");
  g_assert_true (sv_cfi_flash_is_array (&f->chip));
  g_assert_cmphex (sv_cfi_flash_read (&f->chip, 0), ==, 0x4a);
  g_assert_cmphex (f->data[0], ==, 0x4a);
}

static void
test_program (Fixture *f, gconstpointer data)
{
  f->data[5] = 0xf0;
  f->data[6] = 0xff;
  WRITE (f, 5, "\x10\x3c");
  g_assert_false (sv_cfi_flash_is_array (&f->chip));
  g_assert_cmphex (f->data[5], ==, 0x30); /* bits are cleared, never set */
  g_assert_cmpuint (f->n_changes, ==, 1);
  g_assert_cmpuint (f->start, ==, 5);
  g_assert_cmpuint (f->length, ==, 1);
  g_assert_cmphex (sv_cfi_flash_read (&f->chip, 5), ==, SV_CFI_STATUS_READY);
  WRITE (f, 6, "\x40\x12");
  g_assert_cmphex (f->data[6], ==, 0x12);
  /* What looks like a command is data when it is its turn. */
  f->data[7] = 0xff;
  WRITE (f, 7, "\x40\xff");
  g_assert_cmphex (f->data[7], ==, 0xff);
  g_assert_false (sv_cfi_flash_is_array (&f->chip));
  g_assert_cmphex (status (f), ==, SV_CFI_STATUS_READY);
}

static void
test_erase (Fixture *f, gconstpointer data)
{
  WRITE (f, SV_CFI_FLASH_BLOCK + 77, "\x20\xd0");
  g_assert_cmphex (status (f), ==, SV_CFI_STATUS_READY);
  g_assert_cmpuint (f->start, ==, SV_CFI_FLASH_BLOCK);
  g_assert_cmpuint (f->length, ==, SV_CFI_FLASH_BLOCK);
  for (guint i = 0; i < SIZE; i++)
    g_assert_cmphex (f->data[i], ==,
                     i / SV_CFI_FLASH_BLOCK == 1 ? 0xff : (guint8)(i * 7));
}

static void
test_erase_unconfirmed (Fixture *f, gconstpointer data)
{
  WRITE (f, 0, "\x20\xff");
  g_assert_cmphex (status (f), ==,
                   SV_CFI_STATUS_READY | SV_CFI_STATUS_ERASE_ERROR | SV_CFI_STATUS_PROGRAM_ERROR);
  g_assert_cmpuint (f->n_changes, ==, 0);
  WRITE (f, 0, "\x50");
  g_assert_cmphex (status (f), ==, 0);
}

static void
test_buffer (Fixture *f, gconstpointer data)
{
  memset (f->data, 0xff, SIZE);
  WRITE (f, 70, "\xe8");
  g_assert_cmphex (sv_cfi_flash_read (&f->chip, 70), ==, SV_CFI_STATUS_READY);
  sv_cfi_flash_write (&f->chip, 70, 2); /* three bytes */
  sv_cfi_flash_write (&f->chip, 70, 0x11);
  sv_cfi_flash_write (&f->chip, 71, 0x22);
  sv_cfi_flash_write (&f->chip, 95, 0x33); /* the last of the buffer */
  g_assert_cmpuint (f->n_changes, ==, 0);
  sv_cfi_flash_write (&f->chip, 70, 0xd0);
  g_assert_cmphex (status (f), ==, SV_CFI_STATUS_READY);
  g_assert_cmphex (f->data[70], ==, 0x11);
  g_assert_cmphex (f->data[71], ==, 0x22);
  g_assert_cmphex (f->data[72], ==, 0xff);
  g_assert_cmphex (f->data[95], ==, 0x33);
}

static void
test_buffer_malformed (Fixture *f, gconstpointer data)
{
  const guint8 error
      = SV_CFI_STATUS_READY | SV_CFI_STATUS_ERASE_ERROR | SV_CFI_STATUS_PROGRAM_ERROR;

  WRITE (f, 64, "\xe8\x20"); /* 33 bytes */
  g_assert_cmphex (status (f), ==, error);
  WRITE (f, 64, "\x50\xe8\x01\x11");
  sv_cfi_flash_write (&f->chip, 96, 0x22); /* not the same buffer */
  g_assert_cmphex (status (f), ==, error);
  WRITE (f, 64, "\x50\xe8\x00\x11\xff"); /* not confirmed */
  g_assert_cmphex (status (f), ==, error);
  g_assert_cmpuint (f->n_changes, ==, 0);
}

static void
test_read_only (Fixture *f, gconstpointer data)
{
  g_autofree guint8 *before = g_memdup2 (f->data, SIZE);

  f->chip.read_only = TRUE;
  WRITE (f, 0, "\x40\x00");
  g_assert_cmphex (status (f), ==,
                   SV_CFI_STATUS_READY | SV_CFI_STATUS_PROGRAM_ERROR | SV_CFI_STATUS_LOCKED);
  WRITE (f, 0, "\x50\x20\xd0");
  g_assert_cmphex (status (f), ==,
                   SV_CFI_STATUS_READY | SV_CFI_STATUS_ERASE_ERROR | SV_CFI_STATUS_LOCKED);
  WRITE (f, 0, "\x50\xe8\x01\x00\x00\xd0");
  g_assert_cmphex (status (f), ==,
                   SV_CFI_STATUS_READY | SV_CFI_STATUS_PROGRAM_ERROR | SV_CFI_STATUS_LOCKED);
  g_assert_cmpmem (f->data, SIZE, before, SIZE);
  g_assert_cmpuint (f->n_changes, ==, 0);
}

static void
test_id_and_locks (Fixture *f, gconstpointer data)
{
  WRITE (f, 0, "\x90");
  g_assert_cmphex (sv_cfi_flash_read (&f->chip, 0), ==, 0x89);
  g_assert_cmphex (sv_cfi_flash_read (&f->chip, 1), ==, 0x18);
  g_assert_cmphex (sv_cfi_flash_read (&f->chip, 2), ==, 0);
  WRITE (f, 0, "\x60\xd0");
  g_assert_cmphex (status (f), ==, SV_CFI_STATUS_READY);
  WRITE (f, 0, "\x60\x77");
  g_assert_cmphex (status (f) & SV_CFI_STATUS_PROGRAM_ERROR, !=, 0);
}

static void
test_query (Fixture *f, gconstpointer data)
{
  WRITE (f, 0x55, "\x98");
  g_assert_cmphex (sv_cfi_flash_read (&f->chip, 0x10), ==, 'Q');
  g_assert_cmphex (sv_cfi_flash_read (&f->chip, 0x11), ==, 'R');
  g_assert_cmphex (sv_cfi_flash_read (&f->chip, 0x12), ==, 'Y');
  g_assert_cmphex (sv_cfi_flash_read (&f->chip, 0x13), ==, 1);
  g_assert_cmphex (sv_cfi_flash_read (&f->chip, 0x27), ==, 14); /* 2^14: 16 KiB */
  g_assert_cmphex (sv_cfi_flash_read (&f->chip, 0x2a), ==, 5);
  g_assert_cmphex (sv_cfi_flash_read (&f->chip, 0x2c), ==, 1);
  g_assert_cmphex (sv_cfi_flash_read (&f->chip, 0x2d), ==, 3); /* blocks less one */
  g_assert_cmphex (sv_cfi_flash_read (&f->chip, 0x2f), ==, 0x10); /* of 0x10 * 256 bytes */
  g_assert_cmphex (sv_cfi_flash_read (&f->chip, 0x30), ==, 0);
  g_assert_cmphex (sv_cfi_flash_read (&f->chip, 0x31), ==, 'P');
  g_assert_cmphex (sv_cfi_flash_read (&f->chip, SIZE - 1), ==, 0);
}

static void
test_reset (Fixture *f, gconstpointer data)
{
  WRITE (f, 0, "\x20"); /* waits for its confirmation */
  sv_cfi_flash_reset (&f->chip);
  g_assert_true (sv_cfi_flash_is_array (&f->chip));
  WRITE (f, 0, "\xd0");
  g_assert_cmpuint (f->n_changes, ==, 0);
  g_assert_cmphex (status (f), ==, SV_CFI_STATUS_READY);
}

/* Whatever comes, in whatever order, stays within the chip. */
static void
test_random (Fixture *f, gconstpointer data)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (20);
  static const guint8 commands[] = { 0x10, 0x20, 0x40, 0x50, 0x60, 0x70, 0x90, 0x98, 0xd0, 0xe8, 0xff, 3 };

  for (guint i = 0; i < 200000; i++)
    {
      guint64 offset = g_rand_boolean (rand) ? (guint64)g_rand_int_range (rand, 0, SIZE) : SIZE - 1;

      sv_cfi_flash_write (&f->chip, offset,
                          commands[g_rand_int_range (rand, 0, G_N_ELEMENTS (commands))]);
      sv_cfi_flash_read (&f->chip, (guint64)g_rand_int_range (rand, 0, SIZE));
      if (f->n_changes > 0)
        g_assert_cmpuint (f->start + f->length, <=, SIZE);
    }
  g_assert_cmpuint (f->n_changes, >, 0);
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/cfi-flash/detect", test_detect);
  ADD ("/cfi-flash/program", test_program);
  ADD ("/cfi-flash/erase", test_erase);
  ADD ("/cfi-flash/erase-unconfirmed", test_erase_unconfirmed);
  ADD ("/cfi-flash/buffer", test_buffer);
  ADD ("/cfi-flash/buffer-malformed", test_buffer_malformed);
  ADD ("/cfi-flash/read-only", test_read_only);
  ADD ("/cfi-flash/id-and-locks", test_id_and_locks);
  ADD ("/cfi-flash/query", test_query);
  ADD ("/cfi-flash/reset", test_reset);
  ADD ("/cfi-flash/random", test_random);
  return g_test_run ();
}
