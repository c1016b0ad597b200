/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-vhost-user-fs.h"

#include <linux/virtio_fs.h>
#include <linux/virtio_ids.h>
#include <string.h>
#include <unistd.h>

#include "hw/virtio/sv-vhost-user.h"
#include "src/chardev/sv-chardev.h"
#include "src/migration/sv-migratable.h"

#define MAX_REQUEST_QUEUES 64

struct _SvVhostUserFs
{
  SvVirtioDevice parent_instance;

  SvObject *chardev;
  char *tag;
  guint num_request_queues;
  guint queue_size;

  SvVhostUser *peer;
  int stream; /* of the peer, on its way from the character device */
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvVhostUserFs, sv_vhost_user_fs, SV_TYPE_VIRTIO_DEVICE,
                               SV_MIGRATABLE_REFUSED ("its state is in the daemon, which has no way to hand it out"))

enum
{
  PROP_0,
  PROP_CHARDEV,
  PROP_TAG,
  PROP_NUM_REQUEST_QUEUES,
  PROP_QUEUE_SIZE,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

/* --- running --- */

static gboolean
sv_vhost_user_fs_start (SvVirtioDevice *device, GError **error)
{
  return sv_vhost_user_start (SV_VHOST_USER_FS (device)->peer, sv_virtio_device_get_n_queues (device),
                              error);
}

static void
sv_vhost_user_fs_stop (SvVirtioDevice *device)
{
  sv_vhost_user_stop (SV_VHOST_USER_FS (device)->peer);
}

static void
sv_vhost_user_fs_resume_queue (SvVirtioDevice *device, guint n)
{
  sv_vhost_user_resume_queue (SV_VHOST_USER_FS (device)->peer, n);
}

static gboolean
sv_vhost_user_fs_hurry_queue (SvVirtioDevice *device, guint n)
{
  return sv_vhost_user_hurry_queue (SV_VHOST_USER_FS (device)->peer, n);
}

static void
sv_vhost_user_fs_drain_queue (SvVirtioDevice *device, guint n)
{
  sv_vhost_user_drain_queue (SV_VHOST_USER_FS (device)->peer, n);
}

static void
sv_vhost_user_fs_handle_queue (SvVirtioDevice *device, guint n)
{
}

/* --- set-up --- */

static gboolean
refuse (SvVhostUserFs *self, GError **error, const char *complaint)
{
  g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID, "'%s': %s",
               sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)), complaint);
  return FALSE;
}

static void
take_stream (SvChardev *chardev, int input, int output, gpointer opaque)
{
  SvVhostUserFs *self = opaque;

  if (input != output)
    close (output);
  /* One peer is enough; another one that calls is turned away. */
  if (self->stream >= 0 || self->peer != NULL)
    close (input);
  else
    self->stream = input;
}

static gboolean
check_properties (SvVhostUserFs *self, GError **error)
{
  gsize length = self->tag != NULL ? strlen (self->tag) : 0;

  if (length < 1 || length > sizeof ((struct virtio_fs_config *)NULL)->tag)
    return refuse (self, error, "'tag' expects 1 to 36 bytes: the name that the guest mounts");
  if (self->chardev == NULL)
    return refuse (self, error, "'chardev' is missing: a socket on which the file system is served");
  if ((self->queue_size & (self->queue_size - 1)) != 0)
    return refuse (self, error, "'queue-size' must be a power of two");
  return TRUE;
}

static gboolean
connect_peer (SvVhostUserFs *self, GError **error)
{
  SvChardev *chardev = SV_CHARDEV (self->chardev);
  int stream;

  if (!sv_chardev_take_streams (chardev, take_stream, self, error))
    return FALSE;
  stream = self->stream;
  self->stream = -1;
  if (stream >= 0)
    self->peer = sv_vhost_user_new (stream, SV_VIRTIO_DEVICE (self), error);
  else
    refuse (self, error, "nobody serves the file system on its 'chardev' yet");
  if (self->peer != NULL)
    return TRUE;
  sv_chardev_detach (chardev);
  return FALSE;
}

static gboolean
sv_vhost_user_fs_setup (SvVirtioDevice *device, GError **error)
{
  SvVhostUserFs *self = SV_VHOST_USER_FS (device);
  struct virtio_fs_config *config = sv_virtio_device_get_config (device);

  if (!check_properties (self, error) || !connect_peer (self, error))
    return FALSE;
  if (!sv_vhost_user_check_memory (self->peer, error))
    {
      sv_chardev_detach (SV_CHARDEV (self->chardev));
      g_clear_pointer (&self->peer, sv_vhost_user_free);
      return FALSE;
    }
  memcpy (config->tag, self->tag, strlen (self->tag));
  config->num_request_queues = GUINT32_TO_LE (self->num_request_queues);
  /* One for requests that cannot wait, then the others (§5.11.2). */
  for (guint i = 0; i < 1 + self->num_request_queues; i++)
    sv_virtio_device_add_queue (device, self->queue_size);
  return TRUE;
}

