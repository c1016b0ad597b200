/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "memory-fixture.h"
#include "src/runtime/sv-vm-lock.h"

typedef struct _Device Device;

typedef struct
{
  SvMemoryRegion *root;
  SvAddressSpace *space;
} Fixture;

/* Records what it is asked; reads answer with the offset in each byte. */
struct _Device
{
  Fixture *f;
  GString *log;
  SvMemoryRegion *region;
  gboolean finalized;
  void (*on_write) (Device *self, guint64 offset, guint64 value);
};

static guint64
device_read (gpointer opaque, guint64 offset, guint size)
{
  Device *self = opaque;
  guint64 value = 0;

  g_assert_true (sv_vm_lock_is_mine ());
  g_assert_false (self->finalized);
  g_assert_cmpuint (offset % size, ==, 0);
  g_assert_cmpuint (offset + size, <=, sv_memory_region_get_size (self->region));
  g_string_append_printf (self->log, "r%x/%u;", (guint)offset, size);
  for (guint i = 0; i < 8; i++)
    value |= (offset + i) << (i * 8);
  return value;
}

static void
device_write (gpointer opaque, guint64 offset, guint64 value, guint size)
{
  Device *self = opaque;

  g_assert_true (sv_vm_lock_is_mine ());
  g_assert_false (self->finalized);
  g_assert_cmpuint (offset % size, ==, 0);
  g_assert_cmpuint (offset + size, <=, sv_memory_region_get_size (self->region));
  g_string_append_printf (self->log, "w%x/%u=%" G_GINT64_MODIFIER "x;", (guint)offset, size, value);
  if (self->on_write != NULL)
    self->on_write (self, offset, value);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->root = sv_memory_region_new_container ("root", G_MAXUINT64);
  f->space = sv_address_space_new ("memory", f->root);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_assert_false (sv_vm_lock_is_mine ());
  g_object_unref (f->root);
  g_object_unref (f->space);
}

static void
plug (Fixture *f, Device *self, guint64 address, guint64 size, guint min, guint max)
{
  SvMemoryRegionOps ops = { device_read, device_write, (guint8)min, (guint8)max };

  self->f = f;
  self->log = g_string_new (NULL);
  self->region = sv_memory_region_new_io ("device", size, &ops, self);
  sv_memory_region_add (f->root, address, self->region, 0);
}

static void
unplug (Device *self)
{
  g_object_unref (self->region);
  g_string_free (self->log, TRUE);
}

#define assert_log(device, expected)                                                               \
  G_STMT_START                                                                                     \
  {                                                                                                \
    g_assert_cmpstr ((device)->log->str, ==, expected);                                            \
    g_string_truncate ((device)->log, 0);                                                          \
  }                                                                                                \
  G_STMT_END

#define assert_reads(f, address, size, expected)                                                   \
  g_assert_cmphex (sv_address_space_io_read ((f)->space, address, size), ==, expected)

static void
test_sizes (Fixture *f, gconstpointer data)
{
  Device device = { 0 };

  plug (f, &device, 0x1000, 0x100, 0, 0);
  assert_reads (f, 0x1010, 1, 0x10);
  assert_reads (f, 0x1010, 2, 0x1110);
  assert_reads (f, 0x1010, 4, 0x13121110);
  assert_reads (f, 0x1010, 8, 0x1716151413121110);
  assert_log (&device, "r10/1;r10/2;r10/4;r10/8;");
  sv_address_space_io_write (f->space, 0x1020, 0x1122334455667788, 1);
  sv_address_space_io_write (f->space, 0x1020, 0x1122334455667788, 2);
  sv_address_space_io_write (f->space, 0x1020, 0x1122334455667788, 4);
  sv_address_space_io_write (f->space, 0x1020, 0x1122334455667788, 8);
  assert_log (&device, "w20/1=88;w20/2=7788;w20/4=55667788;w20/8=1122334455667788;");

  /* Not a size at all */
  assert_reads (f, 0x1010, 0, G_MAXUINT64);
  assert_reads (f, 0x1010, 9, G_MAXUINT64);
  sv_address_space_io_write (f->space, 0x1020, 1, 0);
  sv_address_space_io_write (f->space, 0x1020, 1, 9);
  assert_log (&device, "");
  unplug (&device);
}

