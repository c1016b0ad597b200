/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "qom/sv-property.h"
#include "src/memory/sv-address-space.h"

#define MIB (G_GUINT64_CONSTANT (1) << 20)

typedef struct
{
  char *directory;
  char *path;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->directory = g_dir_make_tmp ("sv-memory-XXXXXX", &error);
  g_assert_no_error (error);
  f->path = g_build_filename (f->directory, "ram", NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_remove (f->path);
  /* Fails when a test left anything else. */
  g_assert_cmpint (g_rmdir (f->directory), ==, 0);
  g_free (f->path);
  g_free (f->directory);
}

/* As the command line does: @properties is "name=value,..." */
static SvMemoryBackend *
make (GType type, const char *properties)
{
  SvMemoryBackend *backend = g_object_new (type, NULL);
  g_auto (GStrv) pairs = g_strsplit (properties, ",", 0);

  for (guint i = 0; pairs[i] != NULL; i++)
    {
      g_auto (GStrv) pair = g_strsplit (pairs[i], "=", 2);
      g_autoptr (GError) error = NULL;

      sv_object_set_property_string (SV_OBJECT (backend), pair[0], pair[1], NULL, &error);
      g_assert_no_error (error);
    }
  return backend;
}

static SvMemoryBackend *
make_complete (GType type, const char *properties)
{
  SvMemoryBackend *backend = make (type, properties);
  g_autoptr (GError) error = NULL;

  sv_object_complete (SV_OBJECT (backend), &error);
  g_assert_no_error (error);
  return backend;
}

static SvMemoryBackend *
make_file (Fixture *f, const char *path, const char *properties)
{
  g_autofree char *all = g_strdup_printf ("mem-path=%s,%s", path, properties);

  return make_complete (sv_memory_backend_file_get_type (), all);
}

/* The message must name what is wrong. */
static void
assert_fails (GType type, const char *properties, const char *pattern)
{
  g_autoptr (SvMemoryBackend) backend = make (type, properties);
  g_autoptr (GError) error = NULL;

  g_assert_false (sv_object_complete (SV_OBJECT (backend), &error));
  g_assert_nonnull (error);
  if (!g_pattern_match_simple (pattern, error->message))
    g_error ("'%s' does not match '%s'", error->message, pattern);
  g_assert_null (sv_memory_backend_get_host (backend));
  g_assert_cmpint (sv_memory_backend_get_fd (backend), ==, -1);
}

static void
assert_file_fails (const char *path, const char *properties, const char *pattern)
{
  g_autofree char *all = g_strdup_printf ("mem-path=%s,%s", path, properties);

  assert_fails (sv_memory_backend_file_get_type (), all, pattern);
}

/* The kernel's flags of the mapping at @host */
static char *
get_vm_flags (gconstpointer host)
{
  g_autofree char *smaps = NULL;
  g_auto (GStrv) lines = NULL;
  gboolean found = FALSE;

  g_assert_true (g_file_get_contents ("/proc/self/smaps", &smaps, NULL, NULL));
  lines = g_strsplit (smaps, "\n", 0);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *end;
      guint64 start = g_ascii_strtoull (lines[i], &end, 16);

      if (*end == '-')
        found = start <= (guintptr)host && g_ascii_strtoull (end + 1, NULL, 16) > (guintptr)host;
      else if (found && g_str_has_prefix (lines[i], "VmFlags:"))
        return g_strconcat (lines[i] + strlen ("VmFlags:"), " ", NULL);
    }
  g_assert_not_reached ();
}

static void
assert_flag (SvMemoryBackend *backend, const char *flag, gboolean wanted)
{
  g_autofree char *flags = get_vm_flags (sv_memory_backend_get_host (backend));
  g_autofree char *padded = g_strdup_printf (" %s ", flag);

  g_assert_cmpint (strstr (flags, padded) != NULL, ==, wanted);
}

static guint
count_resident (SvMemoryBackend *backend)
{
  gsize size = sv_memory_backend_get_size (backend);
  gsize n_pages = size / (gsize)sysconf (_SC_PAGESIZE);
  g_autofree guint8 *pages = g_malloc0 (n_pages);
  guint n = 0;

  g_assert_cmpint (mincore (sv_memory_backend_get_host (backend), size, pages), ==, 0);
  for (gsize i = 0; i < n_pages; i++)
    n += pages[i] & 1;
  return n;
}

