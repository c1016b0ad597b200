/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib-object.h>

/* The types of the QMP fixture. None of them touches the host. */
void qmp_fixture_register_types (void);

GType test_machine_get_type (void);
