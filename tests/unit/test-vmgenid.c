/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/x86/sv-vmgenid.h"

#include "hw/acpi/sv-acpi-ged.h"
#include "hw/x86/sv-microvm.h"
#include "src/runtime/sv-vm-lock.h"
#include "src/sv-type-list.h"
#include "state-fixture.h"

#define GUID_AT 0xfc028
#define ONE "324e6eaf-d1d1-4bf6-bf41-b9bb6c91fb87"
#define OTHER "00112233-4455-6677-8899-aabbccddeeff"

static SvMachine *
new_machine (const char *guid)
{
  g_autofree char *json = g_strdup_printf ("{\"driver\": \"vmgenid\", \"id\": \"g\", \"guid\": \"%s\"}", guid);
  SvMachine *machine = g_object_new (SV_TYPE_MICROVM, "accel", "test", "memory-size", (guint64)128 << 20, NULL);
  g_autoptr (GError) error = NULL;

  sv_machine_add_device_json (machine, json, &error);
  g_assert_no_error (error);
  g_assert_true (sv_machine_prepare (machine, &error));
  return machine;
}

static SvObject *
get_device (SvMachine *machine)
{
  SvObject *device = sv_object_resolve (SV_OBJECT (machine), "/machine/peripheral/g", SV_TYPE_VMGENID, NULL);

  g_assert_nonnull (device);
  return device;
}

static void
close_machine (SvMachine *machine)
{
  sv_machine_close (machine);
  g_assert_finalize_object (machine);
}

static void
assert_memory (SvMachine *machine, const guint8 *expected)
{
  guint8 found[16];

  g_assert_true (sv_address_space_read (sv_machine_get_memory (machine), GUID_AT, found, sizeof found));
  g_assert_cmpmem (found, sizeof found, expected, 16);
}

/* The first three numbers are little-endian; what the guest writes there is gone after a reset. */
static void
test_memory (void)
{
  static const guint8 expected[]
      = { 0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff };
  static const guint8 nothing[16] = { 0 };
  SvMachine *machine = new_machine (OTHER);

  assert_memory (machine, expected);
  g_assert_true (sv_address_space_write (sv_machine_get_memory (machine), GUID_AT, nothing, sizeof nothing));
  sv_device_reset (SV_DEVICE (get_device (machine)));
  assert_memory (machine, expected);
  close_machine (machine);
}

static void
load (SvMachine *from, SvMachine *to, gboolean clone)
{
  g_autoptr (GVariant) state = state_dup (get_device (from));
  g_autoptr (GError) error = NULL;

  g_assert_true (sv_migratable_load (get_device (to), state, &error));
  g_assert_true (sv_migratable_loaded (get_device (to), &error));
  if (clone)
    sv_migratable_cloned (get_device (to));
}

/* A guest that moves keeps its own unless the command line has another one; a clone without one gets a new one. */
static void
test_who_decides (void)
{
  SvMachine *from = new_machine (ONE);
  SvMachine *same = new_machine ("auto");
  SvMachine *given = new_machine (OTHER);

  load (from, same, FALSE);
  g_assert_cmpstr (sv_vmgenid_get_current (SV_VMGENID (get_device (same))), ==, ONE);
  load (from, given, FALSE);
  g_assert_cmpstr (sv_vmgenid_get_current (SV_VMGENID (get_device (given))), ==, OTHER);
  load (from, given, TRUE);
  g_assert_cmpstr (sv_vmgenid_get_current (SV_VMGENID (get_device (given))), ==, OTHER);
  load (from, same, TRUE);
  g_assert_cmpstr (sv_vmgenid_get_current (SV_VMGENID (get_device (same))), !=, ONE);
  state_assert_refused (get_device (from), get_device (same), "0/2/0/0", g_variant_new_string ("324e6eaf"), "*not a UUID*");
  close_machine (from);
  close_machine (same);
  close_machine (given);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  sv_type_list_register ();
  sv_vm_lock ();
  g_test_add_func ("/x86/vmgenid/memory", test_memory);
  g_test_add_func ("/x86/vmgenid/who-decides", test_who_decides);
  return g_test_run ();
}