static guint64
get_file_size (const char *path)
{
  GStatBuf st;

  g_assert_cmpint (g_stat (path, &st), ==, 0);
  return (guint64)st.st_size;
}

/* --- Anonymous --- */

static void
test_ram (Fixture *f, gconstpointer data)
{
  SvMemoryBackend *backend = make (sv_memory_backend_ram_get_type (), "size=3M");
  g_autoptr (GError) error = NULL;
  guint8 *host;

  g_assert_null (sv_memory_backend_get_host (backend));
  sv_object_complete (SV_OBJECT (backend), &error);
  g_assert_no_error (error);
  host = sv_memory_backend_get_host (backend);
  g_assert_nonnull (host);
  g_assert_cmpuint ((guintptr)host % (2 * MIB), ==, 0);
  g_assert_cmpuint (sv_memory_backend_get_size (backend), ==, 3 * MIB);
  g_assert_cmpuint (sv_memory_backend_get_page_size (backend), ==, sysconf (_SC_PAGESIZE));
  g_assert_cmpint (sv_memory_backend_get_fd (backend), ==, -1);
  g_assert_false (sv_memory_backend_get_share (backend));
  g_assert_false (sv_memory_backend_get_readonly (backend));
  g_assert_cmpuint (count_resident (backend), ==, 0);
  host[3 * MIB - 1] = 1;
  assert_flag (backend, "nr", TRUE);
  assert_flag (backend, "dc", TRUE);
  assert_flag (backend, "dd", FALSE);
  assert_flag (backend, "hg", FALSE);
  assert_flag (backend, "sh", FALSE);

  /* What it is made of is fixed now. */
  g_assert_false (sv_object_set_property_string (SV_OBJECT (backend), "size", "4M", NULL, &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_READ_ONLY);

  g_object_unref (backend);
  g_assert_cmpint (msync (host, 4096, MS_ASYNC), ==, -1);
  g_assert_cmpint (errno, ==, ENOMEM);
}

/* Bytes of address space that this process has reserved but cannot access */
static guint64
count_reserved (void)
{
  g_autofree char *maps = NULL;
  g_auto (GStrv) lines = NULL;
  guint64 sum = 0;

  g_assert_true (g_file_get_contents ("/proc/self/maps", &maps, NULL, NULL));
  lines = g_strsplit (maps, "\n", 0);
  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *end;
      guint64 start = g_ascii_strtoull (lines[i], &end, 16);
      guint64 stop = *end == '-' ? g_ascii_strtoull (end + 1, &end, 16) : 0;

      if (g_str_has_prefix (end, " ---p"))
        sum += stop - start;
    }
  return sum;
}

/* What was mapped beyond the size, for the alignment, is given back. */
static void
test_no_leftover (Fixture *f, gconstpointer data)
{
  guint64 before = count_reserved ();
  SvMemoryBackend *backend = make_complete (sv_memory_backend_ram_get_type (), "size=64K");

  g_assert_cmpuint (count_reserved (), <, before + MIB);
  g_object_unref (backend);
}

static void
test_flags (Fixture *f, gconstpointer data)
{
  GType type = sv_memory_backend_ram_get_type ();
  g_autoptr (SvMemoryBackend) hidden = make_complete (type, "size=4M,dump=off");
  g_autoptr (SvMemoryBackend) shared = make_complete (type, "size=4M,share=on");
  g_autoptr (SvMemoryBackend) huge = make_complete (type, "size=4M,transparent-huge-pages=on");
  g_autoptr (SvMemoryBackend) alone = make_complete (type, "size=4M,merge=off");

  assert_flag (hidden, "dd", TRUE);
  assert_flag (shared, "sh", TRUE);
  g_assert_true (sv_memory_backend_get_share (shared));
  if (g_file_test ("/sys/kernel/mm/transparent_hugepage", G_FILE_TEST_EXISTS))
    assert_flag (huge, "hg", TRUE);
  assert_flag (alone, "mg", FALSE);
  if (g_file_test ("/sys/kernel/mm/ksm", G_FILE_TEST_EXISTS))
    assert_flag (hidden, "mg", TRUE);
}

