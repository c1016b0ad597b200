/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/migration/sv-migration-stream.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "src/migration/sv-migratable.h"

typedef struct
{
  SvMigrationProgress progress;
  SvMigrationStream *here;
  SvMigrationStream *there;
  int fds[2];
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, self->fds), ==, 0);
  self->here = sv_migration_stream_new (self->fds[0], &self->progress);
  self->there = sv_migration_stream_new (self->fds[1], &self->progress);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_clear_pointer (&self->here, sv_migration_stream_free);
  g_clear_pointer (&self->there, sv_migration_stream_free);
}

static gboolean
receive (Fixture *self, SvMigrationMessage *type, const guint8 **bytes, gsize *size)
{
  g_autoptr (GError) error = NULL;
  gboolean ok = sv_migration_stream_receive (self->there, type, bytes, size, &error);

  g_assert_true (ok == (error == NULL));
  return ok;
}

static void
test_messages (Fixture *self, gconstpointer data)
{
  g_autofree guint8 *pages = g_malloc (8192);
  const guint64 head[] = { 4096, 8192 };
  SvMigrationMessage type;
  const guint8 *bytes;
  gsize size;

  g_assert_true (sv_migration_stream_is_socket (self->here));
  for (guint i = 0; i < 8192; i++)
    pages[i] = (guint8)(i * 7);
  g_assert_true (sv_migration_stream_send (self->here, SV_MIGRATION_MESSAGE_PAGES, head, 8, pages, 8192, NULL));
  g_assert_true (sv_migration_stream_send (self->here, SV_MIGRATION_MESSAGE_ZERO, head, 16, NULL, 0, NULL));
  g_assert_true (sv_migration_stream_send (self->here, SV_MIGRATION_MESSAGE_STATE, NULL, 0, pages, 5, NULL));
  g_assert_true (sv_migration_stream_send (self->here, SV_MIGRATION_MESSAGE_READY, NULL, 0, NULL, 0, NULL));

  g_assert_true (receive (self, &type, &bytes, &size));
  g_assert_cmpint (type, ==, SV_MIGRATION_MESSAGE_PAGES);
  g_assert_cmpuint (size, ==, 8200);
  g_assert_cmpmem (bytes, 8, head, 8);
  g_assert_cmpmem (bytes + 8, 8192, pages, 8192);
  g_assert_true (receive (self, &type, &bytes, &size));
  g_assert_cmpint (type, ==, SV_MIGRATION_MESSAGE_ZERO);
  g_assert_cmpmem (bytes, size, head, 16);
  g_assert_true (receive (self, &type, &bytes, &size));
  g_assert_cmpmem (bytes, size, pages, 5);
  g_assert_true (receive (self, &type, &bytes, &size));
  g_assert_cmpint (type, ==, SV_MIGRATION_MESSAGE_READY);
  g_assert_cmpuint (size, ==, 0);
}

/* Each bit of a message that is altered on the way is seen. */
static void
test_every_bit (void)
{
  guint8 wire[256];
  gssize length = 0;

  for (gssize bit = 0; bit == 0 || bit < length * 8; bit++)
    {
      Fixture fixture = { .progress = { .cancelled = FALSE } };
      const guint64 head[] = { 4096 };
      SvMigrationMessage type;
      const guint8 *bytes;
      gsize size;

      set_up (&fixture, NULL);
      g_assert_true (sv_migration_stream_send (fixture.here, SV_MIGRATION_MESSAGE_PAGES, head, sizeof head, "some bytes of a page, more than 32", 34, NULL));
      length = read (fixture.fds[1], wire, sizeof wire);
      g_assert_cmpint (length, ==, 24 + 8 + 34);
      wire[bit / 8] ^= (guint8)(1u << bit % 8);
      g_assert_cmpint (write (fixture.fds[0], wire, (gsize)length), ==, length);
      g_assert_cmpint (shutdown (fixture.fds[0], SHUT_WR), ==, 0);
      g_assert_false (receive (&fixture, &type, &bytes, &size));
      tear_down (&fixture, NULL);
    }
}

