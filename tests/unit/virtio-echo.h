/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-device.h"

#define ECHO_QUEUES 3
#define ECHO_QUEUE_SIZE 64
#define ECHO_DEVICE_ID 42
/* Two feature bits of its own, that exclude each other */
#define ECHO_F_A (1u << 3)
#define ECHO_F_B (1u << 5)

/* A device for tests: sends each buffer's readable bytes back in its writable part. */
#define ECHO_TYPE_DEVICE (echo_device_get_type ())
G_DECLARE_FINAL_TYPE (EchoDevice, echo_device, ECHO, DEVICE, SvVirtioDevice)

struct _EchoDevice
{
  SvVirtioDevice parent_instance;

  GMainContext *context; /* of all queues; set before realize */
  gboolean fail_setup;
  gboolean fail_start;
  gboolean hold; /* answers from drain_queue only: requests stay in flight */
  gboolean slow; /* with hold: what is in flight takes its time, until echo_device_release() */

  guint n_setups;
  guint n_teardowns;
  guint n_starts;
  guint n_stops;
  guint n_handled[ECHO_QUEUES]; /* atomic */
  guint n_held[ECHO_QUEUES];    /* in the queue's context */
  SvVirtqElement held[ECHO_QUEUES][ECHO_QUEUE_SIZE];
  struct iovec iov[ECHO_QUEUES][ECHO_QUEUE_SIZE][4];
  guint64 written_value;
  guint written_offset;
  guint written_size;
};

/* In the queues' context: what was held is answered, and the device has settled. */
void echo_device_release (EchoDevice *self);

typedef struct __attribute__ ((packed))
{
  guint64 capacity;
  guint16 word;
  guint8 byte;
} EchoConfig;
