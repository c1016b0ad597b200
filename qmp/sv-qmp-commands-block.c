/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Commands about disk images. */

#include <string.h>
#include <sys/stat.h>

#include "qmp/sv-qmp-error.h"
#include "qmp/sv-qmp-tree.h"
#include "qom/sv-type-registry.h"
#include "src/block/sv-block-raw.h"

/* The device that uses @node; NULL when none does, or another node. */
static SvObject *
get_device (SvObject *node)
{
  SvObject *user = sv_object_get_user (node);

  return user && SV_IS_DEVICE (user) ? user : NULL;
}

/* The name that a drive has; that of a node is told by 'node-name'. */
static void
set_drive_name (JsonObject *info, SvObject *node)
{
  const char *name = sv_block_node_get_drive_name (SV_BLOCK_NODE (node));

  json_object_set_string_member (info, "device", name ? name : "");
}

static JsonObject *
describe_image (SvObject *node, const char *filename)
{
  JsonObject *image = json_object_new ();
  struct stat info;

  json_object_set_string_member (image, "filename", filename);
  json_object_set_string_member (image, "format", sv_block_node_get_driver (SV_BLOCK_NODE (node)));
  json_object_set_int_member (image, "virtual-size",
                              (gint64)sv_block_node_get_size (SV_BLOCK_NODE (node)));
  if (filename[0] != '\0' && stat (filename, &info) == 0)
    json_object_set_int_member (image, "actual-size", (gint64)info.st_blocks * 512);
  return image;
}

/* By SvBlockLimit */
static const char *const limit_names[SV_BLOCK_N_LIMITS]
    = { "bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr" };

static JsonObject *
describe_node (SvObject *node)
{
  g_autofree char *filename = sv_qmp_dup_string (node, "filename");
  g_autofree char *detect_zeroes = sv_qmp_dup_string (node, "detect-zeroes");
  JsonObject *info = json_object_new ();
  JsonObject *cache = json_object_new ();

  json_object_set_string_member (info, "node-name", sv_object_get_id (node));
  json_object_set_string_member (info, "file", filename ? filename : "");
  json_object_set_boolean_member (info, "ro", sv_block_node_is_read_only (SV_BLOCK_NODE (node)));
  json_object_set_string_member (info, "drv", sv_block_node_get_driver (SV_BLOCK_NODE (node)));
  json_object_set_int_member (info, "backing_file_depth", 0);
  json_object_set_boolean_member (info, "encrypted", FALSE);
  json_object_set_string_member (info, "detect_zeroes", detect_zeroes ? detect_zeroes : "off");
  for (guint i = 0; i < SV_BLOCK_N_LIMITS; i++)
    json_object_set_int_member (info, limit_names[i],
                                (gint64) sv_block_node_get_limit (SV_BLOCK_NODE (node), i));
  json_object_set_object_member (info, "image", describe_image (node, filename ? filename : ""));
  json_object_set_boolean_member (cache, "writeback", TRUE);
  json_object_set_boolean_member (cache, "direct", sv_qmp_get_bool (node, "cache.direct", FALSE));
  json_object_set_boolean_member (cache, "no-flush",
                                  sv_qmp_get_bool (node, "cache.no-flush", FALSE));
  json_object_set_object_member (info, "cache", cache);
  json_object_set_int_member (info, "write_threshold", 0);
  return info;
}

SV_QMP_COMMAND (query_block)
{
  g_autoptr (GPtrArray) nodes = sv_qmp_collect (sv_qmp_call_get_root (call), SV_TYPE_BLOCK_NODE);
  g_autoptr (JsonArray) array = json_array_new ();

  for (guint i = 0; i < nodes->len; i++)
    {
      SvObject *node = g_ptr_array_index (nodes, i);
      SvObject *device = get_device (node);
      JsonObject *info;

      if (!device && !sv_block_node_get_drive_name (SV_BLOCK_NODE (node)))
        continue;
      info = json_object_new ();
      set_drive_name (info, node);
      if (device)
        sv_qmp_set_path (info, "qdev", device);
      json_object_set_string_member (info, "type", "unknown");
      json_object_set_boolean_member (info, "removable", FALSE);
      json_object_set_boolean_member (info, "locked", FALSE);
      json_object_set_object_member (info, "inserted", describe_node (node));
      if (device)
        sv_qmp_copy_property (info, "io-status", device, "io-status");
      json_array_add_object_element (array, info);
    }
  return sv_qmp_array_node (array);
}

SV_QMP_COMMAND (query_named_block_nodes)
{
  g_autoptr (GPtrArray) nodes = sv_qmp_collect (sv_qmp_call_get_root (call), SV_TYPE_BLOCK_NODE);
  g_autoptr (JsonArray) array = json_array_new ();

  for (guint i = 0; i < nodes->len; i++)
    json_array_add_object_element (array, describe_node (g_ptr_array_index (nodes, i)));
  return sv_qmp_array_node (array);
}

