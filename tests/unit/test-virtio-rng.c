/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/virtio_ids.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/rng/sv-rng.h"
#include "tests/unit/virtio-guest.h"

#define RNG "virtio-rng-device"
#define US_PER_SECOND 1000000.0

typedef struct
{
  VirtioGuest guest;
  char *path;
  int fd;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  virtio_guest_init (&fixture->guest);
  fixture->path = g_build_filename (g_test_get_dir (G_TEST_BUILT), "virtio-rng-XXXXXX", NULL);
  fixture->fd = g_mkstemp (fixture->path);
  g_assert_cmpint (fixture->fd, >=, 0);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  virtio_guest_clear (&fixture->guest);
  close (fixture->fd);
  g_unlink (fixture->path);
  g_free (fixture->path);
}

static SvObject *
add_source (Fixture *fixture)
{
  g_autofree char *json = g_strdup_printf ("{'filename': '%s'}", fixture->path);

  return virtio_guest_add_object (&fixture->guest, "rng-random", "rng0", json);
}

static void
start (Fixture *fixture, const char *json)
{
  g_autoptr (GError) error = NULL;

  virtio_guest_plug (&fixture->guest, RNG, json, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (virtio_guest_read (&fixture->guest, VIRTIO_MMIO_DEVICE_ID), ==, VIRTIO_ID_RNG);
  virtio_guest_start (&fixture->guest, 1, 0);
}

static guint
count_zeroes (const guint8 *data, gsize size)
{
  guint n = 0;

  for (gsize i = 0; i < size; i++)
    n += data[i] == 0;
  return n;
}

/* Two kinds of source that cannot be foretold: the bytes differ, and little of it is 0. */
static void
test_random (Fixture *fixture, gconstpointer source)
{
  VirtioGuest *guest = &fixture->guest;
  guint8 *data = virtio_guest_at (guest, GUEST_DATA);

  if (source)
    virtio_guest_add_object (guest, source, "rng0", NULL);
  start (fixture, source ? "{'rng': 'rng0'}" : NULL);
  memset (data, 0, 3000);
  g_assert_cmpuint (virtio_guest_run (guest, 0, 0, 0, GUEST_DATA, 1000), ==, 1000);
  g_assert_cmpuint (virtio_guest_run (guest, 0, 0, 0, GUEST_DATA + 1000, 1000), ==, 1000);
  g_assert_cmpuint (count_zeroes (data, 2000), <, 100);
  g_assert_cmpuint (count_zeroes (data + 2000, 1000), ==, 1000);
  g_assert_cmpint (memcmp (data, data + 1000, 1000), !=, 0);
}

/* A long buffer is filled in part, one with nothing to write or only readable parts not at all. */
static void
test_sizes (Fixture *fixture, gconstpointer data)
{
  VirtioGuest *guest = &fixture->guest;
  guint32 written = virtio_guest_run ((start (fixture, NULL), guest), 0, 0, 0, GUEST_DATA, 0x40000);

  g_assert_cmpuint (written, >, 0);
  g_assert_cmpuint (written, <, 0x40000);
  g_assert_cmpuint (count_zeroes (virtio_guest_at (guest, GUEST_DATA), written), <, written / 20);
  g_assert_cmpuint (count_zeroes (virtio_guest_at (guest, GUEST_DATA + written), 0x40000 - written),
                    ==, 0x40000 - written);
  g_assert_cmpuint (virtio_guest_run (guest, 0, GUEST_DATA, 100, 0, 0), ==, 0);
  g_assert_cmpuint (virtio_guest_run (guest, 0, GUEST_DATA, 100, GUEST_DATA + 100, 7), ==, 7);
}

/* An ordinary file is given once; then the guest waits until it grows. */
static void
test_end_of_file (Fixture *fixture, gconstpointer data)
{
  VirtioGuest *guest = &fixture->guest;
  guint16 head;
  guint32 written;

  g_assert_cmpint (write (fixture->fd, "0123456789", 10), ==, 10);
  add_source (fixture);
  start (fixture, "{'rng': 'rng0'}");
  g_assert_cmpuint (virtio_guest_run (guest, 0, 0, 0, GUEST_DATA, 8), ==, 8);
  g_assert_cmpuint (virtio_guest_run (guest, 0, 0, 0, GUEST_DATA + 8, 8), ==, 2);
  g_assert_cmpmem (virtio_guest_at (guest, GUEST_DATA), 10, "0123456789", 10);

  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "*'rng0'*its end is reached*");
  head = virtio_guest_add (guest, 0, 0, 0, GUEST_DATA + 100, 8);
  virtio_guest_kick (guest, 0);
  virtio_guest_settle (guest);
  g_test_assert_expected_messages ();
  g_assert_cmpuint (test_ring_used_idx (&guest->rings[0]), ==, 2);
  g_assert_cmpint (write (fixture->fd, "abc", 3), ==, 3);
  g_assert_cmpuint (virtio_guest_wait (guest, 0, &written), ==, head);
  g_assert_cmpuint (written, ==, 3);
  g_assert_cmpmem (virtio_guest_at (guest, GUEST_DATA + 100), 3, "abc", 3);
}

