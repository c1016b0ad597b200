/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-q35-firmware.h"

#include <string.h>

#include "hw/acpi/sv-acpi-loader.h"
#include "hw/core/sv-boot-order.h"
#include "hw/misc/sv-pflash.h"
#include "hw/x86/sv-boot-image.h"
#include "hw/x86/sv-x86-layout.h"
#include "src/accel/sv-x86-entry.h"
#include "src/runtime/sv-log.h"

#define FOUR_GIB (1ull << 32)
#define PAGE 4096u

#define FILE_BOOT_ORDER "bootorder"
#define FILE_SMBIOS_ANCHOR "etc/smbios/smbios-anchor"
#define FILE_SMBIOS_TABLES "etc/smbios/smbios-tables"

#define E820_RAM 1u
#define E820_RESERVED 2u

/* Linux boot protocol: number of sectors behind the first one before the kernel proper; 0 means 4 */
#define SETUP_SECTORS_AT 0x1f1u
#define SECTOR 512u

struct _SvQ35Firmware
{
  SvX86Machine *machine;
  SvFwCfg *fw_cfg;
  SvBootFile *kernel;
  SvBootFile *initrd;
  guint64 setup_size;
  gboolean tables_current; /* built since the last start, when firmware asked for them */
  gsize tables_room;
  gsize commands_room;
  gboolean started; /* once at least */
};

/* --- flash --- */

static gboolean
add_flash (SvQ35Firmware *self, SvObject *const flash[SV_Q35_N_FLASH], GError **error)
{
  SvMachine *machine = SV_MACHINE (self->machine);
  SvMemoryRegion *memory = sv_address_space_get_root (sv_machine_get_memory (machine));
  guint64 end = FOUR_GIB;

  if (flash[0] == NULL)
    {
      g_set_error_literal (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                           "'pflash0' is missing: 'pflash1' holds the variables of the firmware there");
      return FALSE;
    }
  for (guint i = 0; i < SV_Q35_N_FLASH && flash[i] != NULL; i++)
    {
      g_autoptr (SvPflash) chip = NULL;

      chip = sv_pflash_new (SV_BLOCK_NODE (flash[i]), memory, end);
      if (!sv_machine_adopt (machine, SV_DEVICE (chip), NULL, error))
        {
          g_prefix_error (error, "pflash%u: ", i);
          return FALSE;
        }
      end -= sv_pflash_get_size (chip);
    }
  return TRUE;
}

/* --- kernel, initrd, command line: firmware starts the kernel as an EFI application --- */

static gboolean
read_file (gpointer opaque, guint64 offset, guint8 *buffer, gsize length)
{
  g_autoptr (GError) error = NULL;

  if (sv_boot_file_read (opaque, offset, buffer, length, &error))
    return TRUE;
  /* As often as the guest asks */
  sv_log_guest ("%s", error->message);
  return FALSE;
}

static gboolean
read_kernel (gpointer opaque, guint64 offset, guint8 *buffer, gsize length)
{
  SvQ35Firmware *self = opaque;

  return read_file (self->kernel, self->setup_size + offset, buffer, length);
}

static gboolean
open_kernel (SvQ35Firmware *self, const char *path, GError **error)
{
  guint8 head[SETUP_SECTORS_AT + 1] = { 0 };

  self->kernel = sv_boot_file_open (SV_OBJECT (self->machine), path, error);
  if (self->kernel == NULL
      || !sv_boot_file_read (self->kernel, 0, head, MIN (sizeof head, self->kernel->size), error))
    {
      g_prefix_error (error, "kernel ");
      return FALSE;
    }
  self->setup_size = ((guint64)(head[SETUP_SECTORS_AT] != 0 ? head[SETUP_SECTORS_AT] : 4) + 1) * SECTOR;
  if (memcmp (head, "MZ", 2) != 0 || self->kernel->size <= self->setup_size)
    {
      g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FORMAT,
                   "kernel %s: firmware starts a bzImage with an EFI stub only, and this is none", path);
      return FALSE;
    }
  return TRUE;
}