static JsonObject *
describe_stats (SvObject *node)
{
  static const struct
  {
    SvBlockOp op;
    const char *bytes;
    const char *operations;
    const char *time;
    const char *failed;
    const char *invalid;
    const char *merged;
  } rows[] = {
    { SV_BLOCK_READ, "rd_bytes", "rd_operations", "rd_total_time_ns", "failed_rd_operations",
      "invalid_rd_operations", "rd_merged" },
    { SV_BLOCK_WRITE, "wr_bytes", "wr_operations", "wr_total_time_ns", "failed_wr_operations",
      "invalid_wr_operations", "wr_merged" },
    { SV_BLOCK_FLUSH, NULL, "flush_operations", "flush_total_time_ns", "failed_flush_operations",
      "invalid_flush_operations", NULL },
    { SV_BLOCK_DISCARD, "unmap_bytes", "unmap_operations", "unmap_total_time_ns",
      "failed_unmap_operations", "invalid_unmap_operations", "unmap_merged" },
  };
  JsonObject *stats = json_object_new ();
  SvBlockStats counters;

  sv_block_node_get_stats (SV_BLOCK_NODE (node), &counters);
  /* To the guest and to QEMU, writing zeroes is writing. */
  counters.ops[SV_BLOCK_WRITE] += counters.ops[SV_BLOCK_WRITE_ZEROES];
  counters.bytes[SV_BLOCK_WRITE] += counters.bytes[SV_BLOCK_WRITE_ZEROES];
  counters.failed[SV_BLOCK_WRITE] += counters.failed[SV_BLOCK_WRITE_ZEROES];
  counters.time_ns[SV_BLOCK_WRITE] += counters.time_ns[SV_BLOCK_WRITE_ZEROES];

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      SvBlockOp op = rows[i].op;

      if (rows[i].bytes)
        json_object_set_int_member (stats, rows[i].bytes, (gint64)counters.bytes[op]);
      json_object_set_int_member (stats, rows[i].operations, (gint64)counters.ops[op]);
      json_object_set_int_member (stats, rows[i].time, (gint64)counters.time_ns[op]);
      json_object_set_int_member (stats, rows[i].failed, (gint64)counters.failed[op]);
      json_object_set_int_member (stats, rows[i].invalid, 0);
      if (rows[i].merged)
        json_object_set_int_member (stats, rows[i].merged, 0);
    }
  json_object_set_int_member (stats, "wr_highest_offset", 0);
  json_object_set_boolean_member (stats, "account_invalid", FALSE);
  json_object_set_boolean_member (stats, "account_failed", FALSE);
  json_object_set_array_member (stats, "timed_stats", json_array_new ());
  return stats;
}

SV_QMP_COMMAND (query_blockstats)
{
  g_autoptr (GPtrArray) nodes = sv_qmp_collect (sv_qmp_call_get_root (call), SV_TYPE_BLOCK_NODE);
  g_autoptr (JsonArray) array = json_array_new ();
  gboolean all
      = arguments && json_object_get_boolean_member_with_default (arguments, "query-nodes", FALSE);

  for (guint i = 0; i < nodes->len; i++)
    {
      SvObject *node = g_ptr_array_index (nodes, i);
      SvObject *device = get_device (node);
      JsonObject *info;

      if (!device && !all && !sv_block_node_get_drive_name (SV_BLOCK_NODE (node)))
        continue;
      info = json_object_new ();
      set_drive_name (info, node);
      if (device)
        sv_qmp_set_path (info, "qdev", device);
      json_object_set_string_member (info, "node-name", sv_object_get_id (node));
      json_object_set_object_member (info, "stats", describe_stats (node));
      json_array_add_object_element (array, info);
    }
  return sv_qmp_array_node (array);
}

static void
copy_member (JsonObject *object, const char *name, JsonNode *node, gpointer target)
{
  if (strcmp (name, "driver") != 0 && strcmp (name, "node-name") != 0)
    json_object_set_member (target, name, json_node_copy (node));
}

SV_QMP_COMMAND (blockdev_add)
{
  const char *name = json_object_get_string_member (arguments, "node-name");
  SvObject *nodes = sv_object_ensure_container (sv_qmp_call_get_root (call), "block");
  const char *driver = json_object_get_string_member_with_default (arguments, "driver", NULL);
  g_autoptr (JsonObject) properties = json_object_new ();
  g_autofree char *type = NULL;

  if (sv_object_get_child (nodes, name))
    {
      g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "Duplicate nodes with node-name='%s'",
                   name);
      return NULL;
    }
  json_object_foreach_member (arguments, copy_member, properties);
  driver = sv_block_flatten (properties, driver, error);
  if (!driver)
    return NULL;
  type = g_strconcat ("blockdev-", driver, NULL);
  if (sv_type_registry_lookup (type) == G_TYPE_INVALID)
    g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                 "Parameter 'driver' does not accept value '%s'", driver);
  else
    sv_qmp_add_object (call, "block", name, type, SV_TYPE_BLOCK_NODE, properties, error);
  return NULL;
}

