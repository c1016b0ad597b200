/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/* Wide enough for every integer property and for what may be written in its place. */
__extension__ typedef __int128 SvWide;

/* FALSE when the property, or the value, is no integer. */
gboolean sv_wide_get_range (GParamSpec *pspec, SvWide *min, SvWide *max);
gboolean sv_wide_get (const GValue *value, SvWide *number);
/* @number is in the range of @value's type. */
void sv_wide_set (GValue *value, SvWide number);
gboolean sv_wide_is_size (GParamSpec *pspec);
/* As users write it: with a suffix when the property is a size. */
void sv_wide_append (GString *text, GParamSpec *pspec, SvWide number);

G_END_DECLS
