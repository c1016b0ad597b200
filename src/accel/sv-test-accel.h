/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/accel/sv-accel.h"
#include "src/accel/sv-test-access.h"
#include "src/accel/sv-test-irqs.h"
#include "src/chardev/sv-chardev.h"

G_BEGIN_DECLS

/* The longest piece of memory that one request may name */
#define SV_TEST_MAX_LENGTH (64u << 20)

/**
 * SvTestAccel:
 *
 * An accelerator without processors (abstract): a test at the other end of the character device `chardev` takes their
 * place. It reads and writes memory, registers and ports, sees interrupts, and moves the clock. What a kernel does
 * elsewhere is done here: the interrupt controller, ioeventfds, irqfds, interrupt messages. Subclasses speak a protocol.
 */
#define SV_TYPE_TEST_ACCEL (sv_test_accel_get_type ())
SV_API G_DECLARE_DERIVABLE_TYPE (SvTestAccel, sv_test_accel, SV, TEST_ACCEL, SvAccel)

/**
 * SvTestAccelClass:
 * @find_request: length of the request that @data begins with, its end marker included; 0: not all of it is there. @data
 *   has a NUL behind it.
 * @handle_request: answers a request, split at spaces; there is one word at least
 * @line_changed: an interrupt line rose or fell; %NULL: of no interest
 * @peer_came: a test connected; %NULL: of no interest
 */
struct _SvTestAccelClass
{
  SvAccelClass parent_class;

  gsize (*find_request) (SvTestAccel *self, const char *data, gsize length);
  void (*handle_request) (SvTestAccel *self, char **words, guint n_words);
  void (*line_changed) (SvTestAccel *self, guint gsi, gboolean level);
  void (*peer_came) (SvTestAccel *self);
  gpointer padding[4];
};

/* Lets the test at the other end of @chardev, which must be free, take over. Once. */
SV_API gboolean sv_test_accel_connect (SvTestAccel *self, SvChardev *chardev, GError **error);

/* For subclasses, once it is open */
SvTestIrqs *sv_test_accel_get_irqs (SvTestAccel *self);
SvTestAccess *sv_test_accel_get_access (SvTestAccel *self);
/* Sends a line; the LF is added. */
void sv_test_accel_send (SvTestAccel *self, const char *format, ...) G_GNUC_PRINTF (2, 3);

G_END_DECLS
