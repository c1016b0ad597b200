/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "tests/unit/block-fixture.h"

G_BEGIN_DECLS

/* Tests of an image that run with each engine, with and without O_DIRECT. */
typedef struct
{
  SvBlockAio aio;
  gboolean direct;
} BlockVariant;

typedef struct
{
  const char *name;
  void (*func) (gconstpointer data); /* a BlockVariant */
} BlockVariantTest;

/* As /block/file/ENGINE/direct/NAME or .../cached/NAME */
void block_variant_add_tests (const BlockVariantTest *tests, guint n_tests);
/* An image that is punched by discard requests */
void block_variant_set_up (BlockFixture *self, const BlockVariant *variant, guint64 size);

void block_test_assert_zero (const guint8 *data, gsize size);

G_END_DECLS
