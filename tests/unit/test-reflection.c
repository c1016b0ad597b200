/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "hw/core/sv-machine.h"
#include "qom/sv-property.h"
#include "qom/sv-type-registry.h"
#include "src/migration/sv-migratable.h"
#include "src/runtime/sv-vm-lock.h"
#include "src/sv-type-list.h"

/* Rules that every class with a wire name keeps, checked on an object of it that nobody completed.
 */

static void
assert_value (SvObject *object, GParamSpec *pspec, const char *expected, const char *what)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node
      = sv_object_get_property_json (object, sv_property_get_wire_name (pspec), &error);
  g_autofree char *json = NULL;

  g_assert_no_error (error);
  json = json_to_string (node, FALSE);
  if (strcmp (json, expected) != 0)
    g_test_fail_printf ("%s: property '%s' reads %s, not %s: %s", G_OBJECT_TYPE_NAME (object),
                        pspec->name, json, expected, what);
}

static void
set_and_read (
    SvObject *object, GParamSpec *pspec, JsonNode *value, const char *expected, const char *what)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *json = json_to_string (value, FALSE);

  if (!sv_object_set_property_json (object, sv_property_get_wire_name (pspec), value, NULL, &error))
    g_test_fail_printf ("%s: property '%s' cannot be set to %s: %s", G_OBJECT_TYPE_NAME (object),
                        pspec->name, json, error->message);
  assert_value (object, pspec, expected ? expected : json, what);
}

static void
check_documented (SvObject *object, GParamSpec *pspec)
{
  const char *name = sv_property_get_wire_name (pspec);
  const char *blurb = g_param_spec_get_blurb (pspec);

  if (*name == '\0' || strpbrk (name, " ,=/") != NULL)
    g_test_fail_printf ("%s: property '%s' has a malformed wire name '%s'",
                        G_OBJECT_TYPE_NAME (object), pspec->name, name);
  if (blurb == NULL || *blurb == '\0')
    g_test_fail_printf ("%s: property '%s' has no description", G_OBJECT_TYPE_NAME (object),
                        pspec->name);
  g_assert_true (sv_property_find (G_OBJECT_GET_CLASS (object), name) == pspec);
}

static void
check_enum (SvObject *object, GParamSpec *pspec)
{
  GEnumClass *klass = G_PARAM_SPEC_ENUM (pspec)->enum_class;

  for (guint i = 0; i < klass->n_values; i++)
    {
      g_autoptr (JsonNode) node
          = json_node_init_string (json_node_alloc (), klass->values[i].value_nick);

      /* Several words may stand for one value; the first is read back. */
      g_autofree char *expected = g_strdup_printf (
          "\"%s\"", g_enum_get_value (klass, klass->values[i].value)->value_nick);

      set_and_read (object, pspec, node, expected, "a value of the enum");
    }
}

static void
check_boolean (SvObject *object, GParamSpec *pspec)
{
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (JsonNode) node = json_node_init_boolean (json_node_alloc (), i == 0);

      set_and_read (object, pspec, node, NULL, "a boolean");
    }
}

static void
check_string (SvObject *object, GParamSpec *pspec)
{
  g_autoptr (JsonNode) node = json_node_init_string (json_node_alloc (), "text");

  set_and_read (object, pspec, node, NULL, "a string");
}

static void
check_unsigned (SvObject *object, GParamSpec *pspec, guint64 minimum, guint64 maximum)
{
  const guint64 numbers[] = { minimum, MIN (maximum, G_MAXINT64) };

  for (guint i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      g_autoptr (JsonNode) node = json_node_init_int (json_node_alloc (), numbers[i]);

      set_and_read (object, pspec, node, NULL, "an end of its range");
    }
}

static void
check_property (SvObject *object, GParamSpec *pspec)
{
  g_autoptr (JsonNode) value = NULL;

  check_documented (object, pspec);
  if (!(pspec->flags & G_PARAM_READABLE))
    return;

  /* A subclass may start from another value than its ancestor tells of. */
  value = sv_property_dup_default (pspec);
  if (value != NULL && pspec->owner_type == G_OBJECT_TYPE (object))
    {
      g_autofree char *json = json_to_string (value, FALSE);

      assert_value (object, pspec, json, "the default that the class tells of");
    }
  if (!(pspec->flags & G_PARAM_WRITABLE) || (pspec->flags & G_PARAM_CONSTRUCT_ONLY))
    return;

  if (G_IS_PARAM_SPEC_ENUM (pspec))
    check_enum (object, pspec);
  else if (G_IS_PARAM_SPEC_BOOLEAN (pspec))
    check_boolean (object, pspec);
  else if (G_IS_PARAM_SPEC_STRING (pspec))
    check_string (object, pspec);
  else if (G_IS_PARAM_SPEC_UINT (pspec))
    check_unsigned (object, pspec, G_PARAM_SPEC_UINT (pspec)->minimum,
                    G_PARAM_SPEC_UINT (pspec)->maximum);
  else if (G_IS_PARAM_SPEC_UINT64 (pspec))
    check_unsigned (object, pspec, G_PARAM_SPEC_UINT64 (pspec)->minimum,
                    G_PARAM_SPEC_UINT64 (pspec)->maximum);
}

