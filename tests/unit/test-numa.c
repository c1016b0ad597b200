/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What all of -numa amounts to. */

#include "hw/core/sv-numa.h"

#include <string.h>

#include "qom/sv-type-registry.h"
#include "src/sv-type-list.h"

#define MIB (1ull << 20)

/* 2 sockets of 2 cores with 2 threads each */
static const SvCpuLayout layout = { NULL, 2, 1, 2, 2 };

/* TYPE JSON, ...: what the options say */
static SvNuma *
resolve (const char *const *parts, guint64 memory, GError **error)
{
  g_autoptr (SvObject) container = sv_object_new_container ();
  g_autoptr (SvObject) objects = sv_object_new_container ();
  SvNuma *numa = NULL;

  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (SvObject) memdev
          = g_object_new (sv_memory_backend_ram_get_type (), "size", (guint64)(i + 1) * 64 * MIB, NULL);

      g_assert_true (sv_object_add_child (objects, i == 0 ? "m0" : "m1", memdev, NULL));
    }
  for (; *parts != NULL; parts += 2)
    {
      g_autoptr (JsonNode) node = json_from_string (parts[1], NULL);
      g_autoptr (GError) local = NULL;
      g_autoptr (SvObject) part
          = sv_object_new_from_json (parts[0], SV_TYPE_OBJECT, json_node_get_object (node), objects, &local);

      g_assert_no_error (local);
      sv_object_add_child_numbered (container, "part", part);
    }
  if (!sv_numa_resolve (container, &layout, 8, memory, &numa, error))
    g_assert_null (numa);
  return numa;
}

static void
assert_nodes (const SvNuma *numa, const char *expected)
{
  for (guint i = 0; i < numa->n_cpus; i++)
    g_assert_cmpuint (numa->cpu_nodes[i], ==, expected[i] - '0');
}

static void
test_nodes (void)
{
  static const char *const parts[] = { "numa-node", "{'nodeid':1,'cpus':['4-5','7'],'mem':67108864}",
                                       "numa-node", "{'cpus':['0-3'],'mem':'128M'}",
                                       "numa-dist", "{'src':0,'dst':1,'val':17}",
                                       NULL };
  g_autoptr (GError) error = NULL;
  SvNuma *numa = resolve (parts, 192 * MIB, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (numa->n_nodes, ==, 2);
  g_assert_cmpuint (numa->ram[0].memory, ==, 128 * MIB);
  g_assert_cmpuint (numa->ram[1].memory, ==, 64 * MIB);
  /* Processor 6 is nobody's. */
  assert_nodes (numa, "00001101");
  g_assert_cmpmem (numa->distances, 4, ((guint8[]){ 10, 17, 17, 10 }), 4);
  sv_numa_free (numa);
}

static void
test_defaults (void)
{
  static const char *const two[] = { "numa-node", "{'memdev':'m0'}", "numa-node", "{'memdev':'m1'}", NULL };
  static const char *const one[] = { "numa-node", "{}", NULL };
  static const char *const none[] = { NULL };
  g_autoptr (GError) error = NULL;
  SvNuma *numa = resolve (two, 192 * MIB, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (numa->ram[1].memory, ==, 128 * MIB);
  assert_nodes (numa, "00001111");
  g_assert_null (numa->distances);
  sv_numa_free (numa);

  numa = resolve (one, 192 * MIB, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (numa->ram[0].memory, ==, 192 * MIB);
  sv_numa_free (numa);
  g_assert_null (resolve (none, 192 * MIB, &error));
  g_assert_no_error (error);
}

static void
test_cpus_by_ids (void)
{
  static const char *const parts[] = { "numa-node", "{'mem':'64M'}",
                                       "numa-node", "{'mem':'64M'}",
                                       "numa-cpu", "{'node-id':1,'socket-id':0,'core-id':1}",
                                       "numa-cpu", "{'node-id':1,'socket-id':1,'thread-id':0}",
                                       NULL };
  g_autoptr (GError) error = NULL;
  SvNuma *numa = resolve (parts, 128 * MIB, &error);

  g_assert_no_error (error);
  assert_nodes (numa, "00111010");
  sv_numa_free (numa);
}

static const struct
{
  const char *parts[7];
  const char *message;
} bad[] = {
  { { "numa-node", "{'nodeid':1}" }, "-numa node,nodeid=0 is missing" },
  { { "numa-node", "{'nodeid':0}", "numa-node", "{'nodeid':0}" }, "-numa node,nodeid=0: this node is there twice" },
  { { "numa-node", "{'memdev':'m0','mem':'64M'}" }, "nodeid=0: give one of 'memdev' and 'mem'" },
  { { "numa-node", "{'memdev':'m0'}", "numa-node", "{'mem':'64M'}" }, "nodes have all 'memdev' or all 'mem'" },
  { { "numa-node", "{'mem':'65M'}" }, "the memory of all nodes (68157440) must be the machine's (134217728)" },
  { { "numa-node", "{'mem':4097}" }, "must be a multiple of 4096" },
  { { "numa-node", "{}", "numa-node", "{}" }, "the memory of all nodes (0) must be" },
  { { "numa-node", "{'cpus':['3-1']}" }, "'cpus' expects a number or FIRST-LAST, got '3-1'" },
  { { "numa-node", "{'cpus':['1x']}" }, "got '1x'" },
  { { "numa-node", "{'cpus':['8']}" }, "nodeid=0: processor 8 is out of range: there are 8" },
  { { "numa-node", "{'cpus':['1'],'mem':'64M'}", "numa-node", "{'cpus':['0-1'],'mem':'64M'}" },
    "-numa node,nodeid=1: processor 1 belongs to node 0 already" },
  { { "numa-node", "{}", "numa-cpu", "{'node-id':1}" }, "-numa cpu,node-id=1: there is no such node" },
  { { "numa-node", "{}", "numa-cpu", "{'core-id':2}" }, "'core-id' 2 is out of range: there are 2" },
  { { "numa-node", "{}", "numa-dist", "{'src':0,'dst':1}" }, "-numa dist,src=0,dst=1: there are 1 nodes" },
  { { "numa-node", "{}", "numa-dist", "{'src':0,'dst':0,'val':20}" }, "10 is the distance of a node to itself" },
  { { "numa-dist", "{'src':0,'dst':0,'val':10}" }, "-numa dist: there is no '-numa node'" },
};

static void
test_bad (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (resolve (bad[i].parts, 128 * MIB, &error));
      if (error == NULL || strstr (error->message, bad[i].message) == NULL)
        g_test_fail_printf ("%s: got %s", bad[i].message, error ? error->message : "no error");
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  sv_type_list_register ();
  g_test_add_func ("/numa/nodes", test_nodes);
  g_test_add_func ("/numa/defaults", test_defaults);
  g_test_add_func ("/numa/cpus-by-ids", test_cpus_by_ids);
  g_test_add_func ("/numa/bad", test_bad);
  return g_test_run ();
}
