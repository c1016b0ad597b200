/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/net/sv-host-forward.h"

#include <arpa/inet.h>
#include <string.h>

/* `[ADDRESS]:PORT` up to @end. */
static gboolean
parse_end_point (const char *text, const char *end, struct in_addr *address, guint16 *port)
{
  g_autofree char *copy = g_strndup (text, end - text);
  char *colon = strchr (copy, ':');
  guint64 number;

  if (colon == NULL)
    return FALSE;
  *colon = '\0';
  address->s_addr = 0;
  if (*copy != '\0' && inet_pton (AF_INET, copy, address) != 1)
    return FALSE;
  if (!g_ascii_string_to_unsigned (colon + 1, 10, 1, G_MAXUINT16, &number, NULL))
    return FALSE;
  *port = (guint16) number;
  return TRUE;
}

gboolean
sv_host_forward_parse (const char *text, SvHostForward *forward)
{
  const char *colon = strchr (text, ':');
  const char *dash = strchr (text, '-');

  if (colon == NULL || dash == NULL || dash < colon)
    return FALSE;
  if (g_str_has_prefix (text, "udp:"))
    forward->udp = TRUE;
  else if (colon == text || g_str_has_prefix (text, "tcp:"))
    forward->udp = FALSE;
  else
    return FALSE;
  return parse_end_point (colon + 1, dash, &forward->host_address, &forward->host_port)
         && parse_end_point (dash + 1, dash + strlen (dash), &forward->guest_address,
                             &forward->guest_port);
}