static void
test_prealloc (Fixture *f, gconstpointer data)
{
  g_autoptr (SvMemoryBackend) ram
      = make_complete (sv_memory_backend_ram_get_type (), "size=4M,prealloc=on");
  g_autoptr (SvMemoryBackend) memfd
      = make_complete (sv_memory_backend_memfd_get_type (), "size=4M,prealloc=on");

  g_assert_cmpuint (count_resident (ram), ==, 4 * MIB / (guint64)sysconf (_SC_PAGESIZE));
  g_assert_cmpuint (count_resident (memfd), ==, 4 * MIB / (guint64)sysconf (_SC_PAGESIZE));
}

static void
test_bad_size (Fixture *f, gconstpointer data)
{
  GType types[] = { sv_memory_backend_ram_get_type (), sv_memory_backend_memfd_get_type () };

  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      assert_fails (types[i], "share=off", "*'size' must be given*");
      assert_fails (types[i], "size=4097", "*'size' is 4097*multiple of the page size*");
      assert_fails (types[i], "size=0x7ffffffffffff000", "memory backend *: cannot *");
      assert_fails (types[i], "size=0xfffffffffffff000", "*'size'*");
    }
}

/* --- memfd --- */

static void
test_memfd (Fixture *f, gconstpointer data)
{
  GType type = sv_memory_backend_memfd_get_type ();
  g_autoptr (SvMemoryBackend) backend = make_complete (type, "size=4M");
  g_autoptr (SvMemoryBackend) open = make_complete (type, "size=4M,seal=off");
  int fd = sv_memory_backend_get_fd (backend);
  guint8 byte = 0;

  g_assert_cmpint (fd, >=, 0);
  g_assert_true (sv_memory_backend_get_share (backend));
  g_assert_cmpuint ((guintptr)sv_memory_backend_get_host (backend) % (2 * MIB), ==, 0);
  sv_memory_backend_get_host (backend)[4 * MIB - 1] = 0x5a;
  g_assert_cmpint (pread (fd, &byte, 1, 4 * MIB - 1), ==, 1);
  g_assert_cmphex (byte, ==, 0x5a);
  g_assert_true (fcntl (fd, F_GETFD) & FD_CLOEXEC);

  /* Whom it is passed to cannot take the memory away. */
  g_assert_cmpint (ftruncate (fd, 0), ==, -1);
  g_assert_cmpint (errno, ==, EPERM);
  g_assert_cmpint (ftruncate (sv_memory_backend_get_fd (open), 8 * MIB), ==, 0);
}

static void
test_memfd_huge (Fixture *f, gconstpointer data)
{
  GType type = sv_memory_backend_memfd_get_type ();
  g_autoptr (SvMemoryBackend) backend = make (type, "size=2M,hugetlb=on,hugetlbsize=2M");
  g_autoptr (GError) error = NULL;

  assert_fails (type, "size=4M,hugetlbsize=2M", "*'hugetlbsize' needs 'hugetlb'*");
  assert_fails (type, "size=4M,hugetlb=on,hugetlbsize=3M",
                "*'hugetlbsize' is 3145728*power of two*");
  assert_fails (type, "size=4M,hugetlb=on,hugetlbsize=8K", "*cannot create its memfd*hugetlbsize*");
  assert_fails (type, "size=3M,hugetlb=on,hugetlbsize=2M", "*'size' is 3145728*2097152 bytes*");

  /* Whether this host has huge pages to spare or not */
  if (sv_object_complete (SV_OBJECT (backend), &error))
    g_assert_cmpuint (sv_memory_backend_get_page_size (backend), ==, 2 * MIB);
  else
    g_assert_cmpstr (error->message, ==,
                     "memory backend '': cannot map 2097152 bytes: Cannot allocate memory; the host "
                     "lacks free huge pages (HugePages_Free in /proc/meminfo)");
}

/* --- Files --- */

