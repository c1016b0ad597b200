/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/net/sv-slirp-net-queue.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "src/net/sv-slirp-guard.h"
#include "src/runtime/sv-clock.h"
#include "src/runtime/sv-log.h"

/* Frames on the way to the guest, a power of two of them; more are lost, as on a wire. */
#define N_FRAMES 256u
#define FRAME_SIZE 2048u
/* Larger ones than an Ethernet frame do not come: the MTU is libslirp's default. */
#define MAX_SENT 65536

typedef struct
{
  SlirpTimerCb func;
  gpointer opaque;
  gint64 expires; /* ms; -1: not running */
} SlirpTimer;

typedef struct
{
  GPollFD poll;
  gboolean added;
} SlirpPoll;

typedef struct
{
  GSource source;
  SvNetQueue base;
  SvSlirp *slirp;
} SlirpQueue;

struct _SvSlirp
{
  Slirp *slirp;
  char *name;
  GPtrArray *timers;
  SlirpQueue *queue; /* while there is one */

  /* What libslirp wants to poll, in its order. Entries do not move: the context points to them. */
  GPtrArray *polls;
  guint n_polls;

  /* Frames for the guest */
  guint8 *frames;
  guint32 sizes[N_FRAMES];
  guint first;
  guint n_frames;

  guint8 *sent; /* a packet in one piece */
  SvSlirpGuard guard;
};

/* --- what libslirp calls --- */

static ssize_t
on_send_packet (const void *data, size_t size, void *opaque)
{
  SvSlirp *self = opaque;
  guint at = (self->first + self->n_frames) % N_FRAMES;

  if (self->n_frames == N_FRAMES || size > FRAME_SIZE)
    return (ssize_t) size;
  memcpy (self->frames + at * FRAME_SIZE, data, size);
  self->sizes[at] = size;
  self->n_frames++;
  return (ssize_t) size;
}

static void
on_guest_error (const char *message, void *opaque)
{
  sv_log_guest ("%s: %s", ((SvSlirp *) opaque)->name, message);
}

static int64_t
on_clock_get_ns (void *opaque)
{
  return sv_clock_get_ns ();
}

static void *
on_timer_new (SlirpTimerCb func, void *timer_opaque, void *opaque)
{
  SlirpTimer *timer = g_new (SlirpTimer, 1);

  *timer = (SlirpTimer){ func, timer_opaque, -1 };
  g_ptr_array_add (((SvSlirp *) opaque)->timers, timer);
  return timer;
}

static void
on_timer_free (void *timer, void *opaque)
{
  g_ptr_array_remove_fast (((SvSlirp *) opaque)->timers, timer);
  g_free (timer);
}

static void
on_timer_mod (void *timer, int64_t expires, void *opaque)
{
  ((SlirpTimer *) timer)->expires = expires;
}

/* Descriptors are told anew before each poll; here they are only counted. */
static void
on_socket_made (int fd, void *opaque)
{
  SvSlirp *self = opaque;

  if (++self->guard.n_sockets == SV_SLIRP_MAX_SOCKETS)
    sv_log_guest ("%s: the guest has %u connections, no more are made", self->name, SV_SLIRP_MAX_SOCKETS);
}

static void
on_socket_closed (int fd, void *opaque)
{
  SvSlirp *self = opaque;

  if (self->guard.n_sockets > 0)
    self->guard.n_sockets--;
}

/* It is called within our own context, which looks again before it polls. */
static void
on_notify (void *opaque)
{
}

static const SlirpCb callbacks = {
  .send_packet = on_send_packet,
  .guest_error = on_guest_error,
  .clock_get_ns = on_clock_get_ns,
  .timer_new = on_timer_new,
  .timer_free = on_timer_free,
  .timer_mod = on_timer_mod,
  .register_poll_fd = on_socket_made,
  .unregister_poll_fd = on_socket_closed,
  .notify = on_notify,
};

/* --- polling --- */

static gushort
to_events (int slirp_events)
{
  return ((slirp_events & SLIRP_POLL_IN) ? G_IO_IN : 0)
         | ((slirp_events & SLIRP_POLL_OUT) ? G_IO_OUT : 0)
         | ((slirp_events & SLIRP_POLL_PRI) ? G_IO_PRI : 0)
         | ((slirp_events & SLIRP_POLL_ERR) ? G_IO_ERR : 0)
         | ((slirp_events & SLIRP_POLL_HUP) ? G_IO_HUP : 0);
}

static void
remove_poll (SvSlirp *self, SlirpPoll *poll)
{
  if (poll->added)
    g_source_remove_poll (&self->queue->source, &poll->poll);
  poll->added = FALSE;
}

