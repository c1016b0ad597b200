/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "hw/core/sv-machine.h"
#include "qom/sv-property.h"
#include "qom/sv-type-registry.h"
#include "src/block/sv-block-node.h"
#include "src/chardev/sv-chardev.h"
#include "src/cli/sv-cli-private.h"
#include "src/net/sv-netdev.h"

/* Answers to `--help` and `-device help`: from the table of options and the type registry. */

static char *
dup_usage (void)
{
  GString *text = g_string_new (
      "usage: stratovirt [OPTION...]\n\n"
      "Options begin with one dash or two. KEY=VALUE lists may also be JSON objects for\n"
      "-object, -blockdev, -netdev, -device and -chardev; two commas stand for one in a "
      "value.\n\n");

  for (guint i = 0; i < sv_cli_n_options; i++)
    {
      const SvOption *option = &sv_cli_options[i];

      g_string_append_printf (text, "  -%s %s\n        %s\n", option->name, option->argument,
                              option->help);
    }
  return g_string_free (text, FALSE);
}

typedef struct
{
  GString *text;
  const char *category;
  const char *suffix; /* of wire names, not shown */
  gboolean headed;
} Listing;

static const char *
get_category (SvDeviceClass *klass)
{
  return klass->category ? klass->category : "misc";
}

static void
list_device (const char *name, GType type, const char *alias_of, gpointer user_data)
{
  Listing *listing = user_data;
  g_autoptr (GTypeClass) klass = g_type_class_ref (type);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);

  if (!device_class->user_creatable || strcmp (get_category (device_class), listing->category) != 0)
    return;
  if (!listing->headed)
    g_string_append_printf (listing->text, "%s%c%s devices:\n", listing->text->len > 0 ? "\n" : "",
                            g_ascii_toupper (*listing->category), listing->category + 1);
  listing->headed = TRUE;
  g_string_append_printf (listing->text, "name \"%s\"", name);
  if (device_class->bus_type != 0)
    g_string_append_printf (listing->text, ", bus %s",
                            sv_type_registry_get_display_name (device_class->bus_type));
  if (alias_of != NULL)
    g_string_append_printf (listing->text, ", alias \"%s\"", alias_of);
  if (device_class->description != NULL)
    g_string_append_printf (listing->text, ", desc \"%s\"", device_class->description);
  g_string_append_c (listing->text, '\n');
}

static void
collect_category (const char *name, GType type, const char *alias_of, gpointer user_data)
{
  g_autoptr (GTypeClass) klass = g_type_class_ref (type);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);
  const char *category = get_category (device_class);

  if (device_class->user_creatable
      && !g_ptr_array_find_with_equal_func (user_data, category, g_str_equal, NULL))
    g_ptr_array_add (user_data, (gpointer)category);
}

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

char *
sv_cli_help_devices (void)
{
  g_autoptr (GPtrArray) categories = g_ptr_array_new ();
  Listing listing = { .text = g_string_new (NULL) };

  sv_type_registry_foreach (SV_TYPE_DEVICE, FALSE, collect_category, categories);
  g_ptr_array_sort (categories, compare_strings);
  for (guint i = 0; i < categories->len; i++)
    {
      listing.category = g_ptr_array_index (categories, i);
      listing.headed = FALSE;
      sv_type_registry_foreach (SV_TYPE_DEVICE, FALSE, list_device, &listing);
    }
  return g_string_free (listing.text, FALSE);
}

static void
list_machine (const char *name, GType type, const char *alias_of, gpointer user_data)
{
  Listing *listing = user_data;
  g_autoptr (GTypeClass) klass = g_type_class_ref (type);
  const char *description = SV_MACHINE_CLASS (klass)->description;
  g_autofree char *shown = g_strndup (name, strlen (name) - strlen (listing->suffix));

  if (alias_of != NULL)
    g_string_append_printf (listing->text, "%-20s (alias of %.*s)\n", shown,
                            (int)(strlen (alias_of) - strlen (listing->suffix)), alias_of);
  else
    g_string_append_printf (listing->text, "%-20s %s\n", shown, description ? description : "");
}

char *
sv_cli_help_machines (void)
{
  Listing listing = { .text = g_string_new ("Supported machines are:\n"), .suffix = "-machine" };

  sv_type_registry_foreach (SV_TYPE_MACHINE, FALSE, list_machine, &listing);
  return g_string_free (listing.text, FALSE);
}

static void
list_accel (const char *name, GType type, const char *alias_of, gpointer user_data)
{
  g_string_append_printf (user_data, "%.*s\n", (int)(strlen (name) - strlen ("-accel")), name);
}

char *
sv_cli_help_accels (void)
{
  GString *text = g_string_new ("Accelerators supported:\n");

  sv_type_registry_foreach (SV_TYPE_ACCEL, FALSE, list_accel, text);
  return g_string_free (text, FALSE);
}

