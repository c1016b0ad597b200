/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-balloon-private.h"

#include <linux/virtio_ids.h>
#include <unistd.h>

#include "hw/core/sv-machine.h"
#include "hw/virtio/sv-virtio-balloon-pages.h"
#include "hw/virtio/sv-virtio-bus.h"

#define FEATURE(bit) (G_GUINT64_CONSTANT (1) << (bit))
#define PAGE_SHIFT VIRTIO_BALLOON_PFN_SHIFT

/* Where the driver looks for its queues: those that it has features for, in this order. */
typedef enum
{
  ROLE_INFLATE,
  ROLE_DEFLATE,
  ROLE_STATS,
  ROLE_REPORTING,
  N_ROLES,
  ROLE_NONE,
} Role;

G_DEFINE_FINAL_TYPE_WITH_CODE (SvVirtioBalloon, sv_virtio_balloon, SV_TYPE_VIRTIO_DEVICE,
                               SV_MIGRATABLE_STATE (&sv_virtio_balloon_migration))

enum
{
  PROP_0,
  PROP_DEFLATE_ON_OOM,
  PROP_FREE_PAGE_REPORTING,
  PROP_HUGE_PAGES,
  PROP_POLLING_INTERVAL,
  PROP_STATS,
  PROP_TARGET,
  PROP_ACTUAL,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

/* --- size --- */

struct virtio_balloon_config *
sv_virtio_balloon_config (SvVirtioBalloon *self)
{
  return sv_virtio_device_get_config (SV_VIRTIO_DEVICE (self));
}

static guint64
without_pages (SvVirtioBalloon *self, guint32 pages)
{
  guint64 bytes = (guint64)GUINT32_FROM_LE (pages) << PAGE_SHIFT;

  return self->ram_size - MIN (bytes, self->ram_size);
}

/**
 * sv_virtio_balloon_get_actual:
 * @self: a realized balloon
 *
 * Returns: bytes of memory that the guest has, those in the balloon not counted
 */
guint64
sv_virtio_balloon_get_actual (SvVirtioBalloon *self)
{
  struct virtio_balloon_config *config = sv_virtio_balloon_config (self);

  return config ? without_pages (self, config->actual) : 0;
}

static guint64
get_target (SvVirtioBalloon *self)
{
  return self->memory ? without_pages (self, sv_virtio_balloon_config (self)->num_pages) : self->target;
}

static guint32
pages_without (SvVirtioBalloon *self, guint64 bytes)
{
  guint64 pages = (self->ram_size - MIN (bytes, self->ram_size)) >> PAGE_SHIFT;

  return GUINT32_TO_LE ((guint32)MIN (pages, G_MAXUINT32));
}

/**
 * sv_virtio_balloon_set_target:
 * @self: a realized balloon
 * @bytes: what the guest shall have; more than there is counts as all
 *
 * Asks the guest to inflate or deflate the balloon. VM lock held.
 */
void
sv_virtio_balloon_set_target (SvVirtioBalloon *self, guint64 bytes)
{
  struct virtio_balloon_config *config = sv_virtio_balloon_config (self);
  guint32 value = pages_without (self, bytes);

  if (config->num_pages == value)
    return;
  config->num_pages = value;
  sv_virtio_device_config_changed (SV_VIRTIO_DEVICE (self));
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_TARGET]);
}

static gboolean
tell_change (gpointer user_data)
{
  SvVirtioBalloon *self = user_data;
  SvMachine *machine = sv_device_get_machine (SV_DEVICE (self));
  g_autoptr (JsonObject) data = json_object_new ();

  self->event = 0;
  g_object_notify_by_pspec (G_OBJECT (self), props[PROP_ACTUAL]);
  json_object_set_int_member (data, "actual", (gint64)sv_virtio_balloon_get_actual (self));
  if (machine)
    sv_machine_emit_device_event (machine, "BALLOON_CHANGE", data);
  return G_SOURCE_REMOVE;
}

/* Told from the main loop: this may be a processor's thread. */
static void
set_actual (SvVirtioBalloon *self, guint32 pages)
{
  struct virtio_balloon_config *config = sv_virtio_balloon_config (self);

  if (config->actual == pages)
    return;
  config->actual = pages;
  if (self->event == 0)
    self->event = g_idle_add (tell_change, self);
}

