/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A hostile driver of virtio-balloon; fuzz-virtio.h tells what the input is. */

#include "fuzz-virtio.h"

#include <linux/virtio_balloon.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static VirtioGuest *guest;

  if (guest == NULL)
    {
      g_autoptr (GError) error = NULL;

      guest = g_new0 (VirtioGuest, 1);
      virtio_guest_init (guest);
      virtio_guest_plug (guest, "virtio-balloon-device", "{'free-page-reporting': true}", &error);
      g_assert_no_error (error);
    }
  if (size >= 4)
    virtio_guest_write_config (guest, offsetof (struct virtio_balloon_config, actual),
                               data[0] | data[1] << 8, 4);
  fuzz_virtio (guest, 4, data, size);
  return 0;
}
