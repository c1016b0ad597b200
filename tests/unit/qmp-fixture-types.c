/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qmp-fixture-types.h"

#include "hw/core/sv-cpu.h"
#include "hw/core/sv-machine.h"
#include "qmp-fixture.h"
#include "qom/sv-type-registry.h"

/* A processor that does nothing until it is told to stop */

typedef struct
{
  SvVcpu parent_instance;
  GMutex mutex;
  GCond cond;
} TestVcpu;
typedef SvVcpuClass TestVcpuClass;
static GType test_vcpu_get_type (void);
G_DEFINE_TYPE (TestVcpu, test_vcpu, SV_TYPE_VCPU)

static gboolean
test_vcpu_run (SvVcpu *vcpu, SvVcpuEvent *event)
{
  TestVcpu *self = (TestVcpu *)vcpu;

  g_mutex_lock (&self->mutex);
  while (!sv_vcpu_should_stop (vcpu))
    g_cond_wait (&self->cond, &self->mutex);
  g_mutex_unlock (&self->mutex);
  return TRUE;
}

static void
test_vcpu_kick (SvVcpu *vcpu)
{
  TestVcpu *self = (TestVcpu *)vcpu;

  g_mutex_lock (&self->mutex);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->mutex);
}

static void
test_vcpu_class_init (TestVcpuClass *klass)
{
  klass->run = test_vcpu_run;
  klass->kick = test_vcpu_kick;
}

static void
test_vcpu_init (TestVcpu *self)
{
}

typedef SvAccel TestAccel;
typedef SvAccelClass TestAccelClass;
static GType test_accel_get_type (void);
G_DEFINE_TYPE (TestAccel, test_accel, SV_TYPE_ACCEL)

static gboolean
test_accel_nothing (SvAccel *accel, GError **error)
{
  return TRUE;
}

static SvVcpu *
test_accel_create_vcpu (SvAccel *accel, guint index, GError **error)
{
  return g_object_new (test_vcpu_get_type (), "index", index, NULL);
}

static void
test_accel_class_init (TestAccelClass *klass)
{
  klass->open = test_accel_nothing;
  klass->reset = test_accel_nothing;
  klass->create_vcpu = test_accel_create_vcpu;
}

static void
test_accel_init (TestAccel *self)
{
}

/* Machine, device and object */

typedef SvMachine TestMachine;
typedef SvMachineClass TestMachineClass;
G_DEFINE_TYPE (TestMachine, test_machine, SV_TYPE_MACHINE)

static gboolean
test_machine_build (SvMachine *machine, GError **error)
{
  return sv_machine_open_accel (machine, error) && sv_machine_create_cpus (machine, error);
}

static gboolean
test_machine_load (SvMachine *machine, GError **error)
{
  return TRUE;
}

static void
test_machine_class_init (TestMachineClass *klass)
{
  klass->build = test_machine_build;
  klass->load = test_machine_load;
}

static void
test_machine_init (TestMachine *self)
{
}

typedef struct
{
  SvDevice parent_instance;
  guint speed;
} TestDevice;
typedef SvDeviceClass TestDeviceClass;
static GType test_device_get_type (void);
G_DEFINE_TYPE (TestDevice, test_device, SV_TYPE_DEVICE)

gboolean qmp_test_device_fails;
gboolean qmp_test_device_is_busy;

static gboolean
test_device_realize (SvDevice *device, GError **error)
{
  if (qmp_test_device_fails)
    g_set_error_literal (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY, "The device is broken");
  return !qmp_test_device_fails;
}

static gboolean
test_device_settle (SvDevice *device)
{
  return !qmp_test_device_is_busy;
}

static void
test_device_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_set_uint (value, ((TestDevice *)object)->speed);
}

static void
test_device_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  ((TestDevice *)object)->speed = g_value_get_uint (value);
}

static void
test_device_class_init (TestDeviceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = test_device_get_property;
  object_class->set_property = test_device_set_property;
  klass->realize = test_device_realize;
  klass->settle = test_device_settle;
  klass->user_creatable = TRUE;
  g_object_class_install_property (
      object_class, 1,
      g_param_spec_uint ("speed", "speed", "How fast", 0, 100, 10, SV_PARAM_RW_WIRING));
}

static void
test_device_init (TestDevice *self)
{
}

typedef struct
{
  SvObject parent_instance;
  char *text;
  SvObject *friend;
} TestObject;
typedef SvObjectClass TestObjectClass;
G_DEFINE_TYPE (TestObject, test_object, SV_TYPE_OBJECT)

static GParamSpec *friend_pspec;

static void
test_object_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  TestObject *self = (TestObject *)object;

  if (id == 1)
    g_value_set_string (value, self->text);
  else if (id == 2)
    g_value_set_object (value, self->friend);
  else
    g_value_set_int64 (value, -5);
}

static void
test_object_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  TestObject *self = (TestObject *)object;

  if (id == 1)
    {
      g_free (self->text);
      self->text = g_value_dup_string (value);
    }
  else
    sv_object_set_link (SV_OBJECT (self), friend_pspec, &self->friend, g_value_get_object (value));
}

static void
test_object_dispose (GObject *object)
{
  sv_object_set_link (SV_OBJECT (object), friend_pspec, &((TestObject *)object)->friend, NULL);
  G_OBJECT_CLASS (test_object_parent_class)->dispose (object);
}

static void
test_object_finalize (GObject *object)
{
  g_free (((TestObject *)object)->text);
  G_OBJECT_CLASS (test_object_parent_class)->finalize (object);
}

static void
test_object_class_init (TestObjectClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = test_object_get_property;
  object_class->set_property = test_object_set_property;
  object_class->dispose = test_object_dispose;
  object_class->finalize = test_object_finalize;
  klass->container = "objects";
  g_object_class_install_property (
      object_class, 1, g_param_spec_string ("text", "text", "Some text", NULL, SV_PARAM_RW));
  friend_pspec = g_param_spec_object ("friend", "friend", "A link", SV_TYPE_OBJECT, SV_PARAM_RW);
  g_object_class_install_property (object_class, 2, friend_pspec);
  g_object_class_install_property (
      object_class, 3,
      g_param_spec_int64 ("fixed", "fixed", "", G_MININT64, G_MAXINT64, 0, SV_PARAM_RO));
}

static void
test_object_init (TestObject *self)
{
}

static const SvTypeEntry types[] = {
  { "container", sv_object_get_type, NULL },     { "host-x86-cpu", sv_cpu_get_type, NULL },
  { "test-accel", test_accel_get_type, NULL },   { "test-device", test_device_get_type, NULL },
  { "test-gadget", NULL, "test-device" },        { "test-machine", test_machine_get_type, NULL },
  { "test-object", test_object_get_type, NULL },
};

void
qmp_fixture_register_types (void)
{
  sv_type_registry_add (types, G_N_ELEMENTS (types));
}
