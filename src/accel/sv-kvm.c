/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/accel/sv-kvm-arch.h"
#include "src/accel/sv-kvm-parked.h"
#include "src/accel/sv-kvm-routes.h"
#include "src/runtime/sv-vm-lock.h"
#include "src/runtime/sv-log.h"

#define KVM_DEVICE "/dev/kvm"
#define PAGE_SIZE 4096u

struct _SvKvm
{
  SvAccel parent_instance;

  int system_fd;
  int vm_fd;
  gsize run_size;
  GArray *slots; /* struct kvm_userspace_memory_region; memory_size 0: free */
  GError *slot_error; /* the first slot that KVM refused, until open returns */
  gboolean open;
  gboolean listening;

  gsize coalesced_offset; /* in a vCPU's mapping; 0: the kernel has none */
  gboolean coalesced_pio;
  gboolean readonly_slots;
  struct kvm_coalesced_mmio_ring *ring;

  struct kvm_clock_data clock; /* while paused */
  gboolean clock_stopped;

  SvKvmRoutes *routes; /* NULL: the kernel's own ones */
  gint started;        /* atomic */
  GArray *parked;      /* vCPUs that nobody uses now */
};

G_DEFINE_FINAL_TYPE (SvKvm, sv_kvm, SV_TYPE_ACCEL)

int
sv_kvm_ioctl (int fd, unsigned long request, gpointer argument)
{
  int result;

  do
    result = ioctl (fd, request, argument);
  while (result < 0 && errno == EINTR);
  return result;
}

static int
check_extension (SvKvm *self, gulong capability)
{
  return sv_kvm_ioctl (self->system_fd, KVM_CHECK_EXTENSION, (gpointer)capability);
}

/* --- memory slots --- */

static struct kvm_userspace_memory_region *
find_slot (SvKvm *self, guint64 start, guint64 size)
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
  SvKvm *self = opaque;
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
  slot->flags = range->readonly ? KVM_MEM_READONLY : 0;
  if (sv_kvm_ioctl (self->vm_fd, KVM_SET_USER_MEMORY_REGION, slot) == 0)
    return;
  if (self->slot_error == NULL)
    g_set_error (&self->slot_error, G_IO_ERROR, g_io_error_from_errno (errno),
                 "KVM refuses guest memory at 0x%" G_GINT64_MODIFIER "x of %" G_GUINT64_FORMAT
                 " bytes: %s",
                 range->start, range->size, g_strerror (errno));
  if (self->open)
    {
      g_critical ("%s", self->slot_error->message);
      g_clear_error (&self->slot_error);
    }
  slot->guest_phys_addr = slot->memory_size = 0;
}

static void
ram_remove (gpointer opaque, const SvFlatRange *range)
{
  SvKvm *self = opaque;
  struct kvm_userspace_memory_region *slot = find_slot (self, range->start, range->size);

  if (slot == NULL)
    return;
  slot->memory_size = 0;
  if (sv_kvm_ioctl (self->vm_fd, KVM_SET_USER_MEMORY_REGION, slot) < 0)
    g_critical ("KVM keeps guest memory at 0x%" G_GINT64_MODIFIER "x: %s", range->start,
                g_strerror (errno));
  slot->guest_phys_addr = 0;
}

/* --- ioeventfds, coalesced zones --- */

static void
set_ioeventfd (SvKvm *self, guint64 address, guint size, gboolean match, guint64 value, int fd,
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
set_coalesced (SvKvm *self, guint64 address, guint64 size, gboolean pio, gulong request)
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

void
sv_kvm_set_run_mapping (SvKvm *self, gpointer run)
{
  if (self->ring == NULL && self->coalesced_offset != 0)
    self->ring = (gpointer)((guint8 *)run + self->coalesced_offset);
}

void
sv_kvm_set_started (SvKvm *self)
{
  if (!g_atomic_int_get (&self->started))
    g_atomic_int_set (&self->started, TRUE);
}

gboolean
sv_kvm_is_started (SvKvm *self)
{
  return g_atomic_int_get (&self->started);
}

void
sv_kvm_park_vcpu (SvKvm *self, guint index, int fd, gpointer run, gboolean set_up)
{
  sv_kvm_parked_add (self->parked, index, fd, run, set_up);
}

int
sv_kvm_take_parked_vcpu (SvKvm *self, guint index, gpointer *run, gboolean *set_up)
{
  return sv_kvm_parked_take (self->parked, index, run, set_up);
}

static void
sv_kvm_flush_coalesced (SvAccel *accel)
{
  SvKvm *self = SV_KVM (accel);
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
      sv_address_space_io_write (write.pio ? sv_accel_get_io (accel) : sv_accel_get_memory (accel),
                                 write.phys_addr, value, write.len);
    }
}

