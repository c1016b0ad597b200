/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <linux/virtio_balloon.h>
#include <linux/virtio_mmio.h>
#include <string.h>

#include "hw/virtio/sv-virtio-balloon.h"
#include "hw/virtio/sv-virtio-mmio.h"
#include "qmp-fixture.h"
#include "virtq-driver.h"

#define BASE 0x4000000u
#define INACTIVE                                                                                   \
  "{\"error\":{\"class\":\"DeviceNotActive\",\"desc\":\"No balloon device has been activated\"}}"

typedef struct
{
  QmpFixture qmp;
  TestMemory memory;
  SvIrq *irq;
  SvVirtioMmio *transport;
  SvObject *balloon;
} Fixture;

static void
ignore_irq (gpointer opaque, guint line, gboolean level)
{
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  SvObject *peripheral;
  g_autoptr (GError) error = NULL;

  qmp_fixture_set_up (&fixture->qmp, data);
  test_memory_init (&fixture->memory);
  fixture->irq = sv_irq_new (ignore_irq, NULL, NULL, 5);
  fixture->transport = sv_virtio_mmio_new (fixture->memory.space, 0, BASE, fixture->irq);
  sv_memory_region_add (fixture->memory.root, BASE, sv_virtio_mmio_get_region (fixture->transport),
                        0);
  peripheral = sv_object_ensure_container (SV_OBJECT (fixture->qmp.machine), "peripheral");
  sv_object_add_child (peripheral, "transport", SV_OBJECT (fixture->transport), &error);
  g_assert_no_error (error);
  sv_object_complete (SV_OBJECT (fixture->transport), &error);
  g_assert_no_error (error);
  fixture->balloon = g_object_new (SV_TYPE_VIRTIO_BALLOON, NULL);
  sv_object_add_child (peripheral, "balloon0", fixture->balloon, &error);
  sv_bus_plug (sv_virtio_mmio_get_bus (fixture->transport), SV_DEVICE (fixture->balloon), &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  sv_device_unrealize (SV_DEVICE (fixture->balloon));
  sv_bus_unplug (sv_virtio_mmio_get_bus (fixture->transport), SV_DEVICE (fixture->balloon));
  sv_object_unparent (fixture->balloon);
  g_object_unref (fixture->balloon);
  sv_memory_region_remove (fixture->memory.root, sv_virtio_mmio_get_region (fixture->transport));
  sv_object_unparent (SV_OBJECT (fixture->transport));
  g_object_unref (fixture->transport);
  sv_irq_unref (fixture->irq);
  test_memory_clear (&fixture->memory);
  qmp_fixture_tear_down (&fixture->qmp, data);
}

static void
guest_sets (Fixture *fixture, guint32 pages)
{
  sv_address_space_io_write (
      fixture->memory.space,
      BASE + VIRTIO_MMIO_CONFIG + offsetof (struct virtio_balloon_config, actual), pages, 4);
}

static guint32
guest_sees (Fixture *fixture)
{
  return sv_address_space_io_read (
      fixture->memory.space,
      BASE + VIRTIO_MMIO_CONFIG + offsetof (struct virtio_balloon_config, num_pages), 4);
}

static void
assert_event (Fixture *fixture, const char *actual)
{
  g_autofree char *line = qmp_client_read_event (&fixture->qmp.client);
  g_autofree char *expected
      = g_strdup_printf ("{\"event\":\"BALLOON_CHANGE\",\"data\":{\"actual\":%s},", actual);

  if (!g_str_has_prefix (line, expected))
    g_test_fail_printf ("%s is not %s", line, expected);
}

static void
test_commands (Fixture *fixture, gconstpointer data)
{
  QmpClient *client = &fixture->qmp.client;
  g_autoptr (GError) error = NULL;

  /* One that is not realized is none. */
  qmp_client_assert_reply (client, "{'execute':'query-balloon'}", INACTIVE);
  qmp_client_assert_reply (client, "{'execute':'balloon','arguments':{'value':4096}}", INACTIVE);

  sv_object_complete (fixture->balloon, &error);
  g_assert_no_error (error);
  qmp_client_assert_reply (client, "{'execute':'query-balloon'}",
                           "{\"return\":{\"actual\":268435456}}");
  qmp_client_assert_reply (client, "{'execute':'balloon','arguments':{'value':4096}}",
                           "{\"return\":{}}");
  g_assert_cmpuint (guest_sees (fixture), ==, 65535);
  qmp_client_assert_reply (
      client, "{'execute':'balloon','arguments':{'value':9223372036854775807}}", "{\"return\":{}}");
  g_assert_cmpuint (guest_sees (fixture), ==, 0);
  for (guint i = 0; i < 2; i++)
    {
      g_autofree char *line = NULL;

      qmp_client_send (client, i ? "{'execute':'balloon','arguments':{'value':-1}}"
                                 : "{'execute':'balloon','arguments':{'value':0}}");
      line = qmp_client_read_line (client);
      g_assert_nonnull (strstr (line, "Parameter 'value' expects a size"));
    }
}

/* The first change is told at once, of those of the next second only the last. */
static void
test_event (Fixture *fixture, gconstpointer data)
{
  QmpClient *client = &fixture->qmp.client;
  g_autoptr (GError) error = NULL;
  gint64 begin;

  sv_object_complete (fixture->balloon, &error);
  g_assert_no_error (error);
  begin = g_get_monotonic_time ();
  guest_sets (fixture, 512);
  assert_event (fixture, "266338304");
  for (guint i = 0; i < 50; i++)
    {
      guest_sets (fixture, 512 + i);
      qmp_run_pending ();
    }
  qmp_client_assert_reply (client, "{'execute':'query-balloon'}",
                           "{\"return\":{\"actual\":266137600}}");
  assert_event (fixture, "266137600");
  g_assert_cmpint (g_get_monotonic_time () - begin, >, G_USEC_PER_SEC * 9 / 10);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/qmp/balloon/commands", Fixture, NULL, set_up, test_commands, tear_down);
  g_test_add ("/qmp/balloon/event", Fixture, NULL, set_up, test_event, tear_down);
  return g_test_run ();
}
