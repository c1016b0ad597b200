/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages over a descriptor. */
#include "src/migration/sv-migration-stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/migration/sv-migratable.h"
#include "src/migration/sv-state-file.h"

/* How often a wait looks whether the migration was cancelled */
#define LOOK_MS 50
/* How long a host that is gone is believed to be there */
#define KEEPALIVE_S 10
#define KEEPALIVE_PROBES 3
#define USER_TIMEOUT_MS 40000
/* What a message may have beside its pages or its state */
#define MAX_HEAD 64u
#define MAX_MESSAGE (SV_STATE_MAX_SIZE + MAX_HEAD)

typedef struct
{
  guint64 type;
  guint64 length;
  guint64 checksum; /* of the other two and of what follows */
} Header;

struct _SvMigrationStream
{
  int fd;
  gboolean is_socket;
  SvMigrationProgress *progress;
  gint64 limit;      /* monotonic time at which waits end; 0: none, but when it is cancelled */
  guint idle_limit;  /* milliseconds that a wait may take; 0: for ever */
  guint8 *buffer;
  gsize room;
};

/* Other sockets do not have these. */
static void
watch_peer (int fd)
{
  static const struct
  {
    int level;
    int name;
    int value;
  } options[] = {
    { SOL_SOCKET, SO_KEEPALIVE, 1 },
    { IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_S },
    { IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_S },
    { IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES },
    { IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT_MS },
  };

  for (guint i = 0; i < G_N_ELEMENTS (options); i++)
    if (setsockopt (fd, options[i].level, options[i].name, &options[i].value, sizeof options[i].value) < 0)
      g_debug ("the connection of a migration: %s", g_strerror (errno));
}

SvMigrationStream *
sv_migration_stream_new (int fd, SvMigrationProgress *progress)
{
  SvMigrationStream *self = g_new0 (SvMigrationStream, 1);
  struct stat st;
  int flags = fcntl (fd, F_GETFL);

  self->fd = fd;
  self->progress = progress;
  self->is_socket = fstat (fd, &st) == 0 && S_ISSOCK (st.st_mode);
  if (flags >= 0 && !S_ISREG (st.st_mode))
    fcntl (fd, F_SETFL, flags | O_NONBLOCK);
  if (self->is_socket)
    watch_peer (fd);
  return self;
}

void
sv_migration_stream_free (SvMigrationStream *self)
{
  if (self->fd >= 0)
    close (self->fd);
  g_free (self->buffer);
  g_free (self);
}

gboolean
sv_migration_stream_is_socket (SvMigrationStream *self)
{
  return self->is_socket;
}

void
sv_migration_stream_set_last_words (SvMigrationStream *self, guint milliseconds)
{
  self->limit = g_get_monotonic_time () + (gint64)milliseconds * 1000;
}

void
sv_migration_stream_set_idle_limit (SvMigrationStream *self, guint milliseconds)
{
  self->idle_limit = milliseconds;
}

/* Eight bytes at a time in four lanes: finds what a line changes, not what an attacker does. */
static guint64
checksum (guint64 sum, gconstpointer data, gsize size)
{
  const guint64 prime = G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  guint64 lanes[4] = { sum, sum ^ prime, sum + prime, ~sum };
  const guint8 *bytes = data;

  for (; size >= sizeof lanes; bytes += sizeof lanes, size -= sizeof lanes)
    for (guint i = 0; i < 4; i++)
      {
        guint64 word;

        memcpy (&word, bytes + i * sizeof word, sizeof word);
        lanes[i] = (lanes[i] ^ GUINT64_FROM_LE (word)) * prime;
        lanes[i] ^= lanes[i] >> 29;
      }
  for (; size > 0; bytes++, size--)
    lanes[0] = (lanes[0] ^ *bytes) * prime + size;
  return (lanes[0] * 3 + lanes[1]) * prime ^ (lanes[2] * 5 + lanes[3]);
}

static gboolean
fail (GError **error, int code)
{
  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (code), "the connection: %s", g_strerror (code));
  return FALSE;
}

static gboolean
wait_for (SvMigrationStream *self, short events, GError **error)
{
  struct pollfd pollfd = { .fd = self->fd, .events = events };
  gint64 begun = g_get_monotonic_time ();

  for (;;)
    {
      int n;

      if (self->fd < 0)
        return fail (error, EBADF);
      if (self->limit == 0 && g_atomic_int_get (&self->progress->cancelled))
        {
          g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_CANCELLED, "it was cancelled");
          return FALSE;
        }
      if ((self->limit != 0 && g_get_monotonic_time () > self->limit)
          || (self->idle_limit != 0 && g_get_monotonic_time () - begun > (gint64)self->idle_limit * 1000))
        return fail (error, ETIMEDOUT);
      n = poll (&pollfd, 1, LOOK_MS);
      if (n > 0)
        return TRUE;
      if (n < 0 && errno != EINTR)
        return fail (error, errno);
    }
}

