/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-object.h"

G_BEGIN_DECLS

/**
 * SvMigratable:
 *
 * An object of a class that says what becomes of it when its VM is saved, restored or moved to another process.
 * Each class says so for itself, in its own [struct@MigratableState]; the state of an object is that of all its classes, from
 * the most general to its own.
 */
#define SV_TYPE_MIGRATABLE (sv_migratable_get_type ())
SV_API G_DECLARE_INTERFACE (SvMigratable, sv_migratable, SV, MIGRATABLE, SvObject)

/**
 * SvMigratableState:
 * @types: type strings of the state, ending with %NULL: the first is that of version 1. When what a class saves changes, a line is
 *   added; @load then has to take every version. %NULL: the class has no state
 * @stateless: why a class without state needs none: all of it comes from its properties, say
 * @unmigratable: why a VM with such an object cannot be saved
 * @check: whether the object can be saved as it is now; the error says what is in the way. %NULL: it can
 * @dup: the state, of the last of @types; the guest is paused and nothing is in flight. May return a floating reference
 * @load: takes over a @state of a type that fits @version. What it holds comes from a file or a peer and can be anything of that
 *   type: it is checked here
 * @cloned: all of it is loaded, from a snapshot: other VMs may go on from the same one. %NULL: it does not matter
 * @prepare: a @state of a type that fits @version is going to be loaded: makes the objects below that the state tells of and no
 *   command line makes. Before the states' objects are compared with those that there are. %NULL: there are none
 * @loaded: the state of all objects of the tree is loaded: what depends on that of others follows
 *
 * What one class saves. Constant; given to sv_migratable_implement().
 */
typedef struct
{
  const char *const *types;
  const char *stateless;
  const char *unmigratable;
  gboolean (*check) (SvMigratable *self, GError **error);
  GVariant *(*dup) (SvMigratable *self, GError **error);
  gboolean (*load) (SvMigratable *self, GVariant *state, guint version, GError **error);
  gboolean (*loaded) (SvMigratable *self, GError **error);
  void (*cloned) (SvMigratable *self);
  gboolean (*prepare) (SvMigratable *self, GVariant *state, guint version, GError **error);
} SvMigratableState;

/**
 * SvMigratableInterface:
 * @state: what the class says
 */
struct _SvMigratableInterface
{
  GTypeInterface parent_iface;

  const SvMigratableState *state;
};

/**
 * SvMigrationError:
 * @SV_MIGRATION_ERROR_REFUSED: the VM cannot be saved as it is
 * @SV_MIGRATION_ERROR_MISMATCH: the state is of another VM than this one
 * @SV_MIGRATION_ERROR_INVALID: the state is damaged, or no state at all
 * @SV_MIGRATION_ERROR_CANCELLED: it was cancelled
 *
 * What goes wrong when state is saved or loaded.
 */
typedef enum
{
  SV_MIGRATION_ERROR_REFUSED,
  SV_MIGRATION_ERROR_MISMATCH,
  SV_MIGRATION_ERROR_INVALID,
  SV_MIGRATION_ERROR_CANCELLED,
} SvMigrationError;

#define SV_MIGRATION_ERROR (sv_migration_error_quark ())
SV_API GQuark sv_migration_error_quark (void);
SV_API GType sv_migration_error_get_type (void);

/* For G_IMPLEMENT_INTERFACE(): the initialiser calls this with what the class says. */
SV_API void sv_migratable_implement (SvMigratableInterface *iface, const SvMigratableState *state);

/*
 * For G_DEFINE_TYPE_WITH_CODE() and its like, instead of that: what the class says, or only why it has no state or cannot be
 * saved.
 */
#define SV_MIGRATABLE_STATE(state) sv_migratable_add (g_define_type_id, state);
#define SV_MIGRATABLE_STATELESS(reason) sv_migratable_add_reason (g_define_type_id, reason, NULL);
#define SV_MIGRATABLE_REFUSED(reason) sv_migratable_add_reason (g_define_type_id, NULL, reason);
SV_API void sv_migratable_add (GType type, const SvMigratableState *state);
SV_API void sv_migratable_add_reason (GType type, const char *stateless, const char *unmigratable);

/* What the class @type says of itself; NULL when it does not. What its parent class says does not count. */
SV_API const SvMigratableState *sv_migratable_get_own_state (GType type);

/* All checks of @object's classes. An object whose own class says nothing cannot be saved. */
SV_API gboolean sv_migratable_check (SvObject *object, GError **error);

/* "a(suv)": class, version and state of each class of @object that has state, the most general first. */
SV_API GVariant *sv_migratable_dup (SvObject *object, GError **error);

/* Before sv_migratable_load() of any object, with the same @state: objects that go with it are made. */
SV_API gboolean sv_migratable_prepare (SvObject *object, GVariant *state, GError **error);

/* Takes what sv_migratable_dup() made of an object of the same class. A class or version that is not known is refused by name. */
SV_API gboolean sv_migratable_load (SvObject *object, GVariant *state, GError **error);

/* To be called for each object after the last sv_migratable_load(). */
SV_API gboolean sv_migratable_loaded (SvObject *object, GError **error);

/* To be called for each object after that, when others may go on from the same state. */
SV_API void sv_migratable_cloned (SvObject *object);

G_END_DECLS
