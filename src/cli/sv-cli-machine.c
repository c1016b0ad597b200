/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "hw/core/sv-rtc-base.h"
#include "qom/sv-object.h"
#include "qom/sv-parse.h"
#include "qom/sv-type-registry.h"
#include "src/accel/sv-x86-cpu-model.h"
#include "src/cli/sv-cli-private.h"
#include "src/cli/sv-keyval.h"

/* Options that set properties of the machine. */

/* From here on a bare number is a size in bytes: 128 MiB, the least. */
#define BYTES_FROM (128u * 1024 * 1024)

/* As QEMU's */
#define MAX_MEMORY_SLOTS 256

gboolean
sv_cli_set_name (SvCli *cli, const char *name, GError **error)
{
  if (name == NULL || strlen (name) < 1 || strlen (name) > 255)
    return sv_cli_fail (error, "expected a name of 1 to 255 bytes");
  sv_cli_set_machine (cli, "name", name);
  g_free (cli->config->name);
  cli->config->name = g_strdup (name);
  return TRUE;
}

gboolean
sv_cli_name (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = sv_cli_keys_parse (argument, "guest", error);
  g_autofree char *name = NULL;
  g_autofree char *process = NULL;
  g_autofree char *debug_threads = NULL;
  gboolean ignored;

  if (keys == NULL)
    return FALSE;
  name = sv_cli_keys_take (keys, "guest");
  process = sv_cli_keys_take (keys, "process");
  debug_threads = sv_cli_keys_take (keys, "debug-threads");
  if (!sv_cli_keys_refuse_rest (keys, "'guest', 'process' and 'debug-threads'", error))
    return FALSE;
  if (debug_threads != NULL && !sv_parse_bool (debug_threads, &ignored, error))
    return FALSE;
  if (!sv_cli_set_name (cli, name, error))
    return FALSE;
  if (process != NULL)
    {
      g_free (cli->config->name);
      cli->config->name = g_steal_pointer (&process);
    }
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
  sv_cli_set_machine (cli, "accel", choice);
}

/* Of a PC's properties those that have one answer here. */
static const struct
{
  const char *key;
  const char *accepted; /* words, in a row */
  const char *why;
} fixed[] = {
  { "usb", "off", "there is no USB controller" },
  { "smm", "off auto", "there is no system management mode, and firmware that is built for secure boot needs it" },
  { "vmport", "off auto", "there is no VMware port" },
  { "hpet", "off", "there is no HPET" },
  { "nvdimm", "off", "there are no NVDIMMs" },
  { "hmat", "off", "there is no HMAT" },
  { "mem-merge", "off", "pages of guests are not merged" },
  { "graphics", "off", "there is no display" },
  { "acpi", "on auto", "the guest always gets ACPI tables" },
  { "kernel-irqchip", "on", "KVM has the interrupt controllers" },
  { "kernel_irqchip", "on", "KVM has the interrupt controllers" },
};

static gboolean
take_fixed (SvCliKeys *keys, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (fixed); i++)
    {
      g_autofree char *value = sv_cli_keys_take (keys, fixed[i].key);
      g_auto (GStrv) accepted = g_strsplit (fixed[i].accepted, " ", -1);
      g_autofree char *words = g_strjoinv ("' or '", accepted);

      if (value != NULL && !g_strv_contains ((const char *const *)accepted, value))
        return sv_cli_fail (error, "'%s' can only be '%s': %s", fixed[i].key, words, fixed[i].why);
    }
  return TRUE;
}

gboolean
sv_cli_machine (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = NULL;
  g_autofree char *type = NULL;
  g_autofree char *accel = NULL;
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

  keys = sv_cli_keys_parse (argument, "type", error);
  if (keys == NULL)
    return FALSE;
  type = sv_cli_keys_take (keys, "type");
  if (type != NULL)
    sv_vm_config_set_machine_type (cli->config, type, cli->origin);
  accel = sv_cli_keys_take (keys, "accel");
  if (accel != NULL)
    set_accel (cli, accel);
  if (!take_fixed (keys, error))
    return FALSE;

  json_object_iter_init_ordered (&iter, keys->values);
  while (json_object_iter_next_ordered (&iter, &name, &value))
    sv_vm_config_set_machine (cli->config, name, json_node_copy (value), cli->origin);
  return TRUE;
}

