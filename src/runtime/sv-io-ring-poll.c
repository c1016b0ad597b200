/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-io-ring-private.h"

#include <errno.h>

#include "src/runtime/sv-vm-lock.h"

/* user_data of a descriptor's poll: its place among those of GLib and the round, beside the bit */
#define POLL_INDEX_SHIFT 1
#define POLL_INDEX_BITS 24
#define POLL_ROUND_SHIFT (POLL_INDEX_SHIFT + POLL_INDEX_BITS)

void
sv_io_ring_poll_done (SvIoRing *self, guint64 data, int result)
{
  guint index = data >> POLL_INDEX_SHIFT & ((1u << POLL_INDEX_BITS) - 1);
  GPollFD *fd;

  if (self->fds == NULL || data >> POLL_ROUND_SHIFT != (self->round & (G_MAXUINT64 >> POLL_ROUND_SHIFT)))
    return;
  fd = &self->fds[index];
  fd->revents = result < 0 ? G_IO_NVAL : result & (fd->events | G_IO_ERR | G_IO_HUP | G_IO_NVAL);
  self->n_ready++;
}

static void
arm_polls (SvIoRing *self, GPollFD *fds, guint n_fds)
{
  self->round++;
  self->fds = fds;
  self->n_ready = 0;
  for (guint i = 0; i < n_fds; i++)
    {
      struct io_uring_sqe *sqe = sv_io_ring_prepare (self, NULL);

      fds[i].revents = 0;
      io_uring_prep_poll_add (sqe, fds[i].fd, fds[i].events);
      io_uring_sqe_set_data64 (sqe, self->round << POLL_ROUND_SHIFT | i << POLL_INDEX_SHIFT | SV_IO_RING_IS_POLL);
    }
}

/* The next poll begins anew: what a descriptor stands for may be another file then. */
static void
disarm_polls (SvIoRing *self, guint n_fds)
{
  for (guint i = 0; i < n_fds; i++)
    if (self->fds[i].revents == 0)
      io_uring_prep_poll_remove (sv_io_ring_prepare (self, NULL),
                                 self->round << POLL_ROUND_SHIFT | i << POLL_INDEX_SHIFT | SV_IO_RING_IS_POLL);
  self->fds = NULL;
}

static int
enter_unlocked (SvIoRing *self, gint timeout)
{
  gboolean locked = sv_vm_lock_is_mine ();
  guint n = sv_io_ring_publish (self);
  int result;

  self->waiting = TRUE;
  if (locked)
    sv_vm_unlock ();
  result = sv_io_ring_enter (self, n, 1, timeout);
  if (locked)
    sv_vm_lock ();
  self->waiting = self->nudged = FALSE;
  return result;
}

static gint
poll_unlocked (SvIoRing *self, GPollFD *fds, guint n_fds, gint timeout)
{
  gboolean locked = sv_vm_lock_is_mine ();
  gint result;
  int code;

  if (self != NULL)
    self->waiting = TRUE;
  if (locked)
    sv_vm_unlock ();
  result = g_poll (fds, n_fds, timeout);
  code = errno;
  if (locked)
    sv_vm_lock ();
  if (self != NULL)
    self->waiting = self->nudged = FALSE;
  errno = code;
  return result;
}

static gint64
now_ms (void)
{
  return g_get_monotonic_time () / 1000;
}

/**
 * sv_io_ring_poll: (skip)
 * @context: what is polled
 * @fds: as for g_poll()
 * @n_fds: as for g_poll()
 * @timeout: as for g_poll()
 * @stay: go on after operations were done, as nobody waits for what they lead to
 *
 * Does what g_poll() does, and meanwhile runs the ring of @context. Drops the VM lock while it waits if this
 * thread holds it.
 *
 * Returns: as g_poll()
 */
gint
sv_io_ring_poll (GMainContext *context, GPollFD *fds, guint n_fds, gint timeout, gboolean stay)
{
  SvIoRing *self = sv_io_ring_find (context);
  gint64 end = timeout > 0 ? now_ms () + timeout : 0;
  gint left = timeout;

  if (self == NULL || (self->n_ops == 0 && sv_io_ring_publish (self) == 0))
    return poll_unlocked (self, fds, n_fds, timeout);
  if (timeout == 0)
    {
      sv_io_ring_submit (self);
      sv_io_ring_process_as_poller (self);
      sv_io_ring_submit (self);
      return poll_unlocked (self, fds, n_fds, 0);
    }

  arm_polls (self, fds, n_fds);
  for (;;)
    {
      /* Preparing the polls may have told of some already. */
      int result = enter_unlocked (self, self->n_ready > 0 ? 0 : left);
      guint n = sv_io_ring_process_as_poller (self);

      if (self->n_ready > 0 || result == -ETIME || (n > 0 && !stay))
        break;
      if (result < 0 && result != -EINTR && n == 0)
        {
          poll_unlocked (self, fds, n_fds, SV_IO_RING_RETRY_MS);
          break;
        }
      if (timeout > 0)
        left = (gint) MAX (end - now_ms (), 0);
      if (left == 0)
        break;
    }
  disarm_polls (self, n_fds);
  return (gint) self->n_ready;
}

/**
 * sv_io_ring_has_news: (skip)
 * @context: a context
 *
 * Starts what was prepared in its ring, and looks without waiting.
 *
 * Returns: whether something is done that sv_io_ring_poll() will tell of
 */
gboolean
sv_io_ring_has_news (GMainContext *context)
{
  SvIoRing *self = sv_io_ring_find (context);

  if (self == NULL)
    return FALSE;
  sv_io_ring_submit (self);
  return io_uring_cq_ready (&self->ring) > 0;
}
