/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-serial-port.h"

#include "hw/virtio/sv-virtio-serial-bus.h"
#include "src/chardev/sv-chardev.h"
#include "src/migration/sv-migration-values.h"

/*
 * What a console keeps for the next peer. Linux writes to a console with interrupts off and spins
 * until the host took it: without a peer it must not wait. More than this pushes out the oldest.
 */
#define MAX_BACKLOG (1024 * 1024)

typedef struct
{
  SvObject *chardev;
  char *name;
  gint number;

  gboolean attached;
  GByteArray *backlog; /* NULL: nothing in it */
} SvVirtioSerialPortPrivate;

enum
{
  PROP_0,
  PROP_CHARDEV,
  PROP_NAME,
  PROP_NR,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

static const SvMigratableState migration;

G_DEFINE_ABSTRACT_TYPE_WITH_CODE (SvVirtioSerialPort, sv_virtio_serial_port, SV_TYPE_DEVICE,
                                  G_ADD_PRIVATE (SvVirtioSerialPort) SV_MIGRATABLE_STATE (&migration))

#define PRIV(self) ((SvVirtioSerialPortPrivate *)sv_virtio_serial_port_get_instance_private (self))

static SvChardev *
get_chardev (SvVirtioSerialPort *self)
{
  return (SvChardev *)PRIV (self)->chardev;
}

static gboolean
is_console (SvVirtioSerialPort *self)
{
  return SV_VIRTIO_SERIAL_PORT_GET_CLASS (self)->console;
}

static const SvVirtioSerialBusFuncs *
get_funcs (SvVirtioSerialPort *self, gpointer *opaque)
{
  SvBus *bus = sv_device_get_bus (SV_DEVICE (self));

  return bus ? sv_virtio_serial_bus_get_funcs (SV_VIRTIO_SERIAL_BUS (bus), opaque) : NULL;
}

/* --- output --- */

static void
keep (SvVirtioSerialPort *self, const guint8 *data, gsize length)
{
  SvVirtioSerialPortPrivate *priv = PRIV (self);

  if (length > MAX_BACKLOG)
    {
      data += length - MAX_BACKLOG;
      length = MAX_BACKLOG;
    }
  if (priv->backlog == NULL)
    priv->backlog = g_byte_array_new ();
  /* In large steps: what moves is all that stays. */
  if (priv->backlog->len + length > MAX_BACKLOG)
    g_byte_array_remove_range (
        priv->backlog, 0,
        MIN (priv->backlog->len, MAX (priv->backlog->len + length - MAX_BACKLOG, MAX_BACKLOG / 8)));
  g_byte_array_append (priv->backlog, data, (guint)length);
}

/* FALSE: some of it is left. */
static gboolean
send_backlog (SvVirtioSerialPort *self)
{
  SvVirtioSerialPortPrivate *priv = PRIV (self);
  gsize taken;

  if (priv->backlog == NULL)
    return TRUE;
  taken = sv_chardev_write (get_chardev (self), priv->backlog->data, priv->backlog->len);
  if (taken < priv->backlog->len)
    {
      g_byte_array_remove_range (priv->backlog, 0, (guint)taken);
      return FALSE;
    }
  g_clear_pointer (&priv->backlog, g_byte_array_unref);
  return TRUE;
}

gsize
sv_virtio_serial_port_write (SvVirtioSerialPort *self, const guint8 *data, gsize length)
{
  SvVirtioSerialPortPrivate *priv = PRIV (self);

  if (priv->chardev == NULL)
    return length;
  if (sv_chardev_is_open (get_chardev (self)))
    return send_backlog (self) ? sv_chardev_write (get_chardev (self), data, length) : 0;
  if (!is_console (self))
    return 0;
  keep (self, data, length);
  return length;
}

/* --- the character device --- */

static gsize
can_receive (gpointer opaque)
{
  gpointer device;
  const SvVirtioSerialBusFuncs *funcs = get_funcs (opaque, &device);

  return funcs ? funcs->input_room (device, opaque) : 0;
}

static void
receive (gpointer opaque, const guint8 *data, gsize length)
{
  gpointer device;
  const SvVirtioSerialBusFuncs *funcs = get_funcs (opaque, &device);

  if (funcs)
    funcs->input (device, opaque, data, length);
}

static void
writable (gpointer opaque)
{
  gpointer device;
  const SvVirtioSerialBusFuncs *funcs = get_funcs (opaque, &device);

  if (send_backlog (opaque) && funcs)
    funcs->output_wanted (device, opaque);
}

static void
peer_changed (gpointer opaque, SvChardevEvent event)
{
  SvVirtioSerialPort *self = opaque;
  gpointer device;
  const SvVirtioSerialBusFuncs *funcs = get_funcs (self, &device);

  if (event == SV_CHARDEV_BREAK || !PRIV (self)->attached)
    return;
  if (funcs)
    funcs->open_changed (device, self);
  if (event == SV_CHARDEV_OPENED)
    writable (self);
}

static const SvChardevFrontend frontend = { can_receive, receive, writable, peer_changed };

static gboolean
sv_virtio_serial_port_realize (SvDevice *device, GError **error)
{
  SvVirtioSerialPort *self = SV_VIRTIO_SERIAL_PORT (device);
  gpointer opaque;
  const SvVirtioSerialBusFuncs *funcs = get_funcs (self, &opaque);

  if (funcs == NULL)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "A %s works on the bus of a virtio-serial device only",
                   G_OBJECT_TYPE_NAME (self));
      return FALSE;
    }
  if (PRIV (self)->chardev && !sv_chardev_attach (get_chardev (self), &frontend, self, error))
    return FALSE;
  PRIV (self)->attached = TRUE;
  funcs->port_added (opaque, self);
  if (PRIV (self)->chardev)
    sv_chardev_update_input (get_chardev (self));
  return TRUE;
}

