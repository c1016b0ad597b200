/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* What the machine itself saves: whether its guest was loaded, and whether it can go on at all. */

#include "hw/core/sv-machine-private.h"

static gboolean
check_state (SvMigratable *migratable, GError **error)
{
  const SvMachineRun *run = &sv_machine_get_priv (SV_MACHINE (migratable))->run;

  if (run->requests.reset == SV_SHUTDOWN_CAUSE_NONE && run->requests.shutdown == SV_SHUTDOWN_CAUSE_NONE
      && run->requests.panic == SV_GUEST_PANIC_NONE && !run->requests.error)
    return TRUE;
  g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED,
                       "the guest is about to be reset, to end or to panic");
  return FALSE;
}

/* That a guest cannot leave without a reset. Otherwise whoever loads the machine decides when it runs. */
static gboolean
is_final (SvRunState state)
{
  return state == SV_RUN_STATE_SHUTDOWN || state == SV_RUN_STATE_INTERNAL_ERROR || state == SV_RUN_STATE_GUEST_PANICKED;
}

static GVariant *
dup_state (SvMigratable *migratable, GError **error)
{
  const SvMachineRun *run = &sv_machine_get_priv (SV_MACHINE (migratable))->run;
  GEnumClass *states = g_type_class_ref (SV_TYPE_RUN_STATE);
  const char *nick = is_final (run->state) ? g_enum_get_value (states, run->state)->value_nick : "";
  GVariant *state = g_variant_new ("(sb)", nick, run->loaded);

  g_type_class_unref (states);
  return state;
}

static gboolean
load_state (SvMigratable *migratable, GVariant *state, guint version, GError **error)
{
  SvMachine *self = SV_MACHINE (migratable);
  GEnumClass *states = g_type_class_ref (SV_TYPE_RUN_STATE);
  const char *nick;
  gboolean loaded;
  const GEnumValue *value;

  g_variant_get (state, "(&sb)", &nick, &loaded);
  value = g_enum_get_value_by_nick (states, nick);
  g_type_class_unref (states);
  if (*nick != '\0' && (value == NULL || !is_final (value->value)))
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID,
                   "run state is '%s': none that only a reset ends", nick);
      return FALSE;
    }
  sv_machine_run_loaded (self, value != NULL ? (SvRunState)value->value : sv_machine_get_run_state (self), loaded);
  return TRUE;
}

const SvMigratableState sv_machine_migration = {
  .types = (const char *const[]){ "(sb)", NULL }, /* run state that only a reset ends, the guest's memory was loaded */
  .check = check_state,
  .dup = dup_state,
  .load = load_state,
};
