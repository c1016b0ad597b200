/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qom/sv-type-registry.h"

#include <string.h>

#include "qom/sv-suggestion.h"

/* The most names that an error message lists. */
#define MAX_LISTED 8

/* Wire names -> SvTypeEntry. The way back is a datum of the GType, set when its entry is first
 * used. */
static GHashTable *entries_by_name;
static gboolean all_resolved;

static GQuark
wire_name_quark (void)
{
  static GQuark quark;

  if (quark == 0)
    quark = g_quark_from_static_string ("sv-wire-name");
  return quark;
}

static const SvTypeEntry *
find_entry (const char *name)
{
  return entries_by_name ? g_hash_table_lookup (entries_by_name, name) : NULL;
}

static GType
resolve_entry (const SvTypeEntry *entry)
{
  GType type;

  /* Aliases of aliases are not followed: that also rules out circles. */
  if (entry != NULL && entry->alias_of != NULL)
    entry = find_entry (entry->alias_of);
  if (entry == NULL || entry->get_type == NULL)
    return G_TYPE_INVALID;

  type = entry->get_type ();
  if (g_type_get_qdata (type, wire_name_quark ()) == NULL)
    g_type_set_qdata (type, wire_name_quark (), (gpointer)entry->name);
  return type;
}

/**
 * sv_type_registry_add: (skip)
 * @entries: (array length=n_entries): a table that is never freed
 * @n_entries: number of entries
 *
 * Adds wire names to the registry; called by the program's type list and by tests. A name that is
 * there already keeps its meaning.
 */
void
sv_type_registry_add (const SvTypeEntry *entries, gsize n_entries)
{
  if (entries_by_name == NULL)
    entries_by_name = g_hash_table_new (g_str_hash, g_str_equal);
  for (gsize i = 0; i < n_entries; i++)
    if (!g_hash_table_contains (entries_by_name, entries[i].name))
      g_hash_table_insert (entries_by_name, (gpointer)entries[i].name, (gpointer)&entries[i]);
  all_resolved = FALSE;
}

/**
 * sv_type_registry_lookup:
 * @name: wire name or alias
 *
 * Returns: the GType behind @name, %G_TYPE_INVALID when the name is unknown
 */
GType
sv_type_registry_lookup (const char *name)
{
  g_return_val_if_fail (name != NULL, G_TYPE_INVALID);

  return resolve_entry (find_entry (name));
}

static void
resolve_all (void)
{
  GHashTableIter iter;
  gpointer entry;

  if (all_resolved || entries_by_name == NULL)
    return;

  g_hash_table_iter_init (&iter, entries_by_name);
  while (g_hash_table_iter_next (&iter, NULL, &entry))
    resolve_entry (entry);
  all_resolved = TRUE;
}

/**
 * sv_type_registry_get_name:
 * @type: a GType
 *
 * Returns: (nullable): wire name of a registered type, never an alias
 */
const char *
sv_type_registry_get_name (GType type)
{
  const char *name;

  if (type == G_TYPE_INVALID)
    return NULL;
  name = g_type_get_qdata (type, wire_name_quark ());
  if (name != NULL || all_resolved)
    return name;

  /* Nobody looked the type up by name so far. */
  resolve_all ();
  return g_type_get_qdata (type, wire_name_quark ());
}

/* `SvMemoryBackend` as wire names are written: `memory-backend`. Kept as a datum of the type. */
static const char *
get_kebab_name (GType type)
{
  static GQuark quark;
  const char *name = g_type_name (type);
  const char *kebab;
  GString *text;

  if (!g_str_has_prefix (name, "Sv") || !g_ascii_isupper (name[2]))
    return name;
  if (quark == 0)
    quark = g_quark_from_static_string ("sv-kebab-name");
  kebab = g_type_get_qdata (type, quark);
  if (kebab != NULL)
    return kebab;

  text = g_string_new (NULL);
  for (const char *p = name + 2; *p != '\0'; p++)
    {
      if (g_ascii_isupper (*p) && text->len > 0)
        g_string_append_c (text, '-');
      g_string_append_c (text, g_ascii_tolower (*p));
    }
  kebab = g_intern_string (text->str);
  g_string_free (text, TRUE);
  g_type_set_qdata (type, quark, (gpointer)kebab);
  return kebab;
}

