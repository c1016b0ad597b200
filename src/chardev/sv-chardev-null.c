/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/chardev/sv-chardev-null.h"

#include "src/migration/sv-migratable.h"

struct _SvChardevNull
{
  SvChardev parent_instance;
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvChardevNull, sv_chardev_null, SV_TYPE_CHARDEV,
                               SV_MIGRATABLE_STATELESS ("its peers are others elsewhere; what they have not taken is kept by its user"))

/* Nobody else will come: there is no reason to keep anything. */
static gboolean
sv_chardev_null_complete (SvObject *object, GError **error)
{
  if (!SV_OBJECT_CLASS (sv_chardev_null_parent_class)->complete (object, error))
    return FALSE;
  sv_chardev_event (SV_CHARDEV (object), SV_CHARDEV_OPENED);
  return TRUE;
}

static void
sv_chardev_null_class_init (SvChardevNullClass *klass)
{
  SV_OBJECT_CLASS (klass)->complete = sv_chardev_null_complete;
}

static void
sv_chardev_null_init (SvChardevNull *self)
{
}
