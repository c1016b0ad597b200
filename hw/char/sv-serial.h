/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-isa-device.h"

G_BEGIN_DECLS

/**
 * SvSerial:
 *
 * A serial port of a PC (`isa-serial`): a 16550A with both FIFOs, all interrupts and loopback.
 */
#define SV_TYPE_SERIAL (sv_serial_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvSerial, sv_serial, SV, SERIAL, SvIsaDevice)

/* Brings writes that the kernel keeps back to the device; the default asks the machine's accelerator. */
typedef void (*SvSerialFlushFunc) (gpointer opaque);
SV_API void sv_serial_set_flush_func (SvSerial *self, SvSerialFlushFunc func, gpointer opaque);

G_END_DECLS
