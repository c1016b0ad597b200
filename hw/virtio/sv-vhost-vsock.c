/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-vhost-vsock.h"

#include <fcntl.h>
#include <linux/vhost.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_vsock.h>
#include <unistd.h>

#include "hw/virtio/sv-vhost.h"
#include "src/migration/sv-migratable.h"
#include "src/runtime/sv-fd-store.h"

#define FEATURE(bit) (G_GUINT64_CONSTANT (1) << (bit))
#define DEVICE_NODE "/dev/vhost-vsock"
#define QUEUE_SIZE 128
/* Receive and transmit are the kernel's. Nothing is ever said on the third queue: connections end
 * with the VM. */
#define N_VHOST_QUEUES 2
#define N_QUEUES 3
#define MIN_CID 3

struct _SvVhostVsock
{
  SvVirtioDevice parent_instance;

  guint64 guest_cid;
  char *vhostfd;

  SvVhost *vhost;
  guint resumed; /* queues, by bits, that may run */
  gboolean running;
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvVhostVsock, sv_vhost_vsock, SV_TYPE_VIRTIO_DEVICE,
                               SV_MIGRATABLE_REFUSED ("vhost-vsock: the kernel has its connections and works on its queues"))

enum
{
  PROP_0,
  PROP_GUEST_CID,
  PROP_VHOSTFD,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

/* --- running --- */

/* Both queues or none: the kernel starts and stops them together. */
static void
update_running (SvVhostVsock *self)
{
  SvVirtioDevice *device = SV_VIRTIO_DEVICE (self);
  gboolean running = self->resumed == (1 << N_VHOST_QUEUES) - 1;
  g_autoptr (GError) error = NULL;
  int argument = running;

  if (running == self->running)
    return;
  self->running = running;
  if (!sv_vhost_ioctl (self->vhost, running ? "start" : "stop", VHOST_VSOCK_SET_RUNNING, &argument,
                       &error))
    sv_virtio_device_set_broken (device, "%s", error->message);
}

static void
sv_vhost_vsock_resume_queue (SvVirtioDevice *device, guint n)
{
  SvVhostVsock *self = SV_VHOST_VSOCK (device);

  if (n >= N_VHOST_QUEUES)
    return;
  self->resumed |= 1u << n;
  update_running (self);
}

static void
sv_vhost_vsock_drain_queue (SvVirtioDevice *device, guint n)
{
  SvVhostVsock *self = SV_VHOST_VSOCK (device);

  if (n >= N_VHOST_QUEUES)
    return;
  self->resumed &= ~(1u << n);
  update_running (self);
}

static void
sv_vhost_vsock_handle_queue (SvVirtioDevice *device, guint n)
{
}

static gboolean
sv_vhost_vsock_start (SvVirtioDevice *device, GError **error)
{
  SvVhostVsock *self = SV_VHOST_VSOCK (device);

  return sv_vhost_start (self->vhost, device, 0, N_VHOST_QUEUES,
                         sv_virtio_device_get_driver_features (device), error);
}

static void
sv_vhost_vsock_stop (SvVirtioDevice *device)
{
  sv_vhost_stop (SV_VHOST_VSOCK (device)->vhost);
}

/* Where a queue is set up, the kernel works on it; what the kernel does not know is not offered. */
static guint64
sv_vhost_vsock_get_features (SvVirtioDevice *device)
{
  return sv_vhost_get_features (SV_VHOST_VSOCK (device)->vhost)
         & FEATURE (VIRTIO_VSOCK_F_SEQPACKET);
}

/* --- set-up --- */

/* -1: there is none */
static int
take_fd (SvVhostVsock *self, GError **error)
{
  const char *name = self->vhostfd;
  guint64 number;
  int fd = -1;

  if (g_ascii_isdigit (*name))
    {
      if (g_ascii_string_to_unsigned (name, 10, 3, G_MAXINT, &number, NULL)
          && fcntl ((int)number, F_SETFD, FD_CLOEXEC) == 0)
        fd = (int)number;
    }
  else
    fd = sv_fd_store_steal (SV_OBJECT (self), name);
  if (fd < 0)
    g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                 "'%s': vhostfd=%s is neither an open descriptor (3 or more) nor a name that "
                 "'getfd' gave one",
                 sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)), name);
  return fd;
}

