/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "cli-fixture.h"
#include "src/sv-type-list.h"

static const struct
{
  const char *line;
  const char *expected;
} good[] = {
  { "", "" },
  { "-machine microvm -kernel k -initrd i -append 'a b=c'",
    "machine kernel='k'\nmachine initrd='i'\nmachine append='a b=c'\n" },
  { "--machine MicroVM --kernel k", "machine kernel='k'\n" },
  { "-M none", "type none\n" },
  { "-machine type=none,accel=kvm:tcg,usb=off,dump-guest-core=off",
    "type none\nmachine accel='kvm'\nmachine dump-guest-core='off'\n" },
  { "-machine none,accel=tcg:kvm", "type none\nmachine accel='kvm'\n" },
  { "-machine none,accel=tcg", "type none\nmachine accel='tcg'\n" },
  { "-accel kvm -cpu host,migratable=on,-avx2", "machine accel='kvm'\nmachine cpu='host,migratable=on,-avx2'\n" },
  { "-append console=ttyS0 root=/dev/vda rw -kernel k",
    "machine append='console=ttyS0 root=/dev/vda rw'\nmachine kernel='k'\n" },
  { "-append '-x y'", "machine append='-x y'\n" },
  { "-name guest=a,debug-threads=on", "machine name='a'\n" },
  { "-name b", "machine name='b'\n" },
  { "-smp 2", "machine cpus='2'\n" },
  { "-smp 2,maxcpus=4", "machine cpus='2'\nmachine max-cpus='4'\n" },
  { "-smp maxcpus=4", "machine cpus='4'\nmachine max-cpus='4'\n" },
  { "-smp cpus=4,maxcpus=4,sockets=1,cores=2,threads=2",
    "machine sockets='1'\nmachine cores='2'\nmachine threads='2'\nmachine cpus='4'\n"
    "machine max-cpus='4'\n" },
  { "-smp cores=2,threads=3", "machine cores='2'\nmachine threads='3'\nmachine cpus='6'\n" },
  { "-rtc base=2026-01-31,clock=vm,driftfix=slew", "machine rtc-base='2026-01-31'\nmachine rtc-clock='vm'\n" },
  { "-boot nc -boot menu=on,strict=on,once=d", "machine boot-order='nc'\nmachine boot-once='d'\nmachine boot-menu='on'\nmachine boot-strict='on'\n" },
  { "-global a.b=c,d -global driver=e,property=f,value=g",
    "global - a {'b':'c,d'}\nglobal - e {'f':'g'}\n" },
  { "-M q35,usb=off,smm=off,vmport=auto,hpet=off,nvdimm=off,hmat=off,graphics=off,acpi=on,kernel_irqchip=on",
    "type q35\n" },
  { "-m 512", "machine memory-size='512M'\n" },
  { "-m size=2G", "machine memory-size='2G'\n" },
  { "-m 134217727", "machine memory-size='134217727M'\n" },
  { "-m 134217728", "machine memory-size='134217728'\n" },
  { "-m 1.5g", "machine memory-size='1.5g'\n" },
  { "-no-reboot -no-shutdown -S", "machine no-reboot='on'\nmachine no-shutdown='on'\npaused\n" },
  { "-object iothread,id=io0 -object "
    "'{\"qom-type\":\"memory-backend-ram\",\"id\":\"m\",\"size\":1}'",
    "object iothread io0 {}\nobject memory-backend-ram m {'size':1}\n" },
  { "-drive file=/a,,b,id=d,if=none,format=raw,readonly=on,cache=none,aio=threads,discard=unmap",
    "block blockdev-file d {'aio':'threads','discard':'unmap','filename':'/a,b','read-only':'on',"
    "'cache.direct':'on','is-drive':'on'}\n" },
  { "-drive file=f,id=d,if=none,direct=true,cache=writeback",
    "block blockdev-file d {'filename':'f','cache.direct':'true','is-drive':'on'}\n" },
  /* A drive's device keys go to the device that names it, which knows better. */
  { "-drive file=f,id=d,if=none,serial=s,iothread=io0 -device virtio-blk-device,drive=d,serial=t",
    "block blockdev-file d {'filename':'f','is-drive':'on'}\n"
    "device - - {'driver':'virtio-blk-device','drive':'d','serial':'t','iothread':'io0'}\n" },
  /* A drive that no device names becomes a disk. */
  { "-drive file=f,id=d,serial=s",
    "block blockdev-file d {'filename':'f','is-drive':'on'}\n"
    "device - - {'driver':'virtio-blk-device','id':'d','drive':'d','serial':'s'}\n" },
  { "-drive file=f,id=d -device virtio-blk-device,drive=d,id=x",
    "block blockdev-file d {'filename':'f','is-drive':'on'}\n"
    "device - - {'driver':'virtio-blk-device','drive':'d','id':'x'}\n" },
  { "-drive file=f,id=d,if=none", "block blockdev-file d {'filename':'f','is-drive':'on'}\n" },
  { "-drive if=pflash,format=raw,unit=0,readonly=on,file=c -drive if=pflash,format=raw,unit=1,file=v",
    "machine pflash0='pflash0'\nmachine pflash1='pflash1'\n"
    "block blockdev-file pflash0 {'filename':'c','read-only':'on','is-drive':'on'}\n"
    "block blockdev-file pflash1 {'filename':'v','is-drive':'on'}\n" },
  { "-drive if=pflash,file=c,id=a -drive if=pflash,file=v,id=b",
    "machine pflash0='a'\nmachine pflash1='b'\n"
    "block blockdev-file a {'filename':'c','is-drive':'on'}\nblock blockdev-file b {'filename':'v','is-drive':'on'}\n" },
  { "-machine q35,pflash0=f -blockdev driver=file,node-name=f,filename=c,read-only=on",
    "type q35\nmachine pflash0='f'\nblock blockdev-file f {'filename':'c','read-only':'on'}\n" },
  { "-blockdev driver=file,node-name=n,filename=f,cache.direct=on",
    "block blockdev-file n {'filename':'f','cache.direct':'on'}\n" },
  { "-blockdev '{\"driver\":\"file\",\"node-name\":\"n\",\"cache\":{\"direct\":true}}'",
    "block blockdev-file n {'cache':{'direct':true}}\n" },
  /* A node in place of the format's layer over it. */
  { "-blockdev driver=raw,node-name=n,file.driver=file,file.filename=f,read-only=on",
    "block blockdev-file n {'read-only':'on','filename':'f'}\n" },
  { "-blockdev '{\"node-name\":\"n\",\"driver\":\"raw\",\"file\":{\"driver\":\"file\","
    "\"filename\":\"f\",\"node-name\":\"x\"}}'",
    "block blockdev-file n {'filename':'f'}\n" },
  { "-blockdev driver=file,node-name=n,filename=f -blockdev driver=raw,node-name=m,file=n",
    "block blockdev-file n {'filename':'f'}\nblock blockdev-raw m {'file':'n'}\n" },
  { "-fw_cfg opt/a,string=x,,y -fw_cfg name=opt/b,file=f",
    "firmware - opt/a {'string':'x,y'}\nfirmware - opt/b {'file':'f'}\n" },
  { "-netdev tap,id=n0,ifname=t", "netdev netdev-tap n0 {'ifname':'t'}\n" },
  { "-device '{\"driver\":\"x\",\"id\":\"y\",\"n\":1}'",
    "device - - {'driver':'x','id':'y','n':1}\n" },
  { "-chardev socket,id=c,path=/p,server=on,wait=off -mon chardev=c,id=m,mode=control",
    "chardev chardev-socket c {'path':'/p','server':'on','wait':'off'}\nmonitor - c {}\n" },
  { "-chardev null,id=c -serial chardev:c", "chardev chardev-null c {}\nserial - c {}\n" },
  { "-serial none -qmp none -monitor none -display none", "" },
  { "-serial stdio", "chardev chardev-stdio serial0 {}\nserial - serial0 {}\n" },
  { "-pidfile p -daemonize -D l", "log l\npidfile p\ndaemonize\n" },
  { "-D -S", "paused\n" },
  { "-nodefaults -no-user-config -nographic -msg timestamp=on -rtc base=utc -boot strict=on "
    "-uuid 4e6a9f2c-30d1-4b53-9f0e-6d2f0c1b7a55 -no-hpet -nodefconfig -enable-kvm -vga none "
    "-net none -parallel none -overcommit mem-lock=off",
    "machine rtc-base='utc'\nmachine boot-strict='on'\n"
    "machine uuid='4e6a9f2c-30d1-4b53-9f0e-6d2f0c1b7a55'\n" },
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
  { "foo", "'foo' is not an option: options begin with '-'" },
  { "-", "Unknown option '-': see --help" },
  { "--", "Unknown option '--': see --help" },
  { "-kernle k", "Unknown option '-kernle' (did you mean '-kernel'?)" },
  { "--deamonize", "Unknown option '--deamonize' (did you mean '-daemonize'?)" },
  { "-qqqqqqqqqq", "Unknown option '-qqqqqqqqqq': see --help" },
  { "-kernel", "Option '-kernel' needs an argument: FILE" },
  { "-kernel -initrd i", "Option '-kernel' needs an argument: FILE" },
  { "-append", "Option '-append' needs an argument: WORDS" },
  { "-kernel a -kernel b", "Option '-kernel' is given twice" },
  { "-smp 1 -smp 1", "Option '-smp' is given twice" },
  { "-name ''", "-name : expected a name of 1 to 255 bytes" },
  { "-name a,b=c", "-name a,b=c: unknown key 'b': accepted are 'guest', 'process' and 'debug-threads'" },
  { "-cpu EPYC", "-cpu EPYC: CPU 'EPYC': model 'EPYC' is not known: accepted are 'host', 'max', 'kvm64' and 'qemu64'" },
  { "-cpu host,x=on", "-cpu host,x=on: CPU 'host,x=on': feature 'x' is not known (did you mean 'nx'?): see "
                      "'-cpu help'" },
  { "-cpu host,avx2=2", "-cpu host,avx2=2: CPU 'host,avx2=2': 'avx2' expects 'on' or 'off', got '2'" },
  { "-smp cpus=1,clusters=2",
    "-smp cpus=1,clusters=2: unknown key 'clusters': accepted are 'cpus', 'maxcpus', 'sockets', "
    "'dies', 'cores' and 'threads'" },
  { "-m slots=2", "-m slots=2: 'size' is missing" },
  { "-m 1G,slots=2", "-m 1G,slots=2: 'slots' needs 'maxmem'" },
  { "-machine microvm,usb=on", "-machine microvm,usb=on: 'usb' can only be 'off': there is no USB controller" },
  { "-machine microvm,x=1,x=2", "-machine microvm,x=1,x=2: 'x' is given twice" },
  { "-machine '{}'", "-machine {}: expected KEY=VALUE,..., got JSON" },
  { "-accel ''", "-accel : 'accel' is missing" },
  { "-accel kvm,x=1", "-accel kvm,x=1: unknown key 'x': accepted are 'accel'" },
  { "-object id=x", "-object id=x: 'qom-type' is missing" },
  { "-object iothread", "-object iothread: 'id' is missing" },
  { "-object nosuch,help", "-object nosuch,help: Type 'nosuch' not found" },
  { "-object iothraed,help",
    "-object iothraed,help: Type 'iothraed' not found (did you mean 'iothread'?)" },
  { "-device iothread,help", "-device iothread,help: Type 'iothread' not found" },
  { "-device id=x", "-device id=x: 'driver' is missing" },
  { "-chardev null", "-chardev null: 'id' is missing" },
  { "-chardev id=c", "-chardev id=c: 'backend' is missing" },
  { "-netdev tap", "-netdev tap: 'id' is missing" },
  { "-blockdev file", "-blockdev file: 'node-name' is missing" },
  { "-blockdev node-name=n", "-blockdev node-name=n: Parameter 'driver' is missing" },
  { "-blockdev raw,node-name=n,file.filename=f",
    "-blockdev raw,node-name=n,file.filename=f: Parameter 'driver' is missing" },
  { "-drive file=f", "-drive file=f: 'id' is missing" },
  { "-drive id=d", "-drive id=d: 'file' is missing" },
  { "-drive file=f,id=d,if=ide",
    "-drive file=f,id=d,if=ide: 'if' can be 'none', 'pflash' or 'virtio', not 'ide'" },
  { "-drive file=f,if=pflash,unit=2",
    "-drive file=f,if=pflash,unit=2: 'unit' can be '0' or '1' with if=pflash, not '2'" },
  { "-drive file=f,id=d,format=qcow2",
    "-drive file=f,id=d,format=qcow2: 'format' can only be 'raw', not 'qcow2'" },
  { "-drive file=f,id=d,cache=writethrough",
    "-drive file=f,id=d,cache=writethrough: 'cache' can be 'none', 'writeback' or 'unsafe', not "
    "'writethrough'" },
  { "-drive file=f,id=d,readonly=on,read-only=off",
    "-drive file=f,id=d,readonly=on,read-only=off: 'readonly' and 'read-only' are the same" },
  { "-drive file=f,id=d,if=none,serial=x",
    "-drive file=f,id=d,if=none,serial=x: 'serial' needs a -device with 'drive=d'" },
  { "-drive '{}'", "-drive {}: expected KEY=VALUE,..., got JSON: that is for -blockdev" },
  { "-fw_cfg opt/a", "-fw_cfg opt/a: one of 'file' and 'string' says what 'opt/a' holds" },
  { "-fw_cfg opt/a,file=f,string=s",
    "-fw_cfg opt/a,file=f,string=s: one of 'file' and 'string' says what 'opt/a' holds" },
  { "-fw_cfg string=s", "-fw_cfg string=s: 'name' is missing" },
  { "-fw_cfg opt/a,string=s,gen_id=g",
    "-fw_cfg opt/a,string=s,gen_id=g: unknown key 'gen_id': accepted are 'name', 'file' and 'string'" },
  { "-mon mode=control", "-mon mode=control: 'chardev' is missing" },
  { "-mon c", "-mon c: 'mode' must be 'control'" },
  { "-mon c,mode=readline", "-mon c,mode=readline: 'mode' must be 'control'" },
  { "-mon c,mode=control,pretty=on", "-mon c,mode=control,pretty=on: 'pretty' can only be 'off'" },
  { "-monitor stdio", "-monitor stdio: it can only be 'none'" },
  { "-display gtk", "-display gtk: it can only be 'none'" },
  { "-uuid 1", "-uuid 1: expected a UUID such as 4e6a9f2c-30d1-4b53-9f0e-6d2f0c1b7a55" },
  { "-kernel \xff", "-kernel \xef\xbf\xbd: expected valid UTF-8" },
  { "-daemonize -serial stdio",
    "-serial stdio: standard input and output are not there with -daemonize" },
};