void
sv_kvm_replay_coalesced (SvKvm *self)
{
  if (self->ring == NULL || self->ring->first == __atomic_load_n (&self->ring->last, __ATOMIC_ACQUIRE))
    return;
  sv_vm_lock ();
  sv_kvm_flush_coalesced (SV_ACCEL (self));
  sv_vm_unlock ();
}

/* --- SvAccel --- */

static gboolean
open_device (SvKvm *self, GError **error)
{
  int version;

  self->system_fd = open (KVM_DEVICE, O_RDWR | O_CLOEXEC);
  if (self->system_fd < 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
                   "Cannot open " KVM_DEVICE ": %s%s", g_strerror (errno),
                   errno == ENOENT    ? "; is the kvm module loaded?"
                   : errno == EACCES ? "; is the user in group kvm?"
                                      : "");
      return FALSE;
    }
  version = sv_kvm_ioctl (self->system_fd, KVM_GET_API_VERSION, NULL);
  if (version != KVM_API_VERSION)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                   KVM_DEVICE " speaks API version %d, wanted %d", version, KVM_API_VERSION);
      return FALSE;
    }
  self->vm_fd = sv_kvm_ioctl (self->system_fd, KVM_CREATE_VM, NULL);
  if (self->vm_fd < 0)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "KVM cannot make a VM: %s",
                   g_strerror (errno));
      return FALSE;
    }
  return TRUE;
}

static gboolean
sv_kvm_open (SvAccel *accel, GError **error)
{
  SvKvm *self = SV_KVM (accel);
  int run_size, coalesced_pages;

  if (!open_device (self, error))
    return FALSE;
  run_size = sv_kvm_ioctl (self->system_fd, KVM_GET_VCPU_MMAP_SIZE, NULL);
  if (run_size < (int)sizeof (struct kvm_run))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                           "KVM does not tell the size of a vCPU's mapping");
      return FALSE;
    }
  self->run_size = (gsize)run_size;
  coalesced_pages = check_extension (self, KVM_CAP_COALESCED_MMIO);
  self->coalesced_offset = coalesced_pages > 0 ? (gsize)coalesced_pages * PAGE_SIZE : 0;
  self->coalesced_pio = check_extension (self, KVM_CAP_COALESCED_PIO) > 0;
  self->readonly_slots = check_extension (self, KVM_CAP_READONLY_MEM) > 0;

  sv_kvm_arch_check_host ();
  sv_address_space_add_listener (sv_accel_get_memory (accel), &memory_listener, self);
  if (sv_accel_get_io (accel) != NULL)
    sv_address_space_add_listener (sv_accel_get_io (accel), &io_listener, self);
  self->listening = TRUE;
  if (self->slot_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&self->slot_error));
      return FALSE;
    }
  self->open = TRUE;
  return sv_kvm_arch_open (self, error);
}

static SvVcpu *
sv_kvm_create_vcpu (SvAccel *accel, guint index, GError **error)
{
  return sv_kvm_vcpu_new (SV_KVM (accel), index, error);
}

static gboolean
sv_kvm_reset (SvAccel *accel, GError **error)
{
  return sv_kvm_arch_reset (SV_KVM (accel), error);
}

/* The guest's clock (kvmclock) stands still while the VM is paused. */
static void
sv_kvm_pause (SvAccel *accel)
{
  SvKvm *self = SV_KVM (accel);

  self->clock_stopped = sv_kvm_ioctl (self->vm_fd, KVM_GET_CLOCK, &self->clock) == 0;
}

static void
sv_kvm_resume (SvAccel *accel)
{
  SvKvm *self = SV_KVM (accel);

  if (!self->clock_stopped)
    return;
  self->clock.flags = 0;
  if (sv_kvm_ioctl (self->vm_fd, KVM_SET_CLOCK, &self->clock) < 0)
    g_debug ("KVM_SET_CLOCK: %s", g_strerror (errno));
  self->clock_stopped = FALSE;
}

static void
sv_kvm_set_irq (SvAccel *accel, guint gsi, gboolean level)
{
  struct kvm_irq_level request = { .irq = gsi, .level = level };

  if (sv_kvm_ioctl (SV_KVM (accel)->vm_fd, KVM_IRQ_LINE, &request) < 0)
    g_debug ("KVM_IRQ_LINE %u: %s", gsi, g_strerror (errno));
}

