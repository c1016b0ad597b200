/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-mmio-bank.h"

#include <string.h>
#include <unistd.h>

#include "hw/core/sv-late-writes.h"
#include "hw/virtio/sv-virtio-mmio-private.h"

struct _SvVirtioMmioBank
{
  GObject parent_instance;

  SvMemoryRegion *region;
  guint n_slots;
  SvVirtioMmio **transports; /* not owned; NULL: free */
  guint16 *announced;        /* device ids; 0: none */
  void (*touch) (guint slot, gpointer opaque);
  gpointer touch_opaque;
  SvLateWrites *late; /* to slots that have no transport yet */
};

G_DEFINE_FINAL_TYPE (SvVirtioMmioBank, sv_virtio_mmio_bank, G_TYPE_OBJECT)

static gboolean
must_touch (SvVirtioMmioBank *self, guint slot)
{
  return self->transports[slot] == NULL && self->announced[slot] != 0 && self->touch != NULL;
}

static void
write_slot (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  SvVirtioMmioBank *self = opaque;
  guint slot = offset / SV_VIRTIO_MMIO_SIZE;

  if (must_touch (self, slot))
    self->touch (slot, self->touch_opaque);
  if (self->transports[slot] != NULL)
    sv_virtio_mmio_ops.write (self->transports[slot], offset % SV_VIRTIO_MMIO_SIZE, value, size);
}

static void
bank_write (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  SvVirtioMmioBank *self = opaque;
  guint slot = offset / SV_VIRTIO_MMIO_SIZE;

  if (slot >= self->n_slots)
    return;
  /* Objects are made on the main thread. */
  if (must_touch (self, slot) && sv_late_writes_defer (self->late, offset, value, size))
    sv_late_writes_schedule (self->late);
  else
    write_slot (self, offset, value, size);
}

/* While the guest does not read from memory */
static guint64
bank_read (gpointer opaque, guint64 offset, guint size)
{
  SvVirtioMmioBank *self = opaque;
  guint64 value = 0;

  memcpy (&value, sv_memory_region_get_rom (self->region) + offset, size);
  return GUINT64_FROM_LE (value);
}

static const SvMemoryRegionOps bank_ops = { .read = bank_read, .write = bank_write };

static guint32 *
registers_of (SvVirtioMmioBank *self, guint slot)
{
  return (guint32 *)(sv_memory_region_get_rom (self->region) + slot * SV_VIRTIO_MMIO_SIZE);
}

static void
sv_virtio_mmio_bank_finalize (GObject *object)
{
  SvVirtioMmioBank *self = SV_VIRTIO_MMIO_BANK (object);

  for (guint i = 0; i < self->n_slots; i++)
    {
      if (self->transports[i] != NULL)
        sv_virtio_mmio_bank_remove (self, self->transports[i]);
    }
  sv_late_writes_free (self->late);
  g_clear_object (&self->region);
  g_free (self->transports);
  g_free (self->announced);
  G_OBJECT_CLASS (sv_virtio_mmio_bank_parent_class)->finalize (object);
}

static void
sv_virtio_mmio_bank_class_init (SvVirtioMmioBankClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sv_virtio_mmio_bank_finalize;
}

static void
sv_virtio_mmio_bank_init (SvVirtioMmioBank *self)
{
  self->late = sv_late_writes_new (write_slot, NULL, self);
}

/**
 * sv_virtio_mmio_bank_new:
 * @n_slots: how many transports it has room for
 *
 * Returns: (transfer full): a bank without transports
 */
SvVirtioMmioBank *
sv_virtio_mmio_bank_new (guint n_slots)
{
  SvVirtioMmioBank *self = g_object_new (SV_TYPE_VIRTIO_MMIO_BANK, NULL);
  gsize page = (gsize)sysconf (_SC_PAGESIZE);
  gsize size = (n_slots * SV_VIRTIO_MMIO_SIZE + page - 1) / page * page;

  self->n_slots = n_slots;
  self->transports = g_new0 (SvVirtioMmio *, n_slots);
  self->announced = g_new0 (guint16, n_slots);
  self->region = sv_memory_region_new_rom_device ("virtio-mmio", size, &bank_ops, self);
  return self;
}

/**
 * sv_virtio_mmio_bank_get_region:
 * @self: a bank
 *
 * Returns: (transfer none): its pages
 */
SvMemoryRegion *
sv_virtio_mmio_bank_get_region (SvVirtioMmioBank *self)
{
  return self->region;
}

/**
 * sv_virtio_mmio_bank_add:
 * @self: a bank
 * @transport: a transport without a device
 *
 * Moves the registers of @transport to its slot in the bank.
 */