static void
test_splits_large (Fixture *f, gconstpointer data)
{
  Device device = { 0 };

  plug (f, &device, 0x1000, 0x100, 1, 2);
  assert_reads (f, 0x1010, 8, 0x1716151413121110);
  assert_log (&device, "r10/2;r12/2;r14/2;r16/2;");
  sv_address_space_io_write (f->space, 0x1010, 0xaabbccdd, 4);
  assert_log (&device, "w10/2=ccdd;w12/2=aabb;");
  unplug (&device);
}

static void
test_splits_unaligned (Fixture *f, gconstpointer data)
{
  Device device = { 0 };

  plug (f, &device, 0x1000, 0x100, 0, 0);
  assert_reads (f, 0x1011, 4, 0x14131211);
  assert_log (&device, "r11/1;r12/2;r14/1;");
  assert_reads (f, 0x1013, 8, 0x1a19181716151413);
  assert_log (&device, "r13/1;r14/4;r18/2;r1a/1;");
  sv_address_space_io_write (f->space, 0x1012, 0xaabbccdd, 4);
  assert_log (&device, "w12/2=ccdd;w14/2=aabb;");
  /* What KVM makes of accesses that cross a page */
  assert_reads (f, 0x1010, 3, 0x121110);
  assert_log (&device, "r10/2;r12/1;");
  sv_address_space_io_write (f->space, 0x1010, 0x0102030405060708, 7);
  assert_log (&device, "w10/4=5060708;w14/2=304;w16/1=2;");
  unplug (&device);
}

static void
test_refuses_small (Fixture *f, gconstpointer data)
{
  Device device = { 0 };

  plug (f, &device, 0x1000, 0x100, 4, 4);
  assert_reads (f, 0x1010, 1, 0xff);
  assert_reads (f, 0x1010, 2, 0xffff);
  sv_address_space_io_write (f->space, 0x1010, 0, 2);
  assert_reads (f, 0x1012, 4, 0xffffffff);
  assert_log (&device, "");
  assert_reads (f, 0x1010, 8, 0x1716151413121110);
  assert_log (&device, "r10/4;r14/4;");
  /* Only the part that is an access of its own gets through. */
  assert_reads (f, 0x1012, 8, 0xffff17161514ffff);
  assert_log (&device, "r14/4;");
  unplug (&device);
}

static void
test_holes (Fixture *f, gconstpointer data)
{
  SvMemoryRegion *silent = memory_io ("silent", 0x10);

  assert_reads (f, 0, 1, 0xff);
  assert_reads (f, 0x123, 8, G_MAXUINT64);
  assert_reads (f, G_MAXUINT64, 1, 0xff);
  assert_reads (f, G_MAXUINT64 - 3, 8, G_MAXUINT64);
  sv_address_space_io_write (f->space, G_MAXUINT64 - 3, 0, 8);
  /* A region without callbacks is as a hole. */
  memory_put (f->root, 0x1000, silent, 0);
  assert_reads (f, 0x1000, 4, 0xffffffff);
  sv_address_space_io_write (f->space, 0x1000, 1, 4);
}

static void
test_crosses_regions (Fixture *f, gconstpointer data)
{
  Device a = { 0 }, b = { 0 };
  const guint8 bytes[] = { 0xd0, 0xd1, 0xd2, 0xd3 };
  guint8 back[4];

  plug (f, &a, 0x1000, 0x16, 0, 0);
  memory_put (f->root, 0x1018, memory_ram ("ram", 0x1000), -1);
  plug (f, &b, 0x101c, 0x10, 0, 0);
  g_assert_true (sv_address_space_write (f->space, 0x1018, bytes, 4));

  /* Registers, a hole of two bytes, RAM; RAM and registers */
  assert_reads (f, 0x1014, 8, 0xd3d2d1d0ffff1514);
  assert_log (&a, "r14/2;");
  assert_reads (f, 0x101a, 4, 0x0100d3d2);
  assert_log (&b, "r0/2;");
  sv_address_space_io_write (f->space, 0x1014, 0xe3e2e1e0aabb8877, 8);
  assert_log (&a, "w14/2=8877;");
  g_assert_true (sv_address_space_read (f->space, 0x1018, back, 4));
  g_assert_cmphex (back[0], ==, 0xe0);
  g_assert_cmphex (back[3], ==, 0xe3);
  sv_address_space_io_write (f->space, 0x1019, 0x0403020100aabbcc, 8);
  assert_log (&b, "w0/4=3020100;w4/1=4;");
  unplug (&a);
  unplug (&b);
}

