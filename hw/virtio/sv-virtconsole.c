/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtconsole.h"

#include "src/migration/sv-migratable.h"

struct _SvVirtconsole
{
  SvVirtioSerialPort parent_instance;
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvVirtconsole, sv_virtconsole, SV_TYPE_VIRTIO_SERIAL_PORT,
                               SV_MIGRATABLE_STATELESS ("it is a port like any other, and that has a state"))

static void
sv_virtconsole_class_init (SvVirtconsoleClass *klass)
{
  SV_VIRTIO_SERIAL_PORT_CLASS (klass)->console = TRUE;
  SV_DEVICE_CLASS (klass)->user_creatable = TRUE;
  SV_DEVICE_CLASS (klass)->description = "console (hvcN) of a virtio-serial device";
}

static void
sv_virtconsole_init (SvVirtconsole *self)
{
}
