/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The PCI transport (VIRTIO 1.2 §4.1), driven through its registers. */

#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "hw/virtio/sv-virtio-pci.h"
#include "pci-fixture.h"
#include "qom/sv-property.h"
#include "src/runtime/sv-iothread.h"
#include "src/runtime/sv-vm-lock.h"
#include "vcpu-fixture.h"
#include "virtio-echo.h"
#include "virtq-driver.h"

#define BAR 0x40000000u
#define MSIX_TABLE 0x40010000u
#define COMMON BAR
#define ISR (BAR + 0x1000)
#define DEVICE (BAR + 0x2000)
#define NOTIFY (BAR + 0x3000)
#define DATA 0x100000u

#define S_UP                                                                                       \
  (VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK              \
   | VIRTIO_CONFIG_S_DRIVER_OK)

typedef struct
{
  TestMemory memory;
  SvMemoryRegion *io;
  SvObject *tree;
  TestAccel *accel;
  SvPciBus *root;
  SvPciDevice *device;
  EchoDevice *echo;
  TestRing ring;
  gboolean line;
  int ioeventfds[ECHO_QUEUES]; /* -1: not there */
  SvIothread *iothread;        /* where queues run; NULL: in the default context */
} Guest;

static GType
echo_pci_get_type (void)
{
  static GType type;

  if (type == 0)
    type = sv_virtio_pci_register_type ("EchoPci", ECHO_TYPE_DEVICE, 0x00ff00);
  return type;
}

static void
on_line (gpointer opaque, guint line, gboolean level)
{
  ((Guest *)opaque)->line = level;
}

static void
on_ioeventfd_add (
    gpointer opaque, guint64 address, guint size, gboolean match, guint64 value, int fd)
{
  g_assert_cmphex (address, >=, NOTIFY);
  g_assert_cmphex (address, <, NOTIFY + 4 * ECHO_QUEUES);
  g_assert_cmpuint (size, ==, 0);
  g_assert_false (match);
  ((Guest *)opaque)->ioeventfds[(address - NOTIFY) / 4] = fd;
}

static void
on_ioeventfd_remove (
    gpointer opaque, guint64 address, guint size, gboolean match, guint64 value, int fd)
{
  ((Guest *)opaque)->ioeventfds[(address - NOTIFY) / 4] = -1;
}

static const SvMemoryListener listener = {
  .ioeventfd_add = on_ioeventfd_add,
  .ioeventfd_remove = on_ioeventfd_remove,
};

static guint64
rd (Guest *guest, guint64 address, guint size)
{
  return sv_address_space_io_read (guest->memory.space, address, size);
}

static void
wr (Guest *guest, guint64 address, guint64 value, guint size)
{
  sv_address_space_io_write (guest->memory.space, address, value, size);
}

static void
add_device (Guest *guest)
{
  g_autoptr (GError) error = NULL;

  guest->device = g_object_new (echo_pci_get_type (), "addr", "2", NULL);
  guest->echo = ECHO_DEVICE (sv_virtio_pci_get_core (SV_VIRTIO_PCI (guest->device)));
  if (guest->iothread != NULL)
    guest->echo->context = sv_iothread_get_context (guest->iothread);
  g_assert_true (sv_object_add_child (guest->tree, "echo", SV_OBJECT (guest->device), &error));
  g_assert_true (sv_bus_plug (SV_BUS (guest->root), SV_DEVICE (guest->device), &error));
  sv_object_complete (SV_OBJECT (guest->device), &error);
  g_assert_no_error (error);
  sv_pci_device_set_bar_address (guest->device, 4, BAR);
  sv_pci_device_set_bar_address (guest->device, 1, MSIX_TABLE);
  sv_pci_device_config_write (guest->device, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER,
                              2);
}

