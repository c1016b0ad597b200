/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

#define SV_CFI_FLASH_BLOCK 4096u /* what is erased at once */
#define SV_CFI_FLASH_BUFFER 32u  /* of a buffered program: at most so many bytes, aligned to it */

/**
 * SvCfiFlashChange:
 * @opaque: whose the flash is
 * @offset: first byte that changed
 * @length: bytes
 *
 * The content changed.
 */
typedef void (*SvCfiFlashChange) (gpointer opaque, guint64 offset, guint64 length);

/**
 * SvCfiFlash:
 * @data: the content
 * @size: of @data, a multiple of %SV_CFI_FLASH_BLOCK
 * @read_only: programming and erasing fail
 * @command: what the chip is doing; %SV_CFI_READ_ARRAY while it is read as memory
 * @step: writes that belong to @command so far
 * @status: status register
 * @count: bytes that are still to come of a buffered program
 * @buffer_at: where they go
 * @written: which of them were given
 *
 * The command interface of a NOR flash chip with 8 data lines: Intel's command set (CFI 0x0001), which
 * UEFI firmware keeps its variables in. Programming and erasing are done at once, so the chip is never
 * seen busy.
 */
typedef struct
{
  guint8 *data;
  guint64 size;
  gboolean read_only;
  SvCfiFlashChange change;
  gpointer opaque;

  guint8 command;
  guint step;
  guint8 status;
  guint count;
  guint64 buffer_at;
  guint32 written;
  guint8 buffer[SV_CFI_FLASH_BUFFER];
} SvCfiFlash;

/* Bits of the status register */
#define SV_CFI_STATUS_READY 0x80u
#define SV_CFI_STATUS_ERASE_ERROR 0x20u
#define SV_CFI_STATUS_PROGRAM_ERROR 0x10u
#define SV_CFI_STATUS_LOCKED 0x02u

#define SV_CFI_READ_ARRAY 0xffu

/* @data is not owned. */
SV_API void sv_cfi_flash_init (SvCfiFlash *self, guint8 *data, guint64 size, SvCfiFlashChange change,
                               gpointer opaque);
/* To reading as memory; what was begun is forgotten. */
SV_API void sv_cfi_flash_reset (SvCfiFlash *self);
SV_API gboolean sv_cfi_flash_is_array (const SvCfiFlash *self);
/* One byte, @offset below the size. */
SV_API guint8 sv_cfi_flash_read (SvCfiFlash *self, guint64 offset);
SV_API void sv_cfi_flash_write (SvCfiFlash *self, guint64 offset, guint8 value);
/* FALSE with an error: no sequence of commands leads to this. The chip is reset then. */
SV_API gboolean sv_cfi_flash_check (SvCfiFlash *self, GError **error);
/* Programming or erasing failed behind the chip's back. */
SV_API void sv_cfi_flash_fail (SvCfiFlash *self);

G_END_DECLS
