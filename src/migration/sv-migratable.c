/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* SvMigratable: what each class of an object saves. */
#include "src/migration/sv-migratable.h"

G_DEFINE_INTERFACE (SvMigratable, sv_migratable, SV_TYPE_OBJECT)

G_DEFINE_QUARK (sv-migration-error-quark, sv_migration_error)

GType
sv_migration_error_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    { SV_MIGRATION_ERROR_REFUSED, "SV_MIGRATION_ERROR_REFUSED", "refused" },
    { SV_MIGRATION_ERROR_MISMATCH, "SV_MIGRATION_ERROR_MISMATCH", "mismatch" },
    { SV_MIGRATION_ERROR_INVALID, "SV_MIGRATION_ERROR_INVALID", "invalid" },
    { SV_MIGRATION_ERROR_CANCELLED, "SV_MIGRATION_ERROR_CANCELLED", "cancelled" },
    { 0, NULL, NULL },
  };

  if (g_once_init_enter (&type))
    g_once_init_leave (&type, g_enum_register_static ("SvMigrationError", values));
  return type;
}

static void
sv_migratable_default_init (SvMigratableInterface *iface)
{
}

void
sv_migratable_implement (SvMigratableInterface *iface, const SvMigratableState *state)
{
  iface->state = state;
}

static void
init_interface (gpointer iface, gpointer state)
{
  sv_migratable_implement (iface, state);
}

void
sv_migratable_add (GType type, const SvMigratableState *state)
{
  const GInterfaceInfo info = { .interface_init = init_interface, .interface_data = (gpointer)state };

  g_type_add_interface_static (type, SV_TYPE_MIGRATABLE, &info);
}

/* Both are literals. What is allocated lives as long as the type. */
void
sv_migratable_add_reason (GType type, const char *stateless, const char *unmigratable)
{
  SvMigratableState *state = g_new0 (SvMigratableState, 1);

  state->stateless = stateless;
  state->unmigratable = unmigratable;
  sv_migratable_add (type, state);
}

/* The tree's own class knows nothing of VMs. */
static const SvMigratableState container = { .stateless = "it only holds other objects" };

const SvMigratableState *
sv_migratable_get_own_state (GType type)
{
  SvMigratableInterface *iface = NULL;
  gpointer klass = NULL;

  if (type == SV_TYPE_OBJECT)
    return &container;
  if (g_type_is_a (type, SV_TYPE_MIGRATABLE))
    klass = g_type_class_peek (type);
  if (klass != NULL)
    iface = g_type_interface_peek (klass, SV_TYPE_MIGRATABLE);

  return iface != NULL && iface->parent_iface.g_instance_type == type ? iface->state : NULL;
}

/* The classes of @object that say something, the most general first. */
static GPtrArray *
classes_of (SvObject *object)
{
  GPtrArray *classes = g_ptr_array_new ();

  for (GType type = G_OBJECT_TYPE (object); type != SV_TYPE_OBJECT; type = g_type_parent (type))
    if (sv_migratable_get_own_state (type) != NULL)
      g_ptr_array_insert (classes, 0, GSIZE_TO_POINTER (type));

  return classes;
}

static void
prefix_path (SvObject *object, GError **error)
{
  g_autofree char *path = sv_object_dup_path (object);

  g_prefix_error (error, "%s: ", path);
}

gboolean
sv_migratable_check (SvObject *object, GError **error)
{
  g_autoptr (GPtrArray) classes = classes_of (object);

  if (sv_migratable_get_own_state (G_OBJECT_TYPE (object)) == NULL)
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED, "the state of class %s cannot be saved",
                   G_OBJECT_TYPE_NAME (object));
      prefix_path (object, error);
      return FALSE;
    }

  for (guint i = 0; i < classes->len; i++)
    {
      const SvMigratableState *state = sv_migratable_get_own_state (GPOINTER_TO_SIZE (classes->pdata[i]));

      if (state->unmigratable != NULL)
        {
          g_set_error_literal (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_REFUSED, state->unmigratable);
          prefix_path (object, error);
          return FALSE;
        }
      if (state->check != NULL && !state->check (SV_MIGRATABLE (object), error))
        {
          prefix_path (object, error);
          return FALSE;
        }
    }

  return TRUE;
}

