/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The state of KVM's interrupt controllers and timer on x86_64, as a GVariant. */

#include "src/accel/sv-kvm-arch.h"

#include <errno.h>
#include <gio/gio.h>

#include "src/migration/sv-migratable.h"

/* Bytes of the two PICs, master first, of the IOAPIC, of the timer; nanoseconds of the guest's clock */
const char *const sv_kvm_arch_state_types[] = { "(aayayt)", NULL };

static const guint32 chips[] = { KVM_IRQCHIP_PIC_MASTER, KVM_IRQCHIP_PIC_SLAVE, KVM_IRQCHIP_IOAPIC };

static gboolean
fail (GError **error, const char *what)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "%s: %s", what, g_strerror (errno));
  return FALSE;
}

static gsize
get_chip_size (guint32 chip)
{
  return chip == KVM_IRQCHIP_IOAPIC ? sizeof (struct kvm_ioapic_state) : sizeof (struct kvm_pic_state);
}

static GVariant *
new_bytes (gconstpointer data, gsize size)
{
  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, data, size, 1);
}

static gboolean
get_bytes (GVariant *value, gpointer data, gsize size, GError **error)
{
  gsize n;
  gconstpointer bytes = g_variant_get_fixed_array (value, &n, 1);

  if (n != size)
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID,
                   "an interrupt controller or timer of %" G_GSIZE_FORMAT " bytes; it must have %" G_GSIZE_FORMAT, n, size);
      return FALSE;
    }
  memcpy (data, bytes, size);
  return TRUE;
}

GVariant *
sv_kvm_arch_dup_state (SvKvm *kvm, guint64 clock, GError **error)
{
  int vm = sv_kvm_get_vm_fd (kvm);
  g_auto (GVariantBuilder) list = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aay"));
  struct kvm_pit_state2 pit;

  for (guint i = 0; i < G_N_ELEMENTS (chips); i++)
    {
      struct kvm_irqchip chip = { .chip_id = chips[i] };

      if (sv_kvm_ioctl (vm, KVM_GET_IRQCHIP, &chip) < 0)
        {
          fail (error, "KVM_GET_IRQCHIP");
          return NULL;
        }
      g_variant_builder_add_value (&list, new_bytes (&chip.chip, get_chip_size (chips[i])));
    }
  if (sv_kvm_ioctl (vm, KVM_GET_PIT2, &pit) < 0)
    {
      fail (error, "KVM_GET_PIT2");
      return NULL;
    }
  return g_variant_new ("(@aay@ayt)", g_variant_builder_end (&list), new_bytes (&pit, sizeof pit), clock);
}

gboolean
sv_kvm_arch_load_state (SvKvm *kvm, GVariant *state, guint64 *clock, GError **error)
{
  int vm = sv_kvm_get_vm_fd (kvm);
  g_autoptr (GVariant) list = g_variant_get_child_value (state, 0);
  g_autoptr (GVariant) pit_bytes = g_variant_get_child_value (state, 1);
  struct kvm_pit_state2 pit;

  g_variant_get_child (state, 2, "t", clock);
  if (g_variant_n_children (list) != G_N_ELEMENTS (chips))
    {
      g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID,
                           "interrupt controllers are not as many as there must be");
      return FALSE;
    }
  for (guint i = 0; i < G_N_ELEMENTS (chips); i++)
    {
      g_autoptr (GVariant) bytes = g_variant_get_child_value (list, i);
      struct kvm_irqchip chip = { .chip_id = chips[i] };

      if (!get_bytes (bytes, &chip.chip, get_chip_size (chips[i]), error))
        return FALSE;
      if (sv_kvm_ioctl (vm, KVM_SET_IRQCHIP, &chip) < 0)
        return fail (error, "KVM_SET_IRQCHIP");
    }
  if (!get_bytes (pit_bytes, &pit, sizeof pit, error))
    return FALSE;
  if (sv_kvm_ioctl (vm, KVM_SET_PIT2, &pit) < 0)
    return fail (error, "KVM_SET_PIT2");
  return TRUE;
}
