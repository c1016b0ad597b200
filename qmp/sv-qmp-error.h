/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

/**
 * SvQmpError:
 * @SV_QMP_ERROR_GENERIC: most errors
 * @SV_QMP_ERROR_COMMAND_NOT_FOUND: no such command
 * @SV_QMP_ERROR_DEVICE_NOT_FOUND: no such device, object or type
 * @SV_QMP_ERROR_DEVICE_NOT_ACTIVE: the device cannot do this now
 * @SV_QMP_ERROR_KVM_MISSING_CAP: the host's KVM lacks what this takes
 *
 * The error classes that QMP clients can tell apart. They are the codes of the error domain
 * %SV_QMP_ERROR; an error of any other domain is of class GenericError.
 */
typedef enum
{
  SV_QMP_ERROR_GENERIC,
  SV_QMP_ERROR_COMMAND_NOT_FOUND,
  SV_QMP_ERROR_DEVICE_NOT_FOUND,
  SV_QMP_ERROR_DEVICE_NOT_ACTIVE,
  SV_QMP_ERROR_KVM_MISSING_CAP,
} SvQmpError;

#define SV_QMP_ERROR (sv_qmp_error_quark ())
SV_API GQuark sv_qmp_error_quark (void);
SV_API GType sv_qmp_error_get_type (void);

/**
 * sv_qmp_error_get_class:
 * @error: an error of any domain
 *
 * Returns: the class that @error has on the wire
 */
SV_API SvQmpError sv_qmp_error_get_class (const GError *error);

/* The class's name on the wire (`GenericError`), and back; an unknown name is GenericError. */
SV_API const char *sv_qmp_error_class_to_string (SvQmpError klass);
SV_API SvQmpError sv_qmp_error_class_from_string (const char *name);

G_END_DECLS
