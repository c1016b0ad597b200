/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/misc/sv-pflash.h"

#include "hw/misc/sv-cfi-flash.h"
#include "src/migration/sv-migration-values.h"
#include "src/runtime/sv-log.h"

#define SECTOR 512u
/* Changes further apart are written one by one. */
#define MAX_GAP 4096u

struct _SvPflash
{
  SvDevice parent_instance;

  SvObject *drive; /* link */
  SvMemoryRegion *memory;
  guint64 end;

  SvBlockNode *node; /* claimed */
  SvMemoryRegion *region;
  SvCfiFlash chip;
  GMainContext *context; /* never runs: requests are waited for */
  SvBlockQueue *queue;
  guint64 changed_start;
  guint64 changed_end; /* 0: nothing to be written */
};

enum
{
  PROP_0,
  PROP_DRIVE,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

static const SvMigratableState migration;

G_DEFINE_FINAL_TYPE_WITH_CODE (SvPflash, sv_pflash, SV_TYPE_DEVICE, SV_MIGRATABLE_STATE (&migration))

/* --- the image --- */

typedef struct
{
  SvBlockRequest request;
  struct iovec iov;
  int result;
} Transfer;

static void
transfer_done (SvBlockRequest *request, int result)
{
  ((Transfer *)request)->result = result;
}

static int
transfer (SvPflash *self, SvBlockOp op, guint64 offset, guint64 length)
{
  Transfer transfer = {
    .request = { .op = op, .offset = offset, .length = length, .n_iov = 1, .done = transfer_done },
    .iov = { self->chip.data + offset, length },
  };

  transfer.request.iov = &transfer.iov;
  sv_block_queue_submit (self->queue, &transfer.request);
  sv_block_queue_drain (self->queue);
  return transfer.result;
}

static void
write_back (SvPflash *self)
{
  guint64 start = self->changed_start & ~(guint64)(SECTOR - 1);
  guint64 end = (self->changed_end + SECTOR - 1) & ~(guint64)(SECTOR - 1);
  int result;

  if (self->changed_end == 0)
    return;
  result = transfer (self, SV_BLOCK_WRITE, start, end - start);
  if (result < 0)
    {
      /* It stays to be written. */
      sv_log_guest ("pflash '%s': cannot write at 0x%" G_GINT64_MODIFIER "x: %s",
                    sv_object_get_id (SV_OBJECT (self->node)), start, g_strerror (-result));
      sv_cfi_flash_fail (&self->chip);
      return;
    }
  self->changed_end = 0;
}

static void
content_changed (gpointer opaque, guint64 offset, guint64 length)
{
  SvPflash *self = opaque;

  if (self->changed_end != 0
      && (offset > self->changed_end + MAX_GAP || offset + length + MAX_GAP < self->changed_start))
    write_back (self);
  if (self->changed_end == 0)
    {
      self->changed_start = offset;
      self->changed_end = offset + length;
      return;
    }
  self->changed_start = MIN (self->changed_start, offset);
  self->changed_end = MAX (self->changed_end, offset + length);
}

/* --- registers --- */

static guint64
pflash_read (gpointer opaque, guint64 offset, guint size)
{
  SvPflash *self = opaque;

  /* The status may tell that it is done. */
  write_back (self);
  return sv_cfi_flash_read (&self->chip, offset);
}

/*
 * A program command that follows another one has to be written with it: firmware programs byte by byte, and
 * looks at the result, or goes back to reading the memory, once.
 */
static void
pflash_write (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  SvPflash *self = opaque;

  sv_cfi_flash_write (&self->chip, offset, (guint8)value);
  if (sv_cfi_flash_is_array (&self->chip))
    write_back (self);
  sv_memory_region_set_rom_mode (self->region, sv_cfi_flash_is_array (&self->chip));
}

/* --- SvDevice --- */

static gboolean
check_size (SvPflash *self, GError **error)
{
  guint64 size = sv_block_node_get_size (self->node);

  if (size > 0 && size % SV_CFI_FLASH_BLOCK == 0 && size <= SV_PFLASH_MAX_SIZE)
    return TRUE;
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
               "pflash: '%s' has %" G_GUINT64_FORMAT
               " bytes: expected a multiple of %u, at most %" G_GUINT64_FORMAT,
               sv_object_get_id (SV_OBJECT (self->node)), size, SV_CFI_FLASH_BLOCK,
               (guint64)SV_PFLASH_MAX_SIZE);
  return FALSE;
}

static gboolean
load (SvPflash *self, GError **error)
{
  static const SvMemoryRegionOps ops
      = { .read = pflash_read, .write = pflash_write, .min_access = 1, .max_access = 1 };
  guint64 size = sv_block_node_get_size (self->node);
  int result;

  self->context = g_main_context_new ();
  self->queue = sv_block_node_create_queue (self->node, self->context, 1, error);
  if (self->queue == NULL)
    return FALSE;
  self->region = sv_memory_region_new_rom_device ("pflash", size, &ops, self);
  sv_cfi_flash_init (&self->chip, sv_memory_region_get_rom (self->region), size, content_changed,
                     self);
  self->chip.read_only = sv_block_node_is_read_only (self->node);
  result = transfer (self, SV_BLOCK_READ, 0, size);
  if (result == 0)
    return TRUE;
  g_set_error (error, SV_BLOCK_ERROR, SV_BLOCK_ERROR_OPEN, "pflash: cannot read '%s': %s",
               sv_object_get_id (SV_OBJECT (self->node)), g_strerror (-result));
  return FALSE;
}

