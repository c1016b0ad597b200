/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qom/sv-type-registry.h"
#include "src/migration/sv-migratable.h"
#include "src/sv-type-list.h"

/* A class with state that changed once, and one below it. */
typedef struct
{
  SvObject parent_instance;
  guint number;
  gboolean busy;
  guint n_loaded;
} Base;
typedef SvObjectClass BaseClass;
typedef struct
{
  Base parent_instance;
  guint8 byte;
} Derived;
typedef BaseClass DerivedClass;
typedef Base Silent;
typedef BaseClass SilentClass;
typedef Base Refused;
typedef BaseClass RefusedClass;

static gboolean
base_check (SvMigratable *self, GError **error)
{
  if (((Base *)self)->busy)
    g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED, "it is busy");
  return !((Base *)self)->busy;
}

static GVariant *
base_dup (SvMigratable *self, GError **error)
{
  return g_variant_new ("(us)", ((Base *)self)->number, "more");
}

/* Version 1 had no text. */
static gboolean
base_load (SvMigratable *self, GVariant *state, guint version, GError **error)
{
  Base *base = (Base *)self;

  if (version == 1)
    base->number = g_variant_get_uint32 (state);
  else
    g_variant_get (state, "(us)", &base->number, NULL);
  return TRUE;
}

static gboolean
base_loaded (SvMigratable *self, GError **error)
{
  ((Base *)self)->n_loaded++;
  return TRUE;
}

static const char *const base_types[] = { "u", "(us)", NULL };
static const SvMigratableState base_state
    = { .types = base_types, .check = base_check, .dup = base_dup, .load = base_load, .loaded = base_loaded };

static GVariant *
derived_dup (SvMigratable *self, GError **error)
{
  return g_variant_new_byte (((Derived *)self)->byte);
}

static gboolean
derived_load (SvMigratable *self, GVariant *state, guint version, GError **error)
{
  ((Derived *)self)->byte = g_variant_get_byte (state);
  return TRUE;
}

static const char *const derived_types[] = { "y", NULL };
static const SvMigratableState derived_state = { .types = derived_types, .dup = derived_dup, .load = derived_load };

GType base_get_type (void);
GType derived_get_type (void);
GType silent_get_type (void);
GType refused_get_type (void);
G_DEFINE_TYPE_WITH_CODE (Base, base, SV_TYPE_OBJECT, SV_MIGRATABLE_STATE (&base_state))
G_DEFINE_TYPE_WITH_CODE (Derived, derived, base_get_type (), SV_MIGRATABLE_STATE (&derived_state))
G_DEFINE_TYPE (Silent, silent, base_get_type ())
G_DEFINE_TYPE_WITH_CODE (Refused, refused, base_get_type (), SV_MIGRATABLE_REFUSED ("it is what it is"))

static void base_init (Base *self) {}
static void base_class_init (BaseClass *klass) {}
static void derived_init (Derived *self) {}
static void derived_class_init (DerivedClass *klass) {}
static void silent_init (Silent *self) {}
static void silent_class_init (SilentClass *klass) {}
static void refused_init (Refused *self) {}
static void refused_class_init (RefusedClass *klass) {}

static void
test_round_trip (void)
{
  g_autoptr (SvObject) from = g_object_new (derived_get_type (), NULL);
  g_autoptr (SvObject) to = g_object_new (derived_get_type (), NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) state = NULL;
  g_autofree char *text = NULL;

  ((Base *)from)->number = 7;
  ((Derived *)from)->byte = 9;
  g_assert_true (sv_migratable_check (from, &error));
  state = sv_migratable_dup (from, &error);
  g_assert_no_error (error);
  text = g_variant_print (state, FALSE);
  g_assert_cmpstr (text, ==, "[('Base', 2, <(uint32 7, 'more')>), ('Derived', 1, <byte 0x09>)]");
  g_assert_true (sv_migratable_load (to, state, &error));
  g_assert_true (sv_migratable_loaded (to, &error));
  g_assert_cmpuint (((Base *)to)->number, ==, 7);
  g_assert_cmpuint (((Derived *)to)->byte, ==, 9);
  g_assert_cmpuint (((Base *)to)->n_loaded, ==, 1);
}

