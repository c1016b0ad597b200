/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/net/sv-netdev-null.h"

#include <errno.h>

#include "src/migration/sv-migratable.h"

struct _SvNetdevNull
{
  SvNetdev parent_instance;

  guint n_queues;
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvNetdevNull, sv_netdev_null, SV_TYPE_NETDEV,
                               SV_MIGRATABLE_STATELESS ("no packet goes anywhere"))

static gssize
null_queue_read (SvNetQueue *self, const struct iovec *iov, guint n_iov)
{
  return -EAGAIN;
}

static gssize
null_queue_write (SvNetQueue *self, const struct iovec *iov, guint n_iov)
{
  return -ENETDOWN;
}

static void
null_queue_watch (SvNetQueue *self)
{
}

static const SvNetQueueOps null_queue_ops = {
  .read = null_queue_read,
  .write = null_queue_write,
  .watch = null_queue_watch,
  .free = (void (*) (SvNetQueue *)) g_free,
};

static SvNetQueue *
sv_netdev_null_create_queue (SvNetdev *netdev,
                             guint n,
                             GMainContext *context,
                             const SvNetQueueFuncs *funcs,
                             gpointer opaque,
                             GError **error)
{
  SvNetQueue *queue = g_new0 (SvNetQueue, 1);

  queue->ops = &null_queue_ops;
  return queue;
}

static guint
sv_netdev_null_get_n_queues (SvNetdev *netdev)
{
  return SV_NETDEV_NULL (netdev)->n_queues;
}

static gboolean
sv_netdev_null_has_header (SvNetdev *netdev)
{
  return TRUE;
}

static SvNetOffloads
sv_netdev_null_get_offloads (SvNetdev *netdev)
{
  return SV_NET_OFFLOAD_CSUM | SV_NET_OFFLOAD_TSO4 | SV_NET_OFFLOAD_TSO6 | SV_NET_OFFLOAD_ECN
         | SV_NET_OFFLOAD_UFO;
}

static void
sv_netdev_null_class_init (SvNetdevNullClass *klass)
{
  SvNetdevClass *netdev_class = SV_NETDEV_CLASS (klass);

  netdev_class->create_queue = sv_netdev_null_create_queue;
  netdev_class->get_n_queues = sv_netdev_null_get_n_queues;
  netdev_class->has_header = sv_netdev_null_has_header;
  netdev_class->no_carrier = TRUE;
  netdev_class->get_offloads = sv_netdev_null_get_offloads;
}

static void
sv_netdev_null_init (SvNetdevNull *self)
{
  self->n_queues = 1;
}

/**
 * sv_netdev_null_new:
 *
 * Returns: (transfer full): a complete back end outside of the tree
 */
SvNetdev *
sv_netdev_null_new (void)
{
  SvNetdev *self = g_object_new (SV_TYPE_NETDEV_NULL, NULL);

  sv_object_complete (SV_OBJECT (self), NULL);
  return self;
}

/**
 * sv_netdev_null_set_n_queues:
 * @self: a back end that no card uses yet
 * @n_queues: how many queues it claims to have
 *
 * For a card whose driver knows several.
 */
void
sv_netdev_null_set_n_queues (SvNetdevNull *self, guint n_queues)
{
  self->n_queues = MAX (n_queues, 1);
}
