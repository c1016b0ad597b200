/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/net/sv-slirp-guard.h"

#include <net/ethernet.h>
#include <netinet/in.h>
#include <string.h>

#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define TCP_HEADER 20
#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_ACK 0x10
#define DHCP_SERVER 67
#define DHCPV6_SERVER 547
#define ECHO_REQUEST 8
#define ECHO_REQUEST_V6 128

/* What of a frame matters; @transport is 0 where it has no protocol that takes sockets. */
typedef struct
{
  const guint8 *ip;
  gboolean v6;
  gboolean fragment;
  guint8 protocol;
  const guint8 *transport;
  gsize left;
} Frame;

static guint
get16 (const guint8 *at)
{
  return at[0] << 8 | at[1];
}

static void
put16 (guint8 *at, guint value)
{
  at[0] = value >> 8;
  at[1] = value & 0xff;
}

static guint
type_of (const guint8 *frame, gsize size)
{
  return size < ETH_HLEN ? 0 : get16 (frame + 12);
}

/* FALSE: no IP, or so little of it that nothing comes of it. */
static gboolean
parse (const guint8 *data, gsize size, Frame *frame)
{
  guint type = type_of (data, size);
  gsize header;

  *frame = (Frame){ .ip = data + ETH_HLEN, .v6 = type == ETHERTYPE_IPV6 };
  size -= MIN (size, ETH_HLEN);
  if (type == ETHERTYPE_IP && size >= IPV4_HEADER)
    {
      header = (frame->ip[0] & 0xf) * 4;
      frame->fragment = (get16 (frame->ip + 6) & 0x3fff) != 0;
      frame->protocol = frame->ip[9];
    }
  else if (type == ETHERTYPE_IPV6 && size >= IPV6_HEADER)
    {
      header = IPV6_HEADER;
      frame->protocol = frame->ip[6];
    }
  else
    return FALSE;
  if (header < IPV4_HEADER || size < header + 8)
    return FALSE;
  frame->transport = frame->ip + header;
  frame->left = size - header;
  return TRUE;
}

/* RFC 8415 §7.1 */
static gboolean
is_dhcpv6_group (const guint8 *address)
{
  static const guint8 agents[16] = { 0xff, 0x02, [13] = 1, [15] = 2 };
  static const guint8 servers[16] = { 0xff, 0x05, [13] = 1, [15] = 3 };

  return memcmp (address, agents, sizeof agents) == 0 || memcmp (address, servers, sizeof servers) == 0;
}

/* Whether it is one that libslirp answers itself, without a socket. */
static gboolean
is_harmless (const Frame *frame)
{
  static const guint8 broadcast[4] = { 0xff, 0xff, 0xff, 0xff };
  guint port;

  switch (frame->protocol)
    {
    case IPPROTO_UDP:
      port = get16 (frame->transport + 2);
      return frame->v6 ? port == DHCPV6_SERVER && is_dhcpv6_group (frame->ip + 24)
                       : port == DHCP_SERVER && memcmp (frame->ip + 16, broadcast, sizeof broadcast) == 0;
    case IPPROTO_ICMP:
      return frame->transport[0] != ECHO_REQUEST;
    case IPPROTO_ICMPV6:
      return frame->transport[0] != ECHO_REQUEST_V6;
    default:
      return FALSE;
    }
}

