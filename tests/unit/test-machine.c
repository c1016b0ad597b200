/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Run control and devices of a machine, on an accelerator that only counts. */

#include <glib.h>

#include "hw/core/sv-cpu.h"
#include "hw/core/sv-machine.h"
#include "qom/sv-type-registry.h"
#include "src/runtime/sv-vm-lock.h"

/* --- a vCPU that waits for its kick --- */

G_DECLARE_FINAL_TYPE (FakeVcpu, fake_vcpu, FAKE, VCPU, SvVcpu)
struct _FakeVcpu
{
  SvVcpu parent_instance;
  GMutex mutex;
  GCond cond;
  gboolean kicked;
  gint next_event; /* -1: none; protected by mutex */
  guint n_runs;
  guint n_resets;
  gboolean entry_seen;
};
G_DEFINE_FINAL_TYPE (FakeVcpu, fake_vcpu, SV_TYPE_VCPU)

static gboolean
fake_vcpu_run (SvVcpu *vcpu, SvVcpuEvent *event)
{
  FakeVcpu *self = FAKE_VCPU (vcpu);
  gboolean ok = TRUE;

  g_mutex_lock (&self->mutex);
  self->n_runs++;
  while (!sv_vcpu_should_stop (vcpu) && self->next_event < 0)
    g_cond_wait (&self->cond, &self->mutex);
  if (self->next_event >= 0)
    {
      *event = (SvVcpuEvent)self->next_event;
      self->next_event = -1;
      ok = FALSE;
    }
  g_mutex_unlock (&self->mutex);
  return ok;
}

static void
fake_vcpu_kick (SvVcpu *vcpu)
{
  FakeVcpu *self = FAKE_VCPU (vcpu);

  g_mutex_lock (&self->mutex);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
}

static gboolean
fake_vcpu_reset (SvVcpu *vcpu, gconstpointer entry, GError **error)
{
  FAKE_VCPU (vcpu)->n_resets++;
  FAKE_VCPU (vcpu)->entry_seen = entry != NULL;
  return TRUE;
}

static void
fake_vcpu_class_init (FakeVcpuClass *klass)
{
  SV_VCPU_CLASS (klass)->run = fake_vcpu_run;
  SV_VCPU_CLASS (klass)->kick = fake_vcpu_kick;
  SV_VCPU_CLASS (klass)->reset = fake_vcpu_reset;
}

static void
fake_vcpu_init (FakeVcpu *self)
{
  self->next_event = -1;
}

static void
fake_vcpu_raise (FakeVcpu *self, SvVcpuEvent event)
{
  g_mutex_lock (&self->mutex);
  self->next_event = event;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
}

/* --- its accelerator --- */

G_DECLARE_FINAL_TYPE (FakeAccel, fake_accel, FAKE, ACCEL, SvAccel)
struct _FakeAccel
{
  SvAccel parent_instance;
  guint n_resets;
};
G_DEFINE_FINAL_TYPE (FakeAccel, fake_accel, SV_TYPE_ACCEL)

static gboolean
fake_accel_open (SvAccel *accel, GError **error)
{
  return TRUE;
}

static SvVcpu *
fake_accel_create_vcpu (SvAccel *accel, guint index, GError **error)
{
  return g_object_new (fake_vcpu_get_type (), "index", index, NULL);
}

static gboolean
fake_accel_reset (SvAccel *accel, GError **error)
{
  FAKE_ACCEL (accel)->n_resets++;
  return TRUE;
}

static void
fake_accel_class_init (FakeAccelClass *klass)
{
  SV_ACCEL_CLASS (klass)->open = fake_accel_open;
  SV_ACCEL_CLASS (klass)->create_vcpu = fake_accel_create_vcpu;
  SV_ACCEL_CLASS (klass)->reset = fake_accel_reset;
}

static void
fake_accel_init (FakeAccel *self)
{
}

/* --- a machine and a device --- */

