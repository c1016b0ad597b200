/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where guests go to and come from. */
#include "hw/migration/sv-migration-uri.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "src/migration/sv-migratable.h"
#include "src/runtime/sv-fd-store.h"

static gboolean
fail (const char *uri, const char *what, GError **error)
{
  g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED, "'%s': %s", uri, what);
  return FALSE;
}

/* (element-type SvSocketAddress) */
static GArray *
resolve_tcp (const char *uri, gboolean passive, GError **error)
{
  const char *text = uri + strlen ("tcp:");
  const char *colon = strrchr (text, ':');
  g_autofree char *host = NULL;
  gsize length;

  if (colon == NULL || colon[1] == '\0')
    {
      fail (uri, "expected tcp:HOST:PORT", error);
      return NULL;
    }
  host = g_strndup (text, (gsize)(colon - text));
  length = strlen (host);
  if (length > 1 && host[0] == '[' && host[length - 1] == ']')
    {
      memmove (host, host + 1, length - 2);
      host[length - 2] = '\0';
    }
  return sv_socket_resolve (host, colon + 1, passive, AF_UNSPEC, error);
}

/* (element-type SvSocketAddress) */
static GArray *
find_addresses (const char *uri, gboolean passive, GError **error)
{
  SvSocketAddress address;
  GArray *addresses;

  if (g_str_has_prefix (uri, "tcp:"))
    return resolve_tcp (uri, passive, error);
  if (!g_str_has_prefix (uri, "unix:"))
    {
      fail (uri, "expected file:/DIRECTORY, tcp:HOST:PORT, unix:PATH or fd:NAME", error);
      return NULL;
    }
  if (!sv_socket_address_init_unix (&address, uri + strlen ("unix:"), FALSE, error))
    return NULL;
  addresses = g_array_new (FALSE, FALSE, sizeof address);
  g_array_append_val (addresses, address);
  return addresses;
}

gboolean
sv_migration_uri_is_fd (const char *uri)
{
  return g_str_has_prefix (uri, "fd:");
}

static int
find_fd (SvObject *scope, const char *uri, gboolean inherited, GError **error)
{
  const char *name = uri + strlen ("fd:");
  guint64 number;
  int fd;

  if (inherited && g_ascii_isdigit (*name))
    {
      if (g_ascii_string_to_unsigned (name, 10, 3, G_MAXINT, &number, NULL) && fcntl ((int)number, F_GETFD) >= 0)
        return (int)number;
    }
  else
    {
      fd = sv_fd_store_steal (scope, name);
      if (fd >= 0)
        return fd;
    }
  fail (uri, "there is no such file descriptor", error);
  return -1;
}

int
sv_migration_uri_connect (SvObject *scope, const char *uri, gboolean inherited, GError **error)
{
  g_autoptr (GArray) addresses = NULL;
  g_autoptr (GError) last = NULL;

  if (sv_migration_uri_is_fd (uri))
    return find_fd (scope, uri, inherited, error);
  addresses = find_addresses (uri, FALSE, error);
  for (guint i = 0; addresses != NULL && i < addresses->len; i++)
    {
      int fd;

      g_clear_error (&last);
      fd = sv_socket_connect (&g_array_index (addresses, SvSocketAddress, i), TRUE, &last);
      if (fd >= 0)
        return fd;
    }
  if (last != NULL)
    g_propagate_prefixed_error (error, g_steal_pointer (&last), "'%s': ", uri);
  return -1;
}

SvSocketListener *
sv_migration_uri_listen (const char *uri, GError **error)
{
  g_autoptr (GArray) addresses = find_addresses (uri, TRUE, error);
  SvSocketListener *listener = addresses != NULL ? sv_socket_listener_open (addresses, error) : NULL;

  if (listener == NULL)
    g_prefix_error (error, "'%s': ", uri);
  return listener;
}