static void
test_end_of_space (Fixture *f, gconstpointer data)
{
  Device device = { 0 };

  plug (f, &device, G_MAXUINT64 - 0xff, 0x1000, 0, 0);
  assert_reads (f, G_MAXUINT64 - 7, 8, 0xfffefdfcfbfaf9f8);
  assert_log (&device, "rf8/4;rfc/2;rfe/1;");
  assert_reads (f, G_MAXUINT64 - 1, 8, 0xfffffffffffffffe);
  assert_log (&device, "rfe/1;");
  sv_address_space_io_write (f->space, G_MAXUINT64 - 1, 0x4321, 8);
  assert_log (&device, "wfe/1=21;");
  unplug (&device);
}

static void
test_ram (Fixture *f, gconstpointer data)
{
  SvMemoryRegion *ram = memory_ram ("ram", 0x1000);
  guint8 bytes[8];

  memory_put (f->root, 0, ram, 0);
  sv_address_space_io_write (f->space, 0xff8, 0x8877665544332211, 8);
  g_assert_true (sv_address_space_read (f->space, 0xff8, bytes, 8));
  for (guint i = 0; i < 8; i++)
    g_assert_cmphex (bytes[i], ==, 0x11 * (i + 1));
  for (guint size = 1; size <= 8; size++)
    assert_reads (f, 0xff8, size, 0x8877665544332211 & (G_MAXUINT64 >> (64 - size * 8)));
  sv_address_space_io_write (f->space, 0xff9, 0xaabbcc, 3);
  assert_reads (f, 0xff8, 8, 0x88776655aabbcc11);
  /* Over the end */
  assert_reads (f, 0xffc, 8, 0xffffffff88776655);

  /* ROM keeps what it has, for processors and for devices. */
  sv_memory_region_set_readonly (ram, TRUE);
  sv_address_space_io_write (f->space, 0xff8, 0, 8);
  sv_address_space_io_write (f->space, 0xffc, 0, 8);
  g_assert_false (sv_address_space_write (f->space, 0xff8, bytes, 1));
  g_assert_false (sv_address_space_fill (f->space, 0xff8, 0, 1));
  assert_reads (f, 0xff8, 8, 0x88776655aabbcc11);
}

static void
test_lock (Fixture *f, gconstpointer data)
{
  Device device = { 0 };

  plug (f, &device, 0, 0x10, 0, 0);
  assert_reads (f, 0, 4, 0x03020100);
  g_assert_false (sv_vm_lock_is_mine ());
  sv_vm_lock ();
  assert_reads (f, 0, 4, 0x03020100);
  sv_address_space_io_write (f->space, 0, 0, 4);
  g_assert_true (sv_vm_lock_is_mine ());
  sv_vm_unlock ();
  assert_log (&device, "r0/4;r0/4;w0/4=0;");
  unplug (&device);
}

/* --- Copying --- */

