/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-mod-test.h"

#include <string.h>

#include "src/accel/sv-test-words.h"
#include "src/memory/sv-memory-backend.h"
#include "src/runtime/sv-clock.h"

#define HEX64 "0x%016" G_GINT64_MODIFIER "x"
#define RAM_BASE 0x40000000u
#define RAM_SIZE 0x20000000u
/* Below the machine's RAM and registers, and below what the test maps */
#define RAM_PRIORITY -2

struct _SvModTest
{
  SvTestAccel parent_instance;

  SvMemoryRegion *ram;
};

G_DEFINE_FINAL_TYPE (SvModTest, sv_mod_test, SV_TYPE_TEST_ACCEL)

#define ACCESS(self) (sv_test_accel_get_access (SV_TEST_ACCEL (self)))
#define MEMORY(self) (sv_accel_get_memory (SV_ACCEL (self)))
#define SEND(self, ...) sv_test_accel_send (SV_TEST_ACCEL (self), __VA_ARGS__)

static gboolean
get_number (SvModTest *self, const char *word, guint base, guint64 *value)
{
  if (sv_test_parse_number (word, base, value))
    return TRUE;
  SEND (self, "ERR '%s' is no number of base %u", word, base);
  return FALSE;
}

/* Address and length, and memory for what is there. (transfer full) (nullable) */
static guint8 *
get_range (SvModTest *self, char **words, guint64 *address, gsize *length)
{
  guint64 size;

  if (!get_number (self, words[1], 16, address) || !get_number (self, words[2], 16, &size))
    return NULL;
  if (size > SV_TEST_MAX_LENGTH)
    {
      SEND (self, "ERR length %s: at most %u bytes", words[2], SV_TEST_MAX_LENGTH);
      return NULL;
    }
  *length = size;
  return g_malloc0 (MAX (size, 1));
}

static guint
size_of (char letter)
{
  return letter == 'b' ? 1 : letter == 'w' ? 2 : letter == 'l' ? 4 : 8;
}

static void
handle_read_number (SvModTest *self, char **words)
{
  guint64 address;

  if (get_number (self, words[1], 16, &address))
    SEND (self, "OK " HEX64,
          sv_test_access_read_number (ACCESS (self), MEMORY (self), address, size_of (words[0][4])));
}

static void
handle_write_number (SvModTest *self, char **words)
{
  guint64 address, value;

  if (!get_number (self, words[1], 16, &address) || !get_number (self, words[2], 16, &value))
    return;
  sv_test_access_write_number (ACCESS (self), MEMORY (self), address, value, size_of (words[0][5]));
  SEND (self, "OK");
}

static void
handle_read (SvModTest *self, char **words)
{
  guint64 address;
  gsize length;
  g_autofree guint8 *data = get_range (self, words, &address, &length);
  g_autofree char *text = NULL;

  if (data == NULL)
    return;
  sv_test_access_read (ACCESS (self), MEMORY (self), address, data, length);
  text = sv_test_encode_hex (data, length);
  SEND (self, "OK 0x%s", text);
}

static void
handle_write (SvModTest *self, char **words)
{
  guint64 address;
  gsize length;
  g_autofree guint8 *data = get_range (self, words, &address, &length);

  if (data == NULL)
    return;
  if (sv_test_decode_hex (words[3], data, length) != (gssize)length)
    {
      SEND (self, "ERR the data must be %" G_GSIZE_FORMAT " bytes in digits", length);
      return;
    }
  sv_test_access_write (ACCESS (self), MEMORY (self), address, data, length);
  SEND (self, "OK");
}

static void
handle_memset (SvModTest *self, char **words)
{
  g_autofree guint8 *pattern = g_malloc (strlen (words[3]));
  gssize n = sv_test_decode_hex (words[3], pattern, strlen (words[3]));
  guint64 address;
  gsize length;
  g_autofree guint8 *data = get_range (self, words, &address, &length);

  if (data == NULL)
    return;
  if (n <= 0)
    {
      SEND (self, "ERR pattern '%s': bytes in digits are expected", words[3]);
      return;
    }
  for (gsize i = 0; i < length; i++)
    data[i] = pattern[i % (gsize)n];
  sv_test_access_write (ACCESS (self), MEMORY (self), address, data, length);
  SEND (self, "OK");
}

static void
handle_clock_step (SvModTest *self, char **words)
{
  gint64 target = sv_clock_get_next_deadline ();
  guint64 step;

  if (words[1] != NULL)
    {
      if (!get_number (self, words[1], 10, &step))
        return;
      target = sv_clock_get_ns () + (gint64)MIN (step, G_MAXINT64 / 2);
    }
  sv_clock_advance (target);
  SEND (self, "OK %" G_GINT64_FORMAT, sv_clock_get_ns ());
}

