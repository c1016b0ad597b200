/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

#include "qom/sv-api.h"

G_BEGIN_DECLS

/**
 * SvIrq:
 *
 * One interrupt line: what a device drives and an interrupt controller (or the accelerator's) listens to. Reference counted
 * (boxed). A line that ends in the kernel's interrupt controller also offers an irqfd, so that threads without the
 * VM lock can interrupt the guest.
 */
typedef struct _SvIrq SvIrq;

typedef void (*SvIrqFunc) (gpointer opaque, guint line, gboolean level);
/* Connects (fd >= 0) or disconnects an eventfd that pulses the line; FALSE when the line cannot. */
typedef gboolean (*SvIrqFdFunc) (gpointer opaque, guint line, int fd, gboolean connect, GError **error);

#define SV_TYPE_IRQ (sv_irq_get_type ())
SV_API GType sv_irq_get_type (void);
SV_API SvIrq *sv_irq_new (SvIrqFunc func, SvIrqFdFunc fd_func, gpointer opaque, guint line);
SV_API SvIrq *sv_irq_ref (SvIrq *irq);
SV_API void sv_irq_unref (SvIrq *irq);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SvIrq, sv_irq_unref)

SV_API guint sv_irq_get_line (SvIrq *irq);      /* GSI on x86 */
SV_API void sv_irq_set (SvIrq *irq, gboolean level);
SV_API void sv_irq_pulse (SvIrq *irq);          /* an edge */
SV_API gboolean sv_irq_connect_fd (SvIrq *irq, int fd, GError **error);
SV_API void sv_irq_disconnect_fd (SvIrq *irq, int fd);

G_END_DECLS
