/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-kvm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/accel/sv-kvm-arch.h"
#include "src/accel/sv-kvm-memory.h"
#include "src/accel/sv-kvm-parked.h"
#include "src/accel/sv-kvm-routes.h"
#include "src/migration/sv-migratable.h"
#include "src/runtime/sv-vm-lock.h"

#define KVM_DEVICE "/dev/kvm"

struct _SvKvm
{
  SvAccel parent_instance;

  int system_fd;
  int vm_fd;
  gsize run_size;
  SvKvmMemory *memory; /* while open */

  struct kvm_clock_data clock; /* while paused */
  gboolean clock_stopped;

  guint settle_source; /* until the main loop has time for what can wait */
  SvKvmRoutes *routes; /* NULL: the kernel's own ones */
  gint started;        /* atomic */
  GArray *parked;      /* vCPUs that nobody uses now */
};

static GVariant *sv_kvm_dup_state (SvMigratable *migratable, GError **error);
static gboolean sv_kvm_load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error);

static const SvMigratableState kvm_state
    = { .types = sv_kvm_arch_state_types, .dup = sv_kvm_dup_state, .load = sv_kvm_load_state };

G_DEFINE_FINAL_TYPE_WITH_CODE (SvKvm, sv_kvm, SV_TYPE_ACCEL,
                               SV_MIGRATABLE_STATE (&kvm_state))

int
sv_kvm_ioctl (int fd, unsigned long request, gpointer argument)
{
  int result;

  do
    result = ioctl (fd, request, argument);
  while (result < 0 && errno == EINTR);
  return result;
}

void
sv_kvm_set_run_mapping (SvKvm *self, gpointer run)
{
  sv_kvm_memory_set_run_mapping (self->memory, run);
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

  if (self->memory != NULL)
    sv_kvm_memory_flush_coalesced (self->memory);
}

void
sv_kvm_replay_coalesced (SvKvm *self)
{
  if (!sv_kvm_memory_has_coalesced (self->memory))
    return;
  sv_vm_lock ();
  sv_kvm_memory_flush_coalesced (self->memory);
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

/* The kernel takes several milliseconds, in which the guest has better things to do. */
static gboolean
settle (gpointer user_data)
{
  g_autoptr (SvKvm) self = g_object_ref (user_data);
  gboolean locked = sv_vm_lock_is_mine ();

  self->settle_source = 0;
  if (locked)
    sv_vm_unlock ();
  sv_kvm_arch_settle (self);
  if (locked)
    sv_vm_lock ();
  return G_SOURCE_REMOVE;
}

static gboolean
sv_kvm_open (SvAccel *accel, GError **error)
{
  SvKvm *self = SV_KVM (accel);
  int run_size;

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

  sv_kvm_arch_check_host ();
  self->memory = sv_kvm_memory_new (self->system_fd, self->vm_fd, sv_accel_get_memory (accel),
                                    sv_accel_get_io (accel), error);
  if (self->memory == NULL)
    return FALSE;
  if (!sv_kvm_arch_open (self, error))
    return FALSE;
  self->settle_source = g_idle_add (settle, self);
  return TRUE;
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

static gboolean
sv_kvm_log_start (SvAccel *accel, GError **error)
{
  return sv_kvm_memory_log (SV_KVM (accel)->memory, TRUE, error);
}

static gboolean
sv_kvm_log_sync (SvAccel *accel, GError **error)
{
  return sv_kvm_memory_sync_log (SV_KVM (accel)->memory, error);
}

static void
sv_kvm_log_stop (SvAccel *accel)
{
  g_autoptr (GError) error = NULL;

  if (!sv_kvm_memory_log (SV_KVM (accel)->memory, FALSE, &error))
    g_debug ("%s", error->message);
}

/* --- state --- */

static GVariant *
sv_kvm_dup_state (SvMigratable *migratable, GError **error)
{
  SvKvm *self = SV_KVM (migratable);

  return sv_kvm_arch_dup_state (self, self->clock_stopped ? self->clock.clock : 0, error);
}

/* The clock goes on from where it was when the guest runs on. */
static gboolean
sv_kvm_load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  SvKvm *self = SV_KVM (migratable);
  guint64 clock;

  if (!sv_kvm_arch_load_state (self, state, &clock, error))
    return FALSE;
  self->clock = (struct kvm_clock_data){ .clock = clock };
  self->clock_stopped = TRUE;
  return TRUE;
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

  g_clear_handle_id (&self->settle_source, g_source_remove);
  g_clear_pointer (&self->memory, sv_kvm_memory_free);
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
  accel_class->log_start = sv_kvm_log_start;
  accel_class->log_sync = sv_kvm_log_sync;
  accel_class->log_stop = sv_kvm_log_stop;
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
