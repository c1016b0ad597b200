/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-device.h"
#include "hw/virtio/sv-virtqueue.h"

G_BEGIN_DECLS

/**
 * SvVirtioDevice:
 *
 * A virtio device without its transport (abstract): features, status, configuration space and queues
 * (VIRTIO 1.2 §2, §3.1). It plugs into an SvVirtioBus. Subclasses say what is done with the buffers.
 *
 * Each queue belongs to one [struct@GLib.MainContext], where the driver's kicks arrive. Queues of the
 * default context run under the VM lock like all of the main thread; queues of an iothread run
 * without it.
 */
#define SV_TYPE_VIRTIO_DEVICE (sv_virtio_device_get_type ())
SV_API G_DECLARE_DERIVABLE_TYPE (SvVirtioDevice, sv_virtio_device, SV, VIRTIO_DEVICE, SvDevice)

/**
 * SvVirtioDeviceClass:
 * @device_id: VIRTIO 1.2 §5 (2: block)
 * @config_size: bytes of configuration space, at most 256
 * @setup: what realize is for other devices: opens back ends, fills in the configuration, adds
 *   queues. Nothing is left on failure
 * @teardown: the reverse of @setup; the device is reset and quiescent
 * @get_features: the device's own feature bits (the core adds those of ring and VERSION_1); asked
 *   after @setup
 * @check_features: whether the device can work with the subset that the driver took; %NULL: any subset
 * @write_config: the driver wrote @size bytes (1, 2, 4 or 8) at @offset of the configuration, which is
 *   not changed by itself; %NULL: nothing there is writable. VM lock held
 * @start: the driver is up (DRIVER_OK); queues and features are settled, kicks not yet on. VM lock held
 * @stop: the driver is gone (reset, unplug); queues are quiescent, nothing is in flight. VM lock
 *   held. Called only after a start that succeeded
 * @handle_queue: the driver kicked queue @n; in the queue's context. Also called once after start and
 *   resume
 * @drain_queue: waits until nothing of queue @n is in flight, all pushed; in the queue's context, or
 *   for queues of the default context in any thread that holds the VM lock. %NULL: never anything in
 *   flight
 * @resume_queue: queue @n, which the kernel works on (sv_virtio_device_set_queue_external()), may go
 *   on, after start and resume. VM lock held. @drain_queue is where it ends; both may come twice
 * @check_handover: whether the device can go on with a driver that took @features from another one with
 *   @n_queues queues, see SvVirtioHandover; what it does not know it must at least refuse politely, request by
 *   request. %NULL: it can
 * @handed_over: before @start, when the driver was set up with another device, whose configuration it saw as
 *   @config; %NULL: all that matters is told by a changed configuration
 *
 * @get_max_queues: after @setup, how many queues there can be once everything is plugged in; %NULL: those that there are
 * @hurry_queue: what is in flight of queue @n goes ahead of all limits, and sv_virtio_device_settled() is called when nothing
 *   is any more; called where @drain_queue is. Returns whether nothing is now. %NULL: @drain_queue never waits for long
 *
 * Subclasses leave realize, unrealize, reset, quiesce and resume of SvDeviceClass alone.
 */
struct _SvVirtioDeviceClass
{
  SvDeviceClass parent_class;

  guint16 device_id;
  guint16 config_size;

  gboolean (*setup) (SvVirtioDevice *self, GError **error);
  void (*teardown) (SvVirtioDevice *self);
  guint64 (*get_features) (SvVirtioDevice *self);
  gboolean (*check_features) (SvVirtioDevice *self, guint64 features);
  void (*write_config) (SvVirtioDevice *self, guint offset, guint64 value, guint size);
  gboolean (*start) (SvVirtioDevice *self, GError **error);
  void (*stop) (SvVirtioDevice *self);
  void (*handle_queue) (SvVirtioDevice *self, guint n);
  void (*drain_queue) (SvVirtioDevice *self, guint n);
  void (*resume_queue) (SvVirtioDevice *self, guint n);
  gboolean (*check_handover) (SvVirtioDevice *self,
                              guint64 features,
                              guint n_queues,
                              GError **error);
  void (*handed_over) (SvVirtioDevice *self, gconstpointer config);
  guint (*get_max_queues) (SvVirtioDevice *self);
  gboolean (*hurry_queue) (SvVirtioDevice *self, guint n);

  gpointer padding[3];
};

/* --- for subclasses --- */

/* For messages: what its user calls it, or its type's name. */
SV_API const char *sv_virtio_device_get_name (SvVirtioDevice *self);