static void
handle_clock_set (SvModTest *self, char **words)
{
  guint64 target;

  if (!get_number (self, words[1], 10, &target))
    return;
  sv_clock_advance ((gint64)MIN (target, G_MAXINT64 / 2));
  SEND (self, "OK %" G_GINT64_FORMAT, sv_clock_get_ns ());
}

static void
send_truth (SvModTest *self, gboolean truth)
{
  SEND (self, "OK %s", truth ? "TRUE" : "FALSE");
}

static void
handle_query_msix (SvModTest *self, char **words)
{
  guint64 address, data;

  if (get_number (self, words[1], 10, &address) && get_number (self, words[2], 10, &data))
    send_truth (self, sv_test_irqs_take_message (sv_test_accel_get_irqs (SV_TEST_ACCEL (self)),
                                                 address, (guint32)data));
}

static void
handle_intx (SvModTest *self, char **words)
{
  SvTestIrqs *irqs = sv_test_accel_get_irqs (SV_TEST_ACCEL (self));
  guint64 gsi;

  if (!get_number (self, words[1], 10, &gsi))
    return;
  gsi = MIN (gsi, G_MAXUINT32);
  send_truth (self, *words[0] == 'q' ? sv_test_irqs_query_line (irqs, (guint)gsi)
                                     : sv_test_irqs_end_line (irqs, (guint)gsi));
}

static const struct
{
  const char *name;
  guint min_arguments;
  guint max_arguments;
  void (*handle) (SvModTest *self, char **words);
} requests[] = {
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
  { "memset", 3, 3, handle_memset },
  { "clock_step", 0, 1, handle_clock_step },
  { "clock_set", 1, 1, handle_clock_set },
  { "query_msix", 2, 2, handle_query_msix },
  { "query_intx", 1, 1, handle_intx },
  { "eoi_intx", 1, 1, handle_intx },
};

/*
 * A test sends a request and waits for the reply, so what came is one request; only the data of a long `write` come in
 * several pieces. Who ends requests with LF may send several.
 */
static gsize
sv_mod_test_find_request (SvTestAccel *accel, const char *data, gsize length)
{
  const char *end = memchr (data, '\n', length);
  g_auto (GStrv) words = NULL;
  guint64 size;
  gsize digits;

  if (end != NULL)
    return (gsize)(end - data) + 1;
  if (!g_str_has_prefix (data, "write "))
    return length;
  words = g_strsplit (data, " ", 4);
  if (g_strv_length (words) < 4)
    return 0;
  digits = strlen (words[3]) - (g_str_has_prefix (words[3], "0x") ? 2 : 0);
  if (!sv_test_parse_number (words[2], 16, &size) || size > SV_TEST_MAX_LENGTH)
    return length;
  return digits >= 2 * size ? length : 0;
}

static void
sv_mod_test_handle_request (SvTestAccel *accel, char **words, guint n_words)
{
  SvModTest *self = SV_MOD_TEST (accel);

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
  SEND (self, "Unsupported command: %s", words[0]);
}

static gboolean
sv_mod_test_open (SvAccel *accel, GError **error)
{
  SvModTest *self = SV_MOD_TEST (accel);
  g_autoptr (SvObject) backend
      = g_object_new (sv_memory_backend_ram_get_type (), "size", (guint64)RAM_SIZE, NULL);

  if (!sv_object_add_child (SV_OBJECT (self), "ram", backend, error)
      || !sv_object_complete (backend, error))
    return FALSE;
  self->ram = sv_memory_region_new_ram ("test-ram", SV_MEMORY_BACKEND (backend));
  sv_memory_region_add (sv_address_space_get_root (sv_accel_get_memory (accel)), RAM_BASE, self->ram,
                        RAM_PRIORITY);
  return SV_ACCEL_CLASS (sv_mod_test_parent_class)->open (accel, error);
}

static void
sv_mod_test_dispose (GObject *object)
{
  SvModTest *self = SV_MOD_TEST (object);

  if (self->ram != NULL)
    sv_memory_region_remove (sv_address_space_get_root (sv_accel_get_memory (SV_ACCEL (self))),
                             self->ram);
  g_clear_object (&self->ram);
  G_OBJECT_CLASS (sv_mod_test_parent_class)->dispose (object);
}

static void
sv_mod_test_class_init (SvModTestClass *klass)
{
  SvTestAccelClass *test_class = SV_TEST_ACCEL_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = sv_mod_test_dispose;
  SV_ACCEL_CLASS (klass)->open = sv_mod_test_open;
  test_class->find_request = sv_mod_test_find_request;
  test_class->handle_request = sv_mod_test_handle_request;
}

static void
sv_mod_test_init (SvModTest *self)
{
}
