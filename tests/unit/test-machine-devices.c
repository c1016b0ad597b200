/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Devices and processors of a machine: where they are, how they come and go. */

#include <string.h>

#include "src/runtime/sv-vm-lock.h"
#include "tests/unit/machine-fixture.h"

static void
test_tree (MachineFixture *f, gconstpointer data)
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
assert_add_fails (MachineFixture *f, const char *json, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (machine_fixture_add (f, json, &error));
  g_assert_cmpstr (error->message, ==, message);
}

static void
test_add_device (MachineFixture *f, gconstpointer data)
{
  SvObject *bus = sv_object_resolve (f->root, "/machine/bus.0", SV_TYPE_BUS, NULL);
  SvObject *peripheral = sv_object_resolve (f->root, "/machine/peripheral", SV_TYPE_OBJECT, NULL);
  SvDevice *device = machine_fixture_add (f, "{'driver':'fake-device','id':'d0','bus':'bus.0'}", NULL);
  g_autofree char *path = sv_object_dup_path (SV_OBJECT (device));

  g_assert_cmpstr (path, ==, "/machine/peripheral/d0");
  g_assert_true (sv_device_is_realized (device));
  g_assert_true (sv_device_get_bus (device) == SV_BUS (bus));
  device = machine_fixture_add (f, "{'driver':'fake-device'}", NULL);
  g_assert_cmpstr (sv_object_get_id (SV_OBJECT (device)), ==, "device[0]");

  assert_add_fails (f, "{'driver':'fake-device','id':'d0'}", "Duplicate device ID 'd0'");
  assert_add_fails (f, "{'id':'d1'}", "Parameter 'driver' is missing");
  assert_add_fails (f, "{'driver':'no-such'}", "'no-such' is not a valid device model name");
  assert_add_fails (f, "{'driver':'fake-machine'}", "'fake-machine' is not a valid device model name");
  assert_add_fails (f, "{'driver':'fake-device','id':7}",
                    "Invalid parameter type for 'id', expected: string");
  assert_add_fails (f, "{'driver':'fake-device','bus':'nowhere'}", "Bus 'nowhere' not found");
  assert_add_fails (f, "{'driver':'fake-device','id':'d1','broken':true}", "device is broken");
  g_assert_null (machine_fixture_add (f, "{'driver':'fake-device','id':'1/x'}", NULL));
  g_assert_cmpuint (sv_object_get_n_children (peripheral), ==, 1);
  g_assert_cmpuint (sv_bus_get_n_devices (SV_BUS (bus)), ==, 2);
}

static void
test_remove_device (MachineFixture *f, gconstpointer data)
{
  SvObject *bus = sv_object_resolve (f->root, "/machine/bus.0", SV_TYPE_BUS, NULL);
  SvDevice *device = g_object_ref (machine_fixture_add (f, "{'driver':'fake-device','id':'d0'}", NULL));

  sv_machine_remove_device (f->machine, device);
  g_assert_false (sv_device_is_realized (device));
  g_assert_cmpint (FAKE_DEVICE (device)->n_quiesced, ==, 1);
  g_assert_cmpuint (sv_bus_get_n_devices (SV_BUS (bus)), ==, 0);
  g_assert_null (sv_object_resolve (f->root, "d0", SV_TYPE_OBJECT, NULL));
  g_assert_finalize_object (device);
}

/* The machine has 2 processors and 8 places: 4 sockets of 2 cores. */
static void
test_cpu_hotplug (MachineFixture *f, gconstpointer data)
{
  SvDevice *cpu;
  gint index = -1;

  machine_fixture_start (f);
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
      cpu = machine_fixture_add (f, "{'driver':'host-x86-cpu','id':'c5','socket-id':2,'core-id':1}", NULL);
      g_object_get (cpu, "cpu-index", &index, NULL);
      g_assert_cmpint (index, ==, 5);
      g_assert_true (sv_machine_get_cpu (f->machine, 5) == cpu);
      /* It waits for the guest, as a processor at power-on, and runs as soon as the guest says so. */
      g_assert_cmpuint (machine_fixture_get_vcpu (f, "c5")->n_resets, ==, 1);
      g_assert_false (machine_fixture_get_vcpu (f, "c5")->entry_seen);
      g_assert_false (sv_vcpu_should_stop (sv_cpu_get_vcpu (SV_CPU (cpu))));
      sv_machine_stop (f->machine, SV_RUN_STATE_PAUSED);
      g_assert_true (sv_vcpu_should_stop (sv_cpu_get_vcpu (SV_CPU (cpu))));
      machine_fixture_start (f);
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
  machine_fixture_init (&argc, &argv);

  MACHINE_FIXTURE_ADD ("/machine/tree", test_tree);
  MACHINE_FIXTURE_ADD ("/machine/add-device", test_add_device);
  MACHINE_FIXTURE_ADD ("/machine/remove-device", test_remove_device);
  MACHINE_FIXTURE_ADD ("/machine/cpu-hotplug", test_cpu_hotplug);
  g_test_add_func ("/machine/topology", test_topology);
  return g_test_run ();
}
