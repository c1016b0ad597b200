/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-log.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "src/runtime/sv-litter.h"

/* A call site may complain about the guest this often, and this many times at once. */
#define GUEST_INTERVAL_US (G_USEC_PER_SEC / 5)
#define GUEST_BURST 5

static const char *const level_names[] = { "error", "warning", "info", "debug", "trace" };

static SvLogLevel current_level = SV_LOG_LEVEL_WARNING;
static int log_fd = STDERR_FILENO;

static SvLogLevel
level_of (GLogLevelFlags flags)
{
  if (flags & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
    return SV_LOG_LEVEL_ERROR;
  if (flags & G_LOG_LEVEL_WARNING)
    return SV_LOG_LEVEL_WARNING;
  if (flags & (G_LOG_LEVEL_MESSAGE | G_LOG_LEVEL_INFO))
    return SV_LOG_LEVEL_INFO;
  return SV_LOG_LEVEL_DEBUG;
}

/*
 * Text from a guest or a peer must neither forge a line nor drive the terminal: further lines are
 * indented, control characters are shown as \xNN.
 */
static void
append_escaped (GString *line, const char *text, gssize length)
{
  const char *end = text + (length < 0 ? (gssize)strlen (text) : length);

  while (end > text && end[-1] == '\n')
    end--;
  for (; text < end; text++)
    {
      guchar c = (guchar)*text;

      if (c == '\n')
        g_string_append (line, "\n  ");
      /* U+0080 to U+009F, which are two bytes, are control characters as well. */
      else if ((c < 0x20 && c != '\t') || c == 0x7f
               || (c == 0xc2 && text + 1 < end && (guchar)text[1] >= 0x80 && (guchar)text[1] < 0xa0))
        g_string_append_printf (line, "\\x%02x", c);
      else
        g_string_append_c (line, (char)c);
    }
}

/* Returns FALSE when it would have to wait. */
static gboolean
write_if_ready (const char *text, gsize length)
{
  struct pollfd pollfd = { .fd = log_fd, .events = POLLOUT };

  while (length > 0)
    {
      gssize n;

      /* A pipe that is ready takes PIPE_BUF bytes at once. */
      if (poll (&pollfd, 1, 0) == 0)
        return FALSE;
      n = write (log_fd, text, MIN (length, PIPE_BUF));
      if (n < 0 && errno == EINTR)
        continue;
      if (n <= 0)
        return TRUE;
      text += n;
      length -= (gsize)n;
    }
  return TRUE;
}

/* Who logs may hold the VM lock: a reader who does not read, or a terminal that is halted, loses messages and does not
 * stop the VM. */
static void
write_line (const GString *line)
{
  static GMutex mutex;
  static guint n_lost;

  g_mutex_lock (&mutex);
  if (n_lost > 0)
    {
      g_autofree char *note
          = g_strdup_printf ("%s: %u messages are missing here: nobody read them\n", G_LOG_DOMAIN, n_lost);

      if (write_if_ready (note, strlen (note)))
        n_lost = 0;
    }
  if (n_lost > 0 || !write_if_ready (line->str, line->len))
    n_lost++;
  g_mutex_unlock (&mutex);
}

static GLogWriterOutput
log_writer (GLogLevelFlags flags, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  SvLogLevel level = level_of (flags);
  const char *message = NULL, *domain = NULL;
  gssize message_length = -1;
  g_autoptr (GString) line = NULL;
  char stamp[32] = "";
  struct timespec now;
  struct tm tm;

  for (gsize i = 0; i < n_fields; i++)
    {
      if (g_strcmp0 (fields[i].key, "MESSAGE") == 0)
        {
          message = fields[i].value;
          message_length = fields[i].length;
        }
      else if (g_strcmp0 (fields[i].key, "GLIB_DOMAIN") == 0 && fields[i].length < 0)
        domain = fields[i].value;
      else if (g_strcmp0 (fields[i].key, "SV_GUEST") == 0)
        level = SV_LOG_LEVEL_WARNING;
    }

  if (level > sv_log_get_level ())
    return G_LOG_WRITER_HANDLED;

  /* The libraries' chatter is of use to those who trace. */
  if (level == SV_LOG_LEVEL_DEBUG && sv_log_get_level () < SV_LOG_LEVEL_TRACE
      && g_strcmp0 (domain, G_LOG_DOMAIN) != 0)
    return G_LOG_WRITER_HANDLED;

  /* Not GDateTime: it looks at the time zone's file again and again. */
  clock_gettime (CLOCK_REALTIME, &now);
  if (localtime_r (&now.tv_sec, &tm) != NULL)
    strftime (stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &tm);
  line = g_string_sized_new (160);
  g_string_append_printf (line, "%s.%03ld %s: %s: ", stamp, now.tv_nsec / 1000000,
                          domain != NULL ? domain : G_LOG_DOMAIN, level_names[level]);
  append_escaped (line, message != NULL ? message : "", message_length);
  g_string_append_c (line, '\n');

  /* One write a line, so that the lines of several threads or processes do not mix. */
  write_line (line);
  return G_LOG_WRITER_HANDLED;
}

static gboolean
parse_level (const char *text, SvLogLevel *level, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (level_names); i++)
    {
      if (g_ascii_strcasecmp (text, level_names[i]) == 0)
        {
          *level = (SvLogLevel)i;
          return TRUE;
        }
    }
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT,
               "STRATOVIRT_LOG_LEVEL is '%s'; it must be error, warning, info, debug or trace",
               text);
  return FALSE;
}

