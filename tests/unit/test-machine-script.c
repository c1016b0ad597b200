/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Machines that nobody placed: as scripts have them, with an accelerator that runs no code. */

#include <glib/gstdio.h>
#include <unistd.h>

#include "hw/core/sv-machine.h"
#include "hw/core/sv-vm-tree.h"
#include "hw/x86/sv-microvm.h"
#include "src/block/sv-block-file.h"
#include "src/block/sv-block-raw.h"
#include "src/chardev/sv-chardev-null.h"
#include "src/rng/sv-rng.h"
#include "src/runtime/sv-vm-lock.h"
#include "src/sv-type-list.h"

typedef struct
{
  SvMachine *machine;
  char *image;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  int fd = g_file_open_tmp ("sv-test-XXXXXX", &f->image, NULL);

  g_assert_cmpint (ftruncate (fd, 1 << 20), ==, 0);
  close (fd);
  sv_vm_lock ();
  f->machine = g_object_new (SV_TYPE_MICROVM, "accel", "test", "memory-size", (guint64)128 << 20, NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_object_add_weak_pointer (G_OBJECT (f->machine), (gpointer *)&f->machine);
  sv_machine_close (f->machine);
  g_object_unref (f->machine);
  g_assert_null (f->machine);
  sv_vm_unlock ();
  g_assert_cmpint (g_unlink (f->image), ==, 0);
  g_free (f->image);
}

static SvObject *
new_image (Fixture *f)
{
  return g_object_new (SV_TYPE_BLOCK_FILE, "filename", f->image, NULL);
}

static void
value_free (gpointer data)
{
  g_value_unset (data);
  g_free (data);
}

static GHashTable *
new_values (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, NULL, value_free);
}

static GValue *
add_value (GHashTable *values, const char *name, GType type)
{
  GValue *value = g_new0 (GValue, 1);

  g_value_init (value, type);
  g_hash_table_insert (values, (gpointer)name, value);
  return value;
}

static guint
count (Fixture *f, const char *path)
{
  SvObject *object = sv_object_resolve (SV_OBJECT (f->machine), path, SV_TYPE_OBJECT, NULL);

  g_assert_nonnull (object);
  return sv_object_get_n_children (object);
}

