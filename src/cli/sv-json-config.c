/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "qmp/sv-qmp-json.h"
#include "qom/sv-suggestion.h"
#include "src/cli/sv-cli-private.h"

/*
 * The configuration file of -config. Its sections say what options of the older dialect say, in
 * other words; once the words are translated the options' own code goes on. Values keep their JSON
 * type, so that a property's range is checked where it is for everybody else.
 */

#define MAX_BYTES (1024 * 1024)

typedef enum
{
  KIND_STRING,
  KIND_BOOLEAN,
  KIND_INTEGER,
} Kind;

typedef struct
{
  const char *key;
  Kind kind;
  gboolean required;
  const char *name; /* what the option, or the machine, calls it */
} Key;

typedef enum
{
  SHAPE_OBJECT,
  SHAPE_ARRAY,
  SHAPE_EITHER,
} Shape;

typedef struct Section Section;

struct Section
{
  const char *name;
  Shape shape;
  gboolean (*read) (SvCli *cli, SvCliKeys *keys, GError **error);
  Key keys[9];
};

static gboolean
read_machine (SvCli *cli, SvCliKeys *keys, GError **error)
{
  const char *section = cli->origin;
  gboolean ok = TRUE;
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init_ordered (&iter, keys->values);
  while (ok && json_object_iter_next_ordered (&iter, &name, &value))
    {
      const char *key = g_hash_table_lookup (keys->names, name);
      g_autofree char *origin = g_strconcat (section, ".", key, NULL);

      cli->origin = origin;
      if (strcmp (name, "type") == 0)
        sv_vm_config_set_machine_type (cli->config, json_node_get_string (value), origin);
      else if (strcmp (name, "name") == 0)
        ok = sv_cli_set_name (cli, json_node_get_string (value), error);
      else
        sv_vm_config_set_machine (cli->config, name, json_node_copy (value), origin);
      if (!ok)
        g_prefix_error (error, ".%s: ", key);
    }
  cli->origin = section;
  return ok;
}

/* Two keys of different age for one thing. */
static gboolean
read_machine_config (SvCli *cli, SvCliKeys *keys, GError **error)
{
  static const char key[] = "omit_vm_memory";

  if (sv_cli_keys_has (keys, key))
    {
      gboolean omit = json_object_get_boolean_member (keys->values, key);

      if (sv_cli_keys_has (keys, "dump-guest-core"))
        return sv_cli_fail (error, "'omit_vm_memory' and 'dump_guest_core' say the same");
      sv_cli_keys_move (keys, key, keys, "dump-guest-core");
      json_object_set_boolean_member (keys->values, "dump-guest-core", !omit);
    }
  return read_machine (cli, keys, error);
}

static gboolean
read_serial (SvCli *cli, SvCliKeys *keys, GError **error)
{
  return !json_object_get_boolean_member (keys->values, "stdio")
         || sv_cli_serial (cli, "stdio", error);
}

static const Section sections[] = {
  { "boot-source",
    SHAPE_OBJECT,
    read_machine,
    { { "kernel_image_path", KIND_STRING, FALSE, "kernel" },
      { "boot_args", KIND_STRING, FALSE, "append" },
      { "initrd_fs_path", KIND_STRING, FALSE, "initrd" } } },
  { "machine-config",
    SHAPE_OBJECT,
    read_machine_config,
    { { "type", KIND_STRING, FALSE, "type" },
      { "name", KIND_STRING, FALSE, "name" },
      { "vcpu_count", KIND_INTEGER, FALSE, "cpus" },
      { "mem_size", KIND_INTEGER, FALSE, "memory-size" },
      { "dump_guest_core", KIND_BOOLEAN, FALSE, "dump-guest-core" },
      { "mem-share", KIND_BOOLEAN, FALSE, "mem-share" },
      { "mem_path", KIND_STRING, FALSE, "mem-path" },
      { "omit_vm_memory", KIND_BOOLEAN, FALSE, "omit_vm_memory" } } },
  { "drive",
    SHAPE_ARRAY,
    sv_cli_older_drive,
    { { "drive_id", KIND_STRING, TRUE, "id" },
      { "path_on_host", KIND_STRING, TRUE, "file" },
      { "read_only", KIND_BOOLEAN, FALSE, "readonly" },
      { "direct", KIND_BOOLEAN, FALSE, "direct" },
      { "serial_num", KIND_STRING, FALSE, "serial" },
      { "iothread", KIND_STRING, FALSE, "iothread" },
      { "iops", KIND_INTEGER, FALSE, "iops" } } },
  { "net",
    SHAPE_ARRAY,
    sv_cli_older_netdev,
    { { "iface_id", KIND_STRING, TRUE, "id" },
      { "host_dev_name", KIND_STRING, TRUE, "netdev" },
      { "mac", KIND_STRING, FALSE, "mac" },
      { "iothread", KIND_STRING, FALSE, "iothread" } } },
  { "console",
    SHAPE_EITHER,
    sv_cli_older_console,
    { { "console_id", KIND_STRING, TRUE, "id" },
      { "socket_path", KIND_STRING, TRUE, "path" } } },
  { "vsock",
    SHAPE_OBJECT,
    sv_cli_older_vsock,
    { { "vsock_id", KIND_STRING, TRUE, "id" }, { "guest_cid", KIND_INTEGER, TRUE, "guest-cid" } } },
  { "serial", SHAPE_OBJECT, read_serial, { { "stdio", KIND_BOOLEAN, TRUE, "stdio" } } },
  { "iothread", SHAPE_ARRAY, sv_cli_older_iothread, { { "id", KIND_STRING, TRUE, "id" } } },
  { "balloon",
    SHAPE_OBJECT,
    sv_cli_older_balloon,
    { { "deflate_on_oom", KIND_BOOLEAN, TRUE, "deflate-on-oom" } } },
  { "rng",
    SHAPE_OBJECT,
    sv_cli_older_rng,
    { { "random_file", KIND_STRING, TRUE, "random_file" },
      { "bytes_per_sec", KIND_INTEGER, FALSE, "bytes_per_sec" } } },
};

