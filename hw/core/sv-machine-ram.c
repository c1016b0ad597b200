/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The memory behind the guest's RAM: one back end, or one for each NUMA node. */

#include "hw/core/sv-machine-private.h"
#include "hw/core/sv-vm-tree.h"

static SvObject *
new_backend (SvMachinePrivate *priv)
{
  GType type = priv->mem_share ? sv_memory_backend_memfd_get_type () : sv_memory_backend_ram_get_type ();
  SvObject *ram;

  if (priv->mem_path != NULL)
    type = sv_memory_backend_file_get_type ();
  ram = g_object_new (type, "size", priv->memory_size, "share", priv->mem_share, "dump",
                      priv->dump_guest_core, "prealloc", priv->mem_prealloc, NULL);
  if (priv->mem_path != NULL)
    g_object_set (ram, "mem-path", priv->mem_path, NULL);
  return ram;
}

static gboolean
make_backend (SvMachine *self, GError **error)
{
  SvMachinePrivate *priv = sv_machine_get_priv (self);
  g_autoptr (SvObject) ram = new_backend (priv);

  if (!sv_object_add_child (SV_OBJECT (self), "ram", ram, error))
    return FALSE;
  if (!sv_object_complete (ram, error))
    {
      sv_object_unparent (ram);
      return FALSE;
    }
  g_object_set (self, "memory-backend", ram, NULL);
  g_ptr_array_add (priv->ram, g_object_ref (ram));
  return TRUE;
}

static gboolean
claim_backend (SvMachine *self, SvObject *backend, GError **error)
{
  g_ptr_array_add (sv_machine_get_priv (self)->ram, g_object_ref (backend));
  return sv_object_claim (backend, SV_OBJECT (self), error);
}

static gboolean
claim_of_nodes (SvMachine *self, GError **error)
{
  SvMachinePrivate *priv = sv_machine_get_priv (self);

  if (priv->memory_backend != NULL || priv->mem_path != NULL)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "'%s' and '-numa node,memdev=' both say where guest memory is: give one",
                   priv->mem_path != NULL ? "mem-path" : "memory-backend");
      return FALSE;
    }
  for (guint i = 0; i < priv->numa->n_nodes; i++)
    if (priv->numa->ram[i].memdev != NULL
        && !claim_backend (self, SV_OBJECT (priv->numa->ram[i].memdev), error))
      return FALSE;
  return TRUE;
}

static gboolean
has_memdevs (const SvNuma *numa)
{
  for (guint i = 0; numa != NULL && i < numa->n_nodes; i++)
    if (numa->ram[i].memdev != NULL)
      return TRUE;
  return FALSE;
}

gboolean
sv_machine_make_ram (SvMachine *self, GError **error)
{
  SvMachinePrivate *priv = sv_machine_get_priv (self);
  SvObject *parts = sv_object_get_child (SV_OBJECT (self), SV_MACHINE_PARTS);
  const SvCpuLayout layout = sv_machine_get_cpu_layout (self);
  guint64 size;

  if (!sv_numa_resolve (parts, &layout, sv_machine_get_max_cpus (self), priv->memory_size, &priv->numa, error))
    return FALSE;
  if (has_memdevs (priv->numa))
    return claim_of_nodes (self, error);
  if (priv->memory_backend == NULL)
    return make_backend (self, error);
  if (priv->mem_path != NULL)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "'mem-path' and 'memory-backend' both say where guest memory is: give one");
      return FALSE;
    }
  size = sv_memory_backend_get_size (SV_MEMORY_BACKEND (priv->memory_backend));
  if (size != priv->memory_size)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "Machine memory size %" G_GUINT64_FORMAT
                   " must be the size of memory-backend '%s' (%" G_GUINT64_FORMAT ")",
                   priv->memory_size, sv_object_get_id (priv->memory_backend), size);
      return FALSE;
    }
  return claim_backend (self, priv->memory_backend, error);
}

/**
 * sv_machine_get_ram_size: (skip)
 * @self: a machine
 *
 * Returns: bytes of RAM; 0 before the machine has it
 */
guint64
sv_machine_get_ram_size (SvMachine *self)
{
  const SvMachinePrivate *priv = sv_machine_get_priv (self);

  return priv->ram->len > 0 ? priv->memory_size : 0;
}

/**
 * sv_machine_get_ram_backends: (skip)
 * @self: a machine
 *
 * Returns: (transfer none) (element-type SvMemoryBackend): what RAM is made of, in a row
 */
GPtrArray *
sv_machine_get_ram_backends (SvMachine *self)
{
  return sv_machine_get_priv (self)->ram;
}

/**
 * sv_machine_new_ram_region: (skip)
 * @self: a machine with its RAM
 *
 * Returns: (transfer full): all RAM in a row, for aliases of parts of it
 */
SvMemoryRegion *
sv_machine_new_ram_region (SvMachine *self)
{
  const SvMachinePrivate *priv = sv_machine_get_priv (self);
  SvMemoryRegion *all;
  guint64 offset = 0;

  if (priv->ram->len == 1)
    return sv_memory_region_new_ram ("ram", g_ptr_array_index (priv->ram, 0));
  all = sv_memory_region_new_container ("ram", priv->memory_size);
  for (guint i = 0; i < priv->ram->len; i++)
    {
      SvMemoryBackend *backend = g_ptr_array_index (priv->ram, i);
      g_autofree char *name = g_strdup_printf ("ram-of-backend-%u", i);
      g_autoptr (SvMemoryRegion) part = sv_memory_region_new_ram (name, backend);

      sv_memory_region_add (all, offset, part, 0);
      offset += sv_memory_backend_get_size (backend);
    }
  return all;
}

/**
 * sv_machine_is_ram_fresh: (skip)
 * @self: a machine with its RAM
 *
 * Returns: whether RAM cannot hold what an earlier guest left in a file
 */
gboolean
sv_machine_is_ram_fresh (SvMachine *self)
{
  const SvMachinePrivate *priv = sv_machine_get_priv (self);

  for (guint i = 0; i < priv->ram->len; i++)
    if (sv_memory_backend_get_fd (g_ptr_array_index (priv->ram, i)) >= 0)
      return FALSE;
  return TRUE;
}

/**
 * sv_machine_get_numa: (skip)
 * @self: a complete machine
 *
 * Returns: (transfer none) (nullable): its NUMA nodes
 */
const SvNuma *
sv_machine_get_numa (SvMachine *self)
{
  return sv_machine_get_priv (self)->numa;
}
