/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-kvm-routes.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>

#include "src/accel/sv-kvm-arch.h"

/* KVM_MAX_IRQ_ROUTES of the kernel */
#define MAX_ROUTES 4096u

struct _SvKvmRoutes
{
  int vm_fd;
  GArray *entries; /* struct kvm_irq_routing_entry; the messages' ones behind the fixed ones */
  guint n_fixed;
  guint first_gsi; /* of the first message */
  GArray *in_use;  /* gboolean per message; a free entry is kept and sends nothing new */
};

SvKvmRoutes *
sv_kvm_routes_new (int vm_fd)
{
  SvKvmRoutes *self = g_new0 (SvKvmRoutes, 1);

  self->vm_fd = vm_fd;
  self->entries = g_array_new (FALSE, TRUE, sizeof (struct kvm_irq_routing_entry));
  self->in_use = g_array_new (FALSE, TRUE, sizeof (gboolean));
  self->first_gsi = sv_kvm_arch_append_routes (self->entries);
  self->n_fixed = self->entries->len;
  return self;
}

void
sv_kvm_routes_free (SvKvmRoutes *self)
{
  g_array_unref (self->entries);
  g_array_unref (self->in_use);
  g_free (self);
}

static gboolean
commit (SvKvmRoutes *self, GError **error)
{
  gsize size = self->entries->len * sizeof (struct kvm_irq_routing_entry);
  g_autofree struct kvm_irq_routing *table = g_malloc0 (sizeof (struct kvm_irq_routing) + size);

  table->nr = self->entries->len;
  memcpy (table->entries, self->entries->data, size);
  if (sv_kvm_ioctl (self->vm_fd, KVM_SET_GSI_ROUTING, table) == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
               "KVM_SET_GSI_ROUTING with %u entries: %s", self->entries->len, g_strerror (errno));
  return FALSE;
}

static struct kvm_irq_routing_entry *
get_entry (SvKvmRoutes *self, guint message)
{
  return &g_array_index (self->entries, struct kvm_irq_routing_entry, self->n_fixed + message);
}

static void
fill_entry (struct kvm_irq_routing_entry *entry, guint gsi, guint64 address, guint32 data)
{
  memset (entry, 0, sizeof *entry);
  entry->gsi = gsi;
  entry->type = KVM_IRQ_ROUTING_MSI;
  entry->u.msi.address_lo = (guint32)address;
  entry->u.msi.address_hi = (guint32)(address >> 32);
  entry->u.msi.data = data;
}

gint
sv_kvm_routes_add (SvKvmRoutes *self, guint64 address, guint32 data, GError **error)
{
  const gboolean yes = TRUE;
  guint message = 0;

  while (message < self->in_use->len && g_array_index (self->in_use, gboolean, message))
    message++;
  if (message == self->in_use->len)
    {
      if (self->entries->len >= MAX_ROUTES)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_NO_SPACE,
                       "KVM routes %u interrupts, all are in use", MAX_ROUTES);
          return -1;
        }
      g_array_set_size (self->entries, self->entries->len + 1);
      g_array_append_val (self->in_use, yes);
    }
  g_array_index (self->in_use, gboolean, message) = TRUE;
  fill_entry (get_entry (self, message), self->first_gsi + message, address, data);
  if (commit (self, error))
    return (gint)(self->first_gsi + message);
  sv_kvm_routes_remove (self, self->first_gsi + message);
  return -1;
}

gboolean
sv_kvm_routes_update (SvKvmRoutes *self, guint gsi, guint64 address, guint32 data, GError **error)
{
  struct kvm_irq_routing_entry *entry = get_entry (self, gsi - self->first_gsi);

  if (entry->u.msi.address_lo == (guint32)address
      && entry->u.msi.address_hi == (guint32)(address >> 32) && entry->u.msi.data == data)
    return TRUE;
  fill_entry (entry, gsi, address, data);
  return commit (self, error);
}

void
sv_kvm_routes_remove (SvKvmRoutes *self, guint gsi)
{
  g_array_index (self->in_use, gboolean, gsi - self->first_gsi) = FALSE;
}
