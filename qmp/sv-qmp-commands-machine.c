/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands about the machine's state and its processors. */

#include <string.h>

#include "hw/core/sv-cpu.h"
#include "qmp/sv-qmp-error.h"
#include "qmp/sv-qmp-tree.h"
#include "qom/sv-type-registry.h"
#include "src/accel/sv-kvm.h"
#include "src/runtime/sv-iothread.h"

#if defined(__x86_64__)
#define TARGET "x86_64"
#define OLD_TARGET "x86"
#elif defined(__aarch64__)
#define TARGET "aarch64"
#define OLD_TARGET "arm"
#else
#error "unknown architecture"
#endif

SV_QMP_COMMAND (query_status)
{
  SvMachine *machine = sv_qmp_call_get_machine (call, NULL);
  g_autoptr (JsonObject) info = json_object_new ();
  g_autofree char *state = machine ? sv_qmp_dup_string (SV_OBJECT (machine), "run-state") : NULL;

  json_object_set_boolean_member (info, "running", machine && sv_machine_is_running (machine));
  json_object_set_boolean_member (info, "singlestep", FALSE);
  json_object_set_string_member (info, "status", state ? state : "prelaunch");
  return sv_qmp_object_node (info);
}

static void
stopped (SvMachine *machine, SvQmpCall *call)
{
  g_signal_handlers_disconnect_by_data (machine, call);
  sv_qmp_call_finish (call, NULL, NULL);
}

static void
shut_down (SvMachine *machine, SvShutdownCause cause, SvQmpCall *call)
{
  stopped (machine, call);
}

SV_QMP_COMMAND (stop)
{
  SvMachine *machine = sv_qmp_call_get_machine (call, error);

  if (machine == NULL || !sv_machine_request_stop (machine, SV_RUN_STATE_PAUSED))
    return NULL;
  sv_qmp_call_defer (call);
  g_signal_connect_after (machine, "stopped", G_CALLBACK (stopped), call);
  g_signal_connect_after (machine, "shutdown", G_CALLBACK (shut_down), call);
  return NULL;
}

SV_QMP_COMMAND (cont)
{
  SvMachine *machine = sv_qmp_call_get_machine (call, error);

  if (machine)
    sv_machine_start (machine, error);
  return NULL;
}

SV_QMP_COMMAND (system_reset)
{
  SvMachine *machine = sv_qmp_call_get_machine (call, error);

  if (machine && sv_machine_get_run_state (machine) == SV_RUN_STATE_POSTMIGRATE)
    g_set_error_literal (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "The guest went to another process: there is none to reset");
  else if (machine)
    sv_machine_request_reset (machine, SV_SHUTDOWN_CAUSE_HOST_QMP_SYSTEM_RESET);
  return NULL;
}

SV_QMP_COMMAND (system_powerdown)
{
  SvMachine *machine = sv_qmp_call_get_machine (call, error);

  if (machine)
    sv_machine_powerdown (machine);
  return NULL;
}

/* What an action is on the machine: a flag, or an enumeration's word. */
SV_QMP_COMMAND (set_action)
{
  static const struct
  {
    const char *argument;
    const char *property;
    const char *on; /* the word that sets a flag; NULL: the property takes the word itself */
  } actions[] = {
    { "reboot", "no-reboot", "shutdown" },
    { "shutdown", "no-shutdown", "pause" },
    { "panic", "panic-action", NULL },
  };
  SvMachine *machine = sv_qmp_call_get_machine (call, error);

  for (guint i = 0; machine && i < G_N_ELEMENTS (actions); i++)
    {
      const char *word = json_object_get_string_member_with_default (arguments, actions[i].argument, NULL);
      g_autoptr (JsonNode) node = NULL;

      if (word == NULL)
        continue;
      node = json_node_new (JSON_NODE_VALUE);
      if (actions[i].on != NULL)
        json_node_set_boolean (node, strcmp (word, actions[i].on) == 0);
      else
        json_node_set_string (node, word);
      if (!sv_object_set_property_json (SV_OBJECT (machine), actions[i].property, node, NULL, error))
        return NULL;
    }
  return NULL;
}

SV_QMP_COMMAND (quit)
{
  SvMachine *machine = sv_qmp_call_get_machine (call, error);

  /* Served from the main loop, so the reply comes before the SHUTDOWN event. */
  if (machine)
    sv_machine_request_shutdown (machine, SV_SHUTDOWN_CAUSE_HOST_QMP_QUIT);
  return NULL;
}

