/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/memory/sv-address-space.h"

#include "src/memory/sv-flat-view.h"
#include "src/memory/sv-memory-region-private.h"
#include "src/memory/sv-view-pin.h"

typedef struct
{
  const SvMemoryListener *listener;
  gpointer opaque;
} Hearer;

struct _SvAddressSpace
{
  GObject parent_instance;

  char *name;
  SvMemoryRegion *root;
  SvFlatView *view; /* atomic */
  guint slot;
  GArray *hearers; /* of Hearer */
};

G_DEFINE_FINAL_TYPE (SvAddressSpace, sv_address_space, G_TYPE_OBJECT)

/* All under the VM lock, as regions are */
static GPtrArray *spaces;
static guint transaction_depth;
static gboolean transaction_dirty;

#define TELL(self, member, ...)                                                                    \
  G_STMT_START                                                                                     \
  {                                                                                                \
    for (guint hearer_ = 0; hearer_ < (self)->hearers->len; hearer_++)                             \
      {                                                                                            \
        const Hearer *h_ = &g_array_index ((self)->hearers, Hearer, hearer_);                      \
                                                                                                   \
        if (h_->listener->member != NULL)                                                          \
          h_->listener->member (h_->opaque, __VA_ARGS__);                                          \
      }                                                                                            \
  }                                                                                                \
  G_STMT_END

/* The items of @from that are not in @to; both are sorted by address, so one pass does. */
static void
tell_ranges (SvAddressSpace *self, const SvFlatView *from, const SvFlatView *to, gboolean add)
{
  guint j = 0;

  for (guint i = 0; i < from->n_ranges; i++)
    {
      const SvFlatRange *range = &from->ranges[i];

      while (j < to->n_ranges && to->ranges[j].start < range->start)
        j++;
      if (range->host == NULL || (j < to->n_ranges && sv_flat_range_equal (range, &to->ranges[j])))
        continue;
      if (add)
        TELL (self, ram_add, range);
      else
        TELL (self, ram_remove, range);
    }
}

static void
tell_ioeventfds (SvAddressSpace *self, const SvFlatView *from, const SvFlatView *to, gboolean add)
{
  guint j = 0;

  for (guint i = 0; i < from->ioeventfds->len; i++)
    {
      const SvFlatIoeventfd *e = &g_array_index (from->ioeventfds, SvFlatIoeventfd, i);

      while (j < to->ioeventfds->len)
        {
          const SvFlatIoeventfd *other = &g_array_index (to->ioeventfds, SvFlatIoeventfd, j);

          if (other->address > e->address
              || (other->address == e->address && other->serial >= e->serial))
            break;
          j++;
        }
      if (j < to->ioeventfds->len
          && sv_flat_ioeventfd_equal (e, &g_array_index (to->ioeventfds, SvFlatIoeventfd, j)))
        continue;
      if (add)
        TELL (self, ioeventfd_add, e->address, e->size, e->match, e->value, e->fd);
      else
        TELL (self, ioeventfd_remove, e->address, e->size, e->match, e->value, e->fd);
    }
}

static void
tell_zones (SvAddressSpace *self, const SvFlatView *from, const SvFlatView *to, gboolean add)
{
  guint j = 0;

  for (guint i = 0; i < from->zones->len; i++)
    {
      const SvFlatZone *zone = &g_array_index (from->zones, SvFlatZone, i);

      while (j < to->zones->len && g_array_index (to->zones, SvFlatZone, j).start < zone->start)
        j++;
      if (j < to->zones->len
          && sv_flat_zone_equal (zone, &g_array_index (to->zones, SvFlatZone, j)))
        continue;
      if (add)
        TELL (self, coalesced_add, zone->start, zone->size);
      else
        TELL (self, coalesced_remove, zone->start, zone->size);
    }
}

static void
update (SvAddressSpace *self)
{
  SvFlatView *view = sv_flat_view_new (self->root, self->slot);
  SvFlatView *old = self->view;

  if (sv_flat_view_equal (old, view))
    {
      sv_flat_view_free (view);
      return;
    }

  /* Published first: an access that finds no memory slot meanwhile is handled by the new view. */
  (void)__atomic_exchange_n (&self->view, view, __ATOMIC_SEQ_CST);
  tell_zones (self, old, view, FALSE);
  tell_ioeventfds (self, old, view, FALSE);
  tell_ranges (self, old, view, FALSE);
  tell_ranges (self, view, old, TRUE);
  tell_ioeventfds (self, view, old, TRUE);
  tell_zones (self, view, old, TRUE);
  sv_view_retire (old);
}

/**
 * sv_memory_transaction_begin:
 *
 * Puts off the making of views until the matching sv_memory_transaction_commit(). Transactions
 * nest. The VM lock is held from here to there.
 */
void
sv_memory_transaction_begin (void)
{
  transaction_depth++;
}

/**
 * sv_memory_transaction_commit:
 *
 * Ends a transaction. The end of the outermost one makes and publishes the views that changed and
 * tells the listeners.
 */
