/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "qom/sv-api.h"

G_BEGIN_DECLS

/**
 * SvMemoryPolicy:
 * @SV_MEMORY_POLICY_DEFAULT: as the process has it
 * @SV_MEMORY_POLICY_PREFERRED: from one NUMA node as long as it has free pages
 * @SV_MEMORY_POLICY_BIND: from the given NUMA nodes only
 * @SV_MEMORY_POLICY_INTERLEAVE: from the given NUMA nodes in turn
 *
 * Where pages of guest memory are allocated on the host; the numbers are Linux's (mbind(2)).
 */
typedef enum
{
  SV_MEMORY_POLICY_DEFAULT,
  SV_MEMORY_POLICY_PREFERRED,
  SV_MEMORY_POLICY_BIND,
  SV_MEMORY_POLICY_INTERLEAVE,
} SvMemoryPolicy;

#define SV_TYPE_MEMORY_POLICY (sv_memory_policy_get_type ())
SV_API GType sv_memory_policy_get_type (void);

#define SV_MEMORY_POLICY_MAX_NODES 128u

/* Whether @node is among the numbers and ranges of @nodes, which may be NULL. */
gboolean sv_memory_policy_has_node (const char *const *nodes, guint node);
gboolean sv_memory_policy_apply (
    SvMemoryPolicy policy, const char *const *nodes, gpointer memory, gsize size, GError **error);

G_END_DECLS
