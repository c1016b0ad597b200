/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client/sv-qmp-address.h"

#include <string.h>
#include <sys/un.h>

#include <gio/gunixsocketaddress.h>

static GSocketConnectable *
parse_path (const char *path, GError **error)
{
  gsize longest = sizeof ((struct sockaddr_un *)NULL)->sun_path - 1;

  if (path[0] != '\0' && strlen (path) <= longest)
    return G_SOCKET_CONNECTABLE (g_unix_socket_address_new (path));
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, "The path of a socket has 1 to %zu bytes, not '%s'",
               longest, path);
  return NULL;
}

GSocketConnectable *
sv_qmp_address_parse (const char *address, GError **error)
{
  GSocketConnectable *target = NULL;

  if (g_str_has_prefix (address, "unix:"))
    return parse_path (address + strlen ("unix:"), error);
  if (g_str_has_prefix (address, "tcp:"))
    target = g_network_address_parse (address + strlen ("tcp:"), 0, NULL);
  else if (strchr (address, '/') != NULL)
    return parse_path (address, error);
  if (target != NULL && g_network_address_get_port (G_NETWORK_ADDRESS (target)) != 0
      && g_network_address_get_hostname (G_NETWORK_ADDRESS (target))[0] != '\0')
    return target;
  g_clear_object (&target);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
               "A QMP server's address is unix:PATH or tcp:HOST:PORT, not '%s'", address);
  return NULL;
}