static gboolean
offer_kernel (SvQ35Firmware *self, GError **error)
{
  SvMachine *machine = SV_MACHINE (self->machine);
  const char *append = sv_machine_get_append (machine);
  const char *initrd = sv_machine_get_initrd (machine);
  guint64 size;

  if (sv_machine_get_kernel (machine) == NULL)
    return TRUE;
  if (!open_kernel (self, sv_machine_get_kernel (machine), error))
    return FALSE;
  size = self->kernel->size - self->setup_size;
  sv_fw_cfg_set_number (self->fw_cfg, SV_FW_CFG_SETUP_SIZE, self->setup_size, 4);
  sv_fw_cfg_set_source (self->fw_cfg, SV_FW_CFG_SETUP_DATA, self->setup_size, read_file, self->kernel);
  sv_fw_cfg_set_number (self->fw_cfg, SV_FW_CFG_KERNEL_SIZE, size, 4);
  sv_fw_cfg_set_source (self->fw_cfg, SV_FW_CFG_KERNEL_DATA, size, read_kernel, self);

  append = append != NULL ? append : "";
  sv_fw_cfg_set_number (self->fw_cfg, SV_FW_CFG_CMDLINE_SIZE, strlen (append) + 1, 4);
  sv_fw_cfg_set_item (self->fw_cfg, SV_FW_CFG_CMDLINE_DATA, append, strlen (append) + 1);
  if (initrd == NULL)
    return TRUE;
  self->initrd = sv_boot_file_open (SV_OBJECT (machine), initrd, error);
  if (self->initrd == NULL || self->initrd->size > G_MAXUINT32)
    {
      if (self->initrd != NULL)
        g_set_error (error, SV_BOOT_ERROR, SV_BOOT_ERROR_FORMAT,
                     "%s: %" G_GUINT64_FORMAT " bytes are more than firmware takes", initrd,
                     self->initrd->size);
      g_prefix_error (error, "initrd ");
      return FALSE;
    }
  sv_fw_cfg_set_number (self->fw_cfg, SV_FW_CFG_INITRD_SIZE, self->initrd->size, 4);
  sv_fw_cfg_set_source (self->fw_cfg, SV_FW_CFG_INITRD_DATA, self->initrd->size, read_file, self->initrd);
  return TRUE;
}

/* --- what the machine is --- */

static void
append_e820 (GByteArray *map, guint64 start, guint64 size, guint32 type)
{
  const guint64 range[2] = { GUINT64_TO_LE (start), GUINT64_TO_LE (size) };

  type = GUINT32_TO_LE (type);
  g_byte_array_append (map, (const guint8 *)range, sizeof range);
  g_byte_array_append (map, (const guint8 *)&type, sizeof type);
}

/* Firmware knows the rest of the address map itself. */
static gboolean
offer_memory (SvQ35Firmware *self, GError **error)
{
  g_autoptr (GByteArray) map = g_byte_array_new ();
  guint64 low = sv_x86_machine_get_ram_low (self->machine);
  guint64 high = sv_x86_machine_get_ram_end (self->machine) - SV_X86_RAM_ABOVE_4G;

  append_e820 (map, SV_X86_ACCEL_RESERVED, SV_X86_ACCEL_RESERVED_SIZE, E820_RESERVED);
  append_e820 (map, 0, low, E820_RAM);
  if (high > 0)
    append_e820 (map, SV_X86_RAM_ABOVE_4G, high, E820_RAM);
  sv_fw_cfg_set_number (self->fw_cfg, SV_FW_CFG_RAM_SIZE, low + high, 8);
  return sv_fw_cfg_set_file (self->fw_cfg, "etc/e820", map->data, map->len, error);
}

/* By sleep state: type for the PM1 control register, and 0x80 when it can be entered. */
static gboolean
offer_states (SvQ35Firmware *self, GError **error)
{
  static const guint8 states[6] = { 0x80, 0, 0, 0x01, 0x02, 0x80 };

  return sv_fw_cfg_set_file (self->fw_cfg, "etc/system-states", states, sizeof states, error);
}