G_DECLARE_FINAL_TYPE (FakeMachine, fake_machine, FAKE, MACHINE, SvMachine)
struct _FakeMachine
{
  SvMachine parent_instance;
  guint n_loads;
  gboolean fail_load;
};
G_DEFINE_FINAL_TYPE (FakeMachine, fake_machine, SV_TYPE_MACHINE)

static gboolean
fake_machine_build (SvMachine *machine, GError **error)
{
  g_autoptr (SvBus) bus = g_object_new (SV_TYPE_BUS, NULL);

  return sv_machine_open_accel (machine, error) && sv_machine_create_cpus (machine, error)
         && sv_object_add_child (SV_OBJECT (machine), "bus.0", SV_OBJECT (bus), error);
}

static gboolean
reset_cpu (SvDevice *cpu, gconstpointer entry, GError **error)
{
  return sv_vcpu_reset (sv_cpu_get_vcpu (SV_CPU (cpu)), entry, error);
}

static gboolean
fake_machine_load (SvMachine *machine, GError **error)
{
  FakeMachine *self = FAKE_MACHINE (machine);

  if (self->fail_load)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "kernel is gone");
      return FALSE;
    }
  self->n_loads++;
  return sv_machine_foreach_cpu (machine, reset_cpu, self, error);
}

static void
fake_machine_class_init (FakeMachineClass *klass)
{
  SV_MACHINE_CLASS (klass)->build = fake_machine_build;
  SV_MACHINE_CLASS (klass)->load = fake_machine_load;
  SV_MACHINE_CLASS (klass)->hotpluggable_cpus = TRUE;
}

static void
fake_machine_init (FakeMachine *self)
{
}

G_DECLARE_FINAL_TYPE (FakeDevice, fake_device, FAKE, DEVICE, SvDevice)
struct _FakeDevice
{
  SvDevice parent_instance;
  gboolean broken;
  guint n_resets;
  gint n_quiesced;
};
G_DEFINE_FINAL_TYPE (FakeDevice, fake_device, SV_TYPE_DEVICE)

static gboolean
fake_device_realize (SvDevice *device, GError **error)
{
  if (!FAKE_DEVICE (device)->broken)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, "device is broken");
  return FALSE;
}

static void
fake_device_reset (SvDevice *device)
{
  FAKE_DEVICE (device)->n_resets++;
}

static void
fake_device_quiesce (SvDevice *device)
{
  FAKE_DEVICE (device)->n_quiesced++;
}

static void
fake_device_resume (SvDevice *device)
{
  FAKE_DEVICE (device)->n_quiesced--;
}

static void
fake_device_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  FAKE_DEVICE (object)->broken = g_value_get_boolean (value);
}

static void
fake_device_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_set_boolean (value, FAKE_DEVICE (object)->broken);
}

static void
fake_device_class_init (FakeDeviceClass *klass)
{
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);

  G_OBJECT_CLASS (klass)->set_property = fake_device_set_property;
  G_OBJECT_CLASS (klass)->get_property = fake_device_get_property;
  device_class->realize = fake_device_realize;
  device_class->reset = fake_device_reset;
  device_class->quiesce = fake_device_quiesce;
  device_class->resume = fake_device_resume;
  device_class->bus_type = SV_TYPE_BUS;
  device_class->user_creatable = TRUE;
  g_object_class_install_property (
      G_OBJECT_CLASS (klass), 1,
      g_param_spec_boolean ("broken", "broken", "Whether realize fails", FALSE, SV_PARAM_RW_WIRING));
}

static void
fake_device_init (FakeDevice *self)
{
}

static const SvTypeEntry types[] = {
  { "fake-accel", fake_accel_get_type, NULL },
  { "fake-device", fake_device_get_type, NULL },
  { "fake-machine", fake_machine_get_type, NULL },
  { "host-x86-cpu", sv_cpu_get_type, NULL },
  { "memory-backend-ram", sv_memory_backend_ram_get_type, NULL },
};

/* --- fixture --- */

typedef struct
{
  SvObject *root;
  SvMachine *machine;
  GString *log; /* signals, in order */
} Fixture;

