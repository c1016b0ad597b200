/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-vhost-user.h"

#include <errno.h>
#include <gio/gio.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hw/core/sv-machine.h"
#include "hw/virtio/sv-vhost-user-agreement.h"
#include "hw/virtio/sv-vhost-user-link.h"
#include "hw/virtio/sv-virtio-bus.h"

#define FEATURE(bit) (G_GUINT64_CONSTANT (1) << (bit))
/* How long the agreement with the peer of a device that is plugged in may take */
#define HOTPLUG_MS 1000

typedef enum
{
  QUEUE_STOPPED,
  QUEUE_RUNNING,
  QUEUE_STOPPING, /* the peer was asked for its position */
} QueueState;

typedef struct
{
  int call_fd; /* -1: the queue is not used */
  QueueState state;
  gboolean wanted; /* to run again as soon as it has stopped */
  guint16 base;    /* the next available buffer, while it is stopped */
} Queue;

struct _SvVhostUser
{
  SvVhostUserLink *link;
  SvVirtioDevice *device;
  guint64 features;
  guint64 protocol_features;

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
set_with_fds (
    SvVhostUser *self, guint32 request, gconstpointer payload, gsize size, const int *fds, guint n_fds)
{
  gboolean answers = (self->protocol_features & FEATURE (SV_VHOST_USER_PROTOCOL_F_REPLY_ACK)) != 0;

  return sv_vhost_user_link_send (self->link, request, 0, payload, size, fds, n_fds,
                                  answers ? sizeof (guint64) : 0);
}

static gboolean
set (SvVhostUser *self, guint32 request, gconstpointer payload, gsize size)
{
  return set_with_fds (self, request, payload, size, NULL, 0);
}

static void
set_broken (SvVhostUser *self, const char *reason)
{
  if (self->started)
    sv_virtio_device_set_broken (self->device, "%s: %s", sv_virtio_device_get_name (self->device), reason);
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
                          fds, table.n_regions);
}

/* --- queues --- */

static gboolean
set_address (SvVhostUser *self, guint n, const SvVirtqueueLayout *layout)
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
  if (address.desc_user_addr != 0 && address.avail_user_addr != 0 && address.used_user_addr != 0)
    return set (self, SV_VHOST_USER_SET_VRING_ADDR, &address, sizeof address);
  set_broken (self, "a queue is not in RAM");
  return FALSE;
}

static gboolean
set_state (SvVhostUser *self, guint32 request, guint n, guint value)
{
  struct vhost_vring_state state = { .index = n, .num = value };

  return set (self, request, &state, sizeof state);
}

static gboolean
set_eventfd (SvVhostUser *self, guint32 request, guint n, int fd)
{
  guint64 index = n;

  return set_with_fds (self, request, &index, sizeof index, &fd, 1);
}

static void
run_queue (SvVhostUser *self, guint n)
{
  Queue *queue = &self->queues[n];
  SvVirtqueueLayout layout;

  sv_virtqueue_get_layout (sv_virtio_device_get_queue (self->device, n), &layout);
  if (set_state (self, SV_VHOST_USER_SET_VRING_NUM, n, layout.size)
      && set_state (self, SV_VHOST_USER_SET_VRING_BASE, n, queue->base) && set_address (self, n, &layout)
      && set_eventfd (self, SV_VHOST_USER_SET_VRING_CALL, n, queue->call_fd)
      && set_eventfd (self, SV_VHOST_USER_SET_VRING_KICK, n, sv_virtio_device_get_kick_fd (self->device, n))
      && ((self->features & FEATURE (SV_VHOST_USER_F_PROTOCOL_FEATURES)) == 0
          || set_state (self, SV_VHOST_USER_SET_VRING_ENABLE, n, TRUE)))
    queue->state = QUEUE_RUNNING;
}

static void
stop_queue (SvVhostUser *self, guint n)
{
  struct vhost_vring_state state = { .index = n };
  Queue *queue = &self->queues[n];

  queue->wanted = FALSE;
  if (queue->state == QUEUE_RUNNING
      && sv_vhost_user_link_send (self->link, SV_VHOST_USER_GET_VRING_BASE, n, &state, sizeof state, NULL, 0,
                                  sizeof state))
    queue->state = QUEUE_STOPPING;
}

