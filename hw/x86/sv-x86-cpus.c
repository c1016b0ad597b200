/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-x86-cpus.h"

#include "hw/x86/sv-x86-layout.h"
#include "src/accel/sv-x86-cpu-model.h"
#include "src/accel/sv-x86-topology.h"

/* One more means all of them; larger ones take interrupt remapping. */
#define MAX_APIC_ID 254u

struct _SvX86Cpus
{
  SvMachine *machine; /* owns this */
  SvAcpiCpus *controller; /* NULL: all places are taken for good */
  SvAcpiCpu *places;
  guint n_places;
};

SvX86Cpus *
sv_x86_cpus_new (SvMachine *machine, GError **error)
{
  const SvCpuLayout layout = sv_machine_get_cpu_layout (machine);
  const guint n = sv_machine_get_max_cpus (machine);
  const SvNuma *numa = sv_machine_get_numa (machine);
  const guint32 last = sv_x86_topology_get_apic_id (&layout, n - 1);
  SvX86CpuModel model;
  SvX86Cpus *self;

  if (!sv_x86_cpu_model_parse (&model, layout.model, error))
    return NULL;
  if (last > MAX_APIC_ID)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "Invalid CPU topology: sockets (%u), dies (%u), cores (%u) and threads (%u), each rounded up to a "
                   "power of 2, make APIC ids up to %u: at most %u is possible",
                   layout.sockets, layout.dies, layout.cores, layout.threads, last, MAX_APIC_ID);
      return NULL;
    }
  self = g_new0 (SvX86Cpus, 1);
  self->machine = machine;
  self->n_places = n;
  self->places = g_new0 (SvAcpiCpu, n);
  for (guint i = 0; i < n; i++)
    {
      self->places[i].apic_id = sv_x86_topology_get_apic_id (&layout, i);
      self->places[i].node = numa != NULL ? numa->cpu_nodes[i] : -1;
    }
  return self;
}

void
sv_x86_cpus_free (SvX86Cpus *self)
{
  if (self->controller != NULL)
    g_signal_handlers_disconnect_by_data (self->controller, self);
  g_clear_object (&self->controller);
  g_free (self->places);
  g_free (self);
}

static void
on_ejected (SvAcpiCpus *controller, guint index, SvX86Cpus *self)
{
  SvDevice *cpu = sv_machine_get_cpu (self->machine, index);

  if (cpu != NULL)
    sv_machine_remove_device (self->machine, cpu);
}

static void
on_refused (SvAcpiCpus *controller, guint index, SvX86Cpus *self)
{
  SvDevice *cpu = sv_machine_get_cpu (self->machine, index);

  if (cpu != NULL)
    sv_machine_emit_unplug_refused (self->machine, cpu);
}

gboolean
sv_x86_cpus_add_controller (SvX86Cpus *self, SvAcpiGed *ged, GError **error)
{
  if (sv_machine_get_cpu (self->machine, self->n_places - 1) != NULL)
    return TRUE;
  self->controller = sv_acpi_cpus_new (ged, SV_X86_CPUS_BASE);
  g_signal_connect (self->controller, "ejected", G_CALLBACK (on_ejected), self);
  g_signal_connect (self->controller, "refused", G_CALLBACK (on_refused), self);
  sv_acpi_cpus_set_places (self->controller, self->places, self->n_places);
  return sv_machine_adopt (self->machine, SV_DEVICE (self->controller), NULL, error);
}

const SvAcpiCpu *
sv_x86_cpus_describe (SvX86Cpus *self, guint *n)
{
  for (guint i = 0; i < self->n_places; i++)
    self->places[i].absent = sv_machine_get_cpu (self->machine, i) == NULL;
  *n = self->n_places;
  return self->places;
}

static gboolean
reset_cpu (SvDevice *device, gconstpointer entry, GError **error)
{
  return sv_vcpu_reset (sv_cpu_get_vcpu (SV_CPU (device)), entry, error);
}

gboolean
sv_x86_cpus_reset (SvX86Cpus *self, const SvX86Entry *entry, GError **error)
{
  return sv_machine_foreach_cpu (self->machine, reset_cpu, entry, error);
}

gboolean
sv_x86_cpus_plugged (SvX86Cpus *self, SvCpu *cpu, GError **error)
{
  sv_acpi_cpus_insert (self->controller, sv_cpu_get_index (cpu));
  return TRUE;
}

gboolean
sv_x86_cpus_unplug_request (SvX86Cpus *self, SvCpu *cpu, GError **error)
{
  const guint index = sv_cpu_get_index (cpu);

  if (self->controller == NULL)
    {
      g_set_error_literal (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                           "Processors come and go only where -smp maxcpus= leaves room for more than cpus=");
      return FALSE;
    }
  if (sv_acpi_cpus_request_eject (self->controller, index))
    return TRUE;
  sv_acpi_cpus_forget (self->controller, index);
  sv_machine_remove_device (self->machine, SV_DEVICE (cpu));
  return TRUE;
}
