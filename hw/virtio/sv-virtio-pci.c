/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-pci-private.h"

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <string.h>

#include "qom/sv-type-registry.h"

#define VENDOR_ID 0x1af4u
#define MODERN_DEVICE_ID 0x1040u /* + virtio device id, VIRTIO 1.2 §4.1.2 */
#define SUBSYSTEM_ID 0x1100u
#define MAX_QUEUES (SV_VIRTIO_PCI_PAGE / SV_VIRTIO_PCI_NOTIFY_MULTIPLIER)

enum
{
  PROP_VECTORS = 1,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_ABSTRACT_TYPE_WITH_CODE (SvVirtioPci, sv_virtio_pci, SV_TYPE_PCI_DEVICE,
                                  G_ADD_PRIVATE (SvVirtioPci) SV_MIGRATABLE_STATE (&sv_virtio_pci_migration))

SvVirtioPciPrivate *
sv_virtio_pci_priv (SvVirtioPci *self)
{
  return sv_virtio_pci_get_instance_private (self);
}

#define PRIV(self) (sv_virtio_pci_priv (self))

/* --- capabilities, VIRTIO 1.2 §4.1.4 --- */

static guint
add_capability (SvPciConfig *config, guint8 type, guint32 offset, guint32 length, guint size)
{
  guint at = sv_pci_config_add_capability (config, PCI_CAP_ID_VNDR, size);

  sv_pci_config_set8 (config, at + VIRTIO_PCI_CAP_LEN, (guint8)size);
  sv_pci_config_set8 (config, at + VIRTIO_PCI_CAP_CFG_TYPE, type);
  sv_pci_config_set8 (config, at + VIRTIO_PCI_CAP_BAR, SV_VIRTIO_PCI_BAR);
  sv_pci_config_set32 (config, at + VIRTIO_PCI_CAP_OFFSET, offset);
  sv_pci_config_set32 (config, at + VIRTIO_PCI_CAP_LENGTH, length);
  return at;
}

static void
add_capabilities (SvVirtioPci *self)
{
  SvVirtioPciPrivate *priv = PRIV (self);
  SvPciConfig *config = sv_pci_device_get_config (SV_PCI_DEVICE (self));
  guint size = sizeof (struct virtio_pci_cap);
  guint at;

  add_capability (config, VIRTIO_PCI_CAP_COMMON_CFG, SV_VIRTIO_PCI_COMMON, SV_VIRTIO_PCI_PAGE,
                  size);
  add_capability (config, VIRTIO_PCI_CAP_ISR_CFG, SV_VIRTIO_PCI_ISR, SV_VIRTIO_PCI_PAGE, size);
  if (sv_virtio_device_get_config_size (priv->core) > 0)
    add_capability (config, VIRTIO_PCI_CAP_DEVICE_CFG, SV_VIRTIO_PCI_DEVICE, SV_VIRTIO_PCI_PAGE,
                    size);
  at = add_capability (config, VIRTIO_PCI_CAP_NOTIFY_CFG, SV_VIRTIO_PCI_NOTIFY, SV_VIRTIO_PCI_PAGE,
                       size + 4);
  sv_pci_config_set32 (config, at + VIRTIO_PCI_NOTIFY_CAP_MULT, SV_VIRTIO_PCI_NOTIFY_MULTIPLIER);

  /* §4.1.4.9: the driver chooses register, offset and length, and accesses them through the last
   * word. */
  at = add_capability (config, VIRTIO_PCI_CAP_PCI_CFG, 0, 0, size + 4);
  sv_pci_config_set8 (config, at + VIRTIO_PCI_CAP_BAR, 0);
  sv_pci_config_allow (config, at + VIRTIO_PCI_CAP_BAR, 0xff, 1);
  sv_pci_config_allow (config, at + VIRTIO_PCI_CAP_OFFSET, G_MAXUINT32, 4);
  sv_pci_config_allow (config, at + VIRTIO_PCI_CAP_LENGTH, G_MAXUINT32, 4);
  sv_pci_config_allow (config, at + size, G_MAXUINT32, 4);
  priv->cfg_capability = at;
}

/* Where the window looks; FALSE: nowhere */
static gboolean
get_window (SvVirtioPci *self, guint offset, guint size, guint64 *address, guint *length)
{
  SvVirtioPciPrivate *priv = PRIV (self);
  const SvPciConfig *config = sv_pci_device_get_config (SV_PCI_DEVICE (self));
  guint window = priv->cfg_capability + sizeof (struct virtio_pci_cap);

  if (priv->cfg_capability == 0 || offset >= window + 4 || offset + size <= window)
    return FALSE;
  *address = sv_pci_config_get32 (config, priv->cfg_capability + VIRTIO_PCI_CAP_OFFSET);
  *length = sv_pci_config_get32 (config, priv->cfg_capability + VIRTIO_PCI_CAP_LENGTH);
  return config->bytes[priv->cfg_capability + VIRTIO_PCI_CAP_BAR] == SV_VIRTIO_PCI_BAR
         && (*length == 1 || *length == 2 || *length == 4) && *address % *length == 0;
}

static void
sv_virtio_pci_read_config (SvPciDevice *device, guint offset, guint size)
{
  SvVirtioPci *self = SV_VIRTIO_PCI (device);
  guint window = PRIV (self)->cfg_capability + sizeof (struct virtio_pci_cap);
  guint64 address;
  guint length;

  if (get_window (self, offset, size, &address, &length))
    sv_pci_config_set32 (sv_pci_device_get_config (device), window,
                         (guint32)sv_virtio_pci_read (self, address, length));
}

static void
sv_virtio_pci_config_written (SvPciDevice *device, guint offset, guint32 old_value, guint size)
{
  SvVirtioPci *self = SV_VIRTIO_PCI (device);
  SvVirtioPciPrivate *priv = PRIV (self);
  guint window = priv->cfg_capability + sizeof (struct virtio_pci_cap);
  guint64 address;
  guint length;

  if (get_window (self, offset, size, &address, &length))
    sv_virtio_pci_write (self, address,
                         sv_pci_config_get32 (sv_pci_device_get_config (device), window), length);
  if (priv->msix != NULL)
    sv_msix_config_written (priv->msix);
  sv_virtio_pci_update_msix (self);
}

/* --- SvPciDevice --- */

static void
forget_core (SvVirtioPci *self)
{
  SvVirtioPciPrivate *priv = PRIV (self);

  sv_device_unrealize (SV_DEVICE (priv->core));
  sv_bus_unplug (priv->bus, SV_DEVICE (priv->core));
}

static gboolean
realize_core (SvVirtioPci *self, GError **error)
{
  SvVirtioPciPrivate *priv = PRIV (self);

  if (!sv_bus_plug (priv->bus, SV_DEVICE (priv->core), error))
    return FALSE;
  if (!sv_object_complete (SV_OBJECT (priv->core), error))
    {
      sv_bus_unplug (priv->bus, SV_DEVICE (priv->core));
      return FALSE;
    }
  if (sv_virtio_device_get_n_queues (priv->core) <= MAX_QUEUES)
    return TRUE;
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
               "'%s' has %u queues, a PCI device at most %u",
               sv_pci_device_get_name (SV_PCI_DEVICE (self)),
               sv_virtio_device_get_n_queues (priv->core), MAX_QUEUES);
  forget_core (self);
  return FALSE;
}

