/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "qom/sv-object.h"
#include "qom/sv-property.h"

G_BEGIN_DECLS

/**
 * SvSmbiosTable:
 *
 * What a user says of the SMBIOS structures of one type (abstract): `-smbios type=N`. One class for each type, with a
 * property for each field that can be chosen; see sv-smbios-table.c.
 */
#define SV_TYPE_SMBIOS_TABLE (sv_smbios_table_get_type ())
SV_API G_DECLARE_DERIVABLE_TYPE (SvSmbiosTable, sv_smbios_table, SV, SMBIOS_TABLE, SvObject)

struct _SvSmbiosTableClass
{
  SvObjectClass parent_class;

  gconstpointer fields; /* (element-type SvSmbiosField) */
  guint n_fields;
};

/* Leaf types, by the number of the structure */
SV_API GType sv_smbios_type0_get_type (void);
SV_API GType sv_smbios_type1_get_type (void);
SV_API GType sv_smbios_type2_get_type (void);
SV_API GType sv_smbios_type3_get_type (void);
SV_API GType sv_smbios_type4_get_type (void);
SV_API GType sv_smbios_type11_get_type (void);
SV_API GType sv_smbios_type17_get_type (void);

/* The value of a field of @self, which may be NULL: nobody said anything. */
const char *sv_smbios_table_get_text (SvSmbiosTable *self, const char *name, const char *otherwise);
guint sv_smbios_table_get_uint (SvSmbiosTable *self, const char *name, guint otherwise);
const char *const *sv_smbios_table_get_list (SvSmbiosTable *self, const char *name); /* (nullable) */

G_END_DECLS
