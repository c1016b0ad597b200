/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/sv-type-list.h"

#include "qom/sv-type-registry.h"

/*
 * The list itself is sv-type-list.inc. A get_type function is called when its name is first looked
 * up, so an unused class costs nothing at start.
 */

#define SV_TYPE(name, function) GType function (void);
#define SV_ALIAS(name, target)
#include "src/sv-type-list.inc"
#undef SV_TYPE
#undef SV_ALIAS

static const SvTypeEntry entries[] = {
#define SV_TYPE(name, function) { name, function, NULL },
#define SV_ALIAS(name, target) { name, NULL, target },
#include "src/sv-type-list.inc"
};

void
sv_type_list_register (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      sv_type_registry_add (entries, G_N_ELEMENTS (entries));
      g_once_init_leave (&once, 1);
    }
}
