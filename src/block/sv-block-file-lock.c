/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Image locks as QEMU sets them, so that either sees what the other has open: a shared OFD lock on
 * the byte BASE_USED + permission for each permission that is used, and on BASE_DENIED +
 * permission for each that others must not have. Being of the open file description, they end
 * with it, also when the process is killed.
 */

#include "src/block/sv-block-file-lock.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define BASE_USED 100
#define BASE_DENIED 200

enum
{
  CONSISTENT_READ,
  WRITE,
  WRITE_UNCHANGED,
  RESIZE,
  N_PERMISSIONS,
};

static gboolean
set_lock (int fd, off_t byte)
{
  struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };
  int result;

  do
    result = fcntl (fd, F_OFD_SETLK, &lock);
  while (result < 0 && errno == EINTR);
  return result == 0;
}

static gboolean
is_free (int fd, off_t byte)
{
  struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

  if (fcntl (fd, F_OFD_GETLK, &lock) < 0)
    return FALSE;
  if (lock.l_type == F_UNLCK)
    return TRUE;
  errno = EAGAIN;
  return FALSE;
}

gboolean
sv_block_file_lock (int fd, gboolean write)
{
  guint used = 1 << CONSISTENT_READ | (write ? 1 << WRITE : 0);
  guint denied = 1 << WRITE | 1 << RESIZE;

  /* First lock, then look: of two that start together at least one sees the other. */
  for (guint i = 0; i < N_PERMISSIONS; i++)
    {
      if ((used & 1 << i) && !set_lock (fd, BASE_USED + i))
        return FALSE;
      if ((denied & 1 << i) && !set_lock (fd, BASE_DENIED + i))
        return FALSE;
    }
  for (guint i = 0; i < N_PERMISSIONS; i++)
    {
      if ((used & 1 << i) && !is_free (fd, BASE_DENIED + i))
        return FALSE;
      if ((denied & 1 << i) && !is_free (fd, BASE_USED + i))
        return FALSE;
    }
  return TRUE;
}

void
sv_block_file_unlock (int fd)
{
  struct flock lock = { .l_type = F_UNLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 0 };

  if (fcntl (fd, F_OFD_SETLK, &lock) < 0)
    g_debug ("unlocking an image: %s", g_strerror (errno));
}
