/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-serial-bus.h"
#include "hw/virtio/sv-virtqueue.h"

G_BEGIN_DECLS

#define SV_SERIAL_CONTROL_QUEUE_SIZE 32

/**
 * SvSerialControl:
 *
 * The device's part of the conversation on the control queues (VIRTIO 1.2 §5.3.6.2). What the
 * driver has to hear is kept as a set of facts for each port, not as a list: however often they
 * change, or the driver asks, it is no more to remember.
 */
typedef struct
{
  guint8 wanted[SV_VIRTIO_SERIAL_MAX_PORTS]; /* messages to send, bits by kind */
  gboolean pending;                          /* some are */
} SvSerialControl;

typedef enum
{
  SV_SERIAL_REMOVE = 1 << 0,
  SV_SERIAL_ADD = 1 << 1,
  SV_SERIAL_CONSOLE = 1 << 2,
  SV_SERIAL_NAME = 1 << 3,
  SV_SERIAL_OPEN = 1 << 4,
} SvSerialMessage; /* in the order in which they are sent */

void sv_serial_control_clear (SvSerialControl *self);
void sv_serial_control_want (SvSerialControl *self, guint number, guint messages);
/* Sends what fits into the buffers that the driver gave. */
void sv_serial_control_send (SvSerialControl *self, SvVirtioSerialBus *bus, SvVirtqueue *queue);

G_END_DECLS