static char *
dup_shown (JsonNode *node)
{
  char *text = json_to_string (node, FALSE);

  if (strlen (text) > 64)
    strcpy (text + 61, "...");
  return text;
}

static gboolean
fail_shape (JsonNode *node, const char *accepted, GError **error)
{
  g_autofree char *got = dup_shown (node);

  return sv_cli_fail (error, "expected %s, got %s", accepted, got);
}

static gboolean
check_kind (JsonNode *node, Kind kind, GError **error)
{
  static const struct
  {
    GType type;
    const char *accepted;
  } kinds[] = { { G_TYPE_STRING, "a string" },
                { G_TYPE_BOOLEAN, "true or false" },
                { G_TYPE_INT64, "an integer" } };

  return json_node_get_value_type (node) == kinds[kind].type
         || fail_shape (node, kinds[kind].accepted, error);
}

static gboolean
fail_unknown_key (const Section *section, const char *key, GError **error)
{
  g_autoptr (GString) accepted = g_string_new (NULL);
  g_autofree char *hint = NULL;
  SvSuggestion suggestion;

  sv_suggestion_init (&suggestion, key);
  for (const Key *k = section->keys; k->key != NULL; k++)
    {
      sv_suggestion_consider (&suggestion, k->key);
      g_string_append_printf (accepted, "%s'%s'", accepted->len > 0 ? ", " : "", k->key);
    }
  hint = sv_suggestion_dup_hint (&suggestion);
  return sv_cli_fail (error, "unknown key%s: accepted are %s", hint, accepted->str);
}

static const Key *
find_key (const Section *section, const char *name)
{
  for (const Key *key = section->keys; key->key != NULL; key++)
    if (strcmp (key->key, name) == 0)
      return key;
  return NULL;
}

/* The values of one object of the file under the option's names. */
static SvCliKeys *
translate (const Section *section, JsonObject *object, GError **error)
{
  g_autoptr (SvCliKeys) keys = sv_cli_keys_new ();
  JsonObjectIter iter;
  const char *name;
  JsonNode *value;

  json_object_iter_init_ordered (&iter, object);
  while (json_object_iter_next_ordered (&iter, &name, &value))
    {
      const Key *key = find_key (section, name);

      if (!(key != NULL ? check_kind (value, key->kind, error)
                        : fail_unknown_key (section, name, error)))
        {
          g_prefix_error (error, ".%s: ", name);
          return NULL;
        }
      json_object_set_member (keys->values, key->name, json_node_copy (value));
      g_hash_table_insert (keys->names, g_strdup (key->name), g_strdup (name));
    }
  for (const Key *key = section->keys; key->key != NULL; key++)
    if (key->required && !sv_cli_keys_has (keys, key->name))
      {
        sv_cli_fail (error, ".%s: is missing", key->key);
        return NULL;
      }
  return g_steal_pointer (&keys);
}

