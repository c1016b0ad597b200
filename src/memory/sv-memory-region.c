/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/memory/sv-memory-region.h"

#include <sys/mman.h>

#include "src/memory/sv-address-space.h"
#include "src/memory/sv-memory-region-private.h"

G_DEFINE_FINAL_TYPE (SvMemoryRegion, sv_memory_region, G_TYPE_OBJECT)

static void
subregion_free (gpointer data)
{
  SvMemoryRegion *region = data;

  region->container = NULL;
  g_object_unref (region);
}

static void
sv_memory_region_finalize (GObject *object)
{
  SvMemoryRegion *self = SV_MEMORY_REGION (object);

  g_clear_pointer (&self->subregions, g_ptr_array_unref);
  if (self->target != NULL)
    {
      self->target->n_views--;
      g_object_unref (self->target);
    }
  if (self->kind == SV_MEMORY_REGION_ROM_DEVICE)
    munmap (self->host, self->size);
  g_clear_object (&self->backend);
  g_clear_pointer (&self->ioeventfds, g_array_unref);
  g_free (self->name);

  G_OBJECT_CLASS (sv_memory_region_parent_class)->finalize (object);
}

static void
sv_memory_region_init (SvMemoryRegion *self)
{
  self->enabled = TRUE;
}

static void
sv_memory_region_class_init (SvMemoryRegionClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sv_memory_region_finalize;
}

static void
changed (SvMemoryRegion *self)
{
  if (sv_memory_region_is_visible (self))
    sv_memory_transaction_mark ();
}

static SvMemoryRegion *
new_region (const char *name, guint64 size, SvMemoryRegionKind kind)
{
  SvMemoryRegion *self = g_object_new (SV_TYPE_MEMORY_REGION, NULL);

  self->name = g_strdup (name);
  self->size = size;
  self->kind = kind;
  return self;
}

/**
 * sv_memory_region_new_container:
 * @name: name for messages
 * @size: bytes; %G_MAXUINT64 for a whole 64-bit space, whose last byte is then in no region
 *
 * Makes a region that shows others, which sv_memory_region_add() puts into it. What lies beyond
 * @size does not show.
 *
 * Returns: (transfer full): the region
 */
SvMemoryRegion *
sv_memory_region_new_container (const char *name, guint64 size)
{
  SvMemoryRegion *self = new_region (name, size, SV_MEMORY_REGION_CONTAINER);

  self->subregions = g_ptr_array_new_with_free_func (subregion_free);
  return self;
}

static gboolean
is_access_size (guint size)
{
  return size == 1 || size == 2 || size == 4 || size == 8;
}

/**
 * sv_memory_region_new_io:
 * @name: name for messages
 * @size: bytes
 * @ops: callbacks, copied; either function may be %NULL: reads are all-ones then, writes lost
 * @opaque: passed to them, not referenced: remove the region from its container before it goes
 *
 * Makes a region of registers. The callbacks see naturally aligned accesses of a power of two of
 * bytes only; others are split. A callback may change and remove regions, its own too, but is not
 * entered again by an access that it makes itself.
 *
 * Returns: (transfer full): the region
 */
SvMemoryRegion *
sv_memory_region_new_io (const char *name,
                         guint64 size,
                         const SvMemoryRegionOps *ops,
                         gpointer opaque)
{
  SvMemoryRegion *self;
  guint min, max;

  g_return_val_if_fail (ops != NULL, NULL);
  min = ops->min_access != 0 ? ops->min_access : 1;
  max = ops->max_access != 0 ? ops->max_access : 8;
  g_return_val_if_fail (is_access_size (min) && is_access_size (max) && min <= max, NULL);

  self = new_region (name, size, SV_MEMORY_REGION_IO);
  self->ops = *ops;
  self->ops.min_access = (guint8)min;
  self->ops.max_access = (guint8)max;
  self->opaque = opaque;
  return self;
}

