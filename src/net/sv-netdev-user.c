/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/net/sv-netdev-user.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "qom/sv-property.h"
#include "src/migration/sv-migratable.h"
#include "src/net/sv-host-forward.h"
#include "src/net/sv-slirp-net-queue.h"

struct _SvNetdevUser
{
  SvNetdev parent_instance;

  char *net;
  char *host;
  char *dhcpstart;
  char *dns;
  char *hostname;
  char *domainname;
  char *ipv6_net;
  char *ipv6_prefix;
  char *ipv6_host;
  char *ipv6_dns;
  char **dnssearch;
  char **hostfwd;
  guint ipv6_prefixlen;
  gboolean restricted;
  gboolean ipv4;
  gboolean ipv6;

  SvSlirp *slirp;
};

enum
{
  PROP_0,
  PROP_NET,
  PROP_HOST,
  PROP_DHCPSTART,
  PROP_DNS,
  PROP_HOSTNAME,
  PROP_DOMAINNAME,
  PROP_IPV6_NET,
  PROP_IPV6_PREFIX,
  PROP_IPV6_HOST,
  PROP_IPV6_DNS,
  PROP_DNSSEARCH,
  PROP_HOSTFWD,
  PROP_IPV6_PREFIXLEN,
  PROP_RESTRICT,
  PROP_IPV4,
  PROP_IPV6,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

G_DEFINE_FINAL_TYPE_WITH_CODE (
    SvNetdevUser,
    sv_netdev_user,
    SV_TYPE_NETDEV,
    SV_MIGRATABLE_STATELESS ("its connections are the process's own, and end with it"))

/* --- addresses; host byte order --- */

static gboolean
parse_ipv4 (const char *text, guint32 *address)
{
  struct in_addr parsed;

  if (inet_pton (AF_INET, text, &parsed) != 1)
    return FALSE;
  *address = ntohl (parsed.s_addr);
  return TRUE;
}

/* `10.0.2.0/24`, `10.0.2.0/255.255.255.0`, or without a mask the one of its class. */
static gboolean
parse_net (const char *text, guint32 *net, guint32 *mask)
{
  const char *slash = strchr (text, '/');
  g_autofree char *address = slash ? g_strndup (text, slash - text) : g_strdup (text);
  guint64 bits;

  if (!parse_ipv4 (address, net))
    return FALSE;
  if (slash == NULL)
    *mask = *net >> 31 == 0 ? 0xff000000 : *net >> 30 == 2 ? 0xffff0000 : 0xffffff00;
  else if (strchr (slash, '.') != NULL)
    {
      if (!parse_ipv4 (slash + 1, mask) || (~*mask & (~*mask + 1)) != 0)
        return FALSE;
    }
  else if (g_ascii_string_to_unsigned (slash + 1, 10, 4, 29, &bits, NULL))
    *mask = G_MAXUINT32 << (32 - bits);
  else
    return FALSE;
  *net &= *mask;
  return ~*mask >= 7;
}

static gboolean
choose_address (SvNetdevUser *self,
                const char *key,
                const char *text,
                guint32 net,
                guint32 mask,
                guint32 fallback,
                struct in_addr *address,
                GError **error)
{
  guint32 value = net | (fallback & ~mask);

  if (text != NULL && !parse_ipv4 (text, &value))
    return sv_netdev_refuse (SV_NETDEV (self), error, "%s=%s is no IPv4 address", key, text);
  if ((value & mask) != net || (value & ~mask) == 0 || (value & ~mask) == ~mask)
    return sv_netdev_refuse (SV_NETDEV (self), error,
                             "%s=%s is not the address of a host in the network", key,
                             text ? text : "(default)");
  address->s_addr = htonl (value);
  return TRUE;
}

static gboolean
fill_ipv4 (SvNetdevUser *self, SlirpConfig *config, GError **error)
{
  guint32 net = 0x0a000200, mask = 0xffffff00;

  if (self->net != NULL && !parse_net (self->net, &net, &mask))
    return sv_netdev_refuse (SV_NETDEV (self), error,
                             "net=%s: expected a network such as 10.0.2.0/24, with 4 to 29 bits",
                             self->net);
  config->vnetwork.s_addr = htonl (net);
  config->vnetmask.s_addr = htonl (mask);
  if (!choose_address (self, "host", self->host, net, mask, 2, &config->vhost, error)
      || !choose_address (self, "dns", self->dns, net, mask, 3, &config->vnameserver, error)
      || !choose_address (self, "dhcpstart", self->dhcpstart, net, mask, ~mask > 16 ? 15 : 4,
                          &config->vdhcp_start, error))
    return FALSE;
  if (config->vhost.s_addr == config->vnameserver.s_addr)
    return sv_netdev_refuse (SV_NETDEV (self), error,
                             "'host' and 'dns' must be different addresses");
  return TRUE;
}

static gboolean
fill_ipv6 (SvNetdevUser *self, SlirpConfig *config, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (self->ipv6_net ? self->ipv6_net : "", "/", 2);
  const char *prefix = self->ipv6_prefix ? self->ipv6_prefix : "fec0::";
  guint64 bits = self->ipv6_prefixlen;

  if (self->ipv6_net != NULL)
    {
      if (g_strv_length (parts) != 2
          || !g_ascii_string_to_unsigned (parts[1], 10, 1, 126, &bits, NULL))
        return sv_netdev_refuse (SV_NETDEV (self), error,
                                 "ipv6-net=%s: expected a network such as fec0::/64",
                                 self->ipv6_net);
      prefix = parts[0];
    }
  if (inet_pton (AF_INET6, prefix, &config->vprefix_addr6) != 1)
    return sv_netdev_refuse (SV_NETDEV (self), error, "the IPv6 network %s is no IPv6 address",
                             prefix);
  config->vprefix_len = (guint8)bits;
  config->vhost6 = config->vnameserver6 = config->vprefix_addr6;
  config->vhost6.s6_addr[15] |= 2;
  config->vnameserver6.s6_addr[15] |= 3;
  if (self->ipv6_host != NULL && inet_pton (AF_INET6, self->ipv6_host, &config->vhost6) != 1)
    return sv_netdev_refuse (SV_NETDEV (self), error, "ipv6-host=%s is no IPv6 address",
                             self->ipv6_host);
  if (self->ipv6_dns != NULL && inet_pton (AF_INET6, self->ipv6_dns, &config->vnameserver6) != 1)
    return sv_netdev_refuse (SV_NETDEV (self), error, "ipv6-dns=%s is no IPv6 address",
                             self->ipv6_dns);
  return TRUE;
}

static gboolean
add_forwards (SvNetdevUser *self, GError **error)
{
  for (guint i = 0; self->hostfwd != NULL && self->hostfwd[i] != NULL; i++)
    {
      const char *text = self->hostfwd[i];
      SvHostForward forward;

      if (!sv_host_forward_parse (text, &forward))
        return sv_netdev_refuse (
            SV_NETDEV (self), error,
            "hostfwd=%s: expected tcp:[ADDRESS]:PORT-[ADDRESS]:PORT (or udp), host "
            "first, with ports from 1 to 65535",
            text);
      if (slirp_add_hostfwd (sv_slirp_get (self->slirp), forward.udp, forward.host_address,
                             forward.host_port, forward.guest_address, forward.guest_port)
          < 0)
        return sv_netdev_refuse (SV_NETDEV (self), error,
                                 "hostfwd=%s: cannot listen on that port of the host: %s", text,
                                 g_strerror (errno));
    }
  return TRUE;
}

static gboolean
sv_netdev_user_complete (SvObject *object, GError **error)
{
  SvNetdevUser *self = SV_NETDEV_USER (object);
  SlirpConfig config = { .version = 1 };

  if (!self->ipv4 && !self->ipv6)
    return sv_netdev_refuse (SV_NETDEV (self), error, "'ipv4' and 'ipv6' cannot both be off");
  if (!fill_ipv4 (self, &config, error) || !fill_ipv6 (self, &config, error))
    return FALSE;
  config.restricted = self->restricted;
  config.in_enabled = self->ipv4;
  config.in6_enabled = self->ipv6;
  config.vhostname = self->hostname;
  config.vdomainname = self->domainname;
  config.vdnssearch = (const char **)self->dnssearch;

  self->slirp = sv_slirp_new (&config, sv_object_get_id (object));
  if (self->slirp == NULL)
    return sv_netdev_refuse (SV_NETDEV (self), error, "libslirp did not start");
  if (add_forwards (self, error))
    return TRUE;
  g_clear_pointer (&self->slirp, sv_slirp_free);
  return FALSE;
}

static SvNetQueue *
sv_netdev_user_create_queue (SvNetdev *netdev,
                             guint n,
                             GMainContext *context,
                             const SvNetQueueFuncs *funcs,
                             gpointer opaque,
                             GError **error)
{
  return sv_slirp_create_queue (SV_NETDEV_USER (netdev)->slirp, context);
}

/* --- properties --- */

/* Where a string property is kept; NULL for the others. */
static char **
string_slot (SvNetdevUser *self, guint id)
{
  switch (id)
    {
    case PROP_NET:
      return &self->net;
    case PROP_HOST:
      return &self->host;
    case PROP_DHCPSTART:
      return &self->dhcpstart;
    case PROP_DNS:
      return &self->dns;
    case PROP_HOSTNAME:
      return &self->hostname;
    case PROP_DOMAINNAME:
      return &self->domainname;
    case PROP_IPV6_NET:
      return &self->ipv6_net;
    case PROP_IPV6_PREFIX:
      return &self->ipv6_prefix;
    case PROP_IPV6_HOST:
      return &self->ipv6_host;
    case PROP_IPV6_DNS:
      return &self->ipv6_dns;
    default:
      return NULL;
    }
}

static void
sv_netdev_user_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  SvNetdevUser *self = SV_NETDEV_USER (object);
  char **slot = string_slot (self, id);

