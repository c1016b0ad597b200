/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-object.h"

G_BEGIN_DECLS

/**
 * SvChardev:
 *
 * A character back end (abstract): what a serial port, a console or a monitor talks through. Types
 * `chardev-stdio`, `-pty`, `-socket`, `-file`, `-null`. Completed = opened. It lives at /chardevs/<id> and runs on the
 * default main context. One front end attaches at a time.
 */
#define SV_TYPE_CHARDEV (sv_chardev_get_type ())
SV_API G_DECLARE_DERIVABLE_TYPE (SvChardev, sv_chardev, SV, CHARDEV, SvObject)

typedef enum
{
  SV_CHARDEV_OPENED, /* a peer is there */
  SV_CHARDEV_CLOSED, /* the peer went away */
  SV_CHARDEV_BREAK,
} SvChardevEvent;

/**
 * SvChardevFrontend:
 * @can_receive: how many bytes the front end takes now
 * @receive: bytes from the peer, never more than @can_receive said
 * @writable: the back end takes bytes again, after a short write
 * @event: see #SvChardevEvent
 *
 * All may be NULL; all run on the main thread, under the VM lock.
 */
typedef struct
{
  gsize (*can_receive) (gpointer opaque);
  void (*receive) (gpointer opaque, const guint8 *data, gsize length);
  void (*writable) (gpointer opaque);
  void (*event) (gpointer opaque, SvChardevEvent event);
} SvChardevFrontend;

/**
 * SvChardevStreamFunc:
 * @input: fd to read from; the callee owns it
 * @output: fd to write to; equal to @input for a socket or terminal, else owned by the callee too
 *
 * Takes one peer's byte stream away from the character device (for monitors).
 */
typedef void (*SvChardevStreamFunc) (SvChardev *self, int input, int output, gpointer opaque);

/**
 * SvChardevClass:
 * @write: hands bytes to the peer without blocking; returns how many were taken. A device
 *   without a peer takes (and drops) all.
 * @update_input: the front end's can_receive may have changed, or a front end came or went
 * @take_streams: the device gives each of its peers, present and future, to @func; FALSE when it cannot. A NULL @func
 *   ends that.
 * @end_stream: who took a stream has closed its descriptors, so the next peer can have one
 * @dup_filename: as query-chardev tells it: `pty:/dev/pts/3`, `unix:/run/s.sock,server=on`, `file`, `null`...
 */
struct _SvChardevClass
{
  SvObjectClass parent_class;

  gsize (*write) (SvChardev *self, const guint8 *data, gsize length);
  void (*update_input) (SvChardev *self);
  gboolean (*take_streams) (SvChardev *self, SvChardevStreamFunc func, gpointer opaque, GError **error);
  char *(*dup_filename) (SvChardev *self);
  void (*end_stream) (SvChardev *self);
  gpointer padding[5];
};

/**
 * SvChardevError:
 * @SV_CHARDEV_ERROR_OPEN: the host file, terminal or socket cannot be opened
 * @SV_CHARDEV_ERROR_ADDRESS: the address is malformed, unknown or taken
 * @SV_CHARDEV_ERROR_BUSY: the device has a front end already
 * @SV_CHARDEV_ERROR_UNSUPPORTED: this back end cannot do that
 *
 * What goes wrong with character devices.
 */
typedef enum
{
  SV_CHARDEV_ERROR_OPEN,
  SV_CHARDEV_ERROR_ADDRESS,
  SV_CHARDEV_ERROR_BUSY,
  SV_CHARDEV_ERROR_UNSUPPORTED,
} SvChardevError;

#define SV_CHARDEV_ERROR (sv_chardev_error_quark ())
SV_API GQuark sv_chardev_error_quark (void);
SV_API GType sv_chardev_error_get_type (void);

/*
 * Signal `quit-requested`: the person at this device asked to end the VM (Ctrl-A x on `chardev-stdio`). Main thread.
 */

/* Front end side */
SV_API gboolean sv_chardev_attach (SvChardev *self, const SvChardevFrontend *frontend, gpointer opaque, GError **error);
SV_API void sv_chardev_detach (SvChardev *self);
SV_API gsize sv_chardev_write (SvChardev *self, const guint8 *data, gsize length);
SV_API void sv_chardev_update_input (SvChardev *self);
/* As attach, but for monitors: every peer's stream goes to @func. */
SV_API gboolean sv_chardev_take_streams (SvChardev *self, SvChardevStreamFunc func, gpointer opaque, GError **error);
SV_API void sv_chardev_end_stream (SvChardev *self);
SV_API gboolean sv_chardev_is_attached (SvChardev *self);
SV_API gboolean sv_chardev_is_open (SvChardev *self); /* a peer is there */
SV_API char *sv_chardev_dup_filename (SvChardev *self);

/* Back end side */
SV_API gsize sv_chardev_can_receive (SvChardev *self);
SV_API void sv_chardev_receive (SvChardev *self, const guint8 *data, gsize length);
SV_API void sv_chardev_writable (SvChardev *self);
SV_API void sv_chardev_event (SvChardev *self, SvChardevEvent event);
SV_API void sv_chardev_request_quit (SvChardev *self); /* emits quit-requested */

/*
 * Makes a character device from the short form of -serial, -qmp and -monitor (`stdio`, `pty`, `null`, `file:PATH`,
 * `unix:PATH[,server=on][,wait=off]`, `tcp:HOST:PORT[,...]`) as a JsonObject of properties with member "backend"
 * for the type. `server`, `nowait` and `wait` count as the older boolean words.
 */
SV_API struct _JsonObject *sv_chardev_parse_short (const char *text, GError **error);

G_END_DECLS
