/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-vcpu.h"

#include <gio/gio.h>
#include <pthread.h>
#include <unistd.h>

#include "src/migration/sv-migratable.h"
#include "src/runtime/sv-privileges.h"
#include "src/runtime/sv-seccomp.h"
#include "src/runtime/sv-signals.h"
#include "src/runtime/sv-vm-lock.h"

typedef struct
{
  guint index;
  GThread *thread;
  pthread_t pthread;
  gint tid;           /* atomic; 0 until the thread runs */
  gint stop_request;  /* atomic; set under the VM lock */
  guint holds;        /* atomic; changed under the VM lock */
  gboolean paused;    /* VM lock, as all below */
  gboolean quit;
  GCond cond;
  SvVcpuEventFunc event_func;
  gpointer opaque;
} SvVcpuPrivate;

enum
{
  PROP_INDEX = 1,
  N_PROPS
};

static GParamSpec *props[N_PROPS];

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (SvVcpu, sv_vcpu, G_TYPE_OBJECT)

#define PRIV(self) ((SvVcpuPrivate *)sv_vcpu_get_instance_private (self))

static _Thread_local SvVcpu *current;

static gpointer
vcpu_thread (gpointer data)
{
  SvVcpu *self = data;
  SvVcpuPrivate *priv = PRIV (self);

  current = self;
  sv_privileges_enter_thread ();
  sv_seccomp_enter_or_exit (SV_THREAD_VCPU);
  sv_vm_lock ();
  priv->pthread = pthread_self ();
  g_atomic_int_set (&priv->tid, gettid ());
  g_cond_broadcast (&priv->cond);
  while (!priv->quit)
    {
      SvVcpuEvent event;
      gboolean ok;

      if (sv_vcpu_should_stop (self))
        {
          priv->paused = TRUE;
          g_cond_broadcast (&priv->cond);
          sv_vm_lock_wait (&priv->cond);
          continue;
        }
      priv->paused = FALSE;
      sv_vm_unlock ();
      ok = SV_VCPU_GET_CLASS (self)->run (self, &event);
      sv_vm_lock ();
      if (!ok)
        {
          g_atomic_int_set (&priv->stop_request, TRUE);
          if (priv->event_func != NULL)
            priv->event_func (self, event, priv->opaque);
        }
    }
  priv->paused = TRUE;
  sv_vm_unlock ();
  return NULL;
}

static void
sv_vcpu_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_set_uint (value, PRIV (SV_VCPU (object))->index);
}

static void
sv_vcpu_set_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  PRIV (SV_VCPU (object))->index = g_value_get_uint (value);
}

static void
sv_vcpu_finalize (GObject *object)
{
  g_cond_clear (&PRIV (SV_VCPU (object))->cond);
  G_OBJECT_CLASS (sv_vcpu_parent_class)->finalize (object);
}

