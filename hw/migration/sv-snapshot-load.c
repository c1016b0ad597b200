/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A VM goes on from a snapshot. */
#include "hw/migration/sv-migration-job.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "hw/migration/sv-machine-state.h"
#include "src/migration/sv-ram-file.h"
#include "src/migration/sv-state-file.h"

static int
open_file (const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

  if (fd < 0)
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno), "'%s': %s", path, g_strerror (errno));
  return fd;
}

static GBytes *
read_state (const char *path, GError **error)
{
  int fd = open_file (path, error);
  guint8 *data = NULL;
  gsize size = 0;
  struct stat st;

  if (fd < 0)
    return NULL;
  if (fstat (fd, &st) == 0 && S_ISREG (st.st_mode) && st.st_size <= SV_STATE_MAX_SIZE)
    {
      data = g_malloc ((gsize)st.st_size + 1);
      while (size < (gsize)st.st_size)
        {
          const struct iovec rest = { data + size, (gsize)st.st_size - size };
          gssize n = preadv2 (fd, &rest, 1, (off_t)size, 0);

          if (n < 0 && errno == EINTR)
            continue;
          if (n <= 0)
            break;
          size += (gsize)n;
        }
    }
  close (fd);
  if (data != NULL)
    return g_bytes_new_take (data, size);
  g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID, "'%s': it is no state of a VM", path);
  return NULL;
}

static GVariant *
load_state_file (SvMachine *machine, const char *path, GError **error)
{
  g_autoptr (GBytes) bytes = read_state (path, error);
  g_autoptr (GVariant) state = NULL;

  if (bytes == NULL)
    return NULL;
  state = sv_state_unpack (bytes, error);
  if (state != NULL && sv_machine_state_fits (machine, state, error))
    return g_steal_pointer (&state);
  g_prefix_error (error, "'%s': ", path);
  return NULL;
}

gboolean
sv_snapshot_load (SvMachine *machine, const char *directory, gboolean *touched, GError **error)
{
  GPtrArray *ram = sv_machine_get_ram_backends (machine);
  g_autofree char *state_path = g_build_filename (directory, "state", NULL);
  g_autofree char *memory_path = g_build_filename (directory, "memory", NULL);
  g_autoptr (GVariant) state = load_state_file (machine, state_path, error);
  const char *id;
  gboolean ok;
  int fd;

  *touched = FALSE;
  if (state == NULL)
    return FALSE;
  fd = open_file (memory_path, error);
  if (fd < 0)
    return FALSE;
  id = sv_machine_state_get_id (state);
  ok = sv_ram_file_check (fd, ram, id != NULL ? id : "", error);
  if (ok && !sv_machine_take_disks (machine, error))
    {
      close (fd);
      return FALSE;
    }
  if (ok)
    {
      *touched = TRUE;
      ok = sv_ram_file_map (fd, ram, error);
    }
  close (fd);
  if (!ok)
    {
      g_prefix_error (error, "'%s': ", memory_path);
      return FALSE;
    }
  if (sv_machine_state_load (machine, state, TRUE, error))
    return TRUE;
  g_prefix_error (error, "'%s': ", state_path);
  return FALSE;
}