static void
test_cancelled (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  SvMigrationMessage type;
  const guint8 *bytes;
  gsize size;

  g_atomic_int_set (&self->progress.cancelled, TRUE);
  g_assert_false (sv_migration_stream_receive (self->there, &type, &bytes, &size, &error));
  g_assert_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_CANCELLED);
  /* The last words go all the same, and nobody waits for an answer for long. */
  sv_migration_stream_set_last_words (self->here, 10000);
  sv_migration_stream_set_last_words (self->there, 10000);
  g_assert_true (sv_migration_stream_send (self->here, SV_MIGRATION_MESSAGE_ABORT, NULL, 0, NULL, 0, NULL));
  g_assert_true (receive (self, &type, &bytes, &size));
  g_assert_cmpint (type, ==, SV_MIGRATION_MESSAGE_ABORT);
  sv_migration_stream_set_last_words (self->there, 1);
  g_assert_false (receive (self, &type, &bytes, &size));
}

/* A length that is made up costs no memory before as much came. */
static void
test_huge (Fixture *self, gconstpointer data)
{
  const guint64 lengths[] = { G_MAXUINT64, 1ull << 40, 200u << 20 };
  SvMigrationMessage type;
  const guint8 *bytes;
  gsize size;

  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      const guint64 header[] = { GUINT64_TO_LE (SV_MIGRATION_MESSAGE_STATE), GUINT64_TO_LE (lengths[i]), 0 };

      g_assert_cmpint (write (self->fds[0], header, sizeof header), ==, sizeof header);
      if (i + 1 == G_N_ELEMENTS (lengths))
        g_assert_cmpint (shutdown (self->fds[0], SHUT_WR), ==, 0);
      g_assert_false (receive (self, &type, &bytes, &size));
    }
}

/* A peer that says nothing is waited for as long as it may be silent; one that is gone is noticed. */
static void
test_silence (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  SvMigrationMessage type;
  const guint8 *bytes;
  gsize size;

  sv_migration_stream_set_idle_limit (self->there, 20);
  g_assert_false (sv_migration_stream_receive (self->there, &type, &bytes, &size, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT);
  g_assert_true (sv_migration_stream_send (self->here, SV_MIGRATION_MESSAGE_READY, NULL, 0, NULL, 0, NULL));
  g_assert_true (receive (self, &type, &bytes, &size));
  g_assert_cmpint (type, ==, SV_MIGRATION_MESSAGE_READY);
}

static void
test_tcp (void)
{
  SvMigrationProgress progress = { 0 };
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  SvMigrationStream *stream = sv_migration_stream_new (fd, &progress);
  const int names[][2] = { { SOL_SOCKET, SO_KEEPALIVE }, { IPPROTO_TCP, TCP_USER_TIMEOUT } };

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      int value = 0;
      socklen_t length = sizeof value;

      g_assert_no_errno (getsockopt (fd, names[i][0], names[i][1], &value, &length));
      g_assert_cmpint (value, >, 0);
    }
  sv_migration_stream_free (stream);
}

/* What cannot be known to be on the disk was not written. */
static void
test_close (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  SvMigrationMessage type;
  const guint8 *bytes;
  gsize size;

  g_assert_true (sv_migration_stream_close (self->here, NULL));
  g_assert_true (sv_migration_stream_close (self->here, NULL));
  g_assert_false (sv_migration_stream_send (self->here, SV_MIGRATION_MESSAGE_GO, NULL, 0, NULL, 0, NULL));
  g_assert_false (sv_migration_stream_receive (self->there, &type, &bytes, &size, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CONNECTION_CLOSED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/migration-stream/messages", Fixture, NULL, set_up, test_messages, tear_down);
  g_test_add_func ("/migration-stream/every-bit", test_every_bit);
  g_test_add ("/migration-stream/cancelled", Fixture, NULL, set_up, test_cancelled, tear_down);
  g_test_add ("/migration-stream/huge", Fixture, NULL, set_up, test_huge, tear_down);
  g_test_add ("/migration-stream/silence", Fixture, NULL, set_up, test_silence, tear_down);
  g_test_add_func ("/migration-stream/tcp", test_tcp);
  g_test_add ("/migration-stream/close", Fixture, NULL, set_up, test_close, tear_down);
  return g_test_run ();
}
