/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "hw/migration/sv-migration.h"
#include "src/block/sv-block-file.h"
#include "src/cli/sv-cli.h"
#include "src/cli/sv-vm-builder.h"
#include "src/runtime/sv-daemon.h"
#include "src/runtime/sv-litter.h"
#include "src/runtime/sv-log.h"
#include "src/runtime/sv-pid-file.h"
#include "src/runtime/sv-privileges.h"
#include "src/runtime/sv-process-title.h"
#include "src/runtime/sv-seccomp.h"
#include "src/runtime/sv-signals.h"
#include "src/runtime/sv-vm-lock.h"
#include "src/sv-type-list.h"

/* How long clients that do not read may hold up the end of the process. */
#define FLUSH_MS 500

typedef struct
{
  GMainLoop *loop;
  SvMachine *machine;
  int status;
} Run;

static void
on_quit (SvMachine *machine, int status, Run *run)
{
  run->status = status;
  g_main_loop_quit (run->loop);
}

static gboolean
on_signal (gpointer user_data)
{
  Run *run = user_data;

  sv_machine_request_shutdown (run->machine, SV_SHUTDOWN_CAUSE_HOST_SIGNAL);
  return G_SOURCE_CONTINUE;
}

/* Builds the VM and serves it until it ends. VM lock held. */
static int
run_vm (SvVmConfig *config, GError **error)
{
  g_autoptr (SvVm) vm = NULL;
  g_autoptr (GMainLoop) loop = NULL;
  Run run = { NULL, NULL, EXIT_FAILURE };

  sv_block_file_defer_locks (config->incoming != NULL);
  vm = sv_vm_build (config, error);
  if (vm == NULL || !sv_migration_start_thread (sv_migration_get (vm->machine), error))
    return EXIT_FAILURE;
  if (config->incoming != NULL && !sv_migration_prepare_incoming (sv_migration_get (vm->machine), config->incoming, error))
    {
      g_prefix_error (error, "-incoming %s: ", config->incoming);
      return EXIT_FAILURE;
    }
  if (!sv_privileges_enter (error))
    return EXIT_FAILURE;

  loop = g_main_loop_new (NULL, FALSE);
  run.loop = loop;
  run.machine = vm->machine;
  g_signal_connect (vm->machine, "quit", G_CALLBACK (on_quit), &run);
  if (!sv_signals_watch (on_signal, &run, error))
    return EXIT_FAILURE;

  if (!config->paused && !SV_MACHINE_GET_CLASS (vm->machine)->no_guest
      && !sv_machine_start (vm->machine, error))
    {
      sv_vm_blame_setting (config, error);
      return EXIT_FAILURE;
    }
  if (!sv_daemon_ready (error))
    return EXIT_FAILURE;
  sv_litter_settle (TRUE);
  if (!sv_seccomp_enter (SV_THREAD_MAIN, error))
    return EXIT_FAILURE;

  sv_vm_lock_run (loop);
  sv_qmp_server_flush (vm->qmp, FLUSH_MS);
  return run.status;
}

static int
run_process (SvVmConfig *config, GError **error)
{
  g_autoptr (SvPidFile) pid_file = NULL;
  int status;

  /* A vanished peer or a file that may not grow is an error where it is written to, not the end of the VM. */
  signal (SIGPIPE, SIG_IGN);
  signal (SIGXFSZ, SIG_IGN);
  sv_litter_init ();

  /* First of all, while there is one thread. */
  if (!sv_privileges_init (config->run_as, config->chroot,
                           config->seccomp || config->run_as != NULL || config->chroot != NULL,
                           error))
    return EXIT_FAILURE;
  if (config->daemonize && !sv_daemon_start (error))
    return EXIT_FAILURE;
  if (config->pid_file != NULL)
    {
      pid_file = sv_pid_file_new (config->pid_file, error);
      if (pid_file == NULL)
        return EXIT_FAILURE;
    }
  if (!sv_log_init (config->log_file, error)
      || (config->seccomp && !sv_seccomp_init (error)))
    return EXIT_FAILURE;

  sv_vm_lock_attach (NULL);
  sv_vm_lock ();
  status = run_vm (config, error);
  sv_vm_unlock ();
  return status;
}

int
main (int argc, char **argv)
{
  g_autoptr (SvVmConfig) config = sv_vm_config_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *answer = NULL;
  int status = EXIT_FAILURE;

  sv_type_list_register ();
  if (sv_cli_parse (config, (const char *const *)argv + MIN (argc, 1), &answer, &error))
    {
      if (answer != NULL)
        return fputs (answer, stdout) < 0 || fflush (stdout) != 0 ? EXIT_FAILURE : EXIT_SUCCESS;
      if (config->name != NULL)
        sv_process_title_set (argv, config->name);
      status = run_process (config, &error);
      sv_litter_settle (FALSE);
    }
  if (error != NULL)
    fprintf (stderr, "stratovirt: %s\n", error->message);
  return status;
}
