/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/accel/sv-test-accel.h"

G_BEGIN_DECLS

/* Requests of test protocols. */

/**
 * SvTestRequest:
 * @name: first word
 * @min_arguments: words that follow it, at least
 * @max_arguments: and at most
 * @handle: answers it
 * @base: of its numbers, see sv_test_get_number()
 */
typedef struct
{
  const char *name;
  guint min_arguments;
  guint max_arguments;
  void (*handle) (SvTestAccel *accel, char **words, guint base);
  guint base;
} SvTestRequest;

/* Answers the request unless it is none of @requests. */
gboolean sv_test_handle_request (SvTestAccel *accel,
                                 const SvTestRequest *requests,
                                 gsize n_requests,
                                 char **words,
                                 guint n_words);

/* @base: 10, 16 (0x may stand before it), 0: as in C. FALSE: @word is none, and the test was told. */
gboolean sv_test_get_number (SvTestAccel *accel, const char *word, guint base, guint64 *value);
/* Address and length, the second and third word, and zeroed memory for what is there. NULL: they are none, and the test was
 * told. (transfer full) (nullable) */
guint8 *sv_test_get_range (
    SvTestAccel *accel, char **words, guint base, guint64 *address, gsize *length);
/* Bytes that the last letter of `readb` stands for */
guint sv_test_size_of (char letter);

/* What the protocols have in common: read, readb to readq, writeb to writeq, clock_step and clock_set */
void sv_test_read (SvTestAccel *accel, char **words, guint base);
void sv_test_read_number (SvTestAccel *accel, char **words, guint base);
void sv_test_write_number (SvTestAccel *accel, char **words, guint base);
void sv_test_clock_step (SvTestAccel *accel, char **words, guint base);
void sv_test_clock_set (SvTestAccel *accel, char **words, guint base);

G_END_DECLS