/* In setup, or later while the status is 0: adds a queue of up to @max_size descriptors; returns its number. */
SV_API guint sv_virtio_device_add_queue (SvVirtioDevice *self, guint max_size);
/* In setup or start: where the queue runs (referenced); NULL: the default context. */
SV_API void sv_virtio_device_set_queue_context (SvVirtioDevice *self, guint n, GMainContext *context);
SV_API GMainContext *sv_virtio_device_get_queue_context (SvVirtioDevice *self, guint n);
/* In setup or start: handle_queue attaches no sources; so kicks need no turn of the main loop. */
SV_API void sv_virtio_device_set_queue_by_ring (SvVirtioDevice *self, guint n, gboolean by_ring);
/* In start: the kernel works on the queue (vhost) until the device stops. Kicks stay in its kick_fd,
 * and @call_fd, which stays the caller's, is connected to the driver's interrupt. */
SV_API void sv_virtio_device_set_queue_external (SvVirtioDevice *self, guint n, int call_fd);
/* The bytes of the configuration space, little endian, class's config_size of them. VM lock held. */
SV_API gpointer sv_virtio_device_get_config (SvVirtioDevice *self);
/* After a change of these bytes: new generation, the driver is interrupted. VM lock held. */
SV_API void sv_virtio_device_config_changed (SvVirtioDevice *self);
/* Sets DEVICE_NEEDS_RESET (VIRTIO 1.2 §2.1.2): the driver broke the rules. Any thread. */
SV_API void sv_virtio_device_set_broken (SvVirtioDevice *self, const char *format, ...)
  G_GNUC_PRINTF (2, 3);
/* Nothing is in flight of a queue that was asked to hurry. Any thread. */
SV_API void sv_virtio_device_settled (SvVirtioDevice *self);
/* Runs handle_queue soon in the queue's context, as if the driver had kicked. Any thread. */
SV_API void sv_virtio_device_kick (SvVirtioDevice *self, guint n);

/* What the driver took; 0 before FEATURES_OK. */
SV_API guint64 sv_virtio_device_get_driver_features (SvVirtioDevice *self);
SV_API gboolean sv_virtio_device_has_feature (SvVirtioDevice *self, guint bit);
SV_API guint sv_virtio_device_get_n_queues (SvVirtioDevice *self);
SV_API guint sv_virtio_device_get_max_queues (SvVirtioDevice *self); /* that it may have later */
SV_API SvVirtqueue *sv_virtio_device_get_queue (SvVirtioDevice *self, guint n); /* NULL: no such queue */
SV_API gboolean sv_virtio_device_is_started (SvVirtioDevice *self);

/* --- for transports; VM lock held --- */

SV_API guint16 sv_virtio_device_get_device_id (SvVirtioDevice *self);
SV_API guint sv_virtio_device_get_config_size (SvVirtioDevice *self);
SV_API guint64 sv_virtio_device_get_features (SvVirtioDevice *self); /* all that is offered */
/* The driver declares a queue usable (before DRIVER_OK) or takes it back, which waits for its requests
 * in flight. FALSE: refused, the queue stays as it was. */
SV_API gboolean sv_virtio_device_set_queue_ready (SvVirtioDevice *self, guint n, gboolean ready);
/* Before what waits for requests in flight (a reset, say): FALSE: it would, for as long as the host's disks take. The bus is
 * told by settled when to ask again. */
SV_API gboolean sv_virtio_device_settle (SvVirtioDevice *self);
SV_API void sv_virtio_device_sync_queues (SvVirtioDevice *self);
/* Ignored once FEATURES_OK is set. */
SV_API void sv_virtio_device_set_driver_features (SvVirtioDevice *self, guint64 features);
SV_API guint8 sv_virtio_device_get_status (SvVirtioDevice *self); /* any thread */
/* The driver writes the status (VIRTIO 1.2 §3.1); 0 resets. What the device refuses stays clear. */
SV_API void sv_virtio_device_set_status (SvVirtioDevice *self, guint8 status);
SV_API void sv_virtio_device_write_config (SvVirtioDevice *self, guint offset, guint64 value, guint size);
SV_API guint32 sv_virtio_device_get_config_generation (SvVirtioDevice *self);
/* The eventfd that a kick of queue @n is written to; -1 while the device is not started. */
SV_API int sv_virtio_device_get_kick_fd (SvVirtioDevice *self, guint n);
/* The eventfd by which the kernel interrupts for queue @n; -1: it does not work on that queue. */
SV_API int sv_virtio_device_get_call_fd (SvVirtioDevice *self, guint n);

G_END_DECLS
