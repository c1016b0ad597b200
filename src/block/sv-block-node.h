/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/uio.h>

#include "qom/sv-object.h"

G_BEGIN_DECLS

/**
 * SvBlockNode:
 *
 * A disk image as a device sees it (abstract); lives at /block/<node-name>. Completed = opened. Properties: `read-only`,
 * `discard` (ignore, unmap), `detect-zeroes`, ... subclasses add theirs (`filename`, `cache.direct` = O_DIRECT, `aio` =
 * io_uring, threads).
 */
#define SV_TYPE_BLOCK_NODE (sv_block_node_get_type ())
SV_API G_DECLARE_DERIVABLE_TYPE (SvBlockNode, sv_block_node, SV, BLOCK_NODE, SvObject)

typedef enum
{
  SV_BLOCK_READ,
  SV_BLOCK_WRITE,
  SV_BLOCK_FLUSH,
  SV_BLOCK_DISCARD,
  SV_BLOCK_WRITE_ZEROES,
} SvBlockOp;

typedef struct _SvBlockRequest SvBlockRequest;
typedef struct _SvBlockQueue SvBlockQueue;

/**
 * SvBlockRequest:
 * @op: what to do
 * @may_unmap: for write-zeroes: holes are fine
 * @offset: in bytes
 * @length: in bytes (also the sum of @iov)
 * @iov: memory to read into or write from; host pointers, valid until @done
 * @done: called in the queue's context with 0 or a negative errno
 *
 * One request. The caller owns the memory and embeds it in its own, preallocated request.
 */
struct _SvBlockRequest
{
  SvBlockOp op;
  gboolean may_unmap;
  guint64 offset;
  guint64 length;
  struct iovec *iov;
  guint n_iov;
  void (*done) (SvBlockRequest *request, int result);
  gpointer backend_data[4];
};

SV_API guint64 sv_block_node_get_size (SvBlockNode *self);
SV_API gboolean sv_block_node_is_read_only (SvBlockNode *self);

/*
 * A queue submits requests to a node from one GMainContext (NULL: default); several queues of one node may run in
 * parallel. Submitting batches: sv_block_queue_submit() only prepares, sv_block_queue_kick() hands all to the kernel
 * in one call. Completions run in the context. No allocation per request.
 */
SV_API SvBlockQueue *sv_block_node_create_queue (SvBlockNode *self, GMainContext *context, guint depth, GError **error);
SV_API void sv_block_queue_free (SvBlockQueue *queue); /* drains first */
SV_API void sv_block_queue_submit (SvBlockQueue *queue, SvBlockRequest *request);
SV_API void sv_block_queue_kick (SvBlockQueue *queue);
SV_API guint sv_block_queue_get_in_flight (SvBlockQueue *queue);
/* Waits, in the queue's context, for all requests in flight. */
SV_API void sv_block_queue_drain (SvBlockQueue *queue);

G_END_DECLS
