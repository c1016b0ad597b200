/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/memory/sv-memory-policy.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "qom/sv-object.h"
#include "qom/sv-parse.h"

#define WORD_BITS (8 * sizeof (gulong))

G_STATIC_ASSERT ((int)SV_MEMORY_POLICY_DEFAULT == (int)MPOL_DEFAULT
                 && (int)SV_MEMORY_POLICY_PREFERRED == (int)MPOL_PREFERRED
                 && (int)SV_MEMORY_POLICY_BIND == (int)MPOL_BIND
                 && (int)SV_MEMORY_POLICY_INTERLEAVE == (int)MPOL_INTERLEAVE);

static const GEnumValue values[] = {
  { SV_MEMORY_POLICY_DEFAULT, "SV_MEMORY_POLICY_DEFAULT", "default" },
  { SV_MEMORY_POLICY_PREFERRED, "SV_MEMORY_POLICY_PREFERRED", "preferred" },
  { SV_MEMORY_POLICY_BIND, "SV_MEMORY_POLICY_BIND", "bind" },
  { SV_MEMORY_POLICY_INTERLEAVE, "SV_MEMORY_POLICY_INTERLEAVE", "interleave" },
  { 0, NULL, NULL },
};

GType
sv_memory_policy_get_type (void)
{
  static gsize type;

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("SvMemoryPolicy", values));
  return type;
}

/* A number, or two with a dash between them */
static gboolean
parse_range (const char *word, guint64 *first, guint64 *last)
{
  g_auto (GStrv) ends = g_strsplit (word, "-", 2);

  return ends[0] != NULL && sv_parse_uint64 (ends[0], first, NULL)
         && sv_parse_uint64 (ends[1] != NULL ? ends[1] : ends[0], last, NULL) && *first <= *last
         && *last < SV_MEMORY_POLICY_MAX_NODES;
}

gboolean
sv_memory_policy_has_node (const char *const *nodes, guint node)
{
  guint64 first, last;

  for (guint i = 0; nodes != NULL && nodes[i] != NULL; i++)
    if (parse_range (nodes[i], &first, &last) && node >= first && node <= last)
      return TRUE;
  return FALSE;
}

static gboolean
parse_nodes (const char *const *nodes, gulong *mask, GError **error)
{
  for (guint i = 0; nodes[i] != NULL; i++)
    {
      guint64 first, last;

      if (!parse_range (nodes[i], &first, &last))
        {
          g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                       "Parameter 'host-nodes' expects numbers or ranges from 0 to %u, got '%s'", SV_MEMORY_POLICY_MAX_NODES - 1, nodes[i]);
          return FALSE;
        }
      for (; first <= last; first++)
        mask[first / WORD_BITS] |= 1ul << first % WORD_BITS;
    }
  return TRUE;
}

/**
 * sv_memory_policy_apply: (skip)
 * @policy: where pages come from
 * @nodes: (nullable): numbers and ranges (`0-3`) of the host's NUMA nodes
 * @memory: mapped memory
 * @size: its size
 * @error: return location
 *
 * Says where pages are allocated that nobody touched yet; what there is already moves.
 *
 * Returns: %FALSE when @policy and @nodes do not go together, or the host has no such nodes
 */
gboolean
sv_memory_policy_apply (
    SvMemoryPolicy policy, const char *const *nodes, gpointer memory, gsize size, GError **error)
{
  gulong mask[SV_MEMORY_POLICY_MAX_NODES / WORD_BITS] = { 0 };
  gboolean any = nodes != NULL && nodes[0] != NULL;

  if (policy == SV_MEMORY_POLICY_DEFAULT && !any)
    return TRUE;
  if (policy == SV_MEMORY_POLICY_DEFAULT || !any)
    {
      if (any)
        g_set_error_literal (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                             "host-nodes must be empty for policy default, or you should explicitly specify a policy "
                             "other than default");
      else
        g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID, "host-nodes must be set for policy %s",
                     values[policy].value_nick);
      return FALSE;
    }
  if (!parse_nodes (nodes, mask, error))
    return FALSE;
  /* The kernel takes one bit less than it is told. */
  if (syscall (SYS_mbind, memory, size, (int)policy, mask, (gulong)SV_MEMORY_POLICY_MAX_NODES + 1, MPOL_MF_STRICT | MPOL_MF_MOVE) != 0)
    {
      int code = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "cannot bind memory to host NUMA nodes: %s%s",
                   g_strerror (code), code == EPERM ? "; only what the command line asks for (-object, -incoming file:PATH) can, or any with -sandbox off" : "");
      return FALSE;
    }
  return TRUE;
}
