/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-mod-test.h"

#include <string.h>

#include "src/accel/sv-test-requests.h"
#include "src/accel/sv-test-words.h"
#include "src/memory/sv-memory-backend.h"
#include "src/migration/sv-migratable.h"
#include "src/runtime/sv-clock.h"

#define RAM_BASE 0x40000000u
#define RAM_SIZE 0x20000000u
/* Below the machine's RAM and registers, and below what the test maps */
#define RAM_PRIORITY -2

struct _SvModTest
{
  SvTestAccel parent_instance;

  SvMemoryRegion *ram;
};

G_DEFINE_FINAL_TYPE_WITH_CODE (SvModTest, sv_mod_test, SV_TYPE_TEST_ACCEL,
                               SV_MIGRATABLE_STATELESS ("a test has what state there is"))

#define ACCESS(accel) (sv_test_accel_get_access (accel))
#define MEMORY(accel) (sv_accel_get_memory (SV_ACCEL (accel)))
#define SEND sv_test_accel_send

static void
handle_write (SvTestAccel *accel, char **words, guint base)
{
  guint64 address;
  gsize length;
  g_autofree guint8 *data = sv_test_get_range (accel, words, base, &address, &length);

  if (data == NULL)
    return;
  if (sv_test_decode_hex (words[3], data, length) != (gssize)length)
    {
      SEND (accel, "ERR the data must be %" G_GSIZE_FORMAT " bytes in digits", length);
      return;
    }
  sv_test_access_write (ACCESS (accel), MEMORY (accel), address, data, length);
  SEND (accel, "OK");
}

static void
handle_memset (SvTestAccel *accel, char **words, guint base)
{
  g_autofree guint8 *pattern = g_malloc (strlen (words[3]));
  gssize n = sv_test_decode_hex (words[3], pattern, strlen (words[3]));
  guint64 address;
  gsize length;
  g_autofree guint8 *data = sv_test_get_range (accel, words, base, &address, &length);

  if (data == NULL)
    return;
  if (n <= 0)
    {
      SEND (accel, "ERR pattern '%s': bytes in digits are expected", words[3]);
      return;
    }
  for (gsize i = 0; i < length; i++)
    data[i] = pattern[i % (gsize)n];
  sv_test_access_write (ACCESS (accel), MEMORY (accel), address, data, length);
  SEND (accel, "OK");
}

static void
send_truth (SvTestAccel *accel, gboolean truth)
{
  SEND (accel, "OK %s", truth ? "TRUE" : "FALSE");
}

static void
handle_query_msix (SvTestAccel *accel, char **words, guint base)
{
  guint64 address, data;

  if (sv_test_get_number (accel, words[1], base, &address)
      && sv_test_get_number (accel, words[2], base, &data))
    send_truth (accel, sv_test_irqs_take_message (sv_test_accel_get_irqs (accel),
                                                 address, (guint32)data));
}

static void
handle_intx (SvTestAccel *accel, char **words, guint base)
{
  SvTestIrqs *irqs = sv_test_accel_get_irqs (accel);
  guint64 gsi;

  if (!sv_test_get_number (accel, words[1], base, &gsi))
    return;
  gsi = MIN (gsi, G_MAXUINT32);
  send_truth (accel, *words[0] == 'q' ? sv_test_irqs_query_line (irqs, (guint)gsi)
                                     : sv_test_irqs_end_line (irqs, (guint)gsi));
}

static const SvTestRequest requests[] = {
  { "readb", 1, 1, sv_test_read_number, 16 },
  { "readw", 1, 1, sv_test_read_number, 16 },
  { "readl", 1, 1, sv_test_read_number, 16 },
  { "readq", 1, 1, sv_test_read_number, 16 },
  { "writeb", 2, 2, sv_test_write_number, 16 },
  { "writew", 2, 2, sv_test_write_number, 16 },
  { "writel", 2, 2, sv_test_write_number, 16 },
  { "writeq", 2, 2, sv_test_write_number, 16 },
  { "read", 2, 2, sv_test_read, 16 },
  { "write", 3, 3, handle_write, 16 },
  { "memset", 3, 3, handle_memset, 16 },
  { "clock_step", 0, 1, sv_test_clock_step, 10 },
  { "clock_set", 1, 1, sv_test_clock_set, 10 },
  { "query_msix", 2, 2, handle_query_msix, 10 },
  { "query_intx", 1, 1, handle_intx, 10 },
  { "eoi_intx", 1, 1, handle_intx, 10 },
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
  if (!sv_test_handle_request (accel, requests, G_N_ELEMENTS (requests), words, n_words))
    SEND (accel, "Unsupported command: %s", words[0]);
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
