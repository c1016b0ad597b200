/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-qtest.h"

#include <string.h>

#include "qom/sv-property.h"
#include "src/accel/sv-test-requests.h"
#include "src/accel/sv-test-words.h"
#include "src/migration/sv-migratable.h"
#include "src/runtime/sv-clock.h"

#define HEX64 "0x%016" G_GINT64_MODIFIER "x"

struct _SvQtest
{
  SvTestAccel parent_instance;

  char *intercepted; /* path; NULL: lines are of no interest */
  gint only_line;    /* -1: all */
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvQtest, sv_qtest, SV_TYPE_TEST_ACCEL,
                               SV_MIGRATABLE_STATELESS ("a test has what state there is"))

#define ACCESS(accel) (sv_test_accel_get_access (accel))
#define MEMORY(accel) (sv_accel_get_memory (SV_ACCEL (accel)))
#define SEND sv_test_accel_send

/* --- single accesses --- */

static void
handle_in (SvTestAccel *accel, char **words, guint base)
{
  guint64 port;

  if (sv_test_get_number (accel, words[1], base, &port))
    SEND (accel, "OK 0x%04x",
          (guint)sv_test_access_read_number (ACCESS (accel), sv_accel_get_io (SV_ACCEL (accel)), port,
                                             sv_test_size_of (words[0][2])));
}

static void
handle_out (SvTestAccel *accel, char **words, guint base)
{
  guint64 port, value;

  if (!sv_test_get_number (accel, words[1], base, &port)
      || !sv_test_get_number (accel, words[2], base, &value))
    return;
  sv_test_access_write_number (ACCESS (accel), sv_accel_get_io (SV_ACCEL (accel)), port, value,
                               sv_test_size_of (words[0][3]));
  SEND (accel, "OK");
}

/* --- pieces of memory --- */

static void
handle_b64read (SvTestAccel *accel, char **words, guint base)
{
  guint64 address;
  gsize length;
  g_autofree guint8 *data = sv_test_get_range (accel, words, base, &address, &length);
  g_autofree char *text = NULL;

  if (data == NULL)
    return;
  sv_test_access_read (ACCESS (accel), MEMORY (accel), address, data, length);
  text = g_base64_encode (data, length);
  SEND (accel, "OK %s", text);
}

static void
write_range (SvTestAccel *accel, guint64 address, const guint8 *data, gsize length)
{
  sv_test_access_write (ACCESS (accel), MEMORY (accel), address, data, length);
  SEND (accel, "OK");
}

/* What the digits do not reach is filled with zeroes. */
static void
handle_write (SvTestAccel *accel, char **words, guint base)
{
  guint64 address;
  gsize length;
  g_autofree guint8 *data = sv_test_get_range (accel, words, base, &address, &length);

  if (data == NULL)
    return;
  if (strncmp (words[3], "0x", 2) != 0 || sv_test_decode_hex (words[3], data, length) < 0)
    SEND (accel, "ERR the data must be 0x and at most %" G_GSIZE_FORMAT " bytes in digits", length);
  else
    write_range (accel, address, data, length);
}

static void
handle_b64write (SvTestAccel *accel, char **words, guint base)
{
  guint64 address;
  gsize length, decoded_length;
  g_autofree guint8 *data = sv_test_get_range (accel, words, base, &address, &length);
  g_autofree guint8 *decoded = data != NULL ? g_base64_decode (words[3], &decoded_length) : NULL;

  if (data == NULL)
    return;
  if (decoded_length != length)
    SEND (accel, "ERR the data are %" G_GSIZE_FORMAT " bytes, not %" G_GSIZE_FORMAT, decoded_length,
          length);
  else
    write_range (accel, address, decoded, length);
}

static void
handle_memset (SvTestAccel *accel, char **words, guint base)
{
  guint64 address, byte;
  gsize length;
  g_autofree guint8 *data = sv_test_get_range (accel, words, base, &address, &length);

  if (data == NULL || !sv_test_get_number (accel, words[3], base, &byte))
    return;
  memset (data, (int)(byte & 0xff), length);
  write_range (accel, address, data, length);
}

/* --- interrupts --- */

static void
intercept (SvTestAccel *accel, const char *path, gint line)
{
  SvQtest *self = SV_QTEST (accel);

  if (self->intercepted != NULL && g_strcmp0 (self->intercepted, path) != 0)
    {
      SEND (accel, "FAIL the lines of '%s' are intercepted already", self->intercepted);
      return;
    }
  g_free (self->intercepted);
  self->intercepted = g_strdup (path);
  self->only_line = line;
  SEND (accel, "OK");
}

/* The interrupt controller is part of the accelerator; QEMU's tests call it by the name it has there. */
static gboolean
is_controller (SvTestAccel *accel, const char *path)
{
  return strcmp (path, "ioapic") == 0
         || sv_object_resolve (sv_object_get_root (SV_OBJECT (accel)), path, SV_TYPE_QTEST, NULL)
                == SV_OBJECT (accel);
}

