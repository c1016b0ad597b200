/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A hostile driver of the devices on microvm's ISA bus, and an unsteady peer on the serial line.
 * Input: a sequence of steps, each a byte that says what, and a byte with it.
 */

#include "hw/char/sv-serial.h"
#include "hw/char/sv-uart.h"
#include "hw/misc/sv-cmos-rtc.h"
#include "hw/misc/sv-i8042.h"
#include "src/runtime/sv-vm-lock.h"
#include "tests/unit/chardev-fixture.h"
#include "tests/unit/isa-fixture.h"

#define COM1 0x3f8
#define MAX_ROUNDS 10000

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

typedef struct
{
  IsaFixture isa;
  TestChardev *chardev;
  SvSerial *serial;
  SvDevice *rtc;
  SvDevice *i8042;
  gint64 now;
  gsize written;
} Machine;

static gint64
get_time (gpointer opaque)
{
  return ((Machine *)opaque)->now;
}

static void
ignore_flush (gpointer opaque)
{
}

static Machine *
make_machine (void)
{
  Machine *self = g_new0 (Machine, 1);

  sv_vm_lock ();
  isa_set_up (&self->isa);
  self->chardev = g_object_new (TEST_TYPE_CHARDEV, NULL);
  sv_object_add_child (self->isa.root, "c0", SV_OBJECT (self->chardev), NULL);
  self->serial = g_object_new (SV_TYPE_SERIAL, "chardev", self->chardev, NULL);
  sv_serial_set_flush_func (self->serial, ignore_flush, NULL);
  self->rtc = g_object_new (SV_TYPE_CMOS_RTC, NULL);
  sv_cmos_rtc_set_clock (SV_CMOS_RTC (self->rtc), get_time, self);
  self->i8042 = g_object_new (SV_TYPE_I8042, NULL);
  g_assert_true (isa_plug (&self->isa, SV_DEVICE (self->serial), NULL));
  g_assert_true (isa_plug (&self->isa, self->rtc, NULL));
  g_assert_true (isa_plug (&self->isa, self->i8042, NULL));
  return self;
}

static void
reset (Machine *self)
{
  sv_device_reset (SV_DEVICE (self->serial));
  sv_device_reset (self->rtc);
  sv_device_reset (self->i8042);
}

static void
access_port (Machine *self, guint which, gboolean write, guint8 value)
{
  static const guint16 others[] = { 0x60, 0x64, 0x70, 0x71 };
  guint16 port = which < SV_UART_N_REGISTERS ? COM1 + which : others[which % G_N_ELEMENTS (others)];

  if (!write)
    isa_in (&self->isa, port);
  else
    {
      self->written += port == COM1;
      isa_out (&self->isa, port, value);
    }
}

static void
step (Machine *self, guint8 what, guint8 value)
{
  SvChardev *chardev = SV_CHARDEV (self->chardev);

  if (what < 0xc0)
    {
      access_port (self, what & 0x0f, (what & 0x10) != 0, value);
      return;
    }

  switch (what & 7)
    {
    case 0:
      /* No more than check() reads */
      for (guint i = 0; i < value && self->chardev->input->len < MAX_ROUNDS / 2; i++)
        g_string_append_c (self->chardev->input, i);
      test_chardev_deliver (self->chardev);
      break;
    case 1:
      sv_chardev_event (chardev, SV_CHARDEV_BREAK);
      break;
    case 2:
      self->chardev->room = value == 0xff ? G_MAXSIZE : value;
      break;
    case 3:
      sv_chardev_writable (chardev);
      break;
    case 4:
      self->now += G_GINT64_CONSTANT (1) << (value & 0x3f) % 52;
      break;
    case 5:
      self->now -= G_GINT64_CONSTANT (1) << (value & 0x3f) % 52;
      break;
    case 6:
      g_main_context_iteration (NULL, FALSE);
      break;
    default:
      reset (self);
      break;
    }
}

/* Whatever went before: reset, the devices work. */
static void
check (Machine *self)
{
  SvChardev *chardev = SV_CHARDEV (self->chardev);

  self->chardev->room = G_MAXSIZE;
  sv_chardev_writable (chardev);
  reset (self);
  g_assert_cmpuint (self->chardev->output->len, <=, self->written);
  g_assert_cmphex (isa_in (&self->isa, COM1 + SV_UART_LSR) & SV_UART_LSR_THRE, !=, 0);
  g_string_truncate (self->chardev->output, 0);
  isa_out (&self->isa, COM1, 'x');
  test_chardev_assert_output (self->chardev, "x");

  for (guint i = 0; sv_chardev_can_receive (chardev) == 0; i++)
    {
      g_assert_cmpuint (i, <, MAX_ROUNDS);
      isa_in (&self->isa, COM1);
    }
  g_string_truncate (self->chardev->input, 0);
  isa_out (&self->isa, 0x70, 0x0d);
  g_assert_cmphex (isa_in (&self->isa, 0x71), ==, 0x80);
  for (guint i = 0; i < SV_ISA_N_IRQS; i++)
    g_assert_false (self->isa.level[i]);
}

int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  static Machine *machine;

  if (machine == NULL)
    machine = make_machine ();
  machine->now = G_GINT64_CONSTANT (1700000000) * G_USEC_PER_SEC;
  machine->written = 0;
  for (gsize i = 0; i + 1 < size; i += 2)
    step (machine, data[i], data[i + 1]);
  check (machine);
  return 0;
}
