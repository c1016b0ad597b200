/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "qom/sv-property.h"
#include "qom/sv-type-registry.h"
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
  return g_test_run ();
}
