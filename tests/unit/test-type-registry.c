/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qom/sv-object.h"
#include "qom/sv-type-registry.h"

typedef SvObject TestBase;
typedef SvObjectClass TestBaseClass;
typedef SvObject TestLeaf;
typedef SvObjectClass TestLeafClass;
typedef SvObject TestUnnamed;
typedef SvObjectClass TestUnnamedClass;

GType test_base_get_type (void);
GType test_leaf_get_type (void);
GType test_unnamed_get_type (void);

G_DEFINE_ABSTRACT_TYPE (TestBase, test_base, SV_TYPE_OBJECT)
G_DEFINE_TYPE (TestLeaf, test_leaf, test_base_get_type ())
G_DEFINE_TYPE (TestUnnamed, test_unnamed, test_leaf_get_type ())

static guint leaf_asked;

static void
test_base_class_init (TestBaseClass *klass)
{
}
static void
test_base_init (TestBase *self)
{
}
static void
test_leaf_class_init (TestLeafClass *klass)
{
}
static void
test_leaf_init (TestLeaf *self)
{
}
static void
test_unnamed_class_init (TestUnnamedClass *klass)
{
}
static void
test_unnamed_init (TestUnnamed *self)
{
}

static GType
get_leaf (void)
{
  leaf_asked++;
  return test_leaf_get_type ();
}

static const SvTypeEntry entries[] = {
  { "test-leaf", get_leaf, NULL },
  { "leaf-alias", NULL, "test-leaf" },
  { "test-base", test_base_get_type, NULL },
  { "dangling", NULL, "nowhere" },
  { "circle", NULL, "circle" },
};

static void
append (const char *name, GType type, const char *alias_of, gpointer user_data)
{
  g_string_append_printf (user_data, "%s=%s%s%s ", name, g_type_name (type), alias_of ? "<" : "",
                          alias_of ? alias_of : "");
}

static void
test_registry (void)
{
  static const SvTypeEntry again[] = { { "test-leaf", test_base_get_type, NULL } };
  g_autoptr (GString) log = g_string_new (NULL);

  sv_type_registry_add (entries, G_N_ELEMENTS (entries));
  sv_type_registry_add (again, G_N_ELEMENTS (again));

  /* Nothing is registered with GObject before it is asked for. */
  g_assert_cmpuint (leaf_asked, ==, 0);
  g_assert_cmpuint (g_type_from_name ("TestLeaf"), ==, 0);
  g_assert_true (sv_type_registry_lookup ("unknown") == G_TYPE_INVALID);
  g_assert_true (sv_type_registry_lookup ("") == G_TYPE_INVALID);
  g_assert_true (sv_type_registry_lookup ("dangling") == G_TYPE_INVALID);
  g_assert_true (sv_type_registry_lookup ("circle") == G_TYPE_INVALID);
  g_assert_cmpuint (leaf_asked, ==, 0);

  g_assert_true (sv_type_registry_lookup ("leaf-alias") == test_leaf_get_type ());
  g_assert_cmpuint (leaf_asked, ==, 1);
  g_assert_true (sv_type_registry_lookup ("test-leaf") == test_leaf_get_type ());
  g_assert_cmpstr (sv_type_registry_get_name (test_leaf_get_type ()), ==, "test-leaf");
  /* Found although nobody looked it up by name. */
  g_assert_cmpstr (sv_type_registry_get_name (test_base_get_type ()), ==, "test-base");
  g_assert_null (sv_type_registry_get_name (test_unnamed_get_type ()));
  g_assert_null (sv_type_registry_get_name (G_TYPE_INVALID));
  g_assert_cmpstr (sv_type_registry_get_display_name (test_unnamed_get_type ()), ==, "test-leaf");
  g_assert_cmpstr (sv_type_registry_get_display_name (SV_TYPE_OBJECT), ==, "object");

  sv_type_registry_foreach (SV_TYPE_OBJECT, FALSE, append, log);
  g_assert_cmpstr (log->str, ==, "leaf-alias=TestLeaf<test-leaf test-leaf=TestLeaf ");
  g_string_truncate (log, 0);
  sv_type_registry_foreach (test_base_get_type (), TRUE, append, log);
  g_assert_cmpstr (log->str, ==,
                   "leaf-alias=TestLeaf<test-leaf test-base=TestBase test-leaf=TestLeaf ");
}

static void
test_suggestion (void)
{
  g_autofree char *near = sv_type_registry_dup_suggestion ("test-laef", SV_TYPE_OBJECT);
  g_autofree char *far = sv_type_registry_dup_suggestion ("something", SV_TYPE_OBJECT);
  g_autofree char *longest = g_strnfill (5000, 'x');
  g_autofree char *none = sv_type_registry_dup_suggestion (longest, SV_TYPE_OBJECT);
  g_autofree char *nothing = sv_type_registry_dup_suggestion ("x", test_unnamed_get_type ());

  g_assert_cmpstr (near, ==, " (did you mean 'test-leaf'?)");
  g_assert_cmpstr (far, ==, ": accepted are 'leaf-alias', 'test-leaf'");
  g_assert_cmpstr (none, ==, far);
  g_assert_cmpstr (nothing, ==, "");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/qom/type-registry/registry", test_registry);
  g_test_add_func ("/qom/type-registry/suggestion", test_suggestion);
  return g_test_run ();
}
