/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "client/sv-remote-object.h"

#include <string.h>

#include "client/sv-client-private.h"
#include "client/sv-remote-object-private.h"
#include "client/sv-remote-type.h"

/**
 * SvRemoteObject:
 *
 * An object of a virtual machine in another process: a device, a bus, a back end ...
 *
 * As a list model it holds the objects below it, which come and go as in the VM. An object of this kind exists
 * while it is in use: keep what you connect a signal to.
 *
 * Where this library knows the object's type, the object has the properties of that type, and `notify` tells of their
 * changes. Each look at one asks the VM. As GObject knows no errors of properties, one that cannot be read or set is a
 * warning; [method@RemoteObject.read] and [method@RemoteObject.set_value] tell why.
 */

typedef struct
{
  SvClient *client;
  SvClientNode *node; /* NULL: gone */
  char *path;
  char *id;
  char *type_name;
  GValue value; /* what was read last: bindings for Python would not free one that is theirs */
} SvRemoteObjectPrivate;

enum
{
  PROP_CLIENT = 1,
  PROP_PATH,
  PROP_ID,
  PROP_TYPE_NAME,
  PROP_GONE,
  N_PROPS
};

enum
{
  CHILD_ADDED,
  CHILD_REMOVED,
  CHANGED,
  N_SIGNALS
};

static GParamSpec *props[N_PROPS];
static guint signals[N_SIGNALS];

static void list_model_init (GListModelInterface *iface);

G_DEFINE_TYPE_WITH_CODE (SvRemoteObject, sv_remote_object, G_TYPE_OBJECT,
                         G_ADD_PRIVATE (SvRemoteObject)
                             G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

#define PRIV(self) ((SvRemoteObjectPrivate *)sv_remote_object_get_instance_private (self))

/* For the tree */

SvClientNode *
sv_remote_object_get_node (SvRemoteObject *self)
{
  return PRIV (self)->node;
}

void
sv_remote_object_detach (SvRemoteObject *self)
{
  PRIV (self)->node = NULL;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_GONE]);
}

void
sv_remote_object_emit_changed (SvRemoteObject *self, const char *property)
{
  g_signal_emit (self, signals[CHANGED], g_quark_from_string (property), property);
  sv_remote_type_notify (self, property);
}

GValue *
sv_remote_object_get_kept (SvRemoteObject *self)
{
  GValue *value = &PRIV (self)->value;

  if (G_IS_VALUE (value))
    g_value_unset (value);
  return value;
}

/* What is below */

/**
 * sv_remote_object_get_n_children:
 * @self: an object
 *
 * Returns: the number of objects below it
 */
guint
sv_remote_object_get_n_children (SvRemoteObject *self)
{
  g_return_val_if_fail (SV_IS_REMOTE_OBJECT (self), 0);

  return PRIV (self)->node != NULL ? PRIV (self)->node->children->len : 0;
}

/**
 * sv_remote_object_get_nth_child:
 * @self: an object
 * @n: an index from 0
 *
 * Returns: (transfer full) (nullable): the object below it, %NULL when @n is past the last
 */
SvRemoteObject *
sv_remote_object_get_nth_child (SvRemoteObject *self, guint n)
{
  SvRemoteObjectPrivate *priv = PRIV (self);

  g_return_val_if_fail (SV_IS_REMOTE_OBJECT (self), NULL);

  if (n >= sv_remote_object_get_n_children (self))
    return NULL;
  return sv_client_ref_proxy (priv->client, g_ptr_array_index (priv->node->children, n));
}

/**
 * sv_remote_object_get_child:
 * @self: an object
 * @id: name of a child
 *
 * Returns: (transfer full) (nullable): the child of that id
 */
SvRemoteObject *
sv_remote_object_get_child (SvRemoteObject *self, const char *id)
{
  SvRemoteObjectPrivate *priv = PRIV (self);
  SvClientNode *child;

  g_return_val_if_fail (SV_IS_REMOTE_OBJECT (self), NULL);
  g_return_val_if_fail (id != NULL, NULL);

  child = priv->node != NULL ? sv_client_node_get_child (priv->node, id) : NULL;
  return child != NULL ? sv_client_ref_proxy (priv->client, child) : NULL;
}

