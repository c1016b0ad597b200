/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

/* ACPI tables as ACPICA's compiler understands them. */

/* Runs it in @directory; it has no errors and no warnings. @output: (out) (transfer full) */
void iasl_run (const char *directory, const char *option, const char *file, char **output);
void iasl_write_table (const char *directory, const char *name, const guint8 *table, gsize length);
void iasl_remove_directory (const char *directory);
/* Disassembles and compiles again: nothing to complain of, and the same bytes come out. */
void iasl_check (const char *name, const guint8 *table, gsize length);
