/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/core/sv-device.h"

#include "hw/core/sv-bus.h"
#include "hw/core/sv-machine.h"

typedef struct
{
  SvBus *bus; /* not owned: the bus lets go of its devices when it goes */
  gboolean realized;
  gboolean hotplugged;
} SvDevicePrivate;

enum
{
  PROP_REALIZED = 1,
  PROP_PARENT_BUS,
  PROP_HOTPLUGGED,
  PROP_HOTPLUGGABLE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (SvDevice, sv_device, SV_TYPE_OBJECT)

#define PRIV(self) ((SvDevicePrivate *)sv_device_get_instance_private (self))

static gboolean
sv_device_complete (SvObject *object, GError **error)
{
  SvDevice *self = SV_DEVICE (object);
  SvDeviceClass *klass = SV_DEVICE_GET_CLASS (self);

  if (klass->realize != NULL && !klass->realize (self, error))
    return FALSE;
  PRIV (self)->realized = TRUE;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_REALIZED]);
  return TRUE;
}

static void
sv_device_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvDevicePrivate *priv = PRIV (SV_DEVICE (object));

  switch (id)
    {
    case PROP_REALIZED:
      g_value_set_boolean (value, priv->realized);
      break;
    case PROP_PARENT_BUS:
      g_value_set_object (value, priv->bus);
      break;
    case PROP_HOTPLUGGED:
      g_value_set_boolean (value, priv->hotplugged);
      break;
    case PROP_HOTPLUGGABLE:
      g_value_set_boolean (value, sv_device_is_hotpluggable (SV_DEVICE (object)));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_device_dispose (GObject *object)
{
  SvDevice *self = SV_DEVICE (object);

  sv_device_unrealize (self);
  if (PRIV (self)->bus != NULL)
    sv_bus_unplug (PRIV (self)->bus, self);
  G_OBJECT_CLASS (sv_device_parent_class)->dispose (object);
}

static void
sv_device_class_init (SvDeviceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = sv_device_get_property;
  object_class->dispose = sv_device_dispose;
  SV_OBJECT_CLASS (klass)->complete = sv_device_complete;

  props[PROP_REALIZED] = g_param_spec_boolean (
      "realized", "realized", "Whether the guest can see the device", FALSE, SV_PARAM_RO);
  props[PROP_PARENT_BUS] = g_param_spec_object (
      "parent-bus", "parent_bus", "Bus that the device is plugged into", SV_TYPE_BUS, SV_PARAM_RO);
  props[PROP_HOTPLUGGED] = g_param_spec_boolean (
      "hotplugged", "hotplugged", "Whether the device came while the machine ran", FALSE, SV_PARAM_RO);
  props[PROP_HOTPLUGGABLE] = g_param_spec_boolean (
      "hotpluggable", "hotpluggable", "Whether the device can come and go while the machine runs",
      FALSE, SV_PARAM_RO);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_device_init (SvDevice *self)
{
}

/**
 * sv_device_is_hotpluggable:
 * @self: a device
 *
 * Returns: whether the device can come and go while the machine runs: its kind can, and the machine did
 *   not bring it along, or does without it
 */
gboolean
sv_device_is_hotpluggable (SvDevice *self)
{
  SvDeviceClass *klass = SV_DEVICE_GET_CLASS (self);
  SvObject *parent = sv_object_get_parent (SV_OBJECT (self));

  if (!klass->hotpluggable || parent == NULL)
    return FALSE;
  return g_strcmp0 (sv_object_get_id (parent), "unattached") != 0 || (klass->may_leave != NULL && klass->may_leave (self));
}

/**
 * sv_device_is_realized:
 * @self: a device
 *
 * Returns: whether the guest can see the device
 */
gboolean
sv_device_is_realized (SvDevice *self)
{
  return PRIV (self)->realized;
}

/**
 * sv_device_unrealize:
 * @self: a device
 *
 * Takes the device away from the guest: its work is waited for, then the unrealize vfunc runs. Does
 * nothing for a device that is not realized.
 */
void
sv_device_unrealize (SvDevice *self)
{
  SvDevicePrivate *priv = PRIV (self);

  if (!priv->realized)
    return;
  sv_device_quiesce (self);
  priv->realized = FALSE;
  if (SV_DEVICE_GET_CLASS (self)->unrealize != NULL)
    SV_DEVICE_GET_CLASS (self)->unrealize (self);
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_REALIZED]);
}

/**
 * sv_device_get_bus:
 * @self: a device
 *
 * Returns: (transfer none) (nullable): the bus that @self is plugged into
 */
SvBus *
sv_device_get_bus (SvDevice *self)
{
  return PRIV (self)->bus;
}

/**
 * sv_device_set_bus: (skip)
 * @self: a device
 * @bus: (nullable): the bus that took it
 *
 * For [class@Bus] only.
 */
void
sv_device_set_bus (SvDevice *self, SvBus *bus)
{
  PRIV (self)->bus = bus;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_PARENT_BUS]);
}

/**
 * sv_device_set_hotplugged: (skip)
 * @self: a device
 *
 * Notes that the device comes while the machine runs; for the machine, before the device is realized.
 */
void
sv_device_set_hotplugged (SvDevice *self)
{
  PRIV (self)->hotplugged = TRUE;
}

/**
 * sv_device_is_hotplugged:
 * @self: a device
 *
 * Returns: whether it came while the guest ran
 */
gboolean
sv_device_is_hotplugged (SvDevice *self)
{
  return PRIV (self)->hotplugged;
}

/**
 * sv_device_get_machine:
 * @self: a device
 *
 * Returns: (transfer none) (nullable): the machine whose tree holds @self
 */
SvMachine *
sv_device_get_machine (SvDevice *self)
{
  SvObject *object = SV_OBJECT (self);

  while (object != NULL && !SV_IS_MACHINE (object))
    object = sv_object_get_parent (object);
  return (SvMachine *)object;
}

/**
 * sv_device_reset:
 * @self: a device
 *
 * To the state right after realize. The VM is stopped.
 */
void
sv_device_reset (SvDevice *self)
{
  if (PRIV (self)->realized && SV_DEVICE_GET_CLASS (self)->reset != NULL)
    SV_DEVICE_GET_CLASS (self)->reset (self);
}

/**
 * sv_device_quiesce:
 * @self: a device
 *
 * Stops work on the data path and waits for requests in flight.
 */
void
sv_device_quiesce (SvDevice *self)
{
  if (PRIV (self)->realized && SV_DEVICE_GET_CLASS (self)->quiesce != NULL)
    SV_DEVICE_GET_CLASS (self)->quiesce (self);
}

/**
 * sv_device_resume:
 * @self: a device
 *
 * The reverse of sv_device_quiesce().
 */
void
sv_device_resume (SvDevice *self)
{
  if (PRIV (self)->realized && SV_DEVICE_GET_CLASS (self)->resume != NULL)
    SV_DEVICE_GET_CLASS (self)->resume (self);
}

/**
 * sv_device_settle:
 * @self: a device that is going to be quiesced
 *
 * Asks whether that would have to wait for the host, and hurries on what it would wait for.
 *
 * Returns: %FALSE: it would; sv_machine_settled() tells when to ask again
 */
gboolean
sv_device_settle (SvDevice *self)
{
  return !PRIV (self)->realized || SV_DEVICE_GET_CLASS (self)->settle == NULL || SV_DEVICE_GET_CLASS (self)->settle (self);
}
