/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qmp/sv-qmp-call.h"

#include "qmp/sv-qmp-error.h"
#include "qmp/sv-qmp-json.h"

struct _SvQmpCall
{
  guint ref_count;
  SvObject *root;
  const SvQmpCallFuncs *funcs;
  gpointer opaque; /* NULL funcs: abandoned */

  char *id; /* JSON text */
  JsonNode *value;
  const char *text;
  GError *error;
  gboolean deferred;
  gboolean done;
};

SvQmpCall *
sv_qmp_call_new (SvObject *root, const SvQmpCallFuncs *funcs, gpointer opaque)
{
  SvQmpCall *call = g_new0 (SvQmpCall, 1);

  call->ref_count = 1;
  call->root = g_object_ref (root);
  call->funcs = funcs;
  call->opaque = opaque;
  return call;
}

SvQmpCall *
sv_qmp_call_ref (SvQmpCall *call)
{
  call->ref_count++;
  return call;
}

void
sv_qmp_call_unref (SvQmpCall *call)
{
  if (--call->ref_count > 0)
    return;
  g_object_unref (call->root);
  g_free (call->id);
  g_clear_pointer (&call->value, json_node_unref);
  g_clear_error (&call->error);
  g_free (call);
}

void
sv_qmp_call_abandon (SvQmpCall *call)
{
  call->funcs = NULL;
}

SvObject *
sv_qmp_call_get_root (SvQmpCall *call)
{
  return call->root;
}

SvMachine *
sv_qmp_call_get_machine (SvQmpCall *call, GError **error)
{
  SvObject *machine = sv_object_get_child (call->root, "machine");

  if (machine && SV_IS_MACHINE (machine))
    return SV_MACHINE (machine);
  g_set_error_literal (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                       "There is no virtual machine yet");
  return NULL;
}

int
sv_qmp_call_steal_fd (SvQmpCall *call)
{
  return call->funcs && call->funcs->steal_fd ? call->funcs->steal_fd (call->opaque) : -1;
}

SvQmpWatch *
sv_qmp_call_get_watch (SvQmpCall *call)
{
  return call->funcs && call->funcs->get_watch ? call->funcs->get_watch (call->opaque) : NULL;
}

void
sv_qmp_call_set_text (SvQmpCall *call, const char *json)
{
  call->text = json;
}

SvQmpCall *
sv_qmp_call_defer (SvQmpCall *call)
{
  call->deferred = TRUE;
  return sv_qmp_call_ref (call);
}

static void
finish (SvQmpCall *call, JsonNode *value, GError *error)
{
  g_return_if_fail (!call->done);

  call->done = TRUE;
  call->value = value;
  call->error = error;
  if (call->funcs)
    call->funcs->done (call, call->opaque);
}

void
sv_qmp_call_finish (SvQmpCall *call, JsonNode *value, GError *error)
{
  finish (call, value, error);
  sv_qmp_call_unref (call);
}

void
sv_qmp_call_set_id (SvQmpCall *call, const char *id)
{
  call->id = g_strdup (id);
}

void
sv_qmp_call_run (SvQmpCall *call, SvQmpHandler *handler, JsonObject *arguments)
{
  GError *error = NULL;
  JsonNode *value = handler (call, arguments, &error);

  if (!call->deferred)
    finish (call, value, error);
}

void
sv_qmp_call_append_reply (SvQmpCall *call, GString *out)
{
  if (call->error)
    {
      const char *klass = sv_qmp_error_class_to_string (sv_qmp_error_get_class (call->error));

      g_string_append (out, "{\"error\":{\"class\":\"");
      g_string_append (out, klass);
      g_string_append (out, "\",\"desc\":");
      sv_qmp_json_append_string (out, call->error->message);
      g_string_append_c (out, '}');
    }
  else
    {
      g_string_append (out, "{\"return\":");
      if (call->value)
        sv_qmp_json_append (out, call->value);
      else
        g_string_append (out, call->text ? call->text : "{}");
    }
  if (call->id)
    {
      g_string_append (out, ",\"id\":");
      g_string_append (out, call->id);
    }
  g_string_append (out, "}\r\n");
}
