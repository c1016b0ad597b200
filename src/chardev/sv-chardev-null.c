/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/chardev/sv-chardev-null.h"

struct _SvChardevNull
{
  SvChardev parent_instance;
};

G_DEFINE_FINAL_TYPE (SvChardevNull, sv_chardev_null, SV_TYPE_CHARDEV)

static void
sv_chardev_null_class_init (SvChardevNullClass *klass)
{
}

static void
sv_chardev_null_init (SvChardevNull *self)
{
}
