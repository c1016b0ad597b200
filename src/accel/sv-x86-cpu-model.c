/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "src/accel/sv-x86-cpu-model.h"

#include <gio/gio.h>
#include <string.h>

#include "qom/sv-object.h"
#include "qom/sv-parse.h"
#include "src/accel/sv-x86-features.h"

/* What QEMU's kvm64 has: what others are described by, feature by feature */
#define BASIC                                                                                                  \
  "fpu,de,pse,tsc,msr,pae,mce,cx8,apic,sep,mtrr,pge,mca,cmov,pat,pse36,clflush,mmx,fxsr,sse,sse2,pni,cx16,nx," \
  "lm,syscall"

/* Family, model and stepping are the host's with each of them. */
static const struct
{
  const char *name;
  const char *description;
  const char *features; /* NULL: all that KVM offers on this host */
} models[] = {
  { "host", "processor with all features that KVM offers on this host", NULL },
  { "max", "the same: the most that this accelerator can do", NULL },
  { "kvm64", "any 64-bit processor, to which features are added", BASIC },
  { "qemu64", "the same", BASIC },
};

/* Not the processor's but KVM's: they are there with each model. */
static const char *const paravirtual[] = { "hypervisor", "x2apic" };
#define KVM_LEAF 0x40000001u

/* What other features cannot be used without (Intel SDM volume 1, 13.2) */
static const struct
{
  const char *feature;
  const char *dependent;
} dependencies[] = {
  { "xsave", "xsaveopt" },       { "xsave", "xsavec" },    { "xsave", "xgetbv1" },
  { "xsave", "xsaves" },         { "xsave", "avx" },       { "xsave", "pku" },
  { "xsave", "amx-tile" },       { "amx-tile", "amx-int8" }, { "amx-tile", "amx-bf16" },
  { "avx", "avx2" },             { "avx", "fma" },         { "avx", "f16c" },
  { "avx", "vaes" },             { "avx", "vpclmulqdq" },  { "avx2", "avx-vnni" },
  { "avx2", "avx512f" },         { "avx512f", "avx512dq" }, { "avx512f", "avx512ifma" },
  { "avx512f", "avx512cd" },     { "avx512f", "avx512bw" }, { "avx512f", "avx512vl" },
  { "avx512f", "avx512vbmi" },   { "avx512f", "avx512vbmi2" }, { "avx512f", "avx512vnni" },
  { "avx512f", "avx512bitalg" }, { "avx512f", "avx512-vpopcntdq" }, { "avx512f", "avx512-bf16" },
  { "avx512f", "avx512-fp16" },
};

typedef struct
{
  const char *name;
  gboolean fixed; /* the one value it can have; otherwise @offset says where it goes */
  gboolean value;
  gsize offset;
} Key;

/* Keys that are no features */
static const Key keys[] = {
  { "check", TRUE, TRUE, 0 },          /* a feature that is missing is an error anyway */
  { "enforce", TRUE, TRUE, 0 },
  { "host-phys-bits", TRUE, TRUE, 0 }, /* addresses are as wide as the host's */
  { "kvm", FALSE, FALSE, G_STRUCT_OFFSET (SvX86CpuModel, kvm) },
  { "pmu", FALSE, FALSE, G_STRUCT_OFFSET (SvX86CpuModel, pmu) },
};

static gboolean
fail (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
fail (GError **error, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (error != NULL)
    *error = g_error_new_valist (SV_OBJECT_ERROR, SV_OBJECT_ERROR_INVALID, format, args);
  va_end (args);
  return FALSE;
}

/* TRUE: it was such a key, good (or @error is set). */
static gboolean
set_key (SvX86CpuModel *self, const char *name, gboolean value, GError **error)
{
  /* Both are fine: no feature is left out for the sake of a migration. */
  if (strcmp (name, "migratable") == 0)
    return TRUE;
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      if (strcmp (name, keys[i].name) != 0)
        continue;
      if (!keys[i].fixed)
        G_STRUCT_MEMBER (gboolean, self, keys[i].offset) = value;
      else if (keys[i].value != value && strcmp (name, "host-phys-bits") == 0)
        fail (error, "'%s' can only be '%s'", name, keys[i].value ? "on" : "off");
      return TRUE;
    }
  return FALSE;
}

static void
switch_feature (SvX86CpuModel *self, SvX86Feature feature, gboolean on)
{
  const guint32 mask = 1u << feature.bit;

  if (on)
    {
      self->on[feature.word] |= mask;
      self->off[feature.word] &= ~mask;
    }
  else
    {
      self->off[feature.word] |= mask;
      self->on[feature.word] &= ~mask;
    }
}

static gboolean
parse_switch (SvX86CpuModel *self, const char *text, GError **error)
{
  const char *equals = strchr (text, '=');
  g_autofree char *name = NULL;
  g_autofree char *hint = NULL;
  gboolean on = *text != '-';
  SvX86Feature feature;
  GError *local = NULL;

  if (*text == '+' || *text == '-')
    {
      text++;
      equals = NULL;
    }
  name = equals != NULL ? g_strndup (text, equals - text) : g_strdup (text);
  if (equals != NULL && !sv_parse_bool (equals + 1, &on, NULL))
    return fail (error, "'%s' expects 'on' or 'off', got '%s'", name, equals + 1);
  if (set_key (self, name, on, &local))
    {
      if (local != NULL)
        g_propagate_error (error, local);
      return local == NULL;
    }
  if (!sv_x86_feature_find (name, &feature))
    {
      hint = sv_x86_feature_dup_hint (name);
      return fail (error, "feature '%s' is not known%s: see '-cpu help'", name, hint);
    }
  switch_feature (self, feature, on);
  return TRUE;
}