/**
 * sv_type_registry_get_display_name:
 * @type: a GType
 *
 * Returns: what a message calls the type: the wire name of @type, else of its nearest registered
 *   ancestor below [class@Object], else the GType's own name in the manner of wire names
 */
const char *
sv_type_registry_get_display_name (GType type)
{
  for (GType t = type; t != G_TYPE_INVALID; t = g_type_parent (t))
    {
      const char *name;

      /* Every object is a container: that would tell nothing. */
      if (t != type && strcmp (g_type_name (t), "SvObject") == 0)
        break;
      name = sv_type_registry_get_name (t);
      if (name != NULL)
        return name;
    }
  return get_kebab_name (type);
}

static int
compare_entries (gconstpointer a, gconstpointer b)
{
  const SvTypeEntry *const *ea = a;
  const SvTypeEntry *const *eb = b;

  return strcmp ((*ea)->name, (*eb)->name);
}

/**
 * sv_type_registry_foreach:
 * @ancestor: a GType
 * @abstract: whether abstract types count too
 * @func: (scope call): called for each entry
 * @user_data: passed to @func
 *
 * Calls @func for all names and aliases of types that are @ancestor or below, sorted by name. This
 * registers every type with GObject, so it has no place in the start-up of a VM.
 */
void
sv_type_registry_foreach (GType ancestor, gboolean abstract, SvTypeFunc func, gpointer user_data)
{
  g_autoptr (GPtrArray) sorted = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer value;

  if (entries_by_name == NULL)
    return;

  resolve_all ();
  g_hash_table_iter_init (&iter, entries_by_name);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    g_ptr_array_add (sorted, value);
  g_ptr_array_sort (sorted, compare_entries);

  for (guint i = 0; i < sorted->len; i++)
    {
      const SvTypeEntry *entry = g_ptr_array_index (sorted, i);
      GType type = resolve_entry (entry);

      if (type != G_TYPE_INVALID && g_type_is_a (type, ancestor)
          && (abstract || !G_TYPE_IS_ABSTRACT (type)))
        func (entry->name, type, entry->alias_of, user_data);
    }
}

typedef struct
{
  SvSuggestion suggestion;
  GString *names;
  guint n_names;
} Candidates;

static void
consider_name (const char *name, GType type, const char *alias_of, gpointer user_data)
{
  Candidates *candidates = user_data;

  sv_suggestion_consider (&candidates->suggestion, name);
  g_string_append_printf (candidates->names, "%s'%s'", candidates->n_names == 0 ? "" : ", ", name);
  candidates->n_names++;
}

/**
 * sv_type_registry_dup_suggestion:
 * @name: a mistyped wire name
 * @ancestor: only types below count
 *
 * Returns: (transfer full): ` (did you mean 'virtio-blk-device'?)`; when no name is near `: accepted are ...`, or an
 *   empty string where these are more than a line holds
 */
char *
sv_type_registry_dup_suggestion (const char *name, GType ancestor)
{
  g_autoptr (GString) names = g_string_new (NULL);
  Candidates candidates = { .names = names };
  g_autofree char *hint = NULL;

  sv_suggestion_init (&candidates.suggestion, name);
  sv_type_registry_foreach (ancestor, FALSE, consider_name, &candidates);
  hint = sv_suggestion_dup_hint (&candidates.suggestion);
  if (*hint != '\0' || candidates.n_names == 0 || candidates.n_names > MAX_LISTED)
    return g_steal_pointer (&hint);
  return g_strconcat (": accepted are ", names->str, NULL);
}
