/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client/sv-client-maker.h"

#include <string.h>

struct _SvClientMaker
{
  const char *prefix; /* of the types' wire names; not part of what the command calls them */
  const char *command;
  const char *type;
  const char *id;
  const char *folder;
  const char *inside; /* member that holds the type, and the properties in a member `data`; NULL: none does */
};

static const SvClientMaker back_ends[] = {
  { "blockdev-", "blockdev-add", "driver", "node-name", "/block/", NULL },
  { "netdev-", "netdev_add", "type", "id", "/netdevs/", NULL },
  { "chardev-", "chardev-add", "type", "id", "/chardevs/", "backend" },
  { "", "object-add", "qom-type", "id", "/objects/", NULL },
};
static const SvClientMaker device = { "", "device_add", "driver", "id", "/machine/peripheral/", NULL };

const SvClientMaker *
sv_client_maker_find (const char *type)
{
  const SvClientMaker *self = back_ends;

  while (!g_str_has_prefix (type, self->prefix))
    self++;
  return self;
}

const SvClientMaker *
sv_client_maker_get_device (void)
{
  return &device;
}

const char *
sv_client_maker_get_command (const SvClientMaker *self)
{
  return self->command;
}

static void
copy_member (JsonObject *object, const char *name, JsonNode *node, gpointer target)
{
  json_object_set_member (target, name, json_node_copy (node));
}

JsonObject *
sv_client_maker_new_arguments (const SvClientMaker *self, const char *type, const char *id, JsonObject *properties)
{
  JsonObject *arguments = json_object_new ();
  JsonObject *target = arguments;

  type += strlen (self->prefix);
  if (self->inside != NULL)
    {
      JsonObject *inside = json_object_new ();

      target = json_object_new ();
      json_object_set_string_member (inside, self->type, type);
      json_object_set_object_member (inside, "data", target);
      json_object_set_object_member (arguments, self->inside, inside);
    }
  if (properties != NULL)
    json_object_foreach_member (properties, copy_member, target);
  /* They are not properties, whatever a property is called. */
  if (self->inside == NULL)
    json_object_set_string_member (arguments, self->type, type);
  if (id != NULL)
    json_object_set_string_member (arguments, self->id, id);
  return arguments;
}

char *
sv_client_maker_dup_path (const SvClientMaker *self, const char *id)
{
  return g_strconcat (self->folder, id, NULL);
}
