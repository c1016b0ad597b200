/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/misc/sv-fw-cfg.h"

#include <string.h>

#include "hw/acpi/sv-acpi-build.h"
#include "hw/acpi/sv-aml.h"
#include "hw/core/sv-isa-bus.h"
#include "hw/misc/sv-fw-cfg-dma.h"
#include "src/migration/sv-migration-values.h"

#define DATA_PORT 1u
#define DMA_PORT 4u

#define ID_INTERFACE 0x1u
#define ID_DMA 0x2u
#define DMA_SIGNATURE 0x51454d5520434647ull /* QEMU CFG */
#define NO_KEY 0xffffu
#define DIRECTORY_NAME 56

struct _SvFwCfg
{
  SvDevice parent_instance;

  SvAddressSpace *memory;
  SvIsaBus *bus; /* not referenced: where the registers are mapped */
  SvMemoryRegion *region;

  GHashTable *items; /* key -> SvFwCfgItem */
  GPtrArray *names;  /* of files; index: key - SV_FW_CFG_FIRST_FILE; NULL: removed */
  guint key;
  guint64 offset;
  guint32 dma_high;
};

static void sv_fw_cfg_described_init (SvAcpiDescribedInterface *iface);
static const SvMigratableState migration;

G_DEFINE_FINAL_TYPE_WITH_CODE (SvFwCfg,
                               sv_fw_cfg,
                               SV_TYPE_DEVICE,
                               G_IMPLEMENT_INTERFACE (SV_TYPE_ACPI_DESCRIBED,
                                                      sv_fw_cfg_described_init)
                               SV_MIGRATABLE_STATE (&migration))

static void
item_free (gpointer data)
{
  SvFwCfgItem *item = data;

  g_free (item->data);
  g_free (item);
}

static SvFwCfgItem *
find (SvFwCfg *self, guint key)
{
  return g_hash_table_lookup (self->items, GUINT_TO_POINTER (key));
}

/* --- the directory: big-endian, entries of 64 bytes --- */

static void
append_be (GByteArray *bytes, guint64 value, guint size)
{
  guint64 be = GUINT64_TO_BE (value);

  g_byte_array_append (bytes, (const guint8 *)&be + 8 - size, size);
}

static void
update_directory (SvFwCfg *self)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint n = 0;

  for (guint i = 0; i < self->names->len; i++)
    n += self->names->pdata[i] != NULL;
  append_be (bytes, n, 4);
  for (guint i = 0; i < self->names->len; i++)
    {
      guint key = SV_FW_CFG_FIRST_FILE + i;
      char name[DIRECTORY_NAME] = { 0 };

      if (self->names->pdata[i] == NULL)
        continue;
      append_be (bytes, find (self, key)->size, 4);
      append_be (bytes, key, 2);
      append_be (bytes, 0, 2);
      g_strlcpy (name, self->names->pdata[i], sizeof name);
      g_byte_array_append (bytes, (const guint8 *)name, sizeof name);
    }
  sv_fw_cfg_set_item (self, SV_FW_CFG_FILE_DIR, bytes->data, bytes->len);
}

static gboolean
find_name (SvFwCfg *self, const char *name, guint *key)
{
  for (guint i = 0; i < self->names->len; i++)
    if (g_strcmp0 (self->names->pdata[i], name) == 0)
      {
        *key = SV_FW_CFG_FIRST_FILE + i;
        return TRUE;
      }
  return FALSE;
}

/* --- registers --- */

static void
choose (SvFwCfg *self, guint key)
{
  SvFwCfgItem *item = find (self, key);

  self->key = item != NULL ? key : NO_KEY;
  self->offset = 0;
  if (item != NULL && item->select != NULL)
    item->select (item->select_opaque);
}

static guint8
read_byte (SvFwCfg *self)
{
  SvFwCfgItem *item = find (self, self->key);
  guint8 byte = 0;

  if (item != NULL && self->offset < item->size)
    {
      if (!sv_fw_cfg_item_read (item, self->offset, &byte, 1))
        byte = 0;
      self->offset++;
    }
  return byte;
}

static void
run_dma (SvFwCfg *self, guint64 address)
{
  SvFwCfgDma dma;

  if (!sv_fw_cfg_dma_fetch (&dma, self->memory, address))
    return;
  if (dma.select)
    choose (self, dma.key);
  sv_fw_cfg_dma_run (&dma, self->memory, find (self, self->key), &self->offset);
}

static guint64
fw_cfg_read (gpointer opaque, guint64 offset, guint size)
{
  guint64 signature = GUINT64_TO_BE (DMA_SIGNATURE);

  if (offset == DATA_PORT && size == 1)
    return read_byte (opaque);
  if (offset < DMA_PORT || offset + size > SV_FW_CFG_PORTS)
    return G_MAXUINT64;
  return signature >> 8 * (offset - DMA_PORT);
}

