/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-kvm-memory.h"

#include <errno.h>
#include <linux/kvm.h>

#include "src/accel/sv-kvm.h"
#include "src/memory/sv-dirty-log.h"
#include "src/runtime/sv-log.h"

#define PAGE_SIZE 4096u

struct _SvKvmMemory
{
  int vm_fd;
  SvAddressSpace *memory;
  SvAddressSpace *io; /* NULL: there are no ports */
  GArray *slots;      /* struct kvm_userspace_memory_region; memory_size 0: free */
  gboolean readonly_slots;
  gboolean logging; /* of pages that are written */
  GError *error; /* the first slot that KVM refused */
  gboolean complete; /* nobody returns @error any more */

  gsize coalesced_offset; /* in a vCPU's mapping; 0: the kernel has none */
  gboolean coalesced_pio;
  struct kvm_coalesced_mmio_ring *ring;
};

static int
check_extension (int system_fd, gulong capability)
{
  return sv_kvm_ioctl (system_fd, KVM_CHECK_EXTENSION, (gpointer)capability);
}

/* --- memory slots --- */

static struct kvm_userspace_memory_region *
find_slot (SvKvmMemory *self, guint64 start, guint64 size)
{
  for (guint i = 0; i < self->slots->len; i++)
    {
      struct kvm_userspace_memory_region *slot
          = &g_array_index (self->slots, struct kvm_userspace_memory_region, i);

      if (slot->guest_phys_addr == start && slot->memory_size == size)
        return slot;
    }
  return NULL;
}

static void
ram_add (gpointer opaque, const SvFlatRange *range)
{
  SvKvmMemory *self = opaque;
  struct kvm_userspace_memory_region *slot;

  if (((range->start | range->size | (gsize)range->host) & (PAGE_SIZE - 1)) != 0)
    return; /* Accesses to less than a page are emulated. */
  if (range->readonly && !self->readonly_slots)
    return; /* Reads are emulated as well. */
  slot = find_slot (self, 0, 0);
  if (slot == NULL)
    {
      struct kvm_userspace_memory_region fresh = { .slot = self->slots->len };

      g_array_append_val (self->slots, fresh);
      slot = &g_array_index (self->slots, struct kvm_userspace_memory_region, self->slots->len - 1);
    }
  slot->guest_phys_addr = range->start;
  slot->memory_size = range->size;
  slot->userspace_addr = (gsize)range->host;
  slot->flags = range->readonly ? KVM_MEM_READONLY : self->logging ? KVM_MEM_LOG_DIRTY_PAGES : 0;
  if (sv_kvm_ioctl (self->vm_fd, KVM_SET_USER_MEMORY_REGION, slot) == 0)
    return;
  if (self->error == NULL)
    g_set_error (&self->error, G_IO_ERROR, g_io_error_from_errno (errno),
                 "KVM refuses guest memory at 0x%" G_GINT64_MODIFIER "x of %" G_GUINT64_FORMAT
                 " bytes: %s",
                 range->start, range->size, g_strerror (errno));
  if (self->complete)
    {
      g_critical ("%s", self->error->message);
      g_clear_error (&self->error);
    }
  slot->guest_phys_addr = slot->memory_size = 0;
}

static void
ram_remove (gpointer opaque, const SvFlatRange *range)
{
  SvKvmMemory *self = opaque;
  struct kvm_userspace_memory_region *slot = find_slot (self, range->start, range->size);

  if (slot == NULL)
    return;
  /* What its log would tell is lost. */
  if (self->logging && !range->readonly)
    SV_DIRTY_LOG_WRITE (range->host, range->size);
  slot->memory_size = 0;
  if (sv_kvm_ioctl (self->vm_fd, KVM_SET_USER_MEMORY_REGION, slot) < 0)
    g_critical ("KVM keeps guest memory at 0x%" G_GINT64_MODIFIER "x: %s", range->start,
                g_strerror (errno));
  slot->guest_phys_addr = 0;
}

/* --- the log of pages that are written --- */