static void
log_plain (SvMachine *machine, const char *name)
{
  GString *log = g_object_get_data (G_OBJECT (machine), "log");

  g_string_append_printf (log, "%s ", name);
}

static void
on_stopped (SvMachine *machine)
{
  log_plain (machine, "stopped");
}

static void
on_resumed (SvMachine *machine)
{
  log_plain (machine, "resumed");
}

static void
on_reset (SvMachine *machine, SvShutdownCause cause)
{
  log_plain (machine, cause == SV_SHUTDOWN_CAUSE_GUEST_RESET ? "reset:guest" : "reset:host");
}

static void
on_shutdown (SvMachine *machine, SvShutdownCause cause)
{
  log_plain (machine, sv_shutdown_cause_is_guest (cause) ? "shutdown:guest" : "shutdown:host");
}

static void
on_quit (SvMachine *machine, gint status)
{
  log_plain (machine, "quit");
}

static void
setup (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  sv_vm_lock ();
  f->root = sv_object_new_container ();
  f->log = g_string_new (NULL);
  f->machine = g_object_new (fake_machine_get_type (), "accel", "fake", "cpus", 2, "max-cpus", 8, "cores", 2, NULL);
  g_object_set_data (G_OBJECT (f->machine), "log", f->log);
  g_signal_connect (f->machine, "stopped", G_CALLBACK (on_stopped), NULL);
  g_signal_connect (f->machine, "resumed", G_CALLBACK (on_resumed), NULL);
  g_signal_connect (f->machine, "reset", G_CALLBACK (on_reset), NULL);
  g_signal_connect (f->machine, "shutdown", G_CALLBACK (on_shutdown), NULL);
  g_signal_connect (f->machine, "quit", G_CALLBACK (on_quit), NULL);
  g_assert_true (sv_object_add_child (f->root, "machine", SV_OBJECT (f->machine), &error));
  sv_object_complete (SV_OBJECT (f->machine), &error);
  g_assert_no_error (error);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  sv_object_unparent (SV_OBJECT (f->machine));
  g_assert_finalize_object (f->machine);
  g_object_unref (f->root);
  g_string_free (f->log, TRUE);
  sv_vm_unlock ();
}

static FakeVcpu *
vcpu (Fixture *f, const char *path)
{
  SvObject *cpu = sv_object_resolve (f->root, path, SV_TYPE_CPU, NULL);

  return FAKE_VCPU (sv_cpu_get_vcpu (SV_CPU (cpu)));
}

static void
start (Fixture *f)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (sv_machine_start (f->machine, &error));
  g_assert_no_error (error);
}

/* Lets the main loop run until @words were logged. */
static void
await (Fixture *f, const char *words)
{
  while (strstr (f->log->str, words) == NULL)
    g_main_context_iteration (NULL, TRUE);
}

static SvDevice *
add (Fixture *f, const char *json, GError **error)
{
  g_autoptr (JsonNode) node = json_from_string (json, NULL);

  return sv_machine_add_device (f->machine, json_node_get_object (node), error);
}

/* --- tests --- */

static void
test_tree (Fixture *f, gconstpointer data)
{
  SvObject *cpu = sv_object_resolve (f->root, "/machine/unattached/device[1]", SV_TYPE_CPU, NULL);
  guint index = 0, socket = 0, thread = 0;

  g_object_get (cpu, "cpu-index", &index, "socket-id", &socket, "host-thread-id", &thread, NULL);
  g_assert_cmpuint (index, ==, 1);
  g_assert_cmpuint (socket, ==, 0);
  g_assert_cmpuint (thread, !=, 0);
  g_assert_true (sv_device_get_machine (SV_DEVICE (cpu)) == f->machine);
}

