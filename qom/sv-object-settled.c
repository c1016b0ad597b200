/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Properties that are settled once an object is complete. The command line and QMP ask can_change before they set
 * anything; programs and scripts that set a property of an object in their own process come by GObject, whose vfunc
 * cannot fail. So the classes of objects that are complete get one in front of theirs, which does.
 */

#include "qom/sv-object-private.h"
#include "qom/sv-object.h"

typedef void (*SetFunc) (GObject *object, guint id, const GValue *value, GParamSpec *pspec);

static GQuark
quark (void)
{
  return g_quark_from_static_string ("sv-object-set-property");
}

static void
set_if_allowed (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  /* Where a class has overridden the property, GObject calls that class with the one it has overridden. */
  GParamSpec *own = g_object_class_find_property (G_OBJECT_GET_CLASS (object), pspec->name);
  g_autoptr (GError) error = NULL;
  SetFunc set = g_type_get_qdata (own->owner_type, quark ());

  if (!sv_object_can_change (SV_OBJECT (object), pspec, &error))
    {
      g_autofree char *label = sv_object_dup_label (SV_OBJECT (object));

      g_warning ("'%s': %s", label, error->message);
    }
  else if (set != NULL)
    set (object, id, value, pspec);
}

void
sv_object_class_guard (GObjectClass *klass)
{
  while (klass != NULL && klass->set_property != set_if_allowed)
    {
      GType type = G_OBJECT_CLASS_TYPE (klass);

      if (type == G_TYPE_OBJECT)
        return;
      g_type_set_qdata (type, quark (), (gpointer)klass->set_property);
      klass->set_property = set_if_allowed;
      klass = g_type_class_peek_parent (klass);
    }
}
