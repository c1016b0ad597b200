/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-device.h"
#include "src/memory/sv-address-space.h"

G_BEGIN_DECLS

/**
 * SvFwCfg:
 *
 * What a machine tells its firmware, and `-fw_cfg` the guest (`fw_cfg_io`): items that are chosen by a
 * number, some of them files with names, read byte by byte from a port or fetched into memory
 * (docs/specs/fw_cfg of QEMU, ACPI `QEMU0002`). Items are read-only to the guest.
 */
#define SV_TYPE_FW_CFG (sv_fw_cfg_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvFwCfg, sv_fw_cfg, SV, FW_CFG, SvDevice)

#define SV_FW_CFG_PORT 0x510u /* selector; data follow at +1, DMA address at +4 */
#define SV_FW_CFG_PORTS 12u

/* Numbers of items that have no name */
typedef enum
{
  SV_FW_CFG_SIGNATURE = 0x00,
  SV_FW_CFG_ID = 0x01,
  SV_FW_CFG_UUID = 0x02,
  SV_FW_CFG_RAM_SIZE = 0x03,
  SV_FW_CFG_NOGRAPHIC = 0x04,
  SV_FW_CFG_N_CPUS = 0x05,
  SV_FW_CFG_KERNEL_SIZE = 0x08,
  SV_FW_CFG_INITRD_SIZE = 0x0b,
  SV_FW_CFG_BOOT_MENU = 0x0e,
  SV_FW_CFG_MAX_CPUS = 0x0f,
  SV_FW_CFG_KERNEL_DATA = 0x11,
  SV_FW_CFG_INITRD_DATA = 0x12,
  SV_FW_CFG_CMDLINE_SIZE = 0x14,
  SV_FW_CFG_CMDLINE_DATA = 0x15,
  SV_FW_CFG_SETUP_SIZE = 0x17,
  SV_FW_CFG_SETUP_DATA = 0x18,
  SV_FW_CFG_FILE_DIR = 0x19,
  SV_FW_CFG_FIRST_FILE = 0x20,
} SvFwCfgKey;

#define SV_FW_CFG_MAX_FILES 1024u
#define SV_FW_CFG_MAX_NAME 55u /* bytes */

/* Fills @buffer with @length bytes of an item from @offset on; FALSE: they cannot be had. */
typedef gboolean (*SvFwCfgRead) (gpointer opaque, guint64 offset, guint8 *buffer, gsize length);
/* The guest chose a file and reads it from its beginning. */
typedef void (*SvFwCfgSelect) (gpointer opaque);

/* @memory: where the guest has its DMA requests; referenced. */
SV_API SvFwCfg *sv_fw_cfg_new (SvAddressSpace *memory);
SV_API void sv_fw_cfg_set_item (SvFwCfg *self, guint key, gconstpointer data, gsize size);
SV_API void sv_fw_cfg_set_number (SvFwCfg *self, guint key, guint64 value, guint size);
SV_API void sv_fw_cfg_set_source (SvFwCfg *self, guint key, guint64 size, SvFwCfgRead read,
                                  gpointer opaque);
/* New content for a file that is there keeps its number and has its function. */
SV_API gboolean sv_fw_cfg_set_file (SvFwCfg *self, const char *name, gconstpointer data, gsize size,
                                    GError **error);
SV_API gboolean sv_fw_cfg_has_file (SvFwCfg *self, const char *name);
SV_API void sv_fw_cfg_remove_file (SvFwCfg *self, const char *name);
SV_API void sv_fw_cfg_set_select_func (SvFwCfg *self, const char *name, SvFwCfgSelect func,
                                       gpointer opaque);

G_END_DECLS
