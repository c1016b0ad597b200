/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <sys/socket.h>

#include "tests/unit/chardev-fixture.h"

/* A character device `chardev-socket`, a folder for its socket, and the peer at the other end. */
typedef struct
{
  SvObject *root;
  char *dir;
  char *path;
  TestFrontend frontend;
  SvChardev *chardev;
  GArray *streams; /* of int: what a monitor got */
} SocketFixture;

void socket_fixture_set_up (SocketFixture *f, gconstpointer data);
void socket_fixture_tear_down (SocketFixture *f, gconstpointer data);
#define SOCKET_FIXTURE_ADD(path, func)                                                                                 \
  g_test_add (path, SocketFixture, NULL, socket_fixture_set_up, func, socket_fixture_tear_down)

/* Makes the device from JSON properties, or awaits that these are refused with a message that has @word in it. */
void socket_fixture_make (SocketFixture *f, const char *format, ...) G_GNUC_PRINTF (2, 3);
void socket_fixture_assert_refused (SocketFixture *f, const char *word, const char *format, ...) G_GNUC_PRINTF (3, 4);
/* Makes one that listens at the fixture's path. */
void socket_fixture_serve (SocketFixture *f);
void socket_fixture_attach (SocketFixture *f);
/* Takes the device away. */
void socket_fixture_drop (SocketFixture *f);
void socket_fixture_assert_filename (SocketFixture *f, const char *expected);
/* The device takes all of it. */
void socket_fixture_write_text (SocketFixture *f, const char *text);

/* @use: connect() or bind() */
int unix_socket (const char *path, int (*use) (int, const struct sockaddr *, socklen_t));
/* A peer that connects to the fixture's path */
int socket_fixture_call (SocketFixture *f);
void send_text (int fd, const char *text);
void assert_reads (int fd, const char *expected);
