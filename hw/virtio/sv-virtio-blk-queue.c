/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-blk-queue.h"

#include <errno.h>
#include <linux/virtio_blk.h>
#include <sys/mman.h>

#define SECTOR_SHIFT 9

typedef struct _BlkRequest BlkRequest;
struct _BlkRequest
{
  SvBlockRequest request; /* first */
  SvVirtioBlkQueue *queue;
  BlkRequest *next_free;
  SvVirtqElement element;
  guint8 *status;
  guint32 written;
  guint32 type;
};

struct _SvVirtioBlkQueue
{
  const SvVirtioBlkDisk *disk;
  SvVirtqueue *ring;
  SvBlockQueue *block;
  gboolean in_batch;
  SvVirtioDevice *hurried_for; /* is told when nothing is in flight; NULL: nobody is */

  /* One request for each slot of the ring, and one that the queue is seen to be empty with, which is
   * when the driver is asked for kicks. Those never used cost address space only: a request that was
   * just freed is the next to be taken. */
  guint size;
  guint max_iov;
  guint n_touched;
  BlkRequest *free;
  BlkRequest *parked; /* failed; the VM stops, and they are tried again when it goes on */
  BlkRequest *requests;
  struct iovec *iovs;
  guint8 no_status; /* of a parked request whose buffer was not looked at */
};

static BlkRequest *
take_request (SvVirtioBlkQueue *self)
{
  BlkRequest *request = self->free;

  if (request)
    {
      self->free = request->next_free;
      return request;
    }
  if (self->n_touched == self->size)
    return NULL;
  request = &self->requests[self->n_touched];
  request->queue = self;
  request->element.iov = &self->iovs[(gsize)self->n_touched * self->max_iov];
  request->element.max_iov = self->max_iov;
  self->n_touched++;
  return request;
}

static void
put_request (SvVirtioBlkQueue *self, BlkRequest *request)
{
  request->next_free = self->free;
  self->free = request;
}

/* Status last: the driver looks at it when it finds the buffer used. */
static void
finish (BlkRequest *request, guint8 status)
{
  SvVirtioBlkQueue *self = request->queue;

  *request->status = status;
  sv_virtqueue_push (self->ring, &request->element, request->written);
  put_request (self, request);
}

static gboolean
is_in_range (SvVirtioBlkQueue *self, guint64 sector, guint64 length)
{
  guint64 size = sv_block_node_get_size (self->disk->node);
  guint sectors_per_block = self->disk->block_size >> SECTOR_SHIFT;

  return sector <= size >> SECTOR_SHIFT && length <= size - (sector << SECTOR_SHIFT)
         && sector % sectors_per_block == 0 && length % self->disk->block_size == 0;
}

/* Starts the next range of a discard or write-zeroes request. Returns a status when there is
 * nothing to wait for. */
static int
start_range (BlkRequest *request)
{
  SvVirtioBlkQueue *self = request->queue;
  gboolean zeroes = request->type == VIRTIO_BLK_T_WRITE_ZEROES;
  struct virtio_blk_discard_write_zeroes range;
  guint32 sectors, flags;
  guint64 sector;

  if (request->element.out_size == 0)
    return VIRTIO_BLK_S_OK;
  if (!sv_virtq_element_pull (&request->element, &range, sizeof range))
    return VIRTIO_BLK_S_IOERR;

  sector = GUINT64_FROM_LE (range.sector);
  sectors = GUINT32_FROM_LE (range.num_sectors);
  flags = GUINT32_FROM_LE (range.flags);
  /* VIRTIO 1.2 §5.2.6.2: unknown flags, and unmap for discard, are unsupported. */
  if (flags & (zeroes ? ~(guint32)VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP : G_MAXUINT32))
    return VIRTIO_BLK_S_UNSUPP;
  if (sectors > SV_VIRTIO_BLK_MAX_RANGE
      || !is_in_range (self, sector, (guint64)sectors << SECTOR_SHIFT))
    return VIRTIO_BLK_S_IOERR;

  request->request.op = zeroes ? SV_BLOCK_WRITE_ZEROES : SV_BLOCK_DISCARD;
  request->request.may_unmap = (flags & VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP) != 0;
  request->request.offset = sector << SECTOR_SHIFT;
  request->request.length = (guint64)sectors << SECTOR_SHIFT;
  request->request.iov = NULL;
  request->request.n_iov = 0;
  sv_block_queue_submit (self->block, &request->request);
  return -1;
}

