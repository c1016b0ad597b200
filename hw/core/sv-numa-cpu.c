/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/core/sv-numa.h"

#include "hw/core/sv-vm-tree.h"
#include "src/migration/sv-migratable.h"

#define N_VALUES 5u

struct _SvNumaCpu
{
  SvObject parent_instance;

  gint values[N_VALUES]; /* by property id less 1 */
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvNumaCpu, sv_numa_cpu, SV_TYPE_OBJECT, SV_MIGRATABLE_STATELESS ("all of it comes from properties"))

static const SvNumaField fields[N_VALUES] = {
  { "node-id", "Node of the processors", 0, SV_NUMA_MAX_NODES - 1, 0 },
  { "socket-id", "Their socket; -1: any", -1, 253, -1 },
  { "die-id", "Their die within the socket; -1: any", -1, 253, -1 },
  { "core-id", "Their core within the die; -1: any", -1, 253, -1 },
  { "thread-id", "Their hardware thread within the core; -1: any", -1, 253, -1 },
};

static void
sv_numa_cpu_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_set_int (value, SV_NUMA_CPU (object)->values[id - 1]);
}

static void
sv_numa_cpu_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SV_NUMA_CPU (object)->values[id - 1] = g_value_get_int (value);
}

static void
sv_numa_cpu_class_init (SvNumaCpuClass *klass)
{
  G_OBJECT_CLASS (klass)->get_property = sv_numa_cpu_get_property;
  G_OBJECT_CLASS (klass)->set_property = sv_numa_cpu_set_property;
  SV_OBJECT_CLASS (klass)->container = SV_MACHINE_PARTS;
  sv_numa_install_fields (G_OBJECT_CLASS (klass), fields, N_VALUES);
}

static void
sv_numa_cpu_init (SvNumaCpu *self)
{
  for (guint i = 0; i < N_VALUES; i++)
    self->values[i] = fields[i].value;
}

guint
sv_numa_cpu_get (SvNumaCpu *self, gint ids[4])
{
  for (guint i = 0; i < 4; i++)
    ids[i] = self->values[i + 1];
  return (guint)self->values[0];
}
