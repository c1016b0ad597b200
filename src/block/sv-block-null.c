/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/block/sv-block-null.h"

#include <errno.h>

#include "src/migration/sv-migratable.h"

struct _SvBlockNull
{
  SvBlockNode parent_instance;
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvBlockNull, sv_block_null, SV_TYPE_BLOCK_NODE,
                               SV_MIGRATABLE_STATELESS ("it has no data"))

/* Reads and writes do not get here: they are beyond the end. */
static void
null_submit (SvBlockQueue *queue, SvBlockRequest *request)
{
  sv_block_queue_complete_later (queue, request, request->op == SV_BLOCK_FLUSH ? 0 : -EIO);
}

static void
null_kick (SvBlockQueue *queue)
{
}

static void
null_free (SvBlockQueue *queue)
{
  sv_block_queue_clear (queue);
  g_free (queue);
}

static const SvBlockQueueOps null_ops = {
  .submit = null_submit,
  .kick = null_kick,
  .wait = null_kick,
  .free = null_free,
};

static SvBlockQueue *
sv_block_null_create_queue (SvBlockNode *node, GMainContext *context, guint depth, GError **error)
{
  SvBlockQueue *queue = g_new0 (SvBlockQueue, 1);

  sv_block_queue_init (queue, &null_ops, node, context, depth);
  return queue;
}

static void
sv_block_null_class_init (SvBlockNullClass *klass)
{
  SV_BLOCK_NODE_CLASS (klass)->create_queue = sv_block_null_create_queue;
  SV_BLOCK_NODE_CLASS (klass)->driver = "null";
}

static void
sv_block_null_init (SvBlockNull *self)
{
}

/**
 * sv_block_null_new:
 *
 * Returns: (transfer full): an open node of size 0
 */
SvBlockNode *
sv_block_null_new (void)
{
  SvBlockNode *self = g_object_new (SV_TYPE_BLOCK_NULL, NULL);

  sv_object_complete (SV_OBJECT (self), NULL);
  return self;
}