static gboolean
is_used (SvVhostUser *self, guint n)
{
  return self->started && n < self->n_queues && self->queues[n].call_fd >= 0;
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
  if (!is_used (self, n))
    return;
  if (sv_vhost_user_link_is_lost (self->link))
    set_broken (self, "the vhost-user peer is gone");
  else if (self->queues[n].state == QUEUE_STOPPED)
    run_queue (self, n);
  else
    self->queues[n].wanted = self->queues[n].state == QUEUE_STOPPING;
}

/**
 * sv_vhost_user_hurry_queue:
 * @self: a connection
 * @n: a queue
 *
 * Has the peer stop with the queue; sv_virtio_device_settled() tells when it has. It runs again when it is resumed.
 *
 * Returns: whether it does not work on it now
 */
gboolean
sv_vhost_user_hurry_queue (SvVhostUser *self, guint n)
{
  if (!is_used (self, n))
    return TRUE;
  stop_queue (self, n);
  return self->queues[n].state == QUEUE_STOPPED;
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
  while (!sv_vhost_user_hurry_queue (self, n))
    sv_vhost_user_link_wait (self->link);
}

/* --- what comes from the peer --- */

static void
on_stopped (SvVhostUser *self, guint n, const struct vhost_vring_state *reply)
{
  Queue *queue;

  if (!is_used (self, n) || self->queues[n].state != QUEUE_STOPPING)
    return;
  queue = &self->queues[n];
  queue->base = (guint16)reply->num;
  queue->state = QUEUE_STOPPED;
  if (queue->wanted)
    run_queue (self, n);
  queue->wanted = FALSE;
  sv_virtio_device_settled (self->device);
}

static void
on_reply (gpointer opaque, guint32 request, guint n, gconstpointer payload)
{
  SvVhostUser *self = opaque;
  g_autofree char *reason = NULL;
  guint64 code;

  if (request == SV_VHOST_USER_GET_VRING_BASE)
    {
      on_stopped (self, n, payload);
      return;
    }
  memcpy (&code, payload, sizeof code);
  if (code == 0)
    return;
  reason = g_strdup_printf ("vhost-user: the peer refuses request %u", request);
  set_broken (self, reason);
}

/* Nobody works on the queues any more. */
static void
on_lost (gpointer opaque, const char *reason)
{
  SvVhostUser *self = opaque;

  if (!self->started)
    return;
  for (guint i = 0; i < self->n_queues; i++)
    self->queues[i].state = QUEUE_STOPPED;
  set_broken (self, reason);
  sv_virtio_device_settled (self->device);
}

/* Beside a guest that runs there is not much time: a peer that listens has nothing else to do yet. */
static gint64
get_end (SvVirtioDevice *device)
{
  SvMachine *machine = sv_device_get_machine (SV_DEVICE (device));
  gboolean running = machine != NULL && sv_machine_is_running (machine);

  return g_get_monotonic_time () + (running ? HOTPLUG_MS : SV_VHOST_USER_TIMEOUT_MS) * 1000;
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
  static const SvVhostUserLinkFuncs funcs = { on_reply, on_lost };
  g_autoptr (SvVhostUser) self = g_new0 (SvVhostUser, 1);

  self->device = device;
  if (!sv_vhost_user_agree (fd, get_end (device), &self->features, &self->protocol_features, error))
    {
      close (fd);
      return NULL;
    }
  self->link = sv_vhost_user_link_new (fd, &funcs, self);
  return g_steal_pointer (&self);
}

void
sv_vhost_user_free (SvVhostUser *self)
{
  sv_vhost_user_stop (self);
  sv_vhost_user_link_free (self->link);
  g_free (self);
}

/* --- start and stop --- */

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
                      | FEATURE (SV_VHOST_USER_F_PROTOCOL_FEATURES))
                     & self->features;

  g_return_val_if_fail (!self->started, FALSE);

  if (sv_vhost_user_link_is_lost (self->link))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_CONNECTED, "vhost-user: the peer is gone");
      return FALSE;
    }
  set (self, SV_VHOST_USER_SET_FEATURES, &features, sizeof features);
  if (!set_memory (self, error))
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
