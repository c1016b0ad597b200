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

typedef struct
{
  double calls;        /* for each piece of work, but for those of the test: send() */
  guint n_allocations; /* in all */
} Cost;

/* Counts, in a child process, while the work is done @n times. With `-m perf`, also tells instructions. */
Cost cost_measure (const char *what, const CostFuncs *funcs, gpointer data, guint n);

/*
 * Runs the default context as the program does, until @on_interrupt returns FALSE. It is called when @irq_fd, which
 * the interrupts of a device go to, was written to. As a driver in a guest it costs the program nothing.
 */
void cost_run_loop (int irq_fd, gboolean (*on_interrupt) (gpointer data), gpointer data);

/* That allocations by other libraries are seen at all. */
void cost_test_counter (void);
