/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qmp/sv-qmp-error.h"

#include <string.h>

/* clang-format off */
G_DEFINE_QUARK (sv-qmp-error-quark, sv_qmp_error)
/* clang-format on */

GType
sv_qmp_error_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    { SV_QMP_ERROR_GENERIC, "SV_QMP_ERROR_GENERIC", "generic" },
    { SV_QMP_ERROR_COMMAND_NOT_FOUND, "SV_QMP_ERROR_COMMAND_NOT_FOUND", "command-not-found" },
    { SV_QMP_ERROR_DEVICE_NOT_FOUND, "SV_QMP_ERROR_DEVICE_NOT_FOUND", "device-not-found" },
    { SV_QMP_ERROR_DEVICE_NOT_ACTIVE, "SV_QMP_ERROR_DEVICE_NOT_ACTIVE", "device-not-active" },
    { SV_QMP_ERROR_KVM_MISSING_CAP, "SV_QMP_ERROR_KVM_MISSING_CAP", "kvm-missing-cap" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("SvQmpError", values));
  return type;
}

static const char *const names[] = {
  [SV_QMP_ERROR_GENERIC] = "GenericError",
  [SV_QMP_ERROR_COMMAND_NOT_FOUND] = "CommandNotFound",
  [SV_QMP_ERROR_DEVICE_NOT_FOUND] = "DeviceNotFound",
  [SV_QMP_ERROR_DEVICE_NOT_ACTIVE] = "DeviceNotActive",
  [SV_QMP_ERROR_KVM_MISSING_CAP] = "KVMMissingCap",
};

SvQmpError
sv_qmp_error_get_class (const GError *error)
{
  if (error->domain != SV_QMP_ERROR || error->code < 0 || error->code >= (int)G_N_ELEMENTS (names))
    return SV_QMP_ERROR_GENERIC;
  return (SvQmpError)error->code;
}

const char *
sv_qmp_error_class_to_string (SvQmpError klass)
{
  return (guint)klass < G_N_ELEMENTS (names) ? names[klass] : names[SV_QMP_ERROR_GENERIC];
}

SvQmpError
sv_qmp_error_class_from_string (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (strcmp (names[i], name) == 0)
      return (SvQmpError)i;
  return SV_QMP_ERROR_GENERIC;
}
