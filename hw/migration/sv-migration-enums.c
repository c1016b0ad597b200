/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/migration/sv-migration.h"

GType
sv_migration_status_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    { SV_MIGRATION_STATUS_NONE, "SV_MIGRATION_STATUS_NONE", "none" },
    { SV_MIGRATION_STATUS_SETUP, "SV_MIGRATION_STATUS_SETUP", "setup" },
    { SV_MIGRATION_STATUS_ACTIVE, "SV_MIGRATION_STATUS_ACTIVE", "active" },
    { SV_MIGRATION_STATUS_DEVICE, "SV_MIGRATION_STATUS_DEVICE", "device" },
    { SV_MIGRATION_STATUS_COMPLETED, "SV_MIGRATION_STATUS_COMPLETED", "completed" },
    { SV_MIGRATION_STATUS_FAILED, "SV_MIGRATION_STATUS_FAILED", "failed" },
    { SV_MIGRATION_STATUS_CANCELLING, "SV_MIGRATION_STATUS_CANCELLING", "cancelling" },
    { SV_MIGRATION_STATUS_CANCELLED, "SV_MIGRATION_STATUS_CANCELLED", "cancelled" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("SvMigrationStatus", values));
  return type;
}

const char *
sv_migration_status_get_name (SvMigrationStatus status)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (SV_TYPE_MIGRATION_STATUS);
  GEnumValue *value = g_enum_get_value (klass, (gint)status);

  return value != NULL ? value->value_nick : "none";
}

GType
sv_migration_capability_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    { SV_MIGRATION_CAPABILITY_EVENTS, "SV_MIGRATION_CAPABILITY_EVENTS", "events" },
    { SV_MIGRATION_CAPABILITY_RETURN_PATH, "SV_MIGRATION_CAPABILITY_RETURN_PATH", "return-path" },
    { SV_MIGRATION_CAPABILITY_AUTO_CONVERGE, "SV_MIGRATION_CAPABILITY_AUTO_CONVERGE", "auto-converge" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("SvMigrationCapability", values));
  return type;
}