gboolean
sv_kvm_memory_log (SvKvmMemory *self, gboolean on, GError **error)
{
  self->logging = on;
  for (guint i = 0; i < self->slots->len; i++)
    {
      struct kvm_userspace_memory_region *slot = &g_array_index (self->slots, struct kvm_userspace_memory_region, i);

      if (slot->memory_size == 0 || (slot->flags & KVM_MEM_READONLY) != 0)
        continue;
      slot->flags = on ? KVM_MEM_LOG_DIRTY_PAGES : 0;
      if (sv_kvm_ioctl (self->vm_fd, KVM_SET_USER_MEMORY_REGION, slot) == 0)
        continue;
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "KVM logs no writes to guest memory: %s", g_strerror (errno));
      return FALSE;
    }
  return TRUE;
}

gboolean
sv_kvm_memory_sync_log (SvKvmMemory *self, GError **error)
{
  for (guint i = 0; i < self->slots->len; i++)
    {
      const struct kvm_userspace_memory_region *slot = &g_array_index (self->slots, struct kvm_userspace_memory_region, i);
      guint64 n_pages = slot->memory_size / PAGE_SIZE;
      g_autofree gulong *bitmap = NULL;
      struct kvm_dirty_log log = { .slot = slot->slot };

      if (n_pages == 0 || (slot->flags & KVM_MEM_LOG_DIRTY_PAGES) == 0)
        continue;
      bitmap = g_malloc0 ((n_pages + 63) / 64 * 8);
      log.dirty_bitmap = bitmap;
      if (sv_kvm_ioctl (self->vm_fd, KVM_GET_DIRTY_LOG, &log) < 0)
        {
          g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "KVM_GET_DIRTY_LOG: %s", g_strerror (errno));
          return FALSE;
        }
      sv_dirty_log_merge ((gconstpointer)(guintptr)slot->userspace_addr, bitmap, n_pages);
    }
  return TRUE;
}

/* --- ioeventfds, coalesced zones --- */

static void
set_ioeventfd (SvKvmMemory *self, guint64 address, guint size, gboolean match, guint64 value, int fd,
               guint32 flags)
{
  struct kvm_ioeventfd request = {
    .datamatch = match ? value : 0,
    .addr = address,
    .len = size,
    .fd = fd,
    .flags = flags | (match ? KVM_IOEVENTFD_FLAG_DATAMATCH : 0),
  };

  if (sv_kvm_ioctl (self->vm_fd, KVM_IOEVENTFD, &request) < 0)
    sv_log_guest ("KVM refuses an ioeventfd at 0x%" G_GINT64_MODIFIER "x: %s", address,
                  g_strerror (errno));
}

static void
memory_ioeventfd_add (gpointer opaque, guint64 address, guint size, gboolean match, guint64 value, int fd)
{
  set_ioeventfd (opaque, address, size, match, value, fd, 0);
}

static void
memory_ioeventfd_remove (gpointer opaque, guint64 address, guint size, gboolean match, guint64 value,
                         int fd)
{
  set_ioeventfd (opaque, address, size, match, value, fd, KVM_IOEVENTFD_FLAG_DEASSIGN);
}

static void
io_ioeventfd_add (gpointer opaque, guint64 address, guint size, gboolean match, guint64 value, int fd)
{
  set_ioeventfd (opaque, address, size, match, value, fd, KVM_IOEVENTFD_FLAG_PIO);
}

static void
io_ioeventfd_remove (gpointer opaque, guint64 address, guint size, gboolean match, guint64 value, int fd)
{
  set_ioeventfd (opaque, address, size, match, value, fd,
                 KVM_IOEVENTFD_FLAG_PIO | KVM_IOEVENTFD_FLAG_DEASSIGN);
}

static void
set_coalesced (SvKvmMemory *self, guint64 address, guint64 size, gboolean pio, gulong request)
{
  struct kvm_coalesced_mmio_zone zone = { .addr = address, .size = (guint32)size, .pio = pio };

  /* Without the capability, writes come as exits: nothing is lost. */
  if (self->coalesced_offset == 0 || (pio && !self->coalesced_pio))
    return;
  if (sv_kvm_ioctl (self->vm_fd, request, &zone) < 0)
    g_debug ("KVM refuses a coalesced zone at 0x%" G_GINT64_MODIFIER "x: %s", address,
             g_strerror (errno));
}

static void
memory_coalesced_add (gpointer opaque, guint64 address, guint64 size)
{
  set_coalesced (opaque, address, size, FALSE, KVM_REGISTER_COALESCED_MMIO);
}

