/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-api.h"

G_BEGIN_DECLS

/*
 * Interrupts as a test sees them: what lines are asserted, which edges and messages came and were not asked for yet.
 * Lines from SV_TEST_FIRST_ROUTE on send messages.
 */
#define SV_TEST_N_LINES 24u
#define SV_TEST_FIRST_ROUTE 32u

typedef struct _SvTestIrqs SvTestIrqs;
/* Main thread, VM lock held */
typedef void (*SvTestLineFunc) (gpointer opaque, guint gsi, gboolean level);

SvTestIrqs *sv_test_irqs_new (SvTestLineFunc changed, gpointer opaque);
void sv_test_irqs_free (SvTestIrqs *self);
void sv_test_irqs_reset (SvTestIrqs *self); /* forgets edges and messages */
void sv_test_irqs_set (SvTestIrqs *self, guint gsi, gboolean level);
void sv_test_irqs_send (SvTestIrqs *self, guint64 address, guint32 data);
guint sv_test_irqs_add_route (SvTestIrqs *self, guint64 address, guint32 data);
void sv_test_irqs_update_route (SvTestIrqs *self, guint gsi, guint64 address, guint32 data);
void sv_test_irqs_remove_route (SvTestIrqs *self, guint gsi);
void sv_test_irqs_connect_fd (SvTestIrqs *self, guint gsi, int fd);
void sv_test_irqs_disconnect_fd (SvTestIrqs *self, guint gsi, int fd);

/* Takes what was written to eventfds so far; the test is about to look. */
void sv_test_irqs_observe (SvTestIrqs *self);
/* Whether the line is asserted, or an edge came that nobody has seen to. */
gboolean sv_test_irqs_query_line (SvTestIrqs *self, guint gsi);
/* Ends one interrupt of the line; FALSE: there was none. */
gboolean sv_test_irqs_end_line (SvTestIrqs *self, guint gsi);
/* Whether the message came since it was last asked for. */
gboolean sv_test_irqs_take_message (SvTestIrqs *self, guint64 address, guint32 data);

G_END_DECLS
