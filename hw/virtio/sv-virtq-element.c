/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtqueue.h"

#include <string.h>

/**
 * sv_virtq_element_pull:
 * @element: a popped element
 * @data: (out caller-allocates): where @size bytes go
 * @size: bytes to take
 *
 * Takes a header off the front of the device-readable part. How the driver split it over descriptors
 * does not matter (VIRTIO 1.2 §2.7.4). The bytes are copied once: the driver may change its memory at
 * any time.
 *
 * Returns: %FALSE, with nothing taken, when the part is shorter
 */
gboolean
sv_virtq_element_pull (SvVirtqElement *element, gpointer data, gsize size)
{
  guint8 *to = data;

  if (element->out_size < size)
    return FALSE;

  element->out_size -= size;
  while (size > 0)
    {
      struct iovec *piece = element->out;
      gsize part = MIN (piece->iov_len, size);

      memcpy (to, piece->iov_base, part);
      to += part;
      size -= part;
      piece->iov_base = (guint8 *) piece->iov_base + part;
      piece->iov_len -= part;
      if (piece->iov_len == 0)
        {
          element->out++;
          element->n_out--;
        }
    }

  return TRUE;
}

/**
 * sv_virtq_element_take_last:
 * @element: a popped element
 *
 * Takes the last byte off the device-writable part: where virtio-blk and virtio-scsi put a status.
 *
 * Returns: (nullable): its address, %NULL when the part is empty
 */
guint8 *
sv_virtq_element_take_last (SvVirtqElement *element)
{
  struct iovec *piece;

  if (element->in_size == 0)
    return NULL;

  piece = &element->in[element->n_in - 1];
  element->in_size--;
  piece->iov_len--;
  if (piece->iov_len == 0)
    element->n_in--;

  return (guint8 *) piece->iov_base + piece->iov_len;
}

/**
 * sv_virtq_element_fill:
 * @element: a popped element
 * @data: (array length=size) (element-type guint8): bytes to copy
 * @size: how many
 *
 * Copies @data to the start of the device-writable part.
 *
 * Returns: the number of bytes that fitted
 */
gsize
sv_virtq_element_fill (SvVirtqElement *element, gconstpointer data, gsize size)
{
  const guint8 *from = data;
  gsize left = size;

  for (guint i = 0; i < element->n_in && left > 0; i++)
    {
      gsize part = MIN (element->in[i].iov_len, left);

      memcpy (element->in[i].iov_base, from, part);
      from += part;
      left -= part;
    }

  return size - left;
}
