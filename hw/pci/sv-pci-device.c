/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/pci/sv-pci-device-private.h"

#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>

#include "qom/sv-type-registry.h"

#define EXPRESS_CAPABILITY_SIZE 0x3c

enum
{
  PROP_ADDR = 1,
  PROP_MULTIFUNCTION,
  PROP_ROMBAR,
  PROP_ROMFILE,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_ABSTRACT_TYPE_WITH_CODE (SvPciDevice, sv_pci_device, SV_TYPE_DEVICE,
                                  G_ADD_PRIVATE (SvPciDevice) SV_MIGRATABLE_STATE (&sv_pci_device_migration))

#define PRIV(self) ((SvPciDevicePrivate *)sv_pci_device_get_instance_private (self))

SvPciDevicePrivate *
sv_pci_device_priv (SvPciDevice *self)
{
  return PRIV (self);
}

const char *
sv_pci_device_get_name (SvPciDevice *self)
{
  const char *id = sv_object_get_id (SV_OBJECT (self));

  return id != NULL ? id : sv_type_registry_get_display_name (G_OBJECT_TYPE (self));
}

/* --- address --- */

/* `SLOT` or `SLOT.FUNCTION`, hexadecimal with or without 0x. FALSE: malformed */
static gboolean
parse_addr (const char *text, gint *devfn)
{
  char *end;
  gulong slot, function = 0;

  if (!g_ascii_isxdigit (*text))
    return FALSE;
  slot = strtoul (text, &end, 16);
  if (*end == '.' && g_ascii_isxdigit (end[1]))
    function = strtoul (end + 1, &end, 16);
  if (*end != '\0' || slot > 31 || function > 7)
    return FALSE;
  *devfn = SV_PCI_DEVFN (slot, function);
  return TRUE;
}

static void
sv_pci_device_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvPciDevicePrivate *priv = PRIV (SV_PCI_DEVICE (object));

