/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-blk-errors.h"

#include <errno.h>

#include "hw/core/sv-machine.h"
#include "hw/virtio/sv-virtio-device.h"
#include "src/runtime/sv-log.h"
#include "src/runtime/sv-tsan.h"

/* On its way to the main thread; one that stops the VM says more. */
#define PENDING_REPORT 1u
#define PENDING_STOP 2u

typedef struct
{
  SvVirtioBlkErrors *errors; /* embedded in @device */
  SvDevice *device;
  char *node_name;
  char *drive_name;
  gboolean read;
  SvBlockdevOnError action;
  int code;
} Message;

GType
sv_blockdev_on_error_get_type (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      static const GEnumValue values[] = {
        { SV_BLOCKDEV_ON_ERROR_AUTO, "SV_BLOCKDEV_ON_ERROR_AUTO", "auto" },
        { SV_BLOCKDEV_ON_ERROR_REPORT, "SV_BLOCKDEV_ON_ERROR_REPORT", "report" },
        { SV_BLOCKDEV_ON_ERROR_IGNORE, "SV_BLOCKDEV_ON_ERROR_IGNORE", "ignore" },
        { SV_BLOCKDEV_ON_ERROR_ENOSPC, "SV_BLOCKDEV_ON_ERROR_ENOSPC", "enospc" },
        { SV_BLOCKDEV_ON_ERROR_STOP, "SV_BLOCKDEV_ON_ERROR_STOP", "stop" },
        { 0, NULL, NULL },
      };
      g_once_init_leave (&once, g_enum_register_static ("SvBlockdevOnError", values));
    }
  return once;
}

GType
sv_block_device_io_status_get_type (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      static const GEnumValue values[] = {
        { SV_BLOCK_DEVICE_IO_STATUS_OK, "SV_BLOCK_DEVICE_IO_STATUS_OK", "ok" },
        { SV_BLOCK_DEVICE_IO_STATUS_FAILED, "SV_BLOCK_DEVICE_IO_STATUS_FAILED", "failed" },
        { SV_BLOCK_DEVICE_IO_STATUS_NOSPACE, "SV_BLOCK_DEVICE_IO_STATUS_NOSPACE", "nospace" },
        { 0, NULL, NULL },
      };
      g_once_init_leave (&once, g_enum_register_static ("SvBlockDeviceIoStatus", values));
    }
  return once;
}

static void
message_free (gpointer data)
{
  Message *self = data;

  g_object_unref (self->device);
  g_free (self->node_name);
  g_free (self->drive_name);
  g_free (self);
}

static const char *
action_nick (SvBlockdevOnError action)
{
  g_autoptr (GEnumClass) klass = g_type_class_ref (SV_TYPE_BLOCKDEV_ON_ERROR);

  return g_enum_get_value (klass, action)->value_nick;
}

/* Main thread, VM lock held. */
static gboolean
deliver (gpointer data)
{
  Message *self = data;
  g_autoptr (JsonObject) event = json_object_new ();
  g_autofree char *path = NULL;
  SvMachine *machine;

  sv_tsan_acquire (self);
  machine = sv_device_get_machine (self->device);
  path = sv_object_dup_path (SV_OBJECT (self->device));
  __atomic_store_n (&self->errors->pending, 0, __ATOMIC_SEQ_CST);
  if (machine == NULL)
    return G_SOURCE_REMOVE;
  json_object_set_string_member (event, "device", self->drive_name != NULL ? self->drive_name : "");
  json_object_set_string_member (event, "qom-path", path);
  if (self->node_name != NULL)
    json_object_set_string_member (event, "node-name", self->node_name);
  json_object_set_string_member (event, "operation", self->read ? "read" : "write");
  json_object_set_string_member (event, "action", action_nick (self->action));
  json_object_set_boolean_member (event, "nospace", self->code == ENOSPC);
  json_object_set_string_member (event, "reason", g_strerror (self->code));
  sv_machine_emit_device_event (machine, "BLOCK_IO_ERROR", event);
  if (self->action == SV_BLOCKDEV_ON_ERROR_STOP)
    self->errors->status
        = self->code == ENOSPC ? SV_BLOCK_DEVICE_IO_STATUS_NOSPACE : SV_BLOCK_DEVICE_IO_STATUS_FAILED;
  if (self->action == SV_BLOCKDEV_ON_ERROR_STOP)
    sv_machine_stop (machine, SV_RUN_STATE_IO_ERROR);
  return G_SOURCE_REMOVE;
}

/* Whether no message that says as much is on its way; this one is now. */
static gboolean
is_news (SvVirtioBlkErrors *self, guint kind)
{
  guint before = __atomic_load_n (&self->pending, __ATOMIC_SEQ_CST);

  do
    if (before >= kind)
      return FALSE;
  while (!__atomic_compare_exchange_n (&self->pending, &before, kind, FALSE, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST));
  return TRUE;
}

static void
post (SvVirtioBlkErrors *self, gboolean read, SvBlockdevOnError action, int code)
{
  g_autoptr (GSource) source = NULL;
  Message *message;

  /* A disk that fails all the time is told of as fast as it is heard. Until the VM stops a guest can have
   * the same requests tried again and again. */
  if (!is_news (self, action == SV_BLOCKDEV_ON_ERROR_STOP ? PENDING_STOP : PENDING_REPORT))
    return;
  message = g_new0 (Message, 1);
  message->errors = self;
  message->device = g_object_ref (self->device);
  message->node_name = g_strdup (self->node_name);
  message->drive_name = g_strdup (self->drive_name);
  message->read = read;
  message->action = action;
  message->code = code;
  source = g_idle_source_new ();
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, deliver, message, message_free);
  sv_tsan_release (message);
  g_source_attach (source, NULL);
  /* This may be the main thread, in the ring of its context. */
  g_main_context_wakeup (NULL);
}

static SvBlockdevOnError
decide (SvBlockdevOnError policy, gboolean read, int code)
{
  if (policy == SV_BLOCKDEV_ON_ERROR_AUTO)
    policy = read ? SV_BLOCKDEV_ON_ERROR_REPORT : SV_BLOCKDEV_ON_ERROR_ENOSPC;
  if (policy == SV_BLOCKDEV_ON_ERROR_ENOSPC)
    return code == ENOSPC ? SV_BLOCKDEV_ON_ERROR_STOP : SV_BLOCKDEV_ON_ERROR_REPORT;
  return policy;
}

SvBlockdevOnError
sv_virtio_blk_errors_handle (SvVirtioBlkErrors *self, SvBlockOp op, int code)
{
  static gint64 limit;
  gboolean read = op == SV_BLOCK_READ;
  SvBlockdevOnError action = decide (read ? self->rerror : self->werror, read, code);

  sv_log_limited (&limit, "guest", "%s: the host cannot %s: %s",
                  sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self->device)), read ? "read" : "write",
                  g_strerror (code));
  post (self, read, action, code);
  return action;
}
