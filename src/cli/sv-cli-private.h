/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/cli/sv-vm-config.h"

/* Shared by the files that read the command line and the configuration file. */

/* What an option's handler works on. */
typedef struct
{
  SvVmConfig *config;
  const char *origin; /* the option and its argument, as the user wrote them */
  gboolean from_file; /* a configuration file is read */
  const char *role;   /* of the items that are added */
  char *answer;       /* what to print instead of running a VM */
  guint n_serials;
  guint n_monitors;
  gboolean nodefaults;
  gboolean nographic;
  gboolean has_serial; /* -serial was given, if only to say none */
  guint n_flash;
  GPtrArray *implied; /* see sv-cli-implied.c */
} SvCli;

/*
 * Keys and values of one option, or of one object of a configuration file. @names has what the user
 * calls a key that was given another name since.
 */
typedef struct
{
  JsonObject *values;
  GHashTable *names;
} SvCliKeys;

SvCliKeys *sv_cli_keys_new (void);
SvCliKeys *sv_cli_keys_parse (const char *argument, const char *implied_key, GError **error);
/* @list_key may come several times. */
SvCliKeys *sv_cli_keys_parse_list (const char *argument,
                                   const char *implied_key,
                                   const char *list_key,
                                   GError **error);
SvCliKeys *sv_cli_keys_parse_any (const char *argument, const char *implied_key, GError **error);
void sv_cli_keys_free (SvCliKeys *keys);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SvCliKeys, sv_cli_keys_free)
gboolean sv_cli_keys_has (SvCliKeys *keys, const char *key);
/* Removes a string; NULL when it is not there or no string. (transfer full) */
char *sv_cli_keys_take (SvCliKeys *keys, const char *key);
void sv_cli_keys_set (SvCliKeys *keys, const char *key, const char *value);
/* Moves a value, when it is there, with the name that the user knows it by. */
void sv_cli_keys_move (SvCliKeys *keys, const char *key, SvCliKeys *to, const char *new_key);
/* Whatever is left is more than the option takes. */
gboolean sv_cli_keys_refuse_rest (SvCliKeys *keys, const char *accepted, GError **error);

typedef enum
{
  SV_ARGUMENT_NONE,
  SV_ARGUMENT_ONE,
  SV_ARGUMENT_OPTIONAL,
  SV_ARGUMENT_WORDS, /* one, and the words after it up to the next option */
} SvArgumentKind;

typedef gboolean (*SvOptionFunc) (SvCli *cli, const char *argument, GError **error);

/* One line of the table that parsing, --help and errors come from. */
typedef struct
{
  const char *name;
  SvArgumentKind kind;
  gboolean once;
  SvOptionFunc func;    /* NULL: accepted, without effect here */
  const char *argument; /* how --help writes it */
  const char *help;
  const char *group; /* what QEMU calls it in query-command-line-options; NULL: not listed */
} SvOption;

extern const SvOption sv_cli_options[];
extern const guint sv_cli_n_options;

