/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The devices that can be had as PCI functions, and how their properties get there. */

#include "hw/virtio/sv-virtio-pci-private.h"

#include "qom/sv-property.h"

/* One line each: the class's name, its get_type function and that of the device, the PCI class code
 */
#define SV_VIRTIO_PCI_TYPE(Name, function, core, class_code)                                       \
  GType core (void);                                                                               \
  SV_API GType function (void);                                                                         \
  GType function (void)                                                                            \
  {                                                                                                \
    static gsize type;                                                                             \
                                                                                                   \
    if (g_once_init_enter (&type))                                                                 \
      g_once_init_leave (&type, sv_virtio_pci_register_type (Name, core (), class_code));          \
    return type;                                                                                   \
  }

SV_VIRTIO_PCI_TYPE ("SvVhostUserFsPci",
                    sv_vhost_user_fs_pci_get_type,
                    sv_vhost_user_fs_get_type,
                    0x018000)
SV_VIRTIO_PCI_TYPE ("SvVhostVsockPci",
                    sv_vhost_vsock_pci_get_type,
                    sv_vhost_vsock_get_type,
                    0x078000)
SV_VIRTIO_PCI_TYPE ("SvVirtioBalloonPci",
                    sv_virtio_balloon_pci_get_type,
                    sv_virtio_balloon_get_type,
                    0x00ff00)
SV_VIRTIO_PCI_TYPE ("SvVirtioBlkPci", sv_virtio_blk_pci_get_type, sv_virtio_blk_get_type, 0x010000)
SV_VIRTIO_PCI_TYPE ("SvVirtioNetPci", sv_virtio_net_pci_get_type, sv_virtio_net_get_type, 0x020000)
SV_VIRTIO_PCI_TYPE ("SvVirtioRngPci", sv_virtio_rng_pci_get_type, sv_virtio_rng_get_type, 0x00ff00)
SV_VIRTIO_PCI_TYPE ("SvVirtioSerialPci",
                    sv_virtio_serial_pci_get_type,
                    sv_virtio_serial_get_type,
                    0x078000)

/* A pspec like @original, to be installed in another class */
static GParamSpec *
clone_pspec (GParamSpec *original)
{
  const char *name = original->name;
  const char *nick = g_param_spec_get_nick (original);
  const char *blurb = g_param_spec_get_blurb (original);
  GParamFlags flags = original->flags;

#define CLONE_NUMBER(TYPE, type)                                                                   \
  if (G_IS_PARAM_SPEC_##TYPE (original))                                                           \
  return g_param_spec_##type (name, nick, blurb, G_PARAM_SPEC_##TYPE (original)->minimum,          \
                              G_PARAM_SPEC_##TYPE (original)->maximum,                             \
                              G_PARAM_SPEC_##TYPE (original)->default_value, flags)

  CLONE_NUMBER (INT, int);
  CLONE_NUMBER (UINT, uint);
  CLONE_NUMBER (INT64, int64);
  CLONE_NUMBER (UINT64, uint64);
  CLONE_NUMBER (DOUBLE, double);
#undef CLONE_NUMBER

  if (G_IS_PARAM_SPEC_BOOLEAN (original))
    return g_param_spec_boolean (name, nick, blurb, G_PARAM_SPEC_BOOLEAN (original)->default_value,
                                 flags);
  if (G_IS_PARAM_SPEC_STRING (original))
    return g_param_spec_string (name, nick, blurb, G_PARAM_SPEC_STRING (original)->default_value,
                                flags);
  if (G_IS_PARAM_SPEC_ENUM (original))
    return g_param_spec_enum (name, nick, blurb, original->value_type,
                              G_PARAM_SPEC_ENUM (original)->default_value, flags);
  if (G_IS_PARAM_SPEC_FLAGS (original))
    return g_param_spec_flags (name, nick, blurb, original->value_type,
                               G_PARAM_SPEC_FLAGS (original)->default_value, flags);
  if (G_IS_PARAM_SPEC_OBJECT (original))
    return g_param_spec_object (name, nick, blurb, original->value_type, flags);
  if (G_IS_PARAM_SPEC_BOXED (original))
    return g_param_spec_boxed (name, nick, blurb, original->value_type, flags);
  g_warning ("property '%s' of %s is of a kind that PCI devices cannot have", name,
             g_type_name (original->owner_type));
  return NULL;
}

static void
get_core_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_object_get_property (G_OBJECT (sv_virtio_pci_get_core (SV_VIRTIO_PCI (object))), pspec->name,
                         value);
}

/* The device notifies, and this object with it. */
static void
set_core_property (GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
  g_object_set_property (G_OBJECT (sv_virtio_pci_get_core (SV_VIRTIO_PCI (object))), pspec->name,
                         value);
}

/* Gives a transport class the properties that its device has as a virtio device. */
void
sv_virtio_pci_install_properties (SvVirtioPciClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GObjectClass *core_class = g_type_class_peek (klass->core_type);
  guint n_pspecs;
  g_autofree GParamSpec **pspecs = g_object_class_list_properties (core_class, &n_pspecs);
  guint id = 1;

  object_class->get_property = get_core_property;
  object_class->set_property = set_core_property;
  for (guint i = 0; i < n_pspecs; i++)
    {
      GParamSpec *clone;

      if (!g_type_is_a (pspecs[i]->owner_type, SV_TYPE_VIRTIO_DEVICE)
          || g_object_class_find_property (object_class, pspecs[i]->name) != NULL)
        continue;
      clone = clone_pspec (pspecs[i]);
      if (clone != NULL)
        g_object_class_install_property (object_class, id++, clone);
    }
}
