/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "hw/core/sv-machine.h"
#include "qmp/sv-qmp-server.h"

/*
 * A tree with a machine that has no processors (`test-machine`), types `test-device` and
 * `test-object`, a QMP server and clients on socket pairs. Everything runs on the default main
 * context.
 */
typedef struct
{
  int fd;
  GString *received;
} QmpClient;

typedef struct
{
  SvObject *root;
  SvMachine *machine;
  SvQmpServer *server;
  QmpClient client;
} QmpFixture;

/* @data: the machine's name, or NULL. */
void qmp_fixture_set_up (QmpFixture *fixture, gconstpointer data);
void qmp_fixture_tear_down (QmpFixture *fixture, gconstpointer data);

/* A further client; its greeting was read. */
void qmp_client_connect (QmpFixture *fixture, QmpClient *client);
void qmp_client_close (QmpClient *client);
void qmp_client_send (QmpClient *client, const char *text);
/* The next line without CR LF, whose presence it checks; runs the main loop until it is there. */
char *qmp_client_read_line (QmpClient *client);
/* The same with the time of an event replaced by T. */
char *qmp_client_read_event (QmpClient *client);
void qmp_client_assert_line (QmpClient *client, const char *expected);
void qmp_client_assert_reply (QmpClient *client, const char *command, const char *expected);
/* Runs the main loop until the server closed the connection. */
void qmp_client_assert_closed (QmpClient *client);
/* Runs what is ready in the main loop. */
void qmp_run_pending (void);

/* What the next realize of a test-device does. */
extern gboolean qmp_test_device_fails;
extern gboolean qmp_test_device_is_busy;

GType test_object_get_type (void);
