/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <linux/virtio_mmio.h>

#include "hw/virtio/sv-virtio-device.h"
#include "hw/virtio/sv-virtio-mmio.h"
#include "qom/sv-property.h"
#include "tests/unit/virtq-driver.h"

/* A driver of any virtio device, that works through the registers of virtio-mmio as a guest does. */

#define GUEST_MAX_QUEUES 8
#define GUEST_RING_SIZE 64
/* Above the rings: free for buffers */
#define GUEST_DATA 0x80000u

typedef struct
{
  SvObject *root;
  TestMemory memory;
  SvIrq *irq;
  guint n_irqs;
  int irq_fd; /* with virtio_guest_init_irqfd() */
  SvVirtioMmio *transport;
  SvVirtioDevice *device;
  guint64 features; /* that were negotiated */
  guint n_queues;
  TestRing rings[GUEST_MAX_QUEUES];
  guint16 next_desc[GUEST_MAX_QUEUES];
} VirtioGuest;

/* Memory and a transport without a device */
void virtio_guest_init (VirtioGuest *self);
/* The same; interrupts go nowhere but to irq_fd, as if to the kernel's controller. */
void virtio_guest_init_irqfd (VirtioGuest *self);
void virtio_guest_clear (VirtioGuest *self);
/* An object in the tree, complete. @json: its properties */
SvObject *virtio_guest_add_object (VirtioGuest *self, const char *type, const char *id, const char *json);
gboolean virtio_guest_plug (VirtioGuest *self, const char *type, const char *json, GError **error);
void virtio_guest_unplug (VirtioGuest *self);
/* Reset and initialisation (VIRTIO 1.2 §3.1.1) without the features of @without. */
void virtio_guest_start (VirtioGuest *self, guint n_queues, guint64 without);
gboolean virtio_guest_is_broken (VirtioGuest *self);

guint32 virtio_guest_read (VirtioGuest *self, guint offset);
void virtio_guest_write (VirtioGuest *self, guint offset, guint32 value);
guint64 virtio_guest_read_config (VirtioGuest *self, guint offset, guint size);
void virtio_guest_write_config (VirtioGuest *self, guint offset, guint64 value, guint size);
gpointer virtio_guest_at (VirtioGuest *self, guint64 address);

/* Adds a buffer of up to one readable and one writable descriptor (length 0: none); returns its head. */
guint16 virtio_guest_add (
    VirtioGuest *self, guint queue, guint64 out, guint32 out_size, guint64 in, guint32 in_size);
void virtio_guest_kick (VirtioGuest *self, guint queue);
/* Runs the main loop until there is nothing to do at once. */
void virtio_guest_settle (VirtioGuest *self);
/* Runs the main loop until the next buffer is used; its head, and how much was written. */
guint16 virtio_guest_wait (VirtioGuest *self, guint queue, guint32 *written);
/* add, kick, wait; how much was written */
guint32 virtio_guest_run (
    VirtioGuest *self, guint queue, guint64 out, guint32 out_size, guint64 in, guint32 in_size);