static void
fw_cfg_write (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  SvFwCfg *self = opaque;
  guint32 address = GUINT32_FROM_BE ((guint32)value);

  if (offset == 0 && size == 2)
    choose (self, (guint)value);
  else if (offset == DMA_PORT && size == 4)
    self->dma_high = address;
  else if (offset == DMA_PORT + 4 && size == 4)
    {
      guint64 whole = (guint64)self->dma_high << 32 | address;

      self->dma_high = 0;
      run_dma (self, whole);
    }
}

/* --- SvDevice --- */

static gboolean
sv_fw_cfg_realize (SvDevice *device, GError **error)
{
  SvFwCfg *self = SV_FW_CFG (device);

  if (self->memory == NULL)
    {
      g_set_error_literal (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                           "fw_cfg_io: only a machine can make this device");
      return FALSE;
    }
  self->bus = SV_ISA_BUS (sv_device_get_bus (device));
  sv_isa_bus_map (self->bus, SV_FW_CFG_PORT, self->region);
  return TRUE;
}

static void
sv_fw_cfg_unrealize (SvDevice *device)
{
  SvFwCfg *self = SV_FW_CFG (device);

  sv_isa_bus_unmap (self->bus, self->region);
  self->bus = NULL;
}

static void
sv_fw_cfg_reset (SvDevice *device)
{
  SvFwCfg *self = SV_FW_CFG (device);

  self->key = SV_FW_CFG_SIGNATURE;
  self->offset = 0;
  self->dma_high = 0;
}

static void
sv_fw_cfg_build_aml (SvAcpiDescribed *described, GByteArray *scope)
{
  guint device = sv_aml_begin_device (scope, "FWCF");
  guint resources;

  sv_aml_name_string (scope, "_HID", "QEMU0002");
  sv_aml_name_int (scope, "_STA", 0xb); /* present, decoding, not shown */
  sv_aml_name (scope, "_CRS");
  resources = sv_aml_begin_resources (scope);
  sv_aml_resource_io (scope, SV_FW_CFG_PORT, SV_FW_CFG_PORTS);
  sv_aml_end_resources (scope, resources);
  sv_aml_end (scope, device);
}

static void
sv_fw_cfg_described_init (SvAcpiDescribedInterface *iface)
{
  iface->build_aml = sv_fw_cfg_build_aml;
}

/* --- state: the items are the machine's --- */

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  SvFwCfg *self = SV_FW_CFG (migratable);

  return g_variant_new ("(utu)", self->key, self->offset, self->dma_high);
}

/* An item may be one that only the next start of firmware makes here: until then it has no bytes. */
static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  SvFwCfg *self = SV_FW_CFG (migratable);

  g_variant_get (state, "(utu)", &self->key, &self->offset, &self->dma_high);
  return sv_migration_check_range ("chosen item", self->key, 0, NO_KEY, error);
}

static const SvMigratableState migration = {
  .types = (const char *const[]){ "(utu)", NULL }, /* chosen item, place in it, upper half of a DMA address */
  .dup = dup_state,
  .load = load_state,
};

static void
sv_fw_cfg_finalize (GObject *object)
{
  SvFwCfg *self = SV_FW_CFG (object);

  g_clear_object (&self->memory);
  g_clear_object (&self->region);
  g_hash_table_unref (self->items);
  g_ptr_array_unref (self->names);
  G_OBJECT_CLASS (sv_fw_cfg_parent_class)->finalize (object);
}

static void
sv_fw_cfg_class_init (SvFwCfgClass *klass)
{
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = sv_fw_cfg_finalize;
  device_class->realize = sv_fw_cfg_realize;
  device_class->unrealize = sv_fw_cfg_unrealize;
  device_class->reset = sv_fw_cfg_reset;
  device_class->bus_type = SV_TYPE_ISA_BUS;
  device_class->category = "misc";
  device_class->description = "What the machine tells its firmware";
}

static void
sv_fw_cfg_init (SvFwCfg *self)
{
  static const SvMemoryRegionOps ops
      = { .read = fw_cfg_read, .write = fw_cfg_write, .min_access = 1, .max_access = 4 };

  self->region = sv_memory_region_new_io ("fw-cfg", SV_FW_CFG_PORTS, &ops, self);
  self->items = g_hash_table_new_full (NULL, NULL, NULL, item_free);
  self->names = g_ptr_array_new_with_free_func (g_free);
  sv_fw_cfg_set_item (self, SV_FW_CFG_SIGNATURE, "QEMU", 4);
  sv_fw_cfg_set_number (self, SV_FW_CFG_ID, ID_INTERFACE | ID_DMA, 4);
  update_directory (self);
}

/* --- items --- */

