/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/sv-type-list.h"

#include "qom/sv-type-registry.h"

/*
 * Every type that can be named on the wire: one line each, sorted by name. A get_type function is
 * called when its name is first looked up, so an unused class costs nothing at start.
 */
#define SV_TYPE_LIST(TYPE, ALIAS)                                                                  \
  TYPE ("acpi-ged", sv_acpi_ged_get_type)

#define DECLARE(name, function) GType function (void);
#define NONE(name, target)
SV_TYPE_LIST (DECLARE, NONE)

static const SvTypeEntry entries[] = {
#define ENTRY(name, function) { name, function, NULL },
#define ALIAS(name, target) { name, NULL, target },
  SV_TYPE_LIST (ENTRY, ALIAS)
  { "container", sv_object_get_type, NULL },
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
