/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-mmio-private.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <glib-unix.h>

#include "hw/acpi/sv-acpi-build.h"
#include "hw/acpi/sv-aml.h"

enum
{
  PROP_BASE = 1,
  PROP_GSI,
  PROP_SLOT,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

static void sv_virtio_mmio_acpi_init (SvAcpiDescribedInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SvVirtioMmio, sv_virtio_mmio, SV_TYPE_DEVICE,
                               G_IMPLEMENT_INTERFACE (SV_TYPE_ACPI_DESCRIBED,
                                                      sv_virtio_mmio_acpi_init)
                               SV_MIGRATABLE_STATE (&sv_virtio_mmio_migration))

/* --- the interrupt --- */

static gboolean
on_irq_fd (gint fd, GIOCondition condition, gpointer user_data)
{
  SvVirtioMmio *self = user_data;
  guint64 count;

  if (read (fd, &count, sizeof count) == sizeof count)
    sv_irq_pulse (self->irq);
  return G_SOURCE_CONTINUE;
}

gboolean
sv_virtio_mmio_open_irq (SvVirtioMmio *self, GError **error)
{
  if (self->irq_fd >= 0)
    return TRUE;

  self->irq_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (self->irq_fd < 0)
    {
      int code = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
                   "cannot make an eventfd for the interrupt: %s", g_strerror (code));
      return FALSE;
    }

  self->irq_connected = sv_irq_connect_fd (self->irq, self->irq_fd, NULL);
  if (!self->irq_connected)
    {
      self->irq_source = g_unix_fd_source_new (self->irq_fd, G_IO_IN);
      g_source_set_callback (self->irq_source, G_SOURCE_FUNC (on_irq_fd), self, NULL);
      g_source_attach (self->irq_source, NULL);
    }
  return TRUE;
}

void
sv_virtio_mmio_close_irq (SvVirtioMmio *self)
{
  if (self->irq_fd < 0)
    return;

  if (self->irq_connected)
    sv_irq_disconnect_fd (self->irq, self->irq_fd);
  self->irq_connected = FALSE;
  if (self->irq_source != NULL)
    g_source_destroy (self->irq_source);
  g_clear_pointer (&self->irq_source, g_source_unref);
  close (self->irq_fd);
  self->irq_fd = -1;
}

/* --- ACPI --- */

static void
sv_virtio_mmio_build_aml (SvAcpiDescribed *described, GByteArray *scope)
{
  SvVirtioMmio *self = SV_VIRTIO_MMIO (described);
  char name[5];
  guint device;

  g_snprintf (name, sizeof name, "V%03u", self->slot % 1000);
  device = sv_aml_begin_device (scope, name);
  sv_virtio_mmio_append_aml (scope, self->slot, self->base, sv_irq_get_line (self->irq));
  sv_aml_name_int (scope, "_STA", sv_virtio_mmio_is_empty (self) ? 0x0 : 0xf);
  sv_aml_end (scope, device);
}

static void
sv_virtio_mmio_acpi_init (SvAcpiDescribedInterface *iface)
{
  iface->build_aml = sv_virtio_mmio_build_aml;
}

/* --- SvDevice --- */