static void
test_bad (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (SvVmConfig) config = sv_vm_config_new ();
      g_autoptr (GError) error = NULL;
      g_autofree char *answer = NULL;
      gboolean ok = cli_parse (config, bad[i].line, &answer, &error);

      g_assert_false (ok);
      g_assert_null (answer);
      g_assert_nonnull (error);
      g_assert_cmpstr (error->message, ==, bad[i].message);
    }
}

static const struct
{
  const char *line;
  const char *part;
} answers[] = {
  { "--help", "  -daemonize \n" },
  { "-h", "  -kernel FILE\n" },
  { "-version", "stratovirt " SV_VERSION "\n" },
  { "-machine help", "microvm " },
  { "-machine microvm,help", "  cpus=<uint8> " },
  { "-accel help", "kvm\n" },
  { "-cpu help", "  host   processor" },
  { "-device help", "name \"virtio-blk-device\"" },
  { "-device ?", "Storage devices:\n" },
  { "-device virtio-blk-device,help", "  drive=<link<block-node>> " },
  { "-device driver=virtio-blk-device,help", "virtio-blk-device options:\n" },
  { "-object help", "  iothread\n" },
  { "-object memory-backend-ram,help", "  size=<size> " },
  { "-blockdev help", "  file\n" },
  { "-blockdev file,help", "  detect-zeroes=<" },
  { "-drive help", "  discard=<" },
  { "-chardev help", "  socket\n" },
  { "-chardev socket,help", "  path=<str> " },
  /* What comes after a request for help is not looked at. */
  { "-kernel k -device help -bogus", "virtio-blk-device" },
};

