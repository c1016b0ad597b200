/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/virtio/sv-virtio-mmio-private.h"
#include "mmio-guest.h"

#define OFFERED (F_VERSION_1 | F_INDIRECT | F_EVENT_IDX | ECHO_F_A | ECHO_F_B)
#define S_UP (S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK | S_DRIVER_OK)

static void
set_up (MmioGuest *guest, gconstpointer data)
{
  mmio_guest_init (guest, NULL, GPOINTER_TO_INT (data));
}

static void
tear_down (MmioGuest *guest, gconstpointer data)
{
  mmio_guest_clear (guest);
}

static void
assert_config_interrupt (MmioGuest *guest)
{
  g_assert_cmpuint (mmio_take_irqs (guest), >=, 1);
  g_assert_true (mmio_read (guest, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG);
  mmio_write (guest, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
  g_assert_false (mmio_read (guest, VIRTIO_MMIO_INTERRUPT_STATUS) & VIRTIO_MMIO_INT_CONFIG);
}

static void
test_identity (MmioGuest *guest, gconstpointer data)
{
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_MAGIC_VALUE), ==, 0x74726976);
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_VERSION), ==, 2);
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_DEVICE_ID), ==, ECHO_DEVICE_ID);
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_VENDOR_ID), !=, 0);
  g_assert_cmphex (mmio_read_features (guest), ==, OFFERED);
  mmio_write (guest, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_DEVICE_FEATURES), ==, 0);
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_STATUS), ==, 0);
}

/* No shared memory whichever is selected; the rest reads 0, written or not. */
static void
test_other_registers (MmioGuest *guest, gconstpointer data)
{
  for (guint i = 0; i < 3; i++)
    {
      mmio_write (guest, VIRTIO_MMIO_SHM_SEL, i);
      g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_SHM_LEN_LOW), ==, G_MAXUINT32);
      g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_SHM_LEN_HIGH), ==, G_MAXUINT32);
      g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_SHM_BASE_LOW), ==, G_MAXUINT32);
      g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_SHM_BASE_HIGH), ==, G_MAXUINT32);
    }

  for (guint offset = 0; offset < 0x100; offset += 4)
    {
      switch (offset)
        {
        case VIRTIO_MMIO_MAGIC_VALUE:
        case VIRTIO_MMIO_VERSION:
        case VIRTIO_MMIO_DEVICE_ID:
        case VIRTIO_MMIO_VENDOR_ID:
        case VIRTIO_MMIO_DEVICE_FEATURES:
        case VIRTIO_MMIO_QUEUE_NUM_MAX:
        case VIRTIO_MMIO_STATUS:
        case VIRTIO_MMIO_SHM_LEN_LOW:
        case VIRTIO_MMIO_SHM_LEN_HIGH:
        case VIRTIO_MMIO_SHM_BASE_LOW:
        case VIRTIO_MMIO_SHM_BASE_HIGH:
          break;
        default:
          mmio_write (guest, offset, 0x7fffff0f);
          g_assert_cmphex (mmio_read (guest, offset), ==, 0);
        }
    }
}

static void
test_access_size (MmioGuest *guest, gconstpointer data)
{
  mmio_write_sized (guest, VIRTIO_MMIO_STATUS, S_ACKNOWLEDGE, 1);
  mmio_write_sized (guest, VIRTIO_MMIO_STATUS, S_ACKNOWLEDGE, 2);
  mmio_write_sized (guest, VIRTIO_MMIO_STATUS, S_ACKNOWLEDGE, 8);
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_STATUS), ==, 0);
  mmio_write (guest, VIRTIO_MMIO_STATUS, 0x100 | S_ACKNOWLEDGE);
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_STATUS), ==, 0);
  mmio_write (guest, VIRTIO_MMIO_STATUS, S_ACKNOWLEDGE);
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_STATUS), ==, S_ACKNOWLEDGE);
}

