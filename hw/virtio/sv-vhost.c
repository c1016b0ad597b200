/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-vhost.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <linux/vhost.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "hw/virtio/sv-virtio-bus.h"
#include "src/runtime/sv-log.h"

struct _SvVhost
{
  int fd;
  char *name;
  gboolean owned;
  guint64 features;

  /* While started */
  SvVirtioDevice *device;
  SvAddressSpace *memory;
  GArray *regions; /* of struct vhost_memory_region */
  gboolean listening;
  guint first_queue;
  guint n_queues;
  int *call_fds; /* -1: the queue is not used */
  int error_fd;
  GSource *error_source;
};

/**
 * sv_vhost_ioctl:
 * @self: a vhost device
 * @what: what the request does, for the message: "set the features"
 * @request: number of the request
 * @argument: (nullable): its argument
 * @error: return location
 *
 * Returns: %FALSE with an error that names the device
 */
gboolean
sv_vhost_ioctl (SvVhost *self, const char *what, gulong request, gpointer argument, GError **error)
{
  int code;

  if (ioctl (self->fd, request, argument) == 0)
    return TRUE;

  code = errno;
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "%s: cannot %s: %s", self->name,
               what, g_strerror (code));
  return FALSE;
}

/**
 * sv_vhost_new:
 * @fd: (transfer full): an open vhost device, closed on failure too
 * @name: what messages call it
 * @error: return location
 *
 * Takes a vhost device that somebody opened. It must have no owner yet.
 *
 * Returns: (transfer full) (nullable): the device
 */
SvVhost *
sv_vhost_new (int fd, const char *name, GError **error)
{
  SvVhost *self = g_new0 (SvVhost, 1);

  self->fd = fd;
  self->name = g_strdup (name);
  self->error_fd = -1;
  self->owned = sv_vhost_ioctl (self, "become its owner", VHOST_SET_OWNER, NULL, error);
  if (!self->owned
      || !sv_vhost_ioctl (self, "get its features", VHOST_GET_FEATURES, &self->features, error))
    g_clear_pointer (&self, sv_vhost_free);
  return self;
}

/**
 * sv_vhost_open:
 * @path: a device node such as /dev/vhost-net
 * @error: return location
 *
 * Returns: (transfer full) (nullable): the device
 */
SvVhost *
sv_vhost_open (const char *path, GError **error)
{
  int fd = open (path, O_RDWR | O_CLOEXEC);

  if (fd < 0)
    {
      int code = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "cannot open %s: %s%s", path,
                   g_strerror (code),
                   code == ENOENT ? " (is the kernel module loaded?)" : "");
      return NULL;
    }
  return sv_vhost_new (fd, path, error);
}

/**
 * sv_vhost_free:
 * @self: (transfer full): a vhost device
 */
void
sv_vhost_free (SvVhost *self)
{
  sv_vhost_stop (self);
  /* Whoever gave us the descriptor may use it again; kinds that cannot do this refuse. */
  if (self->owned)
    ioctl (self->fd, VHOST_RESET_OWNER, NULL);
  close (self->fd);
  g_free (self->name);
  g_free (self);
}

int
sv_vhost_get_fd (SvVhost *self)
{
  return self->fd;
}

/**
 * sv_vhost_get_features:
 * @self: a vhost device
 *
 * Returns: the feature bits it offers, of the device, the ring and vhost itself
 */
guint64
sv_vhost_get_features (SvVhost *self)
{
  return self->features;
}

/* --- guest memory --- */

static gboolean
set_memory_table (SvVhost *self, GError **error)
{
  gsize size = self->regions->len * sizeof (struct vhost_memory_region);
  g_autofree struct vhost_memory *table = g_malloc0 (sizeof *table + size);

  table->nregions = self->regions->len;
  if (size > 0)
    memcpy (table->regions, self->regions->data, size);
  return sv_vhost_ioctl (self, "set the memory table", VHOST_SET_MEM_TABLE, table, error);
}

static void
memory_changed (SvVhost *self)
{
  g_autoptr (GError) error = NULL;

  /* While the first state is told, the table is set once, at the end. */
  if (!self->listening)
    return;
  /* A table without the rings is refused while they are in use; the change after it brings them. */
  if (!set_memory_table (self, &error))
    g_info ("%s", error->message);
}

static void
ram_add (gpointer opaque, const SvFlatRange *range)
{
  SvVhost *self = opaque;
  struct vhost_memory_region region = {
    .guest_phys_addr = range->start,
    .memory_size = range->size,
    .userspace_addr = (guintptr) range->host,
  };

  if (range->readonly)
    return;
  g_array_append_val (self->regions, region);
  memory_changed (self);
}