SV_QMP_COMMAND (query_kvm)
{
  SvMachine *machine = sv_qmp_call_get_machine (call, NULL);
  SvAccel *accel = machine ? sv_machine_get_accel (machine) : NULL;
  gboolean enabled = accel ? SV_IS_KVM (accel) : sv_kvm_is_present ();
  g_autoptr (JsonObject) info = json_object_new ();

  json_object_set_boolean_member (info, "enabled", enabled);
  json_object_set_boolean_member (info, "present", enabled || sv_kvm_is_present ());
  return sv_qmp_object_node (info);
}

SV_QMP_COMMAND (query_target)
{
  sv_qmp_call_set_text (call, "{\"arch\":\"" TARGET "\"}");
  return NULL;
}

/* Machines */

typedef struct
{
  JsonArray *array;
  gboolean versioned; /* those that have an alias, or the others */
} MachineList;

static void
find_alias (const char *type_name, GType type, const char *alias_of, gpointer user_data)
{
  JsonObject *info = user_data;

  if (alias_of != NULL && type == sv_type_registry_lookup (json_object_get_string_member (info, "name")))
    json_object_set_string_member (info, "alias", type_name);
}

/* `microvm` to -machine, `microvm-machine` among the types */
static void
cut_member (JsonObject *info, const char *member)
{
  const char *name = json_object_get_string_member (info, member);
  g_autofree char *cut = NULL;

  if (!g_str_has_suffix (name, "-machine"))
    return;
  cut = g_strndup (name, strlen (name) - strlen ("-machine"));
  json_object_set_string_member (info, member, cut);
}

static void
append_machine (const char *type_name, GType type, const char *alias_of, gpointer user_data)
{
  MachineList *list = user_data;
  g_autoptr (SvMachineClass) klass = NULL;
  g_autoptr (JsonObject) info = NULL;
  GParamSpec *cpus;

  if (alias_of != NULL)
    return;
  info = json_object_new ();
  json_object_set_string_member (info, "name", type_name);
  sv_type_registry_foreach (SV_TYPE_MACHINE, FALSE, find_alias, info);
  if (json_object_has_member (info, "alias") != list->versioned)
    return;
  if (list->versioned)
    cut_member (info, "alias");
  cut_member (info, "name");

  klass = g_type_class_ref (type);
  cpus = sv_property_find (G_OBJECT_CLASS (klass), "cpus");
  json_object_set_int_member (info, "cpu-max",
                              G_IS_PARAM_SPEC_UINT (cpus) ? G_PARAM_SPEC_UINT (cpus)->maximum : 1);
  json_object_set_boolean_member (info, "hotpluggable-cpus", klass->hotpluggable_cpus);
  json_object_set_boolean_member (info, "numa-mem-supported", !klass->no_guest);
  json_object_set_boolean_member (info, "deprecated", FALSE);
  if (!klass->no_guest)
    {
      g_autofree char *ram = g_strconcat (json_object_get_string_member (info, "name"), ".ram", NULL);

      json_object_set_string_member (info, "default-cpu-type", sv_type_registry_get_display_name (SV_TYPE_CPU));
      json_object_set_string_member (info, "default-ram-id", ram);
    }
  json_array_add_object_element (list->array, g_steal_pointer (&info));
}

/* Without another word libvirt makes the first machine that it is told of: the one that has all. */
SV_QMP_COMMAND (query_machines)
{
  g_autoptr (JsonArray) array = json_array_new ();
  MachineList list = { array, TRUE };

  sv_type_registry_foreach (SV_TYPE_MACHINE, FALSE, append_machine, &list);
  list.versioned = FALSE;
  sv_type_registry_foreach (SV_TYPE_MACHINE, FALSE, append_machine, &list);
  return sv_qmp_array_node (array);
}

/* Processors */

typedef void (*CpuFunc) (JsonObject *info, SvObject *cpu);

static JsonNode *
map_cpus (SvQmpCall *call, CpuFunc describe)
{
  SvMachine *machine = sv_qmp_call_get_machine (call, NULL);
  g_autoptr (JsonArray) array = json_array_new ();

  for (guint i = 0; machine != NULL && i < sv_machine_get_max_cpus (machine); i++)
    {
      SvDevice *cpu = sv_machine_get_cpu (machine, i);
      JsonObject *info;

      if (cpu == NULL)
        continue;
      info = json_object_new ();
      describe (info, SV_OBJECT (cpu));
      json_array_add_object_element (array, info);
    }
  return sv_qmp_array_node (array);
}