/* One of 'hostfwd': who connects waits while there are too many connections. */
static gboolean
must_not_accept (SvSlirp *self, int fd)
{
  int listens = 0;
  socklen_t size = sizeof listens;

  return sv_slirp_guard_is_full (&self->guard)
         && getsockopt (fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens != 0;
}

static int
on_add_poll (int fd, int events, void *opaque)
{
  SvSlirp *self = opaque;
  SlirpPoll *poll;

  if (self->n_polls == self->polls->len)
    g_ptr_array_add (self->polls, g_new0 (SlirpPoll, 1));
  poll = g_ptr_array_index (self->polls, self->n_polls);
  /* A connection that stays costs no change of the poll set. */
  if (poll->added && poll->poll.fd != fd)
    remove_poll (self, poll);
  poll->poll.events = must_not_accept (self, fd) ? 0 : to_events (events);
  poll->poll.revents = 0;
  if (!poll->added)
    {
      poll->poll.fd = fd;
      g_source_add_poll (&self->queue->source, &poll->poll);
      poll->added = TRUE;
    }
  return (int) self->n_polls++;
}

static int
on_get_revents (int index, void *opaque)
{
  SvSlirp *self = opaque;
  SlirpPoll *poll = g_ptr_array_index (self->polls, index);
  gushort revents = poll->poll.revents;

  return ((revents & G_IO_IN) ? SLIRP_POLL_IN : 0) | ((revents & G_IO_OUT) ? SLIRP_POLL_OUT : 0)
         | ((revents & G_IO_PRI) ? SLIRP_POLL_PRI : 0)
         | ((revents & G_IO_ERR) ? SLIRP_POLL_ERR : 0)
         | ((revents & G_IO_HUP) ? SLIRP_POLL_HUP : 0);
}

static void
remove_polls_from (SvSlirp *self, guint first)
{
  for (guint i = first; i < self->polls->len; i++)
    remove_poll (self, g_ptr_array_index (self->polls, i));
}

static inline gboolean
is_reading (SlirpQueue *queue)
{
  return (queue->base.watch & SV_NET_WATCH_READABLE) != 0;
}

static gint64
now_ms (void)
{
  return sv_clock_get_ns () / 1000000;
}

static gint64
next_timer (SvSlirp *self)
{
  gint64 next = -1;

  for (guint i = 0; i < self->timers->len; i++)
    {
      SlirpTimer *timer = g_ptr_array_index (self->timers, i);

      if (timer->expires >= 0 && (next < 0 || timer->expires < next))
        next = timer->expires;
    }
  return next;
}

static void
run_timers (SvSlirp *self)
{
  gint64 now = now_ms ();

  for (guint i = 0; i < self->timers->len; i++)
    {
      SlirpTimer *timer = g_ptr_array_index (self->timers, i);

      if (timer->expires >= 0 && timer->expires <= now)
        {
          timer->expires = -1;
          timer->func (timer->opaque);
        }
    }
}

static gboolean
slirp_queue_prepare (GSource *source, gint *timeout)
{
  SlirpQueue *queue = (SlirpQueue *) source;
  SvSlirp *self = queue->slirp;
  uint32_t limit = G_MAXINT;
  gint64 timer = next_timer (self);

  self->n_polls = 0;
  *timeout = -1;
  if (!is_reading (queue))
    {
      remove_polls_from (self, 0);
      return FALSE;
    }

  slirp_pollfds_fill (self->slirp, &limit, on_add_poll, self);
  remove_polls_from (self, self->n_polls);
  if (timer >= 0)
    limit = MIN (limit, (uint32_t) CLAMP (timer - now_ms (), 0, G_MAXINT));
  *timeout = limit < G_MAXINT ? (gint) limit : -1;
  return self->n_frames > 0;
}

/* Also when nothing is ready: libslirp's own timers are run by that. */
static gboolean
slirp_queue_check (GSource *source)
{
  SlirpQueue *queue = (SlirpQueue *) source;

  return is_reading (queue);
}

static gboolean
slirp_queue_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  SlirpQueue *queue = (SlirpQueue *) source;
  SvSlirp *self = queue->slirp;

  slirp_pollfds_poll (self->slirp, 0, on_get_revents, self);
  for (guint i = 0; i < self->polls->len; i++)
    ((SlirpPoll *) g_ptr_array_index (self->polls, i))->poll.revents = 0;
  run_timers (self);
  if (self->n_frames > 0 && is_reading (queue))
    queue->base.funcs->readable (queue->base.opaque);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs slirp_queue_source_funcs = {
  .prepare = slirp_queue_prepare,
  .check = slirp_queue_check,
  .dispatch = slirp_queue_dispatch,
};

/* --- the queue --- */

static inline SlirpQueue *
queue_of (SvNetQueue *base)
{
  return (SlirpQueue *) ((guint8 *) base - G_STRUCT_OFFSET (SlirpQueue, base));
}

static gssize
slirp_queue_read (SvNetQueue *base, const struct iovec *iov, guint n_iov)
{
  SvSlirp *self = queue_of (base)->slirp;
  const guint8 *frame = self->frames + self->first * FRAME_SIZE;
  gsize size, done = 0;

  if (self->n_frames == 0)
    return -EAGAIN;

  size = self->sizes[self->first];
  for (guint i = 0; i < n_iov && done < size; i++)
    {
      gsize part = MIN (iov[i].iov_len, size - done);

      memcpy (iov[i].iov_base, frame + done, part);
      done += part;
    }
  self->first = (self->first + 1) % N_FRAMES;
  self->n_frames--;
  return (gssize) done;
}

static gssize
slirp_queue_write (SvNetQueue *base, const struct iovec *iov, guint n_iov)
{
  SvSlirp *self = queue_of (base)->slirp;
  guint8 answer[128];
  gsize size = 0;

  for (guint i = 0; i < n_iov; i++)
    {
      if (iov[i].iov_len > MAX_SENT - size)
        return -EMSGSIZE;
      memcpy (self->sent + size, iov[i].iov_base, iov[i].iov_len);
      size += iov[i].iov_len;
    }
  /* Shorter ones than an Ethernet header are nothing that libslirp could look at. */
  if (size < 14)
    return -EINVAL;
  switch (sv_slirp_guard_judge (&self->guard, self->sent, size))
    {
    case SV_SLIRP_PASS:
      slirp_input (self->slirp, self->sent, (int) size);
      break;
    case SV_SLIRP_REFUSE:
      on_send_packet (answer, sv_slirp_guard_refuse (self->sent, size, answer), self);
      break;
    case SV_SLIRP_DROP:
    default:
      break;
    }
  return (gssize) size;
}

/* Prepared anew before each poll; writing never waits. */
static void
slirp_queue_watch (SvNetQueue *base)
{
}

static void
slirp_queue_free (SvNetQueue *base)
{
  SlirpQueue *queue = queue_of (base);

  remove_polls_from (queue->slirp, 0);
  queue->slirp->queue = NULL;
  queue->slirp->n_frames = 0;
  g_source_destroy (&queue->source);
  g_source_unref (&queue->source);
}

static const SvNetQueueOps slirp_queue_ops = {
  .read = slirp_queue_read,
  .write = slirp_queue_write,
  .watch = slirp_queue_watch,
  .free = slirp_queue_free,
};

SvNetQueue *
sv_slirp_create_queue (SvSlirp *self, GMainContext *context)
{
  GSource *source = g_source_new (&slirp_queue_source_funcs, sizeof (SlirpQueue));

  g_return_val_if_fail (self->queue == NULL, NULL);

  self->queue = (SlirpQueue *) source;
  self->queue->base.ops = &slirp_queue_ops;
  self->queue->slirp = self;
  g_source_set_static_name (source, "user mode network");
  g_source_set_can_recurse (source, TRUE);
  g_source_attach (source, context);
  return &self->queue->base;
}

/* --- set-up --- */

SvSlirp *
sv_slirp_new (const SlirpConfig *config, const char *name)
{
  SvSlirp *self = g_new0 (SvSlirp, 1);

  self->name = g_strdup (name);
  self->timers = g_ptr_array_new ();
  self->polls = g_ptr_array_new_with_free_func (g_free);
  self->sent = g_malloc (MAX_SENT);
  /* Pages that are never used cost nothing. */
  self->frames = mmap (NULL, N_FRAMES * FRAME_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (self->frames == MAP_FAILED)
    self->frames = NULL;
  else
    self->slirp = slirp_new (config, &callbacks, self);
  if (self->slirp == NULL)
    g_clear_pointer (&self, sv_slirp_free);
  return self;
}

void
sv_slirp_free (SvSlirp *self)
{
  if (self->slirp != NULL)
    slirp_cleanup (self->slirp);
  if (self->frames != NULL)
    munmap (self->frames, N_FRAMES * FRAME_SIZE);
  g_ptr_array_unref (self->polls);
  g_ptr_array_unref (self->timers);
  g_free (self->sent);
  g_free (self->name);
  g_free (self);
}

Slirp *
sv_slirp_get (SvSlirp *self)
{
  return self->slirp;
}
