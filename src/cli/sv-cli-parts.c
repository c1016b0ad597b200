/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qom/sv-object.h"
#include "qom/sv-type-registry.h"
#include "src/cli/sv-cli-private.h"

/* Options that tell the machine what it is to be like before it is made. */

static void
append_number (const char *name, GType type, const char *alias_of, gpointer user_data)
{
  GString *text = user_data;

  if (g_str_has_prefix (name, "smbios-type-"))
    g_string_append_printf (text, "%s%s", text->len > 0 ? ", " : "", name + strlen ("smbios-type-"));
}

gboolean
sv_cli_smbios (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = sv_cli_keys_parse_list (argument, NULL, "value", error);
  g_autoptr (GString) accepted = g_string_new (NULL);
  g_autofree char *number = NULL;
  g_autofree char *type = NULL;

  if (keys == NULL)
    return FALSE;
  sv_type_registry_foreach (SV_TYPE_OBJECT, FALSE, append_number, accepted);
  if (sv_cli_keys_has (keys, "file"))
    {
      sv_cli_add (cli, SV_CONFIG_PART, "smbios-file", NULL, keys);
      return TRUE;
    }
  number = sv_cli_keys_take (keys, "type");
  if (number == NULL)
    return sv_cli_fail (error, "'type' is missing: accepted are %s; or 'file'", accepted->str);
  type = g_strconcat ("smbios-type-", number, NULL);
  if (sv_type_registry_lookup (type) == G_TYPE_INVALID)
    return sv_cli_fail (error, "'type' is '%s': accepted are %s", number, accepted->str);
  /* One of each, but any number of texts. */
  sv_cli_add (cli, SV_CONFIG_PART, type, strcmp (number, "11") == 0 ? NULL : type, keys);
  return TRUE;
}

gboolean
sv_cli_numa (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = sv_cli_keys_parse_list (argument, "type", "cpus", error);
  g_autofree char *kind = NULL;
  g_autofree char *type = NULL;
  g_autofree char *mem = NULL;

  if (keys == NULL)
    return FALSE;
  kind = sv_cli_keys_take (keys, "type");
  type = g_strconcat ("numa-", kind ? kind : "", NULL);
  if (sv_type_registry_lookup (type) == G_TYPE_INVALID)
    return sv_cli_fail (error, "'type' is '%s': accepted are node, dist and cpu", kind ? kind : "");
  /* As with -m, a bare number counts MiB. */
  mem = sv_cli_keys_take (keys, "mem");
  if (mem != NULL)
    {
      g_autofree char *with_unit = sv_cli_dup_memory_size (mem);

      sv_cli_keys_set (keys, "mem", with_unit);
    }
  sv_cli_add (cli, SV_CONFIG_PART, type, NULL, keys);
  return TRUE;
}

/* DRIVER.PROPERTY=VALUE, or driver=DRIVER,property=PROPERTY,value=VALUE */
gboolean
sv_cli_global (SvCli *cli, const char *argument, GError **error)
{
  const char *dot = strchr (argument, '.');
  const char *equals = strchr (argument, '=');
  g_autoptr (SvCliKeys) keys = NULL;
  g_autoptr (SvCliKeys) properties = sv_cli_keys_new ();
  g_autofree char *driver = NULL;
  g_autofree char *property = NULL;
  g_autofree char *value = NULL;

  if (dot != NULL && equals != NULL && dot < equals)
    {
      driver = g_strndup (argument, dot - argument);
      property = g_strndup (dot + 1, equals - dot - 1);
      value = g_strdup (equals + 1);
    }
  else
    {
      keys = sv_cli_keys_parse (argument, NULL, error);
      if (keys == NULL)
        return FALSE;
      driver = sv_cli_keys_take (keys, "driver");
      property = sv_cli_keys_take (keys, "property");
      value = sv_cli_keys_take (keys, "value");
      if (!sv_cli_keys_refuse_rest (keys, "'driver', 'property' and 'value'", error))
        return FALSE;
    }
  if (driver == NULL || property == NULL || value == NULL || *driver == '\0' || *property == '\0')
    return sv_cli_fail (error, "expected DRIVER.PROPERTY=VALUE");
  sv_cli_keys_set (properties, property, value);
  sv_cli_add (cli, SV_CONFIG_GLOBAL, NULL, driver, properties);
  return TRUE;
}
