/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-test-access.h"

#include <string.h>
#include <unistd.h>

typedef struct
{
  SvAddressSpace *space;
  guint64 address;
  guint size; /* 0: any */
  gboolean match;
  guint64 value;
  int fd;
} Doorbell;

struct _SvTestAccess
{
  SvAddressSpace *memory;
  SvAddressSpace *io;
  GArray *doorbells; /* of Doorbell */
};

static gboolean
ring_doorbells (SvTestAccess *self, SvAddressSpace *space, guint64 address, guint64 value, guint size)
{
  const GArray *doorbells = self->doorbells;
  const guint64 one = 1;
  guint64 mask = size < 8 ? (G_GUINT64_CONSTANT (1) << 8 * size) - 1 : G_MAXUINT64;

  for (guint i = 0; i < doorbells->len; i++)
    {
      const Doorbell *doorbell = &g_array_index (doorbells, Doorbell, i);

      if (doorbell->space != space || doorbell->address != address
          || (doorbell->size != 0 && doorbell->size != size)
          || (doorbell->match && doorbell->value != (value & mask)))
        continue;
      /* A full counter is as good. */
      if (write (doorbell->fd, &one, sizeof one) < 0)
        return TRUE;
      return TRUE;
    }
  return FALSE;
}

static guint
piece_size (guint64 address, gsize length)
{
  guint size = 8;

  if (length == 1 || length == 2 || length == 4 || length == 8)
    return (guint)length;
  while (size > length || (address & (size - 1)) != 0)
    size /= 2;
  return size;
}

guint64
sv_test_access_read_number (SvTestAccess *self, SvAddressSpace *space, guint64 address, guint size)
{
  return sv_address_space_io_read (space, address, size);
}

void
sv_test_access_write_number (SvTestAccess *self,
                            SvAddressSpace *space,
                            guint64 address,
                            guint64 value,
                            guint size)
{
  if (!ring_doorbells (self, space, address, value, size))
    sv_address_space_io_write (space, address, value, size);
}

void
sv_test_access_read (
    SvTestAccess *self, SvAddressSpace *space, guint64 address, guint8 *data, gsize length)
{
  if (sv_address_space_read (space, address, data, length))
    return;
  while (length > 0)
    {
      guint size = piece_size (address, length);
      guint64 value = GUINT64_TO_LE (sv_test_access_read_number (self, space, address, size));

      memcpy (data, &value, size);
      data += size;
      address += size;
      length -= size;
    }
}

void
sv_test_access_write (
    SvTestAccess *self, SvAddressSpace *space, guint64 address, const guint8 *data, gsize length)
{
  if (sv_address_space_write (space, address, data, length))
    return;
  while (length > 0)
    {
      guint size = piece_size (address, length);
      guint64 value = 0;

      memcpy (&value, data, size);
      sv_test_access_write_number (self, space, address, GUINT64_FROM_LE (value), size);
      data += size;
      address += size;
      length -= size;
    }
}

static void
add_doorbell (SvTestAccess *self,
              SvAddressSpace *space,
              guint64 address,
              guint size,
              gboolean match,
              guint64 value,
              int fd)
{
  Doorbell doorbell = { space, address, size, match, value, fd };

  g_array_append_val (self->doorbells, doorbell);
}

static void
remove_doorbell (SvTestAccess *self, SvAddressSpace *space, guint64 address, guint size, int fd)
{
  GArray *doorbells = self->doorbells;

  for (guint i = 0; i < doorbells->len; i++)
    {
      const Doorbell *doorbell = &g_array_index (doorbells, Doorbell, i);

      if (doorbell->space == space && doorbell->address == address && doorbell->size == size
          && doorbell->fd == fd)
        {
          g_array_remove_index_fast (doorbells, i);
          return;
        }
    }
}

static void
memory_doorbell_add (
    gpointer opaque, guint64 address, guint size, gboolean match, guint64 value, int fd)
{
  add_doorbell (opaque, ((SvTestAccess *)opaque)->memory, address, size, match, value, fd);
}

static void
memory_doorbell_remove (
    gpointer opaque, guint64 address, guint size, gboolean match, guint64 value, int fd)
{
  remove_doorbell (opaque, ((SvTestAccess *)opaque)->memory, address, size, fd);
}

static void
io_doorbell_add (gpointer opaque, guint64 address, guint size, gboolean match, guint64 value, int fd)
{
  add_doorbell (opaque, ((SvTestAccess *)opaque)->io, address, size, match, value, fd);
}

static void
io_doorbell_remove (
    gpointer opaque, guint64 address, guint size, gboolean match, guint64 value, int fd)
{
  remove_doorbell (opaque, ((SvTestAccess *)opaque)->io, address, size, fd);
}

static const SvMemoryListener memory_listener = {
  .ioeventfd_add = memory_doorbell_add,
  .ioeventfd_remove = memory_doorbell_remove,
};

static const SvMemoryListener io_listener = {
  .ioeventfd_add = io_doorbell_add,
  .ioeventfd_remove = io_doorbell_remove,
};

SvTestAccess *
sv_test_access_new (SvAddressSpace *memory, SvAddressSpace *io)
{
  SvTestAccess *self = g_new0 (SvTestAccess, 1);

  self->memory = g_object_ref (memory);
  self->doorbells = g_array_new (FALSE, FALSE, sizeof (Doorbell));
  sv_address_space_add_listener (memory, &memory_listener, self);
  if (io == NULL)
    return self;
  self->io = g_object_ref (io);
  sv_address_space_add_listener (io, &io_listener, self);
  return self;
}

void
sv_test_access_free (SvTestAccess *self)
{
  sv_address_space_remove_listener (self->memory, &memory_listener, self);
  if (self->io != NULL)
    sv_address_space_remove_listener (self->io, &io_listener, self);
  g_clear_object (&self->memory);
  g_clear_object (&self->io);
  g_array_unref (self->doorbells);
  g_free (self);
}
