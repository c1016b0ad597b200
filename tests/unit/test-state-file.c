/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/migration/sv-state-file.h"

static GVariant *
new_state (void)
{
  return g_variant_ref_sink (g_variant_new_parsed (
      "({'id': <'one'>, 'cpus': <'1'>}, [('/machine', [('SvMachine', uint32 1, <(true, [byte 1, 2, 3])>)])])"));
}

static void
test_round_trip (void)
{
  g_autoptr (GVariant) state = new_state ();
  g_autoptr (GBytes) bytes = sv_state_pack (state);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) again = sv_state_unpack (bytes, &error);

  g_assert_no_error (error);
  g_assert_true (g_variant_equal (state, again));
}

static void
assert_refused (const guint8 *data, gsize size)
{
  g_autoptr (GBytes) bytes = g_bytes_new (data, size);
  g_autoptr (GError) error = NULL;

  g_assert_null (sv_state_unpack (bytes, &error));
  g_assert_nonnull (error);
  g_assert_true (error->domain == SV_MIGRATION_ERROR);
}

static void
test_every_bit (void)
{
  g_autoptr (GVariant) state = new_state ();
  g_autoptr (GBytes) bytes = sv_state_pack (state);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  g_autofree guint8 *copy = g_memdup2 (data, size);

  for (gsize bit = 0; bit < size * 8; bit++)
    {
      copy[bit / 8] ^= (guint8)(1u << bit % 8);
      assert_refused (copy, size);
      copy[bit / 8] ^= (guint8)(1u << bit % 8);
    }
}

static void
test_every_length (void)
{
  g_autoptr (GVariant) state = new_state ();
  g_autoptr (GBytes) bytes = sv_state_pack (state);
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  g_autofree guint8 *longer = g_malloc0 (size + 1);

  memcpy (longer, data, size);
  for (gsize length = 0; length < size; length++)
    assert_refused (data, length);
  assert_refused (longer, size + 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/state-file/round-trip", test_round_trip);
  g_test_add_func ("/state-file/every-bit", test_every_bit);
  g_test_add_func ("/state-file/every-length", test_every_length);
  return g_test_run ();
}
