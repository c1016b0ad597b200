/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs in a Linux guest: block device requests that busybox has no applet for.
 *   blkctl discard|zeroout DEVICE OFFSET LENGTH
 *   blkctl odd DEVICE    one direct read and write with many unaligned pieces, then a check
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIECES 96

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

int
main (int argc, char **argv)
{
  int fd = argc > 2 ? open (argv[2], O_RDWR | O_DIRECT | O_EXCL) : -1;

  if (fd < 0)
    return perror ("blkctl"), 1;
  if (strcmp (argv[1], "odd") == 0)
    return scattered (fd);
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
