/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/cli/sv-vm-config.h"

/* Shared by the files that read the command line. */

/* What an option's handler works on. */
typedef struct
{
  SvVmConfig *config;
  const char *origin; /* the option and its argument, as the user wrote them */
  char *answer;       /* what to print instead of running a VM */
  guint n_serials;
  guint n_monitors;
  GPtrArray *drives; /* see sv-cli-drive.c */
} SvCli;

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
} SvOption;

extern const SvOption sv_cli_options[];
extern const guint sv_cli_n_options;

gboolean sv_cli_fail (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* Removes a string member; NULL when it is not there or no string. (transfer full) */
char *sv_cli_take_string (JsonObject *properties, const char *key);

gboolean sv_cli_drive (SvCli *cli, const char *argument, GError **error);
/* After all options: gives drives their devices. */
gboolean sv_cli_finish_drives (SvCli *cli, GError **error);
void sv_cli_drive_free (gpointer drive);

char *sv_cli_help_usage (void);
char *sv_cli_help_devices (void);
char *sv_cli_help_machines (void);
char *sv_cli_help_accels (void);
char *sv_cli_help_chardevs (void);
char *sv_cli_help_objects (void);
/* The properties of type PREFIX + @type + SUFFIX. */
char *sv_cli_help_properties (
    const char *prefix, const char *type, const char *suffix, GType ancestor, GError **error);
