/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Run control of a machine. */

#include "tests/unit/machine-fixture.h"

static void
test_start_stop (MachineFixture *f, gconstpointer data)
{
  g_assert_cmpint (sv_machine_get_run_state (f->machine), ==, SV_RUN_STATE_PRELAUNCH);
  sv_machine_stop (f->machine, SV_RUN_STATE_PAUSED);
  g_assert_cmpstr (f->log->str, ==, "");
  machine_fixture_start (f);
  machine_fixture_start (f);
  g_assert_true (sv_machine_is_running (f->machine));
  sv_machine_stop (f->machine, SV_RUN_STATE_PAUSED);
  sv_machine_stop (f->machine, SV_RUN_STATE_PAUSED);
  g_assert_cmpint (sv_machine_get_run_state (f->machine), ==, SV_RUN_STATE_PAUSED);
  machine_fixture_start (f);
  g_assert_cmpstr (f->log->str, ==, "resumed stopped resumed ");
  g_assert_cmpuint (FAKE_MACHINE (f->machine)->n_loads, ==, 1);
  g_assert_true (machine_fixture_get_vcpu (f, "/machine/unattached/device[0]")->entry_seen);
  g_assert_false (machine_fixture_get_vcpu (f, "/machine/unattached/device[1]")->entry_seen);
}

static void
test_guest_reset (MachineFixture *f, gconstpointer data)
{
  SvDevice *device = machine_fixture_add (f, "{'driver':'fake-device','id':'d0'}", NULL);

  machine_fixture_start (f);
  fake_vcpu_raise (machine_fixture_get_vcpu (f, "/machine/unattached/device[1]"), SV_VCPU_EVENT_RESET);
  machine_fixture_await (f, "reset:guest");
  g_assert_true (sv_machine_is_running (f->machine));
  g_assert_cmpuint (FAKE_MACHINE (f->machine)->n_loads, ==, 2);
  g_assert_cmpuint (FAKE_DEVICE (device)->n_resets, ==, 1);
  g_assert_cmpint (FAKE_DEVICE (device)->n_quiesced, ==, 0);
  g_assert_cmpuint (FAKE_ACCEL (sv_machine_get_accel (f->machine))->n_resets, ==, 1);
  g_assert_cmpstr (f->log->str, ==, "resumed reset:guest ");
}

static void
test_reset_while_stopped (MachineFixture *f, gconstpointer data)
{
  machine_fixture_start (f);
  sv_machine_stop (f->machine, SV_RUN_STATE_PAUSED);
  sv_machine_request_reset (f->machine, SV_SHUTDOWN_CAUSE_HOST_QMP_SYSTEM_RESET);
  machine_fixture_await (f, "reset:host");
  g_assert_cmpint (sv_machine_get_run_state (f->machine), ==, SV_RUN_STATE_PRELAUNCH);
}

static void
test_no_reboot (MachineFixture *f, gconstpointer data)
{
  g_object_set (f->machine, "no-reboot", TRUE, NULL);
  machine_fixture_start (f);
  fake_vcpu_raise (machine_fixture_get_vcpu (f, "/machine/unattached/device[0]"), SV_VCPU_EVENT_RESET);
  machine_fixture_await (f, "quit");
  g_assert_cmpstr (f->log->str, ==, "resumed shutdown:guest quit ");
}

static void
test_no_shutdown (MachineFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_object_set (f->machine, "no-shutdown", TRUE, NULL);
  machine_fixture_start (f);
  fake_vcpu_raise (machine_fixture_get_vcpu (f, "/machine/unattached/device[0]"), SV_VCPU_EVENT_SHUTDOWN);
  machine_fixture_await (f, "stopped");
  g_assert_cmpstr (f->log->str, ==, "resumed shutdown:guest stopped ");
  g_assert_cmpint (sv_machine_get_run_state (f->machine), ==, SV_RUN_STATE_SHUTDOWN);
  g_assert_false (sv_machine_start (f->machine, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);

  sv_machine_request_reset (f->machine, SV_SHUTDOWN_CAUSE_HOST_QMP_SYSTEM_RESET);
  machine_fixture_await (f, "reset:host");
  machine_fixture_start (f);
  sv_machine_request_shutdown (f->machine, SV_SHUTDOWN_CAUSE_HOST_QMP_QUIT);
  machine_fixture_await (f, "quit");
}

/* Both together: nothing but a quit ends the process, whoever wants a reset. */
static void
test_no_reboot_no_shutdown (MachineFixture *f, gconstpointer data)
{
  g_object_set (f->machine, "no-reboot", TRUE, "no-shutdown", TRUE, NULL);
  machine_fixture_start (f);
  sv_machine_request_reset (f->machine, SV_SHUTDOWN_CAUSE_HOST_QMP_SYSTEM_RESET);
  machine_fixture_await (f, "stopped");
  g_assert_cmpstr (f->log->str, ==, "resumed shutdown:host stopped ");
  g_assert_cmpint (sv_machine_get_run_state (f->machine), ==, SV_RUN_STATE_SHUTDOWN);
  sv_machine_request_shutdown (f->machine, SV_SHUTDOWN_CAUSE_HOST_QMP_QUIT);
  machine_fixture_await (f, "quit");
}

static void
test_vcpu_error (MachineFixture *f, gconstpointer data)
{
  machine_fixture_start (f);
  fake_vcpu_raise (machine_fixture_get_vcpu (f, "/machine/unattached/device[0]"), SV_VCPU_EVENT_ERROR);
  machine_fixture_await (f, "stopped");
  g_assert_cmpint (sv_machine_get_run_state (f->machine), ==, SV_RUN_STATE_INTERNAL_ERROR);
}

static void
test_load_fails (MachineFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  FAKE_MACHINE (f->machine)->fail_load = TRUE;
  g_assert_false (sv_machine_start (f->machine, &error));
  g_assert_cmpstr (error->message, ==, "kernel is gone");
  g_assert_cmpint (sv_machine_get_run_state (f->machine), ==, SV_RUN_STATE_PRELAUNCH);
  FAKE_MACHINE (f->machine)->fail_load = FALSE;
  machine_fixture_start (f);
}

int
main (int argc, char **argv)
{
  machine_fixture_init (&argc, &argv);

  MACHINE_FIXTURE_ADD ("/machine/start-stop", test_start_stop);
  MACHINE_FIXTURE_ADD ("/machine/guest-reset", test_guest_reset);
  MACHINE_FIXTURE_ADD ("/machine/reset-while-stopped", test_reset_while_stopped);
  MACHINE_FIXTURE_ADD ("/machine/no-reboot", test_no_reboot);
  MACHINE_FIXTURE_ADD ("/machine/no-shutdown", test_no_shutdown);
  MACHINE_FIXTURE_ADD ("/machine/no-reboot-no-shutdown", test_no_reboot_no_shutdown);
  MACHINE_FIXTURE_ADD ("/machine/vcpu-error", test_vcpu_error);
  MACHINE_FIXTURE_ADD ("/machine/load-fails", test_load_fails);
  return g_test_run ();
}
