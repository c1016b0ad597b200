/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/pci/sv-pci-bus.h"

G_BEGIN_DECLS

/* From the first to behind the last address above 4 GiB that registers of functions on @root have; FALSE: there are
 * none. */
SV_API gboolean sv_pci_get_high_span (SvPciBus *root, guint64 *start, guint64 *end);

G_END_DECLS