static void
set_props (JsonObject *info, SvObject *cpu)
{
  static const char *const names[] = { "core-id", "socket-id", "thread-id", "die-id" };
  JsonObject *props = json_object_new ();

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    sv_qmp_copy_property (props, names[i], cpu, names[i]);
  if (sv_qmp_get_int (cpu, "node-id", -1) >= 0)
    sv_qmp_copy_property (props, "node-id", cpu, "node-id");
  json_object_set_object_member (info, "props", props);
}

static void
describe_cpu (JsonObject *info, SvObject *cpu)
{
  sv_qmp_copy_property (info, "CPU", cpu, "cpu-index");
  json_object_set_string_member (info, "arch", OLD_TARGET);
  json_object_set_boolean_member (info, "current", TRUE);
  json_object_set_boolean_member (info, "halted", FALSE);
  set_props (info, cpu);
  sv_qmp_set_path (info, "qom_path", cpu);
  sv_qmp_copy_property (info, "thread_id", cpu, "host-thread-id");
}

static void
describe_cpu_fast (JsonObject *info, SvObject *cpu)
{
  sv_qmp_copy_property (info, "cpu-index", cpu, "cpu-index");
  sv_qmp_set_path (info, "qom-path", cpu);
  sv_qmp_copy_property (info, "thread-id", cpu, "host-thread-id");
  set_props (info, cpu);
  json_object_set_string_member (info, "target", TARGET);
}

/* A place that is free has the ids that a processor plugged in there needs. */
static JsonObject *
describe_place (SvMachine *machine, guint index)
{
  const SvCpuLayout layout = sv_machine_get_cpu_layout (machine);
  const SvNuma *numa = sv_machine_get_numa (machine);
  SvDevice *cpu = sv_machine_get_cpu (machine, index);
  JsonObject *info = json_object_new ();
  JsonObject *props = json_object_new ();

  json_object_set_int_member (props, "core-id", index / layout.threads % layout.cores);
  json_object_set_int_member (props, "socket-id", index / layout.threads / layout.cores / layout.dies);
  json_object_set_int_member (props, "thread-id", index % layout.threads);
  json_object_set_int_member (props, "die-id", index / layout.threads / layout.cores % layout.dies);
  if (numa != NULL)
    json_object_set_int_member (props, "node-id", numa->cpu_nodes[index]);
  json_object_set_object_member (info, "props", props);
  if (cpu != NULL)
    sv_qmp_set_path (info, "qom-path", SV_OBJECT (cpu));
  json_object_set_string_member (info, "type", sv_type_registry_get_display_name (SV_TYPE_CPU));
  json_object_set_int_member (info, "vcpus-count", 1);
  return info;
}

SV_QMP_COMMAND (query_cpus) { return map_cpus (call, describe_cpu); }

SV_QMP_COMMAND (query_cpus_fast) { return map_cpus (call, describe_cpu_fast); }

SV_QMP_COMMAND (query_hotpluggable_cpus)
{
  SvMachine *machine = sv_qmp_call_get_machine (call, NULL);
  g_autoptr (JsonArray) array = json_array_new ();

  for (guint i = 0; machine != NULL && i < sv_machine_get_max_cpus (machine); i++)
    json_array_add_object_element (array, describe_place (machine, i));
  return sv_qmp_array_node (array);
}

/* Iothreads */

SV_QMP_COMMAND (query_iothreads)
{
  static const char *const tunables[]
      = { "poll-max-ns", "poll-grow", "poll-shrink", "aio-max-batch" };
  g_autoptr (GPtrArray) threads = sv_qmp_collect (sv_qmp_call_get_root (call), SV_TYPE_IOTHREAD);
  g_autoptr (JsonArray) array = json_array_new ();

  for (guint i = 0; i < threads->len; i++)
    {
      SvObject *thread = g_ptr_array_index (threads, i);
      JsonObject *info = json_object_new ();

      json_object_set_string_member (info, "id", sv_object_get_id (thread));
      json_object_set_int_member (info, "thread-id",
                                  sv_iothread_get_thread_id (SV_IOTHREAD (thread)));
      for (guint t = 0; t < G_N_ELEMENTS (tunables); t++)
        json_object_set_int_member (info, tunables[t], sv_qmp_get_int (thread, tunables[t], 0));
      json_array_add_object_element (array, info);
    }
  return sv_qmp_array_node (array);
}
