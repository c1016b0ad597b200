/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The registers of VIRTIO 1.2 §4.2.2. */

#include "hw/virtio/sv-virtio-mmio-private.h"

#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <string.h>

#include "src/runtime/sv-io-ring.h"
#include "src/runtime/sv-log.h"

#define MAGIC 0x74726976u  /* "virt" */
#define VENDOR 0x53565453u /* "STVS" */
#define CONFIG_MAX (SV_VIRTIO_MMIO_SIZE - VIRTIO_MMIO_CONFIG)

static inline void
set_reg (SvVirtioMmio *self, guint offset, guint32 value)
{
  __atomic_store_n (&self->regs[offset / 4], GUINT32_TO_LE (value), __ATOMIC_SEQ_CST);
}

static void
refresh_features (SvVirtioMmio *self)
{
  guint64 features = sv_virtio_device_get_features (self->device);
  guint32 word = 0;

  if (self->device_features_sel < 2)
    word = features >> (32 * self->device_features_sel);
  set_reg (self, VIRTIO_MMIO_DEVICE_FEATURES, word);
}

static void
refresh_queue (SvVirtioMmio *self)
{
  SvVirtqueue *queue = sv_virtio_device_get_queue (self->device, self->queue_sel);

  set_reg (self, VIRTIO_MMIO_QUEUE_NUM_MAX, queue != NULL ? sv_virtqueue_get_max_size (queue) : 0);
  set_reg (self, VIRTIO_MMIO_QUEUE_READY, queue != NULL && sv_virtqueue_is_ready (queue));
}

/*
 * A driver that reads the same generation before and after has read one configuration (VIRTIO 1.2 §2.5.1). Where the guest
 * reads from memory, several words cannot change at once; so it reads by exits meanwhile, which wait for the VM lock.
 */
static gboolean
hide_memory (SvVirtioMmio *self, const guint32 *words, guint first, guint n)
{
  guint changes = 0;

  for (guint i = 0; i < n; i++)
    changes += words[i] != self->regs[first + i];
  if (self->bank == NULL || changes < 2)
    return FALSE;
  sv_memory_region_set_rom_mode (self->notify_region, FALSE);
  return TRUE;
}

static void
store_words (SvVirtioMmio *self, const guint32 *words, guint first, guint n)
{
  for (guint i = 0; i < n; i++)
    __atomic_store_n (&self->regs[first + i], words[i], __ATOMIC_SEQ_CST);
}

static void
refresh_config (SvVirtioMmio *self, gboolean at_once)
{
  const guint first = VIRTIO_MMIO_CONFIG / 4;
  gsize size = MIN (sv_virtio_device_get_config_size (self->device), CONFIG_MAX);
  guint32 words[CONFIG_MAX / 4] = { 0 };
  guint n = (guint)(size + 3) / 4;
  gboolean hidden;

  memcpy (words, sv_virtio_device_get_config (self->device), size);
  hidden = at_once && self->held_regs == NULL && hide_memory (self, words, first, n);
  store_words (self, words, first, n);
  set_reg (self, VIRTIO_MMIO_CONFIG_GENERATION,
           sv_virtio_device_get_config_generation (self->device));
  if (hidden)
    sv_memory_region_set_rom_mode (self->notify_region, TRUE);
}

void
sv_virtio_mmio_refresh_config (SvVirtioMmio *self)
{
  refresh_config (self, FALSE);
}

void
sv_virtio_mmio_change_config (SvVirtioMmio *self)
{
  refresh_config (self, TRUE);
}

void
sv_virtio_mmio_refresh_status (SvVirtioMmio *self)
{
  set_reg (self, VIRTIO_MMIO_STATUS, sv_virtio_device_get_status (self->device));
  /* The data path may have added the bit to both between the two halves of the line above. */
  if ((sv_virtio_device_get_status (self->device) & VIRTIO_CONFIG_S_NEEDS_RESET) != 0)
    sv_virtio_mmio_show_broken (self);
}

void
sv_virtio_mmio_show_broken (SvVirtioMmio *self)
{
  __atomic_fetch_or (&self->regs[VIRTIO_MMIO_STATUS / 4],
                     GUINT32_TO_LE (VIRTIO_CONFIG_S_NEEDS_RESET), __ATOMIC_SEQ_CST);
}

void
sv_virtio_mmio_refresh_regs (SvVirtioMmio *self)
{
  refresh_features (self);
  refresh_queue (self);
  sv_virtio_mmio_refresh_config (self);
  sv_virtio_mmio_refresh_status (self);
}

