/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/pci/sv-pci-device.h"

G_BEGIN_DECLS

#define SV_MSIX_MAX_VECTORS 2048u
#define SV_MSIX_ENTRY_SIZE 16u

/**
 * SvMsix:
 *
 * MSI-X of a function (PCIe 6.0 §7.7.2): capability, table and pending bits. A vector is
 * interrupted by writing to its eventfd, from any thread. While the guest can take it, the eventfd
 * is connected to the accelerator and the interrupt does not pass user space; while it is masked,
 * the eventfd's counter is the pending bit.
 */
typedef struct _SvMsix SvMsix;

/*
 * In the device's setup: adds the capability and puts table and pending bits into @bar (a
 * container), at
 * @table_offset and @pba_offset; @bar_number is where the device shows it.
 */
SV_API SvMsix *sv_msix_new (SvPciDevice *device,
                            guint n_vectors,
                            SvMemoryRegion *bar,
                            guint bar_number,
                            guint32 table_offset,
                            guint32 pba_offset);
SV_API void sv_msix_free (SvMsix *self);
/* Bytes of a table of @n_vectors and its pending bits */
SV_API guint sv_msix_table_size (guint n_vectors);
SV_API guint sv_msix_pba_size (guint n_vectors);

/* From the device's vfuncs of these names */
SV_API void sv_msix_reset (SvMsix *self);
SV_API void sv_msix_config_written (SvMsix *self);

SV_API guint sv_msix_get_n_vectors (SvMsix *self);
SV_API gboolean sv_msix_is_enabled (SvMsix *self);
/*
 * The device begins and ends to use a vector; calls nest. Returns the vector's eventfd, open until
 * the last release; -1 with @error set. VM lock held.
 */
SV_API int sv_msix_use (SvMsix *self, guint vector, GError **error);
SV_API void sv_msix_release (SvMsix *self, guint vector);
/* An eventfd of somebody else (the kernel's vhost) that interrupts for a vector in use, too. */
SV_API gboolean sv_msix_connect_fd (SvMsix *self, guint vector, int fd, GError **error);
SV_API void sv_msix_disconnect_fd (SvMsix *self, guint vector, int fd);
/*
 * State for a snapshot (floating): the table, and which vectors are pending. Configuration space is loaded before, vectors are
 * in use when all is loaded.
 */
#define SV_MSIX_STATE_TYPE "(ayaq)"
SV_API GVariant *sv_msix_dup_state (SvMsix *self);
SV_API gboolean sv_msix_load_state (SvMsix *self, GVariant *state, GError **error);
SV_API void sv_msix_loaded (SvMsix *self);
/* Interrupts for a vector in use. Any thread. */
SV_API void sv_msix_notify (SvMsix *self, guint vector);

G_END_DECLS
