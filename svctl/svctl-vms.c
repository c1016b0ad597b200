/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The VMs of this host, and the one that is meant. */

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/sv-client-private.h"
#include "client/sv-json-string.h"
#include "qmp/sv-qmp-error.h"
#include "svctl/svctl-commands.h"

/* How long a server may take to tell its name: one that hangs shall not hide the others. */
#define PROBE_MS 1000
#define SUFFIX ".qmp"

typedef struct
{
  char *socket;
  char *name;
  char *status;
  SvQmpClient *qmp;
  guint *pending; /* how many are asked */
  GCancellable *cancellable;
} Vm;

static void
vm_free (gpointer data)
{
  Vm *vm = data;

  g_free (vm->socket);
  g_free (vm->name);
  g_free (vm->status);
  g_clear_object (&vm->qmp);
  g_object_unref (vm->cancellable);
  g_free (vm);
}

static char *
dup_runtime_dir (void)
{
  const char *dir = g_getenv ("XDG_RUNTIME_DIR");

  if (dir != NULL && dir[0] != '\0')
    return g_strdup (dir);
  return getuid () == 0 ? g_strdup ("/run") : g_strdup_printf ("/run/user/%u", getuid ());
}

static void
add_sockets (GPtrArray *vms, const char *folder, guint *pending, GCancellable *cancellable)
{
  g_autoptr (GDir) dir = g_dir_open (folder, 0, NULL);
  const char *file;

  while (dir != NULL && (file = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (folder, file, NULL);
      struct stat info;
      Vm *vm;

      if (!g_str_has_suffix (file, SUFFIX) || stat (path, &info) != 0 || !S_ISSOCK (info.st_mode))
        continue;
      vm = g_new0 (Vm, 1);
      vm->name = g_strndup (file, strlen (file) - strlen (SUFFIX));
      vm->qmp = sv_qmp_client_new (path);
      vm->socket = g_steal_pointer (&path);
      vm->pending = pending;
      vm->cancellable = g_object_ref (cancellable);
      g_ptr_array_add (vms, vm);
    }
}

static void
drop (Vm *vm)
{
  g_clear_object (&vm->qmp);
  --*vm->pending;
}

static const char *
get_string (JsonNode *reply, const char *name)
{
  if (reply == NULL || !JSON_NODE_HOLDS_OBJECT (reply))
    return NULL;
  return sv_json_get_string (json_node_get_object (reply), name, NULL);
}

static void
on_status (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Vm *vm = user_data;
  g_autoptr (JsonNode) reply = sv_qmp_client_execute_json_finish (SV_QMP_CLIENT (source), result, NULL);

  vm->status = g_strdup (get_string (reply, "status"));
  if (vm->status == NULL)
    drop (vm);
  else
    --*vm->pending;
}

static void
on_name (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Vm *vm = user_data;
  g_autoptr (JsonNode) reply = sv_qmp_client_execute_json_finish (SV_QMP_CLIENT (source), result, NULL);
  const char *name = get_string (reply, "name");

  if (reply == NULL)
    {
      drop (vm);
      return;
    }
  if (name != NULL && name[0] != '\0')
    {
      g_free (vm->name);
      vm->name = g_strdup (name);
    }
  sv_qmp_client_execute_json_async (SV_QMP_CLIENT (source), "query-status", NULL, NULL, vm->cancellable, on_status,
                                    vm);
}

static void
on_open (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Vm *vm = user_data;

  if (sv_qmp_client_open_finish (SV_QMP_CLIENT (source), result, NULL))
    sv_qmp_client_execute_json_async (SV_QMP_CLIENT (source), "query-name", NULL, NULL, vm->cancellable, on_name, vm);
  else
    drop (vm);
}

static gboolean
on_late (gpointer user_data)
{
  g_cancellable_cancel (user_data);
  return G_SOURCE_CONTINUE;
}

static int
compare_vms (gconstpointer a, gconstpointer b)
{
  const Vm *left = *(const Vm *const *)a;
  const Vm *right = *(const Vm *const *)b;
  int order = strcmp (left->name, right->name);

  return order != 0 ? order : strcmp (left->socket, right->socket);
}

/* All that answer, sorted by name. */
static GPtrArray *
find_vms (void)
{
  g_autofree char *dir = dup_runtime_dir ();
  g_autofree char *folder = g_build_filename (dir, "stratovirt", NULL);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  GPtrArray *vms = g_ptr_array_new_with_free_func (vm_free);
  guint pending = 0;
  guint late = g_timeout_add (PROBE_MS, on_late, cancellable);

  add_sockets (vms, dir, &pending, cancellable);
  add_sockets (vms, folder, &pending, cancellable);
  pending = vms->len;
  for (guint i = 0; i < vms->len; i++)
    {
      Vm *vm = g_ptr_array_index (vms, i);

      sv_qmp_client_open_async (vm->qmp, cancellable, on_open, vm);
    }
  while (pending > 0)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (late);
  for (guint i = vms->len; i-- > 0;)
    if (((Vm *)g_ptr_array_index (vms, i))->qmp == NULL)
      g_ptr_array_remove_index (vms, i);
  g_ptr_array_sort (vms, compare_vms);
  return vms;
}

gboolean
svctl_ls (Svctl *self, int argc, char **argv, GError **error)
{
  g_autoptr (GPtrArray) vms = find_vms ();
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < vms->len; i++)
    {
      Vm *vm = g_ptr_array_index (vms, i);
      JsonObject *object = sv_client_new_arguments ("name", vm->name, "status", vm->status, "socket", vm->socket, NULL);

      if (!self->json)
        svctl_print ("%-20s %-14s %s\n", vm->name, vm->status, vm->socket);
      json_array_add_object_element (array, object);
    }
  if (self->json)
    svctl_print_json (json_node_init_array (json_node_alloc (), array));
  json_array_unref (array);
  return TRUE;
}