static void
ram_remove (gpointer opaque, const SvFlatRange *range)
{
  SvVhost *self = opaque;

  for (guint i = 0; i < self->regions->len; i++)
    if (g_array_index (self->regions, struct vhost_memory_region, i).guest_phys_addr
        == range->start)
      {
        g_array_remove_index_fast (self->regions, i);
        memory_changed (self);
        return;
      }
}

static const SvMemoryListener listener = { .ram_add = ram_add, .ram_remove = ram_remove };

static gboolean
start_memory (SvVhost *self, GError **error)
{
  self->regions = g_array_new (FALSE, FALSE, sizeof (struct vhost_memory_region));
  sv_address_space_add_listener (self->memory, &listener, self);
  self->listening = TRUE;
  return set_memory_table (self, error);
}

static void
stop_memory (SvVhost *self)
{
  if (self->regions == NULL)
    return;

  self->listening = FALSE;
  sv_address_space_remove_listener (self->memory, &listener, self);
  g_clear_pointer (&self->regions, g_array_unref);
}

/* --- queues --- */

static gboolean
set_vring_address (SvVhost *self, guint n, const SvVirtqueueLayout *layout, GError **error)
{
  const SvFlatView *view = sv_address_space_enter (self->memory);
  struct vhost_vring_addr address = {
    .index = n,
    .desc_user_addr = (guintptr) sv_flat_view_map (view, layout->descriptors,
                                                   16u * layout->size, SV_MEMORY_READ),
    .avail_user_addr = (guintptr) sv_flat_view_map (view, layout->driver, 6u + 2u * layout->size,
                                                    SV_MEMORY_READ),
    .used_user_addr = (guintptr) sv_flat_view_map (view, layout->device, 6u + 8u * layout->size,
                                                   SV_MEMORY_WRITE),
    .log_guest_addr = layout->device,
  };

  sv_address_space_leave (self->memory);
  if (address.desc_user_addr == 0 || address.avail_user_addr == 0 || address.used_user_addr == 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "%s: queue %u is not in RAM",
                   self->name, self->first_queue + n);
      return FALSE;
    }
  return sv_vhost_ioctl (self, "set the addresses of a queue", VHOST_SET_VRING_ADDR, &address,
                         error);
}

static gboolean
start_queue (SvVhost *self, guint n, GError **error)
{
  guint number = self->first_queue + n;
  SvVirtqueue *ring = sv_virtio_device_get_queue (self->device, number);
  struct vhost_vring_file file = { .index = n };
  struct vhost_vring_state state = { .index = n };
  SvVirtqueueLayout layout;
  guint16 avail, used;

  if (ring == NULL || !sv_virtqueue_is_running (ring))
    return TRUE;

  self->call_fds[n] = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (self->call_fds[n] < 0)
    {
      int code = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
                   "cannot make an eventfd for queue %u: %s", number, g_strerror (code));
      return FALSE;
    }

  sv_virtqueue_get_layout (ring, &layout);
  sv_virtqueue_get_position (ring, &avail, &used);
  state.num = layout.size;
  if (!sv_vhost_ioctl (self, "set the size of a queue", VHOST_SET_VRING_NUM, &state, error))
    return FALSE;
  state.num = avail;
  if (!sv_vhost_ioctl (self, "set the position of a queue", VHOST_SET_VRING_BASE, &state, error)
      || !set_vring_address (self, n, &layout, error))
    return FALSE;
  file.fd = sv_virtio_device_get_kick_fd (self->device, number);
  if (!sv_vhost_ioctl (self, "set the kicks of a queue", VHOST_SET_VRING_KICK, &file, error))
    return FALSE;
  file.fd = self->call_fds[n];
  if (!sv_vhost_ioctl (self, "set the interrupt of a queue", VHOST_SET_VRING_CALL, &file, error))
    return FALSE;
  file.fd = self->error_fd;
  if (!sv_vhost_ioctl (self, "set the error signal of a queue", VHOST_SET_VRING_ERR, &file, error))
    return FALSE;

  sv_virtio_device_set_queue_external (self->device, number, self->call_fds[n]);
  return TRUE;
}

static gboolean
on_error_fd (gint fd, GIOCondition condition, gpointer user_data)
{
  SvVhost *self = user_data;
  guint64 count;

  if (read (fd, &count, sizeof count) == sizeof count)
    sv_virtio_device_set_broken (self->device, "%s cannot work on its queues", self->name);
  return G_SOURCE_CONTINUE;
}

