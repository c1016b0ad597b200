/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/misc/sv-fw-cfg-dma.h"

#include <string.h>

#include "src/runtime/sv-log.h"

/* A guest shall not have the VM write zeroes for long; firmware asks for what items have. */
#define MAX_FILL (1u << 20)

#define CONTROL_ERROR 0x01u
#define CONTROL_READ 0x02u
#define CONTROL_SKIP 0x04u
#define CONTROL_SELECT 0x08u
#define CONTROL_WRITE 0x10u

gboolean
sv_fw_cfg_item_read (SvFwCfgItem *item, guint64 offset, guint8 *buffer, gsize length)
{
  if (item->read != NULL)
    return item->read (item->read_opaque, offset, buffer, length);
  memcpy (buffer, item->data + offset, length);
  return TRUE;
}

gboolean
sv_fw_cfg_dma_fetch (SvFwCfgDma *self, SvAddressSpace *memory, guint64 address)
{
  guint8 bytes[16];
  guint32 control, length;
  guint64 target;

  if (!sv_address_space_read (memory, address, bytes, sizeof bytes))
    {
      sv_log_guest ("fw_cfg: no memory at 0x%" G_GINT64_MODIFIER "x for a DMA request", address);
      return FALSE;
    }
  memcpy (&control, bytes, 4);
  memcpy (&length, bytes + 4, 4);
  memcpy (&target, bytes + 8, 8);
  control = GUINT32_FROM_BE (control);
  *self = (SvFwCfgDma){
    .at = address,
    .select = (control & CONTROL_SELECT) != 0,
    .key = (guint16)(control >> 16),
    .control = control,
    .length = GUINT32_FROM_BE (length),
    .address = GUINT64_FROM_BE (target),
  };
  return TRUE;
}

/* Straight into the guest's memory, range by range */
static gboolean
copy (SvAddressSpace *memory, guint64 address, SvFwCfgItem *item, guint64 offset, guint64 length)
{
  const SvFlatView *view = sv_address_space_enter (memory);
  gboolean done = TRUE;

  while (done && length > 0)
    {
      const SvFlatRange *range = sv_flat_view_lookup (view, address);
      guint64 room = range != NULL ? range->size - (address - range->start) : 0;
      guint64 chunk = MIN (length, room);
      guint8 *host
          = chunk > 0 ? sv_flat_view_map (view, address, chunk, SV_MEMORY_WRITE) : NULL;

      done = host != NULL && sv_fw_cfg_item_read (item, offset, host, chunk);
      address += chunk;
      offset += chunk;
      length -= chunk;
    }
  sv_address_space_leave (memory);
  return done;
}

/* Behind the end of an item there are zeroes. */
static gboolean
read_item (SvFwCfgDma *self, SvAddressSpace *memory, SvFwCfgItem *item, guint64 offset, guint64 there)
{
  return self->length - there <= MAX_FILL && (there == 0 || copy (memory, self->address, item, offset, there))
         && sv_address_space_fill (memory, self->address + there, 0, self->length - there);
}

void
sv_fw_cfg_dma_run (SvFwCfgDma *self, SvAddressSpace *memory, SvFwCfgItem *item, guint64 *offset)
{
  guint64 left = item != NULL && *offset < item->size ? item->size - *offset : 0;
  guint64 there = MIN (left, self->length);
  guint32 result = 0;

  if ((self->control & CONTROL_READ) != 0)
    {
      if (!read_item (self, memory, item, *offset, there))
        result = CONTROL_ERROR;
    }
  else if ((self->control & CONTROL_WRITE) != 0)
    result = CONTROL_ERROR; /* Nothing here can be written. */
  if ((self->control & (CONTROL_READ | CONTROL_SKIP)) != 0 && result == 0)
    *offset += there;
  result = GUINT32_TO_BE (result);
  sv_address_space_write (memory, self->at, &result, sizeof result);
}
