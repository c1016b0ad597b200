/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/misc/sv-cfi-flash.h"

#include <string.h>

#include "src/migration/sv-migration-values.h"

/* Commands, Intel StrataFlash J3 datasheet §9.2 */
#define PROGRAM 0x40u
#define PROGRAM_OTHER 0x10u
#define ERASE 0x20u
#define CLEAR_STATUS 0x50u
#define LOCK 0x60u
#define READ_STATUS 0x70u
#define READ_ID 0x90u
#define READ_QUERY 0x98u
#define BUFFERED_PROGRAM 0xe8u
#define CONFIRM 0xd0u
#define SET_LOCK 0x01u

#define STATUS_SEQUENCE_ERROR (SV_CFI_STATUS_ERASE_ERROR | SV_CFI_STATUS_PROGRAM_ERROR)

#define MANUFACTURER 0x89u
#define DEVICE 0x18u

/* JEDEC CFI (JESD68.01): the query structure, at its offsets in units of the data lines */
#define QUERY_SIZE 0x3cu
#define QUERY_DEVICE_SIZE 0x27u
#define QUERY_BLOCKS 0x2du

static const guint8 query_fixed[QUERY_SIZE] = {
  [0x10] = 'Q', 'R', 'Y',
  [0x13] = 0x01, 0x00, /* command set: Intel/Sharp extended */
  [0x15] = 0x31, 0x00, /* its own table */
  [0x1b] = 0x45, 0x55, /* supply: 4.5 V to 5.5 V */
  [0x1f] = 0x01, 0x01, 0x01, 0x00, /* typical times: 2^n us or ms */
  [0x23] = 0x01, 0x01, 0x01, 0x00, /* at most 2^n times these */
  [0x28] = 0x00, 0x00, /* 8 data lines */
  [0x2a] = 5, 0x00, /* 2^5: SV_CFI_FLASH_BUFFER */
  [0x2c] = 1, /* regions of equal blocks */
  [0x2f] = SV_CFI_FLASH_BLOCK / 256 & 0xff, SV_CFI_FLASH_BLOCK / 256 >> 8,
  [0x31] = 'P', 'R', 'I', '1', '0',
};

void
sv_cfi_flash_init (SvCfiFlash *self, guint8 *data, guint64 size, SvCfiFlashChange change,
                   gpointer opaque)
{
  *self = (SvCfiFlash){ .data = data, .size = size, .change = change, .opaque = opaque };
  sv_cfi_flash_reset (self);
}

void
sv_cfi_flash_reset (SvCfiFlash *self)
{
  self->command = SV_CFI_READ_ARRAY;
  self->step = 0;
  self->status = SV_CFI_STATUS_READY;
}

gboolean
sv_cfi_flash_is_array (const SvCfiFlash *self)
{
  return self->command == SV_CFI_READ_ARRAY;
}

void
sv_cfi_flash_fail (SvCfiFlash *self)
{
  self->status |= SV_CFI_STATUS_READY | SV_CFI_STATUS_PROGRAM_ERROR;
}

static guint8
read_query (const SvCfiFlash *self, guint64 offset)
{
  guint64 n_blocks = self->size / SV_CFI_FLASH_BLOCK - 1;

  switch (offset)
    {
    case QUERY_DEVICE_SIZE:
      return (guint8)(g_bit_storage (self->size - 1)); /* 2^n, rounded up */
    case QUERY_BLOCKS:
      return (guint8)n_blocks;
    case QUERY_BLOCKS + 1:
      return (guint8)(n_blocks >> 8);
    default:
      return offset < QUERY_SIZE ? query_fixed[offset] : 0;
    }
}

/**
 * sv_cfi_flash_read: (skip)
 * @self: a chip
 * @offset: below its size
 *
 * Returns: what is on the data lines
 */
guint8
sv_cfi_flash_read (SvCfiFlash *self, guint64 offset)
{
  switch (self->command)
    {
    case SV_CFI_READ_ARRAY:
      return self->data[offset];
    case READ_ID:
      /* Of each block: its lock, which is open */
      return offset == 0 ? MANUFACTURER : offset == 1 ? DEVICE : 0;
    case READ_QUERY:
      return read_query (self, offset);
    default:
      return self->status;
    }
}

/* What comes after a command was carried out: the status. */
static void
finish (SvCfiFlash *self, guint8 error)
{
  self->command = READ_STATUS;
  self->step = 0;
  self->status |= SV_CFI_STATUS_READY | error;
}

static gboolean
refuse_change (SvCfiFlash *self, guint8 error)
{
  if (self->read_only)
    finish (self, error | SV_CFI_STATUS_LOCKED);
  return self->read_only;
}

/* Bits can be cleared only; erasing sets them. */
static void
program (SvCfiFlash *self, guint64 offset, guint8 value)
{
  self->data[offset] &= value;
}

static void
erase (SvCfiFlash *self, guint64 offset)
{
  guint64 start = offset & ~(guint64)(SV_CFI_FLASH_BLOCK - 1);

  memset (self->data + start, 0xff, SV_CFI_FLASH_BLOCK);
  self->change (self->opaque, start, SV_CFI_FLASH_BLOCK);
}

/* --- buffered program: count, bytes, confirmation --- */

