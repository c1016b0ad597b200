/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "hw/core/sv-device.h"
#include "qom/sv-parse.h"
#include "qom/sv-type-registry.h"
#include "src/accel/sv-accel.h"
#include "src/chardev/sv-chardev.h"
#include "src/cli/sv-cli-private.h"
#include "src/cli/sv-keyval.h"

/* The newer dialect of the command line: one handler per option, and the table of all. */

#define ONE SV_ARGUMENT_ONE
#define NONE SV_ARGUMENT_NONE

/* Whatever is left in @properties is more than the option takes. */
static gboolean
refuse_rest (JsonObject *properties, const char *accepted, GError **error)
{
  g_autoptr (GList) members = json_object_get_members (properties);

  if (members == NULL)
    return TRUE;
  return sv_cli_fail (error, "unknown key '%s': accepted are %s", (char *)members->data, accepted);
}

/* Keys of an option that has no object of its own behind it: strings only. */
static JsonObject *
parse_strings (const char *argument, const char *implied_key, GError **error)
{
  JsonObject *properties;

  if (*argument == '{')
    {
      sv_cli_fail (error, "expected KEY=VALUE,..., got JSON");
      return NULL;
    }
  properties = sv_keyval_parse (argument, implied_key, error);
  return properties;
}

static void
set_machine (SvCli *cli, const char *name, const char *value)
{
  sv_vm_config_set_machine_string (cli->config, name, value, cli->origin);
}

/* --- the machine --- */

static gboolean
handle_name (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (JsonObject) properties = parse_strings (argument, "guest", error);
  g_autofree char *name = NULL;
  g_autofree char *debug_threads = NULL;
  gboolean ignored;

  if (properties == NULL)
    return FALSE;
  name = sv_cli_take_string (properties, "guest");
  debug_threads = sv_cli_take_string (properties, "debug-threads");
  if (!refuse_rest (properties, "'guest' and 'debug-threads'", error))
    return FALSE;
  if (debug_threads != NULL && !sv_parse_bool (debug_threads, &ignored, error))
    return FALSE;
  if (name == NULL || strlen (name) < 1 || strlen (name) > 255)
    return sv_cli_fail (error, "expected a name of 1 to 255 bytes");
  set_machine (cli, "name", name);
  return TRUE;
}

/* `kvm:tcg` means the first one that is there. */
static void
set_accel (SvCli *cli, const char *list)
{
  g_auto (GStrv) names = g_strsplit (list, ":", -1);
  const char *choice = names[0] ? names[0] : list;

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *type = g_strconcat (names[i], "-accel", NULL);

      if (sv_type_registry_lookup (type) != G_TYPE_INVALID)
        {
          choice = names[i];
          break;
        }
    }
  set_machine (cli, "accel", choice);
}

static gboolean
handle_machine (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (JsonObject) properties = NULL;
  g_autofree char *type = NULL;
  g_autofree char *accel = NULL;
  g_autofree char *usb = NULL;
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  if (sv_keyval_is_help (argument, &type))
    {
      cli->answer = type == NULL
                        ? sv_cli_help_machines ()
                        : sv_cli_help_properties ("", type, "-machine", SV_TYPE_OBJECT, error);
      return cli->answer != NULL;
    }

  properties = parse_strings (argument, "type", error);
  if (properties == NULL)
    return FALSE;
  type = sv_cli_take_string (properties, "type");
  if (type != NULL)
    sv_vm_config_set_machine_type (cli->config, type, cli->origin);
  accel = sv_cli_take_string (properties, "accel");
  if (accel != NULL)
    set_accel (cli, accel);
  usb = sv_cli_take_string (properties, "usb");
  if (usb != NULL && strcmp (usb, "off") != 0)
    return sv_cli_fail (error, "'usb' can only be 'off'");

  json_object_iter_init_ordered (&iter, properties);
  while (json_object_iter_next_ordered (&iter, &name, &value))
    sv_vm_config_set_machine (cli->config, name, json_node_copy (value), cli->origin);
  return TRUE;
}

