/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/chardev/sv-socket-util.h"

G_BEGIN_DECLS

typedef enum
{
  SV_CHOICE_DEFAULT,
  SV_CHOICE_OFF,
  SV_CHOICE_ON,
} SvChoice;

/**
 * SvSocketOptions:
 *
 * The properties of a socket: where it is, on which side, and how it behaves.
 */
typedef struct
{
  char *path;
  char *host;
  char *port;
  int fd; /* -1: none */
  gboolean abstract;
  gboolean server;
  SvChoice wait;
  SvChoice ipv4;
  SvChoice ipv6;
  gboolean delay;
  gboolean nodelay;
  guint reconnect;
  guint connect_timeout;
} SvSocketOptions;

void sv_socket_options_init (SvSocketOptions *self);
void sv_socket_options_clear (SvSocketOptions *self);
/* What is wrong with them; %NULL: nothing */
const char *sv_socket_options_check (const SvSocketOptions *self);
/* Of SvSocketAddress; at least one. (transfer full) */
GArray *sv_socket_options_find_addresses (const SvSocketOptions *self, GError **error);

/* For a class that has them as its properties, the only ones: FALSE: there is no such property. */
void sv_socket_options_install (GObjectClass *klass);
gboolean sv_socket_options_set (SvSocketOptions *self, guint id, const GValue *value);
gboolean sv_socket_options_get (const SvSocketOptions *self, guint id, GValue *value);

G_END_DECLS
