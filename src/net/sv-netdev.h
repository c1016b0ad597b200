/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/uio.h>

#include "qom/sv-object.h"

G_BEGIN_DECLS

/**
 * SvNetdev:
 *
 * A network back end (abstract): where the packets of a network card go to and come from. Back ends live at
 * /netdevs/<id>; their wire names are `netdev-tap`, `netdev-user` ... One card claims one.
 *
 * Setting up is done on the main thread. Packets go through queues, see [struct@NetQueue].
 */
#define SV_TYPE_NETDEV (sv_netdev_get_type ())
SV_API G_DECLARE_DERIVABLE_TYPE (SvNetdev, sv_netdev, SV, NETDEV, SvObject)

/**
 * SvNetOffloads:
 * @SV_NET_OFFLOAD_CSUM: packets whose checksum is incomplete
 * @SV_NET_OFFLOAD_TSO4: TCP over IPv4 in segments larger than the MTU
 * @SV_NET_OFFLOAD_TSO6: the same over IPv6
 * @SV_NET_OFFLOAD_ECN: such segments with ECN
 * @SV_NET_OFFLOAD_UFO: UDP larger than the MTU
 *
 * What the reader of packets can take, told by a virtio-net header in front of each.
 */
typedef enum
{
  SV_NET_OFFLOAD_CSUM = 1 << 0,
  SV_NET_OFFLOAD_TSO4 = 1 << 1,
  SV_NET_OFFLOAD_TSO6 = 1 << 2,
  SV_NET_OFFLOAD_ECN = 1 << 3,
  SV_NET_OFFLOAD_UFO = 1 << 4,
} SvNetOffloads;

/* Bytes of the virtio-net header in front of packets (VIRTIO 1.2 §5.1.6), with the number of buffers. */
#define SV_NET_HEADER_SIZE 12

typedef enum
{
  SV_NET_WATCH_NONE = 0,
  SV_NET_WATCH_READABLE = 1 << 0,
  SV_NET_WATCH_WRITABLE = 1 << 1,
} SvNetWatch;

/**
 * SvNetQueueFuncs:
 * @readable: there may be packets to read
 * @writable: writing may succeed again
 * @reads_done: of the reads that sv_net_queue_start_reads() began, the first @n are done by now
 *
 * Called in the queue's context; the first two while it is watched for that, again and again as long as it is so.
 */
typedef struct
{
  void (*readable) (gpointer opaque);
  void (*writable) (gpointer opaque);
  void (*reads_done) (gpointer opaque, guint n);
} SvNetQueueFuncs;

typedef struct _SvNetQueue SvNetQueue;

/**
 * SvNetPacket:
 * @iov: its pieces
 * @n_iov: how many; 0: not to be sent
 * @result: its bytes when it was sent or read, or a negative errno
 *
 * One packet to be sent, or memory for one to be read.
 */
typedef struct
{
  struct iovec *iov;
  guint n_iov;
  gssize result;
} SvNetPacket;

/* Packets that are sent, or wait to be read, at once at most. */
#define SV_NET_BATCH 64

/**
 * SvNetQueueOps:
 * @read: takes one packet; see sv_net_queue_read()
 * @write: sends one packet; see sv_net_queue_write()
 * @write_many: sends several; see sv_net_queue_write_many(); %NULL: one by one
 * @start_reads: see sv_net_queue_start_reads(); %NULL: packets are only read one by one
 * @cancel_reads: see sv_net_queue_cancel_reads()
 * @watch: what is watched for changed
 * @free: in the queue's context
 */
typedef struct
{
  gssize (*read) (SvNetQueue *self, const struct iovec *iov, guint n_iov);
  gssize (*write) (SvNetQueue *self, const struct iovec *iov, guint n_iov);
  guint (*write_many) (SvNetQueue *self, SvNetPacket *packets, guint n);
  void (*start_reads) (SvNetQueue *self, SvNetPacket *packets, guint n);
  void (*cancel_reads) (SvNetQueue *self);
  void (*watch) (SvNetQueue *self);
  void (*free) (SvNetQueue *self);
} SvNetQueueOps;

/**
 * SvNetQueue:
 *
 * A data path of a back end, bound to one [struct@GLib.MainContext]. Nothing here allocates memory
 * or takes a lock. Kinds of back ends embed it.
 */
struct _SvNetQueue
{
  const SvNetQueueOps *ops;
  const SvNetQueueFuncs *funcs;
  gpointer opaque;
  SvNetWatch watch;
};

/*
 * Reads one packet; returns its bytes, or a negative errno: -EAGAIN when there is none. What does not
 * fit into @iov is cut off. With a back end that has headers the packet begins with one.
 */
static inline gssize
sv_net_queue_read (SvNetQueue *self, const struct iovec *iov, guint n_iov)
{
  return self->ops->read (self, iov, n_iov);
}