SV_QMP_COMMAND (blockdev_del)
{
  const char *name = json_object_get_string_member (arguments, "node-name");
  SvObject *nodes = sv_object_ensure_container (sv_qmp_call_get_root (call), "block");
  SvObject *node = sv_object_get_child (nodes, name);

  if (!node)
    g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                 "Failed to find node with node-name='%s'", name);
  else
    sv_object_remove (node, error);
  return NULL;
}

/* Limits and sizes */

/* The node that a command means: by the id or path of a device, or by the name of a drive. */
static SvBlockNode *
find_node (SvQmpCall *call, JsonObject *arguments, GError **error)
{
  const char *id = json_object_get_string_member_with_default (arguments, "id", NULL);
  const char *drive = json_object_get_string_member_with_default (arguments, "device", NULL);
  g_autofree char *path = NULL;
  SvObject *object;
  SvObject *node = NULL;

  if ((id == NULL) == (drive == NULL))
    {
      g_set_error_literal (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                           id ? "Parameters 'device' and 'id' are mutually exclusive"
                              : "Need exactly one of 'device' and 'id'");
      return NULL;
    }
  path = g_strdup (id ? id : drive);
  if (g_str_has_suffix (path, "/virtio-backend"))
    path[strlen (path) - strlen ("/virtio-backend")] = '\0';

  object = drive ? sv_object_get_child (
               sv_object_ensure_container (sv_qmp_call_get_root (call), "block"), drive)
                 : NULL;
  if (!object)
    object = sv_object_resolve (sv_qmp_call_get_root (call), path, SV_TYPE_DEVICE, NULL);
  if (!object)
    object = sv_qmp_resolve (call, path, SV_TYPE_BLOCK_NODE, error);
  if (!object || SV_IS_BLOCK_NODE (object))
    return (SvBlockNode *)object;

  if (g_object_class_find_property (G_OBJECT_GET_CLASS (object), "drive"))
    {
      g_object_get (object, "drive", &node, NULL);
      /* It stays in the tree; the reference is not needed. */
      if (node)
        g_object_unref (node);
    }
  if (!node)
    g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC, "Device '%s' has no medium", path);
  return (SvBlockNode *)node;
}

SV_QMP_COMMAND (block_resize)
{
  const char *name = json_object_get_string_member_with_default (arguments, "node-name", NULL);
  gint64 size = json_object_get_int_member (arguments, "size");
  SvBlockNode *node;

  if (name != NULL && !json_object_has_member (arguments, "device"))
    node = (SvBlockNode *)sv_qmp_resolve (call, name, SV_TYPE_BLOCK_NODE, error);
  else
    node = find_node (call, arguments, error);
  if (node != NULL)
    sv_block_node_resize (node, size > 0 ? (guint64)size : 0, error);
  return NULL;
}

static gboolean
check_limits (JsonObject *arguments, GError **error)
{
  static const char *const bursts[]
      = { "bps_max", "bps_rd_max", "bps_wr_max", "iops_max", "iops_rd_max", "iops_wr_max" };

  for (guint i = 0; i < SV_BLOCK_N_LIMITS; i++)
    {
      gint64 limit = json_object_get_int_member (arguments, limit_names[i]);
      gint64 max = i < SV_BLOCK_LIMIT_IOPS_TOTAL ? SV_BLOCK_MAX_BPS : SV_BLOCK_MAX_IOPS;

      if (limit >= 0 && limit <= max)
        continue;
      g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                   "Parameter '%s' expects a value from 0 to %" G_GINT64_FORMAT, limit_names[i], max);
      return FALSE;
    }
  /* A total and its parts exclude each other, as in QEMU. */
  for (guint i = 0; i < SV_BLOCK_N_LIMITS; i += 3)
    if (json_object_get_int_member (arguments, limit_names[i]) != 0
        && (json_object_get_int_member (arguments, limit_names[i + 1]) != 0
            || json_object_get_int_member (arguments, limit_names[i + 2]) != 0))
      {
        g_set_error_literal (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                             "bps/iops/max total values and read/write values cannot be used at the "
                             "same time");
        return FALSE;
      }
  for (guint i = 0; i < G_N_ELEMENTS (bursts); i++)
    if (json_object_get_int_member_with_default (arguments, bursts[i], 0) != 0)
      {
        g_set_error (error, SV_QMP_ERROR, SV_QMP_ERROR_GENERIC,
                     "Parameter '%s' can only be 0: a limit is kept without bursts", bursts[i]);
        return FALSE;
      }
  return TRUE;
}

SV_QMP_COMMAND (block_set_io_throttle)
{
  SvBlockNode *node = find_node (call, arguments, error);

  if (!node || !check_limits (arguments, error))
    return NULL;
  for (guint i = 0; i < SV_BLOCK_N_LIMITS; i++)
    sv_block_node_set_limit (node, i,
                             (guint64)json_object_get_int_member (arguments, limit_names[i]));
  return NULL;
}
