/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/core/sv-cpu.h"

#include "hw/core/sv-machine.h"
#include "src/migration/sv-migratable.h"

#define UNSET -1

enum
{
  PROP_CPU_INDEX = 1,
  PROP_SOCKET_ID,
  PROP_DIE_ID,
  PROP_CORE_ID,
  PROP_THREAD_ID,
  PROP_NODE_ID,
  PROP_HOST_THREAD_ID,
  N_PROPS
};

#define N_IDS 4 /* PROP_SOCKET_ID and on */

struct _SvCpu
{
  SvDevice parent_instance;

  gint index;
  gint ids[N_IDS];
  gint node;

  SvVcpu *vcpu;
};

static GParamSpec *props[N_PROPS];

static GVariant *sv_cpu_dup_state (SvMigratable *migratable, GError **error);
static gboolean sv_cpu_load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error);

/* That of the vCPU, with its own version */
static const char *const state_types[] = { "(uv)", NULL };
static const SvMigratableState cpu_state
    = { .types = state_types, .dup = sv_cpu_dup_state, .load = sv_cpu_load_state };

G_DEFINE_FINAL_TYPE_WITH_CODE (SvCpu, sv_cpu, SV_TYPE_DEVICE, SV_MIGRATABLE_STATE (&cpu_state))

/* --- its place --- */

static void
fail_id (SvCpu *self, guint n, guint count, GError **error)
{
  const char *name = g_param_spec_get_name (props[PROP_SOCKET_ID + n]);

  if (self->ids[n] == UNSET)
    g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID, "CPU %s is missing: it is from 0 to %u", name,
                 count - 1);
  else
    g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID, "Invalid CPU %s: %d must be in range 0:%u", name,
                 self->ids[n], count - 1);
}

/* Number from place, or place from number. An id that can only be 0 need not be given. */
static gboolean
find_place (SvCpu *self, SvMachine *machine, GError **error)
{
  const SvCpuLayout layout = sv_machine_get_cpu_layout (machine);
  const guint counts[N_IDS] = { layout.sockets, layout.dies, layout.cores, layout.threads };
  SvDevice *other;

  if (self->index != UNSET)
    {
      guint rest = (guint)self->index;

      for (guint n = N_IDS; n-- > 0; rest /= counts[n])
        self->ids[n] = (gint)(rest % counts[n]);
      return TRUE;
    }
  self->index = 0;
  for (guint n = 0; n < N_IDS; n++)
    {
      if (self->ids[n] == UNSET && counts[n] == 1)
        self->ids[n] = 0;
      if (self->ids[n] == UNSET || (guint)self->ids[n] >= counts[n])
        {
          fail_id (self, n, counts[n], error);
          return FALSE;
        }
      self->index = self->index * (gint)counts[n] + self->ids[n];
    }
  other = sv_machine_get_cpu (machine, (guint)self->index);
  if (other != NULL)
    {
      g_autofree char *path = sv_object_dup_path (SV_OBJECT (other));

      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_EXISTS,
                   "CPU [socket-id: %d, die-id: %d, core-id: %d, thread-id: %d] exists already: %s", self->ids[0],
                   self->ids[1], self->ids[2], self->ids[3], path);
      return FALSE;
    }
  return TRUE;
}

/* The node follows from the place. */
static gboolean
find_node (SvCpu *self, SvMachine *machine, GError **error)
{
  const SvNuma *numa = sv_machine_get_numa (machine);
  const gint node = numa != NULL ? numa->cpu_nodes[self->index] : UNSET;

  /* Without nodes all is node 0. */
  if (self->node != UNSET && self->node != MAX (0, node))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "Invalid CPU node-id: processor %d belongs to node %d, not %d", self->index, MAX (0, node),
                   self->node);
      return FALSE;
    }
  self->node = node;
  return TRUE;
}

/* --- SvDevice --- */

