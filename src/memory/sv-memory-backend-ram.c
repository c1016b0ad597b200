/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/memory/sv-memory-backend.h"
#include "src/migration/sv-migratable.h"

/**
 * SvMemoryBackendRam:
 *
 * Anonymous memory (wire name `memory-backend-ram`).
 */
G_DECLARE_FINAL_TYPE (
    SvMemoryBackendRam, sv_memory_backend_ram, SV, MEMORY_BACKEND_RAM, SvMemoryBackend)

struct _SvMemoryBackendRam
{
  SvMemoryBackend parent_instance;
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvMemoryBackendRam, sv_memory_backend_ram, SV_TYPE_MEMORY_BACKEND,
                               SV_MIGRATABLE_STATELESS ("memory is saved apart"))

static gboolean
sv_memory_backend_ram_open (SvMemoryBackend *backend, int *fd, gsize *page_size, GError **error)
{
  return sv_memory_backend_check_size (backend, *page_size, error);
}

static void
sv_memory_backend_ram_init (SvMemoryBackendRam *self)
{
}

static void
sv_memory_backend_ram_class_init (SvMemoryBackendRamClass *klass)
{
  SV_MEMORY_BACKEND_CLASS (klass)->open = sv_memory_backend_ram_open;
}
