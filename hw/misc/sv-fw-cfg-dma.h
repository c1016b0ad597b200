/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/misc/sv-fw-cfg.h"

G_BEGIN_DECLS

/**
 * SvFwCfgItem:
 * @data: (nullable): content
 * @size: bytes
 * @read: (nullable): gets the content, when it is not in @data
 * @select: (nullable): the guest chose the item
 */
typedef struct
{
  guint8 *data;
  guint64 size;
  SvFwCfgRead read;
  gpointer read_opaque;
  SvFwCfgSelect select;
  gpointer select_opaque;
} SvFwCfgItem;

/* A request in guest memory: big-endian control word, length, address. */
typedef struct
{
  guint64 at; /* where it is */
  gboolean select;
  guint16 key;
  guint32 control;
  guint32 length;
  guint64 address;
} SvFwCfgDma;

/* @length bytes from @offset on, which are within the item. */
gboolean sv_fw_cfg_item_read (SvFwCfgItem *item, guint64 offset, guint8 *buffer, gsize length);
/* FALSE when there is no memory, and nobody to be told. */
gboolean sv_fw_cfg_dma_fetch (SvFwCfgDma *self, SvAddressSpace *memory, guint64 address);
/* @item may be NULL; moves *@offset. */
void sv_fw_cfg_dma_run (SvFwCfgDma *self, SvAddressSpace *memory, SvFwCfgItem *item, guint64 *offset);

G_END_DECLS
