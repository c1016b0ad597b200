/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/fuzz/fuzz-kernel.h"

#include <elf.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* Kernels in ELF: the magic is given, so that no input is a raw kernel. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  g_autofree guint8 *file = g_malloc0 (MAX (size, SELFMAG));

  if (size > 0)
    memcpy (file, data, size);
  memcpy (file, ELFMAG, SELFMAG);
  fuzz_kernel (file, MAX (size, SELFMAG));
  return 0;
}