static void
sv_virtio_serial_port_unrealize (SvDevice *device)
{
  SvVirtioSerialPort *self = SV_VIRTIO_SERIAL_PORT (device);
  gpointer opaque;
  const SvVirtioSerialBusFuncs *funcs = get_funcs (self, &opaque);

  PRIV (self)->attached = FALSE;
  if (PRIV (self)->chardev)
    sv_chardev_detach (get_chardev (self));
  g_clear_pointer (&PRIV (self)->backlog, g_byte_array_unref);
  if (funcs)
    funcs->port_removed (opaque, self);
}

/* --- state --- */

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  SvVirtioSerialPortPrivate *priv = PRIV (SV_VIRTIO_SERIAL_PORT (migratable));
  GByteArray *backlog = priv->backlog;

  return g_variant_new ("(i@ay)", priv->number,
                        sv_migration_new_bytes (backlog != NULL ? backlog->data : NULL, backlog != NULL ? backlog->len : 0));
}

static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  SvVirtioSerialPortPrivate *priv = PRIV (SV_VIRTIO_SERIAL_PORT (migratable));
  g_autoptr (GVariant) backlog = NULL;
  gint number;
  gsize size;

  g_variant_get (state, "(i@ay)", &number, &backlog);
  size = g_variant_n_children (backlog);
  if (!sv_migration_check_range ("number of the port", number, priv->number, priv->number, error)
      || !sv_migration_check_range ("bytes of output that wait", (gint64)size, 0, MAX_BACKLOG, error))
    return FALSE;
  g_clear_pointer (&priv->backlog, g_byte_array_unref);
  if (size == 0 || priv->chardev == NULL)
    return TRUE;
  priv->backlog = g_byte_array_sized_new ((guint)size);
  g_byte_array_set_size (priv->backlog, (guint)size);
  return sv_migration_get_bytes ("output that waits", backlog, priv->backlog->data, size, error);
}

static gboolean
state_loaded (SvMigratable *migratable, GError **error)
{
  SvVirtioSerialPort *self = SV_VIRTIO_SERIAL_PORT (migratable);

  if (PRIV (self)->chardev != NULL && sv_chardev_is_open (get_chardev (self)))
    send_backlog (self);
  return TRUE;
}

static const SvMigratableState migration = {
  .types = (const char *const[]){ "(iay)", NULL }, /* number, output that waits for a peer */
  .dup = dup_state,
  .load = load_state,
  .loaded = state_loaded,
};

/* --- for the bus and its device --- */

gint
sv_virtio_serial_port_get_number (SvVirtioSerialPort *self)
{
  return PRIV (self)->number;
}