/* Sends one packet; returns its bytes, or a negative errno: -EAGAIN when it must wait. */
static inline gssize
sv_net_queue_write (SvNetQueue *self, const struct iovec *iov, guint n_iov)
{
  return self->ops->write (self, iov, n_iov);
}

/* Whether the back end can have several reads at hand. */
static inline gboolean
sv_net_queue_can_start_reads (SvNetQueue *self)
{
  return self->ops->start_reads != NULL;
}

/*
 * Has up to %SV_NET_BATCH packets read, in order, as they come; their results are set one after the other, as
 * sv_net_queue_read() would return them, and told of by reads_done. @packets and what they point to stay until all are
 * done. Not while it is watched for packets, nor while there are such reads.
 */
static inline void
sv_net_queue_start_reads (SvNetQueue *self, SvNetPacket *packets, guint n)
{
  self->ops->start_reads (self, packets, n);
}

/* Ends the reads, which all have a result then: -ECANCELED if no packet came. reads_done is not called. */
static inline void
sv_net_queue_cancel_reads (SvNetQueue *self)
{
  self->ops->cancel_reads (self);
}

/* Sends up to %SV_NET_BATCH packets in order; how many are done. The next one must wait. */
SV_API guint sv_net_queue_write_many (SvNetQueue *self, SvNetPacket *packets, guint n);
/* In the queue's context, or with the VM lock for the default one. */
SV_API void sv_net_queue_watch (SvNetQueue *self, SvNetWatch watch);
SV_API void sv_net_queue_free (SvNetQueue *self);

/**
 * SvNetdevClass:
 * @create_queue: makes the data path number @n, which works in @context (%NULL: the default one) and
 *   is not watched yet
 * @get_n_queues: how many there can be; %NULL: one
 * @set_queue_enabled: whether the back end may use queue @n for packets to the guest; %NULL: nothing to do
 * @has_header: packets have a header in front
 * @get_offloads: what may be in packets that the back end writes, when it is told so; it takes
 *   all of it itself when it has headers
 * @set_offloads: what the card's driver takes
 * @get_fd: the descriptor behind queue @n, -1: none
 * @get_vhost_fd: the vhost-net device for queue @n, -1: no vhost
 */
struct _SvNetdevClass
{
  SvObjectClass parent_class;

  SvNetQueue *(*create_queue) (SvNetdev *self,
                               guint n,
                               GMainContext *context,
                               const SvNetQueueFuncs *funcs,
                               gpointer opaque,
                               GError **error);
  guint (*get_n_queues) (SvNetdev *self);
  gboolean (*set_queue_enabled) (SvNetdev *self, guint n, gboolean enabled, GError **error);
  gboolean (*has_header) (SvNetdev *self);
  SvNetOffloads (*get_offloads) (SvNetdev *self);
  gboolean (*set_offloads) (SvNetdev *self, SvNetOffloads offloads, GError **error);
  int (*get_fd) (SvNetdev *self, guint n);
  int (*get_vhost_fd) (SvNetdev *self, guint n);

  const char *description; /* one line for `-netdev help` */
  gboolean no_carrier;     /* there is nothing at the other end */
  gboolean main_context_only; /* @context is always %NULL: the threads of others may not do what it does */
  gpointer padding[8];
};

SV_API SvNetQueue *sv_netdev_create_queue (SvNetdev *self,
                                           guint n,
                                           GMainContext *context,
                                           const SvNetQueueFuncs *funcs,
                                           gpointer opaque,
                                           GError **error);
SV_API guint sv_netdev_get_n_queues (SvNetdev *self);
SV_API gboolean
sv_netdev_set_queue_enabled (SvNetdev *self, guint n, gboolean enabled, GError **error);
SV_API gboolean sv_netdev_has_header (SvNetdev *self);
SV_API gboolean sv_netdev_has_carrier (SvNetdev *self);
SV_API gboolean sv_netdev_is_main_context_only (SvNetdev *self);
SV_API SvNetOffloads sv_netdev_get_offloads (SvNetdev *self);
SV_API gboolean sv_netdev_set_offloads (SvNetdev *self, SvNetOffloads offloads, GError **error);
SV_API int sv_netdev_get_fd (SvNetdev *self, guint n);
SV_API int sv_netdev_get_vhost_fd (SvNetdev *self, guint n);

/* For back ends: an error about their properties; FALSE */
gboolean sv_netdev_refuse (SvNetdev *self, GError **error, const char *format, ...) G_GNUC_PRINTF (3, 4);

/**
 * SvNetError:
 * @SV_NET_ERROR_INVALID: properties that are wrong or do not go together
 * @SV_NET_ERROR_OPEN: the host refused
 *
 * What goes wrong with network back ends.
 */
typedef enum
{
  SV_NET_ERROR_INVALID,
  SV_NET_ERROR_OPEN,
} SvNetError;

#define SV_NET_ERROR (sv_net_error_quark ())
SV_API GQuark sv_net_error_quark (void);
SV_API GType sv_net_error_get_type (void);

G_END_DECLS
