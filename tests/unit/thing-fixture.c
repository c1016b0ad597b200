/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "thing-fixture.h"

#include "qom/sv-type-registry.h"

GType
test_aio_get_type (void)
{
  static GType type;
  static const GEnumValue values[] = {
    { TEST_AIO_THREADS, "TEST_AIO_THREADS", "threads" },
    { TEST_AIO_IO_URING, "TEST_AIO_IO_URING", "io_uring" },
    { TEST_AIO_NATIVE, "TEST_AIO_NATIVE", "native" },
    { 0, NULL, NULL },
  };

  if (type == 0)
    type = g_enum_register_static ("SvTestAio", values);
  return type;
}

G_DEFINE_FINAL_TYPE (TestThing, test_thing, SV_TYPE_OBJECT)

static GParamSpec *props[N_PROPS];

static void
test_thing_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  TestThing *self = TEST_THING (object);

  if (prop_id == PROP_LINK)
    g_value_set_object (value, self->link);
  else if (G_IS_VALUE (&self->values[prop_id]))
    g_value_copy (&self->values[prop_id], value);
  else
    g_param_value_set_default (pspec, value);
}

static void
test_thing_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  TestThing *self = TEST_THING (object);

  if (prop_id == PROP_LINK)
    {
      sv_object_set_link (SV_OBJECT (self), pspec, &self->link, g_value_get_object (value));
      return;
    }
  if (!G_IS_VALUE (&self->values[prop_id]))
    g_value_init (&self->values[prop_id], pspec->value_type);
  g_value_copy (value, &self->values[prop_id]);
}

static void
test_thing_finalize (GObject *object)
{
  TestThing *self = TEST_THING (object);

  for (guint i = 0; i < N_PROPS; i++)
    if (G_IS_VALUE (&self->values[i]))
      g_value_unset (&self->values[i]);
  G_OBJECT_CLASS (test_thing_parent_class)->finalize (object);
}

static void
test_thing_class_init (TestThingClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags rw = SV_PARAM_RW;

  object_class->get_property = test_thing_get_property;
  object_class->set_property = test_thing_set_property;
  object_class->finalize = test_thing_finalize;

  props[PROP_FLAG] = g_param_spec_boolean ("flag", "flag", "A flag", TRUE, rw);
  props[PROP_CPUS] = g_param_spec_uint ("cpus", "cpus", "CPUs", 1, 254, 1, SV_PARAM_RW_WIRING);
  props[PROP_SIGNED] = g_param_spec_int ("signed", "signed", "", -10, 10, -1, rw);
  props[PROP_BIG] = g_param_spec_uint64 ("big", "big", "", 0, G_MAXUINT64, G_MAXUINT64, rw);
  props[PROP_BYTE] = g_param_spec_uchar ("byte", "byte", "", 0, 255, 0, rw);
  props[PROP_CHAR] = g_param_spec_char ("char", "char", "", -128, 127, 0, rw);
  props[PROP_INT64] = g_param_spec_int64 ("int64", "int64", "", G_MININT64, G_MAXINT64, 0, rw);
  props[PROP_LONG] = g_param_spec_long ("long", "long", "", -5, 5, 0, rw);
  props[PROP_ULONG] = g_param_spec_ulong ("ulong", "ulong", "", 0, 5, 0, rw);
  props[PROP_SIZE] = g_param_spec_uint64 ("size", "size", "", 0, 1ULL << 40, 0, rw | SV_PARAM_SIZE);
  props[PROP_MEM] = g_param_spec_uint64 ("mem", "mem", "", 128 << 20, 512ULL << 30, 256 << 20,
                                         rw | SV_PARAM_SIZE_MIB);
  props[PROP_AIO]
      = g_param_spec_enum ("aio", "aio", "", test_aio_get_type (), TEST_AIO_IO_URING, rw);
  props[PROP_NAME] = g_param_spec_string ("name", "name", "", NULL, rw);
  props[PROP_LINK] = g_param_spec_object ("link", "link", "", TEST_TYPE_THING, rw);
  props[PROP_LIST] = g_param_spec_boxed ("list", "list", "", G_TYPE_STRV, rw);
  props[PROP_RATIO] = g_param_spec_double ("ratio", "ratio", "", 0, 1, 0.5, rw);
  props[PROP_ANY] = g_param_spec_boxed ("any", "any", "", JSON_TYPE_NODE, rw);
  props[PROP_DIRECT] = g_param_spec_boolean ("cache-direct", "cache.direct", "", FALSE, rw);
  props[PROP_ONCE]
      = g_param_spec_string ("once", "once_only", "", "x", rw | G_PARAM_CONSTRUCT_ONLY);
  props[PROP_STATE] = g_param_spec_uint ("state", "state", "", 0, 70000, 7, SV_PARAM_RO);
  props[PROP_SECRET] = g_param_spec_string ("secret", "secret", "", NULL, rw | SV_PARAM_INTERNAL);
  props[PROP_WRITE_ONLY] = g_param_spec_uint ("write-only", "write-only", "", 0, 65535, 0,
                                              G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
test_thing_init (TestThing *self)
{
}

static GType
test_abstract_get_type (void)
{
  static GType type;

  if (type == 0)
    type = g_type_register_static_simple (SV_TYPE_OBJECT, "TestAbstract", sizeof (SvObjectClass),
                                          NULL, sizeof (SvObject), NULL, G_TYPE_FLAG_ABSTRACT);
  return type;
}

static const SvTypeEntry entries[] = {
  { "thing", test_thing_get_type, NULL },
  { "container", sv_object_get_type, NULL },
  { "abstract", test_abstract_get_type, NULL },
};

void
thing_fixture_set_up (ThingFixture *f, gconstpointer data)
{
  SvObject *objects;

  f->root = sv_object_new_container ();
  objects = sv_object_ensure_container (f->root, "objects");
  f->self = g_object_new (TEST_TYPE_THING, NULL);
  f->other = g_object_new (TEST_TYPE_THING, NULL);
  sv_object_add_child (objects, "self", f->self, NULL);
  sv_object_add_child (objects, "o.1", f->other, NULL);
  g_object_unref (f->self);
  g_object_unref (f->other);
}

void
thing_fixture_tear_down (ThingFixture *f, gconstpointer data)
{
  g_object_unref (f->root);
}

void
thing_fixture_register_types (void)
{
  sv_type_registry_add (entries, G_N_ELEMENTS (entries));
}
