/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/misc/sv-pvpanic-isa.h"

#include "hw/acpi/sv-acpi-build.h"
#include "hw/acpi/sv-aml.h"
#include "hw/misc/sv-pvpanic.h"
#include "src/migration/sv-migratable.h"

#define DEFAULT_PORT 0x505u
#define STATUS_PRESENT 0xfu

struct _SvPvpanicIsa
{
  SvIsaDevice parent_instance;

  guint ioport;
  guint events;
  SvMemoryRegion *region;
};

enum
{
  PROP_0,
  PROP_IOPORT,
  PROP_EVENTS,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

static void sv_pvpanic_isa_described_init (SvAcpiDescribedInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (SvPvpanicIsa, sv_pvpanic_isa, SV_TYPE_ISA_DEVICE,
                               G_IMPLEMENT_INTERFACE (SV_TYPE_ACPI_DESCRIBED, sv_pvpanic_isa_described_init)
                               SV_MIGRATABLE_STATELESS ("its register holds nothing"))

static guint64
read_events (gpointer opaque, guint64 offset, guint size)
{
  return SV_PVPANIC_ISA (opaque)->events;
}

static void
write_events (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  SvPvpanicIsa *self = opaque;

  sv_pvpanic_tell (SV_DEVICE (self), value & self->events);
}

static const SvMemoryRegionOps ops = {
  .read = read_events,
  .write = write_events,
  .min_access = 1,
  .max_access = 1,
};

static gboolean
sv_pvpanic_isa_realize (SvDevice *device, GError **error)
{
  SvPvpanicIsa *self = SV_PVPANIC_ISA (device);

  sv_isa_device_map (SV_ISA_DEVICE (self), (guint16)self->ioport, self->region);
  return TRUE;
}

static void
sv_pvpanic_isa_build_aml (SvAcpiDescribed *described, GByteArray *scope)
{
  SvPvpanicIsa *self = SV_PVPANIC_ISA (described);
  guint device = sv_aml_begin_device (scope, "PEVT");
  guint resources;

  sv_aml_name_string (scope, "_HID", "QEMU0001");
  sv_aml_name_int (scope, "_STA", STATUS_PRESENT);
  sv_aml_name (scope, "_CRS");
  resources = sv_aml_begin_resources (scope);
  sv_aml_resource_io (scope, (guint16)self->ioport, 1);
  sv_aml_end_resources (scope, resources);
  sv_aml_end (scope, device);
}

static void
sv_pvpanic_isa_described_init (SvAcpiDescribedInterface *iface)
{
  iface->build_aml = sv_pvpanic_isa_build_aml;
}

static void
sv_pvpanic_isa_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvPvpanicIsa *self = SV_PVPANIC_ISA (object);

  g_value_set_uint (value, id == PROP_IOPORT ? self->ioport : self->events);
}

static void
sv_pvpanic_isa_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvPvpanicIsa *self = SV_PVPANIC_ISA (object);

  *(id == PROP_IOPORT ? &self->ioport : &self->events) = g_value_get_uint (value);
}

static void
sv_pvpanic_isa_finalize (GObject *object)
{
  g_clear_object (&SV_PVPANIC_ISA (object)->region);
  G_OBJECT_CLASS (sv_pvpanic_isa_parent_class)->finalize (object);
}

static void
sv_pvpanic_isa_class_init (SvPvpanicIsaClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);

  object_class->get_property = sv_pvpanic_isa_get_property;
  object_class->set_property = sv_pvpanic_isa_set_property;
  object_class->finalize = sv_pvpanic_isa_finalize;
  device_class->realize = sv_pvpanic_isa_realize;
  device_class->user_creatable = TRUE;
  device_class->category = "misc";
  device_class->description = "Tells the host that the guest's kernel panicked, by a port";

  /**
   * SvPvpanicIsa:ioport:
   *
   * The port.
   */
  props[PROP_IOPORT] = g_param_spec_uint ("ioport", "ioport", "Port of the register", 1, G_MAXUINT16, DEFAULT_PORT,
                                          SV_PARAM_RW_WIRING);
  props[PROP_EVENTS] = sv_pvpanic_events_property ();
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_pvpanic_isa_init (SvPvpanicIsa *self)
{
  self->ioport = DEFAULT_PORT;
  self->events = SV_PVPANIC_ALL_EVENTS;
  self->region = sv_memory_region_new_io ("pvpanic", 1, &ops, self);
}
