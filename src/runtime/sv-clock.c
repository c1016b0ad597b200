/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-clock.h"

#include <time.h>

#include "src/runtime/sv-iothread.h"

#define NS_PER_US 1000
#define NS_PER_S G_GINT64_CONSTANT (1000000000)

struct _SvTimer
{
  GSource source;

  SvTimerFunc func;
  gpointer opaque;
  gint64 deadline; /* while the clock is controlled; under the lock */
};

/* The clock while it is controlled. @timers and deadlines are under the lock. */
static GMutex lock;
static GPtrArray *timers; /* SvTimer that wait; NULL: the clock is the host's */
static gint controlled;
static gint64 now;
static gint64 real_base_us;

static gint64
get_host_ns (void)
{
  struct timespec time;

  clock_gettime (CLOCK_MONOTONIC, &time);
  return (gint64)time.tv_sec * NS_PER_S + time.tv_nsec;
}

/**
 * sv_clock_get_ns:
 *
 * Returns: the time since some moment, in nanoseconds; it never goes back
 */
gint64
sv_clock_get_ns (void)
{
  if (g_atomic_int_get (&controlled))
    return __atomic_load_n (&now, __ATOMIC_ACQUIRE);
  return get_host_ns ();
}

/**
 * sv_clock_get_real_us:
 *
 * Returns: the time of day, in microseconds since 1970, UTC
 */
gint64
sv_clock_get_real_us (void)
{
  if (g_atomic_int_get (&controlled))
    return real_base_us + __atomic_load_n (&now, __ATOMIC_ACQUIRE) / NS_PER_US;
  return g_get_real_time ();
}

/* --- timers --- */

static gboolean
timer_dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  SvTimer *self = (SvTimer *)source;

  g_source_set_ready_time (source, -1);
  self->func (self->opaque);
  return G_SOURCE_CONTINUE;
}

static GSourceFuncs timer_funcs = { .dispatch = timer_dispatch };

static gboolean
timer_nothing (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

/**
 * sv_timer_new: (skip)
 * @name: for those who debug; static
 * @context: (nullable): where @func runs; %NULL for the default context
 * @func: what to call
 * @opaque: passed to @func
 *
 * Returns: (transfer full): a timer that is not set
 */
SvTimer *
sv_timer_new (const char *name, GMainContext *context, SvTimerFunc func, gpointer opaque)
{
  SvTimer *self = (SvTimer *)g_source_new (&timer_funcs, sizeof (SvTimer));

  self->func = func;
  self->opaque = opaque;
  g_source_set_static_name (&self->source, name);
  g_source_set_callback (&self->source, timer_nothing, NULL, NULL);
  g_source_attach (&self->source, context);
  return self;
}

static gboolean
set_controlled (SvTimer *self, gint64 deadline_ns)
{
  gboolean done = FALSE;

  g_mutex_lock (&lock);
  if (timers != NULL)
    {
      g_ptr_array_remove_fast (timers, self);
      self->deadline = deadline_ns;
      /* What is due runs by itself. */
      done = deadline_ns > now;
      if (done)
        g_ptr_array_add (timers, g_source_ref (&self->source));
    }
  g_mutex_unlock (&lock);
  return done;
}

/**
 * sv_timer_set: (skip)
 * @self: a timer
 * @deadline_ns: the time of sv_clock_get_ns() to call at; negative: none
 *
 * Replaces what was set before. The timer goes off once.
 */
void
sv_timer_set (SvTimer *self, gint64 deadline_ns)
{
  gboolean controls = g_atomic_int_get (&controlled) && set_controlled (self, deadline_ns);

  if (controls || deadline_ns < 0)
    g_source_set_ready_time (&self->source, -1);
  else if (g_atomic_int_get (&controlled))
    g_source_set_ready_time (&self->source, 0);
  else
    g_source_set_ready_time (&self->source, (deadline_ns + NS_PER_US - 1) / NS_PER_US);
}

/**
 * sv_timer_free: (skip)
 * @self: (transfer full): a timer, in its context or while that does not run
 */
void
sv_timer_free (SvTimer *self)
{
  if (g_atomic_int_get (&controlled))
    set_controlled (self, -1);
  g_source_destroy (&self->source);
  g_source_unref (&self->source);
}

/* --- control --- */

/**
 * sv_clock_take_control: (skip)
 *
 * Stops the clock, at 0. Timers that are set already stay with the host's clock until they are set again.
 */
void
sv_clock_take_control (void)
{
  g_mutex_lock (&lock);
  if (timers == NULL)
    {
      timers = g_ptr_array_new_with_free_func ((GDestroyNotify)g_source_unref);
      __atomic_store_n (&now, 0, __ATOMIC_RELEASE);
      real_base_us = g_get_real_time ();
      g_atomic_int_set (&controlled, TRUE);
    }
  g_mutex_unlock (&lock);
}

/**
 * sv_clock_release: (skip)
 *
 * The reverse of sv_clock_take_control(); timers that wait are forgotten.
 */
void
sv_clock_release (void)
{
  g_mutex_lock (&lock);
  g_atomic_int_set (&controlled, FALSE);
  g_clear_pointer (&timers, g_ptr_array_unref);
  g_mutex_unlock (&lock);
}

/* The timer that is due first, not after @limit. (transfer full) */
static SvTimer *
take_first (gint64 limit)
{
  SvTimer *first = NULL;

  g_mutex_lock (&lock);
  for (guint i = 0; timers != NULL && i < timers->len; i++)
    {
      SvTimer *timer = g_ptr_array_index (timers, i);

      if (timer->deadline <= limit && (first == NULL || timer->deadline < first->deadline))
        first = timer;
    }
  if (first != NULL)
    {
      g_source_ref (&first->source);
      g_ptr_array_remove_fast (timers, first);
      __atomic_store_n (&now, MAX (now, first->deadline), __ATOMIC_RELEASE);
    }
  g_mutex_unlock (&lock);
  return first;
}

/**
 * sv_clock_get_next_deadline: (skip)
 *
 * Returns: when the next timer is due; -1: there is none
 */
gint64
sv_clock_get_next_deadline (void)
{
  gint64 next = -1;

  g_mutex_lock (&lock);
  for (guint i = 0; timers != NULL && i < timers->len; i++)
    {
      SvTimer *timer = g_ptr_array_index (timers, i);

      if (next < 0 || timer->deadline < next)
        next = timer->deadline;
    }
  g_mutex_unlock (&lock);
  return next;
}

static void
run_timer (gpointer data)
{
  SvTimer *self = data;

  if (!g_source_is_destroyed (&self->source))
    self->func (self->opaque);
}

/**
 * sv_clock_advance: (skip)
 * @target_ns: the time to go to
 *
 * Moves the clock from deadline to deadline and runs each timer in its context, with the clock at its deadline.
 */
void
sv_clock_advance (gint64 target_ns)
{
  SvTimer *timer;

  while ((timer = take_first (target_ns)) != NULL)
    {
      sv_context_run_sync (g_source_get_context (&timer->source), run_timer, timer);
      g_source_unref (&timer->source);
    }
  g_mutex_lock (&lock);
  if (timers != NULL)
    __atomic_store_n (&now, MAX (now, target_ns), __ATOMIC_RELEASE);
  g_mutex_unlock (&lock);
}