/* Files that are filled in when the guest starts: their names are taken before anybody else wants one of them. */
static gboolean
reserve_files (SvQ35Firmware *self, GError **error)
{
  static const char *const names[] = { FILE_BOOT_ORDER,   FILE_SMBIOS_ANCHOR,  FILE_SMBIOS_TABLES,
                                       SV_ACPI_FILE_RSDP, SV_ACPI_FILE_TABLES, SV_ACPI_FILE_LOADER };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (!sv_fw_cfg_set_file (self->fw_cfg, names[i], NULL, 0, error))
      return FALSE;
  return TRUE;
}

/* Those that are there start; firmware waits for as many. */
static void
offer_cpus (SvQ35Firmware *self)
{
  SvMachine *machine = SV_MACHINE (self->machine);
  guint max = sv_machine_get_max_cpus (machine);
  guint n = 0;

  for (guint i = 0; i < max; i++)
    n += sv_machine_get_cpu (machine, i) != NULL;
  sv_fw_cfg_set_number (self->fw_cfg, SV_FW_CFG_N_CPUS, n, 2);
  sv_fw_cfg_set_number (self->fw_cfg, SV_FW_CFG_MAX_CPUS, max, 2);
}

/* Waits in milliseconds: before another try when nothing could be booted (-1: for ever), and for whoever wants the menu */
static gboolean
offer_waits (SvQ35Firmware *self, GError **error)
{
  gint menu, retry;
  guint32 menu_le, retry_le;

  g_object_get (self->machine, "boot-splash-time", &menu, "boot-reboot-timeout", &retry, NULL);
  menu_le = GUINT32_TO_LE ((guint32)menu);
  retry_le = GUINT32_TO_LE ((guint32)retry);
  return sv_fw_cfg_set_file (self->fw_cfg, "etc/boot-fail-wait", &retry_le, 4, error)
         && (menu < 0 || sv_fw_cfg_set_file (self->fw_cfg, "etc/boot-menu-wait", &menu_le, 2, error));
}

static gboolean
offer_machine (SvQ35Firmware *self, GError **error)
{
  sv_fw_cfg_set_number (self->fw_cfg, SV_FW_CFG_NOGRAPHIC, 1, 2);
  return offer_memory (self, error) && offer_states (self, error) && offer_waits (self, error)
         && reserve_files (self, error);
}

/* --- ACPI --- */

static SvAcpiLoader *
build_tables (SvQ35Firmware *self, GError **error)
{
  g_autoptr (GByteArray) tables = sv_x86_machine_build_acpi (self->machine, 0, error);

  return tables != NULL ? sv_acpi_loader_new (tables, error) : NULL;
}

static gboolean
set_padded (SvQ35Firmware *self, const char *name, GByteArray *bytes, gsize room, GError **error)
{
  guint length = bytes->len;

  g_byte_array_set_size (bytes, (guint)room);
  memset (bytes->data + length, 0, room - length);
  return sv_fw_cfg_set_file (self->fw_cfg, name, bytes->data, bytes->len, error);
}

static gboolean
set_tables (SvQ35Firmware *self, SvAcpiLoader *loader, GError **error)
{
  return sv_fw_cfg_set_file (self->fw_cfg, SV_ACPI_FILE_RSDP, loader->rsdp->data, loader->rsdp->len,
                             error)
         && set_padded (self, SV_ACPI_FILE_TABLES, loader->tables, self->tables_room, error)
         && set_padded (self, SV_ACPI_FILE_LOADER, loader->commands, self->commands_room, error);
}

/*
 * Firmware has set up the chipset and assigned addresses by now: the tables tell of what it did. It knows the
 * files' sizes already, so these do not change.
 */
static void
tables_selected (gpointer opaque)
{
  SvQ35Firmware *self = opaque;
  g_autoptr (SvAcpiLoader) loader = NULL;
  g_autoptr (GError) error = NULL;

  if (self->tables_current)
    return;
  self->tables_current = TRUE;
  loader = build_tables (self, &error);
  if (loader != NULL
      && (loader->tables->len > self->tables_room || loader->commands->len > self->commands_room))
    g_set_error_literal (&error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID, "they have grown too much");
  if (error == NULL)
    set_tables (self, loader, &error);
  if (error != NULL)
    sv_log_guest ("ACPI tables as the guest's firmware set things up: %s", error->message);
}

