/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-test-irqs.h"

#include <glib-unix.h>
#include <poll.h>
#include <unistd.h>

/* Devices of a guest that nobody looks after must not fill the host's memory. */
#define MAX_MESSAGES 65536u

typedef struct
{
  guint64 address;
  guint32 data;
} Message;

typedef struct
{
  gboolean level;
  gboolean pending; /* not seen to since it rose */
  guint rise;       /* the observation that it rose after */
} Line;

typedef struct
{
  SvTestIrqs *irqs;
  guint gsi;
  int fd;
  GSource *source;
} Wire;

struct _SvTestIrqs
{
  SvTestLineFunc changed;
  gpointer opaque;
  Line lines[SV_TEST_N_LINES];
  guint observations;
  GHashTable *routes; /* line to Message */
  GHashTable *messages; /* set of Message that came */
  GPtrArray *wires;
};

static guint
message_hash (gconstpointer key)
{
  const Message *message = key;
  gint64 mixed = (gint64)(message->address * 31 + message->data);

  return g_int64_hash (&mixed);
}

static gboolean
message_equal (gconstpointer a, gconstpointer b)
{
  const Message *x = a, *y = b;

  return x->address == y->address && x->data == y->data;
}

static Message *
message_new (guint64 address, guint32 data)
{
  Message *message = g_new (Message, 1);

  *message = (Message){ address, data };
  return message;
}

static void
wire_free (Wire *wire)
{
  g_source_destroy (wire->source);
  g_source_unref (wire->source);
  g_free (wire);
}

SvTestIrqs *
sv_test_irqs_new (SvTestLineFunc changed, gpointer opaque)
{
  SvTestIrqs *self = g_new0 (SvTestIrqs, 1);

  self->changed = changed;
  self->opaque = opaque;
  self->routes = g_hash_table_new_full (NULL, NULL, NULL, g_free);
  self->messages = g_hash_table_new_full (message_hash, message_equal, g_free, NULL);
  self->wires = g_ptr_array_new_with_free_func ((GDestroyNotify)wire_free);
  return self;
}

void
sv_test_irqs_free (SvTestIrqs *self)
{
  g_ptr_array_unref (self->wires);
  g_hash_table_unref (self->routes);
  g_hash_table_unref (self->messages);
  g_free (self);
}

void
sv_test_irqs_reset (SvTestIrqs *self)
{
  g_hash_table_remove_all (self->messages);
  for (guint i = 0; i < SV_TEST_N_LINES; i++)
    self->lines[i].pending = FALSE;
}

void
sv_test_irqs_set (SvTestIrqs *self, guint gsi, gboolean level)
{
  Line *line;

  if (gsi >= SV_TEST_N_LINES || self->lines[gsi].level == level)
    return;
  line = &self->lines[gsi];
  line->level = level;
  if (level)
    {
      line->pending = TRUE;
      line->rise = self->observations;
    }
  else if (line->rise != self->observations)
    {
      /* The test could see it high. What falls sooner was a pulse: that stays. */
      line->pending = FALSE;
    }
  self->changed (self->opaque, gsi, level);
}

void
sv_test_irqs_send (SvTestIrqs *self, guint64 address, guint32 data)
{
  if (g_hash_table_size (self->messages) < MAX_MESSAGES)
    g_hash_table_add (self->messages, message_new (address, data));
}

/* --- routes --- */

guint
sv_test_irqs_add_route (SvTestIrqs *self, guint64 address, guint32 data)
{
  guint gsi = SV_TEST_FIRST_ROUTE;

  while (g_hash_table_contains (self->routes, GUINT_TO_POINTER (gsi)))
    gsi++;
  g_hash_table_insert (self->routes, GUINT_TO_POINTER (gsi), message_new (address, data));
  return gsi;
}

void
sv_test_irqs_update_route (SvTestIrqs *self, guint gsi, guint64 address, guint32 data)
{
  g_hash_table_replace (self->routes, GUINT_TO_POINTER (gsi), message_new (address, data));
}

void
sv_test_irqs_remove_route (SvTestIrqs *self, guint gsi)
{
  g_hash_table_remove (self->routes, GUINT_TO_POINTER (gsi));
}

/* --- eventfds --- */

static void
edge (SvTestIrqs *self, guint gsi)
{
  const Message *message = g_hash_table_lookup (self->routes, GUINT_TO_POINTER (gsi));

  if (message != NULL)
    {
      sv_test_irqs_send (self, message->address, message->data);
      return;
    }
  sv_test_irqs_set (self, gsi, TRUE);
  sv_test_irqs_set (self, gsi, FALSE);
}

static void
take_wire (Wire *wire)
{
  struct pollfd poll_fd = { .fd = wire->fd, .events = POLLIN };
  guint64 count;

  if (poll (&poll_fd, 1, 0) == 1 && read (wire->fd, &count, sizeof count) == sizeof count)
    edge (wire->irqs, wire->gsi);
}

static gboolean
on_wire (gint fd, GIOCondition condition, gpointer user_data)
{
  take_wire (user_data);
  return G_SOURCE_CONTINUE;
}

void
sv_test_irqs_connect_fd (SvTestIrqs *self, guint gsi, int fd)
{
  Wire *wire = g_new (Wire, 1);

  *wire = (Wire){ self, gsi, fd, g_unix_fd_source_new (fd, G_IO_IN) };
  g_source_set_callback (wire->source, G_SOURCE_FUNC (on_wire), wire, NULL);
  g_source_attach (wire->source, NULL);
  g_ptr_array_add (self->wires, wire);
}

void
sv_test_irqs_disconnect_fd (SvTestIrqs *self, guint gsi, int fd)
{
  for (guint i = 0; i < self->wires->len; i++)
    {
      Wire *wire = g_ptr_array_index (self->wires, i);

      if (wire->gsi != gsi || wire->fd != fd)
        continue;
      /* As KVM does: what was written before still interrupts. */
      take_wire (wire);
      g_ptr_array_remove_index_fast (self->wires, i);
      return;
    }
}

/* --- what the test asks --- */

void
sv_test_irqs_observe (SvTestIrqs *self)
{
  for (guint i = 0; i < self->wires->len; i++)
    take_wire (g_ptr_array_index (self->wires, i));
  self->observations++;
}

gboolean
sv_test_irqs_query_line (SvTestIrqs *self, guint gsi)
{
  return gsi < SV_TEST_N_LINES && self->lines[gsi].pending;
}

gboolean
sv_test_irqs_end_line (SvTestIrqs *self, guint gsi)
{
  gboolean pending = sv_test_irqs_query_line (self, gsi);

  if (pending)
    self->lines[gsi].pending = FALSE;
  return pending;
}

gboolean
sv_test_irqs_take_message (SvTestIrqs *self, guint64 address, guint32 data)
{
  const Message wanted = { address, data };

  return g_hash_table_remove (self->messages, &wanted);
}