static void
test_handshake (MmioGuest *guest, gconstpointer data)
{
  mmio_handshake (guest, F_EVENT_IDX | F_INDIRECT | ECHO_F_A);
  g_assert_cmpuint (guest->echo->n_starts, ==, 1);
  g_assert_cmphex (sv_virtio_device_get_driver_features (SV_VIRTIO_DEVICE (guest->echo)), ==,
                   F_VERSION_1 | F_EVENT_IDX | F_INDIRECT | ECHO_F_A);
  g_assert_true (sv_virtio_device_has_feature (SV_VIRTIO_DEVICE (guest->echo), 3));
  g_assert_false (sv_virtio_device_has_feature (SV_VIRTIO_DEVICE (guest->echo), 5));
  for (guint i = 0; i < ECHO_QUEUES; i++)
    g_assert_cmpint (guest->ioeventfds[i], >=, 0);

  mmio_settle ();
  for (guint i = 0; i < 20; i++)
    {
      guint queue = i % ECHO_QUEUES;

      mmio_send (guest, queue, i % 8, 1000 + i);
      mmio_expect_echo (guest, queue, i % 8, 1000 + i);
      test_ring_arm (&guest->rings[queue]);
      g_assert_cmpuint (mmio_take_irqs (guest), ==, 1);
      g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_INTERRUPT_STATUS), ==, VIRTIO_MMIO_INT_VRING);
      mmio_write (guest, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
      g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_INTERRUPT_STATUS), ==, VIRTIO_MMIO_INT_VRING);
      mmio_write (guest, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
      g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_INTERRUPT_STATUS), ==, 0);
    }
  g_assert_cmpuint (guest->n_pulses, ==, 0);
}

/* An interrupt line that takes no eventfd is pulsed from the main loop. */
static void
test_no_irqfd (MmioGuest *guest, gconstpointer data)
{
  guest->refuse_irqfd = TRUE;
  mmio_handshake (guest, 0);
  mmio_settle ();
  mmio_send (guest, 0, 0, 7);
  mmio_expect_echo (guest, 0, 0, 7);
  while (guest->n_pulses == 0)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (guest->n_pulses, ==, 1);
}

static void
test_features (MmioGuest *guest, gconstpointer data)
{
  static const guint64 bad[] = {
    0,
    F_EVENT_IDX,
    F_VERSION_1 | 1,
    F_VERSION_1 | G_GUINT64_CONSTANT (1) << 40,
    F_VERSION_1 | ECHO_F_A | ECHO_F_B,
  };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_assert_false (mmio_negotiate (guest, bad[i]));
      /* A driver that goes on all the same gets nowhere. */
      mmio_set_up_queue (guest, 0, 16, FALSE);
      mmio_write (guest, VIRTIO_MMIO_STATUS, S_ACKNOWLEDGE | S_DRIVER | S_DRIVER_OK);
      g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_STATUS), ==, S_ACKNOWLEDGE | S_DRIVER);
      g_assert_cmpuint (guest->echo->n_starts, ==, 0);
      mmio_write (guest, VIRTIO_MMIO_STATUS, 0);
      g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_STATUS), ==, 0);
    }

  /* It may ask for less and try again; after FEATURES_OK nothing changes. */
  g_assert_false (mmio_negotiate (guest, F_VERSION_1 | ECHO_F_A | ECHO_F_B));
  g_assert_true (mmio_negotiate (guest, F_VERSION_1 | ECHO_F_B));
  mmio_write_features (guest, F_VERSION_1 | ECHO_F_A);
  mmio_write (guest, VIRTIO_MMIO_STATUS, S_UP);
  g_assert_cmphex (sv_virtio_device_get_driver_features (SV_VIRTIO_DEVICE (guest->echo)), ==,
                   F_VERSION_1 | ECHO_F_B);
}

/* What was added before DRIVER_OK is handled after it, kicked or not (VIRTIO 1.2 §3.1.1). */
static void
test_early_notify (MmioGuest *guest, gconstpointer data)
{
  g_assert_true (mmio_negotiate (guest, F_VERSION_1));
  mmio_write (guest, VIRTIO_MMIO_QUEUE_NOTIFY, 0);
  mmio_set_up_queue (guest, 0, 16, FALSE);
  mmio_send (guest, 0, 3, 99);
  mmio_settle ();
  g_assert_cmpuint (guest->echo->n_handled[0], ==, 0);
  g_assert_cmpint (guest->ioeventfds[0], ==, -1);

  mmio_write (guest, VIRTIO_MMIO_STATUS, S_UP);
  mmio_expect_echo (guest, 0, 3, 99);
  /* Queues that are not set up do not run. */
  g_assert_cmpint (guest->ioeventfds[0], >=, 0);
  g_assert_cmpint (guest->ioeventfds[1], ==, -1);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_NOTIFY, 1);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_NOTIFY, ECHO_QUEUES);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_NOTIFY, G_MAXUINT32);
  mmio_settle ();
  g_assert_cmpuint (guest->echo->n_handled[1], ==, 0);
}