static void
set_up (Guest *guest, gconstpointer data)
{
  SvIrq *irqs[SV_PCI_N_PINS];

  sv_vm_lock ();
  test_memory_init (&guest->memory);
  for (guint i = 0; i < ECHO_QUEUES; i++)
    guest->ioeventfds[i] = -1;
  sv_address_space_add_listener (guest->memory.space, &listener, guest);
  guest->io = sv_memory_region_new_container ("io", 0x10000);
  guest->tree = sv_object_new_container ();
  guest->accel = g_object_new (TEST_TYPE_ACCEL, NULL);
  guest->root = sv_pci_bus_new_root (guest->memory.root, guest->io, guest->memory.space,
                                     SV_ACCEL (guest->accel));
  sv_object_add_child (guest->tree, "pcie.0", SV_OBJECT (guest->root), NULL);
  for (guint i = 0; i < SV_PCI_N_PINS; i++)
    irqs[i] = sv_irq_new (on_line, NULL, guest, i);
  sv_pci_bus_set_irqs (guest->root, irqs);
  for (guint i = 0; i < SV_PCI_N_PINS; i++)
    sv_irq_unref (irqs[i]);
  if (data != NULL)
    {
      guest->iothread = g_object_new (SV_TYPE_IOTHREAD, NULL);
      g_assert_true (sv_object_complete (SV_OBJECT (guest->iothread), NULL));
    }
  add_device (guest);
}

static void
tear_down (Guest *guest, gconstpointer data)
{
  g_clear_object (&guest->tree);
  g_clear_object (&guest->iothread);
  g_assert_finalize_object (guest->root);
  g_assert_cmpuint (g_hash_table_size (guest->accel->irqfds), ==, 0);
  g_assert_finalize_object (guest->accel);
  g_clear_object (&guest->io);
  sv_address_space_remove_listener (guest->memory.space, &listener, guest);
  test_memory_clear (&guest->memory);
  sv_vm_unlock ();
}

