/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The error domain of character devices. */

#include "src/chardev/sv-chardev.h"

/* clang-format off */
G_DEFINE_QUARK (sv-chardev-error-quark, sv_chardev_error)
/* clang-format on */

GType
sv_chardev_error_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    { SV_CHARDEV_ERROR_OPEN, "SV_CHARDEV_ERROR_OPEN", "open" },
    { SV_CHARDEV_ERROR_ADDRESS, "SV_CHARDEV_ERROR_ADDRESS", "address" },
    { SV_CHARDEV_ERROR_BUSY, "SV_CHARDEV_ERROR_BUSY", "busy" },
    { SV_CHARDEV_ERROR_UNSUPPORTED, "SV_CHARDEV_ERROR_UNSUPPORTED", "unsupported" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("SvChardevError", values));
  return type;
}