static guint
round_up_to_power (guint size)
{
  guint power = SV_VIRTIO_PCI_PAGE;

  while (power < size)
    power *= 2;
  return power;
}

/* One vector for the configuration and one for each queue that there may be, unless the user wants others. */
static void
add_msix (SvVirtioPci *self)
{
  SvVirtioPciPrivate *priv = PRIV (self);
  guint n = priv->n_vectors_asked >= 0 ? (guint)priv->n_vectors_asked
                                       : sv_virtio_device_get_max_queues (priv->core) + 1;
  guint pba;

  if (n == 0)
    return;
  n = MIN (n, SV_MSIX_MAX_VECTORS);
  pba = MAX (sv_msix_table_size (n), SV_VIRTIO_PCI_PAGE / 2);
  priv->msix_bar = sv_memory_region_new_container ("virtio-pci-msix",
                                                   round_up_to_power (pba + sv_msix_pba_size (n)));
  priv->msix
      = sv_msix_new (SV_PCI_DEVICE (self), n, priv->msix_bar, SV_VIRTIO_PCI_MSIX_BAR, 0, pba);
  sv_pci_device_add_bar (SV_PCI_DEVICE (self), SV_VIRTIO_PCI_MSIX_BAR, 0, priv->msix_bar);
}

static gboolean
sv_virtio_pci_setup (SvPciDevice *device, GError **error)
{
  SvVirtioPci *self = SV_VIRTIO_PCI (device);
  SvVirtioPciPrivate *priv = PRIV (self);
  gboolean on_root = sv_pci_bus_get_bridge (sv_pci_device_get_bus (device)) == NULL;

  if (!realize_core (self, error))
    return FALSE;

  priv->n_queues = sv_virtio_device_get_n_queues (priv->core);
  priv->queue_vectors = g_new (guint16, MAX (priv->n_queues, 1));
  memset (priv->queue_vectors, 0xff, sizeof (guint16) * priv->n_queues);
  priv->config_vector = VIRTIO_MSI_NO_VECTOR;

  sv_pci_config_set16 (sv_pci_device_get_config (device), PCI_DEVICE_ID,
                       MODERN_DEVICE_ID + sv_virtio_device_get_device_id (priv->core));
  sv_pci_device_use_pin (device);
  sv_pci_device_add_express (device, on_root ? PCI_EXP_TYPE_RC_END : PCI_EXP_TYPE_ENDPOINT);
  add_msix (self);
  add_capabilities (self);
  sv_virtio_pci_map_registers (self);
  sv_pci_device_add_bar (device, SV_VIRTIO_PCI_BAR, SV_PCI_BAR_64 | SV_PCI_BAR_PREFETCH, priv->bar);
  return TRUE;
}

