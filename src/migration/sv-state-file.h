/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/migration/sv-migratable.h"

G_BEGIN_DECLS

/*
 * The state of a VM as bytes: a header with magic, version, length and checksum, and a GVariant of SV_STATE_TYPE, little-endian:
 * a description of the VM, and of each object with state its path and what sv_migratable_dup() made of it.
 */
#define SV_STATE_TYPE "(a{sv}a(sa(suv)))"
#define SV_STATE_HEADER_SIZE 56u
/* More is no state: memory is elsewhere. */
#define SV_STATE_MAX_SIZE (256u << 20)

/* (transfer full) */
SV_API GBytes *sv_state_pack (GVariant *state);
/* Takes any bytes. NULL with an error unless they are what sv_state_pack() made. (transfer full) */
SV_API GVariant *sv_state_unpack (GBytes *bytes, GError **error);

G_END_DECLS
