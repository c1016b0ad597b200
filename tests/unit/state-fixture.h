/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/migration/sv-migratable.h"

/* The state of @object, which it must have. (transfer full) */
GVariant *state_dup (SvObject *object);
/* Saves @from, loads that into @to, saves @to: the same, but for times ("x"), which go on. */
void state_copy (SvObject *from, SvObject *to);
/* As above for several objects: all are loaded before any hears of that. */
void state_copy_all (SvObject *const *from, SvObject *const *to, guint n);
/* @state with what is at @path ("0/2/1": by number of the child) replaced; @value may be floating. (transfer full) */
GVariant *state_replace (GVariant *state, const char *path, GVariant *value);
/* @to takes @object's state with that replacement not, and the error's message matches @pattern. */
void state_assert_refused (SvObject *object, SvObject *to, const char *path, GVariant *value, const char *pattern);
/*
 * Loads @from's state into @to again and again, each time with one value replaced by an extreme one, or an array cut or grown.
 * Returns how many of these were refused.
 */
guint state_torture (SvObject *from, SvObject *to);