void
sv_virtio_serial_port_set_number (SvVirtioSerialPort *self, gint number)
{
  if (PRIV (self)->number == number)
    return;
  PRIV (self)->number = number;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_NR]);
}

const char *
sv_virtio_serial_port_get_name (SvVirtioSerialPort *self)
{
  return PRIV (self)->name;
}

gboolean
sv_virtio_serial_port_is_attached (SvVirtioSerialPort *self)
{
  return PRIV (self)->attached;
}

gboolean
sv_virtio_serial_port_is_open (SvVirtioSerialPort *self)
{
  return is_console (self) || (PRIV (self)->chardev && sv_chardev_is_open (get_chardev (self)));
}

void
sv_virtio_serial_port_update_input (SvVirtioSerialPort *self)
{
  if (PRIV (self)->chardev)
    sv_chardev_update_input (get_chardev (self));
}

/* --- GObject --- */

static void
sv_virtio_serial_port_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvVirtioSerialPortPrivate *priv = PRIV (SV_VIRTIO_SERIAL_PORT (object));

  switch (id)
    {
    case PROP_CHARDEV:
      g_value_set_object (value, priv->chardev);
      break;
    case PROP_NAME:
      g_value_set_string (value, priv->name);
      break;
    case PROP_NR:
      g_value_set_int (value, priv->number);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_virtio_serial_port_set_property (GObject *object,
                                    guint id,
                                    const GValue *value,
                                    GParamSpec *pspec)
{
  SvVirtioSerialPortPrivate *priv = PRIV (SV_VIRTIO_SERIAL_PORT (object));

  switch (id)
    {
    case PROP_CHARDEV:
      sv_object_set_link (SV_OBJECT (object), pspec, &priv->chardev, g_value_get_object (value));
      return;
    case PROP_NAME:
      g_free (priv->name);
      priv->name = g_value_dup_string (value);
      break;
    case PROP_NR:
      priv->number = g_value_get_int (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  g_object_notify_by_pspec (object, pspec);
}

static void
sv_virtio_serial_port_dispose (GObject *object)
{
  G_OBJECT_CLASS (sv_virtio_serial_port_parent_class)->dispose (object);
  sv_object_set_link (SV_OBJECT (object), NULL, &PRIV (SV_VIRTIO_SERIAL_PORT (object))->chardev,
                      NULL);
}

static void
sv_virtio_serial_port_finalize (GObject *object)
{
  g_free (PRIV (SV_VIRTIO_SERIAL_PORT (object))->name);
  G_OBJECT_CLASS (sv_virtio_serial_port_parent_class)->finalize (object);
}

static void
sv_virtio_serial_port_class_init (SvVirtioSerialPortClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);

  object_class->get_property = sv_virtio_serial_port_get_property;
  object_class->set_property = sv_virtio_serial_port_set_property;
  object_class->dispose = sv_virtio_serial_port_dispose;
  object_class->finalize = sv_virtio_serial_port_finalize;
  device_class->realize = sv_virtio_serial_port_realize;
  device_class->unrealize = sv_virtio_serial_port_unrealize;
  device_class->bus_type = SV_TYPE_VIRTIO_SERIAL_BUS;
  device_class->category = "input";

  /**
   * SvVirtioSerialPort:chardev:
   *
   * What is at the other end.
   */
  props[PROP_CHARDEV]
      = g_param_spec_object ("chardev", "chardev", "Character device at the other end",
                             SV_TYPE_CHARDEV, SV_PARAM_RW_WIRING);
  /**
   * SvVirtioSerialPort:name:
   *
   * Name that the guest can find the port by (`/dev/virtio-ports/NAME`).
   */
  props[PROP_NAME] = g_param_spec_string ("name", "name", "Name that the guest finds the port by",
                                          NULL, SV_PARAM_RW_WIRING);
  /**
   * SvVirtioSerialPort:nr:
   *
   * The port's number on its device.
   */
  props[PROP_NR] = g_param_spec_int (
      "nr", "nr", "Number of the port on its device; -1: the lowest that is free", -1,
      SV_VIRTIO_SERIAL_MAX_PORTS - 1, -1, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_virtio_serial_port_init (SvVirtioSerialPort *self)
{
  PRIV (self)->number = -1;
}
