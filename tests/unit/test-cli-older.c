/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "cli-fixture.h"
#include "src/sv-type-list.h"

/* The older dialect, alone and mixed with the newer one. */

static const struct
{
  const char *line;
  const char *expected;
} good[] = {
  { "-machine type=MicroVm -smp cpus=2 -m 268435456B", "machine cpus='2'\n"
                                                       "machine memory-size='268435456B'\n" },
  { "-omit_vm_memory", "machine dump-guest-core='off'\n" },
  { "-mem-path /dev/hugepages -mem-prealloc",
    "machine mem-path='/dev/hugepages'\nmachine mem-prealloc='on'\n" },
  { "-append console=ttyS0 root=/dev/vda rw -omit_vm_memory",
    "machine append='console=ttyS0 root=/dev/vda rw'\nmachine dump-guest-core='off'\n" },
  { "-drive id=rootfs,file=f,readonly=false,direct=true,serial=s,iothread=io0,iops=200",
    "block blockdev-file rootfs {'filename':'f','read-only':'false','cache.direct':'true',"
    "'throttling.iops-total':'200','is-drive':'on'}\n"
    "device - - {'driver':'virtio-blk-device','id':'rootfs','drive':'rootfs','iothread':'io0',"
    "'serial':'s'}\n" },
  /* A card comes by itself, unless a -device names the back end. */
  { "-netdev id=net0,netdev=tap0,mac=0e:90:df:9f:a8:88,iothread=io0",
    "netdev netdev-tap net0 {'ifname':'tap0'}\n"
    "device - - {'driver':'virtio-net-device','id':'net0','netdev':'net0','iothread':'io0',"
    "'mac':'0e:90:df:9f:a8:88'}\n" },
  { "-netdev id=net0,netdev=tap0,mac=x -device virtio-net-device,netdev=net0,id=card",
    "netdev netdev-tap net0 {'ifname':'tap0'}\n"
    "device - - {'driver':'virtio-net-device','netdev':'net0','id':'card','mac':'x'}\n" },
  { "-netdev tap,id=net0,fds=3:4,vhostfds=5:6", "netdev netdev-tap net0 {'fds':'3:4',"
                                                "'vhostfds':'5:6'}\n" },
  { "-chardev id=c,path=s", "chardev chardev-socket c {'path':'s','server':'on','wait':'off'}\n"
                            "device - - {'driver':'virtio-serial-device'}\n"
                            "device - - {'driver':'virtconsole','id':'c','chardev':'c'}\n" },
  { "-device vsock,id=v,guest-cid=3",
    "device - - {'driver':'vhost-vsock-device','id':'v','guest-cid':'3'}\n" },
  { "-api-channel unix:s",
    "chardev chardev-socket compat_monitor0 {'path':'s','server':'on','wait':'off'}\n"
    "monitor - compat_monitor0 {}\n" },
  { "-qmp unix:a,server,nowait -api-channel unix:b",
    "chardev chardev-socket compat_monitor0 {'path':'a','server':true,'wait':false}\n"
    "chardev chardev-socket compat_monitor1 {'path':'b','server':'on','wait':'off'}\n"
    "monitor - compat_monitor0 {}\nmonitor - compat_monitor1 {}\n" },
  { "-iothread id=a -iothread id=b", "object iothread a {}\nobject iothread b {}\n" },
  { "-iothread id=\"iothread1\"", "object iothread iothread1 {}\n" },
  { "-balloon deflate-on-oom=true",
    "device - - {'deflate-on-oom':'true','driver':'virtio-balloon-device','huge-pages':'off'}\n" },
  { "-rng random_file=/dev/random", "object rng-random random_file {'filename':'/dev/random'}\n"
                                    "device - - {'driver':'virtio-rng-device','rng':'random_file'}\n" },
  { "-rng random_file=/dev/random,bytes_per_sec=64",
    "object rng-random random_file {'filename':'/dev/random'}\n"
    "device - - {'driver':'virtio-rng-device','rng':'random_file','max-bytes':'64',"
    "'period':'1000'}\n" },
  { "-daemonize -pidfile p -D l -disable-seccomp", "log l\npidfile p\ndaemonize\nno seccomp\n" },
  { "-runas 1:2 -sandbox on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
    "runas 1:2\n" },
  { "-sandbox off,chroot=/", "chroot /\nno seccomp\n" },
  { "-sandbox chroot=/", "chroot /\n" },
  { "-chroot /", "chroot /\n" },
};

static void
test_good (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_autoptr (SvVmConfig) config = sv_vm_config_new ();
      g_autoptr (GError) error = NULL;
      g_autofree char *answer = NULL;
      g_autofree char *text = NULL;

      cli_parse (config, good[i].line, &answer, &error);
      g_assert_no_error (error);
      g_assert_null (answer);
      text = cli_dump (config);
      g_assert_cmpstr (text, ==, good[i].expected);
    }
}

static const struct
{
  const char *line;
  const char *message;
} bad[] = {
  { "-chardev id=c", "-chardev id=c: 'backend' is missing" },
  { "-netdev id=n", "-netdev id=n: 'type' is missing" },
  { "-rng random_file=f,bytes_per_sec=x",
    "-rng random_file=f,bytes_per_sec=x: Parameter 'bytes_per_sec' expects an integer from 64 to "
    "1000000000, got 'x'" },
  { "-device vsock,id=a,guest-cid=3 -device vsock,id=b,guest-cid=3",
    "-device vsock,id=b,guest-cid=3: a VM has one vsock at most, and '-device "
    "vsock,id=a,guest-cid=3' is there" },
  { "-pidfile p", "-pidfile p: it needs -daemonize" },
  { "-daemonize -D /dev/stdout", "-D /dev/stdout: standard output and error are not there with "
                                 "-daemonize: expected a file" },
  { "-overcommit mem-lock=on", "-overcommit mem-lock=on: 'mem-lock' can only be 'off'" },
  { "-sandbox on,spawn=maybe",
    "-sandbox on,spawn=maybe: 'spawn' can be 'allow' or 'deny', not 'maybe'" },
};

static void
test_bad (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (SvVmConfig) config = sv_vm_config_new ();
      g_autoptr (GError) error = NULL;
      g_autofree char *answer = NULL;

      g_assert_false (cli_parse (config, bad[i].line, &answer, &error));
      g_assert_cmpstr (error->message, ==, bad[i].message);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  sv_type_list_register ();
  g_test_add_func ("/cli/older/good", test_good);
  g_test_add_func ("/cli/older/bad", test_bad);
  return g_test_run ();
}