static gboolean
sv_kvm_set_irqfd (SvAccel *accel, guint gsi, int fd, gboolean connect, GError **error)
{
  struct kvm_irqfd request
      = { .fd = (guint32)fd, .gsi = gsi, .flags = connect ? 0 : KVM_IRQFD_FLAG_DEASSIGN };

  if (sv_kvm_ioctl (SV_KVM (accel)->vm_fd, KVM_IRQFD, &request) == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "KVM refuses an irqfd for GSI %u: %s",
               gsi, g_strerror (errno));
  return FALSE;
}

/* --- interrupt messages --- */

static gint
sv_kvm_add_msi_route (SvAccel *accel, guint64 address, guint32 data, GError **error)
{
  SvKvm *self = SV_KVM (accel);

  if (self->routes == NULL)
    self->routes = sv_kvm_routes_new (self->vm_fd);
  return sv_kvm_routes_add (self->routes, address, data, error);
}

static gboolean
sv_kvm_update_msi_route (SvAccel *accel, guint gsi, guint64 address, guint32 data, GError **error)
{
  return sv_kvm_routes_update (SV_KVM (accel)->routes, gsi, address, data, error);
}

static void
sv_kvm_remove_msi_route (SvAccel *accel, guint gsi)
{
  sv_kvm_routes_remove (SV_KVM (accel)->routes, gsi);
}

static void
sv_kvm_send_msi (SvAccel *accel, guint64 address, guint32 data)
{
  struct kvm_msi msi
      = { .address_lo = (guint32)address, .address_hi = (guint32)(address >> 32), .data = data };

  if (sv_kvm_ioctl (SV_KVM (accel)->vm_fd, KVM_SIGNAL_MSI, &msi) < 0)
    g_debug ("KVM_SIGNAL_MSI: %s", g_strerror (errno));
}

/* --- GObject --- */

static void
sv_kvm_dispose (GObject *object)
{
  SvKvm *self = SV_KVM (object);
  SvAccel *accel = SV_ACCEL (self);

  if (self->listening)
    {
      self->listening = FALSE;
      sv_address_space_remove_listener (sv_accel_get_memory (accel), &memory_listener, self);
      if (sv_accel_get_io (accel) != NULL)
        sv_address_space_remove_listener (sv_accel_get_io (accel), &io_listener, self);
    }
  G_OBJECT_CLASS (sv_kvm_parent_class)->dispose (object);
}

static void
sv_kvm_finalize (GObject *object)
{
  SvKvm *self = SV_KVM (object);

  sv_kvm_parked_free (self->parked, self->run_size);
  if (self->vm_fd >= 0)
    close (self->vm_fd);
  if (self->system_fd >= 0)
    close (self->system_fd);
  g_clear_pointer (&self->routes, sv_kvm_routes_free);
  g_clear_error (&self->slot_error);
  g_array_unref (self->slots);
  G_OBJECT_CLASS (sv_kvm_parent_class)->finalize (object);
}

static void
sv_kvm_class_init (SvKvmClass *klass)
{
  SvAccelClass *accel_class = SV_ACCEL_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = sv_kvm_dispose;
  G_OBJECT_CLASS (klass)->finalize = sv_kvm_finalize;
  accel_class->open = sv_kvm_open;
  accel_class->create_vcpu = sv_kvm_create_vcpu;
  accel_class->reset = sv_kvm_reset;
  accel_class->pause = sv_kvm_pause;
  accel_class->resume = sv_kvm_resume;
  accel_class->set_irq = sv_kvm_set_irq;
  accel_class->set_irqfd = sv_kvm_set_irqfd;
  accel_class->flush_coalesced = sv_kvm_flush_coalesced;
  accel_class->add_msi_route = sv_kvm_add_msi_route;
  accel_class->update_msi_route = sv_kvm_update_msi_route;
  accel_class->remove_msi_route = sv_kvm_remove_msi_route;
  accel_class->send_msi = sv_kvm_send_msi;
}

static void
sv_kvm_init (SvKvm *self)
{
  self->system_fd = self->vm_fd = -1;
  self->parked = sv_kvm_parked_new ();
  self->slots = g_array_new (FALSE, TRUE, sizeof (struct kvm_userspace_memory_region));
}

/**
 * sv_kvm_is_present:
 *
 * Returns: whether this host has a KVM device
 */
gboolean
sv_kvm_is_present (void)
{
  struct stat st;

  return stat (KVM_DEVICE, &st) == 0;
}

int
sv_kvm_get_vm_fd (SvKvm *self)
{
  return self->vm_fd;
}

int
sv_kvm_get_system_fd (SvKvm *self)
{
  return self->system_fd;
}

gsize
sv_kvm_get_run_size (SvKvm *self)
{
  return self->run_size;
}