static void
test_queue_registers (MmioGuest *guest, gconstpointer data)
{
  SvVirtqueue *queue = sv_virtio_device_get_queue (SV_VIRTIO_DEVICE (guest->echo), 1);
  SvVirtqueueLayout layout;

  mmio_write (guest, VIRTIO_MMIO_QUEUE_SEL, ECHO_QUEUES);
  g_assert_cmpuint (mmio_read (guest, VIRTIO_MMIO_QUEUE_NUM_MAX), ==, 0);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_NUM, 4);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_READY, 1);
  g_assert_cmpuint (mmio_read (guest, VIRTIO_MMIO_QUEUE_READY), ==, 0);

  mmio_write (guest, VIRTIO_MMIO_QUEUE_SEL, 1);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_DESC_HIGH, 0x12);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_DESC_LOW, 0x34567890);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_AVAIL_LOW, 0xabcdef00);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_AVAIL_HIGH, 0x21);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_USED_LOW, 0x1000);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_USED_HIGH, 0x1);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_NUM, 32);
  sv_virtqueue_get_layout (queue, &layout);
  g_assert_cmphex (layout.descriptors, ==, G_GUINT64_CONSTANT (0x1234567890));
  g_assert_cmphex (layout.driver, ==, G_GUINT64_CONSTANT (0x21abcdef00));
  g_assert_cmphex (layout.device, ==, G_GUINT64_CONSTANT (0x100001000));
  g_assert_cmpuint (layout.size, ==, 32);

  for (guint bad = 0; bad < 3; bad++)
    {
      static const guint32 sizes[] = { 0, 3, 0x10000 + 16 };

      mmio_write (guest, VIRTIO_MMIO_QUEUE_NUM, sizes[bad]);
      mmio_write (guest, VIRTIO_MMIO_QUEUE_READY, 1);
      g_assert_cmpuint (mmio_read (guest, VIRTIO_MMIO_QUEUE_READY), ==, 0);
    }

  mmio_write (guest, VIRTIO_MMIO_QUEUE_NUM, 16);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_READY, 2);
  g_assert_cmpuint (mmio_read (guest, VIRTIO_MMIO_QUEUE_READY), ==, 0);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_READY, 1);
  g_assert_cmpuint (mmio_read (guest, VIRTIO_MMIO_QUEUE_READY), ==, 1);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_NUM, 8);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_DESC_LOW, 0);
  sv_virtqueue_get_layout (queue, &layout);
  g_assert_cmpuint (layout.size, ==, 16);
  g_assert_cmphex (layout.descriptors, ==, G_GUINT64_CONSTANT (0x1234567890));
  mmio_write (guest, VIRTIO_MMIO_QUEUE_SEL, 0);
  g_assert_cmpuint (mmio_read (guest, VIRTIO_MMIO_QUEUE_READY), ==, 0);
}

/* VIRTIO 1.2 §4.2.2.2: a queue that is taken back is done with memory; it comes back only by reset. */
static void
test_queue_taken_back (MmioGuest *guest, gconstpointer data)
{
  mmio_handshake (guest, 0);
  guest->echo->hold = TRUE;
  mmio_send (guest, 1, 0, 5);
  mmio_settle ();
  g_assert_cmpuint (guest->echo->n_held[1], ==, 1);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_SEL, 1);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_READY, 0);
  g_assert_cmpuint (mmio_read (guest, VIRTIO_MMIO_QUEUE_READY), ==, 0);
  g_assert_cmpuint (guest->echo->n_held[1], ==, 0);
  mmio_expect_echo (guest, 1, 0, 5);

  mmio_send (guest, 1, 1, 6);
  mmio_settle ();
  g_assert_cmpuint (test_ring_used_idx (&guest->rings[1]), ==, 1);
  mmio_write (guest, VIRTIO_MMIO_QUEUE_READY, 1);
  g_assert_cmpuint (mmio_read (guest, VIRTIO_MMIO_QUEUE_READY), ==, 0);
  guest->echo->hold = FALSE;
  mmio_send (guest, 0, 1, 7);
  mmio_expect_echo (guest, 0, 1, 7);
}