static void
test_file_created (Fixture *f, gconstpointer data)
{
  SvMemoryBackend *backend = make_file (f, f->path, "size=4M,share=on");
  g_autofree char *contents = NULL;
  GStatBuf st;
  gsize length;

  g_assert_cmpint (g_stat (f->path, &st), ==, 0);
  g_assert_cmpuint (st.st_size, ==, 4 * MIB);
  g_assert_cmpint (st.st_mode & 0777, ==, 0600);
  memcpy (sv_memory_backend_get_host (backend) + MIB, "shared", 6);
  g_object_unref (backend);
  g_assert_true (g_file_get_contents (f->path, &contents, &length, NULL));
  g_assert_cmpmem (contents + MIB, 6, "shared", 6);
}

static void
test_file_existing (Fixture *f, gconstpointer data)
{
  g_autoptr (SvMemoryBackend) backend = NULL;
  g_autofree char *template = g_malloc0 (4 * MIB);
  g_autofree char *contents = NULL;

  /* Empty: extended */
  g_assert_true (g_file_set_contents (f->path, "", 0, NULL));
  backend = make_file (f, f->path, "size=4M");
  g_assert_cmpuint (get_file_size (f->path), ==, 4 * MIB);
  g_clear_object (&backend);

  /* Large enough: used, and a private mapping keeps its writes to itself. */
  memcpy (template, "template", 8);
  g_assert_true (g_file_set_contents (f->path, template, 4 * MIB, NULL));
  backend = make_file (f, f->path, "size=4M,x-use-canonical-path-for-ramblock-id=off");
  g_assert_cmpmem (sv_memory_backend_get_host (backend), 8, "template", 8);
  memcpy (sv_memory_backend_get_host (backend), "private!", 8);
  g_assert_true (g_file_get_contents (f->path, &contents, NULL, NULL));
  g_assert_cmpmem (contents, 8, "template", 8);

  /* Too large: stays */
  g_clear_object (&backend);
  backend = make_file (f, f->path, "size=1M");
  g_assert_cmpuint (get_file_size (f->path), ==, 4 * MIB);
}

static void
test_file_directory (Fixture *f, gconstpointer data)
{
  g_autoptr (SvMemoryBackend) backend = make_file (f, f->directory, "size=4M,share=on");
  g_autoptr (GDir) dir = g_dir_open (f->directory, 0, NULL);
  struct stat st;

  g_assert_null (g_dir_read_name (dir));
  sv_memory_backend_get_host (backend)[0] = 1;
  g_assert_cmpint (fstat (sv_memory_backend_get_fd (backend), &st), ==, 0);
  g_assert_cmpuint (st.st_size, ==, 4 * MIB);
  g_assert_cmpuint (st.st_nlink, ==, 0);
  assert_file_fails (f->directory, "size=4097", "*'size' is 4097*");
}

static void
test_file_refused (Fixture *f, gconstpointer data)
{
  g_autofree char *nowhere = g_build_filename (f->directory, "missing", "ram", NULL);
  g_autofree char *fifo = g_build_filename (f->directory, "fifo", NULL);

  assert_fails (sv_memory_backend_file_get_type (), "size=4M", "*'mem-path'*must name a file*");
  assert_file_fails (nowhere, "size=4M", "*cannot open '*missing/ram' (property 'mem-path')*");
  assert_file_fails ("/dev/null", "size=4M",
                     "*'mem-path' is '/dev/null': it must be a regular file*");
  g_assert_cmpint (mkfifo (fifo, 0600), ==, 0);
  assert_file_fails (fifo, "size=4M", "*must be a regular file*");
  g_remove (fifo);

  /* A file made for it goes with it, one that was there stays. */
  assert_file_fails (f->path, "size=4097", "*'size' is 4097*");
  assert_file_fails (f->path, "size=0x7ffffffffffff000", "memory backend *: cannot *");
  g_assert_false (g_file_test (f->path, G_FILE_TEST_EXISTS));
  g_assert_true (g_file_set_contents (f->path, "precious", -1, NULL));
  assert_file_fails (f->path, "size=4097", "*'size' is 4097*");
  assert_file_fails (f->path, "size=4M", "*smaller than property 'size': only an empty file*");
  g_assert_cmpuint (get_file_size (f->path), ==, 8);
}