/* What needs a feature that is off is off, too, unless it was asked for by name. */
static void
switch_dependents_off (SvX86CpuModel *self)
{
  /* In the order of the table no dependent comes before what it depends on. */
  for (guint i = 0; i < G_N_ELEMENTS (dependencies); i++)
    {
      SvX86Feature feature;
      SvX86Feature dependent;

      if (sv_x86_feature_find (dependencies[i].feature, &feature)
          && sv_x86_feature_find (dependencies[i].dependent, &dependent)
          && (self->off[feature.word] & (1u << feature.bit)) != 0
          && (self->on[dependent.word] & (1u << dependent.bit)) == 0)
        self->off[dependent.word] |= 1u << dependent.bit;
    }
}

/* Takes what is in @list out of what is off. */
static void
spare (SvX86CpuModel *self, const char *const *list)
{
  for (; *list != NULL; list++)
    {
      SvX86Feature feature;

      if (sv_x86_feature_find (*list, &feature))
        self->off[feature.word] &= ~(1u << feature.bit);
    }
}

static void
restrict_to (SvX86CpuModel *self, const char *features)
{
  g_auto (GStrv) list = g_strsplit (features, ",", -1);

  for (guint word = 0; word < sv_x86_n_feature_words; word++)
    for (guint bit = 0; bit < 32; bit++)
      if (sv_x86_feature_words[word].function != KVM_LEAF && sv_x86_feature_words[word].names[bit] != NULL)
        self->off[word] |= 1u << bit;
  spare (self, (const char *const *)list);
  spare (self, (const char *const[]){ paravirtual[0], paravirtual[1], NULL });
}

static gboolean
parse_model (SvX86CpuModel *self, const char *name, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    if (strcmp (models[i].name, name) == 0)
      {
        if (models[i].features != NULL)
          restrict_to (self, models[i].features);
        return TRUE;
      }
  return fail (error, "model '%s' is not known: accepted are 'host', 'max', 'kvm64' and 'qemu64'", name);
}

/**
 * sv_x86_cpu_model_get_name: (skip)
 * @index: number of a model
 *
 * Returns: (nullable): its name; %NULL when there are fewer
 */
const char *
sv_x86_cpu_model_get_name (guint index)
{
  return index < G_N_ELEMENTS (models) ? models[index].name : NULL;
}

/**
 * sv_x86_cpu_model_parse: (skip)
 * @self: (out caller-allocates): what @text says
 * @text: (nullable): `MODEL[,+FEATURE][,-FEATURE][,FEATURE=on|off]...`; %NULL is `host`
 * @error: return location
 *
 * Reads a processor model. A later switch wins over an earlier one.
 *
 * Returns: %FALSE with an error that quotes @text and names the model, feature or value that is not known
 */
gboolean
sv_x86_cpu_model_parse (SvX86CpuModel *self, const char *text, GError **error)
{
  g_auto (GStrv) words = g_strsplit (text != NULL ? text : "host", ",", -1);
  gboolean any_off = FALSE;
  gboolean ok;

  g_assert (sv_x86_n_feature_words <= SV_X86_MAX_FEATURE_WORDS);
  *self = (SvX86CpuModel){ .pmu = TRUE, .kvm = TRUE };
  ok = parse_model (self, words[0] != NULL ? words[0] : "", error);
  for (guint i = 1; ok && words[i] != NULL; i++)
    ok = parse_switch (self, words[i], error);
  if (!ok)
    {
      g_prefix_error (error, "CPU '%s': ", text);
      return FALSE;
    }
  for (guint word = 0; word < sv_x86_n_feature_words; word++)
    any_off |= self->off[word] != 0;
  if (any_off)
    switch_dependents_off (self);
  return TRUE;
}

/**
 * sv_x86_cpu_model_dup_help: (skip)
 *
 * Returns: (transfer full): models and features, a text of several lines
 */
char *
sv_x86_cpu_model_dup_help (void)
{
  GString *text = g_string_new ("Available CPUs:\n");
  guint column = 0;

  for (guint i = 0; i < G_N_ELEMENTS (models); i++)
    g_string_append_printf (text, "  %-6s %s\n", models[i].name, models[i].description);
  g_string_append (text, "\nFeatures, for +FEATURE, -FEATURE and FEATURE=on|off:\n");
  for (guint word = 0; word < sv_x86_n_feature_words; word++)
    for (guint bit = 0; bit < 32; bit++)
      {
        const char *name = sv_x86_feature_words[word].names[bit];

        if (name == NULL)
          continue;
        if (column + strlen (name) > 76)
          column = 0;
        g_string_append_printf (text, "%s%s", column == 0 ? (text->str[text->len - 1] == '\n' ? "  " : "\n  ") : " ",
                                name);
        column += strlen (name) + 1;
      }
  g_string_append_c (text, '\n');
  return g_string_free (text, FALSE);
}
