/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The machine's processors: how many, how they are arranged, which of them are there. */

#include "hw/core/sv-machine-private.h"

gboolean
sv_machine_check_topology (SvMachine *self, GError **error)
{
  SvMachinePrivate *priv = sv_machine_get_priv (self);
  const char *total = "maxcpus";
  guint64 product;

  if (priv->max_cpus == 0)
    {
      priv->max_cpus = priv->n_cpus;
      total = "cpus";
    }
  if (priv->max_cpus > priv->n_cpus && !SV_MACHINE_GET_CLASS (self)->hotpluggable_cpus)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "Invalid CPU topology: maxcpus (%u) must be cpus (%u), as this machine plugs none later",
                   priv->max_cpus, priv->n_cpus);
      return FALSE;
    }
  if (priv->max_cpus < priv->n_cpus)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "Invalid CPU topology: maxcpus (%u) must be at least cpus (%u)", priv->max_cpus, priv->n_cpus);
      return FALSE;
    }
  /* Sockets make up the rest, as users of StratoVirt expect. */
  if (priv->sockets == 0)
    {
      guint64 per_socket = (guint64)priv->dies * priv->cores * priv->threads;

      priv->sockets = (guint)MAX (1, priv->max_cpus / per_socket);
    }
  product = (guint64)priv->sockets * priv->dies * priv->cores * priv->threads;
  if (product != priv->max_cpus)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "Invalid CPU topology: sockets (%u) * dies (%u) * cores (%u) * threads (%u) must "
                   "be %s (%u)",
                   priv->sockets, priv->dies, priv->cores, priv->threads, total, priv->max_cpus);
      return FALSE;
    }
  return TRUE;
}

/**
 * sv_machine_get_cpu_layout: (skip)
 * @self: a complete machine
 *
 * Returns: what its processors are and how they are arranged
 */
SvCpuLayout
sv_machine_get_cpu_layout (SvMachine *self)
{
  const SvMachinePrivate *priv = sv_machine_get_priv (self);

  return (SvCpuLayout){ priv->cpu_model, MAX (1, priv->sockets), priv->dies, priv->cores, priv->threads };
}

/**
 * sv_machine_get_max_cpus: (skip)
 * @self: a complete machine
 *
 * Returns: how many places for processors there are
 */
guint
sv_machine_get_max_cpus (SvMachine *self)
{
  const SvMachinePrivate *priv = sv_machine_get_priv (self);

  return MAX (priv->max_cpus, priv->n_cpus);
}

/**
 * sv_machine_get_cpu: (skip)
 * @self: a machine
 * @index: number of a processor
 *
 * Returns: (transfer none) (nullable): the processor that has this place
 */
SvDevice *
sv_machine_get_cpu (SvMachine *self, guint index)
{
  GPtrArray *cpus = sv_machine_get_priv (self)->cpus;

  for (guint i = 0; i < cpus->len; i++)
    if (sv_cpu_get_index (g_ptr_array_index (cpus, i)) == index)
      return g_ptr_array_index (cpus, i);
  return NULL;
}

/**
 * sv_machine_create_cpus: (skip)
 * @self: a machine with an open accelerator
 * @error: return location
 *
 * Makes the `cpus` processors, numbered through the topology.
 *
 * Returns: %FALSE with @error set when one cannot be made
 */
gboolean
sv_machine_create_cpus (SvMachine *self, GError **error)
{
  SvMachinePrivate *priv = sv_machine_get_priv (self);

  for (guint i = 0; i < priv->n_cpus; i++)
    {
      g_autoptr (SvDevice) cpu = sv_cpu_new (i);

      if (!sv_machine_adopt (self, cpu, NULL, error))
        return FALSE;
    }
  return TRUE;
}

/**
 * sv_machine_foreach_cpu: (skip)
 * @self: a complete machine
 * @func: called for each processor in order
 * @boot_data: for the first processor; the others get %NULL
 * @error: return location
 *
 * Returns: %FALSE as soon as @func does
 */
gboolean
sv_machine_foreach_cpu (SvMachine *self, SvMachineCpuFunc func, gconstpointer boot_data, GError **error)
{
  GPtrArray *cpus = sv_machine_get_priv (self)->cpus;

  for (guint i = 0; i < cpus->len; i++)
    if (!func (g_ptr_array_index (cpus, i), i == 0 ? boot_data : NULL, error))
      return FALSE;
  return TRUE;
}

/**
 * sv_machine_cpu_realized: (skip)
 * @self: a machine
 * @cpu: a processor with its vCPU, paused
 *
 * Has the processor run along with the others from now on. VM lock held.
 */
void
sv_machine_cpu_realized (SvMachine *self, SvDevice *cpu)
{
  g_ptr_array_add (sv_machine_get_priv (self)->cpus, cpu);
  if (sv_machine_is_running (self))
    sv_vcpu_resume (sv_cpu_get_vcpu (SV_CPU (cpu)));
}

/**
 * sv_machine_cpu_unrealized: (skip)
 * @self: a machine
 * @cpu: a processor that is about to lose its vCPU
 */
void
sv_machine_cpu_unrealized (SvMachine *self, SvDevice *cpu)
{
  g_ptr_array_remove (sv_machine_get_priv (self)->cpus, cpu);
}
