/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-property.h"

G_BEGIN_DECLS

typedef struct _SvBus SvBus;
typedef struct _SvMachine SvMachine;

/**
 * SvDevice:
 *
 * A device of the machine (abstract). Properties: `realized` (read-only), `bus` (link, read-only), `hotplugged`,
 * `hotpluggable`. Completing the object realizes it: sv_object_complete() calls the realize vfunc.
 */
#define SV_TYPE_DEVICE (sv_device_get_type ())
SV_API G_DECLARE_DERIVABLE_TYPE (SvDevice, sv_device, SV, DEVICE, SvObject)

/**
 * SvDeviceClass:
 * @realize: makes the device visible to the guest: maps regions, claims its back ends. On failure nothing is left.
 * @unrealize: the reverse; not called for a device whose realize failed
 * @reset: to the state after realize; the VM is stopped
 * @quiesce: stops data path work and waits for requests in flight (before stop, reset, unplug)
 * @resume: starts data path work again
 * @settle: before quiesce: %FALSE: that would wait for the host. What is in flight is hurried on, and sv_machine_settled()
 *   follows. %NULL: it never waits for long. Only called where quiesce follows
 * @dup_firmware_name: what firmware calls the device among those on its bus (IEEE 1275), for the boot order; %NULL: nothing
 * @bus_type: type of bus that the device plugs into; 0 for a device wired by its machine
 * @user_creatable: `-device` and device_add may make it
 * @hotpluggable: it can come and go while the guest runs, where the machine has hotplug
 * @may_leave: whether a device that the machine brought along can go all the same; %NULL: it cannot
 * @carries: type of the device that this one is the transport of, and whose properties it has; 0: none
 * @calls_chardev: its property `chardev` is a socket that somebody else serves; where the user wrote `server`, as
 *   StratoVirt wants it, and somebody listens there, it is called nevertheless
 * @category: for `-device help`: "storage", "network", "input", "misc"...
 * @description: one line for `-device help`
 */
struct _SvDeviceClass
{
  SvObjectClass parent_class;

  gboolean (*realize) (SvDevice *self, GError **error);
  void (*unrealize) (SvDevice *self);
  void (*reset) (SvDevice *self);
  void (*quiesce) (SvDevice *self);
  void (*resume) (SvDevice *self);
  gboolean (*settle) (SvDevice *self);
  char *(*dup_firmware_name) (SvDevice *self);

  GType bus_type;
  gboolean user_creatable;
  gboolean hotpluggable;
  gboolean calls_chardev;
  const char *category;
  const char *description;
  gboolean (*may_leave) (SvDevice *self);
  GType carries;
  gpointer padding[4];
};

SV_PUBLIC gboolean sv_device_is_hotpluggable (SvDevice *self);
SV_PUBLIC gboolean sv_device_is_realized (SvDevice *self);
SV_API void sv_device_unrealize (SvDevice *self);
SV_PUBLIC SvBus *sv_device_get_bus (SvDevice *self);         /* (transfer none) (nullable) */
SV_PUBLIC SvMachine *sv_device_get_machine (SvDevice *self); /* (transfer none) (nullable): the ancestor */
SV_API void sv_device_set_bus (SvDevice *self, SvBus *bus);
SV_API void sv_device_set_hotplugged (SvDevice *self);
SV_PUBLIC gboolean sv_device_is_hotplugged (SvDevice *self); /* it came while the guest ran */
SV_API void sv_device_reset (SvDevice *self);
SV_API void sv_device_quiesce (SvDevice *self);
SV_API void sv_device_resume (SvDevice *self);
SV_API gboolean sv_device_settle (SvDevice *self);

G_END_DECLS
