/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/smbios/sv-smbios-table.h"

#include <string.h>

#include "hw/core/sv-vm-tree.h"
#include "qom/sv-type-registry.h"
#include "src/migration/sv-migratable.h"

/* Fields by QEMU's names. Those that are not set read NULL, or the default of their kind. */
typedef enum
{
  FIELD_TEXT,
  FIELD_UINT16,
  FIELD_FLAG,
  FIELD_LIST,
} SvSmbiosFieldKind;

typedef struct
{
  const char *name;
  const char *blurb;
  SvSmbiosFieldKind kind;
  guint value; /* default of a number */
  const char *wire_name; /* where it is another one */
} SvSmbiosField;

static const SvSmbiosField fields_0[] = {
  { "vendor", "Maker of the firmware", FIELD_TEXT, 0, NULL },
  { "version", "Version of the firmware", FIELD_TEXT, 0, NULL },
  { "date", "Date of the firmware: MM/DD/YYYY", FIELD_TEXT, 0, NULL },
  { "release", "Release of the firmware: MAJOR.MINOR", FIELD_TEXT, 0, NULL },
  { "uefi", "Whether the firmware is UEFI", FIELD_FLAG, 0, NULL },
};
static const SvSmbiosField fields_1[] = {
  { "manufacturer", "Maker of the system", FIELD_TEXT, 0, NULL },
  { "product", "Name of the system", FIELD_TEXT, 0, NULL },
  { "version", "Version of the system", FIELD_TEXT, 0, NULL },
  { "serial", "Serial number of the system", FIELD_TEXT, 0, NULL },
  { "uuid", "UUID of the system; default: the machine's", FIELD_TEXT, 0, NULL },
  { "sku", "Order number of the system", FIELD_TEXT, 0, NULL },
  { "family", "Family of the system", FIELD_TEXT, 0, NULL },
};
static const SvSmbiosField fields_2[] = {
  { "manufacturer", "Maker of the board", FIELD_TEXT, 0, NULL },
  { "product", "Name of the board", FIELD_TEXT, 0, NULL },
  { "version", "Version of the board", FIELD_TEXT, 0, NULL },
  { "serial", "Serial number of the board", FIELD_TEXT, 0, NULL },
  { "asset", "Asset tag of the board", FIELD_TEXT, 0, NULL },
  { "location", "Where in the chassis the board is", FIELD_TEXT, 0, NULL },
};
static const SvSmbiosField fields_3[] = {
  { "manufacturer", "Maker of the chassis", FIELD_TEXT, 0, NULL },
  { "version", "Version of the chassis", FIELD_TEXT, 0, NULL },
  { "serial", "Serial number of the chassis", FIELD_TEXT, 0, NULL },
  { "asset", "Asset tag of the chassis", FIELD_TEXT, 0, NULL },
  { "sku", "Order number of the chassis", FIELD_TEXT, 0, NULL },
};
static const SvSmbiosField fields_4[] = {
  { "sock-pfx", "What names of sockets begin with", FIELD_TEXT, 0, "sock_pfx" },
  { "manufacturer", "Maker of the processors", FIELD_TEXT, 0, NULL },
  { "version", "Version of the processors", FIELD_TEXT, 0, NULL },
  { "max-speed", "Highest speed of the sockets in MHz", FIELD_UINT16, 2000, NULL },
  { "current-speed", "Speed of the processors at boot in MHz", FIELD_UINT16, 2000, NULL },
  { "serial", "Serial number of the processors", FIELD_TEXT, 0, NULL },
  { "asset", "Asset tag of the processors", FIELD_TEXT, 0, NULL },
  { "part", "Part number of the processors", FIELD_TEXT, 0, NULL },
};
static const SvSmbiosField fields_11[] = {
  { "value", "A text for the guest; may be given several times", FIELD_LIST, 0, NULL },
};
static const SvSmbiosField fields_17[] = {
  { "loc-pfx", "What names of memory devices begin with", FIELD_TEXT, 0, "loc_pfx" },
  { "bank", "Bank of the memory devices", FIELD_TEXT, 0, NULL },
  { "manufacturer", "Maker of the memory devices", FIELD_TEXT, 0, NULL },
  { "serial", "Serial number of the memory devices", FIELD_TEXT, 0, NULL },
  { "asset", "Asset tag of the memory devices", FIELD_TEXT, 0, NULL },
  { "part", "Part number of the memory devices", FIELD_TEXT, 0, NULL },
  { "speed", "Speed of the memory devices in MT/s; 0: unknown", FIELD_UINT16, 0, NULL },
};

typedef struct
{
  const SvSmbiosField *fields;
  guint n_fields;
  const char *name;
} Spec;

