/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* SMBIOS structures, read as a guest reads them. */

#include "hw/smbios/sv-smbios.h"

#include <string.h>

#include "hw/smbios/sv-smbios-table.h"
#include "qom/sv-type-registry.h"
#include "src/sv-type-list.h"

#define GIB (1ull << 30)
#define ADDRESS 0xf4020u

#define TEST_TYPE_MACHINE (test_machine_get_type ())
G_DECLARE_FINAL_TYPE (TestMachine, test_machine, TEST, MACHINE, SvMachine)

struct _TestMachine
{
  SvMachine parent_instance;
};

G_DEFINE_FINAL_TYPE (TestMachine, test_machine, SV_TYPE_MACHINE)

static void
test_machine_init (TestMachine *self)
{
}

static void
test_machine_class_init (TestMachineClass *klass)
{
  SV_MACHINE_CLASS (klass)->no_guest = TRUE;
}

typedef struct
{
  SvMachine *machine;
  GByteArray *anchor;
  GByteArray *tables;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->machine = g_object_new (TEST_TYPE_MACHINE, "cpus", 8, "sockets", 2, "cores", 2, "threads", 2, NULL);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->anchor, g_byte_array_unref);
  g_clear_pointer (&f->tables, g_byte_array_unref);
  g_object_unref (f->machine);
}

