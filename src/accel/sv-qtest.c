/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-qtest.h"

#include <string.h>

#include "qom/sv-property.h"
#include "src/accel/sv-test-words.h"
#include "src/runtime/sv-clock.h"

#define HEX64 "0x%016" G_GINT64_MODIFIER "x"

struct _SvQtest
{
  SvTestAccel parent_instance;

  char *intercepted; /* path; NULL: lines are of no interest */
  gint only_line;    /* -1: all */
};

G_DEFINE_FINAL_TYPE (SvQtest, sv_qtest, SV_TYPE_TEST_ACCEL)

#define ACCESS(self) (sv_test_accel_get_access (SV_TEST_ACCEL (self)))
#define SEND(self, ...) sv_test_accel_send (SV_TEST_ACCEL (self), __VA_ARGS__)

static gboolean
get_number (SvQtest *self, const char *word, guint64 *value)
{
  if (sv_test_parse_number (word, 0, value))
    return TRUE;
  SEND (self, "ERR '%s' is no number", word);
  return FALSE;
}

/* Address and length, and memory for what is there. (transfer full) (nullable) */
static guint8 *
get_range (SvQtest *self, char **words, guint64 *address, gsize *length)
{
  guint64 size;

  if (!get_number (self, words[1], address) || !get_number (self, words[2], &size))
    return NULL;
  if (size > SV_TEST_MAX_LENGTH)
    {
      SEND (self, "ERR length %s: at most %u bytes", words[2], SV_TEST_MAX_LENGTH);
      return NULL;
    }
  *length = size;
  return g_malloc0 (MAX (size, 1));
}

/* --- single accesses --- */

static guint
size_of (char letter)
{
  return letter == 'b' ? 1 : letter == 'w' ? 2 : letter == 'l' ? 4 : 8;
}

static void
handle_in (SvQtest *self, char **words)
{
  guint64 port;

  if (get_number (self, words[1], &port))
    SEND (self, "OK 0x%04x",
          (guint)sv_test_access_read_number (ACCESS (self), sv_accel_get_io (SV_ACCEL (self)), port,
                                             size_of (words[0][2])));
}

static void
handle_out (SvQtest *self, char **words)
{
  guint64 port, value;

  if (!get_number (self, words[1], &port) || !get_number (self, words[2], &value))
    return;
  sv_test_access_write_number (ACCESS (self), sv_accel_get_io (SV_ACCEL (self)), port, value,
                               size_of (words[0][3]));
  SEND (self, "OK");
}

static void
handle_read_number (SvQtest *self, char **words)
{
  guint64 address;

  if (get_number (self, words[1], &address))
    SEND (self, "OK " HEX64,
          sv_test_access_read_number (ACCESS (self), sv_accel_get_memory (SV_ACCEL (self)), address,
                                      size_of (words[0][4])));
}

static void
handle_write_number (SvQtest *self, char **words)
{
  guint64 address, value;

  if (!get_number (self, words[1], &address) || !get_number (self, words[2], &value))
    return;
  sv_test_access_write_number (ACCESS (self), sv_accel_get_memory (SV_ACCEL (self)), address, value,
                               size_of (words[0][5]));
  SEND (self, "OK");
}

/* --- pieces of memory --- */

static guint8 *
read_range (SvQtest *self, char **words, gsize *length)
{
  guint64 address;
  guint8 *data = get_range (self, words, &address, length);

  if (data != NULL)
    sv_test_access_read (ACCESS (self), sv_accel_get_memory (SV_ACCEL (self)), address, data, *length);
  return data;
}

static void
handle_read (SvQtest *self, char **words)
{
  gsize length;
  g_autofree guint8 *data = read_range (self, words, &length);
  g_autofree char *text = data != NULL ? sv_test_encode_hex (data, length) : NULL;

  if (data != NULL)
    SEND (self, "OK 0x%s", text);
}

static void
handle_b64read (SvQtest *self, char **words)
{
  gsize length;
  g_autofree guint8 *data = read_range (self, words, &length);
  g_autofree char *text = data != NULL ? g_base64_encode (data, length) : NULL;

  if (data != NULL)
    SEND (self, "OK %s", text);
}

static void
write_range (SvQtest *self, guint64 address, const guint8 *data, gsize length)
{
  sv_test_access_write (ACCESS (self), sv_accel_get_memory (SV_ACCEL (self)), address, data, length);
  SEND (self, "OK");
}

/* What the digits do not reach is filled with zeroes. */
static void
handle_write (SvQtest *self, char **words)
{
  guint64 address;
  gsize length;
  g_autofree guint8 *data = get_range (self, words, &address, &length);

  if (data == NULL)
    return;
  if (strncmp (words[3], "0x", 2) != 0 || sv_test_decode_hex (words[3], data, length) < 0)
    SEND (self, "ERR the data must be 0x and at most %" G_GSIZE_FORMAT " bytes in digits", length);
  else
    write_range (self, address, data, length);
}

static void
handle_b64write (SvQtest *self, char **words)
{
  guint64 address;
  gsize length, decoded_length;
  g_autofree guint8 *data = get_range (self, words, &address, &length);
  g_autofree guint8 *decoded = data != NULL ? g_base64_decode (words[3], &decoded_length) : NULL;

  if (data == NULL)
    return;
  if (decoded_length != length)
    SEND (self, "ERR the data are %" G_GSIZE_FORMAT " bytes, not %" G_GSIZE_FORMAT, decoded_length,
          length);
  else
    write_range (self, address, decoded, length);
}

