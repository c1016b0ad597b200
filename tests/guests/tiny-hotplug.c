/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tiny guest does with devices that come and go on a microvm. */

#include "tiny-virtio.h"
#include "tiny.h"

#define GED_EVENTS 0xf0000000u
#define SLOTS_LEAVING 0xf0001000u
#define SLOTS_EJECT 0xf0001004u
#define SLOTS_STATUS 0xf0001008u
#define SLOTS_OUTCOME 0xf000100cu
#define STATUS_BUSY 0x82u
#define QUEUE_SIZE 4

static struct
{
  struct
  {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
  } descriptors[QUEUE_SIZE];
  struct
  {
    uint16_t flags;
    uint16_t index;
    uint16_t ring[QUEUE_SIZE];
  } driver;
  struct
  {
    uint16_t flags;
    uint16_t index;
    struct
    {
      uint32_t id;
      uint32_t length;
    } ring[QUEUE_SIZE];
  } device __attribute__ ((aligned (8)));
  struct
  {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
  } header;
  char data[512];
  uint8_t status;
} queue __attribute__ ((aligned (16)));

/* What an operating system with ACPI does, without drivers; with @refuse it keeps what it is asked for once. */
void
answer_ejects (int refuse)
{
  uint32_t refused = 0;

  map_devices ();
  print ("answering\n");
  for (;;)
    {
      uint32_t events = get (GED_EVENTS);
      uint32_t leaving;

      if (refuse && (events & 1u << 2) != 0)
        print ("looked\n");
      if ((events & 1u << 3) == 0)
        continue;
      leaving = get (SLOTS_LEAVING);
      if (leaving == 0)
        continue;
      if (refuse && (leaving & ~refused) != 0)
        {
          refused |= leaving;
          set (SLOTS_STATUS, STATUS_BUSY);
          set (SLOTS_OUTCOME, leaving);
        }
      else
        set (SLOTS_EJECT, leaving);
    }
}

static void
start_disk (uint64_t base)
{
  begin_driver (base);
  set (base + QUEUE_SEL, 0);
  set (base + QUEUE_NUM, QUEUE_SIZE);
  set_address (base + QUEUE_DESC, queue.descriptors);
  set_address (base + QUEUE_DRIVER, &queue.driver);
  set_address (base + QUEUE_DEVICE, &queue.device);
  set (base + QUEUE_READY, 1);
  set (base + STATUS, 1 | 2 | 8 | 4);
}

static void
set_descriptor (unsigned n, const volatile void *pointer, uint32_t length, uint16_t flags)
{
  queue.descriptors[n].address = (uint64_t) pointer;
  queue.descriptors[n].length = length;
  queue.descriptors[n].flags = flags;
  queue.descriptors[n].next = (uint16_t) (n + 1);
}

static void
read_sector (uint64_t base)
{
  volatile uint16_t *used = &queue.device.index;
  uint16_t before = *used;

  queue.status = 0xff;
  set_descriptor (0, &queue.header, sizeof queue.header, 1);
  set_descriptor (1, queue.data, sizeof queue.data, 1 | 2);
  set_descriptor (2, &queue.status, 1, 2);
  queue.driver.ring[queue.driver.index % QUEUE_SIZE] = 0;
  __asm__ volatile ("" : : : "memory");
  *(volatile uint16_t *) &queue.driver.index = (uint16_t) (queue.driver.index + 1);
  set (base + QUEUE_NOTIFY, 0);
  while (*used == before)
    ;
  __asm__ volatile ("" : : : "memory");
  queue.data[16] = '\0';
  print ("status ");
  print_number (queue.status);
  print (" data ");
  print (queue.data);
  print ("\n");
}

/* A driver that knows devices by their addresses only: tells of each change of the first disk. */
void
drive_disk (void)
{
  uint64_t base;

  map_devices ();
  base = find_device (2);
  start_disk (base);
  print ("started with status ");
  print_number (get (base + STATUS));
  print ("\n");
  for (;;)
    {
      uint32_t bits = get (base + INTERRUPT_STATUS);

      if (bits == 0)
        continue;
      set (base + INTERRUPT_ACK, bits);
      if ((bits & 2) == 0)
        continue;
      print ("capacity ");
      print_number (get (base + CAPACITY));
      print ("\n");
      if (get (base + CAPACITY) != 0)
        read_sector (base);
    }
}
