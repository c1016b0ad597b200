/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>
#include <netinet/in.h>

#include "qom/sv-api.h"

G_BEGIN_DECLS

/* A port of the host that leads to one of the guest. Addresses are in network byte order, ports in the host's;
 * an address of 0: any of the host's, the one that DHCP gave the guest. */
typedef struct
{
  gboolean udp;
  struct in_addr host_address;
  guint16 host_port;
  struct in_addr guest_address;
  guint16 guest_port;
} SvHostForward;

/* Reads `tcp:[HOSTADDRESS]:HOSTPORT-[GUESTADDRESS]:GUESTPORT`; nothing before the first colon means tcp. */
SV_API gboolean sv_host_forward_parse (const char *text, SvHostForward *forward);

G_END_DECLS
