/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qom/sv-wide.h"

#include "qom/sv-property.h"

gboolean
sv_wide_get_range (GParamSpec *pspec, SvWide *min, SvWide *max)
{
#define RANGE(CAST)                                                                                \
  *min = CAST (pspec)->minimum;                                                                    \
  *max = CAST (pspec)->maximum;                                                                    \
  return TRUE

  switch (G_TYPE_FUNDAMENTAL (pspec->value_type))
    {
    case G_TYPE_CHAR:
      RANGE (G_PARAM_SPEC_CHAR);
    case G_TYPE_UCHAR:
      RANGE (G_PARAM_SPEC_UCHAR);
    case G_TYPE_INT:
      RANGE (G_PARAM_SPEC_INT);
    case G_TYPE_UINT:
      RANGE (G_PARAM_SPEC_UINT);
    case G_TYPE_LONG:
      RANGE (G_PARAM_SPEC_LONG);
    case G_TYPE_ULONG:
      RANGE (G_PARAM_SPEC_ULONG);
    case G_TYPE_INT64:
      RANGE (G_PARAM_SPEC_INT64);
    case G_TYPE_UINT64:
      RANGE (G_PARAM_SPEC_UINT64);
    default:
      return FALSE;
    }
#undef RANGE
}

void
sv_wide_set (GValue *value, SvWide number)
{
  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value)))
    {
    case G_TYPE_CHAR:
      g_value_set_schar (value, number);
      break;
    case G_TYPE_UCHAR:
      g_value_set_uchar (value, number);
      break;
    case G_TYPE_INT:
      g_value_set_int (value, number);
      break;
    case G_TYPE_UINT:
      g_value_set_uint (value, number);
      break;
    case G_TYPE_LONG:
      g_value_set_long (value, number);
      break;
    case G_TYPE_ULONG:
      g_value_set_ulong (value, number);
      break;
    case G_TYPE_INT64:
      g_value_set_int64 (value, number);
      break;
    default:
      g_value_set_uint64 (value, number);
    }
}

gboolean
sv_wide_get (const GValue *value, SvWide *number)
{
  switch (G_TYPE_FUNDAMENTAL (G_VALUE_TYPE (value)))
    {
    case G_TYPE_CHAR:
      *number = g_value_get_schar (value);
      return TRUE;
    case G_TYPE_UCHAR:
      *number = g_value_get_uchar (value);
      return TRUE;
    case G_TYPE_INT:
      *number = g_value_get_int (value);
      return TRUE;
    case G_TYPE_UINT:
      *number = g_value_get_uint (value);
      return TRUE;
    case G_TYPE_LONG:
      *number = g_value_get_long (value);
      return TRUE;
    case G_TYPE_ULONG:
      *number = g_value_get_ulong (value);
      return TRUE;
    case G_TYPE_INT64:
      *number = g_value_get_int64 (value);
      return TRUE;
    case G_TYPE_UINT64:
      *number = g_value_get_uint64 (value);
      return TRUE;
    default:
      return FALSE;
    }
}

gboolean
sv_wide_is_size (GParamSpec *pspec)
{
  return (pspec->flags & (SV_PARAM_SIZE | SV_PARAM_SIZE_MIB)) != 0;
}

void
sv_wide_append (GString *text, GParamSpec *pspec, SvWide number)
{
  g_autofree char *size = NULL;

  if (sv_wide_is_size (pspec) && number >= 0)
    {
      size = sv_format_size (number);
      g_string_append (text, size);
    }
  else if (number < 0)
    g_string_append_printf (text, "%" G_GINT64_FORMAT, (gint64)number);
  else
    g_string_append_printf (text, "%" G_GUINT64_FORMAT, (guint64)number);
}