static void
sv_virtio_balloon_write_config (SvVirtioDevice *device, guint offset, guint64 value, guint size)
{
  SvVirtioBalloon *self = SV_VIRTIO_BALLOON (device);

  if (size != sizeof (guint32))
    return;
  if (offset == offsetof (struct virtio_balloon_config, actual))
    set_actual (self, GUINT32_TO_LE ((guint32)value));
  else if (offset == offsetof (struct virtio_balloon_config, poison_val))
    sv_virtio_balloon_config (self)->poison_val = GUINT32_TO_LE ((guint32)value);
}

/* VIRTIO 1.2 §5.5.6.7: what is there afterwards must be the poison value, when there is one. */
static void
take_report (SvVirtioBalloon *self, SvVirtqElement *element)
{
  gboolean poison
      = sv_virtio_device_has_feature (SV_VIRTIO_DEVICE (self), VIRTIO_BALLOON_F_PAGE_POISON);

  if (!poison || sv_virtio_balloon_config (self)->poison_val == 0)
    sv_balloon_pages_report (element, self->memory, poison);
}

/* --- queues --- */

/* VIRTIO 1.2 §5.5.2: a queue whose feature was not negotiated is none, and the next one takes its number. */
static Role
role_of (SvVirtioDevice *device, guint n)
{
  gboolean stats = sv_virtio_device_has_feature (device, VIRTIO_BALLOON_F_STATS_VQ);
  gboolean reporting = sv_virtio_device_has_feature (device, VIRTIO_BALLOON_F_REPORTING);

  if (n < ROLE_STATS)
    return n;
  if (n == ROLE_STATS && stats)
    return ROLE_STATS;
  return reporting && n == (stats ? ROLE_REPORTING : ROLE_STATS) ? ROLE_REPORTING : ROLE_NONE;
}

static void
sv_virtio_balloon_handle_queue (SvVirtioDevice *device, guint n)
{
  SvVirtioBalloon *self = SV_VIRTIO_BALLOON (device);
  SvVirtqueue *queue = sv_virtio_device_get_queue (device, n);
  Role role = role_of (device, n);
  struct iovec iov[SV_BALLOON_QUEUE_SIZE + 4];
  SvVirtqElement element = { .iov = iov, .max_iov = G_N_ELEMENTS (iov) };

  if (role == ROLE_NONE || !sv_virtqueue_begin (queue))
    return;
  if (role == ROLE_STATS)
    sv_balloon_stats_handle (&self->stats, queue);
  else if (sv_virtqueue_pop (queue, &element))
    {
      if (role == ROLE_INFLATE)
        sv_balloon_pages_inflate (queue, &element, self->memory,
                                  self->has_huge_pages ? NULL : sv_virtio_device_get_name (device));
      else if (role == ROLE_REPORTING)
        take_report (self, &element);
      sv_virtqueue_push (queue, &element, 0);
      /* One buffer a turn: giving memory back takes its time. */
      sv_virtio_device_kick (device, n);
    }
  sv_virtqueue_end (queue);
}

static void
sv_virtio_balloon_drain_queue (SvVirtioDevice *device, guint n)
{
  if (role_of (device, n) == ROLE_STATS)
    sv_balloon_stats_pause (&SV_VIRTIO_BALLOON (device)->stats);
}

/* A driver that is gone, or starts anew, has no balloon. */
static void
sv_virtio_balloon_stop (SvVirtioDevice *device)
{
  SvVirtioBalloon *self = SV_VIRTIO_BALLOON (device);

  sv_virtio_balloon_config (self)->poison_val = 0;
  sv_balloon_stats_clear (&self->stats);
  set_actual (self, 0);
}

static guint64
sv_virtio_balloon_get_features (SvVirtioDevice *device)
{
  SvVirtioBalloon *self = SV_VIRTIO_BALLOON (device);
  guint64 features = FEATURE (VIRTIO_BALLOON_F_STATS_VQ);

  if (self->deflate_on_oom)
    features |= FEATURE (VIRTIO_BALLOON_F_DEFLATE_ON_OOM);
  if (self->free_page_reporting)
    features |= FEATURE (VIRTIO_BALLOON_F_REPORTING) | FEATURE (VIRTIO_BALLOON_F_PAGE_POISON);
  return features;
}

/* --- set-up --- */

static gboolean
is_no_other_balloon (SvObject *object, gpointer user_data)
{
  return !SV_IS_VIRTIO_BALLOON (object) || object == user_data || !sv_object_is_complete (object);
}

/*
 * Sums the RAM up. A page of it that is larger than what the driver gives goes back only when all of it is given at once, which
 * is rare but for reports: who wants a balloon for itself is better refused.
 */
