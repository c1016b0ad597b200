/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-device.h"
#include "hw/core/sv-irq.h"
#include "src/memory/sv-memory-region.h"

G_BEGIN_DECLS

/**
 * SvSerial:
 *
 * A serial port of a PC (`isa-serial`): a 16550A with both FIFOs, all interrupts and loopback. It sits on an ISA bus, or
 * a machine maps its registers and sets its interrupt line.
 */
#define SV_TYPE_SERIAL (sv_serial_get_type ())
SV_API G_DECLARE_FINAL_TYPE (SvSerial, sv_serial, SV, SERIAL, SvDevice)

SV_API SvMemoryRegion *sv_serial_get_region (SvSerial *self); /* (transfer none): 8 bytes */
SV_API void sv_serial_set_irq (SvSerial *self, SvIrq *irq);   /* before it is realized; on an ISA bus, `irq` says it */
/* Brings writes that the kernel keeps back to the device; the default asks the machine's accelerator. */
typedef void (*SvSerialFlushFunc) (gpointer opaque);
SV_API void sv_serial_set_flush_func (SvSerial *self, SvSerialFlushFunc func, gpointer opaque);

G_END_DECLS
