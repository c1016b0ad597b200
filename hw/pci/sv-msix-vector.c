/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/pci/sv-msix-vector.h"

#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "src/runtime/sv-io-ring.h"

/* One eventfd of a vector: its own, or somebody else's. */
typedef struct
{
  int fd;
  gboolean connected; /* to the accelerator */
  GSource *source;    /* where the accelerator takes no eventfds */
} Wire;

/* --- wires --- */

static gboolean
on_wire (gint fd, GIOCondition condition, gpointer user_data)
{
  SvMsixVector *self = user_data;
  guint64 count;

  if (read (fd, &count, sizeof count) == sizeof count && self->accel != NULL)
    sv_accel_send_msi (self->accel, self->address, self->data);
  return G_SOURCE_CONTINUE;
}

/* An eventfd that was written to while it was apart interrupts as soon as it is connected. */
static void
connect_wire (SvMsixVector *self, Wire *wire)
{
  if (self->gsi >= 0 && sv_accel_set_irqfd (self->accel, (guint)self->gsi, wire->fd, TRUE, NULL))
    {
      wire->connected = TRUE;
      return;
    }
  wire->source = g_unix_fd_source_new (wire->fd, G_IO_IN);
  g_source_set_callback (wire->source, G_SOURCE_FUNC (on_wire), self, NULL);
  g_source_attach (wire->source, NULL);
}

static void
disconnect_wire (SvMsixVector *self, Wire *wire)
{
  if (wire->connected)
    sv_accel_set_irqfd (self->accel, (guint)self->gsi, wire->fd, FALSE, NULL);
  wire->connected = FALSE;
  if (wire->source != NULL)
    g_source_destroy (wire->source);
  g_clear_pointer (&wire->source, g_source_unref);
}

static gboolean
is_written (int fd)
{
  struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

  return poll (&poll_fd, 1, 0) > 0;
}

static void
drain (int fd)
{
  guint64 count;

  /* Nothing there is as good. */
  if (read (fd, &count, sizeof count) < 0)
    return;
}

/* --- the vector --- */

static Wire *
get_wire (const SvMsixVector *self, guint i)
{
  return self->wires != NULL && i < self->wires->len ? &g_array_index (self->wires, Wire, i) : NULL;
}

void
sv_msix_vector_init (SvMsixVector *self, SvAccel *accel)
{
  *self = (SvMsixVector){ .accel = accel, .gsi = -1 };
}

gboolean
sv_msix_vector_open (SvMsixVector *self, GError **error)
{
  Wire wire = { .fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK) };

  if (wire.fd < 0)
    {
      int code = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
                   "cannot make an eventfd for an interrupt: %s", g_strerror (code));
      return FALSE;
    }
  self->wires = g_array_new (FALSE, FALSE, sizeof (Wire));
  g_array_append_val (self->wires, wire);
  return TRUE;
}

void
sv_msix_vector_clear (SvMsixVector *self)
{
  Wire *wire;

  for (guint i = 0; (wire = get_wire (self, i)) != NULL; i++)
    disconnect_wire (self, wire);
  if (self->wires != NULL)
    {
      /* It may be on its way to the kernel. */
      sv_io_ring_settle ();
      close (get_wire (self, 0)->fd);
    }
  g_clear_pointer (&self->wires, g_array_unref);
  if (self->gsi >= 0)
    sv_accel_remove_msi_route (self->accel, (guint)self->gsi);
  sv_msix_vector_init (self, self->accel);
}

static void
set_route (SvMsixVector *self)
{
  g_autoptr (GError) error = NULL;

  if (self->accel == NULL)
    return;
  if (self->gsi < 0)
    self->gsi = sv_accel_add_msi_route (self->accel, self->address, self->data, &error);
  else
    sv_accel_update_msi_route (self->accel, (guint)self->gsi, self->address, self->data, &error);
  if (error != NULL)
    g_debug ("message 0x%x to 0x%" G_GINT64_MODIFIER "x: %s", self->data, self->address,
             error->message);
}

void
sv_msix_vector_update (SvMsixVector *self, gboolean live, guint64 address, guint32 data)
{
  gboolean changed;
  Wire *wire;

  live = live && self->wires != NULL;
  changed = live != self->live;
  self->live = live;
  if (live && (changed || address != self->address || data != self->data))
    {
      self->address = address;
      self->data = data;
      set_route (self);
    }
  for (guint i = 0; changed && (wire = get_wire (self, i)) != NULL; i++)
    {
      if (live)
        connect_wire (self, wire);
      else
        disconnect_wire (self, wire);
    }
}

gboolean
sv_msix_vector_is_written (const SvMsixVector *self)
{
  Wire *wire;

  for (guint i = 0; (wire = get_wire (self, i)) != NULL; i++)
    if (is_written (wire->fd))
      return TRUE;
  return FALSE;
}

void
sv_msix_vector_drain (SvMsixVector *self)
{
  Wire *wire;

  for (guint i = 0; (wire = get_wire (self, i)) != NULL; i++)
    drain (wire->fd);
}

int
sv_msix_vector_get_fd (const SvMsixVector *self)
{
  return get_wire (self, 0)->fd;
}

void
sv_msix_vector_connect (SvMsixVector *self, int fd)
{
  Wire wire = { .fd = fd };

  if (self->live)
    connect_wire (self, &wire);
  g_array_append_val (self->wires, wire);
}

void
sv_msix_vector_disconnect (SvMsixVector *self, int fd)
{
  Wire *wire;

  for (guint i = 1; (wire = get_wire (self, i)) != NULL; i++)
    {
      if (wire->fd != fd)
        continue;
      disconnect_wire (self, wire);
      g_array_remove_index (self->wires, i);
      return;
    }
}
