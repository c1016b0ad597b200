/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/virtio/sv-virtio-mmio-bank.h"

#include <linux/virtio_mmio.h>

#include "virtio-echo.h"
#include "virtq-driver.h"

#define BANK_BASE 0x40000000u
#define MMIO_SLOT 2
#define MMIO_BASE (BANK_BASE + MMIO_SLOT * SV_VIRTIO_MMIO_SIZE)
#define MMIO_GSI 12
#define DATA 0x100000u

#define S_ACKNOWLEDGE VIRTIO_CONFIG_S_ACKNOWLEDGE
#define S_DRIVER VIRTIO_CONFIG_S_DRIVER
#define S_DRIVER_OK VIRTIO_CONFIG_S_DRIVER_OK
#define S_FEATURES_OK VIRTIO_CONFIG_S_FEATURES_OK
#define S_FAILED VIRTIO_CONFIG_S_FAILED
#define S_NEEDS_RESET VIRTIO_CONFIG_S_NEEDS_RESET

/* A transport with an echo device on it, and the driver's view of both. */
typedef struct
{
  TestMemory memory;
  SvObject *tree;
  SvIrq *irq;
  SvVirtioMmioBank *bank; /* NULL: the registers are in a region of their own */
  SvVirtioMmio *mmio;
  EchoDevice *echo;
  TestRing rings[ECHO_QUEUES];

  gboolean refuse_irqfd;
  int irqfd; /* our end; blocking. -1: not connected */
  guint n_pulses;
  int ioeventfds[ECHO_QUEUES]; /* -1: not there */
} MmioGuest;

/* @context: where the device's queues run; NULL: the default context. Plugs and realizes the device. */
void mmio_guest_init (MmioGuest *guest, GMainContext *context, gboolean banked);
void mmio_guest_add_transport (MmioGuest *guest);
void mmio_guest_remove_transport (MmioGuest *guest);
void mmio_guest_clear (MmioGuest *guest);
void mmio_guest_plug (MmioGuest *guest, GMainContext *context);
void mmio_guest_unplug (MmioGuest *guest);

guint32 mmio_read (MmioGuest *guest, guint offset);
void mmio_write (MmioGuest *guest, guint offset, guint32 value);
guint64 mmio_read_sized (MmioGuest *guest, guint offset, guint size);
void mmio_write_sized (MmioGuest *guest, guint offset, guint64 value, guint size);

/* Parts of a driver's start (VIRTIO 1.2 §3.1.1) */
guint64 mmio_read_features (MmioGuest *guest);
void mmio_write_features (MmioGuest *guest, guint64 features);
gboolean mmio_negotiate (MmioGuest *guest, guint64 features);
void mmio_set_up_queue (MmioGuest *guest, guint n, guint size, gboolean event_idx);
void mmio_handshake (MmioGuest *guest, guint64 features);

/* Adds an echo request of one number; kicks when the device wants it. */
void mmio_send (MmioGuest *guest, guint queue, guint slot, guint32 number);
/* Runs the default context until the queue has a used buffer. */
void mmio_expect_echo (MmioGuest *guest, guint queue, guint slot, guint32 number);
/* Interrupts since the last call */
guint64 mmio_take_irqs (MmioGuest *guest);
/* Runs the default context until it has nothing to do. */
void mmio_settle (void);