static gboolean
handle_accel (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (JsonObject) properties = NULL;
  g_autofree char *accel = NULL;

  if (sv_keyval_is_help (argument, &accel))
    {
      cli->answer = sv_cli_help_accels ();
      return TRUE;
    }
  properties = parse_strings (argument, "accel", error);
  if (properties == NULL)
    return FALSE;
  accel = sv_cli_take_string (properties, "accel");
  if (accel == NULL)
    return sv_cli_fail (error, "'accel' is missing");
  if (!refuse_rest (properties, "'accel'", error))
    return FALSE;
  set_accel (cli, accel);
  return TRUE;
}

static gboolean
handle_cpu (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (JsonObject) properties = parse_strings (argument, "model", error);
  g_autofree char *model = NULL;
  g_autofree char *migratable = NULL;

  if (properties == NULL)
    return FALSE;
  model = sv_cli_take_string (properties, "model");
  if (model == NULL || strcmp (model, "host") != 0)
    return sv_cli_fail (error, "the CPU model can only be 'host'");
  migratable = sv_cli_take_string (properties, "migratable");
  return refuse_rest (properties, "'migratable'", error);
}

static gboolean
handle_smp (SvCli *cli, const char *argument, GError **error)
{
  static const char *const topology[] = { "sockets", "dies", "cores", "threads" };
  g_autoptr (JsonObject) properties = parse_strings (argument, "cpus", error);
  g_autofree char *cpus = NULL;
  g_autofree char *max_cpus = NULL;
  guint64 product = 1;

  if (properties == NULL)
    return FALSE;
  cpus = sv_cli_take_string (properties, "cpus");
  max_cpus = sv_cli_take_string (properties, "maxcpus");
  for (guint i = 0; i < G_N_ELEMENTS (topology); i++)
    {
      g_autofree char *text = sv_cli_take_string (properties, topology[i]);
      guint64 number;

      if (text == NULL)
        continue;
      set_machine (cli, topology[i], text);
      /* What cannot be a factor is refused with the machine's own words. */
      if (sv_parse_uint64 (text, &number, NULL) && number <= 255)
        product *= number;
    }
  if (!refuse_rest (properties, "'cpus', 'maxcpus', 'sockets', 'dies', 'cores' and 'threads'",
                    error))
    return FALSE;

  if (cpus == NULL)
    cpus = g_strdup_printf ("%" G_GUINT64_FORMAT, product);
  set_machine (cli, "cpus", cpus);
  if (max_cpus != NULL && strcmp (max_cpus, cpus) != 0)
    set_machine (cli, "max-cpus", max_cpus);
  return TRUE;
}

static gboolean
handle_memory (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (JsonObject) properties = parse_strings (argument, "size", error);
  g_autofree char *size = NULL;
  g_autofree char *with_unit = NULL;

  if (properties == NULL)
    return FALSE;
  size = sv_cli_take_string (properties, "size");
  if (size == NULL)
    return sv_cli_fail (error, "'size' is missing");
  if (!refuse_rest (properties, "'size'", error))
    return FALSE;

  /* A bare number counts MiB here, but bytes where sizes are meant otherwise. */
  if (*size != '\0' && g_ascii_isdigit (size[strlen (size) - 1]))
    with_unit = g_strconcat (size, "M", NULL);
  set_machine (cli, "memory-size", with_unit ? with_unit : size);
  return TRUE;
}

static gboolean
handle_kernel (SvCli *cli, const char *argument, GError **error)
{
  set_machine (cli, "kernel", argument);
  return TRUE;
}

static gboolean
handle_initrd (SvCli *cli, const char *argument, GError **error)
{
  set_machine (cli, "initrd", argument);
  return TRUE;
}

static gboolean
handle_append (SvCli *cli, const char *argument, GError **error)
{
  set_machine (cli, "append", argument);
  return TRUE;
}

static gboolean
handle_no_reboot (SvCli *cli, const char *argument, GError **error)
{
  set_machine (cli, "no-reboot", "on");
  return TRUE;
}

static gboolean
handle_no_shutdown (SvCli *cli, const char *argument, GError **error)
{
  set_machine (cli, "no-shutdown", "on");
  return TRUE;
}

static gboolean
handle_uuid (SvCli *cli, const char *argument, GError **error)
{
  return g_uuid_string_is_valid (argument)
         || sv_cli_fail (error, "expected a UUID such as 4e6a9f2c-30d1-4b53-9f0e-6d2f0c1b7a55");
}

