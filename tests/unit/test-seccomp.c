/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <linux/fs.h>
#include <linux/kvm.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "src/chardev/sv-terminal.h"
#include "src/runtime/sv-seccomp.h"

#define TIMEOUT_MS 20000

/* AddressSanitizer's own alternative stacks are no business of the program's lists. */
SV_API const char *__asan_default_options (void);
const char *
__asan_default_options (void)
{
  return "use_sigaltstack=0";
}

/* How a child process ended, and what it wrote on standard error */
typedef struct
{
  int status;
  char text[1024];
} Outcome;

typedef struct
{
  const char *path;
  SvThreadKind kind;
  long number;
  long arguments[3];
} Forbidden;

static const Forbidden forbidden[] = {
  { "/seccomp/main/execve", SV_THREAD_MAIN, SYS_execve, { 0 } },
  { "/seccomp/main/ptrace", SV_THREAD_MAIN, SYS_ptrace, { 0 } },
  { "/seccomp/main/getppid", SV_THREAD_MAIN, SYS_getppid, { 0 } },
  { "/seccomp/main/ioctl", SV_THREAD_MAIN, SYS_ioctl, { -1, FIOCLEX } },
  { "/seccomp/main/fork", SV_THREAD_MAIN, SYS_clone, { SIGCHLD } },
  { "/seccomp/main/fcntl", SV_THREAD_MAIN, SYS_fcntl, { -1, F_SETOWN } },
  { "/seccomp/iothread/openat", SV_THREAD_IOTHREAD, SYS_openat, { -1, 0, O_RDONLY } },
  { "/seccomp/iothread/socket", SV_THREAD_IOTHREAD, SYS_socket, { AF_UNIX, SOCK_STREAM } },
  { "/seccomp/iothread/sendto", SV_THREAD_IOTHREAD, SYS_sendto, { -1 } },
  { "/seccomp/iothread/ioctl", SV_THREAD_IOTHREAD, SYS_ioctl, { -1, KVM_RUN } },
  { "/seccomp/vcpu/openat", SV_THREAD_VCPU, SYS_openat, { -1, 0, O_RDONLY } },
  { "/seccomp/vcpu/socket", SV_THREAD_VCPU, SYS_socket, { AF_UNIX, SOCK_STREAM } },
  { "/seccomp/vcpu/fork", SV_THREAD_VCPU, SYS_clone, { SIGCHLD } },
  { "/seccomp/vcpu/ioctl", SV_THREAD_VCPU, SYS_ioctl, { -1, KVM_CREATE_VM } },
  { "/seccomp/migration/socket", SV_THREAD_MIGRATION, SYS_socket, { AF_UNIX, SOCK_STREAM } },
  { "/seccomp/migration/execve", SV_THREAD_MIGRATION, SYS_execve, { 0 } },
  { "/seccomp/migration/ioctl", SV_THREAD_MIGRATION, SYS_ioctl, { -1, KVM_RUN } },
  { "/seccomp/worker/openat", SV_THREAD_WORKER, SYS_openat, { -1, 0, O_RDONLY } },
  { "/seccomp/worker/io-uring-setup", SV_THREAD_WORKER, SYS_io_uring_setup, { 1 } },
  { "/seccomp/worker/io-uring-enter", SV_THREAD_WORKER, SYS_io_uring_enter, { -1 } },
  { "/seccomp/worker/thread", SV_THREAD_WORKER, SYS_clone, { CLONE_VM | CLONE_THREAD } },
  { "/seccomp/worker/ioctl", SV_THREAD_WORKER, SYS_ioctl, { -1, KVM_RUN } },
};