/* Returns a status for a request that failed; -1 when it waits for a better time. */
static int
judge (BlkRequest *request, int result)
{
  SvVirtioBlkQueue *self = request->queue;
  SvVirtioBlkErrors *errors = self->disk->errors;

  if (result == -EOPNOTSUPP)
    return VIRTIO_BLK_S_UNSUPP;
  if (errors == NULL)
    return VIRTIO_BLK_S_IOERR;
  switch (sv_virtio_blk_errors_handle (errors, request->request.op, -result))
    {
    case SV_BLOCKDEV_ON_ERROR_IGNORE:
      return VIRTIO_BLK_S_OK;
    case SV_BLOCKDEV_ON_ERROR_STOP:
      request->next_free = self->parked;
      self->parked = request;
      return -1;
    default:
      return VIRTIO_BLK_S_IOERR;
    }
}

static void
request_done (SvBlockRequest *block_request, int result)
{
  BlkRequest *request = (BlkRequest *)block_request;
  SvVirtioBlkQueue *self = request->queue;
  int status = VIRTIO_BLK_S_OK;

  if (result < 0)
    status = judge (request, result);
  else if (block_request->op == SV_BLOCK_DISCARD || block_request->op == SV_BLOCK_WRITE_ZEROES)
    status = start_range (request);
  if (status < 0)
    return;

  if (!self->in_batch)
    self->in_batch = sv_virtqueue_begin (self->ring);
  finish (request, status);
}

/* All that was done in one go: one update of the ring, one interrupt. */
static void
batch_done (gpointer data)
{
  SvVirtioBlkQueue *self = data;

  if (self->in_batch)
    sv_virtqueue_end (self->ring);
  self->in_batch = FALSE;
  if (G_UNLIKELY (self->hurried_for != NULL) && sv_block_queue_get_in_flight (self->block) == 0)
    sv_virtio_device_settled (g_steal_pointer (&self->hurried_for));
}

static int
start_transfer (BlkRequest *request, guint64 sector)
{
  SvVirtioBlkQueue *self = request->queue;
  SvVirtqElement *element = &request->element;
  gboolean write = request->type == VIRTIO_BLK_T_OUT;
  guint64 length = write ? element->out_size : element->in_size;

  if (!is_in_range (self, sector, length))
    return VIRTIO_BLK_S_IOERR;

  request->request.op = write ? SV_BLOCK_WRITE : SV_BLOCK_READ;
  request->request.offset = sector << SECTOR_SHIFT;
  request->request.length = length;
  request->request.iov = write ? element->out : element->in;
  request->request.n_iov = write ? element->n_out : element->n_in;
  sv_block_queue_submit (self->block, &request->request);
  return -1;
}