static gboolean
check_memory (SvVirtioBalloon *self, GError **error)
{
  const SvFlatView *view = sv_address_space_enter (self->memory);
  SvMachine *machine = sv_device_get_machine (SV_DEVICE (self));
  gsize page_size = 0;
  const SvFlatRange *ranges;
  gsize n_ranges;

  self->ram_size = 0;
  ranges = sv_flat_view_get_ranges (view, &n_ranges);
  for (gsize i = 0; i < n_ranges; i++)
    {
      SvMemoryBackend *backend = sv_memory_region_get_backend (ranges[i].region);

      if (backend == NULL || ranges[i].readonly)
        continue;
      self->ram_size += ranges[i].size;
      page_size = MAX (page_size, sv_memory_backend_get_page_size (backend));
    }
  sv_address_space_leave (self->memory);
  if (machine && sv_machine_get_ram_size (machine) > 0)
    self->ram_size = sv_machine_get_ram_size (machine);

  self->has_huge_pages = page_size > (gsize)sysconf (_SC_PAGESIZE);
  if (!self->has_huge_pages || self->huge_pages)
    return TRUE;
  g_set_error (
      error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
      "'%s': a balloon cannot be used with huge pages; the memory has pages of %" G_GSIZE_FORMAT
      " bytes",
      sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)), page_size);
  return FALSE;
}

static gboolean
sv_virtio_balloon_setup (SvVirtioDevice *device, GError **error)
{
  SvVirtioBalloon *self = SV_VIRTIO_BALLOON (device);
  SvBus *bus = sv_device_get_bus (SV_DEVICE (self));

  if (!sv_object_walk (sv_object_get_root (SV_OBJECT (self)), is_no_other_balloon, self))
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_EXISTS,
                   "'%s': there is a balloon already; a machine has one at most", sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)));
      return FALSE;
    }
  self->memory = sv_virtio_bus_get_memory (SV_VIRTIO_BUS (bus));
  if (!check_memory (self, error))
    {
      self->memory = NULL;
      return FALSE;
    }
  for (guint i = 0; i < (self->free_page_reporting ? N_ROLES : ROLE_REPORTING); i++)
    sv_virtio_device_add_queue (device, SV_BALLOON_QUEUE_SIZE);
  sv_balloon_stats_clear (&self->stats);
  if (self->target > 0)
    sv_virtio_balloon_config (self)->num_pages = pages_without (self, self->target);
  sv_balloon_stats_set_interval (&self->stats, self->polling_interval);
  return TRUE;
}

static void
sv_virtio_balloon_teardown (SvVirtioDevice *device)
{
  SvVirtioBalloon *self = SV_VIRTIO_BALLOON (device);

  g_clear_handle_id (&self->event, g_source_remove);
  sv_balloon_stats_set_interval (&self->stats, 0);
  self->memory = NULL;
}

/* --- properties --- */

