/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-device-private.h"

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "qom/sv-type-registry.h"
#include "src/runtime/sv-log.h"

#define FEATURE(bit) (G_GUINT64_CONSTANT (1) << (bit))

enum
{
  PROP_INDIRECT_DESC = 1,
  PROP_EVENT_IDX,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_ABSTRACT_TYPE_WITH_CODE (SvVirtioDevice, sv_virtio_device, SV_TYPE_DEVICE,
                                  G_ADD_PRIVATE (SvVirtioDevice) SV_MIGRATABLE_STATE (&sv_virtio_device_migration))

#define PRIV(self) ((SvVirtioDevicePrivate *) sv_virtio_device_get_instance_private (self))

SvVirtioDevicePrivate *
sv_virtio_device_priv (SvVirtioDevice *self)
{
  return PRIV (self);
}

static void
reset_core (SvVirtioDevice *self)
{
  SvVirtioDevicePrivate *priv = PRIV (self);

  sv_virtio_device_stop (self);
  for (guint i = 0; i < priv->n_queues; i++)
    sv_virtqueue_reset (priv->queues[i].ring);
  priv->driver_features = 0;
  priv->negotiated = 0;
  priv->inherited = FALSE;
  __atomic_store_n (&priv->status, 0, __ATOMIC_SEQ_CST);
  priv->bus_class->reset (priv->bus);
}

/* --- SvDevice --- */

/**
 * sv_virtio_device_get_name:
 * @self: a device
 *
 * What messages call the device: by the name that its user gave it. When it is a part of its transport, as
 * with PCI, that is the transport's.
 *
 * Returns: an id, or the wire name of a type
 */
const char *
sv_virtio_device_get_name (SvVirtioDevice *self)
{
  SvObject *parent = sv_object_get_parent (SV_OBJECT (self));
  SvObject *named = SV_IS_DEVICE (parent) ? parent : SV_OBJECT (self);
  const char *id = sv_object_get_id (named);

  return id != NULL ? id : sv_type_registry_get_display_name (G_OBJECT_TYPE (named));
}

static void
clear_setup (SvVirtioDevice *self)
{
  SvVirtioDevicePrivate *priv = PRIV (self);

  for (guint i = 0; i < priv->n_queues; i++)
    {
      sv_virtqueue_free (priv->queues[i].ring);
      g_clear_pointer (&priv->queues[i].context, g_main_context_unref);
    }
  g_clear_pointer (&priv->queues, g_free);
  priv->n_queues = 0;
  g_clear_pointer (&priv->config, g_free);
  priv->bus = NULL;
  priv->bus_class = NULL;
  priv->machine = NULL;
}

static void
teardown (SvVirtioDevice *self)
{
  if (SV_VIRTIO_DEVICE_GET_CLASS (self)->teardown != NULL)
    SV_VIRTIO_DEVICE_GET_CLASS (self)->teardown (self);
}

static gboolean
sv_virtio_device_realize (SvDevice *device, GError **error)
{
  SvVirtioDevice *self = SV_VIRTIO_DEVICE (device);
  SvVirtioDeviceClass *klass = SV_VIRTIO_DEVICE_GET_CLASS (self);
  SvVirtioDevicePrivate *priv = PRIV (self);
  SvBus *bus = sv_device_get_bus (device);

  if (!SV_IS_VIRTIO_BUS (bus))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "'%s' works on a virtio bus only", sv_virtio_device_get_name (self));
      return FALSE;
    }

  priv->bus = SV_VIRTIO_BUS (bus);
  priv->bus_class = SV_VIRTIO_BUS_GET_CLASS (bus);
  priv->machine = sv_device_get_machine (device);
  priv->config = g_malloc0 (MAX (klass->config_size, 1));
  if (klass->setup != NULL && !klass->setup (self, error))
    {
      clear_setup (self);
      return FALSE;
    }

  priv->offered = FEATURE (VIRTIO_F_VERSION_1);
  if (priv->indirect_desc)
    priv->offered |= FEATURE (VIRTIO_RING_F_INDIRECT_DESC);
  if (priv->event_idx)
    priv->offered |= FEATURE (VIRTIO_RING_F_EVENT_IDX);
  if (klass->get_features != NULL)
    priv->offered |= klass->get_features (self);

  if (!priv->bus_class->attach (priv->bus, error))
    {
      teardown (self);
      clear_setup (self);
      return FALSE;
    }

  return TRUE;
}