static void
test_copy (Fixture *f, gconstpointer data)
{
  g_autofree guint8 *out = g_malloc (0x3000), *in = g_malloc0 (0x3000);

  memory_put (f->root, 0x1000, memory_ram ("a", 0x1000), 0);
  memory_put (f->root, 0x2000, memory_ram ("b", 0x1000), 0);
  for (guint i = 0; i < 0x3000; i++)
    out[i] = (guint8)(i * 7 + i / 256);

  g_assert_true (sv_address_space_write (f->space, 0x1800, out, 0x1000));
  g_assert_true (sv_address_space_read (f->space, 0x1800, in, 0x1000));
  g_assert_cmpmem (in, 0x1000, out, 0x1000);
  g_assert_true (sv_address_space_read (f->space, 0x1000, in, 0));
  g_assert_true (sv_address_space_read (f->space, 0xdead0000, in, 0));

  /* Up to the hole and no further */
  g_assert_false (sv_address_space_write (f->space, 0x2800, out, 0x1000));
  g_assert_true (sv_address_space_read (f->space, 0x2800, in, 0x800));
  g_assert_cmpmem (in, 0x800, out, 0x800);
  memset (in, 0xee, 0x3000);
  g_assert_false (sv_address_space_read (f->space, 0x2fff, in, 0x1000));
  g_assert_cmphex (in[0], ==, out[0x7ff]);
  g_assert_cmphex (in[1], ==, 0xee);
  g_assert_false (sv_address_space_read (f->space, 0xfff, in, 2));
  g_assert_cmphex (in[1], ==, 0xee);

  g_assert_true (sv_address_space_fill (f->space, 0x1fff, 0x5a, 2));
  g_assert_true (sv_address_space_read (f->space, 0x1ffe, in, 4));
  g_assert_cmphex (in[0], !=, 0x5a);
  g_assert_cmphex (in[1], ==, 0x5a);
  g_assert_cmphex (in[2], ==, 0x5a);
  g_assert_false (sv_address_space_fill (f->space, 0x2ffe, 0x5b, G_MAXUINT64));
  g_assert_true (sv_address_space_read (f->space, 0x2ffe, in, 2));
  g_assert_cmphex (in[0], ==, 0x5b);
  g_assert_cmphex (in[1], ==, 0x5b);
  g_assert_false (sv_address_space_read (f->space, G_MAXUINT64, in, 1));
  g_assert_false (sv_address_space_read (f->space, G_MAXUINT64 - 1, in, G_MAXSIZE));
}

/* --- What a hostile guest makes devices do --- */

/* A device's DMA ends at registers, its own or another's. */
static void
test_copy_calls_no_register (Fixture *f, gconstpointer data)
{
  Device device = { 0 };
  guint8 bytes[0x20] = { 0 };

  memory_put (f->root, 0, memory_ram ("ram", 0x1000), 0);
  plug (f, &device, 0x1000, 0x10, 0, 0);
  g_assert_false (sv_address_space_write (f->space, 0x1000, bytes, 4));
  g_assert_false (sv_address_space_write (f->space, 0xff0, bytes, 0x20));
  g_assert_false (sv_address_space_read (f->space, 0xff0, bytes, 0x20));
  g_assert_false (sv_address_space_fill (f->space, 0x1000, 0, 1));
  assert_log (&device, "");
  unplug (&device);
}

static void
poke_itself (Device *self, guint64 offset, guint64 value)
{
  sv_address_space_io_write (self->f->space, 0x1004, value + 1, 4);
  assert_reads (self->f, 0x1004, 4, 0xffffffff);
}

static void
test_not_entered_twice (Fixture *f, gconstpointer data)
{
  Device device = { .on_write = poke_itself };

  plug (f, &device, 0x1000, 0x10, 0, 0);
  sv_address_space_io_write (f->space, 0x1000, 7, 4);
  assert_log (&device, "w0/4=7;");
  /* Only while it lasts */
  device.on_write = NULL;
  sv_address_space_io_write (f->space, 0x1004, 8, 4);
  assert_log (&device, "w4/4=8;");
  unplug (&device);
}

static void
poke_second (Device *self, guint64 offset, guint64 value)
{
  sv_address_space_io_write (self->f->space, 0x2000, value, 4);
}

static void
poke_first (Device *self, guint64 offset, guint64 value)
{
  sv_address_space_io_write (self->f->space, 0x1000, value, 4);
}

/* Two devices that call each other end after one round, whatever they are told. */
static void
test_no_ping_pong (Fixture *f, gconstpointer data)
{
  Device a = { .on_write = poke_second }, b = { .on_write = poke_first };

  plug (f, &a, 0x1000, 0x10, 0, 0);
  plug (f, &b, 0x2000, 0x10, 0, 0);
  sv_address_space_io_write (f->space, 0x1000, 7, 4);
  assert_log (&a, "w0/4=7;");
  assert_log (&b, "w0/4=7;");
  unplug (&a);
  unplug (&b);
}

static void
remove_itself (Device *self, guint64 offset, guint64 value)
{
  sv_memory_region_remove (self->f->root, self->region);
  g_clear_object (&self->region);
  self->finalized = TRUE;
}