/**
 * sv_log_init:
 * @file: (nullable) (type filename): file to append to, %NULL for standard error
 * @error: return location for an error
 *
 * Makes every message of the process go to @file, or to standard error, when its level is not below
 * the environment's `STRATOVIRT_LOG_LEVEL`: `error`, `warning` (the default), `info`, `debug` or
 * `trace` (the debugging messages of the libraries as well). For programs, not for libraries; a
 * later call changes file and level.
 *
 * Returns: %FALSE when the file cannot be opened or the level is unknown; nothing has changed then
 */
gboolean
sv_log_init (const char *file, GError **error)
{
  static gsize installed;
  const char *text = g_getenv ("STRATOVIRT_LOG_LEVEL");
  SvLogLevel level = SV_LOG_LEVEL_WARNING;
  int fd = STDERR_FILENO;

  if (text != NULL && *text != '\0' && !parse_level (text, &level, error))
    return FALSE;

  if (file != NULL)
    {
      /* A named pipe without a reader is an error, no reason to wait; a reader that is slow may be waited for. */
      fd = sv_litter_open (file, O_WRONLY | O_APPEND | O_CREAT | O_NOCTTY | O_NONBLOCK, 0640);
      if (fd < 0 || fcntl (fd, F_SETFL, O_APPEND) < 0)
        {
          int saved_errno = errno;

          g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved_errno),
                       "cannot open log file '%s': %s", file,
                       saved_errno == ENXIO ? "nobody reads this named pipe"
                                            : g_strerror (saved_errno));
          return FALSE;
        }
    }

  tzset ();
  if (log_fd != STDERR_FILENO)
    close (log_fd);
  log_fd = fd;
  __atomic_store_n (&current_level, level, __ATOMIC_RELAXED);

  if (g_once_init_enter (&installed))
    {
      g_log_set_writer_func (log_writer, NULL, NULL);
      g_once_init_leave (&installed, 1);
    }
  return TRUE;
}

/**
 * sv_log_get_level:
 *
 * Returns: the most verbose level that is written
 */
SvLogLevel
sv_log_get_level (void)
{
  return __atomic_load_n (&current_level, __ATOMIC_RELAXED);
}

/**
 * sv_log_get_fd: (skip)
 *
 * Returns: the file that messages are written to
 */
int
sv_log_get_fd (void)
{
  return log_fd;
}

/*
 * The state is the time at which the call site's allowance would be used up were it to go on at the
 * allowed rate (the generic cell rate algorithm); one word, so threads need no lock for it.
 */
static gboolean
take_allowance (gint64 *state, gboolean *last)
{
  gint64 now = g_get_monotonic_time ();
  gint64 full = __atomic_load_n (state, __ATOMIC_RELAXED);
  gint64 wanted;

  do
    {
      if (full > now + (GUEST_BURST - 1) * GUEST_INTERVAL_US)
        return FALSE;
      wanted = MAX (full, now) + GUEST_INTERVAL_US;
    }
  while (!__atomic_compare_exchange_n (state, &full, wanted, TRUE, __ATOMIC_RELAXED,
                                       __ATOMIC_RELAXED));

  *last = wanted > now + (GUEST_BURST - 1) * GUEST_INTERVAL_US;
  return TRUE;
}

/**
 * sv_log_limited:
 * @state: what has been logged lately; starts as 0
 * @who: what did it: `guest`, `peer`
 * @format: printf format
 * @...: its arguments
 *
 * Warns of something a guest or a peer did, unless that was done often in the last second: neither must
 * be able to fill the disk. Used by sv_log_guest() and sv_log_peer().
 */
void
sv_log_limited (gint64 *state, const char *who, const char *format, ...)
{
  g_autofree char *message = NULL;
  gboolean last;
  va_list args;

  if (sv_log_get_level () < SV_LOG_LEVEL_WARNING || !take_allowance (state, &last))
    return;

  va_start (args, format);
  message = g_strdup_vprintf (format, args);
  va_end (args);
  /* What a guest does is no programming error: never let G_DEBUG=fatal-warnings stop the process.
   */
  g_log_structured (G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "SV_GUEST", "1", "MESSAGE", "%s: %s%s", who,
                    message, last ? " (repeated; not shown every time)" : "");
}