static gboolean
open_error_fd (SvVhost *self, GError **error)
{
  self->error_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (self->error_fd < 0)
    {
      int code = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
                   "%s: cannot make an eventfd: %s", self->name, g_strerror (code));
      return FALSE;
    }
  self->error_source = g_unix_fd_source_new (self->error_fd, G_IO_IN);
  g_source_set_callback (self->error_source, G_SOURCE_FUNC (on_error_fd), self, NULL);
  g_source_attach (self->error_source, NULL);
  return TRUE;
}

static gboolean
try_start (SvVhost *self, guint64 features, GError **error)
{
  if (!sv_vhost_ioctl (self, "set the features", VHOST_SET_FEATURES, &features, error)
      || !start_memory (self, error) || !open_error_fd (self, error))
    return FALSE;
  for (guint i = 0; i < self->n_queues; i++)
    if (!start_queue (self, i, error))
      return FALSE;
  return TRUE;
}

/**
 * sv_vhost_start:
 * @self: a vhost device that is stopped
 * @device: the virtio device, in its start vfunc; outlives the use
 * @first_queue: the device's queue that is queue 0 of the vhost device
 * @n_queues: number of queues, used or not
 * @features: those that the driver took and others that the vhost device knows; bits that it does
 *   not know are left out
 * @error: return location
 *
 * Tells the kernel of guest memory and queues, whose kicks and interrupts it then handles. They do
 * not run before the device says so in the way of its kind.
 *
 * Returns: %FALSE when this failed; the device is stopped then
 */
gboolean
sv_vhost_start (SvVhost *self,
                SvVirtioDevice *device,
                guint first_queue,
                guint n_queues,
                guint64 features,
                GError **error)
{
  SvBus *bus = sv_device_get_bus (SV_DEVICE (device));

  g_return_val_if_fail (self->device == NULL && bus != NULL, FALSE);

  self->device = device;
  self->memory = g_object_ref (sv_virtio_bus_get_memory (SV_VIRTIO_BUS (bus)));
  self->first_queue = first_queue;
  self->n_queues = n_queues;
  self->call_fds = g_new (int, n_queues);
  for (guint i = 0; i < n_queues; i++)
    self->call_fds[i] = -1;

  if (try_start (self, features & self->features, error))
    return TRUE;
  sv_vhost_stop (self);
  return FALSE;
}

/**
 * sv_vhost_stop:
 * @self: a vhost device whose queues do not run any more
 *
 * The reverse of sv_vhost_start(). Does nothing when it is stopped.
 */
void
sv_vhost_stop (SvVhost *self)
{
  if (self->device == NULL)
    return;

  for (guint i = 0; i < self->n_queues; i++)
    {
      struct vhost_vring_file file = { .index = i, .fd = -1 };

      if (self->call_fds[i] < 0)
        continue;
      /* The kernel has references to the eventfds otherwise. */
      ioctl (self->fd, VHOST_SET_VRING_KICK, &file);
      ioctl (self->fd, VHOST_SET_VRING_CALL, &file);
      ioctl (self->fd, VHOST_SET_VRING_ERR, &file);
      sv_virtio_device_set_queue_external (self->device, self->first_queue + i, -1);
      close (self->call_fds[i]);
    }
  g_clear_pointer (&self->call_fds, g_free);
  if (self->error_source != NULL)
    g_source_destroy (self->error_source);
  g_clear_pointer (&self->error_source, g_source_unref);
  if (self->error_fd >= 0)
    close (self->error_fd);
  self->error_fd = -1;
  stop_memory (self);
  g_clear_object (&self->memory);
  self->device = NULL;
}

gboolean
sv_vhost_is_started (SvVhost *self)
{
  return self->device != NULL;
}

/**
 * sv_vhost_get_vring_base:
 * @self: a vhost device
 * @n: number of a queue, counted from the first one
 * @base: (out): the next available buffer
 * @error: return location
 *
 * Where the kernel stands in a queue that it does not run at the moment.
 *
 * Returns: whether the kernel told
 */
gboolean
sv_vhost_get_vring_base (SvVhost *self, guint n, guint16 *base, GError **error)
{
  struct vhost_vring_state state = { .index = n };

  if (!sv_vhost_ioctl (self, "get the position of a queue", VHOST_GET_VRING_BASE, &state, error))
    return FALSE;
  *base = state.num;
  return TRUE;
}
