/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qmp/sv-qmp-events.h"

#include "hw/core/sv-machine.h"
#include "qmp/sv-qmp-throttle.h"

struct _SvQmpEvents
{
  SvQmpServer *server;
  SvQmpThrottle *throttle;
  GPtrArray *watched; /* objects with handlers of ours */
};

static void
emit_cause (SvQmpEvents *self, const char *event, SvShutdownCause cause)
{
  g_autoptr (GEnumClass) causes = g_type_class_ref (SV_TYPE_SHUTDOWN_CAUSE);
  GEnumValue *value = g_enum_get_value (causes, cause);
  g_autoptr (JsonObject) data = json_object_new ();

  json_object_set_boolean_member (data, "guest", sv_shutdown_cause_is_guest (cause));
  json_object_set_string_member (data, "reason", value ? value->value_nick : "none");
  sv_qmp_server_emit (self->server, event, data);
}

static void
on_stopped (SvMachine *machine, gpointer user_data)
{
  sv_qmp_server_emit (((SvQmpEvents *)user_data)->server, "STOP", NULL);
}

static void
on_resumed (SvMachine *machine, gpointer user_data)
{
  sv_qmp_server_emit (((SvQmpEvents *)user_data)->server, "RESUME", NULL);
}

static void
on_powerdown (SvMachine *machine, gpointer user_data)
{
  sv_qmp_server_emit (((SvQmpEvents *)user_data)->server, "POWERDOWN", NULL);
}

static void
on_reset (SvMachine *machine, SvShutdownCause cause, gpointer user_data)
{
  emit_cause (user_data, "RESET", cause);
}

static void
on_shutdown (SvMachine *machine, SvShutdownCause cause, gpointer user_data)
{
  emit_cause (user_data, "SHUTDOWN", cause);
}

static void
on_device_event (SvMachine *machine, const char *name, JsonObject *data, gpointer user_data)
{
  sv_qmp_throttle_emit (((SvQmpEvents *)user_data)->throttle, name, data);
}

static void
on_device_removed (SvObject *container, SvObject *child, gpointer user_data)
{
  SvQmpEvents *self = user_data;
  g_autoptr (JsonObject) data = NULL;
  g_autofree char *parent = NULL;
  g_autofree char *path = NULL;

  /* One that could not be realized was never there. */
  if (!SV_IS_DEVICE (child) || !sv_object_is_complete (child))
    return;
  parent = sv_object_dup_path (container);
  path = g_strdup_printf ("%s/%s", parent, sv_object_get_id (child));
  data = json_object_new ();
  if (g_str_equal (sv_object_get_id (container), "peripheral"))
    json_object_set_string_member (data, "device", sv_object_get_id (child));
  json_object_set_string_member (data, "path", path);
  sv_qmp_server_emit (self->server, "DEVICE_DELETED", data);
}

static void
watch (SvQmpEvents *self, SvObject *object, const char *signal, GCallback callback)
{
  g_signal_connect (object, signal, callback, self);
  if (!g_ptr_array_find (self->watched, object, NULL))
    g_ptr_array_add (self->watched, g_object_ref (object));
}

static void
watch_container (SvQmpEvents *self, SvObject *container)
{
  const char *id = sv_object_get_id (container);

  /* What the machine made for itself is its own affair. */
  if (g_str_has_prefix (id, "peripheral"))
    watch (self, container, "child-removed", G_CALLBACK (on_device_removed));
}

static void
on_container_added (SvObject *machine, SvObject *child, gpointer user_data)
{
  watch_container (user_data, child);
}

static void
unwatch (SvQmpEvents *self, SvObject *object)
{
  g_signal_handlers_disconnect_by_data (object, self);
  g_ptr_array_remove (self->watched, object);
}

/* A container that is kept beyond its machine would keep the devices in it. */
static void
on_container_removed (SvObject *machine, SvObject *child, gpointer user_data)
{
  unwatch (user_data, child);
}

static void
watch_machine (SvQmpEvents *self, SvObject *machine)
{
  watch (self, machine, "stopped", G_CALLBACK (on_stopped));
  watch (self, machine, "resumed", G_CALLBACK (on_resumed));
  watch (self, machine, "powerdown", G_CALLBACK (on_powerdown));
  watch (self, machine, "reset", G_CALLBACK (on_reset));
  watch (self, machine, "shutdown", G_CALLBACK (on_shutdown));
  watch (self, machine, "device-event", G_CALLBACK (on_device_event));
  watch (self, machine, "child-added", G_CALLBACK (on_container_added));
  watch (self, machine, "child-removed", G_CALLBACK (on_container_removed));
  for (guint i = 0; i < sv_object_get_n_children (machine); i++)
    watch_container (self, sv_object_get_nth_child (machine, i));
}

static void
on_machine_added (SvObject *root, SvObject *child, gpointer user_data)
{
  if (SV_IS_MACHINE (child))
    watch_machine (user_data, child);
}

static void
on_machine_removed (SvObject *root, SvObject *child, gpointer user_data)
{
  SvQmpEvents *self = user_data;

  if (!SV_IS_MACHINE (child))
    return;
  for (guint i = 0; i < sv_object_get_n_children (child); i++)
    unwatch (self, sv_object_get_nth_child (child, i));
  unwatch (self, child);
}

SvQmpEvents *
sv_qmp_events_new (SvQmpServer *server, SvObject *root)
{
  SvQmpEvents *self = g_new0 (SvQmpEvents, 1);

  self->server = server;
  self->throttle = sv_qmp_throttle_new (server);
  self->watched = g_ptr_array_new_with_free_func (g_object_unref);
  watch (self, root, "child-added", G_CALLBACK (on_machine_added));
  watch (self, root, "child-removed", G_CALLBACK (on_machine_removed));
  for (guint i = 0; i < sv_object_get_n_children (root); i++)
    on_machine_added (root, sv_object_get_nth_child (root, i), self);
  return self;
}

void
sv_qmp_events_free (SvQmpEvents *self)
{
  for (guint i = 0; i < self->watched->len; i++)
    g_signal_handlers_disconnect_by_data (g_ptr_array_index (self->watched, i), self);
  g_ptr_array_unref (self->watched);
  sv_qmp_throttle_free (self->throttle);
  g_free (self);
}