  switch (id)
    {
    case PROP_ADDR:
      g_value_set_string (value, priv->addr);
      break;
    case PROP_MULTIFUNCTION:
      g_value_set_boolean (value, priv->multifunction);
      break;
    case PROP_ROMBAR:
      g_value_set_uint (value, priv->rombar);
      break;
    case PROP_ROMFILE:
      g_value_set_string (value, priv->romfile);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_pci_device_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvPciDevicePrivate *priv = PRIV (SV_PCI_DEVICE (object));
  const char *text;

  switch (id)
    {
    case PROP_ADDR:
      text = g_value_get_string (value);
      g_free (priv->addr);
      priv->addr = g_strdup (text);
      priv->devfn = -1;
      if (text != NULL && !parse_addr (text, &priv->devfn))
        priv->devfn = SV_PCI_ADDR_INVALID;
      break;
    case PROP_MULTIFUNCTION:
      priv->multifunction = g_value_get_boolean (value);
      break;
    case PROP_ROMBAR:
      priv->rombar = g_value_get_uint (value);
      break;
    case PROP_ROMFILE:
      g_free (priv->romfile);
      priv->romfile = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  g_object_notify_by_pspec (object, pspec);
}

/* --- the header --- */

static void
fill_header (SvPciDevice *self)
{
  SvPciDeviceClass *klass = SV_PCI_DEVICE_GET_CLASS (self);
  SvPciDevicePrivate *priv = PRIV (self);
  SvPciConfig *config = &priv->config;
  guint8 type = klass->bridge ? PCI_HEADER_TYPE_BRIDGE : PCI_HEADER_TYPE_NORMAL;

  memset (config, 0, sizeof *config);
  sv_pci_config_set16 (config, PCI_VENDOR_ID, klass->vendor_id);
  sv_pci_config_set16 (config, PCI_DEVICE_ID, klass->device_id);
  sv_pci_config_set32 (config, PCI_CLASS_REVISION, klass->class_code << 8 | klass->revision);
  sv_pci_config_set8 (config, PCI_HEADER_TYPE, type | (priv->multifunction ? 0x80 : 0));
  if (!klass->bridge)
    {
      sv_pci_config_set16 (config, PCI_SUBSYSTEM_VENDOR_ID, klass->subsystem_vendor_id);
      sv_pci_config_set16 (config, PCI_SUBSYSTEM_ID, klass->subsystem_id);
    }
  sv_pci_config_allow (config, PCI_COMMAND,
                       PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR, 2);
  sv_pci_config_allow (config, PCI_CACHE_LINE_SIZE, 0xff, 1);
  sv_pci_config_allow (config, PCI_INTERRUPT_LINE, 0xff, 1);
}

/* --- pin --- */

void
sv_pci_device_update_pin (SvPciDevice *self)
{
  SvPciDevicePrivate *priv = PRIV (self);
  guint16 command = sv_pci_config_get16 (&priv->config, PCI_COMMAND);
  guint16 status = sv_pci_config_get16 (&priv->config, PCI_STATUS);
  gboolean level = priv->pin_level && (command & PCI_COMMAND_INTX_DISABLE) == 0;

  status = priv->pin_level ? status | PCI_STATUS_INTERRUPT : status & ~PCI_STATUS_INTERRUPT;
  sv_pci_config_set16 (&priv->config, PCI_STATUS, status);
  if (level == priv->pin_asserted)
    return;
  priv->pin_asserted = level;
  sv_pci_bus_change_pin (sv_pci_device_get_bus (self), (guint8)priv->devfn, 0, level);
}

/**
 * sv_pci_device_use_pin: (skip)
 * @self: a device in its setup
 *
 * Says that the function has interrupt pin INTA.
 */
void
sv_pci_device_use_pin (SvPciDevice *self)
{
  sv_pci_config_set8 (&PRIV (self)->config, PCI_INTERRUPT_PIN, 1);
  sv_pci_config_allow (&PRIV (self)->config, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, 2);
  sv_pci_config_allow_change (&PRIV (self)->config, PCI_STATUS, PCI_STATUS_INTERRUPT, 2);
}

/**
 * sv_pci_device_set_pin: (skip)
 * @self: a device with a pin
 * @level: %TRUE to ask for an interrupt
 *
 * VM lock held.
 */
void
sv_pci_device_set_pin (SvPciDevice *self, gboolean level)
{
  PRIV (self)->pin_level = level;
  sv_pci_device_update_pin (self);
}

/* --- configuration requests --- */

static gboolean
touches (guint offset, guint size, guint start, guint end)
{
  return offset < end && offset + size > start;
}

/**
 * sv_pci_device_config_read: (skip)
 * @self: a realized device
 * @offset: in configuration space
 * @size: 1, 2 or 4
 *
 * Returns: what the guest reads
 */
guint32
sv_pci_device_config_read (SvPciDevice *self, guint offset, guint size)
{
  SvPciDeviceClass *klass = SV_PCI_DEVICE_GET_CLASS (self);

  if (klass->read_config != NULL)
    klass->read_config (self, offset, size);
  return sv_pci_config_read (&PRIV (self)->config, offset, size);
}

/**
 * sv_pci_device_config_write: (skip)
 * @self: a realized device
 * @offset: in configuration space
 * @value: what the guest writes
 * @size: 1, 2 or 4
 *
 * Has all effects that the write has. VM lock held.
 */
void
sv_pci_device_config_write (SvPciDevice *self, guint offset, guint32 value, guint size)
{
  SvPciDeviceClass *klass = SV_PCI_DEVICE_GET_CLASS (self);
  SvPciDevicePrivate *priv = PRIV (self);
  guint bars_end = klass->bridge ? PCI_BASE_ADDRESS_2 : PCI_BASE_ADDRESS_5 + 4;
  guint32 old_value = sv_pci_config_read (&priv->config, offset, size);

  sv_pci_config_write (&priv->config, offset, value, size);
  if (touches (offset, size, PCI_BASE_ADDRESS_0, bars_end)
      || touches (offset, size, PCI_COMMAND, PCI_STATUS))
    sv_pci_device_update_bars (self);
  if (touches (offset, size, PCI_COMMAND, PCI_STATUS))
    sv_pci_device_update_pin (self);
  if (klass->config_written != NULL)
    klass->config_written (self, offset, old_value, size);
}

/* --- SvDevice --- */

static gboolean
sv_pci_device_realize (SvDevice *device, GError **error)
{
  SvPciDevice *self = SV_PCI_DEVICE (device);
  SvPciDeviceClass *klass = SV_PCI_DEVICE_GET_CLASS (self);
  SvPciDevicePrivate *priv = PRIV (self);

  if (sv_pci_device_get_bus (self) == NULL)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID, "'%s' works on a PCI bus only",
                   sv_pci_device_get_name (self));
      return FALSE;
    }
  if (priv->romfile != NULL && priv->romfile[0] != '\0')
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID, "'%s': 'romfile' can only be empty: there are no option ROMs",
                   sv_pci_device_get_name (self));
      return FALSE;
    }
  fill_header (self);
  if (klass->setup != NULL && !klass->setup (self, error))
    {
      sv_pci_device_clear_bars (self);
      return FALSE;
    }
  priv->initial = g_memdup2 (priv->config.bytes, sizeof priv->config.bytes);
  return TRUE;
}

/* Realized from here on: the guest is told. */
static gboolean
sv_pci_device_complete (SvObject *object, GError **error)
{
  if (!SV_OBJECT_CLASS (sv_pci_device_parent_class)->complete (object, error))
    return FALSE;
  sv_pci_bus_device_added (sv_pci_device_get_bus (SV_PCI_DEVICE (object)), SV_PCI_DEVICE (object));
  return TRUE;
}