void
sv_virtio_mmio_reset_regs (SvVirtioMmio *self)
{
  self->device_features_sel = self->driver_features_sel = self->queue_sel = 0;
  self->driver_features[0] = self->driver_features[1] = 0;

  memset (self->regs, 0, SV_VIRTIO_MMIO_SIZE);
  set_reg (self, VIRTIO_MMIO_MAGIC_VALUE, MAGIC);
  set_reg (self, VIRTIO_MMIO_VERSION, 2);
  set_reg (self, VIRTIO_MMIO_VENDOR_ID, VENDOR);
  /* No shared memory region, whichever is selected (§4.2.2): length and base are -1. */
  set_reg (self, VIRTIO_MMIO_SHM_LEN_LOW, G_MAXUINT32);
  set_reg (self, VIRTIO_MMIO_SHM_LEN_HIGH, G_MAXUINT32);
  set_reg (self, VIRTIO_MMIO_SHM_BASE_LOW, G_MAXUINT32);
  set_reg (self, VIRTIO_MMIO_SHM_BASE_HIGH, G_MAXUINT32);
  if (self->device == NULL)
    return;

  set_reg (self, VIRTIO_MMIO_DEVICE_ID, sv_virtio_device_get_device_id (self->device));
  sv_virtio_mmio_refresh_regs (self);
}

void
sv_virtio_mmio_fill_identity (guint32 *regs, guint16 device_id)
{
  memset (regs, 0, SV_VIRTIO_MMIO_SIZE);
  regs[VIRTIO_MMIO_MAGIC_VALUE / 4] = GUINT32_TO_LE (MAGIC);
  regs[VIRTIO_MMIO_VERSION / 4] = GUINT32_TO_LE (2);
  regs[VIRTIO_MMIO_DEVICE_ID / 4] = GUINT32_TO_LE (device_id);
  regs[VIRTIO_MMIO_VENDOR_ID / 4] = GUINT32_TO_LE (VENDOR);
}

void
sv_virtio_mmio_hold_regs (SvVirtioMmio *self)
{
  g_return_if_fail (self->held_regs == NULL);

  self->held_regs = self->regs;
  self->held_sel[0] = self->device_features_sel;
  self->held_sel[1] = self->driver_features_sel;
  self->held_sel[2] = self->queue_sel;
  memcpy (self->held_features, self->driver_features, sizeof self->held_features);
  self->regs = g_memdup2 (self->held_regs, SV_VIRTIO_MMIO_SIZE);
}

void
sv_virtio_mmio_show_regs (SvVirtioMmio *self)
{
  const guint interrupts = VIRTIO_MMIO_INTERRUPT_STATUS / 4;
  guint32 *shadow = self->regs;
  gboolean hidden;

  g_return_if_fail (self->held_regs != NULL);

  self->device_features_sel = self->held_sel[0];
  self->driver_features_sel = self->held_sel[1];
  self->queue_sel = self->held_sel[2];
  memcpy (self->driver_features, self->held_features, sizeof self->driver_features);
  if (self->device != NULL)
    sv_virtio_mmio_refresh_regs (self);

  self->regs = g_steal_pointer (&self->held_regs);
  hidden = hide_memory (self, shadow, 0, SV_VIRTIO_MMIO_SIZE / 4);
  store_words (self, shadow, 0, interrupts);
  store_words (self, shadow + interrupts + 1, interrupts + 1, SV_VIRTIO_MMIO_SIZE / 4 - interrupts - 1);
  if (hidden)
    sv_memory_region_set_rom_mode (self->notify_region, TRUE);
  __atomic_fetch_or (&self->regs[interrupts], shadow[interrupts], __ATOMIC_SEQ_CST);
  g_free (shadow);
}

/* The bit first, then the edge: a driver that is interrupted finds it. */
void
sv_virtio_mmio_interrupt (SvVirtioMmio *self, guint32 bits)
{
  __atomic_fetch_or (&self->regs[VIRTIO_MMIO_INTERRUPT_STATUS / 4], GUINT32_TO_LE (bits),
                     __ATOMIC_SEQ_CST);
  sv_io_ring_signal (self->irq_fd);
}

static void
set_address (guint64 *address, gboolean high, guint32 value)
{
  if (high)
    *address = (*address & G_MAXUINT32) | (guint64) value << 32;
  else
    *address = (*address & ~(guint64) G_MAXUINT32) | value;
}

static void
write_layout (SvVirtioMmio *self, guint offset, guint32 value)
{
  SvVirtqueue *queue = sv_virtio_device_get_queue (self->device, self->queue_sel);
  SvVirtqueueLayout layout;

  if (queue == NULL)
    return;

  sv_virtqueue_get_layout (queue, &layout);
  switch (offset)
    {
    case VIRTIO_MMIO_QUEUE_NUM:
      /* 0 is never valid: the queue will not get ready. */
      layout.size = value <= sv_virtqueue_get_max_size (queue) ? value : 0;
      break;
    case VIRTIO_MMIO_QUEUE_DESC_LOW:
    case VIRTIO_MMIO_QUEUE_DESC_HIGH:
      set_address (&layout.descriptors, offset == VIRTIO_MMIO_QUEUE_DESC_HIGH, value);
      break;
    case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
    case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
      set_address (&layout.driver, offset == VIRTIO_MMIO_QUEUE_AVAIL_HIGH, value);
      break;
    default:
      set_address (&layout.device, offset == VIRTIO_MMIO_QUEUE_USED_HIGH, value);
      break;
    }

  if (!sv_virtqueue_set_layout (queue, &layout))
    sv_log_guest ("virtio-mmio %u: write to register 0x%x of queue %u, which is ready", self->slot,
                  offset, self->queue_sel);
}