/* Runs @func in a thread of a child process. */
static void
run_child (gpointer (*func) (gpointer), gconstpointer data, Outcome *outcome)
{
  struct pollfd pollfd = { .events = POLLIN };
  gsize length = 0;
  gssize n;
  int fds[2];
  pid_t pid;

  g_assert_cmpint (pipe (fds), ==, 0);
  pid = fork ();
  g_assert_cmpint (pid, >=, 0);
  if (pid == 0)
    {
      const struct rlimit no_core = { 0, 0 };
      pthread_t thread;

      setrlimit (RLIMIT_CORE, &no_core);
      dup2 (fds[1], STDERR_FILENO);
      close (fds[0]);
      close (fds[1]);
      if (pthread_create (&thread, NULL, func, (gpointer)data) != 0)
        _exit (100);
      pthread_join (thread, NULL);
      _exit (0);
    }
  close (fds[1]);
  pollfd.fd = fds[0];
  do
    {
      if (poll (&pollfd, 1, TIMEOUT_MS) != 1)
        kill (pid, SIGKILL);
      n = read (fds[0], outcome->text + length, sizeof outcome->text - 1 - length);
      length += n > 0 ? (gsize)n : 0;
    }
  while (n > 0);
  outcome->text[length] = '\0';
  close (fds[0]);
  g_assert_cmpint (waitpid (pid, &outcome->status, 0), ==, pid);
}

static void
assert_killed (const Outcome *outcome)
{
  g_assert_true (WIFSIGNALED (outcome->status));
  g_assert_cmpint (WTERMSIG (outcome->status), ==, SIGSYS);
}

/* Not _exit(): before a call that does not return AddressSanitizer makes system calls of its own.
 */
static void
leave (int status)
{
  syscall (SYS_exit_group, status);
}

static void
enter (SvThreadKind kind)
{
  if (!sv_seccomp_init (NULL) || !sv_seccomp_enter (kind, NULL))
    leave (101);
}

static gpointer
violate (gpointer data)
{
  const Forbidden *call = data;

  prctl (PR_SET_NAME, "victim");
  enter (call->kind);
  /* The thread still works: nobody looks at an answer that must not come. */
  if (write (STDERR_FILENO, "entered\n", 8) == 8)
    syscall (call->number, call->arguments[0], call->arguments[1], call->arguments[2], 0, 0, 0);
  return NULL;
}

static void
test_forbidden (gconstpointer data)
{
  const Forbidden *call = data;
  g_autofree char *expected
      = g_strdup_printf ("entered\nstratovirt: thread victim: forbidden system call %ld (%s)\n",
                         call->number, sv_seccomp_get_syscall_name (call->number));
  Outcome outcome;

  run_child (violate, call, &outcome);
  assert_killed (&outcome);
  g_assert_cmpstr (outcome.text, ==, expected);
}

