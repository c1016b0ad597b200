/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/chardev/sv-chardev.h"

/* A back end whose peer is the test: what it takes shows in @output, as much as @room says. */
#define TEST_TYPE_CHARDEV (test_chardev_get_type ())
G_DECLARE_FINAL_TYPE (TestChardev, test_chardev, TEST, CHARDEV, SvChardev)

struct _TestChardev
{
  SvChardev parent_instance;

  GString *output;
  gsize room;
  guint n_writes;
  GString *input; /* delivered as the front end takes it */
};

/* Delivers as much of the input as the front end takes now. */
void test_chardev_deliver (TestChardev *self);
/* Takes and forgets the output. */
void test_chardev_assert_output (TestChardev *self, const char *expected);

/* A front end that records. */
typedef struct
{
  GString *received;
  gsize room;
  guint n_writable;
  guint n_opened;
  guint n_closed;
  guint n_breaks;
} TestFrontend;

extern const SvChardevFrontend test_frontend;
void test_frontend_init (TestFrontend *self);
void test_frontend_clear (TestFrontend *self);

/* Runs the main loop until @condition holds; a test that waits for ever ends by its timeout. */
#define run_until(condition)                                                                       \
  G_STMT_START                                                                                     \
  {                                                                                                \
    while (!(condition))                                                                           \
      g_main_context_iteration (NULL, TRUE);                                                       \
  }                                                                                                \
  G_STMT_END
/* Runs what is ready now. Returns how many rounds that took. */
guint run_ready (void);

/* A back end of wire name @type with properties from a JSON object, at /chardevs/@id below @root; NULL and @error set when it
 * cannot be completed. (transfer full) */
SvChardev *make_chardev (SvObject *root, const char *type, const char *id, const char *json, GError **error);