gboolean
sv_cli_accel (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = NULL;
  g_autofree char *accel = NULL;

  if (sv_keyval_is_help (argument, &accel))
    {
      cli->answer = sv_cli_help_accels ();
      return TRUE;
    }
  keys = sv_cli_keys_parse (argument, "accel", error);
  if (keys == NULL)
    return FALSE;
  accel = sv_cli_keys_take (keys, "accel");
  if (accel == NULL)
    return sv_cli_fail (error, "'accel' is missing");
  if (!sv_cli_keys_refuse_rest (keys, "'accel'", error))
    return FALSE;
  set_accel (cli, accel);
  return TRUE;
}

gboolean
sv_cli_cpu (SvCli *cli, const char *argument, GError **error)
{
  g_autofree char *model = NULL;
  SvX86CpuModel parsed;

  if (sv_keyval_is_help (argument, &model))
    {
      cli->answer = sv_x86_cpu_model_dup_help ();
      return TRUE;
    }
  if (!sv_x86_cpu_model_parse (&parsed, argument, error))
    return FALSE;
  sv_cli_set_machine (cli, "cpu", argument);
  return TRUE;
}

gboolean
sv_cli_smp (SvCli *cli, const char *argument, GError **error)
{
  static const char *const topology[] = { "sockets", "dies", "cores", "threads" };
  g_autoptr (SvCliKeys) keys = sv_cli_keys_parse (argument, "cpus", error);
  g_autofree char *cpus = NULL;
  g_autofree char *max_cpus = NULL;
  guint64 product = 1;
  guint64 places;

  if (keys == NULL)
    return FALSE;
  cpus = sv_cli_keys_take (keys, "cpus");
  max_cpus = sv_cli_keys_take (keys, "maxcpus");
  for (guint i = 0; i < G_N_ELEMENTS (topology); i++)
    {
      g_autofree char *text = sv_cli_keys_take (keys, topology[i]);
      guint64 number;

      if (text == NULL)
        continue;
      sv_cli_set_machine (cli, topology[i], text);
      /* What cannot be a factor is refused with the machine's own words. */
      if (sv_parse_uint64 (text, &number, NULL) && number <= 255)
        product *= number;
    }
  if (!sv_cli_keys_refuse_rest (keys, "'cpus', 'maxcpus', 'sockets', 'dies', 'cores' and 'threads'",
                    error))
    return FALSE;

  /* To the machine 0 says that nobody asked. */
  if (max_cpus != NULL && sv_parse_uint64 (max_cpus, &places, NULL) && places == 0)
    return sv_cli_fail (error, "'maxcpus' expects an integer from 1 to 254, got '%s'", max_cpus);
  if (cpus == NULL)
    cpus = max_cpus != NULL ? g_strdup (max_cpus) : g_strdup_printf ("%" G_GUINT64_FORMAT, product);
  sv_cli_set_machine (cli, "cpus", cpus);
  if (max_cpus != NULL)
    sv_cli_set_machine (cli, "max-cpus", max_cpus);
  return TRUE;
}

char *
sv_cli_dup_memory_size (const char *text)
{
  guint64 number;

  /*
   * A bare number counts MiB, as QEMU's, or bytes, as the older dialect's: what could be both is no size that
   * a machine may have.
   */
  return sv_parse_uint64 (text, &number, NULL) && number < BYTES_FROM ? g_strconcat (text, "M", NULL)
                                                                      : g_strdup (text);
}