static void
test_file_readonly (Fixture *f, gconstpointer data)
{
  g_autofree char *contents = g_malloc0 (MIB);
  g_autoptr (SvMemoryBackend) backend = NULL;
  g_autoptr (SvMemoryRegion) region = NULL;
  g_autoptr (SvAddressSpace) space = NULL;

  assert_file_fails (f->path, "size=1M,readonly=on", "*cannot open*");
  g_assert_true (g_file_set_contents (f->path, "rom", -1, NULL));
  assert_file_fails (f->path, "size=1M,readonly=on", "*smaller than property 'size'*");
  g_assert_cmpuint (get_file_size (f->path), ==, 3);

  memcpy (contents, "firmware", 8);
  g_assert_true (g_file_set_contents (f->path, contents, MIB, NULL));
  backend = make_file (f, f->path, "size=1M,readonly=on,share=on,prealloc=on");
  g_assert_true (sv_memory_backend_get_readonly (backend));
  g_assert_cmpint (fcntl (sv_memory_backend_get_fd (backend), F_GETFL) & O_ACCMODE, ==, O_RDONLY);

  /* No write gets near the mapping, which would fault; nor can it be made writable. */
  region = sv_memory_region_new_ram ("rom", backend);
  sv_memory_region_set_readonly (region, FALSE);
  space = sv_address_space_new ("memory", region);
  sv_address_space_io_write (space, 0, 0, 8);
  g_assert_false (sv_address_space_write (space, 0, "x", 1));
  g_assert_cmphex (sv_address_space_io_read (space, 0, 4), ==, 0x6d726966);
}

static void
assert_policy (const char *properties, const char *expected)
{
  g_autoptr (SvMemoryBackend) backend = make_complete (sv_memory_backend_ram_get_type (), properties);
  g_autofree char *start = g_strdup_printf ("%" G_GINTPTR_MODIFIER "x %s", (guintptr)sv_memory_backend_get_host (backend),
                                            expected);
  g_autofree char *maps = NULL;

  g_assert_true (g_file_get_contents ("/proc/self/numa_maps", &maps, NULL, NULL));
  g_assert_nonnull (strstr (maps, start));
}

/* Node 0 there is everywhere. */
static void
test_policy (Fixture *f, gconstpointer data)
{
  GType ram = sv_memory_backend_ram_get_type ();

  assert_policy ("size=4M,policy=bind,host-nodes=0", "bind:0");
  assert_policy ("size=4M,policy=preferred,host-nodes=0", "prefer:0");
  assert_policy ("size=4M,policy=interleave,host-nodes=0-0", "interleave:0");
  assert_policy ("size=4M", "default");
  assert_fails (ram, "size=4M,policy=bind", "*host-nodes must be set for policy bind");
  assert_fails (ram, "size=4M,host-nodes=0", "*host-nodes must be empty for policy default, *");
  assert_fails (ram, "size=4M,policy=bind,host-nodes=127", "*cannot bind memory to host NUMA nodes: Invalid argument");
  for (const char *const *node = (const char *const[]){ "128", "x", "1-0", "-1", "0-", NULL }; *node != NULL; node++)
    {
      g_autofree char *properties = g_strdup_printf ("size=4M,policy=bind,host-nodes=%s", *node);

      assert_fails (ram, properties, "*'host-nodes' expects numbers or ranges from 0 to 127, got '*'");
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, function)                                                                        \
  g_test_add ("/memory-backend/" path, Fixture, NULL, set_up, function, tear_down)

  ADD ("ram", test_ram);
  ADD ("no-leftover", test_no_leftover);
  ADD ("flags", test_flags);
  ADD ("policy", test_policy);
  ADD ("prealloc", test_prealloc);
  ADD ("bad-size", test_bad_size);
  ADD ("memfd", test_memfd);
  ADD ("memfd-huge", test_memfd_huge);
  ADD ("file/created", test_file_created);
  ADD ("file/existing", test_file_existing);
  ADD ("file/directory", test_file_directory);
  ADD ("file/refused", test_file_refused);
  ADD ("file/readonly", test_file_readonly);

  return g_test_run ();
}
