/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Registers of an MC146818A: clock, interrupt flags and memory, apart from machine, main loop and clock. @host is the host's
 * time, microseconds since 1970, UTC.
 */
#define SV_MC146818_N_REGISTERS 128

typedef struct
{
  guint8 registers[SV_MC146818_N_REGISTERS]; /* those of the time only count while the clock stands */
  gint64 offset;         /* guest's time minus host's */
  gint64 snapshot;       /* guest's time */
  gint64 snapshot_until; /* 0: none */
  gint64 flags_until;    /* guest's time up to which register C is worked out */
  gboolean was_set;      /* by the guest, since somebody cleared this */
} SvMc146818;

void sv_mc146818_init (SvMc146818 *self, gint64 host);
/* The time and the memory have a battery. */
void sv_mc146818_reset (SvMc146818 *self, gint64 host);
/* @index: below SV_MC146818_N_REGISTERS */
guint8 sv_mc146818_read (SvMc146818 *self, guint index, gint64 host);
void sv_mc146818_write (SvMc146818 *self, guint index, guint8 value, gint64 host);
/* Sees what happened up to now. */
void sv_mc146818_run (SvMc146818 *self, gint64 host);
/* Level of the interrupt line */
gboolean sv_mc146818_has_interrupt (const SvMc146818 *self);
/* Microseconds until the next event that interrupts; -1: none */
gint64 sv_mc146818_get_delay (SvMc146818 *self, gint64 host);

/* Times of a guest, microseconds since 1970, are within this before and after: the year 9999 is. */
#define SV_MC146818_MAX_TIME G_GINT64_CONSTANT (400000000000000000)
/* Floating, "(ayxxxx)": registers, time of the guest, and up to when what is worked out. */
GVariant *sv_mc146818_dup_state (const SvMc146818 *self, gint64 host);
/* The guest's time goes on @elapsed microseconds later. */
gboolean
sv_mc146818_load_state (SvMc146818 *self, GVariant *state, gint64 host, gint64 elapsed, GError **error);

G_END_DECLS
