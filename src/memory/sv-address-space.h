/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/memory/sv-memory-region.h"

G_BEGIN_DECLS

/**
 * SvAddressSpace:
 *
 * What a processor sees at each address: the tree of regions below a root, flattened into a sorted
 * array (the flat view) that is published atomically. Readers never lock: a thread that enters the
 * space pins the view until it leaves.
 */
#define SV_TYPE_ADDRESS_SPACE (sv_address_space_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvAddressSpace, sv_address_space, SV, ADDRESS_SPACE, GObject)

/**
 * SvFlatRange:
 * @start: first address
 * @size: length in bytes
 * @region: leaf region (RAM or IO)
 * @offset: where in @region the range starts
 * @host: host address of @start for RAM, otherwise %NULL
 */
typedef struct
{
  guint64 start;
  guint64 size;
  SvMemoryRegion *region;
  guint64 offset;
  guint8 *host;
  gboolean readonly;
} SvFlatRange;

typedef struct _SvFlatView SvFlatView;

typedef enum
{
  SV_MEMORY_READ,
  SV_MEMORY_WRITE,
} SvMemoryDirection;

SV_API SvAddressSpace *sv_address_space_new (const char *name, SvMemoryRegion *root);
SV_API SvMemoryRegion *sv_address_space_get_root (SvAddressSpace *self); /* (transfer none) */

/* Pins the current view for this thread; nests. Views pinned by no thread are freed after a change. */
SV_API const SvFlatView *sv_address_space_enter (SvAddressSpace *self);
SV_API void sv_address_space_leave (SvAddressSpace *self);
/* Range that holds @address, NULL for a hole. */
SV_API const SvFlatRange *sv_flat_view_lookup (const SvFlatView *view, guint64 address);
SV_API const SvFlatRange *sv_flat_view_get_ranges (const SvFlatView *view, gsize *n_ranges);
/*
 * The only way to guest memory: a host pointer to @length bytes at @address, all within one RAM
 * range, or NULL (hole, registers, read-only memory with SV_MEMORY_WRITE, overflow). Valid until the
 * space is left.
 */
SV_API gpointer sv_flat_view_map (const SvFlatView *view, guint64 address, guint64 length,
                                  SvMemoryDirection direction);

/* Copies to and from RAM, across ranges; FALSE (and nothing past the first bad byte) when some of it is no RAM. */
SV_API gboolean sv_address_space_read (SvAddressSpace *self, guint64 address, gpointer buffer, gsize length);
SV_API gboolean sv_address_space_write (SvAddressSpace *self, guint64 address, gconstpointer buffer,
                                        gsize length);
SV_API gboolean sv_address_space_fill (SvAddressSpace *self, guint64 address, guint8 byte, guint64 length);

/*
 * Gives the memory of whole pages within @length bytes back to the host; RAM keeps its place and reads as anything
 * until it is written, as zeroes with @zero. By guest address, or by a host pointer from sv_flat_view_map().
 * Returns the number of bytes given back: less when something is no RAM that can be given back.
 */
SV_API guint64 sv_address_space_discard (SvAddressSpace *self, guint64 address, guint64 length,
                                         gboolean zero);
SV_API guint64 sv_address_space_discard_mapped (SvAddressSpace *self, gpointer host, guint64 length,
                                                gboolean zero);

/*
 * An access by a processor (a KVM exit, a test accelerator): registers are called under the VM
 * lock (taken unless this thread holds it already), RAM is accessed directly. @size is 1 to 8. Holes read all-ones.
 */
SV_API guint64 sv_address_space_io_read (SvAddressSpace *self, guint64 address, guint size);
SV_API void sv_address_space_io_write (SvAddressSpace *self, guint64 address, guint64 value, guint size);

/**
 * SvMemoryListener:
 *
 * Hears what changes when a new view is published: an accelerator keeps its memory slots, ioeventfds
 * and coalesced zones in step. Ranges that did not change are not told again; removals come before additions.
 */
typedef struct
{
  void (*ram_add) (gpointer opaque, const SvFlatRange *range);
  void (*ram_remove) (gpointer opaque, const SvFlatRange *range);
  void (*ioeventfd_add) (gpointer opaque, guint64 address, guint size, gboolean match, guint64 value, int fd);
  void (*ioeventfd_remove) (gpointer opaque, guint64 address, guint size, gboolean match, guint64 value, int fd);
  void (*coalesced_add) (gpointer opaque, guint64 address, guint64 size);
  void (*coalesced_remove) (gpointer opaque, guint64 address, guint64 size);
} SvMemoryListener;

/* Tells the present state at once as additions. */
SV_API void sv_address_space_add_listener (SvAddressSpace *self, const SvMemoryListener *listener, gpointer opaque);
SV_API void sv_address_space_remove_listener (SvAddressSpace *self, const SvMemoryListener *listener, gpointer opaque);

/* Between begin and commit (they nest) no view is built: start-up makes each view once. */
SV_API void sv_memory_transaction_begin (void);
SV_API void sv_memory_transaction_commit (void);

G_END_DECLS