static void
sv_virtio_balloon_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvVirtioBalloon *self = SV_VIRTIO_BALLOON (object);

  switch (id)
    {
    case PROP_DEFLATE_ON_OOM:
      g_value_set_boolean (value, self->deflate_on_oom);
      break;
    case PROP_FREE_PAGE_REPORTING:
      g_value_set_boolean (value, self->free_page_reporting);
      break;
    case PROP_HUGE_PAGES:
      g_value_set_boolean (value, self->huge_pages);
      break;
    case PROP_POLLING_INTERVAL:
      g_value_set_int64 (value, self->polling_interval);
      break;
    case PROP_STATS:
      g_value_take_boxed (value, sv_balloon_stats_to_json (&self->stats));
      break;
    case PROP_TARGET:
      g_value_set_uint64 (value, get_target (self));
      break;
    case PROP_ACTUAL:
      g_value_set_uint64 (value, sv_virtio_balloon_get_actual (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_virtio_balloon_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvVirtioBalloon *self = SV_VIRTIO_BALLOON (object);

  switch (id)
    {
    case PROP_DEFLATE_ON_OOM:
      self->deflate_on_oom = g_value_get_boolean (value);
      break;
    case PROP_FREE_PAGE_REPORTING:
      self->free_page_reporting = g_value_get_boolean (value);
      break;
    case PROP_HUGE_PAGES:
      self->huge_pages = g_value_get_boolean (value);
      break;
    case PROP_POLLING_INTERVAL:
      self->polling_interval = g_value_get_int64 (value);
      if (self->memory != NULL)
        sv_balloon_stats_set_interval (&self->stats, self->polling_interval);
      break;
    case PROP_TARGET:
      self->target = g_value_get_uint64 (value);
      if (self->memory != NULL)
        {
          sv_virtio_balloon_set_target (self, self->target);
          return;
        }
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  g_object_notify_by_pspec (object, pspec);
}

static void
install_properties (GObjectClass *object_class)
{
  /**
   * SvVirtioBalloon:deflate-on-oom:
   *
   * Whether a guest that runs out of memory may take pages out of the balloon by itself.
   */
  props[PROP_DEFLATE_ON_OOM]
      = g_param_spec_boolean ("deflate-on-oom", "deflate-on-oom",
                              "A guest that runs out of memory may take pages out of the balloon",
                              FALSE, SV_PARAM_RW_WIRING);
  /**
   * SvVirtioBalloon:free-page-reporting:
   *
   * Whether the guest reports pages that it does not use, which then go back to the host.
   */
  props[PROP_FREE_PAGE_REPORTING] = g_param_spec_boolean (
      "free-page-reporting", "free-page-reporting",
      "The guest reports pages that it does not use, which go back to the host", FALSE,
      SV_PARAM_RW_WIRING);
  /**
   * SvVirtioBalloon:huge-pages:
   *
   * Whether the device may be used with memory of huge pages, which goes back to the host only when a whole one is given.
   */
  props[PROP_HUGE_PAGES] = g_param_spec_boolean (
      "huge-pages", "huge-pages", "Memory may have huge pages, which go back to the host only as a whole", TRUE,
      SV_PARAM_RW_WIRING);
  /**
   * SvVirtioBalloon:guest-stats-polling-interval:
   *
   * Seconds from one look at the guest's statistics to the next; 0 for none.
   */
  props[PROP_POLLING_INTERVAL]
      = g_param_spec_int64 ("guest-stats-polling-interval", "guest-stats-polling-interval",
                            "Seconds between two looks at the guest's statistics; 0: never", 0,
                            G_MAXINT32, 0, SV_PARAM_RW);
  /**
   * SvVirtioBalloon:guest-stats:
   *
   * What the guest last told: members `stats` and `last-update` (seconds since 1970).
   */
  props[PROP_STATS]
      = g_param_spec_boxed ("guest-stats", "guest-stats",
                            "What the guest last told about its memory, and when; -1: not told",
                            JSON_TYPE_NODE, SV_PARAM_RO);
  /**
   * SvVirtioBalloon:target:
   *
   * Bytes that the guest shall have; more than there is counts as all. 0 when the device is made: all.
   */
  props[PROP_TARGET] = g_param_spec_uint64 (
      "target", "target", "Bytes that the guest shall have; 0 for a new device: all that there is", 0, G_MAXUINT64, 0,
      SV_PARAM_RW | SV_PARAM_SIZE);
  /**
   * SvVirtioBalloon:actual:
   *
   * Bytes that the guest has.
   */
  props[PROP_ACTUAL] = g_param_spec_uint64 ("actual", "actual", "Bytes that the guest has", 0,
                                            G_MAXUINT64, 0, SV_PARAM_RO | SV_PARAM_SIZE);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_virtio_balloon_class_init (SvVirtioBalloonClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);
  SvVirtioDeviceClass *virtio_class = SV_VIRTIO_DEVICE_CLASS (klass);

  object_class->get_property = sv_virtio_balloon_get_property;
  object_class->set_property = sv_virtio_balloon_set_property;

  device_class->user_creatable = TRUE;
  device_class->category = "misc";
  device_class->description = "virtio memory balloon";

  virtio_class->device_id = VIRTIO_ID_BALLOON;
  virtio_class->config_size = sizeof (struct virtio_balloon_config);
  virtio_class->setup = sv_virtio_balloon_setup;
  virtio_class->teardown = sv_virtio_balloon_teardown;
  virtio_class->get_features = sv_virtio_balloon_get_features;
  virtio_class->write_config = sv_virtio_balloon_write_config;
  virtio_class->stop = sv_virtio_balloon_stop;
  virtio_class->handle_queue = sv_virtio_balloon_handle_queue;
  virtio_class->drain_queue = sv_virtio_balloon_drain_queue;
  install_properties (object_class);
}

static void
sv_virtio_balloon_init (SvVirtioBalloon *self)
{
  self->huge_pages = TRUE;
  sv_balloon_stats_init (&self->stats, G_OBJECT (self), props[PROP_STATS]);
}
