/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Guests that run virtual machines themselves. */
#include "src/accel/sv-kvm-arch.h"

#include <errno.h>
#include <gio/gio.h>

#include "src/migration/sv-migratable.h"

#define EFER_SVME (1u << 12)

static gboolean
fail (GError **error, const char *what)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "%s: %s", what, g_strerror (errno));
  return FALSE;
}

gboolean
sv_kvm_x86_check_nested (SvKvmVcpu *vcpu, GError **error)
{
  int fd = sv_kvm_vcpu_get_fd (vcpu);
  int size = sv_kvm_ioctl (sv_kvm_get_vm_fd (sv_kvm_vcpu_get_kvm (vcpu)), KVM_CHECK_EXTENSION, (gpointer)KVM_CAP_NESTED_STATE);
  g_autofree struct kvm_nested_state *state = NULL;
  struct kvm_sregs sregs;
  gboolean busy = FALSE;

  if (size <= 0)
    return TRUE;
  state = g_malloc0 (MAX ((gsize)size, sizeof *state));
  state->size = (guint32)MAX ((gsize)size, sizeof *state);
  if (sv_kvm_ioctl (fd, KVM_GET_NESTED_STATE, state) < 0)
    return fail (error, "KVM_GET_NESTED_STATE");
  if (sv_kvm_ioctl (fd, KVM_GET_SREGS, &sregs) < 0)
    return fail (error, "KVM_GET_SREGS");
  if (state->format == KVM_STATE_NESTED_FORMAT_VMX)
    busy = state->hdr.vmx.vmxon_pa != G_MAXUINT64;
  else if (state->format == KVM_STATE_NESTED_FORMAT_SVM)
    busy = (sregs.efer & EFER_SVME) != 0 && (state->flags & KVM_STATE_NESTED_GIF_SET) == 0;
  if (!busy && (state->flags & (KVM_STATE_NESTED_GUEST_MODE | KVM_STATE_NESTED_RUN_PENDING)) == 0)
    return TRUE;
  g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED,
                       "the guest runs virtual machines itself, whose state cannot be saved: have it unload its hypervisor, or "
                       "hide that the processor can (-cpu host,vmx=off,svm=off)");
  return FALSE;
}
