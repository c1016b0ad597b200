/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "src/memory/sv-address-space.h"
#include "src/memory/sv-dirty-log.h"
#include "src/memory/sv-flat-view.h"
#include "src/memory/sv-memory-region-private.h"
#include "src/runtime/sv-log.h"
#include "src/runtime/sv-tsan.h"
#include "src/runtime/sv-vm-lock.h"

/*
 * Devices whose callbacks this thread is in, innermost first. A device that by its registers can be
 * made to access registers is not entered a second time: it would find its state half changed.
 */
typedef struct _Frame Frame;
struct _Frame
{
  gconstpointer device;
  const Frame *outer;
};

static _Thread_local const Frame *innermost;

static gboolean
is_entered (gconstpointer device)
{
  for (const Frame *frame = innermost; frame != NULL; frame = frame->outer)
    {
      if (frame->device == device)
        return TRUE;
    }
  return FALSE;
}

static guint64
mask_of (guint size)
{
  return size >= 8 ? G_MAXUINT64 : (G_GUINT64_CONSTANT (1) << (size * 8)) - 1;
}

/* Guest memory is shared with processors: one load or store where the size allows, never byte by
 * byte. */
SV_NO_TSAN static guint64
load (const guint8 *host, guint size)
{
  guint64 value = 0;

  if (size == 1)
    return __atomic_load_n (host, __ATOMIC_RELAXED);
  if (size == 2 && GPOINTER_TO_SIZE (host) % 2 == 0)
    return GUINT16_FROM_LE (__atomic_load_n ((const guint16 *)host, __ATOMIC_RELAXED));
  if (size == 4 && GPOINTER_TO_SIZE (host) % 4 == 0)
    return GUINT32_FROM_LE (__atomic_load_n ((const guint32 *)host, __ATOMIC_RELAXED));
  if (size == 8 && GPOINTER_TO_SIZE (host) % 8 == 0)
    return GUINT64_FROM_LE (__atomic_load_n ((const guint64 *)host, __ATOMIC_RELAXED));
  memcpy (&value, host, size);
  return GUINT64_FROM_LE (value);
}

SV_NO_TSAN static void
store (guint8 *host, guint64 value, guint size)
{
  guint64 v64 = GUINT64_TO_LE (value);
  guint32 v32 = GUINT32_TO_LE ((guint32)value);
  guint16 v16 = GUINT16_TO_LE ((guint16)value);

  switch (size)
    {
    case 1:
      *host = (guint8)value;
      break;
    case 2:
      memcpy (host, &v16, sizeof v16);
      break;
    case 4:
      memcpy (host, &v32, sizeof v32);
      break;
    case 8:
      memcpy (host, &v64, sizeof v64);
      break;
    default:
      memcpy (host, &v64, size);
    }
}

/* Largest naturally aligned access at @offset of at most @length bytes that @region takes */
static guint
access_size (const SvMemoryRegion *region, guint64 offset, guint64 length)
{
  guint size = region->ops.max_access;

  while (size > length || (offset & (size - 1)) != 0)
    size /= 2;
  return size;
}

static void
call_register (SvMemoryRegion *region, guint64 offset, guint64 *value, guint size, gboolean write)
{
  Frame frame = { region->opaque != NULL ? region->opaque : region, innermost };

  if (!write)
    *value = mask_of (size);
  if (size < region->ops.min_access)
    return;
  if (is_entered (frame.device))
    {
      sv_log_guest ("region '%s' refuses an access by its own device", region->name);
      return;
    }

  innermost = &frame;
  if (write && region->ops.write != NULL)
    region->ops.write (region->opaque, offset, *value & mask_of (size), size);
  else if (!write && region->ops.read != NULL)
    *value = region->ops.read (region->opaque, offset, size) & mask_of (size);
  innermost = frame.outer;
}

/*
 * Handles the first bytes of an access and returns how many. Under the VM lock: the view that is
 * entered here is the one that holds now, and stays so until a callback changes it; so each
 * callback is followed by a new look-up.
 */
static guint
access_piece (SvAddressSpace *self, guint64 address, guint64 *value, guint length, gboolean write)
{
  const SvFlatView *view = sv_address_space_enter (self);
  const SvFlatRange *range = sv_flat_view_lookup (view, address);
  guint64 offset;
  guint done;

  if (range == NULL)
    {
      done = (guint)MIN (length, sv_flat_view_get_hole (view, address));
      if (!write)
        *value = mask_of (done);
    }
  else
    {
      offset = address - range->start;
      done = (guint)MIN (length, range->size - offset);
      if (range->host == NULL || (write && range->region->kind == SV_MEMORY_REGION_ROM_DEVICE))
        {
          done = access_size (range->region, range->offset + offset, done);
          call_register (range->region, range->offset + offset, value, done, write);
        }
      else if (!write)
        *value = load (range->host + offset, done);
      else if (!range->readonly)
        {
          SV_DIRTY_LOG_WRITE (range->host + offset, done);
          store (range->host + offset, *value, done);
        }
    }
  sv_address_space_leave (self);
  return done;
}

static guint64
access_pieces (SvAddressSpace *self, guint64 address, guint64 value, guint size, gboolean write)
{
  gboolean held = sv_vm_lock_is_mine ();
  guint64 result = mask_of (size);
  guint done = 0;

  if (!held)
    sv_vm_lock ();
  while (done < size)
    {
      guint64 piece = value >> (done * 8);
      guint n;

      /* The last byte of a 64-bit space is in no region, and nothing follows it. */
      if (address + done < address || address + done == G_MAXUINT64)
        break;
      n = access_piece (self, address + done, &piece, size - done, write);
      if (!write)
        result = (result & ~(mask_of (n) << (done * 8))) | (piece << (done * 8));
      done += n;
    }
  if (!held)
    sv_vm_unlock ();
  return result;
}

