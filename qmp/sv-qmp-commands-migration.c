/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands about snapshots and migration. */

#include "hw/migration/sv-migration.h"
#include "hw/x86/sv-vmgenid.h"
#include "qmp/sv-qmp-error.h"
#include "qmp/sv-qmp-tree.h"

#define PAGE 4096

static SvMigration *
get_migration (SvQmpCall *call, GError **error)
{
  SvMachine *machine = sv_qmp_call_get_machine (call, error);

  return machine != NULL ? sv_migration_get (machine) : NULL;
}

SV_QMP_COMMAND (migrate)
{
  static const char *const refused[] = { "blk", "inc", "resume" };
  SvMigration *migration = get_migration (call, error);

  if (migration == NULL)
    return NULL;
  for (guint i = 0; i < G_N_ELEMENTS (refused); i++)
    if (json_object_get_boolean_member_with_default (arguments, refused[i], FALSE))
      {
        g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "Parameter '%s' can only be false", refused[i]);
        return NULL;
      }
  sv_migration_start (migration, json_object_get_string_member (arguments, "uri"), error);
  return NULL;
}

SV_QMP_COMMAND (migrate_cancel)
{
  SvMigration *migration = get_migration (call, error);

  if (migration != NULL)
    sv_migration_cancel (migration);
  return NULL;
}

SV_QMP_COMMAND (migrate_incoming)
{
  SvMigration *migration = get_migration (call, error);

  if (migration != NULL)
    sv_migration_incoming (migration, json_object_get_string_member (arguments, "uri"), error);
  return NULL;
}

/* --- query-migrate --- */

static JsonObject *
describe_ram (SvMigration *migration)
{
  const SvMigrationProgress *progress = sv_migration_get_progress (migration);
  guint64 transferred = sv_migration_progress_get (progress, transferred);
  guint64 normal = sv_migration_progress_get (progress, normal);
  gint64 microseconds = sv_migration_get_time (migration);
  JsonObject *ram = json_object_new ();

  json_object_set_int_member (ram, "transferred", (gint64)transferred);
  json_object_set_int_member (ram, "remaining", (gint64)sv_migration_progress_get (progress, remaining));
  json_object_set_int_member (ram, "total", (gint64)sv_migration_progress_get (progress, total));
  json_object_set_int_member (ram, "duplicate", (gint64)sv_migration_progress_get (progress, zero));
  json_object_set_int_member (ram, "normal", (gint64)normal);
  json_object_set_int_member (ram, "normal-bytes", (gint64)normal * PAGE);
  json_object_set_int_member (ram, "dirty-pages-rate", (gint64)sv_migration_progress_get (progress, dirty_rate));
  json_object_set_int_member (ram, "dirty-sync-count", (gint64)sv_migration_progress_get (progress, passes));
  json_object_set_double_member (ram, "mbps", microseconds > 0 ? (double)transferred * 8 / (double)microseconds : 0);
  json_object_set_int_member (ram, "page-size", PAGE);
  json_object_set_int_member (
      ram, "pages-per-second",
      microseconds > 0 ? (gint64)((double)(normal + sv_migration_progress_get (progress, zero)) * G_USEC_PER_SEC / (double)microseconds)
                       : 0);
  return ram;
}

SV_QMP_COMMAND (query_migrate)
{
  SvMigration *migration = get_migration (call, NULL);
  SvMigrationStatus status = migration != NULL ? sv_migration_get_status (migration) : SV_MIGRATION_STATUS_NONE;
  g_autoptr (JsonObject) info = json_object_new ();
  const char *why;
  guint64 throttle;

  if (status == SV_MIGRATION_STATUS_NONE)
    return sv_qmp_object_node (info);
  json_object_set_string_member (info, "status", sv_migration_status_get_name (status));
  json_object_set_int_member (info, "total-time", sv_migration_get_time (migration) / 1000);
  json_object_set_int_member (info, "setup-time", sv_migration_get_setup_time (migration) / 1000);
  json_object_set_object_member (info, "ram", describe_ram (migration));
  if (sv_migration_get_downtime (migration) > 0)
    json_object_set_int_member (info, "downtime", sv_migration_get_downtime (migration) / 1000);
  else if (status == SV_MIGRATION_STATUS_ACTIVE || status == SV_MIGRATION_STATUS_DEVICE || status == SV_MIGRATION_STATUS_CANCELLING)
    json_object_set_int_member (
        info, "expected-downtime",
        (gint64)sv_migration_progress_get (sv_migration_get_progress (migration), expected_downtime));
  throttle = sv_migration_progress_get (sv_migration_get_progress (migration), throttle);
  if (throttle > 0)
    json_object_set_int_member (info, "cpu-throttle-percentage", (gint64)throttle);
  why = sv_migration_get_error (migration);
  if (why != NULL)
    json_object_set_string_member (info, "error-desc", why);
  return sv_qmp_object_node (info);
}

