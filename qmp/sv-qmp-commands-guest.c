/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands that look into the guest, or reach it other than by its devices. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "hw/acpi/sv-acpi-cpus.h"
#include "hw/acpi/sv-acpi-ged.h"
#include "hw/core/sv-guest-dump.h"
#include "qmp/sv-qmp-error.h"
#include "qmp/sv-qmp-tree.h"
#include "src/runtime/sv-fd-store.h"

SV_QMP_COMMAND (inject_nmi)
{
  SvMachine *machine = sv_qmp_call_get_machine (call, error);

  if (machine == NULL)
    return NULL;
  if (SV_MACHINE_GET_CLASS (machine)->inject_nmi != NULL)
    SV_MACHINE_GET_CLASS (machine)->inject_nmi (machine);
  else
    g_set_error_literal (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "machine does not support inject-nmi");
  return NULL;
}

SV_QMP_COMMAND (screendump)
{
  g_set_error_literal (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "There is no console to take a screendump from");
  return NULL;
}

SV_QMP_COMMAND (query_memory_size_summary)
{
  SvMachine *machine = sv_qmp_call_get_machine (call, error);
  g_autoptr (JsonObject) info = json_object_new ();

  if (machine == NULL)
    return NULL;
  sv_qmp_copy_property (info, "base-memory", SV_OBJECT (machine), "memory-size");
  json_object_set_int_member (info, "plugged-memory", 0);
  return sv_qmp_object_node (info);
}

SV_QMP_COMMAND (query_acpi_ospm_status)
{
  g_autoptr (GPtrArray) controllers = sv_qmp_collect (sv_qmp_call_get_root (call), SV_TYPE_ACPI_CPUS);
  g_autoptr (JsonArray) array = json_array_new ();
  guint outcome;

  for (guint i = 0; i < controllers->len; i++)
    for (guint place = 0; sv_acpi_cpus_get_outcome (g_ptr_array_index (controllers, i), place, &outcome); place++)
      {
        JsonObject *info = json_object_new ();
        g_autofree char *slot = g_strdup_printf ("%u", place);

        json_object_set_string_member (info, "slot", slot);
        json_object_set_string_member (info, "slot-type", "CPU");
        json_object_set_int_member (info, "source", outcome != 0 ? SV_ACPI_NOTIFY_EJECT_REQUEST : 0);
        json_object_set_int_member (info, "status", outcome);
        json_array_add_object_element (array, info);
      }
  return sv_qmp_array_node (array);
}

/* Core files */

SV_QMP_COMMAND (query_dump_guest_memory_capability)
{
  sv_qmp_call_set_text (call, "{\"formats\":[\"elf\"]}");
  return NULL;
}

static int
open_target (SvQmpCall *call, const char *protocol, GError **error)
{
  SvObject *root = sv_qmp_call_get_root (call);
  int fd = -1;

  if (g_str_has_prefix (protocol, "fd:"))
    {
      fd = sv_fd_store_steal (root, protocol + strlen ("fd:"));
      if (fd < 0)
        g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "File descriptor named '%s' not found",
                     protocol + strlen ("fd:"));
    }
  else if (g_str_has_prefix (protocol, "file:"))
    {
      const char *path = protocol + strlen ("file:");

      fd = sv_fd_store_open (root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
      if (fd < 0)
        g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "Could not open '%s': %s", path, g_strerror (errno));
    }
  else
    g_set_error_literal (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                         "Parameter 'protocol' expects 'fd:NAME' or 'file:PATH'");
  return fd;
}

static JsonObject *
describe_dump (SvMachine *machine)
{
  static const char *const states[] = { "none", "active", "completed", "failed" };
  SvGuestDumpProgress progress = sv_guest_dump_get_progress (machine);
  JsonObject *info = json_object_new ();

  json_object_set_string_member (info, "status", states[progress.status]);
  json_object_set_int_member (info, "completed", (gint64)progress.completed);
  json_object_set_int_member (info, "total", (gint64)progress.total);
  return info;
}

SV_QMP_COMMAND (query_dump)
{
  SvMachine *machine = sv_qmp_call_get_machine (call, error);
  g_autoptr (JsonObject) info = machine != NULL ? describe_dump (machine) : NULL;

  return info != NULL ? sv_qmp_object_node (info) : NULL;
}

typedef struct
{
  SvMachine *machine;
  SvQmpCall *call; /* NULL: it has its reply */
} Dump;

static void
on_dumped (GError *error, gpointer user_data)
{
  Dump *dump = user_data;
  g_autoptr (JsonObject) data = json_object_new ();

  json_object_set_object_member (data, "result", describe_dump (dump->machine));
  if (error != NULL)
    json_object_set_string_member (data, "error", error->message);
  sv_machine_emit_device_event (dump->machine, "DUMP_COMPLETED", data);
  if (dump->call != NULL)
    sv_qmp_call_finish (dump->call, NULL, error);
  else
    g_clear_error (&error);
  g_free (dump);
}

SV_QMP_COMMAND (dump_guest_memory)
{
  SvMachine *machine = sv_qmp_call_get_machine (call, error);
  gboolean detach = json_object_get_boolean_member_with_default (arguments, "detach", FALSE);
  Dump *dump;
  int fd;

  if (machine == NULL)
    return NULL;
  if (json_object_get_boolean_member (arguments, "paging"))
    g_set_error_literal (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "Parameter 'paging' can only be false");
  else if (SV_MACHINE_GET_CLASS (machine)->no_guest)
    g_set_error_literal (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "This machine has no memory");
  else if ((fd = open_target (call, json_object_get_string_member (arguments, "protocol"), error)) >= 0)
    {
      dump = g_new0 (Dump, 1);
      dump->machine = machine;
      if (!sv_guest_dump_start (machine, fd, on_dumped, dump, error))
        g_free (dump);
      else if (!detach)
        dump->call = sv_qmp_call_defer (call);
    }
  return NULL;
}
