/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What is in a snapshot; no VM is asked. */

#include <string.h>

#include "client/sv-snapshot.h"
#include "svctl/svctl-commands.h"
#include "svctl/svctl.h"

static void
add_line (GPtrArray *lines, GString *name, GVariant *value)
{
  g_autofree char *text = g_variant_print (value, FALSE);

  g_ptr_array_add (lines, g_strconcat (name->str, " ", text, NULL));
}

/* "description KEY VALUE" */
static void
add_description (GPtrArray *lines, GVariant *description)
{
  GVariantIter iter;
  const char *key;
  GVariant *value = NULL;

  g_variant_iter_init (&iter, description);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    {
      g_autoptr (GString) name = g_string_new ("description ");

      g_string_append (name, key);
      if (!g_variant_is_of_type (value, G_VARIANT_TYPE ("a(ssa{ss})")))
        add_line (lines, name, value);
      for (gsize i = 0; g_variant_is_of_type (value, G_VARIANT_TYPE ("a(ssa{ss})")) && i < g_variant_n_children (value); i++)
        {
          g_autoptr (GVariant) device = g_variant_get_child_value (value, i);

          add_line (lines, name, device);
        }
    }
}

/* "PATH CLASS VERSION VALUE" */
static void
add_states (GPtrArray *lines, GVariant *states)
{
  for (gsize i = 0; i < g_variant_n_children (states); i++)
    {
      g_autoptr (GVariantIter) classes = NULL;
      const char *path, *class_name;
      guint32 version;
      GVariant *value = NULL;

      g_variant_get_child (states, i, "(&sa(suv))", &path, &classes);
      while (g_variant_iter_loop (classes, "(&suv)", &class_name, &version, &value))
        {
          g_autoptr (GString) name = g_string_new (NULL);

          g_string_printf (name, "%s %s %u", path, class_name, version);
          add_line (lines, name, value);
        }
    }
}

static GPtrArray *
dup_lines (GVariant *state)
{
  GPtrArray *lines = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GVariant) description = g_variant_get_child_value (state, 0);
  g_autoptr (GVariant) states = g_variant_get_child_value (state, 1);

  add_description (lines, description);
  add_states (lines, states);
  return lines;
}

static void
print_lines (GPtrArray *lines, const char *mark, GHashTable *but)
{
  for (guint i = 0; i < lines->len; i++)
    if (but == NULL || !g_hash_table_contains (but, lines->pdata[i]))
      {
        g_autofree char *text = svctl_dup_harmless (lines->pdata[i], 1);

        svctl_print ("%s%s\n", mark, text);
      }
}

static GHashTable *
new_set (GPtrArray *lines)
{
  GHashTable *set = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < lines->len; i++)
    g_hash_table_add (set, lines->pdata[i]);
  return set;
}

static gboolean
show (Svctl *self, const char *directory, GError **error)
{
  g_autoptr (GVariant) state = sv_snapshot_read (directory, error);
  g_autoptr (GPtrArray) lines = NULL;

  if (state == NULL)
    return FALSE;
  if (self->json)
    {
      svctl_print_json (json_gvariant_serialize (state));
      return TRUE;
    }
  lines = dup_lines (state);
  print_lines (lines, "", NULL);
  return TRUE;
}

static gboolean
diff (const char *one, const char *other, GError **error)
{
  g_autoptr (GVariant) first = sv_snapshot_read (one, error);
  g_autoptr (GVariant) second = first != NULL ? sv_snapshot_read (other, error) : NULL;
  g_autoptr (GPtrArray) old_lines = NULL;
  g_autoptr (GPtrArray) new_lines = NULL;
  g_autoptr (GHashTable) older_set = NULL;
  g_autoptr (GHashTable) newer_set = NULL;

  if (second == NULL)
    return FALSE;
  old_lines = dup_lines (first);
  new_lines = dup_lines (second);
  older_set = new_set (old_lines);
  newer_set = new_set (new_lines);
  print_lines (old_lines, "- ", newer_set);
  print_lines (new_lines, "+ ", older_set);
  return TRUE;
}

gboolean
svctl_snapshot (Svctl *self, int argc, char **argv, GError **error)
{
  if (strcmp (argv[0], "show") == 0 && argc == 2)
    return show (self, argv[1], error);
  if (strcmp (argv[0], "diff") == 0 && argc == 3)
    return diff (argv[1], argv[2], error);
  g_set_error_literal (error, SVCTL_ERROR, SVCTL_ERROR_USAGE, "usage: svctl snapshot show DIR | diff DIR DIR");
  return FALSE;
}
