/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/uio.h>

#include "src/runtime/sv-clock.h"
#include "src/runtime/sv-io-ring.h"

G_BEGIN_DECLS

typedef struct _SvBlockNode SvBlockNode;
typedef struct _SvBlockQueue SvBlockQueue;
typedef struct _SvBlockRequest SvBlockRequest;

/**
 * SvBlockOp:
 * @SV_BLOCK_READ: fills the request's memory
 * @SV_BLOCK_WRITE: stores the request's memory
 * @SV_BLOCK_FLUSH: makes all writes that were completed before durable
 * @SV_BLOCK_DISCARD: the content of a range is no longer needed
 * @SV_BLOCK_WRITE_ZEROES: a range reads zero from now on
 */
typedef enum
{
  SV_BLOCK_READ,
  SV_BLOCK_WRITE,
  SV_BLOCK_FLUSH,
  SV_BLOCK_DISCARD,
  SV_BLOCK_WRITE_ZEROES,
} SvBlockOp;

#define SV_BLOCK_N_OPS (SV_BLOCK_WRITE_ZEROES + 1)

/**
 * SvBlockStats:
 * @ops: requests that succeeded
 * @bytes: bytes of these
 * @failed: requests that failed
 * @time_ns: time from submission to completion, both kinds
 *
 * Counters by [enum@BlockOp], since the node was opened.
 */
typedef struct
{
  guint64 ops[SV_BLOCK_N_OPS];
  guint64 bytes[SV_BLOCK_N_OPS];
  guint64 failed[SV_BLOCK_N_OPS];
  guint64 time_ns[SV_BLOCK_N_OPS];
} SvBlockStats;

/* One system call's worth of work; private to the engines. */
typedef struct _SvBlockIo SvBlockIo;
struct _SvBlockIo
{
  SvBlockIo *next;
  struct iovec *iov;
  guint64 offset;
  guint64 length;
  gint64 result;
  guint n_iov;
  int fd;
  int mode;
  guint8 op;
  gboolean dsync;
  gpointer engine; /* that does it, where an engine needs to know */
  SvIoRingOp ring;
};

/**
 * SvBlockRequest:
 * @op: what to do
 * @may_unmap: for write-zeroes: holes are fine
 * @fua: for write and write-zeroes: durable before @done, without a flush
 * @offset: in bytes
 * @length: in bytes (also the sum of @iov)
 * @iov: memory to read into or write from; host pointers, valid until @done. The array is changed
 *   while the request runs
 * @n_iov: elements of @iov
 * @done: called in the queue's context with 0 or a negative errno; never from within
 *   sv_block_queue_submit()
 *
 * One request. The caller owns the memory and embeds it in its own, preallocated request.
 */
struct _SvBlockRequest
{
  SvBlockOp op;
  gboolean may_unmap;
  gboolean fua;
  guint64 offset;
  guint64 length;
  struct iovec *iov;
  guint n_iov;
  void (*done) (SvBlockRequest *request, int result);

  /*< private >*/
  SvBlockRequest *next;
  gint64 started;
  int result;
  SvBlockIo io;
  guint64 position;
  struct iovec window;
  guint8 *bounce;
  guint8 step;
  guint8 retries;
  gboolean buffered;
};

/*
 * A queue submits requests to a node from one GMainContext (NULL: default); several queues of one
 * node may run in parallel. Submitting batches: sv_block_queue_submit() only prepares,
 * sv_block_queue_kick() hands all to the kernel in one call. Completions run in the context, some
 * of them from within sv_block_queue_kick(). No allocation per request.
 */

/* Drains first. In the queue's context. */
SV_API void sv_block_queue_free (SvBlockQueue *queue);
SV_API void sv_block_queue_submit (SvBlockQueue *queue, SvBlockRequest *request);
SV_API void sv_block_queue_kick (SvBlockQueue *queue);
SV_API guint sv_block_queue_get_in_flight (SvBlockQueue *queue);
/* In the queue's context: starts all that waits for limits; whether nothing is in flight. */
SV_API gboolean sv_block_queue_hurry (SvBlockQueue *queue);
/* Waits, in the queue's context, for all requests in flight. */
SV_API void sv_block_queue_drain (SvBlockQueue *queue);
/* @func runs after each batch of completions: one notification for all of them. */
SV_API void
sv_block_queue_set_batch_func (SvBlockQueue *queue, void (*func) (gpointer data), gpointer data);

/*
 * For the nodes that implement queues.
 */

/**
 * SvBlockQueueOps:
 * @submit: takes a request that was checked against the node's size
 * @kick: hands what was taken to the kernel and completes what is done already
 * @wait: kicks, and blocks until something was completed; called while requests are in flight
 * @free: frees the queue; nothing is in flight
 */
typedef struct
{
  void (*submit) (SvBlockQueue *queue, SvBlockRequest *request);
  void (*kick) (SvBlockQueue *queue);
  void (*wait) (SvBlockQueue *queue);
  void (*free) (SvBlockQueue *queue);
} SvBlockQueueOps;

struct _SvBlockQueue
{
  const SvBlockQueueOps *ops;
  SvBlockNode *node;
  GMainContext *context;
  guint depth;
  guint in_flight;
  guint completed;
  guint nesting;
  SvBlockRequest *ready;
  SvBlockRequest **ready_tail;
  SvBlockRequest *waiting; /* for the node's limits, in order */
  SvBlockRequest **waiting_tail;
  SvTimer *timer; /* once something waited; changed under the node's lock */
  void (*batch_func) (gpointer data);
  gpointer batch_data;
  SvBlockStats stats;
};

SV_API void sv_block_queue_init (SvBlockQueue *queue,
                                 const SvBlockQueueOps *ops,
                                 SvBlockNode *node,
                                 GMainContext *context,
                                 guint depth);
SV_API void sv_block_queue_clear (SvBlockQueue *queue);
/* Completes @request at the end of the running, or within the next, kick. */
SV_API void
sv_block_queue_complete_later (SvBlockQueue *queue, SvBlockRequest *request, int result);
/* Completes @request now; call between begin and end. */
SV_API void sv_block_queue_complete (SvBlockQueue *queue, SvBlockRequest *request, int result);
SV_API void sv_block_queue_begin_batch (SvBlockQueue *queue);
SV_API void sv_block_queue_end_batch (SvBlockQueue *queue);
SV_API void sv_block_queue_read_stats (SvBlockQueue *queue, SvBlockStats *stats);

G_END_DECLS
