/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/core/sv-numa.h"

#include <stdio.h>

#define NO_NODE 0xffu

typedef struct
{
  SvNuma *numa;
  SvObject *parts;
  const SvCpuLayout *layout;
  guint64 memory;
  SvNumaNode *nodes[SV_NUMA_MAX_NODES];
  GError *error;
} Resolve;

static gboolean
fail (Resolve *r, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
fail (Resolve *r, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  r->error = g_error_new_valist (SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID, format, args);
  va_end (args);
  return FALSE;
}

/* --- nodes --- */

static gboolean
add_node (Resolve *r, SvNumaNode *node)
{
  gint id = sv_numa_node_get_id (node);

  for (guint i = 0; id < 0 && i < SV_NUMA_MAX_NODES; i++)
    if (r->nodes[i] == NULL)
      id = (gint)i;
  if (id < 0)
    return fail (r, "-numa node: at most %u nodes are possible", SV_NUMA_MAX_NODES);
  if (r->nodes[id] != NULL)
    return fail (r, "-numa node,nodeid=%d: this node is there twice", id);
  r->nodes[id] = node;
  r->numa->n_nodes = MAX (r->numa->n_nodes, (guint)id + 1);
  return TRUE;
}

static gboolean
collect_nodes (Resolve *r)
{
  for (guint i = 0; i < sv_object_get_n_children (r->parts); i++)
    {
      SvObject *part = sv_object_get_nth_child (r->parts, i);

      if (SV_IS_NUMA_NODE (part) && !add_node (r, SV_NUMA_NODE (part)))
        return FALSE;
    }
  for (guint i = 0; i < r->numa->n_nodes; i++)
    if (r->nodes[i] == NULL)
      return fail (r, "-numa node,nodeid=%u is missing: nodes are numbered from 0 without a gap", i);
  return TRUE;
}

/* What speaks of nodes takes some. */
static gboolean
check_alone (Resolve *r)
{
  for (guint i = 0; r->numa->n_nodes == 0 && i < sv_object_get_n_children (r->parts); i++)
    {
      SvObject *part = sv_object_get_nth_child (r->parts, i);

      if (SV_IS_NUMA_DIST (part) || SV_IS_NUMA_CPU (part))
        return fail (r, "-numa %s: there is no '-numa node'", SV_IS_NUMA_DIST (part) ? "dist" : "cpu");
    }
  return TRUE;
}

/* --- memory --- */

static gboolean
resolve_memory (Resolve *r)
{
  SvNuma *numa = r->numa;
  gboolean by_memdev = FALSE, by_size = FALSE;
  guint64 sum = 0;

  numa->ram = g_new0 (SvNumaRam, numa->n_nodes);
  for (guint i = 0; i < numa->n_nodes; i++)
    {
      SvMemoryBackend *memdev = sv_numa_node_get_memdev (r->nodes[i]);

      numa->ram[i].memdev = memdev;
      numa->ram[i].memory
          = memdev != NULL ? sv_memory_backend_get_size (memdev) : sv_numa_node_get_mem (r->nodes[i]);
      if (memdev != NULL && sv_numa_node_get_mem (r->nodes[i]) != 0)
        return fail (r, "-numa node,nodeid=%u: give one of 'memdev' and 'mem'", i);
      by_memdev |= memdev != NULL;
      by_size |= sv_numa_node_get_mem (r->nodes[i]) != 0;
      if (numa->ram[i].memory % 4096 != 0)
        return fail (r, "-numa node,nodeid=%u: memory of %" G_GUINT64_FORMAT " bytes must be a multiple of 4096", i,
                     numa->ram[i].memory);
      if (!g_uint64_checked_add (&sum, sum, numa->ram[i].memory))
        return fail (r, "-numa node,nodeid=%u: 'mem' is out of range", i);
    }
  if (by_memdev && by_size)
    return fail (r, "-numa node: nodes have all 'memdev' or all 'mem'");
  if (!by_memdev && !by_size && numa->n_nodes == 1)
    sum = numa->ram[0].memory = r->memory;
  if (sum != r->memory)
    return fail (r,
                 "-numa node: the memory of all nodes (%" G_GUINT64_FORMAT ") must be the machine's (%" G_GUINT64_FORMAT
                 ")",
                 sum, r->memory);
  return TRUE;
}

/* --- processors --- */

static gboolean
assign (Resolve *r, guint cpu, guint node)
{
  guint8 *slot = &r->numa->cpu_nodes[cpu];

  if (*slot != NO_NODE && *slot != node)
    return fail (r, "-numa node,nodeid=%u: processor %u belongs to node %u already", node, cpu, *slot);
  *slot = (guint8)node;
  return TRUE;
}

static gboolean
assign_range (Resolve *r, const char *text, guint node)
{
  guint first, last;
  char rest;
  gint n = sscanf (text, "%3u-%3u%c", &first, &last, &rest);

  if (n == 1 && sscanf (text, "%3u%c", &first, &rest) == 1)
    last = first;
  else if (n != 2 || last < first)
    return fail (r, "-numa node,nodeid=%u: 'cpus' expects a number or FIRST-LAST, got '%s'", node, text);
  if (last >= r->numa->n_cpus)
    return fail (r, "-numa node,nodeid=%u: processor %u is out of range: there are %u", node, last, r->numa->n_cpus);
  for (guint cpu = first; cpu <= last; cpu++)
    if (!assign (r, cpu, node))
      return FALSE;
  return TRUE;
}

static gboolean
assign_by_ids (Resolve *r, SvNumaCpu *part)
{
  const guint counts[4] = { r->layout->sockets, r->layout->dies, r->layout->cores, r->layout->threads };
  static const char *const names[4] = { "socket-id", "die-id", "core-id", "thread-id" };
  gint ids[4];
  guint node = sv_numa_cpu_get (part, ids);

  if (node >= r->numa->n_nodes)
    return fail (r, "-numa cpu,node-id=%u: there is no such node", node);
  for (guint i = 0; i < 4; i++)
    if (ids[i] >= (gint)counts[i])
      return fail (r, "-numa cpu,node-id=%u: '%s' %d is out of range: there are %u", node, names[i], ids[i], counts[i]);
  for (guint cpu = 0; cpu < r->numa->n_cpus; cpu++)
    {
      gboolean match = TRUE;

      for (guint i = 4, rest = cpu; i-- > 0; rest /= counts[i])
        match = match && (ids[i] < 0 || (guint)ids[i] == rest % counts[i]);
      if (match && !assign (r, cpu, node))
        return FALSE;
    }
  return TRUE;
}

/* Those that nobody speaks of: by sockets, in turn, or to node 0 beside others. */
static void
assign_rest (Resolve *r)
{
  SvNuma *numa = r->numa;
  const guint per_socket = r->layout->dies * r->layout->cores * r->layout->threads;
  gboolean any = FALSE;

  for (guint cpu = 0; cpu < numa->n_cpus; cpu++)
    any |= numa->cpu_nodes[cpu] != NO_NODE;
  for (guint cpu = 0; cpu < numa->n_cpus; cpu++)
    if (numa->cpu_nodes[cpu] == NO_NODE)
      numa->cpu_nodes[cpu] = (guint8)(any ? 0 : cpu / per_socket % numa->n_nodes);
}

static gboolean
resolve_cpus (Resolve *r)
{
  SvNuma *numa = r->numa;

  numa->cpu_nodes = g_malloc (numa->n_cpus);
  memset (numa->cpu_nodes, NO_NODE, numa->n_cpus);
  for (guint node = 0; node < numa->n_nodes; node++)
    {
      const char *const *cpus = sv_numa_node_get_cpus (r->nodes[node]);

      for (; cpus != NULL && *cpus != NULL; cpus++)
        if (!assign_range (r, *cpus, node))
          return FALSE;
    }
  for (guint i = 0; i < sv_object_get_n_children (r->parts); i++)
    {
      SvObject *part = sv_object_get_nth_child (r->parts, i);

      if (SV_IS_NUMA_CPU (part) && !assign_by_ids (r, SV_NUMA_CPU (part)))
        return FALSE;
    }
  assign_rest (r);
  return TRUE;
}

/* --- distances --- */

static gboolean
add_distance (Resolve *r, SvNumaDist *part)
{
  SvNuma *numa = r->numa;
  guint source, target, distance;

  sv_numa_dist_get (part, &source, &target, &distance);
  if (source >= numa->n_nodes || target >= numa->n_nodes)
    return fail (r, "-numa dist,src=%u,dst=%u: there are %u nodes", source, target, numa->n_nodes);
  if ((source == target) != (distance == SV_NUMA_LOCAL))
    return fail (r, "-numa dist,src=%u,dst=%u,val=%u: %u is the distance of a node to itself, and of no other", source,
                 target, distance, SV_NUMA_LOCAL);
  if (numa->distances == NULL)
    numa->distances = g_malloc0 (numa->n_nodes * numa->n_nodes);
  numa->distances[source * numa->n_nodes + target] = (guint8)distance;
  return TRUE;
}

/* What is not said is as the other way round. */
static gboolean
resolve_distances (Resolve *r)
{
  SvNuma *numa = r->numa;

  for (guint i = 0; i < sv_object_get_n_children (r->parts); i++)
    {
      SvObject *part = sv_object_get_nth_child (r->parts, i);

      if (SV_IS_NUMA_DIST (part) && !add_distance (r, SV_NUMA_DIST (part)))
        return FALSE;
    }
  for (guint i = 0; numa->distances != NULL && i < numa->n_nodes; i++)
    for (guint j = 0; j < numa->n_nodes; j++)
      {
        guint8 *distance = &numa->distances[i * numa->n_nodes + j];

        if (*distance == 0)
          *distance = i == j ? SV_NUMA_LOCAL : numa->distances[j * numa->n_nodes + i];
        if (*distance == 0)
          return fail (r, "-numa dist,src=%u,dst=%u is missing: give a distance for each two nodes, or none", i, j);
      }
  return TRUE;
}

/**
 * sv_numa_resolve: (skip)
 * @parts: (nullable): what holds the nodes, distances and processors that the user named
 * @layout: how processors are arranged
 * @n_cpus: places for processors
 * @memory: bytes of RAM
 * @numa: (out) (transfer full) (nullable): what they amount to; %NULL without nodes
 * @error: return location
 *
 * Returns: %FALSE with an error that names the option at fault and what it accepts
 */
gboolean
sv_numa_resolve (SvObject *parts,
                 const SvCpuLayout *layout,
                 guint n_cpus,
                 guint64 memory,
                 SvNuma **numa,
                 GError **error)
{
  Resolve r = { .numa = g_new0 (SvNuma, 1), .parts = parts, .layout = layout, .memory = memory };
  gboolean ok;

  r.numa->n_cpus = n_cpus;
  *numa = NULL;
  ok = parts == NULL || (collect_nodes (&r) && check_alone (&r));
  if (ok && r.numa->n_nodes > 0)
    ok = resolve_memory (&r) && resolve_cpus (&r) && resolve_distances (&r);
  if (ok && r.numa->n_nodes > 0)
    {
      *numa = r.numa;
      return TRUE;
    }
  sv_numa_free (r.numa);
  if (!ok)
    g_propagate_error (error, r.error);
  return ok;
}

/**
 * sv_numa_free: (skip)
 * @self: a result of sv_numa_resolve()
 */
void
sv_numa_free (SvNuma *self)
{
  g_free (self->ram);
  g_free (self->cpu_nodes);
  g_free (self->distances);
  g_free (self);
}

void
sv_numa_install_fields (GObjectClass *klass, const SvNumaField *fields, guint n)
{
  for (guint i = 0; i < n; i++)
    g_object_class_install_property (klass, i + 1,
                                     g_param_spec_int (fields[i].name, fields[i].name, fields[i].blurb,
                                                       fields[i].minimum, fields[i].maximum, fields[i].value,
                                                       SV_PARAM_RW_WIRING));
}