/* Room for memory that is plugged later, of which no machine has any: the values are checked, and that is all. */
static gboolean
check_memory_room (const char *size, const char *slots, const char *max_size, GError **error)
{
  guint64 initial = 0;
  guint64 room = 0;
  guint64 n_slots = 0;
  g_autofree char *with_unit = NULL;

  if (slots != NULL && (!sv_parse_uint64 (slots, &n_slots, NULL) || n_slots > MAX_MEMORY_SLOTS))
    return sv_cli_fail (error, "'slots' expects an integer from 0 to %d, got '%s'", MAX_MEMORY_SLOTS, slots);
  if (max_size == NULL)
    return n_slots == 0 || sv_cli_fail (error, "'slots' needs 'maxmem'");
  with_unit = sv_cli_dup_memory_size (max_size);
  if (!sv_parse_size (with_unit, 1, &room, NULL))
    return sv_cli_fail (error, "'maxmem' expects a size, got '%s'", max_size);
  if (sv_parse_size (size, 1, &initial, NULL) && room < initial)
    return sv_cli_fail (error, "'maxmem' is '%s': it must be at least 'size' (%s)", max_size, size);
  if (n_slots > 0 && room == initial)
    return sv_cli_fail (error, "'slots' needs a 'maxmem' that is more than 'size' (%s)", size);
  return TRUE;
}

gboolean
sv_cli_memory (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = sv_cli_keys_parse (argument, "size", error);
  g_autofree char *size = NULL;
  g_autofree char *with_unit = NULL;
  g_autofree char *slots = NULL;
  g_autofree char *max_size = NULL;

  if (keys == NULL)
    return FALSE;
  size = sv_cli_keys_take (keys, "size");
  slots = sv_cli_keys_take (keys, "slots");
  max_size = sv_cli_keys_take (keys, "maxmem");
  if (size == NULL)
    return sv_cli_fail (error, "'size' is missing");
  if (!sv_cli_keys_refuse_rest (keys, "'size', 'slots' and 'maxmem'", error))
    return FALSE;

  with_unit = sv_cli_dup_memory_size (size);
  if (!check_memory_room (with_unit, slots, max_size, error))
    return FALSE;
  sv_cli_set_machine (cli, "memory-size", with_unit);
  return TRUE;
}

gboolean
sv_cli_kernel (SvCli *cli, const char *argument, GError **error)
{
  sv_cli_set_machine (cli, "kernel", argument);
  return TRUE;
}

gboolean
sv_cli_initrd (SvCli *cli, const char *argument, GError **error)
{
  sv_cli_set_machine (cli, "initrd", argument);
  return TRUE;
}

gboolean
sv_cli_append (SvCli *cli, const char *argument, GError **error)
{
  sv_cli_set_machine (cli, "append", argument);
  return TRUE;
}

gboolean
sv_cli_no_reboot (SvCli *cli, const char *argument, GError **error)
{
  sv_cli_set_machine (cli, "no-reboot", "on");
  return TRUE;
}

gboolean
sv_cli_no_shutdown (SvCli *cli, const char *argument, GError **error)
{
  sv_cli_set_machine (cli, "no-shutdown", "on");
  return TRUE;
}

gboolean
sv_cli_uuid (SvCli *cli, const char *argument, GError **error)
{
  if (!g_uuid_string_is_valid (argument))
    return sv_cli_fail (error, "expected a UUID such as 4e6a9f2c-30d1-4b53-9f0e-6d2f0c1b7a55");
  sv_cli_set_machine (cli, "uuid", argument);
  return TRUE;
}

gboolean
sv_cli_mem_path (SvCli *cli, const char *argument, GError **error)
{
  sv_cli_set_machine (cli, "mem-path", argument);
  return TRUE;
}

gboolean
sv_cli_mem_prealloc (SvCli *cli, const char *argument, GError **error)
{
  sv_cli_set_machine (cli, "mem-prealloc", "on");
  return TRUE;
}

