/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/fuzz/fuzz-kernel.h"

#include <string.h>

#define BOOT_FLAG 0x1feu
#define HEADER_END 0x206u

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* Linux kernels: the input is the setup header from 0x1f1 on, and the code; its magic is given. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  const gsize file_size = MAX (0x1f1 + size, HEADER_END);
  g_autofree guint8 *file = g_malloc0 (file_size);

  if (size > 0)
    memcpy (file + 0x1f1, data, size);
  memcpy (file + BOOT_FLAG, "\x55\xaa", 2);
  memcpy (file + 0x202, "HdrS", 4);
  fuzz_kernel (file, file_size);
  return 0;
}
