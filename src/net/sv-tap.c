/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/net/sv-tap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TUN_PATH "/dev/net/tun"

/* Of headers that the kernel cannot checksum and segment itself there are none: all of these at once. */
static const struct
{
  SvNetOffloads offload;
  guint flag;
} offload_flags[] = {
  { SV_NET_OFFLOAD_CSUM, TUN_F_CSUM },    { SV_NET_OFFLOAD_TSO4, TUN_F_TSO4 },
  { SV_NET_OFFLOAD_TSO6, TUN_F_TSO6 },    { SV_NET_OFFLOAD_ECN, TUN_F_TSO_ECN },
  { SV_NET_OFFLOAD_UFO, TUN_F_UFO },
};

static void
set_error (GError **error, int code, const char *what, const char *name)
{
  const char *hint = "";

  switch (code)
    {
    case EBUSY:
      hint = ": it is in use by another process";
      break;
    case EPERM:
    case EACCES:
      hint = ": it takes CAP_NET_ADMIN, or an interface that belongs to this user";
      break;
    case EINVAL:
      hint = ": it exists and is no tap interface, or is one with several queues (multi_queue) where "
             "one is asked for, or the reverse";
      break;
    default:
      break;
    }
  g_set_error (error, SV_NET_ERROR, SV_NET_ERROR_OPEN, "cannot %s '%s': %s%s", what, name,
               g_strerror (code), hint);
}

static gboolean
prepare (int fd, const char *name, const SvTapOptions *options, gboolean header, GError **error)
{
  int size = SV_NET_HEADER_SIZE;
  int sndbuf = options->sndbuf > 0 ? (int) MIN (options->sndbuf, G_MAXINT) : G_MAXINT;
  int flags = fcntl (fd, F_GETFL);

  if (flags < 0 || fcntl (fd, F_SETFL, flags | O_NONBLOCK) < 0
      || (header && ioctl (fd, TUNSETVNETHDRSZ, &size) < 0))
    {
      set_error (error, errno, "set up tap interface", name);
      return FALSE;
    }
  /* Kinds of tap without a limit refuse, which is as good. */
  if (ioctl (fd, TUNSETSNDBUF, &sndbuf) < 0 && options->sndbuf > 0)
    {
      set_error (error, errno, "set sndbuf of tap interface", name);
      return FALSE;
    }
  return TRUE;
}

int
sv_tap_open (const SvTapOptions *options, char **ifname, gboolean *header, GError **error)
{
  const char *name = options->ifname ? options->ifname : "tap%d";
  struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
  guint features = 0;
  int fd;

  if (strlen (name) >= sizeof request.ifr_name || strchr (name, '/') != NULL)
    {
      g_set_error (error, SV_NET_ERROR, SV_NET_ERROR_INVALID,
                   "ifname='%s' is no name of an interface: it has 1 to %zu characters", name,
                   sizeof request.ifr_name - 1);
      return -1;
    }

  fd = open (TUN_PATH, O_RDWR | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    {
      int code = errno;

      g_set_error (error, SV_NET_ERROR, SV_NET_ERROR_OPEN,
                   "cannot open " TUN_PATH " for interface '%s': %s%s", name, g_strerror (code),
                   code == ENOENT || code == ENODEV ? " (is the kernel module 'tun' loaded?)" : "");
      return -1;
    }

  if (ioctl (fd, TUNGETFEATURES, &features) < 0)
    features = 0;
  *header = options->header && (features & IFF_VNET_HDR) != 0;
  if (*header)
    request.ifr_flags |= IFF_VNET_HDR;
  if (options->multi_queue)
    request.ifr_flags |= IFF_MULTI_QUEUE;
  g_strlcpy (request.ifr_name, name, sizeof request.ifr_name);
  if (ioctl (fd, TUNSETIFF, &request) < 0)
    set_error (error, errno, "use tap interface", name);
  else if (prepare (fd, request.ifr_name, options, *header, error))
    {
      *ifname = g_strdup (request.ifr_name);
      return fd;
    }
  close (fd);
  return -1;
}

gboolean
sv_tap_adopt (int fd,
              const char *what,
              const SvTapOptions *options,
              char **ifname,
              gboolean *header,
              GError **error)
{
  struct ifreq request = { 0 };

  if (fcntl (fd, F_GETFD) < 0)
    {
      g_set_error (error, SV_NET_ERROR, SV_NET_ERROR_INVALID, "%s is not an open descriptor", what);
      return FALSE;
    }
  if (ioctl (fd, TUNGETIFF, &request) < 0 || (request.ifr_flags & IFF_TAP) == 0)
    {
      g_set_error (error, SV_NET_ERROR, SV_NET_ERROR_INVALID,
                   "%s is no descriptor of a tap interface", what);
      return FALSE;
    }
  /* TUNGETIFF tells the flags of the interface as it was made. */
  *header = (request.ifr_flags & IFF_VNET_HDR) != 0;
  if (!(request.ifr_flags & IFF_NO_PI))
    {
      g_set_error (error, SV_NET_ERROR, SV_NET_ERROR_INVALID,
                   "%s: tap interface '%s' must be opened with IFF_NO_PI", what, request.ifr_name);
      return FALSE;
    }
  if (fcntl (fd, F_SETFD, FD_CLOEXEC) < 0
      || !prepare (fd, request.ifr_name, options, *header, error))
    return FALSE;
  *ifname = g_strdup (request.ifr_name);
  return TRUE;
}

static guint
to_flags (SvNetOffloads offloads)
{
  guint flags = 0;

  for (guint i = 0; i < G_N_ELEMENTS (offload_flags); i++)
    if ((offloads & offload_flags[i].offload) != 0)
      flags |= offload_flags[i].flag;
  return flags;
}

SvNetOffloads
sv_tap_probe_offloads (int fd)
{
  SvNetOffloads found = 0;

  for (guint i = 0; i < G_N_ELEMENTS (offload_flags); i++)
    {
      /* Segments have unfinished checksums, and ECN goes with segments. */
      guint flags = TUN_F_CSUM | offload_flags[i].flag;

      if (offload_flags[i].flag == TUN_F_TSO_ECN)
        flags |= TUN_F_TSO4;
      if (ioctl (fd, TUNSETOFFLOAD, (gulong) flags) == 0)
        found |= offload_flags[i].offload;
    }
  ioctl (fd, TUNSETOFFLOAD, 0ul);
  return found;
}

gboolean
sv_tap_set_offloads (int fd, SvNetOffloads offloads, GError **error)
{
  if (ioctl (fd, TUNSETOFFLOAD, (gulong) to_flags (offloads)) == 0)
    return TRUE;
  g_set_error (error, SV_NET_ERROR, SV_NET_ERROR_OPEN, "cannot set offloads of a tap: %s",
               g_strerror (errno));
  return FALSE;
}

gboolean
sv_tap_set_attached (int fd, gboolean attached, GError **error)
{
  struct ifreq request = { .ifr_flags = attached ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE };

  /* EINVAL: it is so already. */
  if (ioctl (fd, TUNSETQUEUE, &request) == 0 || errno == EINVAL)
    return TRUE;
  g_set_error (error, SV_NET_ERROR, SV_NET_ERROR_OPEN, "cannot %s a queue of a tap: %s",
               attached ? "attach" : "detach", g_strerror (errno));
  return FALSE;
}