gboolean
sv_cli_omit_vm_memory (SvCli *cli, const char *argument, GError **error)
{
  sv_cli_set_machine (cli, "dump-guest-core", "off");
  return TRUE;
}

static gboolean
set_action_flag (SvCli *cli, SvCliKeys *keys, const char *key, const char *property, const char *off,
                 const char *on, GError **error)
{
  g_autofree char *word = sv_cli_keys_take (keys, key);

  if (word == NULL)
    return TRUE;
  if (strcmp (word, off) != 0 && strcmp (word, on) != 0)
    return sv_cli_fail (error, "'%s' is '%s': accepted are '%s' and '%s'", key, word, off, on);
  sv_cli_set_machine (cli, property, strcmp (word, on) == 0 ? "on" : "off");
  return TRUE;
}

gboolean
sv_cli_action (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = sv_cli_keys_parse (argument, NULL, error);
  g_autofree char *panic = NULL;

  if (keys == NULL || !set_action_flag (cli, keys, "reboot", "no-reboot", "reset", "shutdown", error)
      || !set_action_flag (cli, keys, "shutdown", "no-shutdown", "poweroff", "pause", error))
    return FALSE;
  panic = sv_cli_keys_take (keys, "panic");
  if (panic != NULL)
    sv_cli_set_machine (cli, "panic-action", panic);
  return sv_cli_keys_refuse_rest (keys, "'reboot', 'shutdown' and 'panic'", error);
}

gboolean
sv_cli_rtc (SvCli *cli, const char *argument, GError **error)
{
  g_autoptr (SvCliKeys) keys = sv_cli_keys_parse (argument, NULL, error);
  g_autofree char *base = NULL;
  g_autofree char *clock = NULL;
  g_autofree char *driftfix = NULL;
  gint64 ignored;

  if (keys == NULL)
    return FALSE;
  base = sv_cli_keys_take (keys, "base");
  clock = sv_cli_keys_take (keys, "clock");
  driftfix = sv_cli_keys_take (keys, "driftfix");
  if (!sv_cli_keys_refuse_rest (keys, "'base', 'clock' and 'driftfix'", error)
      || (base != NULL && !sv_rtc_base_resolve (base, 0, &ignored, error)))
    return FALSE;
  /* Ticks are not lost: what was not taken in time comes later either way. */
  if (driftfix != NULL && strcmp (driftfix, "none") != 0 && strcmp (driftfix, "slew") != 0)
    return sv_cli_fail (error, "'driftfix' is '%s': accepted are 'none' and 'slew'", driftfix);
  if (base != NULL)
    sv_cli_set_machine (cli, "rtc-base", base);
  if (clock != NULL)
    sv_cli_set_machine (cli, "rtc-clock", clock);
  return TRUE;
}

/* Letters of a PC's drives, each once */
static gboolean
check_boot_order (const char *key, const char *order, GError **error)
{
  for (const char *p = order; *p != '\0'; p++)
    if (*p < 'a' || *p > 'p' || strchr (p + 1, *p) != NULL)
      return sv_cli_fail (error, "'%s' is '%s': accepted are letters from a to p, each once", key, order);
  return TRUE;
}

gboolean
sv_cli_boot (SvCli *cli, const char *argument, GError **error)
{
  static const char *const names[] = { "order", "once", "menu", "strict", "splash-time", "reboot-timeout" };
  g_autoptr (SvCliKeys) keys = sv_cli_keys_parse (argument, "order", error);

  if (keys == NULL)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *value = sv_cli_keys_take (keys, names[i]);
      g_autofree char *property = g_strconcat ("boot-", names[i], NULL);

      if (value == NULL)
        continue;
      if (i < 2 && !check_boot_order (names[i], value, error))
        return FALSE;
      sv_cli_set_machine (cli, property, value);
    }
  return sv_cli_keys_refuse_rest (keys, "'order', 'once', 'menu', 'strict', 'splash-time' and 'reboot-timeout'", error);
}