static void
sv_pci_device_unrealize (SvDevice *device)
{
  SvPciDevice *self = SV_PCI_DEVICE (device);
  SvPciDeviceClass *klass = SV_PCI_DEVICE_GET_CLASS (self);

  sv_pci_bus_device_gone (sv_pci_device_get_bus (self), self);
  sv_pci_device_set_pin (self, FALSE);
  sv_pci_device_unmap_bars (self);
  if (klass->teardown != NULL)
    klass->teardown (self);
  sv_pci_device_clear_bars (self);
  g_clear_pointer (&PRIV (self)->initial, g_free);
}

static void
sv_pci_device_reset (SvDevice *device)
{
  SvPciDevice *self = SV_PCI_DEVICE (device);
  SvPciDeviceClass *klass = SV_PCI_DEVICE_GET_CLASS (self);
  SvPciDevicePrivate *priv = PRIV (self);

  memcpy (priv->config.bytes, priv->initial, sizeof priv->config.bytes);
  sv_pci_device_update_bars (self);
  if (klass->reset != NULL)
    klass->reset (self);
  sv_pci_device_set_pin (self, FALSE);
}

static void
sv_pci_device_finalize (GObject *object)
{
  sv_pci_device_clear_bars (SV_PCI_DEVICE (object));
  g_free (PRIV (SV_PCI_DEVICE (object))->initial);
  g_free (PRIV (SV_PCI_DEVICE (object))->addr);
  g_free (PRIV (SV_PCI_DEVICE (object))->romfile);
  G_OBJECT_CLASS (sv_pci_device_parent_class)->finalize (object);
}

/* PCI Bus Binding to IEEE 1275, §2.2.1.2 and table 4: a name by the class code, the slot and a function but 0 */
static char *
sv_pci_device_dup_firmware_name (SvDevice *device)
{
  static const struct
  {
    guint16 code;
    const char *name;
  } classes[] = { { 0x0100, "scsi" }, { 0x0200, "ethernet" }, { 0x0604, "pci-bridge" } };
  guint8 devfn = (guint8)sv_pci_device_get_devfn (SV_PCI_DEVICE (device));
  const SvPciDeviceClass *klass = SV_PCI_DEVICE_GET_CLASS (device);
  g_autofree char *by_id = g_strdup_printf ("pci%x,%x", klass->vendor_id, klass->device_id);
  g_autofree char *function = SV_PCI_FUNCTION (devfn) != 0
                                  ? g_strdup_printf (",%x", SV_PCI_FUNCTION (devfn))
                                  : g_strdup ("");
  const char *name = by_id;

  for (guint i = 0; i < G_N_ELEMENTS (classes); i++)
    if (klass->class_code >> 8 == classes[i].code)
      name = classes[i].name;
  return g_strdup_printf ("%s@%x%s", name, SV_PCI_SLOT (devfn), function);
}