/**
 * sv_remote_object_get_parent:
 * @self: an object
 *
 * Returns: (transfer full) (nullable): the object above it; %NULL for the root, and for one that is gone
 */
SvRemoteObject *
sv_remote_object_get_parent (SvRemoteObject *self)
{
  SvClientNode *node;

  g_return_val_if_fail (SV_IS_REMOTE_OBJECT (self), NULL);

  node = PRIV (self)->node;
  return node != NULL && node->parent != NULL ? sv_client_ref_proxy (PRIV (self)->client, node->parent) : NULL;
}

static GType
get_item_type (GListModel *model)
{
  return SV_TYPE_REMOTE_OBJECT;
}

static guint
get_n_items (GListModel *model)
{
  return sv_remote_object_get_n_children (SV_REMOTE_OBJECT (model));
}

static gpointer
get_item (GListModel *model, guint position)
{
  return sv_remote_object_get_nth_child (SV_REMOTE_OBJECT (model), position);
}

static void
list_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

/* What it is */

/**
 * sv_remote_object_get_client:
 * @self: an object
 *
 * Returns: (transfer none): the client that it belongs to
 */
SvClient *
sv_remote_object_get_client (SvRemoteObject *self)
{
  g_return_val_if_fail (SV_IS_REMOTE_OBJECT (self), NULL);

  return PRIV (self)->client;
}

/**
 * sv_remote_object_get_path:
 * @self: an object
 *
 * Returns: (transfer none): its path, as `/machine/peripheral/net0`
 */
const char *
sv_remote_object_get_path (SvRemoteObject *self)
{
  g_return_val_if_fail (SV_IS_REMOTE_OBJECT (self), NULL);

  return PRIV (self)->path;
}

/**
 * sv_remote_object_get_id:
 * @self: an object
 *
 * Returns: (transfer none): its id, the last part of its path
 */
const char *
sv_remote_object_get_id (SvRemoteObject *self)
{
  g_return_val_if_fail (SV_IS_REMOTE_OBJECT (self), NULL);

  return PRIV (self)->id;
}

/**
 * sv_remote_object_get_type_name:
 * @self: an object
 *
 * Returns: (transfer none): its type, as `virtio-blk-device`
 */
const char *
sv_remote_object_get_type_name (SvRemoteObject *self)
{
  g_return_val_if_fail (SV_IS_REMOTE_OBJECT (self), NULL);

  return PRIV (self)->type_name;
}

/**
 * sv_remote_object_is_gone:
 * @self: an object
 *
 * Returns: whether the object has left the VM's tree
 */
gboolean
sv_remote_object_is_gone (SvRemoteObject *self)
{
  g_return_val_if_fail (SV_IS_REMOTE_OBJECT (self), TRUE);

  return PRIV (self)->node == NULL;
}

/**
 * sv_remote_object_list_values:
 * @self: an object
 *
 * Returns: (transfer full) (array zero-terminated=1): names of its properties, for [method@RemoteObject.get_value]
 */
char **
sv_remote_object_list_values (SvRemoteObject *self)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  SvClientNode *node;

  g_return_val_if_fail (SV_IS_REMOTE_OBJECT (self), NULL);

  node = PRIV (self)->node;
  for (guint i = 0; node != NULL && i < node->properties->len; i++)
    g_strv_builder_add (builder, g_ptr_array_index (node->properties, i));
  return g_strv_builder_end (builder);
}