static void
test_versions (void)
{
  static const struct
  {
    const char *state;
    const char *refusal; /* NULL: it is taken */
  } cases[] = {
    { "[('Base', 1, <uint32 5>), ('Derived', 1, <byte 1>)]", NULL },
    { "[('Base', 3, <uint32 5>), ('Derived', 1, <byte 1>)]", "version 3 of the state of Base; 1 to 2 are known" },
    { "[('Base', 0, <uint32 5>), ('Derived', 1, <byte 1>)]", "version 0" },
    { "[('Base', 2, <uint32 5>), ('Derived', 1, <byte 1>)]", "state of Base is \"u\", version 2 has \"(us)\"" },
    { "[('Base', 1, <uint32 5>)]", "state of class Derived is missing" },
    { "[('Derived', 1, <byte 1>), ('Base', 1, <uint32 5>)]", "state of class Derived instead of Base" },
    { "[('Base', 1, <uint32 5>), ('Derived', 1, <byte 1>), ('Other', 1, <byte 1>)]", "more classes than Derived has" },
    { "[('Other', 1, <uint32 5>), ('Derived', 1, <byte 1>)]", "Other instead of Base" },
    { "@a(suv) []", "state of class Base is missing" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SvObject) to = g_object_new (derived_get_type (), NULL);
      g_autoptr (GError) error = NULL;
      g_autoptr (GVariant) state
          = g_variant_parse (G_VARIANT_TYPE ("a(suv)"), cases[i].state, NULL, NULL, &error);

      g_assert_no_error (error);
      g_assert_cmpint (sv_migratable_load (to, state, &error), ==, cases[i].refusal == NULL);
      if (cases[i].refusal == NULL)
        g_assert_cmpuint (((Base *)to)->number, ==, 5);
      else
        g_assert_nonnull (strstr (error->message, cases[i].refusal));
    }
}

static void
test_refusals (void)
{
  g_autoptr (SvObject) busy = g_object_new (derived_get_type (), NULL);
  g_autoptr (SvObject) silent = g_object_new (silent_get_type (), NULL);
  g_autoptr (SvObject) refused = g_object_new (refused_get_type (), NULL);
  g_autoptr (GError) error = NULL;

  ((Base *)busy)->busy = TRUE;
  g_assert_false (sv_migratable_check (busy, &error));
  g_assert_nonnull (strstr (error->message, "it is busy"));
  g_clear_error (&error);
  /* What its parent says is not enough. */
  g_assert_false (sv_migratable_check (silent, &error));
  g_assert_nonnull (strstr (error->message, "the state of class Silent cannot be saved"));
  g_clear_error (&error);
  g_assert_false (sv_migratable_check (refused, &error));
  g_assert_nonnull (strstr (error->message, "it is what it is"));
}

static void
check_class (const char *name, GType type, const char *alias_of, gpointer user_data)
{
  g_autoptr (GTypeClass) klass = alias_of == NULL ? g_type_class_ref (type) : NULL;
  const SvMigratableState *state;

  if (klass == NULL)
    return;
  state = sv_migratable_get_own_state (type);
  if (state == NULL)
    g_test_fail_printf ("%s (%s) says nothing of its state", name, g_type_name (type));
  else if (state->types != NULL ? state->dup == NULL || state->load == NULL
                                : state->stateless == NULL && state->unmigratable == NULL)
    g_test_fail_printf ("%s (%s) has types without functions, or no reason", name, g_type_name (type));
}

/* Whatever a user can put into a VM */
static void
test_every_class (void)
{
  sv_type_list_register ();
  sv_type_registry_foreach (SV_TYPE_OBJECT, FALSE, check_class, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/migratable/round-trip", test_round_trip);
  g_test_add_func ("/migratable/versions", test_versions);
  g_test_add_func ("/migratable/refusals", test_refusals);
  g_test_add_func ("/migratable/every-class", test_every_class);
  return g_test_run ();
}
