/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-object.h"

G_BEGIN_DECLS

/**
 * SvSecretFormat:
 * @SV_SECRET_FORMAT_RAW: as it is
 * @SV_SECRET_FORMAT_BASE64: in base64
 *
 * How a secret is written.
 */
typedef enum
{
  SV_SECRET_FORMAT_RAW,
  SV_SECRET_FORMAT_BASE64,
} SvSecretFormat;

SV_API GType sv_secret_format_get_type (void);

#define SV_TYPE_SECRET_FORMAT (sv_secret_format_get_type ())

/**
 * SvSecret:
 *
 * A key or password (wire name `secret`). Nothing uses one so far; libvirt gives every VM one.
 */
#define SV_TYPE_SECRET (sv_secret_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvSecret, sv_secret, SV, SECRET, SvObject)

G_END_DECLS