static void
test_start_stop (Fixture *f, gconstpointer data)
{
  g_assert_cmpint (sv_machine_get_run_state (f->machine), ==, SV_RUN_STATE_PRELAUNCH);
  sv_machine_stop (f->machine, SV_RUN_STATE_PAUSED);
  g_assert_cmpstr (f->log->str, ==, "");
  start (f);
  start (f);
  g_assert_true (sv_machine_is_running (f->machine));
  sv_machine_stop (f->machine, SV_RUN_STATE_PAUSED);
  sv_machine_stop (f->machine, SV_RUN_STATE_PAUSED);
  g_assert_cmpint (sv_machine_get_run_state (f->machine), ==, SV_RUN_STATE_PAUSED);
  start (f);
  g_assert_cmpstr (f->log->str, ==, "resumed stopped resumed ");
  g_assert_cmpuint (FAKE_MACHINE (f->machine)->n_loads, ==, 1);
  g_assert_true (vcpu (f, "/machine/unattached/device[0]")->entry_seen);
  g_assert_false (vcpu (f, "/machine/unattached/device[1]")->entry_seen);
}

static void
test_guest_reset (Fixture *f, gconstpointer data)
{
  SvDevice *device = add (f, "{'driver':'fake-device','id':'d0'}", NULL);

  start (f);
  fake_vcpu_raise (vcpu (f, "/machine/unattached/device[1]"), SV_VCPU_EVENT_RESET);
  await (f, "reset:guest");
  g_assert_true (sv_machine_is_running (f->machine));
  g_assert_cmpuint (FAKE_MACHINE (f->machine)->n_loads, ==, 2);
  g_assert_cmpuint (FAKE_DEVICE (device)->n_resets, ==, 1);
  g_assert_cmpint (FAKE_DEVICE (device)->n_quiesced, ==, 0);
  g_assert_cmpuint (FAKE_ACCEL (sv_machine_get_accel (f->machine))->n_resets, ==, 1);
  g_assert_cmpstr (f->log->str, ==, "resumed reset:guest ");
}

static void
test_reset_while_stopped (Fixture *f, gconstpointer data)
{
  start (f);
  sv_machine_stop (f->machine, SV_RUN_STATE_PAUSED);
  sv_machine_request_reset (f->machine, SV_SHUTDOWN_CAUSE_HOST_QMP_SYSTEM_RESET);
  await (f, "reset:host");
  g_assert_cmpint (sv_machine_get_run_state (f->machine), ==, SV_RUN_STATE_PRELAUNCH);
}

static void
test_no_reboot (Fixture *f, gconstpointer data)
{
  g_object_set (f->machine, "no-reboot", TRUE, NULL);
  start (f);
  fake_vcpu_raise (vcpu (f, "/machine/unattached/device[0]"), SV_VCPU_EVENT_RESET);
  await (f, "quit");
  g_assert_cmpstr (f->log->str, ==, "resumed shutdown:guest quit ");
}

