/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtqueue-private.h"

#include <string.h>

/*
 * The rings are guest memory that the driver may change at any moment. Each field is therefore loaded
 * once, with an atomic load, and only the loaded value is used. Loads and stores of the indices carry
 * the ordering of VIRTIO 1.2 §2.7.13: acquire on the available index, release on the used index, and
 * sequential consistency where a store of ours is followed by a load that decides on a notification.
 */
#define LOAD_RELAXED(pointer) __atomic_load_n (pointer, __ATOMIC_RELAXED)
#define LOAD_ACQUIRE(pointer) __atomic_load_n (pointer, __ATOMIC_ACQUIRE)
#define LOAD_ORDERED(pointer) __atomic_load_n (pointer, __ATOMIC_SEQ_CST)
#define STORE_RELAXED(pointer, value) __atomic_store_n (pointer, value, __ATOMIC_RELAXED)
#define STORE_ORDERED(pointer, value) __atomic_store_n (pointer, value, __ATOMIC_SEQ_CST)

/* A chain may carry this much (VIRTIO 1.2 §2.7.4). */
#define MAX_CHAIN_BYTES (G_GUINT64_CONSTANT (1) << 32)

gboolean
sv_virtqueue_split_map (SvVirtqueue *self)
{
  guint size = self->layout.size;
  guint event = self->event_idx ? 2 : 0;

  self->descriptors
      = sv_flat_view_map (self->view, self->layout.descriptors, 16u * size, SV_MEMORY_READ);
  self->avail
      = sv_flat_view_map (self->view, self->layout.driver, 4u + 2u * size + event, SV_MEMORY_READ);
  self->used
      = sv_flat_view_map (self->view, self->layout.device, 4u + 8u * size + event, SV_MEMORY_WRITE);

  return self->descriptors != NULL && self->avail != NULL && self->used != NULL;
}

/* Where the driver keeps the used index at which it wants an interrupt, behind the available ring. */
static inline guint16
load_used_event (SvVirtqueue *self)
{
  return GUINT16_FROM_LE (LOAD_ORDERED (&self->avail->ring[self->layout.size]));
}

/* Where we keep the available index at which we want a kick, behind the used ring. */
static inline void
store_avail_event (SvVirtqueue *self, guint16 index)
{
  STORE_ORDERED ((guint16 *) &self->used->ring[self->layout.size], GUINT16_TO_LE (index));
}

static gboolean
look (SvVirtqueue *self, guint16 index)
{
  self->avail_seen = GUINT16_FROM_LE (index);
  if (G_UNLIKELY ((guint16) (self->avail_seen - self->avail_next) > self->layout.size))
    {
      sv_virtqueue_break (self, "available index %u is more than %u ahead of %u", self->avail_seen,
                          self->layout.size, self->avail_next);
      return FALSE;
    }

  return self->avail_seen != self->avail_next;
}

/* Asks for kicks and looks again: the driver may have added a buffer before it could see that. */
static gboolean
ask_for_kicks (SvVirtqueue *self)
{
  if (self->kicks_on && (!self->event_idx || self->kick_at == self->avail_next))
    return FALSE;

  if (self->event_idx)
    store_avail_event (self, self->avail_next);
  else
    STORE_ORDERED (&self->used->flags, 0);
  self->kick_at = self->avail_next;
  self->kicks_on = TRUE;

  return look (self, LOAD_ORDERED (&self->avail->idx));
}

static inline gboolean
is_available (SvVirtqueue *self)
{
  if (self->avail_seen != self->avail_next)
    return TRUE;

  return look (self, LOAD_ACQUIRE (&self->avail->idx))
         || (!self->broken && ask_for_kicks (self));
}

static gboolean
add_piece (SvVirtqueue *self, SvVirtqElement *element, gpointer host, gsize length,
           gboolean writable)
{
  guint n = element->n_out + element->n_in;

  if (G_UNLIKELY (n == element->max_iov))
    {
      sv_virtqueue_break (self, "a buffer has more than %u pieces", element->max_iov);
      return FALSE;
    }

  element->iov[n] = (struct iovec){ .iov_base = host, .iov_len = length };
  if (writable)
    element->n_in++;
  else
    element->n_out++;

  return TRUE;
}

/* A piece that is not within one range of RAM becomes several. */
static gboolean
add_scattered (SvVirtqueue *self, SvVirtqElement *element, guint64 address, guint64 length,
               gboolean writable)
{
  while (length > 0)
    {
      const SvFlatRange *range = sv_flat_view_lookup (self->view, address);
      guint64 part;
      gpointer host;

      if (range == NULL)
        break;

      part = MIN (length, range->size - (address - range->start));
      host = sv_flat_view_map (self->view, address, part,
                               writable ? SV_MEMORY_WRITE : SV_MEMORY_READ);
      if (host == NULL)
        break;

      if (!add_piece (self, element, host, part, writable))
        return FALSE;

      address += part;
      length -= part;
    }

  if (length > 0)
    sv_virtqueue_break (self, "a buffer at 0x%" G_GINT64_MODIFIER "x is not in RAM", address);

  return length == 0;
}

