/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/block/sv-block-file.h"

G_BEGIN_DECLS

/* An image in the build folder (not on a tmpfs, which may lack O_DIRECT), removed with the fixture.
 */
typedef struct
{
  char *path;
  SvBlockNode *node;
  SvBlockQueue *queue;
} BlockFixture;

#define BLOCK_TEST_DEPTH 32

void block_fixture_set_up (BlockFixture *self, guint64 size, const char *first_property, ...);
void block_fixture_tear_down (BlockFixture *self);
/* One request, from submission to done; the main context runs meanwhile. */
int block_fixture_run (
    BlockFixture *self, SvBlockOp op, guint64 offset, gpointer buffer, guint64 length);
int block_fixture_run_full (BlockFixture *self, SvBlockRequest *request);
/* What the file holds, read without the node; @size bytes, aligned to 4096. Freed with free(). */
guint8 *block_fixture_peek (BlockFixture *self, guint64 offset, gsize size);
guint8 *block_test_alloc (gsize size, guint seed);

SvBlockNode *block_test_open (const char *path, GError **error, const char *first_property, ...);
char *block_test_make_file (guint64 size);

/* From now on this process gets @error from system call @number. */
void block_test_forbid (guint number, int error);

G_END_DECLS