gboolean sv_cli_fail (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Adds an item; what a configuration file says under the same id goes. */
SvConfigItem *sv_cli_add (
    SvCli *cli, SvConfigSection section, const char *type, const char *id, SvCliKeys *keys);
void sv_cli_set_machine (SvCli *cli, const char *name, const char *value);
/* Begins to add items of a role, which must not be there yet. */
gboolean sv_cli_begin_role (SvCli *cli, const char *role, GError **error);

/* sv-cli-machine.c */
gboolean sv_cli_name (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_machine (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_accel (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_cpu (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_smp (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_memory (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_mem_path (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_mem_prealloc (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_omit_vm_memory (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_kernel (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_initrd (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_append (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_no_reboot (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_no_shutdown (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_boot (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_rtc (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_action (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_uuid (SvCli *cli, const char *argument, GError **error);
/* A bare number counts MiB here, but bytes where sizes are meant otherwise. (transfer full) */
char *sv_cli_dup_memory_size (const char *text);
gboolean sv_cli_set_name (SvCli *cli, const char *name, GError **error);

/* sv-cli-parts.c */
gboolean sv_cli_global (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_numa (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_smbios (SvCli *cli, const char *argument, GError **error);

/* sv-cli-firmware.c */
gboolean sv_cli_fw_cfg (SvCli *cli, const char *argument, GError **error);

/* sv-cli-items.c */
gboolean sv_cli_object (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_blockdev (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_netdev (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_device (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_chardev (SvCli *cli, const char *argument, GError **error);
/* An item that is nothing but a character device's id. */
void sv_cli_add_reference (SvCli *cli, SvConfigSection section, const char *id);
gboolean sv_cli_qmp (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_mon (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_add_fd (SvCli *cli, const char *argument, GError **error);

/* The id of the character device behind a short form: `chardev:ID`, or a new one called @stem and @n. (transfer full) */
char *sv_cli_take_short_chardev (
    SvCli *cli, const char *argument, const char *stem, guint n, GError **error);

/* sv-cli-test.c */
gboolean sv_cli_qtest (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_mod_test (SvCli *cli, const char *argument, GError **error);

/* sv-cli-older.c: the older dialect; the configuration file says the same in other words */
gboolean sv_cli_api_channel (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_iothread (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_balloon (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_rng (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_older_netdev (SvCli *cli, SvCliKeys *keys, GError **error);
gboolean sv_cli_older_console (SvCli *cli, SvCliKeys *keys, GError **error);
gboolean sv_cli_older_vsock (SvCli *cli, SvCliKeys *keys, GError **error);
gboolean sv_cli_older_iothread (SvCli *cli, SvCliKeys *keys, GError **error);
gboolean sv_cli_older_balloon (SvCli *cli, SvCliKeys *keys, GError **error);
gboolean sv_cli_older_rng (SvCli *cli, SvCliKeys *keys, GError **error);

/* sv-cli-drive.c */
gboolean sv_cli_drive (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_older_drive (SvCli *cli, SvCliKeys *keys, GError **error);

/* sv-cli-implied.c: devices that back ends bring along */
void sv_cli_implied_free (gpointer implied);
/*
 * @keys are meant for the device that has @link=@id. When no -device says so and @automatic is set,
 * one of type @driver is made.
 */
void sv_cli_imply_device (SvCli *cli,
                          const char *driver,
                          const char *link,
                          const char *id,
                          SvCliKeys *keys,
                          gboolean automatic);
/* After all options. */
gboolean sv_cli_finish_implied (SvCli *cli, GError **error);

/* sv-cli-process.c */
gboolean sv_cli_config (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_daemonize (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_disable_seccomp (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_paused (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_incoming (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_pidfile (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_log (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_runas (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_chroot (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_sandbox (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_only_none (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_audiodev (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_overcommit (SvCli *cli, const char *argument, GError **error);
/* After all options: what does not go together. */
gboolean sv_cli_check (SvVmConfig *config, GError **error);

/* sv-cli-help.c */
gboolean sv_cli_version (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_help (SvCli *cli, const char *argument, GError **error);
char *sv_cli_help_devices (void);
char *sv_cli_help_machines (void);
char *sv_cli_help_accels (void);
char *sv_cli_help_chardevs (void);
char *sv_cli_help_netdevs (void);
char *sv_cli_help_blockdevs (void);
char *sv_cli_help_objects (void);
/* The properties of type PREFIX + @type + SUFFIX. */
char *sv_cli_help_properties (
    const char *prefix, const char *type, const char *suffix, GType ancestor, GError **error);

/* sv-cli-serial.c */
gboolean sv_cli_serial (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_nodefaults (SvCli *cli, const char *argument, GError **error);
gboolean sv_cli_nographic (SvCli *cli, const char *argument, GError **error);
/* After all options. */
gboolean sv_cli_finish_serial (SvCli *cli, GError **error);

/* sv-json-config.c */
gboolean sv_cli_read_json (SvCli *cli, const char *path, GError **error);
