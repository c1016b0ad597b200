/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"
#include "src/memory/sv-memory-backend.h"

G_BEGIN_DECLS

/**
 * SvMemoryRegion:
 *
 * A piece of an address space: RAM, registers (IO), a container of other regions, or an alias of a
 * part of another region. Containers hold their subregions with a reference. Regions are changed
 * under the VM lock.
 */
#define SV_TYPE_MEMORY_REGION (sv_memory_region_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvMemoryRegion, sv_memory_region, SV, MEMORY_REGION, GObject)

/**
 * SvMemoryRegionOps:
 * @read: value at @offset, in the low @size bytes
 * @write: stores the low @size bytes
 * @min_access: smallest access the device takes, in bytes (0: 1)
 * @max_access: largest access the device takes (0: 8); larger ones are split, smaller ones than
 *   @min_access read all-ones and write nothing
 *
 * Register callbacks; they run under the VM lock. Offset plus size never exceeds the region.
 */
typedef struct
{
  guint64 (*read) (gpointer opaque, guint64 offset, guint size);
  void (*write) (gpointer opaque, guint64 offset, guint64 value, guint size);
  guint8 min_access;
  guint8 max_access;
} SvMemoryRegionOps;

SV_API SvMemoryRegion *sv_memory_region_new_container (const char *name, guint64 size);
/* @opaque is not referenced: remove the region before it goes. */
SV_API SvMemoryRegion *sv_memory_region_new_io (const char *name, guint64 size,
                                                const SvMemoryRegionOps *ops, gpointer opaque);
/*
 * Registers whose reads have no side effect. They are read straight from memory, by the guest without an exit where
 * the accelerator can do that; the device keeps what sv_memory_region_get_rom() points to up to date.
 * Only writes call @ops. @size is a multiple of the page size.
 */
SV_API SvMemoryRegion *sv_memory_region_new_rom_device (const char *name, guint64 size,
                                                        const SvMemoryRegionOps *ops, gpointer opaque);
SV_API guint8 *sv_memory_region_get_rom (SvMemoryRegion *self);
/* @rom FALSE: reads call @ops, too, until it is TRUE again. */
SV_API void sv_memory_region_set_rom_mode (SvMemoryRegion *self, gboolean rom);
/* References the backend, which must be complete. */
SV_API SvMemoryRegion *sv_memory_region_new_ram (const char *name, SvMemoryBackend *backend);
SV_API SvMemoryRegion *sv_memory_region_new_alias (const char *name, SvMemoryRegion *target,
                                                   guint64 offset, guint64 size);

SV_API const char *sv_memory_region_get_name (SvMemoryRegion *self);
SV_API guint64 sv_memory_region_get_size (SvMemoryRegion *self);
SV_API SvMemoryBackend *sv_memory_region_get_backend (SvMemoryRegion *self); /* (transfer none) (nullable) */

/* Higher priority hides lower where they overlap; equal ones: the one added later is above. */
SV_API void sv_memory_region_add (SvMemoryRegion *container, guint64 offset, SvMemoryRegion *region,
                                  gint priority);
SV_API void sv_memory_region_remove (SvMemoryRegion *container, SvMemoryRegion *region);
SV_API void sv_memory_region_set_enabled (SvMemoryRegion *self, gboolean enabled);
SV_API void sv_memory_region_set_readonly (SvMemoryRegion *self, gboolean readonly);

/* A guest write of @size bytes (0: any) at @offset (of @value, when @match) signals @fd in the kernel. */
SV_API void sv_memory_region_add_ioeventfd (SvMemoryRegion *self, guint64 offset, guint size,
                                            gboolean match, guint64 value, int fd);
SV_API void sv_memory_region_remove_ioeventfd (SvMemoryRegion *self, guint64 offset, guint size,
                                               gboolean match, guint64 value, int fd);
/* Writes to this part may be kept in the kernel and replayed, in order, before the next exit is
 * handled (KVM_CAP_COALESCED_PIO). @size 0 switches it off. */
SV_API void sv_memory_region_set_coalesced (SvMemoryRegion *self, guint64 offset, guint64 size);

G_END_DECLS
