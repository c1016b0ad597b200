/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "client/sv-remote-object.h"

G_BEGIN_DECLS

/*
 * The class of proxies for objects that the VM calls @wire_name: @base with the properties of the class that has this
 * name here. @base itself when none has.
 */
GType sv_remote_type_get (GType base, const char *wire_name);

/* What the VM tells of a property, as a value of the proxy's. @value: uninitialised, or of its type. */
gboolean sv_remote_type_convert (SvRemoteObject *self, GParamSpec *pspec, JsonNode *node, GValue *value, GError **error);

/* The property of a name on the wire, when the proxy's class has it. (transfer none) (nullable) */
GParamSpec *sv_remote_type_find (SvRemoteObject *self, const char *wire_name);

/* Tells that a property changed, by its name on the wire, when the proxy's class has it. */
void sv_remote_type_notify (SvRemoteObject *self, const char *wire_name);

G_END_DECLS