static void
sv_pci_device_class_init (SvPciDeviceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);

  object_class->get_property = sv_pci_device_get_property;
  object_class->set_property = sv_pci_device_set_property;
  object_class->finalize = sv_pci_device_finalize;
  SV_OBJECT_CLASS (klass)->complete = sv_pci_device_complete;
  device_class->realize = sv_pci_device_realize;
  device_class->unrealize = sv_pci_device_unrealize;
  device_class->reset = sv_pci_device_reset;
  device_class->dup_firmware_name = sv_pci_device_dup_firmware_name;
  device_class->bus_type = SV_TYPE_PCI_BUS;

  props[PROP_ADDR] = g_param_spec_string (
      "addr", "addr",
      "Place on the bus: SLOT or SLOT.FUNCTION, hexadecimal; the first free slot by default", NULL,
      SV_PARAM_RW_WIRING);
  props[PROP_MULTIFUNCTION] = g_param_spec_boolean (
      "multifunction", "multifunction", "Whether the slot may have more functions than 0", FALSE,
      SV_PARAM_RW_WIRING);
  props[PROP_ROMBAR] = g_param_spec_uint (
      "rombar", "rombar", "Whether the option ROM has a register; without effect, there are no option ROMs", 0, 1, 1,
      SV_PARAM_RW_WIRING);
  props[PROP_ROMFILE]
      = g_param_spec_string ("romfile", "romfile", "Option ROM: only none, which the empty name stands for as well", NULL,
                             SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_pci_device_init (SvPciDevice *self)
{
  PRIV (self)->devfn = -1;
  PRIV (self)->rombar = 1;
}

/* --- accessors --- */

/**
 * sv_pci_device_get_bus:
 * @self: a device
 *
 * Returns: (transfer none) (nullable): the bus it is on
 */
SvPciBus *
sv_pci_device_get_bus (SvPciDevice *self)
{
  return (SvPciBus *)sv_device_get_bus (SV_DEVICE (self));
}

/**
 * sv_pci_device_get_devfn:
 * @self: a device
 *
 * Returns: its slot and function; -1 when nobody chose one so far, %SV_PCI_ADDR_INVALID when what
 *   the user gave is no address
 */
gint
sv_pci_device_get_devfn (SvPciDevice *self)
{
  return PRIV (self)->devfn;
}

void
sv_pci_device_set_devfn (SvPciDevice *self, guint8 devfn)
{
  PRIV (self)->devfn = devfn;
  g_free (PRIV (self)->addr);
  PRIV (self)->addr = g_strdup_printf ("%02x.%x", SV_PCI_SLOT (devfn), SV_PCI_FUNCTION (devfn));
}

gboolean
sv_pci_device_get_multifunction (SvPciDevice *self)
{
  return PRIV (self)->multifunction;
}

/**
 * sv_pci_device_get_config: (skip)
 * @self: a device
 *
 * Returns: (transfer none): its configuration space
 */
SvPciConfig *
sv_pci_device_get_config (SvPciDevice *self)
{
  return &PRIV (self)->config;
}

/**
 * sv_pci_device_is_bus_master:
 * @self: a device
 *
 * Returns: whether the guest lets it send requests, interrupt messages among them
 */
gboolean
sv_pci_device_is_bus_master (SvPciDevice *self)
{
  return (sv_pci_config_get16 (&PRIV (self)->config, PCI_COMMAND) & PCI_COMMAND_MASTER) != 0;
}

/**
 * sv_pci_device_add_express: (skip)
 * @self: a device in its setup
 * @port_type: %PCI_EXP_TYPE_ENDPOINT, %PCI_EXP_TYPE_RC_END or %PCI_EXP_TYPE_ROOT_PORT
 *
 * Adds the PCI Express capability (PCIe 6.0 §7.5.3) of a link of 2.5 GT/s, one lane wide.
 *
 * Returns: its offset
 */
guint
sv_pci_device_add_express (SvPciDevice *self, guint port_type)
{
  SvPciConfig *config = &PRIV (self)->config;
  guint at = sv_pci_config_add_capability (config, PCI_CAP_ID_EXP, EXPRESS_CAPABILITY_SIZE);

  sv_pci_config_set16 (config, at + PCI_EXP_FLAGS, 2 | port_type << 4);
  sv_pci_config_set32 (config, at + PCI_EXP_DEVCAP, PCI_EXP_DEVCAP_RBER);
  sv_pci_config_allow (config, at + PCI_EXP_DEVCTL,
                       PCI_EXP_DEVCTL_CERE | PCI_EXP_DEVCTL_NFERE | PCI_EXP_DEVCTL_FERE
                           | PCI_EXP_DEVCTL_URRE | PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_PAYLOAD
                           | PCI_EXP_DEVCTL_NOSNOOP_EN | PCI_EXP_DEVCTL_READRQ,
                       2);
  if (port_type == PCI_EXP_TYPE_RC_END)
    return at;
  sv_pci_config_set32 (config, at + PCI_EXP_LNKCAP, PCI_EXP_LNKCAP_SLS_2_5GB | 1 << 4);
  sv_pci_config_set16 (config, at + PCI_EXP_LNKSTA,
                       PCI_EXP_LNKSTA_CLS_2_5GB | PCI_EXP_LNKSTA_NLW_X1);
  sv_pci_config_set32 (config, at + PCI_EXP_LNKCAP2, PCI_EXP_LNKCAP2_SLS_2_5GB);
  sv_pci_config_set16 (config, at + PCI_EXP_LNKCTL2, PCI_EXP_LNKCTL2_TLS_2_5GT);
  return at;
}

/* --- before a reset --- */

/**
 * sv_pci_device_settle: (skip)
 * @self: a realized device
 *
 * Asks whether a reset of it and what is below it would have to wait for the host. VM lock held.
 *
 * Returns: %FALSE: it would, and is told of when it is worth while to ask again, see sv_pci_device_settled()
 */
gboolean
sv_pci_device_settle (SvPciDevice *self)
{
  SvPciDeviceClass *klass = SV_PCI_DEVICE_GET_CLASS (self);

  return klass->settle == NULL || !sv_device_is_realized (SV_DEVICE (self)) || klass->settle (self);
}

/**
 * sv_pci_device_settled: (skip)
 * @self: a device that was asked to settle
 *
 * Something that it waited for is done: bridges above it that wait look again.
 */
void
sv_pci_device_settled (SvPciDevice *self)
{
  sv_pci_bus_settled (sv_pci_device_get_bus (self));
}
