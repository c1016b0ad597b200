/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-kvm-vcpu.h"

#include <errno.h>
#include <linux/kvm.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "src/accel/sv-kvm-arch.h"
#include "src/runtime/sv-log.h"
#include "src/runtime/sv-vm-lock.h"

/* Makes a vCPU's thread leave KVM_RUN. */
#define KICK_SIGNAL (SIGRTMIN + 1)

struct _SvKvmVcpu
{
  SvVcpu parent_instance;

  SvKvm *kvm; /* owned */
  int fd;
  struct kvm_run *run;
  gboolean set_up; /* can run: what failed half-way is tried again by the next one of that number */
  gboolean has_run;
};

G_DEFINE_FINAL_TYPE (SvKvmVcpu, sv_kvm_vcpu, SV_TYPE_VCPU)

/* The run area of the vCPU that this thread runs, for the signal handler. */
static __thread struct kvm_run *thread_run;

/* With the flag set KVM_RUN returns at once, so a signal just before it is not lost. */
static void
handle_kick (int signum)
{
  if (thread_run != NULL)
    thread_run->immediate_exit = 1;
}

static void
install_kick_handler (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      struct sigaction action = { .sa_handler = handle_kick };

      sigaction (KICK_SIGNAL, &action, NULL);
      g_once_init_leave (&once, 1);
    }
}

static void
handle_io (SvKvmVcpu *self, struct kvm_run *run)
{
  SvAddressSpace *io = sv_accel_get_io (SV_ACCEL (self->kvm));
  guint8 *data = (guint8 *)run + run->io.data_offset;
  guint size = run->io.size;

  for (guint32 i = 0; i < run->io.count; i++, data += size)
    {
      guint64 value = 0;

      if (run->io.direction == KVM_EXIT_IO_OUT)
        {
          memcpy (&value, data, size);
          sv_address_space_io_write (io, run->io.port, value, size);
        }
      else
        {
          value = sv_address_space_io_read (io, run->io.port, size);
          memcpy (data, &value, size);
        }
    }
}

static void
handle_mmio (SvKvmVcpu *self, struct kvm_run *run)
{
  SvAddressSpace *memory = sv_accel_get_memory (SV_ACCEL (self->kvm));
  guint64 value = 0;
  guint length = MIN (run->mmio.len, 8);

  if (run->mmio.is_write)
    {
      memcpy (&value, run->mmio.data, length);
      sv_address_space_io_write (memory, run->mmio.phys_addr, value, length);
    }
  else
    {
      value = sv_address_space_io_read (memory, run->mmio.phys_addr, length);
      memcpy (run->mmio.data, &value, length);
    }
}

/* A guest can do this again and again: the machine starts it anew each time. */
static void
report_triple_fault (SvKvmVcpu *self)
{
  g_autofree char *dump = sv_vcpu_dump (SV_VCPU (self));

  sv_log_guest ("vCPU %u: KVM_EXIT_SHUTDOWN: triple fault, the guest is reset\n%s",
                sv_vcpu_get_index (SV_VCPU (self)), dump);
}

