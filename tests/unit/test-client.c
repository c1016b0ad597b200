/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The client with the server, both in one main loop: what blocks is tested from outside (test_client.py). */

#include "client/sv-client.h"

#include <fcntl.h>
#include <unistd.h>

#include <gio/gunixsocketaddress.h>
#include <glib/gstdio.h>

#include "qmp-fixture.h"
#include "qmp/sv-qmp-error.h"

typedef struct
{
  QmpFixture qmp;
  char *path;
  GSocketService *service;
  SvRemoteMachine *machine;
  GAsyncResult *result;
  GPtrArray *seen;
} Fixture;

static gboolean
on_incoming (GSocketService *service, GSocketConnection *connection, GObject *source, Fixture *fixture)
{
  int fd = fcntl (g_socket_get_fd (g_socket_connection_get_socket (connection)), F_DUPFD_CLOEXEC, 0);

  sv_qmp_server_add_client (fixture->qmp.server, fd, fd);
  return TRUE;
}

static void
on_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ((Fixture *)user_data)->result = g_object_ref (result);
}

/* (transfer full) */
static GAsyncResult *
await_result (Fixture *fixture)
{
  while (fixture->result == NULL)
    g_main_context_iteration (NULL, TRUE);
  return g_steal_pointer (&fixture->result);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree char *folder = g_dir_make_tmp ("svt.XXXXXX", NULL);
  g_autoptr (GSocketAddress) address = NULL;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  qmp_fixture_set_up (&fixture->qmp, data);
  fixture->seen = g_ptr_array_new_with_free_func (g_free);
  fixture->path = g_build_filename (folder, "qmp", NULL);
  address = g_unix_socket_address_new (fixture->path);
  fixture->service = g_socket_service_new ();
  g_assert_true (g_socket_listener_add_address (G_SOCKET_LISTENER (fixture->service), address, G_SOCKET_TYPE_STREAM,
                                                G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, &error));
  g_signal_connect (fixture->service, "incoming", G_CALLBACK (on_incoming), fixture);
  sv_client_connect_async (fixture->path, NULL, on_result, fixture);
  result = await_result (fixture);
  fixture->machine = sv_client_connect_finish (result, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_autofree char *folder = g_path_get_dirname (fixture->path);

  g_clear_object (&fixture->machine);
  g_socket_service_stop (fixture->service);
  g_clear_object (&fixture->service);
  qmp_run_pending ();
  g_ptr_array_unref (fixture->seen);
  g_unlink (fixture->path);
  g_rmdir (folder);
  g_free (fixture->path);
  qmp_fixture_tear_down (&fixture->qmp, data);
}

static void
await_seen (Fixture *fixture, const char *expected)
{
  while (fixture->seen->len == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpstr (g_ptr_array_index (fixture->seen, 0), ==, expected);
  g_ptr_array_remove_index (fixture->seen, 0);
}

static void
on_added (SvRemoteObject *parent, SvRemoteObject *child, Fixture *fixture)
{
  g_ptr_array_add (fixture->seen, g_strconcat ("added ", sv_remote_object_get_path (child), NULL));
}

static void
on_removed (SvRemoteObject *parent, SvRemoteObject *child, Fixture *fixture)
{
  g_assert_true (sv_remote_object_is_gone (child));
  g_ptr_array_add (fixture->seen, g_strconcat ("removed ", sv_remote_object_get_path (child), NULL));
}

static void
on_changed (SvRemoteObject *object, const char *name, Fixture *fixture)
{
  g_ptr_array_add (fixture->seen, g_strdup (name));
}

static void
on_closed (SvQmpClient *qmp, GError *error, Fixture *fixture)
{
  g_ptr_array_add (fixture->seen, g_strdup ("closed"));
}

/* The same objects at the same places. */
static void
compare (SvObject *object, SvRemoteObject *remote)
{
  g_autofree char *path = sv_object_dup_path (object);

  g_assert_cmpstr (sv_remote_object_get_path (remote), ==, path);
  g_assert_cmpuint (sv_remote_object_get_n_children (remote), ==, sv_object_get_n_children (object));
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (remote)), ==, sv_object_get_n_children (object));
  for (guint i = 0; i < sv_object_get_n_children (object); i++)
    {
      g_autoptr (SvRemoteObject) child = g_list_model_get_item (G_LIST_MODEL (remote), i);
      g_autoptr (SvRemoteObject) parent = sv_remote_object_get_parent (child);

      g_assert_true (parent == remote);
      compare (sv_object_get_nth_child (object, i), child);
    }
}

