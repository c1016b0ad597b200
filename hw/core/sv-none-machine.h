/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-machine.h"

G_BEGIN_DECLS

/**
 * SvNoneMachine:
 *
 * The machine `none`: answers questions about what this program can do, runs no guest.
 */
#define SV_TYPE_NONE_MACHINE (sv_none_machine_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvNoneMachine, sv_none_machine, SV, NONE_MACHINE, SvMachine)

G_END_DECLS
