/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  SV_X86_EAX,
  SV_X86_EBX,
  SV_X86_ECX,
  SV_X86_EDX,
} SvX86Register;

/* 32 features: the bits of a register that CPUID leaves there. */
typedef struct
{
  guint32 function;
  guint32 index;
  SvX86Register reg;
  const char *names[32]; /* NULL: no name */
} SvX86FeatureWord;

extern const SvX86FeatureWord sv_x86_feature_words[];
extern const guint sv_x86_n_feature_words;

/* Where a feature is: a word and a bit in it. */
typedef struct
{
  guint8 word;
  guint8 bit;
} SvX86Feature;

/* By QEMU's names; '_' is '-'. */
gboolean sv_x86_feature_find (const char *name, SvX86Feature *feature);
/* The nearest name as ` (did you mean 'x'?)`, or an empty string. (transfer full) */
char *sv_x86_feature_dup_hint (const char *name);

G_END_DECLS