/* --- what becomes of it when its VM is saved --- */

static gboolean
has_text (const char *text)
{
  return text != NULL && *text != '\0';
}

/* Of a class that says something of itself: one of three things, and enough of it */
static void
check_saved_class (GType type)
{
  const SvMigratableState *state = sv_migratable_get_own_state (type);
  const char *name = g_type_name (type);
  guint n = 0;

  if ((state->types != NULL) + (state->stateless != NULL) + (state->unmigratable != NULL) != 1)
    g_test_fail_printf ("%s: it has state, has none, or cannot be saved: one of these", name);
  if (state->types == NULL && !has_text (state->stateless) && !has_text (state->unmigratable))
    g_test_fail_printf ("%s: why it has no state, or cannot be saved, is missing", name);
  if (state->types != NULL && (state->dup == NULL || state->load == NULL))
    g_test_fail_printf ("%s: its state can be saved and loaded, or neither", name);
  if (state->types == NULL && (state->dup != NULL || state->load != NULL))
    g_test_fail_printf ("%s: there is no type of its state", name);
  for (; state->types != NULL && state->types[n] != NULL; n++)
    if (!g_variant_type_string_is_valid (state->types[n])
        || !g_variant_type_is_definite (G_VARIANT_TYPE (state->types[n])))
      g_test_fail_printf ("%s: '%s' is no type of a state", name, state->types[n]);
  if (state->types != NULL && n == 0)
    g_test_fail_printf ("%s: its state has no version", name);
}

/* What can be made can be saved, or says why not; what its parents say is not enough. */
static void
check_saved (GType type)
{
  gpointer klass = g_type_class_ref (type);

  if (!G_TYPE_IS_ABSTRACT (type) && sv_migratable_get_own_state (type) == NULL)
    g_test_fail_printf ("%s: it does not say what becomes of it when its VM is saved", g_type_name (type));
  for (GType t = type; t != SV_TYPE_OBJECT; t = g_type_parent (t))
    if (sv_migratable_get_own_state (t) != NULL)
      check_saved_class (t);
  g_type_class_unref (klass);
}

static void
check_saved_below (GType type, GHashTable *seen)
{
  guint n;
  g_autofree GType *types = g_type_children (type, &n);

  g_hash_table_add (seen, (gpointer)g_type_name (type));
  check_saved (type);
  for (guint i = 0; i < n; i++)
    check_saved_below (types[i], seen);
}

/* Those without a wire name, too: whole machines are made for that, which bring along all that there is. */
static void
check_all_saved (void)
{
  static const char *const machines[] = { "microvm-machine", "pc-q35-sv1-machine" };
  static const char *const parts[] = { "SvIch9Lpc", "SvQ35Mch", "SvPciBus", "SvIsaBus", "SvVirtioMmioBus", "SvAcpiGed" };
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  sv_vm_lock ();
  for (guint i = 0; i < G_N_ELEMENTS (machines); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (SvMachine) machine = g_object_new (sv_type_registry_lookup (machines[i]), "accel", "test", NULL);

      g_assert_true (sv_machine_prepare (machine, &error));
      g_assert_nonnull (sv_machine_add_device_json (
          machine, i == 0 ? "{\"driver\": \"virtio-rng-device\"}" : "{\"driver\": \"virtio-rng-pci\"}", &error));
      g_assert_no_error (error);
      sv_machine_close (machine);
    }
  check_saved_below (SV_TYPE_OBJECT, seen);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    if (!g_hash_table_contains (seen, parts[i]))
      g_test_fail_printf ("%s: no machine has one", parts[i]);
  sv_vm_unlock ();
}

static void
check_type (gconstpointer data)
{
  const char *name = data;
  GType type = sv_type_registry_lookup (name);
  g_autoptr (SvObject) object = NULL;
  g_autoptr (GPtrArray) list = NULL;

  sv_vm_lock ();
  g_assert_true (g_type_is_a (type, SV_TYPE_OBJECT));
  g_assert_cmpstr (sv_type_registry_get_name (type), ==, name);
  object = g_object_new (type, NULL);
  list = sv_property_list (G_OBJECT_GET_CLASS (object));
  for (guint i = 0; i < list->len; i++)
    {
      /* A new one each time, as properties may depend on each other. */
      g_autoptr (SvObject) fresh = g_object_new (type, NULL);

      check_property (fresh, g_ptr_array_index (list, i));
    }
  g_clear_object (&object);
  check_saved (type);
  sv_vm_unlock ();
}

static void
add_test (const char *name, GType type, const char *alias_of, gpointer user_data)
{
  g_autofree char *path = g_strconcat ("/reflection/", name, NULL);

  if (alias_of == NULL)
    g_test_add_data_func (path, name, check_type);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  sv_type_list_register ();
  sv_type_registry_foreach (SV_TYPE_OBJECT, FALSE, add_test, NULL);
  g_test_add_func ("/reflection/saved", check_all_saved);
  return g_test_run ();
}
