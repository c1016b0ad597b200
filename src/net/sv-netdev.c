/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/net/sv-netdev.h"

#include <errno.h>

G_DEFINE_ABSTRACT_TYPE (SvNetdev, sv_netdev, SV_TYPE_OBJECT)

G_DEFINE_QUARK (sv-net-error-quark, sv_net_error)

GType
sv_net_error_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    { SV_NET_ERROR_INVALID, "SV_NET_ERROR_INVALID", "invalid" },
    { SV_NET_ERROR_OPEN, "SV_NET_ERROR_OPEN", "open" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("SvNetError", values));
  return type;
}

static void
sv_netdev_class_init (SvNetdevClass *klass)
{
  SV_OBJECT_CLASS (klass)->container = "netdevs";
}

static void
sv_netdev_init (SvNetdev *self)
{
}

/**
 * sv_netdev_create_queue: (skip)
 * @self: a complete back end
 * @n: number of the queue, below sv_netdev_get_n_queues()
 * @context: (nullable): where it works; %NULL: the default context
 * @funcs: what is called when it is ready; static
 * @opaque: passed to them
 * @error: return location
 *
 * Returns: (transfer full) (nullable): a data path; the back end must outlive it
 */
SvNetQueue *
sv_netdev_create_queue (SvNetdev *self,
                        guint n,
                        GMainContext *context,
                        const SvNetQueueFuncs *funcs,
                        gpointer opaque,
                        GError **error)
{
  SvNetQueue *queue;

  g_return_val_if_fail (n < sv_netdev_get_n_queues (self), NULL);

  queue = SV_NETDEV_GET_CLASS (self)->create_queue (self, n, context, funcs, opaque, error);
  if (queue != NULL)
    {
      queue->funcs = funcs;
      queue->opaque = opaque;
      queue->watch = SV_NET_WATCH_NONE;
    }
  return queue;
}

/**
 * sv_net_queue_write_many: (skip)
 * @self: a data path
 * @packets: (array length=n): packets
 * @n: how many, up to %SV_NET_BATCH
 *
 * Sends packets in their order, in as few system calls as the back end can.
 *
 * Returns: how many are done, whether the back end took them or refused them; when that is less than
 *   @n, the next one must wait until the queue is writable
 */
guint
sv_net_queue_write_many (SvNetQueue *self, SvNetPacket *packets, guint n)
{
  if (n > 1 && self->ops->write_many != NULL)
    return self->ops->write_many (self, packets, n);

  for (guint i = 0; i < n; i++)
    {
      if (packets[i].n_iov == 0)
        continue;
      packets[i].result = self->ops->write (self, packets[i].iov, packets[i].n_iov);
      if (packets[i].result == -EAGAIN)
        return i;
    }
  return n;
}

/**
 * sv_net_queue_watch: (skip)
 * @self: a data path
 * @watch: what to call its functions for
 *
 * In the queue's context, or with the VM lock for the default one.
 */
void
sv_net_queue_watch (SvNetQueue *self, SvNetWatch watch)
{
  if (self->watch == watch)
    return;
  self->watch = watch;
  self->ops->watch (self);
}

/**
 * sv_net_queue_free: (skip)
 * @self: (transfer full): a data path
 *
 * In the queue's context, or with the VM lock for the default one.
 */
void
sv_net_queue_free (SvNetQueue *self)
{
  self->ops->free (self);
}

/**
 * sv_netdev_get_n_queues:
 * @self: a complete back end
 *
 * Returns: how many data paths it has
 */
guint
sv_netdev_get_n_queues (SvNetdev *self)
{
  SvNetdevClass *klass = SV_NETDEV_GET_CLASS (self);

  return klass->get_n_queues != NULL ? klass->get_n_queues (self) : 1;
}

/**
 * sv_netdev_set_queue_enabled:
 * @self: a back end
 * @n: number of a queue
 * @enabled: whether packets to the guest may come by it
 * @error: return location
 *
 * Returns: %FALSE when the host refused
 */
