/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/memory/sv-memory-backend.h"

#include <unistd.h>

#include "qom/sv-property.h"
#include "src/memory/sv-memory-mapping.h"

enum
{
  PROP_0,
  PROP_SIZE,
  PROP_SHARE,
  PROP_PREALLOC,
  PROP_DUMP,
  PROP_MERGE,
  PROP_RESERVE,
  PROP_HUGE_PAGES,
  PROP_POLICY,
  PROP_HOST_NODES,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

typedef SvMemoryMapping SvMemoryBackendPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (SvMemoryBackend, sv_memory_backend, SV_TYPE_OBJECT)

static SvMemoryMapping *
get_mapping (SvMemoryBackend *self)
{
  return sv_memory_backend_get_instance_private (self);
}

static void
prefix_error (SvMemoryBackend *self, GError **error)
{
  const char *id = sv_object_get_id (SV_OBJECT (self));

  g_prefix_error (error, "memory backend '%s': ", id != NULL ? id : "");
}

static gboolean
sv_memory_backend_complete (SvObject *object, GError **error)
{
  SvMemoryBackend *self = SV_MEMORY_BACKEND (object);
  SvMemoryMapping *mapping = get_mapping (self);

  if (mapping->size == 0)
    {
      g_set_error_literal (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                           "property 'size' must be given and not be 0");
      prefix_error (self, error);
      return FALSE;
    }

  mapping->page_size = (gsize)sysconf (_SC_PAGESIZE);
  if (!SV_MEMORY_BACKEND_GET_CLASS (self)->open (self, &mapping->fd, &mapping->page_size, error))
    return FALSE;
  if (sv_memory_mapping_map (mapping, error))
    return TRUE;
  prefix_error (self, error);
  sv_memory_mapping_unmap (mapping);
  return FALSE;
}

static void
sv_memory_backend_finalize (GObject *object)
{
  sv_memory_mapping_clear (get_mapping (SV_MEMORY_BACKEND (object)));
  G_OBJECT_CLASS (sv_memory_backend_parent_class)->finalize (object);
}

static gboolean *
find_flag (SvMemoryMapping *mapping, guint id)
{
  switch (id)
    {
    case PROP_SHARE:
      return &mapping->share;
    case PROP_PREALLOC:
      return &mapping->prealloc;
    case PROP_DUMP:
      return &mapping->dump;
    case PROP_MERGE:
      return &mapping->merge;
    case PROP_RESERVE:
      return &mapping->reserve;
    case PROP_HUGE_PAGES:
      return &mapping->huge_pages;
    default:
      return NULL;
    }
}

static void
sv_memory_backend_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvMemoryMapping *mapping = get_mapping (SV_MEMORY_BACKEND (object));
  gboolean *flag = find_flag (mapping, id);

  if (flag != NULL)
    g_value_set_boolean (value, *flag);
  else if (id == PROP_SIZE)
    g_value_set_uint64 (value, mapping->size);
  else if (id == PROP_POLICY)
    g_value_set_enum (value, mapping->policy);
  else if (id == PROP_HOST_NODES)
    g_value_set_boxed (value, mapping->nodes);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
sv_memory_backend_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvMemoryMapping *mapping = get_mapping (SV_MEMORY_BACKEND (object));
  gboolean *flag = find_flag (mapping, id);

  /* The size is also that of the mapping. */
  g_return_if_fail (mapping->host == NULL);

  if (flag != NULL && *flag != g_value_get_boolean (value))
    {
      *flag = g_value_get_boolean (value);
      g_object_notify_by_pspec (object, pspec);
    }
  else if (id == PROP_SIZE && mapping->size != g_value_get_uint64 (value))
    {
      mapping->size = g_value_get_uint64 (value);
      g_object_notify_by_pspec (object, pspec);
    }
  else if (id == PROP_POLICY && (gint)mapping->policy != g_value_get_enum (value))
    {
      mapping->policy = g_value_get_enum (value);
      g_object_notify_by_pspec (object, pspec);
    }
  else if (id == PROP_HOST_NODES)
    {
      g_strfreev (mapping->nodes);
      mapping->nodes = g_value_dup_boxed (value);
      g_object_notify_by_pspec (object, pspec);
    }
  else if (flag == NULL && id != PROP_SIZE && id != PROP_POLICY)
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
}

