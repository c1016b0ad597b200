/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qmp/sv-qmp-event-line.h"

#include "qmp/sv-qmp-json.h"
#include "qmp/sv-qmp-schema.h"

GString *
sv_qmp_event_line_new (const char *event, JsonObject *data)
{
  gint64 now = g_get_real_time ();
  GString *line = g_string_new ("{\"event\":");

  g_warn_if_fail (sv_qmp_schema_find_event (event));

  sv_qmp_json_append_string (line, event);
  g_string_append (line, ",\"data\":");
  if (data)
    {
      g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), data);

      sv_qmp_json_append (line, node);
    }
  else
    g_string_append (line, "{}");
  g_string_append_printf (line,
                          ",\"timestamp\":{\"seconds\":%" G_GINT64_FORMAT
                          ",\"microseconds\":%" G_GINT64_FORMAT "}}\r\n",
                          now / G_USEC_PER_SEC, now % G_USEC_PER_SEC);
  return line;
}