gboolean
sv_migration_stream_close (SvMigrationStream *self, GError **error)
{
  int fd = self->fd;
  int code = 0;

  if (fd < 0)
    return TRUE;
  self->fd = -1;
  /* Not all that can be written to has a disk behind it. */
  if (!self->is_socket && fsync (fd) < 0 && errno != EINVAL && errno != EROFS)
    code = errno;
  if (close (fd) < 0 && code == 0)
    code = errno;
  return code == 0 || fail (error, code);
}

static gboolean
write_all (SvMigrationStream *self, const guint8 *data, gsize size, GError **error)
{
  while (size > 0)
    {
      gssize n;

      if (!wait_for (self, POLLOUT, error))
        return FALSE;
      n = write (self->fd, data, size);
      if (n < 0 && (errno == EAGAIN || errno == EINTR))
        continue;
      if (n <= 0)
        return fail (error, n < 0 ? errno : EIO);
      data += n;
      size -= (gsize)n;
    }
  return TRUE;
}

static gboolean
read_all (SvMigrationStream *self, guint8 *data, gsize size, GError **error)
{
  while (size > 0)
    {
      gssize n;

      if (!wait_for (self, POLLIN, error))
        return FALSE;
      n = read (self->fd, data, size);
      if (n < 0 && (errno == EAGAIN || errno == EINTR))
        continue;
      if (n < 0)
        return fail (error, errno);
      if (n == 0)
        {
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED, "the connection was closed");
          return FALSE;
        }
      data += n;
      size -= (gsize)n;
    }
  return TRUE;
}

gboolean
sv_migration_stream_send (SvMigrationStream *self, SvMigrationMessage type, gconstpointer head, gsize head_size,
                          gconstpointer body, gsize body_size, GError **error)
{
  struct
  {
    Header header;
    guint8 head[MAX_HEAD];
  } start = { .header = { .type = GUINT64_TO_LE ((guint64)type), .length = GUINT64_TO_LE ((guint64)head_size + body_size) } };
  guint64 sum;

  g_return_val_if_fail (head_size <= sizeof start.head, FALSE);

  if (head_size > 0)
    memcpy (start.head, head, head_size);
  sum = checksum (0, &start.header, G_STRUCT_OFFSET (Header, checksum));
  sum = checksum (sum, start.head, head_size);
  /* Guest memory may change meanwhile: what is sent is not what was added up. So pages are copied first, by the caller. */
  start.header.checksum = GUINT64_TO_LE (checksum (sum, body, body_size));
  sv_migration_progress_add (self->progress, transferred, sizeof (Header) + head_size + body_size);
  return write_all (self, (const guint8 *)&start, sizeof (Header) + head_size, error) && write_all (self, body, body_size, error);
}

static gboolean
bad (GError **error, const char *what)
{
  g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID, "the stream is damaged, or none of ours: %s", what);
  return FALSE;
}

/* The head of a message of pages is added up apart, as it was sent. */
static guint64
get_sum (const Header *header, guint64 type, const guint8 *data, gsize length)
{
  guint64 sum = checksum (0, header, G_STRUCT_OFFSET (Header, checksum));
  gsize head = type == SV_MIGRATION_MESSAGE_HELLO || type == SV_MIGRATION_MESSAGE_ZERO ? 16 : type == SV_MIGRATION_MESSAGE_PAGES ? 8 : 0;

  head = MIN (head, length);
  sum = checksum (sum, data, head);
  /* Without anything in it, a message has no data to point into. */
  return checksum (sum, head > 0 ? data + head : data, length - head);
}

gboolean
sv_migration_stream_receive (SvMigrationStream *self, SvMigrationMessage *type, const guint8 **data, gsize *size, GError **error)
{
  Header header;
  guint64 kind, length;

  if (!read_all (self, (guint8 *)&header, sizeof header, error))
    return FALSE;
  kind = GUINT64_FROM_LE (header.type);
  length = GUINT64_FROM_LE (header.length);
  if (kind < SV_MIGRATION_MESSAGE_HELLO || kind > SV_MIGRATION_MESSAGE_REFUSED)
    return bad (error, "a message of an unknown type");
  if (length > MAX_MESSAGE)
    return bad (error, "a message of more bytes than there can be");
  /* Grows with what really comes. */
  for (gsize have = 0; have < length;)
    {
      gsize part = MIN (length - have, SV_MIGRATION_MAX_PAGES + MAX_HEAD);

      if (self->room < have + part)
        {
          self->room = have + part;
          self->buffer = g_realloc (self->buffer, self->room);
        }
      if (!read_all (self, self->buffer + have, part, error))
        return FALSE;
      have += part;
    }
  if (GUINT64_FROM_LE (header.checksum) != get_sum (&header, kind, self->buffer, length))
    return bad (error, "a checksum is wrong");
  sv_migration_progress_add (self->progress, transferred, sizeof header + length);
  *type = (SvMigrationMessage)kind;
  *data = self->buffer;
  *size = length;
  return TRUE;
}