static void
sv_virtio_pci_teardown (SvPciDevice *device)
{
  SvVirtioPci *self = SV_VIRTIO_PCI (device);
  SvVirtioPciPrivate *priv = PRIV (self);

  sv_late_writes_forget (priv->late);
  forget_core (self);
  g_clear_pointer (&priv->msix, sv_msix_free);
  for (guint i = 0; i < G_N_ELEMENTS (priv->pages); i++)
    {
      sv_memory_region_remove (priv->bar, priv->pages[i]);
      g_clear_object (&priv->pages[i]);
    }
  g_clear_object (&priv->bar);
  g_clear_object (&priv->msix_bar);
  g_clear_pointer (&priv->queue_vectors, g_free);
  priv->n_queues = 0;
  priv->cfg_capability = 0;
  priv->use_msix = FALSE;
}

static void
sv_virtio_pci_reset (SvPciDevice *device)
{
  SvVirtioPciPrivate *priv = PRIV (SV_VIRTIO_PCI (device));

  /* Who wrote, if anybody, is no more, or sees a device without power. */
  sv_late_writes_forget (priv->late);
  sv_device_reset (SV_DEVICE (priv->core));
  if (priv->msix != NULL)
    sv_msix_reset (priv->msix);
  sv_virtio_pci_update_msix (SV_VIRTIO_PCI (device));
}

static gboolean
sv_virtio_pci_settle (SvPciDevice *device)
{
  return sv_virtio_device_settle (PRIV (SV_VIRTIO_PCI (device))->core);
}

/* --- GObject --- */