/* What needs no lock: RAM, and where nothing is. */
static gboolean
access_directly (SvAddressSpace *self, guint64 address, guint64 *value, guint size, gboolean write)
{
  const SvFlatView *view = sv_address_space_enter (self);
  const SvFlatRange *range = sv_flat_view_lookup (view, address);
  gboolean direct = FALSE;

  if (range == NULL)
    {
      direct = sv_flat_view_get_hole (view, address) >= size;
      if (direct && !write)
        *value = mask_of (size);
    }
  else if (range->host != NULL && size <= range->size - (address - range->start)
           && !(write && range->region->kind == SV_MEMORY_REGION_ROM_DEVICE))
    {
      direct = TRUE;
      if (!write)
        *value = load (range->host + (address - range->start), size);
      else if (!range->readonly)
        {
          SV_DIRTY_LOG_WRITE (range->host + (address - range->start), size);
          store (range->host + (address - range->start), *value, size);
        }
    }
  sv_address_space_leave (self);
  return direct;
}

/**
 * sv_address_space_io_read:
 * @self: an address space
 * @address: an address
 * @size: 1 to 8; KVM splits what crosses a page, so 3 is a size too
 *
 * Reads as a processor does, in little-endian order. Registers are called under the VM lock, which
 * is taken unless this thread holds it. An access is split at the ends of regions, at what the
 * device takes, and into naturally aligned pieces, lowest address first. A device is not entered by
 * an access that one of its own callbacks makes.
 *
 * Returns: the value; all-ones where nothing answers
 */
guint64
sv_address_space_io_read (SvAddressSpace *self, guint64 address, guint size)
{
  guint64 value = 0;

  if (size == 0 || size > 8)
    return G_MAXUINT64;
  if (access_directly (self, address, &value, size, FALSE))
    return value;
  return access_pieces (self, address, 0, size, FALSE);
}

/**
 * sv_address_space_io_write:
 * @self: an address space
 * @address: an address
 * @value: in its low @size bytes
 * @size: 1 to 8
 *
 * Writes as a processor does; see sv_address_space_io_read(). What nothing takes is lost.
 */
void
sv_address_space_io_write (SvAddressSpace *self, guint64 address, guint64 value, guint size)
{
  if (size == 0 || size > 8)
    return;
  if (!access_directly (self, address, &value, size, TRUE))
    access_pieces (self, address, value, size, TRUE);
}

/* Calls for each stretch of RAM in turn until something else is in the way. */
typedef enum
{
  COPY_OUT,
  COPY_IN,
  FILL,
} Transfer;

static gboolean
transfer (SvAddressSpace *self,
          guint64 address,
          gpointer buffer,
          guint8 byte,
          guint64 length,
          Transfer kind)
{
  const SvFlatView *view = sv_address_space_enter (self);
  guint8 *local = buffer;

  while (length > 0)
    {
      const SvFlatRange *range = sv_flat_view_lookup (view, address);
      guint64 n;
      guint8 *host;

      if (range == NULL || range->host == NULL || (kind != COPY_OUT && range->readonly))
        break;
      host = range->host + (address - range->start);
      n = MIN (length, range->size - (address - range->start));
      if (kind != COPY_OUT)
        SV_DIRTY_LOG_WRITE (host, n);
      if (kind == COPY_OUT)
        memcpy (local, host, n);
      else if (kind == COPY_IN)
        memcpy (host, local, n);
      else
        memset (host, byte, n);
      if (kind != FILL)
        local += n;
      address += n; /* never beyond 2^64 - 1, where no range is */
      length -= n;
    }
  sv_address_space_leave (self);
  return length == 0;
}

/**
 * sv_address_space_read:
 * @self: an address space
 * @address: an address
 * @buffer: (out caller-allocates) (array length=length) (element-type guint8): where to copy to
 * @length: bytes
 *
 * Copies from RAM. What is no RAM ends the copy.
 *
 * Returns: whether all of it was RAM
 */
gboolean
sv_address_space_read (SvAddressSpace *self, guint64 address, gpointer buffer, gsize length)
{
  return transfer (self, address, buffer, 0, length, COPY_OUT);
}

/**
 * sv_address_space_write:
 * @self: an address space
 * @address: an address
 * @buffer: (array length=length) (element-type guint8): what to copy
 * @length: bytes
 *
 * Copies to RAM. What is no RAM, or read-only, ends the copy; registers are never called, so a
 * device that is told to write to registers writes nothing.
 *
 * Returns: whether all of it was RAM
 */
gboolean
sv_address_space_write (SvAddressSpace *self, guint64 address, gconstpointer buffer, gsize length)
{
  return transfer (self, address, (gpointer)buffer, 0, length, COPY_IN);
}

/**
 * sv_address_space_fill:
 * @self: an address space
 * @address: an address
 * @byte: what to fill with
 * @length: bytes
 *
 * Fills RAM; see sv_address_space_write().
 *
 * Returns: whether all of it was RAM
 */
gboolean
sv_address_space_fill (SvAddressSpace *self, guint64 address, guint8 byte, guint64 length)
{
  return transfer (self, address, NULL, byte, length, FILL);
}
