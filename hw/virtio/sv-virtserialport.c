/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtserialport.h"

#include "src/migration/sv-migratable.h"

struct _SvVirtserialport
{
  SvVirtioSerialPort parent_instance;
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvVirtserialport, sv_virtserialport, SV_TYPE_VIRTIO_SERIAL_PORT,
                               SV_MIGRATABLE_STATELESS ("it is a port like any other, and that has a state"))

static void
sv_virtserialport_class_init (SvVirtserialportClass *klass)
{
  SV_VIRTIO_SERIAL_PORT_CLASS (klass)->console = FALSE;
  SV_DEVICE_CLASS (klass)->user_creatable = TRUE;
  SV_DEVICE_CLASS (klass)->description = "port of a virtio-serial device";
}

static void
sv_virtserialport_init (SvVirtserialport *self)
{
}
