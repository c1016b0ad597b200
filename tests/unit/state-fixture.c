/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "state-fixture.h"

#include <stdlib.h>

#define TIME_TOLERANCE (60 * G_USEC_PER_SEC)
/* Of longer arrays only some elements are tried. */
#define MAX_TRIED 64

GVariant *
state_dup (SvObject *object)
{
  g_autoptr (GError) error = NULL;
  GVariant *state;

  sv_migratable_check (object, &error);
  g_assert_no_error (error);
  state = sv_migratable_dup (object, &error);
  g_assert_no_error (error);
  g_assert_true (g_variant_is_normal_form (state));
  g_assert_cmpuint (g_variant_n_children (state), >, 0);
  return state;
}

/* --- comparison --- */

static gboolean
is_same (GVariant *a, GVariant *b)
{
  if (!g_variant_type_equal (g_variant_get_type (a), g_variant_get_type (b)))
    return FALSE;
  if (g_variant_is_of_type (a, G_VARIANT_TYPE_INT64))
    return ABS (g_variant_get_int64 (a) - g_variant_get_int64 (b)) < TIME_TOLERANCE;
  if (!g_variant_is_container (a))
    return g_variant_equal (a, b);
  if (g_variant_n_children (a) != g_variant_n_children (b))
    return FALSE;
  for (gsize i = 0; i < g_variant_n_children (a); i++)
    {
      g_autoptr (GVariant) x = g_variant_get_child_value (a, i);
      g_autoptr (GVariant) y = g_variant_get_child_value (b, i);

      if (!is_same (x, y))
        return FALSE;
    }
  return TRUE;
}

static void
assert_same (GVariant *before, GVariant *after)
{
  g_autofree char *x = NULL;
  g_autofree char *y = NULL;

  if (is_same (before, after))
    return;
  x = g_variant_print (before, FALSE);
  y = g_variant_print (after, FALSE);
  g_assert_cmpstr (x, ==, y);
}

void
state_copy_all (SvObject *const *from, SvObject *const *to, guint n)
{
  g_autoptr (GPtrArray) states = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < n; i++)
    {
      g_ptr_array_add (states, state_dup (from[i]));
      sv_migratable_load (to[i], states->pdata[i], &error);
      g_assert_no_error (error);
    }
  for (guint i = 0; i < n; i++)
    {
      sv_migratable_loaded (to[i], &error);
      g_assert_no_error (error);
    }
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GVariant) after = state_dup (to[i]);

      assert_same (states->pdata[i], after);
    }
}

void
state_copy (SvObject *from, SvObject *to)
{
  state_copy_all (&from, &to, 1);
}

/* --- changes --- */

static GVariant *
rebuild (GVariant *old, GVariant **children, gsize n)
{
  if (g_variant_is_of_type (old, G_VARIANT_TYPE_VARIANT))
    return g_variant_new_variant (children[0]);
  if (g_variant_is_of_type (old, G_VARIANT_TYPE_ARRAY))
    return g_variant_new_array (g_variant_type_element (g_variant_get_type (old)), children, n);
  if (g_variant_is_of_type (old, G_VARIANT_TYPE_MAYBE))
    return g_variant_new_maybe (g_variant_type_element (g_variant_get_type (old)), n > 0 ? children[0] : NULL);
  return g_variant_new_tuple (children, n);
}

static GVariant *
replace (GVariant *old, char **path, GVariant *value)
{
  gsize n = g_variant_n_children (old);
  g_autofree GVariant **children = g_new (GVariant *, n);
  guint at = (guint)atoi (path[0]);
  GVariant *result;

  g_assert_cmpuint (at, <, n);
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (old, i);

      children[i] = i != at ? g_variant_ref (child) : path[1] != NULL ? replace (child, path + 1, value) : g_variant_ref (value);
    }
  result = g_variant_ref_sink (rebuild (old, children, n));
  for (gsize i = 0; i < n; i++)
    g_variant_unref (children[i]);
  return result;
}

GVariant *
state_replace (GVariant *state, const char *path, GVariant *value)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);
  g_autoptr (GVariant) kept = g_variant_ref_sink (value);

  return replace (state, parts, kept);
}

void
state_assert_refused (SvObject *object, SvObject *to, const char *path, GVariant *value, const char *pattern)
{
  g_autoptr (GVariant) state = state_dup (object);
  g_autoptr (GVariant) changed = state_replace (state, path, value);
  g_autoptr (GError) error = NULL;

  g_assert_false (sv_migratable_load (to, changed, &error) && sv_migratable_loaded (to, &error));
  g_assert_nonnull (error);
  g_assert_cmpuint (error->domain, ==, SV_MIGRATION_ERROR);
  if (!g_pattern_match_simple (pattern, error->message))
    g_assert_cmpstr (error->message, ==, pattern);
}

/* --- torture --- */

typedef struct
{
  SvObject *to;
  GVariant *state;
  guint n_refused;
} Torture;

