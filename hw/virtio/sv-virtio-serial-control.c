/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-serial-control.h"

#include <linux/virtio_console.h>
#include <string.h>

#include "hw/virtio/sv-virtio-serial-port.h"

/* Longer names are cut. */
#define MAX_NAME 255

typedef struct
{
  struct virtio_console_control header;
  char name[MAX_NAME];
} Message;

G_STATIC_ASSERT (offsetof (Message, name) == 8);

void
sv_serial_control_clear (SvSerialControl *self)
{
  *self = (SvSerialControl){ .pending = FALSE };
}

void
sv_serial_control_want (SvSerialControl *self, guint number, guint messages)
{
  if (messages == 0)
    return;
  /* A port that goes has nothing else to say; one that comes may follow one that went. */
  if (messages & SV_SERIAL_REMOVE)
    self->wanted[number] = 0;
  self->wanted[number] |= (guint8)messages;
  self->pending = TRUE;
}

/* Returns the message's size. */
static gsize
compose (Message *message, SvVirtioSerialBus *bus, guint number, guint kind)
{
  SvVirtioSerialPort *port = sv_virtio_serial_bus_get_port (bus, number);
  gsize size = sizeof message->header;
  guint16 event, value = 1;

  switch (kind)
    {
    case SV_SERIAL_REMOVE:
      event = VIRTIO_CONSOLE_PORT_REMOVE;
      break;
    case SV_SERIAL_ADD:
      event = VIRTIO_CONSOLE_PORT_ADD;
      break;
    case SV_SERIAL_CONSOLE:
      event = VIRTIO_CONSOLE_CONSOLE_PORT;
      break;
    case SV_SERIAL_NAME:
      {
        const char *name = port ? sv_virtio_serial_port_get_name (port) : NULL;
        gsize length = name ? MIN (strlen (name), MAX_NAME) : 0;

        event = VIRTIO_CONSOLE_PORT_NAME;
        if (length > 0)
          memcpy (message->name, name, length);
        size += length;
        break;
      }
    default:
      event = VIRTIO_CONSOLE_PORT_OPEN;
      value = port && sv_virtio_serial_port_is_open (port);
    }

  message->header.id = GUINT32_TO_LE (number);
  message->header.event = GUINT16_TO_LE (event);
  message->header.value = GUINT16_TO_LE (value);
  return size;
}

/* FALSE: there is no buffer. */
static gboolean
send_one (
    SvVirtioSerialBus *bus, SvVirtqueue *queue, SvVirtqElement *element, guint number, guint kind)
{
  Message message;
  gsize size;

  if (!sv_virtqueue_pop (queue, element))
    return FALSE;
  size = compose (&message, bus, number, kind);
  sv_virtqueue_push (queue, element, (guint32)sv_virtq_element_fill (element, &message, size));
  return TRUE;
}

void
sv_serial_control_send (SvSerialControl *self, SvVirtioSerialBus *bus, SvVirtqueue *queue)
{
  struct iovec iov[SV_SERIAL_CONTROL_QUEUE_SIZE + 4];
  SvVirtqElement element = { .iov = iov, .max_iov = G_N_ELEMENTS (iov) };

  if (!self->pending || !sv_virtqueue_begin (queue))
    return;
  self->pending = FALSE;
  for (guint number = 0; number < SV_VIRTIO_SERIAL_MAX_PORTS && !self->pending; number++)
    while (self->wanted[number] != 0)
      {
        guint kind = self->wanted[number] & (~self->wanted[number] + 1u);

        if (!send_one (bus, queue, &element, number, kind))
          {
            self->pending = TRUE;
            break;
          }
        self->wanted[number] &= (guint8)~kind;
      }
  sv_virtqueue_end (queue);
}