/**
 * sv_fw_cfg_new: (skip)
 * @memory: the guest's memory
 *
 * Returns: (transfer full): the device, to be adopted by a machine on its ISA bus
 */
SvFwCfg *
sv_fw_cfg_new (SvAddressSpace *memory)
{
  SvFwCfg *self = g_object_new (SV_TYPE_FW_CFG, NULL);

  self->memory = g_object_ref (memory);
  return self;
}

static SvFwCfgItem *
ensure_item (SvFwCfg *self, guint key)
{
  SvFwCfgItem *item = find (self, key);

  if (item != NULL)
    return item;
  item = g_new0 (SvFwCfgItem, 1);
  g_hash_table_insert (self->items, GUINT_TO_POINTER (key), item);
  return item;
}

/**
 * sv_fw_cfg_set_item: (skip)
 * @self: the device
 * @key: number of the item
 * @data: its content, copied
 * @size: bytes
 *
 * Makes an item, or changes its content.
 */
void
sv_fw_cfg_set_item (SvFwCfg *self, guint key, gconstpointer data, gsize size)
{
  SvFwCfgItem *item = ensure_item (self, key);

  g_free (item->data);
  item->data = g_memdup2 (data, size);
  item->size = size;
  item->read = NULL;
}

/**
 * sv_fw_cfg_set_number: (skip)
 * @self: the device
 * @key: number of the item
 * @value: its content, stored in little endian
 * @size: bytes, up to 8
 */
void
sv_fw_cfg_set_number (SvFwCfg *self, guint key, guint64 value, guint size)
{
  guint64 le = GUINT64_TO_LE (value);

  sv_fw_cfg_set_item (self, key, &le, size);
}

/**
 * sv_fw_cfg_set_source: (skip)
 * @self: the device
 * @key: number of the item
 * @size: bytes
 * @read: gets them, under the VM lock
 * @opaque: for @read
 *
 * Makes an item that is not kept in memory.
 */
void
sv_fw_cfg_set_source (SvFwCfg *self, guint key, guint64 size, SvFwCfgRead read, gpointer opaque)
{
  SvFwCfgItem *item = ensure_item (self, key);

  g_clear_pointer (&item->data, g_free);
  item->size = size;
  item->read = read;
  item->read_opaque = opaque;
}

/**
 * sv_fw_cfg_set_file: (skip)
 * @self: the device
 * @name: 1 to 55 bytes
 * @data: content, copied
 * @size: bytes
 * @error: return location
 *
 * Makes a file, or changes its content.
 *
 * Returns: %FALSE when the name is too long, or there are too many files
 */
gboolean
sv_fw_cfg_set_file (
    SvFwCfg *self, const char *name, gconstpointer data, gsize size, GError **error)
{
  guint key;

  if (*name == '\0' || strlen (name) > SV_FW_CFG_MAX_NAME || size > G_MAXUINT32)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "fw_cfg: file '%s': expected a name of 1 to %u bytes and less than 4 GiB", name,
                   SV_FW_CFG_MAX_NAME);
      return FALSE;
    }
  if (!find_name (self, name, &key))
    {
      if (self->names->len >= SV_FW_CFG_MAX_FILES)
        {
          g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY,
                       "fw_cfg: no room for file '%s': there are %u", name, SV_FW_CFG_MAX_FILES);
          return FALSE;
        }
      key = SV_FW_CFG_FIRST_FILE + self->names->len;
      g_ptr_array_add (self->names, g_strdup (name));
    }
  sv_fw_cfg_set_item (self, key, data, size);
  update_directory (self);
  return TRUE;
}

gboolean
sv_fw_cfg_has_file (SvFwCfg *self, const char *name)
{
  guint key;

  return find_name (self, name, &key);
}

/**
 * sv_fw_cfg_remove_file: (skip)
 * @self: the device
 * @name: of a file; nothing happens when there is none
 */
void
sv_fw_cfg_remove_file (SvFwCfg *self, const char *name)
{
  guint key;

  if (!find_name (self, name, &key))
    return;
  g_clear_pointer (&self->names->pdata[key - SV_FW_CFG_FIRST_FILE], g_free);
  g_hash_table_remove (self->items, GUINT_TO_POINTER (key));
  update_directory (self);
}

/**
 * sv_fw_cfg_set_select_func: (skip)
 * @self: the device
 * @name: of a file that is there
 * @func: called whenever the guest chooses it, before it reads; may change files. VM lock held
 * @opaque: for @func
 */
void
sv_fw_cfg_set_select_func (SvFwCfg *self, const char *name, SvFwCfgSelect func, gpointer opaque)
{
  SvFwCfgItem *item;
  guint key;

  g_return_if_fail (find_name (self, name, &key));
  item = find (self, key);
  item->select = func;
  item->select_opaque = opaque;
}