GVariant *
sv_migratable_dup (SvObject *object, GError **error)
{
  g_autoptr (GPtrArray) classes = classes_of (object);
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(suv)"));

  for (guint i = 0; i < classes->len; i++)
    {
      GType type = GPOINTER_TO_SIZE (classes->pdata[i]);
      const SvMigratableState *state = sv_migratable_get_own_state (type);
      g_autoptr (GVariant) value = NULL;

      if (state->types == NULL)
        continue;

      value = state->dup (SV_MIGRATABLE (object), error);
      if (value == NULL)
        {
          prefix_path (object, error);
          return NULL;
        }
      g_variant_take_ref (value);
      g_variant_builder_add (&builder, "(suv)", g_type_name (type), g_strv_length ((char **) state->types), value);
    }

  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static gboolean
load_class (SvObject *object, const char *name, guint version, GVariant *value, GError **error)
{
  GType type = g_type_from_name (name);
  const SvMigratableState *state =
      type != 0 && g_type_is_a (G_OBJECT_TYPE (object), type) ? sv_migratable_get_own_state (type) : NULL;

  if (state == NULL || state->types == NULL)
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_MISMATCH, "state of class %s, which has none here", name);
      return FALSE;
    }
  if (version == 0 || version > g_strv_length ((char **) state->types))
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_MISMATCH, "version %u of the state of %s; 1 to %u are known",
                   version, name, g_strv_length ((char **) state->types));
      return FALSE;
    }
  if (!g_variant_is_of_type (value, G_VARIANT_TYPE (state->types[version - 1])))
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_INVALID, "state of %s is \"%s\", version %u has \"%s\"",
                   name, g_variant_get_type_string (value), version, state->types[version - 1]);
      return FALSE;
    }

  return state->load (SV_MIGRATABLE (object), value, version, error);
}

/* What does not fit is refused when it is loaded. */
gboolean
sv_migratable_prepare (SvObject *object, GVariant *state, GError **error)
{
  for (gsize i = 0; i < g_variant_n_children (state); i++)
    {
      g_autoptr (GVariant) value = NULL;
      const SvMigratableState *own;
      const char *name;
      guint32 version;
      GType type;

      g_variant_get_child (state, i, "(&suv)", &name, &version, &value);
      type = g_type_from_name (name);
      own = type != 0 && g_type_is_a (G_OBJECT_TYPE (object), type) ? sv_migratable_get_own_state (type) : NULL;
      if (own == NULL || own->prepare == NULL || version == 0 || version > g_strv_length ((char **)own->types)
          || !g_variant_is_of_type (value, G_VARIANT_TYPE (own->types[version - 1])))
        continue;
      if (own->prepare (SV_MIGRATABLE (object), value, version, error))
        continue;
      prefix_path (object, error);
      return FALSE;
    }
  return TRUE;
}

/* One class of @object after the other: the parts of @state must be those that the classes have, in the same order. */
gboolean
sv_migratable_load (SvObject *object, GVariant *state, GError **error)
{
  g_autoptr (GPtrArray) classes = classes_of (object);
  gsize n = 0;

  for (guint i = 0; i < classes->len; i++)
    {
      GType type = GPOINTER_TO_SIZE (classes->pdata[i]);
      g_autoptr (GVariant) value = NULL;
      const char *name;
      guint32 version;

      if (sv_migratable_get_own_state (type)->types == NULL)
        continue;

      if (n == g_variant_n_children (state))
        {
          g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_MISMATCH, "state of class %s is missing",
                       g_type_name (type));
          prefix_path (object, error);
          return FALSE;
        }
      g_variant_get_child (state, n++, "(&suv)", &name, &version, &value);
      if (!g_str_equal (name, g_type_name (type)))
        {
          g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_MISMATCH, "state of class %s instead of %s", name,
                       g_type_name (type));
          prefix_path (object, error);
          return FALSE;
        }
      if (!load_class (object, name, version, value, error))
        {
          prefix_path (object, error);
          return FALSE;
        }
    }
  if (n != g_variant_n_children (state))
    {
      g_set_error (error, SV_MIGRATION_ERROR, SV_MIGRATION_ERROR_MISMATCH, "state of more classes than %s has",
                   G_OBJECT_TYPE_NAME (object));
      prefix_path (object, error);
      return FALSE;
    }

  return TRUE;
}

gboolean
sv_migratable_loaded (SvObject *object, GError **error)
{
  g_autoptr (GPtrArray) classes = classes_of (object);

  for (guint i = 0; i < classes->len; i++)
    {
      const SvMigratableState *state = sv_migratable_get_own_state (GPOINTER_TO_SIZE (classes->pdata[i]));

      if (state->loaded != NULL && !state->loaded (SV_MIGRATABLE (object), error))
        {
          prefix_path (object, error);
          return FALSE;
        }
    }

  return TRUE;
}

void
sv_migratable_cloned (SvObject *object)
{
  g_autoptr (GPtrArray) classes = classes_of (object);

  for (guint i = 0; i < classes->len; i++)
    {
      const SvMigratableState *state = sv_migratable_get_own_state (GPOINTER_TO_SIZE (classes->pdata[i]));

      if (state->cloned != NULL)
        state->cloned (SV_MIGRATABLE (object));
    }
}
