/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-rng.h"

#include <linux/virtio_ids.h>

#include "src/migration/sv-migratable.h"
#include "src/rng/sv-rng.h"
#include "src/runtime/sv-clock.h"
#include "src/runtime/sv-rate-limit.h"

#define QUEUE_SIZE 8
/* A longer buffer is filled in part, as the device may (VIRTIO 1.2 §5.4.6.2): other work gets its
 * turn. */
#define MAX_CHUNK 16384
/* With a low limit: what drivers ask for at a time, rather than a byte now and then */
#define MIN_CHUNK 64
#define NS_PER_MS (G_GINT64_CONSTANT (1000) * 1000)
/* How long a source that has nothing is left alone, more each time */
#define MIN_RETRY_NS (1 * NS_PER_MS)
#define MAX_RETRY_NS (500 * NS_PER_MS)

struct _SvVirtioRng
{
  SvVirtioDevice parent_instance;

  SvObject *rng;
  guint64 max_bytes;
  guint32 period;

  SvRng *source;
  SvRateLimit limit;
  gint64 retry_ns;
  SvTimer *timer; /* while started */
  SvVirtqElement element;
  struct iovec iov[QUEUE_SIZE + 4];
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvVirtioRng, sv_virtio_rng, SV_TYPE_VIRTIO_DEVICE,
                               SV_MIGRATABLE_STATELESS ("requests that wait are in the ring, limits start anew"))

enum
{
  PROP_0,
  PROP_RNG,
  PROP_MAX_BYTES,
  PROP_PERIOD,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

/* --- requests --- */

/* Leaves @size bytes of the writable part; returns how many pieces that are. */
static guint
trim (SvVirtqElement *element, gsize size)
{
  guint n = 0;

  while (n < element->n_in && size > 0)
    {
      element->in[n].iov_len = MIN (element->in[n].iov_len, size);
      size -= element->in[n].iov_len;
      n++;
    }
  return n;
}

/* Fills the buffer that was popped. Returns after how many nanoseconds to try again; 0: it was
 * pushed. */
static gint64
fill (SvVirtioRng *self, SvVirtqueue *queue, guint64 most)
{
  SvVirtqElement *element = &self->element;
  guint64 wanted = MIN (element->in_size, most);
  gint64 wait_ns = sv_rate_limit_take (&self->limit, wanted, sv_clock_get_ns ());
  gsize got = 0;

  if (wait_ns == 0 && wanted > 0)
    {
      got = sv_rng_read (self->source, element->in, trim (element, wanted));
      sv_rate_limit_give_back (&self->limit, wanted - got);
      self->retry_ns = got > 0 ? MIN_RETRY_NS : MIN (self->retry_ns * 2, MAX_RETRY_NS);
      /* Not even one byte would be against VIRTIO 1.2 §5.4.6.2. */
      if (got == 0)
        wait_ns = self->retry_ns;
    }
  if (wait_ns > 0)
    sv_virtqueue_unpop (queue, element);
  else
    sv_virtqueue_push (queue, element, got);
  return wait_ns;
}

static void
sv_virtio_rng_handle_queue (SvVirtioDevice *device, guint n)
{
  SvVirtioRng *self = SV_VIRTIO_RNG (device);
  SvVirtqueue *queue = sv_virtio_device_get_queue (device, n);
  guint64 most = CLAMP (sv_rate_limit_get_burst (&self->limit), MIN_CHUNK, MAX_CHUNK);
  gint64 wait_ns = 0;

  if (!sv_virtqueue_begin (queue))
    return;
  while (wait_ns == 0 && sv_virtqueue_pop (queue, &self->element))
    wait_ns = fill (self, queue, most);
  sv_virtqueue_end (queue);
  sv_timer_set (self->timer, wait_ns > 0 ? sv_clock_get_ns () + wait_ns : -1);
}

/* What waits is in the ring, not here. */
static void
sv_virtio_rng_drain_queue (SvVirtioDevice *device, guint n)
{
  sv_timer_set (SV_VIRTIO_RNG (device)->timer, -1);
}

static void
serve_again (gpointer data)
{
  sv_virtio_device_kick (data, 0);
}

static gboolean
sv_virtio_rng_start (SvVirtioDevice *device, GError **error)
{
  SvVirtioRng *self = SV_VIRTIO_RNG (device);

  self->retry_ns = MIN_RETRY_NS;
  self->element.iov = self->iov;
  self->element.max_iov = G_N_ELEMENTS (self->iov);
  self->timer = sv_timer_new ("virtio-rng", NULL, serve_again, self);
  return TRUE;
}

static void
sv_virtio_rng_stop (SvVirtioDevice *device)
{
  SvVirtioRng *self = SV_VIRTIO_RNG (device);

  g_clear_pointer (&self->timer, sv_timer_free);
}

/* --- set-up --- */

static SvRng *
make_default (void)
{
  SvRng *rng = g_object_new (sv_rng_builtin_get_type (), NULL);

  sv_object_complete (SV_OBJECT (rng), NULL);
  return rng;
}

static gboolean
sv_virtio_rng_setup (SvVirtioDevice *device, GError **error)
{
  SvVirtioRng *self = SV_VIRTIO_RNG (device);

  if (self->max_bytes == 0 || self->period == 0)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "'%s': max-bytes=%" G_GUINT64_FORMAT " and period=%u must not be 0",
                   sv_virtio_device_get_name (device), self->max_bytes, self->period);
      return FALSE;
    }
  if (self->rng && !sv_object_claim (self->rng, SV_OBJECT (self), error))
    return FALSE;

  self->source = self->rng ? g_object_ref (SV_RNG (self->rng)) : make_default ();
  sv_rate_limit_set (&self->limit, self->max_bytes < G_MAXINT64 ? self->max_bytes : 0,
                     self->period * NS_PER_MS, sv_clock_get_ns ());
  sv_virtio_device_add_queue (device, QUEUE_SIZE);
  return TRUE;
}

