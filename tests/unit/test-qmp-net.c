/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands about networks. */

#include "qmp-fixture.h"
#include "src/net/sv-netdev.h"
#include "src/sv-type-list.h"
#include "tests/unit/net-guest.h"

#define GENERIC(desc) "{\"error\":{\"class\":\"GenericError\",\"desc\":\"" desc "\"}}"
#define NOT_FOUND(desc) "{\"error\":{\"class\":\"DeviceNotFound\",\"desc\":\"" desc "\"}}"
#define DONE "{\"return\":{}}"
#define EXECUTE(name, arguments) "{\"execute\":\"" name "\",\"arguments\":{" arguments "}}"

static void
expect (QmpFixture *fixture, const char *command, const char *reply)
{
  qmp_client_assert_reply (&fixture->client, command, reply);
}

static void
test_netdev_add (QmpFixture *fixture, gconstpointer data)
{
  sv_type_list_register ();
  expect (fixture, EXECUTE ("netdev_add", "\"id\":\"n0\",\"type\":\"none\""),
          GENERIC ("Parameter 'type' does not accept value 'none'"));
  expect (fixture, EXECUTE ("netdev_add", "\"id\":\"n0\",\"fd\":\"nobody\""),
          GENERIC ("Network back end 'n0': fd=nobody: expected a number, or a name that 'getfd' gave a "
                   "descriptor"));
  expect (fixture, EXECUTE ("netdev_add", "\"id\":\"n0\",\"queues\":0"),
          GENERIC ("netdev-tap: Parameter 'queues' expects an integer from 1 to 16, got '0'"));
  expect (fixture, EXECUTE ("netdev_add", "\"id\":\"0\",\"type\":\"user\""),
          GENERIC ("Parameter 'id' expects an identifier, got '0': a letter, then letters, "
                   "digits, '-', '.', '_'"));
  g_assert_cmpuint (
      sv_object_get_n_children (sv_object_ensure_container (fixture->root, "netdevs")), ==, 0);

  expect (fixture,
          EXECUTE ("netdev_add", "\"id\":\"n0\",\"type\":\"user\",\"net\":\"10.1.0.0/24\","
                                 "\"hostfwd\":[{\"str\":\"tcp:127.0.0.1:0-:22\"}]"),
          GENERIC ("Network back end 'n0': hostfwd=tcp:127.0.0.1:0-:22: expected "
                   "tcp:[ADDRESS]:PORT-[ADDRESS]:PORT (or udp), host first, with ports from 1 to 65535"));
  expect (fixture, EXECUTE ("netdev_add", "\"id\":\"n0\",\"type\":\"user\",\"net\":\"10.1.0.0/24\""),
          DONE);
  expect (fixture, EXECUTE ("netdev_add", "\"id\":\"n0\",\"type\":\"user\""),
          GENERIC ("Netdev with id 'n0' already exists"));
  expect (fixture, EXECUTE ("qom-get", "\"path\":\"/netdevs/n0\",\"property\":\"net\""),
          "{\"return\":\"10.1.0.0/24\"}");
  expect (fixture, EXECUTE ("netdev_del", "\"id\":\"n1\""), NOT_FOUND ("Device 'n1' not found"));
  expect (fixture, EXECUTE ("netdev_del", "\"id\":\"n0\""), DONE);
  expect (fixture, EXECUTE ("netdev_del", "\"id\":\"n0\""), NOT_FOUND ("Device 'n0' not found"));
}

static void
test_set_link (QmpFixture *fixture, gconstpointer data)
{
  SvObject *netdevs = sv_object_ensure_container (fixture->root, "netdevs");
  g_autoptr (SvObject) netdev = g_object_new (TEST_TYPE_NETDEV, NULL);
  g_autoptr (SvObject) card = NULL;
  g_autoptr (GError) error = NULL;
  gboolean link = TRUE;

  sv_type_list_register ();
  sv_object_add_child (netdevs, "n0", netdev, &error);
  g_assert_no_error (error);
  sv_object_complete (netdev, &error);
  g_assert_no_error (error);
  expect (fixture, EXECUTE ("set_link", "\"name\":\"n0\",\"up\":false"),
          GENERIC ("'n0' is no network card and no back end of one"));
  expect (fixture, EXECUTE ("set_link", "\"name\":\"n1\",\"up\":false"),
          NOT_FOUND ("Device 'n1' not found"));

  card = sv_object_new_from_json ("virtio-net-device", SV_TYPE_DEVICE, NULL, fixture->root, &error);
  g_assert_no_error (error);
  sv_object_add_child (sv_object_ensure_container (fixture->root, "cards"), "card0", card, &error);
  g_assert_no_error (error);
  g_assert_true (sv_object_claim (netdev, card, &error));
  expect (fixture, EXECUTE ("netdev_del", "\"id\":\"n0\""),
          GENERIC ("'/netdevs/n0' is in use by '/cards/card0'"));
  expect (fixture, EXECUTE ("set_link", "\"name\":\"n0\",\"up\":false"), DONE);
  g_object_get (card, "link", &link, NULL);
  g_assert_false (link);
  expect (fixture, EXECUTE ("set_link", "\"name\":\"card0\",\"up\":true"), DONE);
  g_object_get (card, "link", &link, NULL);
  g_assert_true (link);
  sv_object_release (netdev, card);
  sv_object_unparent (card);
  expect (fixture, EXECUTE ("netdev_del", "\"id\":\"n0\""), DONE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/qmp/net/netdev-add", QmpFixture, NULL, qmp_fixture_set_up, test_netdev_add,
              qmp_fixture_tear_down);
  g_test_add ("/qmp/net/set-link", QmpFixture, NULL, qmp_fixture_set_up, test_set_link,
              qmp_fixture_tear_down);
  return g_test_run ();
}