/* Half of the access is done when the device goes: the other half must not reach it. */
static void
test_removes_itself (Fixture *f, gconstpointer data)
{
  Device device = { .on_write = remove_itself };
  SvMemoryRegion *region;

  plug (f, &device, 0x1000, 0x10, 1, 2);
  region = device.region;
  g_object_add_weak_pointer (G_OBJECT (region), (gpointer *)&region);
  sv_address_space_io_write (f->space, 0x1000, 0x1122334455667788, 8);
  assert_log (&device, "w0/2=7788;");
  assert_view (f->space, "");
  assert_reads (f, 0x1000, 4, 0xffffffff);
  /* Pinned during the callback, freed afterwards: by the main loop at the latest */
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_assert_null (region);
  g_string_free (device.log, TRUE);
}

static void
replace_by_ram (Device *self, guint64 offset, guint64 value)
{
  sv_memory_transaction_begin ();
  sv_memory_region_remove (self->f->root, self->region);
  memory_put (self->f->root, 0x1000, memory_ram ("ram", 0x1000), 0);
  sv_memory_transaction_commit ();
}

/* The rest of an access goes where the guest's address leads now. */
static void
test_replaces_itself (Fixture *f, gconstpointer data)
{
  Device device = { .on_write = replace_by_ram };

  plug (f, &device, 0x1000, 0x10, 1, 4);
  sv_address_space_io_write (f->space, 0x1000, 0x1122334455667788, 8);
  assert_log (&device, "w0/4=55667788;");
  assert_reads (f, 0x1000, 8, 0x1122334400000000);
  unplug (&device);
}

/*
 * A vCPU that looked a register up and then had to wait for the lock must not call a device that
 * went meanwhile.
 */
typedef struct
{
  Fixture *f;
  gint n_running;
  gint stop;
} Crowd;

static gpointer
hammer (gpointer data)
{
  Crowd *crowd = data;

  g_atomic_int_inc (&crowd->n_running);
  while (!g_atomic_int_get (&crowd->stop))
    {
      sv_address_space_io_write (crowd->f->space, 0x1000, 1, 8);
      sv_address_space_io_read (crowd->f->space, 0x1000, 4);
    }
  return NULL;
}

static void
test_unplug_under_fire (Fixture *f, gconstpointer data)
{
  Crowd crowd = { .f = f };
  GThread *threads[3];

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("vcpu", hammer, &crowd);
  while (g_atomic_int_get (&crowd.n_running) < 3)
    g_thread_yield ();

  for (guint i = 0; i < 300; i++)
    {
      g_autofree Device *device = g_new0 (Device, 1);

      sv_vm_lock ();
      plug (f, device, 0x1000, 0x10, 1, 2);
      sv_vm_unlock ();
      g_thread_yield ();
      sv_vm_lock ();
      sv_memory_region_remove (f->root, device->region);
      /* The callbacks assert on this, and sanitizers see the use of freed memory. */
      device->finalized = TRUE;
      unplug (device);
      sv_vm_unlock ();
    }

  g_atomic_int_set (&crowd.stop, TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

#define ADD(path, function)                                                                        \
  g_test_add ("/address-space-io/" path, Fixture, NULL, set_up, function, tear_down)

  ADD ("sizes", test_sizes);
  ADD ("splits-large", test_splits_large);
  ADD ("splits-unaligned", test_splits_unaligned);
  ADD ("refuses-small", test_refuses_small);
  ADD ("holes", test_holes);
  ADD ("crosses-regions", test_crosses_regions);
  ADD ("end-of-space", test_end_of_space);
  ADD ("ram", test_ram);
  ADD ("lock", test_lock);
  ADD ("copy", test_copy);
  ADD ("hostile/copy-calls-no-register", test_copy_calls_no_register);
  ADD ("hostile/not-entered-twice", test_not_entered_twice);
  ADD ("hostile/no-ping-pong", test_no_ping_pong);
  ADD ("hostile/removes-itself", test_removes_itself);
  ADD ("hostile/replaces-itself", test_replaces_itself);
  ADD ("hostile/unplug-under-fire", test_unplug_under_fire);

  return g_test_run ();
}
