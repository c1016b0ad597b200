/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/sv-client-private.h"
#include "client/sv-json-string.h"
#include "svctl/svctl-commands.h"

#define DEFAULT_SECONDS 2

/* Counters of a processor, disk or card, and what they were last time. */
typedef struct
{
  const char *kind;
  char *path;
  JsonObject *counters;
} Row;

typedef struct
{
  GPtrArray *rows;
  gint64 time;
} Sample;

/* Network cards tell by properties. */
static const char *const card_counters[] = { "rx-packets", "rx-bytes", "rx-dropped", "tx-packets", "tx-bytes", "tx-dropped" };
static const char *const disk_counters[] = { "rd_operations", "rd_bytes", "wr_operations", "wr_bytes" };

static void
row_free (gpointer data)
{
  Row *row = data;

  g_free (row->path);
  json_object_unref (row->counters);
  g_free (row);
}

static void
sample_free (Sample *sample)
{
  if (sample == NULL)
    return;
  g_ptr_array_unref (sample->rows);
  g_free (sample);
}

static JsonObject *
add_row (Sample *sample, const char *kind, const char *path)
{
  Row *row = g_new0 (Row, 1);

  row->kind = kind;
  row->path = g_strdup (path);
  row->counters = json_object_new ();
  g_ptr_array_add (sample->rows, row);
  return row->counters;
}

/* Microseconds that a thread of this host has run (proc(5)); -1: there is none. */
static gint64
read_cpu_time (gint64 thread)
{
  g_autofree char *path = g_strdup_printf ("/proc/%" G_GINT64_FORMAT "/stat", thread);
  g_autofree char *text = NULL;
  unsigned long user;
  unsigned long kernel;
  const char *at;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return -1;
  /* The name, in parentheses, may hold anything. */
  at = strrchr (text, ')');
  if (at == NULL
      || sscanf (at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel) != 2)
    return -1;
  return (gint64)(user + kernel) * (G_USEC_PER_SEC / sysconf (_SC_CLK_TCK));
}

static gboolean
sample_processors (Svctl *self, Sample *sample, GError **error)
{
  g_autoptr (JsonNode) reply = svctl_execute (self, "query-cpus-fast", NULL, error);
  JsonArray *array = reply != NULL ? json_node_get_array (reply) : NULL;
  gboolean here = !g_str_has_prefix (self->socket, "tcp:");

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonObject *info = json_array_get_object_element (array, i);
      gint64 thread = json_object_get_int_member_with_default (info, "thread-id", -1);
      gint64 time = here ? read_cpu_time (thread) : -1;
      JsonObject *row = add_row (sample, "cpu", sv_json_get_string (info, "qom-path", ""));

      json_object_set_int_member (row, "index", json_object_get_int_member_with_default (info, "cpu-index", i));
      if (time >= 0)
        json_object_set_int_member (row, "time", time);
    }
  return reply != NULL;
}

static gboolean
sample_disks (Svctl *self, Sample *sample, GError **error)
{
  g_autoptr (JsonNode) reply = svctl_execute (self, "query-blockstats", NULL, error);
  JsonArray *array = reply != NULL ? json_node_get_array (reply) : NULL;

  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonObject *info = json_array_get_object_element (array, i);
      JsonObject *stats = json_object_get_object_member (info, "stats");
      const char *path = sv_json_get_string (info, "qdev", "");
      JsonObject *row = add_row (sample, "disk", path);

      for (guint n = 0; n < G_N_ELEMENTS (disk_counters); n++)
        json_object_set_int_member (row, disk_counters[n],
                                    json_object_get_int_member_with_default (stats, disk_counters[n], 0));
    }
  return reply != NULL;
}

static void
sample_cards (SvRemoteObject *object, Sample *sample)
{
  g_auto (GStrv) names = sv_remote_object_list_values (object);
  JsonObject *row = NULL;

  for (guint n = 0; n < G_N_ELEMENTS (card_counters); n++)
    {
      const GValue *value = NULL;

      if (g_strv_contains ((const char *const *)names, card_counters[n]))
        value = sv_remote_object_get_value (object, card_counters[n], NULL, NULL);
      if (value == NULL || !G_VALUE_HOLDS_INT64 (value))
        continue;
      if (row == NULL)
        row = add_row (sample, "net", sv_remote_object_get_path (object));
      json_object_set_int_member (row, card_counters[n], g_value_get_int64 (value));
    }
  for (guint i = 0; i < sv_remote_object_get_n_children (object); i++)
    {
      g_autoptr (SvRemoteObject) child = sv_remote_object_get_nth_child (object, i);

      sample_cards (child, sample);
    }
}

static Sample *
take_sample (Svctl *self, SvRemoteMachine *machine, GError **error)
{
  Sample *sample = g_new0 (Sample, 1);

  sample->rows = g_ptr_array_new_with_free_func (row_free);
  sample->time = g_get_monotonic_time ();
  if (sample_processors (self, sample, error) && sample_disks (self, sample, error))
    {
      g_autoptr (SvRemoteObject) devices = sv_remote_object_get_child (SV_REMOTE_OBJECT (machine), "peripheral");
      g_autoptr (SvRemoteObject) nameless = sv_remote_object_get_child (SV_REMOTE_OBJECT (machine), "peripheral-anon");

      if (devices != NULL)
        sample_cards (devices, sample);
      if (nameless != NULL)
        sample_cards (nameless, sample);
      return sample;
    }
  sample_free (sample);
  return NULL;
}

/* What came of it */

