/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "src/runtime/sv-fd-store.h"
#include "tests/unit/virtio-guest.h"

#define VSOCK "vhost-vsock-device"

static void
assert_refused (VirtioGuest *guest, const char *json, const char *part)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (virtio_guest_plug (guest, VSOCK, json, &error));
  g_assert_nonnull (error);
  if (strstr (error->message, part) == NULL)
    g_test_fail_printf ("'%s' is not in: %s", part, error->message);
}

/* What needs no vhost; tests/integration has the rest. */
static void
test_refused (void)
{
  VirtioGuest guest;
  g_autofree char *json = NULL;
  int null;

  virtio_guest_init (&guest);
  assert_refused (&guest, "{}", "guest-cid=0 must be from 3 to 4294967294");
  assert_refused (&guest, "{'guest-cid': 2}", "guest-cid=2 ");
  assert_refused (&guest, "{'guest-cid': 4294967295}", "guest-cid=4294967295 ");
  assert_refused (&guest, "{'guest-cid': 4294967299}", "guest-cid=4294967299 ");
  assert_refused (&guest, "{'guest-cid': 3, 'vhostfd': '2'}", "vhostfd=2 ");
  assert_refused (&guest, "{'guest-cid': 3, 'vhostfd': '987654'}", "vhostfd=987654 ");
  assert_refused (&guest, "{'guest-cid': 3, 'vhostfd': 'nosuch'}", "vhostfd=nosuch ");

  /* A descriptor of something else; it is closed. */
  null = open ("/dev/null", O_RDWR | O_CLOEXEC);
  json = g_strdup_printf ("{'guest-cid': 3, 'vhostfd': '%d'}", null);
  assert_refused (&guest, json, "'dev0': vhost-vsock: cannot become its owner: ");
  g_assert_cmpint (fcntl (null, F_GETFD), ==, -1);
  sv_fd_store_add (guest.root, "vsock", open ("/dev/null", O_RDWR | O_CLOEXEC));
  assert_refused (&guest, "{'guest-cid': 3, 'vhostfd': 'vsock'}", "cannot become its owner: ");
  assert_refused (&guest, "{'guest-cid': 3, 'vhostfd': 'vsock'}", "vhostfd=vsock ");
  virtio_guest_clear (&guest);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/vhost-vsock/refused", test_refused);
  return g_test_run ();
}
