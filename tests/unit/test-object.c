/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "qom/sv-object.h"
#include "qom/sv-property.h"

/* A type to tell from plain containers, with a link. */
#define TEST_TYPE_NODE (test_node_get_type ())
G_DECLARE_FINAL_TYPE (TestNode, test_node, TEST, NODE, SvObject)

struct _TestNode
{
  SvObject parent_instance;
  SvObject *target;
  gboolean fail;
  guint completed;
  GString *log;
};

G_DEFINE_FINAL_TYPE (TestNode, test_node, SV_TYPE_OBJECT)

static GParamSpec *target_pspec;

static gboolean
test_node_complete (SvObject *object, GError **error)
{
  TestNode *self = TEST_NODE (object);

  self->completed++;
  if (self->fail)
    g_set_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID, "asked to fail");
  return !self->fail;
}

static void
test_node_child_added (SvObject *object, SvObject *child)
{
  if (TEST_NODE (object)->log != NULL)
    g_string_append_printf (TEST_NODE (object)->log, "vfunc+%s ", sv_object_get_id (child));
}

static void
test_node_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  g_value_set_object (value, TEST_NODE (object)->target);
}

static void
test_node_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  sv_object_set_link (SV_OBJECT (object), pspec, &TEST_NODE (object)->target,
                      g_value_get_object (value));
}

static void
test_node_class_init (TestNodeClass *klass)
{
  G_OBJECT_CLASS (klass)->get_property = test_node_get_property;
  G_OBJECT_CLASS (klass)->set_property = test_node_set_property;
  SV_OBJECT_CLASS (klass)->complete = test_node_complete;
  SV_OBJECT_CLASS (klass)->child_added = test_node_child_added;
  target_pspec
      = g_param_spec_object ("target", "target", "A link", SV_TYPE_OBJECT, SV_PARAM_RW_WIRING);
  g_object_class_install_property (G_OBJECT_CLASS (klass), 1, target_pspec);
}

static void
test_node_init (TestNode *self)
{
}

static SvObject *
add (SvObject *parent, const char *id, GType type)
{
  g_autoptr (SvObject) child = g_object_new (type, NULL);
  g_autoptr (GError) error = NULL;

  sv_object_add_child (parent, id, child, &error);
  g_assert_no_error (error);
  return child;
}

static void
assert_path (SvObject *object, const char *expected)
{
  g_autofree char *path = sv_object_dup_path (object);

  g_assert_cmpstr (path, ==, expected);
}

static void
test_paths (void)
{
  g_autoptr (SvObject) root = sv_object_new_container ();
  SvObject *machine = add (root, "machine", SV_TYPE_OBJECT);
  SvObject *bus = add (machine, "pcie.0", SV_TYPE_OBJECT);
  SvObject *device = add (bus, "a b[0].x", TEST_TYPE_NODE);
  g_autofree char *id = NULL;
  g_autofree char *path = NULL;

  assert_path (root, "/");
  assert_path (machine, "/machine");
  assert_path (device, "/machine/pcie.0/a b[0].x");
  g_assert_null (sv_object_get_id (root));
  g_assert_cmpstr (sv_object_get_id (bus), ==, "pcie.0");
  g_assert_true (sv_object_get_root (device) == root);
  g_assert_true (sv_object_get_parent (device) == bus);
  g_assert_true (sv_object_is_ancestor (machine, device));
  g_assert_false (sv_object_is_ancestor (device, machine));
  g_assert_false (sv_object_is_ancestor (device, device));

  g_object_get (device, "id", &id, "path", &path, NULL);
  g_assert_cmpstr (id, ==, "a b[0].x");
  g_assert_cmpstr (path, ==, "/machine/pcie.0/a b[0].x");
}