static gpointer
refused (gpointer data)
{
  SvThreadKind kind = GPOINTER_TO_INT (data);
  struct timespec now;
#ifdef __x86_64__
  struct timeval today;
#endif

  enter (kind);
  if (mmap (NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED
      || errno != EPERM)
    leave (1);
  if (prctl (PR_SET_DUMPABLE, 0) != -1 || errno != EINVAL)
    leave (2);
  if (kind != SV_THREAD_WORKER && (syscall (SYS_clone3, NULL, 0) != -1 || errno != ENOSYS))
    leave (3);
  if (kind == SV_THREAD_MAIN && (socket (AF_NETLINK, SOCK_RAW, 0) != -1 || errno != EAFNOSUPPORT))
    leave (4);
  /* What the vDSO does where it cannot read the clock */
  if (syscall (SYS_clock_gettime, CLOCK_MONOTONIC, &now) != 0)
    leave (5);
#ifdef __x86_64__
  if (syscall (SYS_gettimeofday, &today, NULL) != 0)
    leave (6);
#endif
  leave (77);
  return NULL;
}

/* What libraries may try in vain ends nothing; the time can be had. */
static void
test_refused (void)
{
  for (int kind = 0; kind < SV_THREAD_N_KINDS; kind++)
    {
      Outcome outcome;

      run_child (refused, GINT_TO_POINTER (kind), &outcome);
      g_assert_cmpstr (outcome.text, ==, "");
      g_assert_true (WIFEXITED (outcome.status));
      g_assert_cmpint (WEXITSTATUS (outcome.status), ==, 77);
    }
}

static gpointer
late_worker (gpointer data)
{
  sv_seccomp_enter_or_exit (SV_THREAD_WORKER);
  return GINT_TO_POINTER (getpid ());
}

static gpointer
late_starter (gpointer data)
{
  SvThreadKind kind = GPOINTER_TO_INT (data);
  g_autoptr (GThread) worker = NULL;

  sv_seccomp_enter_or_exit (kind);
  worker = g_thread_try_new ("late worker", late_worker, NULL, NULL);
  return worker != NULL ? g_thread_join (g_steal_pointer (&worker)) : NULL;
}

static gpointer
start_late (gpointer data)
{
  g_autoptr (GThread) thread = NULL;

  enter (SV_THREAD_MAIN);
  thread = g_thread_try_new ("late", late_starter, data, NULL);
  if (thread != NULL && GPOINTER_TO_INT (g_thread_join (g_steal_pointer (&thread))) == getpid ())
    leave (77);
  return NULL;
}

/* A thread that is started under a filter gets by with what both filters allow. */
static void
test_inherited (void)
{
  static const SvThreadKind kinds[] = { SV_THREAD_IOTHREAD, SV_THREAD_VCPU };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      Outcome outcome;

      run_child (start_late, GINT_TO_POINTER (kinds[i]), &outcome);
      g_assert_cmpstr (outcome.text, ==, "");
      g_assert_true (WIFEXITED (outcome.status));
      g_assert_cmpint (WEXITSTATUS (outcome.status), ==, 77);
    }
}

static gpointer
violate_with_signals_blocked (gpointer data)
{
  sigset_t all;

  sigfillset (&all);
  pthread_sigmask (SIG_SETMASK, &all, NULL);
  return violate (data);
}

static void
test_blocked_signals (void)
{
  Outcome outcome;

  run_child (violate_with_signals_blocked, &forbidden[2], &outcome);
  assert_killed (&outcome);
  g_assert_nonnull (strstr (outcome.text, "thread victim: forbidden system call"));
}

static gpointer
violate_with_full_pipe (gpointer data)
{
  static const char fill[4096];
  int fds[2];

  if (pipe (fds) != 0 || fcntl (fds[1], F_SETFL, O_NONBLOCK) != 0)
    leave (102);
  while (write (fds[1], fill, sizeof fill) > 0)
    continue;
  fcntl (fds[1], F_SETFL, 0);
  dup2 (fds[1], STDERR_FILENO);
  enter (SV_THREAD_IOTHREAD);
  syscall (SYS_getppid);
  return NULL;
}

#define N_BUSY_THREADS 24

static pthread_barrier_t all_there;

static gpointer
allocate_filtered (gpointer data)
{
  char *memory;

  if (!sv_seccomp_enter (SV_THREAD_WORKER, NULL))
    leave (101);
  /* All threads hold on to what they have: malloc finds no arena that is not in use. */
  memory = g_strnfill (64, 0);
  pthread_barrier_wait (&all_there);
  g_free (memory);
  return NULL;
}

static gpointer
start_many (gpointer data)
{
  pthread_t threads[N_BUSY_THREADS];

  if (!sv_seccomp_init (NULL) || !sv_seccomp_enter (SV_THREAD_IOTHREAD, NULL))
    leave (103);
  pthread_barrier_init (&all_there, NULL, N_BUSY_THREADS);
  for (guint i = 0; i < N_BUSY_THREADS; i++)
    if (pthread_create (&threads[i], NULL, allocate_filtered, NULL) != 0)
      leave (100);
  for (guint i = 0; i < N_BUSY_THREADS; i++)
    pthread_join (threads[i], NULL);
  return NULL;
}