static void
test_prepare (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = NULL;

  g_assert_null (sv_object_get_parent (SV_OBJECT (f->machine)));
  g_assert_true (sv_machine_prepare (f->machine, &error));
  g_assert_no_error (error);
  g_assert_true (sv_machine_prepare (f->machine, &error));
  path = sv_object_dup_path (SV_OBJECT (f->machine));
  g_assert_cmpstr (path, ==, "/machine");
  g_assert_true (sv_vm_tree_get_machine (sv_object_get_root (SV_OBJECT (f->machine)))
                 == SV_OBJECT (f->machine));

  sv_machine_close (f->machine);
  g_assert_null (sv_object_get_parent (SV_OBJECT (f->machine)));
  g_assert_cmpuint (sv_object_get_n_children (SV_OBJECT (f->machine)), ==, 0);
  g_assert_false (sv_machine_start (f->machine, &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID);
}

static void
test_failure_closes (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_object_set (f->machine, "kernel", "/no/such/kernel", NULL);
  g_assert_false (sv_machine_prepare (f->machine, &error));
  g_assert_nonnull (error);
  g_clear_error (&error);
  g_assert_null (sv_object_get_parent (SV_OBJECT (f->machine)));
  g_assert_false (sv_machine_prepare (f->machine, &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID);
}

static void
test_objects (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SvObject) image = new_image (f);
  g_autoptr (SvObject) raw = g_object_new (SV_TYPE_BLOCK_RAW, "file", image, NULL);
  g_autoptr (SvObject) other = g_object_new (SV_TYPE_CHARDEV_NULL, NULL);
  g_autofree char *path = NULL;

  /* The node below has no place and comes along. */
  g_assert_true (sv_machine_add_object (f->machine, raw, "node", &error) == raw);
  g_assert_no_error (error);
  path = sv_object_dup_path (raw);
  g_assert_cmpstr (path, ==, "/block/node");
  g_assert_true (sv_object_get_parent (image) == sv_object_get_parent (raw));
  g_assert_true (sv_object_is_complete (image) && sv_object_is_complete (raw));

  g_assert_null (sv_machine_add_object (f->machine, raw, "again", &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_null (sv_machine_add_object (f->machine, other, "1st", &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_null (sv_machine_add_object (f->machine, SV_OBJECT (f->machine), NULL, &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_TYPE);
  g_assert_cmpuint (count (f, "/chardevs"), ==, 0);
}

static void
test_device_values (Fixture *f, gconstpointer data)
{
  g_autoptr (GHashTable) values = new_values ();
  g_autoptr (GError) error = NULL;
  SvDevice *device;
  guint n_queues;

  g_value_take_object (add_value (values, "drive", SV_TYPE_OBJECT), new_image (f));
  g_value_set_int (add_value (values, "num-queues", G_TYPE_INT), 3);
  g_value_set_static_string (add_value (values, "serial", G_TYPE_STRING), "one");
  device = sv_machine_add_device_values (f->machine, "virtio-blk-device", "disk", values, &error);
  g_assert_no_error (error);
  g_assert_true (sv_device_is_realized (device));
  g_object_get (device, "num-queues", &n_queues, NULL);
  g_assert_cmpuint (n_queues, ==, 3);
  g_assert_cmpuint (count (f, "/block"), ==, 1);

  /* What fails takes back what it placed. */
  g_hash_table_remove_all (values);
  g_value_take_object (add_value (values, "rng", SV_TYPE_OBJECT),
                       g_object_new (sv_rng_builtin_get_type (), NULL));
  g_value_set_static_string (add_value (values, "no-such", G_TYPE_STRING), "1");
  g_assert_null (sv_machine_add_device_values (f->machine, "virtio-rng-device", "rng", values, &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_NOT_FOUND);
  g_clear_error (&error);
  g_assert_cmpuint (count (f, "/objects"), ==, 0);
  g_assert_cmpuint (count (f, "/machine/peripheral"), ==, 1);

  g_hash_table_remove_all (values);
  g_value_set_pointer (add_value (values, "rng", G_TYPE_POINTER), f);
  g_assert_null (sv_machine_add_device_values (f->machine, "virtio-rng-device", "rng", values, &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_TYPE);
  g_assert_true (g_str_has_prefix (error->message, "property 'rng': "));
}

static void
test_device_json (Fixture *f, gconstpointer data)
{
  static const char *const wrong[] = { "", "{", "[]", "7" };
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (
      sv_machine_add_device_json (f->machine, "{\"driver\": \"virtio-rng-device\", \"id\": \"r\"}", &error));
  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_assert_null (sv_machine_add_device_json (f->machine, wrong[i], &error));
      g_assert_nonnull (error);
      g_clear_error (&error);
    }
}

static void
test_serial (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (SvChardev) first = g_object_new (SV_TYPE_CHARDEV_NULL, NULL);

  g_assert_true (sv_machine_add_serial_chardev (f->machine, first, &error));
  g_assert_no_error (error);
  g_assert_true (sv_chardev_is_attached (first));
  g_assert_cmpuint (count (f, "/chardevs"), ==, 1);
  /* It serves one port. */
  g_assert_false (sv_machine_add_serial_chardev (f->machine, first, &error));
  g_assert_nonnull (error);
  g_assert_cmpuint (count (f, "/chardevs"), ==, 1);
}

static void
count_signal (SvMachine *machine, gint value, guint *n)
{
  ++*n;
}

static void
test_quit_closes (Fixture *f, gconstpointer data)
{
  guint n_shutdown = 0;
  guint n_quit = 0;

  g_signal_connect (f->machine, "shutdown", G_CALLBACK (count_signal), &n_shutdown);
  g_signal_connect (f->machine, "quit", G_CALLBACK (count_signal), &n_quit);
  g_assert_true (sv_machine_prepare (f->machine, NULL));
  sv_machine_quit (f->machine);
  while (n_quit == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (n_shutdown, ==, 1);
  g_assert_null (sv_object_get_parent (SV_OBJECT (f->machine)));
  g_assert_cmpint (sv_machine_get_run_state (f->machine), ==, SV_RUN_STATE_SHUTDOWN);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  sv_type_list_register ();
  sv_vm_lock_attach (NULL);

#define ADD(name, function) g_test_add ("/machine-script/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("prepare", test_prepare);
  ADD ("failure-closes", test_failure_closes);
  ADD ("objects", test_objects);
  ADD ("device-values", test_device_values);
  ADD ("device-json", test_device_json);
  ADD ("serial", test_serial);
  ADD ("quit-closes", test_quit_closes);
#undef ADD
  return g_test_run ();
}
