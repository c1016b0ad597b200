/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-vhost-user.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hw/virtio/sv-vhost-user-message.h"
#include "hw/virtio/sv-virtio-bus.h"

#define FEATURE(bit) (G_GUINT64_CONSTANT (1) << (bit))
#define F_PROTOCOL_FEATURES 30
#define PROTOCOL_F_REPLY_ACK 3

typedef struct
{
  int call_fd; /* -1: the queue is not used */
  gboolean running;
  guint16 base; /* the next available buffer, while it does not run */
} Queue;

struct _SvVhostUser
{
  int fd;
  SvVirtioDevice *device;
  guint64 features;
  guint64 protocol_features;
  GSource *hangup;
  gboolean lost;

  /* While started */
  gboolean started;
  guint n_queues;
  Queue *queues;
};

/* A region of the table of guest memory */
typedef struct
{
  guint64 guest_address;
  guint64 size;
  guint64 user_address;
  guint64 file_offset;
} Region;

typedef struct
{
  guint32 n_regions;
  guint32 padding;
  Region regions[SV_VHOST_USER_MAX_REGIONS];
} MemoryTable;

G_STATIC_ASSERT (sizeof (MemoryTable) == SV_VHOST_USER_MAX_PAYLOAD);

/* --- messages --- */

static gboolean
check_peer (SvVhostUser *self, GError **error)
{
  if (!self->lost)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED, "vhost-user: the peer is gone");
  return FALSE;
}

/* After a message went wrong the next ones cannot be told apart. */
static gboolean
give_up (SvVhostUser *self)
{
  self->lost = TRUE;
  return FALSE;
}

static gboolean
set_with_fds (SvVhostUser *self,
              guint32 request,
              gconstpointer payload,
              gsize size,
              const int *fds,
              guint n_fds,
              GError **error)
{
  gboolean answers = (self->protocol_features & FEATURE (PROTOCOL_F_REPLY_ACK)) != 0;
  guint64 code = 0;

  if (!check_peer (self, error))
    return FALSE;
  if (!sv_vhost_user_send (self->fd, request, answers ? SV_VHOST_USER_NEED_REPLY : 0, payload, size,
                           fds, n_fds, error)
      || (answers && !sv_vhost_user_receive (self->fd, request, &code, sizeof code, error)))
    return give_up (self);
  if (code == 0)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, "vhost-user: the peer refuses request %u", request);
  return FALSE;
}

static gboolean
set (SvVhostUser *self, guint32 request, gconstpointer payload, gsize size, GError **error)
{
  return set_with_fds (self, request, payload, size, NULL, 0, error);
}

static gboolean
get (SvVhostUser *self,
     guint32 request,
     gconstpointer argument,
     gsize argument_size,
     gpointer reply,
     gsize reply_size,
     GError **error)
{
  if (!check_peer (self, error))
    return FALSE;
  if (sv_vhost_user_send (self->fd, request, 0, argument, argument_size, NULL, 0, error)
      && sv_vhost_user_receive (self->fd, request, reply, reply_size, error))
    return TRUE;
  return give_up (self);
}

static gboolean
on_hangup (gint fd, GIOCondition condition, gpointer user_data)
{
  SvVhostUser *self = user_data;

  g_clear_pointer (&self->hangup, g_source_unref);
  self->lost = TRUE;
  if (self->started)
    sv_virtio_device_set_broken (self->device, "%s: the vhost-user peer is gone",
                                 sv_virtio_device_get_name (self->device));
  return G_SOURCE_REMOVE;
}

/* --- connection --- */