/* What malloc does when many threads use it stays within the lists. */
static void
test_many_threads_allocate (void)
{
  Outcome outcome;

  run_child (start_many, NULL, &outcome);
  g_assert_cmpstr (outcome.text, ==, "");
  g_assert_true (WIFEXITED (outcome.status));
  g_assert_cmpint (WEXITSTATUS (outcome.status), ==, 0);
}

/* A reader who does not read does not keep the process alive. */
static void
test_full_pipe (void)
{
  Outcome outcome;

  run_child (violate_with_full_pipe, NULL, &outcome);
  assert_killed (&outcome);
}

static gpointer
violate_on_a_terminal (gpointer data)
{
  if (!sv_seccomp_init (NULL) || !sv_terminal_set_raw (GPOINTER_TO_INT (data), FALSE))
    leave (103);
  return violate ((gpointer)&forbidden[G_N_ELEMENTS (forbidden) - 1]);
}

/* A shell finds its terminal as it left it. */
static void
test_terminal (void)
{
  int master = posix_openpt (O_RDWR | O_NOCTTY);
  struct termios before, after;
  char name[64];
  Outcome outcome;
  int slave;

  g_assert_cmpint (unlockpt (master), ==, 0);
  g_assert_cmpint (ptsname_r (master, name, sizeof name), ==, 0);
  slave = open (name, O_RDWR | O_NOCTTY);
  g_assert_cmpint (tcgetattr (slave, &before), ==, 0);
  g_assert_true (before.c_lflag & ICANON);

  run_child (violate_on_a_terminal, GINT_TO_POINTER (slave), &outcome);
  assert_killed (&outcome);
  g_assert_cmpint (tcgetattr (slave, &after), ==, 0);
  g_assert_cmpuint (after.c_lflag, ==, before.c_lflag);
  close (slave);
  close (master);
}

static gpointer
not_enabled (gpointer data)
{
  if (sv_seccomp_enter (SV_THREAD_WORKER, NULL) && getppid () > 0
      && prctl (PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 0)
    leave (77);
  return NULL;
}

static void
test_only_for_programs (void)
{
  Outcome outcome;

  run_child (not_enabled, NULL, &outcome);
  g_assert_true (WIFEXITED (outcome.status));
  g_assert_cmpint (WEXITSTATUS (outcome.status), ==, 77);
}

static gpointer
look_at_no_new_privs (gpointer data)
{
  if (sv_seccomp_init (NULL) && prctl (PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
    leave (77);
  return NULL;
}

static void
test_no_new_privs (void)
{
  Outcome outcome;

  run_child (look_at_no_new_privs, NULL, &outcome);
  g_assert_true (WIFEXITED (outcome.status));
  g_assert_cmpint (WEXITSTATUS (outcome.status), ==, 77);
}

static void
test_names (void)
{
  g_assert_cmpstr (sv_seccomp_get_syscall_name (SYS_read), ==, "read");
  g_assert_cmpstr (sv_seccomp_get_syscall_name (SYS_io_uring_register), ==, "io_uring_register");
  g_assert_cmpstr (sv_seccomp_get_syscall_name (-1), ==, "unknown");
  g_assert_cmpstr (sv_seccomp_get_syscall_name (0x40000000), ==, "unknown");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (forbidden); i++)
    g_test_add_data_func (forbidden[i].path, &forbidden[i], test_forbidden);
  g_test_add_func ("/seccomp/refused", test_refused);
  g_test_add_func ("/seccomp/inherited", test_inherited);
  g_test_add_func ("/seccomp/blocked-signals", test_blocked_signals);
  g_test_add_func ("/seccomp/full-pipe", test_full_pipe);
  g_test_add_func ("/seccomp/many-threads-allocate", test_many_threads_allocate);
  g_test_add_func ("/seccomp/terminal", test_terminal);
  g_test_add_func ("/seccomp/only-for-programs", test_only_for_programs);
  g_test_add_func ("/seccomp/no-new-privs", test_no_new_privs);
  g_test_add_func ("/seccomp/names", test_names);
  return g_test_run ();
}