static gboolean
add_buffer (SvVirtqueue *self, SvVirtqElement *element, const struct vring_desc *desc)
{
  gboolean writable = (desc->flags & VRING_DESC_F_WRITE) != 0;
  gpointer host;

  if (G_UNLIKELY (!writable && (element->n_in > 0 || element->in_size > 0)))
    {
      sv_virtqueue_break (self, "a readable descriptor follows a writable one");
      return FALSE;
    }

  if (G_UNLIKELY (desc->len == 0))
    return TRUE;

  if (G_UNLIKELY (desc->addr + desc->len < desc->addr))
    {
      sv_virtqueue_break (self, "a buffer wraps around the end of memory");
      return FALSE;
    }

  if (writable)
    element->in_size += desc->len;
  else
    element->out_size += desc->len;
  if (G_UNLIKELY (element->in_size + element->out_size > MAX_CHAIN_BYTES))
    {
      sv_virtqueue_break (self, "a buffer is larger than 4 GiB");
      return FALSE;
    }

  host = sv_flat_view_map (self->view, desc->addr, desc->len,
                           writable ? SV_MEMORY_WRITE : SV_MEMORY_READ);
  if (G_LIKELY (host != NULL))
    return add_piece (self, element, host, desc->len, writable);

  return add_scattered (self, element, desc->addr, desc->len, writable);
}

static inline struct vring_desc
load_descriptor (const guint8 *table, guint index)
{
  struct vring_desc desc;

  /* Indirect tables have no alignment, so no atomic loads; the barrier keeps it at one copy. */
  memcpy (&desc, table + index * sizeof desc, sizeof desc);
  __asm__ volatile ("" ::: "memory");
  desc.addr = GUINT64_FROM_LE (desc.addr);
  desc.len = GUINT32_FROM_LE (desc.len);
  desc.flags = GUINT16_FROM_LE (desc.flags);
  desc.next = GUINT16_FROM_LE (desc.next);

  return desc;
}

/* VIRTIO 1.2 §2.7.5.3: an indirect table ends the chain and holds no further table. */
static const guint8 *
enter_table (SvVirtqueue *self, const struct vring_desc *desc)
{
  const guint8 *table;

  if (!self->indirect || (desc->flags & VRING_DESC_F_NEXT) != 0 || desc->len == 0
      || desc->len % sizeof *desc != 0)
    {
      sv_virtqueue_break (self, "an indirect descriptor of %u bytes with flags 0x%x", desc->len,
                          desc->flags);
      return NULL;
    }

  table = sv_flat_view_map (self->view, desc->addr, desc->len, SV_MEMORY_READ);
  if (table == NULL)
    sv_virtqueue_break (self, "an indirect table is not in RAM");

  return table;
}

static gboolean
walk_chain (SvVirtqueue *self, SvVirtqElement *element, guint index)
{
  const guint8 *table = self->descriptors;
  guint table_size = self->layout.size;
  guint left = table_size;
  gboolean in_table = FALSE;

  for (;;)
    {
      struct vring_desc desc;

      if (G_UNLIKELY (index >= table_size))
        {
          sv_virtqueue_break (self, "descriptor %u of %u", index, table_size);
          return FALSE;
        }
      if (G_UNLIKELY (left == 0))
        {
          sv_virtqueue_break (self, "a descriptor chain is a loop or too long");
          return FALSE;
        }
      left--;

      desc = load_descriptor (table, index);
      if ((desc.flags & VRING_DESC_F_INDIRECT) != 0)
        {
          if (G_UNLIKELY (in_table))
            {
              sv_virtqueue_break (self, "an indirect table within an indirect table");
              return FALSE;
            }

          table = enter_table (self, &desc);
          if (G_UNLIKELY (table == NULL))
            return FALSE;

          in_table = TRUE;
          table_size = desc.len / sizeof desc;
          left = MIN (table_size, self->max_size);
          index = 0;
          continue;
        }

      if (G_UNLIKELY (!add_buffer (self, element, &desc)))
        return FALSE;
      if ((desc.flags & VRING_DESC_F_NEXT) == 0)
        return TRUE;

      index = desc.next;
    }
}

