/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/core/sv-numa.h"
#include "src/migration/sv-migratable.h"

#include "hw/core/sv-vm-tree.h"

struct _SvNumaNode
{
  SvObject parent_instance;

  gint id;
  GStrv cpus;
  SvObject *memdev; /* link */
  guint64 mem;
};

enum
{
  PROP_NODEID = 1,
  PROP_CPUS,
  PROP_MEMDEV,
  PROP_MEM,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE_WITH_CODE (SvNumaNode, sv_numa_node, SV_TYPE_OBJECT, SV_MIGRATABLE_STATELESS ("all of it comes from properties"))

static void
sv_numa_node_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvNumaNode *self = SV_NUMA_NODE (object);

  switch (id)
    {
    case PROP_NODEID:
      g_value_set_int (value, self->id);
      break;
    case PROP_CPUS:
      g_value_set_boxed (value, self->cpus);
      break;
    case PROP_MEMDEV:
      g_value_set_object (value, self->memdev);
      break;
    case PROP_MEM:
      g_value_set_uint64 (value, self->mem);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_numa_node_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvNumaNode *self = SV_NUMA_NODE (object);

  switch (id)
    {
    case PROP_NODEID:
      self->id = g_value_get_int (value);
      break;
    case PROP_CPUS:
      g_strfreev (self->cpus);
      self->cpus = g_value_dup_boxed (value);
      break;
    case PROP_MEMDEV:
      sv_object_set_link (SV_OBJECT (self), pspec, &self->memdev, g_value_get_object (value));
      break;
    case PROP_MEM:
      self->mem = g_value_get_uint64 (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_numa_node_dispose (GObject *object)
{
  SvNumaNode *self = SV_NUMA_NODE (object);

  sv_object_set_link (SV_OBJECT (self), props[PROP_MEMDEV], &self->memdev, NULL);
  g_clear_pointer (&self->cpus, g_strfreev);
  G_OBJECT_CLASS (sv_numa_node_parent_class)->dispose (object);
}

static void
sv_numa_node_class_init (SvNumaNodeClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = sv_numa_node_get_property;
  object_class->set_property = sv_numa_node_set_property;
  object_class->dispose = sv_numa_node_dispose;
  SV_OBJECT_CLASS (klass)->container = SV_MACHINE_PARTS;

  props[PROP_NODEID] = g_param_spec_int ("nodeid", "nodeid", "Number of the node; -1: the next free one", -1,
                                         SV_NUMA_MAX_NODES - 1, -1, SV_PARAM_RW_WIRING);
  props[PROP_CPUS] = g_param_spec_boxed (
      "cpus", "cpus", "Processors of the node: a number or FIRST-LAST; may be given several times", G_TYPE_STRV,
      SV_PARAM_RW_WIRING);
  props[PROP_MEMDEV] = g_param_spec_object ("memdev", "memdev", "Memory backend behind the RAM of the node",
                                            SV_TYPE_MEMORY_BACKEND, SV_PARAM_RW_WIRING);
  props[PROP_MEM]
      = g_param_spec_uint64 ("mem", "mem", "Bytes of the machine's RAM that are the node's", 0, G_MAXUINT64, 0,
                             SV_PARAM_RW_WIRING | SV_PARAM_SIZE);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_numa_node_init (SvNumaNode *self)
{
  self->id = -1;
}

gint
sv_numa_node_get_id (SvNumaNode *self)
{
  return self->id;
}

const char *const *
sv_numa_node_get_cpus (SvNumaNode *self)
{
  return (const char *const *)self->cpus;
}

SvMemoryBackend *
sv_numa_node_get_memdev (SvNumaNode *self)
{
  return (SvMemoryBackend *)self->memdev;
}

guint64
sv_numa_node_get_mem (SvNumaNode *self)
{
  return self->mem;
}
