/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest that writes faster than its memory can be sent is slowed down. */
#include "hw/migration/sv-migration-throttle.h"

#include "hw/core/sv-cpu.h"

/* Shorter ones say little of what a guest does. */
#define PERIOD_US 100000u
#define LOSING_PERIODS 2u
/* How long processors run in between */
#define SLICE_US 10000u

/* --- how much --- */

guint
sv_migration_converge (SvMigrationConverge *self, const SvMigrationParameters *parameters, guint percentage, guint64 sent,
                       guint64 dirtied, guint64 took)
{
  gboolean loses;

  self->sent += sent;
  self->dirtied += dirtied;
  self->took += took;
  if (self->took < PERIOD_US)
    return percentage;
  loses = self->dirtied * 100 > self->sent * parameters->throttle_trigger_threshold;
  self->sent = self->dirtied = self->took = 0;
  self->losing = loses ? self->losing + 1 : 0;
  if (self->losing < LOSING_PERIODS)
    return percentage;
  self->losing = 0;
  if (percentage == 0)
    return (guint)parameters->cpu_throttle_initial;
  return (guint)MIN (percentage + parameters->cpu_throttle_increment, MAX (percentage, parameters->max_cpu_throttle));
}

/* --- how --- */

struct _SvMigrationThrottle
{
  SvMachine *machine; /* not owned */
  GSource *timer;     /* the next change from running to sleeping, or back */
  GPtrArray *asleep;  /* owned: vCPUs that are held */
  guint percentage;
};

static gboolean
hold (SvObject *object, gpointer user_data)
{
  SvMigrationThrottle *self = user_data;
  SvVcpu *vcpu = SV_IS_CPU (object) ? sv_cpu_get_vcpu (SV_CPU (object)) : NULL;

  if (vcpu == NULL)
    return TRUE;
  sv_vcpu_hold (vcpu);
  g_ptr_array_add (self->asleep, g_object_ref (vcpu));
  return TRUE;
}

static void
wake (SvMigrationThrottle *self)
{
  for (guint i = 0; i < self->asleep->len; i++)
    sv_vcpu_release (self->asleep->pdata[i]);
  g_ptr_array_set_size (self->asleep, 0);
}

static gboolean
on_timer (gpointer user_data)
{
  SvMigrationThrottle *self = user_data;
  guint64 pause = SLICE_US;

  if (self->asleep->len > 0)
    wake (self);
  else
    {
      sv_object_walk (SV_OBJECT (self->machine), hold, self);
      pause = (guint64)SLICE_US * self->percentage / (100 - self->percentage);
    }
  g_source_set_ready_time (self->timer, g_get_monotonic_time () + (gint64)pause);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_timer (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs timer_funcs = { .dispatch = dispatch_timer };

SvMigrationThrottle *
sv_migration_throttle_new (SvMachine *machine)
{
  SvMigrationThrottle *self = g_new0 (SvMigrationThrottle, 1);

  self->machine = machine;
  self->asleep = g_ptr_array_new_with_free_func (g_object_unref);
  self->timer = g_source_new (&timer_funcs, sizeof (GSource));
  g_source_set_static_name (self->timer, "migration-throttle");
  g_source_set_callback (self->timer, on_timer, self, NULL);
  g_source_attach (self->timer, NULL);
  return self;
}

void
sv_migration_throttle_free (SvMigrationThrottle *self)
{
  wake (self);
  g_ptr_array_unref (self->asleep);
  g_source_destroy (self->timer);
  g_source_unref (self->timer);
  g_free (self);
}

void
sv_migration_throttle_set (SvMigrationThrottle *self, guint percentage)
{
  g_return_if_fail (percentage < 100);

  if (self->percentage == 0 && percentage > 0)
    g_source_set_ready_time (self->timer, 0);
  self->percentage = percentage;
}
