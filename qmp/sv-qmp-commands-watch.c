/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands by which a client follows the object tree. */

#include "qmp/sv-qmp-error.h"
#include "qmp/sv-qmp-tree.h"

SV_QMP_COMMAND (x_qom_watch)
{
  SvObject *object = sv_qmp_resolve (call, json_object_get_string_member (arguments, "path"),
                                     SV_TYPE_OBJECT, error);

  if (object)
    sv_qmp_watch_add (sv_qmp_call_get_watch (call), object,
                      json_object_get_boolean_member_with_default (arguments, "recursive", FALSE));
  return NULL;
}

SV_QMP_COMMAND (x_qom_unwatch)
{
  SvObject *object = sv_qmp_resolve (call, json_object_get_string_member (arguments, "path"),
                                     SV_TYPE_OBJECT, error);

  if (object && !sv_qmp_watch_remove (sv_qmp_call_get_watch (call), object))
    g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "'%s' is not watched by this client",
                 json_object_get_string_member (arguments, "path"));
  return NULL;
}
