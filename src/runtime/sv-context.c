/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-iothread.h"
#include "src/runtime/sv-tsan.h"
#include "src/runtime/sv-vm-lock.h"

/* How often a waiting thread looks whether the context is run at all */
#define ABANDONED_US (100 * 1000)

typedef struct
{
  SvContextFunc func;
  gpointer data;
  GMutex mutex;
  GCond cond;
  gboolean done; /* atomic for ThreadSanitizer, which does not see the mutex */
} Call;

static gboolean
run_call (gpointer user_data)
{
  Call *call = user_data;

  sv_tsan_acquire (call);
  call->func (call->data);

  g_mutex_lock (&call->mutex);
  __atomic_store_n (&call->done, TRUE, __ATOMIC_RELEASE);
  g_cond_signal (&call->cond);
  g_mutex_unlock (&call->mutex);
  return G_SOURCE_REMOVE;
}

/**
 * sv_context_run_sync:
 * @context: (nullable): a main context, %NULL for the default one
 * @func: (scope call): what to run
 * @data: passed to @func
 *
 * Runs @func so that no source of @context runs at the same time, and waits until it is done.
 *
 * Where another thread runs @context, @func is called there; the VM lock, when held, stays held
 * meanwhile, so what runs in an iothread must not take it. @func is called right here when this
 * thread runs @context, when nobody does, and when @context is attached to the VM lock and this
 * thread holds that: its sources cannot run before the lock is dropped.
 */
void
sv_context_run_sync (GMainContext *context, SvContextFunc func, gpointer data)
{
  Call call = { .func = func, .data = data };
  g_autoptr (GSource) source = NULL;

  g_return_if_fail (func != NULL);

  if (context == NULL)
    context = g_main_context_default ();

  if (sv_vm_lock_is_mine () && sv_vm_lock_is_attached (context))
    {
      func (data);
      return;
    }
  if (g_main_context_acquire (context))
    {
      func (data);
      g_main_context_release (context);
      return;
    }

  g_mutex_init (&call.mutex);
  g_cond_init (&call.cond);
  source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_HIGH);
  g_source_set_callback (source, run_call, &call, NULL);
  sv_tsan_release (&call);
  g_source_attach (source, context);

  g_mutex_lock (&call.mutex);
  while (!__atomic_load_n (&call.done, __ATOMIC_ACQUIRE))
    {
      if (g_cond_wait_until (&call.cond, &call.mutex, g_get_monotonic_time () + ABANDONED_US))
        continue;
      /* The thread that ran the context may have ended before it got to the source. */
      if (!__atomic_load_n (&call.done, __ATOMIC_ACQUIRE) && g_main_context_acquire (context))
        {
          g_source_destroy (source);
          func (data);
          g_main_context_release (context);
          break;
        }
    }
  g_mutex_unlock (&call.mutex);
  g_mutex_clear (&call.mutex);
  g_cond_clear (&call.cond);
}
