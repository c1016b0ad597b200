/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <glib/gstdio.h>

#include "cli-fixture.h"
#include "src/sv-type-list.h"

/* Files of -config, alone and under a command line. */

static char *directory;
static char *path;

static gboolean
parse_file (SvVmConfig *config, const char *text, const char *line, GError **error)
{
  g_autofree char *whole = g_strdup_printf ("%s -config %s", line, path);
  g_autofree char *answer = NULL;
  g_autofree char *json = g_strdup (text);

  g_assert_true (g_file_set_contents (path, g_strdelimit (json, "'", '"'), -1, NULL));
  return cli_parse (config, whole, &answer, error);
}

static const struct
{
  const char *file;
  const char *line;
  const char *expected;
} good[] = {
  { "{}", "", "" },
  { "{'boot-source': {'kernel_image_path': 'k', 'boot_args': 'a b', 'initrd_fs_path': 'i'}}", "",
    "machine kernel='k'\nmachine append='a b'\nmachine initrd='i'\n" },
  { "{'machine-config': {'type': 'MicroVm', 'name': 'abc', 'vcpu_count': 4, 'mem_size': 805306368,"
    " 'dump_guest_core': false, 'mem-share': true, 'mem_path': '/m'}}",
    "",
    "machine name='abc'\nmachine cpus=4\nmachine memory-size=805306368\n"
    "machine dump-guest-core=false\nmachine mem-share=true\nmachine mem-path='/m'\n" },
  { "{'machine-config': {'type': 'none', 'omit_vm_memory': true}}", "",
    "type none\nmachine dump-guest-core=false\n" },
  { "{'drive': [{'drive_id': 'rootfs', 'path_on_host': 'f', 'read_only': false, 'direct': true,"
    " 'serial_num': 'x', 'iothread': 'io0', 'iops': 200}]}",
    "",
    "block blockdev-file rootfs {'filename':'f','read-only':false,'cache.direct':true,"
    "'throttling.iops-total':200,'is-drive':'on'}\n"
    "device - - {'driver':'virtio-blk-device','id':'rootfs','drive':'rootfs','iothread':'io0',"
    "'serial':'x'}\n" },
  { "{'net': [{'iface_id': 'net0', 'host_dev_name': 'tap0', 'mac': 'm', 'iothread': 'io0'}]}", "",
    "netdev netdev-tap net0 {'ifname':'tap0'}\n"
    "device - - {'driver':'virtio-net-device','id':'net0','netdev':'net0','iothread':'io0',"
    "'mac':'m'}\n" },
  { "{'console': {'console_id': 'c', 'socket_path': 's'}, 'serial': {'stdio': false}}", "",
    "chardev chardev-socket c {'path':'s','server':'on','wait':'off'}\n"
    "device - - {'driver':'virtio-serial-device'}\n"
    "device - - {'driver':'virtconsole','id':'c','chardev':'c'}\n" },
  { "{'vsock': {'vsock_id': 'v', 'guest_cid': 4}, 'iothread': [{'id': 'a'}, {'id': 'b'}]}", "",
    "object iothread a {}\nobject iothread b {}\n"
    "device - - {'id':'v','guest-cid':4,'driver':'vhost-vsock-device'}\n" },
  { "{'balloon': {'deflate_on_oom': true},"
    " 'rng': {'random_file': '/dev/random', 'bytes_per_sec': 64}}",
    "",
    "object rng-random random_file {'filename':'/dev/random'}\n"
    "device - - {'deflate-on-oom':true,'driver':'virtio-balloon-device','huge-pages':'off'}\n"
    "device - - {'driver':'virtio-rng-device','rng':'random_file','max-bytes':64,"
    "'period':'1000'}\n" },
  { "{'serial': {'stdio': true}}", "", "chardev chardev-stdio serial0 {}\nserial - serial0 {}\n" },

  /* The command line goes before the file, wherever -config stands. */
  { "{'machine-config': {'vcpu_count': 4}, 'boot-source': {'kernel_image_path': 'k'}}",
    "-kernel l -smp 2", "machine kernel='l'\nmachine cpus='2'\n" },
  { "{'machine-config': {'type': 'none'}}", "-machine microvm,mem-share=on",
    "machine mem-share='on'\n" },
  { "{'serial': {'stdio': true}}", "-serial pty",
    "chardev chardev-pty serial0 {}\nserial - serial0 {}\n" },
  { "{'serial': {'stdio': true}}", "-serial none", "" },
  { "{'drive': [{'drive_id': 'a', 'path_on_host': 'f', 'serial_num': 's'},"
    " {'drive_id': 'b', 'path_on_host': 'g'}]}",
    "-drive id=a,file=h",
    "block blockdev-file b {'filename':'g','is-drive':'on'}\nblock blockdev-file a {'filename':'h','is-drive':'on'}\n"
    "device - - {'driver':'virtio-blk-device','id':'a','drive':'a'}\n"
    "device - - {'driver':'virtio-blk-device','id':'b','drive':'b'}\n" },
  { "{'balloon': {'deflate_on_oom': true}}", "-balloon deflate-on-oom=off",
    "device - - {'deflate-on-oom':'off','driver':'virtio-balloon-device','huge-pages':'off'}\n" },
  { "{'console': {'console_id': 'c', 'socket_path': 's'}}", "-chardev id=d,path=t",
    "chardev chardev-socket d {'path':'t','server':'on','wait':'off'}\n"
    "device - - {'driver':'virtio-serial-device'}\n"
    "device - - {'driver':'virtconsole','id':'d','chardev':'d'}\n" },
  { "{'vsock': {'vsock_id': 'v', 'guest_cid': 4}}", "-device vsock,id=w,guest-cid=5",
    "device - - {'driver':'vhost-vsock-device','id':'w','guest-cid':'5'}\n" },
  { "{'iothread': [{'id': 'a'}]}", "-object iothread,id=a,poll-max-ns=1",
    "object iothread a {'poll-max-ns':'1'}\n" },
};