void
sv_memory_transaction_commit (void)
{
  g_return_if_fail (transaction_depth > 0);

  if (transaction_depth > 1 || !transaction_dirty)
    {
      transaction_depth--;
      return;
    }

  /* Still inside: a listener or finalizer that changes a region is served by another round. */
  while (transaction_dirty)
    {
      transaction_dirty = FALSE;
      for (guint i = 0; spaces != NULL && i < spaces->len; i++)
        update (g_ptr_array_index (spaces, i));
    }
  transaction_depth--;
}

void
sv_memory_transaction_mark (void)
{
  sv_memory_transaction_begin ();
  transaction_dirty = TRUE;
  sv_memory_transaction_commit ();
}

static void
sv_address_space_finalize (GObject *object)
{
  SvAddressSpace *self = SV_ADDRESS_SPACE (object);

  g_ptr_array_remove (spaces, self);
  if (self->view != NULL)
    sv_view_retire (g_steal_pointer (&self->view));
  if (self->root != NULL)
    {
      self->root->n_views--;
      g_object_unref (self->root);
    }
  g_array_unref (self->hearers);
  g_free (self->name);

  G_OBJECT_CLASS (sv_address_space_parent_class)->finalize (object);
}

static void
sv_address_space_init (SvAddressSpace *self)
{
  self->hearers = g_array_new (FALSE, FALSE, sizeof (Hearer));
}

static void
sv_address_space_class_init (SvAddressSpaceClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sv_address_space_finalize;
}

/**
 * sv_address_space_new:
 * @name: name for messages
 * @root: the region that it shows
 *
 * Makes an address space: memory, or a space of I/O ports with a root of 64 KiB.
 *
 * Returns: (transfer full): the address space
 */
SvAddressSpace *
sv_address_space_new (const char *name, SvMemoryRegion *root)
{
  static guint n_spaces;
  SvAddressSpace *self;

  g_return_val_if_fail (SV_IS_MEMORY_REGION (root), NULL);

  self = g_object_new (SV_TYPE_ADDRESS_SPACE, NULL);
  self->name = g_strdup (name);
  self->root = g_object_ref (root);
  self->slot = n_spaces++;
  root->n_views++;
  self->view = sv_flat_view_new (root, self->slot);
  if (spaces == NULL)
    spaces = g_ptr_array_new ();
  g_ptr_array_add (spaces, self);
  return self;
}

/**
 * sv_address_space_get_root:
 * @self: an address space
 *
 * Returns: (transfer none): the region that it shows
 */
SvMemoryRegion *
sv_address_space_get_root (SvAddressSpace *self)
{
  g_return_val_if_fail (SV_IS_ADDRESS_SPACE (self), NULL);
  return self->root;
}

/**
 * sv_address_space_enter: (skip)
 * @self: an address space
 *
 * Pins the present view for this thread. No lock is taken and, after a thread's first time, no
 * memory allocated. Entering again returns the view that is present then; all that were returned
 * stay valid until the thread has left as often as it entered, in whatever order. Regions in a
 * pinned view exist, and so does their RAM, but only the VM lock keeps the device behind registers.
 *
 * Returns: the view
 */
const SvFlatView *
sv_address_space_enter (SvAddressSpace *self)
{
  return sv_view_pin_enter (&self->view);
}

/**
 * sv_address_space_leave: (skip)
 * @self: an address space
 *
 * Ends what sv_address_space_enter() began, in the same thread.
 */
void
sv_address_space_leave (SvAddressSpace *self)
{
  sv_view_pin_leave (&self->view);
}

/**
 * sv_address_space_add_listener: (skip)
 * @self: an address space
 * @listener: functions to call; not copied
 * @opaque: passed to them
 *
 * Tells @listener of all there is now, as additions, and from now on of every change, under the VM
 * lock. What a change removes is told before what it adds.
 */
void
sv_address_space_add_listener (SvAddressSpace *self,
                               const SvMemoryListener *listener,
                               gpointer opaque)
{
  Hearer hearer = { listener, opaque };
  g_autoptr (GArray) others = NULL;
  g_autoptr (GArray) none = g_array_new (FALSE, FALSE, 1);
  const SvFlatView empty = { .ioeventfds = none, .zones = none };

  g_return_if_fail (SV_IS_ADDRESS_SPACE (self));
  g_return_if_fail (listener != NULL);

  others = g_steal_pointer (&self->hearers);
  self->hearers = g_array_new (FALSE, FALSE, sizeof (Hearer));
  g_array_append_val (self->hearers, hearer);
  tell_ranges (self, self->view, &empty, TRUE);
  tell_ioeventfds (self, self->view, &empty, TRUE);
  tell_zones (self, self->view, &empty, TRUE);
  g_array_prepend_vals (self->hearers, others->data, others->len);
}

/**
 * sv_address_space_remove_listener: (skip)
 * @self: an address space
 * @listener: as when it was added
 * @opaque: as when it was added
 *
 * Stops telling @listener. It is not told any removal by this.
 */
void
sv_address_space_remove_listener (SvAddressSpace *self,
                                  const SvMemoryListener *listener,
                                  gpointer opaque)
{
  g_return_if_fail (SV_IS_ADDRESS_SPACE (self));

  for (guint i = 0; i < self->hearers->len; i++)
    {
      const Hearer *hearer = &g_array_index (self->hearers, Hearer, i);

      if (hearer->listener == listener && hearer->opaque == opaque)
        {
          g_array_remove_index (self->hearers, i);
          return;
        }
    }
}