static void
sv_virtio_device_unrealize (SvDevice *device)
{
  SvVirtioDevice *self = SV_VIRTIO_DEVICE (device);
  SvVirtioDevicePrivate *priv = PRIV (self);

  reset_core (self);
  priv->bus_class->detach (priv->bus);
  teardown (self);
  clear_setup (self);
}

static void
sv_virtio_device_reset (SvDevice *device)
{
  reset_core (SV_VIRTIO_DEVICE (device));
}

static void
sv_virtio_device_quiesce (SvDevice *device)
{
  SvVirtioDevice *self = SV_VIRTIO_DEVICE (device);
  SvVirtioDevicePrivate *priv = PRIV (self);

  priv->quiescent = TRUE;
  sv_virtio_device_pause_queues (self);
}

static gboolean
sv_virtio_device_settle_device (SvDevice *device)
{
  return sv_virtio_device_settle (SV_VIRTIO_DEVICE (device));
}

static void
sv_virtio_device_resume (SvDevice *device)
{
  SvVirtioDevice *self = SV_VIRTIO_DEVICE (device);
  SvVirtioDevicePrivate *priv = PRIV (self);

  priv->quiescent = FALSE;
  sv_virtio_device_resume_queues (self);
}

static void
sv_virtio_device_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvVirtioDevicePrivate *priv = PRIV (SV_VIRTIO_DEVICE (object));

  switch (id)
    {
    case PROP_INDIRECT_DESC:
      g_value_set_boolean (value, priv->indirect_desc);
      break;
    case PROP_EVENT_IDX:
      g_value_set_boolean (value, priv->event_idx);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_virtio_device_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvVirtioDevicePrivate *priv = PRIV (SV_VIRTIO_DEVICE (object));

  switch (id)
    {
    case PROP_INDIRECT_DESC:
      priv->indirect_desc = g_value_get_boolean (value);
      break;
    case PROP_EVENT_IDX:
      priv->event_idx = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  g_object_notify_by_pspec (object, pspec);
}

static void
sv_virtio_device_class_init (SvVirtioDeviceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);

  object_class->get_property = sv_virtio_device_get_property;
  object_class->set_property = sv_virtio_device_set_property;
  device_class->realize = sv_virtio_device_realize;
  device_class->unrealize = sv_virtio_device_unrealize;
  device_class->reset = sv_virtio_device_reset;
  device_class->quiesce = sv_virtio_device_quiesce;
  device_class->resume = sv_virtio_device_resume;
  device_class->settle = sv_virtio_device_settle_device;
  device_class->bus_type = SV_TYPE_VIRTIO_BUS;
  device_class->hotpluggable = TRUE;

  props[PROP_INDIRECT_DESC] = g_param_spec_boolean (
      "indirect-desc", "indirect_desc", "Offer indirect descriptors", TRUE, SV_PARAM_RW_WIRING);
  props[PROP_EVENT_IDX] = g_param_spec_boolean (
      "event-idx", "event_idx", "Offer notification suppression by index", TRUE,
      SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_virtio_device_init (SvVirtioDevice *self)
{
  PRIV (self)->indirect_desc = TRUE;
  PRIV (self)->event_idx = TRUE;
}

/* --- for subclasses --- */

/**
 * sv_virtio_device_get_config:
 * @self: a device, in setup or later
 *
 * The configuration space as the driver reads it, little endian. VM lock held. The driver sees changes
 * after sv_virtio_device_config_changed(), and those made by the vfuncs setup, start, stop and
 * write_config when these return.
 *
 * Returns: the class's config_size bytes
 */
gpointer
sv_virtio_device_get_config (SvVirtioDevice *self)
{
  return PRIV (self)->config;
}

/**
 * sv_virtio_device_config_changed:
 * @self: a device
 *
 * Shows changed configuration under a new generation, and interrupts a driver that is up (VIRTIO 1.2 §2.5).
 * VM lock held.
 */
void
sv_virtio_device_config_changed (SvVirtioDevice *self)
{
  SvVirtioDevicePrivate *priv = PRIV (self);

  priv->generation++;
  if (priv->bus != NULL && sv_device_is_realized (SV_DEVICE (self)))
    priv->bus_class->notify_config (priv->bus);
}

/**
 * sv_virtio_device_set_broken:
 * @self: a device
 * @format: printf format of what is wrong
 * @...: its arguments
 *
 * Sets DEVICE_NEEDS_RESET (VIRTIO 1.2 §2.1.2): no queue is handled until the driver resets the device.
 * Any thread.
 */
void
sv_virtio_device_set_broken (SvVirtioDevice *self, const char *format, ...)
{
  SvVirtioDevicePrivate *priv = PRIV (self);
  g_autofree char *reason = NULL;
  guint8 before;
  va_list args;

  before = __atomic_fetch_or (&priv->status, VIRTIO_CONFIG_S_NEEDS_RESET, __ATOMIC_SEQ_CST);
  if ((before & VIRTIO_CONFIG_S_NEEDS_RESET) != 0)
    return;

  va_start (args, format);
  reason = g_strdup_vprintf (format, args);
  va_end (args);
  sv_log_guest ("%s needs a reset: %s", sv_virtio_device_get_name (self), reason);
  priv->bus_class->notify_broken (priv->bus);
}

/**
 * sv_virtio_device_get_driver_features:
 * @self: a device
 *
 * Returns: the negotiated feature bits, 0 before FEATURES_OK
 */
guint64
sv_virtio_device_get_driver_features (SvVirtioDevice *self)
{
  return PRIV (self)->negotiated;
}

/**
 * sv_virtio_device_has_feature:
 * @self: a device
 * @bit: number of a feature bit, below 64
 *
 * Returns: whether it was negotiated
 */
gboolean
sv_virtio_device_has_feature (SvVirtioDevice *self, guint bit)
{
  return (PRIV (self)->negotiated & FEATURE (bit)) != 0;
}

/**
 * sv_virtio_device_is_started:
 * @self: a device
 *
 * Returns: whether the driver is up (DRIVER_OK) and the device did start
 */
gboolean
sv_virtio_device_is_started (SvVirtioDevice *self)
{
  return PRIV (self)->started;
}

/* --- for transports --- */

/**
 * sv_virtio_device_get_device_id:
 * @self: a device
 *
 * Returns: its number in VIRTIO 1.2 §5
 */
guint16
sv_virtio_device_get_device_id (SvVirtioDevice *self)
{
  return SV_VIRTIO_DEVICE_GET_CLASS (self)->device_id;
}

/**
 * sv_virtio_device_get_config_size:
 * @self: a device
 *
 * Returns: bytes of configuration space
 */
guint
sv_virtio_device_get_config_size (SvVirtioDevice *self)
{
  return SV_VIRTIO_DEVICE_GET_CLASS (self)->config_size;
}

/**
 * sv_virtio_device_get_features:
 * @self: a realized device
 *
 * Returns: all feature bits that are offered
 */
guint64
sv_virtio_device_get_features (SvVirtioDevice *self)
{
  return PRIV (self)->offered;
}

/**
 * sv_virtio_device_set_driver_features:
 * @self: a device
 * @features: what the driver takes
 *
 * Is checked when the driver sets FEATURES_OK, and ignored after that. VM lock held.
 */
void
sv_virtio_device_set_driver_features (SvVirtioDevice *self, guint64 features)
{
  if ((sv_virtio_device_get_status (self) & VIRTIO_CONFIG_S_FEATURES_OK) == 0)
    PRIV (self)->driver_features = features;
}

/**
 * sv_virtio_device_get_status:
 * @self: a device
 *
 * Any thread.
 *
 * Returns: the device status (VIRTIO 1.2 §2.1)
 */
guint8
sv_virtio_device_get_status (SvVirtioDevice *self)
{
  return __atomic_load_n (&PRIV (self)->status, __ATOMIC_SEQ_CST);
}

/* VIRTIO 1.2 §2.2.2, §6.1: a subset of what was offered, with VERSION_1, that the device can do. */
static gboolean
negotiate (SvVirtioDevice *self)
{
  SvVirtioDeviceClass *klass = SV_VIRTIO_DEVICE_GET_CLASS (self);
  SvVirtioDevicePrivate *priv = PRIV (self);
  guint64 features = priv->driver_features;

  if ((features & ~priv->offered) != 0 || (features & FEATURE (VIRTIO_F_VERSION_1)) == 0
      || (klass->check_features != NULL && !klass->check_features (self, features)))
    {
      sv_log_guest ("%s: the driver's features 0x%" G_GINT64_MODIFIER "x are refused",
                    sv_virtio_device_get_name (self), features);
      return FALSE;
    }

  priv->negotiated = features;
  return TRUE;
}

/**
 * sv_virtio_device_set_status:
 * @self: a realized device
 * @status: what the driver writes
 *
 * Goes through the steps of VIRTIO 1.2 §3.1. 0 resets: when this returns, nothing is in flight and
 * nothing of the guest's memory is touched any more. Bits that the device refuses stay clear; others
 * are only cleared by a reset. VM lock held.
 */
void
sv_virtio_device_set_status (SvVirtioDevice *self, guint8 status)
{
  SvVirtioDevicePrivate *priv = PRIV (self);
  guint8 before = sv_virtio_device_get_status (self);
  guint8 added = status & ~before & ~VIRTIO_CONFIG_S_NEEDS_RESET;

  if (status == 0)
    {
      reset_core (self);
      return;
    }

  if ((added & VIRTIO_CONFIG_S_FEATURES_OK) != 0 && !negotiate (self))
    added &= ~VIRTIO_CONFIG_S_FEATURES_OK;
  if (((before | added) & VIRTIO_CONFIG_S_FEATURES_OK) == 0
      || (before & VIRTIO_CONFIG_S_NEEDS_RESET) != 0)
    added &= ~VIRTIO_CONFIG_S_DRIVER_OK;

  /* Bits are only ever added until a reset (VIRTIO 1.2 §2.1.1). */
  __atomic_fetch_or (&priv->status, added, __ATOMIC_SEQ_CST);
  if ((added & VIRTIO_CONFIG_S_DRIVER_OK) != 0)
    sv_virtio_device_start (self);
}

/**
 * sv_virtio_device_write_config:
 * @self: a realized device
 * @offset: where
 * @value: what
 * @size: bytes: 1, 2, 4 or 8
 *
 * The driver writes to the configuration space; beyond its end that is ignored. VM lock held.
 */
void
sv_virtio_device_write_config (SvVirtioDevice *self, guint offset, guint64 value, guint size)
{
  SvVirtioDeviceClass *klass = SV_VIRTIO_DEVICE_GET_CLASS (self);

  if (klass->write_config != NULL && offset < klass->config_size
      && size <= klass->config_size - offset)
    klass->write_config (self, offset, value, size);
}

/**
 * sv_virtio_device_get_config_generation:
 * @self: a device
 *
 * Returns: a number that changes with the configuration (VIRTIO 1.2 §2.5.1)
 */
guint32
sv_virtio_device_get_config_generation (SvVirtioDevice *self)
{
  return PRIV (self)->generation;
}
