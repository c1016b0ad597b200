/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-device.h"
#include "src/accel/sv-cpu-layout.h"
#include "src/memory/sv-memory-backend.h"

G_BEGIN_DECLS

#define SV_NUMA_MAX_NODES 128u
#define SV_NUMA_LOCAL 10u   /* distance of a node to itself (ACPI 6.5 §5.2.17) */
#define SV_NUMA_REMOTE 20u  /* distance of others, when nobody says anything */
#define SV_NUMA_UNREACHABLE 255u

/**
 * SvNumaNode:
 *
 * A NUMA node of the guest (`numa-node`), `-numa node`. Properties: `nodeid`, `cpus` (numbers and ranges), `memdev` (the
 * memory backend behind its RAM) or `mem` (bytes of the machine's RAM).
 */
#define SV_TYPE_NUMA_NODE (sv_numa_node_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvNumaNode, sv_numa_node, SV, NUMA_NODE, SvObject)

/**
 * SvNumaDist:
 *
 * How far two nodes are from each other (`numa-dist`), `-numa dist`. Properties: `src`, `dst`, `val`.
 */
#define SV_TYPE_NUMA_DIST (sv_numa_dist_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvNumaDist, sv_numa_dist, SV, NUMA_DIST, SvObject)

/**
 * SvNumaCpu:
 *
 * Which node processors belong to (`numa-cpu`), `-numa cpu`. Properties: `node-id`, and ids of the topology; -1 is all of
 * them.
 */
#define SV_TYPE_NUMA_CPU (sv_numa_cpu_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvNumaCpu, sv_numa_cpu, SV, NUMA_CPU, SvObject)

/* A node as it is in the end: RAM of nodes lies one behind the other, in their order. */
typedef struct
{
  SvMemoryBackend *memdev; /* not owned; NULL: a part of the machine's RAM, or none */
  guint64 memory;          /* bytes */
} SvNumaRam;

/**
 * SvNuma:
 * @n_nodes: number of nodes
 * @ram: (array length=n_nodes): their memory
 * @n_cpus: number of places for processors
 * @cpu_nodes: (array length=n_cpus): the node of each
 * @distances: (nullable): of node i to node j at i * @n_nodes + j; %NULL: nobody said anything
 *
 * What all of -numa amounts to.
 */
typedef struct
{
  guint n_nodes;
  SvNumaRam *ram;
  guint n_cpus;
  guint8 *cpu_nodes;
  guint8 *distances;
} SvNuma;

/*
 * Reads the nodes below @parts. @numa: NULL when there are none. Errors name the option at fault. (transfer full)
 */
SV_API gboolean sv_numa_resolve (SvObject *parts, const SvCpuLayout *layout, guint n_cpus, guint64 memory,
                                 SvNuma **numa, GError **error);
SV_API void sv_numa_free (SvNuma *self);

/* --- of the classes of parts --- */

/* An integer that is wired */
typedef struct
{
  const char *name;
  const char *blurb;
  gint minimum;
  gint maximum;
  gint value;
} SvNumaField;

/* Properties 1 to @n */
void sv_numa_install_fields (GObjectClass *klass, const SvNumaField *fields, guint n);

/* --- for sv_numa_resolve() --- */

gint sv_numa_node_get_id (SvNumaNode *self); /* -1: the next free one */
const char *const *sv_numa_node_get_cpus (SvNumaNode *self); /* (nullable) */
SvMemoryBackend *sv_numa_node_get_memdev (SvNumaNode *self); /* (nullable) */
guint64 sv_numa_node_get_mem (SvNumaNode *self);
void sv_numa_dist_get (SvNumaDist *self, guint *source, guint *target, guint *distance);
/* The node; @ids: socket, die, core and thread */
guint sv_numa_cpu_get (SvNumaCpu *self, gint ids[4]);

G_END_DECLS
