/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "src/block/sv-block-queue.h"

G_BEGIN_DECLS

/**
 * SvBlockIoOp:
 * @SV_BLOCK_IO_READ: preadv
 * @SV_BLOCK_IO_WRITE: pwritev, with RWF_DSYNC when the io has dsync set
 * @SV_BLOCK_IO_SYNC: fdatasync
 * @SV_BLOCK_IO_FALLOCATE: fallocate with the io's mode
 * @SV_BLOCK_IO_DISCARD: BLKDISCARD
 *
 * What engines do. Each is one system call (or its io_uring operation), and may do less than it was
 * asked for.
 */
typedef enum
{
  SV_BLOCK_IO_READ,
  SV_BLOCK_IO_WRITE,
  SV_BLOCK_IO_SYNC,
  SV_BLOCK_IO_FALLOCATE,
  SV_BLOCK_IO_DISCARD,
} SvBlockIoOp;

typedef struct _SvBlockEngine SvBlockEngine;

/**
 * SvBlockEngineUser:
 * @complete: @io is done, its result is set; may submit further ios
 * @begin: a run of completions that came from the context starts
 * @end: the run ends; the user flushes here
 *
 * How an engine calls back, always in its context.
 */
typedef struct
{
  void (*complete) (SvBlockIo *io, gpointer data);
  void (*begin) (gpointer data);
  void (*end) (gpointer data);
} SvBlockEngineUser;

/**
 * SvBlockEngineOps:
 * @submit: takes an io, without a system call
 * @flush: starts everything taken
 * @reap: completes what is done; with @wait blocks until something is. Without begin and end.
 * @free: frees the engine; nothing is in flight
 */
typedef struct
{
  void (*submit) (SvBlockEngine *engine, SvBlockIo *io);
  void (*flush) (SvBlockEngine *engine);
  void (*reap) (SvBlockEngine *engine, gboolean wait);
  void (*free) (SvBlockEngine *engine);
  const char *name;
} SvBlockEngineOps;

/**
 * SvBlockEngine:
 *
 * Runs ios for one queue. Plain C: first member of the implementation's struct.
 */
struct _SvBlockEngine
{
  const SvBlockEngineOps *ops;
  const SvBlockEngineUser *user;
  gpointer data;
  guint in_flight; /* taken and not completed */
};

/* Singly linked, first in first out. */
typedef struct
{
  SvBlockIo *head;
  SvBlockIo **tail;
} SvBlockIoList;

static inline void
sv_block_io_list_init (SvBlockIoList *list)
{
  list->head = NULL;
  list->tail = &list->head;
}

static inline void
sv_block_io_list_push (SvBlockIoList *list, SvBlockIo *io)
{
  io->next = NULL;
  *list->tail = io;
  list->tail = &io->next;
}

static inline SvBlockIo *
sv_block_io_list_pop (SvBlockIoList *list)
{
  SvBlockIo *io = list->head;

  if (io)
    {
      list->head = io->next;
      if (list->head == NULL)
        list->tail = &list->head;
    }
  return io;
}

G_END_DECLS