/* What the driver is offered of the ring is not up to the peer. */
static gboolean
check_features (SvVhostUser *self, GError **error)
{
  const guint64 needed = FEATURE (VIRTIO_F_VERSION_1) | FEATURE (VIRTIO_RING_F_INDIRECT_DESC)
                         | FEATURE (VIRTIO_RING_F_EVENT_IDX);

  if ((self->features & needed) == needed)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
               "vhost-user: the peer's features 0x%" G_GINT64_MODIFIER "x lack 0x%" G_GINT64_MODIFIER
               "x: VERSION_1, INDIRECT_DESC and EVENT_IDX are needed",
               self->features, needed & ~self->features);
  return FALSE;
}

static gboolean
negotiate (SvVhostUser *self, GError **error)
{
  guint64 protocol;

  if (!get (self, SV_VHOST_USER_GET_FEATURES, NULL, 0, &self->features, sizeof self->features, error)
      || !check_features (self, error))
    return FALSE;
  if ((self->features & FEATURE (F_PROTOCOL_FEATURES)) != 0)
    {
      if (!get (self, SV_VHOST_USER_GET_PROTOCOL_FEATURES, NULL, 0, &protocol, sizeof protocol, error))
        return FALSE;
      protocol &= FEATURE (PROTOCOL_F_REPLY_ACK);
      if (!set (self, SV_VHOST_USER_SET_PROTOCOL_FEATURES, &protocol, sizeof protocol, error))
        return FALSE;
      self->protocol_features = protocol;
    }
  return set (self, SV_VHOST_USER_SET_OWNER, NULL, 0, error);
}

/**
 * sv_vhost_user_new:
 * @fd: (transfer full): a connected socket, closed on failure too
 * @device: the device whose queues the peer works on
 * @error: return location
 *
 * Returns: (transfer full) (nullable): a connection that both sides agree on
 */
SvVhostUser *
sv_vhost_user_new (int fd, SvVirtioDevice *device, GError **error)
{
  g_autoptr (SvVhostUser) self = g_new0 (SvVhostUser, 1);

  self->fd = fd;
  self->device = device;
  if (!negotiate (self, error))
    return NULL;
  /* All that comes is awaited where it was asked for; only the end comes by itself. */
  self->hangup = g_unix_fd_source_new (fd, G_IO_HUP);
  g_source_set_callback (self->hangup, G_SOURCE_FUNC (on_hangup), self, NULL);
  g_source_attach (self->hangup, NULL);
  return g_steal_pointer (&self);
}

void
sv_vhost_user_free (SvVhostUser *self)
{
  sv_vhost_user_stop (self);
  if (self->hangup != NULL)
    g_source_destroy (self->hangup);
  g_clear_pointer (&self->hangup, g_source_unref);
  close (self->fd);
  g_free (self);
}

guint64
sv_vhost_user_get_features (SvVhostUser *self)
{
  return self->features;
}

/* --- guest memory --- */

static gboolean
add_region (MemoryTable *table, int *fds, const SvFlatRange *range, GError **error)
{
  SvMemoryBackend *backend;
  int fd;

  if (range->host == NULL || range->readonly)
    return TRUE;
  backend = sv_memory_region_get_backend (range->region);
  fd = backend != NULL ? sv_memory_backend_get_fd (backend) : -1;
  if (fd < 0 || !sv_memory_backend_get_share (backend))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                           "vhost-user needs guest memory that can be shared: -machine mem-share=on");
      return FALSE;
    }
  if (table->n_regions == SV_VHOST_USER_MAX_REGIONS)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                   "vhost-user: guest memory is in more than %d pieces", SV_VHOST_USER_MAX_REGIONS);
      return FALSE;
    }
  table->regions[table->n_regions] = (Region){ range->start, range->size, (guintptr)range->host, range->offset };
  fds[table->n_regions++] = fd;
  return TRUE;
}

static gboolean
make_table (SvVhostUser *self, MemoryTable *table, int *fds, GError **error)
{
  SvBus *bus = sv_device_get_bus (SV_DEVICE (self->device));
  SvAddressSpace *memory = sv_virtio_bus_get_memory (SV_VIRTIO_BUS (bus));
  gboolean ok = TRUE;
  gsize n;
  const SvFlatRange *ranges = sv_flat_view_get_ranges (sv_address_space_enter (memory), &n);

  *table = (MemoryTable){ 0 };
  for (gsize i = 0; ok && i < n; i++)
    ok = add_region (table, fds, &ranges[i], error);
  sv_address_space_leave (memory);
  return ok;
}