/* The VM that is meant */

static char *
dup_names (GPtrArray *vms)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < vms->len; i++)
    g_string_append_printf (names, "%s%s", i > 0 ? ", " : "", ((Vm *)g_ptr_array_index (vms, i))->name);
  return g_string_free (g_steal_pointer (&names), FALSE);
}

static char *
find_socket (const char *name, GError **error)
{
  g_autoptr (GPtrArray) vms = find_vms ();
  g_autofree char *names = dup_names (vms);
  g_autofree char *dir = dup_runtime_dir ();
  const char *socket = NULL;
  guint count = 0;

  for (guint i = 0; i < vms->len; i++)
    {
      Vm *vm = g_ptr_array_index (vms, i);

      if (name != NULL && strcmp (vm->name, name) != 0)
        continue;
      socket = vm->socket;
      count++;
    }
  if (count == 1)
    return g_strdup (socket);
  if (vms->len == 0)
    g_set_error (error, SVCTL_ERROR, SVCTL_ERROR_NO_VM,
                 "no VM answers at a socket *" SUFFIX " in %s or its folder stratovirt; --socket names another place",
                 dir);
  else if (name == NULL)
    g_set_error (error, SVCTL_ERROR, SVCTL_ERROR_NO_VM, "there are several VMs, --name says which: %s", names);
  else if (count == 0)
    g_set_error (error, SVCTL_ERROR, SVCTL_ERROR_NO_VM, "no VM is named '%s'; there are: %s", name, names);
  else
    g_set_error (error, SVCTL_ERROR, SVCTL_ERROR_NO_VM, "several VMs are named '%s'; --socket says which", name);
  return NULL;
}

SvQmpClient *
svctl_open (Svctl *self, GError **error)
{
  g_autoptr (SvQmpClient) qmp = NULL;
  g_autoptr (GError) local = NULL;

  if (self->qmp != NULL)
    return self->qmp;
  if (self->socket == NULL)
    self->socket = find_socket (self->name, error);
  if (self->socket == NULL)
    return NULL;
  qmp = sv_qmp_client_new (self->socket);
  g_object_set (qmp, "timeout", self->timeout, NULL);
  if (!sv_qmp_client_open (qmp, NULL, &local))
    {
      g_set_error_literal (error, SVCTL_ERROR,
                           g_error_matches (local, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT) ? SVCTL_ERROR_USAGE
                                                                                           : SVCTL_ERROR_NO_VM,
                           local->message);
      return NULL;
    }
  self->qmp = g_steal_pointer (&qmp);
  return self->qmp;
}

JsonNode *
svctl_execute (Svctl *self, const char *command, JsonObject *arguments, GError **error)
{
  g_autoptr (JsonObject) owned = arguments;
  SvQmpClient *qmp = svctl_open (self, error);

  return qmp != NULL ? sv_qmp_client_execute_json (qmp, command, owned, NULL, error) : NULL;
}

SvRemoteMachine *
svctl_open_tree (Svctl *self, GError **error)
{
  SvQmpClient *qmp = svctl_open (self, error);

  return qmp != NULL ? sv_client_mirror (qmp, NULL, error) : NULL;
}
