/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "client/sv-client.h"

G_BEGIN_DECLS

/*
 * The command svctl: options, the chosen VM. Its commands are described in svctl.json, from which gen-svctl.py makes
 * the table for main.c, the manual page and the completion for bash.
 */
typedef struct
{
  gboolean json;
  char *name;
  char *socket;
  guint timeout; /* milliseconds, 0: for ever */
  SvQmpClient *qmp;
} Svctl;

typedef gboolean (*SvctlFunc) (Svctl *self, int argc, char **argv, GError **error);

typedef struct
{
  const char *name;
  const char *arguments;
  const char *doc;
  int min_arguments;
  int max_arguments; /* -1: any number */
  SvctlFunc func;
} SvctlCommand;

extern const SvctlCommand svctl_commands[]; /* ends with one without name */
extern const char svctl_usage[];

typedef enum
{
  SVCTL_ERROR_FAILED = 1,
  SVCTL_ERROR_USAGE,
  SVCTL_ERROR_NO_VM,
} SvctlError;

#define SVCTL_ERROR (svctl_error_quark ())
GQuark svctl_error_quark (void);

/* Finding VMs (svctl-vms.c) */

/* Connects to the VM that was asked for; once. */
SvQmpClient *svctl_open (Svctl *self, GError **error);
/* Executes a command; takes @arguments. */
JsonNode *svctl_execute (Svctl *self, const char *command, JsonObject *arguments, GError **error);
/* The chosen VM as a tree of objects. (transfer full) */
SvRemoteMachine *svctl_open_tree (Svctl *self, GError **error);

/* Output (svctl-output.c): written at once; on a terminal without control characters, which a VM might send */
char *svctl_dup_harmless (const char *text, int fd);
void svctl_clear_screen (void);
void svctl_print (const char *format, ...) G_GNUC_PRINTF (1, 2);
void svctl_print_json (JsonNode *node);       /* takes it */
void svctl_print_object (JsonObject *object); /* takes it */
char *svctl_dup_text (JsonNode *value); /* a string as it is, everything else as JSON */

/* Objects and values (svctl-object.c) */

/* The object of this path, or whose path alone ends so. (svctl-tree.c) (transfer full) */
SvRemoteObject *svctl_find (SvRemoteMachine *machine, const char *path, GError **error);
/* Properties of an object; NULL when there is none. (transfer full) */
JsonArray *svctl_list (Svctl *self, const char *path, GError **error);
/* Splits `PATH.PROPERTY`; @property is NULL when @word is a path. */
gboolean svctl_split (Svctl *self, const char *word, char **path, char **property, char **type, GError **error);
/* What @text means to a property of @type (as qom-list names types). (transfer full) */
JsonNode *svctl_parse_value (const char *name, const char *type, const char *text, GError **error);
/* Adds PROPERTY=VALUE words; @types: from qom-list-properties and the like, may be NULL. */
gboolean svctl_parse_words (JsonObject *object, JsonArray *types, int argc, char **argv, GError **error);

/* What QMP's schema says (svctl-schema.c) */
typedef struct _SvctlSchema SvctlSchema;

SvctlSchema *svctl_schema_new (Svctl *self, GError **error);
void svctl_schema_free (SvctlSchema *self);
gboolean svctl_schema_has_command (SvctlSchema *self, const char *command, GError **error);
/* Arguments of a command as svctl_parse_words() wants them. (transfer full) */
JsonArray *svctl_schema_dup_arguments (SvctlSchema *self, const char *command);
/* What may stand in place of @text, which follows @line. (transfer full) */
GStrv svctl_schema_complete (SvctlSchema *self, const char *line, const char *text);

/* One line of QMP's: words, or JSON. (svctl-qmp.c) (transfer full) */
JsonNode *svctl_run_words (Svctl *self, SvctlSchema *schema, int argc, char **argv, GError **error);
JsonNode *svctl_run_line (Svctl *self, SvctlSchema *schema, const char *line, GError **error);
/* The loop on a terminal. (svctl-readline.c) */
gboolean svctl_interact (Svctl *self, SvctlSchema *schema, GError **error);

/* Runs the main loop until *@done or the VM's end, at most until the limit of time. FALSE: it was that limit. */
gboolean svctl_wait (Svctl *self, const gboolean *done);
/* A signal (Ctrl-C) ends @loop. */
void svctl_end_by_signal (GMainLoop *loop);

G_END_DECLS
