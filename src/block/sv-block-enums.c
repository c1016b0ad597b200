/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Words for what becomes of requests, and the error domain of disk images. */

#include "src/block/sv-block-node.h"

/* clang-format off */
G_DEFINE_QUARK (sv-block-error-quark, sv_block_error)
/* clang-format on */

GType
sv_block_error_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    { SV_BLOCK_ERROR_OPEN, "SV_BLOCK_ERROR_OPEN", "open" },
    { SV_BLOCK_ERROR_LOCKED, "SV_BLOCK_ERROR_LOCKED", "locked" },
    { SV_BLOCK_ERROR_INVALID, "SV_BLOCK_ERROR_INVALID", "invalid" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("SvBlockError", values));
  return type;
}

GType
sv_block_discard_get_type (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      /* -drive has on and off for the same. */
      static const GEnumValue values[] = {
        { SV_BLOCK_DISCARD_IGNORE, "SV_BLOCK_DISCARD_IGNORE", "ignore" },
        { SV_BLOCK_DISCARD_UNMAP, "SV_BLOCK_DISCARD_UNMAP", "unmap" },
        { SV_BLOCK_DISCARD_IGNORE, "SV_BLOCK_DISCARD_IGNORE", "off" },
        { SV_BLOCK_DISCARD_UNMAP, "SV_BLOCK_DISCARD_UNMAP", "on" },
        { 0, NULL, NULL },
      };
      g_once_init_leave (&once, g_enum_register_static ("SvBlockDiscard", values));
    }
  return once;
}

GType
sv_block_detect_zeroes_get_type (void)
{
  static gsize once;

  if (g_once_init_enter (&once))
    {
      static const GEnumValue values[] = {
        { SV_BLOCK_DETECT_ZEROES_OFF, "SV_BLOCK_DETECT_ZEROES_OFF", "off" },
        { SV_BLOCK_DETECT_ZEROES_ON, "SV_BLOCK_DETECT_ZEROES_ON", "on" },
        { SV_BLOCK_DETECT_ZEROES_UNMAP, "SV_BLOCK_DETECT_ZEROES_UNMAP", "unmap" },
        { 0, NULL, NULL },
      };
      g_once_init_leave (&once, g_enum_register_static ("SvBlockDetectZeroes", values));
    }
  return once;
}
