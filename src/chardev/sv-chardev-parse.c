/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <json-glib/json-glib.h>
#include <string.h>

#include "src/chardev/sv-chardev.h"

/* Words that older command lines give without a value. */
static const struct
{
  const char *word;
  const char *property;
  gboolean value;
} flags[] = {
  { "server", "server", TRUE },   { "wait", "wait", TRUE },         { "nowait", "wait", FALSE },
  { "nodelay", "nodelay", TRUE }, { "ipv4", "ipv4", TRUE },         { "ipv6", "ipv6", TRUE },
  { "append", "append", TRUE },   { "abstract", "abstract", TRUE },
};

/* The text up to the next comma; a doubled comma stands for one. *@text moves behind it, NULL at
 * the end. */
static char *
take_word (const char **text)
{
  GString *word = g_string_new (NULL);
  const char *p = *text;

  for (; *p != '\0'; p++)
    {
      if (*p == ',' && *++p != ',')
        {
          *text = p;
          return g_string_free (word, FALSE);
        }
      g_string_append_c (word, *p);
    }
  *text = NULL;
  return g_string_free (word, FALSE);
}

static gboolean
add_option (JsonObject *object, const char *word, GError **error)
{
  const char *equals = strchr (word, '=');

  if (equals != NULL && equals > word)
    {
      g_autofree char *name = g_strndup (word, equals - word);

      json_object_set_string_member (object, name, equals + 1);
      return TRUE;
    }

  for (gsize i = 0; i < G_N_ELEMENTS (flags); i++)
    if (strcmp (word, flags[i].word) == 0)
      {
        json_object_set_boolean_member (object, flags[i].property, flags[i].value);
        return TRUE;
      }

  g_set_error (
      error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_ADDRESS,
      "'%s' is no option of a character device: NAME=VALUE, server, wait, nowait, nodelay, "
      "ipv4, ipv6, abstract and append are",
      word);
  return FALSE;
}

static gboolean
add_options (JsonObject *object, const char *text, GError **error)
{
  while (text != NULL)
    {
      g_autofree char *word = take_word (&text);

      if (!add_option (object, word, error))
        return FALSE;
    }
  return TRUE;
}

/* HOST:PORT, [IPV6]:PORT or :PORT */
static gboolean
add_host_and_port (JsonObject *object, const char *text, GError **error)
{
  const char *colon = strrchr (text, ':');
  g_autofree char *host = NULL;
  gsize length;

  if (colon == NULL || colon[1] == '\0')
    {
      g_set_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_ADDRESS,
                   "'tcp:%s' names no port: tcp:HOST:PORT is expected", text);
      return FALSE;
    }

  host = g_strndup (text, colon - text);
  length = strlen (host);
  if (length >= 2 && host[0] == '[' && host[length - 1] == ']')
    {
      memmove (host, host + 1, length - 2);
      host[length - 2] = '\0';
    }
  json_object_set_string_member (object, "host", host);
  json_object_set_string_member (object, "port", colon + 1);
  return TRUE;
}

/* `KIND` or `KIND,options` */
static gboolean
parse_plain (
    JsonObject *object, const char *kind, const char *text, gboolean *matched, GError **error)
{
  gsize length = strlen (kind);

  *matched = g_str_has_prefix (text, kind) && (text[length] == '\0' || text[length] == ',');
  if (!*matched)
    return TRUE;

  json_object_set_string_member (object, "backend", kind);
  return text[length] == '\0' || add_options (object, text + length + 1, error);
}

static gboolean
parse_socket (JsonObject *object, const char *text, gboolean tcp, GError **error)
{
  g_autofree char *address = take_word (&text);

  json_object_set_string_member (object, "backend", "socket");
  if (tcp)
    {
      if (!add_host_and_port (object, address, error))
        return FALSE;
    }
  else
    json_object_set_string_member (object, "path", address);
  return add_options (object, text, error);
}

/**
 * sv_chardev_parse_short:
 * @text: short form of -serial, -qmp and -monitor
 * @error: return location for an error
 *
 * Returns: (transfer full): properties of the device, with the member "backend" for its kind
 */
JsonObject *
sv_chardev_parse_short (const char *text, GError **error)
{
  /* `file` and `socket` take the words of -chardev. */
  static const char *const plain[] = { "stdio", "pty", "null", "file", "socket" };
  g_autoptr (JsonObject) object = json_object_new ();
  gboolean matched = FALSE;

  for (gsize i = 0; i < G_N_ELEMENTS (plain) && !matched; i++)
    if (!parse_plain (object, plain[i], text, &matched, error))
      return NULL;
  if (matched)
    return g_steal_pointer (&object);

  if (g_str_has_prefix (text, "file:"))
    {
      /* As in QEMU: all the rest is the path, commas too. */
      json_object_set_string_member (object, "backend", "file");
      json_object_set_string_member (object, "path", text + strlen ("file:"));
      return g_steal_pointer (&object);
    }
  if (g_str_has_prefix (text, "unix:"))
    return parse_socket (object, text + strlen ("unix:"), FALSE, error) ? g_steal_pointer (&object)
                                                                        : NULL;
  if (g_str_has_prefix (text, "tcp:"))
    return parse_socket (object, text + strlen ("tcp:"), TRUE, error) ? g_steal_pointer (&object)
                                                                      : NULL;

  g_set_error (error, SV_CHARDEV_ERROR, SV_CHARDEV_ERROR_ADDRESS,
               "'%s' is no character device: stdio, pty, null, file:PATH, "
               "unix:PATH[,server=on][,wait=off], tcp:HOST:PORT[,server=on][,wait=off], "
               "file,path=PATH[,append=on] and socket,path=PATH[,server=on][,wait=off] are",
               text);
  return NULL;
}
