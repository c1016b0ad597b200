/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-object.h"

/* Shared by the files that implement SvObject. */

typedef struct
{
  char *id;
  SvObject *parent;     /* not owned: the parent owns us */
  GPtrArray *children;  /* owned; NULL while there are none */
  GHashTable *by_id;    /* id -> child; only when there are many children */
  GQuark numbered_stem; /* numbers below numbered_next are taken for this stem */
  guint numbered_next;
  SvObject *user;    /* who claimed us; not owned */
  GSList *claimed;   /* what we claimed; not owned */
  GSList *links_in;  /* links that point here */
  GSList *links_out; /* links that we own */
  gboolean complete;
} SvObjectPrivate;

SvObjectPrivate *sv_object_get_private (SvObject *self);

/* Has settled properties of the class refused to those who set them by GObject. */
void sv_object_class_guard (GObjectClass *klass);

void sv_object_notify_place (SvObject *self);
void sv_object_emit_added (SvObject *self, SvObject *child, guint position);
void sv_object_emit_removed (SvObject *self, SvObject *child, guint position);

/* Clears the links to @top, and those from outside to what is below it. */
/* A complete object that has @self for good: by a link property that can no longer be set. NULL when there is none. */
SvObject *sv_object_find_wired_owner (SvObject *self);
void sv_object_cut_links (SvObject *top);
/* Ends all links and claims that @self has part in. */
void sv_object_dispose_links (SvObject *self);