static void
try (Torture *torture, const char *path, GVariant *value)
{
  g_autoptr (GVariant) changed = state_replace (torture->state, path, value);
  g_autoptr (GError) error = NULL;

  if (sv_migratable_load (torture->to, changed, &error) && sv_migratable_loaded (torture->to, &error))
    {
      g_assert_no_error (error);
      return;
    }
  g_assert_nonnull (error);
  torture->n_refused++;
}

static void
try_numbers (Torture *torture, const char *path, GVariant *old)
{
  switch (g_variant_classify (old))
    {
    case G_VARIANT_CLASS_BOOLEAN:
      try (torture, path, g_variant_new_boolean (!g_variant_get_boolean (old)));
      break;
    case G_VARIANT_CLASS_BYTE:
      try (torture, path, g_variant_new_byte (0xff));
      try (torture, path, g_variant_new_byte (0));
      try (torture, path, g_variant_new_byte (g_variant_get_byte (old) ^ 0x81));
      break;
    case G_VARIANT_CLASS_UINT16:
      try (torture, path, g_variant_new_uint16 (G_MAXUINT16));
      try (torture, path, g_variant_new_uint16 (0));
      try (torture, path, g_variant_new_uint16 (g_variant_get_uint16 (old) ^ 0x8001));
      break;
    case G_VARIANT_CLASS_INT32:
      try (torture, path, g_variant_new_int32 (G_MAXINT32));
      try (torture, path, g_variant_new_int32 (G_MININT32));
      break;
    case G_VARIANT_CLASS_UINT32:
      try (torture, path, g_variant_new_uint32 (G_MAXUINT32));
      try (torture, path, g_variant_new_uint32 (0));
      try (torture, path, g_variant_new_uint32 (g_variant_get_uint32 (old) ^ 0x80000001));
      break;
    case G_VARIANT_CLASS_UINT64:
      try (torture, path, g_variant_new_uint64 (G_MAXUINT64));
      try (torture, path, g_variant_new_uint64 (0));
      try (torture, path, g_variant_new_uint64 (G_MAXUINT64 - 4095));
      break;
    case G_VARIANT_CLASS_INT64:
      try (torture, path, g_variant_new_int64 (G_MAXINT64));
      try (torture, path, g_variant_new_int64 (G_MININT64));
      try (torture, path, g_variant_new_int64 (0));
      break;
    case G_VARIANT_CLASS_STRING:
      try (torture, path, g_variant_new_string (""));
      try (torture, path, g_variant_new_string ("../nothing"));
      break;
    default:
      g_error ("a state with a value of type %s", g_variant_get_type_string (old));
    }
}

static GVariant *
resized (GVariant *old, gsize n)
{
  const GVariantType *element = g_variant_type_element (g_variant_get_type (old));
  gsize before = g_variant_n_children (old);
  g_autoptr (GPtrArray) children = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);

  for (gsize i = 0; i < n && before > 0; i++)
    g_ptr_array_add (children, g_variant_get_child_value (old, MIN (i, before - 1)));
  if (before == 0 && g_variant_type_equal (element, G_VARIANT_TYPE_BYTE))
    for (gsize i = 0; i < n; i++)
      g_ptr_array_add (children, g_variant_ref_sink (g_variant_new_byte (0xff)));
  return g_variant_new_array (element, (GVariant **)children->pdata, children->len);
}

static void
visit (Torture *torture, const char *path, GVariant *old)
{
  gsize n = g_variant_is_container (old) ? g_variant_n_children (old) : 0;
  gsize step = MAX (1, n / MAX_TRIED);

  if (!g_variant_is_container (old))
    {
      try_numbers (torture, path, old);
      return;
    }
  if (g_variant_is_of_type (old, G_VARIANT_TYPE_ARRAY))
    {
      try (torture, path, resized (old, 0));
      try (torture, path, resized (old, n > 0 ? n - 1 : 0));
      try (torture, path, resized (old, n + 1));
      try (torture, path, resized (old, n + 5000));
    }
  for (gsize i = 0; i < n; i += step)
    {
      g_autoptr (GVariant) child = g_variant_get_child_value (old, i);
      g_autofree char *below = g_strdup_printf ("%s/%" G_GSIZE_FORMAT, path, i);

      visit (torture, below, child);
    }
}

guint
state_torture (SvObject *from, SvObject *to)
{
  g_autoptr (GVariant) state = state_dup (from);
  Torture torture = { to, state, 0 };

  /* The classes' names and versions are not theirs to check. */
  for (gsize i = 0; i < g_variant_n_children (state); i++)
    {
      g_autoptr (GVariant) part = g_variant_get_child_value (state, i);
      g_autoptr (GVariant) boxed = g_variant_get_child_value (part, 2);
      g_autoptr (GVariant) value = g_variant_get_variant (boxed);
      g_autofree char *path = g_strdup_printf ("%" G_GSIZE_FORMAT "/2/0", i);

      visit (&torture, path, value);
    }
  return torture.n_refused;
}
