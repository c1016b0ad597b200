/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-serial-port.h"
#include "hw/virtio/sv-virtqueue.h"

G_BEGIN_DECLS

/*
 * The bytes of ports on their way between the guest's buffers and the peers. What a peer does not take stays in the
 * ring. VM lock held; the queue is in use and not paused.
 */

#define SV_SERIAL_DATA_QUEUE_SIZE 128

/* Output; there is none to take it when @port is NULL. @sent, which is kept for each port: bytes of the buffer that is next in
 * the ring which went out. TRUE: there is more than goes in one turn. */
gboolean sv_serial_data_send (SvVirtqueue *queue, SvVirtioSerialPort *port, guint64 *sent);
/* Bytes of input that the guest has a buffer for */
gsize sv_serial_data_get_room (SvVirtqueue *queue);
/* Input, at most what there is room for */
void sv_serial_data_receive (SvVirtqueue *queue, const guint8 *data, gsize length);

G_END_DECLS