static void
sv_virtio_mmio_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvVirtioMmio *self = SV_VIRTIO_MMIO (object);

  switch (id)
    {
    case PROP_BASE:
      g_value_set_uint64 (value, self->base);
      break;
    case PROP_GSI:
      g_value_set_uint (value, sv_virtio_mmio_get_gsi (self));
      break;
    case PROP_SLOT:
      g_value_set_uint (value, self->slot);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_virtio_mmio_dispose (GObject *object)
{
  SvVirtioMmio *self = SV_VIRTIO_MMIO (object);

  if (self->bus != NULL)
    sv_virtio_mmio_bus_forget (self->bus);
  if (self->bank != NULL)
    sv_virtio_mmio_bank_remove (self->bank, self);
  g_clear_object (&self->bus);
  G_OBJECT_CLASS (sv_virtio_mmio_parent_class)->dispose (object);
}

static void
sv_virtio_mmio_finalize (GObject *object)
{
  SvVirtioMmio *self = SV_VIRTIO_MMIO (object);

  sv_virtio_mmio_close_irq (self);
  sv_late_writes_free (self->late);
  g_clear_object (&self->notify_region);
  g_clear_object (&self->region);
  g_clear_object (&self->memory);
  g_clear_pointer (&self->irq, sv_irq_unref);
  g_free (self->own_regs);
  G_OBJECT_CLASS (sv_virtio_mmio_parent_class)->finalize (object);
}

/* A guest that is no more waits for nothing. */
static void
sv_virtio_mmio_reset (SvDevice *device)
{
  sv_late_writes_forget (SV_VIRTIO_MMIO (device)->late);
}

/* A write that waits for requests in flight need not wait once there are none. */
static void
sv_virtio_mmio_quiesce (SvDevice *device)
{
  SvVirtioMmio *self = SV_VIRTIO_MMIO (device);

  if (self->device == NULL || !sv_late_writes_is_pending (self->late))
    return;
  sv_device_quiesce (SV_DEVICE (self->device));
  sv_late_writes_finish (self->late);
}

static void
sv_virtio_mmio_class_init (SvVirtioMmioClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);

  object_class->get_property = sv_virtio_mmio_get_property;
  object_class->dispose = sv_virtio_mmio_dispose;
  object_class->finalize = sv_virtio_mmio_finalize;
  device_class->reset = sv_virtio_mmio_reset;
  device_class->quiesce = sv_virtio_mmio_quiesce;
  device_class->category = "misc";
  device_class->description = "virtio transport in memory-mapped registers";

  props[PROP_BASE] = g_param_spec_uint64 ("base", "base", "Guest address of the registers", 0,
                                          G_MAXUINT64, 0, SV_PARAM_RO);
  props[PROP_GSI] = g_param_spec_uint ("gsi", "gsi", "Global system interrupt", 0, G_MAXUINT, 0,
                                       SV_PARAM_RO);
  props[PROP_SLOT] = g_param_spec_uint ("slot", "slot", "Number of the transport in its machine", 0,
                                        G_MAXUINT, 0, SV_PARAM_RO);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_virtio_mmio_init (SvVirtioMmio *self)
{
  self->irq_fd = -1;
  self->late = sv_late_writes_new (sv_virtio_mmio_write_late, sv_virtio_mmio_is_settled, self);
  self->own_regs = self->regs = g_malloc0 (SV_VIRTIO_MMIO_SIZE);
}

/**
 * sv_virtio_mmio_new:
 * @memory: what guest addresses in queues mean
 * @slot: number of the transport in its machine
 * @base: guest address at which the machine maps the region
 * @irq: the line to interrupt on, by edges
 *
 * Returns: (transfer full): a transport with an empty bus
 */
SvVirtioMmio *
sv_virtio_mmio_new (SvAddressSpace *memory, guint slot, guint64 base, SvIrq *irq)
{
  SvVirtioMmio *self = g_object_new (SV_TYPE_VIRTIO_MMIO, NULL);
  g_autofree char *bus_id = g_strdup_printf ("virtio-mmio-bus.%u", slot);
  g_autofree char *name = g_strdup_printf ("virtio-mmio.%u", slot);

  self->slot = slot;
  self->base = base;
  self->memory = g_object_ref (memory);
  self->irq = sv_irq_ref (irq);
  self->region
      = sv_memory_region_new_io (name, SV_VIRTIO_MMIO_SIZE, &sv_virtio_mmio_ops, self);
  self->notify_region = g_object_ref (self->region);
  self->bus = sv_virtio_mmio_bus_new (self);
  sv_object_add_child (SV_OBJECT (self), bus_id, SV_OBJECT (self->bus), NULL);
  sv_virtio_mmio_reset_regs (self);

  return self;
}

/**
 * sv_virtio_mmio_move:
 * @self: a transport that no driver uses
 * @slot: its number from now on
 * @base: guest address of its registers
 * @irq: the line to interrupt on
 *
 * Moves the transport, with a device that may be on it, to another slot. The bus gets the slot's name.
 */
void
sv_virtio_mmio_move (SvVirtioMmio *self, guint slot, guint64 base, SvIrq *irq)
{
  g_autofree char *bus_id = g_strdup_printf ("virtio-mmio-bus.%u", slot);

  g_return_if_fail (self->device == NULL || !sv_virtio_device_is_started (self->device));

  if (slot == self->slot)
    return;
  sv_virtio_mmio_close_irq (self);
  sv_irq_unref (self->irq);
  self->irq = sv_irq_ref (irq);
  self->slot = slot;
  self->base = base;
  sv_object_rename (SV_OBJECT (self->bus), bus_id);
}

void
sv_virtio_mmio_place_regs (SvVirtioMmio *self, guint32 *regs, SvMemoryRegion *region, guint64 offset)
{
  self->regs = regs != NULL ? regs : self->own_regs;
  g_set_object (&self->notify_region, region);
  self->notify_offset = offset;
  sv_virtio_mmio_reset_regs (self);
}

/**
 * sv_virtio_mmio_get_region:
 * @self: a transport
 *
 * Returns: (transfer none): its %SV_VIRTIO_MMIO_SIZE bytes of registers
 */
SvMemoryRegion *
sv_virtio_mmio_get_region (SvVirtioMmio *self)
{
  return self->region;
}

/**
 * sv_virtio_mmio_get_bus:
 * @self: a transport
 *
 * Returns: (transfer none): where the virtio device plugs in
 */
SvBus *
sv_virtio_mmio_get_bus (SvVirtioMmio *self)
{
  return self->bus;
}

/**
 * sv_virtio_mmio_get_base:
 * @self: a transport
 *
 * Returns: guest address of its registers
 */
guint64
sv_virtio_mmio_get_base (SvVirtioMmio *self)
{
  return self->base;
}

/**
 * sv_virtio_mmio_get_gsi:
 * @self: a transport
 *
 * Returns: global system interrupt that it pulses
 */
guint
sv_virtio_mmio_get_gsi (SvVirtioMmio *self)
{
  return self->irq != NULL ? sv_irq_get_line (self->irq) : 0;
}

/**
 * sv_virtio_mmio_get_slot:
 * @self: a transport
 *
 * Returns: its number in its machine
 */
guint
sv_virtio_mmio_get_slot (SvVirtioMmio *self)
{
  return self->slot;
}

/**
 * sv_virtio_mmio_is_empty:
 * @self: a transport
 *
 * Returns: whether it has no device to show to the guest
 */
gboolean
sv_virtio_mmio_is_empty (SvVirtioMmio *self)
{
  return self->device == NULL;
}

/**
 * sv_virtio_mmio_dup_cmdline:
 * @self: a transport
 *
 * Returns: (transfer full): the kernel parameter that announces the transport
 */
char *
sv_virtio_mmio_dup_cmdline (SvVirtioMmio *self)
{
  return g_strdup_printf ("virtio_mmio.device=%u@0x%" G_GINT64_MODIFIER "x:%u",
                          SV_VIRTIO_MMIO_SIZE, self->base, sv_virtio_mmio_get_gsi (self));
}

/**
 * sv_virtio_mmio_append_aml:
 * @device: AML within a Device
 * @slot: number of the transport in its machine
 * @base: guest address of its registers
 * @gsi: global system interrupt
 *
 * Says what Linux' virtio_mmio driver needs to know of a transport, which need not be there yet: all but _STA.
 */
void
sv_virtio_mmio_append_aml (GByteArray *device, guint slot, guint64 base, guint gsi)
{
  guint resources;

  sv_aml_name_string (device, "_HID", "LNRO0005");
  sv_aml_name_int (device, "_UID", slot);
  sv_aml_name_int (device, "_CCA", 1);
  sv_aml_name (device, "_CRS");
  resources = sv_aml_begin_resources (device);
  sv_aml_resource_memory32 (device, base, SV_VIRTIO_MMIO_SIZE);
  sv_aml_resource_interrupt (device, gsi, TRUE);
  sv_aml_end_resources (device, resources);
}
