/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-litter.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

/*
 * Files that must not outlive the process. While the VM is built nothing serves signals, which then
 * end the process at once; a handler takes these files away before. Each entry is written before it
 * is marked as used, for the handler may come at any time; the main thread alone writes.
 */

#define MAX_ENTRIES 64

typedef struct
{
  gint used; /* atomic */
  int directory;
  char name[256];
} Entry;

static Entry entries[MAX_ENTRIES];

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