/* A FIFO with nothing in it blocks nobody: neither the loop nor a reset. */
static void
test_fifo (Fixture *fixture, gconstpointer data)
{
  VirtioGuest *guest = &fixture->guest;
  guint16 head;
  int fd;

  g_assert_cmpint (g_unlink (fixture->path), ==, 0);
  g_assert_cmpint (mkfifo (fixture->path, 0600), ==, 0);
  add_source (fixture);
  fd = g_open (fixture->path, O_WRONLY | O_CLOEXEC, 0);
  start (fixture, "{'rng': 'rng0', 'max-bytes': 1000, 'period': 1}");
  virtio_guest_add (guest, 0, 0, 0, GUEST_DATA, 64);
  virtio_guest_kick (guest, 0);
  virtio_guest_settle (guest);
  sv_device_quiesce (SV_DEVICE (guest->device));
  g_assert_cmpuint (sv_virtqueue_get_in_flight (sv_virtio_device_get_queue (guest->device, 0)), ==,
                    0);
  sv_device_resume (SV_DEVICE (guest->device));
  virtio_guest_settle (guest);
  g_assert_cmpuint (test_ring_used_idx (&guest->rings[0]), ==, 0);

  virtio_guest_start (guest, 1, 0);
  head = virtio_guest_add (guest, 0, 0, 0, GUEST_DATA, 64);
  virtio_guest_kick (guest, 0);
  virtio_guest_settle (guest);
  g_assert_cmpint (write (fd, "now", 3), ==, 3);
  g_assert_cmpuint (virtio_guest_wait (guest, 0, NULL), ==, head);
  g_assert_cmpmem (virtio_guest_at (guest, GUEST_DATA), 3, "now", 3);
  close (fd);
}

/* A driver that always asks gets what the limit says: never more, and nearly all of it. */
static void
test_rate (Fixture *fixture, gconstpointer data)
{
  const double rate = 400000;
  VirtioGuest *guest = &fixture->guest;
  guint64 total = 0;
  gint64 begin;
  double seconds;

  start (fixture, "{'max-bytes': 200000, 'period': 500}");
  begin = g_get_monotonic_time ();
  for (guint i = 0; i < 8; i++)
    virtio_guest_add (guest, 0, 0, 0, GUEST_DATA + 512 * i, 512);
  virtio_guest_kick (guest, 0);
  do
    {
      guint32 written;

      virtio_guest_wait (guest, 0, &written);
      total += written;
      virtio_guest_add (guest, 0, 0, 0, GUEST_DATA, 512);
      virtio_guest_kick (guest, 0);
      seconds = (g_get_monotonic_time () - begin) / US_PER_SECOND;
      /* 100 ms worth are there at the start. */
      g_assert_cmpfloat (total, <=, rate * (seconds + 0.1) + 1);
    }
  while (total < rate / 2);
  g_test_message ("%.3f s for %" G_GUINT64_FORMAT " bytes", seconds, total);
  g_assert_cmpfloat (seconds, >, 0.39);

  /* The first small requests pass at once, and one that waits passes by itself. */
  virtio_guest_unplug (guest);
  start (fixture, "{'max-bytes': 64, 'period': 400}");
  g_assert_cmpuint (virtio_guest_run (guest, 0, 0, 0, GUEST_DATA, 64), ==, 64);
  begin = g_get_monotonic_time ();
  g_assert_cmpuint (virtio_guest_run (guest, 0, 0, 0, GUEST_DATA, 64), ==, 64);
  seconds = (g_get_monotonic_time () - begin) / US_PER_SECOND;
  g_assert_cmpfloat (seconds, >, 0.25);
}

static void
assert_refused (Fixture *fixture, const char *json, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (virtio_guest_plug (&fixture->guest, RNG, json, &error));
  g_assert_nonnull (error);
  if (strstr (error->message, part) == NULL)
    g_test_fail_printf ("'%s' is not in: %s", part, error->message);
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  VirtioGuest *guest = &fixture->guest;
  g_autoptr (SvObject) source = NULL;
  g_autoptr (GError) error = NULL;
  SvObject *shared;

  assert_refused (fixture, "{'max-bytes': 0}", "max-bytes=0");
  assert_refused (fixture, "{'max-bytes': 64, 'period': 0}", "period=0");
  assert_refused (fixture, "{'rng': 'nosuch'}", "nosuch");
  virtio_guest_add_object (guest, "iothread", "io0", NULL);
  assert_refused (fixture, "{'rng': 'io0'}", "io0");

  /* A source that is in use stays, and belongs to one device. */
  shared = add_source (fixture);
  start (fixture, "{'rng': 'rng0'}");
  g_assert_false (sv_object_remove (shared, &error));
  g_clear_error (&error);
  g_assert_true (sv_object_get_user (shared) == SV_OBJECT (guest->device));
  virtio_guest_unplug (guest);
  g_assert_null (sv_object_get_user (shared));
  g_assert_true (sv_object_remove (shared, &error));

  source = g_object_new (sv_rng_random_get_type (), "filename", "/nonexistent/random", NULL);
  g_assert_false (sv_object_complete (source, &error));
  g_assert_nonnull (strstr (error->message, "filename=/nonexistent/random"));
  g_clear_error (&error);
  g_object_set (source, "filename", "/", NULL);
  g_assert_false (sv_object_complete (source, &error));
  g_assert_nonnull (strstr (error->message, "filename=/: "));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, data, function)                                                                  \
  g_test_add ("/virtio-rng/" name, Fixture, data, set_up, function, tear_down)
  ADD ("default", NULL, test_random);
  ADD ("builtin", "rng-builtin", test_random);
  ADD ("urandom", "rng-random", test_random);
  ADD ("sizes", NULL, test_sizes);
  ADD ("end-of-file", NULL, test_end_of_file);
  ADD ("fifo", NULL, test_fifo);
  ADD ("rate", NULL, test_rate);
  ADD ("refused", NULL, test_refused);
  return g_test_run ();
}
