/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/memory/sv-address-space.h"

/* An address space with RAM at 0 and, unless @above is 0, at 4 GiB. Sizes in bytes. */
static inline SvAddressSpace *
guest_ram_new (guint64 below, guint64 above)
{
  const guint64 sizes[] = { below, above };
  const guint64 addresses[] = { 0, G_GUINT64_CONSTANT (0x100000000) };
  g_autoptr (SvMemoryRegion) root
      = sv_memory_region_new_container ("memory", G_GUINT64_CONSTANT (1) << 48);

  for (guint i = 0; i < 2 && sizes[i] > 0; i++)
    {
      g_autoptr (SvMemoryBackend) backend
          = g_object_new (sv_memory_backend_ram_get_type (), "size", sizes[i], NULL);
      g_autoptr (SvMemoryRegion) ram = NULL;
      g_autoptr (GError) error = NULL;

      sv_object_complete (SV_OBJECT (backend), &error);
      g_assert_no_error (error);
      ram = sv_memory_region_new_ram ("ram", backend);
      sv_memory_region_add (root, addresses[i], ram, 0);
    }
  return sv_address_space_new ("guest", root);
}
