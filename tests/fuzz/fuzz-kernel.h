/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include "hw/x86/sv-x86-boot.h"
#include "hw/x86/sv-x86-layout.h"
#include "tests/unit/guest-ram.h"

#define FUZZ_RAM (64u << 20)

/* Boots @data as a kernel, twice as with a reset; what is started must be in RAM. */
static inline void
fuzz_kernel (const guint8 *data, gsize size)
{
  static const SvE820Entry e820[] = {
    { 0, SV_X86_EBDA_START, 1 },
    { SV_X86_HIGH_RAM, FUZZ_RAM - SV_X86_HIGH_RAM, 1 },
  };
  static SvAddressSpace *memory;
  const int fd = memfd_create ("kernel", MFD_CLOEXEC);
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  g_autoptr (SvX86Boot) boot = NULL;
  g_autoptr (GError) error = NULL;

  if (!memory)
    memory = guest_ram_new (FUZZ_RAM, 0);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, data, size), ==, size);
  boot = sv_x86_boot_new (NULL, path, NULL, &error);
  g_assert_true ((boot == NULL) == (error != NULL));
  for (guint i = 0; i < 2 && error == NULL; i++)
    {
      SvX86Entry entry;

      if (i == 0)
        sv_x86_boot_assume_zeroed (boot);
      if (sv_x86_boot_load (boot, memory, "quiet", e820, G_N_ELEMENTS (e820), 0, &entry, &error))
        g_assert_true (entry.rip >= SV_X86_HIGH_RAM && entry.rip < FUZZ_RAM);
      else
        g_assert_nonnull (error);
    }
  close (fd);
}
