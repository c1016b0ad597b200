/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/core/sv-irq.h"

struct _SvIrq
{
  gatomicrefcount ref_count;
  SvIrqFunc func;
  SvIrqFdFunc fd_func;
  gpointer opaque;
  guint line;
};

G_DEFINE_BOXED_TYPE (SvIrq, sv_irq, sv_irq_ref, sv_irq_unref)

/**
 * sv_irq_new: (skip)
 * @func: called when the line changes
 * @fd_func: (nullable): connects eventfds to the line
 * @opaque: for both
 * @line: number of the line at its controller
 *
 * Returns: (transfer full): a line, low
 */
SvIrq *
sv_irq_new (SvIrqFunc func, SvIrqFdFunc fd_func, gpointer opaque, guint line)
{
  SvIrq *irq = g_new0 (SvIrq, 1);

  g_atomic_ref_count_init (&irq->ref_count);
  irq->func = func;
  irq->fd_func = fd_func;
  irq->opaque = opaque;
  irq->line = line;
  return irq;
}

SvIrq *
sv_irq_ref (SvIrq *irq)
{
  g_atomic_ref_count_inc (&irq->ref_count);
  return irq;
}

void
sv_irq_unref (SvIrq *irq)
{
  if (g_atomic_ref_count_dec (&irq->ref_count))
    g_free (irq);
}

/**
 * sv_irq_get_line:
 * @irq: a line
 *
 * Returns: the line's number; the global system interrupt (GSI) on x86
 */
guint
sv_irq_get_line (SvIrq *irq)
{
  return irq->line;
}

/**
 * sv_irq_set:
 * @irq: a line
 * @level: %TRUE for asserted
 *
 * Drives the line. VM lock held.
 */
void
sv_irq_set (SvIrq *irq, gboolean level)
{
  irq->func (irq->opaque, irq->line, level);
}

/**
 * sv_irq_pulse:
 * @irq: a line
 *
 * Asserts and releases the line: an edge. VM lock held.
 */
void
sv_irq_pulse (SvIrq *irq)
{
  irq->func (irq->opaque, irq->line, TRUE);
  irq->func (irq->opaque, irq->line, FALSE);
}

/**
 * sv_irq_connect_fd:
 * @irq: a line
 * @fd: an eventfd
 * @error: return location
 *
 * From now on a write to @fd, from any thread, is an edge on the line.
 *
 * Returns: %FALSE when the line's controller takes no eventfds
 */
gboolean
sv_irq_connect_fd (SvIrq *irq, int fd, GError **error)
{
  if (irq->fd_func == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                   "interrupt line %u takes no eventfd", irq->line);
      return FALSE;
    }
  return irq->fd_func (irq->opaque, irq->line, fd, TRUE, error);
}

/**
 * sv_irq_disconnect_fd:
 * @irq: a line
 * @fd: an eventfd that sv_irq_connect_fd() took
 *
 * The reverse of sv_irq_connect_fd().
 */
void
sv_irq_disconnect_fd (SvIrq *irq, int fd)
{
  if (irq->fd_func != NULL)
    irq->fd_func (irq->opaque, irq->line, fd, FALSE, NULL);
}
