/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "qom/sv-object.h"
#include "src/chardev/sv-chardev.h"

G_BEGIN_DECLS

/**
 * SvQmpServer:
 *
 * Speaks QMP with any number of clients about one object tree. Runs on the default main context,
 * under the VM lock.
 */
#define SV_TYPE_QMP_SERVER (sv_qmp_server_get_type ())
SV_API
G_DECLARE_FINAL_TYPE (SvQmpServer, sv_qmp_server, SV, QMP_SERVER, GObject)

/* Most clients at a time; more are turned away. */
#define SV_QMP_SERVER_MAX_CLIENTS 64

/**
 * sv_qmp_server_new:
 * @root: root of an object tree, with or without a machine yet
 *
 * Returns: (transfer full): a server that nobody can reach yet
 */
SV_PUBLIC SvQmpServer *sv_qmp_server_new (SvObject *root);

/**
 * SvQmpListOptionsFunc:
 *
 * Returns: (transfer full): what query-command-line-options tells
 */
typedef JsonNode *(*SvQmpListOptionsFunc) (void);

/**
 * sv_qmp_server_set_options: (skip)
 * @self: a server
 * @func: lists the options of the program
 *
 * Tells who knows the command line; without it there are no options.
 */
SV_API void sv_qmp_server_set_options (SvQmpServer *self, SvQmpListOptionsFunc func);
/* (transfer full) */
JsonNode *sv_qmp_server_list_options (SvObject *root);

/**
 * sv_qmp_server_add_monitor:
 * @self: a server
 * @chardev: a complete character device without a front end
 * @error: return location for an error
 *
 * Serves every peer that @chardev has, now or later.
 *
 * Returns: %FALSE when @chardev is in use, or cannot carry a monitor
 */
SV_PUBLIC gboolean sv_qmp_server_add_monitor (SvQmpServer *self, SvChardev *chardev, GError **error);

/**
 * sv_qmp_server_add_client:
 * @self: a server
 * @input: descriptor to read from; the server closes it
 * @output: descriptor to write to, maybe the same
 *
 * Serves one client.
 */
SV_API void sv_qmp_server_add_client (SvQmpServer *self, int input, int output);

SV_PUBLIC guint sv_qmp_server_get_n_clients (SvQmpServer *self);

/**
 * sv_qmp_server_emit:
 * @self: a server
 * @event: name of an event of the schema
 * @data: (nullable): its data
 *
 * Sends an event to all clients.
 */
SV_API void sv_qmp_server_emit (SvQmpServer *self, const char *event, JsonObject *data);

/**
 * sv_qmp_server_flush:
 * @self: a server
 * @timeout_ms: how long to wait at most
 *
 * Waits until the clients have been sent everything; to be called before the process ends.
 */
SV_PUBLIC void sv_qmp_server_flush (SvQmpServer *self, guint timeout_ms);

G_END_DECLS
