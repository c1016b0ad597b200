/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cost.h"

#include <liburing.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "qom/sv-api.h"
#include "src/runtime/sv-io-ring.h"
#include "src/runtime/sv-vm-lock.h"

#define N_WARM_UP 128
/* One at a time they take their time. */
#define N_STEPPED 64

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

static gboolean counting;
static guint n_allocations;

#ifndef SANITIZED
/* Every allocation of the program comes by here; glibc's own names do the work. */
extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *old, size_t size);

SV_API void *
malloc (size_t size)
{
  n_allocations += counting;
  return __libc_malloc (size);
}

SV_API void *
calloc (size_t n, size_t size)
{
  n_allocations += counting;
  return __libc_calloc (n, size);
}

SV_API void *
realloc (void *old, size_t size)
{
  n_allocations += counting;
  return __libc_realloc (old, size);
}
#endif

void
cost_test_counter (void)
{
#ifndef SANITIZED
  counting = TRUE;
  g_free (g_strdup ("counted"));
  counting = FALSE;
  g_assert_cmpuint (n_allocations, ==, 1);
  n_allocations = 0;
#endif
}

/* The child: getppid() marks the part that counts. The exit status is the number of allocations. */
static void
run_traced (const CostFuncs *funcs, gpointer data, guint n)
{
  funcs->set_up (data);
  funcs->run (data, N_WARM_UP);
  ptrace (PTRACE_TRACEME, 0, NULL, NULL);
  raise (SIGSTOP);
  syscall (SYS_getppid);
  counting = TRUE;
  funcs->run (data, n);
  counting = FALSE;
  syscall (SYS_getppid);
  if (funcs->tear_down != NULL)
    funcs->tear_down (data);
  _exit (MIN (n_allocations, 100));
}

/* The child: SIGUSR1 stops it before and behind the part that counts. */
static void
run_stepped (const CostFuncs *funcs, gpointer data)
{
  funcs->set_up (data);
  funcs->run (data, N_WARM_UP);
  ptrace (PTRACE_TRACEME, 0, NULL, NULL);
  raise (SIGUSR1);
  funcs->run (data, N_STEPPED);
  raise (SIGUSR1);
  if (funcs->tear_down != NULL)
    funcs->tear_down (data);
  _exit (0);
}

/* Instructions of this process, those of the test's driver included. */
static double
count_instructions (const CostFuncs *funcs, gpointer data)
{
  guint64 n = 0;
  pid_t pid = fork ();
  int status;

  if (pid == 0)
    run_stepped (funcs, data);

  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  do
    {
      g_assert_true (WIFSTOPPED (status));
      g_assert_cmpint (ptrace (PTRACE_SINGLESTEP, pid, NULL, NULL), ==, 0);
      g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
      n++;
    }
  while (WSTOPSIG (status) == SIGTRAP);
  g_assert_cmpint (ptrace (PTRACE_CONT, pid, NULL, NULL), ==, 0);
  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFEXITED (status));
  return (double)n / N_STEPPED;
}

Cost
cost_measure (const char *what, const CostFuncs *funcs, gpointer data, guint n)
{
  gboolean marked = FALSE;
  Cost cost = { 0 };
  pid_t pid = fork ();
  int status;

  if (pid == 0)
    run_traced (funcs, data, n);

  g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
  g_assert_true (WIFSTOPPED (status));
  ptrace (PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
  for (;;)
    {
      struct __ptrace_syscall_info info;

      g_assert_cmpint (ptrace (PTRACE_SYSCALL, pid, NULL, NULL), ==, 0);
      g_assert_cmpint (waitpid (pid, &status, 0), ==, pid);
      if (!WIFSTOPPED (status))
        break;
      if (WSTOPSIG (status) != (SIGTRAP | 0x80))
        continue;
      g_assert_cmpint (ptrace (PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info), >, 0);
      if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
        continue;
      if (info.entry.nr == SYS_getppid)
        marked = !marked;
      else if (marked && info.entry.nr != SYS_sendto)
        cost.calls++;
    }
  g_assert_true (WIFEXITED (status));
  cost.calls /= n;
  cost.n_allocations = WEXITSTATUS (status);
  g_test_message ("%s: %.3f system calls; %u allocations in all", what, cost.calls, cost.n_allocations);
  if (g_test_perf ())
    g_test_message ("%s: %.0f instructions", what, count_instructions (funcs, data));
  return cost;
}

typedef struct
{
  SvIoRingOp op;
  GMainLoop *loop;
  gboolean (*func) (gpointer data);
  gpointer data;
  gboolean ended;
} Driver;

static void
on_irq (SvIoRingOp *op, int result, gboolean more)
{
  Driver *self = (Driver *)op;

  if (!self->ended && !self->func (self->data))
    g_main_loop_quit (self->loop);
  self->ended |= !more;
}

void
cost_run_loop (int irq_fd, gboolean (*on_interrupt) (gpointer data), gpointer data)
{
  static Driver driver;
  static SvIoRing *ring;

  /* The driver listens from the first run on. */
  if (driver.loop == NULL)
    {
      ring = sv_io_ring_get (NULL);
      g_assert_nonnull (ring);
      driver = (Driver){ { on_irq }, g_main_loop_new (NULL, FALSE), on_interrupt, data, FALSE };
      io_uring_prep_poll_multishot (sv_io_ring_prepare (ring, &driver.op), irq_fd, G_IO_IN);
    }
  sv_vm_lock_run (driver.loop);
  g_assert_false (driver.ended);
}
