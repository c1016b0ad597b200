/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-vm-lock.h"

#include "src/runtime/sv-io-ring.h"
#include "src/runtime/sv-tsan.h"

/*
 * A futex mutex lets a thread that unlocks and locks again overtake those it just woke up: a busy main
 * loop would starve the vCPUs, or the other way round. So whoever finds the lock taken, or others
 * waiting, goes through @next first; who holds that is the next owner of @mutex, overtaken by nobody.
 */
static GMutex mutex;
static GMutex next;
static guint n_waiting;

static _Thread_local gboolean mine;
/* A main loop runs in this thread until it is told to quit. */
static _Thread_local gboolean running;

static void
acquired (void)
{
  sv_tsan_acquire (&mutex);
  mine = TRUE;
}

static void
releasing (void)
{
  mine = FALSE;
  sv_tsan_release (&mutex);
}

/**
 * sv_vm_lock:
 *
 * Takes the VM lock, waiting for it as long as needed. It is not recursive: taking it twice in one
 * thread ends the process, since going on would let the guest see half-done changes.
 */
void
sv_vm_lock (void)
{
  g_assert (!mine);

  if (__atomic_load_n (&n_waiting, __ATOMIC_RELAXED) != 0 || !g_mutex_trylock (&mutex))
    {
      __atomic_fetch_add (&n_waiting, 1, __ATOMIC_RELAXED);
      g_mutex_lock (&next);
      g_mutex_lock (&mutex);
      g_mutex_unlock (&next);
      __atomic_fetch_sub (&n_waiting, 1, __ATOMIC_RELAXED);
    }
  acquired ();
}

/**
 * sv_vm_unlock:
 *
 * Gives the VM lock back; only the thread that holds it may.
 */
void
sv_vm_unlock (void)
{
  g_assert (mine);

  releasing ();
  g_mutex_unlock (&mutex);
}

/**
 * sv_vm_lock_is_mine:
 *
 * Returns: whether the calling thread holds the VM lock
 */
gboolean
sv_vm_lock_is_mine (void)
{
  return mine;
}

/**
 * sv_vm_lock_wait:
 * @cond: a condition that is signalled under the VM lock
 *
 * Drops the VM lock, waits until @cond is signalled (or for no reason, as with g_cond_wait()) and
 * takes the lock again.
 */
void
sv_vm_lock_wait (GCond *cond)
{
  g_assert (mine);

  releasing ();
  g_cond_wait (cond, &mutex);
  acquired ();
}

static gint
poll_unlocked (GPollFD *fds, guint n_fds, gint timeout)
{
  return sv_io_ring_poll (NULL, fds, n_fds, timeout, running);
}

/**
 * sv_vm_lock_run:
 * @loop: a loop of the default context, to which the VM lock is attached
 *
 * Runs @loop as g_main_loop_run() does. All else that polls the context returns after each thing that was done;
 * this goes on polling when that was on the data path of a device.
 */
void
sv_vm_lock_run (GMainLoop *loop)
{
  running = TRUE;
  g_main_loop_run (loop);
  running = FALSE;
}

/**
 * sv_vm_lock_attach:
 * @context: (nullable): a main context, %NULL for the default one
 *
 * Makes @context drop the VM lock while it polls, when the polling thread holds it.
 */
void
sv_vm_lock_attach (GMainContext *context)
{
  g_main_context_set_poll_func (context, poll_unlocked);
}

/**
 * sv_vm_lock_is_attached:
 * @context: (nullable): a main context, %NULL for the default one
 *
 * Returns: whether the sources of @context run under the VM lock
 */
gboolean
sv_vm_lock_is_attached (GMainContext *context)
{
  return g_main_context_get_poll_func (context) == poll_unlocked;
}