/* Returns a status for a request that needs no waiting, otherwise -1. */
static int
start (BlkRequest *request, guint64 sector)
{
  SvVirtioBlkQueue *self = request->queue;
  const SvVirtioBlkDisk *disk = self->disk;
  gboolean read_only = sv_block_node_is_read_only (disk->node);

  request->request.done = request_done;
  request->request.may_unmap = FALSE;
  request->request.fua = !__atomic_load_n (&disk->writeback, __ATOMIC_RELAXED);

  switch (request->type)
    {
    case VIRTIO_BLK_T_IN:
      return start_transfer (request, sector);
    case VIRTIO_BLK_T_OUT:
      return read_only ? VIRTIO_BLK_S_IOERR : start_transfer (request, sector);
    case VIRTIO_BLK_T_FLUSH:
      request->request.op = SV_BLOCK_FLUSH;
      request->request.offset = request->request.length = 0;
      sv_block_queue_submit (self->block, &request->request);
      return -1;
    case VIRTIO_BLK_T_GET_ID:
      if (request->element.in_size < sizeof disk->id)
        return VIRTIO_BLK_S_IOERR;
      sv_virtq_element_fill (&request->element, disk->id, sizeof disk->id);
      return VIRTIO_BLK_S_OK;
    case VIRTIO_BLK_T_DISCARD:
    case VIRTIO_BLK_T_WRITE_ZEROES:
      if (!(request->type == VIRTIO_BLK_T_DISCARD ? disk->discard : disk->write_zeroes))
        return VIRTIO_BLK_S_UNSUPP;
      if (read_only || request->element.out_size == 0
          || request->element.out_size % sizeof (struct virtio_blk_discard_write_zeroes) != 0
          || request->element.out_size
                 > SV_VIRTIO_BLK_MAX_RANGES * sizeof (struct virtio_blk_discard_write_zeroes))
        return VIRTIO_BLK_S_IOERR;
      return start_range (request);
    default:
      return VIRTIO_BLK_S_UNSUPP;
    }
}

/* FALSE: the driver sent no request (VIRTIO 1.2 §5.2.6); there is not even a place for a status. */
static gboolean
handle_request (BlkRequest *request)
{
  SvVirtioBlkQueue *self = request->queue;
  struct virtio_blk_outhdr header;
  int status;

  /* All of the writable part counts as written: the status is its last byte. */
  request->written = MIN (request->element.in_size, G_MAXUINT32);
  request->status = sv_virtq_element_take_last (&request->element);
  if (request->status == NULL)
    {
      sv_virtqueue_break (self->ring, "a disk request has no status byte");
      return FALSE;
    }
  if (!sv_virtq_element_pull (&request->element, &header, sizeof header))
    {
      sv_virtqueue_break (self->ring, "a disk request has no header");
      return FALSE;
    }

  request->type = GUINT32_FROM_LE (header.type);
  status = start (request, GUINT64_FROM_LE (header.sector));
  if (status >= 0)
    finish (request, status);
  return TRUE;
}

/* The first try used the pieces up. */
static void
retry_parked (SvVirtioBlkQueue *self)
{
  BlkRequest *request = self->parked;

  self->parked = NULL;
  while (request)
    {
      BlkRequest *next = request->next_free;

      if (!sv_virtqueue_refetch (self->ring, &request->element) || !handle_request (request))
        {
          sv_virtqueue_push (self->ring, &request->element, 0);
          put_request (self, request);
        }
      request = next;
    }
}

GArray *
sv_virtio_blk_queue_get_parked (SvVirtioBlkQueue *self)
{
  GArray *ids = g_array_new (FALSE, FALSE, sizeof (guint16));

  for (BlkRequest *request = self->parked; request != NULL; request = request->next_free)
    g_array_append_val (ids, request->element.id);
  return ids;
}

gboolean
sv_virtio_blk_queue_park (SvVirtioBlkQueue *self, guint16 id)
{
  BlkRequest *request = take_request (self);
  BlkRequest **last = &self->parked;

  if (request == NULL)
    return FALSE;
  if (!sv_virtqueue_take_again (self->ring, &request->element, id))
    {
      put_request (self, request);
      return FALSE;
    }
  while (*last != NULL)
    last = &(*last)->next_free;
  request->next_free = NULL;
  /* Until it is read again there is nowhere else to say how it ended. */
  request->status = &self->no_status;
  *last = request;
  return TRUE;
}

static void
fail_parked (SvVirtioBlkQueue *self)
{
  if (!self->parked || !sv_virtqueue_begin (self->ring))
    return;
  while (self->parked)
    {
      BlkRequest *request = self->parked;

      self->parked = request->next_free;
      finish (request, VIRTIO_BLK_S_IOERR);
    }
  sv_virtqueue_end (self->ring);
}