static void
handle_intercept_in (SvTestAccel *accel, char **words, guint base)
{
  if (is_controller (accel, words[1]))
    intercept (accel, words[1], -1);
  else
    SEND (accel, "FAIL '%s' takes no interrupts: ioapic does", words[1]);
}

/* A device's output is the line that its property tells. */
static void
handle_intercept_out (SvTestAccel *accel, char **words, guint base)
{
  g_autoptr (GError) error = NULL;
  SvObject *object
      = sv_object_resolve (sv_object_get_root (SV_OBJECT (accel)), words[1], SV_TYPE_OBJECT, &error);
  GParamSpec *pspec = object != NULL ? sv_property_find (G_OBJECT_GET_CLASS (object), "irq") : NULL;
  guint line = 0;

  if (pspec != NULL && G_PARAM_SPEC_VALUE_TYPE (pspec) == G_TYPE_UINT)
    {
      g_object_get (object, "irq", &line, NULL);
      intercept (accel, words[1], (gint)line);
    }
  else if (object != NULL)
    SEND (accel, "FAIL '%s' has no interrupt line of its own: ioapic tells of all lines", words[1]);
  else
    SEND (accel, "FAIL %s", error->message);
}

static void
sv_qtest_line_changed (SvTestAccel *accel, guint gsi, gboolean level)
{
  SvQtest *self = SV_QTEST (accel);
  const char *verb = level ? "raise" : "lower";

  if (self->intercepted == NULL)
    return;
  if (self->only_line < 0)
    SEND (accel, "IRQ %s %u", verb, gsi);
  else if ((guint)self->only_line == gsi)
    SEND (accel, "IRQ %s 0", verb);
}

/* --- protocol --- */

static void
handle_endianness (SvTestAccel *accel, char **words, guint base)
{
  SEND (accel, "OK little");
}

static const SvTestRequest requests[] = {
  { "inb", 1, 1, handle_in, 0 },
  { "inw", 1, 1, handle_in, 0 },
  { "inl", 1, 1, handle_in, 0 },
  { "outb", 2, 2, handle_out, 0 },
  { "outw", 2, 2, handle_out, 0 },
  { "outl", 2, 2, handle_out, 0 },
  { "readb", 1, 1, sv_test_read_number, 0 },
  { "readw", 1, 1, sv_test_read_number, 0 },
  { "readl", 1, 1, sv_test_read_number, 0 },
  { "readq", 1, 1, sv_test_read_number, 0 },
  { "writeb", 2, 2, sv_test_write_number, 0 },
  { "writew", 2, 2, sv_test_write_number, 0 },
  { "writel", 2, 2, sv_test_write_number, 0 },
  { "writeq", 2, 2, sv_test_write_number, 0 },
  { "read", 2, 2, sv_test_read, 0 },
  { "write", 3, 3, handle_write, 0 },
  { "b64read", 2, 2, handle_b64read, 0 },
  { "b64write", 3, 3, handle_b64write, 0 },
  { "memset", 3, 3, handle_memset, 0 },
  { "clock_step", 0, 1, sv_test_clock_step, 0 },
  { "clock_set", 1, 1, sv_test_clock_set, 0 },
  { "irq_intercept_in", 1, 1, handle_intercept_in, 0 },
  { "irq_intercept_out", 1, 1, handle_intercept_out, 0 },
  { "endianness", 0, 0, handle_endianness, 0 },
};

static gsize
sv_qtest_find_request (SvTestAccel *accel, const char *data, gsize length)
{
  const char *end = memchr (data, '\n', length);

  return end != NULL ? (gsize)(end - data) + 1 : 0;
}

static void
sv_qtest_handle_request (SvTestAccel *accel, char **words, guint n_words)
{
  if (!sv_test_handle_request (accel, requests, G_N_ELEMENTS (requests), words, n_words))
    SEND (accel, "FAIL Unknown command '%s'", words[0]);
}

/* A new test begins afresh. */
static void
sv_qtest_peer_came (SvTestAccel *accel)
{
  g_clear_pointer (&SV_QTEST (accel)->intercepted, g_free);
}

static void
sv_qtest_finalize (GObject *object)
{
  g_free (SV_QTEST (object)->intercepted);
  G_OBJECT_CLASS (sv_qtest_parent_class)->finalize (object);
}

static void
sv_qtest_class_init (SvQtestClass *klass)
{
  SvTestAccelClass *test_class = SV_TEST_ACCEL_CLASS (klass);

  G_OBJECT_CLASS (klass)->finalize = sv_qtest_finalize;
  test_class->find_request = sv_qtest_find_request;
  test_class->handle_request = sv_qtest_handle_request;
  test_class->line_changed = sv_qtest_line_changed;
  test_class->peer_came = sv_qtest_peer_came;
}

static void
sv_qtest_init (SvQtest *self)
{
}
