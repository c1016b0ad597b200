/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * SvCpuLayout:
 * @model: (nullable): processor model and its switches, as `-cpu` names them; %NULL: `host`
 * @sockets: how many sockets there are, at least 1
 * @dies: dies in a socket, at least 1
 * @cores: cores in a die, at least 1
 * @threads: hardware threads in a core, at least 1
 *
 * What the processors of a machine are, and how they are arranged. Processor number N is thread N % @threads of core
 * N / @threads % @cores, and so on.
 */
typedef struct
{
  const char *model;
  guint sockets;
  guint dies;
  guint cores;
  guint threads;
} SvCpuLayout;

G_END_DECLS