static void
write_queue_ready (SvVirtioMmio *self, guint32 value)
{
  if (sv_virtio_device_get_queue (self->device, self->queue_sel) == NULL || value > 1)
    return;

  if (!sv_virtio_device_set_queue_ready (self->device, self->queue_sel, value))
    sv_log_guest ("virtio-mmio %u: queue %u cannot be used as it was set up", self->slot,
                  self->queue_sel);
  refresh_queue (self);
}

static void
write_status (SvVirtioMmio *self, guint32 value)
{
  if (value > G_MAXUINT8)
    return;

  /* Resetting the device resets the registers by way of the bus. */
  sv_virtio_device_set_status (self->device, value);
  if (value != 0)
    sv_virtio_mmio_refresh_status (self);
}

static void
write_register (SvVirtioMmio *self, guint offset, guint32 value)
{
  switch (offset)
    {
    case VIRTIO_MMIO_DEVICE_FEATURES_SEL:
      self->device_features_sel = value;
      refresh_features (self);
      break;
    case VIRTIO_MMIO_DRIVER_FEATURES:
      if (self->driver_features_sel < 2)
        self->driver_features[self->driver_features_sel] = value;
      sv_virtio_device_set_driver_features (
          self->device, (guint64) self->driver_features[1] << 32 | self->driver_features[0]);
      break;
    case VIRTIO_MMIO_DRIVER_FEATURES_SEL:
      self->driver_features_sel = value;
      break;
    case VIRTIO_MMIO_QUEUE_SEL:
      self->queue_sel = value;
      refresh_queue (self);
      break;
    case VIRTIO_MMIO_QUEUE_NUM:
    case VIRTIO_MMIO_QUEUE_DESC_LOW:
    case VIRTIO_MMIO_QUEUE_DESC_HIGH:
    case VIRTIO_MMIO_QUEUE_AVAIL_LOW:
    case VIRTIO_MMIO_QUEUE_AVAIL_HIGH:
    case VIRTIO_MMIO_QUEUE_USED_LOW:
    case VIRTIO_MMIO_QUEUE_USED_HIGH:
      write_layout (self, offset, value);
      break;
    case VIRTIO_MMIO_QUEUE_READY:
      write_queue_ready (self, value);
      break;
    case VIRTIO_MMIO_QUEUE_NOTIFY:
      /* Comes here where the accelerator has no ioeventfd, and for queues that do not run. */
      if (sv_virtio_device_get_kick_fd (self->device, value) >= 0)
        sv_virtio_device_kick (self->device, value);
      break;
    case VIRTIO_MMIO_INTERRUPT_ACK:
      __atomic_fetch_and (&self->regs[VIRTIO_MMIO_INTERRUPT_STATUS / 4],
                          ~GUINT32_TO_LE (value & ~self->sticky_bits), __ATOMIC_SEQ_CST);
      break;
    case VIRTIO_MMIO_STATUS:
      write_status (self, value);
      break;
    default:
      break;
    }
}

static guint64
mmio_read (gpointer opaque, guint64 offset, guint size)
{
  SvVirtioMmio *self = opaque;
  guint64 value = 0;

  if (size == 4 && offset % 4 == 0)
    return GUINT32_FROM_LE (__atomic_load_n (&self->regs[offset / 4], __ATOMIC_SEQ_CST));

  memcpy (&value, (const guint8 *) self->regs + offset, size);
  return GUINT64_FROM_LE (value);
}

void
sv_virtio_mmio_write_late (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  SvVirtioMmio *self = opaque;

  if (self->device == NULL)
    return;

  if (offset >= VIRTIO_MMIO_CONFIG)
    {
      sv_virtio_device_write_config (self->device, offset - VIRTIO_MMIO_CONFIG, value, size);
      sv_virtio_mmio_refresh_config (self);
    }
  else if (size == 4 && offset % 4 == 0)
    write_register (self, offset, value);
  else
    sv_log_guest ("virtio-mmio %u: write of %u bytes to register 0x%x", self->slot, size,
                  (guint) offset);
}

gboolean
sv_virtio_mmio_is_settled (gpointer opaque)
{
  SvVirtioMmio *self = opaque;

  return self->device == NULL || sv_virtio_device_settle (self->device);
}

/* A driver that resets the device, or takes a queue back, is not to stop the main loop until the host's disks are done. */
static void
mmio_write (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  SvVirtioMmio *self = opaque;
  gboolean waits = value == 0 && (offset == VIRTIO_MMIO_STATUS || offset == VIRTIO_MMIO_QUEUE_READY);

  if ((sv_late_writes_is_pending (self->late) || (waits && !sv_virtio_mmio_is_settled (self)))
      && sv_late_writes_defer (self->late, offset, value, size))
    return;
  sv_virtio_mmio_write_late (self, offset, value, size);
}

/* Narrow reads, which the specification leaves open (§4.2.2.2), see bytes of the register. */
const SvMemoryRegionOps sv_virtio_mmio_ops = {
  .read = mmio_read,
  .write = mmio_write,
  .min_access = 1,
  .max_access = 8,
};
