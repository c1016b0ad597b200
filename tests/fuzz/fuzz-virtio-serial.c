/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A hostile driver of virtio-serial; fuzz-virtio.h tells what the input is. */

#include "fuzz-virtio.h"

#define N_QUEUES 6

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

static void
add_port (VirtioGuest *guest, const char *type, const char *id)
{
  SvObject *bus = sv_object_get_child (SV_OBJECT (guest->device), "dev0.0");
  g_autoptr (SvObject) port = NULL;
  g_autoptr (JsonObject) properties = json_object_new ();
  g_autoptr (GError) error = NULL;

  json_object_set_string_member (properties, "chardev", id);
  json_object_set_string_member (properties, "name", "org.example.port");
  virtio_guest_add_object (guest, "chardev-null", id, NULL);
  port = sv_object_new_from_json (type, SV_TYPE_DEVICE, properties, guest->root, &error);
  g_assert_no_error (error);
  sv_object_add_child (guest->root, type, port, &error);
  sv_bus_plug (SV_BUS (bus), SV_DEVICE (port), &error);
  sv_object_complete (port, &error);
  g_assert_no_error (error);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static VirtioGuest *guest;

  if (guest == NULL)
    {
      g_autoptr (GError) error = NULL;

      guest = g_new0 (VirtioGuest, 1);
      virtio_guest_init (guest);
      virtio_guest_plug (guest, "virtio-serial-device", NULL, &error);
      g_assert_no_error (error);
      add_port (guest, "virtconsole", "c0");
      add_port (guest, "virtserialport", "c1");
    }
  fuzz_virtio (guest, N_QUEUES, data, size);
  return 0;
}