gboolean
sv_netdev_set_queue_enabled (SvNetdev *self, guint n, gboolean enabled, GError **error)
{
  SvNetdevClass *klass = SV_NETDEV_GET_CLASS (self);

  return klass->set_queue_enabled == NULL || klass->set_queue_enabled (self, n, enabled, error);
}

/**
 * sv_netdev_has_carrier:
 * @self: a back end
 *
 * Returns: whether there is something at the other end
 */
gboolean
sv_netdev_has_carrier (SvNetdev *self)
{
  return !SV_NETDEV_GET_CLASS (self)->no_carrier;
}

/**
 * sv_netdev_is_main_context_only:
 * @self: a back end
 *
 * Returns: whether its data paths work in the default context only
 */
gboolean
sv_netdev_is_main_context_only (SvNetdev *self)
{
  return SV_NETDEV_GET_CLASS (self)->main_context_only;
}

/**
 * sv_netdev_has_header:
 * @self: a complete back end
 *
 * Returns: whether packets have a virtio-net header of %SV_NET_HEADER_SIZE bytes in front
 */
gboolean
sv_netdev_has_header (SvNetdev *self)
{
  SvNetdevClass *klass = SV_NETDEV_GET_CLASS (self);

  return klass->has_header != NULL && klass->has_header (self);
}

/**
 * sv_netdev_get_offloads:
 * @self: a complete back end
 *
 * Returns: what it can leave to the guest; nothing without headers
 */
SvNetOffloads
sv_netdev_get_offloads (SvNetdev *self)
{
  SvNetdevClass *klass = SV_NETDEV_GET_CLASS (self);

  return klass->get_offloads != NULL ? klass->get_offloads (self) : 0;
}

/**
 * sv_netdev_set_offloads:
 * @self: a back end
 * @offloads: what it shall leave to the guest, within sv_netdev_get_offloads()
 * @error: return location
 *
 * Returns: %FALSE when the host refused
 */
gboolean
sv_netdev_set_offloads (SvNetdev *self, SvNetOffloads offloads, GError **error)
{
  SvNetdevClass *klass = SV_NETDEV_GET_CLASS (self);

  return klass->set_offloads == NULL || klass->set_offloads (self, offloads, error);
}

/**
 * sv_netdev_get_fd:
 * @self: a complete back end
 * @n: number of a queue
 *
 * Returns: the descriptor that vhost-net would use; -1: none
 */
int
sv_netdev_get_fd (SvNetdev *self, guint n)
{
  SvNetdevClass *klass = SV_NETDEV_GET_CLASS (self);

  return klass->get_fd != NULL ? klass->get_fd (self, n) : -1;
}

/**
 * sv_netdev_get_vhost_fd:
 * @self: a complete back end
 * @n: number of a queue
 *
 * Returns: the vhost-net device for the queue, the back end's; -1: no vhost
 */
int
sv_netdev_get_vhost_fd (SvNetdev *self, guint n)
{
  SvNetdevClass *klass = SV_NETDEV_GET_CLASS (self);

  return klass->get_vhost_fd != NULL ? klass->get_vhost_fd (self, n) : -1;
}

/**
 * sv_netdev_refuse: (skip)
 * @self: a back end
 * @error: return location
 * @format: what is wrong with its properties, a format
 * @...: its values
 *
 * Sets %SV_NET_ERROR_INVALID, with the back end's name before the message.
 *
 * Returns: %FALSE
 */
gboolean
sv_netdev_refuse (SvNetdev *self, GError **error, const char *format, ...)
{
  g_autofree char *message = NULL;
  va_list args;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, SV_NET_ERROR, SV_NET_ERROR_INVALID, "Network back end '%s': %s",
               sv_object_get_id (SV_OBJECT (self)), message);
  return FALSE;
}
