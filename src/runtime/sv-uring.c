/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-uring.h"

#include <errno.h>
#include <liburing.h>

#define MAX_OPERATIONS 16

/**
 * sv_uring_enable_only: (skip)
 * @ring: a ring that was made with IORING_SETUP_R_DISABLED
 * @operations: IORING_OP_* that it shall take
 * @n: how many, at most 16
 * @flags: IOSQE_* that its requests may have; the kernel refuses requests with others
 *
 * Requests in a ring pass no filter of system calls: what this ring is not for, such as opening
 * files, is locked out for good.
 *
 * Returns: 0, or a negative errno: the kernel lacks this, or one of the operations
 */
int
sv_uring_enable_only (struct io_uring *ring, const guint8 *operations, guint n, guint8 flags)
{
  struct io_uring_restriction restrictions[MAX_OPERATIONS + 1] = { 0 };
  int result;

  g_return_val_if_fail (n <= MAX_OPERATIONS, -EINVAL);
  for (guint i = 0; i < n; i++)
    {
      restrictions[i].opcode = IORING_RESTRICTION_SQE_OP;
      restrictions[i].sqe_op = operations[i];
    }
  restrictions[n].opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED;
  restrictions[n].sqe_flags = flags;
  /* liburing 2.3 declares functions for these two, but has none. */
  result = io_uring_register (ring->ring_fd, IORING_REGISTER_RESTRICTIONS, restrictions, n + 1);
  if (result == 0)
    result = io_uring_register (ring->ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0);
  return result;
}
