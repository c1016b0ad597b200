/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands about the memory balloon. */

#include "hw/virtio/sv-virtio-balloon.h"
#include "qmp/sv-qmp-error.h"
#include "qmp/sv-qmp-tree.h"

static SvVirtioBalloon *
find_balloon (SvQmpCall *call, GError **error)
{
  g_autoptr (GPtrArray) found
      = sv_qmp_collect (sv_qmp_call_get_root (call), SV_TYPE_VIRTIO_BALLOON);

  if (found->len > 0 && sv_device_is_realized (g_ptr_array_index (found, 0)))
    return g_ptr_array_index (found, 0);
  g_set_error_literal (error, SV_QMP_ERROR, SV_QMP_ERROR_DEVICE_NOT_ACTIVE,
                       "No balloon device has been activated");
  return NULL;
}

SV_QMP_COMMAND (balloon)
{
  gint64 value = json_object_get_int_member (arguments, "value");
  SvVirtioBalloon *balloon = find_balloon (call, error);

  if (balloon == NULL)
    return NULL;
  if (value <= 0)
    g_set_error_literal (
        error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
        "Parameter 'value' expects a size: bytes that the guest shall have, above 0");
  else
    sv_virtio_balloon_set_target (balloon, (guint64)value);
  return NULL;
}

SV_QMP_COMMAND (query_balloon)
{
  SvVirtioBalloon *balloon = find_balloon (call, error);
  g_autoptr (JsonObject) info = NULL;

  if (balloon == NULL)
    return NULL;
  info = json_object_new ();
  json_object_set_int_member (info, "actual", (gint64)sv_virtio_balloon_get_actual (balloon));
  return sv_qmp_object_node (info);
}