static void
begin_buffer (SvCfiFlash *self, guint64 offset, guint8 value)
{
  self->count = value + 1u;
  self->buffer_at = offset & ~(guint64)(SV_CFI_FLASH_BUFFER - 1);
  self->written = 0;
  self->step = 2;
  if (self->count > SV_CFI_FLASH_BUFFER)
    {
      self->count = 0;
      finish (self, STATUS_SEQUENCE_ERROR);
    }
}

static void
fill_buffer (SvCfiFlash *self, guint64 offset, guint8 value)
{
  guint at = (guint)(offset - self->buffer_at);

  if (offset < self->buffer_at || offset - self->buffer_at >= SV_CFI_FLASH_BUFFER)
    {
      finish (self, STATUS_SEQUENCE_ERROR);
      return;
    }
  self->buffer[at] = value;
  self->written |= 1u << at;
  if (--self->count == 0)
    self->step = 3;
}

static void
program_buffer (SvCfiFlash *self, guint8 value)
{
  if (value != CONFIRM)
    {
      finish (self, STATUS_SEQUENCE_ERROR);
      return;
    }
  if (refuse_change (self, SV_CFI_STATUS_PROGRAM_ERROR))
    return;
  for (guint i = 0; i < SV_CFI_FLASH_BUFFER; i++)
    if ((self->written & 1u << i) != 0)
      program (self, self->buffer_at + i, self->buffer[i]);
  self->change (self->opaque, self->buffer_at, SV_CFI_FLASH_BUFFER);
  finish (self, 0);
}

/* --- commands --- */

static void
begin (SvCfiFlash *self, guint8 value)
{
  switch (value)
    {
    case PROGRAM:
    case PROGRAM_OTHER:
    case ERASE:
    case LOCK:
    case BUFFERED_PROGRAM:
      self->step = 1;
      self->status |= SV_CFI_STATUS_READY;
      self->command = value;
      break;
    case READ_STATUS:
    case READ_ID:
    case READ_QUERY:
      self->command = value;
      break;
    case CLEAR_STATUS:
      /* Even of the ready bit, until the next operation: by that UEFI firmware knows this chip. */
      self->status = 0;
      self->command = READ_STATUS;
      break;
    default:
      self->command = SV_CFI_READ_ARRAY;
      break;
    }
}

static void
go_on (SvCfiFlash *self, guint64 offset, guint8 value)
{
  switch (self->command)
    {
    case ERASE:
      if (value != CONFIRM)
        finish (self, STATUS_SEQUENCE_ERROR);
      else if (!refuse_change (self, SV_CFI_STATUS_ERASE_ERROR))
        {
          erase (self, offset);
          finish (self, 0);
        }
      break;
    case LOCK:
      /* Locks of single blocks are all open; setting one has no effect. */
      finish (self, value == CONFIRM || value == SET_LOCK ? 0 : STATUS_SEQUENCE_ERROR);
      break;
    case BUFFERED_PROGRAM:
      if (self->step == 1)
        begin_buffer (self, offset, value);
      else if (self->step == 2)
        fill_buffer (self, offset, value);
      else
        program_buffer (self, value);
      break;
    default:
      if (refuse_change (self, SV_CFI_STATUS_PROGRAM_ERROR))
        break;
      program (self, offset, value);
      self->change (self->opaque, offset, 1);
      finish (self, 0);
      break;
    }
}

/**
 * sv_cfi_flash_write: (skip)
 * @self: a chip
 * @offset: below its size
 * @value: a command, or what belongs to the last one
 */
void
sv_cfi_flash_write (SvCfiFlash *self, guint64 offset, guint8 value)
{
  if (self->step == 0)
    begin (self, value);
  else
    go_on (self, offset, value);
}

static gboolean
is_known (guint8 command, guint step)
{
  switch (command)
    {
    case PROGRAM:
    case PROGRAM_OTHER:
    case ERASE:
    case LOCK:
      return step == 1;
    case BUFFERED_PROGRAM:
      return step >= 1 && step <= 3;
    case READ_STATUS:
    case READ_ID:
    case READ_QUERY:
    case SV_CFI_READ_ARRAY:
      return step == 0;
    default:
      return FALSE;
    }
}

/**
 * sv_cfi_flash_check: (skip)
 * @self: a chip whose registers come from a saved state
 * @error: return location
 *
 * Returns: %FALSE when no sequence of commands leads there; the chip is reset then
 */
gboolean
sv_cfi_flash_check (SvCfiFlash *self, GError **error)
{
  const guint least = self->command == BUFFERED_PROGRAM && self->step == 2 ? 1 : 0;

  if (!is_known (self->command, self->step))
    g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID, "command is 0x%02x at step %u: there is none",
                 self->command, self->step);
  else if (sv_migration_check_range ("bytes to come", self->count, least, SV_CFI_FLASH_BUFFER, error)
           && sv_migration_check_range ("address of the buffer", (gint64)MIN (self->buffer_at, G_MAXINT64), 0,
                                        (gint64)(self->size - SV_CFI_FLASH_BUFFER), error)
           && sv_migration_check_same ("address of the buffer within a buffer's size", self->buffer_at % SV_CFI_FLASH_BUFFER,
                                       0, error))
    return TRUE;
  sv_cfi_flash_reset (self);
  return FALSE;
}