static void
sv_remote_object_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvRemoteObjectPrivate *priv = PRIV (SV_REMOTE_OBJECT (object));

  switch (id)
    {
    case PROP_CLIENT:
      g_value_set_object (value, priv->client);
      break;
    case PROP_PATH:
      g_value_set_string (value, priv->path);
      break;
    case PROP_ID:
      g_value_set_string (value, priv->id);
      break;
    case PROP_TYPE_NAME:
      g_value_set_string (value, priv->type_name);
      break;
    case PROP_GONE:
      g_value_set_boolean (value, priv->node == NULL);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_remote_object_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvRemoteObjectPrivate *priv = PRIV (SV_REMOTE_OBJECT (object));

  switch (id)
    {
    case PROP_CLIENT:
      priv->client = g_value_dup_object (value);
      break;
    case PROP_PATH:
      priv->path = g_value_dup_string (value);
      break;
    case PROP_ID:
      priv->id = g_value_dup_string (value);
      break;
    case PROP_TYPE_NAME:
      priv->type_name = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_remote_object_constructed (GObject *object)
{
  SvRemoteObjectPrivate *priv = PRIV (SV_REMOTE_OBJECT (object));

  G_OBJECT_CLASS (sv_remote_object_parent_class)->constructed (object);
  if (priv->client != NULL && priv->path != NULL)
    priv->node = sv_client_get_node (priv->client, priv->path);
}

static void
sv_remote_object_finalize (GObject *object)
{
  SvRemoteObjectPrivate *priv = PRIV (SV_REMOTE_OBJECT (object));

  if (priv->node != NULL)
    priv->node->proxy = NULL;
  if (G_IS_VALUE (&priv->value))
    g_value_unset (&priv->value);
  g_clear_object (&priv->client);
  g_free (priv->path);
  g_free (priv->id);
  g_free (priv->type_name);
  G_OBJECT_CLASS (sv_remote_object_parent_class)->finalize (object);
}

static void
sv_remote_object_class_init (SvRemoteObjectClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags wiring = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  object_class->constructed = sv_remote_object_constructed;
  object_class->get_property = sv_remote_object_get_property;
  object_class->set_property = sv_remote_object_set_property;
  object_class->finalize = sv_remote_object_finalize;

  /**
   * SvRemoteObject:client:
   *
   * The client that the object belongs to.
   */
  props[PROP_CLIENT] = g_param_spec_object ("client", "client", "The client that the object belongs to",
                                            SV_TYPE_CLIENT, wiring);
  /**
   * SvRemoteObject:path:
   *
   * The object's path in the VM's tree.
   */
  props[PROP_PATH] = g_param_spec_string ("path", "path", "Path in the VM's tree", NULL, wiring);
  /**
   * SvRemoteObject:id:
   *
   * The object's id, the last part of its path.
   */
  props[PROP_ID] = g_param_spec_string ("id", "id", "Last part of the path", NULL, wiring);
  /**
   * SvRemoteObject:type-name:
   *
   * The object's type, as the VM names it.
   */
  props[PROP_TYPE_NAME] = g_param_spec_string ("type-name", "type-name", "Type, as the VM names it", NULL, wiring);
  /**
   * SvRemoteObject:gone:
   *
   * Whether the object has left the VM's tree.
   */
  props[PROP_GONE] = g_param_spec_boolean ("gone", "gone", "Whether the object has left the VM's tree", FALSE,
                                           G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);

  /**
   * SvRemoteObject::child-added:
   * @self: the object
   * @child: what came
   *
   * An object came below this one.
   */
  signals[CHILD_ADDED] = g_signal_new ("child-added", SV_TYPE_REMOTE_OBJECT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                       G_TYPE_NONE, 1, SV_TYPE_REMOTE_OBJECT);
  /**
   * SvRemoteObject::child-removed:
   * @self: the object
   * @child: what went
   *
   * An object below this one left the tree.
   */
  signals[CHILD_REMOVED] = g_signal_new ("child-removed", SV_TYPE_REMOTE_OBJECT, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
                                         NULL, G_TYPE_NONE, 1, SV_TYPE_REMOTE_OBJECT);
  /**
   * SvRemoteObject::changed:
   * @self: the object
   * @property: name of a property
   *
   * A property has another value. The name is the signal's detail, too: `changed::run-state`.
   */
  signals[CHANGED] = g_signal_new ("changed", SV_TYPE_REMOTE_OBJECT, G_SIGNAL_RUN_LAST | G_SIGNAL_DETAILED, 0, NULL,
                                   NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
sv_remote_object_init (SvRemoteObject *self)
{
}