/**
 * sv_memory_region_new_rom_device:
 * @name: name for messages
 * @size: bytes, a multiple of the page size
 * @ops: callbacks, copied; they see what they would see of sv_memory_region_new_io(), read only when
 *   sv_memory_region_set_rom_mode() says so
 * @opaque: passed to them, not referenced: remove the region from its container before it goes
 *
 * Makes a region of registers that are read from memory, without a callback: the device stores in
 * sv_memory_region_get_rom() what is to be read, and loads of aligned words see its stores whole.
 *
 * Returns: (transfer full): the region, reading zeroes
 */
SvMemoryRegion *
sv_memory_region_new_rom_device (const char *name,
                                 guint64 size,
                                 const SvMemoryRegionOps *ops,
                                 gpointer opaque)
{
  SvMemoryRegion *self = sv_memory_region_new_io (name, size, ops, opaque);

  g_return_val_if_fail (self != NULL, NULL);

  self->host
      = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (self->host == MAP_FAILED)
    g_error ("no memory for the registers of '%s'", name);
  self->kind = SV_MEMORY_REGION_ROM_DEVICE;
  self->readonly = TRUE;
  return self;
}

/**
 * sv_memory_region_get_rom:
 * @self: a region that sv_memory_region_new_rom_device() made
 *
 * Returns: what is read in it
 */
guint8 *
sv_memory_region_get_rom (SvMemoryRegion *self)
{
  g_return_val_if_fail (self->kind == SV_MEMORY_REGION_ROM_DEVICE, NULL);
  return self->host;
}

/**
 * sv_memory_region_set_rom_mode:
 * @self: a region that sv_memory_region_new_rom_device() made
 * @rom: whether it is read from memory, as it is at first; %FALSE: by its read callback
 *
 * Switches between a memory that can be read and registers in its place, as a flash chip does.
 */
void
sv_memory_region_set_rom_mode (SvMemoryRegion *self, gboolean rom)
{
  g_return_if_fail (self->kind == SV_MEMORY_REGION_ROM_DEVICE);

  if (self->rom_hidden == !rom)
    return;
  self->rom_hidden = !rom;
  changed (self);
}

/**
 * sv_memory_region_new_ram:
 * @name: name for messages
 * @backend: a complete memory backend
 *
 * Makes a region of RAM, all of @backend; read-only when that is.
 *
 * Returns: (transfer full): the region
 */
SvMemoryRegion *
sv_memory_region_new_ram (const char *name, SvMemoryBackend *backend)
{
  SvMemoryRegion *self;

  g_return_val_if_fail (SV_IS_MEMORY_BACKEND (backend), NULL);
  g_return_val_if_fail (sv_memory_backend_get_host (backend) != NULL, NULL);

  self = new_region (name, sv_memory_backend_get_size (backend), SV_MEMORY_REGION_RAM);
  self->backend = g_object_ref (backend);
  self->host = sv_memory_backend_get_host (backend);
  self->readonly = sv_memory_backend_get_readonly (backend);
  return self;
}

/**
 * sv_memory_region_new_alias:
 * @name: name for messages
 * @target: region to show
 * @offset: where in @target the alias starts
 * @size: bytes; what lies beyond the end of @target is a hole
 *
 * Makes a region that shows a part of another one, wherever that is, or is not, itself.
 *
 * Returns: (transfer full): the region
 */
SvMemoryRegion *
sv_memory_region_new_alias (const char *name, SvMemoryRegion *target, guint64 offset, guint64 size)
{
  SvMemoryRegion *self;

  g_return_val_if_fail (SV_IS_MEMORY_REGION (target), NULL);

  self = new_region (name, size, SV_MEMORY_REGION_ALIAS);
  self->target = g_object_ref (target);
  self->target_offset = offset;
  target->n_views++;
  return self;
}

/**
 * sv_memory_region_get_name:
 * @self: a region
 *
 * Returns: (nullable): the name
 */
const char *
sv_memory_region_get_name (SvMemoryRegion *self)
{
  g_return_val_if_fail (SV_IS_MEMORY_REGION (self), NULL);
  return self->name;
}

