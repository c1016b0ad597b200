/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What a piece of work costs: system calls, counted by a tracer, and allocations. */

#pragma once

#include <glib.h>

typedef struct
{
  void (*set_up) (gpointer data);
  void (*run) (gpointer data, guint n); /* does the work @n times */
  void (*tear_down) (gpointer data);    /* may be %NULL */
} CostFuncs;

/* All but the allocations per piece of work. */
typedef struct
{
  double all;
  double io;   /* io_uring_enter(), readv(), writev() */
  double poll; /* poll(), ppoll() */
  guint n_allocations;
} Cost;

/* Counts, in a child process, while the work is done @n times. */
Cost cost_measure (const char *what, const CostFuncs *funcs, gpointer data, guint n);

/* That allocations by other libraries are seen at all. */
void cost_test_counter (void);