static void
memory_coalesced_remove (gpointer opaque, guint64 address, guint64 size)
{
  set_coalesced (opaque, address, size, FALSE, KVM_UNREGISTER_COALESCED_MMIO);
}

static void
io_coalesced_add (gpointer opaque, guint64 address, guint64 size)
{
  set_coalesced (opaque, address, size, TRUE, KVM_REGISTER_COALESCED_MMIO);
}

static void
io_coalesced_remove (gpointer opaque, guint64 address, guint64 size)
{
  set_coalesced (opaque, address, size, TRUE, KVM_UNREGISTER_COALESCED_MMIO);
}

static const SvMemoryListener memory_listener = {
  .ram_add = ram_add,
  .ram_remove = ram_remove,
  .ioeventfd_add = memory_ioeventfd_add,
  .ioeventfd_remove = memory_ioeventfd_remove,
  .coalesced_add = memory_coalesced_add,
  .coalesced_remove = memory_coalesced_remove,
};

static const SvMemoryListener io_listener = {
  .ioeventfd_add = io_ioeventfd_add,
  .ioeventfd_remove = io_ioeventfd_remove,
  .coalesced_add = io_coalesced_add,
  .coalesced_remove = io_coalesced_remove,
};

/* --- the ring of writes that the kernel kept back --- */

void
sv_kvm_memory_set_run_mapping (SvKvmMemory *self, gpointer run)
{
  if (self->ring == NULL && self->coalesced_offset != 0)
    self->ring = (gpointer)((guint8 *)run + self->coalesced_offset);
}

gboolean
sv_kvm_memory_has_coalesced (SvKvmMemory *self)
{
  return self->ring != NULL && self->ring->first != __atomic_load_n (&self->ring->last, __ATOMIC_ACQUIRE);
}

void
sv_kvm_memory_flush_coalesced (SvKvmMemory *self)
{
  struct kvm_coalesced_mmio_ring *ring = self->ring;
  const guint32 n_entries
      = (PAGE_SIZE - sizeof (struct kvm_coalesced_mmio_ring)) / sizeof (struct kvm_coalesced_mmio);

  if (ring == NULL)
    return;
  while (ring->first != __atomic_load_n (&ring->last, __ATOMIC_ACQUIRE))
    {
      struct kvm_coalesced_mmio write = ring->coalesced_mmio[ring->first % n_entries];
      guint64 value = 0;

      memcpy (&value, write.data, MIN (write.len, sizeof value));
      /* Free the entry first: what the device does may come back here. */
      __atomic_store_n (&ring->first, (ring->first + 1) % n_entries, __ATOMIC_RELEASE);
      sv_address_space_io_write (write.pio ? self->io : self->memory, write.phys_addr, value,
                                 write.len);
    }
}

/* --- life --- */

SvKvmMemory *
sv_kvm_memory_new (
    int system_fd, int vm_fd, SvAddressSpace *memory, SvAddressSpace *io, GError **error)
{
  SvKvmMemory *self = g_new0 (SvKvmMemory, 1);
  int coalesced_pages = check_extension (system_fd, KVM_CAP_COALESCED_MMIO);

  self->vm_fd = vm_fd;
  self->memory = memory;
  self->io = io;
  self->slots = g_array_new (FALSE, TRUE, sizeof (struct kvm_userspace_memory_region));
  self->readonly_slots = check_extension (system_fd, KVM_CAP_READONLY_MEM) > 0;
  self->coalesced_offset = coalesced_pages > 0 ? (gsize)coalesced_pages * PAGE_SIZE : 0;
  self->coalesced_pio = check_extension (system_fd, KVM_CAP_COALESCED_PIO) > 0;

  sv_address_space_add_listener (memory, &memory_listener, self);
  if (io != NULL)
    sv_address_space_add_listener (io, &io_listener, self);
  self->complete = TRUE;
  if (self->error == NULL)
    return self;
  g_propagate_error (error, g_steal_pointer (&self->error));
  sv_kvm_memory_free (self);
  return NULL;
}

void
sv_kvm_memory_free (SvKvmMemory *self)
{
  sv_address_space_remove_listener (self->memory, &memory_listener, self);
  if (self->io != NULL)
    sv_address_space_remove_listener (self->io, &io_listener, self);
  g_array_unref (self->slots);
  g_free (self);
}