static gboolean
is_opening (const Frame *frame)
{
  return frame->left >= TCP_HEADER && (frame->transport[13] & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN;
}

/* By what libslirp tells the sockets of datagrams apart: where they come from. */
static SvSlirpFlow
flow_of (const Frame *frame)
{
  SvSlirpFlow flow = { .protocol = frame->protocol, .v6 = frame->v6, .port = get16 (frame->transport) };

  memcpy (flow.source, frame->ip + (frame->v6 ? 8 : 12), frame->v6 ? 16 : 4);
  return flow;
}

static SvSlirpFlow *
place_of (SvSlirpGuard *self, const SvSlirpFlow *flow)
{
  guint32 hash = flow->port;

  for (guint i = 0; i < sizeof flow->source; i++)
    hash = hash * 31 + flow->source[i];
  return &self->known[hash % SV_SLIRP_KNOWN_FLOWS];
}

/**
 * sv_slirp_guard_judge: (skip)
 * @self: a guard
 * @frame: from the guest
 * @size: its bytes
 *
 * When there are as many sockets as there may be, only what needs no further one passes: packets of connections, and
 * datagrams that come from where others came from lately.
 *
 * Returns: what is to be done with the frame
 */
SvSlirpVerdict
sv_slirp_guard_judge (SvSlirpGuard *self, const guint8 *data, gsize size)
{
  SvSlirpFlow *place;
  SvSlirpFlow flow;
  Frame frame;

  if (!parse (data, size, &frame))
    return SV_SLIRP_PASS;
  if (frame.fragment || (frame.v6 && frame.protocol != IPPROTO_TCP && frame.protocol != IPPROTO_UDP
                         && frame.protocol != IPPROTO_ICMPV6))
    return sv_slirp_guard_is_full (self) ? SV_SLIRP_DROP : SV_SLIRP_PASS;
  if (frame.protocol == IPPROTO_TCP)
    return is_opening (&frame) && sv_slirp_guard_is_full (self) ? SV_SLIRP_REFUSE : SV_SLIRP_PASS;
  if (is_harmless (&frame))
    return SV_SLIRP_PASS;

  /* Each echo request is a socket of its own. */
  if (frame.protocol != IPPROTO_UDP)
    return sv_slirp_guard_is_full (self) ? SV_SLIRP_DROP : SV_SLIRP_PASS;

  flow = flow_of (&frame);
  place = place_of (self, &flow);
  if (sv_slirp_guard_is_full (self))
    return memcmp (place, &flow, sizeof flow) == 0 ? SV_SLIRP_PASS : SV_SLIRP_DROP;
  *place = flow;
  return SV_SLIRP_PASS;
}

static guint32
add_up (guint32 sum, const guint8 *data, gsize size)
{
  for (gsize i = 0; i < size; i += 2)
    sum += get16 (data + i);
  return sum;
}

static guint16
checksum (guint32 sum)
{
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  return (guint16) ~sum;
}

/**
 * sv_slirp_guard_refuse: (skip)
 * @frame: one for which sv_slirp_guard_judge() said so
 * @size: its bytes
 * @answer: (out caller-allocates): 128 bytes
 *
 * Makes the reset that answers a connection request (RFC 9293 §3.10.7.1).
 *
 * Returns: bytes of the answer
 */
gsize
sv_slirp_guard_refuse (const guint8 *data, gsize size, guint8 *answer)
{
  guint8 *ip = answer + ETH_HLEN;
  guint8 *tcp;
  Frame frame;
  guint32 acked, sum;

  if (!parse (data, size, &frame))
    return 0;
  memset (answer, 0, 128);
  memcpy (answer, data + 6, 6);
  memcpy (answer + 6, data, 6);
  memcpy (answer + 12, data + 12, 2);
  if (frame.v6)
    {
      tcp = ip + IPV6_HEADER;
      ip[0] = 0x60;
      put16 (ip + 4, TCP_HEADER);
      ip[6] = IPPROTO_TCP;
      ip[7] = 64;
      memcpy (ip + 8, frame.ip + 24, 16);
      memcpy (ip + 24, frame.ip + 8, 16);
      sum = add_up (0, ip + 8, 32);
    }
  else
    {
      tcp = ip + IPV4_HEADER;
      ip[0] = 0x45;
      put16 (ip + 2, IPV4_HEADER + TCP_HEADER);
      ip[8] = 64;
      ip[9] = IPPROTO_TCP;
      memcpy (ip + 12, frame.ip + 16, 4);
      memcpy (ip + 16, frame.ip + 12, 4);
      put16 (ip + 10, checksum (add_up (0, ip, IPV4_HEADER)));
      sum = add_up (0, ip + 12, 8);
    }
  memcpy (tcp, frame.transport + 2, 2);
  memcpy (tcp + 2, frame.transport, 2);
  acked = (get16 (frame.transport + 4) << 16 | get16 (frame.transport + 6)) + 1;
  put16 (tcp + 8, acked >> 16);
  put16 (tcp + 10, acked & 0xffff);
  tcp[12] = TCP_HEADER / 4 << 4;
  tcp[13] = TCP_RST | TCP_ACK;
  put16 (tcp + 16, checksum (add_up (sum + IPPROTO_TCP + TCP_HEADER, tcp, TCP_HEADER)));
  return (gsize) (tcp - answer) + TCP_HEADER;
}
