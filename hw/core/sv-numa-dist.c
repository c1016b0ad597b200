/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/core/sv-numa.h"

#include "hw/core/sv-vm-tree.h"
#include "src/migration/sv-migratable.h"

#define N_VALUES 3u

struct _SvNumaDist
{
  SvObject parent_instance;

  gint values[N_VALUES]; /* by property id less 1 */
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvNumaDist, sv_numa_dist, SV_TYPE_OBJECT, SV_MIGRATABLE_STATELESS ("all of it comes from properties"))

static const SvNumaField fields[N_VALUES] = {
  { "src", "Node that looks", 0, SV_NUMA_MAX_NODES - 1, 0 },
  { "dst", "Node that is looked at", 0, SV_NUMA_MAX_NODES - 1, 0 },
  { "val", "Distance: 10 is that of a node to itself, 255 is out of reach", SV_NUMA_LOCAL, SV_NUMA_UNREACHABLE, SV_NUMA_REMOTE },
};

static void
sv_numa_dist_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_set_int (value, SV_NUMA_DIST (object)->values[id - 1]);
}

static void
sv_numa_dist_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SV_NUMA_DIST (object)->values[id - 1] = g_value_get_int (value);
}

static void
sv_numa_dist_class_init (SvNumaDistClass *klass)
{
  G_OBJECT_CLASS (klass)->get_property = sv_numa_dist_get_property;
  G_OBJECT_CLASS (klass)->set_property = sv_numa_dist_set_property;
  SV_OBJECT_CLASS (klass)->container = SV_MACHINE_PARTS;
  sv_numa_install_fields (G_OBJECT_CLASS (klass), fields, N_VALUES);
}

static void
sv_numa_dist_init (SvNumaDist *self)
{
  for (guint i = 0; i < N_VALUES; i++)
    self->values[i] = fields[i].value;
}

void
sv_numa_dist_get (SvNumaDist *self, guint *source, guint *target, guint *distance)
{
  *source = (guint)self->values[0];
  *target = (guint)self->values[1];
  *distance = (guint)self->values[2];
}