/**
 * sv_memory_region_get_size:
 * @self: a region
 *
 * Returns: the size in bytes
 */
guint64
sv_memory_region_get_size (SvMemoryRegion *self)
{
  g_return_val_if_fail (SV_IS_MEMORY_REGION (self), 0);
  return self->size;
}

/**
 * sv_memory_region_get_backend:
 * @self: a region
 *
 * Returns: (transfer none) (nullable): the host memory behind RAM
 */
SvMemoryBackend *
sv_memory_region_get_backend (SvMemoryRegion *self)
{
  return self->backend;
}

gboolean
sv_memory_region_is_visible (SvMemoryRegion *self)
{
  for (; self != NULL; self = self->container)
    {
      if (self->n_views > 0)
        return TRUE;
    }
  return FALSE;
}

/* Whether @region shows @wanted, through containers and aliases. */
static gboolean
shows (SvMemoryRegion *region, SvMemoryRegion *wanted)
{
  if (region == wanted)
    return TRUE;
  if (region->target != NULL)
    return shows (region->target, wanted);
  for (guint i = 0; region->subregions != NULL && i < region->subregions->len; i++)
    {
      if (shows (g_ptr_array_index (region->subregions, i), wanted))
        return TRUE;
    }
  return FALSE;
}

/**
 * sv_memory_region_add:
 * @container: a container
 * @offset: where in it @region starts
 * @region: a region that is in no container; referenced
 * @priority: where regions overlap the highest shows; of equal ones the one added last
 *
 * Puts @region into @container. To show a region in several places use aliases.
 */
void
sv_memory_region_add (SvMemoryRegion *container,
                      guint64 offset,
                      SvMemoryRegion *region,
                      gint priority)
{
  guint i;

  g_return_if_fail (SV_IS_MEMORY_REGION (container));
  g_return_if_fail (SV_IS_MEMORY_REGION (region));
  g_return_if_fail (container->kind == SV_MEMORY_REGION_CONTAINER);
  g_return_if_fail (region->container == NULL);
  g_return_if_fail (!shows (region, container));

  for (i = 0; i < container->subregions->len; i++)
    {
      SvMemoryRegion *other = g_ptr_array_index (container->subregions, i);

      if (priority >= other->priority)
        break;
    }
  region->container = container;
  region->offset = offset;
  region->priority = priority;
  g_ptr_array_insert (container->subregions, (gint)i, g_object_ref (region));
  changed (container);
}

/**
 * sv_memory_region_remove:
 * @container: a container
 * @region: a region in it
 *
 * Takes @region out of @container. When this returns (outside of a transaction: when that is
 * committed) no callback of the region is called any more, provided the VM lock is held.
 */
void
sv_memory_region_remove (SvMemoryRegion *container, SvMemoryRegion *region)
{
  g_return_if_fail (SV_IS_MEMORY_REGION (container));
  g_return_if_fail (SV_IS_MEMORY_REGION (region));
  g_return_if_fail (region->container == container);

  sv_memory_transaction_begin ();
  changed (container);
  g_ptr_array_remove (container->subregions, region);
  sv_memory_transaction_commit ();
}

/**
 * sv_memory_region_set_enabled:
 * @self: a region
 * @enabled: whether it, and what is in it, shows
 *
 * Hides or shows a region where it is.
 */
void
sv_memory_region_set_enabled (SvMemoryRegion *self, gboolean enabled)
{
  g_return_if_fail (SV_IS_MEMORY_REGION (self));

  enabled = !!enabled;
  if (self->enabled == enabled)
    return;
  self->enabled = enabled;
  changed (self);
}

/**
 * sv_memory_region_set_readonly:
 * @self: a region
 * @readonly: whether writes to RAM in it are lost
 *
 * Write-protects RAM: for a container or an alias, all that is seen through it.
 */
