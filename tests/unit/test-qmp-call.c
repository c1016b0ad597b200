/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <string.h>

#include "qmp/sv-qmp-call.h"
#include "qmp/sv-qmp-dispatch.h"
#include "qmp/sv-qmp-error.h"
#include "qmp/sv-qmp-json.h"

typedef struct
{
  SvObject *root;
  SvQmpCall *call;
  GString *replies;
} Fixture;

static void
done (SvQmpCall *call, gpointer opaque)
{
  sv_qmp_call_append_reply (call, ((Fixture *)opaque)->replies);
}

static const SvQmpCallFuncs funcs = { .done = done };

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->root = sv_object_new_container ();
  fixture->call = sv_qmp_call_new (fixture->root, &funcs, fixture);
  fixture->replies = g_string_new (NULL);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  sv_qmp_call_unref (fixture->call);
  g_assert_finalize_object (fixture->root);
  g_string_free (fixture->replies, TRUE);
}

static JsonNode *
return_number (SvQmpCall *call, JsonObject *arguments, GError **error)
{
  return json_node_init_int (json_node_alloc (), 7);
}

static JsonNode *
return_nothing (SvQmpCall *call, JsonObject *arguments, GError **error)
{
  return NULL;
}

static JsonNode *
return_text (SvQmpCall *call, JsonObject *arguments, GError **error)
{
  sv_qmp_call_set_text (call, "[1,2]");
  return NULL;
}

static JsonNode *
return_error (SvQmpCall *call, JsonObject *arguments, GError **error)
{
  g_set_error_literal (error, SV_QMP_ERROR, SV_QMP_ERROR_KVM_MISSING_CAP, "no \"cap\"");
  return NULL;
}

static JsonNode *
return_foreign_error (SvQmpCall *call, JsonObject *arguments, GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PENDING, "not\nnow");
  return NULL;
}

static SvQmpCall *deferred;

static JsonNode *
defer (SvQmpCall *call, JsonObject *arguments, GError **error)
{
  deferred = sv_qmp_call_defer (call);
  return NULL;
}

static void
test_sync (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    SvQmpHandler *handler;
    const char *reply;
  } cases[] = {
    { return_number, "{\"return\":7,\"id\":\"x\"}\r\n" },
    { return_nothing, "{\"return\":{},\"id\":\"x\"}\r\n" },
    { return_text, "{\"return\":[1,2],\"id\":\"x\"}\r\n" },
    { return_error, "{\"error\":{\"class\":\"KVMMissingCap\",\"desc\":\"no \\\"cap\\\"\"},"
                    "\"id\":\"x\"}\r\n" },
    { return_foreign_error, "{\"error\":{\"class\":\"GenericError\",\"desc\":\"not\\nnow\"},"
                            "\"id\":\"x\"}\r\n" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (SvQmpCall) call = sv_qmp_call_new (fixture->root, &funcs, fixture);

      sv_qmp_call_set_id (call, "\"x\"");
      g_string_truncate (fixture->replies, 0);
      sv_qmp_call_run (call, cases[i].handler, NULL);
      g_assert_cmpstr (fixture->replies->str, ==, cases[i].reply);
    }
}

static void
test_deferred (Fixture *fixture, gconstpointer data)
{
  sv_qmp_call_run (fixture->call, defer, NULL);
  g_assert_cmpstr (fixture->replies->str, ==, "");
  sv_qmp_call_finish (deferred, json_node_init_boolean (json_node_alloc (), TRUE), NULL);
  g_assert_cmpstr (fixture->replies->str, ==, "{\"return\":true}\r\n");
}

static void
test_deferred_error (Fixture *fixture, gconstpointer data)
{
  sv_qmp_call_run (fixture->call, defer, NULL);
  sv_qmp_call_finish (deferred, NULL,
                      g_error_new_literal (SV_QMP_ERROR, SV_QMP_ERROR_DEVICE_NOT_ACTIVE, "idle"));
  g_assert_cmpstr (fixture->replies->str, ==,
                   "{\"error\":{\"class\":\"DeviceNotActive\",\"desc\":\"idle\"}}\r\n");
}

/* The client left while its command was being executed. */
static void
test_abandoned (Fixture *fixture, gconstpointer data)
{
  sv_qmp_call_run (fixture->call, defer, NULL);
  sv_qmp_call_abandon (fixture->call);
  g_assert_cmpint (sv_qmp_call_steal_fd (fixture->call), ==, -1);
  sv_qmp_call_finish (deferred, json_node_init_boolean (json_node_alloc (), TRUE), NULL);
  g_assert_cmpstr (fixture->replies->str, ==, "");
}

static void
test_dispatch (Fixture *fixture, gconstpointer data)
{
  const char *text = "{\"arguments\":{},\"execute\":\"query-jobs\"}";
  g_autoptr (JsonNode) request = sv_qmp_json_parse (text, strlen (text), NULL);

  sv_qmp_call_set_id (fixture->call, "2");
  sv_qmp_dispatch (fixture->call, request, NULL);
  g_assert_cmpstr (fixture->replies->str, ==, "{\"return\":[],\"id\":2}\r\n");
}

static void
test_classes (void)
{
  for (guint i = SV_QMP_ERROR_GENERIC; i <= SV_QMP_ERROR_KVM_MISSING_CAP; i++)
    {
      g_autoptr (GError) error = g_error_new_literal (SV_QMP_ERROR, (int)i, "x");

      g_assert_cmpuint (sv_qmp_error_get_class (error), ==, i);
      g_assert_cmpuint (sv_qmp_error_class_from_string (sv_qmp_error_class_to_string (i)), ==, i);
    }
  g_assert_cmpuint (sv_qmp_error_class_from_string ("Nope"), ==, SV_QMP_ERROR_GENERIC);
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/qmp/call/sync", test_sync);
  ADD ("/qmp/call/deferred", test_deferred);
  ADD ("/qmp/call/deferred-error", test_deferred_error);
  ADD ("/qmp/call/abandoned", test_abandoned);
  ADD ("/qmp/call/dispatch", test_dispatch);
  g_test_add_func ("/qmp/call/classes", test_classes);
  return g_test_run ();
}
