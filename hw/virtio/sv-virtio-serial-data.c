/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-serial-data.h"

#define MAX_IOV (SV_SERIAL_DATA_QUEUE_SIZE + 4)
/* Output in one go; then other work on the main thread gets its turn. The buffers of a ring may hold
 * hundreds of gigabytes, all the same memory, and a file takes everything. */
#define MAX_OUTPUT (1024 * 1024)

/* The buffer that is next for output: what was not sent of it yet, of @room bytes. FALSE: some is left. */
static gboolean
send_element (SvVirtqElement *element, SvVirtioSerialPort *port, guint64 *sent, gsize *room)
{
  guint64 skip = *sent;

  for (guint i = 0; i < element->n_out; i++)
    {
      const guint8 *data = element->out[i].iov_base;
      gsize length = element->out[i].iov_len;
      gsize wanted, taken;

      if (skip >= length)
        {
          skip -= length;
          continue;
        }
      wanted = MIN (length - skip, *room);
      taken = port ? sv_virtio_serial_port_write (port, data + skip, wanted) : wanted;
      *sent += taken;
      *room -= taken;
      if (taken < length - skip)
        return FALSE;
      skip = 0;
    }
  return TRUE;
}

gboolean
sv_serial_data_send (SvVirtqueue *queue, SvVirtioSerialPort *port, guint64 *sent)
{
  struct iovec iov[MAX_IOV];
  SvVirtqElement element = { .iov = iov, .max_iov = MAX_IOV };
  gboolean blocked = FALSE;
  gsize room = MAX_OUTPUT;

  if (!sv_virtqueue_begin (queue))
    return FALSE;
  while (!blocked && sv_virtqueue_pop (queue, &element))
    {
      if (send_element (&element, port, sent, &room))
        {
          sv_virtqueue_push (queue, &element, 0);
          *sent = 0;
        }
      else
        {
          sv_virtqueue_unpop (queue, &element);
          blocked = TRUE;
        }
    }
  sv_virtqueue_end (queue);
  return room == 0;
}

/* A buffer with room for input, popped; those without are given back. */
static gboolean
pop_room (SvVirtqueue *queue, SvVirtqElement *element)
{
  while (sv_virtqueue_pop (queue, element))
    {
      if (element->in_size > 0)
        return TRUE;
      sv_virtqueue_push (queue, element, 0);
    }
  return FALSE;
}

gsize
sv_serial_data_get_room (SvVirtqueue *queue)
{
  struct iovec iov[MAX_IOV];
  SvVirtqElement element = { .iov = iov, .max_iov = MAX_IOV };
  gsize room = 0;

  if (!sv_virtqueue_begin (queue))
    return 0;
  if (pop_room (queue, &element))
    {
      room = element.in_size;
      sv_virtqueue_unpop (queue, &element);
    }
  sv_virtqueue_end (queue);
  return room;
}

void
sv_serial_data_receive (SvVirtqueue *queue, const guint8 *data, gsize length)
{
  struct iovec iov[MAX_IOV];
  SvVirtqElement element = { .iov = iov, .max_iov = MAX_IOV };

  if (!sv_virtqueue_begin (queue))
    return;
  while (length > 0 && pop_room (queue, &element))
    {
      gsize taken = sv_virtq_element_fill (&element, data, length);

      sv_virtqueue_push (queue, &element, (guint32)taken);
      data += taken;
      length -= taken;
    }
  sv_virtqueue_end (queue);
}
