/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-kvm-parked.h"

#include <sys/mman.h>
#include <unistd.h>

typedef struct
{
  guint index;
  int fd;
  gpointer run;
  gboolean set_up;
} Parked;

GArray *
sv_kvm_parked_new (void)
{
  return g_array_new (FALSE, FALSE, sizeof (Parked));
}

void
sv_kvm_parked_add (GArray *parked, guint index, int fd, gpointer run, gboolean set_up)
{
  const Parked entry = { index, fd, run, set_up };

  g_array_append_val (parked, entry);
}

int
sv_kvm_parked_take (GArray *parked, guint index, gpointer *run, gboolean *set_up)
{
  for (guint i = 0; i < parked->len; i++)
    {
      const Parked entry = g_array_index (parked, Parked, i);

      if (entry.index != index)
        continue;
      g_array_remove_index_fast (parked, i);
      *run = entry.run;
      *set_up = entry.set_up;
      return entry.fd;
    }
  return -1;
}

void
sv_kvm_parked_free (GArray *parked, gsize run_size)
{
  for (guint i = 0; i < parked->len; i++)
    {
      const Parked *entry = &g_array_index (parked, Parked, i);

      if (entry->run != NULL)
        munmap (entry->run, run_size);
      close (entry->fd);
    }
  g_array_unref (parked);
}
