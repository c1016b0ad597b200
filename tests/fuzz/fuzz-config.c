/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "src/cli/sv-cli.h"
#include "src/sv-type-list.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

/* A configuration file: understood, or refused with a message that is text and names the file. */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static gboolean registered;
  g_autoptr (SvVmConfig) config = sv_vm_config_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *answer = NULL;
  g_autofree char *path = NULL;
  int fd = memfd_create ("config", MFD_CLOEXEC);

  if (!registered)
    sv_type_list_register ();
  registered = TRUE;
  g_assert_cmpint (write (fd, data, size), ==, (gssize)size);
  path = g_strdup_printf ("/proc/self/fd/%d", fd);
  if (!sv_cli_parse (config, (const char *const[]){ "-config", path, NULL }, &answer, &error))
    {
      g_assert_true (g_utf8_validate (error->message, -1, NULL));
      g_assert_nonnull (strstr (error->message, path));
    }
  g_assert_null (answer);
  close (fd);
  return 0;
}