/* --- parameters and capabilities --- */

typedef struct
{
  const char *name;
  gsize offset; /* in SvMigrationParameters */
  guint64 min;
  guint64 max;
} Parameter;

static const Parameter parameters[] = {
  { "max-bandwidth", G_STRUCT_OFFSET (SvMigrationParameters, max_bandwidth), 0, G_MAXUINT64 },
  { "downtime-limit", G_STRUCT_OFFSET (SvMigrationParameters, downtime_limit), 0, 2000000 },
  { "throttle-trigger-threshold", G_STRUCT_OFFSET (SvMigrationParameters, throttle_trigger_threshold), 1, 100 },
  { "cpu-throttle-initial", G_STRUCT_OFFSET (SvMigrationParameters, cpu_throttle_initial), 1, 99 },
  { "cpu-throttle-increment", G_STRUCT_OFFSET (SvMigrationParameters, cpu_throttle_increment), 1, 99 },
  { "max-cpu-throttle", G_STRUCT_OFFSET (SvMigrationParameters, max_cpu_throttle), 1, 99 },
};

static gboolean
check_parameters (JsonObject *arguments, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (parameters); i++)
    {
      const Parameter *p = &parameters[i];
      guint64 value;

      if (!json_object_has_member (arguments, p->name))
        continue;
      value = (guint64)json_object_get_int_member (arguments, p->name);
      if (value >= p->min && value <= p->max)
        continue;
      g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                   "Parameter '%s' expects a number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, p->name, p->min, p->max);
      return FALSE;
    }
  return TRUE;
}

SV_QMP_COMMAND (migrate_set_parameters)
{
  SvMigration *migration = get_migration (call, error);
  guint8 *base;

  if (migration == NULL || arguments == NULL || !check_parameters (arguments, error))
    return NULL;
  base = (guint8 *)sv_migration_get_parameters (migration);
  for (guint i = 0; i < G_N_ELEMENTS (parameters); i++)
    if (json_object_has_member (arguments, parameters[i].name))
      __atomic_store_n ((guint64 *)(gpointer)(base + parameters[i].offset),
                        (guint64)json_object_get_int_member (arguments, parameters[i].name), __ATOMIC_RELAXED);
  return NULL;
}

SV_QMP_COMMAND (query_migrate_parameters)
{
  SvMigration *migration = get_migration (call, error);
  g_autoptr (JsonObject) info = json_object_new ();
  const guint8 *base;

  if (migration == NULL)
    return NULL;
  base = (const guint8 *)sv_migration_get_parameters (migration);
  for (guint i = 0; i < G_N_ELEMENTS (parameters); i++)
    json_object_set_int_member (info, parameters[i].name, *(const gint64 *)(gconstpointer)(base + parameters[i].offset));
  return sv_qmp_object_node (info);
}

SV_QMP_COMMAND (migrate_set_capabilities)
{
  SvMigration *migration = get_migration (call, error);
  JsonArray *list = json_object_get_array_member (arguments, "capabilities");

  for (guint i = 0; migration != NULL && i < json_array_get_length (list); i++)
    {
      JsonObject *entry = json_array_get_object_element (list, i);

      if (!sv_migration_set_capability (migration, json_object_get_string_member (entry, "capability"),
                                        json_object_get_boolean_member (entry, "state"), error))
        break;
    }
  return NULL;
}

SV_QMP_COMMAND (query_migrate_capabilities)
{
  g_autoptr (GEnumClass) known = g_type_class_ref (SV_TYPE_MIGRATION_CAPABILITY);
  SvMigration *migration = get_migration (call, NULL);
  g_autoptr (JsonArray) array = json_array_new ();

  for (guint i = 0; i < known->n_values; i++)
    {
      JsonObject *entry = json_object_new ();

      json_object_set_string_member (entry, "capability", known->values[i].value_nick);
      json_object_set_boolean_member (
          entry, "state", migration != NULL && sv_migration_has_capability (migration, (guint)known->values[i].value));
      json_array_add_object_element (array, entry);
    }
  return sv_qmp_array_node (array);
}

/* --- what clones differ in --- */

SV_QMP_COMMAND (query_vm_generation_id)
{
  SvMachine *machine = sv_qmp_call_get_machine (call, error);
  g_autoptr (GPtrArray) found = machine != NULL ? sv_qmp_collect (SV_OBJECT (machine), SV_TYPE_VMGENID) : NULL;
  g_autoptr (JsonObject) info = json_object_new ();

  if (found == NULL)
    return NULL;
  if (found->len == 0)
    {
      g_set_error_literal (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "VM Generation ID device not found");
      return NULL;
    }
  json_object_set_string_member (info, "guid", sv_vmgenid_get_current (found->pdata[0]));
  return sv_qmp_object_node (info);
}