static void
enable_msix (Guest *guest)
{
  guint at
      = sv_pci_config_find_capability (sv_pci_device_get_config (guest->device), PCI_CAP_ID_MSIX);

  for (guint i = 0; i < ECHO_QUEUES + 1; i++)
    {
      wr (guest, MSIX_TABLE + 16 * i, 0xfee00000, 4);
      wr (guest, MSIX_TABLE + 16 * i + 8, 0x30 + i, 4);
      wr (guest, MSIX_TABLE + 16 * i + 12, 0, 4);
    }
  sv_pci_device_config_write (guest->device, at + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
}

/* A driver's start with queue @n */
static void
handshake (Guest *guest, guint n)
{
  wr (guest, COMMON + VIRTIO_PCI_COMMON_STATUS, 3, 1);
  wr (guest, COMMON + VIRTIO_PCI_COMMON_GFSELECT, 1, 4);
  wr (guest, COMMON + VIRTIO_PCI_COMMON_GF, 1, 4);
  wr (guest, COMMON + VIRTIO_PCI_COMMON_STATUS, 3 | VIRTIO_CONFIG_S_FEATURES_OK, 1);
  g_assert_cmphex (rd (guest, COMMON + VIRTIO_PCI_COMMON_STATUS, 1), ==,
                   3 | VIRTIO_CONFIG_S_FEATURES_OK);

  test_ring_init (&guest->ring, &guest->memory, 0x10000, 16, FALSE);
  wr (guest, COMMON + VIRTIO_PCI_COMMON_Q_SELECT, n, 2);
  g_assert_cmpuint (rd (guest, COMMON + VIRTIO_PCI_COMMON_Q_SIZE, 2), ==, ECHO_QUEUE_SIZE);
  g_assert_cmpuint (rd (guest, COMMON + VIRTIO_PCI_COMMON_Q_NOFF, 2), ==, n);
  wr (guest, COMMON + VIRTIO_PCI_COMMON_Q_SIZE, 16, 2);
  wr (guest, COMMON + VIRTIO_PCI_COMMON_Q_DESCLO, guest->ring.layout.descriptors, 4);
  wr (guest, COMMON + VIRTIO_PCI_COMMON_Q_DESCHI, 0, 4);
  wr (guest, COMMON + VIRTIO_PCI_COMMON_Q_AVAILLO, guest->ring.layout.driver, 8);
  wr (guest, COMMON + VIRTIO_PCI_COMMON_Q_USEDLO, guest->ring.layout.device, 8);
  wr (guest, COMMON + VIRTIO_PCI_COMMON_Q_ENABLE, 1, 2);
  g_assert_cmpuint (rd (guest, COMMON + VIRTIO_PCI_COMMON_Q_ENABLE, 2), ==, 1);
  wr (guest, COMMON + VIRTIO_PCI_COMMON_STATUS, S_UP, 1);
  g_assert_cmphex (rd (guest, COMMON + VIRTIO_PCI_COMMON_STATUS, 1), ==, S_UP);
}

static void
settle (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
send (Guest *guest, guint n, guint32 number)
{
  memcpy (test_memory_at (&guest->memory, DATA), &number, 4);
  test_ring_desc (&guest->ring, 0, DATA, 4, VRING_DESC_F_NEXT, 1);
  test_ring_desc (&guest->ring, 1, DATA + 16, 4, VRING_DESC_F_WRITE, 0);
  test_ring_add (&guest->ring, 0);
  wr (guest, NOTIFY + 4 * n, n, 2);
  settle ();
}

static void
echo (Guest *guest, guint n, guint32 number)
{
  guint32 id, length;

  send (guest, n, number);
  g_assert_true (test_ring_take (&guest->ring, &id, &length));
  g_assert_cmpuint (length, ==, 4);
  g_assert_cmpint (memcmp (test_memory_at (&guest->memory, DATA + 16), &number, 4), ==, 0);
}

static void
test_capabilities (Guest *guest, gconstpointer data)
{
  const SvPciConfig *config = sv_pci_device_get_config (guest->device);
  guint seen = 0;

  g_assert_cmphex (sv_pci_config_get32 (config, 0), ==, (0x1040 + ECHO_DEVICE_ID) << 16 | 0x1af4);
  g_assert_cmphex (config->bytes[PCI_REVISION_ID], ==, 1);
  g_assert_cmphex (config->bytes[PCI_INTERRUPT_PIN], ==, 1);
  for (guint at = config->bytes[PCI_CAPABILITY_LIST]; at != 0; at = config->bytes[at + 1])
    if (config->bytes[at] == PCI_CAP_ID_VNDR)
      {
        guint type = config->bytes[at + VIRTIO_PCI_CAP_CFG_TYPE];

        seen |= 1u << type;
        if (type == VIRTIO_PCI_CAP_NOTIFY_CFG)
          g_assert_cmphex (sv_pci_config_get32 (config, at + VIRTIO_PCI_NOTIFY_CAP_MULT), ==, 4);
        if (type != VIRTIO_PCI_CAP_PCI_CFG)
          g_assert_cmphex (config->bytes[at + VIRTIO_PCI_CAP_BAR], ==, 4);
      }
  g_assert_cmphex (seen, ==, 0x3e);
}

static void
test_properties (Guest *guest, gconstpointer data)
{
  g_autoptr (SvPciDevice) other = g_object_new (echo_pci_get_type (), NULL);
  GParamSpec *pspec = sv_property_find (G_OBJECT_GET_CLASS (other), "event_idx");
  gboolean value = TRUE;

  g_assert_nonnull (pspec);
  g_assert_cmphex (pspec->flags & SV_PARAM_WIRING, !=, 0);
  g_object_set (other, "event-idx", FALSE, NULL);
  g_object_get (sv_virtio_pci_get_core (SV_VIRTIO_PCI (other)), "event-idx", &value, NULL);
  g_assert_false (value);
  g_object_get (other, "event-idx", &value, NULL);
  g_assert_false (value);
}

static void
test_echo_by_msix (Guest *guest, gconstpointer data)
{
  guint64 count;
  int fd = -1;
  GHashTableIter iter;
  gpointer key;

  enable_msix (guest);
  wr (guest, COMMON + VIRTIO_PCI_COMMON_Q_SELECT, 1, 2);
  wr (guest, COMMON + VIRTIO_PCI_COMMON_Q_MSIX, 2, 2);
  g_assert_cmphex (rd (guest, COMMON + VIRTIO_PCI_COMMON_Q_MSIX, 2), ==, 2);
  handshake (guest, 1);
  g_assert_cmpint (guest->ioeventfds[1], >=, 0);
  g_assert_cmpint (guest->ioeventfds[0], ==, -1);
  g_hash_table_iter_init (&iter, guest->accel->irqfds);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    fd = GPOINTER_TO_INT (key);
  g_assert_cmphex (g_array_index (guest->accel->routes, guint64, 1), ==, 0x32);

  echo (guest, 1, 4711);
  g_assert_cmpint (read (fd, &count, sizeof count), ==, sizeof count);
  g_assert_false (guest->line);

  /* The vector changes while the device works. */
  wr (guest, COMMON + VIRTIO_PCI_COMMON_Q_MSIX, 3, 2);
  g_assert_cmphex (rd (guest, COMMON + VIRTIO_PCI_COMMON_Q_MSIX, 2), ==, 3);
  echo (guest, 1, 4712);

  wr (guest, COMMON + VIRTIO_PCI_COMMON_STATUS, 0, 1);
  g_assert_cmpint (guest->ioeventfds[1], ==, -1);
  g_assert_cmphex (rd (guest, COMMON + VIRTIO_PCI_COMMON_Q_MSIX, 2), ==, VIRTIO_MSI_NO_VECTOR);
  g_assert_cmpuint (g_hash_table_size (guest->accel->irqfds), ==, 0);
}

static void
test_echo_by_pin (Guest *guest, gconstpointer data)
{
  handshake (guest, 0);
  echo (guest, 0, 1);
  g_assert_true (guest->line);
  g_assert_cmphex (rd (guest, ISR, 1), ==, 1);
  g_assert_false (guest->line);
  g_assert_cmphex (rd (guest, ISR, 1), ==, 0);

  sv_virtio_device_config_changed (SV_VIRTIO_DEVICE (guest->echo));
  settle ();
  g_assert_true (guest->line);
  g_assert_cmphex (rd (guest, ISR, 1), ==, 3);
}

static void
test_no_such_vector_or_queue (Guest *guest, gconstpointer data)
{
  wr (guest, COMMON + VIRTIO_PCI_COMMON_MSIX, ECHO_QUEUES + 1, 2);
  g_assert_cmphex (rd (guest, COMMON + VIRTIO_PCI_COMMON_MSIX, 2), ==, VIRTIO_MSI_NO_VECTOR);
  wr (guest, COMMON + VIRTIO_PCI_COMMON_MSIX, 1, 2);
  g_assert_cmphex (rd (guest, COMMON + VIRTIO_PCI_COMMON_MSIX, 2), ==, 1);
  g_assert_cmpuint (rd (guest, COMMON + VIRTIO_PCI_COMMON_NUMQ, 2), ==, ECHO_QUEUES);
  for (guint offset = 0; offset < 0x1000; offset++)
    for (guint size = 1; size <= 8; size *= 2)
      {
        wr (guest, COMMON + VIRTIO_PCI_COMMON_Q_SELECT, 0xffff, 2);
        rd (guest, COMMON + offset, size);
        wr (guest, COMMON + offset, G_MAXUINT64, size);
      }
  wr (guest, COMMON + VIRTIO_PCI_COMMON_STATUS, 0, 1);
  wr (guest, COMMON + VIRTIO_PCI_COMMON_Q_SELECT, ECHO_QUEUES, 2);
  g_assert_cmpuint (rd (guest, COMMON + VIRTIO_PCI_COMMON_Q_SIZE, 2), ==, 0);
  wr (guest, NOTIFY + 4 * ECHO_QUEUES, 0, 2);
  wr (guest, NOTIFY + 0xffe, 0, 2);
  g_assert_cmphex (rd (guest, DEVICE + 0xff8, 8), ==, 0);
}

/* VIRTIO 1.2 §4.1.4.9: registers through configuration space */
static void
test_window (Guest *guest, gconstpointer data)
{
  const SvPciConfig *config = sv_pci_device_get_config (guest->device);
  guint at = config->bytes[PCI_CAPABILITY_LIST];

  while (config->bytes[at] != PCI_CAP_ID_VNDR
         || config->bytes[at + VIRTIO_PCI_CAP_CFG_TYPE] != VIRTIO_PCI_CAP_PCI_CFG)
    at = config->bytes[at + 1];
  sv_pci_device_config_write (guest->device, at + VIRTIO_PCI_CAP_BAR, 4, 1);
  sv_pci_device_config_write (guest->device, at + VIRTIO_PCI_CAP_LENGTH, 2, 4);
  sv_pci_device_config_write (guest->device, at + VIRTIO_PCI_CAP_OFFSET, VIRTIO_PCI_COMMON_NUMQ, 4);
  g_assert_cmpuint (sv_pci_device_config_read (guest->device, at + 16, 2), ==, ECHO_QUEUES);
  sv_pci_device_config_write (guest->device, at + VIRTIO_PCI_CAP_OFFSET, VIRTIO_PCI_COMMON_Q_SELECT,
                              4);
  sv_pci_device_config_write (guest->device, at + 16, 2, 4);
  g_assert_cmpuint (rd (guest, COMMON + VIRTIO_PCI_COMMON_Q_SELECT, 2), ==, 2);

  /* Out of bounds, odd lengths: nothing */
  sv_pci_device_config_write (guest->device, at + VIRTIO_PCI_CAP_OFFSET, 0xfffffffe, 4);
  sv_pci_device_config_write (guest->device, at + 16, 2, 4);
  sv_pci_device_config_write (guest->device, at + VIRTIO_PCI_CAP_LENGTH, 0xffffffff, 4);
  sv_pci_device_config_write (guest->device, at + 16, 2, 4);
  sv_pci_device_config_read (guest->device, at + 16, 4);
}

static void
test_unplug_while_it_works (Guest *guest, gconstpointer data)
{
  enable_msix (guest);
  wr (guest, COMMON + VIRTIO_PCI_COMMON_Q_SELECT, 0, 2);
  wr (guest, COMMON + VIRTIO_PCI_COMMON_Q_MSIX, 1, 2);
  handshake (guest, 0);
  echo (guest, 0, 5);
  pci_fixture_remove (guest->device);
  g_assert_cmphex (rd (guest, COMMON, 4), ==, G_MAXUINT32);
  g_assert_cmpint (guest->ioeventfds[0], ==, -1);
  g_assert_cmpuint (g_hash_table_size (guest->accel->irqfds), ==, 0);
  add_device (guest);
  handshake (guest, 2);
  echo (guest, 2, 6);
  sv_device_reset (SV_DEVICE (guest->device));
  g_assert_cmphex (rd (guest, COMMON, 4), ==, G_MAXUINT32);
  g_assert_cmpint (guest->ioeventfds[2], ==, -1);
}

/* The vCPU waits for the requests in flight, the main loop does not. */
static void
test_reset_by_a_vcpu (Guest *guest, gconstpointer data)
{
  TestVcpu *vcpu = test_vcpu_new (guest->memory.space);

  sv_vm_lock_attach (NULL);
  handshake (guest, 0);
  guest->echo->hold = guest->echo->slow = TRUE;
  send (guest, 0, 9);
  g_assert_cmpuint (guest->echo->n_held[0], ==, 1);

  test_vcpu_add_write (vcpu, COMMON + VIRTIO_PCI_COMMON_STATUS, 0);
  test_vcpu_add_write (vcpu, COMMON + VIRTIO_PCI_COMMON_STATUS, VIRTIO_CONFIG_S_ACKNOWLEDGE);
  test_vcpu_run_until_held (vcpu, 1);
  settle ();
  g_assert_cmphex (rd (guest, COMMON + VIRTIO_PCI_COMMON_STATUS, 1), ==, S_UP);
  echo_device_release (guest->echo);
  test_vcpu_finish (vcpu);
  g_assert_cmpuint (guest->echo->n_stops, ==, 1);
  g_assert_cmphex (rd (guest, COMMON + VIRTIO_PCI_COMMON_STATUS, 1), ==, VIRTIO_CONFIG_S_ACKNOWLEDGE);
  test_vcpu_free (vcpu);
}

/* Requests in flight are not waited for when the driver changes how it is interrupted; they interrupt the new way. */
static void
test_vectors_meanwhile (Guest *guest, gconstpointer data)
{
  guint at = sv_pci_config_find_capability (sv_pci_device_get_config (guest->device), PCI_CAP_ID_MSIX);
  guint32 id, length;
  GHashTableIter iter;
  gpointer key;
  guint64 count;

  enable_msix (guest);
  wr (guest, COMMON + VIRTIO_PCI_COMMON_Q_SELECT, 0, 2);
  wr (guest, COMMON + VIRTIO_PCI_COMMON_Q_MSIX, 1, 2);
  handshake (guest, 0);
  guest->echo->hold = guest->echo->slow = TRUE;
  send (guest, 0, 9);
  g_assert_cmpuint (guest->echo->n_held[0], ==, 1);

  sv_pci_device_config_write (guest->device, at + PCI_MSIX_FLAGS, 0, 2);
  g_assert_cmpuint (guest->echo->n_held[0], ==, 1);
  sv_pci_device_config_write (guest->device, at + PCI_MSIX_FLAGS, PCI_MSIX_FLAGS_ENABLE, 2);
  wr (guest, COMMON + VIRTIO_PCI_COMMON_MSIX, 1, 2);
  wr (guest, COMMON + VIRTIO_PCI_COMMON_MSIX, VIRTIO_MSI_NO_VECTOR, 2);
  wr (guest, COMMON + VIRTIO_PCI_COMMON_Q_MSIX, 2, 2);
  g_assert_cmphex (rd (guest, COMMON + VIRTIO_PCI_COMMON_Q_MSIX, 2), ==, 2);
  g_assert_cmpuint (guest->echo->n_held[0], ==, 1);
  g_assert_false (test_ring_take (&guest->ring, &id, &length));

  g_assert_cmpuint (g_hash_table_size (guest->accel->irqfds), ==, 1);
  g_hash_table_iter_init (&iter, guest->accel->irqfds);
  g_assert_true (g_hash_table_iter_next (&iter, &key, NULL));
  echo_device_release (guest->echo);
  settle ();
  g_assert_true (test_ring_take (&guest->ring, &id, &length));
  g_assert_cmpint (read (GPOINTER_TO_INT (key), &count, sizeof count), ==, sizeof count);
  g_assert_false (guest->line);
}

/* An iothread interrupts by vectors that the driver changes at that moment. */
static void
test_vectors_race (Guest *guest, gconstpointer data)
{
  const guint16 vectors[] = { 1, 2, VIRTIO_MSI_NO_VECTOR, 2, 3 };

  enable_msix (guest);
  handshake (guest, 0);
  for (guint i = 0; i < 500; i++)
    {
      guint32 id, length;

      send (guest, 0, i);
      wr (guest, COMMON + VIRTIO_PCI_COMMON_Q_SELECT, 0, 2);
      wr (guest, COMMON + VIRTIO_PCI_COMMON_Q_MSIX, vectors[i % G_N_ELEMENTS (vectors)], 2);
      wr (guest, COMMON + VIRTIO_PCI_COMMON_MSIX, vectors[(i + 1) % G_N_ELEMENTS (vectors)], 2);
      while (!test_ring_take (&guest->ring, &id, &length))
        g_thread_yield ();
      g_assert_cmpuint (length, ==, 4);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                        \
  g_test_add ("/virtio/pci/" path, Guest, NULL, set_up, function, tear_down)
  ADD ("capabilities", test_capabilities);
  ADD ("properties", test_properties);
  ADD ("echo-by-msix", test_echo_by_msix);
  ADD ("echo-by-pin", test_echo_by_pin);
  ADD ("no-such-vector-or-queue", test_no_such_vector_or_queue);
  ADD ("window", test_window);
  ADD ("unplug-while-it-works", test_unplug_while_it_works);
  ADD ("reset-by-a-vcpu", test_reset_by_a_vcpu);
  ADD ("vectors-meanwhile", test_vectors_meanwhile);
  g_test_add ("/virtio/pci/vectors-race", Guest, "iothread", set_up, test_vectors_race, tear_down);
  return g_test_run ();
}