/* --- what the machine is made of --- */

/* An item of @section; the key @type_key names its type, @id_key its id. */
static gboolean
add_item (SvCli *cli,
          SvConfigSection section,
          const char *argument,
          const char *prefix,
          const char *type_key,
          const char *id_key,
          GError **error)
{
  g_autoptr (JsonObject) properties = sv_keyval_parse (argument, type_key, error);
  g_autofree char *type = NULL;
  g_autofree char *wire_type = NULL;
  g_autofree char *id = NULL;

  if (properties == NULL)
    return FALSE;
  type = sv_cli_take_string (properties, type_key);
  if (type == NULL)
    return sv_cli_fail (error, "'%s' is missing", type_key);
  id = sv_cli_take_string (properties, id_key);
  if (id == NULL)
    return sv_cli_fail (error, "'%s' is missing", id_key);
  wire_type = g_strconcat (prefix, type, NULL);
  sv_vm_config_add (cli->config, section, wire_type, id, properties, cli->origin);
  return TRUE;
}

static gboolean
handle_object (SvCli *cli, const char *argument, GError **error)
{
  g_autofree char *type = NULL;

  if (!sv_keyval_is_help (argument, &type))
    return add_item (cli, SV_CONFIG_OBJECT, argument, "", "qom-type", "id", error);

  cli->answer = type == NULL ? sv_cli_help_objects ()
                             : sv_cli_help_properties ("", type, "", SV_TYPE_OBJECT, error);
  return cli->answer != NULL;
}

static gboolean
handle_blockdev (SvCli *cli, const char *argument, GError **error)
{
  return add_item (cli, SV_CONFIG_BLOCK, argument, "blockdev-", "driver", "node-name", error);
}

static gboolean
handle_netdev (SvCli *cli, const char *argument, GError **error)
{
  return add_item (cli, SV_CONFIG_NETDEV, argument, "netdev-", "type", "id", error);
}

static gboolean
handle_device (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (JsonObject) properties = NULL;
  g_autofree char *type = NULL;

  if (sv_keyval_is_help (argument, &type))
    {
      cli->answer = type == NULL ? sv_cli_help_devices ()
                                 : sv_cli_help_properties ("", type, "", SV_TYPE_DEVICE, error);
      return cli->answer != NULL;
    }

  properties = sv_keyval_parse (argument, "driver", error);
  if (properties == NULL)
    return FALSE;
  if (!json_object_has_member (properties, "driver"))
    return sv_cli_fail (error, "'driver' is missing");
  sv_vm_config_add (cli->config, SV_CONFIG_DEVICE, NULL, NULL, properties, cli->origin);
  return TRUE;
}

static gboolean
add_chardev (SvCli *cli, const char *id, JsonObject *properties, GError **error)
{
  g_autofree char *backend = sv_cli_take_string (properties, "backend");
  g_autofree char *type = NULL;

  if (backend == NULL)
    return sv_cli_fail (error, "'backend' is missing");
  type = g_strconcat ("chardev-", backend, NULL);
  sv_vm_config_add (cli->config, SV_CONFIG_CHARDEV, type, id, properties, cli->origin);
  return TRUE;
}

static gboolean
handle_chardev (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (JsonObject) properties = NULL;
  g_autofree char *type = NULL;
  g_autofree char *id = NULL;

  if (sv_keyval_is_help (argument, &type))
    {
      cli->answer = type == NULL
                        ? sv_cli_help_chardevs ()
                        : sv_cli_help_properties ("chardev-", type, "", SV_TYPE_CHARDEV, error);
      return cli->answer != NULL;
    }

  properties = sv_keyval_parse (argument, "backend", error);
  if (properties == NULL)
    return FALSE;
  id = sv_cli_take_string (properties, "id");
  if (id == NULL)
    return sv_cli_fail (error, "'id' is missing");
  return add_chardev (cli, id, properties, error);
}

/* The character device behind a short form: `chardev:ID`, or one made here. (transfer full) */
static char *
take_short_chardev (SvCli *cli, const char *argument, const char *stem, guint n, GError **error)
{
  g_autoptr (JsonObject) properties = NULL;
  g_autofree char *id = NULL;

  if (g_str_has_prefix (argument, "chardev:"))
    return g_strdup (argument + strlen ("chardev:"));

  properties = sv_chardev_parse_short (argument, error);
  id = g_strdup_printf ("%s%u", stem, n);
  if (properties == NULL || !add_chardev (cli, id, properties, error))
    return NULL;
  return g_steal_pointer (&id);
}