static void
list_chardev (const char *name, GType type, const char *alias_of, gpointer user_data)
{
  g_string_append_printf (user_data, "  %s\n", name + strlen ("chardev-"));
}

char *
sv_cli_help_chardevs (void)
{
  GString *text = g_string_new ("Available chardev backend types:\n");

  sv_type_registry_foreach (SV_TYPE_CHARDEV, FALSE, list_chardev, text);
  return g_string_free (text, FALSE);
}

static void
list_blockdev (const char *name, GType type, const char *alias_of, gpointer user_data)
{
  g_string_append_printf (user_data, "  %s\n", name + strlen ("blockdev-"));
}

char *
sv_cli_help_blockdevs (void)
{
  GString *text = g_string_new ("Available block drivers:\n");

  sv_type_registry_foreach (SV_TYPE_BLOCK_NODE, FALSE, list_blockdev, text);
  return g_string_free (text, FALSE);
}

static void
list_netdev (const char *name, GType type, const char *alias_of, gpointer user_data)
{
  g_autoptr (SvNetdevClass) klass = g_type_class_ref (type);

  g_string_append_printf (user_data, "  %-8s %s\n", name + strlen ("netdev-"),
                          klass->description ? klass->description : "");
}

char *
sv_cli_help_netdevs (void)
{
  GString *text = g_string_new ("Available netdev backend types:\n");

  sv_type_registry_foreach (SV_TYPE_NETDEV, FALSE, list_netdev, text);
  return g_string_free (text, FALSE);
}

static void
list_object (const char *name, GType type, const char *alias_of, gpointer user_data)
{
  g_autoptr (GTypeClass) klass = g_type_class_ref (type);

  if (g_strcmp0 (SV_OBJECT_CLASS (klass)->container, "objects") == 0)
    g_string_append_printf (user_data, "  %s\n", name);
}

char *
sv_cli_help_objects (void)
{
  GString *text = g_string_new ("List of user creatable objects:\n");

  sv_type_registry_foreach (SV_TYPE_OBJECT, FALSE, list_object, text);
  return g_string_free (text, FALSE);
}

static void
list_property (GParamSpec *pspec, GString *text)
{
  g_autofree char *type = sv_property_dup_type_name (pspec);
  g_autoptr (JsonNode) value = sv_property_dup_default (pspec);
  g_autofree char *left = NULL;
  const char *blurb = g_param_spec_get_blurb (pspec);

  if (!(pspec->flags & G_PARAM_WRITABLE))
    return;
  left = g_strdup_printf ("%s=<%s>", sv_property_get_wire_name (pspec), type);
  g_string_append_printf (text, "  %-30s - %s", left, blurb ? blurb : "");
  if (value != NULL)
    {
      g_autofree char *shown = sv_value_to_string (g_param_spec_get_default_value (pspec), pspec);

      g_string_append_printf (text, " (default: %s)", shown);
    }
  if (G_IS_PARAM_SPEC_ENUM (pspec))
    {
      GEnumClass *klass = G_PARAM_SPEC_ENUM (pspec)->enum_class;

      for (guint i = 0; i < klass->n_values; i++)
        g_string_append_printf (text, "%s%s", i == 0 ? " [" : "|", klass->values[i].value_nick);
      g_string_append_c (text, ']');
    }
  g_string_append_c (text, '\n');
}

char *
sv_cli_help_properties (
    const char *prefix, const char *type, const char *suffix, GType ancestor, GError **error)
{
  g_autofree char *name = g_strconcat (prefix, type, suffix, NULL);
  GType gtype = sv_type_registry_lookup (name);
  g_autoptr (GTypeClass) klass = NULL;
  g_autoptr (GPtrArray) list = NULL;
  GString *text;

  if (gtype == G_TYPE_INVALID || !g_type_is_a (gtype, ancestor))
    {
      g_autofree char *hint = sv_type_registry_dup_suggestion (name, ancestor);

      sv_cli_fail (error, "Type '%s' not found%s", name, hint);
      return NULL;
    }

  klass = g_type_class_ref (gtype);
  list = sv_property_list (G_OBJECT_CLASS (klass));
  text = g_string_new (NULL);
  g_string_append_printf (text, "%s options:\n", type);
  for (guint i = 0; i < list->len; i++)
    list_property (g_ptr_array_index (list, i), text);
  return g_string_free (text, FALSE);
}

gboolean
sv_cli_version (SvCli *cli, const char *argument, GError **error)
{
  cli->answer = g_strdup ("stratovirt " SV_VERSION "\n");
  return TRUE;
}

gboolean
sv_cli_help (SvCli *cli, const char *argument, GError **error)
{
  cli->answer = dup_usage ();
  return TRUE;
}
