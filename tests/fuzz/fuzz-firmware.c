/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A hostile firmware, at fw_cfg's ports and with DMA requests anywhere, and at a flash chip.
 * Input: steps of eight bytes: what, two bytes with it, and a place in five.
 */

#include <string.h>

#include "hw/misc/sv-cfi-flash.h"
#include "hw/misc/sv-fw-cfg.h"
#include "src/runtime/sv-vm-lock.h"
#include "tests/unit/isa-fixture.h"

#define RAM_SIZE 0x4000u
#define FLASH_SIZE (2 * SV_CFI_FLASH_BLOCK)
#define STEP 8u

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

typedef struct
{
  IsaFixture isa;
  SvMemoryBackend *backend;
  SvAddressSpace *memory;
  SvFwCfg *fw_cfg;
  guint8 flash[FLASH_SIZE];
  SvCfiFlash chip;
} Machine;

static void
flash_changed (gpointer opaque, guint64 offset, guint64 length)
{
  g_assert_cmpuint (offset + length, <=, FLASH_SIZE);
}

/* The file gets shorter while it is read. */
static gboolean
read_source (gpointer opaque, guint64 offset, guint8 *buffer, gsize length)
{
  g_assert_cmpuint (offset + length, <=, 0x3000);
  memset (buffer, 0x5a, length);
  return offset + length <= 0x2000;
}

/* Changes itself under the reader's hands. */
static void
file_selected (gpointer opaque)
{
  static guint size;

  size = (size + 7) % 64;
  g_assert_true (sv_fw_cfg_set_file (opaque, "opt/changing", "0123456789abcdef0123456789abcdef0123456789abcdef"
                                                             "0123456789abcdef", size, NULL));
}

static Machine *
make_machine (void)
{
  Machine *self = g_new0 (Machine, 1);
  g_autoptr (SvMemoryRegion) root = sv_memory_region_new_container ("memory", G_MAXUINT64);
  g_autoptr (SvMemoryRegion) ram = NULL;

  sv_vm_lock ();
  isa_set_up (&self->isa);
  self->backend = g_object_new (sv_memory_backend_ram_get_type (), "size", (guint64)RAM_SIZE, NULL);
  g_assert_true (sv_object_complete (SV_OBJECT (self->backend), NULL));
  ram = sv_memory_region_new_ram ("ram", self->backend);
  sv_memory_region_add (root, 0, ram, 0);
  self->memory = sv_address_space_new ("memory", root);
  self->fw_cfg = sv_fw_cfg_new (self->memory);
  g_assert_true (isa_plug (&self->isa, SV_DEVICE (self->fw_cfg), NULL));
  sv_fw_cfg_set_source (self->fw_cfg, SV_FW_CFG_KERNEL_DATA, 0x3000, read_source, self);
  g_assert_true (sv_fw_cfg_set_file (self->fw_cfg, "opt/changing", "", 0, NULL));
  sv_fw_cfg_set_select_func (self->fw_cfg, "opt/changing", file_selected, self->fw_cfg);
  sv_cfi_flash_init (&self->chip, self->flash, FLASH_SIZE, flash_changed, self);
  return self;
}

/* A request at @value in RAM, or over its end; @place and @key go into it. */
static void
run_dma (Machine *self, guint16 value, guint64 place, guint8 control)
{
  guint64 at = value % (RAM_SIZE + 8);
  guint32 words[2] = { GUINT32_TO_BE ((guint32)(place & 0x3f) << 16 | (control & 0x1f)),
                       GUINT32_TO_BE ((guint32)(place >> 6) & ((control & 0x80) != 0 ? G_MAXUINT32 : 0x3fff)) };
  guint64 target = GUINT64_TO_BE ((control & 0x40) != 0 ? place << 24 : place % (RAM_SIZE * 2));

  sv_address_space_write (self->memory, at, words, sizeof words);
  sv_address_space_write (self->memory, at + 8, &target, sizeof target);
  sv_address_space_io_write (self->isa.io, SV_FW_CFG_PORT + 8, GUINT32_TO_BE ((guint32)at), 4);
}

static void
step (Machine *self, const guint8 *data)
{
  guint16 value = (guint16)(data[1] | data[2] << 8);
  guint64 place = 0;

  memcpy (&place, data + 3, 5);
  switch (data[0] & 7)
    {
    case 0:
      sv_address_space_io_write (self->isa.io, SV_FW_CFG_PORT, value & 0x3f, 2);
      break;
    case 1:
      sv_address_space_io_read (self->isa.io, SV_FW_CFG_PORT + value % SV_FW_CFG_PORTS, 1 + place % 8);
      break;
    case 2:
      sv_address_space_io_write (self->isa.io, SV_FW_CFG_PORT + value % SV_FW_CFG_PORTS, place, 1 + data[0] / 32);
      break;
    case 3:
    case 4:
      run_dma (self, value, place, data[0] >> 3 | data[2] << 5);
      break;
    case 5:
      sv_device_reset (SV_DEVICE (self->fw_cfg));
      break;
    case 6:
      sv_cfi_flash_read (&self->chip, value % FLASH_SIZE);
      break;
    default:
      sv_cfi_flash_write (&self->chip, value % FLASH_SIZE, data[3]);
      break;
    }
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static Machine *machine;

  if (machine == NULL)
    machine = make_machine ();
  for (gsize i = 0; i + STEP <= size; i += STEP)
    step (machine, data + i);

  /* Whatever went before: reset, both work. */
  sv_device_reset (SV_DEVICE (machine->fw_cfg));
  g_assert_cmphex (isa_in (&machine->isa, SV_FW_CFG_PORT + 1), ==, 'Q');
  sv_cfi_flash_reset (&machine->chip);
  machine->flash[5] = 0xa5;
  g_assert_cmphex (sv_cfi_flash_read (&machine->chip, 5), ==, 0xa5);
  return 0;
}