static gboolean
handle_serial (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (JsonObject) nothing = json_object_new ();
  g_autofree char *id = NULL;

  if (strcmp (argument, "none") == 0)
    return TRUE;
  id = take_short_chardev (cli, argument, "serial", cli->n_serials++, error);
  if (id == NULL)
    return FALSE;
  sv_vm_config_add (cli->config, SV_CONFIG_SERIAL, NULL, id, nothing, cli->origin);
  return TRUE;
}

static gboolean
handle_qmp (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (JsonObject) nothing = json_object_new ();
  g_autofree char *id = NULL;

  if (strcmp (argument, "none") == 0)
    return TRUE;
  id = take_short_chardev (cli, argument, "compat_monitor", cli->n_monitors++, error);
  if (id == NULL)
    return FALSE;
  sv_vm_config_add (cli->config, SV_CONFIG_MONITOR, NULL, id, nothing, cli->origin);
  return TRUE;
}

static gboolean
handle_mon (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (JsonObject) properties = parse_strings (argument, "chardev", error);
  g_autoptr (JsonObject) nothing = json_object_new ();
  g_autofree char *chardev = NULL;
  g_autofree char *mode = NULL;
  g_autofree char *id = NULL;
  g_autofree char *pretty = NULL;

  if (properties == NULL)
    return FALSE;
  chardev = sv_cli_take_string (properties, "chardev");
  mode = sv_cli_take_string (properties, "mode");
  id = sv_cli_take_string (properties, "id");
  pretty = sv_cli_take_string (properties, "pretty");
  if (!refuse_rest (properties, "'chardev', 'id', 'mode' and 'pretty'", error))
    return FALSE;
  if (chardev == NULL)
    return sv_cli_fail (error, "'chardev' is missing");
  if (mode == NULL || strcmp (mode, "control") != 0)
    return sv_cli_fail (error, "'mode' must be 'control'");
  if (pretty != NULL && strcmp (pretty, "off") != 0)
    return sv_cli_fail (error, "'pretty' can only be 'off'");
  sv_vm_config_add (cli->config, SV_CONFIG_MONITOR, NULL, chardev, nothing, cli->origin);
  return TRUE;
}

static gboolean
handle_none (SvCli *cli, const char *argument, GError **error)
{
  return strcmp (argument, "none") == 0 || sv_cli_fail (error, "it can only be 'none'");
}

/* --- the process --- */

static gboolean
handle_paused (SvCli *cli, const char *argument, GError **error)
{
  cli->config->paused = TRUE;
  return TRUE;
}

static gboolean
handle_daemonize (SvCli *cli, const char *argument, GError **error)
{
  cli->config->daemonize = TRUE;
  return TRUE;
}

static gboolean
handle_pidfile (SvCli *cli, const char *argument, GError **error)
{
  cli->config->pid_file = g_strdup (argument);
  return TRUE;
}

static gboolean
handle_log (SvCli *cli, const char *argument, GError **error)
{
  cli->config->log_file = g_strdup (argument);
  return TRUE;
}

static gboolean
handle_version (SvCli *cli, const char *argument, GError **error)
{
  cli->answer = g_strdup ("stratovirt " SV_VERSION "\n");
  return TRUE;
}

static gboolean
handle_help (SvCli *cli, const char *argument, GError **error)
{
  cli->answer = sv_cli_help_usage ();
  return TRUE;
}

