/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/uio.h>

#include "src/memory/sv-address-space.h"

G_BEGIN_DECLS

/**
 * SvVirtqueue:
 *
 * The device's side of a virtqueue (VIRTIO 1.2 §2.6, §2.7). Everything that the driver wrote is
 * checked here, once; a driver that breaks the rules gets the queue marked broken, and the queue then
 * hands out nothing more.
 *
 * A queue is worked on in batches from one thread at a time, the thread of its context:
 *
 * |[<!-- language="C" -->
 * if (!sv_virtqueue_begin (queue))
 *   return;
 * while ((request = take_free_request (self)) && sv_virtqueue_pop (queue, &request->element))
 *   submit (request);
 * sv_virtqueue_end (queue);
 * ]|
 *
 * Have one more request than the ring has slots: a loop that ends because requests ran out has not asked the
 * driver for kicks, and then what it adds later goes unnoticed.
 *
 * Completions are pushed the same way, in a batch of their own or inside of one that is open already:
 * batches nest. The outermost end publishes what was pushed and interrupts the driver if it wants to be.
 */
typedef struct _SvVirtqueue SvVirtqueue;

/* Largest queue that a device may have here; the specification's limit is 32768. */
#define SV_VIRTQUEUE_MAX_SIZE 1024

/**
 * SvVirtqElement:
 * @iov: storage for @max_iov pieces; the device's
 * @max_iov: how many pieces fit into @iov
 * @id: the buffer's name in the ring; chosen by the driver, below the queue's size
 * @out: what the driver wrote for the device to read
 * @n_out: number of pieces in @out
 * @in: what the device may write
 * @n_in: number of pieces in @in
 * @out_size: bytes in @out
 * @in_size: bytes in @in
 *
 * One buffer taken from a queue. The device preallocates as many as it handles at a time and sets
 * @iov and @max_iov once; sv_virtqueue_pop() fills in the rest. Host pointers stay good until the
 * element is pushed: RAM only goes when devices are quiescent.
 */
typedef struct
{
  struct iovec *iov;
  guint max_iov;
  guint16 id;
  guint n_out;
  guint n_in;
  struct iovec *out;
  struct iovec *in;
  guint64 out_size;
  guint64 in_size;
} SvVirtqElement;

/* Takes @size bytes off the front of what the device reads; FALSE, and nothing taken, if there are fewer. */
SV_API gboolean sv_virtq_element_pull (SvVirtqElement *element, gpointer data, gsize size);
/* Takes the last byte off what the device writes and returns where it is; NULL if there is none. */
SV_API guint8 *sv_virtq_element_take_last (SvVirtqElement *element);
/* Copies to the start of what the device writes; returns how much went in. Takes nothing off. */
SV_API gsize sv_virtq_element_fill (SvVirtqElement *element, gconstpointer data, gsize size);

/* --- for devices; in the queue's thread --- */

/* Opens a batch: pins guest memory and maps the rings. FALSE: not running, or broken; do not end it. */
SV_API gboolean sv_virtqueue_begin (SvVirtqueue *self);
/*
 * Next buffer. FALSE: there is none, and the driver was asked to kick when there is. The driver is asked
 * for no kicks between the first buffer of a batch and that. After a full ring's worth of buffers
 * in one batch FALSE is returned too and the queue runs again soon: other sources get their turn.
 */
SV_API gboolean sv_virtqueue_pop (SvVirtqueue *self, SvVirtqElement *element);
/* Reads the descriptors of an element in flight again, within a batch. FALSE: the queue is broken. */
SV_API gboolean sv_virtqueue_refetch (SvVirtqueue *self, SvVirtqElement *element);
/* Gives back the element popped last, unused. */
SV_API void sv_virtqueue_unpop (SvVirtqueue *self, SvVirtqElement *element);
/* The device is done with @element and wrote @written bytes at the start of its writable part. Outside
 * of a batch, after sv_virtqueue_begin() failed, the element is only forgotten. */
