/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-property.h"

/* Two objects, `/objects/self` and `/objects/o.1`, of a class (`thing`) with a property of every kind. */

typedef enum
{
  TEST_AIO_THREADS,
  TEST_AIO_IO_URING,
  TEST_AIO_NATIVE,
} TestAio;

GType test_aio_get_type (void);

/* A class with a property of every kind; it keeps GValues and nothing else. */
#define TEST_TYPE_THING (test_thing_get_type ())
G_DECLARE_FINAL_TYPE (TestThing, test_thing, TEST, THING, SvObject)

enum
{
  PROP_0,
  PROP_FLAG,
  PROP_CPUS,
  PROP_SIGNED,
  PROP_BIG,
  PROP_BYTE,
  PROP_CHAR,
  PROP_INT64,
  PROP_LONG,
  PROP_ULONG,
  PROP_SIZE,
  PROP_MEM,
  PROP_AIO,
  PROP_NAME,
  PROP_LINK,
  PROP_LIST,
  PROP_RATIO,
  PROP_ANY,
  PROP_DIRECT,
  PROP_ONCE,
  PROP_STATE,
  PROP_SECRET,
  PROP_WRITE_ONLY,
  N_PROPS
};

struct _TestThing
{
  SvObject parent_instance;
  SvObject *link;
  GValue values[N_PROPS];
};

typedef struct
{
  SvObject *root;
  SvObject *self;
  SvObject *other;
} ThingFixture;

void thing_fixture_register_types (void);
void thing_fixture_set_up (ThingFixture *f, gconstpointer data);
void thing_fixture_tear_down (ThingFixture *f, gconstpointer data);

#define THING_TEST(path, func)                                                                                         \
  g_test_add ("/qom/property/" path, ThingFixture, NULL, thing_fixture_set_up, func, thing_fixture_tear_down)
