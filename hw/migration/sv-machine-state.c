/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The state of a whole VM. */
#include "hw/migration/sv-machine-state.h"

#include "hw/core/sv-cpu.h"
#include "src/block/sv-block-file.h"
#include "src/migration/sv-state-file.h"

#define MACHINE "/machine"

/* --- saving --- */

static gboolean
collect (SvObject *object, gpointer user_data)
{
  g_ptr_array_add (user_data, object);
  return TRUE;
}

/* All objects of the VM, back ends among them; containers are none. (transfer container) */
static GPtrArray *
list_objects (SvMachine *machine)
{
  GPtrArray *objects = g_ptr_array_new ();
  guint n = 0;

  sv_object_walk (sv_object_get_root (SV_OBJECT (machine)), collect, objects);
  for (guint i = 0; i < objects->len; i++)
    if (G_OBJECT_TYPE (objects->pdata[i]) != SV_TYPE_OBJECT)
      objects->pdata[n++] = objects->pdata[i];
  g_ptr_array_set_size (objects, (gint)n);
  return objects;
}

gboolean
sv_machine_state_check (SvMachine *machine, GError **error)
{
  g_autoptr (GPtrArray) objects = list_objects (machine);
  GPtrArray *ram = sv_machine_get_ram_backends (machine);

  if (SV_MACHINE_GET_CLASS (machine)->no_guest)
    {
      g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED, "the machine has no guest");
      return FALSE;
    }
  for (guint i = 0; i < ram->len; i++)
    {
      const char *obstacle = sv_memory_backend_get_obstacle (ram->pdata[i]);
      g_autofree char *path = NULL;

      if (obstacle == NULL)
        continue;
      path = sv_object_dup_path (ram->pdata[i]);
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED, "%s: %s", path, obstacle);
      return FALSE;
    }
  for (guint i = 0; i < objects->len; i++)
    if (!sv_migratable_check (objects->pdata[i], error))
      return FALSE;
  return TRUE;
}

GVariant *
sv_machine_state_dup (SvMachine *machine, const char *id, GError **error)
{
  g_autoptr (GPtrArray) objects = list_objects (machine);
  g_auto (GVariantBuilder) states = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(sa(suv))"));

  for (guint i = 0; i < objects->len; i++)
    {
      g_autoptr (GVariant) state = sv_migratable_dup (objects->pdata[i], error);
      g_autofree char *path = NULL;

      if (state == NULL)
        return NULL;
      if (g_variant_n_children (state) == 0)
        continue;
      path = sv_object_dup_path (objects->pdata[i]);
      g_variant_builder_add (&states, "(s@a(suv))", path, state);
    }
  return g_variant_ref_sink (
      g_variant_new ("(@a{sv}@a(sa(suv)))", sv_machine_describe (machine, id), g_variant_builder_end (&states)));
}

/* What cannot be told now is told, or refused, with the state. */
GVariant *
sv_machine_state_dup_outline (SvMachine *machine, const char *id)
{
  g_auto (GVariantBuilder) states = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(sa(suv))"));
  g_autoptr (GVariant) own = sv_migratable_dup (SV_OBJECT (machine), NULL);

  if (own != NULL)
    g_variant_builder_add (&states, "(s@a(suv))", MACHINE, own);
  return g_variant_ref_sink (
      g_variant_new ("(@a{sv}@a(sa(suv)))", sv_machine_describe (machine, id), g_variant_builder_end (&states)));
}

const char *
sv_machine_state_get_id (GVariant *state)
{
  g_autoptr (GVariant) description = g_variant_get_child_value (state, 0);
  const char *id;

  return g_variant_lookup (description, "id", "&s", &id) ? id : NULL;
}

/* --- loading --- */

typedef enum
{
  TURN_DEVICES,
  TURN_ACCEL,
  TURN_CPUS,
  N_TURNS
} Turn;

static Turn
get_turn (SvObject *object)
{
  return SV_IS_CPU (object) ? TURN_CPUS : SV_IS_ACCEL (object) ? TURN_ACCEL : TURN_DEVICES;
}

static gboolean
has_state (SvObject *object)
{
  for (GType type = G_OBJECT_TYPE (object); type != SV_TYPE_OBJECT; type = g_type_parent (type))
    {
      const SvMigratableState *state = sv_migratable_get_own_state (type);

      if (state != NULL && state->types != NULL)
        return TRUE;
    }
  return FALSE;
}

/* By path */
static GHashTable *
index_states (GVariant *state)
{
  g_autoptr (GVariant) states = g_variant_get_child_value (state, 1);
  GHashTable *index = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_variant_unref);

  for (gsize i = 0; i < g_variant_n_children (states); i++)
    {
      GVariant *classes;
      char *path;

      g_variant_get_child (states, i, "(s@a(suv))", &path, &classes);
      g_hash_table_replace (index, path, classes);
    }
  return index;
}