SV_API void sv_virtqueue_push (SvVirtqueue *self, SvVirtqElement *element, guint32 written);
SV_API void sv_virtqueue_end (SvVirtqueue *self);
/* Marks the queue broken: the driver sent something that the device cannot make sense of. */
SV_API void sv_virtqueue_break (SvVirtqueue *self, const char *format, ...) G_GNUC_PRINTF (2, 3);
SV_API gboolean sv_virtqueue_is_broken (SvVirtqueue *self);
SV_API guint sv_virtqueue_get_index (SvVirtqueue *self);
SV_API guint sv_virtqueue_get_size (SvVirtqueue *self);
SV_API guint sv_virtqueue_get_max_size (SvVirtqueue *self);
SV_API guint sv_virtqueue_get_in_flight (SvVirtqueue *self); /* popped and not pushed */

/* --- for the device core, transports and migration; VM lock held, queue not in use --- */

/**
 * SvVirtqueueLayout:
 * @size: number of descriptors; a power of two
 * @descriptors: guest address of the descriptor area, aligned to 16
 * @driver: guest address of the driver area (available ring), aligned to 2
 * @device: guest address of the device area (used ring), aligned to 4
 */
typedef struct
{
  guint16 size;
  guint64 descriptors;
  guint64 driver;
  guint64 device;
} SvVirtqueueLayout;

/**
 * SvVirtqueueFuncs:
 * @notify: the driver wants an interrupt; in the queue's thread
 * @broken: the queue was marked broken; in the queue's thread
 */
typedef struct
{
  void (*notify) (gpointer opaque, guint index);
  void (*broken) (gpointer opaque, guint index, const char *reason);
} SvVirtqueueFuncs;

SV_API SvVirtqueue *sv_virtqueue_new (guint index, guint max_size, const SvVirtqueueFuncs *funcs,
                                      gpointer opaque);
SV_API void sv_virtqueue_free (SvVirtqueue *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SvVirtqueue, sv_virtqueue_free)

/* The driver's settings, checked when it declares the queue ready. Refused (FALSE) when it is ready. */
SV_API gboolean sv_virtqueue_set_layout (SvVirtqueue *self, const SvVirtqueueLayout *layout);
SV_API void sv_virtqueue_get_layout (SvVirtqueue *self, SvVirtqueueLayout *layout);
SV_API gboolean sv_virtqueue_set_ready (SvVirtqueue *self, gboolean ready);
SV_API gboolean sv_virtqueue_is_ready (SvVirtqueue *self);
/* Runs a ready queue under the negotiated features; its memory is @memory (referenced until stopped). */
SV_API void sv_virtqueue_start (SvVirtqueue *self, SvAddressSpace *memory, guint64 features);
SV_API void sv_virtqueue_stop (SvVirtqueue *self);
SV_API gboolean sv_virtqueue_is_running (SvVirtqueue *self);
/* A batch ended at its limit with buffers left; asking clears it. */
SV_API gboolean sv_virtqueue_take_more (SvVirtqueue *self);
/* To the state after new, settings forgotten. */
SV_API void sv_virtqueue_reset (SvVirtqueue *self);

/* Position in the rings: the next buffer to pop and to push. */
SV_API void sv_virtqueue_get_position (SvVirtqueue *self, guint16 *avail_idx, guint16 *used_idx);
SV_API void sv_virtqueue_set_position (SvVirtqueue *self, guint16 avail_idx, guint16 used_idx);

/* State for a snapshot (floating): size, addresses of the three areas, ready, position, broken. sv-virtqueue-state.c */
#define SV_VIRTQUEUE_STATE_TYPE "(qtttbqqb)"
SV_API GVariant *sv_virtqueue_dup_state (SvVirtqueue *self);
SV_API gboolean sv_virtqueue_load_state (SvVirtqueue *self, GVariant *state, GError **error);
/* A buffer that was popped when the state was saved is in flight again. */
SV_API gboolean sv_virtqueue_take_again (SvVirtqueue *self, SvVirtqElement *element, guint16 id);

G_END_DECLS