static gboolean
offer_tables (SvQ35Firmware *self, GError **error)
{
  static const char *const files[]
      = { SV_ACPI_FILE_LOADER, SV_ACPI_FILE_TABLES, SV_ACPI_FILE_RSDP };
  g_autoptr (SvAcpiLoader) loader = build_tables (self, error);

  if (loader == NULL)
    return FALSE;
  /* The chipset adds some. */
  self->tables_room = (loader->tables->len + 2 * PAGE) & ~(gsize)(PAGE - 1);
  self->commands_room = (loader->commands->len + 2 * PAGE) & ~(gsize)(PAGE - 1);
  self->tables_current = FALSE;
  if (!set_tables (self, loader, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    sv_fw_cfg_set_select_func (self->fw_cfg, files[i], tables_selected, self);
  return TRUE;
}

/* --- SMBIOS --- */

static gboolean
offer_smbios (SvQ35Firmware *self, GError **error)
{
  g_autoptr (GByteArray) anchor = NULL;
  g_autoptr (GByteArray) tables = NULL;

  return sv_x86_machine_build_smbios (self->machine, 0, &anchor, &tables, error)
         && sv_fw_cfg_set_file (self->fw_cfg, FILE_SMBIOS_ANCHOR, anchor->data, anchor->len,
                                error)
         && sv_fw_cfg_set_file (self->fw_cfg, FILE_SMBIOS_TABLES, tables->data, tables->len,
                                error);
}

/**
 * sv_q35_firmware_new: (skip)
 * @machine: the machine, which outlives it
 * @fw_cfg: its fw_cfg device
 * @flash: images of the flash chips
 * @error: return location
 *
 * Makes the flash chips, and opens the kernel when there is one.
 *
 * Returns: (transfer full): a new object; %NULL with @error set
 */
SvQ35Firmware *
sv_q35_firmware_new (SvX86Machine *machine,
                     SvFwCfg *fw_cfg,
                     SvObject *const flash[SV_Q35_N_FLASH],
                     GError **error)
{
  SvQ35Firmware *self = g_new0 (SvQ35Firmware, 1);

  self->machine = machine;
  self->fw_cfg = g_object_ref (fw_cfg);
  if (add_flash (self, flash, error) && offer_kernel (self, error) && offer_machine (self, error))
    return self;
  sv_q35_firmware_free (self);
  return NULL;
}

/* Paths, one in a line, with a NUL at their end; the last line may say that nothing else is to be tried. */
static gboolean
offer_boot_order (SvQ35Firmware *self, GError **error)
{
  g_autofree char *list = NULL;
  g_autofree char *text = NULL;
  g_autofree char *order = NULL;
  g_autofree char *once = NULL;
  gboolean strict, menu;

  g_object_get (self->machine, "boot-strict", &strict, "boot-menu", &menu, "boot-order", &order, "boot-once", &once,
                NULL);
  list = sv_boot_order_dup_list (SV_OBJECT (self->machine), once != NULL && !self->started ? once : order);
  self->started = TRUE;
  sv_fw_cfg_set_number (self->fw_cfg, SV_FW_CFG_BOOT_MENU, menu ? 1 : 0, 2);
  if (*list == '\0')
    return sv_fw_cfg_set_file (self->fw_cfg, FILE_BOOT_ORDER, list, 0, error);
  text = g_strconcat (list, strict ? "\nHALT" : NULL, NULL);
  return sv_fw_cfg_set_file (self->fw_cfg, FILE_BOOT_ORDER, text, strlen (text) + 1, error);
}

gboolean
sv_q35_firmware_load (SvQ35Firmware *self, GError **error)
{
  offer_cpus (self);
  return offer_boot_order (self, error) && offer_smbios (self, error) && offer_tables (self, error);
}

void
sv_q35_firmware_free (SvQ35Firmware *self)
{
  g_clear_object (&self->fw_cfg);
  g_clear_pointer (&self->kernel, sv_boot_file_free);
  g_clear_pointer (&self->initrd, sv_boot_file_free);
  g_free (self);
}