static void
test_config (MmioGuest *guest, gconstpointer data)
{
  SvVirtioDevice *device = SV_VIRTIO_DEVICE (guest->echo);
  EchoConfig *config = sv_virtio_device_get_config (device);
  guint32 generation = mmio_read (guest, VIRTIO_MMIO_CONFIG_GENERATION);

  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_CONFIG), ==, 0x55667788);
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_CONFIG + 4), ==, 0x11223344);
  g_assert_cmphex (mmio_read_sized (guest, VIRTIO_MMIO_CONFIG + 8, 2), ==, 0xabcd);
  g_assert_cmphex (mmio_read_sized (guest, VIRTIO_MMIO_CONFIG + 10, 1), ==, 0x42);
  g_assert_cmphex (mmio_read_sized (guest, VIRTIO_MMIO_CONFIG + 11, 1), ==, 0);
  g_assert_cmphex (mmio_read_sized (guest, VIRTIO_MMIO_CONFIG + 0xf8, 8), ==, 0);

  mmio_write_sized (guest, VIRTIO_MMIO_CONFIG + 10, 0x17, 1);
  g_assert_cmphex (mmio_read_sized (guest, VIRTIO_MMIO_CONFIG + 10, 1), ==, 0x17);
  mmio_write_sized (guest, VIRTIO_MMIO_CONFIG + 8, 0x1234, 2);
  g_assert_cmpuint (guest->echo->written_offset, ==, 8);
  g_assert_cmphex (guest->echo->written_value, ==, 0x1234);
  g_assert_cmphex (mmio_read_sized (guest, VIRTIO_MMIO_CONFIG + 8, 2), ==, 0xabcd);
  /* Beyond the end, or half so: the device is not asked. */
  guest->echo->written_size = 0;
  mmio_write_sized (guest, VIRTIO_MMIO_CONFIG + 11, 1, 1);
  mmio_write_sized (guest, VIRTIO_MMIO_CONFIG + 8, 1, 4);
  mmio_write_sized (guest, VIRTIO_MMIO_CONFIG + 0xfc, 1, 4);
  g_assert_cmpuint (guest->echo->written_size, ==, 0);

  /* Without a driver nobody is interrupted. */
  config->capacity = GUINT64_TO_LE (5);
  sv_virtio_device_config_changed (device);
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_CONFIG), ==, 5);
  g_assert_cmpuint (mmio_read (guest, VIRTIO_MMIO_CONFIG_GENERATION), !=, generation);
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_INTERRUPT_STATUS), ==, 0);

  mmio_handshake (guest, 0);
  generation = mmio_read (guest, VIRTIO_MMIO_CONFIG_GENERATION);
  config->capacity = GUINT64_TO_LE (6);
  sv_virtio_device_config_changed (device);
  g_assert_cmphex (mmio_read (guest, VIRTIO_MMIO_CONFIG), ==, 6);
  g_assert_cmpuint (mmio_read (guest, VIRTIO_MMIO_CONFIG_GENERATION), !=, generation);
  assert_config_interrupt (guest);
}

/* What the guest reads without an exit, it sees as it is. */
static void
test_readable_memory (MmioGuest *guest, gconstpointer data)
{
  const SvFlatView *view = sv_address_space_enter (guest->memory.space);
  const guint32 *regs = sv_flat_view_map (view, MMIO_BASE, SV_VIRTIO_MMIO_SIZE, SV_MEMORY_READ);

  if (guest->bank == NULL)
    g_assert_null (regs);
  else
    {
      g_assert_null (sv_flat_view_map (view, MMIO_BASE, 4, SV_MEMORY_WRITE));
      g_assert_true (sv_flat_view_lookup (view, MMIO_BASE)->readonly);
      mmio_handshake (guest, 0);
      for (guint offset = 0; offset < SV_VIRTIO_MMIO_SIZE; offset += 4)
        g_assert_cmphex (GUINT32_FROM_LE (regs[offset / 4]), ==, mmio_read (guest, offset));
      mmio_send (guest, 0, 0, 1);
      mmio_expect_echo (guest, 0, 0, 1);
      g_assert_cmphex (GUINT32_FROM_LE (regs[VIRTIO_MMIO_INTERRUPT_STATUS / 4]), ==,
                       VIRTIO_MMIO_INT_VRING);
      mmio_write (guest, VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_VRING);
      g_assert_cmphex (GUINT32_FROM_LE (regs[VIRTIO_MMIO_INTERRUPT_STATUS / 4]), ==, 0);
    }
  sv_address_space_leave (guest->memory.space);
}

