/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/memory/sv-dirty-log.h"

#include "memory-fixture.h"
#include "src/runtime/sv-vm-lock.h"

#define PAGE 4096u
#define N_PAGES 256u
#define N_TURNS 200

/* A VM that moves */
typedef struct
{
  GPtrArray *backends;
  SvDirtyLog *log;
} Vm;

static Vm
new_vm (void)
{
  Vm vm = { .backends = g_ptr_array_new_with_free_func (g_object_unref) };

  g_ptr_array_add (vm.backends, memory_backend (N_PAGES * PAGE));
  vm.log = sv_dirty_log_start (vm.backends);
  return vm;
}

static void
free_vm (Vm *vm)
{
  g_clear_pointer (&vm->log, sv_dirty_log_free);
  g_ptr_array_unref (vm->backends);
}

static guint8 *
get_page (const Vm *vm, guint page)
{
  return sv_memory_backend_get_host (vm->backends->pdata[0]) + (gsize)page * PAGE;
}

static guint
send_all (const Vm *vm)
{
  guint64 page = 0;
  guint n = 0;

  for (; sv_dirty_log_take (vm->log, 0, &page); page++)
    n++;
  return n;
}

/* What devices wrote is counted at once, and sent when they rest. */
static void
test_written (void)
{
  Vm vm = new_vm ();
  guint64 page = 0;

  g_assert_cmpuint (sv_dirty_log_count (vm.log), ==, N_PAGES);
  g_assert_cmpuint (send_all (&vm), ==, N_PAGES);
  SV_DIRTY_LOG_WRITE (get_page (&vm, 7) + PAGE - 1, 2);
  SV_DIRTY_LOG_WRITE (get_page (&vm, 7), 0);
  g_assert_cmpuint (sv_dirty_log_count (vm.log), ==, 2);
  g_assert_cmpuint (sv_dirty_log_count_written (vm.log), ==, 2);
  g_assert_cmpuint (send_all (&vm), ==, 0);
  sv_dirty_log_collect (vm.log);
  g_assert_cmpuint (sv_dirty_log_count (vm.log), ==, 2);
  g_assert_cmpuint (sv_dirty_log_count_written (vm.log), ==, 0);
  g_assert_true (sv_dirty_log_take (vm.log, 0, &page));
  g_assert_cmpuint (page, ==, 7);
  g_assert_cmpuint (send_all (&vm), ==, 1);
  sv_dirty_log_collect (vm.log);
  g_assert_cmpuint (sv_dirty_log_count (vm.log), ==, 0);
  free_vm (&vm);
  g_assert_false (sv_dirty_log_active);
}

/* Two VMs of one process move at the same time; the log of one is none of the other's, nor does its end end it. */
static void
test_two_vms (void)
{
  const gulong bitmap[] = { 1ul << 3 };
  Vm a = new_vm ();
  Vm b = new_vm ();

  g_assert_cmpuint (send_all (&a), ==, N_PAGES);
  g_assert_cmpuint (sv_dirty_log_count (b.log), ==, N_PAGES);
  g_assert_cmpuint (send_all (&b), ==, N_PAGES);
  SV_DIRTY_LOG_WRITE (get_page (&a, 1), 1);
  sv_dirty_log_merge (get_page (&b, 0), bitmap, 64);
  g_assert_cmpuint (sv_dirty_log_count (a.log), ==, 1);
  g_assert_cmpuint (send_all (&b), ==, 1);
  free_vm (&b);
  SV_DIRTY_LOG_WRITE (get_page (&a, 2), 1);
  g_assert_cmpuint (sv_dirty_log_count (a.log), ==, 2);
  free_vm (&a);
}

static gint done;

static gpointer
write_pages (gpointer data)
{
  while (!g_atomic_int_get (&done))
    for (guint page = 0; page < N_PAGES; page++)
      SV_DIRTY_LOG_WRITE (get_page (data, page), 1);
  return NULL;
}

/* The devices of one VM write while logs of others begin and end. */
static void
test_race (void)
{
  Vm a = new_vm ();
  GThread *writer = g_thread_new ("writer", write_pages, &a);

  for (guint i = 0; i < N_TURNS; i++)
    {
      Vm b = new_vm ();

      g_assert_cmpuint (send_all (&b), ==, N_PAGES);
      free_vm (&b);
    }
  g_atomic_int_set (&done, TRUE);
  g_thread_join (writer);
  free_vm (&a);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  sv_vm_lock ();
  g_test_add_func ("/memory/dirty-log/written", test_written);
  g_test_add_func ("/memory/dirty-log/two-vms", test_two_vms);
  g_test_add_func ("/memory/dirty-log/race", test_race);
  return g_test_run ();
}