void
sv_memory_region_set_readonly (SvMemoryRegion *self, gboolean readonly)
{
  g_return_if_fail (SV_IS_MEMORY_REGION (self));
  g_return_if_fail (self->kind != SV_MEMORY_REGION_ROM_DEVICE);

  /* Memory that is mapped read-only cannot be made writable. */
  readonly = readonly || (self->backend != NULL && sv_memory_backend_get_readonly (self->backend));
  if (self->readonly == readonly)
    return;
  self->readonly = readonly;
  changed (self);
}

static gboolean
find_ioeventfd (SvMemoryRegion *self,
                guint64 offset,
                guint size,
                gboolean match,
                guint64 value,
                int fd,
                guint *index)
{
  for (guint i = 0; self->ioeventfds != NULL && i < self->ioeventfds->len; i++)
    {
      const SvRegionIoeventfd *e = &g_array_index (self->ioeventfds, SvRegionIoeventfd, i);

      if (e->offset == offset && e->size == size && e->match == match && e->value == value
          && e->fd == fd)
        {
          *index = i;
          return TRUE;
        }
    }
  return FALSE;
}

/**
 * sv_memory_region_add_ioeventfd:
 * @self: a region of registers
 * @offset: where
 * @size: bytes written: 1, 2, 4 or 8; 0 for any
 * @match: whether only @value counts
 * @value: the value
 * @fd: an eventfd; it must stay open until its removal is committed
 *
 * Makes a guest's write signal @fd where the accelerator can do that; the region's callback is not
 * called for it then.
 */
void
sv_memory_region_add_ioeventfd (
    SvMemoryRegion *self, guint64 offset, guint size, gboolean match, guint64 value, int fd)
{
  static guint64 serial;
  SvRegionIoeventfd e = { .offset = offset, .size = size, .match = !!match, .fd = fd };
  guint index;

  g_return_if_fail (SV_IS_MEMORY_REGION (self));
  g_return_if_fail (self->kind == SV_MEMORY_REGION_IO || self->kind == SV_MEMORY_REGION_ROM_DEVICE);
  g_return_if_fail (size == 0 || is_access_size (size));
  g_return_if_fail (offset < self->size && MAX (size, 1) <= self->size - offset);
  g_return_if_fail (fd >= 0);

  e.value = match ? value : 0;
  e.serial = ++serial;
  g_return_if_fail (!find_ioeventfd (self, offset, size, e.match, e.value, fd, &index));

  if (self->ioeventfds == NULL)
    self->ioeventfds = g_array_new (FALSE, FALSE, sizeof (SvRegionIoeventfd));
  g_array_append_val (self->ioeventfds, e);
  changed (self);
}

/**
 * sv_memory_region_remove_ioeventfd:
 * @self: a region of registers
 * @offset: as when it was added
 * @size: as when it was added
 * @match: as when it was added
 * @value: as when it was added
 * @fd: as when it was added
 *
 * Undoes sv_memory_region_add_ioeventfd().
 */
void
sv_memory_region_remove_ioeventfd (
    SvMemoryRegion *self, guint64 offset, guint size, gboolean match, guint64 value, int fd)
{
  guint index;

  g_return_if_fail (SV_IS_MEMORY_REGION (self));
  g_return_if_fail (find_ioeventfd (self, offset, size, !!match, match ? value : 0, fd, &index));

  g_array_remove_index (self->ioeventfds, index);
  changed (self);
}

/**
 * sv_memory_region_set_coalesced:
 * @self: a region of registers
 * @offset: where
 * @size: bytes; 0 switches it off
 *
 * Lets the accelerator keep writes to a part of the region back and replay them, in order, before
 * it handles the next exit. A region has one such part.
 */
void
sv_memory_region_set_coalesced (SvMemoryRegion *self, guint64 offset, guint64 size)
{
  g_return_if_fail (SV_IS_MEMORY_REGION (self));
  g_return_if_fail (self->kind == SV_MEMORY_REGION_IO);
  g_return_if_fail (size == 0 || (offset < self->size && size <= self->size - offset));

  if (size == 0)
    offset = 0;
  if (self->coalesced_offset == offset && self->coalesced_size == size)
    return;
  self->coalesced_offset = offset;
  self->coalesced_size = size;
  changed (self);
}