gboolean
sv_vhost_user_check_memory (SvVhostUser *self, GError **error)
{
  int fds[SV_VHOST_USER_MAX_REGIONS];
  MemoryTable table;

  return make_table (self, &table, fds, error);
}

static gboolean
set_memory (SvVhostUser *self, GError **error)
{
  int fds[SV_VHOST_USER_MAX_REGIONS];
  MemoryTable table;

  return make_table (self, &table, fds, error)
         && set_with_fds (self, SV_VHOST_USER_SET_MEM_TABLE, &table,
                          G_STRUCT_OFFSET (MemoryTable, regions) + table.n_regions * sizeof (Region),
                          fds, table.n_regions, error);
}

/* --- queues --- */

static gboolean
set_address (SvVhostUser *self, guint n, const SvVirtqueueLayout *layout, GError **error)
{
  SvBus *bus = sv_device_get_bus (SV_DEVICE (self->device));
  SvAddressSpace *memory = sv_virtio_bus_get_memory (SV_VIRTIO_BUS (bus));
  const SvFlatView *view = sv_address_space_enter (memory);
  struct vhost_vring_addr address = {
    .index = n,
    .desc_user_addr
    = (guintptr)sv_flat_view_map (view, layout->descriptors, 16u * layout->size, SV_MEMORY_READ),
    .avail_user_addr
    = (guintptr)sv_flat_view_map (view, layout->driver, 6u + 2u * layout->size, SV_MEMORY_READ),
    .used_user_addr
    = (guintptr)sv_flat_view_map (view, layout->device, 6u + 8u * layout->size, SV_MEMORY_WRITE),
  };

  sv_address_space_leave (memory);
  if (address.desc_user_addr == 0 || address.avail_user_addr == 0 || address.used_user_addr == 0)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "vhost-user: queue %u is not in RAM", n);
      return FALSE;
    }
  return set (self, SV_VHOST_USER_SET_VRING_ADDR, &address, sizeof address, error);
}

static gboolean
set_state (SvVhostUser *self, guint32 request, guint n, guint value, GError **error)
{
  struct vhost_vring_state state = { .index = n, .num = value };

  return set (self, request, &state, sizeof state, error);
}

static gboolean
set_eventfd (SvVhostUser *self, guint32 request, guint n, int fd, GError **error)
{
  guint64 index = n;

  return set_with_fds (self, request, &index, sizeof index, &fd, 1, error);
}

static gboolean
run_queue (SvVhostUser *self, guint n, GError **error)
{
  SvVirtqueueLayout layout;

  sv_virtqueue_get_layout (sv_virtio_device_get_queue (self->device, n), &layout);
  return set_state (self, SV_VHOST_USER_SET_VRING_NUM, n, layout.size, error)
         && set_state (self, SV_VHOST_USER_SET_VRING_BASE, n, self->queues[n].base, error)
         && set_address (self, n, &layout, error)
         && set_eventfd (self, SV_VHOST_USER_SET_VRING_CALL, n, self->queues[n].call_fd, error)
         && set_eventfd (self, SV_VHOST_USER_SET_VRING_KICK, n,
                         sv_virtio_device_get_kick_fd (self->device, n), error)
         && ((self->features & FEATURE (F_PROTOCOL_FEATURES)) == 0
             || set_state (self, SV_VHOST_USER_SET_VRING_ENABLE, n, TRUE, error));
}

/**
 * sv_vhost_user_resume_queue:
 * @self: a connection that is started
 * @n: a queue
 *
 * The peer works on the queue from now on.
 */
