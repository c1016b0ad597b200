/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-litter.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/*
 * Files that must not outlive the process. While the VM is built nothing serves signals, which then
 * end the process at once; a handler takes these files away before. Each entry is written before it
 * is marked as used, for the handler may come at any time; the main thread alone writes.
 *
 * Files that users asked for (logs, guest memory) are here only while the VM is built: they go when it cannot be.
 */

#define MAX_ENTRIES 64

typedef struct
{
  gint used; /* atomic */
  gboolean provisional;
  int directory;
  char name[256];
} Entry;

static Entry entries[MAX_ENTRIES];
static gboolean starting;

static void
on_signal (int number)
{
  for (guint i = 0; i < MAX_ENTRIES; i++)
    if (g_atomic_int_get (&entries[i].used))
      unlinkat (entries[i].directory, entries[i].name, 0);
  raise (number);
}

/**
 * sv_litter_init: (skip)
 *
 * Has files removed when a signal ends the process, until somebody else handles the signals: even where the
 * caller ignored them, as shells do for what they start in the background.
 */
void
sv_litter_init (void)
{
  static const int signals[] = { SIGHUP, SIGINT, SIGTERM };
  struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESETHAND };

  starting = TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    sigaction (signals[i], &action, NULL);
}

/**
 * sv_litter_add: (skip)
 * @directory: descriptor of a directory, which stays open until the entry is removed
 * @name: a file in it
 *
 * Main thread.
 *
 * Returns: the entry, for [func@litter_remove]
 */
guint
sv_litter_add (int directory, const char *name)
{
  guint i = 0;

  while (i < MAX_ENTRIES && entries[i].used)
    i++;
  if (i == MAX_ENTRIES || strlen (name) >= sizeof entries[i].name)
    return MAX_ENTRIES;
  entries[i].directory = directory;
  entries[i].provisional = FALSE;
  strcpy (entries[i].name, name);
  g_atomic_int_set (&entries[i].used, TRUE);
  return i;
}

/**
 * sv_litter_remove: (skip)
 * @entry: an entry
 *
 * The file is the caller's to remove again. Main thread.
 */
void
sv_litter_remove (guint entry)
{
  if (entry < MAX_ENTRIES)
    g_atomic_int_set (&entries[entry].used, FALSE);
}

/* @path is new. */
static void
add_provisional (const char *path)
{
  g_autofree char *directory = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  int fd = open (directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
  guint i = fd >= 0 ? sv_litter_add (fd, name) : MAX_ENTRIES;

  if (i < MAX_ENTRIES)
    entries[i].provisional = TRUE;
  else if (fd >= 0)
    close (fd);
}

/**
 * sv_litter_open: (skip)
 * @path: a file
 * @flags: as for open(); `O_CLOEXEC` is added
 * @mode: of a new file
 *
 * Opens a file that a user named. When that makes it, and the VM does not come about afterwards, it is removed
 * again. Main thread.
 *
 * Returns: a descriptor; -1 with errno set
 */
int
sv_litter_open (const char *path, int flags, mode_t mode)
{
  gboolean exclusive = (flags & O_EXCL) != 0;
  int fd;

  flags |= O_CLOEXEC;
  if (!starting || !(flags & O_CREAT))
    return TEMP_FAILURE_RETRY (open (path, flags, mode));

  fd = TEMP_FAILURE_RETRY (open (path, flags | O_EXCL, mode));
  if (fd >= 0)
    add_provisional (path);
  else if (errno == EEXIST && !exclusive)
    fd = TEMP_FAILURE_RETRY (open (path, flags, mode));
  return fd;
}

/**
 * sv_litter_settle: (skip)
 * @keep: whether the VM came about
 *
 * What [func@litter_open] made stays from now on, or goes. Main thread.
 */
void
sv_litter_settle (gboolean keep)
{
  starting = FALSE;
  for (guint i = 0; i < MAX_ENTRIES; i++)
    {
      if (!entries[i].used || !entries[i].provisional)
        continue;
      g_atomic_int_set (&entries[i].used, FALSE);
      if (!keep)
        unlinkat (entries[i].directory, entries[i].name, 0);
      close (entries[i].directory);
    }
}