static gboolean
open_vhost (SvVhostVsock *self, GError **error)
{
  guint64 cid = self->guest_cid;
  GError *local_error = NULL;
  int fd;

  if (self->vhostfd == NULL)
    self->vhost = sv_vhost_open (DEVICE_NODE, &local_error);
  else if ((fd = take_fd (self, error)) < 0)
    return FALSE;
  else
    self->vhost = sv_vhost_new (fd, "vhost-vsock", &local_error);
  if (self->vhost == NULL)
    {
      g_propagate_prefixed_error (error, local_error, "'%s': ", sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)));
      return FALSE;
    }

  if (sv_vhost_ioctl (self->vhost, "set the CID", VHOST_VSOCK_SET_GUEST_CID, &cid, &local_error))
    return TRUE;
  if (g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE,
                 "'%s': guest-cid=%" G_GUINT64_FORMAT " is in use by another VM", sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)),
                 cid);
  else
    g_propagate_prefixed_error (error, g_steal_pointer (&local_error), "'%s': ", sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)));
  g_clear_error (&local_error);
  g_clear_pointer (&self->vhost, sv_vhost_free);
  return FALSE;
}

static gboolean
sv_vhost_vsock_setup (SvVirtioDevice *device, GError **error)
{
  SvVhostVsock *self = SV_VHOST_VSOCK (device);
  struct virtio_vsock_config *config = sv_virtio_device_get_config (device);

  if (self->guest_cid < MIN_CID || self->guest_cid >= G_MAXUINT32)
    {
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID,
                   "'%s': guest-cid=%" G_GUINT64_FORMAT " must be from %d to %u", sv_virtio_device_get_name (SV_VIRTIO_DEVICE (self)),
                   self->guest_cid, MIN_CID, G_MAXUINT32 - 1);
      return FALSE;
    }
  if (!open_vhost (self, error))
    return FALSE;

  config->guest_cid = GUINT64_TO_LE (self->guest_cid);
  for (guint i = 0; i < N_QUEUES; i++)
    sv_virtio_device_add_queue (device, QUEUE_SIZE);
  return TRUE;
}

static void
sv_vhost_vsock_teardown (SvVirtioDevice *device)
{
  g_clear_pointer (&SV_VHOST_VSOCK (device)->vhost, sv_vhost_free);
}

/* --- properties --- */

static void
sv_vhost_vsock_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvVhostVsock *self = SV_VHOST_VSOCK (object);

  switch (id)
    {
    case PROP_GUEST_CID:
      g_value_set_uint64 (value, self->guest_cid);
      break;
    case PROP_VHOSTFD:
      g_value_set_string (value, self->vhostfd);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_vhost_vsock_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvVhostVsock *self = SV_VHOST_VSOCK (object);

  switch (id)
    {
    case PROP_GUEST_CID:
      self->guest_cid = g_value_get_uint64 (value);
      break;
    case PROP_VHOSTFD:
      g_free (self->vhostfd);
      self->vhostfd = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  g_object_notify_by_pspec (object, pspec);
}

static void
sv_vhost_vsock_finalize (GObject *object)
{
  g_free (SV_VHOST_VSOCK (object)->vhostfd);
  G_OBJECT_CLASS (sv_vhost_vsock_parent_class)->finalize (object);
}

static void
sv_vhost_vsock_class_init (SvVhostVsockClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  SvDeviceClass *device_class = SV_DEVICE_CLASS (klass);
  SvVirtioDeviceClass *virtio_class = SV_VIRTIO_DEVICE_CLASS (klass);

  object_class->get_property = sv_vhost_vsock_get_property;
  object_class->set_property = sv_vhost_vsock_set_property;
  object_class->finalize = sv_vhost_vsock_finalize;

  device_class->user_creatable = TRUE;
  device_class->category = "misc";
  device_class->description = "virtio socket device on the host kernel's vhost-vsock";

  virtio_class->device_id = VIRTIO_ID_VSOCK;
  virtio_class->config_size = sizeof (struct virtio_vsock_config);
  virtio_class->setup = sv_vhost_vsock_setup;
  virtio_class->teardown = sv_vhost_vsock_teardown;
  virtio_class->get_features = sv_vhost_vsock_get_features;
  virtio_class->start = sv_vhost_vsock_start;
  virtio_class->stop = sv_vhost_vsock_stop;
  virtio_class->handle_queue = sv_vhost_vsock_handle_queue;
  virtio_class->drain_queue = sv_vhost_vsock_drain_queue;
  virtio_class->resume_queue = sv_vhost_vsock_resume_queue;

  /**
   * SvVhostVsock:guest-cid:
   *
   * The guest's address, unique on the host.
   */
  props[PROP_GUEST_CID] = g_param_spec_uint64 (
      "guest-cid", "guest-cid", "Address of the guest, 3 to 4294967294, unique on the host", 0,
      G_MAXUINT64, 0, SV_PARAM_RW_WIRING);
  /**
   * SvVhostVsock:vhostfd:
   *
   * An open vhost-vsock device of the host.
   */
  props[PROP_VHOSTFD] = g_param_spec_string (
      "vhostfd", "vhostfd", "Open " DEVICE_NODE ": a number, or a name that getfd gave it", NULL,
      SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_vhost_vsock_init (SvVhostVsock *self)
{
}