static gboolean
load_turn (GPtrArray *objects, GHashTable *index, Turn turn, GError **error)
{
  for (guint i = 0; i < objects->len; i++)
    {
      SvObject *object = objects->pdata[i];
      g_autofree char *path = NULL;

      if (get_turn (object) != turn || !has_state (object))
        continue;
      path = sv_object_dup_path (object);
      if (!sv_migratable_load (object, g_hash_table_lookup (index, path), error))
        return FALSE;
    }
  return TRUE;
}

/* The same objects have state there and here. */
static gboolean
check_objects (GPtrArray *objects, GHashTable *index, gsize n_states, GError **error)
{
  guint n = 0;

  for (guint i = 0; i < objects->len; i++)
    {
      g_autofree char *path = sv_object_dup_path (objects->pdata[i]);

      if (!has_state (objects->pdata[i]))
        continue;
      n++;
      if (g_hash_table_contains (index, path))
        continue;
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_MISMATCH, "%s: there is no state of it", path);
      return FALSE;
    }
  if (n == n_states)
    return TRUE;
  for (guint i = 0; i < objects->len; i++)
    {
      g_autofree char *path = sv_object_dup_path (objects->pdata[i]);

      g_hash_table_remove (index, path);
    }

  GHashTableIter iter;
  gpointer path = (gpointer) "an object";

  g_hash_table_iter_init (&iter, index);
  g_hash_table_iter_next (&iter, &path, NULL);
  g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_MISMATCH, "%s: there is state of it, but not the object",
               (const char *)path);
  return FALSE;
}

gboolean
sv_machine_state_outline_fits (SvMachine *machine, GVariant *state, GError **error)
{
  g_autoptr (GVariant) description = g_variant_get_child_value (state, 0);
  g_autoptr (GHashTable) index = index_states (state);
  GVariant *own = g_hash_table_lookup (index, MACHINE);

  return (own == NULL || sv_migratable_prepare (SV_OBJECT (machine), own, error))
         && sv_machine_description_fits (machine, description, error) && sv_machine_state_check (machine, error);
}

gboolean
sv_machine_state_fits (SvMachine *machine, GVariant *state, GError **error)
{
  g_autoptr (GVariant) states = g_variant_get_child_value (state, 1);
  g_autoptr (GHashTable) index = index_states (state);
  g_autoptr (GPtrArray) objects = NULL;

  if (!sv_machine_state_outline_fits (machine, state, error))
    return FALSE;
  objects = list_objects (machine);
  return check_objects (objects, index, g_variant_n_children (states), error);
}

gboolean
sv_machine_state_load (SvMachine *machine, GVariant *state, gboolean clone, GError **error)
{
  g_autoptr (GPtrArray) objects = list_objects (machine);
  g_autoptr (GHashTable) index = index_states (state);

  for (Turn turn = TURN_DEVICES; turn < N_TURNS; turn++)
    if (!load_turn (objects, index, turn, error))
      return FALSE;
  for (guint i = 0; i < objects->len; i++)
    if (!sv_migratable_loaded (objects->pdata[i], error))
      return FALSE;
  for (guint i = 0; clone && i < objects->len; i++)
    sv_migratable_cloned (objects->pdata[i]);
  return TRUE;
}

/* --- disks --- */

void
sv_machine_give_disks (SvMachine *machine)
{
  g_autoptr (GPtrArray) objects = list_objects (machine);

  for (guint i = 0; i < objects->len; i++)
    if (SV_IS_BLOCK_FILE (objects->pdata[i]))
      sv_block_file_give (objects->pdata[i]);
}

gboolean
sv_machine_take_disks (SvMachine *machine, GError **error)
{
  g_autoptr (GPtrArray) objects = list_objects (machine);
  gboolean deferred = sv_block_file_defer_locks (FALSE);

  for (guint i = 0; i < objects->len; i++)
    if (SV_IS_BLOCK_FILE (objects->pdata[i]) && !sv_block_file_take (objects->pdata[i], error))
      {
        sv_machine_give_disks (machine);
        sv_block_file_defer_locks (deferred);
        return FALSE;
      }
  return TRUE;
}

gboolean
sv_machine_take_back (SvMachine *machine, GError **error)
{
  g_autoptr (GPtrArray) objects = list_objects (machine);

  if (!sv_machine_take_disks (machine, error))
    return FALSE;
  for (guint i = 0; i < objects->len; i++)
    if (SV_IS_BLOCK_FILE (objects->pdata[i]) && sv_block_file_is_alone (objects->pdata[i]))
      return TRUE;
  sv_machine_give_disks (machine);
  g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED,
                       "the guest went to another process, and there is no image with a lock that tells that it does not run there");
  return FALSE;
}

GArray *
sv_machine_dup_cached_disks (SvMachine *machine)
{
  g_autoptr (GPtrArray) objects = list_objects (machine);
  GArray *fds = g_array_new (FALSE, FALSE, sizeof (int));

  for (guint i = 0; i < objects->len; i++)
    {
      int fd = SV_IS_BLOCK_FILE (objects->pdata[i]) ? sv_block_file_dup_cached (objects->pdata[i]) : -1;

      if (fd >= 0)
        g_array_append_val (fds, fd);
    }
  return fds;
}
