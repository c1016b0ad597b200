/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a disk request costs: system calls, counted by a tracer, and allocations, of which there are
 * none. */

#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/blk-driver.h"

#define N_REQUESTS 640

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

/* That allocations by other libraries are seen at all. */
static void
test_counter (void)
{
#ifndef SANITIZED
  counting = TRUE;
  g_free (g_strdup ("counted"));
  counting = FALSE;
  g_assert_cmpuint (n_allocations, ==, 1);
  n_allocations = 0;
#endif
}

static void
run_requests (BlkDriver *driver, guint depth, guint32 type, guint n)
{
  TestRing *ring = &driver->rings[0];

  for (guint done = 0; done < n; done += depth)
    {
      guint16 end = ring->used_seen + depth;
      guint32 id, length;

      test_ring_set_used_event (ring, end - 1);
      for (guint i = 0; i < depth; i++)
        blk_driver_add (driver, 0, type, (done + i) % 128 * 8, BLK_DATA + i * 4096, 4096);
      blk_driver_kick (driver, 0);
      while (test_ring_used_idx (ring) != end)
        g_main_context_iteration (NULL, TRUE);
      while (test_ring_take (ring, &id, &length))
        g_assert_cmpuint (blk_driver_get_status (driver, 0, id), ==, VIRTIO_BLK_S_OK);
    }
}

/* The child: getppid() marks the part that counts. The exit status is the number of allocations. */
static void
run_traced (const char *node, guint depth)
{
  BlkDriver driver;

  blk_driver_init (&driver, &(BlkDriverOptions){ .node = node, .irqfd = TRUE });
  run_requests (&driver, depth, VIRTIO_BLK_T_OUT, 128);
  run_requests (&driver, depth, VIRTIO_BLK_T_IN, 128);
  ptrace (PTRACE_TRACEME, 0, NULL, NULL);
  raise (SIGSTOP);
  syscall (SYS_getppid);
  counting = TRUE;
  run_requests (&driver, depth, VIRTIO_BLK_T_IN, N_REQUESTS);
  counting = FALSE;
  syscall (SYS_getppid);
  unlink (driver.path);
  _exit (MIN (n_allocations, 100));
}

typedef struct
{
  double all;
  double enter;
  double poll;
  int status;
} Cost;

static Cost
measure (const char *node, guint depth)
{
  gboolean marked = FALSE;
  Cost cost = { 0 };
  pid_t pid = fork ();
  int status;

  if (pid == 0)
    run_traced (node, depth);

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
        {
          marked = !marked;
        }
      else if (marked)
        {
          cost.all++;
          cost.enter += info.entry.nr == SYS_io_uring_enter;
#ifdef SYS_poll
          cost.poll += info.entry.nr == SYS_poll;
#endif
          cost.poll += info.entry.nr == SYS_ppoll;
        }
    }
  g_assert_true (WIFEXITED (status));
  cost.all /= N_REQUESTS;
  cost.enter /= N_REQUESTS;
  cost.poll /= N_REQUESTS;
  cost.status = WEXITSTATUS (status);
  g_test_message ("%s depth %u: %.3f system calls per request, of these io_uring_enter %.3f, poll "
                  "%.3f; %d allocations",
                  node, depth, cost.all, cost.enter, cost.poll, cost.status);
  return cost;
}

/* All the device's system calls: poll, read the kick, submit, poll again (restarted by the kernel
 * when the disk is done) if the disk is slow, interrupt. The driver's kick, which is an exit in a
 * guest, is one more here. */
static void
test_depth_1 (gconstpointer node)
{
  Cost cost = measure (node, 1);

  g_assert_cmpfloat (cost.enter + cost.poll, <=, 3.1);
  g_assert_cmpfloat (cost.enter, <=, 1.01);
  g_assert_cmpfloat (cost.all, <=, 7.1);
  g_assert_cmpint (cost.status, ==, 0);
}

static void
test_depth_32 (gconstpointer node)
{
  Cost cost = measure (node, 32);

  g_assert_cmpfloat (cost.enter, <=, 1.01 / 32);
  g_assert_cmpint (cost.status, ==, 0);
}

/* From the page cache: all of a batch is done when it was submitted. */
static void
test_cached (void)
{
  Cost cost = measure ("{}", 1);

  g_assert_cmpfloat (cost.enter + cost.poll, <=, 2.1);
  cost = measure ("{}", 32);
  g_assert_cmpfloat (cost.enter + cost.poll, <=, 0.1);
  g_assert_cmpfloat (cost.all, <=, 6.0 / 32);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/virtio/blk/cost/counter", test_counter);
  g_test_add_data_func ("/virtio/blk/cost/depth-1/cached", "{}", test_depth_1);
  g_test_add_data_func ("/virtio/blk/cost/depth-1/direct", "{'cache.direct': true}", test_depth_1);
  g_test_add_data_func ("/virtio/blk/cost/depth-32/cached", "{}", test_depth_32);
  g_test_add_data_func ("/virtio/blk/cost/depth-32/direct", "{'cache.direct': true}",
                        test_depth_32);
  g_test_add_func ("/virtio/blk/cost/cached", test_cached);
  return g_test_run ();
}