static void
sv_virtio_pci_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  switch (id)
    {
    case PROP_VECTORS:
      g_value_set_int (value, PRIV (SV_VIRTIO_PCI (object))->n_vectors_asked);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_virtio_pci_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  switch (id)
    {
    case PROP_VECTORS:
      PRIV (SV_VIRTIO_PCI (object))->n_vectors_asked = g_value_get_int (value);
      g_object_notify_by_pspec (object, pspec);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_virtio_pci_dispose (GObject *object)
{
  SvVirtioPciPrivate *priv = PRIV (SV_VIRTIO_PCI (object));

  /* While the bus and the device are there */
  sv_device_unrealize (SV_DEVICE (object));
  g_clear_object (&priv->bus);
  g_clear_object (&priv->core);
  G_OBJECT_CLASS (sv_virtio_pci_parent_class)->dispose (object);
}

static void
sv_virtio_pci_finalize (GObject *object)
{
  g_ptr_array_unref (PRIV (SV_VIRTIO_PCI (object))->call_sources);
  sv_late_writes_free (PRIV (SV_VIRTIO_PCI (object))->late);
  G_OBJECT_CLASS (sv_virtio_pci_parent_class)->finalize (object);
}

/* A write that waits for requests in flight need not wait once there are none. */
static void
sv_virtio_pci_quiesce (SvDevice *device)
{
  SvVirtioPciPrivate *priv = PRIV (SV_VIRTIO_PCI (device));

  if (!sv_late_writes_is_pending (priv->late))
    return;
  sv_device_quiesce (SV_DEVICE (priv->core));
  sv_late_writes_finish (priv->late);
}

static void
sv_virtio_pci_class_init (SvVirtioPciClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvPciDeviceClass *pci_class = SV_PCI_DEVICE_CLASS (klass);

  object_class->get_property = sv_virtio_pci_get_property;
  object_class->set_property = sv_virtio_pci_set_property;
  object_class->dispose = sv_virtio_pci_dispose;
  object_class->finalize = sv_virtio_pci_finalize;
  SV_DEVICE_CLASS (klass)->user_creatable = TRUE;
  SV_DEVICE_CLASS (klass)->hotpluggable = TRUE;
  SV_DEVICE_CLASS (klass)->quiesce = sv_virtio_pci_quiesce;

  pci_class->vendor_id = VENDOR_ID;
  pci_class->subsystem_vendor_id = VENDOR_ID;
  pci_class->subsystem_id = SUBSYSTEM_ID;
  pci_class->revision = 1;
  pci_class->setup = sv_virtio_pci_setup;
  pci_class->teardown = sv_virtio_pci_teardown;
  pci_class->reset = sv_virtio_pci_reset;
  pci_class->settle = sv_virtio_pci_settle;
  pci_class->read_config = sv_virtio_pci_read_config;
  pci_class->config_written = sv_virtio_pci_config_written;

  props[PROP_VECTORS]
      = g_param_spec_int ("vectors", "vectors",
                          "Interrupt vectors (MSI-X); 0: none; -1: one for each possible queue and one more",
                          -1, SV_MSIX_MAX_VECTORS, -1, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
destroy_source (gpointer source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

static void
sv_virtio_pci_init (SvVirtioPci *self)
{
  SvVirtioPciPrivate *priv = PRIV (self);

  priv->n_vectors_asked = -1;
  priv->late = sv_late_writes_new (sv_virtio_pci_write_late, sv_virtio_pci_is_settled, self);
  priv->config_vector = VIRTIO_MSI_NO_VECTOR;
  priv->pin_fd = -1;
  priv->call_sources = g_ptr_array_new_with_free_func (destroy_source);
}

/* --- a class for each device --- */

typedef struct
{
  GType core_type;
  guint32 class_code;
} SubclassData;

static void
subclass_init (gpointer klass, gpointer class_data)
{
  const SubclassData *data = class_data;
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);
  SvDeviceClass *core_class = g_type_class_ref (data->core_type);

  SV_VIRTIO_PCI_CLASS (klass)->core_type = data->core_type;
  SV_PCI_DEVICE_CLASS (klass)->class_code = data->class_code;
  device_class->carries = data->core_type;
  device_class->calls_chardev = core_class->calls_chardev;
  device_class->category = core_class->category;
  device_class->description = core_class->description;
  sv_virtio_pci_install_properties (klass);
}

static void
core_notify (GObject *core, GParamSpec *pspec, GObject *transport)
{
  GParamSpec *own = g_object_class_find_property (G_OBJECT_GET_CLASS (transport), pspec->name);

  if (own != NULL && g_type_is_a (own->owner_type, SV_TYPE_VIRTIO_PCI))
    g_object_notify_by_pspec (transport, own);
}

static void
subclass_instance_init (GTypeInstance *instance, gpointer klass)
{
  SvVirtioPci *self = SV_VIRTIO_PCI (instance);
  SvVirtioPciPrivate *priv = PRIV (self);

  priv->core = g_object_new (SV_VIRTIO_PCI_CLASS (klass)->core_type, NULL);
  priv->bus = sv_virtio_pci_bus_new (self);
  sv_object_add_child (SV_OBJECT (self), "virtio-bus", SV_OBJECT (priv->bus), NULL);
  sv_object_add_child (SV_OBJECT (self), "virtio-backend", SV_OBJECT (priv->core), NULL);
  g_signal_connect_object (priv->core, "notify", G_CALLBACK (core_notify), self, 0);
}

/**
 * sv_virtio_pci_register_type: (skip)
 * @name: GType name of the class
 * @core_type: class of the device, derived from [class@VirtioDevice]
 * @class_code: PCI class code, 24 bits
 *
 * Makes the class of PCI functions that carry @core_type and have its properties.
 *
 * Returns: the type
 */
GType
sv_virtio_pci_register_type (const char *name, GType core_type, guint32 class_code)
{
  SubclassData *data = g_new (SubclassData, 1);
  GTypeInfo info = {
    .class_size = sizeof (SvVirtioPciClass),
    .class_init = subclass_init,
    .class_data = data,
    .instance_size = sizeof (SvVirtioPci),
    .instance_init = subclass_instance_init,
  };

  GType type;

  *data = (SubclassData){ core_type, class_code };
  type = g_type_register_static (SV_TYPE_VIRTIO_PCI, name, &info, 0);
  sv_migratable_add_reason (type, "the transport and the device below it have their own state", NULL);
  return type;
}

/**
 * sv_virtio_pci_get_core:
 * @self: a function
 *
 * Returns: (transfer none): the device that it carries
 */
SvVirtioDevice *
sv_virtio_pci_get_core (SvVirtioPci *self)
{
  return PRIV (self)->core;
}