  if (slot != NULL)
    {
      g_value_set_string (value, *slot);
      return;
    }
  switch (id)
    {
    case PROP_DNSSEARCH:
      g_value_set_boxed (value, self->dnssearch);
      break;
    case PROP_HOSTFWD:
      g_value_set_boxed (value, self->hostfwd);
      break;
    case PROP_IPV6_PREFIXLEN:
      g_value_set_uint (value, self->ipv6_prefixlen);
      break;
    case PROP_RESTRICT:
      g_value_set_boolean (value, self->restricted);
      break;
    case PROP_IPV4:
      g_value_set_boolean (value, self->ipv4);
      break;
    case PROP_IPV6:
      g_value_set_boolean (value, self->ipv6);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
sv_netdev_user_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  SvNetdevUser *self = SV_NETDEV_USER (object);
  char **slot = string_slot (self, id);

  if (slot != NULL)
    {
      g_free (*slot);
      *slot = g_value_dup_string (value);
      g_object_notify_by_pspec (object, pspec);
      return;
    }
  switch (id)
    {
    case PROP_DNSSEARCH:
      g_strfreev (self->dnssearch);
      self->dnssearch = g_value_dup_boxed (value);
      break;
    case PROP_HOSTFWD:
      g_strfreev (self->hostfwd);
      self->hostfwd = g_value_dup_boxed (value);
      break;
    case PROP_IPV6_PREFIXLEN:
      self->ipv6_prefixlen = g_value_get_uint (value);
      break;
    case PROP_RESTRICT:
      self->restricted = g_value_get_boolean (value);
      break;
    case PROP_IPV4:
      self->ipv4 = g_value_get_boolean (value);
      break;
    case PROP_IPV6:
      self->ipv6 = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
      return;
    }
  g_object_notify_by_pspec (object, pspec);
}

static void
sv_netdev_user_finalize (GObject *object)
{
  SvNetdevUser *self = SV_NETDEV_USER (object);

  g_clear_pointer (&self->slirp, sv_slirp_free);
  for (guint id = PROP_0 + 1; id < N_PROPS; id++)
    if (string_slot (self, id) != NULL)
      g_free (*string_slot (self, id));
  g_strfreev (self->dnssearch);
  g_strfreev (self->hostfwd);
  G_OBJECT_CLASS (sv_netdev_user_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *object_class)
{
  static const struct
  {
    guint id;
    const char *name;
    const char *blurb;
  } strings[] = {
    { PROP_NET, "net", "IPv4 network of the guest, such as 10.0.2.0/24 (the default)" },
    { PROP_HOST, "host", "IPv4 address of the host, as the guest sees it; the network's second" },
    { PROP_DHCPSTART, "dhcpstart", "First IPv4 address that DHCP gives away; the fifteenth" },
    { PROP_DNS, "dns", "IPv4 address of the name server; the network's third" },
    { PROP_HOSTNAME, "hostname", "Name that DHCP gives to the guest" },
    { PROP_DOMAINNAME, "domainname", "Domain that DHCP tells" },
    { PROP_IPV6_NET, "ipv6-net", "ipv6-prefix and ipv6-prefixlen in one: fec0::/64" },
    { PROP_IPV6_PREFIX, "ipv6-prefix", "IPv6 network of the guest; fec0:: if there is none" },
    { PROP_IPV6_HOST, "ipv6-host", "IPv6 address of the host" },
    { PROP_IPV6_DNS, "ipv6-dns", "IPv6 address of the name server" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (strings); i++)
    props[strings[i].id] = g_param_spec_string (strings[i].name, strings[i].name, strings[i].blurb,
                                                NULL, SV_PARAM_RW_WIRING);
  props[PROP_DNSSEARCH]
      = g_param_spec_boxed ("dnssearch", "dnssearch", "Domains to look names up in, told by DHCP",
                            G_TYPE_STRV, SV_PARAM_RW_WIRING);
  props[PROP_HOSTFWD] = g_param_spec_boxed (
      "hostfwd", "hostfwd",
      "Ports of the host that lead to the guest: tcp:[ADDRESS]:PORT-[ADDRESS]:PORT", G_TYPE_STRV,
      SV_PARAM_RW_WIRING);
  props[PROP_IPV6_PREFIXLEN]
      = g_param_spec_uint ("ipv6-prefixlen", "ipv6-prefixlen", "Bits of the IPv6 network", 1, 126,
                           64, SV_PARAM_RW_WIRING);
  props[PROP_RESTRICT]
      = g_param_spec_boolean ("restrict", "restrict", "Let the guest reach nothing but 'hostfwd'",
                              FALSE, SV_PARAM_RW_WIRING);
  props[PROP_IPV4] = g_param_spec_boolean ("ipv4", "ipv4", "Offer IPv4", TRUE, SV_PARAM_RW_WIRING);
  props[PROP_IPV6] = g_param_spec_boolean ("ipv6", "ipv6", "Offer IPv6", TRUE, SV_PARAM_RW_WIRING);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_netdev_user_class_init (SvNetdevUserClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = sv_netdev_user_get_property;
  object_class->set_property = sv_netdev_user_set_property;
  object_class->finalize = sv_netdev_user_finalize;
  SV_OBJECT_CLASS (klass)->complete = sv_netdev_user_complete;
  SV_NETDEV_CLASS (klass)->create_queue = sv_netdev_user_create_queue;
  /* It opens sockets, which iothreads have no right to. */
  SV_NETDEV_CLASS (klass)->main_context_only = TRUE;
  SV_NETDEV_CLASS (klass)->description = "network without privileges, through libslirp";
  install_properties (object_class);
}

static void
sv_netdev_user_init (SvNetdevUser *self)
{
  self->ipv4 = self->ipv6 = TRUE;
  self->ipv6_prefixlen = 64;
}
