/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "chardev-fixture.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "qom/sv-property.h"
#include "src/sv-type-list.h"

G_DEFINE_FINAL_TYPE (TestChardev, test_chardev, SV_TYPE_CHARDEV)

static gsize
test_chardev_write (SvChardev *chardev, const guint8 *data, gsize length)
{
  TestChardev *self = TEST_CHARDEV (chardev);
  gsize taken = MIN (length, self->room);

  self->n_writes++;
  g_string_append_len (self->output, (const char *)data, taken);
  if (self->room != G_MAXSIZE)
    self->room -= taken;
  return taken;
}

static void
test_chardev_update_input (SvChardev *chardev)
{
  test_chardev_deliver (TEST_CHARDEV (chardev));
}

static void
test_chardev_finalize (GObject *object)
{
  TestChardev *self = TEST_CHARDEV (object);

  g_string_free (self->output, TRUE);
  g_string_free (self->input, TRUE);
  G_OBJECT_CLASS (test_chardev_parent_class)->finalize (object);
}

static void
test_chardev_class_init (TestChardevClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = test_chardev_finalize;
  SV_CHARDEV_CLASS (klass)->write = test_chardev_write;
  SV_CHARDEV_CLASS (klass)->update_input = test_chardev_update_input;
}

static void
test_chardev_init (TestChardev *self)
{
  self->output = g_string_new (NULL);
  self->input = g_string_new (NULL);
  self->room = G_MAXSIZE;
}

void
test_chardev_deliver (TestChardev *self)
{
  for (;;)
    {
      gsize length = MIN (sv_chardev_can_receive (SV_CHARDEV (self)), self->input->len);
      g_autofree guint8 *data = g_memdup2 (self->input->str, length);

      if (length == 0)
        return;
      g_string_erase (self->input, 0, length);
      sv_chardev_receive (SV_CHARDEV (self), data, length);
    }
}

void
test_chardev_assert_output (TestChardev *self, const char *expected)
{
  g_assert_cmpstr (self->output->str, ==, expected);
  g_string_truncate (self->output, 0);
}

static gsize
frontend_can_receive (gpointer opaque)
{
  return ((TestFrontend *)opaque)->room;
}

static void
frontend_receive (gpointer opaque, const guint8 *data, gsize length)
{
  TestFrontend *self = opaque;

  g_assert_cmpuint (length, <=, self->room);
  g_string_append_len (self->received, (const char *)data, length);
  self->room -= length;
}

static void
frontend_writable (gpointer opaque)
{
  ((TestFrontend *)opaque)->n_writable++;
}

static void
frontend_event (gpointer opaque, SvChardevEvent event)
{
  TestFrontend *self = opaque;

  switch (event)
    {
    case SV_CHARDEV_OPENED:
      self->n_opened++;
      break;
    case SV_CHARDEV_CLOSED:
      self->n_closed++;
      break;
    case SV_CHARDEV_BREAK:
      self->n_breaks++;
      break;
    }
}

const SvChardevFrontend test_frontend = {
  .can_receive = frontend_can_receive,
  .receive = frontend_receive,
  .writable = frontend_writable,
  .event = frontend_event,
};

void
test_frontend_init (TestFrontend *self)
{
  *self = (TestFrontend){ .received = g_string_new (NULL), .room = G_MAXSIZE / 2 };
}

void
test_frontend_clear (TestFrontend *self)
{
  g_string_free (self->received, TRUE);
}

guint
run_ready (void)
{
  guint rounds = 0;

  while (g_main_context_iteration (NULL, FALSE))
    g_assert_cmpuint (++rounds, <, 1000);
  return rounds;
}

SvChardev *
make_chardev (SvObject *root, const char *type, const char *id, const char *json, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_autoptr (GError) json_error = NULL;
  g_autoptr (SvObject) object = NULL;

  sv_type_list_register ();
  json_parser_load_from_data (parser, json, -1, &json_error);
  g_assert_no_error (json_error);
  object = sv_object_new_from_json (
      type, SV_TYPE_CHARDEV, json_node_get_object (json_parser_get_root (parser)), root, error);
  if (object == NULL)
    return NULL;
  g_assert_true (
      sv_object_add_child (sv_object_ensure_container (root, "chardevs"), id, object, NULL));
  if (sv_object_complete (object, error))
    return SV_CHARDEV (g_steal_pointer (&object));
  sv_object_unparent (object);
  return NULL;
}
