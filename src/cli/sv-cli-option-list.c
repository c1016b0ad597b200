/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "hw/core/sv-machine.h"
#include "src/cli/sv-cli-private.h"
#include "src/cli/sv-cli.h"

/* What query-command-line-options tells: the table of options as clients understand it. */

static void
add_parameter (JsonArray *parameters, const char *name, const char *type, const char *help)
{
  JsonObject *parameter = json_object_new ();

  json_object_set_string_member (parameter, "name", name);
  json_object_set_string_member (parameter, "type", type);
  if (help != NULL)
    json_object_set_string_member (parameter, "help", help);
  json_array_add_object_element (parameters, parameter);
}

static const char *
guess_type (const char *value)
{
  if (g_str_has_prefix (value, "on|off"))
    return "boolean";
  if (g_str_has_prefix (value, "SIZE"))
    return "size";
  return value[0] == 'N' && !g_ascii_isalpha (value[1]) ? "number" : "string";
}

/* The keys in how --help writes the argument: `id=ID[,iops=N]`. */
static void
add_keys (JsonArray *parameters, const char *argument)
{
  g_autoptr (GRegex) regex = g_regex_new ("([a-z][a-z0-9_.-]*)=\\]?([^,\\[\\]]*)", 0, 0, NULL);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GMatchInfo) match = NULL;

  for (g_regex_match (regex, argument, 0, &match); g_match_info_matches (match);
       g_match_info_next (match, NULL))
    {
      g_autofree char *name = g_match_info_fetch (match, 1);
      g_autofree char *value = g_match_info_fetch (match, 2);

      if (g_hash_table_add (seen, g_strdup (name)))
        add_parameter (parameters, name, guess_type (value), NULL);
    }
}

/* A machine's own properties, which -machine takes as well. */
static void
add_machine_properties (JsonArray *parameters)
{
  g_autoptr (GTypeClass) klass = g_type_class_ref (SV_TYPE_MACHINE);
  g_autoptr (GPtrArray) list = sv_property_list (G_OBJECT_CLASS (klass));

  for (guint i = 0; i < list->len; i++)
    {
      GParamSpec *pspec = g_ptr_array_index (list, i);
      const char *type = "string";

      if (!(pspec->flags & G_PARAM_WRITABLE))
        continue;
      if (G_IS_PARAM_SPEC_BOOLEAN (pspec))
        type = "boolean";
      else if (pspec->flags & SV_PARAM_SIZE)
        type = "size";
      else if (G_IS_PARAM_SPEC_UINT (pspec) || G_IS_PARAM_SPEC_UINT64 (pspec))
        type = "number";
      add_parameter (parameters, sv_property_get_wire_name (pspec), type,
                     g_param_spec_get_blurb (pspec));
    }
}

/**
 * sv_cli_list_options: (skip)
 *
 * Returns: (transfer full): options and their keys, as query-command-line-options returns them
 */
JsonNode *
sv_cli_list_options (void)
{
  g_autoptr (JsonArray) options = json_array_new ();

  for (guint i = 0; i < sv_cli_n_options; i++)
    {
      const SvOption *row = &sv_cli_options[i];
      JsonObject *option;
      JsonArray *parameters;

      if (row->group == NULL)
        continue;
      parameters = json_array_new ();
      add_keys (parameters, row->argument);
      if (strcmp (row->group, "machine") == 0)
        add_machine_properties (parameters);
      option = json_object_new ();
      json_object_set_string_member (option, "option", row->group);
      json_object_set_array_member (option, "parameters", parameters);
      json_array_add_object_element (options, option);
    }
  return json_node_init_array (json_node_alloc (), options);
}
