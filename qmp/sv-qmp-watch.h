/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <json-glib/json-glib.h>

#include "qom/sv-object.h"

G_BEGIN_DECLS

/**
 * SvQmpWatch:
 *
 * The objects that one client watches. What changes during one turn of the main loop is told once, at its end.
 * Main thread only.
 */
typedef struct _SvQmpWatch SvQmpWatch;

/* @data: members of the event QOM_CHANGED */
typedef void (*SvQmpWatchFunc) (JsonObject *data, gpointer opaque);

SvQmpWatch *sv_qmp_watch_new (SvQmpWatchFunc func, gpointer opaque);
void sv_qmp_watch_free (SvQmpWatch *self);
/* @recursive: the objects below, too, those that come later among them. One that is watched already stays so. */
void sv_qmp_watch_add (SvQmpWatch *self, SvObject *object, gboolean recursive);
/* FALSE when the object is not one that sv_qmp_watch_add() was called for. */
gboolean sv_qmp_watch_remove (SvQmpWatch *self, SvObject *object);

G_END_DECLS