/* @path: where in the file @node is; @file: how errors name the file */
static gboolean
read_object (SvCli *cli,
             const Section *section,
             JsonNode *node,
             const char *file,
             const char *path,
             GError **error)
{
  g_autofree char *origin = g_strconcat (file, ": ", path, NULL);
  g_autoptr (SvCliKeys) keys = NULL;
  gboolean ok;

  if (!JSON_NODE_HOLDS_OBJECT (node))
    {
      fail_shape (node, "an object", error);
      g_prefix_error (error, "%s: ", path);
      return FALSE;
    }
  keys = translate (section, json_node_get_object (node), error);
  if (keys == NULL)
    {
      g_prefix_error (error, "%s", path);
      return FALSE;
    }
  cli->origin = origin;
  cli->role = NULL;
  ok = section->read (cli, keys, error);
  /* An error that begins with a point names the key itself. */
  if (!ok)
    g_prefix_error (error, error != NULL && (*error)->message[0] == '.' ? "%s" : "%s: ", path);
  cli->origin = file;
  return ok;
}

static gboolean
read_section (
    SvCli *cli, const Section *section, JsonNode *node, const char *file, GError **error)
{
  JsonArray *array;

  if (section->shape == SHAPE_OBJECT
      || (section->shape == SHAPE_EITHER && !JSON_NODE_HOLDS_ARRAY (node)))
    return read_object (cli, section, node, file, section->name, error);

  if (!JSON_NODE_HOLDS_ARRAY (node))
    {
      fail_shape (node, "an array of objects", error);
      g_prefix_error (error, "%s: ", section->name);
      return FALSE;
    }
  array = json_node_get_array (node);
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      g_autofree char *path = g_strdup_printf ("%s[%u]", section->name, i);

      if (!read_object (cli, section, json_array_get_element (array, i), file, path, error))
        return FALSE;
    }
  return TRUE;
}

static const Section *
find_section (const char *name, GError **error)
{
  g_autoptr (GString) accepted = g_string_new (NULL);
  g_autofree char *hint = NULL;
  SvSuggestion suggestion;

  sv_suggestion_init (&suggestion, name);
  for (guint i = 0; i < G_N_ELEMENTS (sections); i++)
    {
      if (strcmp (sections[i].name, name) == 0)
        return &sections[i];
      sv_suggestion_consider (&suggestion, sections[i].name);
      g_string_append_printf (accepted, "%s'%s'", i > 0 ? ", " : "", sections[i].name);
    }
  hint = sv_suggestion_dup_hint (&suggestion);
  sv_cli_fail (error, "%s: unknown section%s: accepted are %s", name, hint, accepted->str);
  return NULL;
}

/* The text of the file; a pipe will do, too. */
static char *
read_text (const char *path, gsize *length, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  guint8 buffer[4096];
  ssize_t n = -1;

  while (fd >= 0 && bytes->len <= MAX_BYTES
         && (n = TEMP_FAILURE_RETRY (read (fd, buffer, sizeof buffer))) > 0)
    g_byte_array_append (bytes, buffer, (guint)n);
  if (n < 0)
    sv_cli_fail (error, "cannot read it: %s", g_strerror (errno));
  if (fd >= 0)
    close (fd);
  if (n < 0)
    return NULL;
  if (bytes->len > MAX_BYTES)
    {
      sv_cli_fail (error, "it is larger than %d bytes", MAX_BYTES);
      return NULL;
    }
  *length = bytes->len;
  g_byte_array_append (bytes, (const guint8 *)"", 1);
  return (char *)g_byte_array_free (g_steal_pointer (&bytes), FALSE);
}

static JsonNode *
parse_text (const char *text, gsize length, GError **error)
{
  gsize where = 0;
  JsonNode *node = sv_qmp_json_parse_at (text, length, &where, error);
  guint line = 1;

  if (node != NULL)
    return node;
  for (gsize i = 0; i < where; i++)
    line += text[i] == '\n';
  g_prefix_error (error, "line %u: ", line);
  return NULL;
}

/**
 * sv_cli_read_json: (skip)
 * @cli: what to add to
 * @path: a file
 * @error: return location
 *
 * Reads a configuration file.
 *
 * Returns: %FALSE with an error that begins with the place in the file: `drive[1].iops: ...`
 */
gboolean
sv_cli_read_json (SvCli *cli, const char *path, GError **error)
{
  const char *file = cli->origin;
  gsize length;
  g_autofree char *text = read_text (path, &length, error);
  g_autoptr (JsonNode) root = text != NULL ? parse_text (text, length, error) : NULL;
  gboolean ok = root != NULL;
  JsonObjectIter iter;
  const char *name;
  JsonNode *node;

  if (!ok)
    return FALSE;
  if (!JSON_NODE_HOLDS_OBJECT (root))
    return fail_shape (root, "an object", error);

  cli->from_file = TRUE;
  json_object_iter_init_ordered (&iter, json_node_get_object (root));
  while (ok && json_object_iter_next_ordered (&iter, &name, &node))
    {
      const Section *section = find_section (name, error);

      ok = section != NULL && read_section (cli, section, node, file, error);
    }
  cli->from_file = FALSE;
  return ok;
}
