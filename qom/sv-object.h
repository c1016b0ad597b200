/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "qom/sv-api.h"

G_BEGIN_DECLS

#define SV_TYPE_OBJECT (sv_object_get_type ())
SV_API
G_DECLARE_DERIVABLE_TYPE (SvObject, sv_object, SV, OBJECT, GObject)

/**
 * SvObjectClass:
 * @complete: called once when all properties are set, before the object is used; may fail and must
 *   then leave nothing behind outside the object. Devices realize here, back ends open their file.
 * @can_change: asks whether a property may still be changed from outside; the default refuses
 *   properties that carry %SV_PARAM_WIRING once the object is complete.
 * @can_remove: asks whether the object may be removed on request (object-del, blockdev-del ...);
 *   the default refuses while the object is claimed, or linked to by a property that cannot be changed any more.
 * @child_added: @child became a child of @self; runs before the signal of that name
 * @child_removed: @child is no longer a child of @self
 * @get_linked: the @n-th object that is to be found below @self though it is no child, as a device on a bus is; %NULL when
 *   there are not so many. Paths may lead through it
 * @container: id of the container below the root that objects of this class live in, when users can make them:
 *   `objects` (`-object`, object-add), `chardevs`, `block`, `netdevs`; %NULL: they are parts of a machine
 */
struct _SvObjectClass
{
  GObjectClass parent_class;

  gboolean (*complete) (SvObject *self, GError **error);
  gboolean (*can_change) (SvObject *self, GParamSpec *pspec, GError **error);
  gboolean (*can_remove) (SvObject *self, GError **error);
  void (*child_added) (SvObject *self, SvObject *child);
  void (*child_removed) (SvObject *self, SvObject *child);
  SvObject *(*get_linked) (SvObject *self, guint n);

  const char *container;

  gpointer padding[4];
};

/**
 * SvObjectError:
 * @SV_OBJECT_ERROR_NOT_FOUND: no object or property has this name
 * @SV_OBJECT_ERROR_AMBIGUOUS: a partial path or an id names more than one object
 * @SV_OBJECT_ERROR_EXISTS: a sibling has the id already
 * @SV_OBJECT_ERROR_INVALID: a name or value is malformed or out of range
 * @SV_OBJECT_ERROR_TYPE: an object or value is of another type than wanted
 * @SV_OBJECT_ERROR_READ_ONLY: the property cannot be set, or no longer
 * @SV_OBJECT_ERROR_BUSY: the object is in use
 *
 * What goes wrong with objects, their properties and the tree.
 */
typedef enum
{
  SV_OBJECT_ERROR_NOT_FOUND,
  SV_OBJECT_ERROR_AMBIGUOUS,
  SV_OBJECT_ERROR_EXISTS,
  SV_OBJECT_ERROR_INVALID,
  SV_OBJECT_ERROR_TYPE,
  SV_OBJECT_ERROR_READ_ONLY,
  SV_OBJECT_ERROR_BUSY,
} SvObjectError;

#define SV_OBJECT_ERROR (sv_object_error_quark ())
SV_API GQuark sv_object_error_quark (void);
SV_API GType sv_object_error_get_type (void);

/**
 * SvObjectFunc:
 * @object: an object
 * @user_data: what was given to [method@Object.walk]
 *
 * Returns: %TRUE to go on, %FALSE to stop
 */
typedef gboolean (*SvObjectFunc) (SvObject *object, gpointer user_data);

SV_API SvObject *sv_object_new_container (void);

SV_PUBLIC const char *sv_object_get_id (SvObject *self);
SV_PUBLIC SvObject *sv_object_get_parent (SvObject *self);
SV_PUBLIC SvObject *sv_object_get_root (SvObject *self);
SV_PUBLIC char *sv_object_dup_path (SvObject *self);
SV_API char *sv_object_dup_label (SvObject *self);
SV_PUBLIC gboolean sv_object_is_ancestor (SvObject *self, SvObject *descendant);

SV_API guint sv_object_get_n_children (SvObject *self);
SV_API SvObject *sv_object_get_nth_child (SvObject *self, guint n);
SV_API SvObject *sv_object_get_nth_linked (SvObject *self, guint n);
SV_API SvObject *sv_object_get_below (SvObject *self, const char *id);
SV_PUBLIC SvObject *sv_object_get_child (SvObject *self, const char *id);
SV_API SvObject *sv_object_ensure_container (SvObject *self, const char *id);

SV_API gboolean sv_object_check_id (const char *id, GError **error);
SV_API gboolean sv_object_add_child (SvObject *self,
                                     const char *id,
                                     SvObject *child,
                                     GError **error);
SV_API void sv_object_add_child_numbered (SvObject *self, const char *stem, SvObject *child);
SV_API void sv_object_rename (SvObject *self, const char *id);
SV_API void sv_object_unparent (SvObject *self);
SV_PUBLIC gboolean sv_object_remove (SvObject *self, GError **error);

SV_API gboolean sv_object_walk (SvObject *self, SvObjectFunc func, gpointer user_data);
SV_API GPtrArray *sv_object_collect (SvObject *self, GType type);
SV_PUBLIC SvObject *sv_object_resolve (SvObject *scope, const char *name, GType type, GError **error);

SV_API gboolean sv_object_complete (SvObject *self, GError **error);
SV_PUBLIC gboolean sv_object_is_complete (SvObject *self);
SV_API gboolean sv_object_can_change (SvObject *self, GParamSpec *pspec, GError **error);

SV_API gboolean sv_object_claim (SvObject *self, SvObject *user, GError **error);
SV_API void sv_object_release (SvObject *self, SvObject *user);
SV_PUBLIC SvObject *sv_object_get_user (SvObject *self);

SV_API void
sv_object_set_link (SvObject *owner, GParamSpec *pspec, SvObject **slot, SvObject *target);

G_END_DECLS