static void
sv_memory_backend_init (SvMemoryBackend *self)
{
  sv_memory_mapping_init (get_mapping (self));
}

static GParamSpec *
new_flag (const char *name, const char *blurb, gboolean value)
{
  return g_param_spec_boolean (name, name, blurb, value, SV_PARAM_RW_WIRING);
}

static void
sv_memory_backend_class_init (SvMemoryBackendClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = sv_memory_backend_get_property;
  object_class->set_property = sv_memory_backend_set_property;
  object_class->finalize = sv_memory_backend_finalize;
  SV_OBJECT_CLASS (klass)->complete = sv_memory_backend_complete;
  SV_OBJECT_CLASS (klass)->container = "objects";

  /**
   * SvMemoryBackend:size:
   *
   * Bytes of memory, a multiple of the page size.
   */
  props[PROP_SIZE]
      = g_param_spec_uint64 ("size", "size", "Bytes of memory, a multiple of the page size", 0,
                             G_MAXUINT64, 0, SV_PARAM_RW_WIRING | SV_PARAM_SIZE);
  /**
   * SvMemoryBackend:share:
   *
   * Whether others who map the same file see what the guest writes.
   */
  props[PROP_SHARE]
      = new_flag ("share", "Share the memory with other processes that map its file", FALSE);
  /**
   * SvMemoryBackend:prealloc:
   *
   * Whether all pages are allocated at start.
   */
  props[PROP_PREALLOC] = new_flag ("prealloc", "Allocate all pages at start", FALSE);
  /**
   * SvMemoryBackend:dump:
   *
   * Whether a core dump of this process holds the memory.
   */
  props[PROP_DUMP] = new_flag ("dump", "Include the memory in core dumps", TRUE);
  /**
   * SvMemoryBackend:merge:
   *
   * Whether the kernel may merge pages of equal contents (KSM). Private memory only.
   */
  props[PROP_MERGE]
      = new_flag ("merge", "Let the kernel merge equal pages of private memory", TRUE);
  /**
   * SvMemoryBackend:reserve:
   *
   * Whether huge pages are reserved at start; ordinary pages never are.
   */
  props[PROP_RESERVE]
      = new_flag ("reserve", "Reserve huge pages at start (ordinary pages never are)", TRUE);
  /**
   * SvMemoryBackend:transparent-huge-pages:
   *
   * Whether the kernel is asked for transparent huge pages: fewer page faults, but a guest that
   * touches a few bytes here and there costs 2 MiB each.
   */
  props[PROP_HUGE_PAGES] = new_flag ("transparent-huge-pages",
                                     "Ask the kernel for transparent huge pages: less page faults, "
                                     "more memory",
                                     FALSE);
  /**
   * SvMemoryBackend:policy:
   *
   * How pages are taken from the host's NUMA nodes of [property@MemoryBackend:host-nodes].
   */
  props[PROP_POLICY] = g_param_spec_enum ("policy", "policy", "How pages are taken from the host's NUMA nodes",
                                          SV_TYPE_MEMORY_POLICY, SV_MEMORY_POLICY_DEFAULT, SV_PARAM_RW_WIRING);
  /**
   * SvMemoryBackend:host-nodes:
   *
   * Numbers and ranges (`0-3`) of the host's NUMA nodes that pages come from.
   */
  props[PROP_HOST_NODES]
      = g_param_spec_boxed ("host-nodes", "host-nodes", "Numbers and ranges of the host's NUMA nodes that pages come from",
                            G_TYPE_STRV, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

/**
 * sv_memory_backend_get_host:
 * @self: a memory backend
 *
 * Returns: (nullable): where the memory is mapped, %NULL before the object is complete
 */
guint8 *
sv_memory_backend_get_host (SvMemoryBackend *self)
{
  g_return_val_if_fail (SV_IS_MEMORY_BACKEND (self), NULL);
  return get_mapping (self)->host;
}

/**
 * sv_memory_backend_get_size:
 * @self: a memory backend
 *
 * Returns: the size in bytes
 */
guint64
sv_memory_backend_get_size (SvMemoryBackend *self)
{
  g_return_val_if_fail (SV_IS_MEMORY_BACKEND (self), 0);
  return get_mapping (self)->size;
}

/**
 * sv_memory_backend_get_fd:
 * @self: a memory backend
 *
 * Returns: the file that is mapped, owned by @self; -1 for anonymous memory
 */
int
sv_memory_backend_get_fd (SvMemoryBackend *self)
{
  g_return_val_if_fail (SV_IS_MEMORY_BACKEND (self), -1);
  return get_mapping (self)->fd;
}

/**
 * sv_memory_backend_get_share:
 * @self: a memory backend
 *
 * Returns: whether writes reach the file and others who map it
 */
gboolean
sv_memory_backend_get_share (SvMemoryBackend *self)
{
  g_return_val_if_fail (SV_IS_MEMORY_BACKEND (self), FALSE);
  return get_mapping (self)->share;
}

/**
 * sv_memory_backend_get_readonly:
 * @self: a memory backend
 *
 * Returns: whether the memory is mapped read-only
 */
gboolean
sv_memory_backend_get_readonly (SvMemoryBackend *self)
{
  g_return_val_if_fail (SV_IS_MEMORY_BACKEND (self), FALSE);
  return get_mapping (self)->readonly;
}

/**
 * sv_memory_backend_set_readonly:
 * @self: a memory backend
 *
 * For subclasses, before the memory is mapped: maps it read-only.
 */
void
sv_memory_backend_set_readonly (SvMemoryBackend *self, gboolean readonly)
{
  g_return_if_fail (SV_IS_MEMORY_BACKEND (self));
  get_mapping (self)->readonly = readonly;
}

/**
 * sv_memory_backend_get_page_size:
 * @self: a memory backend
 *
 * Returns: bytes in a page of the memory, 0 before the object is complete
 */
gsize
sv_memory_backend_get_page_size (SvMemoryBackend *self)
{
  g_return_val_if_fail (SV_IS_MEMORY_BACKEND (self), 0);
  return get_mapping (self)->page_size;
}

/**
 * sv_memory_backend_check_size:
 * @self: a memory backend
 * @page_size: bytes in a page
 * @error: return location for an error
 *
 * For subclasses: checks that the size is a multiple of @page_size, before anything is made of that
 * size.
 *
 * Returns: whether it is
 */
gboolean
sv_memory_backend_check_size (SvMemoryBackend *self, gsize page_size, GError **error)
{
  SvMemoryMapping *mapping;

  g_return_val_if_fail (SV_IS_MEMORY_BACKEND (self), FALSE);
  mapping = get_mapping (self);

  /* off_t is signed */
  if (mapping->size % page_size == 0 && mapping->size <= G_MAXINT64)
    return TRUE;
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
               "property 'size' is %" G_GUINT64_FORMAT "; it must be a multiple of the page size, %" G_GSIZE_FORMAT
               " bytes, and below 8 EiB",
               mapping->size, page_size);
  prefix_error (self, error);
  return FALSE;
}

gboolean
sv_memory_backend_discard (SvMemoryBackend *self, guint64 offset, guint64 length, gboolean zero)
{
  return sv_memory_mapping_discard (get_mapping (self), offset, length, zero);
}

gboolean
sv_memory_backend_map_template (SvMemoryBackend *self, int fd, guint64 offset, GError **error)
{
  if (sv_memory_mapping_map_template (get_mapping (self), fd, offset, error))
    return TRUE;
  prefix_error (self, error);
  return FALSE;
}

/* To say again of the present mapping what was said of it changes nothing. */
gboolean
sv_memory_backend_check_template (SvMemoryBackend *self, GError **error)
{
  SvMemoryMapping *mapping = get_mapping (self);

  if (sv_memory_policy_apply (mapping->policy, (const char *const *)mapping->nodes, mapping->host, mapping->size, error))
    return TRUE;
  prefix_error (self, error);
  return FALSE;
}

int
sv_memory_backend_get_template (SvMemoryBackend *self)
{
  return get_mapping (self)->template;
}

const char *
sv_memory_backend_get_obstacle (SvMemoryBackend *self)
{
  SvMemoryMapping *mapping = get_mapping (self);

  if (mapping->page_size > (gsize)sysconf (_SC_PAGESIZE))
    return "guest memory is made of huge pages";
  if (mapping->share)
    return "guest memory is shared with others (mem-share, share=on)";
  if (mapping->fd >= 0)
    return "guest memory is a file (mem-path)";
  return NULL;
}
