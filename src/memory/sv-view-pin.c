/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/memory/sv-view-pin.h"

#include <pthread.h>

/*
 * A thread announces in a pin which view it is about to use, then looks whether that is still the
 * published one. A writer first publishes the new view, then looks at all pins. All four steps are
 * sequentially consistent, so one of the two always sees the other: either the reader tries again,
 * or the writer leaves the view alone.
 *
 * A thread that enters again after a change gets the new view and keeps the older ones pinned until
 * it has left as often as it entered: requests in flight may leave in any order.
 */
#define N_PINS 4

/* What one thread pins of one address space; never freed, used again by other threads. */
typedef struct _Record Record;
struct _Record
{
  /* Written by the thread, read by writers */
  SvFlatView *pins[N_PINS];
  /* The thread's own */
  SvFlatView **current; /* the space */
  guint depth;
  guint n_pins;
  Record *next_of_thread;
  /* Under the mutex */
  Record *next;
  gboolean taken;
} __attribute__ ((aligned (64)));

/* pthread's: ThreadSanitizer does not know GLib's */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static Record *records;
static GPtrArray *retired;
static gboolean reap_scheduled;

static _Thread_local Record *thread_records;

static void
give_records_back (gpointer data)
{
  Record *record = data;

  pthread_mutex_lock (&mutex);
  while (record != NULL)
    {
      Record *next = record->next_of_thread;

      for (guint i = 0; i < N_PINS; i++)
        __atomic_store_n (&record->pins[i], NULL, __ATOMIC_RELEASE);
      record->n_pins = 0;
      record->depth = 0;
      record->current = NULL;
      record->next_of_thread = NULL;
      record->taken = FALSE;
      record = next;
    }
  pthread_mutex_unlock (&mutex);
  thread_records = NULL;
}

static GPrivate thread_end = G_PRIVATE_INIT (give_records_back);

static Record *
add_record (void)
{
  Record *record;

  pthread_mutex_lock (&mutex);
  for (record = records; record != NULL && record->taken; record = record->next)
    ;
  if (record == NULL)
    {
      record = g_aligned_alloc0 (1, sizeof *record, 64);
      record->next = records;
      records = record;
    }
  record->taken = TRUE;
  pthread_mutex_unlock (&mutex);

  record->next_of_thread = thread_records;
  thread_records = record;
  g_private_set (&thread_end, record);
  return record;
}

static inline Record *
find_record (SvFlatView **current)
{
  Record *record;

  for (record = thread_records; record != NULL; record = record->next_of_thread)
    {
      if (record->depth > 0 && record->current == current)
        return record;
    }
  return NULL;
}

static inline Record *
take_record (SvFlatView **current)
{
  Record *record;

  for (record = thread_records; record != NULL && record->depth > 0;
       record = record->next_of_thread)
    ;
  if (record == NULL)
    record = add_record ();
  record->current = current;
  return record;
}

guint
sv_view_reap (void)
{
  g_autoptr (GPtrArray) unpinned
      = g_ptr_array_new_with_free_func ((GDestroyNotify)sv_flat_view_free);
  guint n_left;

  pthread_mutex_lock (&mutex);
  for (guint i = retired != NULL ? retired->len : 0; i > 0; i--)
    {
      SvFlatView *view = g_ptr_array_index (retired, i - 1);
      gboolean pinned = FALSE;

      for (Record *record = records; record != NULL && !pinned; record = record->next)
        {
          for (guint j = 0; j < N_PINS; j++)
            pinned |= __atomic_load_n (&record->pins[j], __ATOMIC_SEQ_CST) == view;
        }
      if (!pinned)
        g_ptr_array_add (unpinned, g_ptr_array_remove_index_fast (retired, i - 1));
    }
  n_left = retired != NULL ? retired->len : 0;
  pthread_mutex_unlock (&mutex);
  return n_left;
}

static gboolean
reap_in_main_loop (gpointer user_data)
{
  __atomic_store_n (&reap_scheduled, FALSE, __ATOMIC_RELEASE);
  sv_view_reap ();
  return G_SOURCE_REMOVE;
}

/* A view went out of date while it was pinned. The main loop frees it: readers run no finalizers.
 */
static void
schedule_reap (void)
{
  if (!__atomic_exchange_n (&reap_scheduled, TRUE, __ATOMIC_ACQ_REL))
    g_idle_add (reap_in_main_loop, NULL);
}

const SvFlatView *
sv_view_pin_enter (SvFlatView **current)
{
  Record *record = find_record (current);
  SvFlatView *view = __atomic_load_n (current, __ATOMIC_ACQUIRE);

  if (record == NULL)
    record = take_record (current);
  else if (record->pins[record->n_pins - 1] == view || record->n_pins == N_PINS)
    {
      record->depth++;
      return record->pins[record->n_pins - 1];
    }

  for (;;)
    {
      SvFlatView *seen;

      /* An exchange rather than a store and a fence, which ThreadSanitizer does not know */
      (void)__atomic_exchange_n (&record->pins[record->n_pins], view, __ATOMIC_SEQ_CST);
      seen = __atomic_load_n (current, __ATOMIC_SEQ_CST);
      if (seen == view)
        break;
      view = seen;
      schedule_reap ();
    }
  record->n_pins++;
  record->depth++;
  return view;
}

void
sv_view_pin_leave (SvFlatView **current)
{
  Record *record = find_record (current);
  const SvFlatView *oldest;

  g_return_if_fail (record != NULL);

  if (--record->depth > 0)
    return;
  oldest = record->pins[0];
  while (record->n_pins > 0)
    __atomic_store_n (&record->pins[--record->n_pins], NULL, __ATOMIC_RELEASE);
  if (G_UNLIKELY (oldest != __atomic_load_n (current, __ATOMIC_RELAXED)))
    schedule_reap ();
}

void
sv_view_retire (SvFlatView *view)
{
  pthread_mutex_lock (&mutex);
  if (retired == NULL)
    retired = g_ptr_array_new ();
  g_ptr_array_add (retired, view);
  pthread_mutex_unlock (&mutex);
  sv_view_reap ();
}
