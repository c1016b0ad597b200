/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/runtime/sv-privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "qom/sv-parse.h"

/*
 * What the process may do. Linux keeps ids and capabilities by thread: each thread gives up its own
 * when it starts, and the main thread once everything is open. The system calls are made directly,
 * as the C library's functions would stop every thread to change all of them, and the threads'
 * filters do not let them.
 */

#define MAX_GROUPS 256

/*
 * What is left to the main thread of a root process, for what is plugged later: taps by name, disks
 * of other users, memory for passed-through devices.
 */
#define KEPT                                                                                       \
  ((G_GUINT64_CONSTANT (1) << CAP_NET_ADMIN) | (G_GUINT64_CONSTANT (1) << CAP_DAC_OVERRIDE)        \
   | (G_GUINT64_CONSTANT (1) << CAP_IPC_LOCK))

static struct
{
  gboolean confine;
  char *root;
  char *user; /* NULL: stay who we are */
  uid_t uid;
  gid_t gid;
  gid_t groups[MAX_GROUPS];
  int n_groups;
} state;

G_GNUC_PRINTF (2, 3)
static gboolean
fail (GError **error, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (error != NULL)
    *error = g_error_new_valist (G_IO_ERROR, G_IO_ERROR_FAILED, format, args);
  va_end (args);
  return FALSE;
}

/* UID:GID */
static gboolean
parse_numbers (const char *user)
{
  const char *colon = strchr (user, ':');
  g_autofree char *uid_text = colon != NULL ? g_strndup (user, colon - user) : NULL;
  guint64 uid;
  guint64 gid;

  if (colon == NULL || !sv_parse_uint64 (uid_text, &uid, NULL)
      || !sv_parse_uint64 (colon + 1, &gid, NULL) || uid >= G_MAXUINT32 || gid >= G_MAXUINT32)
    return FALSE;
  state.uid = (uid_t)uid;
  state.gid = (gid_t)gid;
  state.groups[0] = state.gid;
  state.n_groups = 1;
  return TRUE;
}

static gboolean
find_user (const char *user, GError **error)
{
  struct passwd *entry;

  if (parse_numbers (user))
    return TRUE;
  errno = 0;
  entry = getpwnam (user);
  if (entry == NULL)
    return fail (error, "-runas %s: there is no such user: expected USER or UID:GID", user);
  state.uid = entry->pw_uid;
  state.gid = entry->pw_gid;
  state.n_groups = MAX_GROUPS;
  if (getgrouplist (user, entry->pw_gid, state.groups, &state.n_groups) < 0)
    return fail (error, "-runas %s: the user is in more than %d groups", user, MAX_GROUPS);
  return TRUE;
}

/* What is gone from the bounding set does not come back through a program with file capabilities. Threads
 * inherit the set; where it cannot be changed there is nothing to lose. */
static void
empty_bounding_set (void)
{
  for (int i = 0; prctl (PR_CAPBSET_DROP, i, 0, 0, 0) == 0;)
    i++;
}

/**
 * sv_privileges_init: (skip)
 * @run_as: (nullable): user to become, `USER` or `UID:GID`
 * @root: (nullable): directory to stay in
 * @confine: whether to give up capabilities that no longer serve
 * @error: return location
 *
 * Says what the following functions shall do, and forbids the process to gain privileges by running
 * programs. While there is one thread.
 *
 * Returns: %FALSE with @error set when the user does not exist, or this process cannot become it
 */
gboolean
sv_privileges_init (const char *run_as, const char *root, gboolean confine, GError **error)
{
  g_clear_pointer (&state.user, g_free);
  if (run_as != NULL && !find_user (run_as, error))
    return FALSE;
  if (run_as != NULL && geteuid () != 0 && (state.uid != geteuid () || state.gid != getegid ()))
    return fail (error, "-runas %s: only root can become another user", run_as);
  if (root != NULL && geteuid () != 0)
    return fail (error, "-sandbox chroot=%s: only root can do that", root);

  state.user = geteuid () == 0 ? g_strdup (run_as) : NULL;
  g_free (state.root);
  state.root = g_strdup (root);
  state.confine = confine;
  if (confine && prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
    return fail (error, "Cannot give up new privileges: %s", g_strerror (errno));
  if (confine)
    empty_bounding_set ();
  return TRUE;
}

static gboolean
change_ids (void)
{
  return syscall (SYS_setgroups, state.n_groups, state.groups) == 0
         && syscall (SYS_setresgid, state.gid, state.gid, state.gid) == 0
         && syscall (SYS_setresuid, state.uid, state.uid, state.uid) == 0;
}

/* Keeps what it has of @kept. */
static gboolean
drop_capabilities (guint64 kept)
{
  struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

  if (syscall (SYS_capget, &header, data) != 0)
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (data); i++)
    {
      data[i].permitted &= (guint32)(kept >> (32 * i));
      data[i].effective &= data[i].permitted;
      data[i].inheritable = 0;
    }
  return syscall (SYS_capset, &header, data) == 0;
}

/**
 * sv_privileges_enter_thread: (skip)
 *
 * To be called by each thread as it starts, before its system calls are filtered: threads work on
 * what is open and need no privilege. One that cannot be had ends the process.
 */
void
sv_privileges_enter_thread (void)
{
  /* EPERM: the filter of system calls that a later thread inherits. It has what privileges the main
   * thread has left. For threads before, the main thread itself will not get past this error. */
  if ((state.user == NULL || change_ids () || errno == EPERM)
      && (!state.confine || drop_capabilities (0) || errno == EPERM))
    return;
  g_critical ("Cannot give up the privileges of a thread: %s", g_strerror (errno));
  _exit (EXIT_FAILURE);
}

/**
 * sv_privileges_enter: (skip)
 * @error: return location
 *
 * Goes to the directory, becomes the user, gives up capabilities: on the main thread, with
 * everything open and before the guest runs.
 *
 * Returns: %FALSE with @error set when one of these fails
 */
gboolean
sv_privileges_enter (GError **error)
{
  if (state.root != NULL && (chroot (state.root) < 0 || chdir ("/") < 0))
    return fail (error, "-sandbox chroot=%s: %s", state.root, g_strerror (errno));
  if (state.user != NULL && !change_ids ())
    return fail (error, "-runas %s: %s", state.user, g_strerror (errno));
  if (state.confine && !drop_capabilities (state.user != NULL ? 0 : KEPT))
    return fail (error, "Cannot give up capabilities: %s", g_strerror (errno));
  return TRUE;
}