static void
sv_vhost_user_fs_teardown (SvVirtioDevice *device)
{
  SvVhostUserFs *self = SV_VHOST_USER_FS (device);

  if (self->chardev != NULL)
    sv_chardev_detach (SV_CHARDEV (self->chardev));
  g_clear_pointer (&self->peer, sv_vhost_user_free);
}

/* --- properties --- */

static void
sv_vhost_user_fs_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvVhostUserFs *self = SV_VHOST_USER_FS (object);

  switch (id)
    {
    case PROP_CHARDEV:
      g_value_set_object (value, self->chardev);
      break;
    case PROP_TAG:
      g_value_set_string (value, self->tag);
      break;
    case PROP_NUM_REQUEST_QUEUES:
      g_value_set_uint (value, self->num_request_queues);
      break;
    case PROP_QUEUE_SIZE:
      g_value_set_uint (value, self->queue_size);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_vhost_user_fs_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvVhostUserFs *self = SV_VHOST_USER_FS (object);

  switch (id)
    {
    case PROP_CHARDEV:
      sv_object_set_link (SV_OBJECT (self), pspec, &self->chardev, g_value_get_object (value));
      return;
    case PROP_TAG:
      g_free (self->tag);
      self->tag = g_value_dup_string (value);
      break;
    case PROP_NUM_REQUEST_QUEUES:
      self->num_request_queues = g_value_get_uint (value);
      break;
    case PROP_QUEUE_SIZE:
      self->queue_size = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  g_object_notify_by_pspec (object, pspec);
}

static void
sv_vhost_user_fs_dispose (GObject *object)
{
  SvVhostUserFs *self = SV_VHOST_USER_FS (object);

  G_OBJECT_CLASS (sv_vhost_user_fs_parent_class)->dispose (object);

  sv_object_set_link (SV_OBJECT (self), NULL, &self->chardev, NULL);
}

static void
sv_vhost_user_fs_finalize (GObject *object)
{
  g_free (SV_VHOST_USER_FS (object)->tag);
  G_OBJECT_CLASS (sv_vhost_user_fs_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *object_class)
{
  /**
   * SvVhostUserFs:chardev:
   *
   * Where the file system is served. It is a client's end, also where it is said to be a server's and somebody listens
   * there already.
   */
  props[PROP_CHARDEV] = g_param_spec_object (
      "chardev", "chardev", "Character device: a socket on which the file system is served",
      SV_TYPE_CHARDEV, SV_PARAM_RW_WIRING);
  /**
   * SvVhostUserFs:tag:
   *
   * The name that the guest mounts, 1 to 36 bytes.
   */
  props[PROP_TAG] = g_param_spec_string ("tag", "tag", "Name that the guest mounts, 1 to 36 bytes",
                                         NULL, SV_PARAM_RW_WIRING);
  /**
   * SvVhostUserFs:num-request-queues:
   *
   * Queues for requests, beside the one for those that cannot wait.
   */
  props[PROP_NUM_REQUEST_QUEUES]
      = g_param_spec_uint ("num-request-queues", "num-request-queues", "Number of request queues", 1,
                           MAX_REQUEST_QUEUES, 1, SV_PARAM_RW_WIRING);
  /**
   * SvVhostUserFs:queue-size:
   *
   * Descriptors in each queue, a power of two.
   */
  props[PROP_QUEUE_SIZE]
      = g_param_spec_uint ("queue-size", "queue-size", "Descriptors in each queue, a power of two", 16,
                           SV_VIRTQUEUE_MAX_SIZE, 128, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_vhost_user_fs_class_init (SvVhostUserFsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);
  SvVirtioDeviceClass *virtio_class = SV_VIRTIO_DEVICE_CLASS (klass);

  object_class->get_property = sv_vhost_user_fs_get_property;
  object_class->set_property = sv_vhost_user_fs_set_property;
  object_class->dispose = sv_vhost_user_fs_dispose;
  object_class->finalize = sv_vhost_user_fs_finalize;

  device_class->user_creatable = TRUE;
  device_class->calls_chardev = TRUE;
  device_class->category = "storage";
  device_class->description = "virtio file system, served by another process (virtiofsd)";

  virtio_class->device_id = VIRTIO_ID_FS;
  virtio_class->config_size = sizeof (struct virtio_fs_config);
  virtio_class->setup = sv_vhost_user_fs_setup;
  virtio_class->teardown = sv_vhost_user_fs_teardown;
  virtio_class->start = sv_vhost_user_fs_start;
  virtio_class->stop = sv_vhost_user_fs_stop;
  virtio_class->handle_queue = sv_vhost_user_fs_handle_queue;
  virtio_class->hurry_queue = sv_vhost_user_fs_hurry_queue;
  virtio_class->drain_queue = sv_vhost_user_fs_drain_queue;
  virtio_class->resume_queue = sv_vhost_user_fs_resume_queue;
  install_properties (object_class);
}

static void
sv_vhost_user_fs_init (SvVhostUserFs *self)
{
  self->stream = -1;
  self->num_request_queues = 1;
  self->queue_size = 128;
}