static inline gboolean
fetch (SvVirtqueue *self, SvVirtqElement *element, guint head)
{
  element->id = head;
  element->n_out = element->n_in = 0;
  element->out_size = element->in_size = 0;
  if (G_UNLIKELY (!walk_chain (self, element, head)))
    return FALSE;

  element->out = element->iov;
  element->in = element->iov + element->n_out;
  return TRUE;
}

/**
 * sv_virtqueue_refetch:
 * @self: a queue with an open batch
 * @element: an element that was popped and not pushed
 *
 * Sets the element's pieces to what its descriptors say, after they were used up by a first try.
 *
 * Returns: %FALSE when the queue is broken
 */
gboolean
sv_virtqueue_refetch (SvVirtqueue *self, SvVirtqElement *element)
{
  return !self->broken && fetch (self, element, element->id);
}

/**
 * sv_virtqueue_pop:
 * @self: a queue with an open batch
 * @element: an element with storage, not in flight
 *
 * Takes the next buffer that the driver made available (VIRTIO 1.2 §2.7.5, §2.7.6). With EVENT_IDX or
 * the NO_NOTIFY flag, the driver is kept from kicking until the queue was seen empty.
 *
 * Returns: %FALSE when there is none, when a full ring's worth was popped in this batch, or when the
 * queue is broken
 */
gboolean
sv_virtqueue_pop (SvVirtqueue *self, SvVirtqElement *element)
{
  guint size = self->layout.size;
  guint head;

  g_return_val_if_fail (self->depth > 0, FALSE);

  if (G_UNLIKELY (self->broken) || !is_available (self))
    return FALSE;

  if (G_UNLIKELY (self->n_popped == size))
    {
      self->more = TRUE;
      return FALSE;
    }
  if (G_UNLIKELY (self->in_flight == size))
    {
      sv_virtqueue_break (self, "more buffers are in use than the ring has");
      return FALSE;
    }

  if (self->kicks_on)
    {
      /* With EVENT_IDX no kicks come anyhow until the event index moves on. */
      if (!self->event_idx)
        STORE_RELAXED (&self->used->flags, GUINT16_TO_LE (VRING_USED_F_NO_NOTIFY));
      self->kicks_on = FALSE;
    }

  head = GUINT16_FROM_LE (LOAD_RELAXED (&self->avail->ring[self->avail_next & (size - 1)]));
  if (G_UNLIKELY (!fetch (self, element, head)))
    return FALSE;

  self->avail_next++;
  self->in_flight++;
  self->n_popped++;

  return TRUE;
}

/**
 * sv_virtqueue_unpop:
 * @self: a queue
 * @element: the element that was popped last
 *
 * Gives a buffer back unused; it is the next to be popped.
 */
void
sv_virtqueue_unpop (SvVirtqueue *self, SvVirtqElement *element)
{
  g_return_if_fail (self->in_flight > 0);

  self->avail_next--;
  self->in_flight--;
  if (self->n_popped > 0)
    self->n_popped--;
}

/**
 * sv_virtqueue_push:
 * @self: a queue
 * @element: a popped element
 * @written: how many bytes were written, from the start of the writable part
 *
 * Returns a buffer to the driver, who sees it when the batch ends. Buffers may come back in any order.
 * Without an open batch, after sv_virtqueue_begin() failed, the element is only forgotten.
 */
void
sv_virtqueue_push (SvVirtqueue *self, SvVirtqElement *element, guint32 written)
{
  struct vring_used_elem *slot;

  g_return_if_fail (self->in_flight > 0);

  self->in_flight--;
  if (G_UNLIKELY (self->depth == 0 || self->broken))
    return;

  slot = &self->used->ring[(guint16) (self->used_idx + self->n_pushed) & (self->layout.size - 1)];
  STORE_RELAXED (&slot->id, GUINT32_TO_LE (element->id));
  STORE_RELAXED (&slot->len, GUINT32_TO_LE (written));
  self->n_pushed++;
}

/* VIRTIO 1.2 §2.7.7, §2.7.10: does the driver want to hear of used buffers @before up to now? */
static gboolean
should_notify (SvVirtqueue *self, guint16 before)
{
  gboolean known = self->notify_known;

  self->notify_known = TRUE;
  if (!self->event_idx)
    return (LOAD_ORDERED (&self->avail->flags) & GUINT16_TO_LE (VRING_AVAIL_F_NO_INTERRUPT)) == 0;

  return vring_need_event (load_used_event (self), self->used_idx, before) || !known;
}

gboolean
sv_virtqueue_split_publish (SvVirtqueue *self)
{
  guint16 before = self->used_idx;

  self->used_idx += self->n_pushed;
  self->n_pushed = 0;
  STORE_ORDERED (&self->used->idx, GUINT16_TO_LE (self->used_idx));

  return should_notify (self, before);
}
