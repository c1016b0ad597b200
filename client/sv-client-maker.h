/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/*
 * The command of QMP that makes an object of a type. There is one for devices and one for each kind of back end; each
 * calls the type and the id its own way.
 */
typedef struct _SvClientMaker SvClientMaker;

/* For the back ends whose types' names begin as @type does; object-add for all that have none of their own. */
const SvClientMaker *sv_client_maker_find (const char *type);
const SvClientMaker *sv_client_maker_get_device (void);

/* The command, its arguments (transfer full), and where the object is then (transfer full). @properties: (nullable) */
const char *sv_client_maker_get_command (const SvClientMaker *self);
JsonObject *sv_client_maker_new_arguments (const SvClientMaker *self, const char *type, const char *id,
                                           JsonObject *properties);
char *sv_client_maker_dup_path (const SvClientMaker *self, const char *id);

G_END_DECLS