static void
report (SvKvmVcpu *self, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* To the log: why the guest cannot go on, its registers and the code it stands at. */
static void
report (SvKvmVcpu *self, const char *format, ...)
{
  g_autofree char *dump = sv_vcpu_dump (SV_VCPU (self));
  g_autofree char *reason = NULL;
  va_list args;

  va_start (args, format);
  reason = g_strdup_vprintf (format, args);
  va_end (args);
  g_critical ("vCPU %u: %s\n%s", sv_vcpu_get_index (SV_VCPU (self)), reason, dump);
}

static const char *
suberror_name (guint32 suberror)
{
  switch (suberror)
    {
    case KVM_INTERNAL_ERROR_EMULATION:
      return "KVM could not emulate an instruction";
    case KVM_INTERNAL_ERROR_SIMUL_EX:
      return "two exceptions at once";
    case KVM_INTERNAL_ERROR_DELIVERY_EV:
      return "an exit while an event was delivered";
    case KVM_INTERNAL_ERROR_UNEXPECTED_EXIT_REASON:
      return "an exit reason that KVM does not know";
    default:
      return "unknown";
    }
}

static void
report_internal_error (SvKvmVcpu *self, struct kvm_run *run)
{
  g_autoptr (GString) data = g_string_new (NULL);

  for (guint i = 0; i < MIN (run->internal.ndata, G_N_ELEMENTS (run->internal.data)); i++)
    g_string_append_printf (data, " %016llx", (unsigned long long)run->internal.data[i]);
  report (self, "KVM_EXIT_INTERNAL_ERROR, suberror %u (%s), data%s", run->internal.suberror,
          suberror_name (run->internal.suberror), data->len > 0 ? data->str : " none");
}

/* FALSE: @event says why the vCPU stops. */
static gboolean
handle_exit (SvKvmVcpu *self, struct kvm_run *run, SvVcpuEvent *event)
{
  switch (run->exit_reason)
    {
    case KVM_EXIT_IO:
      handle_io (self, run);
      return TRUE;
    case KVM_EXIT_MMIO:
      handle_mmio (self, run);
      return TRUE;
    case KVM_EXIT_INTR:
    case KVM_EXIT_IRQ_WINDOW_OPEN:
      return TRUE;
    case KVM_EXIT_SHUTDOWN:
      report_triple_fault (self);
      *event = SV_VCPU_EVENT_RESET;
      return FALSE;
    case KVM_EXIT_SYSTEM_EVENT:
      *event = run->system_event.type == KVM_SYSTEM_EVENT_SHUTDOWN ? SV_VCPU_EVENT_SHUTDOWN
               : run->system_event.type == KVM_SYSTEM_EVENT_RESET  ? SV_VCPU_EVENT_RESET
                                                                   : SV_VCPU_EVENT_CRASH;
      return FALSE;
    case KVM_EXIT_INTERNAL_ERROR:
      report_internal_error (self, run);
      break;
    case KVM_EXIT_FAIL_ENTRY:
      report (self, "KVM_EXIT_FAIL_ENTRY, hardware reason 0x%llx",
              (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
      break;
    default:
      if (sv_kvm_arch_vcpu_handle_exit (self, run))
        return TRUE;
      report (self, "KVM exit reason %u is unknown", run->exit_reason);
    }
  *event = SV_VCPU_EVENT_ERROR;
  return FALSE;
}

/*
 * An access that was answered is finished before anybody looks at the registers. KVM asks for a wide or repeated one
 * piece by piece (Documentation/virt/kvm/api.rst, KVM_EXIT_MMIO), and leaves such an instruction now and then.
 */
static gboolean
finish_access (SvKvmVcpu *self, struct kvm_run *run, SvVcpuEvent *event)
{
  gboolean go_on = TRUE;
  int result = 0;

  while (go_on && result == 0)
    {
      run->immediate_exit = 1;
      result = ioctl (self->fd, KVM_RUN, NULL);
      run->immediate_exit = 0;
      if (result == 0)
        {
          sv_kvm_replay_coalesced (self->kvm);
          go_on = handle_exit (self, run, event);
        }
    }
  if (result < 0 && errno != EINTR)
    g_debug ("KVM_RUN to finish an access: %s", g_strerror (errno));
  return go_on;
}

static gboolean
sv_kvm_vcpu_run (SvVcpu *vcpu, SvVcpuEvent *event)
{
  SvKvmVcpu *self = SV_KVM_VCPU (vcpu);
  struct kvm_run *run = self->run;

  thread_run = run;
  /* So that a guest with KVM's clock does not take the pause for a lock-up; others are not told. */
  if (self->has_run && sv_kvm_ioctl (self->fd, KVM_KVMCLOCK_CTRL, NULL) < 0)
    g_debug ("KVM_KVMCLOCK_CTRL: %s", g_strerror (errno));
  self->has_run = TRUE;
  sv_kvm_set_started (self->kvm);
  while (!sv_vcpu_should_stop (vcpu))
    {
      int result = ioctl (self->fd, KVM_RUN, NULL);

      if (result < 0)
        {
          run->immediate_exit = 0;
          /* EAGAIN: the vCPU was made runnable by another one's INIT or SIPI. */
          if (errno == EINTR || errno == EAGAIN)
            continue;
          report (self, "KVM_RUN: %s", g_strerror (errno));
          *event = SV_VCPU_EVENT_ERROR;
          return FALSE;
        }
      sv_kvm_replay_coalesced (self->kvm);
      if (!handle_exit (self, run, event))
        return FALSE;
    }
  return finish_access (self, run, event);
}

static void
sv_kvm_vcpu_kick (SvVcpu *vcpu)
{
  sv_vcpu_signal_thread (vcpu, KICK_SIGNAL);
}

static gboolean
sv_kvm_vcpu_reset (SvVcpu *vcpu, gconstpointer entry, GError **error)
{
  SvKvmVcpu *self = SV_KVM_VCPU (vcpu);

  if (!sv_kvm_arch_vcpu_reset (self, entry, !self->has_run, error))
    {
      g_prefix_error (error, "vCPU %u: ", sv_vcpu_get_index (vcpu));
      return FALSE;
    }
  self->has_run = FALSE;
  return TRUE;
}

static char *
sv_kvm_vcpu_dump (SvVcpu *vcpu)
{
  GString *text = g_string_new (NULL);

  sv_kvm_arch_vcpu_dump (SV_KVM_VCPU (vcpu), text);
  return g_string_free (text, FALSE);
}

static GVariant *
sv_kvm_vcpu_dup_state (SvVcpu *vcpu, GError **error)
{
  return sv_kvm_arch_vcpu_dup_state (SV_KVM_VCPU (vcpu), error);
}

/* Whatever comes of it, the next reset has to be a whole one. */
static gboolean
sv_kvm_vcpu_load_state (SvVcpu *vcpu, GVariant *state, guint version, GError **error)
{
  SvKvmVcpu *self = SV_KVM_VCPU (vcpu);

  self->has_run = TRUE;
  return sv_kvm_arch_vcpu_load_state (self, state, error);
}

static void
sv_kvm_vcpu_append_notes (SvVcpu *vcpu, GByteArray *notes)
{
  sv_kvm_arch_vcpu_append_notes (SV_KVM_VCPU (vcpu), notes);
}

static void
sv_kvm_vcpu_finalize (GObject *object)
{
  SvKvmVcpu *self = SV_KVM_VCPU (object);

  if (self->fd >= 0)
    sv_kvm_park_vcpu (self->kvm, sv_vcpu_get_index (SV_VCPU (self)), self->fd, self->run, self->set_up);
  g_clear_object (&self->kvm);
  G_OBJECT_CLASS (sv_kvm_vcpu_parent_class)->finalize (object);
}

static void
sv_kvm_vcpu_class_init (SvKvmVcpuClass *klass)
{
  SvVcpuClass *vcpu_class = SV_VCPU_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = sv_kvm_vcpu_finalize;
  vcpu_class->run = sv_kvm_vcpu_run;
  vcpu_class->kick = sv_kvm_vcpu_kick;
  vcpu_class->reset = sv_kvm_vcpu_reset;
  vcpu_class->dump = sv_kvm_vcpu_dump;
  vcpu_class->state_types = sv_kvm_arch_vcpu_state_types;
  vcpu_class->dup_state = sv_kvm_vcpu_dup_state;
  vcpu_class->load_state = sv_kvm_vcpu_load_state;
  vcpu_class->append_notes = sv_kvm_vcpu_append_notes;
}

static void
sv_kvm_vcpu_init (SvKvmVcpu *self)
{
  self->fd = -1;
}

static gboolean
create (SvKvmVcpu *self, guint index, GError **error)
{
  self->fd = sv_kvm_ioctl (sv_kvm_get_vm_fd (self->kvm), KVM_CREATE_VCPU,
                           GUINT_TO_POINTER (sv_kvm_arch_get_vcpu_id (self->kvm, index)));
  if (self->fd >= 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "KVM cannot make vCPU %u: %s", index,
               g_strerror (errno));
  return FALSE;
}

static gboolean
map_run (SvKvmVcpu *self, guint index, GError **error)
{
  gpointer run = mmap (NULL, sv_kvm_get_run_size (self->kvm), PROT_READ | PROT_WRITE, MAP_SHARED, self->fd, 0);

  if (run == MAP_FAILED)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "Cannot map vCPU %u: %s", index,
                   g_strerror (errno));
      return FALSE;
    }
  sv_kvm_set_run_mapping (self->kvm, run);
  self->run = run;
  return TRUE;
}

SvVcpu *
sv_kvm_vcpu_new (SvKvm *kvm, guint index, GError **error)
{
  g_autoptr (SvKvmVcpu) self = g_object_new (SV_TYPE_KVM_VCPU, "index", index, NULL);
  gpointer run = NULL;

  install_kick_handler ();
  self->kvm = g_object_ref (kvm);
  self->fd = sv_kvm_take_parked_vcpu (kvm, index, &run, &self->set_up);
  self->run = run;
  /*
   * What a predecessor left goes with the next reset. And KVM finds the APIC of a vCPU that comes later only when
   * something sets its registers, as a whole reset does.
   */
  self->has_run = self->fd >= 0 || sv_kvm_is_started (kvm);
  if ((self->fd < 0 && !create (self, index, error)) || (self->run == NULL && !map_run (self, index, error))
      || (!self->set_up && !sv_kvm_arch_vcpu_open (self, error)))
    return NULL;
  self->set_up = TRUE;
  return SV_VCPU (g_steal_pointer (&self));
}

int
sv_kvm_vcpu_get_fd (SvKvmVcpu *self)
{
  return self->fd;
}

SvKvm *
sv_kvm_vcpu_get_kvm (SvKvmVcpu *self)
{
  return self->kvm;
}