static void
test_no_shutdown (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_object_set (f->machine, "no-shutdown", TRUE, NULL);
  start (f);
  fake_vcpu_raise (vcpu (f, "/machine/unattached/device[0]"), SV_VCPU_EVENT_SHUTDOWN);
  await (f, "stopped");
  g_assert_cmpstr (f->log->str, ==, "resumed shutdown:guest stopped ");
  g_assert_cmpint (sv_machine_get_run_state (f->machine), ==, SV_RUN_STATE_SHUTDOWN);
  g_assert_false (sv_machine_start (f->machine, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_FAILED);

  sv_machine_request_reset (f->machine, SV_SHUTDOWN_CAUSE_HOST_QMP_SYSTEM_RESET);
  await (f, "reset:host");
  start (f);
  sv_machine_request_shutdown (f->machine, SV_SHUTDOWN_CAUSE_HOST_QMP_QUIT);
  await (f, "quit");
}

/* Both together: nothing but a quit ends the process, whoever wants a reset. */
static void
test_no_reboot_no_shutdown (Fixture *f, gconstpointer data)
{
  g_object_set (f->machine, "no-reboot", TRUE, "no-shutdown", TRUE, NULL);
  start (f);
  sv_machine_request_reset (f->machine, SV_SHUTDOWN_CAUSE_HOST_QMP_SYSTEM_RESET);
  await (f, "stopped");
  g_assert_cmpstr (f->log->str, ==, "resumed shutdown:host stopped ");
  g_assert_cmpint (sv_machine_get_run_state (f->machine), ==, SV_RUN_STATE_SHUTDOWN);
  sv_machine_request_shutdown (f->machine, SV_SHUTDOWN_CAUSE_HOST_QMP_QUIT);
  await (f, "quit");
}

static void
test_vcpu_error (Fixture *f, gconstpointer data)
{
  start (f);
  fake_vcpu_raise (vcpu (f, "/machine/unattached/device[0]"), SV_VCPU_EVENT_ERROR);
  await (f, "stopped");
  g_assert_cmpint (sv_machine_get_run_state (f->machine), ==, SV_RUN_STATE_INTERNAL_ERROR);
}

static void
test_load_fails (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  FAKE_MACHINE (f->machine)->fail_load = TRUE;
  g_assert_false (sv_machine_start (f->machine, &error));
  g_assert_cmpstr (error->message, ==, "kernel is gone");
  g_assert_cmpint (sv_machine_get_run_state (f->machine), ==, SV_RUN_STATE_PRELAUNCH);
  FAKE_MACHINE (f->machine)->fail_load = FALSE;
  start (f);
}

static void
assert_add_fails (Fixture *f, const char *json, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (add (f, json, &error));
  g_assert_cmpstr (error->message, ==, message);
}

static void
test_add_device (Fixture *f, gconstpointer data)
{
  SvObject *bus = sv_object_resolve (f->root, "/machine/bus.0", SV_TYPE_BUS, NULL);
  SvObject *peripheral = sv_object_resolve (f->root, "/machine/peripheral", SV_TYPE_OBJECT, NULL);
  SvDevice *device = add (f, "{'driver':'fake-device','id':'d0','bus':'bus.0'}", NULL);
  g_autofree char *path = sv_object_dup_path (SV_OBJECT (device));

  g_assert_cmpstr (path, ==, "/machine/peripheral/d0");
  g_assert_true (sv_device_is_realized (device));
  g_assert_true (sv_device_get_bus (device) == SV_BUS (bus));
  device = add (f, "{'driver':'fake-device'}", NULL);
  g_assert_cmpstr (sv_object_get_id (SV_OBJECT (device)), ==, "device[0]");

  assert_add_fails (f, "{'driver':'fake-device','id':'d0'}", "Duplicate device ID 'd0'");
  assert_add_fails (f, "{'id':'d1'}", "Parameter 'driver' is missing");
  assert_add_fails (f, "{'driver':'no-such'}", "'no-such' is not a valid device model name");
  assert_add_fails (f, "{'driver':'fake-machine'}", "'fake-machine' is not a valid device model name");
  assert_add_fails (f, "{'driver':'fake-device','id':7}",
                    "Invalid parameter type for 'id', expected: string");
  assert_add_fails (f, "{'driver':'fake-device','bus':'nowhere'}", "Bus 'nowhere' not found");
  assert_add_fails (f, "{'driver':'fake-device','id':'d1','broken':true}", "device is broken");
  g_assert_null (add (f, "{'driver':'fake-device','id':'1/x'}", NULL));
  g_assert_cmpuint (sv_object_get_n_children (peripheral), ==, 1);
  g_assert_cmpuint (sv_bus_get_n_devices (SV_BUS (bus)), ==, 2);
}

static void
test_remove_device (Fixture *f, gconstpointer data)
{
  SvObject *bus = sv_object_resolve (f->root, "/machine/bus.0", SV_TYPE_BUS, NULL);
  SvDevice *device = g_object_ref (add (f, "{'driver':'fake-device','id':'d0'}", NULL));

  sv_machine_remove_device (f->machine, device);
  g_assert_false (sv_device_is_realized (device));
  g_assert_cmpint (FAKE_DEVICE (device)->n_quiesced, ==, 1);
  g_assert_cmpuint (sv_bus_get_n_devices (SV_BUS (bus)), ==, 0);
  g_assert_null (sv_object_resolve (f->root, "d0", SV_TYPE_OBJECT, NULL));
  g_assert_finalize_object (device);
}

/* The machine has 2 processors and 8 places: 4 sockets of 2 cores. */
static void
test_cpu_hotplug (Fixture *f, gconstpointer data)
{
  SvDevice *cpu;
  gint index = -1;

  start (f);
  assert_add_fails (f, "{'driver':'host-x86-cpu','socket-id':1}", "CPU core-id is missing: it is from 0 to 1");
  assert_add_fails (f, "{'driver':'host-x86-cpu','socket-id':4,'core-id':0}",
                    "Invalid CPU socket-id: 4 must be in range 0:3");
  assert_add_fails (f, "{'driver':'host-x86-cpu','socket-id':1,'core-id':0,'thread-id':1}",
                    "Invalid CPU thread-id: 1 must be in range 0:0");
  assert_add_fails (f, "{'driver':'host-x86-cpu','socket-id':0,'core-id':1}",
                    "CPU [socket-id: 0, die-id: 0, core-id: 1, thread-id: 0] exists already: "
                    "/machine/unattached/device[1]");
  for (guint i = 0; i < 2; i++)
    {
      cpu = add (f, "{'driver':'host-x86-cpu','id':'c5','socket-id':2,'core-id':1}", NULL);
      g_object_get (cpu, "cpu-index", &index, NULL);
      g_assert_cmpint (index, ==, 5);
      g_assert_true (sv_machine_get_cpu (f->machine, 5) == cpu);
      /* It waits for the guest, as a processor at power-on, and runs as soon as the guest says so. */
      g_assert_cmpuint (vcpu (f, "c5")->n_resets, ==, 1);
      g_assert_false (vcpu (f, "c5")->entry_seen);
      g_assert_false (sv_vcpu_should_stop (sv_cpu_get_vcpu (SV_CPU (cpu))));
      sv_machine_stop (f->machine, SV_RUN_STATE_PAUSED);
      g_assert_true (sv_vcpu_should_stop (sv_cpu_get_vcpu (SV_CPU (cpu))));
      start (f);
      sv_machine_remove_device (f->machine, cpu);
      g_assert_null (sv_machine_get_cpu (f->machine, 5));
    }
  g_assert_nonnull (sv_machine_get_cpu (f->machine, 1));
  g_assert_true (sv_machine_is_running (f->machine));
}

static void
test_topology (void)
{
  g_autoptr (SvObject) machine = NULL;
  g_autoptr (GError) error = NULL;

  sv_vm_lock ();
  machine = g_object_new (fake_machine_get_type (), "accel", "fake", "cpus", 4, "sockets", 3, NULL);
  g_assert_false (sv_object_complete (machine, &error));
  g_assert_nonnull (strstr (error->message, "sockets (3)"));
  g_clear_object (&machine);
  sv_vm_unlock ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  sv_type_registry_add (types, G_N_ELEMENTS (types));
  sv_vm_lock_attach (NULL);

#define ADD(path, func) g_test_add (path, Fixture, NULL, setup, func, teardown)
  ADD ("/machine/tree", test_tree);
  ADD ("/machine/start-stop", test_start_stop);
  ADD ("/machine/guest-reset", test_guest_reset);
  ADD ("/machine/reset-while-stopped", test_reset_while_stopped);
  ADD ("/machine/no-reboot", test_no_reboot);
  ADD ("/machine/no-shutdown", test_no_shutdown);
  ADD ("/machine/no-reboot-no-shutdown", test_no_reboot_no_shutdown);
  ADD ("/machine/vcpu-error", test_vcpu_error);
  ADD ("/machine/load-fails", test_load_fails);
  ADD ("/machine/add-device", test_add_device);
  ADD ("/machine/remove-device", test_remove_device);
  ADD ("/machine/cpu-hotplug", test_cpu_hotplug);
  g_test_add_func ("/machine/topology", test_topology);
  return g_test_run ();
}
