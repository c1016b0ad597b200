/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs in a Linux guest: block device requests that busybox has no applet for.
 *   blkctl discard|zeroout DEVICE OFFSET LENGTH
 *   blkctl read DEVICE SIZE DEPTH COUNT   direct reads in random order, DEPTH at a time
 *   blkctl odd DEVICE    one direct read and write with many unaligned pieces, then a check
 */
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIECES 96
#define MAX_DEPTH 64

/* 512-byte pieces at 512-byte distances: many descriptors, none of them page aligned. */
static int
scattered (int fd)
{
  struct iovec pieces[PIECES];
  char *memory = aligned_alloc (4096, PIECES * 1024 + 4096);
  char *back = aligned_alloc (4096, PIECES * 512);

  if (memory == NULL || back == NULL)
    return 1;
  for (int i = 0; i < PIECES; i++)
    {
      pieces[i].iov_base = memory + 512 + i * 1024;
      pieces[i].iov_len = 512;
      memset (pieces[i].iov_base, i + 1, 512);
    }
  if (pwritev (fd, pieces, PIECES, 512) != PIECES * 512)
    return perror ("pwritev"), 1;
  if (pread (fd, back, PIECES * 512, 512) != PIECES * 512)
    return perror ("pread"), 1;
  for (int i = 0; i < PIECES * 512; i++)
    if (back[i] != i / 512 + 1)
      return fprintf (stderr, "byte %d is %d\n", i, back[i]), 1;
  return 0;
}

static int
read_randomly (int fd, size_t size, unsigned depth, unsigned count)
{
  off_t blocks = lseek (fd, 0, SEEK_END) / (off_t) size;
  aio_context_t context = 0;
  unsigned submitted = 0, done = 0;
  struct iocb blocks_of[MAX_DEPTH], *list[MAX_DEPTH];
  struct io_event events[MAX_DEPTH];
  char *memory = aligned_alloc (4096, size * depth);

  if (memory == NULL || depth > MAX_DEPTH || blocks == 0 || syscall (SYS_io_setup, depth, &context) != 0)
    return perror ("io_setup"), 1;
  memset (blocks_of, 0, sizeof blocks_of);
  while (done < count)
    {
      unsigned n = 0;
      long got;

      /* All of a batch at once: what is done is waited for together. */
      for (; n < depth && submitted + n < count; n++)
        {
          list[n] = &blocks_of[n];
          blocks_of[n].aio_lio_opcode = IOCB_CMD_PREAD;
          blocks_of[n].aio_fildes = fd;
          blocks_of[n].aio_buf = (uintptr_t) (memory + size * n);
          blocks_of[n].aio_nbytes = size;
          blocks_of[n].aio_offset = random () % blocks * (off_t) size;
        }
      if (syscall (SYS_io_submit, context, (long) n, list) != (long) n)
        return perror ("io_submit"), 1;
      submitted += n;
      got = syscall (SYS_io_getevents, context, (long) n, (long) n, events, NULL);
      if (got != (long) n)
        return perror ("io_getevents"), 1;
      for (long i = 0; i < got; i++)
        if (events[i].res != (int64_t) size)
          return fprintf (stderr, "read: %lld\n", (long long) events[i].res), 1;
      done += n;
    }
  return 0;
}

int
main (int argc, char **argv)
{
  int fd = argc > 2 ? open (argv[2], O_RDWR | O_DIRECT | O_EXCL) : -1;

  if (fd < 0)
    return perror ("blkctl"), 1;
  if (strcmp (argv[1], "odd") == 0)
    return scattered (fd);
  if (argc == 6 && strcmp (argv[1], "read") == 0)
    return read_randomly (fd, strtoul (argv[3], NULL, 0), strtoul (argv[4], NULL, 0), strtoul (argv[5], NULL, 0));
  if (argc == 5)
    {
      uint64_t range[2] = { strtoull (argv[3], NULL, 0), strtoull (argv[4], NULL, 0) };
      unsigned long request = strcmp (argv[1], "discard") == 0 ? BLKDISCARD : BLKZEROOUT;

      if (ioctl (fd, request, range) == 0)
        return 0;
      perror (argv[1]);
    }
  return 1;
}