static void
test_answers (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (answers); i++)
    {
      g_autoptr (SvVmConfig) config = sv_vm_config_new ();
      g_autoptr (GError) error = NULL;
      g_autofree char *answer = NULL;

      g_assert_true (cli_parse (config, answers[i].line, &answer, &error));
      g_assert_no_error (error);
      g_assert_nonnull (answer);
      if (strstr (answer, answers[i].part) == NULL)
        g_error ("no '%s' in the answer to '%s':\n%s", answers[i].part, answers[i].line, answer);
    }
}

/* Every option is told of, and what users cannot make is not. */
static void
test_help_is_whole (void)
{
  g_autoptr (SvVmConfig) config = sv_vm_config_new ();
  g_autofree char *devices = NULL;
  g_autofree char *objects = NULL;

  g_assert_true (cli_parse (config, "-device help", &devices, NULL));
  g_assert_null (strstr (devices, "acpi-ged"));
  g_assert_true (cli_parse (config, "-object help", &objects, NULL));
  g_assert_null (strstr (objects, "virtio"));
  g_assert_null (strstr (objects, "container"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  sv_type_list_register ();
  g_test_add_func ("/cli/good", test_good);
  g_test_add_func ("/cli/bad", test_bad);
  g_test_add_func ("/cli/answers", test_answers);
  g_test_add_func ("/cli/help-is-whole", test_help_is_whole);
  return g_test_run ();
}