void
sv_vhost_user_resume_queue (SvVhostUser *self, guint n)
{
  g_autoptr (GError) error = NULL;

  if (!self->started || n >= self->n_queues || self->queues[n].call_fd < 0
      || self->queues[n].running)
    return;
  self->queues[n].running = run_queue (self, n, &error);
  if (!self->queues[n].running)
    sv_virtio_device_set_broken (self->device, "%s: %s", sv_virtio_device_get_name (self->device),
                                 error->message);
}

/**
 * sv_vhost_user_drain_queue:
 * @self: a connection
 * @n: a queue
 *
 * Waits until the peer does not work on the queue any more.
 */
void
sv_vhost_user_drain_queue (SvVhostUser *self, guint n)
{
  struct vhost_vring_state state = { .index = n };
  struct vhost_vring_state reply;
  g_autoptr (GError) error = NULL;

  if (!self->started || n >= self->n_queues || !self->queues[n].running)
    return;
  self->queues[n].running = FALSE;
  if (get (self, SV_VHOST_USER_GET_VRING_BASE, &state, sizeof state, &reply, sizeof reply, &error))
    self->queues[n].base = (guint16)reply.num;
  else
    sv_virtio_device_set_broken (self->device, "%s: %s", sv_virtio_device_get_name (self->device),
                                 error->message);
}

static gboolean
open_queue (SvVhostUser *self, guint n, GError **error)
{
  SvVirtqueue *ring = sv_virtio_device_get_queue (self->device, n);
  Queue *queue = &self->queues[n];
  guint16 used;

  queue->call_fd = -1;
  if (ring == NULL || !sv_virtqueue_is_running (ring))
    return TRUE;
  sv_virtqueue_get_position (ring, &queue->base, &used);
  queue->call_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (queue->call_fd < 0)
    {
      int code = errno;

      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code),
                   "vhost-user: cannot make an eventfd for queue %u: %s", n, g_strerror (code));
      return FALSE;
    }
  sv_virtio_device_set_queue_external (self->device, n, queue->call_fd);
  return TRUE;
}

/**
 * sv_vhost_user_start:
 * @self: a connection that is stopped; its device is in its start vfunc
 * @n_queues: the device's queues
 * @error: return location
 *
 * Tells the peer of features and guest memory. Queues do not run before they are resumed.
 *
 * Returns: %FALSE when this failed; the connection is stopped then
 */
gboolean
sv_vhost_user_start (SvVhostUser *self, guint n_queues, GError **error)
{
  guint64 features = (sv_virtio_device_get_driver_features (self->device)
                      | FEATURE (F_PROTOCOL_FEATURES))
                     & self->features;

  g_return_val_if_fail (!self->started, FALSE);

  if (!set (self, SV_VHOST_USER_SET_FEATURES, &features, sizeof features, error)
      || !set_memory (self, error))
    return FALSE;
  self->started = TRUE;
  self->n_queues = n_queues;
  self->queues = g_new0 (Queue, n_queues);
  for (guint i = 0; i < n_queues; i++)
    self->queues[i].call_fd = -1;
  for (guint i = 0; i < n_queues; i++)
    if (!open_queue (self, i, error))
      {
        sv_vhost_user_stop (self);
        return FALSE;
      }
  return TRUE;
}

/**
 * sv_vhost_user_stop:
 * @self: a connection
 *
 * The reverse of sv_vhost_user_start(). Does nothing when it is stopped.
 */
void
sv_vhost_user_stop (SvVhostUser *self)
{
  if (!self->started)
    return;
  for (guint i = 0; i < self->n_queues; i++)
    {
      sv_vhost_user_drain_queue (self, i);
      if (self->queues[i].call_fd < 0)
        continue;
      sv_virtio_device_set_queue_external (self->device, i, -1);
      close (self->queues[i].call_fd);
    }
  g_clear_pointer (&self->queues, g_free);
  self->started = FALSE;
}
