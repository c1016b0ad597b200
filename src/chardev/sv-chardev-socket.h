/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/chardev/sv-chardev.h"

G_BEGIN_DECLS

/**
 * SvChardevSocket:
 *
 * A unix or TCP stream socket (`chardev-socket`), server or client, or an inherited descriptor. A front end talks to one
 * peer at a time, the next one waits to be accepted; a monitor gets them all.
 */
#define SV_TYPE_CHARDEV_SOCKET (sv_chardev_socket_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvChardevSocket, sv_chardev_socket, SV, CHARDEV_SOCKET, SvChardev)

G_END_DECLS
