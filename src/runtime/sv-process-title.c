/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-process-title.h"

#include <glib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The end of what the kernel laid out behind argv[0]: arguments, then the environment. */
static char *
find_end (char **argv)
{
  char *end = argv[0];

  for (char **at = argv; *at != NULL; at++)
    if (*at == end)
      end += strlen (*at) + 1;
  for (char **at = environ; at != NULL && *at != NULL; at++)
    if (*at == end)
      end += strlen (*at) + 1;
  return end;
}

/**
 * sv_process_title_set: (skip)
 * @argv: the arguments of main(), which are overwritten
 * @name: name of the VM
 *
 * Makes the process show as `stratovirt: NAME` and the arguments in `ps -f`, and as the first 15
 * bytes of @name in `ps`. Pointers into @argv are of no use afterwards.
 */
void
sv_process_title_set (char **argv, const char *name)
{
  g_autofree char *arguments = NULL;
  g_autofree char *title = NULL;
  gsize room;

  prctl (PR_SET_NAME, name, 0, 0, 0);
  if (argv[0] == NULL)
    return;
  arguments = g_strjoinv (" ", argv + 1);
  title = g_strdup_printf ("stratovirt: %s %s", name, arguments);
  room = (gsize)(find_end (argv) - argv[0]);
  /* The title may reach into the environment. */
  environ = g_get_environ ();
  memset (argv[0], 0, room);
  memcpy (argv[0], title, MIN (strlen (title), room - 1));
}