void
sv_virtio_mmio_bank_add (SvVirtioMmioBank *self, SvVirtioMmio *transport)
{
  guint slot = sv_virtio_mmio_get_slot (transport);

  g_return_if_fail (slot < self->n_slots && self->transports[slot] == NULL);
  g_return_if_fail (sv_virtio_mmio_is_empty (transport));

  self->transports[slot] = transport;
  self->announced[slot] = 0;
  transport->bank = self;
  sv_virtio_mmio_place_regs (transport, registers_of (self, slot), self->region,
                             slot * SV_VIRTIO_MMIO_SIZE);
}

/**
 * sv_virtio_mmio_bank_remove:
 * @self: a bank
 * @transport: a transport in it
 *
 * Frees the slot of @transport, which reads zeroes then.
 */
void
sv_virtio_mmio_bank_remove (SvVirtioMmioBank *self, SvVirtioMmio *transport)
{
  guint slot = sv_virtio_mmio_get_slot (transport);

  g_return_if_fail (slot < self->n_slots && self->transports[slot] == transport);

  if (transport->bus != NULL)
    sv_virtio_mmio_bus_vacate (transport->bus);
  sv_virtio_mmio_place_regs (transport, NULL, sv_virtio_mmio_get_region (transport), 0);
  memset (registers_of (self, slot), 0, SV_VIRTIO_MMIO_SIZE);
  self->transports[slot] = NULL;
  transport->bank = NULL;
}

static void
place (SvVirtioMmioBank *self, guint slot)
{
  if (self->transports[slot] != NULL)
    sv_virtio_mmio_place_regs (self->transports[slot], registers_of (self, slot), self->region, slot * SV_VIRTIO_MMIO_SIZE);
  else
    sv_virtio_mmio_bank_announce (self, slot, self->announced[slot]);
}

/**
 * sv_virtio_mmio_bank_exchange:
 * @self: a bank
 * @a: number of a slot
 * @b: number of another
 *
 * Exchanges what is in two slots, while no driver uses it. The transports are told by sv_virtio_mmio_move().
 */
void
sv_virtio_mmio_bank_exchange (SvVirtioMmioBank *self, guint a, guint b)
{
  SvVirtioMmio *transport;
  guint16 announced;

  g_return_if_fail (a < self->n_slots && b < self->n_slots && a != b);

  transport = self->transports[a];
  announced = self->announced[a];
  self->transports[a] = self->transports[b];
  self->announced[a] = self->announced[b];
  self->transports[b] = transport;
  self->announced[b] = announced;
  place (self, a);
  place (self, b);
}

/**
 * sv_virtio_mmio_bank_announce:
 * @self: a bank
 * @slot: number of a slot without a transport
 * @device_id: kind of device (VIRTIO 1.2 §5), 0 for none
 *
 * Shows a device to those who look, at no cost but for them. Ends when a transport is added.
 */
void
sv_virtio_mmio_bank_announce (SvVirtioMmioBank *self, guint slot, guint16 device_id)
{
  g_return_if_fail (slot < self->n_slots && self->transports[slot] == NULL);

  self->announced[slot] = device_id;
  if (device_id != 0)
    sv_virtio_mmio_fill_identity (registers_of (self, slot), device_id);
  else
    memset (registers_of (self, slot), 0, SV_VIRTIO_MMIO_SIZE);
}

/**
 * sv_virtio_mmio_bank_forget_writes:
 * @self: a bank
 *
 * Drops writes that wait for the main thread: the machine is reset, and who wrote is no more.
 */
void
sv_virtio_mmio_bank_forget_writes (SvVirtioMmioBank *self)
{
  sv_late_writes_forget (self->late);
}

/**
 * sv_virtio_mmio_bank_is_settled:
 * @self: a bank
 *
 * Returns: whether no write of a vCPU waits for the main thread
 */
gboolean
sv_virtio_mmio_bank_is_settled (SvVirtioMmioBank *self)
{
  return !sv_late_writes_is_pending (self->late);
}

/**
 * sv_virtio_mmio_bank_set_touch_func:
 * @self: a bank
 * @func: (nullable): called when a driver first writes to an announced slot, on the main thread; the vCPU waits
 * @opaque: its argument
 *
 * Lets transports be made when they are needed.
 */
void
sv_virtio_mmio_bank_set_touch_func (SvVirtioMmioBank *self,
                                    void (*func) (guint slot, gpointer opaque),
                                    gpointer opaque)
{
  self->touch = func;
  self->touch_opaque = opaque;
}