/* In a region of its own, and in a bank that reads without exits */
#define ADD(path, func)                                                                            \
  g_test_add (path, MmioGuest, GINT_TO_POINTER (FALSE), set_up, func, tear_down);                  \
  g_test_add (path "/banked", MmioGuest, GINT_TO_POINTER (TRUE), set_up, func, tear_down)

typedef struct
{
  MmioGuest *guest;
  guint64 removed; /* what the configuration's first eight bytes were when memory was taken away, and came back */
  guint64 added;
  guint n;
} Watch;

static guint64
get_capacity (MmioGuest *guest)
{
  guint64 value;

  memcpy (&value, (guint8 *)guest->mmio->regs + VIRTIO_MMIO_CONFIG, sizeof value);
  return value;
}

static void
watch_remove (gpointer opaque, const SvFlatRange *range)
{
  Watch *watch = opaque;

  watch->n++;
  watch->removed = get_capacity (watch->guest);
}

static void
watch_add (gpointer opaque, const SvFlatRange *range)
{
  Watch *watch = opaque;

  watch->added = get_capacity (watch->guest);
}

/* The guest never reads half of a change from memory; a single word may change under it. */
static void
test_config_changes_at_once (MmioGuest *guest, gconstpointer data)
{
  static const SvMemoryListener listener = { .ram_add = watch_add, .ram_remove = watch_remove };
  EchoConfig *config = sv_virtio_device_get_config (SV_VIRTIO_DEVICE (guest->echo));
  Watch watch = { .guest = guest };

  sv_address_space_add_listener (guest->memory.space, &listener, &watch);
  watch.n = 0;
  config->word = GUINT16_TO_LE (0x1234);
  sv_virtio_device_config_changed (SV_VIRTIO_DEVICE (guest->echo));
  g_assert_cmpuint (watch.n, ==, 0);

  config->capacity = GUINT64_TO_LE (G_GUINT64_CONSTANT (0x99aabbccddeeff00));
  sv_virtio_device_config_changed (SV_VIRTIO_DEVICE (guest->echo));
  if (GPOINTER_TO_INT (data))
    {
      g_assert_cmpuint (watch.n, ==, 1);
      g_assert_cmphex (watch.removed, ==, GUINT64_TO_LE (G_GUINT64_CONSTANT (0x1122334455667788)));
      g_assert_cmphex (watch.added, ==, GUINT64_TO_LE (G_GUINT64_CONSTANT (0x99aabbccddeeff00)));
    }
  g_assert_cmphex (mmio_read_sized (guest, VIRTIO_MMIO_CONFIG, 8), ==, G_GUINT64_CONSTANT (0x99aabbccddeeff00));
  /* A driver's reset takes no memory away: that would cost each start. */
  watch.n = 0;
  mmio_write (guest, VIRTIO_MMIO_STATUS, 0);
  g_assert_cmpuint (watch.n, ==, 0);
  sv_address_space_remove_listener (guest->memory.space, &listener, &watch);
}

int
main (int argc, char *argv[])
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/virtio/mmio/identity", test_identity);
  ADD ("/virtio/mmio/other-registers", test_other_registers);
  ADD ("/virtio/mmio/access-size", test_access_size);
  ADD ("/virtio/mmio/handshake", test_handshake);
  ADD ("/virtio/mmio/no-irqfd", test_no_irqfd);
  ADD ("/virtio/mmio/features", test_features);
  ADD ("/virtio/mmio/early-notify", test_early_notify);
  ADD ("/virtio/mmio/queue-registers", test_queue_registers);
  ADD ("/virtio/mmio/queue-taken-back", test_queue_taken_back);
  ADD ("/virtio/mmio/config", test_config);
  ADD ("/virtio/mmio/config-changes-at-once", test_config_changes_at_once);
  ADD ("/virtio/mmio/readable-memory", test_readable_memory);

  return g_test_run ();
}
