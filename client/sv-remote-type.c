/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Proxies have the properties of the objects that they stand for: each class of the VM's that this library knows as well
 * has a class of proxies, made when the first is wanted. Reading one asks the VM, writing one tells it; both block as
 * sv_remote_object_get_value() does. GObject has no way to tell of a failure but a warning.
 */

#include "client/sv-remote-type.h"

#include <string.h>

#include "client/sv-client.h"
#include "client/sv-remote-object-private.h"
#include "qom/sv-object.h"
#include "qom/sv-property.h"
#include "qom/sv-type-registry.h"
#include "qom/sv-value.h"

gboolean
sv_remote_type_convert (SvRemoteObject *self, GParamSpec *pspec, JsonNode *node, GValue *value, GError **error)
{
  if (!G_IS_PARAM_SPEC_OBJECT (pspec))
    return sv_value_from_json (value, pspec, node, NULL, error);
  if (!G_IS_VALUE (value))
    g_value_init (value, pspec->value_type);
  if (json_node_get_value_type (node) == G_TYPE_STRING && json_node_get_string (node)[0] == '/')
    g_value_take_object (value, sv_client_get_object (sv_remote_object_get_client (self), json_node_get_string (node)));
  return TRUE;
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvRemoteObject *self = SV_REMOTE_OBJECT (object);
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonNode) node = sv_remote_object_ask (self, sv_property_get_wire_name (pspec), NULL, &error);

  if (node == NULL || !sv_remote_type_convert (self, pspec, node, value, &error))
    g_warning ("'%s.%s': %s", sv_remote_object_get_path (self), pspec->name, error->message);
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvRemoteObject *self = SV_REMOTE_OBJECT (object);
  g_autoptr (GError) error = NULL;

  if (!sv_remote_object_set_value (self, sv_property_get_wire_name (pspec), value, NULL, &error))
    g_warning ("'%s.%s': %s", sv_remote_object_get_path (self), pspec->name, error->message);
}

#define NUMBERS(KIND, kind)                                                                                            \
  if (G_IS_PARAM_SPEC_##KIND (local))                                                                                  \
  return g_param_spec_##kind (local->name, nick, blurb, G_PARAM_SPEC_##KIND (local)->minimum,                          \
                              G_PARAM_SPEC_##KIND (local)->maximum, G_PARAM_SPEC_##KIND (local)->default_value, flags)

/* A link leads to a proxy, everything else is as it is here. NULL: of a type that no property has so far. */
static GParamSpec *
new_property (GParamSpec *local)
{
  const GParamFlags kept = G_PARAM_READWRITE | SV_PARAM_SIZE | SV_PARAM_SIZE_MIB | SV_PARAM_WIRING;
  const GParamFlags flags = (local->flags & kept) | G_PARAM_EXPLICIT_NOTIFY;
  const char *nick = g_param_spec_get_nick (local);
  const char *blurb = g_param_spec_get_blurb (local);

  NUMBERS (INT, int);
  NUMBERS (UINT, uint);
  NUMBERS (INT64, int64);
  NUMBERS (UINT64, uint64);
  NUMBERS (LONG, long);
  NUMBERS (ULONG, ulong);
  NUMBERS (CHAR, char);
  NUMBERS (UCHAR, uchar);
  NUMBERS (DOUBLE, double);
  if (G_IS_PARAM_SPEC_OBJECT (local))
    return g_param_spec_object (local->name, nick, blurb, SV_TYPE_REMOTE_OBJECT, flags);
  if (G_IS_PARAM_SPEC_BOOLEAN (local))
    return g_param_spec_boolean (local->name, nick, blurb, G_PARAM_SPEC_BOOLEAN (local)->default_value, flags);
  if (G_IS_PARAM_SPEC_STRING (local))
    return g_param_spec_string (local->name, nick, blurb, G_PARAM_SPEC_STRING (local)->default_value, flags);
  if (G_IS_PARAM_SPEC_ENUM (local))
    return g_param_spec_enum (local->name, nick, blurb, local->value_type, G_PARAM_SPEC_ENUM (local)->default_value,
                              flags);
  if (G_IS_PARAM_SPEC_BOXED (local))
    return g_param_spec_boxed (local->name, nick, blurb, local->value_type, flags);
  return NULL;
}

static void
class_init (gpointer klass, gpointer local_type)
{
  GObjectClass *object_class = klass;
  GObjectClass *local_class = g_type_class_ref (GPOINTER_TO_SIZE (local_type));
  g_autoptr (GPtrArray) list = sv_property_list (local_class);
  guint id = 0;

  object_class->get_property = get_property;
  object_class->set_property = set_property;
  /* The class stays: its properties are in use. */
  for (guint i = 0; i < list->len; i++)
    {
      GParamSpec *local = g_ptr_array_index (list, i);
      GParamSpec *pspec = new_property (local);

      if (pspec == NULL || g_object_class_find_property (object_class, local->name) != NULL)
        g_clear_pointer (&pspec, g_param_spec_unref);
      else
        g_object_class_install_property (object_class, ++id, pspec);
    }
}

GType
sv_remote_type_get (GType base, const char *wire_name)
{
  GType local = sv_type_registry_lookup (wire_name);
  GTypeInfo info = { .class_init = class_init, .class_data = GSIZE_TO_POINTER (local) };
  const char *local_name = g_type_name (local);
  g_autofree char *name = NULL;
  GTypeQuery query;
  GType type;

  if (local == G_TYPE_INVALID || local == SV_TYPE_OBJECT || !g_type_is_a (local, SV_TYPE_OBJECT))
    return base;
  name = g_strconcat ("SvRemote", g_str_has_prefix (local_name, "Sv") ? local_name + 2 : local_name, NULL);
  type = g_type_from_name (name);
  if (type != G_TYPE_INVALID)
    return type != base && g_type_is_a (type, base) ? type : base;
  g_type_query (base, &query);
  info.class_size = query.class_size;
  info.instance_size = query.instance_size;
  return g_type_register_static (base, name, &info, 0);
}

GParamSpec *
sv_remote_type_find (SvRemoteObject *self, const char *wire_name)
{
  guint n;
  g_autofree GParamSpec **pspecs = g_object_class_list_properties (G_OBJECT_GET_CLASS (self), &n);

  for (guint i = 0; i < n; i++)
    if (pspecs[i]->owner_type != SV_TYPE_REMOTE_OBJECT
        && strcmp (sv_property_get_wire_name (pspecs[i]), wire_name) == 0)
      return pspecs[i];
  return NULL;
}

void
sv_remote_type_notify (SvRemoteObject *self, const char *wire_name)
{
  GParamSpec *pspec = sv_remote_type_find (self, wire_name);

  if (pspec != NULL)
    g_object_notify_by_pspec (G_OBJECT (self), pspec);
}