#define SPEC(number)                                                                               \
  static const Spec spec_##number                                                                  \
      = { fields_##number, G_N_ELEMENTS (fields_##number), "SvSmbiosType" #number };               \
  GType sv_smbios_type##number##_get_type (void)                                                  \
  {                                                                                                \
    static gsize type;                                                                             \
                                                                                                   \
    if (g_once_init_enter (&type))                                                                 \
      g_once_init_leave (&type, register_type (&spec_##number));                                   \
    return type;                                                                                   \
  }

typedef struct
{
  GValue *values; /* by property id less 1 */
} SvSmbiosTablePrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (SvSmbiosTable, sv_smbios_table, SV_TYPE_OBJECT)

#define PRIV(self) ((SvSmbiosTablePrivate *)sv_smbios_table_get_instance_private (self))

static void
sv_smbios_table_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_copy (&PRIV (SV_SMBIOS_TABLE (object))->values[id - 1], value);
}

static void
sv_smbios_table_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  g_value_copy (value, &PRIV (SV_SMBIOS_TABLE (object))->values[id - 1]);
}

static void
sv_smbios_table_finalize (GObject *object)
{
  SvSmbiosTable *self = SV_SMBIOS_TABLE (object);

  for (guint i = 0; i < SV_SMBIOS_TABLE_GET_CLASS (self)->n_fields; i++)
    g_value_unset (&PRIV (self)->values[i]);
  g_free (PRIV (self)->values);
  G_OBJECT_CLASS (sv_smbios_table_parent_class)->finalize (object);
}

/* There is one structure of each type, but any number of texts. */
static gboolean
sv_smbios_table_complete (SvObject *object, GError **error)
{
  SvObject *parent = sv_object_get_parent (object);
  GType type = G_OBJECT_TYPE (object);

  for (guint i = 0; parent != NULL && type != sv_smbios_type11_get_type () && i < sv_object_get_n_children (parent); i++)
    {
      SvObject *other = sv_object_get_nth_child (parent, i);

      if (other == object || G_OBJECT_TYPE (other) != type)
        continue;
      g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_EXISTS, "There is a '%s' already; a machine has one at most",
                   sv_type_registry_get_display_name (type));
      return FALSE;
    }
  return TRUE;
}

static void
sv_smbios_table_class_init (SvSmbiosTableClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sv_smbios_table_finalize;
  SV_OBJECT_CLASS (klass)->complete = sv_smbios_table_complete;
  SV_OBJECT_CLASS (klass)->container = SV_MACHINE_PARTS;
}

static void
sv_smbios_table_init (SvSmbiosTable *self)
{
}

/* --- leaf types --- */

static GParamSpec *
new_property (const SvSmbiosField *field)
{
  const char *nick = field->wire_name != NULL ? field->wire_name : field->name;

  switch (field->kind)
    {
    case FIELD_UINT16:
      return g_param_spec_uint (field->name, nick, field->blurb, 0, G_MAXUINT16, field->value,
                                SV_PARAM_RW_WIRING);
    case FIELD_FLAG:
      return g_param_spec_boolean (field->name, nick, field->blurb, field->value != 0,
                                   SV_PARAM_RW_WIRING);
    case FIELD_LIST:
      return g_param_spec_boxed (field->name, nick, field->blurb, G_TYPE_STRV, SV_PARAM_RW_WIRING);
    default:
      return g_param_spec_string (field->name, nick, field->blurb, NULL, SV_PARAM_RW_WIRING);
    }
}

static void
leaf_class_init (gpointer klass, gpointer data)
{
  const Spec *spec = data;

  SV_SMBIOS_TABLE_CLASS (klass)->fields = spec->fields;
  SV_SMBIOS_TABLE_CLASS (klass)->n_fields = spec->n_fields;
  /* These are not inherited. */
  G_OBJECT_CLASS (klass)->get_property = sv_smbios_table_get_property;
  G_OBJECT_CLASS (klass)->set_property = sv_smbios_table_set_property;
  for (guint i = 0; i < spec->n_fields; i++)
    g_object_class_install_property (klass, i + 1, new_property (&spec->fields[i]));
}

static void
leaf_init (GTypeInstance *instance, gpointer klass)
{
  const SvSmbiosTableClass *table_class = klass;
  const SvSmbiosField *fields = table_class->fields;
  SvSmbiosTablePrivate *priv = PRIV (SV_SMBIOS_TABLE (instance));

  priv->values = g_new0 (GValue, table_class->n_fields);
  for (guint i = 0; i < table_class->n_fields; i++)
    {
      GParamSpec *pspec = g_object_class_find_property (klass, fields[i].name);

      g_value_init (&priv->values[i], G_PARAM_SPEC_VALUE_TYPE (pspec));
      g_param_value_set_default (pspec, &priv->values[i]);
    }
}

static GType
register_type (const Spec *spec)
{
  const GTypeInfo info = {
    .class_size = sizeof (SvSmbiosTableClass),
    .class_init = leaf_class_init,
    .class_data = spec,
    .instance_size = sizeof (SvSmbiosTable),
    .instance_init = leaf_init,
  };

  const GType type = g_type_register_static (SV_TYPE_SMBIOS_TABLE, spec->name, &info, G_TYPE_FLAG_FINAL);

  sv_migratable_add_reason (type, "all of it comes from properties", NULL);
  return type;
}

SPEC (0)
SPEC (1)
SPEC (2)
SPEC (3)
SPEC (4)
SPEC (11)
SPEC (17)

/* --- for who builds structures --- */

static const GValue *
find (SvSmbiosTable *self, const char *name)
{
  const SvSmbiosTableClass *klass = self != NULL ? SV_SMBIOS_TABLE_GET_CLASS (self) : NULL;
  const SvSmbiosField *fields = klass != NULL ? klass->fields : NULL;

  for (guint i = 0; klass != NULL && i < klass->n_fields; i++)
    if (strcmp (fields[i].name, name) == 0)
      return &PRIV (self)->values[i];
  return NULL;
}

const char *
sv_smbios_table_get_text (SvSmbiosTable *self, const char *name, const char *otherwise)
{
  const GValue *value = find (self, name);
  const char *text = value != NULL ? g_value_get_string (value) : NULL;

  return text != NULL ? text : otherwise;
}

guint
sv_smbios_table_get_uint (SvSmbiosTable *self, const char *name, guint otherwise)
{
  const GValue *value = find (self, name);

  if (value == NULL)
    return otherwise;
  return G_VALUE_HOLDS_BOOLEAN (value) ? (guint)g_value_get_boolean (value) : g_value_get_uint (value);
}

const char *const *
sv_smbios_table_get_list (SvSmbiosTable *self, const char *name)
{
  const GValue *value = find (self, name);

  return value != NULL ? g_value_get_boxed (value) : NULL;
}