static void
test_tree (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SvRemoteObject) root = sv_remote_object_get_parent (SV_REMOTE_OBJECT (fixture->machine));
  g_autoptr (SvObject) first = sv_object_new_container ();
  g_autoptr (SvObject) below = sv_object_new_container ();

  compare (fixture->qmp.root, root);
  g_signal_connect (root, "child-added", G_CALLBACK (on_added), fixture);
  g_signal_connect (root, "child-removed", G_CALLBACK (on_removed), fixture);
  /* What comes with objects below is complete when it is told of. */
  g_assert_true (sv_object_add_child (first, "below", below, NULL));
  g_assert_true (sv_object_add_child (fixture->qmp.root, "first", first, NULL));
  await_seen (fixture, "added /first");
  compare (fixture->qmp.root, root);
  sv_object_unparent (first);
  await_seen (fixture, "removed /first");
  compare (fixture->qmp.root, root);
  /* Gone before it could be asked about. */
  g_assert_true (sv_object_add_child (fixture->qmp.root, "first", first, NULL));
  sv_object_unparent (first);
  g_assert_true (sv_object_add_child (fixture->qmp.root, "second", below, NULL) == FALSE);
  sv_object_unparent (below);
  g_assert_true (sv_object_add_child (fixture->qmp.root, "second", below, NULL));
  await_seen (fixture, "added /second");
  compare (fixture->qmp.root, root);
  g_assert_cmpuint (fixture->seen->len, ==, 0);
}

static void
test_values (Fixture *fixture, gconstpointer data)
{
  SvRemoteObject *machine = SV_REMOTE_OBJECT (fixture->machine);
  const GValue *value;
  g_auto (GValue) wanted = G_VALUE_INIT;
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_signal_connect (machine, "changed::no-reboot", G_CALLBACK (on_changed), fixture);
  g_value_init (&wanted, G_TYPE_BOOLEAN);
  g_value_set_boolean (&wanted, TRUE);
  sv_remote_object_set_value_async (machine, "no-reboot", &wanted, NULL, on_result, fixture);
  result = await_result (fixture);
  g_assert_true (sv_remote_object_set_value_finish (machine, result, &error));
  await_seen (fixture, "no-reboot");

  g_clear_object (&result);
  sv_remote_object_get_value_async (machine, "no-reboot", NULL, on_result, fixture);
  result = await_result (fixture);
  value = sv_remote_object_get_value_finish (machine, result, &error);
  g_assert_no_error (error);
  g_assert_true (G_VALUE_HOLDS_BOOLEAN (value) && g_value_get_boolean (value));

  g_clear_object (&result);
  sv_remote_object_get_value_async (machine, "nothing", NULL, on_result, fixture);
  result = await_result (fixture);
  g_assert_null (sv_remote_object_get_value_finish (machine, result, &error));
  g_assert_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC);
}

static void
test_cancel (Fixture *fixture, gconstpointer data)
{
  SvQmpClient *qmp = sv_client_get_qmp (sv_remote_object_get_client (SV_REMOTE_OBJECT (fixture->machine)));
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = NULL;

  sv_qmp_client_execute_async (qmp, "query-status", NULL, NULL, cancellable, on_result, fixture);
  g_cancellable_cancel (cancellable);
  result = await_result (fixture);
  g_assert_null (sv_qmp_client_execute_finish (qmp, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  /* The reply that comes nevertheless is nobody's. */
  g_clear_object (&result);
  g_clear_error (&error);
  sv_qmp_client_execute_async (qmp, "query-name", NULL, NULL, NULL, on_result, fixture);
  result = await_result (fixture);
  reply = sv_qmp_client_execute_finish (qmp, result, &error);
  g_assert_no_error (error);
  g_assert_false (g_variant_lookup (reply, "status", "s", NULL));
}

static void
test_close (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SvQmpClient) qmp
      = g_object_ref (sv_client_get_qmp (sv_remote_object_get_client (SV_REMOTE_OBJECT (fixture->machine))));
  g_autoptr (GAsyncResult) result = NULL;
  g_autoptr (GError) error = NULL;

  g_signal_connect (qmp, "closed", G_CALLBACK (on_closed), fixture);
  sv_qmp_client_execute_async (qmp, "query-status", NULL, NULL, NULL, on_result, fixture);
  sv_qmp_client_close (qmp);
  g_assert_false (sv_qmp_client_is_open (qmp));
  result = await_result (fixture);
  g_assert_null (sv_qmp_client_execute_finish (qmp, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  await_seen (fixture, "closed");
  /* Everything may go while something is under way. */
  g_clear_object (&fixture->machine);
}

static void
test_drop (Fixture *fixture, gconstpointer data)
{
  g_autoptr (SvObject) child = sv_object_new_container ();
  gpointer weak = fixture->machine;

  /* An event is on its way when the last object goes. */
  g_assert_true (sv_object_add_child (fixture->qmp.root, "child", child, NULL));
  g_object_add_weak_pointer (weak, &weak);
  g_clear_object (&fixture->machine);
  g_assert_null (weak);
  qmp_run_pending ();
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/client/tree", test_tree);
  ADD ("/client/values", test_values);
  ADD ("/client/cancel", test_cancel);
  ADD ("/client/close", test_close);
  ADD ("/client/drop", test_drop);
  return g_test_run ();
}
