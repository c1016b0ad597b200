/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/core/sv-isa-device.h"

#include "qom/sv-type-registry.h"

typedef struct
{
  SvIsaBus *bus; /* not referenced: where the registers are mapped */
  SvMemoryRegion *regions[SV_ISA_DEVICE_MAX_REGIONS];
  SvIrq *irq;
  gboolean level;
} SvIsaDevicePrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (SvIsaDevice, sv_isa_device, SV_TYPE_DEVICE)

#define PRIV(self) ((SvIsaDevicePrivate *) sv_isa_device_get_instance_private (self))

static void
sv_isa_device_unrealize (SvDevice *device)
{
  SvIsaDevicePrivate *priv = PRIV (SV_ISA_DEVICE (device));

  for (guint i = 0; i < SV_ISA_DEVICE_MAX_REGIONS && priv->regions[i] != NULL; i++)
    {
      sv_isa_bus_unmap (priv->bus, priv->regions[i]);
      priv->regions[i] = NULL;
    }
  priv->bus = NULL;
}

static void
sv_isa_device_finalize (GObject *object)
{
  g_clear_pointer (&PRIV (SV_ISA_DEVICE (object))->irq, sv_irq_unref);
  G_OBJECT_CLASS (sv_isa_device_parent_class)->finalize (object);
}

static void
sv_isa_device_class_init (SvIsaDeviceClass *klass)
{
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = sv_isa_device_finalize;
  device_class->unrealize = sv_isa_device_unrealize;
  device_class->bus_type = SV_TYPE_ISA_BUS;
}

static void
sv_isa_device_init (SvIsaDevice *self)
{
}

/**
 * sv_isa_device_map: (skip)
 * @self: a device in its realize
 * @port: first port
 * @region: registers, which live as long as the device
 *
 * Maps registers on the device's bus until the device is unrealized.
 */
void
sv_isa_device_map (SvIsaDevice *self, guint16 port, SvMemoryRegion *region)
{
  SvIsaDevicePrivate *priv = PRIV (self);
  SvBus *bus = sv_device_get_bus (SV_DEVICE (self));
  guint i = 0;

  if (bus == NULL)
    return;
  while (i < SV_ISA_DEVICE_MAX_REGIONS && priv->regions[i] != NULL)
    i++;
  g_return_if_fail (i < SV_ISA_DEVICE_MAX_REGIONS);
  priv->bus = SV_ISA_BUS (bus);
  priv->regions[i] = region;
  sv_isa_bus_map (priv->bus, port, region);
}

/**
 * sv_isa_device_connect_irq: (skip)
 * @self: a device in its realize
 * @number: line of the bus, 0 to 15
 * @error: return location
 *
 * Connects the interrupt output to the bus.
 *
 * Returns: %FALSE with @error set when the bus has no such line
 */
gboolean
sv_isa_device_connect_irq (SvIsaDevice *self, guint number, GError **error)
{
  SvIsaDevicePrivate *priv = PRIV (self);
  SvBus *bus = sv_device_get_bus (SV_DEVICE (self));
  SvIrq *irq;

  if (bus == NULL)
    return TRUE;
  irq = sv_isa_bus_get_irq (SV_ISA_BUS (bus), number);
  if (irq == NULL)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "%s: the ISA bus has no interrupt %u: 0 to %d are possible",
                   sv_type_registry_get_display_name (G_OBJECT_TYPE (self)), number, SV_ISA_N_IRQS - 1);
      return FALSE;
    }
  g_clear_pointer (&priv->irq, sv_irq_unref);
  priv->irq = sv_irq_ref (irq);
  return TRUE;
}

/**
 * sv_isa_device_has_irq: (skip)
 * @self: a device
 *
 * Returns: whether the interrupt output is connected
 */
gboolean
sv_isa_device_has_irq (SvIsaDevice *self)
{
  return PRIV (self)->irq != NULL;
}

/**
 * sv_isa_device_set_level: (skip)
 * @self: a device
 * @level: whether it asks for an interrupt
 *
 * Drives the interrupt output. VM lock held.
 */
void
sv_isa_device_set_level (SvIsaDevice *self, gboolean level)
{
  SvIsaDevicePrivate *priv = PRIV (self);

  if (level == priv->level)
    return;
  priv->level = level;
  if (priv->irq != NULL)
    sv_irq_set (priv->irq, level);
}
