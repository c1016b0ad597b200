/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "hw/core/sv-late-writes.h"

#include "src/accel/sv-vcpu.h"

typedef struct
{
  guint64 offset;
  guint64 value;
  guint size;
  SvVcpu *vcpu;
} LateWrite;

struct _SvLateWrites
{
  SvLateWriteFunc write;
  SvLateReadyFunc ready;
  gpointer opaque;
  GQueue writes; /* LateWrite */
  GSource *source;
};

static void
late_write_free (LateWrite *late)
{
  sv_vcpu_release (late->vcpu);
  g_object_unref (late->vcpu);
  g_free (late);
}

static gboolean
serve (gpointer user_data)
{
  SvLateWrites *self = user_data;

  g_source_set_ready_time (self->source, -1);
  if (sv_late_writes_is_pending (self) && self->ready != NULL && !self->ready (self->opaque))
    return G_SOURCE_CONTINUE;
  sv_late_writes_finish (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs source_funcs = { .dispatch = dispatch };

SvLateWrites *
sv_late_writes_new (SvLateWriteFunc write, SvLateReadyFunc ready, gpointer opaque)
{
  SvLateWrites *self = g_new0 (SvLateWrites, 1);

  self->write = write;
  self->ready = ready;
  self->opaque = opaque;
  g_queue_init (&self->writes);
  self->source = g_source_new (&source_funcs, sizeof (GSource));
  g_source_set_static_name (self->source, "late register writes");
  g_source_set_priority (self->source, G_PRIORITY_HIGH);
  g_source_set_callback (self->source, serve, self, NULL);
  g_source_attach (self->source, NULL);
  return self;
}

void
sv_late_writes_free (SvLateWrites *self)
{
  sv_late_writes_forget (self);
  g_source_destroy (self->source);
  g_source_unref (self->source);
  g_free (self);
}

gboolean
sv_late_writes_defer (SvLateWrites *self, guint64 offset, guint64 value, guint size)
{
  SvVcpu *vcpu = sv_vcpu_get_current ();
  LateWrite *late;

  if (vcpu == NULL)
    return FALSE;
  late = g_new (LateWrite, 1);
  *late = (LateWrite){ offset, value, size, g_object_ref (vcpu) };
  sv_vcpu_hold (vcpu);
  g_queue_push_tail (&self->writes, late);
  return TRUE;
}

gboolean
sv_late_writes_is_pending (SvLateWrites *self)
{
  return !g_queue_is_empty (&self->writes);
}

void
sv_late_writes_schedule (SvLateWrites *self)
{
  g_source_set_ready_time (self->source, 0);
}

void
sv_late_writes_finish (SvLateWrites *self)
{
  LateWrite *late;

  while ((late = g_queue_pop_head (&self->writes)) != NULL)
    {
      self->write (self->opaque, late->offset, late->value, late->size);
      late_write_free (late);
    }
}

void
sv_late_writes_forget (SvLateWrites *self)
{
  LateWrite *late;

  while ((late = g_queue_pop_head (&self->writes)) != NULL)
    late_write_free (late);
}