const SvOption sv_cli_options[] = {
  { "help", NONE, FALSE, handle_help, "", "show this help" },
  { "h", NONE, FALSE, handle_help, "", "show this help" },
  { "version", NONE, FALSE, handle_version, "", "show the version" },
  { "name", ONE, TRUE, handle_name, "[guest=]NAME", "name of the VM, 1 to 255 bytes" },
  { "machine", ONE, TRUE, handle_machine, "[type=]TYPE[,PROPERTY=VALUE...]",
    "type of machine; 'help' lists them, 'TYPE,help' their properties" },
  { "M", ONE, TRUE, handle_machine, "[type=]TYPE[,PROPERTY=VALUE...]", "the same" },
  { "accel", ONE, TRUE, handle_accel, "kvm", "what runs the guest's code; 'help' lists them" },
  { "cpu", ONE, TRUE, handle_cpu, "host", "CPU model" },
  { "smp", ONE, TRUE, handle_smp, "[cpus=]N[,maxcpus=N][,sockets=N][,dies=N][,cores=N][,threads=N]",
    "processors, 1 to 254" },
  { "m", ONE, TRUE, handle_memory, "[size=]SIZE",
    "memory, 128M to 512G; a number alone counts MiB" },
  { "kernel", ONE, TRUE, handle_kernel, "FILE", "kernel: bzImage, ELF vmlinux or raw" },
  { "initrd", ONE, TRUE, handle_initrd, "FILE", "initial RAM disk" },
  { "append", SV_ARGUMENT_WORDS, TRUE, handle_append, "WORDS", "kernel command line" },
  { "object", ONE, FALSE, handle_object, "[qom-type=]TYPE,id=ID[,PROPERTY=VALUE...]",
    "back end object; 'help' and 'TYPE,help' as for -device" },
  { "drive", ONE, FALSE, sv_cli_drive,
    "file=FILE,id=ID[,if=none][,format=raw][,readonly=on|off][,PROPERTY=VALUE...]", "disk image" },
  { "blockdev", ONE, FALSE, handle_blockdev, "[driver=]DRIVER,node-name=ID[,PROPERTY=VALUE...]",
    "disk image, in the words of blockdev-add" },
  { "netdev", ONE, FALSE, handle_netdev, "[type=]TYPE,id=ID[,PROPERTY=VALUE...]",
    "network back end" },
  { "device", ONE, FALSE, handle_device, "[driver=]TYPE[,id=ID][,PROPERTY=VALUE...]",
    "device; 'help' lists them, 'TYPE,help' their properties" },
  { "chardev", ONE, FALSE, handle_chardev, "[backend=]TYPE,id=ID[,PROPERTY=VALUE...]",
    "character device; 'help' and 'TYPE,help' as for -device" },
  { "serial", ONE, FALSE, handle_serial, "stdio|pty|null|file:F|unix:P|tcp:H:P|chardev:ID|none",
    "serial port" },
  { "qmp", ONE, FALSE, handle_qmp, "unix:PATH,server,nowait|tcp:HOST:PORT,server,nowait",
    "QMP server" },
  { "mon", ONE, FALSE, handle_mon, "[chardev=]ID,mode=control",
    "QMP server on a character device" },
  { "monitor", ONE, FALSE, handle_none, "none", "there is no human monitor" },
  { "S", NONE, FALSE, handle_paused, "", "wait for 'cont' before the guest starts" },
  { "no-reboot", NONE, FALSE, handle_no_reboot, "", "end instead of rebooting" },
  { "no-shutdown", NONE, FALSE, handle_no_shutdown, "", "stay when the guest switches itself off" },
  { "daemonize", NONE, FALSE, handle_daemonize, "", "go into the background when the VM is ready" },
  { "pidfile", ONE, TRUE, handle_pidfile, "FILE", "write the process id to FILE" },
  { "D", SV_ARGUMENT_OPTIONAL, TRUE, handle_log, "[FILE]", "log to FILE" },
  { "uuid", ONE, TRUE, handle_uuid, "UUID", "id of the VM" },
  { "nodefaults", NONE, FALSE, NULL, "", "accepted: nothing comes by default" },
  { "no-user-config", NONE, FALSE, NULL, "", "accepted: there is no such file" },
  { "nographic", NONE, FALSE, NULL, "", "accepted: there is no display" },
  { "display", ONE, FALSE, handle_none, "none", "accepted: there is no display" },
  { "msg", ONE, FALSE, NULL, "ARGUMENT", "accepted, without effect" },
  { "rtc", ONE, FALSE, NULL, "ARGUMENT", "accepted, without effect" },
  { "boot", ONE, FALSE, NULL, "ARGUMENT", "accepted, without effect" },
};

const guint sv_cli_n_options = G_N_ELEMENTS (sv_cli_options);