/**
 * sv_virtio_blk_queue_handle:
 * @self: a queue
 *
 * Takes all requests that the driver has made available, hands them to the image in one go, and
 * returns those that are done at once.
 */
void
sv_virtio_blk_queue_handle (SvVirtioBlkQueue *self)
{
  BlkRequest *request;

  if (!sv_virtqueue_begin (self->ring))
    return;

  retry_parked (self);
  while ((request = take_request (self)))
    {
      if (!sv_virtqueue_pop (self->ring, &request->element))
        {
          put_request (self, request);
          break;
        }
      if (!handle_request (request))
        {
          sv_virtqueue_push (self->ring, &request->element, 0);
          put_request (self, request);
          break;
        }
    }
  /* Within the batch, so that what completes at once shares its interrupt. */
  sv_block_queue_kick (self->block);
  sv_virtqueue_end (self->ring);
}

/**
 * sv_virtio_blk_queue_drain:
 * @self: a queue
 *
 * Waits for all requests in flight; they are pushed when it returns.
 */
void
sv_virtio_blk_queue_drain (SvVirtioBlkQueue *self)
{
  sv_block_queue_drain (self->block);
}

/**
 * sv_virtio_blk_queue_hurry:
 * @self: a queue
 * @device: its device
 *
 * Lets requests in flight pass limits. When some take their time, sv_virtio_device_settled() tells of their end.
 *
 * Returns: whether nothing is in flight
 */
gboolean
sv_virtio_blk_queue_hurry (SvVirtioBlkQueue *self, SvVirtioDevice *device)
{
  gboolean idle = sv_block_queue_hurry (self->block);

  self->hurried_for = idle ? NULL : device;
  return idle;
}

static gsize
requests_size (SvVirtioBlkQueue *self)
{
  return self->size * (sizeof (BlkRequest) + self->max_iov * sizeof (struct iovec));
}

/* Not from the heap, which would clear, and so use, memory that it had given out before. */
static gboolean
map_requests (SvVirtioBlkQueue *self, GError **error)
{
  gpointer memory = mmap (NULL, requests_size (self), PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

  if (memory == MAP_FAILED)
    {
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
                   "no memory for %u disk requests", self->size);
      return FALSE;
    }
  self->requests = memory;
  self->iovs = (struct iovec *)(self->requests + self->size);
  return TRUE;
}

/**
 * sv_virtio_blk_queue_new:
 * @disk: what the device's queues share; outlives the queue
 * @ring: a virtqueue that the driver has set up
 * @context: (nullable): where the queue is handled and its requests complete
 * @error: return location for an error
 *
 * Returns: (transfer full) (nullable): a queue
 */
SvVirtioBlkQueue *
sv_virtio_blk_queue_new (const SvVirtioBlkDisk *disk,
                         SvVirtqueue *ring,
                         GMainContext *context,
                         GError **error)
{
  guint size = sv_virtqueue_get_size (ring);
  SvBlockQueue *block = sv_block_node_create_queue (disk->node, context, size, error);
  SvVirtioBlkQueue *self;

  if (block == NULL)
    return NULL;

  self = g_new0 (SvVirtioBlkQueue, 1);
  self->disk = disk;
  self->ring = ring;
  self->block = block;
  self->size = size + 1;
  /* A chain of the longest kind, and a few more: one that crosses from one piece of RAM to the
   * next. */
  self->max_iov = sv_virtqueue_get_max_size (ring) + 4;
  if (!map_requests (self, error))
    {
      sv_virtio_blk_queue_free (self);
      return NULL;
    }
  sv_block_queue_set_batch_func (block, batch_done, self);
  return self;
}

/**
 * sv_virtio_blk_queue_free:
 * @self: (transfer full): a queue with nothing in flight
 */
void
sv_virtio_blk_queue_free (SvVirtioBlkQueue *self)
{
  sv_block_queue_free (self->block);
  fail_parked (self);
  if (self->requests)
    munmap (self->requests, requests_size (self));
  g_free (self);
}
