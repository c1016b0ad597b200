/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "tests/unit/machine-fixture.h"

#include <string.h>

#include "qom/sv-type-registry.h"
#include "src/runtime/sv-vm-lock.h"

/* --- a vCPU that waits for its kick --- */

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

void
fake_vcpu_raise (FakeVcpu *self, SvVcpuEvent event)
{
  g_mutex_lock (&self->mutex);
  self->next_event = event;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
}

/* --- its accelerator --- */

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

void
machine_fixture_set_up (MachineFixture *f, gconstpointer data)
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

void
machine_fixture_tear_down (MachineFixture *f, gconstpointer data)
{
  sv_object_unparent (SV_OBJECT (f->machine));
  g_assert_finalize_object (f->machine);
  g_object_unref (f->root);
  g_string_free (f->log, TRUE);
  sv_vm_unlock ();
}

FakeVcpu *
machine_fixture_get_vcpu (MachineFixture *f, const char *path)
{
  SvObject *cpu = sv_object_resolve (f->root, path, SV_TYPE_CPU, NULL);

  return FAKE_VCPU (sv_cpu_get_vcpu (SV_CPU (cpu)));
}

void
machine_fixture_start (MachineFixture *f)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (sv_machine_start (f->machine, &error));
  g_assert_no_error (error);
}

void
machine_fixture_await (MachineFixture *f, const char *words)
{
  while (strstr (f->log->str, words) == NULL)
    g_main_context_iteration (NULL, TRUE);
}

SvDevice *
machine_fixture_add (MachineFixture *f, const char *json, GError **error)
{
  g_autoptr (JsonNode) node = json_from_string (json, NULL);

  return sv_machine_add_device (f->machine, json_node_get_object (node), error);
}

void
machine_fixture_init (int *argc, char ***argv)
{
  g_test_init (argc, argv, NULL);
  sv_type_registry_add (types, G_N_ELEMENTS (types));
  sv_vm_lock_attach (NULL);
}