/* As -smbios does */
static void
say (Fixture *f, const char *type, const char *json)
{
  g_autoptr (JsonNode) node = json_from_string (json, NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (SvObject) part
      = sv_object_new_from_json (type, SV_TYPE_SMBIOS_TABLE, json_node_get_object (node), NULL, &error);

  g_assert_no_error (error);
  sv_object_add_child_numbered (sv_object_ensure_container (SV_OBJECT (f->machine), "parts"), "part", part);
}

static gboolean
build (Fixture *f, GError **error)
{
  static const SvSmbiosRange ram[] = { { 0, 2 * GIB }, { 4 * GIB, 31 * GIB } };
  const SvSmbiosConfig config = { ADDRESS, ram, G_N_ELEMENTS (ram) };

  return sv_smbios_build (f->machine, &config, &f->anchor, &f->tables, error);
}

static guint64
get_le (const guint8 *at, guint size)
{
  guint64 value = 0;

  memcpy (&value, at, size);
  return GUINT64_FROM_LE (value);
}

/* Number @n of the strings behind a structure */
static const char *
text (const guint8 *structure, guint n)
{
  const char *p = (const char *)structure + structure[1];

  if (n == 0)
    return NULL;
  for (; n > 1; n--)
    {
      g_assert_cmpstr (p, !=, "");
      p += strlen (p) + 1;
    }
  return p;
}

static const guint8 *
next (const guint8 *structure)
{
  const guint8 *p = structure + structure[1];

  while (p[0] != 0 || p[1] != 0)
    p++;
  return p + 2;
}

/* Number @n of the structures of a type; NULL: there are less */
static const guint8 *
find (Fixture *f, guint type, guint n)
{
  const guint8 *p = f->tables->data;

  for (; p < f->tables->data + f->tables->len; p = next (p))
    if (p[0] == type && n-- == 0)
      return p;
  return NULL;
}

static void
test_anchor (Fixture *f, gconstpointer data)
{
  g_autoptr (GHashTable) handles = g_hash_table_new (NULL, NULL);
  const guint8 *p;
  guint8 sum = 0;

  g_assert_true (build (f, NULL));
  p = f->anchor->data;
  g_assert_cmpuint (f->anchor->len, ==, 24);
  g_assert_cmpmem (p, 5, "_SM3_", 5);
  for (guint i = 0; i < p[6]; i++)
    sum += p[i];
  g_assert_cmpuint (sum, ==, 0);
  g_assert_cmpuint (p[7], ==, 3);
  g_assert_cmpuint (get_le (p + 12, 4), ==, f->tables->len);
  g_assert_cmphex (get_le (p + 16, 8), ==, ADDRESS);

  /* Whole structures one behind the other, each handle once, the last of type 127 */
  for (p = f->tables->data; p[0] != 127; p = next (p))
    g_assert_true (g_hash_table_add (handles, GUINT_TO_POINTER (get_le (p + 2, 2))));
  g_assert_true (next (p) == f->tables->data + f->tables->len);
}

static void
test_defaults (Fixture *f, gconstpointer data)
{
  const guint8 *p;

  g_assert_false (sv_smbios_is_wanted (f->machine));
  g_assert_true (build (f, NULL));
  p = find (f, 1, 0);
  g_assert_cmpstr (text (p, p[4]), ==, "StratoVirt");
  g_assert_cmpuint (get_le (p + 8, 8), ==, 0);
  g_assert_null (find (f, 2, 0));
  g_assert_null (find (f, 11, 0));

  /* Two sockets of two cores with two threads each */
  p = find (f, 4, 1);
  g_assert_cmpstr (text (p, p[4]), ==, "CPU 1");
  g_assert_cmpuint (p[0x23], ==, 2);
  g_assert_cmpuint (p[0x25], ==, 4);
  g_assert_cmpuint (get_le (p + 0x2e, 2), ==, 4);
  g_assert_null (find (f, 4, 2));

  /* 33 GiB: two devices of 16 GiB, one of 1 */
  p = find (f, 16, 0);
  g_assert_cmpuint (get_le (p + 7, 4), ==, 33ull << 20);
  g_assert_cmpuint (get_le (p + 13, 2), ==, 3);
  p = find (f, 17, 2);
  g_assert_cmpuint (get_le (p + 12, 2), ==, 1024);
  g_assert_null (find (f, 17, 3));
  p = find (f, 19, 1);
  g_assert_cmpuint (get_le (p + 4, 4), ==, 4ull << 20);
  g_assert_cmpuint (get_le (p + 8, 4), ==, (35ull << 20) - 1);
}

static void
test_values (Fixture *f, gconstpointer data)
{
  static const guint8 uuid[16]
      = { 0x2c, 0x9f, 0x6a, 0x4e, 0xd1, 0x30, 0x53, 0x4b, 0x9f, 0x0e, 0x6d, 0x2f, 0x0c, 0x1b, 0x7a, 0x55 };
  const guint8 *p;

  g_object_set (f->machine, "uuid", "4e6a9f2c-30d1-4b53-9f0e-6d2f0c1b7a55", NULL);
  g_assert_true (sv_smbios_is_wanted (f->machine));
  say (f, "smbios-type-0", "{'vendor':'V','version':'W','date':'02/03/2026','release':'4.5','uefi':true}");
  say (f, "smbios-type-1", "{'manufacturer':'M','product':'P','serial':'S','sku':'K','family':'F'}");
  say (f, "smbios-type-2", "{'product':'board','asset':'tag','location':'slot'}");
  say (f, "smbios-type-3", "{'serial':'chassis','sku':'c'}");
  say (f, "smbios-type-4", "{'sock_pfx':'Socket','max-speed':3500,'part':'x'}");
  say (f, "smbios-type-11", "{'value':['one','two']}");
  say (f, "smbios-type-11", "{'value':['three']}");
  say (f, "smbios-type-17", "{'bank':'b','speed':3200}");
  g_assert_true (build (f, NULL));

  p = find (f, 0, 0);
  g_assert_cmpstr (text (p, p[4]), ==, "V");
  g_assert_cmpstr (text (p, p[5]), ==, "W");
  g_assert_cmpstr (text (p, p[8]), ==, "02/03/2026");
  g_assert_cmphex (p[0x13] & 0x18, ==, 0x18);
  g_assert_cmpuint (p[0x14], ==, 4);
  g_assert_cmpuint (p[0x15], ==, 5);
  p = find (f, 1, 0);
  g_assert_cmpstr (text (p, p[4]), ==, "M");
  g_assert_cmpstr (text (p, p[5]), ==, "P");
  g_assert_cmpstr (text (p, p[7]), ==, "S");
  g_assert_cmpmem (p + 8, 16, uuid, 16);
  g_assert_cmpstr (text (p, p[0x19]), ==, "K");
  g_assert_cmpstr (text (p, p[0x1a]), ==, "F");
  p = find (f, 2, 0);
  g_assert_cmpstr (text (p, p[5]), ==, "board");
  g_assert_cmpstr (text (p, p[8]), ==, "tag");
  g_assert_cmpstr (text (p, p[10]), ==, "slot");
  g_assert_true (get_le (p + 11, 2) == get_le (find (f, 3, 0) + 2, 2));
  p = find (f, 3, 0);
  g_assert_cmpstr (text (p, p[7]), ==, "chassis");
  g_assert_cmpstr (text (p, p[0x15]), ==, "c");
  p = find (f, 4, 0);
  g_assert_cmpstr (text (p, p[4]), ==, "Socket 0");
  g_assert_cmpuint (get_le (p + 0x14, 2), ==, 3500);
  g_assert_cmpuint (get_le (p + 0x16, 2), ==, 2000);
  g_assert_cmpstr (text (p, p[0x22]), ==, "x");
  p = find (f, 11, 0);
  g_assert_cmpuint (p[4], ==, 3);
  g_assert_cmpstr (text (p, 3), ==, "three");
  p = find (f, 17, 0);
  g_assert_cmpstr (text (p, p[17]), ==, "b");
  g_assert_cmpuint (get_le (p + 0x15, 2), ==, 3200);
}

static void
test_errors (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) many = g_string_new ("{'value':['x'");

  say (f, "smbios-type-0", data == NULL ? "{}" : data);
  if (data != NULL)
    {
      g_assert_false (build (f, &error));
      g_assert_cmpstr (error->message, ==, "-smbios type=0,release= expects MAJOR.MINOR, each up to 255, got '1.256'");
      return;
    }
  for (guint i = 0; i < 255; i++)
    g_string_append (many, ",'x'");
  g_string_append (many, "]}");
  say (f, "smbios-type-11", many->str);
  g_assert_false (build (f, &error));
  g_assert_nonnull (strstr (error->message, "type=11,value= expects at most 255 texts"));
  g_clear_error (&error);
  say (f, "smbios-type-1", "{'uuid':'4e6a'}");
  g_assert_false (build (f, &error));
  g_assert_nonnull (strstr (error->message, "type=1,uuid= expects a UUID"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  sv_type_list_register ();
#define ADD(path, func, data) g_test_add (path, Fixture, data, set_up, func, tear_down)
  ADD ("/smbios/anchor", test_anchor, NULL);
  ADD ("/smbios/defaults", test_defaults, NULL);
  ADD ("/smbios/values", test_values, NULL);
  ADD ("/smbios/errors/release", test_errors, "{'release':'1.256'}");
  ADD ("/smbios/errors/others", test_errors, NULL);
  return g_test_run ();
}