static void
sv_vcpu_class_init (SvVcpuClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = sv_vcpu_get_property;
  object_class->set_property = sv_vcpu_set_property;
  object_class->finalize = sv_vcpu_finalize;

  props[PROP_INDEX]
      = g_param_spec_uint ("index", "index", "Number of the vCPU", 0, G_MAXUINT, 0,
                           G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS);
  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
sv_vcpu_init (SvVcpu *self)
{
  PRIV (self)->paused = TRUE;
  PRIV (self)->stop_request = TRUE;
  g_cond_init (&PRIV (self)->cond);
}

/**
 * sv_vcpu_get_index:
 * @self: a vCPU
 *
 * Returns: its number, from 0
 */
guint
sv_vcpu_get_index (SvVcpu *self)
{
  return PRIV (self)->index;
}

/**
 * sv_vcpu_get_thread_id:
 * @self: a vCPU
 *
 * VM lock held; waits for a thread that was started and has not run yet.
 *
 * Returns: the kernel's id of the thread that runs the vCPU, 0 before sv_vcpu_start()
 */
gint
sv_vcpu_get_thread_id (SvVcpu *self)
{
  SvVcpuPrivate *priv = PRIV (self);

  while (priv->thread != NULL && g_atomic_int_get (&priv->tid) == 0)
    sv_vm_lock_wait (&priv->cond);
  return g_atomic_int_get (&priv->tid);
}

/**
 * sv_vcpu_set_event_func: (skip)
 * @self: a vCPU
 * @func: called when the vCPU cannot run on by itself
 * @opaque: for @func
 *
 * @func runs in the vCPU's thread, with the VM lock held.
 */
void
sv_vcpu_set_event_func (SvVcpu *self, SvVcpuEventFunc func, gpointer opaque)
{
  PRIV (self)->event_func = func;
  PRIV (self)->opaque = opaque;
}

/**
 * sv_vcpu_start: (skip)
 * @self: a vCPU
 * @error: return location
 *
 * Makes the vCPU's thread, paused, where it has code to run. VM lock held.
 *
 * Returns: %FALSE when there can be no more threads
 */
gboolean
sv_vcpu_start (SvVcpu *self, GError **error)
{
  SvVcpuPrivate *priv = PRIV (self);
  g_autofree char *name = g_strdup_printf ("CPU %u/KVM", priv->index);
  sigset_t old;

  if (SV_VCPU_GET_CLASS (self)->run == NULL)
    return TRUE;
  sv_signals_block (&old);
  priv->thread = g_thread_try_new (name, vcpu_thread, self, error);
  pthread_sigmask (SIG_SETMASK, &old, NULL);
  return priv->thread != NULL;
}

/**
 * sv_vcpu_request_pause: (skip)
 * @self: a vCPU
 *
 * Makes the vCPU leave guest mode soon; see sv_vcpu_wait_paused(). VM lock held.
 */
void
sv_vcpu_request_pause (SvVcpu *self)
{
  SvVcpuPrivate *priv = PRIV (self);

  g_atomic_int_set (&priv->stop_request, TRUE);
  if (!priv->paused)
    SV_VCPU_GET_CLASS (self)->kick (self);
}

/**
 * sv_vcpu_wait_paused: (skip)
 * @self: a vCPU that was asked to pause
 *
 * Waits until it runs no guest code. VM lock held (and dropped while waiting).
 */
void
sv_vcpu_wait_paused (SvVcpu *self)
{
  SvVcpuPrivate *priv = PRIV (self);

  while (!priv->paused)
    sv_vm_lock_wait (&priv->cond);
}

/**
 * sv_vcpu_resume: (skip)
 * @self: a vCPU
 *
 * Lets the vCPU run. VM lock held.
 */
void
sv_vcpu_resume (SvVcpu *self)
{
  SvVcpuPrivate *priv = PRIV (self);

  if (priv->thread == NULL)
    return;
  priv->paused = FALSE;
  g_atomic_int_set (&priv->stop_request, FALSE);
  g_cond_broadcast (&priv->cond);
}

/**
 * sv_vcpu_stop: (skip)
 * @self: a vCPU
 *
 * Ends the vCPU's thread. VM lock held (and dropped while waiting).
 */
void
sv_vcpu_stop (SvVcpu *self)
{
  SvVcpuPrivate *priv = PRIV (self);

  if (priv->thread == NULL)
    return;
  sv_vcpu_request_pause (self);
  sv_vcpu_wait_paused (self);
  priv->quit = TRUE;
  g_cond_broadcast (&priv->cond);
  sv_vm_unlock ();
  g_thread_join (g_steal_pointer (&priv->thread));
  sv_vm_lock ();
}

/**
 * sv_vcpu_reset: (skip)
 * @self: a paused vCPU
 * @entry: (nullable): where it starts, of the architecture's type; %NULL: it waits for another vCPU
 * @error: return location
 *
 * Puts the vCPU in the state after power-on and then at @entry.
 *
 * Returns: %FALSE with @error set when the accelerator refuses a part of the state
 */
gboolean
sv_vcpu_reset (SvVcpu *self, gconstpointer entry, GError **error)
{
  return SV_VCPU_GET_CLASS (self)->reset (self, entry, error);
}

/**
 * sv_vcpu_append_notes: (skip)
 * @self: a paused vCPU
 * @notes: what to append to
 *
 * Tells of the registers as ELF notes of a core file.
 */
void
sv_vcpu_append_notes (SvVcpu *self, GByteArray *notes)
{
  if (SV_VCPU_GET_CLASS (self)->append_notes != NULL)
    SV_VCPU_GET_CLASS (self)->append_notes (self, notes);
}

/**
 * sv_vcpu_dump: (skip)
 * @self: a paused vCPU, or the caller is its thread
 *
 * Returns: (transfer full): registers and the code bytes around the instruction pointer, as text
 */
char *
sv_vcpu_dump (SvVcpu *self)
{
  return SV_VCPU_GET_CLASS (self)->dump (self);
}

/**
 * sv_vcpu_dup_state: (skip)
 * @self: a paused vCPU
 * @error: return location
 *
 * Returns: (transfer floating) (nullable): version and state; version 0 where the accelerator keeps none
 */
GVariant *
sv_vcpu_dup_state (SvVcpu *self, GError **error)
{
  SvVcpuClass *klass = SV_VCPU_GET_CLASS (self);
  GVariant *state;

  if (klass->state_types == NULL)
    return g_variant_new ("(uv)", 0, g_variant_new ("()"));
  state = klass->dup_state (self, error);
  return state != NULL ? g_variant_new ("(uv)", g_strv_length ((char **)klass->state_types), state) : NULL;
}

/**
 * sv_vcpu_load_state: (skip)
 * @self: a paused vCPU
 * @state: what sv_vcpu_dup_state() returned, or anything of that type
 * @error: return location
 *
 * Returns: %FALSE when @state is of another accelerator or version, or the accelerator refuses a part of it
 */
gboolean
sv_vcpu_load_state (SvVcpu *self, GVariant *state, GError **error)
{
  SvVcpuClass *klass = SV_VCPU_GET_CLASS (self);
  guint n_versions = klass->state_types != NULL ? g_strv_length ((char **)klass->state_types) : 0;
  g_autoptr (GVariant) value = NULL;
  guint version;

  g_variant_get (state, "(uv)", &version, &value);
  if (version == 0 && n_versions == 0)
    return TRUE;
  if (version > 0 && version <= n_versions
      && g_variant_is_of_type (value, G_VARIANT_TYPE (klass->state_types[version - 1])))
    return klass->load_state (self, value, version, error);
  g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_MISMATCH,
               "state of a processor of version %u and type \"%s\", which the accelerator here does not take", version,
               g_variant_get_type_string (value));
  return FALSE;
}

