/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the tiny guest asks of a virtio file system: FUSE requests, one at a time (VIRTIO 1.2 5.11). */

#include "tiny-virtio.h"
#include "tiny.h"

#define ID_FS 26
#define QUEUE_SIZE 16

#define FUSE_LOOKUP 1
#define FUSE_MKDIR 9
#define FUSE_INIT 26
#define ROOT 1

static volatile struct
{
  struct
  {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
  } descriptors[QUEUE_SIZE];
  uint16_t driver[2 + QUEUE_SIZE + 1];
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
} ring[2] __attribute__ ((aligned (16)));

static struct
{
  uint32_t length;
  uint32_t opcode;
  uint64_t unique;
  uint64_t node;
  uint32_t uid, gid, pid, padding;
  uint8_t body[64];
} request;

static volatile struct
{
  uint32_t length;
  int32_t error;
  uint64_t unique;
  uint8_t body[128];
} reply;

static void
start_queue (uint64_t base, unsigned n)
{
  set (base + QUEUE_SEL, n);
  set (base + QUEUE_NUM, QUEUE_SIZE);
  set_address (base + QUEUE_DESC, ring[n].descriptors);
  set_address (base + QUEUE_DRIVER, ring[n].driver);
  set_address (base + QUEUE_DEVICE, &ring[n].device);
  set (base + QUEUE_READY, 1);
}

static void
put (unsigned at, uint32_t value)
{
  for (unsigned i = 0; i < 4; i++)
    request.body[at + i] = (uint8_t) (value >> 8 * i);
}

static unsigned
put_text (unsigned at, const char *text)
{
  do
    request.body[at++] = (uint8_t) *text;
  while (*text++ != '\0');
  return at;
}

/* Returns the error of the reply, positive. */
static unsigned
ask (uint64_t base, uint32_t opcode, unsigned size)
{
  volatile uint16_t *used = &ring[1].device.index;
  uint16_t before = *used;

  request.length = 40 + size;
  request.opcode = opcode;
  request.unique += 2;
  request.node = opcode == FUSE_INIT ? 0 : ROOT;
  ring[1].descriptors[0].address = (uint64_t) &request;
  ring[1].descriptors[0].length = request.length;
  ring[1].descriptors[0].flags = 1;
  ring[1].descriptors[0].next = 1;
  ring[1].descriptors[1].address = (uint64_t) &reply;
  ring[1].descriptors[1].length = sizeof reply;
  ring[1].descriptors[1].flags = 2;
  ring[1].driver[2 + ring[1].driver[1] % QUEUE_SIZE] = 0;
  __asm__ volatile ("" : : : "memory");
  ring[1].driver[1]++;
  set (base + QUEUE_NOTIFY, 1);
  while (*used == before)
    ;
  return (unsigned) -reply.error;
}

static uint64_t
start_driver (void)
{
  uint64_t base;

  map_devices ();
  base = find_device (ID_FS);
  begin_driver (base);
  start_queue (base, 0);
  start_queue (base, 1);
  set (base + STATUS, 1 | 2 | 8 | 4);
  return base;
}

void
reset_files (void)
{
  uint64_t base = start_driver ();

  print ("driver up\n");
  set (base + STATUS, 0);
  print ("device reset\n");
}

void
use_files (void)
{
  uint64_t base = start_driver ();

  put (0, 7);
  put (4, 31);
  print ("init ");
  print_number (ask (base, FUSE_INIT, 16));
  print ("\nlookup ");
  print_number (ask (base, FUSE_LOOKUP, put_text (0, "hello")));
  print (" size ");
  print_number (*(const volatile uint32_t *) (reply.body + 48));
  put (0, 0755);
  put (4, 0);
  print ("\nmkdir ");
  print_number (ask (base, FUSE_MKDIR, put_text (8, "folder")));
  print ("\n");
  for (;;)
    {
      print ("again ");
      print_number (ask (base, FUSE_LOOKUP, put_text (0, "hello")));
      print ("\n");
    }
}
