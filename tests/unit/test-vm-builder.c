/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gstdio.h>
#include <string.h>

#include "src/cli/sv-cli.h"
#include "src/cli/sv-vm-builder.h"
#include "src/runtime/sv-vm-lock.h"
#include "src/sv-type-list.h"

/* Lines are run in a directory of their own, with `disk`, a file of 1 MiB. */
typedef struct
{
  char *old_directory;
  char *directory;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autofree char *image = g_malloc0 (1 << 20);

  f->old_directory = g_get_current_dir ();
  f->directory = g_dir_make_tmp ("sv-test-XXXXXX", NULL);
  g_assert_cmpint (g_chdir (f->directory), ==, 0);
  g_assert_true (g_file_set_contents ("disk", image, 1 << 20, NULL));
  sv_vm_lock ();
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  sv_vm_unlock ();
  g_assert_cmpint (g_unlink ("disk"), ==, 0);
  g_assert_cmpint (g_chdir (f->old_directory), ==, 0);
  /* Fails when anything is left behind. */
  g_assert_cmpint (g_rmdir (f->directory), ==, 0);
  g_free (f->directory);
  g_free (f->old_directory);
}

static SvVm *
build (const char *line, GError **error)
{
  g_autoptr (SvVmConfig) config = sv_vm_config_new ();
  g_auto (GStrv) arguments = NULL;
  g_autofree char *answer = NULL;

  g_assert_true (g_shell_parse_argv (line, NULL, &arguments, NULL));
  if (!sv_cli_parse (config, (const char *const *)arguments, &answer, error))
    return NULL;
  return sv_vm_build (config, error);
}

static void
test_tree (Fixture *f, gconstpointer data)
{
  static const char *const paths[]
      = { "/objects/io0", "/chardevs/mon0", "/chardevs/compat_monitor0",
          "/block/d",     "/machine",       "/machine/peripheral" };
  g_autoptr (GError) error = NULL;
  g_autoptr (SvVm) vm = build ("-machine none -name n -object iothread,id=io0 "
                               "-chardev socket,id=mon0,path=s0,server,nowait "
                               "-mon mon0,mode=control -qmp unix:s1,server,nowait "
                               "-drive file=disk,id=d,if=none,readonly=on",
                               &error);

  g_assert_no_error (error);
  for (guint i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      SvObject *object = sv_object_resolve (vm->root, paths[i], SV_TYPE_OBJECT, &error);

      g_assert_no_error (error);
      g_assert_true (object == vm->root || sv_object_get_parent (object) == vm->root
                     || sv_object_is_complete (object)
                     || SV_IS_MACHINE (sv_object_get_parent (object)));
    }
  g_assert_true (sv_object_is_complete (SV_OBJECT (vm->machine)));
  g_assert_true (g_file_test ("s0", G_FILE_TEST_EXISTS));
  g_assert_true (g_file_test ("s1", G_FILE_TEST_EXISTS));
}

static const struct
{
  const char *line;
  const char *message;
} bad[] = {
  { "-machine nosuch", "-machine nosuch: Machine type 'nosuch' not found: accepted are "
                       "'microvm', 'none', 'pc-q35-sv1', 'q35'" },
  { "-machine none -smp 0", "-smp 0: none-machine 'machine': Parameter 'cpus' expects an integer "
                            "from 1 to 254, got '0'" },
  { "-machine none -smp 255", "-smp 255: none-machine 'machine': Parameter 'cpus' expects an "
                              "integer from 1 to 254, got '255'" },
  { "-machine none -m 127",
    "-m 127: none-machine 'machine': Parameter 'memory-size' expects a size "
    "from 128M to 512G, got '127M'" },
  { "-machine none -m 513G", "-m 513G: none-machine 'machine': Parameter 'memory-size' expects a "
                             "size from 128M to 512G, got '513G'" },
  { "-machine none,nmae=x", "-machine none,nmae=x: none-machine 'machine': Property 'nmae' not "
                            "found (did you mean 'name'?)" },
  { "-machine none,run-state=paused", "-machine none,run-state=paused: none-machine 'machine': "
                                      "Property 'run-state' cannot be set" },
  { "-machine none -object iothread,id=a -object iothread,id=a",
    "-object iothread,id=a: Duplicate id 'a': '/objects/a' exists already" },
  { "-machine none -object iothread,id=a/b",
    "-object iothread,id=a/b: Parameter 'id' expects an identifier, got 'a/b': a letter, then letters, "
    "digits, '-', '.', '_'" },
  { "-machine none -object chardev-null,id=a", "-object chardev-null,id=a: Type 'chardev-null' "
                                               "cannot be made by -object: see '-object help'" },
  { "-machine none -object iothread,id=a,x=1",
    "-object iothread,id=a,x=1: iothread: Property 'x' not found" },
  { "-machine none -chardev iothread,id=a",
    "-chardev iothread,id=a: Type 'chardev-iothread' not found: accepted are 'chardev-file', "
    "'chardev-null', 'chardev-pty', 'chardev-socket', 'chardev-stdio'" },
  { "-machine none -object nosuch,id=a",
    "-object nosuch,id=a: Type 'nosuch' not found: see '-object help'" },
  { "-machine none -chardev null,id=a -chardev null,id=a",
    "-chardev null,id=a: Duplicate id 'a': '/chardevs/a' exists already" },
  { "-machine none -mon a,mode=control", "-mon a,mode=control: Object '/chardevs/a' not found" },
  { "-machine none -serial chardev:a", "-serial chardev:a: Object '/chardevs/a' not found" },
  { "-machine none -drive file=disk,id=d -drive file=disk,id=d",
    "-drive file=disk,id=d: Duplicate id 'd': '/block/d' exists already" },
  { "-machine none -drive file=disk,id=d,redonly=on",
    "-drive file=disk,id=d,redonly=on: blockdev-file: Property 'redonly' not found "
    "(did you mean 'read-only'?)" },
  { "-machine none -drive file=disk,id=d,readonly=maybe",
    "-drive file=disk,id=d,readonly=maybe: readonly: Parameter 'read-only' expects 'on' or "
    "'off', got 'maybe'" },
  /* The socket that came before the error goes with it. */
  { "-machine none -chardev socket,id=c,path=s0,server=on,wait=off "
    "-device virtio-blk-device,x=1",
    "-device virtio-blk-device,x=1: virtio-blk-device: Property 'x' not found" },
  { "-machine none -device nosuch",
    "-device nosuch: device 'nosuch' is not supported: see '-device help'" },
};

static void
test_bad (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_null (build (bad[i].line, &error));
      g_assert_nonnull (error);
      g_assert_cmpstr (error->message, ==, bad[i].message);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  sv_type_list_register ();
  g_test_add ("/cli/vm-builder/tree", Fixture, NULL, set_up, test_tree, tear_down);
  g_test_add ("/cli/vm-builder/bad", Fixture, NULL, set_up, test_bad, tear_down);
  return g_test_run ();
}
