/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Registers of virtio-mmio (VIRTIO 1.2 4.2.2) and how the tiny guest gets at them. */
#pragma once

#include <stdint.h>

#define VIRTIO_MMIO 0xf0100000u
#define VIRTIO_MMIO_SIZE 0x200u
#define N_SLOTS 11

#define DEVICE_ID 0x008
#define DRIVER_FEATURES 0x020
#define DRIVER_FEATURES_SEL 0x024
#define QUEUE_SEL 0x030
#define QUEUE_NUM 0x038
#define QUEUE_READY 0x044
#define QUEUE_NOTIFY 0x050
#define INTERRUPT_STATUS 0x060
#define INTERRUPT_ACK 0x064
#define STATUS 0x070
#define QUEUE_DESC 0x080
#define QUEUE_DRIVER 0x090
#define QUEUE_DEVICE 0x0a0
#define CAPACITY 0x100

static inline uint32_t
get (uint64_t address)
{
  return *(const volatile uint32_t *) address;
}

static inline void
set (uint64_t address, uint32_t value)
{
  *(volatile uint32_t *) address = value;
}

static inline void
set_address (uint64_t at, const volatile void *pointer)
{
  set (at, (uint32_t) (uint64_t) pointer);
  set (at + 4, (uint32_t) ((uint64_t) pointer >> 32));
}

/* The first slot with a device of this kind, or the end of all. */
static inline uint64_t
find_device (uint32_t id)
{
  uint64_t base = VIRTIO_MMIO;

  while (base < VIRTIO_MMIO + N_SLOTS * VIRTIO_MMIO_SIZE && get (base + DEVICE_ID) != id)
    base += VIRTIO_MMIO_SIZE;
  return base;
}

/* Up to FEATURES_OK, with VERSION_1 alone. */
static inline void
begin_driver (uint64_t base)
{
  set (base + STATUS, 0);
  set (base + STATUS, 1 | 2);
  set (base + DRIVER_FEATURES_SEL, 0);
  set (base + DRIVER_FEATURES, 0);
  set (base + DRIVER_FEATURES_SEL, 1);
  set (base + DRIVER_FEATURES, 1);
  set (base + STATUS, 1 | 2 | 8);
}