static void
test_bad_children (void)
{
  g_autoptr (SvObject) root = sv_object_new_container ();
  g_autoptr (SvObject) other = sv_object_new_container ();
  SvObject *a = add (root, "a", SV_TYPE_OBJECT);
  SvObject *b = add (a, "b", SV_TYPE_OBJECT);
  GError *error = NULL;

  g_assert_false (sv_object_add_child (root, "a", other, &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_EXISTS);
  g_assert_cmpstr (error->message, ==, "Duplicate id 'a': '/a' exists already");
  g_clear_error (&error);

  g_assert_false (sv_object_add_child (a, "b", other, &error));
  g_assert_cmpstr (error->message, ==, "Duplicate id 'b': '/a/b' exists already");
  g_clear_error (&error);

  g_assert_false (sv_object_add_child (root, "", other, &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID);
  g_clear_error (&error);

  g_assert_false (sv_object_add_child (root, "x/y", other, &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "'x/y'"));
  g_clear_error (&error);

  /* In the tree already; and the root below itself. */
  g_assert_false (sv_object_add_child (root, "c", b, &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "'/a/b'"));
  g_clear_error (&error);
  g_assert_false (sv_object_add_child (b, "root", root, &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID);
  g_clear_error (&error);
}

static void
log_added (SvObject *parent, SvObject *child, GString *log)
{
  g_string_append_printf (log, "+%s ", sv_object_get_id (child));
}

static void
log_removed (SvObject *parent, SvObject *child, GString *log)
{
  g_assert_null (sv_object_get_parent (child));
  g_string_append_printf (log, "-%s ", sv_object_get_id (child));
}

static void
log_items (GListModel *model, guint position, guint removed, guint added, GString *log)
{
  g_string_append_printf (log, "%u-%u+%u ", position, removed, added);
}

static void
test_list_model (void)
{
  /* First, as the root still logs when it goes. */
  g_autoptr (GString) log = g_string_new (NULL);
  g_autoptr (SvObject) root = g_object_new (TEST_TYPE_NODE, NULL);
  g_autoptr (SvObject) a = sv_object_new_container ();
  GListModel *model = G_LIST_MODEL (root);
  g_autoptr (GObject) item = NULL;

  TEST_NODE (root)->log = log;
  g_signal_connect (root, "child-added", G_CALLBACK (log_added), log);
  g_signal_connect (root, "child-removed", G_CALLBACK (log_removed), log);
  g_signal_connect (root, "items-changed", G_CALLBACK (log_items), log);

  g_assert_true (sv_object_add_child (root, "a", a, NULL));
  add (root, "b", SV_TYPE_OBJECT);
  g_assert_cmpuint (g_list_model_get_n_items (model), ==, 2);
  g_assert_true (g_list_model_get_item_type (model) == SV_TYPE_OBJECT);
  item = g_list_model_get_item (model, 0);
  g_assert_true (item == G_OBJECT (a));
  g_assert_null (g_list_model_get_item (model, 2));

  sv_object_unparent (a);
  g_assert_null (sv_object_get_id (a));
  g_assert_cmpuint (sv_object_get_n_children (root), ==, 1);
  g_assert_cmpstr (log->str, ==, "vfunc+a +a 0-0+1 vfunc+b +b 1-0+1 -a 0-1+0 ");
  sv_object_unparent (a);
}

static void
test_ownership (void)
{
  SvObject *root = sv_object_new_container ();
  SvObject *a = add (root, "a", SV_TYPE_OBJECT);
  SvObject *b = add (a, "b", SV_TYPE_OBJECT);

  g_object_add_weak_pointer (G_OBJECT (a), (gpointer *)&a);
  g_object_add_weak_pointer (G_OBJECT (b), (gpointer *)&b);
  g_object_unref (root);
  g_assert_null (a);
  g_assert_null (b);
}

static void
test_numbered (void)
{
  g_autoptr (SvObject) root = sv_object_new_container ();
  g_autoptr (SvObject) again = sv_object_new_container ();
  SvObject *removed;

  for (guint i = 0; i < 300; i++)
    {
      g_autoptr (SvObject) child = sv_object_new_container ();
      g_autofree char *id = g_strdup_printf ("device[%u]", i);

      sv_object_add_child_numbered (root, "device", child);
      g_assert_cmpstr (sv_object_get_id (child), ==, id);
    }
  for (guint i = 0; i < 300; i++)
    {
      g_autofree char *id = g_strdup_printf ("device[%u]", i);

      g_assert_true (sv_object_get_child (root, id) == sv_object_get_nth_child (root, i));
    }
  g_assert_null (sv_object_get_child (root, "device[300]"));

  /* The lowest free number is taken again. */
  removed = sv_object_get_child (root, "device[7]");
  sv_object_unparent (removed);
  g_assert_null (sv_object_get_child (root, "device[7]"));
  sv_object_add_child_numbered (root, "device", again);
  g_assert_cmpstr (sv_object_get_id (again), ==, "device[7]");
  g_assert_true (sv_object_get_nth_child (root, 299) == again);
}

/* Links stay, and ids are found with few siblings and with many. */
static void
test_rename (void)
{
  g_autoptr (SvObject) root = sv_object_new_container ();
  SvObject *first = sv_object_ensure_container (root, "first");
  SvObject *below = sv_object_ensure_container (first, "below");

  for (guint i = 0; i < 40; i++)
    {
      g_autofree char *id = g_strdup_printf ("name%u", i);
      g_autofree char *path = g_strdup_printf ("/name%u/below", i);
      g_autofree char *sibling = g_strdup_printf ("sibling%u", i);
      g_autofree char *old = g_strdup (sv_object_get_id (first));
      g_autofree char *now = NULL;

      sv_object_rename (first, id);
      now = sv_object_dup_path (below);
      g_assert_cmpstr (now, ==, path);
      g_assert_true (sv_object_get_child (root, id) == first);
      g_assert_null (sv_object_get_child (root, old));
      g_assert_true (sv_object_get_nth_child (root, 0) == first);
      sv_object_ensure_container (root, sibling);
    }
}

static void
test_container (void)
{
  g_autoptr (SvObject) root = sv_object_new_container ();
  SvObject *objects = sv_object_ensure_container (root, "objects");

  g_assert_true (sv_object_ensure_container (root, "objects") == objects);
  assert_path (objects, "/objects");
}

static void
assert_unresolved (SvObject *scope, const char *name, GType type, int code, const char *message)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (sv_object_resolve (scope, name, type, &error));
  g_assert_error (error, SV_OBJECT_ERROR, code);
  g_assert_cmpstr (error->message, ==, message);
}

static void
test_resolve (void)
{
  g_autoptr (SvObject) root = sv_object_new_container ();
  SvObject *machine = add (root, "machine", SV_TYPE_OBJECT);
  SvObject *bus0 = add (machine, "pcie.0", SV_TYPE_OBJECT);
  SvObject *bus1 = add (machine, "pcie.1", SV_TYPE_OBJECT);
  SvObject *port0 = add (bus0, "port", SV_TYPE_OBJECT);
  SvObject *port1 = add (bus1, "port", SV_TYPE_OBJECT);
  SvObject *block = add (root, "block", SV_TYPE_OBJECT);
  SvObject *disk_node = add (block, "disk", TEST_TYPE_NODE);
  SvObject *disk_device = add (machine, "disk", SV_TYPE_OBJECT);

  g_assert_true (sv_object_resolve (port0, "/", SV_TYPE_OBJECT, NULL) == root);
  g_assert_true (sv_object_resolve (port0, "/machine/pcie.1/port", SV_TYPE_OBJECT, NULL) == port1);
  g_assert_true (sv_object_resolve (root, "pcie.0/port", SV_TYPE_OBJECT, NULL) == port0);
  g_assert_true (sv_object_resolve (root, "machine/pcie.1/port", SV_TYPE_OBJECT, NULL) == port1);
  g_assert_true (sv_object_resolve (root, "pcie.0", SV_TYPE_OBJECT, NULL) == bus0);
  g_assert_true (sv_object_resolve (root, "/machine/disk", SV_TYPE_OBJECT, NULL) == disk_device);
  g_assert_true (sv_object_resolve (root, "//", SV_TYPE_OBJECT, NULL) == root);
  g_assert_true (sv_object_resolve (root, "/machine//disk/", SV_TYPE_OBJECT, NULL) == disk_device);
  /* The type tells the two apart. */
  g_assert_true (sv_object_resolve (root, "disk", TEST_TYPE_NODE, NULL) == disk_node);

  assert_unresolved (root, "port", SV_TYPE_OBJECT, SV_OBJECT_ERROR_AMBIGUOUS,
                     "'port' is ambiguous: it may be '/machine/pcie.0/port' or "
                     "'/machine/pcie.1/port'");
  assert_unresolved (root, "disk", SV_TYPE_OBJECT, SV_OBJECT_ERROR_AMBIGUOUS,
                     "'disk' is ambiguous: it may be '/machine/disk' or '/block/disk'");
  assert_unresolved (root, "pcie", SV_TYPE_OBJECT, SV_OBJECT_ERROR_NOT_FOUND,
                     "Object 'pcie' not found");
  assert_unresolved (root, "cie.0/port", SV_TYPE_OBJECT, SV_OBJECT_ERROR_NOT_FOUND,
                     "Object 'cie.0/port' not found");
  assert_unresolved (root, "gone", TEST_TYPE_NODE, SV_OBJECT_ERROR_NOT_FOUND,
                     "Object 'gone' of type 'TestNode' not found");
  assert_unresolved (root, "/machine/none", SV_TYPE_OBJECT, SV_OBJECT_ERROR_NOT_FOUND,
                     "Object '/machine/none' not found");
  assert_unresolved (root, "/pcie.0", SV_TYPE_OBJECT, SV_OBJECT_ERROR_NOT_FOUND,
                     "Object '/pcie.0' not found");
  assert_unresolved (root, "pcie.0", TEST_TYPE_NODE, SV_OBJECT_ERROR_TYPE,
                     "'/machine/pcie.0' is of type 'object', not 'TestNode'");
  assert_unresolved (root, "/machine", TEST_TYPE_NODE, SV_OBJECT_ERROR_TYPE,
                     "'/machine' is of type 'object', not 'TestNode'");
  for (guint i = 0; i < 3; i++)
    {
      static const char *const malformed[] = { "", "a//b", "disk/" };
      g_autofree char *message
          = g_strdup_printf ("'%s' is neither an id nor the path of an object", malformed[i]);

      assert_unresolved (root, malformed[i], SV_TYPE_OBJECT, SV_OBJECT_ERROR_INVALID, message);
    }
}

static void
count_notify (GObject *object, GParamSpec *pspec, guint *count)
{
  (*count)++;
}

static void
test_link (void)
{
  g_autoptr (SvObject) root = sv_object_new_container ();
  SvObject *owner = add (root, "owner", TEST_TYPE_NODE);
  SvObject *target = add (root, "target", SV_TYPE_OBJECT);
  guint notified = 0;

  g_signal_connect (owner, "notify::target", G_CALLBACK (count_notify), &notified);
  g_object_set (owner, "target", target, NULL);
  g_assert_true (TEST_NODE (owner)->target == target);
  g_assert_cmpuint (notified, ==, 1);
  g_object_set (owner, "target", target, NULL);
  g_assert_cmpuint (notified, ==, 1);

  /* The target goes away: the link was the last but one reference. */
  g_object_add_weak_pointer (G_OBJECT (target), (gpointer *)&target);
  sv_object_unparent (target);
  g_assert_null (target);
  g_assert_null (TEST_NODE (owner)->target);
  g_assert_cmpuint (notified, ==, 2);

  /* The owner goes away: nothing points back. */
  target = add (root, "target", SV_TYPE_OBJECT);
  g_object_set (owner, "target", target, NULL);
  sv_object_unparent (owner);
  sv_object_unparent (target);
}

static void
test_link_subtree (void)
{
  g_autoptr (SvObject) root = sv_object_new_container ();
  g_autoptr (SvObject) top = g_object_ref (add (root, "top", TEST_TYPE_NODE));
  SvObject *outside = add (root, "outside", TEST_TYPE_NODE);
  SvObject *a = add (top, "a", TEST_TYPE_NODE);
  SvObject *b = add (top, "b", TEST_TYPE_NODE);
  SvObject *up = add (a, "up", TEST_TYPE_NODE);

  g_object_set (outside, "target", a, NULL);
  g_object_set (a, "target", b, NULL);
  g_object_set (up, "target", top, NULL);
  g_object_set (b, "target", outside, NULL);
  sv_object_unparent (top);

  g_assert_null (TEST_NODE (outside)->target);
  g_assert_true (TEST_NODE (a)->target == b);
  g_assert_true (TEST_NODE (b)->target == outside);
  /* A link to the top would keep the subtree alive for ever. */
  g_assert_null (TEST_NODE (up)->target);

  g_object_add_weak_pointer (G_OBJECT (a), (gpointer *)&a);
  g_clear_object (&top);
  g_assert_null (a);
}

static void
clear_other (SvObject *object, GParamSpec *pspec, SvObject *other)
{
  g_object_set (other, "target", NULL, NULL);
}

static void
test_link_notify_reenters (void)
{
  g_autoptr (SvObject) root = sv_object_new_container ();
  SvObject *a = add (root, "a", TEST_TYPE_NODE);
  SvObject *b = add (root, "b", TEST_TYPE_NODE);
  SvObject *target = add (root, "target", SV_TYPE_OBJECT);

  g_object_set (a, "target", target, NULL);
  g_object_set (b, "target", target, NULL);
  g_signal_connect (a, "notify::target", G_CALLBACK (clear_other), b);
  g_signal_connect (b, "notify::target", G_CALLBACK (clear_other), a);
  sv_object_unparent (target);
  g_assert_null (TEST_NODE (a)->target);
  g_assert_null (TEST_NODE (b)->target);
}

static void
test_claim (void)
{
  g_autoptr (SvObject) root = sv_object_new_container ();
  SvObject *disk = add (root, "disk", SV_TYPE_OBJECT);
  SvObject *a = add (root, "a", SV_TYPE_OBJECT);
  SvObject *b = add (root, "b", SV_TYPE_OBJECT);
  g_autoptr (SvObject) unplaced = g_object_new (TEST_TYPE_NODE, NULL);
  GError *error = NULL;

  g_assert_true (sv_object_claim (disk, a, &error));
  g_assert_no_error (error);
  g_assert_true (sv_object_get_user (disk) == a);

  g_assert_false (sv_object_claim (disk, b, &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY);
  g_assert_cmpstr (error->message, ==,
                   "'/disk' is in use by '/a' and cannot be used by '/b' as well");
  g_clear_error (&error);
  g_assert_false (sv_object_claim (disk, unplaced, &error));
  g_assert_cmpstr (error->message, ==,
                   "'/disk' is in use by '/a' and cannot be used by 'TestNode' as well");
  g_clear_error (&error);

  g_assert_false (sv_object_remove (disk, &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_BUSY);
  g_assert_cmpstr (error->message, ==, "'/disk' is in use by '/a'");
  g_clear_error (&error);

  /* Only the holder's release counts. */
  sv_object_release (disk, b);
  g_assert_true (sv_object_get_user (disk) == a);
  sv_object_release (disk, a);
  g_assert_null (sv_object_get_user (disk));

  /* A claim ends with its user, and with the claimed object. */
  g_assert_true (sv_object_claim (disk, b, NULL));
  sv_object_unparent (b);
  g_assert_null (sv_object_get_user (disk));
  g_assert_true (sv_object_claim (disk, a, NULL));
  sv_object_unparent (disk);
  sv_object_unparent (a);
}

static void
test_complete (void)
{
  g_autoptr (SvObject) node = g_object_new (TEST_TYPE_NODE, NULL);
  GError *error = NULL;

  TEST_NODE (node)->fail = TRUE;
  g_assert_false (sv_object_complete (node, &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID);
  g_clear_error (&error);
  g_assert_false (sv_object_is_complete (node));
  g_assert_true (sv_object_can_change (node, target_pspec, NULL));

  TEST_NODE (node)->fail = FALSE;
  g_assert_true (sv_object_complete (node, NULL));
  g_assert_true (sv_object_complete (node, NULL));
  g_assert_true (sv_object_is_complete (node));
  g_assert_cmpuint (TEST_NODE (node)->completed, ==, 2);
  g_assert_false (sv_object_can_change (node, target_pspec, &error));
  g_assert_error (error, SV_OBJECT_ERROR, SV_OBJECT_ERROR_READ_ONLY);
  g_clear_error (&error);
}

static gboolean
append_path (SvObject *object, gpointer user_data)
{
  g_autofree char *path = sv_object_dup_path (object);

  g_string_append_printf (user_data, "%s ", path);
  return !g_str_has_suffix (path, "stop");
}

static void
test_walk (void)
{
  g_autoptr (SvObject) root = sv_object_new_container ();
  SvObject *a = add (root, "a", SV_TYPE_OBJECT);
  SvObject *b = add (root, "b", SV_TYPE_OBJECT);
  g_autoptr (GString) log = g_string_new (NULL);

  add (a, "x", SV_TYPE_OBJECT);
  add (b, "y", SV_TYPE_OBJECT);
  g_assert_true (sv_object_walk (root, append_path, log));
  g_assert_cmpstr (log->str, ==, "/ /a /a/x /b /b/y ");

  g_string_truncate (log, 0);
  add (a, "stop", SV_TYPE_OBJECT);
  g_assert_false (sv_object_walk (root, append_path, log));
  g_assert_cmpstr (log->str, ==, "/ /a /a/x /a/stop ");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/qom/object/paths", test_paths);
  g_test_add_func ("/qom/object/bad-children", test_bad_children);
  g_test_add_func ("/qom/object/list-model", test_list_model);
  g_test_add_func ("/qom/object/ownership", test_ownership);
  g_test_add_func ("/qom/object/numbered", test_numbered);
  g_test_add_func ("/qom/object/rename", test_rename);
  g_test_add_func ("/qom/object/container", test_container);
  g_test_add_func ("/qom/object/resolve", test_resolve);
  g_test_add_func ("/qom/object/link", test_link);
  g_test_add_func ("/qom/object/link-subtree", test_link_subtree);
  g_test_add_func ("/qom/object/link-notify-reenters", test_link_notify_reenters);
  g_test_add_func ("/qom/object/claim", test_claim);
  g_test_add_func ("/qom/object/complete", test_complete);
  g_test_add_func ("/qom/object/walk", test_walk);
  return g_test_run ();
}