static void
test_good (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (SvVmConfig) config = sv_vm_config_new ();
      g_autoptr (GError) error = NULL;
      g_autofree char *text = NULL;

      parse_file (config, good[i].file, good[i].line, &error);
      g_assert_no_error (error);
      text = cli_dump (config);
      g_assert_cmpstr (text, ==, good[i].expected);
    }
}

static const struct
{
  const char *file;
  const char *message;
} bad[] = {
  { "", "line 1: JSON parse error, expecting value" },
  { "{'a': 1,\n'a': 2}", "line 2: JSON parse error, duplicate key" },
  { "{}{}", "line 1: JSON parse error, unexpected text after the value" },
  { "3", "expected an object, got 3" },
  { "{'net': [3]}", "net[0]: expected an object, got 3" },
  { "{'net': [{}]}", "net[0].iface_id: is missing" },
  { "{'net': [{'iface_id': 'a', 'host_dev_name': 't'}, {'mac': 1}]}",
    "net[1].mac: expected a string, got 1" },
  { "{'rng': {'random_file': 'f', 'bytes_per_secs': 1}}",
    "rng.bytes_per_secs: unknown key (did you mean 'bytes_per_sec'?): accepted are 'random_file', "
    "'bytes_per_sec'" },
  { "{'vsock': {'vsock_id': 'v', 'guest_cid': null}}",
    "vsock.guest_cid: expected an integer, got null" },
  { "{'machine-config': {'name': ''}}", "machine-config.name: expected a name of 1 to 255 bytes" },
};

static void
test_bad (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (SvVmConfig) config = sv_vm_config_new ();
      g_autoptr (GError) error = NULL;
      g_autofree char *message = g_strdup_printf ("-config %s: %s", path, bad[i].message);

      g_assert_false (parse_file (config, bad[i].file, "", &error));
      g_assert_cmpstr (error->message, ==, message);
    }
}

static void
test_file_itself (void)
{
  g_autoptr (SvVmConfig) config = sv_vm_config_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *answer = NULL;
  g_autofree char *large = g_strnfill (1024 * 1024 + 1, ' ');

  g_assert_false (cli_parse (config, "-config /nonexistent", &answer, &error));
  g_assert_cmpstr (error->message, ==,
                   "-config /nonexistent: cannot read it: No such file or directory");
  g_clear_error (&error);
  g_assert_false (parse_file (config, large, "", &error));
  g_assert_nonnull (g_strstr_len (error->message, -1, "it is larger than 1048576 bytes"));
  g_clear_error (&error);
  g_assert_false (parse_file (config, "{}", "-config x", &error));
}

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  sv_type_list_register ();
  directory = g_dir_make_tmp ("sv-test-XXXXXX", NULL);
  path = g_build_filename (directory, "c", NULL);
  g_test_add_func ("/json-config/good", test_good);
  g_test_add_func ("/json-config/bad", test_bad);
  g_test_add_func ("/json-config/file-itself", test_file_itself);
  status = g_test_run ();
  g_unlink (path);
  g_rmdir (directory);
  g_free (path);
  g_free (directory);
  return status;
}
