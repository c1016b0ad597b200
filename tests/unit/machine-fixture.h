/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-cpu.h"
#include "hw/core/sv-machine.h"

/* A machine of 2 processors and 8 places (4 sockets of 2 cores), on an accelerator that only counts. */

/* A vCPU that waits for its kick */
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

/* The vCPU leaves guest mode with @event. */
void fake_vcpu_raise (FakeVcpu *self, SvVcpuEvent event);

G_DECLARE_FINAL_TYPE (FakeAccel, fake_accel, FAKE, ACCEL, SvAccel)
struct _FakeAccel
{
  SvAccel parent_instance;
  guint n_resets;
};

G_DECLARE_FINAL_TYPE (FakeMachine, fake_machine, FAKE, MACHINE, SvMachine)
struct _FakeMachine
{
  SvMachine parent_instance;
  guint n_loads;
  gboolean fail_load;
};

/* `fake-device`, on a bus `bus.0` of the machine */
G_DECLARE_FINAL_TYPE (FakeDevice, fake_device, FAKE, DEVICE, SvDevice)
struct _FakeDevice
{
  SvDevice parent_instance;
  gboolean broken;
  guint n_resets;
  gint n_quiesced;
};

typedef struct
{
  SvObject *root;
  SvMachine *machine;
  GString *log; /* signals, in order */
} MachineFixture;

/* Instead of g_test_init() */
void machine_fixture_init (int *argc, char ***argv);
void machine_fixture_set_up (MachineFixture *f, gconstpointer data);
void machine_fixture_tear_down (MachineFixture *f, gconstpointer data);
#define MACHINE_FIXTURE_ADD(path, func)                                                                                \
  g_test_add (path, MachineFixture, NULL, machine_fixture_set_up, func, machine_fixture_tear_down)

FakeVcpu *machine_fixture_get_vcpu (MachineFixture *f, const char *path);
void machine_fixture_start (MachineFixture *f);
/* Lets the main loop run until @words were logged. */
void machine_fixture_await (MachineFixture *f, const char *words);
/* As device_add does */
SvDevice *machine_fixture_add (MachineFixture *f, const char *json, GError **error);