static void
handle_memset (SvQtest *self, char **words)
{
  guint64 address, byte;
  gsize length;
  g_autofree guint8 *data = get_range (self, words, &address, &length);

  if (data == NULL || !get_number (self, words[3], &byte))
    return;
  memset (data, (int)(byte & 0xff), length);
  write_range (self, address, data, length);
}

/* --- the clock --- */

static void
handle_clock_step (SvQtest *self, char **words)
{
  guint64 step;
  gint64 target = sv_clock_get_next_deadline ();

  if (words[1] != NULL)
    {
      if (!get_number (self, words[1], &step))
        return;
      target = sv_clock_get_ns () + (gint64)MIN (step, G_MAXINT64 / 2);
    }
  sv_clock_advance (target);
  SEND (self, "OK %" G_GINT64_FORMAT, sv_clock_get_ns ());
}

static void
handle_clock_set (SvQtest *self, char **words)
{
  guint64 target;

  if (!get_number (self, words[1], &target))
    return;
  sv_clock_advance ((gint64)MIN (target, G_MAXINT64 / 2));
  SEND (self, "OK %" G_GINT64_FORMAT, sv_clock_get_ns ());
}

/* --- interrupts --- */

static SvObject *
get_root (SvObject *object)
{
  while (sv_object_get_parent (object) != NULL)
    object = sv_object_get_parent (object);
  return object;
}

static void
intercept (SvQtest *self, const char *path, gint line)
{
  if (self->intercepted != NULL && g_strcmp0 (self->intercepted, path) != 0)
    {
      SEND (self, "FAIL the lines of '%s' are intercepted already", self->intercepted);
      return;
    }
  g_free (self->intercepted);
  self->intercepted = g_strdup (path);
  self->only_line = line;
  SEND (self, "OK");
}

/* The interrupt controller is part of the accelerator; QEMU's tests call it by the name it has there. */
static gboolean
is_controller (SvQtest *self, const char *path)
{
  return strcmp (path, "ioapic") == 0
         || sv_object_resolve (get_root (SV_OBJECT (self)), path, SV_TYPE_QTEST, NULL)
                == SV_OBJECT (self);
}

static void
handle_intercept_in (SvQtest *self, char **words)
{
  if (is_controller (self, words[1]))
    intercept (self, words[1], -1);
  else
    SEND (self, "FAIL '%s' takes no interrupts: ioapic does", words[1]);
}

/* A device's output is the line that its property tells. */
static void
handle_intercept_out (SvQtest *self, char **words)
{
  g_autoptr (GError) error = NULL;
  SvObject *object
      = sv_object_resolve (get_root (SV_OBJECT (self)), words[1], SV_TYPE_OBJECT, &error);
  GParamSpec *pspec = object != NULL ? sv_property_find (G_OBJECT_GET_CLASS (object), "irq") : NULL;
  guint line = 0;

  if (pspec != NULL && G_PARAM_SPEC_VALUE_TYPE (pspec) == G_TYPE_UINT)
    {
      g_object_get (object, "irq", &line, NULL);
      intercept (self, words[1], (gint)line);
    }
  else if (object != NULL)
    SEND (self, "FAIL '%s' has no interrupt line of its own: ioapic tells of all lines", words[1]);
  else
    SEND (self, "FAIL %s", error->message);
}

static void
sv_qtest_line_changed (SvTestAccel *accel, guint gsi, gboolean level)
{
  SvQtest *self = SV_QTEST (accel);
  const char *verb = level ? "raise" : "lower";

  if (self->intercepted == NULL)
    return;
  if (self->only_line < 0)
    SEND (self, "IRQ %s %u", verb, gsi);
  else if ((guint)self->only_line == gsi)
    SEND (self, "IRQ %s 0", verb);
}

/* --- protocol --- */

static void
handle_endianness (SvQtest *self, char **words)
{
  SEND (self, "OK little");
}

static const struct
{
  const char *name;
  guint min_arguments;
  guint max_arguments;
  void (*handle) (SvQtest *self, char **words);
} requests[] = {
  { "inb", 1, 1, handle_in },
  { "inw", 1, 1, handle_in },
  { "inl", 1, 1, handle_in },
  { "outb", 2, 2, handle_out },
  { "outw", 2, 2, handle_out },
  { "outl", 2, 2, handle_out },
  { "readb", 1, 1, handle_read_number },
  { "readw", 1, 1, handle_read_number },
  { "readl", 1, 1, handle_read_number },
  { "readq", 1, 1, handle_read_number },
  { "writeb", 2, 2, handle_write_number },
  { "writew", 2, 2, handle_write_number },
  { "writel", 2, 2, handle_write_number },
  { "writeq", 2, 2, handle_write_number },
  { "read", 2, 2, handle_read },
  { "write", 3, 3, handle_write },
  { "b64read", 2, 2, handle_b64read },
  { "b64write", 3, 3, handle_b64write },
  { "memset", 3, 3, handle_memset },
  { "clock_step", 0, 1, handle_clock_step },
  { "clock_set", 1, 1, handle_clock_set },
  { "irq_intercept_in", 1, 1, handle_intercept_in },
  { "irq_intercept_out", 1, 1, handle_intercept_out },
  { "endianness", 0, 0, handle_endianness },
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
  SvQtest *self = SV_QTEST (accel);

  for (guint i = 0; i < G_N_ELEMENTS (requests); i++)
    {
      if (strcmp (requests[i].name, words[0]) != 0)
        continue;
      if (n_words - 1 < requests[i].min_arguments || n_words - 1 > requests[i].max_arguments)
        SEND (self, "ERR '%s' takes %u to %u arguments", words[0], requests[i].min_arguments,
              requests[i].max_arguments);
      else
        requests[i].handle (self, words);
      return;
    }
  SEND (self, "FAIL Unknown command '%s'", words[0]);
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