static gboolean
sv_cpu_realize (SvDevice *device, GError **error)
{
  SvCpu *self = SV_CPU (device);
  SvMachine *machine = sv_device_get_machine (device);
  g_autoptr (SvVcpu) vcpu = NULL;

  if (!find_place (self, machine, error) || !find_node (self, machine, error))
    return FALSE;
  vcpu = sv_accel_create_vcpu (sv_machine_get_accel (machine), (guint)self->index, error);
  if (vcpu == NULL)
    return FALSE;
  sv_vcpu_set_event_func (vcpu, sv_machine_vcpu_event, machine);
  /* Others are reset with the machine, before it starts. */
  if (sv_device_is_hotplugged (device) && !sv_vcpu_reset (vcpu, NULL, error))
    return FALSE;
  if (!sv_vcpu_start (vcpu, error))
    return FALSE;
  self->vcpu = g_steal_pointer (&vcpu);
  sv_machine_cpu_realized (machine, device);
  return TRUE;
}

static void
sv_cpu_unrealize (SvDevice *device)
{
  SvCpu *self = SV_CPU (device);

  sv_vcpu_stop (self->vcpu);
  sv_machine_cpu_unrealized (sv_device_get_machine (device), device);
  g_clear_object (&self->vcpu);
}

/* All but the boot processor */
static gboolean
sv_cpu_may_leave (SvDevice *device)
{
  return SV_CPU (device)->index > 0;
}

static GVariant *
sv_cpu_dup_state (SvMigratable *migratable, GError **error)
{
  return sv_vcpu_dup_state (SV_CPU (migratable)->vcpu, error);
}

static gboolean
sv_cpu_load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  return sv_vcpu_load_state (SV_CPU (migratable)->vcpu, state, error);
}

static void
sv_cpu_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvCpu *self = SV_CPU (object);

  if (id == PROP_HOST_THREAD_ID)
    g_value_set_uint (value, self->vcpu != NULL ? (guint)sv_vcpu_get_thread_id (self->vcpu) : 0);
  else if (id == PROP_CPU_INDEX)
    g_value_set_int (value, self->index);
  else if (id == PROP_NODE_ID)
    g_value_set_int (value, self->node);
  else
    g_value_set_int (value, self->ids[id - PROP_SOCKET_ID]);
}

static void
sv_cpu_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  if (id == PROP_NODE_ID)
    SV_CPU (object)->node = g_value_get_int (value);
  else
    SV_CPU (object)->ids[id - PROP_SOCKET_ID] = g_value_get_int (value);
}

static void
install_id (guint id, const char *name, const char *blurb)
{
  props[id] = g_param_spec_int (name, name, blurb, UNSET, SV_MACHINE_MAX_CPUS - 1, UNSET, SV_PARAM_RW_WIRING);
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
  device_class->user_creatable = TRUE;
  device_class->hotpluggable = TRUE;
  device_class->may_leave = sv_cpu_may_leave;
  device_class->category = "cpu";
  device_class->description = "Processor, as -cpu describes it";

  props[PROP_CPU_INDEX] = g_param_spec_int ("cpu-index", "cpu-index", "Number of the processor; -1: it has no place yet",
                                            UNSET, SV_MACHINE_MAX_CPUS - 1, UNSET, SV_PARAM_RO);
  install_id (PROP_SOCKET_ID, "socket-id", "Socket that holds the processor; -1: the only one");
  install_id (PROP_DIE_ID, "die-id", "Die within the socket; -1: the only one");
  install_id (PROP_CORE_ID, "core-id", "Core within the die; -1: the only one");
  install_id (PROP_THREAD_ID, "thread-id", "Hardware thread within the core; -1: the only one");
  install_id (PROP_NODE_ID, "node-id", "NUMA node of the processor; -1: that of its place");
  props[PROP_HOST_THREAD_ID] = g_param_spec_uint (
      "host-thread-id", "host-thread-id", "Kernel's id of the host thread that runs the processor", 0,
      G_MAXUINT, 0, SV_PARAM_RO);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_cpu_init (SvCpu *self)
{
  self->index = self->node = UNSET;
  for (guint n = 0; n < N_IDS; n++)
    self->ids[n] = UNSET;
}

/**
 * sv_cpu_new: (skip)
 * @index: number of the processor
 *
 * Returns: (transfer full): a processor whose place in the topology follows from its number
 */
SvDevice *
sv_cpu_new (guint index)
{
  SvCpu *self = g_object_new (SV_TYPE_CPU, NULL);

  self->index = (gint)index;
  return SV_DEVICE (self);
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

/**
 * sv_cpu_get_index:
 * @self: a realized processor
 *
 * Returns: its number
 */
guint
sv_cpu_get_index (SvCpu *self)
{
  return (guint)self->index;
}
