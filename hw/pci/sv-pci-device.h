/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/pci/sv-pci-bus.h"
#include "hw/pci/sv-pci-config.h"
#include "qom/sv-property.h"

G_BEGIN_DECLS

#define SV_PCI_N_BARS 6u
#define SV_PCI_ADDR_INVALID (-2) /* a devfn: what the user gave is no address */

/**
 * SvPciBarFlags:
 * @SV_PCI_BAR_IO: ports instead of memory
 * @SV_PCI_BAR_64: takes 64-bit addresses, and the next register too
 * @SV_PCI_BAR_PREFETCH: reading has no side effect
 */
typedef enum
{
  SV_PCI_BAR_IO = 1 << 0,
  SV_PCI_BAR_64 = 1 << 2,
  SV_PCI_BAR_PREFETCH = 1 << 3,
} SvPciBarFlags;

/**
 * SvPciDevice:
 *
 * A function on a PCI Express bus (abstract). Properties: `addr` (`SLOT` or `SLOT.FUNCTION`,
 * hexadecimal; a free slot when it is not given), `multifunction` (the slot may have more
 * functions). Configuration space, base address registers and the interrupt pin work here;
 * subclasses say what is behind them.
 */
#define SV_TYPE_PCI_DEVICE (sv_pci_device_get_type ())
SV_API
G_DECLARE_DERIVABLE_TYPE (SvPciDevice, sv_pci_device, SV, PCI_DEVICE, SvDevice)

/**
 * SvPciDeviceClass:
 * @vendor_id: PCI vendor
 * @device_id: PCI device
 * @subsystem_vendor_id: of header type 0
 * @subsystem_id: of header type 0
 * @revision: PCI revision
 * @class_code: 24 bits: base class, subclass, programming interface
 * @bridge: header type 1
 * @setup: what realize is for other devices: the header is filled in; adds capabilities, registers
 *   base address registers. Nothing is left on failure
 * @teardown: the reverse; the device is not mapped any more
 * @reset: to the state after @setup, after configuration space
 * @settle: before a reset: %FALSE: it would wait for what is in flight, which is hurried on, and sv_pci_device_settled()
 *   follows. %NULL: it never waits for long
 * @read_config: the guest is about to read @size bytes at @offset; brings @config up to date
 * @config_written: the guest wrote @size bytes at @offset; @old_value is what was there
 *
 * Subclasses leave realize, unrealize and reset of SvDeviceClass alone.
 */
struct _SvPciDeviceClass
{
  SvDeviceClass parent_class;

  guint16 vendor_id;
  guint16 device_id;
  guint16 subsystem_vendor_id;
  guint16 subsystem_id;
  guint8 revision;
  guint32 class_code;
  gboolean bridge;

  gboolean (*setup) (SvPciDevice *self, GError **error);
  void (*teardown) (SvPciDevice *self);
  void (*reset) (SvPciDevice *self);
  gboolean (*settle) (SvPciDevice *self);
  void (*read_config) (SvPciDevice *self, guint offset, guint size);
  void (*config_written) (SvPciDevice *self, guint offset, guint32 old_value, guint size);
  gpointer padding[6];
};

SV_API SvPciBus *sv_pci_device_get_bus (SvPciDevice *self); /* (transfer none): while plugged in */
SV_API gint sv_pci_device_get_devfn (SvPciDevice *self);    /* -1: none yet */
SV_API void sv_pci_device_set_devfn (SvPciDevice *self, guint8 devfn);
SV_API gboolean sv_pci_device_get_multifunction (SvPciDevice *self);
SV_API const char *sv_pci_device_get_name (SvPciDevice *self); /* for messages: id or wire name */

/* Configuration requests of the guest; VM lock held. @size: 1, 2 or 4, within a dword */
SV_API guint32 sv_pci_device_config_read (SvPciDevice *self, guint offset, guint size);
SV_API void sv_pci_device_config_write (SvPciDevice *self, guint offset, guint32 value, guint size);

/* --- for subclasses --- */

SV_API SvPciConfig *sv_pci_device_get_config (SvPciDevice *self);
/* In setup: @region, whose size is a power of two, appears where the guest puts it. */
SV_API void sv_pci_device_add_bar (SvPciDevice *self, guint n, guint flags, SvMemoryRegion *region);
/* In setup: the function uses INTA. */
SV_API void sv_pci_device_use_pin (SvPciDevice *self);
/* Drives the function's pin, if the guest lets it (PCIe §7.5.1.1.3). VM lock held */
SV_API void sv_pci_device_set_pin (SvPciDevice *self, gboolean level);
SV_API gboolean sv_pci_device_is_bus_master (SvPciDevice *self);
/* Adds a PCI Express capability of this port type, and returns its offset. */
SV_API guint sv_pci_device_add_express (SvPciDevice *self, guint port_type);

/* --- for who assigns addresses instead of firmware --- */

/* Flags and size of register @n; 0: there is none. */
SV_API guint64 sv_pci_device_get_bar (SvPciDevice *self, guint n, guint *flags);
SV_API void sv_pci_device_set_bar_address (SvPciDevice *self, guint n, guint64 address);

/* Asks, before a reset, whether that would have to wait for the host; if so, what is in flight is hurried on. */
SV_API gboolean sv_pci_device_settle (SvPciDevice *self);
/* For subclasses: sv_pci_device_settle() may be asked again. Any thread, with the VM lock or without. */
SV_API void sv_pci_device_settled (SvPciDevice *self);

G_END_DECLS