static void
sv_virtio_rng_teardown (SvVirtioDevice *device)
{
  SvVirtioRng *self = SV_VIRTIO_RNG (device);

  sv_object_release (SV_OBJECT (self->source), SV_OBJECT (self));
  g_clear_object (&self->source);
}

/* --- properties --- */

static void
sv_virtio_rng_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvVirtioRng *self = SV_VIRTIO_RNG (object);

  switch (id)
    {
    case PROP_RNG:
      g_value_set_object (value, self->rng);
      break;
    case PROP_MAX_BYTES:
      g_value_set_uint64 (value, self->max_bytes);
      break;
    case PROP_PERIOD:
      g_value_set_uint (value, self->period);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_virtio_rng_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvVirtioRng *self = SV_VIRTIO_RNG (object);

  switch (id)
    {
    case PROP_RNG:
      sv_object_set_link (SV_OBJECT (self), pspec, &self->rng, g_value_get_object (value));
      return;
    case PROP_MAX_BYTES:
      self->max_bytes = g_value_get_uint64 (value);
      break;
    case PROP_PERIOD:
      self->period = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  g_object_notify_by_pspec (object, pspec);
}

static void
sv_virtio_rng_dispose (GObject *object)
{
  SvVirtioRng *self = SV_VIRTIO_RNG (object);

  G_OBJECT_CLASS (sv_virtio_rng_parent_class)->dispose (object);
  sv_object_set_link (SV_OBJECT (self), NULL, &self->rng, NULL);
}

static void
sv_virtio_rng_finalize (GObject *object)
{
  sv_rate_limit_clear (&SV_VIRTIO_RNG (object)->limit);
  G_OBJECT_CLASS (sv_virtio_rng_parent_class)->finalize (object);
}

static void
sv_virtio_rng_class_init (SvVirtioRngClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);
  SvVirtioDeviceClass *virtio_class = SV_VIRTIO_DEVICE_CLASS (klass);

  object_class->get_property = sv_virtio_rng_get_property;
  object_class->set_property = sv_virtio_rng_set_property;
  object_class->dispose = sv_virtio_rng_dispose;
  object_class->finalize = sv_virtio_rng_finalize;

  device_class->user_creatable = TRUE;
  device_class->category = "misc";
  device_class->description = "virtio entropy device";

  virtio_class->device_id = VIRTIO_ID_RNG;
  virtio_class->setup = sv_virtio_rng_setup;
  virtio_class->teardown = sv_virtio_rng_teardown;
  virtio_class->start = sv_virtio_rng_start;
  virtio_class->stop = sv_virtio_rng_stop;
  virtio_class->handle_queue = sv_virtio_rng_handle_queue;
  virtio_class->drain_queue = sv_virtio_rng_drain_queue;

  /**
   * SvVirtioRng:rng:
   *
   * Where the random bytes come from.
   */
  props[PROP_RNG] = g_param_spec_object (
      "rng", "rng",
      "Source of random bytes (-object rng-random or rng-builtin); default: the host's kernel",
      SV_TYPE_RNG, SV_PARAM_RW_WIRING);
  /**
   * SvVirtioRng:max-bytes:
   *
   * How many bytes the guest gets in each #SvVirtioRng:period, on average.
   */
  props[PROP_MAX_BYTES] = g_param_spec_uint64 (
      "max-bytes", "max-bytes", "Bytes that the guest gets in each period; the default is no limit",
      0, G_MAXUINT64, G_MAXINT64, SV_PARAM_RW_WIRING | SV_PARAM_SIZE);
  /**
   * SvVirtioRng:period:
   *
   * Milliseconds that #SvVirtioRng:max-bytes is for.
   */
  props[PROP_PERIOD] = g_param_spec_uint ("period", "period", "Length of a period in milliseconds",
                                          0, G_MAXUINT, 1 << 16, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_virtio_rng_init (SvVirtioRng *self)
{
  self->max_bytes = G_MAXINT64;
  self->period = 1 << 16;
  sv_rate_limit_init (&self->limit);
}
