/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-balloon-pages.h"

#include <linux/virtio_balloon.h>
#include <stdlib.h>

#include "src/runtime/sv-log.h"

#define PAGE_SHIFT VIRTIO_BALLOON_PFN_SHIFT
/* Longer lists are no driver's: Linux sends 256 at a time. */
#define MAX_LIST 1024

static int
compare_pages (const void *a, const void *b)
{
  guint32 first = *(const guint32 *)a, second = *(const guint32 *)b;

  return (first > second) - (first < second);
}

static void
give_back (SvAddressSpace *memory, guint32 *pages, guint n, const char *name)
{
  guint64 wanted = 0, done = 0;

  for (guint i = 0; i < n; i++)
    pages[i] = GUINT32_FROM_LE (pages[i]);
  /* Neighbours together: a system call for each range */
  qsort (pages, n, sizeof *pages, compare_pages);
  for (guint first = 0, next; first < n; first = next)
    {
      guint64 length;

      for (next = first + 1; next < n && pages[next] - pages[next - 1] <= 1;)
        next++;
      length = (guint64)(pages[next - 1] - pages[first] + 1) << PAGE_SHIFT;
      wanted += length;
      done += sv_address_space_discard (memory, (guint64)pages[first] << PAGE_SHIFT, length, FALSE);
    }
  if (done < wanted && name != NULL)
    sv_log_guest ("%s: %" G_GUINT64_FORMAT " bytes in the balloon cannot be given back", name,
                  wanted - done);
}

void
sv_balloon_pages_inflate (SvVirtqueue *queue,
                          SvVirtqElement *element,
                          SvAddressSpace *memory,
                          const char *name)
{
  guint32 pages[MAX_LIST];
  guint n = (guint)MIN (element->out_size / sizeof *pages, MAX_LIST);

  if (element->out_size > sizeof pages)
    sv_virtqueue_break (queue, "a list of %" G_GUINT64_FORMAT " bytes of page numbers",
                        element->out_size);
  else if (n > 0 && sv_virtq_element_pull (element, pages, n * sizeof *pages))
    give_back (memory, pages, n, name);
}

void
sv_balloon_pages_report (SvVirtqElement *element, SvAddressSpace *memory, gboolean zero)
{
  for (guint i = 0; i < element->n_in; i++)
    sv_address_space_discard_mapped (memory, element->in[i].iov_base, element->in[i].iov_len, zero);
}