static JsonObject *
find_counters (Sample *sample, Row *like)
{
  for (guint i = 0; i < sample->rows->len; i++)
    {
      Row *row = g_ptr_array_index (sample->rows, i);

      if (strcmp (row->path, like->path) == 0 && strcmp (row->kind, like->kind) == 0)
        return row->counters;
    }
  return NULL;
}

static JsonObject *
compare (Row *row, JsonObject *before, double seconds)
{
  JsonObject *object = json_object_new ();
  g_autoptr (GList) names = json_object_get_members (row->counters);

  json_object_set_string_member (object, "path", row->path);
  for (GList *name = names; name != NULL; name = name->next)
    {
      gint64 now = json_object_get_int_member (row->counters, name->data);
      gint64 then = before != NULL ? json_object_get_int_member_with_default (before, name->data, now) : now;
      g_autofree char *rate = g_strconcat (name->data, "-per-second", NULL);

      json_object_set_int_member (object, name->data, now);
      if (strcmp (name->data, "time") == 0)
        json_object_set_double_member (object, "percent", (double)(now - then) / seconds / 10000);
      else if (strcmp (name->data, "index") != 0)
        json_object_set_double_member (object, rate, (double)(now - then) / seconds);
    }
  return object;
}

static void
print_table (const char *kind, JsonArray *rows)
{
  for (guint i = 0; i < json_array_get_length (rows); i++)
    {
      JsonObject *row = json_array_get_object_element (rows, i);
      g_autoptr (GList) names = json_object_get_members (row);

      svctl_print ("%-4s %-36s", kind, sv_json_get_string (row, "path", ""));
      for (GList *name = names; name != NULL; name = name->next)
        {
          const char *end = strstr (name->data, "-per-second");

          if (end != NULL)
            svctl_print (" %.*s/s %.0f", (int)(end - (char *)name->data), (char *)name->data,
                         json_object_get_double_member (row, name->data));
          else if (strcmp (name->data, "percent") == 0)
            svctl_print (" %5.1f %%", json_object_get_double_member (row, name->data));
        }
      svctl_print ("\n");
    }
}

static void
show (Svctl *self, Sample *before, Sample *now)
{
  static const char *const kinds[] = { "cpu", "disk", "net" };
  double seconds = MAX (now->time - before->time, 1) / 1e6;
  JsonObject *all = json_object_new ();

  json_object_set_double_member (all, "seconds", seconds);
  if (!self->json)
    svctl_clear_screen ();
  for (guint k = 0; k < G_N_ELEMENTS (kinds); k++)
    {
      JsonArray *rows = json_array_new ();

      for (guint i = 0; i < now->rows->len; i++)
        {
          Row *row = g_ptr_array_index (now->rows, i);

          if (strcmp (row->kind, kinds[k]) == 0)
            json_array_add_object_element (rows, compare (row, find_counters (before, row), seconds));
        }
      if (!self->json)
        print_table (kinds[k], rows);
      json_object_set_array_member (all, kinds[k], rows);
    }
  if (self->json)
    svctl_print_object (all);
  else
    {
      svctl_print ("\n");
      json_object_unref (all);
    }
}

typedef struct
{
  GMainLoop *loop;
  gboolean ticked; /* FALSE: it was a signal, or the VM's end */
} Clock;

static gboolean
on_tick (gpointer user_data)
{
  Clock *clock = user_data;

  clock->ticked = TRUE;
  g_main_loop_quit (clock->loop);
  return G_SOURCE_CONTINUE;
}

static void
on_closed (SvQmpClient *qmp, GError *error, GMainLoop *loop)
{
  g_main_loop_quit (loop);
}

static gboolean
parse_number (const char *text, double max, const char *what, double *number, GError **error)
{
  char *end;

  *number = g_ascii_strtod (text, &end);
  if (end != text && *end == '\0' && *number > 0 && *number <= max)
    return TRUE;
  g_set_error (error, SVCTL_ERROR, SVCTL_ERROR_USAGE, "%s is a number above 0 and up to %g, not '%s'", what, max, text);
  return FALSE;
}

gboolean
svctl_top (Svctl *self, int argc, char **argv, GError **error)
{
  double count = G_MAXUINT;
  double seconds = DEFAULT_SECONDS;
  g_autoptr (SvRemoteMachine) machine = NULL;
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  Clock clock = { loop, FALSE };
  Sample *before;
  guint timer;

  if ((argc > 0 && !parse_number (argv[0], 1e9, "COUNT", &count, error))
      || (argc > 1 && !parse_number (argv[1], 1e6, "SECONDS", &seconds, error)))
    return FALSE;
  machine = svctl_open_tree (self, error);
  before = machine != NULL ? take_sample (self, machine, error) : NULL;
  if (before == NULL)
    return FALSE;
  g_signal_connect (self->qmp, "closed", G_CALLBACK (on_closed), loop);
  timer = g_timeout_add (MAX ((guint)(seconds * 1000), 1), on_tick, &clock);
  svctl_end_by_signal (loop);
  for (double n = 0; n < count; n++)
    {
      g_autoptr (GError) local = NULL;
      Sample *now;

      clock.ticked = FALSE;
      g_main_loop_run (loop);
      if (!clock.ticked || !sv_qmp_client_is_open (self->qmp))
        break;
      now = take_sample (self, machine, &local);
      if (now == NULL && sv_qmp_client_is_open (self->qmp))
        g_propagate_error (error, g_steal_pointer (&local));
      if (now == NULL)
        break;
      show (self, before, now);
      sample_free (before);
      before = now;
    }
  sample_free (before);
  g_source_remove (timer);
  g_signal_handlers_disconnect_by_func (self->qmp, on_closed, loop);
  return *error == NULL;
}
