/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-object.h"
#include "src/block/sv-block-queue.h"
#include "src/block/sv-block-throttle.h"

G_BEGIN_DECLS

/**
 * SvBlockNode:
 *
 * A disk image as a device sees it (abstract); lives at /block/<node-name>. Completed = opened.
 * Properties: `read-only`, `auto-read-only`, `discard` (ignore, unmap), `detect-zeroes` (off, on,
 * unmap), `size` (read-only, in bytes), `throttling.*` (limits, changeable); subclasses add theirs. notify::size tells that the image
 * grew or shrank.
 */
#define SV_TYPE_BLOCK_NODE (sv_block_node_get_type ())
SV_API
G_DECLARE_DERIVABLE_TYPE (SvBlockNode, sv_block_node, SV, BLOCK_NODE, SvObject)

/**
 * SvBlockNodeClass:
 * @create_queue: makes a queue, see sv_block_node_create_queue()
 * @refresh_size: (nullable): looks at the image's size again and calls sv_block_node_set_size()
 * @resize: (nullable): makes the image @size bytes long; %NULL: it cannot
 * @get_stats: (nullable): sums up the counters; the default knows the node's own queues
 * @driver: name of the format or protocol as blockdev-add has it (`file`)
 */
struct _SvBlockNodeClass
{
  SvObjectClass parent_class;

  SvBlockQueue *(*create_queue) (SvBlockNode *self,
                                 GMainContext *context,
                                 guint depth,
                                 GError **error);
  gboolean (*refresh_size) (SvBlockNode *self, GError **error);

  gboolean (*resize) (SvBlockNode *self, guint64 size, GError **error);

  void (*get_stats) (SvBlockNode *self, SvBlockStats *stats);

  const char *driver;
  gpointer padding[4];
};

/**
 * SvBlockDiscard:
 * @SV_BLOCK_DISCARD_IGNORE: discard requests do nothing (`ignore`, `off`)
 * @SV_BLOCK_DISCARD_UNMAP: discarded ranges are given back (`unmap`, `on`)
 *
 * What becomes of discard requests.
 */
typedef enum
{
  SV_BLOCK_DISCARD_IGNORE,
  SV_BLOCK_DISCARD_UNMAP,
} SvBlockDiscard;

/**
 * SvBlockDetectZeroes:
 * @SV_BLOCK_DETECT_ZEROES_OFF: zeroes are written as any data
 * @SV_BLOCK_DETECT_ZEROES_ON: writes of zeroes become write-zeroes requests
 * @SV_BLOCK_DETECT_ZEROES_UNMAP: the same, and may make holes when `discard` is `unmap`
 *
 * What becomes of writes that contain nothing but zeroes.
 */
typedef enum
{
  SV_BLOCK_DETECT_ZEROES_OFF,
  SV_BLOCK_DETECT_ZEROES_ON,
  SV_BLOCK_DETECT_ZEROES_UNMAP,
} SvBlockDetectZeroes;

SV_API GType sv_block_discard_get_type (void);
SV_API GType sv_block_detect_zeroes_get_type (void);
#define SV_TYPE_BLOCK_DISCARD (sv_block_discard_get_type ())
#define SV_TYPE_BLOCK_DETECT_ZEROES (sv_block_detect_zeroes_get_type ())

/**
 * SvBlockError:
 * @SV_BLOCK_ERROR_OPEN: the image cannot be opened
 * @SV_BLOCK_ERROR_LOCKED: another process uses the image
 * @SV_BLOCK_ERROR_INVALID: a property's value does not fit
 *
 * What goes wrong with disk images.
 */
typedef enum
{
  SV_BLOCK_ERROR_OPEN,
  SV_BLOCK_ERROR_LOCKED,
  SV_BLOCK_ERROR_INVALID,
} SvBlockError;

#define SV_BLOCK_ERROR (sv_block_error_quark ())
SV_API GQuark sv_block_error_quark (void);
SV_API GType sv_block_error_get_type (void);

SV_API const char *sv_block_node_get_drive_name (SvBlockNode *self);
/* Size in bytes, a multiple of 512. Any thread. */
SV_API guint64 sv_block_node_get_size (SvBlockNode *self);
SV_API gboolean sv_block_node_is_read_only (SvBlockNode *self);
SV_API const char *sv_block_node_get_driver (SvBlockNode *self);
SV_API SvBlockDiscard sv_block_node_get_discard (SvBlockNode *self);
SV_API SvBlockDetectZeroes sv_block_node_get_detect_zeroes (SvBlockNode *self);
/* Sum over all queues, present and past. Any thread. */
SV_API void sv_block_node_get_stats (SvBlockNode *self, SvBlockStats *stats);
SV_API gboolean sv_block_node_refresh_size (SvBlockNode *self, GError **error);
SV_API gboolean sv_block_node_resize (SvBlockNode *self, guint64 size, GError **error);
/* (transfer full), free with sv_block_queue_free() */
SV_API SvBlockQueue *
sv_block_node_create_queue (SvBlockNode *self, GMainContext *context, guint depth, GError **error);

/* Requests or bytes in a second; 0: no limit. Main thread. */
SV_API guint64 sv_block_node_get_limit (SvBlockNode *self, SvBlockLimit limit);
SV_API void sv_block_node_set_limit (SvBlockNode *self, SvBlockLimit limit, guint64 per_second);

/* For queues: what all requests pass. */
SV_API SvBlockThrottle *sv_block_node_get_throttle (SvBlockNode *self);
/* Changes where a queue's timer is, which changed limits set off. */
SV_API void sv_block_node_set_timer (SvBlockNode *self, SvBlockQueue *queue, SvTimer *timer);

/* For subclasses */
SV_API void sv_block_node_set_size (SvBlockNode *self, guint64 size);
SV_API void sv_block_node_set_read_only (SvBlockNode *self, gboolean read_only);
SV_API gboolean sv_block_node_get_auto_read_only (SvBlockNode *self);
SV_API void sv_block_node_add_queue (SvBlockNode *self, SvBlockQueue *queue);
SV_API void sv_block_node_remove_queue (SvBlockNode *self, SvBlockQueue *queue);

G_END_DECLS
