/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qom/sv-object-private.h"
#include "qom/sv-property.h"

/* Links and claims: what objects have to do with each other beside being parent and child. */

typedef struct
{
  SvObject *owner; /* not owned; the link ends in the owner's dispose at the latest */
  GParamSpec *pspec;
  SvObject **slot;
  SvObject *target; /* owned */
} SvLink;

static SvLink *
find_link (SvObject *owner, SvObject **slot)
{
  for (GSList *l = sv_object_get_private (owner)->links_out; l != NULL; l = l->next)
    {
      SvLink *link = l->data;

      if (link->slot == slot)
        return link;
    }
  return NULL;
}

static void
end_link (SvLink *link)
{
  SvObjectPrivate *owner_priv = sv_object_get_private (link->owner);
  SvObjectPrivate *target_priv = sv_object_get_private (link->target);

  owner_priv->links_out = g_slist_remove (owner_priv->links_out, link);
  target_priv->links_in = g_slist_remove (target_priv->links_in, link);
  *link->slot = NULL;
  g_object_unref (link->target);
  g_free (link);
}

static void
start_link (SvObject *owner, GParamSpec *pspec, SvObject **slot, SvObject *target)
{
  SvObjectPrivate *owner_priv = sv_object_get_private (owner);
  SvObjectPrivate *target_priv = sv_object_get_private (target);
  SvLink *link = g_new (SvLink, 1);

  *link = (SvLink){ owner, pspec, slot, g_object_ref (target) };
  owner_priv->links_out = g_slist_prepend (owner_priv->links_out, link);
  target_priv->links_in = g_slist_prepend (target_priv->links_in, link);
  *slot = target;
}

/**
 * sv_object_set_link:
 * @owner: the object that has the property
 * @pspec: (nullable): the link property, notified when the link changes
 * @slot: where @owner keeps the target; it lives as long as @owner
 * @target: (nullable) (transfer none): the new target
 *
 * Setter of a link property: stores a strong reference to @target in *@slot. The link reads %NULL,
 * and the property is notified, once the target leaves the tree: when it is unparented itself, or
 * is below an object that is unparented while @owner is not. Links end with their owner.
 */
void
sv_object_set_link (SvObject *owner, GParamSpec *pspec, SvObject **slot, SvObject *target)
{
  SvLink *link;

  g_return_if_fail (SV_IS_OBJECT (owner));
  g_return_if_fail (slot != NULL);
  g_return_if_fail (target == NULL || SV_IS_OBJECT (target));

  if (*slot == target)
    return;

  link = find_link (owner, slot);
  if (link != NULL)
    end_link (link);
  if (target != NULL)
    start_link (owner, pspec, slot, target);
  if (pspec != NULL)
    g_object_notify_by_pspec (G_OBJECT (owner), pspec);
}

SvObject *
sv_object_find_wired_owner (SvObject *self)
{
  for (GSList *l = sv_object_get_private (self)->links_in; l != NULL; l = l->next)
    {
      SvLink *link = l->data;

      if (link->pspec != NULL && (link->pspec->flags & SV_PARAM_WIRING) && sv_object_is_complete (link->owner))
        return link->owner;
    }
  return NULL;
}

typedef struct
{
  SvObject *top;
  GSList *owners; /* referenced */
  GSList *slots;
} CutData;

static gboolean
collect_links (SvObject *object, gpointer user_data)
{
  CutData *data = user_data;

  for (GSList *l = sv_object_get_private (object)->links_in; l != NULL; l = l->next)
    {
      SvLink *link = l->data;

      /* Links inside of a subtree stay whole, so that it can still be taken down in order; links to
       * its top must go, as they may be the references that keep it alive. */
      if (object == data->top
          || (link->owner != data->top && !sv_object_is_ancestor (data->top, link->owner)))
        {
          data->owners = g_slist_prepend (data->owners, g_object_ref (link->owner));
          data->slots = g_slist_prepend (data->slots, link->slot);
        }
    }
  return TRUE;
}

void
sv_object_cut_links (SvObject *top)
{
  CutData data = { top, NULL, NULL };

  sv_object_walk (top, collect_links, &data);

  /* Notification runs foreign code, which may end links that are still to come. */
  for (GSList *o = data.owners, *s = data.slots; o != NULL; o = o->next, s = s->next)
    {
      SvLink *link = find_link (o->data, s->data);

      if (link != NULL && (link->target == top || sv_object_is_ancestor (top, link->target)))
        sv_object_set_link (o->data, link->pspec, s->data, NULL);
    }
  g_slist_free_full (data.owners, g_object_unref);
  g_slist_free (data.slots);
}

/**
 * sv_object_claim:
 * @self: an object that cannot be shared (a disk image, a character device)
 * @user: who uses it
 * @error: return location
 *
 * Claims @self for @user alone. The claim ends with [method@Object.release] or with @user.
 *
 * Returns: %FALSE with %SV_OBJECT_ERROR_BUSY, and an error that names both users, when it is
 * claimed
 */
gboolean
sv_object_claim (SvObject *self, SvObject *user, GError **error)
{
  SvObjectPrivate *priv;
  SvObjectPrivate *user_priv;

  g_return_val_if_fail (SV_IS_OBJECT (self), FALSE);
  g_return_val_if_fail (SV_IS_OBJECT (user), FALSE);

  priv = sv_object_get_private (self);
  user_priv = sv_object_get_private (user);
  if (priv->user != NULL)
    {
      g_autofree char *label = sv_object_dup_label (self);
      g_autofree char *holder = sv_object_dup_label (priv->user);
      g_autofree char *asker = sv_object_dup_label (user);

      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY,
                   "'%s' is in use by '%s' and cannot be used by '%s' as well", label, holder,
                   asker);
      return FALSE;
    }

  priv->user = user;
  user_priv->claimed = g_slist_prepend (user_priv->claimed, self);
  return TRUE;
}

/**
 * sv_object_release:
 * @self: an object
 * @user: who claimed it
 *
 * Ends @user's claim; does nothing when @user has none.
 */
void
sv_object_release (SvObject *self, SvObject *user)
{
  SvObjectPrivate *priv;
  SvObjectPrivate *user_priv;

  g_return_if_fail (SV_IS_OBJECT (self));
  g_return_if_fail (SV_IS_OBJECT (user));

  priv = sv_object_get_private (self);
  if (priv->user != user)
    return;
  user_priv = sv_object_get_private (user);
  user_priv->claimed = g_slist_remove (user_priv->claimed, self);
  priv->user = NULL;
}

/**
 * sv_object_get_user:
 * @self: an object
 *
 * Returns: (transfer none) (nullable): who claimed @self
 */
SvObject *
sv_object_get_user (SvObject *self)
{
  g_return_val_if_fail (SV_IS_OBJECT (self), NULL);

  return sv_object_get_private (self)->user;
}

void
sv_object_dispose_links (SvObject *self)
{
  SvObjectPrivate *priv = sv_object_get_private (self);

  while (priv->links_in != NULL)
    end_link (priv->links_in->data);
  while (priv->links_out != NULL)
    end_link (priv->links_out->data);
  while (priv->claimed != NULL)
    sv_object_release (priv->claimed->data, self);
  if (priv->user != NULL)
    sv_object_release (self, priv->user);
}
