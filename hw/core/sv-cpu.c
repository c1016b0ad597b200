/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/core/sv-cpu.h"

#include "hw/core/sv-machine.h"

struct _SvCpu
{
  SvDevice parent_instance;

  guint cpu_index;
  guint socket_id;
  guint die_id;
  guint core_id;
  guint thread_id;

  SvVcpu *vcpu;
};

enum
{
  PROP_CPU_INDEX = 1,
  PROP_SOCKET_ID,
  PROP_DIE_ID,
  PROP_CORE_ID,
  PROP_THREAD_ID,
  PROP_HOST_THREAD_ID,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE (SvCpu, sv_cpu, SV_TYPE_DEVICE)

static gboolean
sv_cpu_realize (SvDevice *device, GError **error)
{
  SvCpu *self = SV_CPU (device);
  SvMachine *machine = sv_device_get_machine (device);
  g_autoptr (SvVcpu) vcpu
      = sv_accel_create_vcpu (sv_machine_get_accel (machine), self->cpu_index, error);

  if (vcpu == NULL)
    return FALSE;
  sv_vcpu_set_event_func (vcpu, sv_machine_vcpu_event, machine);
  if (!sv_vcpu_start (vcpu, error))
    return FALSE;
  self->vcpu = g_steal_pointer (&vcpu);
  return TRUE;
}

static void
sv_cpu_unrealize (SvDevice *device)
{
  SvCpu *self = SV_CPU (device);

  sv_vcpu_stop (self->vcpu);
  g_clear_object (&self->vcpu);
}

static guint *
field (SvCpu *self, guint id)
{
  switch (id)
    {
    case PROP_CPU_INDEX:
      return &self->cpu_index;
    case PROP_SOCKET_ID:
      return &self->socket_id;
    case PROP_DIE_ID:
      return &self->die_id;
    case PROP_CORE_ID:
      return &self->core_id;
    case PROP_THREAD_ID:
      return &self->thread_id;
    default:
      return NULL;
    }
}

static void
sv_cpu_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvCpu *self = SV_CPU (object);

  if (id == PROP_HOST_THREAD_ID)
    g_value_set_uint (value, self->vcpu != NULL ? (guint)sv_vcpu_get_thread_id (self->vcpu) : 0);
  else
    g_value_set_uint (value, *field (self, id));
}

static void
sv_cpu_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  *field (SV_CPU (object), id) = g_value_get_uint (value);
}

static void
sv_cpu_class_init (SvCpuClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);

  object_class->get_property = sv_cpu_get_property;
  object_class->set_property = sv_cpu_set_property;
  device_class->realize = sv_cpu_realize;
  device_class->unrealize = sv_cpu_unrealize;
  device_class->category = "cpu";
  device_class->description = "Processor with all features of the host";

  props[PROP_CPU_INDEX] = g_param_spec_uint ("cpu-index", "cpu-index", "Number of the processor", 0,
                                             253, 0, SV_PARAM_RW_WIRING);
  props[PROP_SOCKET_ID] = g_param_spec_uint ("socket-id", "socket-id", "Socket that holds the processor",
                                             0, 253, 0, SV_PARAM_RW_WIRING);
  props[PROP_DIE_ID] = g_param_spec_uint ("die-id", "die-id", "Die within the socket", 0, 253, 0,
                                          SV_PARAM_RW_WIRING);
  props[PROP_CORE_ID] = g_param_spec_uint ("core-id", "core-id", "Core within the die", 0, 253, 0,
                                           SV_PARAM_RW_WIRING);
  props[PROP_THREAD_ID] = g_param_spec_uint ("thread-id", "thread-id", "Hardware thread within the core",
                                             0, 253, 0, SV_PARAM_RW_WIRING);
  props[PROP_HOST_THREAD_ID] = g_param_spec_uint (
      "host-thread-id", "host-thread-id", "Kernel's id of the host thread that runs the processor", 0,
      G_MAXUINT, 0, SV_PARAM_RO);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_cpu_init (SvCpu *self)
{
}

/**
 * sv_cpu_get_vcpu:
 * @self: a processor
 *
 * Returns: (transfer none) (nullable): what runs it; %NULL before it is realized
 */
SvVcpu *
sv_cpu_get_vcpu (SvCpu *self)
{
  return self->vcpu;
}