/**
 * sv_vcpu_should_stop: (skip)
 * @self: a vCPU
 *
 * Returns: whether the run vfunc should return; its thread asks between two entries into the guest
 */
gboolean
sv_vcpu_should_stop (SvVcpu *self)
{
  return g_atomic_int_get (&PRIV (self)->stop_request) || g_atomic_int_get (&PRIV (self)->holds) > 0;
}

/**
 * sv_vcpu_get_current: (skip)
 *
 * Returns: (transfer none) (nullable): the vCPU whose thread calls; %NULL in other threads
 */
SvVcpu *
sv_vcpu_get_current (void)
{
  return current;
}

/**
 * sv_vcpu_hold: (skip)
 * @self: a vCPU
 *
 * Lets the current one run no further instruction until sv_vcpu_release(): what it wrote to a register takes effect later, as
 * seen by others, and at once, as seen by its guest. Another one stops soon. VM lock held.
 */
void
sv_vcpu_hold (SvVcpu *self)
{
  SvVcpuPrivate *priv = PRIV (self);

  g_atomic_int_inc (&priv->holds);
  if (self != current && !priv->paused)
    SV_VCPU_GET_CLASS (self)->kick (self);
}

/**
 * sv_vcpu_release: (skip)
 * @self: a vCPU that was held
 *
 * The reverse of sv_vcpu_hold(). VM lock held.
 */
void
sv_vcpu_release (SvVcpu *self)
{
  g_return_if_fail (PRIV (self)->holds > 0);

  (void)g_atomic_int_dec_and_test (&PRIV (self)->holds);
  g_cond_broadcast (&PRIV (self)->cond);
}

/**
 * sv_vcpu_signal_thread: (skip)
 * @self: a vCPU with a thread that runs
 * @signum: a signal
 *
 * Sends @signum to the vCPU's thread. VM lock held.
 */
void
sv_vcpu_signal_thread (SvVcpu *self, int signum)
{
  if (g_atomic_int_get (&PRIV (self)->tid) != 0)
    pthread_kill (PRIV (self)->pthread, signum);
}