static void
release (SvPflash *self)
{
  g_clear_pointer (&self->queue, sv_block_queue_free);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_clear_object (&self->region);
  sv_object_release (SV_OBJECT (self->node), SV_OBJECT (self));
  g_clear_object (&self->node);
}

static gboolean
sv_pflash_realize (SvDevice *device, GError **error)
{
  SvPflash *self = SV_PFLASH (device);

  if (self->memory == NULL || self->drive == NULL)
    {
      g_set_error_literal (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                           "cfi.pflash01: only a machine can make this device");
      return FALSE;
    }
  if (!sv_object_claim (self->drive, SV_OBJECT (self), error))
    return FALSE;
  self->node = g_object_ref (SV_BLOCK_NODE (self->drive));
  if (!check_size (self, error) || !load (self, error))
    {
      release (self);
      return FALSE;
    }
  sv_memory_region_add (self->memory, self->end - sv_pflash_get_size (self), self->region, 0);
  return TRUE;
}

static void
sv_pflash_unrealize (SvDevice *device)
{
  SvPflash *self = SV_PFLASH (device);

  sv_memory_region_remove (self->memory, self->region);
  write_back (self);
  release (self);
}

static void
sv_pflash_reset (SvDevice *device)
{
  SvPflash *self = SV_PFLASH (device);

  write_back (self);
  sv_cfi_flash_reset (&self->chip);
  sv_memory_region_set_rom_mode (self->region, TRUE);
}

static void
sv_pflash_quiesce (SvDevice *device)
{
  write_back (SV_PFLASH (device));
}

/* --- state: the content is the image's --- */

static gboolean
check_state (SvMigratable *migratable, GError **error)
{
  if (SV_PFLASH (migratable)->changed_end == 0)
    return TRUE;
  g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED,
                       "what the guest programmed could not be written to the image");
  return FALSE;
}

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  const SvCfiFlash *chip = &SV_PFLASH (migratable)->chip;

  return g_variant_new ("(yuyutu@ay)", chip->command, chip->step, chip->status, chip->count, chip->buffer_at,
                        chip->written, sv_migration_new_bytes (chip->buffer, sizeof chip->buffer));
}

static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  SvCfiFlash *chip = &SV_PFLASH (migratable)->chip;
  g_autoptr (GVariant) buffer = NULL;

  g_variant_get (state, "(yuyutu@ay)", &chip->command, &chip->step, &chip->status, &chip->count, &chip->buffer_at,
                 &chip->written, &buffer);
  return sv_migration_get_bytes ("buffer", buffer, chip->buffer, sizeof chip->buffer, error)
         && sv_cfi_flash_check (chip, error);
}

static gboolean
state_loaded (SvMigratable *migratable, GError **error)
{
  SvPflash *self = SV_PFLASH (migratable);

  sv_memory_region_set_rom_mode (self->region, sv_cfi_flash_is_array (&self->chip));
  return TRUE;
}

static const SvMigratableState migration = {
  .types = (const char *const[]){ "(yuyutuay)", NULL }, /* the command that is at work, and what it has so far */
  .check = check_state,
  .dup = dup_state,
  .load = load_state,
  .loaded = state_loaded,
};

/* --- GObject --- */

static void
sv_pflash_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  if (id == PROP_DRIVE)
    g_value_set_object (value, SV_PFLASH (object)->drive);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
sv_pflash_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_DRIVE)
    sv_object_set_link (SV_OBJECT (object), pspec, &SV_PFLASH (object)->drive,
                        g_value_get_object (value));
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
sv_pflash_dispose (GObject *object)
{
  SvPflash *self = SV_PFLASH (object);

  sv_object_set_link (SV_OBJECT (self), props[PROP_DRIVE], &self->drive, NULL);
  G_OBJECT_CLASS (sv_pflash_parent_class)->dispose (object);
}

static void
sv_pflash_finalize (GObject *object)
{
  g_clear_object (&SV_PFLASH (object)->memory);
  G_OBJECT_CLASS (sv_pflash_parent_class)->finalize (object);
}

static void
sv_pflash_class_init (SvPflashClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);

  object_class->get_property = sv_pflash_get_property;
  object_class->set_property = sv_pflash_set_property;
  object_class->dispose = sv_pflash_dispose;
  object_class->finalize = sv_pflash_finalize;
  device_class->realize = sv_pflash_realize;
  device_class->unrealize = sv_pflash_unrealize;
  device_class->reset = sv_pflash_reset;
  device_class->quiesce = sv_pflash_quiesce;
  device_class->category = "storage";
  device_class->description = "NOR flash with firmware or its variables";

  props[PROP_DRIVE] = g_param_spec_object ("drive", "drive", "Disk image: id of a drive or node",
                                           SV_TYPE_BLOCK_NODE, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_pflash_init (SvPflash *self)
{
}

/**
 * sv_pflash_new: (skip)
 * @drive: the image
 * @memory: where the chip is to show
 * @end: the address behind its last byte
 *
 * Returns: (transfer full): a flash chip, to be adopted by a machine
 */
SvPflash *
sv_pflash_new (SvBlockNode *drive, SvMemoryRegion *memory, guint64 end)
{
  SvPflash *self = g_object_new (SV_TYPE_PFLASH, "drive", drive, NULL);

  self->memory = g_object_ref (memory);
  self->end = end;
  return self;
}

/**
 * sv_pflash_get_size: (skip)
 * @self: a realized chip
 *
 * Returns: bytes that it takes in memory
 */
guint64
sv_pflash_get_size (SvPflash *self)
{
  return self->chip.size;
}
