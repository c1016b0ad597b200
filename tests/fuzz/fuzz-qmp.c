/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>
#include <sys/socket.h>

#include "qmp/sv-qmp-json.h"
#include "tests/unit/qmp-fixture.h"

int LLVMFuzzerTestOneInput (const guint8 *data, gsize size);

#define LAST "\"the last reply\""

/*
 * A QMP client: the first byte of the input is the size of the pieces in which the rest arrives.
 * Whatever it was, what comes back is JSON, a value per line, and the connection goes on.
 */
int
LLVMFuzzerTestOneInput (const guint8 *data, gsize size)
{
  QmpFixture fixture;
  gsize piece;

  if (size < 1)
    return 0;
  piece = data[0] == 0 ? size : data[0];
  qmp_fixture_set_up (&fixture, NULL);
  for (gsize at = 1; at < size; at += piece)
    {
      gsize n = MIN (piece, size - at);

      g_assert_cmpint (send (fixture.client.fd, data + at, n, MSG_NOSIGNAL), ==, (gssize)n);
      qmp_run_pending ();
    }
  qmp_client_send (&fixture.client, "\xff\n{\"execute\":\"query-jobs\",\"id\":" LAST "}");
  for (;;)
    {
      g_autofree char *line = qmp_client_read_line (&fixture.client);
      g_autoptr (GError) error = NULL;
      g_autoptr (JsonNode) value = sv_qmp_json_parse (line, strlen (line), &error);

      g_assert_no_error (error);
      g_assert_true (JSON_NODE_HOLDS_OBJECT (value));
      if (strcmp (line, "{\"return\":[],\"id\":" LAST "}") == 0)
        break;
    }
  qmp_fixture_tear_down (&fixture, NULL);
  return 0;
}
